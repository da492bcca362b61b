/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the job, which an administrator may move while the run goes on. Slurm is asked again
 * every five minutes, shortly before the run would stop, and before a task is held back because it
 * could not end in time.
 */
#include "coord/coordinator_state.h"

#include <math.h>

#include "util/clock.h"
#include "util/units.h"

enum {
    ASK_EVERY = 300, /* seconds */
    ASK_BEFORE = 15, /* the end */
    FRESH = 30, /* an answer is not asked for again */
};

static void arm_question (struct aw_coordinator *c)
{
    double left = c->limit_t - aw_coordinator_now (c) - ASK_BEFORE;

    if (c->config.ask_job)
        aw_coordinator_arm (c->question, left > 1 ? fmin (left, ASK_EVERY) : ASK_EVERY);
}

/* Hands the end to the scheduler. */
static void set_limit (struct aw_coordinator *c)
{
    struct aw_event ev = { .type = AW_EVENT_LIMIT, .task = AW_NONE, .node = AW_NONE };
    bool limited = c->config.end_time > 0 && !isinf (c->config.end_time);

    c->limit_t = INFINITY;
    if (limited)
        c->limit_t = aw_coordinator_round (
            fmax (c->config.end_time - aw_clock_wall () + aw_coordinator_now (c), 1e-6));
    ev.seconds = limited ? c->limit_t : 0;
    aw_coordinator_handle_event (c, &ev);
    aw_coordinator_arm (c->limit, c->limit_t - aw_coordinator_now (c));
}

void aw_coordinator_begin_limit (struct aw_coordinator *c)
{
    if (c->config.end_time > 0 && !isinf (c->config.end_time))
        set_limit (c);
    c->limit_known = aw_coordinator_now (c);
    arm_question (c);
}

static void print_end (struct aw_coordinator *c)
{
    char left[32];

    if (isinf (c->limit_t))
        aw_display_message (c->display, "async-workflow: the job has no time limit any more");
    else
        aw_display_message (
            c->display, "async-workflow: the job's time limit has changed: the run ends in %s",
            aw_format_seconds (left, sizeof (left), c->limit_t - aw_coordinator_now (c)));
}

void aw_coordinator_set_end (struct aw_coordinator *c, double end_time)
{
    double before = c->config.end_time > 0 ? c->config.end_time : INFINITY;

    if (end_time == before || fabs (end_time - before) < 1)
        return;
    c->config.end_time = end_time;
    if (!c->complete || c->stopping)
        return;
    set_limit (c);
    print_end (c);
}

void aw_coordinator_limit_asked (struct aw_coordinator *c)
{
    c->limit_asked = false;
    c->limit_known = aw_coordinator_now (c);
    arm_question (c);
    aw_coordinator_want_turn (c);
}

static void ask (struct aw_coordinator *c)
{
    c->limit_asked = true;
    c->config.ask_job (c->config.arg);
}

void aw_coordinator_on_question (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;

    (void)fd;
    (void)what;
    if (c->exit_code < 0)
        ask (c);
}

static bool holds_back (const struct aw_coordinator *c)
{
    uint32_t n_sets = c->config.workflow->graph->n_sets;
    double needs;

    for (uint32_t s = 0; s < n_sets; s++)
        if (aw_sched_counts (c->sched, s).ready > 0 && aw_sched_too_late (c->sched, s, &needs))
            return true;
    return false;
}

/* Must decisions wait for Slurm's answer, because the run would end for the limit?
 * While tasks run there is time: the question is asked once. Before the last one ends, or nothing
 * runs, the answer must be fresh, because the run would end.
 */
static bool awaits_limit (struct aw_coordinator *c)
{
    bool runs = aw_sched_any_runs (c->sched);

    if (!c->config.ask_job || c->stopping || isinf (c->limit_t))
        return false;
    if (!c->limit_asked && !(runs && c->holds_back)
        && aw_coordinator_now (c) - c->limit_known >= FRESH) {
        c->holds_back = holds_back (c);
        if (c->holds_back)
            ask (c);
    }
    return c->limit_asked && !runs && c->holds_back;
}

bool aw_coordinator_is_free (struct aw_coordinator *c)
{
    if (!c->complete || c->exit_code >= 0)
        return false;
    return c->stopping || (c->n_leaving == 0 && !c->doubt.open && !awaits_limit (c));
}

void aw_coordinator_on_limit (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;

    (void)fd;
    (void)what;
    aw_display_message (c->display, "async-workflow: stopping: the job is at its end");
    aw_coordinator_stop (c, true, "the end of the job");
}
