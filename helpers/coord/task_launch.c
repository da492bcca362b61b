/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/task_launch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/task_call.h"
#include "coord/task_script.h"
#include "io/journal/run_dir.h"
#include "io/textbuf.h"
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

/* Appends TEXT, which is owned, and its NUL; NULL: there was no memory for it. */
static void add_text (struct aw_textbuf *texts, char *text)
{
    if (text)
        aw_textbuf_put (texts, text, strlen (text) + 1);
    else
        texts->failed = true;
    free (text);
}

/* Makes *VECTOR of the texts, and frees them. 0, or -1: out of memory. */
static int end_texts (struct aw_textbuf *texts, char ***vector)
{
    *vector = aw_textbuf_vector (texts);
    return *vector ? 0 : -1;
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
    struct aw_textbuf words = { 0 };

    if (c->recipe->script)
        return fill_script (launch, c, err);
    for (char *const *word = c->recipe->command; *word; word++)
        add_text (&words, expand (c, *word));
    return end_texts (&words, &launch->argv);
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
static void add_variable (struct aw_textbuf *env, const char *name, const char *value)
{
    aw_textbuf_puts (env, name);
    aw_textbuf_putc (env, '=');
    if (value)
        aw_textbuf_put (env, value, strlen (value) + 1);
    else
        env->failed = true;
}

static void add_number (struct aw_textbuf *env, const char *name, uint32_t value)
{
    aw_textbuf_puts (env, name);
    aw_textbuf_putc (env, '=');
    aw_textbuf_u64 (env, value);
    aw_textbuf_putc (env, '\0');
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
static void fill_values (struct aw_textbuf *env, const struct context *c, uint32_t index)
{
    const struct aw_values *values = c->recipe->values;
    char name[AW_VALUES_NAME_SIZE];

    for (uint32_t v = 0; values && v < aw_values_n_variables (values); v++) {
        aw_values_environment (values, v, name);
        add_variable (env, name, aw_values_text (values, index, v));
    }
}

/* The variables that the workflow gives. */
static void fill_own (struct aw_textbuf *env, const struct context *c)
{
    for (size_t i = 0; i < c->recipe->n_environment; i++) {
        const struct aw_variable *v = &c->recipe->environment[i];
        char *value = expand (c, v->value);

        add_variable (env, v->name, value);
        free (value);
    }
}

/* Where the services are that the task uses: of each, host and port. */
static void fill_services (struct aw_textbuf *env, const struct aw_task_places *places)
{
    for (uint32_t i = 0; i < places->n_services; i++) {
        const struct aw_task_service *service = &places->services[i];
        char name[AW_SERVICE_NAME_SIZE + 5];

        aw_service_variable (service->set, name);
        strcat (name, "_HOST");
        add_variable (env, name, service->host);
        strcpy (name + strlen (name) - 5, "_PORT");
        if (service->port)
            add_number (env, name, service->port);
    }
}

/* Those that identify a task. */
static void fill_task (struct aw_textbuf *env, const struct context *c)
{
    const struct aw_graph *graph = c->workflow->graph;
    struct aw_task at = aw_graph_task (graph, c->start->task);
    char name[160];

    aw_graph_task_name (graph, c->start->task, name, sizeof (name));
    add_variable (env, "ASYNC_WORKFLOW_TASK", name);
    add_number (env, "ASYNC_WORKFLOW_INDEX", at.index);
    add_number (env, "ASYNC_WORKFLOW_ITERATION", at.iteration);
    add_number (env, "ASYNC_WORKFLOW_ATTEMPT", c->start->attempt);
    add_variable (env, "ASYNC_WORKFLOW_RUN", c->run_dir);
    if (c->set->submitted)
        add_number (env, AW_PACKET_ID, (uint32_t)aw_submitted_id (c->workflow, at.set));
}

/* The workflow's own first, so that it cannot override those that identify a task. For a call only
 * what is the same for all calls to a worker.
 */
static int fill_env (struct aw_launch *launch,
                     const struct context *c,
                     const struct aw_task_places *places)
{
    struct aw_textbuf env = { 0 };

    if (fill_base (launch, c) < 0)
        return -1;
    fill_own (&env, c);
    if (launch->worker)
        add_variable (&env, "ASYNC_WORKFLOW_RUN", c->run_dir);
    else {
        fill_services (&env, places);
        if (c->port)
            add_number (&env, "ASYNC_WORKFLOW_PORT", c->port);
        fill_values (&env, c, aw_graph_task (c->workflow->graph, c->start->task).index);
        fill_task (&env, c);
    }
    if (c->scratch[0])
        add_variable (&env, "ASYNC_WORKFLOW_SCRATCH", c->scratch);
    return end_texts (&env, &launch->env);
}

/* The three texts of each copy. A relative path is in the task's directory at one end, and in the
 * scratch directory at the other. An absolute "from" or "to" is used as it is. */
static int fill_copies (const struct context *c,
                        const struct aw_staging_recipe *staging,
                        const char *from_base,
                        const char *to_base,
                        char ***copies)
{
    struct aw_textbuf texts = { 0 };

    for (size_t i = 0; i < staging->n; i++) {
        const struct aw_copy_recipe *copy = &staging->copies[i];

        add_text (&texts, absolute (expand (c, copy->from), from_base));
        add_text (&texts, absolute (expand (c, copy->to), to_base));
        aw_textbuf_puts (&texts, copy->checksum ? "checksum" : "");
        aw_textbuf_putc (&texts, '\0');
    }
    return end_texts (&texts, copies);
}

/* Copies that all tasks make may come from another node. */
static int fill_peers (const struct aw_staging_recipe *staging, char ***peers)
{
    struct aw_textbuf texts = { 0 };

    for (size_t i = 0; i < staging->n; i++) {
        aw_textbuf_puts (&texts, staging->copies[i].shared ? AW_PEER_ANY : "");
        aw_textbuf_putc (&texts, '\0');
    }
    return end_texts (&texts, peers);
}

static int fill_staging (struct aw_launch *launch, const struct context *c)
{
    const struct aw_recipe *r = c->recipe;
    struct aw_task at = aw_graph_task (c->workflow->graph, launch->task);
    bool stage = c->start->type == AW_EVENT_STAGE;

    launch->instance = aw_graph_instance (c->workflow->graph, at.iteration, at.set);
    launch->release = r->stage_out.mode == AW_STAGING_ASYNC;
    if (stage || r->stage_in.mode == AW_STAGING_SYNC) {
        if (fill_copies (c, &r->stage_in, launch->directory, c->scratch, &launch->stage_in) < 0)
            return -1;
        if (launch->stage_in[0] && fill_peers (&r->stage_in, &launch->peers) < 0)
            return -1;
    }
    if (stage || r->stage_out.n == 0)
        return 0;
    return fill_copies (c, &r->stage_out, c->scratch, launch->directory, &launch->stage_out);
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
    launch->success = c.set->success;
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
