/* SPDX-License-Identifier: Apache-2.0 */
/* When a service is ready: it has started, one of its processes listens on its port, or it has
 * published on its topic. The agent reports that once. A service that is not ready in time is
 * ended.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"
#include "agent/listen.h"
#include "util/clock.h"

/* Seconds between two looks at the port: the first, each further one as many times, the longest. */
static const double FIRST_LOOK = 0.01, LOOK_FACTOR = 1.3, LONGEST_LOOK = 0.25;

static void forget (struct aw_agent_attempt *attempt)
{
    if (attempt->serving.timer)
        event_free (attempt->serving.timer);
    free (attempt->serving.topic);
    memset (&attempt->serving, 0, sizeof (attempt->serving));
}

static void report (struct aw_agent_attempt *attempt)
{
    const struct aw_event ev = {
        .type = AW_EVENT_SERVING,
        .task = attempt->task,
        .attempt = attempt->attempt,
        .seconds = aw_clock_monotonic () - attempt->spawned,
        .port = attempt->serving.port,
    };

    aw_agent_report (attempt->agent, &ev);
    forget (attempt);
}

/* Is PID of the attempt: of its session, or a daemon that left it? */
static bool is_of (const struct aw_agent_attempt *attempt, pid_t pid)
{
    return getsid (pid) == attempt->pid || aw_process_mark_of (pid) == attempt->mark;
}

static bool listens (struct aw_agent_attempt *attempt)
{
    struct aw_processes *processes = &attempt->agent->processes;
    uint64_t inodes[AW_LISTENERS_MAX];
    size_t n = aw_listeners (attempt->serving.port, inodes);

    attempt->serving.foreign = n > 0;
    if (n == 0 || aw_processes_read (processes) < 0)
        return false;
    for (size_t i = 0; i < processes->n; i++)
        if (is_of (attempt, processes->pids[i]) && aw_holds_socket (processes->pids[i], inodes, n))
            return true;
    return false;
}

static void look_after (struct aw_agent_attempt *attempt, double seconds)
{
    const struct timeval when = { (time_t)seconds,
                                  (suseconds_t)((seconds - floor (seconds)) * 1e6) };

    event_add (attempt->serving.timer, &when);
}

static void give_up (struct aw_agent_attempt *attempt)
{
    attempt->unready = attempt->serving.foreign ? "not ready in time: another process has its port"
                                                : "not ready in time (\"timeout\" of \"ready\")";
    aw_attempt_end (attempt, AW_STATUS_TIMEOUT, attempt->limit_grace);
    forget (attempt);
}

static void on_look (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_attempt *attempt = arg;
    double left = attempt->serving.until - aw_clock_monotonic ();

    (void)fd;
    (void)what;
    if (attempt->state != AW_ATTEMPT_RUNNING)
        return;
    if (attempt->serving.port && !attempt->serving.topic && listens (attempt))
        report (attempt);
    else if (left <= 0)
        give_up (attempt);
    else {
        attempt->serving.wait = fmin (attempt->serving.wait * LOOK_FACTOR, LONGEST_LOOK);
        look_after (attempt, attempt->serving.topic ? left : fmin (attempt->serving.wait, left));
    }
}

int aw_attempt_serving_begin (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    if (!launch->service)
        return 0;
    attempt->service = true;
    attempt->serving.port = launch->port;
    if (!launch->port && !launch->ready_topic) {
        report (attempt);
        return 0;
    }
    attempt->serving.until = aw_clock_monotonic () + fmin (launch->ready_timeout, 1e9);
    attempt->serving.wait = FIRST_LOOK;
    attempt->serving.topic = launch->ready_topic ? strdup (launch->ready_topic) : NULL;
    attempt->serving.timer = evtimer_new (attempt->agent->base, on_look, attempt);
    if (!attempt->serving.timer || (launch->ready_topic && !attempt->serving.topic)) {
        forget (attempt);
        return -1;
    }
    look_after (attempt, FIRST_LOOK);
    return 0;
}

void aw_agent_published (struct aw_agent *agent, const struct aw_packet *packet)
{
    struct aw_agent_attempt *attempt =
        aw_attempts_find (&agent->attempts, packet->task, packet->attempt);
    const char *topic = attempt ? attempt->serving.topic : NULL;

    if (topic && attempt->state == AW_ATTEMPT_RUNNING && strlen (topic) == packet->topic.size
        && memcmp (topic, packet->topic.text, packet->topic.size) == 0)
        report (attempt);
    else if (attempt)
        attempt->sends = true;
}
