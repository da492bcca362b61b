/* SPDX-License-Identifier: Apache-2.0 */
/* scontrol's text is read, not libslurm's structures: these change with every release, the text
 * does not. What is read is "KEY=value" after blanks or a line's begin, and lines of the kind
 *      Nodes=n[1-3] CPU_IDs=0-15 Mem=16000 GRES=gpu:a100:4(IDX:0-3)
 * whose values hold no blanks. JobName comes first and may hold anything, so the search begins
 * behind its line.
 */
#include "coord/slurm/slurm_job.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/hostlist.h"
#include "coord/slurm/slurm_site.h"
#include "coord/slurm/slurm_text.h"
#include "util/array.h"
#include "util/capture.h"
#include "util/strings.h"
#include "coord/slurm/slurm_program.h"

#define QUERY_SECONDS 60. /* scontrol itself gives up after MessageTimeout, most often 10 s */
#define QUERY_LIMIT (16 << 20)

extern char **environ;

const char *aw_slurm_job_id (void)
{
    const char *id = getenv ("SLURM_JOB_ID");

    if (!id || !*id)
        id = getenv ("SLURM_JOBID");
    return id && *id ? id : NULL;
}

const char *aw_slurm_step_id (const char *job)
{
    const unsigned long first_special = 4294967290;
    const char *mine = aw_slurm_job_id (), *id = getenv ("SLURM_STEP_ID");
    char *end;

    if (!mine || strcmp (mine, job) != 0 || !id || !isdigit ((unsigned char)*id))
        return NULL;
    return strtoul (id, &end, 10) < first_special && !*end ? id : NULL;
}

/* The members of a "Nodes=" line, the same for each of its nodes. */
static int parse_shape (struct aw_slurm_node *shape, const char *from, const char *end)
{
    struct aw_slurm_text cpus = aw_slurm_text_find (from, end, "CPU_IDs");
    char *list = strndup (cpus.at ? cpus.at : "", cpus.len);
    int rc;

    memset (shape, 0, sizeof (*shape));
    if (!list)
        return -1;
    rc = aw_idset_parse (&shape->cpus, list);
    free (list);
    if (rc < 0)
        return -1;
    shape->mem = aw_slurm_memory_parse (aw_slurm_text_find (from, end, "Mem"));
    return aw_slurm_node_add_gres (shape, aw_slurm_text_find (from, end, "GRES"));
}

/* Appends a node like SHAPE. -1 with errno. */
static int add_node (struct aw_slurm_job *job, const char *name, const struct aw_slurm_node *shape)
{
    struct aw_slurm_node *node;

    if (aw_array_reserve (&job->nodes, &job->node_room, job->n_nodes + 1) < 0)
        return -1;
    node = &job->nodes[job->n_nodes];
    memset (node, 0, sizeof (*node));
    node->name = strdup (name);
    if (!node->name)
        return -1;
    job->n_nodes++;
    node->mem = shape->mem;
    node->n_gpus = shape->n_gpus;
    job->n_cpus += aw_idset_count (&shape->cpus);
    job->n_gpus += shape->n_gpus;
    if (aw_idset_copy (&node->cpus, &shape->cpus) < 0
        || aw_idset_copy (&node->gpus, &shape->gpus) < 0)
        return -1;
    for (uint32_t i = 0; i < shape->n_types; i++) {
        const struct aw_slurm_gpus *type = &shape->types[i];

        if (aw_slurm_node_add_type (node, type->type, strlen (type->type), type->n, &type->ids) < 0)
            return -1;
    }
    return 0;
}

static int parse_nodes_line (struct aw_slurm_job *job,
                             const char *from,
                             const char *end,
                             struct aw_error *err)
{
    struct aw_slurm_text names = aw_slurm_text_find (from, end, "Nodes");
    char *list = strndup (names.at, names.len);
    struct aw_slurm_node shape;
    int rc;

