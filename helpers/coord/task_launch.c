/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/task_launch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/task_call.h"
#include "coord/task_script.h"
#include "io/journal/run_dir.h"
#include "io/workflow/submission.h"
#include "io/workflow/values.h"
#include "util/packet.h"

/* What each text of a recipe is filled in from. */
struct context {
    const struct aw_workflow *workflow;
    const struct aw_recipe *recipe;
    const struct aw_set *set;
    const struct aw_event *start;
    const char *run_dir;
    const char *scratch; /* the node's; "" where it has none */
    bool store;
    uint32_t port; /* of a service; 0: none */
};

static char *expand (const struct context *c, const char *template)
{
    struct aw_expanding how = { c->run_dir, c->scratch, c->port, AW_EXPAND_PLAIN };

    return aw_recipe_expand_on (template, c->workflow, c->start->task, &how);
}

static int fill_script (struct aw_launch *launch, const struct context *c, struct aw_error *err)
{
    struct aw_expanding how = { c->run_dir, c->scratch, c->port, AW_EXPAND_SHELL };
    char *text = aw_recipe_expand_on (c->recipe->script, c->workflow, c->start->task, &how);
    char *path = aw_run_dir_log (c->run_dir, c->workflow->graph, c->start->task, c->start->attempt,
                                 "script");
    int rc = -1;

    if (text && path)
        rc = aw_task_script (launch, text, path, c->recipe->shell, err);
    free (text);
    free (path);
    return rc;
}

static int fill_argv (struct aw_launch *launch, const struct context *c, struct aw_error *err)
{
    size_t n = 0;

    if (c->recipe->script)
        return fill_script (launch, c, err);
    while (c->recipe->command[n])
        n++;
    launch->argv = calloc (n + 1, sizeof (*launch->argv));
    for (size_t i = 0; launch->argv && i < n; i++)
        if (!(launch->argv[i] = expand (c, c->recipe->command[i])))
            return -1;
    return launch->argv ? 0 : -1;
}

/* BASE/PATH, or PATH if that is absolute. PATH is owned. */
static char *absolute (char *path, const char *base)
{
    char *joined = NULL;

    if (!path || path[0] == '/')
        return path;
    if (asprintf (&joined, "%s/%s", base, path) < 0)
        joined = NULL;
    free (path);
    return joined;
}

/* The path of a stream for which the file gives TEMPLATE, or NULL; NULL where it goes to the store.
 */
static int fill_stream (struct aw_launch *launch,
                        const struct context *c,
                        const char *template,
                        const char *suffix,
                        char **path)
{
    if (!template && c->store)
        return 0;
    *path = template ? absolute (expand (c, template), launch->directory)
                     : aw_run_dir_log (c->run_dir, c->workflow->graph, c->start->task,
                                       c->start->attempt, suffix);
    return *path ? 0 : -1;
}

static int fill_paths (struct aw_launch *launch, const struct context *c, const char *start_dir)
{
    const struct aw_recipe *r = c->recipe;

    launch->directory =
        r->directory ? absolute (expand (c, r->directory), start_dir) : strdup (start_dir);
    if (!launch->directory)
        return -1;
    launch->tidy = (r->out ? 0 : AW_TIDY_OUT) | (r->err ? 0 : AW_TIDY_ERR);
    if (fill_stream (launch, c, r->out, "out", &launch->out) < 0
        || fill_stream (launch, c, r->err, "err", &launch->err) < 0)
        return -1;
    if (launch->out && launch->err)
        return 0;
    launch->tidy = 0;
    launch->store = aw_run_dir_path (c->run_dir, AW_RUN_LOGS);
    return launch->store ? 0 : -1;
}

/* Appends NAME=VALUE; a VALUE of NULL means out of memory. Without printf, as all of a launch. */
static int add_variable (struct aw_launch *launch, size_t *n, const char *name, const char *value)
{
    size_t name_size = strlen (name), value_size;
    char *variable;

    if (!value)
        return -1; /* no memory for it */
    value_size = strlen (value);
    variable = malloc (name_size + value_size + 2);
    if (!variable)
        return -1;
    launch->env[(*n)++] = variable;
    memcpy (variable, name, name_size);
    variable[name_size] = '=';
    memcpy (variable + name_size + 1, value, value_size + 1);
    return 0;
}

static int add_number (struct aw_launch *launch, size_t *n, const char *name, uint32_t value)
{
    char digits[12], *text = digits + sizeof (digits) - 1;

    *text = '\0';
    do
        *--text = (char)('0' + value % 10);
    while (value /= 10);
    return add_variable (launch, n, name, text);
}

/* Where its tasks are calls. */
static int fill_call (struct aw_launch *launch,
                      const struct context *c,
                      const struct aw_task_places *places,
                      struct aw_error *err)
{
    char name[160];

