/* SPDX-License-Identifier: Apache-2.0 */
/* FAKE agents for the benchmark "scale": they speak the agents' protocol (io/wire/frame.h) for many
 * nodes, with a TCP connection and MUNGE credentials for each, but start NO process. A task "ends"
 * when a real node's would: nodes start one process at a time, which takes SPAWN seconds, and a
 * task takes its SECONDS after that, or between SECONDS * (1 - SPREAD) and SECONDS * (1 + SPREAD).
 * A task that was assigned to the node starts when one of its place has ended there.
 * Everything else of a run is real.
 *
 *     fake-agents --coordinator HOST[,HOST...]:PORT [--munge-socket=FILE]     as the pool step does
 *
 * What to be comes from the environment: SCALE_NODES, SCALE_SLOTS, SCALE_TASKS, SCALE_SECONDS,
 * SCALE_SPREAD, SCALE_SPAWN, SCALE_PROCESSES, SCALE_COORDINATOR (its process id), SCALE_JOURNAL,
 * SCALE_FIGURES (file for the figures), and SLURM_JOB_ID.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake-agents.h"
#include "fake-joining.h"
#include "fake-tasks.h"
#include "io/message_frame.h"
#include "util/descriptors.h"

enum {
    EVENTS = 32, /* few, so that a node's end does not wait for other nodes' starts */
    READ_SIZE = 1 << 16,
};

__attribute__ ((noreturn)) void fake_die (const char *what)
{
    fprintf (stderr, "fake-agents: %s: %s\n", what, strerror (errno));
    exit (1);
}

static double number_from (const char *name)
{
    const char *text = getenv (name);

    if (!text) {
        fprintf (stderr, "fake-agents: %s is not set: this program is started by \"scale\"\n",
                 name);
        exit (2);
    }
    return strtod (text, NULL);
}

void fake_touch (struct fake_process *p, struct fake_node *node)
{
    if (node->dirty)
        return;
    node->dirty = true;
    p->dirty[p->n_dirty++] = node;
}

void fake_put_frame (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame)
{
    if (aw_frame_put (&node->out, frame, NULL) < 0)
        fake_die ("a frame");
    fake_touch (p, node);
}

static void list_late (struct fake_process *p, struct fake_node *node)
{
    struct fake_node **list = &p->late[node->late % FAKE_LATE];

    node->listed = true;
    node->next_late = *list;
    *list = node;
}

void fake_put_late (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame)
{
    if (aw_frame_put (&node->out, frame, NULL) < 0)
        fake_die ("a frame");
    if (node->dirty || node->late)
        return;
    node->late = p->tick + AW_LATE_MS / FAKE_TICK_MS;
    if (!node->listed)
        list_late (p, node);
}

/* Those whose time has come. Others may have taken the reports along, and later ones wait. */
static void touch_late (struct fake_process *p)
{
    struct fake_node *node = p->late[p->tick % FAKE_LATE], *next;

    p->late[p->tick % FAKE_LATE] = NULL;
    for (; node; node = next) {
        next = node->next_late;
        node->listed = false;
        if (node->late > p->tick)
            list_late (p, node);
        else if (node->late)
            fake_touch (p, node);
    }
}

static void leave_node (struct fake_process *p, struct fake_node *node)
{
    if (node->state == OVER)
        return;
    close (node->fd);
    node->state = OVER;
    p->n_over++;
}

static void take_frame (struct fake_process *p,
                        struct fake_node *node,
                        const char *line,
                        size_t size)
{
    struct aw_frame frame;
    struct aw_error err;

    if (aw_frame_read (p->reader, line, size, &frame, &err) < 0)
        fake_die (err.text);
    fake_touch (p, node); /* late reports leave, as in agent/agent.c */
    if (node->state != WORKING)
        fake_join (p, node, &frame);
    else if (frame.type == AW_FRAME_PING)
        fake_put_frame (p, node, &(struct aw_frame){ .type = AW_FRAME_PONG });
    else if (frame.type == AW_FRAME_UNASSIGN)
        fake_unassign (p, node, &frame.event);
    else if (frame.type == AW_FRAME_QUIT)
        node->quits = true;
}

static bool begins (const char *line, size_t size, const char *with)
{
    return size > strlen (with) && memcmp (line, with, strlen (with)) == 0;
}

static void take_line (
    struct fake_process *p, struct fake_node *node, const char *line, size_t size, double t)
{
    if (begins (line, size, "{\"start\":"))
        fake_start (p, node, line, size, t);
    else if (begins (line, size, "{\"assign\":"))
        fake_assign (p, node, line, size);
    else if (node->state == WORKING && aw_message_frame_is (line, size))
        fake_take_message (p, node, line, size);
    else
        take_frame (p, node, line, size);
}

static void take_lines (struct fake_process *p, struct fake_node *node)
{
    double t = fake_now ();
    char *line = node->in, *end = node->in + node->in_size, *newline;

    while ((newline = memchr (line, '\n', (size_t)(end - line)))) {
        take_line (p, node, line, (size_t)(newline - line), t);
        line = newline + 1;
    }
    node->in_size = (size_t)(end - line);
    memmove (node->in, line, node->in_size);
}

static void read_node (struct fake_process *p, struct fake_node *node)
{
    ssize_t n;

    if (node->in_room - node->in_size < READ_SIZE / 16) {
        node->in_room = node->in_room ? 2 * node->in_room : READ_SIZE / 8;
        node->in = realloc (node->in, node->in_room);
        if (!node->in)
            fake_die ("a node");
    }
    n = recv (node->fd, node->in + node->in_size, node->in_room - node->in_size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && node->state < WORKING)
        fake_try_later (p, node);
    else if (n <= 0)
        leave_node (p, node);
    else {
        node->in_size += (size_t)n;
        take_lines (p, node);
    }
}

