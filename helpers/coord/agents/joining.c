/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "coord/agents/joining.h"

#include <stdlib.h>
#include <string.h>

#include "coord/agents/missing_agents.h"
#include "core/graph/graph.h"
#include "util/units.h"

enum { REPORT_SECONDS = 10 }; /* between two lines about agents that are missing */

static const struct aw_error no_memory = { "out of memory" };

void aw_joining_stop (struct aw_exec_agents *backend)
{
    backend->awaits = false;
    if (backend->deadline)
        event_free (backend->deadline);
    backend->deadline = NULL;
    if (backend->report)
        event_free (backend->report);
    backend->report = NULL;
    aw_listener_destroy (backend->listener);
    backend->listener = NULL;
}

void aw_joining_fail (struct aw_exec_agents *backend, const struct aw_error *why)
{
    if (backend->closing)
        return;
    backend->closing = true;
    aw_joining_stop (backend);
    backend->exec.callbacks.broken (backend->exec.callbacks.arg, why);
}

void aw_joining_forget (struct aw_agent_link **list, uint32_t *n, const struct aw_agent_link *agent)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (list[i] == agent) {
            list[i] = list[--*n];
            return;
        }
    }
}

/* Enough are there: orders, numbers and reports them. */

static int by_name (const void *a, const void *b)
{
    const struct aw_agent_link *const *x = a;
    const struct aw_agent_link *const *y = b;

    return strverscmp (aw_agent_link_node (*x)->name, aw_agent_link_node (*y)->name);
}

/* The remarks on the nodes from FIRST on, in one line, unless there has been one. */
static void tell_notes (struct aw_exec_agents *backend, uint32_t first)
{
    struct aw_error line;

    if (backend->noted || !backend->exec.callbacks.note
        || !aw_node_allocations_note (backend->allocations + first, backend->n_agents - first,
                                      &line))
        return;
    backend->noted = true;
    backend->exec.callbacks.note (backend->exec.callbacks.arg, line.text);
}

/* The job's part of node NAME, or NULL. */
static const struct aw_slurm_node *find_node (const struct aw_exec_agents *backend,
                                              const char *name)
{
    uint32_t place = aw_names_get (&backend->places, name, strlen (name));

    return place != AW_NAMES_NONE ? &backend->job->nodes[place] : NULL;
}

static int number_node (struct aw_exec_agents *backend, uint32_t number)
{
    const struct aw_event *hello = aw_agent_link_node (backend->agents[number]);

    aw_agent_link_set_number (backend->agents[number], number);
    return aw_node_allocation_make (&backend->allocations[number], hello,
                                    find_node (backend, hello->name));
}

static void tell_node (struct aw_exec_agents *backend, uint32_t number)
{
    struct aw_event node = backend->allocations[number].node;

    node.node = number;
    if (backend->agents[number])
        backend->exec.callbacks.node_joined (backend->exec.callbacks.arg, &node);
}

/* The nodes from FIRST on have joined. */
static void tell_nodes (struct aw_exec_agents *backend, uint32_t first)
{
    for (uint32_t i = first; i < backend->n_agents; i++)
        if (number_node (backend, i) < 0) {
            aw_joining_fail (backend, &no_memory);
            return;
        }
    backend->complete = true;
    tell_notes (backend, first);
    for (uint32_t i = first; i < backend->n_agents; i++)
        tell_node (backend, i);
    if (backend->min_nodes < backend->n_nodes && backend->exec.callbacks.awaited)
        backend->exec.callbacks.awaited (backend->exec.callbacks.arg,
                                         backend->awaits ? backend->n_nodes - backend->n_agents
                                                         : 0);
}

static void begin (struct aw_exec_agents *backend)
{
    qsort (backend->agents, backend->n_agents, sizeof (struct aw_agent_link *), by_name);
    if (backend->job && aw_node_allocation_names (backend->job, &backend->places) < 0)
        aw_joining_fail (backend, &no_memory);
    else
        tell_nodes (backend, 0);
}

