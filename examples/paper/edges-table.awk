# SPDX-License-Identifier: Apache-2.0
# The table of examples/paper/run --only edges. Input, by tabs, a line for each workflow: edges, model with durations
# that are exact, median of the model with drawn ones, run (wall seconds), model with 7 s for each wait, authors, and low
# and high of the model with the durations of the authors' script. Variable: factor (the paper's seconds in a wall
# second). Times are in the paper's seconds.
BEGIN {
    FS = "\t"
    print "DeepDriveMD with the durations of the authors' run, in the paper's seconds, by what simulations wait for:"
    print ""
    row("edges", "model, exact", "model, drawn", "this run", "/ drawn", "model + 7 s", "authors", "script's durations, 90%")
    row("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
}

function row(edges, exact, drawn, run, of, waits, authors, script)
{
    printf "| %-8s | %12s | %12s | %8s | %7s | %11s | %7s | %23s |\n", edges, exact, drawn, run, of, waits, authors, \
        script
}

{
    row($1, sprintf("%.1f", $2), sprintf("%.1f", $3), sprintf("%.1f", $4 * factor), sprintf("%.4f", $4 * factor / $3), \
        sprintf("%.1f", $5), $6 == "" ? "" : sprintf("%.1f", $6), sprintf("%.0f to %.0f", $7, $8))
}

END {
    print ""
    print "Like for like is the last row: the authors' run had these stages. The other rows are other workflows."
}
