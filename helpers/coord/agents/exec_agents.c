/* SPDX-License-Identifier: Apache-2.0 */
/* The backend "agents". It waits for the agents, reports them in the order of their names, and from
 * then on treats each as one node; agents that come later are reported as they come. The port is
 * open only while agents are missing. */
#include "config.h"

#include "coord/agents/exec_agents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <math.h>

#include "coord/agents/agent_link.h"
#include "coord/slurm/node_allocation.h"
#include "coord/agents/listener.h"
#include "coord/agents/local_agent.h"
#include "coord/agents/missing_agents.h"
#include "core/graph/graph.h"
#include "io/wire/link.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/names.h"

enum {
    REPORT_SECONDS = 10, /* between two lines about agents that are missing */
    LOCAL_SECONDS = 30, /* until the forked agent sends its hello; it takes milliseconds */
};

struct exec_agents {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_frame_reader *reader;
    struct aw_listener *listener; /* NULL once all are there, and in local mode */
    uint16_t port;
    struct event *deadline;
    struct event *report; /* timer: tells how many are there; NULL once none is awaited */
    struct event *beat; /* timer: asks all for a sign of life; NULL: not wanted */
    double timeout; /* seconds without one after which a node is lost */
    double beaten; /* when it last went off */
    bool all_silent; /* then: all nodes were, for too long */
    double deadline_seconds;
    uint32_t n_nodes, min_nodes;
    struct aw_agent_link **agents; /* with hello; by number once complete. NULL: lost */
    uint32_t n_agents;
    struct aw_names names; /* of those that have sent their hello */
    const struct aw_slurm_job *job; /* NULL: the pool is what the agents see */
    const struct aw_error *line; /* the last of their step; NULL: not known */
    struct aw_node_allocation *allocations; /* by number, once complete */
    struct aw_names places; /* of the job's nodes, once complete */
    struct aw_agent_link **quiet; /* connected, hello not received yet */
    uint32_t n_quiet;
    uint32_t quiet_capacity;
    bool awaits; /* agents are missing and may still come */
    bool complete; /* the pool has begun: min_nodes have been reported, or more */
    bool noted; /* a remark on a node has been reported */
    bool closing; /* shutdown was called, or it is broken */
    pid_t pid; /* of the forked agent; 0: none */
};

static const struct aw_error no_memory = { "out of memory" };

static struct exec_agents *backend_of (struct aw_exec *exec)
{
    return (struct exec_agents *)exec; /* the first member */
}

static void stop_waiting (struct exec_agents *backend)
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

static void broken (struct exec_agents *backend, const struct aw_error *why)
{
    if (backend->closing)
        return;
    backend->closing = true;
    stop_waiting (backend);
    backend->exec.callbacks.broken (backend->exec.callbacks.arg, why);
}

static void forget (struct aw_agent_link **list, uint32_t *n, const struct aw_agent_link *agent)
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
static void tell_notes (struct exec_agents *backend, uint32_t first)
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
static const struct aw_slurm_node *find_node (const struct exec_agents *backend, const char *name)
{
    uint32_t place = aw_names_get (&backend->places, name, strlen (name));

    return place != AW_NAMES_NONE ? &backend->job->nodes[place] : NULL;
}

static int number_node (struct exec_agents *backend, uint32_t number)
{
    const struct aw_event *hello = aw_agent_link_node (backend->agents[number]);

    aw_agent_link_set_number (backend->agents[number], number);
    return aw_node_allocation_make (&backend->allocations[number], hello,
                                    find_node (backend, hello->name));
}

static void tell_node (struct exec_agents *backend, uint32_t number)
{
    struct aw_event node = backend->allocations[number].node;

    node.node = number;
    if (backend->agents[number])
        backend->exec.callbacks.node_joined (backend->exec.callbacks.arg, &node);
}

