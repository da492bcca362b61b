# SPDX-License-Identifier: Apache-2.0
# The table of examples/paper/run, of each workflow first the sequential run. Input, by tabs:
# workflow, mode, model (the paper's seconds), run (wall seconds), authors. Variables: factor (the
# paper's seconds in a wall second), limit (of run / model), loss (of I, below the model's). Fails
# where a figure is beyond its limit.
BEGIN {
    FS = "\t"
    print "In the paper's seconds, from the first start to the last stop:"
    print ""
    row("workflow", "mode", "model", "this run", "/ model", "authors", "I model", "this run", \
        "authors", "wall s beyond")
    row("---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
}

function row(name, mode, model, run, of, authors, i_model, i_run, i_authors, beyond)
{
    printf "| %-8s | %-12s | %7s | %8s | %7s | %7s | %7s | %8s | %7s | %13s |\n", name, mode, \
        model, run, of, authors, i_model, i_run, i_authors, beyond
}

# The relative improvement.
function gain(async, seq) { return sprintf("%.3f", 1 - async / seq) }

function complain(text) { wrong = wrong text "\n" }

{
    of = $4 * factor / $3
    if ($2 == "sequential") {
        split($0, seq)
        i_model = i_run = i_authors = ""
    } else {
        i_model = gain($3, seq[3])
        i_run = gain($4, seq[4])
        i_authors = gain($5, seq[5])
        if (i_run + 0 < i_model - loss)
            complain(sprintf("%s: I is %s, more than %g below the model's", $1, i_run, loss))
    }
    if (of > limit)
        complain(sprintf("%s %s: %.4f times the model, more than %g", $1, $2, of, limit))
    row($1, $2, sprintf("%.1f", $3), sprintf("%.1f", $4 * factor), sprintf("%.4f", of), \
        sprintf("%.1f", $5), i_model, i_run, i_authors, sprintf("%.3f", $4 - $3 / factor))
}

END {
    if (wrong != "")
        printf "\nBeyond the limits:\n%s", wrong
    exit wrong != ""
}
