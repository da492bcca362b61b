/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of processes. An attempt has run when its first process ends. Before that process is reaped
 * (its number is still taken then) its process group is killed, which costs one system call and
 * gets most of what may be left. An attempt that is ending lingers instead: each process of the
 * group has the grace to write what it must. The remainder is looked for a moment later: other
 * groups of the session, and daemons that left it, both of which the agent inherits as subreaper. A
 * daemon is known by its mark. Where processes cannot be marked, it is known by the launch in its
 * environment; one without ends with the agent, because nobody can tell which attempt it belongs
 * to.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"
#include "util/clock.h"

static const struct timeval SWEEP_INTERVAL = { 0, 250000 };
enum { SHELL_KILLED = 128 + SIGKILL }; /* a shell's exit code when its child was killed */

static double seconds_of (struct timeval tv)
{
    return (double)tv.tv_sec + 1e-6 * (double)tv.tv_usec;
}

/* The status of an attempt whose process has ended as FINISH says. */
static enum aw_status judge (const struct aw_agent_attempt *attempt, const struct aw_event *finish)
{
    struct aw_agent *agent = attempt->agent;

    if (attempt->ended_as != AW_STATUS_COMPLETED)
        return attempt->ended_as;
    if ((finish->signal == SIGKILL || finish->code == SHELL_KILLED) && aw_oom_take (&agent->oom))
        return AW_STATUS_OUT_OF_MEMORY;
    return aw_judge_end (finish, &attempt->success,
                         !attempt->noticed         ? AW_STATUS_FAILED
                         : attempt->notice_cancels ? AW_STATUS_CANCELLED
                                                   : AW_STATUS_TIMEOUT);
}

/* The process was a worker, which has not answered. */
static void end_with_worker (struct aw_agent_attempt *attempt, struct aw_event *finish)
{
    finish->cpu_seconds = fmax (finish->cpu_seconds - attempt->worker->cpu_seconds, 0);
    if (finish->status == AW_STATUS_COMPLETED)
        finish->status = AW_STATUS_FAILED;
    if (finish->status == AW_STATUS_FAILED)
        finish->reason = attempt->error;
    if (attempt->ended_as == AW_STATUS_FAILED)
        finish->signal = 0; /* that was ours */
    attempt->worker->attempt = NULL;
    attempt->agent->workers.n_idle++;
    attempt->worker = NULL;
}

/* Nothing of its process group is left, or nothing that is waited for. */
static void conclude (struct aw_agent_attempt *attempt)
{
    struct aw_event finish = attempt->finish;

    attempt->agent->n_lingering -= attempt->lingers;
    attempt->lingers = false;
    finish.seconds = aw_clock_monotonic () - attempt->spawned;
    aw_messages_task_ended (attempt->agent->messages, attempt->task, attempt->attempt);
    aw_attempts_drop_pid (&attempt->agent->attempts, attempt);
    aw_attempt_close_log (attempt);
    aw_attempt_output_end (attempt, &finish);
}

/* Is it ending by a signal that processes may handle? */
static bool has_grace (const struct aw_agent_attempt *attempt)
{
    return attempt->state == AW_ATTEMPT_ENDING && !attempt->killed && !attempt->worker;
}

static bool group_is_there (pid_t pid)
{
    return kill (-pid, 0) == 0 || errno == EPERM;
}

/* Ends attempts that linger and need not any more. */
static void end_lingering (struct aw_agent *agent)
{
    struct aw_agent_attempt *next;

    if (agent->n_lingering == 0)
        return;
    for (struct aw_agent_attempt *attempt = agent->attempts.first; attempt; attempt = next) {
        next = attempt->next;
        if (attempt->lingers && (attempt->killed || !group_is_there (attempt->pid)))
            conclude (attempt);
    }
    if (agent->n_lingering > 0)
        event_add (agent->sweep, &SWEEP_INTERVAL);
}