/* The nodes from FIRST on have joined. */
static void tell_nodes (struct exec_agents *backend, uint32_t first)
{
    for (uint32_t i = first; i < backend->n_agents; i++)
        if (number_node (backend, i) < 0) {
            broken (backend, &no_memory);
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

static void begin (struct exec_agents *backend)
{
    qsort (backend->agents, backend->n_agents, sizeof (struct aw_agent_link *), by_name);
    if (backend->job && aw_node_allocation_names (backend->job, &backend->places) < 0)
        broken (backend, &no_memory);
    else
        tell_nodes (backend, 0);
}

/* Frames of agents. */

static void on_hello (void *arg, struct aw_agent_link *agent)
{
    struct exec_agents *backend = arg;
    const char *name = aw_agent_link_node (agent)->name;

    forget (backend->quiet, &backend->n_quiet, agent);
    if (!backend->awaits || aw_names_get (&backend->names, name, strlen (name)) != AW_NAMES_NONE) {
        aw_agent_link_destroy (agent); /* a second one of a node, or one more than was asked for */
        return;
    }
    if (aw_names_set (&backend->names, name, backend->n_agents) < 0) {
        aw_agent_link_destroy (agent);
        broken (backend, &no_memory);
        return;
    }
    backend->agents[backend->n_agents++] = agent;
    if (backend->exec.callbacks.joining)
        backend->exec.callbacks.joining (backend->exec.callbacks.arg, backend->n_agents,
                                         backend->n_nodes);
    if (backend->n_agents == backend->n_nodes)
        stop_waiting (backend);
    if (backend->complete)
        tell_nodes (backend, backend->n_agents - 1);
    else if (backend->n_agents == backend->min_nodes)
        begin (backend);
}

static void on_finish (void *arg, struct aw_agent_link *agent, struct aw_event *ev)
{
    struct exec_agents *backend = arg;

    if (!backend->complete)
        return; /* it starts nothing more */
    ev->node = aw_agent_link_number (agent);
    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, ev);
}

static void on_leaves (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct exec_agents *backend = arg;
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST, .node = AW_NONE, .reason = why };

    if (backend->closing || !backend->exec.callbacks.node_leaves)
        return;
    if (backend->complete)
        ev.node = aw_agent_link_number (agent);
    backend->exec.callbacks.node_leaves (backend->exec.callbacks.arg, &ev);
}

static void on_message (void *arg, struct aw_agent_link *agent, const struct aw_packet *packet)
{
    struct exec_agents *backend = arg;

    if (backend->complete && backend->exec.callbacks.message)
        backend->exec.callbacks.message (backend->exec.callbacks.arg, aw_agent_link_number (agent),
                                         packet);
}

static void lost_node (struct exec_agents *backend, struct aw_agent_link *agent, const char *why)
{
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST,
                           .node = aw_agent_link_number (agent),
                           .reason = why };

    backend->agents[ev.node] = NULL;
    if (!backend->closing)
        backend->exec.callbacks.node_lost (backend->exec.callbacks.arg, &ev);
}

/* A missing node will not come again: srun starts each agent once. Others may be enough. */
static void lost_early (struct exec_agents *backend, struct aw_agent_link *agent, const char *why)
{
    const char *name = aw_agent_link_node (agent)->name;
    struct aw_error err;

    forget (backend->quiet, &backend->n_quiet, agent);
    forget (backend->agents, &backend->n_agents, agent);
    if (name)
        aw_names_remove (&backend->names, name);
    if (backend->min_nodes < backend->n_nodes)
        return;
    if (name)
        aw_error_set (&err, "node %s was lost before all %u nodes had joined: %s", name,
                      backend->n_nodes, why);
    else
        aw_error_set (&err, "a node was lost before it sent its name: %s", why);
    broken (backend, &err);
}

static void on_lost (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct exec_agents *backend = arg;

    if (aw_agent_link_number (agent) != AW_AGENT_UNNUMBERED)
        lost_node (backend, agent, why);
    else if (!backend->complete)
        lost_early (backend, agent, why);
    else
        forget (backend->quiet, &backend->n_quiet, agent);
    aw_agent_link_destroy (agent);
}