    if (c->workflow->graph->workers)
        launch->mem = (uint32_t)((c->set->mem + (1 << 20) - 1) >> 20);
    if (!c->set->worker)
        return 0;
    launch->worker = aw_graph_task (c->workflow->graph, c->start->task).set + 1;
    aw_graph_task_name (c->workflow->graph, c->start->task, name, sizeof (name));
    launch->name = strdup (name);
    launch->call = aw_task_call (c->workflow, c->start, c->run_dir, c->scratch, places->services,
                                 places->n_services);
    if (launch->call && strlen (launch->call) > AW_CALL_MAX)
        return aw_error_set (err, "its call has %zu bytes: at most %d are possible",
                             strlen (launch->call), AW_CALL_MAX);
    return launch->call && launch->name ? 0 : -1;
}

/* The environment that the task was submitted with. */
static int fill_base (struct aw_launch *launch, const struct context *c)
{
    if (!c->recipe->base)
        return 0;
    if (asprintf (&launch->base, "%s/" AW_RUN_SUBMITTED "/%s", c->run_dir, c->recipe->base) < 0)
        launch->base = NULL;
    return launch->base ? 0 : -1;
}

/* The texts of its variables, each as it is. */
static int fill_values (struct aw_launch *launch,
                        size_t *n,
                        const struct context *c,
                        uint32_t index)
{
    const struct aw_values *values = c->recipe->values;
    char name[AW_VALUES_NAME_SIZE];

    for (uint32_t v = 0; values && v < aw_values_n_variables (values); v++) {
        aw_values_environment (values, v, name);
        if (add_variable (launch, n, name, aw_values_text (values, index, v)) < 0)
            return -1;
    }
    return 0;
}

/* The variables that the workflow gives. */
static int fill_own (struct aw_launch *launch, size_t *n, const struct context *c)
{
    int rc = 0;

    for (size_t i = 0; i < c->recipe->n_environment && rc == 0; i++) {
        const struct aw_variable *v = &c->recipe->environment[i];
        char *value = expand (c, v->value);

        rc = add_variable (launch, n, v->name, value);
        free (value);
    }
    return rc;
}

/* What is the same for all calls to a worker. */
static int fill_worker_env (struct aw_launch *launch, size_t *n, const struct context *c)
{
    if (add_variable (launch, n, "ASYNC_WORKFLOW_RUN", c->run_dir) < 0)
        return -1;
    return c->scratch[0] ? add_variable (launch, n, "ASYNC_WORKFLOW_SCRATCH", c->scratch) : 0;
}

/* Where the services are that the task uses: of each, host and port. */
static int fill_services (struct aw_launch *launch, size_t *n, const struct aw_task_places *places)
{
    for (uint32_t i = 0; i < places->n_services; i++) {
        const struct aw_task_service *service = &places->services[i];
        char name[AW_SERVICE_NAME_SIZE + 5];

        aw_service_variable (service->set, name);
        strcat (name, "_HOST");
        if (add_variable (launch, n, name, service->host) < 0)
            return -1;
        strcpy (name + strlen (name) - 5, "_PORT");
        if (service->port && add_number (launch, n, name, service->port) < 0)
            return -1;
    }
    return 0;
}

/* The workflow's own first, so that it cannot override the five that identify a task. */
static int fill_env (struct aw_launch *launch,
                     const struct context *c,
                     const struct aw_task_places *places)
{
    const struct aw_graph *graph = c->workflow->graph;
    struct aw_task at = aw_graph_task (graph, c->start->task);
    uint32_t n_values = c->recipe->values ? aw_values_n_variables (c->recipe->values) : 0;
    char name[160];
    size_t n = 0;

    launch->env = calloc (c->recipe->n_environment + n_values + 2 * (size_t)places->n_services + 9,
                          sizeof (*launch->env));
    if (!launch->env || fill_base (launch, c) < 0)
        return -1;
    aw_graph_task_name (graph, c->start->task, name, sizeof (name));
    if (fill_own (launch, &n, c) < 0)
        return -1;
    if (launch->worker)
        return fill_worker_env (launch, &n, c);
    if (fill_services (launch, &n, places) < 0
        || (c->port && add_number (launch, &n, "ASYNC_WORKFLOW_PORT", c->port) < 0)
        || fill_values (launch, &n, c, at.index) < 0
        || add_variable (launch, &n, "ASYNC_WORKFLOW_TASK", name) < 0
        || add_number (launch, &n, "ASYNC_WORKFLOW_INDEX", at.index) < 0
        || add_number (launch, &n, "ASYNC_WORKFLOW_ITERATION", at.iteration) < 0
        || add_number (launch, &n, "ASYNC_WORKFLOW_ATTEMPT", c->start->attempt) < 0
        || add_variable (launch, &n, "ASYNC_WORKFLOW_RUN", c->run_dir) < 0)
        return -1;
    if (c->set->submitted
        && add_number (launch, &n, AW_PACKET_ID, (uint32_t)aw_submitted_id (c->workflow, at.set))
               < 0)
        return -1;
    if (c->scratch[0])
        return add_variable (launch, &n, "ASYNC_WORKFLOW_SCRATCH", c->scratch);
    return 0;
}

/* The three texts of each copy. A relative path is in the task's directory at one end, and in the
 * scratch directory at the other. An absolute "from" or "to" is used as it is. */
