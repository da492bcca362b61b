/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run/run_directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/run/run_salloc.h"
#include "io/problems.h"

bool aw_run_directory_is_here (const struct aw_slurm_job *job)
{
    const char *name = getenv ("SLURMD_NODENAME");

    for (uint32_t i = 0; name && i < job->n_nodes; i++)
        if (strcmp (job->nodes[i].name, name) == 0)
            return true;
    return false;
}

/* Not if each set has an absolute directory of its own, which may begin with a placeholder. */
static bool is_used (const struct aw_workflow *workflow)
{
    for (uint32_t i = 0; i < workflow->graph->n_sets; i++) {
        const char *directory = workflow->recipes[i].directory;

        if (!directory || !strchr ("/{", *directory))
            return true;
    }
    return false;
}

static int enter (const char *path)
{
    struct stat st;

    if (stat (path, &st) == 0 && !S_ISDIR (st.st_mode))
        errno = ENOTDIR;
    else if (access (path, X_OK) == 0)
        return 0;
    return -1;
}

int aw_run_directory_check (const struct aw_workflow *workflow,
                            const char *given,
                            const char *earlier,
                            bool here,
                            struct aw_error *err)
{
    const char *path = given ? given : earlier, *option = given ? "--chdir=" : "";
    struct aw_problems problems;

    if (!path || !is_used (workflow) || enter (path) == 0)
        return 0;
    if (here)
        return aw_error_set (err, "%s%s: %s: tasks run there: %s", option, path, strerror (errno),
                             given ? "give a directory that exists" : "restore the directory");
    aw_problems_init (&problems);
    aw_problems_add (&problems, true, "%s%s: %s on this host: tasks need it on their nodes", option,
                     path, strerror (errno));
    aw_run_salloc_print (&problems);
    aw_problems_finish (&problems);
    return 0;
}
