#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the agent: a wrong command line ends it with status 2 and one line that says what is wrong'

. "$(dirname "$0")/lib.sh"

AGENT=$top_builddir/helpers/async-workflow-agent

# refused TEXT ARGUMENT...: exit status 2, and a line with TEXT
refused ()
{
    text=$1
    shift
    test_expect_code 2 "$AGENT" "$@" >out 2>err && ! test -s out && grep -qF -- "$text" err || { cat out err; return 1; }
}

test_expect_success 'an address that is none' '
    for address in "" host host: :5000 host:0 host:65536 host:5000x host:-1 "host: 5"; do
        refused "\"$address\" is not HOST[,HOST...]:PORT" --coordinator "$address" || return 1
    done
'

test_expect_success 'no address, a further word, an unknown option' '
    refused "--coordinator is missing: this program is started by async-workflow" &&
    refused "unexpected argument \"more\"" --coordinator host:5000 more &&
    refused "unrecognized option" --coordinators
'

test_done