static char **fill_copies (const struct context *c,
                           const struct aw_staging_recipe *staging,
                           const char *from_base,
                           const char *to_base)
{
    char **copies = calloc (3 * staging->n + 1, sizeof (*copies));

    for (size_t i = 0; copies && i < staging->n; i++) {
        const struct aw_copy_recipe *copy = &staging->copies[i];

        copies[3 * i] = absolute (expand (c, copy->from), from_base);
        copies[3 * i + 1] = copies[3 * i] ? absolute (expand (c, copy->to), to_base) : NULL;
        copies[3 * i + 2] = copies[3 * i + 1] ? strdup (copy->checksum ? "checksum" : "") : NULL;
        if (copies[3 * i + 2])
            continue;
        for (size_t k = 0; k < 3 * staging->n; k++)
            free (copies[k]);
        free (copies);
        return NULL;
    }
    return copies;
}

/* Copies that all tasks make may come from another node. */
static char **fill_peers (const struct aw_staging_recipe *staging)
{
    char **peers = calloc (staging->n + 1, sizeof (*peers));

    for (size_t i = 0; peers && i < staging->n; i++)
        if (!(peers[i] = strdup (staging->copies[i].shared ? AW_PEER_ANY : "")))
            return peers; /* those after it come from the file system */
    return peers;
}

static int fill_staging (struct aw_launch *launch, const struct context *c)
{
    const struct aw_recipe *r = c->recipe;
    struct aw_task at = aw_graph_task (c->workflow->graph, launch->task);
    bool stage = c->start->type == AW_EVENT_STAGE;

    launch->instance = aw_graph_instance (c->workflow->graph, at.iteration, at.set);
    launch->success = c->set->success;
    launch->release = r->stage_out.mode == AW_STAGING_ASYNC;
    if (stage || r->stage_in.mode == AW_STAGING_SYNC) {
        launch->stage_in = fill_copies (c, &r->stage_in, launch->directory, c->scratch);
        if (!launch->stage_in)
            return -1;
        if (launch->stage_in[0])
            launch->peers = fill_peers (&r->stage_in);
    }
    if (stage || r->stage_out.n == 0)
        return 0;
    launch->stage_out = fill_copies (c, &r->stage_out, c->scratch, launch->directory);
    return launch->stage_out ? 0 : -1;
}

/* When it is ready. */
static int fill_service (struct aw_launch *launch, const struct context *c)
{
    const struct aw_service_recipe *service = &c->recipe->service;

    launch->service = true;
    launch->port = c->port;
    launch->ready_timeout = service->timeout;
    launch->ready_topic = service->topic[0] ? strdup (service->topic) : NULL;
    return service->topic[0] && !launch->ready_topic ? -1 : 0;
}

/* The signal before the end for time: its own limit's, or the job's. */
static void set_notice (struct aw_launch *launch, const struct aw_set *set, double left)
{
    double end = fmin (set->time_limit, left);

    if (!set->checkpoint_signal || isinf (end))
        return;
    launch->notice = fmax (end - set->checkpoint_seconds, 0);
    launch->notice_signal = set->checkpoint_signal;
    launch->notice_cancels = left <= set->time_limit;
}

int aw_task_launch (struct aw_launch *launch,
                    const struct aw_workflow *workflow,
                    const struct aw_event *start,
                    const struct aw_task_places *places,
                    const struct aw_task_times *times,
                    struct aw_error *err)
{
    struct aw_task at = aw_graph_task (workflow->graph, start->task);
    struct context c = { workflow,
                         &workflow->recipes[at.set],
                         &workflow->graph->sets[at.set],
                         start,
                         places->run_dir,
                         "",
                         aw_set_is_stored (&workflow->graph->sets[at.set], places->store),
                         places->port };
    struct aw_error why = { "out of memory" };
    char *scratch = NULL;
    int rc;

    aw_launch_init (launch);
    launch->task = start->task;
    launch->attempt = start->attempt;
    launch->time_limit = c.set->time_limit;
    launch->grace = times->grace;
    set_notice (launch, c.set, times->left);
    launch->gpu_share = c.set->gpu_share;
    launch->durable = c.store && places->durable;
    launch->slurm_commands = c.recipe->slurm_commands;
    if (c.set->service && fill_service (launch, &c) < 0)
        return aw_error_set (err, "out of memory");
    if (places->scratch && asprintf (&scratch, "%s/%s", places->scratch, places->node) < 0)
        return aw_error_set (err, "out of memory");
    if (scratch)
        c.scratch = scratch;
    rc = fill_paths (launch, &c, places->start_dir);
    if (rc == 0)
        rc = fill_staging (launch, &c);
    if (rc == 0 && start->type != AW_EVENT_STAGE
        && (fill_call (launch, &c, places, &why) < 0 || fill_argv (launch, &c, &why) < 0
            || fill_env (launch, &c, places) < 0 || aw_idset_copy (&launch->cpus, &start->cpus) < 0
            || aw_idset_copy (&launch->gpus, &start->gpus) < 0))
        rc = -1;
    free (scratch);
    return rc < 0 ? aw_error_set (err, "%s", why.text) : 0;
}