/* Signs of life. */

/* PASSED more seconds. Are there nodes that are lost for their silence? After a silence of all,
 * those that wake up later than the others have time until the next look.
 */
static bool beat_all (struct exec_agents *backend, double passed)
{
    bool before = backend->all_silent;
    uint32_t n = 0, n_silent = 0;

    for (uint32_t i = 0; backend->complete && i < backend->n_agents; i++) {
        if (!backend->agents[i])
            continue;
        n++;
        n_silent +=
            aw_agent_link_beat (backend->agents[i], passed, backend->timeout) >= backend->timeout;
    }
    backend->all_silent = n_silent > 0 && n_silent == n;
    if (backend->all_silent && backend->exec.callbacks.all_silent)
        return backend->exec.callbacks.all_silent (backend->exec.callbacks.arg, before);
    return n_silent > 0 && (backend->all_silent || !before);
}

/* After a pause of this process itself, by Ctrl-Z perhaps, unread data may wait. */
static void on_beat (evutil_socket_t fd, short what, void *arg)
{
    struct exec_agents *backend = arg;
    double t = aw_clock_monotonic (), passed = fmin (t - backend->beaten, backend->timeout / 4);
    struct aw_error why;
    bool silent;

    (void)fd;
    (void)what;
    backend->beaten = t;
    aw_error_set (&why, "no heartbeat for %g s", backend->timeout);
    silent = beat_all (backend, passed);
    for (uint32_t i = 0; silent && i < backend->n_agents; i++) {
        struct aw_agent_link *agent = backend->agents[i];

        if (!agent || aw_agent_link_silence (agent) < backend->timeout)
            continue;
        lost_node (backend, agent, why.text);
        aw_agent_link_destroy (agent); /* should it wake up, it finds its connection ended */
    }
}

int aw_exec_agents_set_timeout (struct aw_exec *exec, double seconds, struct aw_error *err)
{
    struct exec_agents *backend = backend_of (exec);
    double interval = seconds / 6;
    struct timeval tv = { (time_t)interval, (suseconds_t)((interval - floor (interval)) * 1e6) };

    if (!backend->beat)
        backend->beat = event_new (backend->base, -1, EV_PERSIST, on_beat, backend);
    if (!backend->beat)
        return aw_error_set (err, "out of memory");
    backend->timeout = seconds;
    backend->beaten = aw_clock_monotonic ();
    if (!(seconds > 0))
        event_del (backend->beat);
    else if (event_add (backend->beat, &tv) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* A connection of our own user, or the forked agent's. */
static int adopt (struct exec_agents *backend, int fd, struct aw_error *err)
{
    const struct aw_agent_callbacks callbacks = { on_hello,   on_finish, on_leaves,
                                                  on_message, on_lost,   backend };
    struct aw_agent_link *agent;

    if (aw_array_reserve (&backend->quiet, &backend->quiet_capacity, backend->n_quiet + 1) < 0) {
        close (fd);
        return aw_error_set (err, "out of memory");
    }
    agent = aw_agent_link_create (backend->base, fd, backend->reader, &callbacks, err);
    if (!agent)
        return -1;
    backend->quiet[backend->n_quiet++] = agent;
    return 0;
}

static void on_accepted (void *arg, int fd)
{
    struct exec_agents *backend = arg;
    struct aw_error err;

    if (adopt (backend, fd, &err) < 0)
        broken (backend, &err);
}

static struct aw_missing_agents missing_of (const struct exec_agents *backend)
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
    struct exec_agents *backend = arg;
    const struct aw_missing_agents those = missing_of (backend);
    char missing[160];
    struct aw_error line;

    (void)fd;
    (void)what;
    aw_missing_agents_list (&those, missing, sizeof (missing));
    aw_error_set (&line, "%u of %u agents connected%s", backend->n_agents, backend->n_nodes,
                  missing);
    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, line.text);
}