    if (!list)
        return aw_error_set (err, "%s", strerror (errno));
    rc = parse_shape (&shape, from, end);
    if (rc < 0) {
        aw_error_set (err, "scontrol: \"%.*s\": cannot be understood", (int)(end - from), from);
    }
    else {
        struct aw_strings hosts = { 0 };
        struct aw_error why = { "" };

        rc = aw_hostlist_expand (&hosts, list, &why);
        if (rc < 0)
            aw_error_set (err, "scontrol: %s", why.text);
        for (size_t i = 0; rc == 0 && i < hosts.n; i++) {
            rc = add_node (job, hosts.v[i], &shape);
            if (rc < 0)
                aw_error_set (err, "%s", strerror (errno));
        }
        aw_strings_finish (&hosts);
    }
    aw_slurm_node_finish (&shape);
    free (list);
    return rc;
}

static int parse_nodes (struct aw_slurm_job *job,
                        const char *from,
                        const char *end,
                        struct aw_error *err)
{
    while (from < end) {
        const char *line_end = memchr (from, '\n', (size_t)(end - from));

        if (!line_end)
            line_end = end;
        while (from < line_end && *from == ' ')
            from++;
        if (strncmp (from, "Nodes=", 6) == 0 && aw_slurm_text_find (from, line_end, "CPU_IDs").at
            && parse_nodes_line (job, from, line_end, err) < 0)
            return -1;
        from = line_end + 1;
    }
    return 0;
}

static int check (const struct aw_slurm_job *job, struct aw_slurm_text count, struct aw_error *err)
{
    if (job->n_nodes == 0)
        return aw_error_set (err, "job %s: scontrol does not report its CPUs and GPUs by node",
                             job->id);
    if (count.at && strtoul (count.at, NULL, 10) != job->n_nodes)
        return aw_error_set (err, "job %s: scontrol reports %.*s nodes and describes %" PRIu32,
                             job->id, (int)count.len, count.at, job->n_nodes);
    return 0;
}

/* Do these words of the record speak of GPUs that were requested? "TresPerJob=gres:gpu:5". */
static bool requests_gres (const char *from, const char *end)
{
    static const char *const keys[] = { "TresPerJob", "TresPerNode", "TresPerSocket",
                                        "TresPerTask" };

    for (size_t i = 0; i < sizeof (keys) / sizeof (keys[0]); i++) {
        struct aw_slurm_text value = aw_slurm_text_find (from, end, keys[i]);

        if (value.at && memmem (value.at, value.len, "gpu", 3))
            return true;
    }
    return false;
}

static bool is_mixed (const struct aw_slurm_job *job)
{
    uint32_t with = 0;

    for (uint32_t i = 0; i < job->n_nodes; i++)
        with += job->nodes[i].n_gpus > 0;
    return with > 0 && with < job->n_nodes;
}

static int parse_record (struct aw_slurm_job *job,
                         const char *from,
                         const char *end,
                         struct aw_error *err)
{
    const char *line_end = memchr (from, '\n', (size_t)(end - from));
    struct aw_slurm_text name = aw_slurm_text_find (from, end, "JobName");
    struct aw_slurm_text state;
    struct aw_slurm_text list;

    if (!line_end)
        return aw_error_set (err, "job %s: scontrol's output is incomplete", job->id);
    if (name.at)
        name.len = (size_t)(line_end - name.at);
    state = aw_slurm_text_find (line_end, end, "JobState");
    if (!aw_slurm_text_is (state, "RUNNING"))
        return aw_error_set (err, "job %s is not running: its state is %.*s", job->id,
                             (int)state.len, state.at ? state.at : "");
    /* It stands before the name, which may hold anything. */
    job->is_het = aw_slurm_text_find (from, name.at ? name.at : line_end, "HetJobId").at != NULL;
    list = aw_slurm_text_find (line_end, end, "NodeList");
    job->name = strndup (name.at ? name.at : "", name.len);
    job->node_list = strndup (list.at ? list.at : "", list.len);
    if (!job->name || !job->node_list)
        return aw_error_set (err, "%s", strerror (errno));
    job->end_time = aw_slurm_text_time (aw_slurm_text_find (line_end, end, "EndTime"));
    if (parse_nodes (job, line_end, end, err) < 0)
        return -1;
    job->has_gres = job->n_gpus > 0 || requests_gres (line_end, end);
    job->is_mixed = is_mixed (job);
    return check (job, aw_slurm_text_find (line_end, end, "NumNodes"), err);
}

