/* SPDX-License-Identifier: Apache-2.0 */
/* advise F: how many nodes to ask Slurm for. What there is comes from sinfo or the command line
 * (advise_offer.c), what each number of nodes would take from the model (model/sweep.h); told as
 * text, as JSON, and as a batch script.
 */
#ifndef AW_CMD_MODEL_ADVISE_H
#define AW_CMD_MODEL_ADVISE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "model/ensemble.h"
#include "model/sweep.h"

struct aw_advise_args {
    const char *file; /* borrowed from argv, as all texts here; the name of standard input */
    bool standard_input; /* the workflow comes from there */
    struct aw_strings parameters; /* --param; owned */
    const char *partition; /* NULL: the default one */
    struct aw_strings durations; /* directories of earlier runs; owned */
    const char *policy; /* NULL: the best for each number of nodes */
    const char *script; /* file to write, or NULL */
    struct aw_node_shape node; /* as given; cpus 0: Slurm is asked */
    uint32_t max_nodes; /* 0: all that are there, or of use */
    uint32_t nodes; /* for the script; 0: those of the knee */
    double latency; /* seconds */
    double spread; /* standard deviation of durations over their mean; NAN: not given */
    double margin; /* of the time limit, over the makespan; NAN: not given */
    double time; /* the time limit in seconds; NAN: not given */
    double budget; /* seconds for the simulations */
    double plan_time; /* seconds; NAN: not given */
    uint32_t plan_evaluations; /* 0: not given */
    bool force; /* overwrite the script */
    bool json;
};

/* Parses argv (argv[0] is "async-workflow advise"). Prints and exits as argp does. */
void aw_advise_args_parse (struct aw_advise_args *args, int argc, char **argv);

/* Kinds of nodes to choose from. */
struct aw_offer {
    struct aw_node_shape *kinds; /* each with how many of them there are; owned */
    uint32_t n_kinds, room;
    char partition[128]; /* "": not from Slurm */
    uint32_t job_nodes; /* the most that a job may have; 0: no known limit */
    double job_seconds; /* the time limit of jobs; INFINITY: no known limit */
};

/* The node given by ARGS, or what the partition has, by sinfo. What is wrong goes to
 * PROBLEMS. 0 or -1. finish in any case.
 */
int aw_offer_init (struct aw_offer *offer,
                   const struct aw_advise_args *args,
                   struct aw_problems *problems);
void aw_offer_finish (struct aw_offer *offer);

struct aw_advice {
    const struct aw_advise_args *args;
    const struct aw_workflow *workflow;
    const struct aw_offer *offer;
    struct aw_node_shape node; /* the kind chosen; nodes: how many there are of it, 0: not known */
    uint32_t useful; /* nodes beyond which none is of use */
    struct aw_sweep sweep;
    const struct aw_sweep_row *chosen; /* for the script; of the sweep */
    struct aw_spread spread; /* what is known of durations; owned */
    struct aw_found_plan plan; /* on the chosen nodes, as a run searches for it; owned */
    double makespan; /* there: by the plan if there is one, else as the table has it */
    struct aw_ensemble runs; /* in that order; owned */
    uint32_t minutes; /* its time limit */
};

/* Fills plan, makespan, spread, runs and minutes. SAMPLES must outlive ADVICE. 0, or -1 with text;
 * the caller finishes plan, spread and runs in any case.
 */
int aw_advise_limit (struct aw_advice *advice,
                     const struct aw_samples *samples,
                     struct aw_error *err);

/* "a plan", or the name of the table's order. */
const char *aw_advise_order (const struct aw_advice *advice);

/* "99% of runs and 30 s": where the time limit comes from. */
void aw_advise_put_limit (const struct aw_advice *advice, struct aw_textbuf *out);

/* The probability that the run ends within the time limit; NAN: not known. */
double aw_advise_fits (const struct aw_advice *advice);

/* Appended to OUT, whose `failed` is set if there is no memory. */
void aw_advise_text (const struct aw_advice *advice, struct aw_textbuf *out);
void aw_advise_json (const struct aw_advice *advice, struct aw_textbuf *out);
void aw_advise_script (const struct aw_advice *advice, struct aw_textbuf *out);

/* Writes TEXT to the new file PATH, executable; with FORCE in place of what is there. 0, or -1 with
 * text. */
int aw_advise_write (const struct aw_textbuf *text,
                     const char *path,
                     bool force,
                     struct aw_error *err);

#endif /* AW_CMD_MODEL_ADVISE_H */
