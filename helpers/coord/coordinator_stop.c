/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of a run before its work is done: signals, the end of the job, nodes that leave. */
#include "coord/coordinator_state.h"

#include <string.h>

enum { KILL_DEADLINE = 3 }; /* for nodes to report the ends of killed tasks */

void aw_coordinator_on_node_lost (void *arg, const struct aw_event *ev)
{
    if (!aw_coordinator_keep (arg, ev))
        aw_coordinator_lose_node (arg, ev);
}

/* Slurm sends SIGTERM to all nodes when the job is cancelled or at its time limit, and to one node
 * when that is taken down. The job's state, or the other nodes, show which it is: until this one is
 * gone nothing starts, and if all leave, the run is stopped.
 */
void aw_coordinator_on_node_leaves (void *arg, const struct aw_event *ev)
{
    struct aw_coordinator *c = arg;
    const struct aw_pool *pool = aw_sched_pool (c->sched);
    struct aw_error text;
    uint32_t left = 0;

    if (c->complete && ev->node != AW_NONE && !c->leaving[ev->node]) {
        c->leaving[ev->node] = true;
        c->n_leaving++;
    }
    for (uint32_t n = 0; n < pool->n_nodes; n++)
        left += !pool->nodes[n].lost;
    if (c->complete && c->n_leaving < left) {
        aw_coordinator_doubt (c);
        return;
    }
    aw_error_set (&text, "the nodes leave: %s", ev->reason);
    aw_coordinator_end_job (c, text.text, ev->reason);
}

/* Tasks that got SIGKILL have not ended: their nodes do not answer and count as lost. */
void aw_coordinator_on_kill_deadline (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;
    struct aw_event run, ev = { .type = AW_EVENT_NODE_LOST, .task = AW_NONE };
    uint32_t cursor = 0;

    (void)fd;
    (void)what;
    ev.reason = "its tasks were killed and it does not answer";
    while (aw_sched_running (c->sched, &cursor, &run)) {
        ev.node = run.node;
        if (!aw_sched_is_lost (c->sched, run.node))
            aw_coordinator_lose_node (c, &ev);
    }
}

bool aw_coordinator_journal_is_gone (const struct aw_coordinator *c)
{
    return c->journal && aw_journal_is_gone (c->journal);
}

bool aw_coordinator_has_started (const struct aw_coordinator *c)
{
    return c->has_started;
}

void aw_coordinator_lose_directory (struct aw_coordinator *c)
{
    if (c->exit_code >= 0 || c->directory_lost)
        return;
    aw_display_message (c->display,
                        "async-workflow: stopping: %s has been removed or moved: what happens now "
                        "cannot be recorded",
                        c->config.run_dir);
    c->directory_lost = c->journal_broken = true;
    aw_journal_abandon (c->journal);
    aw_coordinator_stop (c, true, "the run directory is gone");
    if (!c->complete)
        aw_coordinator_end_run (c, AW_EXIT_STOPPED, "nothing has started yet");
}

/* Ctrl-C, SIGTERM, SIGHUP: at first tasks get SIGTERM, the second time SIGKILL. */
void aw_coordinator_on_stop_signal (void *arg, int times, const char *name)
{
    struct aw_coordinator *c = arg;
    struct aw_event run;
    uint32_t cursor = 0;

    if (times == 1) {
        aw_display_message (c->display,
                            "async-workflow: stopping: tasks have %.0f s to exit; %s again to "
                            "kill them now",
                            c->config.kill_grace,
                            strcmp (name, "Ctrl-C") == 0 ? "press Ctrl-C" : "send the signal");
        aw_coordinator_stop (c, true, name);
        if (c->n_joined < c->config.min_nodes)
            aw_coordinator_end_run (c, AW_EXIT_STOPPED, "nothing has started yet");
        return;
    }
    aw_display_message (c->display, "async-workflow: killing the tasks (second %s)", name);
    c->config.kill_grace = 0; /* for tasks, too, that are killed later */
    while (aw_sched_running (c->sched, &cursor, &run))
        aw_coordinator_kill (c, run.node, run.task, run.attempt, 0);
    aw_coordinator_arm (c->kill_deadline, KILL_DEADLINE);
}

/* Running tasks may finish: the signal comes early enough. */
void aw_coordinator_on_drain (void *arg, const char *name)
{
    struct aw_coordinator *c = arg;

    if (c->stopping)
        return;
    aw_display_message (c->display,
                        "async-workflow: %s: nothing more starts; running tasks may finish", name);
    aw_coordinator_stop (c, false, name);
    if (c->n_joined < c->config.min_nodes)
        aw_coordinator_end_run (c, AW_EXIT_STOPPED, "nothing has started yet");
}
