/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging.h"

#include <stdlib.h>
#include <string.h>

#include "agent/staging/stager.h"
#include "core/retry.h"
#include "util/clock.h"

struct aw_staging {
    struct aw_staging *next;
    struct aw_agent *agent;
    struct aw_launch launch; /* owned */
    double begun; /* it holds CPUs and GPUs since */
    bool ended; /* its process; what it made is being copied */
    struct aw_event finish; /* then: how */
};

static struct aw_staging *find (const struct aw_agent *agent, uint32_t task, uint32_t attempt)
{
    for (struct aw_staging *s = agent->staging; s; s = s->next)
        if (s->launch.task == task && s->launch.attempt == attempt)
            return s;
    return NULL;
}

static void forget (struct aw_agent *agent, struct aw_staging *staging)
{
    struct aw_staging **link = &agent->staging;

    while (*link != staging)
        link = &(*link)->next;
    *link = staging->next;
    aw_launch_finish (&staging->launch);
    free (staging);
}

static void report (struct aw_agent *agent,
                    const struct aw_launch *launch,
                    double seconds,
                    const char *why)
{
    const struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = launch->task,
        .attempt = launch->attempt,
        .status = why ? AW_STATUS_FAILED : AW_STATUS_CANCELLED,
        .seconds = seconds,
        .reason = why,
    };

    aw_agent_report (agent, &ev);
}

static void tell (struct aw_agent *agent, const struct aw_event *ev)
{
    if (agent->link && aw_frame_put_staging (aw_link_out (agent->link), ev, NULL) == 0)
        aw_link_send (agent->link);
}

/* STAGE */

static void on_staged (void *arg, const struct aw_event *ev, const char *error)
{
    struct aw_agent *agent = arg;
    const struct aw_launch launch = { .task = ev->task, .attempt = ev->attempt };

    if (error)
        report (agent, &launch, 0, error);
    else
        tell (agent, ev);
}

void aw_agent_stage (struct aw_agent *agent, const struct aw_launch *launch)
{
    aw_stager_bring (agent->stager, launch, on_staged, agent);
}

/* START */

static void on_brought (void *arg, const struct aw_event *ev, const char *error)
{
    struct aw_staging *staging = arg;
    struct aw_agent *agent = staging->agent;
    double seconds = aw_clock_monotonic () - staging->begun;

    (void)ev;
    if (!error) {
        aw_agent_launch (agent, &staging->launch);
        return;
    }
    report (agent, &staging->launch, seconds, error); /* which forgets it */
    aw_agent_check_done (agent);
}

void aw_agent_start (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_staging *staging;

    if (!launch->bring && !launch->fetch) {
        aw_agent_launch (agent, launch);
        return;
    }
    staging = calloc (1, sizeof (*staging));
    if (staging)
        aw_launch_init (&staging->launch);
    if (!staging || aw_launch_copy (&staging->launch, launch) < 0) {
        free (staging);
        report (agent, launch, 0, "cannot be started: out of memory");
        return;
    }
    staging->agent = agent;
    staging->begun = aw_clock_monotonic ();
    staging->next = agent->staging;
    agent->staging = staging;
    if (launch->bring)
        aw_stager_bring (agent->stager, &staging->launch, on_brought, staging);
    else
        aw_agent_launch (agent, &staging->launch);
}

/* The end */

static void on_fetched (void *arg, const struct aw_event *ev, const char *error)
{
    struct aw_staging *staging = arg;
    struct aw_agent *agent = staging->agent;
    struct aw_event finish = staging->finish;

    (void)ev;
    if (!staging->launch.release)
        finish.seconds = aw_clock_monotonic () - staging->begun;
    if (error) {
        finish.status = AW_STATUS_FAILED;
        finish.code = 0;
        finish.reason = error;
    }
    aw_agent_report (agent, &finish); /* which forgets the record */
    aw_agent_check_done (agent);
}

bool aw_agent_fetch (struct aw_agent *agent, const struct aw_event *ev)
{
    struct aw_staging *staging = find (agent, ev->task, ev->attempt);
    struct aw_event judged = *ev;

    if (!staging || !staging->launch.fetch)
        return false;
    aw_judge_finish (&judged, &staging->launch.success);
    if (judged.status != AW_STATUS_COMPLETED)
        return false;
    staging->ended = true;
    staging->finish = *ev;
    staging->finish.reason = NULL;
    staging->finish.seconds = aw_clock_monotonic () - staging->begun;
    if (staging->launch.release) {
        judged = staging->finish;
        judged.type = AW_EVENT_RELEASE;
        tell (agent, &judged);
    }
    aw_stager_fetch (agent->stager, ev->task, ev->attempt, staging->launch.fetch, on_fetched,
                     staging);
    return true;
}

bool aw_agent_stop_copies (struct aw_agent *agent, uint32_t task, uint32_t attempt)
{
    const struct aw_launch launch = { .task = task, .attempt = attempt };
    struct aw_staging *staging = find (agent, task, attempt);

    if (!agent->stager || !aw_stager_forget (agent->stager, task, attempt))
        return false;
    report (agent, &launch, staging ? aw_clock_monotonic () - staging->begun : 0, NULL);
    aw_agent_check_done (agent);
    return true;
}

void aw_agent_forget_copies (struct aw_agent *agent, uint32_t task, uint32_t attempt)
{
    struct aw_staging *staging = find (agent, task, attempt);

    if (agent->stager)
        aw_stager_forget (agent->stager, task, attempt);
    if (staging)
        forget (agent, staging);
}

void aw_agent_end_copies (struct aw_agent *agent)
{
    aw_stager_destroy (agent->stager);
    agent->stager = NULL;
    while (agent->staging)
        forget (agent, agent->staging);
}