void aw_joining_hello (struct aw_exec_agents *backend, struct aw_agent_link *agent)
{
    const char *name = aw_agent_link_node (agent)->name;

    aw_joining_forget (backend->quiet, &backend->n_quiet, agent);
    if (!backend->awaits || aw_names_get (&backend->names, name, strlen (name)) != AW_NAMES_NONE) {
        aw_agent_link_destroy (agent); /* a second one of a node, or one more than was asked for */
        return;
    }
    if (aw_names_set (&backend->names, name, backend->n_agents) < 0) {
        aw_agent_link_destroy (agent);
        aw_joining_fail (backend, &no_memory);
        return;
    }
    backend->agents[backend->n_agents++] = agent;
    if (backend->exec.callbacks.joining)
        backend->exec.callbacks.joining (backend->exec.callbacks.arg, backend->n_agents,
                                         backend->n_nodes);
    if (backend->n_agents == backend->n_nodes)
        aw_joining_stop (backend);
    if (backend->complete)
        tell_nodes (backend, backend->n_agents - 1);
    else if (backend->n_agents == backend->min_nodes)
        begin (backend);
}

/* A missing node will not come again: srun starts each agent once. Others may be enough. */
void aw_joining_lost (struct aw_exec_agents *backend, struct aw_agent_link *agent, const char *why)
{
    const char *name = aw_agent_link_node (agent)->name;
    struct aw_error err;

    aw_joining_forget (backend->quiet, &backend->n_quiet, agent);
    aw_joining_forget (backend->agents, &backend->n_agents, agent);
    if (name)
        aw_names_remove (&backend->names, name);
    if (backend->min_nodes < backend->n_nodes)
        return;
    if (name)
        aw_error_set (&err, "node %s was lost before all %u node%s had joined: %s", name,
                      backend->n_nodes, aw_plural (backend->n_nodes), why);
    else
        aw_error_set (&err, "a node was lost before it sent its name: %s", why);
    aw_joining_fail (backend, &err);
}

static struct aw_missing_agents missing_of (const struct aw_exec_agents *backend)
{
    return (struct aw_missing_agents){
        .names = &backend->names,
        .job = backend->job,
        .listener = backend->listener,
        .line = backend->line,
    };
}

static void on_report (evutil_socket_t fd, short what, void *arg)
{
    struct aw_exec_agents *backend = arg;
    const struct aw_missing_agents those = missing_of (backend);
    char missing[160];
    struct aw_error line;

    (void)fd;
    (void)what;
    aw_missing_agents_list (&those, missing, sizeof (missing));
    aw_error_set (&line, "%u of %u agent%s connected%s", backend->n_agents, backend->n_nodes,
                  aw_plural (backend->n_nodes), missing);
    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, line.text);
}

/* The pool continues with the agents that are there. */
static void continue_without (struct aw_exec_agents *backend, const char *missing)
{
    struct aw_error line;

    aw_joining_stop (backend);
    aw_error_set (&line, "%u of %u agent%s connected within %g s%s: the run continues with these",
                  backend->n_agents, backend->n_nodes, aw_plural (backend->n_nodes),
                  backend->deadline_seconds, missing);
    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, line.text);
    if (backend->exec.callbacks.awaited)
        backend->exec.callbacks.awaited (backend->exec.callbacks.arg, 0);
}

static void on_deadline (evutil_socket_t fd, short what, void *arg)
{
    struct aw_exec_agents *backend = arg;
    const struct aw_missing_agents those = missing_of (backend);
    char missing[160], reason[220];
    struct aw_error err;

    (void)fd;
    (void)what;
    aw_missing_agents_list (&those, missing, sizeof (missing));
    if (backend->complete) {
        continue_without (backend, missing);
        return;
    }
    aw_missing_agents_explain (&those, reason, sizeof (reason));
    aw_error_set (&err, "%u of %u agent%s connected within %g s%s%s%s", backend->n_agents,
                  backend->n_nodes, aw_plural (backend->n_nodes), backend->deadline_seconds,
                  missing, reason, backend->line ? ": for more time use --connect-timeout" : "");
    aw_joining_fail (backend, &err);
}

int aw_joining_start (struct aw_exec_agents *backend, double seconds, struct aw_error *err)
{
    const struct timeval report = { REPORT_SECONDS, 0 };
    struct timeval limit;

    limit.tv_sec = (time_t)seconds;
    limit.tv_usec = (suseconds_t)((seconds - (double)limit.tv_sec) * 1e6);
    backend->awaits = true;
    backend->deadline_seconds = seconds;
    backend->deadline = evtimer_new (backend->base, on_deadline, backend);
    backend->report = event_new (backend->base, -1, EV_PERSIST, on_report, backend);
    if (!backend->deadline || event_add (backend->deadline, &limit) < 0 || !backend->report
        || event_add (backend->report, &report) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}