/* What does not fit waits for the next tick. */
static void send_all (struct fake_process *p)
{
    uint32_t n = p->n_dirty;

    p->n_dirty = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct fake_node *node = p->dirty[i];
        ssize_t sent;

        node->dirty = false;
        node->late = 0;
        if (node->state == OVER || node->state == AWAY || node->out.len == 0)
            continue;
        sent = send (node->fd, node->out.data, node->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            if (node->state == WORKING)
                leave_node (p, node);
            else
                fake_try_later (p, node);
            continue;
        }
        if (sent > 0) {
            node->out.len -= (size_t)sent;
            memmove (node->out.data, node->out.data + sent, node->out.len);
        }
        if (node->out.len > 0)
            fake_touch (p, node);
    }
}

static void run_wheel (struct fake_process *p)
{
    uint64_t now = fake_tick_of (fake_now ()) - 1;

    for (; p->tick < now; p->tick++) {
        fake_end_tasks (p);
        touch_late (p);
        send_all (p);
    }
}

static void leave_done (struct fake_process *p)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct fake_node *node = &p->nodes[i];

        if (node->state == WORKING && node->quits && node->n_running == 0 && node->out.len == 0)
            leave_node (p, node);
    }
}

/* Not in epoll_wait: a send to a process that sleeps there wakes it up, which costs the
 * sender, here the coordinator, more than the send. On a cluster that is the other node's work. */
static void sleep_until (uint64_t tick)
{
    struct timespec t = { (time_t)(tick * FAKE_TICK_MS / 1000),
                          (long)(tick * FAKE_TICK_MS % 1000) * 1000000 };

    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void serve (struct fake_process *p, bool first)
{
    struct epoll_event events[EVENTS];
    uint64_t rounds = 0;

    p->tick = fake_tick_of (fake_now ()) - 1;
    while (p->n_over < p->n_nodes) {
        int n;

        sleep_until (fake_tick_of (fake_now ()));
        do {
            n = epoll_wait (p->epoll, events, EVENTS, 0);
            for (int i = 0; i < n; i++) {
                struct fake_node *node = events[i].data.ptr;
                if (node->state != OVER && node->state != AWAY)
                    read_node (p, node);
            }
            run_wheel (p);
        } while (n == EVENTS);
        send_all (p);
        if (first)
            fake_figures_watch (p->figures);
        if (++rounds % 16 == 0) {
            fake_look_at_waiting (p);
            leave_done (p);
        }
    }
}

/* Process NUMBER of N has every N-th node. */
static void prepare (struct fake_process *p, int number, int n)
{
    uint32_t all = (uint32_t)p->figures->n_nodes;

    p->part = &p->figures->parts[number];
    p->nodes = calloc (all, sizeof (*p->nodes));
    p->dirty = calloc (all, sizeof (*p->dirty));
    p->reader = aw_frame_reader_create ();
    p->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (!p->nodes || !p->dirty || !p->reader || p->epoll < 0)
        fake_die ("a process");
    srand48 (number);
    for (uint32_t i = (uint32_t)number; i < all; i += (uint32_t)n) {
        struct fake_node *node = &p->nodes[p->n_nodes++];

        node->number = i + 1;
        node->pause = 0.1;
        node->ended = calloc (p->n_slots, sizeof (*node->ended));
        if (!node->ended)
            fake_die ("a node");
    }
}

static void find_coordinator (struct fake_process *p, int argc, char **argv)
{
    const char *colon;

    if (argc < 3 || !(colon = strrchr (argv[2], ':')))
        fake_die ("--coordinator is missing");
    for (int i = 3; i < argc; i++)
        if (strncmp (argv[i], "--munge-socket=", 15) == 0)
            setenv (AW_AUTH_SOCKET, argv[i] + 15, 1);
    /* It listens on all addresses of this machine. */
    p->address.sin_family = AF_INET;
    p->address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    p->address.sin_port = htons ((uint16_t)atoi (colon + 1));
}

int main (int argc, char **argv)
{
    static struct fake_process p;
    int n = (int)number_from ("SCALE_PROCESSES"), number = 0;
    struct fake_figures *f =
        mmap (NULL, sizeof (*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (f == MAP_FAILED || n < 1 || n > FAKE_PROCESSES)
        fake_die ("SCALE_PROCESSES");
    f->n_nodes = (uint64_t)number_from ("SCALE_NODES");
    f->n_slots = p.n_slots = (uint32_t)number_from ("SCALE_SLOTS");
    f->n_tasks = (uint64_t)number_from ("SCALE_TASKS");
    f->seconds = p.seconds = number_from ("SCALE_SECONDS");
    f->coordinator = (pid_t)number_from ("SCALE_COORDINATOR");
    p.spread = number_from ("SCALE_SPREAD");
    p.spawn = number_from ("SCALE_SPAWN");
    p.job = getenv ("SLURM_JOB_ID");
    snprintf (f->journal, sizeof (f->journal), "%s", getenv ("SCALE_JOURNAL"));
    p.figures = f;
    find_coordinator (&p, argc, argv);
    aw_descriptors_raise ();
    f->began = fake_now ();
    for (int i = 1; i < n && number == 0; i++) {
        pid_t pid = fork ();

        if (pid < 0)
            fake_die ("fork");
        if (pid > 0)
            continue;
        number = i;
        prctl (PR_SET_PDEATHSIG, SIGKILL);
    }
    prepare (&p, number, n);
    serve (&p, number == 0);
    if (number > 0)
        return 0;
    while (wait (NULL) > 0)
        ;
    fake_figures_watch (f);
    if (fake_figures_write (f, getenv ("SCALE_FIGURES")) < 0)
        fake_die ("SCALE_FIGURES");
    return 0;
}
