/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts the options that a user gave to srun: what makes an allocation, what belongs to the pool
 * step, and what has no meaning for a workflow and is refused. One table, compared by a test with
 * what salloc and srun know.
 */
#ifndef AW_COORD_SLURM_SRUN_OPTIONS_H
#define AW_COORD_SLURM_SRUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/strings.h"

enum aw_srun_class {
    AW_SRUN_ALLOCATION, /* salloc has it; without use inside an allocation */
    AW_SRUN_NODES, /* salloc has it; inside an allocation it chooses nodes of it */
    AW_SRUN_BOTH, /* salloc has it, and the pool step wants it too */
    AW_SRUN_STEP, /* only srun has it; it makes sense for the pool step */
    AW_SRUN_NO_USE, /* only srun has it; without use for a pool, harmless */
    AW_SRUN_OURS, /* we look at it ourselves: --jobid, --job-name, --chdir, --test-only, --quiet */
    AW_SRUN_REFUSED,
};

enum aw_srun_argument { AW_SRUN_NO_ARGUMENT, AW_SRUN_REQUIRED, AW_SRUN_OPTIONAL };

struct aw_srun_option {
    const char *name; /* without "--" */
    char letter; /* '\0': none */
    enum aw_srun_argument argument;
    enum aw_srun_class class;
    const char *hint; /* of a refused one: why, and what to do instead */
};

/* The table, ended by a NULL name. */
const struct aw_srun_option *aw_srun_option_table (void);

/* The option of srun that WORD is, "--nodes", "--nodes=2" or "-N2"; NULL: none. */
const struct aw_srun_option *aw_srun_option_of (const char *word);

/* The user's line. The lists hold one option a string ("--nodes=2"), in the line's order. */
struct aw_srun_options {
    struct aw_strings allocation; /* for salloc; empty inside an allocation */
    struct aw_strings step; /* for the pool step's srun */
    struct aw_strings unused; /* names ("--time") of what was given and has no use; for a note */
    char *nodes; /* inside an allocation: --nodes, --nodelist, --exclude, --relative; or NULL */
    char *node_list;
    char *exclude;
    char *relative;
    char *job; /* --jobid, or NULL: then this is inside that allocation */
    char *name; /* --job-name, or NULL */
    char *directory; /* --chdir, or NULL: the default directory of tasks */
    bool test_only;
    bool quiet;
};

/* Sorts ARGV (NULL-terminated or NULL; options alone, as on srun's line behind its first word).
 * INSIDE: there is an allocation already; --jobid names one too. 0, or -1 with text that names the
 * option, what is wrong and what to do. Finish it in either case.
 */
int aw_srun_options_sort (struct aw_srun_options *options,
                          char *const *argv,
                          bool inside,
                          struct aw_error *err);

/* Frees what it holds, keeps errno. A zeroed one is fine. */
void aw_srun_options_finish (struct aw_srun_options *options);

#endif /* AW_COORD_SLURM_SRUN_OPTIONS_H */
