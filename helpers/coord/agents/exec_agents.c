/* SPDX-License-Identifier: Apache-2.0 */
/* The row "agents". Agents are collected until all are there, told in the order of their names, and
 * from then on each is one node. The port is open no longer than agents are missing.
 */
#include "config.h"

#include "coord/agents/exec_agents.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <math.h>

#include "coord/agents/agent_link.h"
#include "coord/slurm/node_allocation.h"
#include "coord/agents/listener.h"
#include "core/graph/graph.h"
#include "io/wire/link.h"
#include "util/clock.h"
#include "util/descriptors.h"

enum {
    LOCAL_SECONDS = 30, /* for the forked agent to say hello; it takes milliseconds */
    LOCAL_END_SECONDS = 30, /* for it to end its tasks and clear its scratch directory */
};

struct exec_agents {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_frame_reader *reader;
    struct aw_listener *listener; /* NULL once all are there, and in local mode */
    uint16_t port;
    struct event *deadline;
    struct event *beat; /* timer: asks all for a sign of life; NULL: not wanted */
    double timeout; /* seconds without one after which a node is lost */
    double beaten; /* when it last went off */
    double deadline_seconds;
    uint32_t n_nodes;
    struct aw_agent_link **agents; /* those that said hello; by number once all have. NULL: lost */
    uint32_t n_agents;
    const struct aw_slurm_job *job; /* NULL: what agents see is the pool's */
    struct aw_node_allocation *holdings; /* by number, once all are there */
    struct aw_agent_link **quiet; /* connected, without hello so far */
    uint32_t n_quiet;
    uint32_t quiet_capacity;
    bool complete; /* all nodes have been told */
    bool closing; /* shutdown was called, or it is broken */
    pid_t pid; /* of the forked agent; 0: none */
};

static struct exec_agents *row_of (struct aw_exec *exec)
{
    return (struct exec_agents *)exec; /* the first member */
}

static void stop_waiting (struct exec_agents *row)
{
    if (row->deadline)
        event_free (row->deadline);
    row->deadline = NULL;
    aw_listener_destroy (row->listener);
    row->listener = NULL;
}

static void broken (struct exec_agents *row, const struct aw_error *why)
{
    if (row->closing)
        return;
    row->closing = true;
    stop_waiting (row);
    row->exec.callbacks.broken (row->exec.callbacks.arg, why);
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

/* All are there: order, number and tell them. */

static int by_name (const void *a, const void *b)
{
    const struct aw_agent_link *const *x = a;
    const struct aw_agent_link *const *y = b;

    return strverscmp (aw_agent_link_node (*x)->name, aw_agent_link_node (*y)->name);
}

static void tell_notes (const struct exec_agents *row)
{
    struct aw_error line;

    if (row->exec.callbacks.note && aw_node_allocations_note (row->holdings, row->n_agents, &line))
        row->exec.callbacks.note (row->exec.callbacks.arg, line.text);
}

static int make_holdings (struct exec_agents *row)
{
    for (uint32_t i = 0; i < row->n_agents; i++) {
        const struct aw_event *hello = aw_agent_link_node (row->agents[i]);

        if (aw_node_allocation_make (&row->holdings[i], hello,
                                     aw_node_allocation_find (row->job, hello->name))
            < 0)
            return -1;
    }
    return 0;
}

static void tell_nodes (struct exec_agents *row)
{
    const struct aw_error no_memory = { "out of memory" };

    stop_waiting (row);
    qsort (row->agents, row->n_agents, sizeof (struct aw_agent_link *), by_name);
    for (uint32_t i = 0; i < row->n_agents; i++)
        aw_agent_link_set_number (row->agents[i], i);
    if (make_holdings (row) < 0) {
        broken (row, &no_memory);
        return;
    }
    row->complete = true;
    tell_notes (row);
    for (uint32_t i = 0; i < row->n_agents; i++) {
        struct aw_event node = row->holdings[i].node;

        node.node = i;
        if (row->agents[i])
            row->exec.callbacks.node_joined (row->exec.callbacks.arg, &node);
    }
}

/* What agents say. */

static void on_hello (void *arg, struct aw_agent_link *agent)
{
    struct exec_agents *row = arg;
    const char *name = aw_agent_link_node (agent)->name;

    forget (row->quiet, &row->n_quiet, agent);
    for (uint32_t i = 0; i < row->n_agents; i++) {
        if (row->complete || strcmp (aw_agent_link_node (row->agents[i])->name, name) == 0) {
            aw_agent_link_destroy (
                agent); /* a second agent of a node, or one more than was asked for */
            return;
        }
    }
    row->agents[row->n_agents++] = agent;
    if (row->n_agents == row->n_nodes)
        tell_nodes (row);
}

static void on_finish (void *arg, struct aw_agent_link *agent, struct aw_event *ev)
{
    struct exec_agents *row = arg;

    if (!row->complete)
        return; /* it was told to start nothing */
    ev->node = aw_agent_link_number (agent);
    row->exec.callbacks.task_finished (row->exec.callbacks.arg, ev);
}

static void on_leaves (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct exec_agents *row = arg;
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST, .node = AW_NONE, .reason = why };

    if (row->closing || !row->exec.callbacks.node_leaves)
        return;
    if (row->complete)
        ev.node = aw_agent_link_number (agent);
    row->exec.callbacks.node_leaves (row->exec.callbacks.arg, &ev);
}

