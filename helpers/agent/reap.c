/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of tasks. A task is over when its first process is; before that one is reaped (so that its
 * number is still taken) its process group is killed, which costs one system call and gets most of
 * what may be left. The rest is looked for a moment later: other groups of its session, and daemons
 * that left it, both of which the agent inherits as subreaper. A daemon is known by the mark in its
 * environment; one without, of which nobody can tell whose it is, ends with the agent.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/private.h"
#include "agent/staging.h"
#include "util/clock.h"

static const double SWEEP_SECONDS = 0.25; /* at most so often; not at all while nothing ends */
enum { SHELL_KILLED = 128 + SIGKILL }; /* as shells report a child that was */
static const double LIMIT_GRACE_SECONDS = 10; /* from SIGTERM to SIGKILL after the time limit */

static struct timeval timeval_of (double seconds)
{
    struct timeval tv;

    if (!(seconds > 0))
        seconds = 0;
    if (seconds > 1e9)
        seconds = 1e9; /* 31 years */
    tv.tv_sec = (time_t)seconds;
    tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
    return tv;
}

/*
 * Telling tasks to end
 */

static void send_later (struct aw_agent_task *task, int number)
{
    struct aw_agent *agent = task->agent;

    task->signal_due = number;
    event_active (agent->send_signals, 0, 0);
}

static void on_timer (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_task *task = arg;

    (void)fd;
    (void)what;
    if (task->ended_as == AW_STATUS_COMPLETED)
        aw_agent_end_task (task, AW_STATUS_TIMEOUT, LIMIT_GRACE_SECONDS);
    else
        send_later (task, SIGKILL);
}

int aw_agent_set_limit (struct aw_agent_task *task, double seconds)
{
    struct aw_agent *agent = task->agent;
    struct timeval limit = timeval_of (seconds);

    if (!task->timer)
        task->timer = evtimer_new (agent->base, on_timer, task);
    if (!task->timer || event_add (task->timer, &limit) < 0) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

/* Nothing that ends it shall be lost for it. */
static void on_notice (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent_task *task = arg;

    (void)fd;
    (void)what;
    task->noticed = true;
    if (task->ended_as == AW_STATUS_COMPLETED && !task->signal_due)
        send_later (task, task->notice_signal);
}

int aw_agent_set_notice (struct aw_agent_task *task, const struct aw_launch *launch)
{
    struct aw_agent *agent = task->agent;
    struct timeval when = timeval_of (launch->notice);

    if (isinf (launch->notice))
        return 0;
    task->notice_signal = launch->notice_signal;
    task->notice_cancels = launch->notice_cancels;
    task->notice = evtimer_new (agent->base, on_notice, task);
    if (!task->notice || event_add (task->notice, &when) < 0) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

void aw_agent_end_task (struct aw_agent_task *task, enum aw_status as, double grace)
{
    bool again = task->ended_as != AW_STATUS_COMPLETED;

    if (!again)
        task->ended_as = as;
    else if (grace >= task->grace)
        return; /* under way already; a shorter grace counts from now */
    task->grace = grace;
    if (grace > 0 && aw_agent_set_limit (task, grace) == 0)
        send_later (task, SIGTERM);
    else
        send_later (task, SIGKILL);
}

/* What is stopped must wake up to handle SIGTERM. */
static void signal_group (const struct aw_agent_task *task)
{
    kill (-task->pid, task->signal_due);
    if (task->signal_due == SIGTERM)
        kill (-task->pid, SIGCONT);
}

/* The first processes are not reaped yet: their numbers are sessions of theirs, whoever else has
 * ended. Other groups of the sessions are looked for in one go for all tasks.
 */
void aw_agent_on_send_signals (int fd, short what, void *arg)
{
    struct aw_agent *agent = arg;
    bool any = false;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < agent->tasks.n; i++) {
        if (agent->tasks.items[i]->signal_due) {
            signal_group (agent->tasks.items[i]);
            any = true;
        }
    }
    if (any && aw_processes_read (&agent->processes) == 0) {
        for (size_t i = 0; i < agent->processes.n; i++) {
            pid_t pid = agent->processes.pids[i];
            pid_t session = getsid (pid);
            struct aw_agent_task *task =
                session > 0 ? aw_agent_tasks_by_pid (&agent->tasks, session) : NULL;

            if (task && task->signal_due && getpgid (pid) != task->pid) {
                kill (pid, task->signal_due);
                if (task->signal_due == SIGTERM)
                    kill (pid, SIGCONT);
            }
        }
    }
    for (size_t i = 0; i < agent->tasks.n; i++)
        agent->tasks.items[i]->signal_due = 0;
}

/*
 * Taking in what has ended
 */

static double seconds_of (struct timeval tv)
{
    return (double)tv.tv_sec + 1e-6 * (double)tv.tv_usec;
}

/* A task was ended by a SIGTERM that is not ours. Where Slurm tells the whole step to end, its
 * tasks may have heard it before the agent: that shows in a moment, and then they are cancelled. At
 * most once a second, for nothing else is done meanwhile.
 */
static void expect_own_end (struct aw_agent *agent)
{
    const struct timespec moment = { 0, 100000000 };
    double now = aw_clock_monotonic ();
    sigset_t set;

    if (agent->leaving || now - agent->looked < 1)
        return;
    agent->looked = now;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    if (sigtimedwait (&set, NULL, &moment) == SIGTERM)
        aw_agent_on_terminate (agent);
}

static void report_end (struct aw_agent *agent,
                        const struct aw_agent_task *task,
                        int status,
                        const struct rusage *usage)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = task->task,
        .attempt = task->attempt,
        .status = task->ended_as,
        .code = WIFEXITED (status) ? WEXITSTATUS (status) : 0,
        .signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0,
        .seconds = aw_clock_monotonic () - task->started,
        .cpu_seconds = seconds_of (usage->ru_utime) + seconds_of (usage->ru_stime),
        /* In kB; not less than the agent's own, which the kernel counts in at exec. */
        .max_rss = (uint64_t)usage->ru_maxrss * 1024,
    };

    if (ev.status == AW_STATUS_COMPLETED && (ev.signal == SIGKILL || ev.code == SHELL_KILLED)
        && aw_oom_take (&agent->oom))
        ev.status = AW_STATUS_OUT_OF_MEMORY;
    else if (ev.status == AW_STATUS_COMPLETED && (ev.code != 0 || ev.signal != 0))
        ev.status = !task->noticed         ? AW_STATUS_FAILED
                    : task->notice_cancels ? AW_STATUS_CANCELLED
                                           : AW_STATUS_TIMEOUT;
    aw_gpu_usage_report (&task->gpu_usage, &ev);
    if (ev.status == AW_STATUS_FAILED && ev.signal == SIGKILL)
        ev.reason = "killed from outside, perhaps for lack of memory";
    if (!aw_agent_fetch (agent, &ev))
        aw_agent_report (agent, &ev);
}

