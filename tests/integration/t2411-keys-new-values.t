#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='run --resume --new-values with keys: a new sample runs through the pipeline, the others are left alone'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/integration/local.sh"

# Each task writes a line to `ran`. Sample q fails while there is no file `ready`.
cat >flow.json <<\END
{ "async-workflow": 1, "tasks": {
    "align": { "foreach": { "sample": { "lines": "samples" }, "chromosome": [1, 2] }, "on_failure": "skip",
               "script": "test {sample} != q -o -e ready && echo align {sample} {chromosome} >>\"{run}/ran\"" },
    "merge": { "foreach": { "sample": { "lines": "samples" } }, "after": ["align[sample]"],
               "script": "test $(grep -c \"^align {sample} \" \"{run}/ran\") = 2 && echo merge {sample} >>\"{run}/ran\"" },
    "all":   { "after": ["merge"], "script": "echo all >>\"{run}/ran\"" } } }
END

# ran DIR TEXT...: what ran since the last call, in any order
ran ()
{
    dir=$1
    shift
    printf "%s\n" "$@" | sort >expected && sort "$dir/ran" >actual && rm "$dir/ran" && test_cmp expected actual
}

printf "p\nq\n" >samples

test_expect_success 'sample q fails' '
    run 1 first --dir first flow.json && sort first/ran >lines && cat lines &&
    printf "align p 1\nalign p 2\nmerge p\n" >expected && test_cmp expected lines && cp -r first gone && cp -r first row
'

test_expect_success 'a new sample runs through, what failed runs again, and what is done stays' '
    touch ready && printf "s\nq\np\n" >samples && mv first/ran first/before &&
    run 0 new --resume first --new-values && replay first >replayed &&
    ran first "align q 1" "align q 2" "align s 1" "align s 2" "merge q" "merge s" all &&
    grep -q "tasks.merge: 1 task of new values" new.err
'

test_expect_success 'a sample that has gone makes no other one run again' '
    printf "s\np\n" >samples && run 0 less --resume first --new-values && replay first >replayed &&
    ran first all && grep -q "tasks.merge: 1 task is not wanted" less.err
'

test_expect_success 'it comes back: it was done' '
    printf "s\np\nq\n" >samples && run 0 back --resume first --new-values && replay first >replayed && ran first all
'

test_expect_success 'a sample that never was done, and has gone, is not waited for' '
    printf "p\n" >samples && rm gone/ran && run 0 gone --resume gone --new-values && replay gone >replayed &&
    ran gone all
'

test_expect_success 'a key that only one source has got is an error, and changes nothing' '
    sed "0,/\"lines\": \"samples\"/s//\"lines\": \"others\"/" flow.json >two.json && printf "p\nq\n" | tee samples >others &&
    run 0 two --dir two two.json && printf "p\nq\nu\n" >samples && cp -r two kept && run 2 two --resume two --new-values &&
    grep -q "tasks.merge.after\[0\]: \[sample\]: align has no task with sample=u, which merge has" two.err &&
    cmp kept/values.jsonl two/values.jsonl && run 0 two --resume two && grep -q "nothing to run" two.err
'

test_expect_success 'a new predecessor of an old key: what waits for it runs again' '
    printf "p\nq\n" >samples && mv row/ran row/before && cat row/before && sed "s/= 2/-ge 1/; s/\[1, 2\]/{ \"lines\": \"chromosomes\" }/" flow.json >row.json &&
    printf "1\n" >chromosomes && run 0 row --dir rows row.json && rm rows/ran && printf "1\nX\n" >chromosomes &&
    run 0 row --resume rows --new-values && replay rows >replayed &&
    ran rows "align p X" "align q X" "merge p" "merge q" all
'

test_done