static void on_message (void *arg, struct aw_agent_link *agent, const struct aw_packet *packet)
{
    struct exec_agents *row = arg;

    if (row->complete && row->exec.callbacks.message)
        row->exec.callbacks.message (row->exec.callbacks.arg, aw_agent_link_number (agent), packet);
}

static void lost_node (struct exec_agents *row, struct aw_agent_link *agent, const char *why)
{
    struct aw_event ev = { .type = AW_EVENT_NODE_LOST,
                           .node = aw_agent_link_number (agent),
                           .reason = why };

    row->agents[ev.node] = NULL;
    if (!row->closing)
        row->exec.callbacks.node_lost (row->exec.callbacks.arg, &ev);
}

/* A missing node will not come again: srun starts each agent once. */
static void lost_early (struct exec_agents *row, struct aw_agent_link *agent, const char *why)
{
    const char *name = aw_agent_link_node (agent)->name;
    struct aw_error err;

    forget (row->quiet, &row->n_quiet, agent);
    forget (row->agents, &row->n_agents, agent);
    if (name)
        aw_error_set (&err, "node %s was lost before all %u nodes had joined: %s", name,
                      row->n_nodes, why);
    else
        aw_error_set (&err, "a node was lost before it had said its name: %s", why);
    broken (row, &err);
}

static void on_lost (void *arg, struct aw_agent_link *agent, const char *why)
{
    struct exec_agents *row = arg;

    if (aw_agent_link_number (agent) != AW_AGENT_UNNUMBERED)
        lost_node (row, agent, why);
    else if (!row->complete)
        lost_early (row, agent, why);
    else
        forget (row->quiet, &row->n_quiet, agent);
    aw_agent_link_destroy (agent);
}

/* Signs of life. */

/* After a pause of this process itself, stopped by Ctrl-Z perhaps, words may wait to be read. */
static void on_beat (evutil_socket_t fd, short what, void *arg)
{
    struct exec_agents *row = arg;
    double t = aw_clock_monotonic (), passed = fmin (t - row->beaten, row->timeout / 4);
    struct aw_error why;

    (void)fd;
    (void)what;
    row->beaten = t;
    aw_error_set (&why, "nothing was heard of it for %g s", row->timeout);
    for (uint32_t i = 0; i < row->n_agents; i++) {
        struct aw_agent_link *agent = row->complete ? row->agents[i] : NULL;

        if (!agent || aw_agent_link_beat (agent, passed, row->timeout) < row->timeout)
            continue;
        lost_node (row, agent, why.text);
        aw_agent_link_destroy (agent); /* should it wake up, it finds its connection ended */
    }
}

