# SPDX-License-Identifier: Apache-2.0
# Makes DeepDriveMD's workflow of three iterations with durations that are drawn, task by task, as the authors drew
# theirs: from normal distributions. awk -f edges.awk -v edges=E -v draws=D [-v factor=N] [-v seed=S]
#
# E says what a simulation waits for:
#   index    the simulation of its index in the previous iteration
#   set      all simulations of the previous iteration
#   barrier  also the learning (aggregate, train, infer) of the iteration before that one; and learning waits for the
#            previous learning: as the stages of their newest script (src/ddmd_async.py), of which each holds the
#            simulations of an iteration and the learning of the previous one
#   stages   as in the records of the run that they published: the simulations of the first two iterations are one
#            stage, and all else waits for the whole of it
# D is where the standard deviations come from: "records" of that run (0.005 s), or "script" (1/34 of the mean for a
# simulation, 1/34, 1/25 and 1/250 for the others). Durations are divided by the factor.
function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }

# The set NAME of iteration K, which waits for AFTER ("a", "b").
function put(name, k, after, count, cpus, gpus, mean, share,    i, deviation)
{
    deviation = draws == "script" ? mean * share : 0.005
    printf "%s    \"%s-%d\": { ", first++ ? ",\n" : "", name, k
    if (after != "")
        printf "\"after\": [%s], ", after
    printf "\"cpus\": %d, \"gpus\": %d, \"duration\": %.7g, \"spread\": %.7g,\n", cpus, gpus, mean / factor, \
        deviation / mean
    printf "      \"command\": [\"sleep\", \"{t}\"],\n      \"foreach\": { \"t\": ["
    for (i = 0; i < count; i++)
        printf "%s\"%.7g\"", i ? ", " : "", (mean + deviation * normal()) / factor
    printf "] } }"
}

# "NAME-K", where there is one; with others that stand before it.
function also(before, name, k)
{
    return k < 0 ? before : before (before == "" ? "" : ", ") "\"" name "-" k "\""
}

# What simulations of iteration K wait for.
function simulate_after(k)
{
    if (edges == "stages")
        return k < 2 ? "" : "\"simulate-0\", \"simulate-1\""
    if (edges == "index")
        return k == 0 ? "" : "\"simulate-" k - 1 "[i]\""
    return also(also("", "simulate", k - 1), edges == "barrier" ? "infer" : "-", edges == "barrier" ? k - 2 : -1)
}

# What the aggregation of iteration K waits for.
function aggregate_after(k)
{
    if (edges == "stages" && k < 2)
        return "\"simulate-0\", \"simulate-1\""
    return also(also("", "simulate", k), edges == "barrier" ? "infer" : "-", edges == "barrier" ? k - 1 : -1)
}

BEGIN {
    factor = factor ? factor : 1
    srand(seed ? seed : 1)
    printf "{\n  \"async-workflow\": 1,\n  \"name\": \"ddmd-%s\",\n  \"tasks\": {\n", edges
    for (k = 0; k < 3; k++) {
        put("simulate", k, simulate_after(k), 96, 4, 1, 340, 1 / 34)
        put("aggregate", k, aggregate_after(k), 16, 32, 0, 85, 1 / 34)
        put("train", k, "\"aggregate-" k "\"", 1, 4, 1, 62.5, 1 / 25)
        put("infer", k, "\"train-" k "\"", 96, 16, 1, 37.5, 1 / 250)
    }
    print "\n  }\n}"
}
