/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's life: the connection, the frames, the signals that it gets. Without tasks that start
 * or end it sleeps in one system call and has no timer.
 */
#include "config.h"

#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/connect.h"
#include "agent/private.h"
#include "agent/staging/stager.h"
#include "agent/staging.h"
#include "io/message_frame.h"
#include "util/descriptors.h"

static const double CONNECT_SECONDS = 30;
/* Between SIGTERM and SIGKILL when all has to end: slurmstepd kills after KillWait, 30 s by default
 * and seldom below 5.
 */
static const double LEAVE_GRACE_SECONDS = 3;
static const double UNKILLABLE_SECONDS = 5; /* further ones, for what hangs in the kernel */
static const double DRAIN_SECONDS = 2; /* for the last reports to reach the coordinator */

/* Read through the signalfd. SIGUSR1 and SIGUSR2 are passed on: users ask Slurm to send them to
 * their tasks before the time limit (--signal).
 */
static const int watched[] = { SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2 };

/* Must not end or stop the agent. They have a handler instead of being ignored, since exec resets
 * handlers: tasks start with the default.
 */
static const int harmless[] = { SIGPIPE, SIGINT,  SIGHUP,  SIGQUIT, SIGALRM, SIGVTALRM,
                                SIGPROF, SIGTSTP, SIGTTIN, SIGTTOU, SIGXCPU };

void aw_agent_report (struct aw_agent *agent, const struct aw_event *finish)
{
    if (agent->link && aw_frame_put_finish (aw_link_out (agent->link), finish, NULL) == 0)
        aw_link_send (agent->link);
    aw_agent_forget_copies (agent, finish->task, finish->attempt);
}

void aw_agent_check_done (struct aw_agent *agent)
{
    if ((agent->quitting || agent->leaving) && agent->tasks.n == 0
        && (!agent->stager || aw_stager_busy (agent->stager) == 0))
        event_base_loopbreak (agent->base);
}

static void forward_message (void *arg, const struct aw_packet *packet)
{
    struct aw_agent *agent = arg;

    if (agent->link && aw_message_frame_put (aw_link_out (agent->link), packet, false) == 0)
        aw_link_send (agent->link);
}

static bool is_running (void *arg, uint32_t task, uint32_t attempt)
{
    struct aw_agent *agent = arg;

    return aw_agent_tasks_find (&agent->tasks, task, attempt) != NULL;
}

/* Ends all that runs, and then the agent. */
static void leave (struct aw_agent *agent, double grace)
{
    const struct timeval last = { (time_t)(grace + UNKILLABLE_SECONDS), 0 };

    if (!agent->leaving)
        event_add (agent->give_up, &last);
    agent->leaving = true;
    aw_agent_end_copies (agent);
    for (size_t i = 0; i < agent->tasks.n; i++)
        aw_agent_end_task (agent->tasks.items[i], AW_STATUS_CANCELLED, grace);
    aw_agent_check_done (agent);
}

static void on_give_up (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;

    (void)fd;
    (void)what;
    event_base_loopbreak (agent->base);
}

/*
 * Frames
 */

static void on_closed (void *arg, const char *reason)
{
    struct aw_agent *agent = arg;

    aw_link_destroy (agent->link);
    agent->link = NULL;
    /* After "quit" it may close once nothing runs any more, or at once where all was to end at
     * once.
     */
    if (!agent->leaving && (!agent->quitting || agent->tasks.n > 0))
        aw_error_set (&agent->why, "the connection to the coordinator ended%s%s",
                      reason ? ": " : "", reason ? reason : "");
    leave (agent, LEAVE_GRACE_SECONDS);
}

static void kill_task (struct aw_agent *agent, const struct aw_frame *frame)
{
    struct aw_agent_task *task;

    aw_agent_reap (agent); /* what has ended by itself was not cancelled */
    task = aw_agent_tasks_find (&agent->tasks, frame->event.task, frame->event.attempt);
    if (task)
        aw_agent_end_task (task, AW_STATUS_CANCELLED, frame->grace);
    else
        aw_agent_stop_copies (agent, frame->event.task, frame->event.attempt);
}

/* A coordinator that hears nothing gives this node's tasks to others: where it is the network that
 * is cut, they shall have ended here by then. One that is stopped for a while (Ctrl-Z) is waited
 * for.
 */
static void answer (struct aw_agent *agent, double timeout)
{
    if (timeout != agent->timeout)
        aw_link_set_timeout (agent->link, 0.75 * timeout);
    agent->timeout = timeout;
    if (aw_frame_put_pong (aw_link_out (agent->link), NULL) == 0)
        aw_link_send (agent->link);
}

