/* SPDX-License-Identifier: Apache-2.0 */
/* One call after the other: a worker has the process id of the attempt whose call it has, so all
 * that holds for attempts with a process holds for that one. An answer takes it away again.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"
#include "agent/worker_answer.h"
#include "io/message_frame.h"
#include "util/child.h"
#include "util/clock.h"

enum { READ_AT_ONCE = 16 << 10 };
static const double LOOK_SECONDS = 0.01; /* of a call: its memory is looked at */
static const double WRONG_GRACE_SECONDS = 5;

/* The CPU time that WORKER has used since it last answered, in seconds; 0: not known. */
static double take_cpu_seconds (struct aw_worker *worker)
{
    double before = worker->cpu_seconds;
    struct timespec used;

    if (clock_gettime (worker->clock, &used) < 0)
        return 0;
    worker->cpu_seconds = (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
    return worker->cpu_seconds - before;
}

/* The memory of PID in bytes; 0: not known, or SECONDS are too few to be worth the look. */
static uint64_t resident (pid_t pid, double seconds)
{
    unsigned long long pages = 0;
    char path[40];
    FILE *file;

    if (seconds < LOOK_SECONDS)
        return 0;
    snprintf (path, sizeof (path), "/proc/%d/statm", (int)pid);
    file = fopen (path, "re");
    if (!file)
        return 0;
    if (fscanf (file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose (file);
    return pages * (uint64_t)sysconf (_SC_PAGESIZE);
}

/*
 * Answers
 */

/* The worker cannot be used any more, and its call has failed: TEXT says why. */
static void give_up (struct aw_worker *worker, const char *text)
{
    struct aw_agent_attempt *attempt = worker->attempt;

    event_del (worker->readable);
    free (attempt->error);
    attempt->error = strdup (text);
    aw_attempt_end (attempt, AW_STATUS_FAILED, WRONG_GRACE_SECONDS);
}

static void send_result (struct aw_agent_attempt *attempt, const struct aw_piece *result)
{
    struct aw_link *link = attempt->agent->link;
    const struct aw_packet packet = { .kind = AW_PACKET_RESULT,
                                      .task = attempt->task,
                                      .attempt = attempt->attempt,
                                      .data = *result };

    if (link && result->size)
        aw_link_send (link, aw_message_frame_put (aw_link_out (link), &packet, false));
}

/* The worker is idle again, and its attempt is about to end. */
static void end_call (struct aw_worker *worker)
{
    struct aw_agent_attempt *attempt = worker->attempt;
    struct aw_event finish = worker->answer;

    worker->attempt = NULL;
    worker->answered = false;
    worker->served++;
    worker->agent->workers.n_idle++;
    attempt->worker = NULL;
    aw_messages_task_ended (worker->agent->messages, attempt->task, attempt->attempt);
    aw_gpu_usage_report (&attempt->gpu_usage, &finish);
    aw_attempts_drop_pid (&worker->agent->attempts, attempt);
    aw_attempt_close_log (attempt);
    if (worker->deaf)
        aw_worker_end (worker, 0, false);
    worker->agent->workers.answered (attempt, &finish);
}

/* Its output has been passed on, or some of it. */
static void settle (struct aw_worker *worker)
{
    if (worker->attempt && aw_worker_output (worker) && worker->answered)
        end_call (worker);
}

/* An answer of an attempt that is being ended comes too late: the attempt ends with its process. */
static void take_answer (struct aw_worker *worker, const struct aw_worker_answer *answer)
{
    struct aw_agent_attempt *attempt = worker->attempt;

    if (attempt->state != AW_ATTEMPT_RUNNING)
        return;
    attempt->error = answer->error ? strdup (answer->error) : NULL;
    worker->answer = (struct aw_event){
        .type = AW_EVENT_FINISH,
        .task = attempt->task,
        .attempt = attempt->attempt,
        .code = answer->code,
        .first_call = worker->served == 0,
        .seconds = aw_clock_monotonic () - attempt->spawned,
        .max_rss = resident (worker->pid, aw_clock_monotonic () - attempt->spawned),
        .cpu_seconds = take_cpu_seconds (worker),
    };
    worker->answer.status = aw_judge_end (&worker->answer, &attempt->success, AW_STATUS_FAILED);
    if (worker->answer.status == AW_STATUS_FAILED)
        worker->answer.reason = attempt->error;
    send_result (attempt, &answer->result);
    worker->answered = true;
    settle (worker);
}

/* A line of the worker, in place. */
static void take_line (struct aw_worker *worker, char *line, size_t size)
{
    struct aw_worker_answer answer;
    struct aw_error err;

    line[size] = '\0';
    if (!worker->attempt || worker->answered) {
        aw_error_set (&err, "a worker answers each call once");
        if (worker->attempt)
            give_up (worker, err.text);
        else
            aw_worker_end (worker, 0, true);
    }
    else if (aw_worker_answer_read (&answer, line, size, &worker->raw, &err) < 0) {
        aw_error_prefix (&err, "the answer of its worker");
        give_up (worker, err.text);
    }
    else
        take_answer (worker, &answer);
}

/* The lines that are complete. */
static void take_lines (struct aw_worker *worker)
{
    struct aw_textbuf *text = &worker->line;
    size_t from = 0;
    char *end;

    while (worker->fd >= 0 && from < text->len
           && (end = memchr (text->data + from, '\n', text->len - from))) {
        char *line = text->data + from;

        from = (size_t)(end - text->data) + 1;
        take_line (worker, line, (size_t)(end - line));
    }
    memmove (text->data, text->data + from, text->len - from);
    text->len -= from;
}

/* Reads what it has sent. -1 with errno; 0: it has closed its end; 1: all is read. */
static ssize_t read_answers (struct aw_worker *worker)
{
    ssize_t n = 1;

    while (n > 0 && worker->fd >= 0) {
        if (worker->line.len > AW_WORKER_ANSWER_MAX || worker->line.failed) {
            if (worker->attempt)
                give_up (worker, "the answer of its worker is too long: a result has at most 64 "
                                 "KiB");
            return 1;
        }
        if (!aw_textbuf_reserve (&worker->line, READ_AT_ONCE))
            continue;
        n = recv (worker->fd, worker->line.data + worker->line.len, READ_AT_ONCE, MSG_DONTWAIT);
        if (n < 0 && errno == ECONNRESET) /* so the kernel reports what its reader has left */
            worker->unread = true;
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0) {
            worker->line.len += (size_t)n;
            take_lines (worker);
            if (n < READ_AT_ONCE)
                return 1;
        }
    }
    return n;
}

/* It has closed its descriptor, and did not end: its call will have no answer. One that it has not
 * read goes to another worker, once this one has died.
 */
static void on_silent (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker *worker = arg;

    (void)fd;
    (void)what;
    if (!worker->attempt || worker->answered)
        return;
    if (worker->unread && worker->served > 0)
        kill (-worker->pid, SIGKILL);
    else
        give_up (worker, "its worker has closed descriptor 3 before it answered");
}

static void on_answer (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker *worker = arg;
    ssize_t n = read_answers (worker);

    (void)fd;
    (void)what;
    if (worker->fd < 0 || n > 0 || (n < 0 && errno == EAGAIN))
        return;
    event_del (worker->readable); /* it has closed its descriptor */
    if (!worker->attempt)
        aw_worker_end (worker, 0, false);
    else
        aw_worker_is_deaf (worker, on_silent);
}

/*
 * Calls
 */

static void send_call (struct aw_worker *worker, const char *call)
{
    struct iovec parts[2] = { { (void *)(uintptr_t)call, strlen (call) },
                              { (void *)(uintptr_t) "\n", 1 } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n;

    do
        n = sendmsg (worker->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    worker->unread = n < 0 && (errno == EPIPE || errno == ECONNRESET);
    if (worker->unread)
        aw_worker_is_deaf (worker, on_silent);
    /* Calls fit into the socket's buffer, which is empty. */
    if (!worker->unread && (n < 0 || (size_t)n < parts[0].iov_len + 1))
        give_up (worker, "its call cannot be sent to the worker");
}

static void begin_call (struct aw_worker *worker,
                        struct aw_agent_attempt *attempt,
                        const struct aw_launch *launch)
{
    struct aw_agent *agent = attempt->agent;

    worker->attempt = attempt;
    attempt->worker = worker;
    attempt->mark = worker->mark;
    attempt->state = AW_ATTEMPT_RUNNING;
    attempt->spawned = aw_clock_monotonic ();
    if (aw_attempts_set_pid (&agent->attempts, attempt, worker->pid) < 0
        || aw_gpu_usage_begin (&attempt->gpu_usage, agent->gpu_watch, launch, worker->pid) < 0
        || aw_attempt_set_limits (attempt, launch) < 0) {
        attempt->pid = worker->pid;
        aw_attempt_end (attempt, AW_STATUS_CANCELLED, 0); /* it must not run without its limits */
        return;
    }
    aw_worker_output_resume (worker);
    send_call (worker, launch->call);
}

/* What a worker is started with. */
struct ends {
    int socket[2]; /* the agent's end, the worker's end */
    int out[2], err[2]; /* to be read, to be written */
};

static void close_pair (int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close (fds[i]);
}

static void close_ends (struct ends *ends)
{
    int saved = errno;

    close_pair (ends->socket);
    close_pair (ends->out);
    close_pair (ends->err);
    errno = saved;
}

static int open_ends (struct ends *ends)
{
    *ends = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->socket) == 0
        && aw_child_pipe (ends->out) == 0 && aw_child_pipe (ends->err) == 0)
        return 0;
    close_ends (ends);
    return -1;
}

/* Its process has started with ENDS. NULL: out of memory. */
static struct aw_worker *add_worker (struct aw_agent_attempt *attempt,
                                     const struct aw_launch *launch,
                                     struct ends *ends,
                                     pid_t pid)
{
    struct aw_agent *agent = attempt->agent;
    struct aw_worker *worker = aw_workers_add (agent, launch, pid);
    const int from[AW_WORKER_STREAMS] = { ends->out[0], ends->err[0] };

    if (!worker)
        return NULL;
    worker->mark = attempt->mark;
    if (clock_getcpuclockid (pid, &worker->clock) != 0)
        worker->clock = -1; /* none has this number */
    worker->fd = ends->socket[0];
    worker->readable = event_new (agent->base, worker->fd, EV_READ | EV_PERSIST, on_answer, worker);
    ends->socket[0] = ends->out[0] = ends->err[0] = -1;
    if (aw_worker_output_open (worker, from, settle) < 0 || !worker->readable
        || event_add (worker->readable, NULL) < 0)
        kill (-pid, SIGKILL); /* then its call fails */
    return worker;
}

static void start (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    struct aw_spawn spawn = { .mark = attempt->mark };
    struct aw_worker *worker;
    struct aw_error err;
    struct ends ends;
    pid_t pid;

    if (open_ends (&ends) < 0) {
        aw_error_set (&err, "cannot be started: no pipe for its worker: %s", strerror (errno));
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, err.text);
        return;
    }
    spawn.out_fd = ends.out[1];
    spawn.err_fd = ends.err[1];
    spawn.call_fd = ends.socket[1];
    pid = aw_attempt_spawn (attempt, launch, &spawn);
    if (pid < 0) {
        close_ends (&ends);
        return;
    }
    worker = add_worker (attempt, launch, &ends, pid);
    close_ends (&ends);
    if (worker)
        begin_call (worker, attempt, launch);
    else {
        kill (-pid, SIGKILL); /* it is reaped as an orphan is */
        aw_attempt_give_up (attempt, 0, AW_CANNOT_RUN, "cannot be started: out of memory");
    }
}

void aw_worker_launch (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    struct aw_worker *worker = aw_workers_find (attempt->agent, launch);

    if (!worker) {
        start (attempt, launch);
        return;
    }
    attempt->agent->workers.n_idle--;
    begin_call (worker, attempt, launch);
}

void aw_worker_died (struct aw_worker *worker)
{
    struct aw_agent_attempt *attempt;

    if (worker->attempt)
        read_answers (worker);
    attempt = worker->attempt;
    if (!attempt)
        return;
    aw_worker_output (worker);
    aw_worker_output_close (worker);
    if (worker->answered) { /* what does not fit is lost */
        end_call (worker);
        return;
    }
    if (!worker->unread || worker->served == 0 || attempt->state != AW_ATTEMPT_RUNNING) {
        if (!attempt->error)
            attempt->error = strdup ("its worker has ended before it answered");
        return;
    }
    worker->attempt = NULL;
    attempt->worker = NULL;
    worker->agent->workers.n_idle++;
    aw_attempts_drop_pid (&worker->agent->attempts, attempt);
    attempt->state = AW_ATTEMPT_WAITING; /* for this one's end */
}
