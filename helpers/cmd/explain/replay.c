/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/explain/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/history/resume_state.h"
#include "util/array.h"

/* Names of modes and policies that this version does not know leave CONFIG as it is. */
static void configure (struct aw_sched_config *config, const char *mode, const char *policy)
{
    int m = mode ? aw_mode_parse (mode) : -1, p = policy ? aw_policy_parse (policy) : -1;

    if (m >= 0)
        config->mode = (enum aw_mode)m;
    if (p >= 0)
        config->policy = (enum aw_policy)p;
}

static void forget_nodes (struct aw_replay *replay)
{
    for (uint32_t i = 0; i < replay->n_nodes; i++) {
        aw_idset_finish (&replay->nodes[i].cpus);
        aw_idset_finish (&replay->nodes[i].gpus);
        free (replay->nodes[i].topology);
    }
    replay->n_nodes = 0;
}

static int keep_node (struct aw_replay *replay, const struct aw_event *ev)
{
    struct aw_replay_node *node;

    if (aw_array_reserve (&replay->nodes, &replay->node_room, replay->n_nodes + (size_t)1) < 0)
        return -1;
    node = &replay->nodes[replay->n_nodes++];
    *node = (struct aw_replay_node){ .mem = ev->mem };
    if (ev->topology && !(node->topology = strdup (ev->topology)))
        return -1;
    return aw_idset_copy (&node->cpus, &ev->cpus) < 0 || aw_idset_copy (&node->gpus, &ev->gpus) < 0
               ? -1
               : 0;
}

/* A new coordinator, and so a new scheduler, continues where the history stands. */
static int resume (struct aw_replay *replay,
                   const struct aw_report *report,
                   const struct aw_event *ev,
                   struct aw_error *err)
{
    struct aw_resume_state state = { 0 };
    int rc;

    configure (&replay->config, ev->resume->mode, ev->resume->policy);
    aw_sched_destroy (replay->sched);
    forget_nodes (replay);
    replay->trouble.text[0] = '\0';
    replay->sched = aw_sched_create (report->workflow->graph, &replay->config, err);
    if (!replay->sched)
        return -1;
    rc = aw_resume_state_init (&state, &report->history, err);
    if (rc == 0)
        rc = aw_sched_resume (replay->sched, &state, err);
    aw_resume_state_finish (&state);
    return rc;
}

int aw_replay_event (void *arg,
                     const struct aw_report *report,
                     const struct aw_event *ev,
                     struct aw_error *err)
{
    struct aw_replay *replay = arg;

    if (ev->type == AW_EVENT_RESUME)
        return resume (replay, report, ev, err);
    if (!replay->sched) {
        configure (&replay->config, report->header.mode, report->header.policy);
        replay->sched = aw_sched_create (report->workflow->graph, &replay->config, err);
        if (!replay->sched)
            return -1;
    }
    if (ev->type == AW_EVENT_NODE && keep_node (replay, ev) < 0)
        return aw_error_set (err, "out of memory");
    if (!replay->trouble.text[0])
        aw_sched_handle (replay->sched, ev, &replay->trouble);
    return 0;
}

int aw_replay_now (struct aw_replay *replay, const struct aw_report *report, struct aw_error *err)
{
    struct aw_event ev = {
        .type = AW_EVENT_WAKE, .t = report->history.now, .task = AW_NONE, .node = AW_NONE
    };
    struct aw_event action;

    if (!replay->sched)
        return aw_error_set (err, "%s: the run has not begun: its journal has no event",
                             report->dir);
    if (replay->trouble.text[0])
        return aw_error_set (err, "%s: the journal cannot be replayed: %s", report->dir,
                             replay->trouble.text);
    if (aw_sched_handle (replay->sched, &ev, err) < 0)
        return -1;
    if (!report->live && aw_sched_assign_none (replay->sched) < 0) /* no node has any task */
        return aw_error_set (err, "out of memory");
    while (aw_sched_next (replay->sched, &action))
        ;
    return 0;
}

void aw_replay_finish (struct aw_replay *replay)
{
    int saved = errno;

    aw_sched_destroy (replay->sched);
    forget_nodes (replay);
    free (replay->nodes);
    errno = saved;
    memset (replay, 0, sizeof (*replay));
}
