#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description="examples/paper: the model's figures for the paper's workflows"

. "$(dirname "$0")/lib.sh"

PAPER=$top_srcdir/examples/paper
awk '!/^#/' "$PAPER/figures.tsv" >figures

# model FILE: the JSON for 16 nodes of Summit, in out
model ()
{
    "$top_builddir/helpers/async-workflow" model "$1" --nodes 16 --cpus 168 --gpus 6 --json >out
}

# value KEY: of one line of the JSON that stands in out.
value () { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" out; }

# near KEY FIGURE BY
near ()
{
    value "$1" | awk -v want="$2" -v by="$3" '
        { d = $1 - want; found = 1; if (d < 0) d = -d; exit !(d <= by + 1e-9) }
        END { if (!found) exit 1 }' || { echo "$1 is $(value "$1"), not $2"; false; }
}

# figure NAME MODE COLUMN
figure ()
{
    awk -v name="$1" -v mode="$2" -v c="$3" '$1 == name && $2 == mode { print $c }' figures
}

for name in c-dg1 c-dg2 ddmd; do
    test_expect_success "$name: degrees, t_seq, t_async, I" '
        model "$PAPER/$name.json" &&
        test "$(value doa_dep)" = $(figure $name asynchronous 3) &&
        test "$(value doa_res)" = $(figure $name asynchronous 4) &&
        test "$(value wla)" = $(figure $name asynchronous 5) &&
        near t_seq $(figure $name sequential 6) 0.1 &&
        near t_async $(figure $name asynchronous 6) 0.1
    '
done

test_expect_success 'I' '
    model "$PAPER/c-dg1.json" && near improvement 0.000 0.001 &&
    model "$PAPER/c-dg2.json" && near improvement 0.261 0.001 &&
    model "$PAPER/ddmd.json" && near improvement 0.217 0.001
'

test_expect_success 'ddmd: bounds and orders' '
    model "$PAPER/ddmd.json" &&
    near critical_path 1205.0 0.1 &&
    near area_bound 1134 0.5 &&
    test "$(value policy)" = "\"longest-path\"" &&
    value policies | grep "\"longest-path\": 1232.5, \"fifo\": 1267.5, \"sequential\": 1575"
'

test_expect_success 'ddmd: an edge to the whole set of simulations has the same figures' '
    sed "s/simulate\[i\]@-1/simulate@-1/" "$PAPER/ddmd.json" >whole.json &&
    ! cmp -s "$PAPER/ddmd.json" whole.json &&
    model whole.json &&
    near t_seq 1575.0 0.1 && near t_async 1232.5 0.1 && near improvement 0.217 0.001
'

test_expect_success 'ddmd-sequential: the same but for one edge, and nothing to gain' '
    sed "s/infer@-1/simulate[i]@-1/" "$PAPER/ddmd-sequential.json" >sequential.json &&
    test_cmp "$PAPER/ddmd.json" sequential.json &&
    model "$PAPER/ddmd-sequential.json" &&
    near t_seq 1575.0 0.1 && near t_async 1575.0 0.1
'

test_done
