/* SPDX-License-Identifier: Apache-2.0 */
/* The backend "agents". It waits for the agents, reports them in the order of their names, and from
 * then on treats each as one node; agents that come later are reported as they come. The port is
 * open only while agents are missing. */
#include "config.h"

#include "coord/agents/exec_agents.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <math.h>

#include "coord/agents/exec_agents_state.h"
#include "coord/agents/joining.h"
#include "coord/agents/local_agent.h"
#include "core/graph/graph.h"
#include "util/array.h"
#include "util/clock.h"

enum { LOCAL_SECONDS = 30 }; /* until the forked agent sends its hello; it takes milliseconds */

static struct aw_exec_agents *backend_of (struct aw_exec *exec)
{
    return (struct aw_exec_agents *)exec; /* the first member */
}

/* Frames of agents. */

static void on_hello (void *arg, struct aw_agent_link *agent)
{
    aw_joining_hello (arg, agent);
}

static void on_finish (void *arg, struct aw_agent_link *agent, struct aw_event *ev)
{
    struct aw_exec_agents *backend = arg;

    if (!backend->complete)
        return; /* it starts nothing more */
    ev->node = aw_agent_link_number (agent);
    backend->exec.callbacks.task_finished (backend->exec.callbacks.arg, ev);
}

static void on_leaves (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct aw_exec_agents *backend = arg;
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST, .node = AW_NONE, .reason = why };

    if (backend->closing || !backend->exec.callbacks.node_leaves)
        return;
    if (backend->complete)
        ev.node = aw_agent_link_number (agent);
    backend->exec.callbacks.node_leaves (backend->exec.callbacks.arg, &ev);
}

static void on_message (void *arg, struct aw_agent_link *agent, const struct aw_packet *packet)
{
    struct aw_exec_agents *backend = arg;

    if (backend->complete && backend->exec.callbacks.message)
        backend->exec.callbacks.message (backend->exec.callbacks.arg, aw_agent_link_number (agent),
                                         packet);
}

static void lost_node (struct aw_exec_agents *backend, struct aw_agent_link *agent, const char *why)
{
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST,
                           .node = aw_agent_link_number (agent),
                           .reason = why };

    backend->agents[ev.node] = NULL;
    if (!backend->closing)
        backend->exec.callbacks.node_lost (backend->exec.callbacks.arg, &ev);
}

static void on_lost (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct aw_exec_agents *backend = arg;

    if (aw_agent_link_number (agent) != AW_AGENT_UNNUMBERED)
        lost_node (backend, agent, why);
    else if (!backend->complete)
        aw_joining_lost (backend, agent, why);
    else
        aw_joining_forget (backend->quiet, &backend->n_quiet, agent);
    aw_agent_link_destroy (agent);
}

/* Signs of life. */

/* PASSED more seconds. Are there nodes that are lost for their silence? After a silence of all,
 * those that wake up later than the others have time until the next look.
 */
static bool beat_all (struct aw_exec_agents *backend, double passed)
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
    struct aw_exec_agents *backend = arg;
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
    struct aw_exec_agents *backend = backend_of (exec);
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
static int adopt (struct aw_exec_agents *backend, int fd, struct aw_error *err)
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
    struct aw_exec_agents *backend = arg;
    struct aw_error err;

    if (adopt (backend, fd, &err) < 0)
        aw_joining_fail (backend, &err);
}

/* The table. */

static int backend_start (struct aw_exec *exec,
                          uint32_t node,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    struct aw_exec_agents *backend = backend_of (exec);
    struct aw_launch mine = *launch; /* the caller owns what it points to */
    struct aw_strings peers = { 0 };
    int rc;

    if (!backend->complete || node >= backend->n_nodes)
        return aw_error_set (err, "there is no node %u", node);
    if (!backend->agents[node])
        return aw_error_set (err, "node %u is lost", node);
    if (backend->closing)
        return aw_error_set (err, "no more tasks start");
    mine.unbound = backend->allocations[node].node.unbound;
    mine.peers = aw_broadcast_peers (&backend->broadcast, backend->agents, node, launch, &peers);
    rc = aw_agent_link_start (backend->agents[node], &mine, err);
    aw_strings_finish (&peers);
    return rc;
}