static void take_end (struct aw_agent_attempt *attempt, int status, const struct rusage *usage)
{
    struct aw_event finish = {
        .type = AW_EVENT_FINISH,
        .task = attempt->task,
        .attempt = attempt->attempt,
        .code = WIFEXITED (status) ? WEXITSTATUS (status) : 0,
        .signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0,
        .cpu_seconds = seconds_of (usage->ru_utime) + seconds_of (usage->ru_stime),
        /* In kB; not less than the agent's own, which the kernel counts in at exec. */
        .max_rss = (uint64_t)usage->ru_maxrss * 1024,
    };

    finish.status = judge (attempt, &finish);
    if (attempt->worker)
        end_with_worker (attempt, &finish);
    aw_gpu_usage_report (&attempt->gpu_usage, &finish);
    if (finish.status == AW_STATUS_FAILED && finish.signal == SIGKILL && !attempt->error)
        finish.reason = "killed from outside, perhaps for lack of memory";
    if (finish.status == AW_STATUS_TIMEOUT && attempt->unready)
        finish.reason = attempt->unready;
    attempt->lingers = has_grace (attempt) && group_is_there (attempt->pid);
    attempt->finish = finish;
    if (attempt->lingers)
        attempt->agent->n_lingering++;
    else
        conclude (attempt);
}

/* Reaps one process that has ended. 1; 0: none has; -1 with errno, ECHILD: there are no children.
 */
static int reap_one (struct aw_agent *agent)
{
    siginfo_t info = { .si_pid = 0 };
    struct aw_agent_attempt *attempt;
    struct aw_worker *worker;
    struct rusage usage;
    int status;
    pid_t ended;

    while (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        if (errno != EINTR)
            return -1;
    if (info.si_pid == 0)
        return 0;
    worker = aw_workers_by_pid (agent, info.si_pid);
    if (worker)
        aw_worker_died (worker);
    attempt = aw_attempts_by_pid (&agent->attempts, info.si_pid);
    if (worker && !attempt)
        attempt = worker->attempt;
    if (worker || (attempt && !has_grace (attempt)))
        kill (-info.si_pid, SIGKILL);
    ended = wait4 (info.si_pid, &status, WNOHANG, &usage);
    if (ended <= 0)
        return ended;
    if (attempt)
        take_end (attempt, status, &usage);
    if (worker) {
        aw_workers_remove (worker);
        aw_attempts_launch_waiting (agent);
        aw_agent_check_done (agent);
    }
    return 1;
}

int aw_agent_reap (struct aw_agent *agent)
{
    bool ended = false;
    int rc, error;

    while ((rc = reap_one (agent)) > 0)
        ended = true;
    error = rc < 0 && errno != ECHILD ? errno : 0;
    end_lingering (agent);
    /* Without children nothing was left behind. */
    if (ended && rc == 0 && !event_pending (agent->sweep, EV_TIMEOUT, NULL))
        event_add (agent->sweep, &SWEEP_INTERVAL);
    errno = error;
    return error ? -1 : 0;
}

/* Does the orphan PID belong to an attempt whose process still runs? */
static bool is_owned (const struct aw_agent *agent, pid_t pid)
{
    struct aw_agent_attempt *found;
    pid_t session = getsid (pid);
    uint64_t mark = aw_process_mark_of (pid);
    uint32_t task, attempt;

    if (pid == aw_task_logs_pid (agent->logs))
        return true;
    if (session > 0 && aw_attempts_by_pid (&agent->attempts, session))
        return true;
    if (aw_workers_keep (agent, session, mark))
        return true;
    if (aw_attempts_by_mark (&agent->attempts, mark, &found))
        return found && found->pid;
    if (!aw_process_launch (pid, &task, &attempt))
        return true;
    found = aw_attempts_find (&agent->attempts, task, attempt);
    return found && found->pid;
}

/* What dies here is reaped with the others; its children come to the agent then, and to the next
 * sweep.
 */
void aw_agent_on_sweep (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;

    (void)fd;
    (void)what;
    end_lingering (agent);
    if (aw_processes_read_children (&agent->processes) < 0)
        return;
    for (size_t i = 0; i < agent->processes.n; i++) {
        pid_t pid = agent->processes.pids[i];

        if (!aw_attempts_by_pid (&agent->attempts, pid) && !is_owned (agent, pid))
            kill (pid, SIGKILL);
    }
}