static void on_line (void *arg, const char *line, size_t size)
{
    struct aw_agent *agent = arg;
    struct aw_packet packet;
    struct aw_frame frame;

    if (aw_message_frame_is (line, size)
        && aw_message_frame_read (&packet, line, size, &agent->why) == 0) {
        aw_messages_take (agent->messages, &packet);
        return;
    }
    if (aw_frame_read (agent->reader, line, size, &frame, &agent->why) < 0) {
        aw_error_prefix (&agent->why, "the coordinator sent a wrong frame");
        leave (agent, LEAVE_GRACE_SECONDS);
        return;
    }
    switch (frame.type) {
    case AW_FRAME_START:
        if (!agent->leaving)
            aw_agent_start (agent, &frame.launch);
        break;
    case AW_FRAME_STAGE:
        if (!agent->leaving)
            aw_agent_stage (agent, &frame.launch);
        break;
    case AW_FRAME_KILL:
        kill_task (agent, &frame);
        break;
    case AW_FRAME_PING:
        answer (agent, frame.seconds);
        break;
    case AW_FRAME_QUIT:
        agent->quitting = true;
        if (frame.now)
            leave (agent, 0);
        aw_agent_check_done (agent);
        break;
    default:
        aw_error_set (&agent->why, "the coordinator sent what only an agent sends");
        leave (agent, LEAVE_GRACE_SECONDS);
    }
}

static int say_hello (struct aw_agent *agent, struct aw_error *err)
{
    const struct aw_agent_config *config = agent->config;
    const struct aw_event node = {
        .type = AW_EVENT_NODE,
        .name = config->node,
        .cpus = config->cpus,
        .gpus = config->gpus,
        .mem = config->mem,
        .unbound = !config->bind,
        .topology = config->topology,
        .socket = agent->messages ? aw_messages_socket (agent->messages) : NULL,
        .reason = config->note          ? config->note
                  : agent->note.text[0] ? agent->note.text
                                        : NULL,
    };

    if (aw_frame_put_hello (aw_link_out (agent->link), &node, err) < 0)
        return -1;
    aw_link_send (agent->link);
    return 0;
}

/*
 * Signals
 */

void aw_agent_on_terminate (struct aw_agent *agent)
{
    if (agent->leaving)
        return;
    aw_error_set (&agent->why, "told to end by SIGTERM (the job's time limit, or scancel)");
    if (agent->link && aw_frame_put_leave (aw_link_out (agent->link), agent->why.text, NULL) == 0)
        aw_link_send (agent->link);
    leave (agent, LEAVE_GRACE_SECONDS);
}

static void on_signals (evutil_socket_t fd, short what, void *arg)
{
    struct aw_agent *agent = arg;
    struct signalfd_siginfo infos[8];
    ssize_t n = read (fd, infos, sizeof (infos));

    (void)what;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof (infos[0]); i++) {
        int number = (int)infos[i].ssi_signo;

        if (number == SIGCHLD)
            aw_agent_reap (agent);
        else if (number == SIGTERM)
            aw_agent_on_terminate (agent);
        else
            for (size_t t = 0; t < agent->tasks.n; t++)
                kill (-agent->tasks.items[t]->pid, number);
    }
}

static void do_nothing (int number)
{
    (void)number;
}

/* Tasks shall start with default dispositions: what this process inherited as ignored is reset,
 * too. SIGTERM ends the agent as long as it has no tasks.
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

static int watch_signals (struct aw_agent *agent, struct aw_error *err)
{
    sigset_t set;

    sigemptyset (&set);
    for (size_t i = 0; i < sizeof (watched) / sizeof (watched[0]); i++)
        sigaddset (&set, watched[i]);
    sigprocmask (SIG_SETMASK, &set, NULL);
    agent->signal_fd = signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (agent->signal_fd < 0)
        return aw_error_set (err, "signalfd: %s", strerror (errno));
    return 0;
}

/*
 * Life
 */

/* Descriptors 0 to 2 are taken, the first by /dev/null, which tasks inherit; all others stay out of
 * tasks.
 */