/* The pool continues with the agents that are there. */
static void continue_without (struct exec_agents *backend, const char *missing)
{
    struct aw_error line;

    stop_waiting (backend);
    aw_error_set (&line, "%u of %u agents connected within %g s%s: the run continues with these",
                  backend->n_agents, backend->n_nodes, backend->deadline_seconds, missing);
    if (backend->exec.callbacks.note)
        backend->exec.callbacks.note (backend->exec.callbacks.arg, line.text);
    if (backend->exec.callbacks.awaited)
        backend->exec.callbacks.awaited (backend->exec.callbacks.arg, 0);
}

static void on_deadline (evutil_socket_t fd, short what, void *arg)
{
    struct exec_agents *backend = arg;
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
    aw_error_set (&err, "%u of %u agents connected within %g s%s%s%s", backend->n_agents,
                  backend->n_nodes, backend->deadline_seconds, missing, reason,
                  backend->line ? ": for more time use --connect-timeout" : "");
    broken (backend, &err);
}

/* The table. */

static int backend_start (struct aw_exec *exec,
                          uint32_t node,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    struct exec_agents *backend = backend_of (exec);
    struct aw_launch mine = *launch; /* the caller owns what it points to */

    if (!backend->complete || node >= backend->n_nodes)
        return aw_error_set (err, "there is no node %u", node);
    if (!backend->agents[node])
        return aw_error_set (err, "node %u is lost", node);
    if (backend->closing)
        return aw_error_set (err, "no more tasks start");
    mine.unbound = backend->allocations[node].node.unbound;
    return aw_agent_link_start (backend->agents[node], &mine, err);
}

static void backend_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    struct exec_agents *backend = backend_of (exec);

    if (backend->complete && node < backend->n_nodes && backend->agents[node])
        aw_agent_link_kill (backend->agents[node], task, attempt, grace);
}

static void backend_message (struct aw_exec *exec,
                             uint32_t node,
                             const struct aw_packet *packet,
                             const char *rest,
                             size_t size)
{
    struct exec_agents *backend = backend_of (exec);

    if (backend->complete && node < backend->n_nodes && backend->agents[node])
        aw_agent_link_message (backend->agents[node], packet, rest, size);
}

bool aw_exec_agents_unbound (struct aw_exec *exec, uint32_t node)
{
    struct exec_agents *backend = backend_of (exec);

    return backend->complete && node < backend->n_nodes && backend->allocations[node].node.unbound;
}

const char *aw_exec_agents_socket (struct aw_exec *exec, uint32_t node)
{
    struct exec_agents *backend = backend_of (exec);

    return backend->complete && node < backend->n_nodes && backend->agents[node]
               ? aw_agent_link_node (backend->agents[node])->socket
               : NULL;
}

static void quit_all (struct exec_agents *backend, bool now)
{
    for (uint32_t i = 0; i < backend->n_agents; i++)
        if (backend->agents[i])
            aw_agent_link_quit (backend->agents[i], now);
    for (uint32_t i = 0; i < backend->n_quiet; i++)
        aw_agent_link_quit (backend->quiet[i], now);
}

static void backend_shutdown (struct aw_exec *exec)
{
    struct exec_agents *backend = backend_of (exec);

    if (backend->closing && backend->complete)
        return;
    backend->closing = true;
    stop_waiting (backend);
    if (backend->beat)
        event_del (backend->beat);
    quit_all (backend, false);
}

static void backend_destroy (struct aw_exec *exec)
{
    struct exec_agents *backend = backend_of (exec);
    int saved = errno;

    if (backend) {
        backend->closing = true;
        stop_waiting (backend);
        quit_all (backend, true);
        if (backend->beat)
            event_free (backend->beat);
        for (uint32_t i = 0; i < backend->n_agents; i++)
            aw_agent_link_destroy (backend->agents[i]);
        for (uint32_t i = 0; i < backend->n_quiet; i++)
            aw_agent_link_destroy (backend->quiet[i]);
        if (backend->pid > 0)
            aw_local_agent_end (backend->pid);
        aw_frame_reader_destroy (backend->reader);
        for (uint32_t i = 0; backend->allocations && i < backend->n_nodes; i++)
            aw_node_allocation_finish (&backend->allocations[i]);
        aw_names_finish (&backend->names);
        aw_names_finish (&backend->places);
        free (backend->allocations);
        free (backend->agents);
        free (backend->quiet);
        free (backend);
    }
    errno = saved;
}

