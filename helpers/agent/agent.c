/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's life: its connection, the frames and the signals that it gets. While no task starts
 * or ends it sleeps in one system call and has no timer.
 */
#include "config.h"

#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"
#include "io/wire/connect.h"
#include "agent/look.h"
#include "agent/python_path.h"
#include "agent/staging/stager.h"
#include "io/message_frame.h"
#include "io/wire/frame.h"
#include "util/descriptors.h"

static const double CONNECT_SECONDS = 30;
/* Between SIGTERM and SIGKILL when all has to end: slurmstepd kills after KillWait, 30 s by default
 * and seldom below 5.
 */
static const double LEAVE_GRACE_SECONDS = 3;
static const double UNKILLABLE_SECONDS = 5; /* after that, for processes that hang in the kernel */
static const double DRAIN_SECONDS = 2; /* for the last reports to reach the coordinator */

/* Read through the signalfd. SIGUSR1 and SIGUSR2 are passed on: users ask Slurm to send them to
 * their tasks before the time limit (--signal).
 */
static const int watched[] = { SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2 };

/* Must not end or stop the agent. They have a handler instead of being ignored, since exec resets
 * handlers: tasks start with the default.
 */
static const int harmless[] = { SIGPIPE, SIGINT,  SIGHUP,  SIGQUIT, SIGALRM, SIGVTALRM,
                                SIGPROF, SIGTSTP, SIGTTIN, SIGTTOU, SIGXCPU, SIGXFSZ };

/* The agent with what attempts need not know. */
struct life {
    struct aw_agent agent;
    struct aw_frame_reader *reader;
    int signal_fd;
    struct event *signals; /* readable signal_fd */
    struct event *give_up; /* timer: some processes do not end even by SIGKILL */
    double timeout; /* seconds that the coordinator waits for a sign of life; 0: not known */
    struct aw_error note; /* for the user, with that of config; none: config's alone */
    struct aw_error why; /* the agent did not end in order; "" if it did */
};

static void forward_message (void *arg, const struct aw_packet *packet)
{
    struct aw_agent *agent = arg;

    if (packet->kind == AW_PACKET_PUBLISH)
        aw_agent_published (agent, packet);
    if (agent->link)
        aw_link_send (agent->link, aw_message_frame_put (aw_link_out (agent->link), packet, false));
}

static bool is_running (void *arg, uint32_t task, uint32_t attempt)
{
    const struct aw_agent *agent = arg;
    const struct aw_agent_attempt *found = aw_attempts_find (&agent->attempts, task, attempt);

    return found && found->pid;
}

static bool only_wait (void *arg)
{
    return aw_agent_only_waits (arg);
}

/* Ends ATTEMPT because the agent ends. Copies are not waited for, and not reported. */
static void leave_attempt (struct aw_agent_attempt *attempt, double grace)
{
    switch (attempt->state) {
    case AW_ATTEMPT_RUNNING:
    case AW_ATTEMPT_ENDING:
        aw_attempt_end (attempt, AW_STATUS_CANCELLED, grace);
        aw_attempt_release_copies (attempt);
        break;
    case AW_ATTEMPT_LOGGING:
        aw_attempt_release_copies (attempt);
        aw_attempt_output_hurry (attempt, grace);
        break;
    case AW_ATTEMPT_DISPUTED:
        attempt->finish.status = AW_STATUS_CANCELLED;
        aw_attempt_finish (attempt, &attempt->finish);
        break;
    default:
        aw_attempts_remove (&attempt->agent->attempts, attempt);
    }
}

/* Ends all attempts, and then the agent. */
static void leave (struct life *life, double grace)
{
    const struct timeval last = { (time_t)(grace + UNKILLABLE_SECONDS), 0 };
    struct aw_agent *agent = &life->agent;

    if (!agent->leaving)
        event_add (life->give_up, &last);
    agent->leaving = true;
    for (struct aw_agent_attempt *attempt = agent->attempts.first, *next; attempt; attempt = next) {
        next = attempt->next;
        leave_attempt (attempt, grace);
    }
    aw_workers_end (agent, grace, true);
    aw_giver_destroy (agent->giver);
    agent->giver = NULL;
    aw_stager_destroy (agent->stager);
    agent->stager = NULL;
    aw_agent_check_done (agent);
}

