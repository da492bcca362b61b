/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/pool_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/hostlist.h"
#include "util/strings.h"

/* Which nodes stay, one a node of the job. */
struct choice {
    bool *stays;
    uint32_t n;
};

static uint32_t count (const struct choice *choice)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < choice->n; i++)
        n += choice->stays[i];
    return n;
}

/* Marks the nodes in LIST ("n1,n[3-4]") in MARKED. ALL: each must be one of the job's. */
static int mark (bool *marked,
                 const struct aw_slurm_job *job,
                 const char *option,
                 const char *list,
                 bool all,
                 struct aw_error *err)
{
    struct aw_strings names = { 0 };
    int rc = 0;

    if (strchr (list, '/'))
        return aw_error_set (err, "%s=%s: a file: inside an allocation give the nodes' names",
                             option, list);
    if (aw_hostlist_expand (&names, list, err) < 0)
        rc = aw_error_set (err, "%s=%s: not a list of nodes", option, list);
    for (size_t k = 0; rc == 0 && k < names.n; k++) {
        uint32_t i = 0;

        while (i < job->n_nodes && strcmp (job->nodes[i].name, names.v[k]) != 0)
            i++;
        if (i < job->n_nodes)
            marked[i] = true;
        else if (all)
            rc = aw_error_set (err, "%s=%s: %s is not a node of job %s, which has %s", option, list,
                               names.v[k], job->id, job->node_list);
    }
    aw_strings_finish (&names);
    return rc;
}

static int apply_lists (struct choice *choice,
                        const struct aw_slurm_job *job,
                        const struct aw_srun_options *options,
                        bool *required,
                        bool *excluded,
                        struct aw_error *err)
{
    if (options->node_list && mark (required, job, "--nodelist", options->node_list, true, err) < 0)
        return -1;
    if (options->exclude && mark (excluded, job, "--exclude", options->exclude, false, err) < 0)
        return -1;
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        if (required[i] && excluded[i])
            return aw_error_set (err, "%s is both in --nodelist and in --exclude",
                                 job->nodes[i].name);
        choice->stays[i] = !excluded[i];
    }
    return 0;
}

/* A number, or for --nodes "MIN-MAX", where as many as possible up to MAX are taken. */
static int parse_number (
    const char *option, const char *text, uint32_t *least, uint32_t *most, struct aw_error *err)
{
    unsigned long low;
    unsigned long high;
    char *end;

    errno = 0;
    low = high = strtoul (text, &end, 10);
    if (most && *end == '-' && end[1] >= '0' && end[1] <= '9')
        high = strtoul (end + 1, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || high > UINT32_MAX || low > high)
        return aw_error_set (err, "%s=%s: not a number%s", option, text, most ? " of nodes" : "");
    *least = (uint32_t)low;
    if (most)
        *most = (uint32_t)high;
    return 0;
}

static int apply_relative (struct choice *choice, const char *relative, struct aw_error *err)
{
    uint32_t first = 0;

    if (!relative)
        return 0;
    if (parse_number ("--relative", relative, &first, NULL, err) < 0)
        return -1;
    for (uint32_t i = 0; i < choice->n && i < first; i++)
        choice->stays[i] = false;
    return 0;
}

/* Takes nodes out from the end until MOST are left; required ones stay. */
static int apply_count (struct choice *choice,
                        const bool *required,
                        const struct aw_slurm_job *job,
                        const struct aw_srun_options *options,
                        struct aw_error *err)
{
    uint32_t have = count (choice);
    uint32_t least = 1;
    uint32_t most = have;

    if (options->nodes && parse_number ("--nodes", options->nodes, &least, &most, err) < 0)
        return -1;
    if (!options->nodes && options->node_list) {
        for (uint32_t i = 0; i < choice->n; i++)
            choice->stays[i] = choice->stays[i] && required[i];
        have = most = count (choice);
    }
    if (most == 0 || have < least || have == 0)
        return aw_error_set (err,
                             "%" PRIu32 " node%s asked for, but %" PRIu32 " of job %s's %" PRIu32
                             " %s available",
                             least, least == 1 ? " is" : "s are", have, job->id, job->n_nodes,
                             have == 1 ? "is" : "are");
    for (uint32_t i = choice->n; i-- > 0 && have > most;) {
        if (choice->stays[i] && !required[i]) {
            choice->stays[i] = false;
            have--;
        }
    }
    if (have > most)
        return aw_error_set (err, "--nodelist names more nodes than --nodes=%s", options->nodes);
    return 0;
}

/* Drops the nodes that are left out, and sums the totals again. */
static int reduce (struct aw_slurm_job *job, const struct choice *choice, struct aw_error *err)
{
    struct aw_strings names = { 0 };
    uint32_t n = 0;
    char *list;

    job->n_cpus = 0;
    job->n_gpus = 0;
    for (uint32_t i = 0; i < choice->n; i++) {
        if (!choice->stays[i]) {
            aw_slurm_node_finish (&job->nodes[i]);
            continue;
        }
        job->nodes[n] = job->nodes[i];
        job->n_cpus += aw_idset_count (&job->nodes[n].cpus);
        job->n_gpus += job->nodes[n].n_gpus;
        aw_strings_add (&names, job->nodes[n].name);
        n++;
    }
    job->is_part = n < job->n_nodes;
    job->n_nodes = n;
    list = names.failed ? NULL : aw_hostlist_join (&names, err);
    if (names.failed)
        aw_error_set (err, "%s", strerror (ENOMEM));
    aw_strings_finish (&names);
    if (!list)
        return -1;
    free (job->node_list);
    job->node_list = list;
    return 0;
}

int aw_pool_nodes_select (struct aw_slurm_job *job,
                          const struct aw_srun_options *options,
                          struct aw_error *err)
{
    bool *flags = calloc (3 * (size_t)job->n_nodes + 1, sizeof (*flags));
    struct choice choice = { flags, job->n_nodes };
    bool *required = flags + job->n_nodes;
    bool *excluded = required + job->n_nodes;
    int rc = -1;

    if (!flags)
        return aw_error_set (err, "%s", strerror (errno));
    if (apply_lists (&choice, job, options, required, excluded, err) == 0
        && apply_relative (&choice, options->relative, err) == 0
        && apply_count (&choice, required, job, options, err) == 0)
        rc = count (&choice) < job->n_nodes ? reduce (job, &choice, err) : 0;
    free (flags);
    return rc;
}