static const struct aw_exec_ops ops = {
    .name = "agents",
    .start = backend_start,
    .kill = backend_kill,
    .message = backend_message,
    .shutdown = backend_shutdown,
    .destroy = backend_destroy,
};

static struct exec_agents *create (struct event_base *base,
                                   const struct aw_exec_callbacks *callbacks,
                                   uint32_t n_nodes,
                                   double deadline,
                                   struct aw_error *err)
{
    struct exec_agents *backend = calloc (1, sizeof (*backend));
    const struct timeval report = { REPORT_SECONDS, 0 };
    struct timeval limit;

    if (!backend || n_nodes == 0) {
        aw_error_set (err, backend ? "a pool of no nodes" : "out of memory");
        free (backend);
        return NULL;
    }
    backend->exec.ops = &ops;
    backend->exec.callbacks = *callbacks;
    backend->base = base;
    backend->n_nodes = backend->min_nodes = n_nodes;
    backend->awaits = true;
    backend->deadline_seconds = deadline;
    backend->reader = aw_frame_reader_create ();
    backend->agents = calloc (n_nodes, sizeof (struct aw_agent_link *));
    backend->allocations = calloc (n_nodes, sizeof (*backend->allocations));
    backend->deadline = evtimer_new (base, on_deadline, backend);
    backend->report = event_new (base, -1, EV_PERSIST, on_report, backend);
    limit.tv_sec = (time_t)deadline;
    limit.tv_usec = (suseconds_t)((deadline - (double)limit.tv_sec) * 1e6);
    if (!backend->reader || !backend->agents || !backend->allocations || !backend->deadline
        || event_add (backend->deadline, &limit) < 0 || !backend->report
        || event_add (backend->report, &report) < 0) {
        aw_error_set (err, "out of memory");
        backend_destroy (&backend->exec);
        return NULL;
    }
    return backend;
}

struct aw_exec *aw_exec_agents_create (struct event_base *base,
                                       const struct aw_exec_callbacks *callbacks,
                                       const struct aw_exec_agents_config *config,
                                       struct aw_error *err)
{
    struct exec_agents *backend = create (base, callbacks, config->n_nodes, config->deadline, err);

    if (!backend)
        return NULL;
    if (config->min_nodes > 0 && config->min_nodes < config->n_nodes)
        backend->min_nodes = config->min_nodes;
    backend->listener = aw_listener_create (base, config->job, config->port_first,
                                            config->port_last, on_accepted, backend, err);
    if (!backend->listener) {
        backend_destroy (&backend->exec);
        return NULL;
    }
    backend->port = aw_listener_port (backend->listener);
    return &backend->exec;
}

void aw_exec_agents_set_job (struct aw_exec *exec, const struct aw_slurm_job *job)
{
    backend_of (exec)->job = job;
}

void aw_exec_agents_set_line (struct aw_exec *exec, const struct aw_error *last)
{
    backend_of (exec)->line = last;
}

uint16_t aw_exec_agents_port (const struct aw_exec *exec)
{
    return ((const struct exec_agents *)exec)->port;
}

struct aw_exec *aw_exec_local_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      int (*serve) (int fd, void *arg),
                                      void *arg,
                                      int keep,
                                      struct aw_error *err)
{
    struct exec_agents *backend = create (base, callbacks, 1, LOCAL_SECONDS, err);
    int fd;

    if (!backend)
        return NULL;
    backend->pid = aw_local_agent_start (serve, arg, keep, &fd, err);
    if (backend->pid < 0 || adopt (backend, fd, err) < 0) {
        backend_destroy (&backend->exec);
        return NULL;
    }
    return &backend->exec;
}