static void on_give_up (evutil_socket_t fd, short what, void *arg)
{
    struct life *life = arg;

    (void)fd;
    (void)what;
    event_base_loopbreak (life->agent.base);
}

/*
 * Frames
 */

static void on_closed (void *arg, const char *reason)
{
    struct life *life = arg;
    struct aw_agent *agent = &life->agent;

    aw_link_destroy (agent->link);
    agent->link = NULL;
    /* After "quit" the coordinator closes when nothing runs, or at once where all has to end at
     * once.
     */
    if (!agent->leaving && (!agent->quitting || agent->attempts.first))
        aw_error_set (&life->why, "the connection to the coordinator ended%s%s", reason ? ": " : "",
                      reason ? reason : "");
    leave (life, LEAVE_GRACE_SECONDS);
}

/* Tells the coordinator why, and ends. */
static void leave_for_cause (struct life *life)
{
    aw_agent_send (&life->agent,
                   &(struct aw_frame){ .type = AW_FRAME_LEAVE, .event.reason = life->why.text });
    leave (life, LEAVE_GRACE_SECONDS);
}

/* Without knowing which tasks have ended, the agent is of no use. */
static void reap (struct life *life)
{
    if (aw_agent_reap (&life->agent) == 0 || life->agent.leaving)
        return;
    aw_error_set (&life->why, "cannot wait for the tasks' processes: %s", strerror (errno));
    leave_for_cause (life);
}

static void kill_attempt (struct life *life, const struct aw_frame *frame)
{
    struct aw_agent *agent = &life->agent;
    struct aw_agent_attempt *attempt;

    reap (life); /* a process that has ended by itself was not cancelled */
    attempt = aw_attempts_find (&agent->attempts, frame->event.task, frame->event.attempt);
    if (!attempt || attempt->state == AW_ATTEMPT_DISPUTED)
        return;
    if (attempt->pid)
        aw_attempt_end (attempt, AW_STATUS_CANCELLED, frame->grace);
    else if (attempt->state == AW_ATTEMPT_LOGGING)
        aw_attempt_output_hurry (attempt, frame->grace);
    else
        aw_attempt_give_up (attempt, aw_attempt_seconds (attempt), 0, NULL);
}

/* A coordinator that hears nothing gives this node's tasks to others: if the network is cut, they
 * must have ended here by then. A coordinator that is stopped for a while (Ctrl-Z) is waited for.
 */
static void answer (struct life *life, double timeout)
{
    struct aw_link *link = life->agent.link;

    if (timeout != life->timeout)
        aw_link_set_timeout (link, 0.75 * timeout);
    life->timeout = timeout;
    aw_agent_send (&life->agent, &(struct aw_frame){ .type = AW_FRAME_PONG });
}

static void on_frame (struct life *life, const struct aw_frame *frame)
{
    struct aw_agent *agent = &life->agent;

    if (frame->type != AW_FRAME_ASSIGN && frame->type != AW_FRAME_START)
        aw_link_send (agent->link, 0); /* it may not know of an end yet */
    switch (frame->type) {
    case AW_FRAME_START:
        if (!agent->leaving)
            aw_agent_start (agent, &frame->launch);
        break;
    case AW_FRAME_STAGE:
        if (!agent->leaving)
            aw_agent_stage (agent, &frame->launch);
        break;
    case AW_FRAME_ASSIGN:
        if (!agent->leaving)
            aw_agent_assign (agent, &frame->launch);
        break;
    case AW_FRAME_UNASSIGN:
        aw_agent_unassign (agent, frame->event.task, frame->event.attempt);
        break;
    case AW_FRAME_KILL:
        kill_attempt (life, frame);
        break;
    case AW_FRAME_PING:
        answer (life, frame->seconds);
        break;
    case AW_FRAME_QUIT:
        agent->quitting = true;
        if (frame->now)
            leave (life, 0);
        aw_agent_check_done (agent);
        break;
    default:
        aw_error_set (&life->why, "the coordinator sent a frame that only an agent sends");
        leave (life, LEAVE_GRACE_SECONDS);
    }
}

