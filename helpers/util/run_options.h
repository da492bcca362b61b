/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a run, in one table. The command line of `async-workflow run`, its --help, the
 * variables ASYNC_WORKFLOW_* and srun's options --async-workflow-* are made from it. Tests compare
 * the manuals with it.
 */
#ifndef AW_UTIL_RUN_OPTIONS_H
#define AW_UTIL_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/strings.h"

enum aw_option {
    AW_OPTION_FILE, /* an argument of `run` without a name; srun has it as --async-workflow */
    AW_OPTION_MODE,
    AW_OPTION_POLICY,
    AW_OPTION_PLAN_TIME,
    AW_OPTION_PLAN_EVALUATIONS,
    AW_OPTION_DIR,
    AW_OPTION_RESUME,
    AW_OPTION_PARAM,
    AW_OPTION_DURATIONS,
    AW_OPTION_NEW_VALUES,
    AW_OPTION_PROGRESS,
    AW_OPTION_GRACE,
    AW_OPTION_TIME_LIMIT,
    AW_OPTION_NODE_TIMEOUT,
    AW_OPTION_CONNECT_TIMEOUT,
    AW_OPTION_MIN_NODES,
    AW_OPTION_MAX_STEPS,
    AW_OPTION_BACKLOG,
    AW_OPTION_SCRATCH,
    AW_OPTION_SCRATCH_SIZE,
    AW_OPTION_STAGE_STREAMS,
    AW_OPTION_DURABILITY,
    AW_OPTION_LOGS,
    AW_OPTION_LOCAL, /* from here on: options of `run` alone, which srun does not have */
    AW_OPTION_CPUS,
    AW_OPTION_GPUS,
    AW_OPTION_TEST_ONLY,
    AW_OPTION_COUNT,
    AW_OPTION_SRUN_COUNT = AW_OPTION_LOCAL,
};

/* What a value is, and the type of the member of aw_run_settings that holds it. */
enum aw_option_kind {
    AW_KIND_FLAG, /* bool: given or not, without a value */
    AW_KIND_PATH, /* const char *, borrowed: not empty */
    AW_KIND_ABSOLUTE_PATH, /* the same, from "/" */
    AW_KIND_CHOICE, /* int: the place among the choices, from 0 */
    AW_KIND_COUNT, /* uint32_t: from least to AW_OPTION_MOST */
    AW_KIND_SECONDS, /* double: least or more, most at the most */
    AW_KIND_TIMEOUT, /* double: 0 for never, or least or more */
    AW_KIND_BYTES, /* uint64_t: 1 or more */
    AW_KIND_LIST, /* struct aw_strings: a text each time that the option is given */
};

enum { AW_OPTION_MOST = 65536 };

/* Where a run takes place, what of it is run, and whether it is run at all. */
enum aw_setting {
    AW_IN_LOCAL = 1 << 0, /* --local */
    AW_IN_JOB = 1 << 1, /* in an allocation */
    AW_IN_SALLOC = 1 << 2, /* before salloc makes one, which passes the options on */
    AW_IN_RESUME = 1 << 3, /* --resume */
    AW_IN_TEST = 1 << 4, /* --test-only: values are checked, and used for the prediction */
    AW_IN_NEW = 1 << 5, /* a new run, without --resume */
};

/* The value of each option, else its default. */
struct aw_run_settings {
    const char *file, *dir, *resume, *scratch; /* borrowed; NULL: not given */
    int mode, policy, progress, durability, logs;
    double grace, time_limit, node_timeout,
        connect_timeout; /* seconds; time_limit INFINITY: none */
    uint64_t scratch_size; /* bytes; 0: not given */
    double plan_time; /* seconds; NAN: not given */
    double backlog; /* seconds */
    uint32_t plan_evaluations; /* 0: not given */
    uint32_t min_nodes; /* 0: not given */
    uint32_t max_steps, stage_streams;
    uint32_t cpus, gpus; /* 0: not given */
    bool local, test_only, new_values;
    struct aw_strings parameters; /* "name=value". Owned */
    struct aw_strings durations; /* directories of earlier runs. Owned */
};

struct aw_option_entry {
    const char *name; /* without "--"; NULL: an argument */
    const char *srun_name; /* srun's, without "--"; NULL: srun does not have it */
    const char *variable; /* of the environment; NULL: none */
    const char *argument; /* NULL: a flag */
    const char *choices; /* "a|b|c"; NULL: any value of its kind */
    const char *fallback; /* its default, as a user would write it; NULL: none */
    const char *otherwise; /* what --help shows for a default that is no such value, or NULL */
    enum aw_option_kind kind;
    size_t offset; /* of its member in aw_run_settings */
    double least; /* its smallest value */
    double most; /* its largest value, of AW_KIND_SECONDS; 0: there is none */
    unsigned settings; /* every aw_setting that honours it; in others it is refused */
    const char *help; /* sentences, the last one without its full stop */
};

extern const struct aw_option_entry aw_option_table[AW_OPTION_COUNT];

/* The place of TEXT among CHOICES ("a|b|c"), or -1. */
int aw_option_choice (const char *choices, const char *text);

#endif /* AW_UTIL_RUN_OPTIONS_H */
