/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to attempts, and the timers that send them. All signals that are due are sent together,
 * later in the same turn of the loop.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"

static void send_later (struct aw_agent_attempt *attempt, int number)
{
    attempt->signal_due = number;
    attempt->killed |= number == SIGKILL;
    event_active (attempt->agent->send_signals, 0, 0);
}

static struct timeval timeval_of (double seconds)
{
    double cut = seconds > 0 ? fmin (seconds, 1e9) : 0; /* 31 years at most */

    return (struct timeval){ (time_t)cut, (suseconds_t)((cut - floor (cut)) * 1e6) };
}

static int set_event (struct event **event,
                      struct aw_agent_attempt *attempt,
                      double seconds,
                      void (*callback) (int fd, short what, void *arg))
{
    const struct timeval when = timeval_of (seconds);

    if (*event)
        event_free (*event);
    *event = evtimer_new (attempt->agent->base, callback, attempt);
    if (*event && event_add (*event, &when) == 0)
        return 0;
    errno = ENOMEM;
    return -1;
}

int aw_attempt_set_timer (struct aw_agent_attempt *attempt,
                          double seconds,
                          void (*callback) (int fd, short what, void *arg))
{
    return set_event (&attempt->timer, attempt, seconds, callback);
}

static void on_grace_over (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    send_later (arg, SIGKILL);
}

static void on_limit (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_attempt *attempt = arg;

    (void)fd;
    (void)what;
    aw_attempt_end (attempt, AW_STATUS_TIMEOUT, attempt->limit_grace);
}

/* A signal that ends the attempt must not be lost to this one. */
static void on_notice (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_attempt *attempt = arg;

    (void)fd;
    (void)what;
    attempt->noticed = true;
    if (attempt->state == AW_ATTEMPT_RUNNING && !attempt->signal_due)
        send_later (attempt, attempt->notice_signal);
}

int aw_attempt_set_limits (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    attempt->notice_signal = launch->notice_signal;
    attempt->notice_cancels = launch->notice_cancels;
    attempt->limit_grace = launch->grace;
    if (isfinite (launch->notice)
        && set_event (&attempt->notice, attempt, launch->notice, on_notice) < 0)
        return -1;
    return isfinite (launch->time_limit)
               ? aw_attempt_set_timer (attempt, launch->time_limit, on_limit)
               : 0;
}

void aw_attempt_end (struct aw_agent_attempt *attempt, enum aw_status as, double grace)
{
    if (attempt->state == AW_ATTEMPT_RUNNING)
        attempt->ended_as = as;
    else if (attempt->state != AW_ATTEMPT_ENDING || grace >= attempt->grace)
        return;
    attempt->state = AW_ATTEMPT_ENDING;
    attempt->grace = grace;
    if (grace > 0 && aw_attempt_set_timer (attempt, grace, on_grace_over) == 0)
        send_later (attempt, SIGTERM);
    else
        send_later (attempt, SIGKILL);
}

/* A stopped process must continue to handle SIGTERM. PID as in kill(2). */
static void send_signal (pid_t pid, int number)
{
    kill (pid, number);
    if (number == SIGTERM)
        kill (pid, SIGCONT);
}

/* Sends to the other process groups of the sessions. One search serves all attempts. */
static void signal_groups (struct aw_agent *agent)
{
    if (aw_processes_read (&agent->processes) < 0)
        return;
    for (size_t i = 0; i < agent->processes.n; i++) {
        pid_t pid = agent->processes.pids[i];
        pid_t session = getsid (pid);
        struct aw_agent_attempt *attempt =
            session > 0 ? aw_attempts_by_pid (&agent->attempts, session) : NULL;

        if (attempt && attempt->signal_due && getpgid (pid) != attempt->pid)
            send_signal (pid, attempt->signal_due);
    }
}

/* Processes of attempts are not reaped yet, even if they have ended, or others of their groups were
 * there a moment ago: no other session can have their numbers.
 */
void aw_agent_on_send_signals (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;
    bool any = false;

    (void)fd;
    (void)what;
    for (struct aw_agent_attempt *attempt = agent->attempts.first; attempt;
         attempt = attempt->next) {
        if (!attempt->pid || !attempt->signal_due)
            continue;
        send_signal (-attempt->pid, attempt->signal_due);
        any = true;
    }
    if (any)
        signal_groups (agent);
    for (struct aw_agent_attempt *attempt = agent->attempts.first; attempt; attempt = attempt->next)
        attempt->signal_due = 0;
    if (agent->n_lingering > 0)
        event_active (agent->sweep, 0, 0);
}