static void on_line (void *arg, const char *line, size_t size)
{
    struct life *life = arg;
    struct aw_packet packet;
    struct aw_frame frame;

    if (aw_message_frame_is (line, size)
        && aw_message_frame_read (&packet, line, size, &life->why) == 0)
        aw_messages_take (life->agent.messages, &packet);
    else if (aw_frame_read (life->reader, line, size, &frame, &life->why) == 0)
        on_frame (life, &frame);
    else {
        aw_error_prefix (&life->why, "the coordinator sent a wrong frame");
        leave (life, LEAVE_GRACE_SECONDS);
    }
}

static int say_hello (struct life *life, struct aw_error *err)
{
    struct aw_agent *agent = &life->agent;
    const struct aw_agent_config *config = agent->config;
    char host[256] = "";
    const struct aw_event node = {
        .name = config->node,
        .cpus = config->cpus,
        .gpus = config->gpus,
        .mem = config->mem,
        .unbound = !config->bind,
        .topology = config->topology,
        .socket = agent->messages ? aw_messages_socket (agent->messages) : NULL,
        .port = agent->giver ? aw_giver_port (agent->giver) : 0,
        .host = gethostname (host, sizeof (host) - 1) == 0 && host[0] ? host : NULL,
        .reason = life->note.text[0] ? life->note.text : config->note,
    };

    if (aw_frame_put (aw_link_out (agent->link),
                      &(struct aw_frame){ .type = AW_FRAME_HELLO, .event = node }, err)
        < 0)
        return -1;
    aw_link_send (agent->link, 0);
    return 0;
}

/*
 * Signals
 */

static void on_terminate (struct life *life)
{
    if (life->agent.leaving)
        return;
    aw_error_set (&life->why, "SIGTERM, by scancel or at the job's time limit");
    leave_for_cause (life);
}

static void pass_on (const struct aw_agent *agent, int number)
{
    for (const struct aw_agent_attempt *attempt = agent->attempts.first; attempt;
         attempt = attempt->next)
        if (attempt->pid)
            kill (-attempt->pid, number);
}

static void on_signals (evutil_socket_t fd, short what, void *arg)
{
    struct life *life = arg;
    struct signalfd_siginfo infos[8];
    ssize_t n = read (fd, infos, sizeof (infos));

    (void)what;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof (infos[0]); i++) {
        int number = (int)infos[i].ssi_signo;

        if (number == SIGCHLD)
            reap (life);
        else if (number == SIGTERM)
            on_terminate (life);
        else
            pass_on (&life->agent, number);
    }
}

static void do_nothing (int number)
{
    (void)number;
}

/* Tasks start with default dispositions, so those that this process inherited as ignored are reset.
 * SIGTERM ends the agent as long as it has no tasks.
 */
