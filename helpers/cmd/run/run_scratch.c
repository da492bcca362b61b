/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/staging/scratch.h"

/* The parent of scratch directories: by the user, the site, the system. */
static const char *base_of (const struct aw_run_args *args)
{
    static const char *const variables[] = { "SLURM_TMPDIR", "TMPDIR" };

    if (args->value.scratch)
        return args->value.scratch;
    for (size_t i = 0; i < sizeof (variables) / sizeof (variables[0]); i++) {
        const char *value = getenv (variables[i]);

        if (value && value[0] == '/')
            return value;
    }
    return "/tmp";
}

static int set_number (const char *name, uint64_t value)
{
    char text[24];

    if (value == 0)
        return unsetenv (name);
    snprintf (text, sizeof (text), "%" PRIu64, value);
    return setenv (name, text, 1);
}

int aw_run_scratch (const struct aw_run_args *args,
                    const struct aw_workflow *workflow,
                    const char *job,
                    char **path,
                    struct aw_error *err)
{
    *path = NULL;
    if (!aw_workflow_uses_scratch (workflow)
        && !args->value.scratch) /* tasks that are added may use it, too */
        return unsetenv (AW_SCRATCH_DIR);
    /* User, job and process: no other run has this name now. */
    if (asprintf (path, "%s/async-workflow-%u-%s-%ld", base_of (args), (unsigned)geteuid (),
                  job ? job : "local", (long)getpid ())
        < 0) {
        *path = NULL;
        return aw_error_set (err, "out of memory");
    }
    if (setenv (AW_SCRATCH_DIR, *path, 1) == 0
        && set_number (AW_SCRATCH_BYTES, args->value.scratch_size) == 0
        && set_number (AW_SCRATCH_STREAMS, args->value.stage_streams) == 0)
        return 0;
    free (*path);
    *path = NULL;
    return aw_error_set (err, "out of memory");
}

static bool shares_data (const struct aw_workflow *workflow)
{
    for (uint32_t set = 0; set < workflow->graph->n_sets; set++) {
        const struct aw_staging_recipe *in = &workflow->recipes[set].stage_in;

        for (size_t i = 0; i < in->n; i++)
            if (in->copies[i].shared)
                return true;
    }
    return false;
}

int aw_run_scratch_ports (const struct aw_workflow *workflow,
                          uint32_t n_nodes,
                          uint16_t first,
                          uint16_t last,
                          struct aw_error *err)
{
    char text[16];

    snprintf (text, sizeof (text), "%u-%u", first, last);
    if (n_nodes < 2 || !shares_data (workflow) ? unsetenv (AW_SCRATCH_PORTS) == 0
                                               : setenv (AW_SCRATCH_PORTS, text, 1) == 0)
        return 0;
    return aw_error_set (err, "out of memory");
}