static int prepare_descriptors (struct aw_error *err)
{
    int fd;

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

static int prepare_events (struct aw_agent *agent, struct aw_error *err)
{
    struct event_base *base = event_base_new ();

    agent->base = base;
    if (!base)
        return aw_error_set (err, "no event loop can be made");
    agent->signals = event_new (base, agent->signal_fd, EV_READ | EV_PERSIST, on_signals, agent);
    agent->send_signals = event_new (base, -1, 0, aw_agent_on_send_signals, agent);
    agent->sweep = evtimer_new (base, aw_agent_on_sweep, agent);
    agent->give_up = evtimer_new (base, on_give_up, agent);
    if (!agent->signals || !agent->send_signals || !agent->sweep || !agent->give_up
        || event_add (agent->signals, NULL) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

/* Tasks that exchange no messages run as well without. */
static void prepare_messages (struct aw_agent *agent)
{
    const struct aw_messages_callbacks callbacks = { forward_message, is_running, agent };

    agent->messages = aw_messages_create (agent->base, &callbacks, &agent->note);
    if (!agent->messages)
        aw_error_prefix (&agent->note, "tasks cannot exchange messages");
    else if (aw_environment_add (agent->environment, AW_PACKET_SOCKET,
                                 aw_messages_socket (agent->messages))
                 < 0
             || aw_environment_add (agent->environment, AW_PACKET_TOKEN,
                                    aw_messages_token (agent->messages))
                    < 0)
        aw_error_set (&agent->note, "tasks cannot exchange messages: out of memory");
}

static int prepare_link (struct aw_agent *agent, int fd, struct aw_error *err)
{
    const struct aw_link_callbacks callbacks = { on_line, on_closed, agent };

    agent->link = aw_link_create (agent->base, fd, AW_FRAME_MAX, &callbacks, err);
    return agent->link ? say_hello (agent, err) : -1;
}

static int prepare (struct aw_agent *agent, struct aw_error *err)
{
    const struct aw_agent_config *config = agent->config;
    int fd = config->fd;

    reset_signals ();
    if (prepare_descriptors (err) < 0)
        return -1;
    if (fd < 0)
        fd = aw_connect (config->hosts, config->port, config->job,
                         config->connect_seconds > 0 ? config->connect_seconds : CONNECT_SECONDS,
                         err);
    if (fd < 0 || watch_signals (agent, err) < 0)
        return -1;
    if (prctl (PR_SET_CHILD_SUBREAPER, 1) < 0)
        return aw_error_set (err, "prctl: %s", strerror (errno));
    agent->spawner = aw_spawner_create (err);
    agent->environment = aw_environment_create (environ, &config->gpus, config->topology, err);
    agent->reader = aw_frame_reader_create ();
    if (!agent->spawner || !agent->environment)
        return -1;
    if (!agent->reader)
        return aw_error_set (err, "out of memory");
    aw_oom_init (&agent->oom, "/proc/self/cgroup", "/sys/fs/cgroup");
    if (prepare_events (agent, err) < 0)
        return -1;
    if (config->nvml && aw_idset_next (&config->gpus, 0) != AW_IDSET_NONE) {
        agent->gpu_watch = aw_gpu_watch_create (agent->base, config->nvml, &config->gpus);
        if (!agent->gpu_watch)
            return aw_error_set (err, "out of memory");
    }
    prepare_messages (agent);
    agent->stager = aw_stager_create (agent->base, &config->scratch);
    if (!agent->stager)
        return aw_error_set (err, "out of memory");
    return prepare_link (agent, fd, err);
}

static void free_event (struct event *event)
{
    if (event)
        event_free (event);
}

static void finish (struct aw_agent *agent)
{
    aw_messages_destroy (agent->messages);
    aw_link_destroy (agent->link);
    aw_agent_tasks_finish (&agent->tasks);
    aw_processes_finish (&agent->processes);
    aw_oom_finish (&agent->oom);
    aw_frame_reader_destroy (agent->reader);
    aw_spawner_destroy (agent->spawner);
    aw_environment_destroy (agent->environment);
    free_event (agent->signals);
    free_event (agent->send_signals);
    free_event (agent->sweep);
    free_event (agent->give_up);
    aw_gpu_watch_destroy (agent->gpu_watch);
    if (agent->base)
        event_base_free (agent->base);
    if (agent->signal_fd >= 0)
        close (agent->signal_fd);
}

int aw_agent_run (const struct aw_agent_config *config, struct aw_error *err)
{
    struct aw_agent agent = { .config = config, .signal_fd = -1 };
    int rc = prepare (&agent, err);

    if (rc == 0 && event_base_dispatch (agent.base) < 0)
        rc = aw_error_set (err, "the event loop failed");
    aw_agent_end_copies (&agent);
    if (rc == 0) {
        aw_agent_kill_rest (&agent, UNKILLABLE_SECONDS);
        if (agent.link)
            aw_link_drain (agent.link, DRAIN_SECONDS);
        if (agent.why.text[0])
            rc = aw_error_set (err, "%s", agent.why.text);
    }
    finish (&agent);
    return rc;
}
