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
#include <time.h>

#include "coord/slurm/hostlist.h"
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

/* A value: a piece of scontrol's text. */
struct piece {
    const char *at;
    size_t len;
};

/* The value of KEY between FROM and END, up to the next blank; at == NULL where there is none. */
static struct piece find (const char *from, const char *end, const char *key)
{
    size_t len = strlen (key);
    struct piece value = { NULL, 0 };

    for (const char *p = from; p + len < end; p++) {
        if (p != from && !isspace ((unsigned char)p[-1]))
            continue;
        if (strncmp (p, key, len) == 0 && p[len] == '=') {
            value.at = p + len + 1;
            while (value.at + value.len < end && !isspace ((unsigned char)value.at[value.len]))
                value.len++;
            break;
        }
    }
    return value;
}

static bool is (struct piece value, const char *text)
{
    return value.at && value.len == strlen (text) && strncmp (value.at, text, value.len) == 0;
}

/* The record of job ID: from its "JobId=" to the next one's. */
static bool find_record (const char *text, const char *id, const char **from, const char **end)
{
    const char *p = text;
    size_t len = strlen (id);

    while (p) {
        const char *next;

        if (*p == '\n')
            p++;
        next = strstr (p, "\nJobId=");
        if (strncmp (p, "JobId=", 6) == 0 && strncmp (p + 6, id, len) == 0
            && isspace ((unsigned char)p[6 + len])) {
            *from = p;
            *end = next ? next : p + strlen (p);
            return true;
        }
        p = next;
    }
    return false;
}

/* "2026-11-22T10:03:58", UTC; anything else, such as "Unknown": no limit. */
static double parse_time (struct piece value)
{
    struct tm tm;
    char text[32];
    char *end;

    if (!value.at || value.len >= sizeof (text))
        return INFINITY;
    memcpy (text, value.at, value.len);
    text[value.len] = '\0';
    memset (&tm, 0, sizeof (tm));
    end = strptime (text, "%Y-%m-%dT%H:%M:%S", &tm);
    return end && !*end ? (double)timegm (&tm) : INFINITY;
}

double aw_slurm_time_parse (const char *text)
{
    return parse_time ((struct piece){ text, strcspn (text, " ") });
}

/* Megabytes, or with a unit where a release should write one. */
static uint64_t parse_memory (struct piece value)
{
    static const char units[] = "KMGTP";
    const char *unit;
    double number;
    char *end;

    if (!value.at || !isdigit ((unsigned char)*value.at))
        return 0;
    number = strtod (value.at, &end);
    unit = *end ? strchr (units, *end) : NULL;
    number *= exp2 (unit ? 10. * (double)(unit - units + 1) : 20.);
    return number < 0x1p63 ? (uint64_t)number : 0;
}

static int add_type (struct aw_slurm_node *node,
                     const char *name,
                     size_t len,
                     uint32_t n,
                     const struct aw_idset *ids)
{
    struct aw_slurm_gpus *type;

    if (aw_array_reserve (&node->types, &node->type_room, node->n_types + 1) < 0)
        return -1;
    type = &node->types[node->n_types];
    memset (type, 0, sizeof (*type));
    type->n = n;
    type->type = strndup (name, len);
    if (!type->type)
        return -1;
    node->n_types++;
    return aw_idset_copy (&type->ids, ids);
}

/* One of a GRES list: "gpu:4(IDX:0-3)", "gpu:a100:4(IDX:0-3)", "gpu:2(CNT:2)", "gpu:a100:1". Adds
 * up, as a node may have several types. Others (mps, shard, nic) are shares of a GPU or none.
 */
static int parse_gpu (struct aw_slurm_node *node, const char *at, size_t len)
{
    const char *paren = memchr (at, '(', len);
    size_t name_len = paren ? (size_t)(paren - at) : len;
    const char *count = at + name_len;
    struct aw_idset ids;
    char list[256];
    int rc = 0;

    if (name_len < 3 || strncmp (at, "gpu", 3) != 0 || (name_len > 3 && at[3] != ':'))
        return 0;
    while (count > at && isdigit ((unsigned char)count[-1]))
        count--;
    if (count == at + name_len || count[-1] != ':')
        return 0;
    aw_idset_init (&ids);
    if (paren && sscanf (paren, "(IDX:%255[0-9,-])", list) == 1 && aw_idset_parse (&ids, list) == 0)
        rc = aw_idset_add_all (&node->gpus, &ids);
    node->n_gpus += (uint32_t)strtoul (count, NULL, 10);
    if (rc == 0 && count - at > 5) /* "gpu:a100:4" */
        rc = add_type (node, at + 4, (size_t)(count - at - 5), (uint32_t)strtoul (count, NULL, 10),
                       &ids);
    aw_idset_finish (&ids);
    return rc;
}

/* Commas separate, but not those in parentheses. */
static int parse_gres (struct aw_slurm_node *node, struct piece value)
{
    size_t begin = 0;
    int depth = 0;

    for (size_t i = 0; value.at && i <= value.len; i++) {
        char c = i < value.len ? value.at[i] : ',';

        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if ((c == ',' && depth <= 0) || i == value.len) {
            if (parse_gpu (node, value.at + begin, i - begin) < 0)
                return -1;
            begin = i + 1;
        }
    }
    if (aw_idset_count (&node->gpus) != node->n_gpus)
        aw_idset_finish (&node->gpus);
    return 0;
}

static void finish_types (struct aw_slurm_node *node)
{
    for (uint32_t i = 0; i < node->n_types; i++) {
        free (node->types[i].type);
        aw_idset_finish (&node->types[i].ids);
    }
    free (node->types);
    node->types = NULL;
    node->n_types = node->type_room = 0;
}