static void reset_signals (void)
{
    struct sigaction quiet = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal (number, SIG_DFL);
    for (size_t i = 0; i < sizeof (harmless) / sizeof (harmless[0]); i++)
        sigaction (harmless[i], &quiet, NULL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
}

static int watch_signals (struct life *life, struct aw_error *err)
{
    sigset_t set;

    sigemptyset (&set);
    for (size_t i = 0; i < sizeof (watched) / sizeof (watched[0]); i++)
        sigaddset (&set, watched[i]);
    sigprocmask (SIG_SETMASK, &set, NULL);
    life->signal_fd = signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (life->signal_fd < 0)
        return aw_error_set (err, "signalfd: %s", strerror (errno));
    return 0;
}

/*
 * Life
 */

/* Descriptors 0 to 2 are taken, the first by /dev/null, which tasks inherit; all others are closed
 * in tasks.
 */
static int prepare_descriptors (struct aw_error *err)
{
    int fd;

    aw_descriptors_raise ();
    do
        fd = open ("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0 || dup2 (fd, STDIN_FILENO) < 0)
        return aw_error_set (err, "/dev/null: %s", strerror (errno));
    close (fd);
    if (aw_cloexec_from (STDERR_FILENO + 1) < 0)
        return aw_error_set (err, "close-on-exec: %s", strerror (errno));
    return 0;
}

static void on_tidy (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;

    (void)fd;
    (void)what;
    aw_attempts_tidy (&agent->attempts);
}

static void on_start_waiting (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    aw_attempts_launch_waiting (arg);
}

static int prepare_events (struct life *life, struct aw_error *err)
{
    struct aw_agent *agent = &life->agent;
    struct event_base *base = event_base_new ();

    agent->base = base;
    if (!base)
        return aw_error_set (err, "the event loop cannot be made");
    life->signals = event_new (base, life->signal_fd, EV_READ | EV_PERSIST, on_signals, life);
    life->give_up = evtimer_new (base, on_give_up, life);
    agent->send_signals = event_new (base, -1, 0, aw_agent_on_send_signals, agent);
    agent->start_waiting = event_new (base, -1, 0, on_start_waiting, agent);
    agent->sweep = evtimer_new (base, aw_agent_on_sweep, agent);
    agent->tidy = evtimer_new (base, on_tidy, agent);
    if (!life->signals || !life->give_up || !agent->send_signals || !agent->start_waiting
        || !agent->sweep || !agent->tidy || event_add (life->signals, NULL) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* Tasks run without messages where there can be none. */
static void prepare_messages (struct life *life)
{
    struct aw_agent *agent = &life->agent;
    const char *other = agent->config->note;
    const struct aw_messages_callbacks callbacks = { forward_message, is_running, only_wait,
                                                     agent };

    agent->messages = aw_messages_create (agent->base, &callbacks, &life->note);
    if (!agent->messages)
        aw_error_prefix (&life->note, "tasks cannot exchange messages");
    else if (aw_environment_add (agent->environment, AW_PACKET_SOCKET,
                                 aw_messages_socket (agent->messages))
                 < 0
             || aw_environment_add (agent->environment, AW_PACKET_TOKEN,
                                    aw_messages_token (agent->messages))
                    < 0)
        aw_error_set (&life->note, "tasks cannot exchange messages: out of memory");
    if (life->note.text[0] && other)
        aw_error_prefix (&life->note, other);
}

/* Tasks in Python find the module without doing anything for it. */
static int prepare_python (struct aw_environment *environment, struct aw_error *err)
{
    char *directory = aw_python_directory ();
    int rc = directory ? aw_environment_add_python (environment, directory) : 0;

    free (directory);
    return rc == 0 ? 0 : aw_error_set (err, "out of memory");
}

/* Credentials between agents say that it is not the coordinator who is spoken to. */
static int prepare_giver_job (struct aw_agent *agent)
{
    if (!agent->config->scratch.gives || agent->config->fd >= 0)
        return 0;
    return asprintf (&agent->giver_job, "%s data", agent->config->job) < 0 ? -1 : 0;
}

/* What attempts need. */
static int prepare_agent (struct aw_agent *agent, struct aw_error *err)
{
    const struct aw_agent_config *config = agent->config;
    struct aw_scratch scratch = config->scratch;
    const struct aw_task_logs_callbacks logs = aw_agent_logs_callbacks (agent);
    bool watch = config->nvml && aw_idset_next (&config->gpus, 0) != AW_IDSET_NONE;

    if (prctl (PR_SET_CHILD_SUBREAPER, 1) < 0)
        return aw_error_set (err, "prctl: %s", strerror (errno));
    agent->workers.answered = aw_attempt_output_end;
    agent->spawner = aw_spawner_create (err);
    agent->environment = aw_environment_create (environ, &config->gpus, config->topology, err);
    if (!agent->spawner || !agent->environment || prepare_python (agent->environment, err) < 0)
        return -1;
    aw_oom_init (&agent->oom, "/proc/self/cgroup", "/sys/fs/cgroup");
    if (watch)
        agent->gpu_watch = aw_gpu_watch_create (agent->base, config->nvml, &config->gpus);
    scratch.memory = config->mem;
    if (prepare_giver_job (agent) < 0)
        return aw_error_set (err, "out of memory");
    scratch.job = agent->giver_job;
    agent->stager = aw_stager_create (agent->base, &scratch);
    if (agent->stager && agent->giver_job) /* without it, copies come from the file system */
        agent->giver = aw_giver_create (agent->base, agent->stager, agent->giver_job,
                                        scratch.port_first, scratch.port_last, NULL);
    agent->logs = aw_task_logs_create (agent->base, config->node, &logs);
    return (watch && !agent->gpu_watch) || !agent->stager || !agent->logs
               ? aw_error_set (err, "out of memory")
               : 0;
}

static int connect_to (const struct aw_agent_config *config, struct aw_error *err)
{
    double seconds = config->connect_seconds > 0 ? config->connect_seconds : CONNECT_SECONDS;

    if (config->fd >= 0)
        return config->fd;
    return aw_connect (config->hosts, config->port, config->job, seconds, err);
}

static int prepare (struct life *life, struct aw_error *err)
{
    const struct aw_link_callbacks callbacks = { on_line, on_closed, life };
    struct aw_agent *agent = &life->agent;
    int fd;

    reset_signals ();
    if (prepare_descriptors (err) < 0)
        return -1;
    fd = connect_to (agent->config, err);
    if (fd < 0 || watch_signals (life, err) < 0 || prepare_events (life, err) < 0
        || prepare_agent (agent, err) < 0)
        return -1;
    life->reader = aw_frame_reader_create ();
    if (!life->reader)
        return aw_error_set (err, "out of memory");
    prepare_messages (life);
    agent->link = aw_link_create (agent->base, fd, AW_FRAME_MAX, false, &callbacks, err);
    return agent->link ? say_hello (life, err) : -1;
}

static void free_event (struct event *event)
{
    if (event)
        event_free (event);
}

static void finish (struct life *life)
{
    struct aw_agent *agent = &life->agent;

    aw_messages_destroy (agent->messages);
    aw_link_destroy (agent->link);
    aw_processes_finish (&agent->processes);
    aw_oom_finish (&agent->oom);
    free (agent->giver_job);
    aw_frame_reader_destroy (life->reader);
    aw_spawner_destroy (agent->spawner);
    aw_environment_destroy (agent->environment);
    aw_gpu_watch_destroy (agent->gpu_watch);
    free_event (life->signals);
    free_event (life->give_up);
    free_event (agent->send_signals);
    free_event (agent->start_waiting);
    free_event (agent->sweep);
    free_event (agent->tidy);
    if (agent->base)
        event_base_free (agent->base);
    if (life->signal_fd >= 0)
        close (life->signal_fd);
}

int aw_agent_run (const struct aw_agent_config *config, struct aw_error *err)
{
    struct life life = { .agent = { .config = config }, .signal_fd = -1 };
    struct aw_agent *agent = &life.agent;
    int rc = prepare (&life, err);

    if (rc == 0 && event_base_dispatch (agent->base) < 0)
        rc = aw_error_set (err, "the event loop failed");
    aw_attempts_finish (&agent->attempts);
    aw_workers_finish (agent);
    aw_giver_destroy (agent->giver);
    aw_stager_destroy (agent->stager);
    aw_task_logs_destroy (agent->logs);
    agent->logs = NULL;
    if (rc == 0) {
        aw_processes_kill_children (&agent->processes, UNKILLABLE_SECONDS);
        if (agent->link)
            aw_link_drain (agent->link, DRAIN_SECONDS);
        if (life.why.text[0])
            rc = aw_error_set (err, "%s", life.why.text);
    }
    finish (&life);
    return rc;
}