int aw_exec_agents_set_timeout (struct aw_exec *exec, double seconds, struct aw_error *err)
{
    struct exec_agents *row = row_of (exec);
    double interval = seconds / 6;
    struct timeval tv = { (time_t)interval, (suseconds_t)((interval - floor (interval)) * 1e6) };

    if (!row->beat)
        row->beat = event_new (row->base, -1, EV_PERSIST, on_beat, row);
    if (!row->beat)
        return aw_error_set (err, "out of memory");
    row->timeout = seconds;
    row->beaten = aw_clock_monotonic ();
    if (!(seconds > 0))
        event_del (row->beat);
    else if (event_add (row->beat, &tv) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* A connection of our own user, or the forked agent's. */
static int adopt (struct exec_agents *row, int fd, struct aw_error *err)
{
    const struct aw_agent_callbacks callbacks = { on_hello,   on_finish, on_leaves,
                                                  on_message, on_lost,   row };
    struct aw_agent_link *agent;

    if (row->n_quiet == row->quiet_capacity) {
        uint32_t capacity = row->quiet_capacity ? 2 * row->quiet_capacity : 16;
        struct aw_agent_link **quiet =
            realloc (row->quiet, capacity * sizeof (struct aw_agent_link *));
        if (!quiet) {
            close (fd);
            return aw_error_set (err, "out of memory");
        }
        row->quiet = quiet;
        row->quiet_capacity = capacity;
    }
    agent = aw_agent_link_create (row->base, fd, row->reader, &callbacks, err);
    if (!agent)
        return -1;
    row->quiet[row->n_quiet++] = agent;
    return 0;
}

static void on_accepted (void *arg, int fd)
{
    struct exec_agents *row = arg;
    struct aw_error err;

    if (adopt (row, fd, &err) < 0)
        broken (row, &err);
}

/* "n1, n3", cut where it grows too long. */
static void list_names (const struct exec_agents *row, char *buf, size_t size)
{
    size_t used = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < row->n_agents; i++) {
        const char *name = aw_agent_link_node (row->agents[i])->name;
        if (used + strlen (name) + 8 > size) {
            snprintf (buf + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf (buf + used, size - used, "%s%s", i ? ", " : "", name);
    }
}

static void on_deadline (evutil_socket_t fd, short what, void *arg)
{
    struct exec_agents *row = arg;
    char names[160], turned[220] = "";
    struct aw_error err;
    const char *why;
    uint32_t refused = row->listener ? aw_listener_refused (row->listener, &why) : 0;

    (void)fd;
    (void)what;
    qsort (row->agents, row->n_agents, sizeof (struct aw_agent_link *), by_name);
    list_names (row, names, sizeof (names));
    if (refused)
        snprintf (turned, sizeof (turned),
                  "; %u connections were turned away, the last since %.150s", refused, why);
    aw_error_set (&err, "%u of %u agents came within %g s%s%s%s%s", row->n_agents, row->n_nodes,
                  row->deadline_seconds, row->n_agents ? " (" : "", names, row->n_agents ? ")" : "",
                  turned);
    broken (row, &err);
}

/* The table. */

static int row_start (struct aw_exec *exec,
                      uint32_t node,
                      const struct aw_launch *launch,
                      struct aw_error *err)
{
    struct exec_agents *row = row_of (exec);
    struct aw_launch mine = *launch; /* what it points to stays the caller's */

    if (!row->complete || node >= row->n_nodes)
        return aw_error_set (err, "there is no node %u", node);
    if (!row->agents[node])
        return aw_error_set (err, "node %u is lost", node);
    if (row->closing)
        return aw_error_set (err, "no more tasks are started");
    mine.unbound = row->holdings[node].node.unbound;
    return aw_agent_link_start (row->agents[node], &mine, err);
}

static void row_kill (
    struct aw_exec *exec, uint32_t node, uint32_t task, uint32_t attempt, double grace)
{
    struct exec_agents *row = row_of (exec);

    if (row->complete && node < row->n_nodes && row->agents[node])
        aw_agent_link_kill (row->agents[node], task, attempt, grace);
}

static void row_message (struct aw_exec *exec,
                         uint32_t node,
                         const struct aw_packet *packet,
                         const char *rest,
                         size_t size)
{
    struct exec_agents *row = row_of (exec);

    if (row->complete && node < row->n_nodes && row->agents[node])
        aw_agent_link_message (row->agents[node], packet, rest, size);
}

bool aw_exec_agents_unbound (struct aw_exec *exec, uint32_t node)
{
    struct exec_agents *row = row_of (exec);

    return row->complete && node < row->n_nodes && row->holdings[node].node.unbound;
}

const char *aw_exec_agents_socket (struct aw_exec *exec, uint32_t node)
{
    struct exec_agents *row = row_of (exec);

    return row->complete && node < row->n_nodes && row->agents[node]
               ? aw_agent_link_node (row->agents[node])->socket
               : NULL;
}

static void quit_all (struct exec_agents *row, bool now)
{
    for (uint32_t i = 0; i < row->n_agents; i++)
        if (row->agents[i])
            aw_agent_link_quit (row->agents[i], now);
    for (uint32_t i = 0; i < row->n_quiet; i++)
        aw_agent_link_quit (row->quiet[i], now);
}

static void row_shutdown (struct aw_exec *exec)
{
    struct exec_agents *row = row_of (exec);

    if (row->closing && row->complete)
        return;
    row->closing = true;
    stop_waiting (row);
    if (row->beat)
        event_del (row->beat);
    quit_all (row, false);
}

/* Tells the forked agent, whose connection is closed by now, to hurry, and waits. Whoever reaps all
 * children may have been faster.
 */
static void end_local (pid_t pid)
{
    double limit = aw_clock_monotonic () + LOCAL_END_SECONDS;

    while (waitpid (pid, NULL, WNOHANG) == 0) {
        if (aw_clock_monotonic () > limit) {
            kill (pid, SIGKILL); /* its tasks die with it: PR_SET_PDEATHSIG */
            while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
                ;
            return;
        }
        usleep (1000);
    }
}

static void row_destroy (struct aw_exec *exec)
{
    struct exec_agents *row = row_of (exec);
    int saved = errno;

    if (row) {
        row->closing = true;
        stop_waiting (row);
        quit_all (row, true);
        if (row->beat)
            event_free (row->beat);
        for (uint32_t i = 0; i < row->n_agents; i++)
            aw_agent_link_destroy (row->agents[i]);
        for (uint32_t i = 0; i < row->n_quiet; i++)
            aw_agent_link_destroy (row->quiet[i]);
        if (row->pid > 0)
            end_local (row->pid);
        aw_frame_reader_destroy (row->reader);
        for (uint32_t i = 0; row->holdings && i < row->n_nodes; i++)
            aw_node_allocation_finish (&row->holdings[i]);
        free (row->holdings);
        free (row->agents);
        free (row->quiet);
        free (row);
    }
    errno = saved;
}

static const struct aw_exec_ops ops = {
    .name = "agents",
    .start = row_start,
    .kill = row_kill,
    .message = row_message,
    .shutdown = row_shutdown,
    .destroy = row_destroy,
};

static struct exec_agents *create (struct event_base *base,
                                   const struct aw_exec_callbacks *callbacks,
                                   uint32_t n_nodes,
                                   double deadline,
                                   struct aw_error *err)
{
    struct exec_agents *row = calloc (1, sizeof (*row));
    struct timeval limit;

    if (!row || n_nodes == 0) {
        aw_error_set (err, row ? "a pool of no nodes" : "out of memory");
        free (row);
        return NULL;
    }
    row->exec.ops = &ops;
    row->exec.callbacks = *callbacks;
    row->base = base;
    row->n_nodes = n_nodes;
    row->deadline_seconds = deadline;
    row->reader = aw_frame_reader_create ();
    row->agents = calloc (n_nodes, sizeof (struct aw_agent_link *));
    row->holdings = calloc (n_nodes, sizeof (*row->holdings));
    row->deadline = evtimer_new (base, on_deadline, row);
    limit.tv_sec = (time_t)deadline;
    limit.tv_usec = (suseconds_t)((deadline - (double)limit.tv_sec) * 1e6);
    if (!row->reader || !row->agents || !row->holdings || !row->deadline
        || event_add (row->deadline, &limit) < 0) {
        aw_error_set (err, "out of memory");
        row_destroy (&row->exec);
        return NULL;
    }
    return row;
}

struct aw_exec *aw_exec_agents_create (struct event_base *base,
                                       const struct aw_exec_callbacks *callbacks,
                                       const char *job,
                                       uint32_t n_nodes,
                                       uint16_t port_first,
                                       uint16_t port_last,
                                       double deadline,
                                       struct aw_error *err)
{
    struct exec_agents *row = create (base, callbacks, n_nodes, deadline, err);

    if (!row)
        return NULL;
    row->listener = aw_listener_create (base, job, port_first, port_last, on_accepted, row, err);
    if (!row->listener) {
        row_destroy (&row->exec);
        return NULL;
    }
    row->port = aw_listener_port (row->listener);
    return &row->exec;
}

void aw_exec_agents_set_job (struct aw_exec *exec, const struct aw_slurm_job *job)
{
    row_of (exec)->job = job;
}

uint16_t aw_exec_agents_port (const struct aw_exec *exec)
{
    return ((const struct exec_agents *)exec)->port;
}

/* The child has copies of all that the coordinator has open, the loop's own descriptors among them:
 * closing them here touches nothing of the coordinator's, and its loop is not used any more. Its
 * own process group keeps the terminal's signals off.
 */
__attribute__ ((noreturn)) static void local_child (int fd,
                                                    int keep,
                                                    int (*serve) (int fd, void *arg),
                                                    void *arg)
{
    setpgid (0, 0);
    keep = fcntl (keep, F_DUPFD, STDERR_FILENO + 3); /* out of the way; -1 stays -1 */
    if (dup2 (fd, STDERR_FILENO + 1) < 0)
        _exit (1);
    if (keep >= 0)
        dup2 (keep, STDERR_FILENO + 2);
    aw_close_from (STDERR_FILENO + (keep >= 0 ? 3 : 2));
    aw_cloexec_from (STDERR_FILENO + 1);
    _exit (serve (STDERR_FILENO + 1, arg));
}

struct aw_exec *aw_exec_local_create (struct event_base *base,
                                      const struct aw_exec_callbacks *callbacks,
                                      int (*serve) (int fd, void *arg),
                                      void *arg,
                                      int keep,
                                      struct aw_error *err)
{
    struct exec_agents *row = create (base, callbacks, 1, LOCAL_SECONDS, err);
    int fds[2];

    if (!row)
        return NULL;
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        aw_error_set (err, "socketpair: %s", strerror (errno));
        row_destroy (&row->exec);
        return NULL;
    }
    row->pid = fork ();
    if (row->pid == 0)
        local_child (fds[1], keep, serve, arg);
    close (fds[1]);
    if (row->pid < 0) {
        aw_error_set (err, "cannot fork the agent: %s", strerror (errno));
        close (fds[0]);
        row_destroy (&row->exec);
        return NULL;
    }
    if (adopt (row, fds[0], err) < 0) {
        row_destroy (&row->exec);
        return NULL;
    }
    return &row->exec;
}