static void backend_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    struct aw_exec_agents *backend = backend_of (exec);

    if (backend->complete && node < backend->n_nodes && backend->agents[node])
        aw_agent_link_kill (backend->agents[node], task, attempt, grace);
}

static void backend_unassign (struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt)
{
    struct aw_exec_agents *backend = backend_of (exec);

    if (backend->complete && node < backend->n_nodes && backend->agents[node])
        aw_agent_link_unassign (backend->agents[node], task, attempt);
}

static void backend_message (struct aw_exec *exec,
                             uint32_t node,
                             const struct aw_packet *packet,
                             const char *rest,
                             size_t size)
{
    struct aw_exec_agents *backend = backend_of (exec);

    if (backend->complete && node < backend->n_nodes && backend->agents[node])
        aw_agent_link_message (backend->agents[node], packet, rest, size);
}

bool aw_exec_agents_unbound (struct aw_exec *exec, uint32_t node)
{
    struct aw_exec_agents *backend = backend_of (exec);

    return backend->complete && node < backend->n_nodes && backend->allocations[node].node.unbound;
}

const char *aw_exec_agents_socket (struct aw_exec *exec, uint32_t node)
{
    struct aw_exec_agents *backend = backend_of (exec);

    return backend->complete && node < backend->n_nodes && backend->agents[node]
               ? aw_agent_link_node (backend->agents[node])->socket
               : NULL;
}

static void quit_all (struct aw_exec_agents *backend, bool now)
{
    for (uint32_t i = 0; i < backend->n_agents; i++)
        if (backend->agents[i])
            aw_agent_link_quit (backend->agents[i], now);
    for (uint32_t i = 0; i < backend->n_quiet; i++)
        aw_agent_link_quit (backend->quiet[i], now);
}

static void backend_shutdown (struct aw_exec *exec)
{
    struct aw_exec_agents *backend = backend_of (exec);

    if (backend->closing && backend->complete)
        return;
    backend->closing = true;
    aw_joining_stop (backend);
    if (backend->beat)
        event_del (backend->beat);
    quit_all (backend, false);
}

static void backend_destroy (struct aw_exec *exec)
{
    struct aw_exec_agents *backend = backend_of (exec);
    int saved = errno;

    if (backend) {
        backend->closing = true;
        aw_joining_stop (backend);
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
        aw_broadcast_finish (&backend->broadcast);
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
    .unassign = backend_unassign,
    .message = backend_message,
    .shutdown = backend_shutdown,
    .destroy = backend_destroy,
};

static struct aw_exec_agents *create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      uint32_t n_nodes,
                                      double deadline,
                                      struct aw_error *err)
{
    struct aw_exec_agents *backend = calloc (1, sizeof (*backend));

    if (!backend || n_nodes == 0) {
        aw_error_set (err, backend ? "a pool of no nodes" : "out of memory");
        free (backend);
        return NULL;
    }
    backend->exec.ops = &ops;
    backend->exec.callbacks = *callbacks;
    backend->base = base;
    backend->n_nodes = backend->min_nodes = n_nodes;
    backend->reader = aw_frame_reader_create ();
    backend->agents = calloc (n_nodes, sizeof (struct aw_agent_link *));
    backend->allocations = calloc (n_nodes, sizeof (*backend->allocations));
    backend->broadcast.n_nodes = n_nodes;
    if (!backend->reader || !backend->agents || !backend->allocations) {
        aw_error_set (err, "out of memory");
        backend_destroy (&backend->exec);
        return NULL;
    }
    if (aw_joining_start (backend, deadline, err) < 0) {
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
    struct aw_exec_agents *backend =
        create (base, callbacks, config->n_nodes, config->deadline, err);

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
    return ((const struct aw_exec_agents *)exec)->port;
}

struct aw_exec *aw_exec_local_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      int (*serve) (int fd, void *arg),
                                      void *arg,
                                      int keep,
                                      struct aw_error *err)
{
    struct aw_exec_agents *backend = create (base, callbacks, 1, LOCAL_SECONDS, err);
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