static void sweep_later (struct aw_agent *agent)
{
    struct timeval soon = timeval_of (SWEEP_SECONDS);

    if (!event_pending (agent->sweep, EV_TIMEOUT, NULL))
        event_add (agent->sweep, &soon);
}

void aw_agent_reap (struct aw_agent *agent)
{
    bool ended = false;
    siginfo_t info;

    for (;;) {
        struct aw_agent_task *task;
        struct rusage usage;
        int status;
        int rc;

        info.si_pid = 0;
        rc = waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc < 0)
            ended = false; /* no child at all: nothing was left behind */
        if (rc < 0 || info.si_pid == 0)
            break;
        ended = true;
        task = aw_agent_tasks_by_pid (&agent->tasks, info.si_pid);
        if (task)
            kill (-task->pid, SIGKILL);
        if (wait4 (info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
            break;
        if (task) {
            aw_messages_task_ended (agent->messages, task->task, task->attempt);
            if (WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM
                && task->ended_as == AW_STATUS_COMPLETED)
                expect_own_end (agent);
            report_end (agent, task, status, &usage);
            aw_agent_tasks_remove (&agent->tasks, task);
        }
    }
    if (ended)
        sweep_later (agent);
    aw_agent_check_done (agent);
}

/* Does the orphan PID belong to a task that still runs? */
static bool is_owned (const struct aw_agent *agent, pid_t pid)
{
    pid_t session = getsid (pid);
    uint32_t task, attempt;

    if (session > 0 && aw_agent_tasks_by_pid (&agent->tasks, session))
        return true;
    return !aw_process_launch (pid, &task, &attempt)
           || aw_agent_tasks_find (&agent->tasks, task, attempt);
}

/* What dies here is reaped with the rest; its own children come to the agent then, and to the next
 * sweep.
 */
void aw_agent_on_sweep (int fd, short what, void *arg)
{
    struct aw_agent *agent = arg;

    (void)fd;
    (void)what;
    if (aw_processes_read (&agent->processes) < 0)
        return;
    for (size_t i = 0; i < agent->processes.n; i++) {
        pid_t pid = agent->processes.pids[i];

        if (aw_process_is_child (pid) && !aw_agent_tasks_by_pid (&agent->tasks, pid)
            && !is_owned (agent, pid))
            kill (pid, SIGKILL);
    }
}

void aw_agent_kill_rest (struct aw_agent *agent, double seconds)
{
    aw_processes_kill_children (&agent->processes, seconds);
}
