/* SPDX-License-Identifier: Apache-2.0 */
/* What the model says of a workflow, for people and for programs: the command `model` prints it;
 * the start of a run and --test-only print the short form.
 */
#ifndef AW_CMD_MODEL_MODEL_H
#define AW_CMD_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "model/predict.h"
#include "model/service_use.h"

struct aw_model_args {
    const char *file; /* borrowed from argv, as all texts here; the name of standard input */
    bool standard_input; /* the workflow comes from there */
    struct aw_strings parameters; /* --param; owned */
    const char *shape; /* file of node shapes, or NULL */
    struct aw_strings durations; /* directories of earlier runs; owned */
    /* from --nodes, --cpus, --gpus, --mem; cpus 0: none of them was given */
    struct aw_node_shape node;
    double latency; /* seconds */
    double spread; /* standard deviation over mean; NAN: not given */
    uint32_t seeds; /* 0: not given */
    double plan_time; /* seconds; NAN: not given */
    uint32_t plan_evaluations; /* 0: not given */
    bool json;
};

/* Parses argv (argv[0] is "async-workflow model"). Prints and exits as argp does. */
void aw_model_args_parse (struct aw_model_args *args, int argc, char **argv);

/* The allocation that the arguments name: the nodes given, or a file's, or else those of the job
 * around us. What is wrong goes to PROBLEMS. 0 or -1. finish ALLOCATION in any case.
 */
int aw_model_allocation (const struct aw_model_args *args,
                         struct aw_allocation *allocation,
                         struct aw_problems *problems);

/* Takes the mean durations of the runs in DIRS into GRAPH, for sets of the same name, in place of
 * what the file says; every finished task's into SAMPLES. So it does with the startup of workers.
 * Their allocations and numbers of tasks and iterations may be others. What is wrong goes to
 * PROBLEMS. 0 or -1.
 */
int aw_model_durations (struct aw_graph *graph,
                        const struct aw_strings *dirs,
                        struct aw_samples *samples,
                        struct aw_problems *problems);

/* "a", "a, b": DIRS, appended to OUT. */
void aw_model_put_names (const struct aw_strings *dirs, struct aw_textbuf *out);

/* Names all sets whose duration is not known. 0, or -1 where there is one. */
int aw_model_missing (const struct aw_graph *graph, const char *file, struct aw_problems *problems);

/* The time of a search for a plan. */
struct aw_model_watch {
    double begin, seconds; /* INFINITY: no limit */
};

/* OPTIONS limit a search, from now on, to SECONDS (NAN: not given; 0: there is none) and
 * EVALUATIONS (0: not given); where neither is given, to BUDGET seconds. They borrow WATCH.
 */
void aw_model_limit_search (struct aw_predict_options *options,
                            struct aw_model_watch *watch,
                            double seconds,
                            uint32_t evaluations,
                            double budget);

struct aw_model_page {
    const struct aw_workflow *workflow;
    const struct aw_allocation *allocation;
    const struct aw_prediction *prediction;
    double latency;
    const struct aw_strings *durations; /* runs that they come from; none: the file */
    const struct aw_spread *spread; /* of the intervals; NULL: there are none */
    const struct aw_service_times *services; /* by set; NULL: there are none */
};

/* The whole page, for people or as JSON. Append to OUT, whose `failed` is set if there is no
 * memory. */
void aw_model_text (const struct aw_model_page *page, struct aw_textbuf *out);
void aw_model_json (const struct aw_model_page *page, struct aw_textbuf *out);

/* Members of the JSON of `model` and `advise`, each on a line after another one: "NAME": and the
 * value; of key nothing but the former. What is not finite is null. */
void aw_model_json_key (struct aw_textbuf *out, const char *name);
void aw_model_json_number (struct aw_textbuf *out, const char *name, double value);
void aw_model_json_count (struct aw_textbuf *out, const char *name, uint64_t value);

/* Two lines: what the run will take, and the degrees. */
void aw_model_brief (const struct aw_model_page *page, struct aw_textbuf *out);

/* What intervals rest on: "as the file says", "as in the runs in a, b", "if ...". */
void aw_model_put_basis (const struct aw_spread *spread,
                         const struct aw_strings *durations,
                         struct aw_textbuf *out);

#endif /* AW_CMD_MODEL_MODEL_H */
