/* SPDX-License-Identifier: Apache-2.0 */
/* Copies before and after the process of an attempt. */
#include "config.h"

#include "agent/agent_state.h"
#include "agent/staging/stager.h"
#include "util/clock.h"

static const char CANNOT_START[] = "cannot be started: out of memory";
static const char CANNOT_STAGE[] = "staging: out of memory";

/*
 * Before
 */

static void on_staged_in (void *arg, const struct aw_copied *copied, const char *error)
{
    struct aw_agent_attempt *attempt = arg;
    const struct aw_event staged = {
        .type = AW_EVENT_STAGED,
        .task = attempt->task,
        .attempt = attempt->attempt,
        .seconds = aw_clock_monotonic () - attempt->begun,
        .bytes = copied->bytes,
        .node_bytes = copied->from_nodes,
        .reason = aw_stager_note (attempt->in),
    };

    if (staged.reason && !error && attempt->started)
        aw_agent_report (attempt->agent, &staged);
    if (error)
        aw_attempt_give_up (attempt, aw_attempt_seconds (attempt), 0, error);
    else if (attempt->started)
        aw_attempt_launch (attempt, &attempt->launch);
    else {
        attempt->state = AW_ATTEMPT_STAGED;
        aw_agent_report (attempt->agent, &staged);
    }
}

/* The copies of an earlier request are released after these are asked for: what both use stays. */
static void stage_in (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    struct aw_stager_job *job =
        aw_stager_stage_in (attempt->agent->stager, launch->stage_in, launch->peers,
                            launch->instance, on_staged_in, attempt);

    attempt->state = AW_ATTEMPT_STAGING_IN;
    aw_stager_release (attempt->in);
    attempt->in = job;
    if (job && !attempt->started)
        aw_stager_ahead (job);
    if (!job)
        aw_attempt_give_up (attempt, aw_attempt_seconds (attempt), 0, CANNOT_STAGE);
}

struct aw_agent_attempt *aw_attempt_begin (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_agent_attempt *attempt =
        aw_attempts_find (&agent->attempts, launch->task, launch->attempt);
    const struct aw_event failure = {
        .type = AW_EVENT_FINISH,
        .task = launch->task,
        .attempt = launch->attempt,
        .status = AW_STATUS_FAILED,
        .reason = CANNOT_START,
    };

    if (attempt && attempt->started)
        return NULL;
    if (!attempt)
        attempt = aw_attempts_add (&agent->attempts, launch->task, launch->attempt);
    if (!attempt)
        aw_agent_report (agent, &failure);
    else {
        if (attempt->state == AW_ATTEMPT_ASSIGNED) {
            aw_attempts_unassign (&agent->attempts, attempt);
            aw_launch_finish (&attempt->launch);
        }
        attempt->agent = agent;
    }
    return attempt;
}

void aw_agent_stage (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_agent_attempt *attempt = aw_attempt_begin (agent, launch);

    if (!attempt)
        return;
    attempt->begun = aw_clock_monotonic ();
    stage_in (attempt, launch);
}

/* Copies that STAGE asked for stay in use until the attempt has ended. Where they had to go for
 * those of an attempt that had started, they are made again.
 */
static void use_staged (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    int rc = aw_stager_use (attempt->in);

    if (rc < 0)
        aw_attempt_give_up (attempt, aw_attempt_seconds (attempt), 0, CANNOT_STAGE);
    else if (rc > 0)
        aw_attempt_launch (attempt, launch);
    else
        attempt->state = AW_ATTEMPT_STAGING_IN; /* on_staged_in starts it */
}

void aw_agent_start (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_agent_attempt *attempt = aw_attempt_begin (agent, launch);

    if (!attempt)
        return;
    aw_attempt_set_started (attempt, launch);
    if ((launch->stage_in || launch->stage_out || attempt->in || launch->place)
        && aw_attempt_keep (attempt, launch) < 0)
        aw_attempt_give_up (attempt, 0, 0, CANNOT_START);
    else if (launch->stage_in)
        stage_in (attempt, launch);
    else if (attempt->in)
        use_staged (attempt, launch);
    else
        aw_attempt_launch (attempt, launch);
}

/*
 * After
 */

static void on_staged_out (void *arg, const struct aw_copied *copied, const char *error)
{
    struct aw_agent_attempt *attempt = arg;
    struct aw_event finish = attempt->finish;

    (void)copied;
    if (!attempt->launch.release)
        finish.seconds = aw_attempt_seconds (attempt);
    if (error) {
        finish.status = AW_STATUS_FAILED;
        finish.code = 0;
        finish.reason = error;
    }
    aw_attempt_finish (attempt, &finish);
}

void aw_attempt_stage_out (struct aw_agent_attempt *attempt, const struct aw_event *finish)
{
    struct aw_agent *agent = attempt->agent;

    if (!attempt->launch.stage_out || finish->status != AW_STATUS_COMPLETED || !agent->stager) {
        aw_attempt_finish (attempt, finish);
        return;
    }
    attempt->state = AW_ATTEMPT_STAGING_OUT;
    attempt->finish = *finish;
    attempt->finish.reason = NULL;
    attempt->finish.seconds = aw_attempt_seconds (attempt);
    if (attempt->launch.release) {
        struct aw_event release = attempt->finish;

        release.type = AW_EVENT_RELEASE;
        aw_agent_report (agent, &release);
    }
    attempt->out =
        aw_stager_stage_out (agent->stager, attempt->launch.stage_out, on_staged_out, attempt);
    if (!attempt->out)
        on_staged_out (attempt, NULL, CANNOT_STAGE);
}
