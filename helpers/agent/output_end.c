/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of attempts whose process has ended. An attempt ends when its output is written; if some
 * of it is lost, the attempt has failed.
 */
#include "config.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "agent/agent_state.h"

static const double DISPUTE_SECONDS = 0.1;
static const double LOST_GRACE_SECONDS = 5;

static void on_dispute_over (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_attempt *attempt = arg;

    (void)fd;
    (void)what;
    aw_attempt_finish (attempt, &attempt->finish);
}

/* Where Slurm tells the whole step to end, tasks may get SIGTERM before the agent does. */
static bool dispute (struct aw_agent_attempt *attempt, const struct aw_event *finish)
{
    if (finish->signal != SIGTERM || attempt->ended_as != AW_STATUS_COMPLETED
        || attempt->agent->leaving)
        return false;
    attempt->finish = *finish;
    attempt->state = AW_ATTEMPT_DISPUTED;
    return aw_attempt_set_timer (attempt, DISPUTE_SECONDS, on_dispute_over) == 0;
}

/* Output that is lost is a failure, but no other end becomes one. */
static void conclude (struct aw_agent_attempt *attempt)
{
    struct aw_event finish = attempt->finish;

    if (attempt->why_lost && finish.status == AW_STATUS_COMPLETED) {
        finish.status = AW_STATUS_FAILED;
        finish.code = 0;
    }
    if (attempt->why_lost && finish.status == AW_STATUS_FAILED)
        finish.reason = attempt->why_lost;
    if (attempt->why_lost && attempt->ended_as == AW_STATUS_FAILED)
        finish.signal = 0; /* that was ours */
    if (!dispute (attempt, &finish))
        aw_attempt_stage_out (attempt, &finish);
}

void aw_attempt_output_end (struct aw_agent_attempt *attempt, const struct aw_event *finish)
{
    bool hurry = attempt->agent->leaving || attempt->state == AW_ATTEMPT_ENDING;

    attempt->finish = *finish;
    if (!attempt->logged || attempt->why_lost) {
        conclude (attempt);
        return;
    }
    attempt->state = AW_ATTEMPT_LOGGING;
    if (hurry) /* who wants its end does not wait for ever */
        aw_attempt_output_hurry (attempt, attempt->grace);
    aw_task_logs_end (attempt->agent->logs, attempt->task, attempt->attempt);
}

static void lose (struct aw_agent_attempt *attempt, const char *why)
{
    if (!attempt->why_lost)
        attempt->why_lost = strdup (why);
}

static void on_no_answer (int fd, short what, void *arg)
{
    struct aw_agent_attempt *attempt = arg;

    (void)fd;
    (void)what;
    lose (attempt, "its output cannot be written: the file system of the run directory hangs");
    conclude (attempt);
}

void aw_attempt_output_hurry (struct aw_agent_attempt *attempt, double seconds)
{
    (void)aw_attempt_set_timer (attempt, fmax (seconds, 1), on_no_answer);
}

static void on_written (void *arg, uint32_t task, uint32_t number, const char *why)
{
    struct aw_agent *agent = arg;
    struct aw_agent_attempt *attempt = aw_attempts_find (&agent->attempts, task, number);

    if (!attempt || attempt->state != AW_ATTEMPT_LOGGING)
        return;
    if (why)
        lose (attempt, why);
    conclude (attempt);
}

/* An attempt that runs ends: what it prints from now on is lost, too. */
static void on_died (void *arg, const char *why)
{
    struct aw_agent *agent = arg;

    for (struct aw_agent_attempt *attempt = agent->attempts.first, *next; attempt; attempt = next) {
        next = attempt->next;
        if (!attempt->logged || attempt->why_lost)
            continue;
        lose (attempt, why);
        if (attempt->state == AW_ATTEMPT_LOGGING)
            conclude (attempt);
        else if (attempt->state == AW_ATTEMPT_RUNNING)
            aw_attempt_end (attempt, AW_STATUS_FAILED, LOST_GRACE_SECONDS);
    }
}

struct aw_task_logs_callbacks aw_agent_logs_callbacks (struct aw_agent *agent)
{
    return (struct aw_task_logs_callbacks){ on_written, on_died, agent };
}