void aw_slurm_node_finish (struct aw_slurm_node *node)
{
    int saved = errno;

    free (node->name);
    aw_idset_finish (&node->cpus);
    aw_idset_finish (&node->gpus);
    finish_types (node);
    memset (node, 0, sizeof (*node));
    errno = saved;
}

/* The members of a "Nodes=" line, the same for each of its nodes. */
static int parse_shape (struct aw_slurm_node *shape, const char *from, const char *end)
{
    struct piece cpus = find (from, end, "CPU_IDs");
    char *list = strndup (cpus.at ? cpus.at : "", cpus.len);
    int rc;

    memset (shape, 0, sizeof (*shape));
    if (!list)
        return -1;
    rc = aw_idset_parse (&shape->cpus, list);
    free (list);
    if (rc < 0)
        return -1;
    shape->mem = parse_memory (find (from, end, "Mem"));
    return parse_gres (shape, find (from, end, "GRES"));
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

        if (add_type (node, type->type, strlen (type->type), type->n, &type->ids) < 0)
            return -1;
    }
    return 0;
}

static int parse_nodes_line (struct aw_slurm_job *job,
                             const char *from,
                             const char *end,
                             struct aw_error *err)
{
    struct piece names = find (from, end, "Nodes");
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
        if (strncmp (from, "Nodes=", 6) == 0 && find (from, line_end, "CPU_IDs").at
            && parse_nodes_line (job, from, line_end, err) < 0)
            return -1;
        from = line_end + 1;
    }
    return 0;
}

static int check (const struct aw_slurm_job *job, struct piece count, struct aw_error *err)
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
        struct piece value = find (from, end, keys[i]);

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
    struct piece name = find (from, end, "JobName");
    struct piece state;
    struct piece list;

    if (!line_end)
        return aw_error_set (err, "job %s: scontrol's output is incomplete", job->id);
    if (name.at)
        name.len = (size_t)(line_end - name.at);
    state = find (line_end, end, "JobState");
    if (!is (state, "RUNNING"))
        return aw_error_set (err, "job %s is not running: its state is %.*s", job->id,
                             (int)state.len, state.at ? state.at : "");
    /* It stands before the name, which may hold anything. */
    job->is_het = find (from, name.at ? name.at : line_end, "HetJobId").at != NULL;
    list = find (line_end, end, "NodeList");
    job->name = strndup (name.at ? name.at : "", name.len);
    job->node_list = strndup (list.at ? list.at : "", list.len);
    if (!job->name || !job->node_list)
        return aw_error_set (err, "%s", strerror (errno));
    job->end_time = parse_time (find (line_end, end, "EndTime"));
    if (parse_nodes (job, line_end, end, err) < 0)
        return -1;
    job->has_gres = job->n_gpus > 0 || requests_gres (line_end, end);
    job->is_mixed = is_mixed (job);
    return check (job, find (line_end, end, "NumNodes"), err);
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

        finish_types (node);
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
    if (!find_record (text, id, &from, &end))
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

/* The value of KEY in TEXT, lines of "KEY   = value"; NULL: not there. */
static const char *config_value (const char *text, const char *key)
{
    size_t len = strlen (key);

    while (text && (strncmp (text, key, len) != 0 || (text[len] != ' ' && text[len] != '='))) {
        text = strchr (text, '\n');
        if (text)
            text++;
    }
    if (!text)
        return NULL;
    text += len;
    text += strspn (text, " ");
    if (*text++ != '=')
        return NULL;
    return text + strspn (text, " ");
}

/* "AuthInfo = ttl=10,socket=/run/site/munge": a site's own munged. */
static char *munge_socket (const char *text)
{
    static const char key[] = "socket=";
    const char *at = config_value (text, "AuthInfo");

    while (at && strncmp (at, key, strlen (key)) != 0) {
        at += strcspn (at, ",\n");
        at = *at == ',' ? at + 1 : NULL;
    }
    at = at ? at + strlen (key) : NULL;
    return at && *at == '/' ? strndup (at, strcspn (at, ",\n ")) : NULL;
}

void aw_slurm_config_parse (struct aw_slurm_job *job, const char *text)
{
    const char *ports = config_value (text, "SrunPortRange");
    unsigned first;
    unsigned last;

    job->port_first = 0;
    job->port_last = 0;
    free (job->munge_socket);
    job->munge_socket = munge_socket (text);
    if (!ports || sscanf (ports, "%u-%u", &first, &last) != 2)
        return;
    if (first == 0 || first > last || last > UINT16_MAX)
        return;
    job->port_first = (uint16_t)first;
    job->port_last = (uint16_t)last;
}

static int compare_names (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/* The nodes in LIST have THREADS a core. */
static void set_threads (struct aw_slurm_job *job, const char *list, uint32_t threads)
{
    struct aw_strings names = { 0 };

    if (aw_hostlist_expand (&names, list, NULL) == 0) {
        qsort (names.v, names.n, sizeof (*names.v), compare_names);
        for (uint32_t i = 0; i < job->n_nodes; i++)
            if (bsearch (&job->nodes[i].name, names.v, names.n, sizeof (*names.v), compare_names))
                job->nodes[i].threads_per_core = threads;
    }
    aw_strings_finish (&names);
}

void aw_slurm_threads_parse (struct aw_slurm_job *job, const char *text)
{
    while (*text) {
        size_t len = strcspn (text, "\n");
        const char *bar = memchr (text, '|', len);
        char *list = bar ? strndup (text, (size_t)(bar - text)) : NULL;

        if (list && bar[1] >= '1' && bar[1] <= '9')
            set_threads (job, list, (uint32_t)strtoul (bar + 1, NULL, 10));
        free (list);
        text += len + (text[len] == '\n');
    }
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
    int rc = -1;

    memset (job, 0, sizeof (*job));
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
