/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts the options that a user gave to srun: what makes an allocation, what belongs to the pool step, and what has no
 * meaning for a workflow and is refused. One table, compared by a test with what salloc and srun know.
 */
#ifndef AW_COORD_SRUN_OPTIONS_H
#define AW_COORD_SRUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/strings.h"

enum aw_srun_class {
    AW_SRUN_ALLOCATION, /* salloc has it; no use inside an allocation */
    AW_SRUN_NODES, /* salloc has it; inside an allocation it chooses nodes of it */
    AW_SRUN_STEP, /* only srun has it; makes sense for the pool step */
    AW_SRUN_BOTH, /* salloc has it, and the step wants it too: --verbose, --quiet, --chdir */
    AW_SRUN_JOB, /* --jobid: another job than the environment's */
    AW_SRUN_NAME, /* --job-name */
    AW_SRUN_TEST_ONLY,
    AW_SRUN_DROPPED, /* only srun has it, and the pool step says the same or has no use for it: silently left out */
    AW_SRUN_REFUSED,
};

enum aw_srun_argument { AW_SRUN_NO_ARGUMENT, AW_SRUN_REQUIRED, AW_SRUN_OPTIONAL };

struct aw_srun_option {
    const char *name; /* without "--" */
    char letter; /* '\0': none */
    enum aw_srun_argument argument;
    enum aw_srun_class class;
    const char *hint; /* why it is refused and what to do instead */
};

/* The table, ended by a NULL name. */
const struct aw_srun_option *aw_srun_option_table (void);

struct aw_srun_options {
    struct aw_strings allocation; /* for salloc: "--name=value" each */
    struct aw_strings step; /* for the pool step's srun */
    struct aw_strings unused; /* inside an allocation: names of options without use there */
    char *job; /* --jobid, or NULL */
    char *name; /* --job-name, or NULL */
    bool test_only;
    bool quiet;
};

/* Sorts ARGV (NULL-terminated; options alone, as they stood on srun's line without its first word). INSIDE: there is an
 * allocation already. 0; or -1 with text that names the option, what is wrong with it and what to do.
 */
int aw_srun_options_sort (struct aw_srun_options *options,
                          char *const *argv,
                          bool inside,
                          struct aw_error *err);

/* Frees what it holds, keeps errno. A zeroed one is fine. */
void aw_srun_options_finish (struct aw_srun_options *options);

#endif /* AW_COORD_SRUN_OPTIONS_H */
