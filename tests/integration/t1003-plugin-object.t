#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='The plugin as an object: what it exports and what it needs'

. "$(dirname "$0")/lib.sh"

OBJECT=$top_builddir/plugin/.libs/async_workflow.so

test_expect_success 'it exports what Slurm looks up, and nothing more' '
    nm -D --defined-only "$OBJECT" | sed "s/.* //" | sort >actual &&
    cat >expected <<-END &&
	plugin_name
	plugin_type
	plugin_version
	slurm_spank_init
	slurm_spank_init_post_opt
	END
    test_cmp expected actual
'

test_expect_success 'it needs libc alone' '
    readelf -d "$OBJECT" | sed -n "s/.*(NEEDED).*\[\(.*\)\]/\1/p" >actual &&
    grep -q "^libc\." actual &&
    ! grep -v "^libc\." actual
'

test_expect_success 'of Slurm it calls what exists in every program that loads plugins' '
    nm -D --undefined-only "$OBJECT" | sed "s/.* //" | grep -i "slurm\|spank" >actual &&
    printf "%s\n" spank_context spank_option_register >expected &&
    test_cmp expected actual
'

test_expect_success 'the sample for plugstack.conf names the installed plugin by its full path' '
    root=$(mktemp -d) && # automake cannot install to a path with a blank
    make -s -C "$top_builddir/plugin" install DESTDIR="$root" >/dev/null &&
    sed "s/#.*//;/^$/d" "$(find "$root" -name async_workflow.conf)" >actual &&
    echo "optional $(find "$root" -name async_workflow.so | sed "s|^$root||")" >expected &&
    rm -rf "$root" &&
    test_cmp expected actual
'

test_done