int aw_slurm_job_check (const struct aw_slurm_job *job, struct aw_error *err)
{
    if (!job->is_het)
        return 0;
    return aw_error_set (err,
                         "job %s is heterogeneous: a workflow cannot run in it: request the job "
                         "with one set of options, without \":\" or hetjob",
                         job->id);
}

void aw_slurm_job_drop_gpus (struct aw_slurm_job *job)
{
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        struct aw_slurm_node *node = &job->nodes[i];

        aw_slurm_node_drop_types (node);
        aw_idset_finish (&node->gpus);
        node->n_gpus = 0;
    }
    job->n_gpus = 0;
}

int aw_slurm_job_parse (struct aw_slurm_job *job,
                        const char *id,
                        const char *text,
                        struct aw_error *err)
{
    const char *from;
    const char *end;

    memset (job, 0, sizeof (*job));
    if (!id || !*id || !text) {
        errno = EINVAL;
        return aw_error_set (err, "no job id");
    }
    if (!aw_slurm_text_record (text, id, &from, &end))
        return aw_error_set (err, "job %s: scontrol does not know it", id);
    job->id = strdup (id);
    if (!job->id)
        return aw_error_set (err, "%s", strerror (errno));
    if (parse_record (job, from, end, err) < 0) {
        aw_slurm_job_finish (job);
        return -1;
    }
    return 0;
}

int aw_slurm_query_env (struct aw_strings *env, struct aw_error *err)
{
    aw_strings_init (env);
    aw_strings_add_all (env, environ);
    aw_strings_setenv (env, "TZ", "UTC0");
    aw_strings_setenv (env, "SLURM_TIME_FORMAT", "standard");
    return env->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}

int aw_slurm_job_query (struct aw_slurm_job *job, const char *id, struct aw_error *err)
{
    char *show_job[] = { aw_slurm_program ("scontrol"), "show", "job", "-d", (char *)id, NULL };
    char *show_config[] = { aw_slurm_program ("scontrol"), "show", "config", NULL };
    char *show_threads[] = { aw_slurm_program ("sinfo"), "--all", "--exact", "--noheader",
                             "--format=%N|%Z",           NULL };
    struct aw_capture captures[2] = { 0 };
    struct aw_capture threads = { 0 };
    struct aw_strings env;
    bool asked = false;
    char place[40];
    int rc = -1;

    memset (job, 0, sizeof (*job));
    snprintf (place, sizeof (place), "job %s", id ? id : "");
    if (!id || !*id || strspn (id, "0123456789") != strlen (id)) {
        errno = EINVAL;
        return aw_error_set (err, "\"%s\": not a job id", id ? id : "");
    }
    if (aw_slurm_query_env (&env, err) == 0) {
        /* Of use on shared nodes alone: without an answer tasks run unbound there. */
        asked = aw_capture_start (&threads, show_threads, env.v, QUERY_LIMIT, NULL) == 0;
        if (aw_capture_start (&captures[0], show_job, env.v, QUERY_LIMIT, err) == 0
            && aw_capture_start (&captures[1], show_config, env.v, QUERY_LIMIT, err) == 0
            && aw_capture_wait (captures, 2, QUERY_SECONDS, err) == 0)
            rc = aw_slurm_job_parse (job, id, captures[0].out, err);
        else
            aw_error_prefix (err, place);
    }
    if (rc == 0) {
        aw_slurm_config_parse (job, captures[1].out);
        if (asked && aw_capture_wait (&threads, 1, QUERY_SECONDS, NULL) == 0)
            aw_slurm_threads_parse (job, threads.out);
    }
    aw_capture_finish (&captures[0]);
    aw_capture_finish (&captures[1]);
    if (asked)
        aw_capture_finish (&threads);
    aw_strings_finish (&env);
    return rc;
}

void aw_slurm_job_finish (struct aw_slurm_job *job)
{
    int saved = errno;

    for (uint32_t i = 0; i < job->n_nodes; i++)
        aw_slurm_node_finish (&job->nodes[i]);
    free (job->nodes);
    free (job->id);
    free (job->name);
    free (job->node_list);
    free (job->munge_socket);
    memset (job, 0, sizeof (*job));
    errno = saved;
}
