/* SPDX-License-Identifier: Apache-2.0 */
/* FAKE agents for the benchmark "scale": they speak the agents' protocol (io/wire/frame.h) for many
 * nodes, with a TCP connection and MUNGE credentials for each, but start NO process. A task "ends"
 * when a real node's would: nodes start one process at a time, which takes SPAWN seconds, and a
 * task takes its SECONDS after that, or between SECONDS * (1 - SPREAD) and SECONDS * (1 + SPREAD).
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
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#include "fake-figures.h"
#include "io/wire/auth.h"
#include "io/message_frame.h"
#include "io/wire/frame.h"
#include "util/descriptors.h"

enum {
    TICK_MS = 1, /* ends are sent together */
    WHEEL = 1 << 15, /* ticks; a task is shorter than all of them */
    TRY_SECONDS = 15, /* as io/wire/connect.c: for the coordinator to answer */
    EVENTS = 32, /* few, so that a node's end does not wait for other nodes' starts */
    READ_SIZE = 1 << 16,
};

enum state { AWAY, CONNECTING, CHALLENGED, PROVED, WORKING, OVER };

struct node {
    uint32_t number; /* from 1 */
    int fd;
    enum state state;
    double since; /* when it began to connect; AWAY: when it tries again */
    double pause; /* seconds before the next try */
    double spawner_free; /* its one spawner is busy until then */
    double *ended; /* by slot: when its last task ended; 0: none has */
    char nonce[AW_NONCE_SIZE], own_nonce[AW_NONCE_SIZE], place[AW_PLACE_SIZE];
    char *in;
    size_t in_size, in_room;
    struct aw_textbuf out;
    bool dirty; /* it has something to send */
    bool quits;
    uint32_t n_running;
};

struct task {
    struct node *node;
    struct task *next;
    uint32_t id, attempt, slot;
    double start, seconds;
};

struct process {
    struct fake_figures *figures;
    struct fake_part *part;
    struct sockaddr_in address;
    const char *job;
    double seconds, spread, spawn;
    uint32_t n_slots;
    struct node *nodes;
    uint32_t n_nodes, n_over;
    int epoll;
    struct task *wheel[WHEEL];
    struct task *spare;
    uint64_t tick; /* done so far */
    struct node **dirty;
    uint32_t n_dirty;
    struct aw_frame_reader *reader;
    double probed; /* when the message under way was sent; 0: none is */
    struct node *prober;
    uint32_t probe;
};

__attribute__ ((noreturn)) static void die (const char *what)
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

static void watch (struct process *p, struct node *node, uint32_t events, int how)
{
    struct epoll_event event = { .events = events, .data.ptr = node };

    if (epoll_ctl (p->epoll, how, node->fd, &event) < 0)
        die ("epoll_ctl");
}

static void touch (struct process *p, struct node *node)
{
    if (node->dirty)
        return;
    node->dirty = true;
    p->dirty[p->n_dirty++] = node;
}

static void put_frame (struct process *p, struct node *node, const struct aw_frame *frame)
{
    if (aw_frame_put (&node->out, frame, NULL) < 0)
        die ("a frame");
    touch (p, node);
}

/*
 * Joining
 */

/* A loop with jitter, as io/wire/connect.c. */
static void try_later (struct process *p, struct node *node)
{
    (void)p;
    close (node->fd);
    node->state = AWAY;
    node->in_size = node->out.len = 0;
    node->since = fake_now () + node->pause * (0.5 + drand48 ());
    node->pause = node->pause < 2 ? 2 * node->pause : node->pause;
}

static void begin (struct process *p, struct node *node)
{
    const int yes = 1;

    node->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (node->fd < 0)
        die ("socket");
    (void)setsockopt (node->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof (yes));
    p->part->n_connects++;
    node->since = fake_now ();
    node->state = CONNECTING;
    if (connect (node->fd, (struct sockaddr *)&p->address, sizeof (p->address)) < 0
        && errno != EINPROGRESS)
        die ("connect");
    watch (p, node, EPOLLIN, EPOLL_CTL_ADD);
}

static void prove (struct process *p, struct node *node)
{
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, p->job, node->place, node->nonce,
                                        node->own_nonce };
    struct aw_error err;
    char *credential = aw_auth_prove (&ours, &err);

    if (!credential) {
        fprintf (stderr, "fake-agents: %s\n", err.text);
        exit (1);
    }
    put_frame (p, node,
               &(struct aw_frame){
                   .type = AW_FRAME_PROOF, .credential = credential, .nonce = node->own_nonce });
    free (credential);
}

/* Two packages, each with half of the cores. */
static void describe (struct process *p, struct node *node)
{
    struct aw_textbuf topology = { 0 };
    char name[16];
    uint32_t half = (p->n_slots + 1) / 2;
    struct aw_event hello = { .name = name, .mem = UINT64_C (256) << 30 };

    snprintf (name, sizeof (name), "n%u", node->number);
    aw_textbuf_puts (&topology, "core ");
    for (uint32_t i = 0; i < p->n_slots; i++)
        aw_textbuf_printf (&topology, "%s%u", i ? "|" : "", i);
    if (half < p->n_slots)
        for (int i = 0; i < 2; i++)
            aw_textbuf_printf (&topology, ";%s 0-%u|%u-%u", i ? "package" : "numa", half - 1, half,
                               p->n_slots - 1);
    aw_textbuf_putc (&topology, '\0');
    hello.topology = topology.data;
    if (topology.failed || aw_idset_add (&hello.cpus, 0, p->n_slots - 1) < 0)
        die ("a topology");
    put_frame (p, node, &(struct aw_frame){ .type = AW_FRAME_HELLO, .event = hello });
    aw_idset_finish (&hello.cpus);
    aw_textbuf_finish (&topology);
}

static void join (struct process *p, struct node *node, const struct aw_frame *frame)
{
    const struct aw_auth_claim theirs = { AW_AUTH_FROM_COORDINATOR, p->job, node->place,
                                          node->own_nonce, node->nonce };
    struct aw_error err;

    if (frame->type == AW_FRAME_CHALLENGE && strlen (frame->nonce) == AW_NONCE_SIZE - 1
        && aw_auth_place (node->fd, AW_AUTH_CONNECTED, node->place, NULL) == 0
        && aw_auth_nonce (node->own_nonce, NULL) == 0) {
        strcpy (node->nonce, frame->nonce);
        prove (p, node);
        node->state = PROVED;
        return;
    }
    if (frame->type != AW_FRAME_PROOF || aw_auth_check (frame->credential, &theirs, &err) < 0)
        die ("not the coordinator");
    node->state = WORKING;
    describe (p, node);
    p->part->n_joined++;
    p->part->last_hello = fake_now ();
}

/* Those that wait to try again, or for an answer that does not come. */
static void look_at_waiting (struct process *p)
{
    double t = fake_now ();

    for (uint32_t i = 0; p->part->n_joined < p->n_nodes && i < p->n_nodes; i++) {
        struct node *node = &p->nodes[i];

        if (node->state == AWAY && node->since <= t)
            begin (p, node);
        else if (node->state > AWAY && node->state < WORKING && t - node->since > TRY_SECONDS)
            try_later (p, node);
    }
}

/*
 * Tasks
 */

static uint64_t tick_of (double t)
{
    return (uint64_t)(t * 1000 / TICK_MS) + 1;
}

/* The unsigned number after KEY in the line; UINT32_MAX: it is not there. */
static uint32_t number_after (const char *line, size_t size, const char *key)
{
    const char *at = memmem (line, size, key, strlen (key));

    return at ? (uint32_t)strtoul (at + strlen (key), NULL, 10) : UINT32_MAX;
}

/* A message of the task to a topic, and a question whether it is written: one at a time, from the
 * first node. */
static void probe (struct process *p, const struct task *task, double t)
{
    struct aw_packet packet = { .kind = AW_PACKET_PUBLISH,
                                .conn = ++p->probe,
                                .task = task->id,
                                .attempt = task->attempt,
                                .topic = aw_piece_of ("probe"),
                                .data = aw_piece_of ("x") };

    aw_message_frame_put (&task->node->out, &packet, false);
    packet.kind = AW_PACKET_SYNC;
    packet.number = p->probe;
    packet.topic = packet.data = (struct aw_piece){ 0 };
    aw_message_frame_put (&task->node->out, &packet, false);
    touch (p, task->node);
    p->probed = t;
    p->prober = task->node;
}

static void take_message (struct process *p, struct node *node, const char *line, size_t size)
{
    struct aw_packet packet, bye = { .kind = AW_PACKET_CLOSE };

    if (aw_message_frame_read (&packet, line, size, NULL) < 0 || packet.kind != AW_PACKET_DONE
        || node != p->prober || p->probed == 0)
        return;
    fake_bins_add (&p->part->acknowledged, fake_now () - p->probed);
    p->probed = 0;
    bye.conn = packet.conn;
    aw_message_frame_put (&node->out, &bye, false);
    touch (p, node);
}

/* The same for a task in each run. */
static double seconds_of (const struct process *p, uint32_t id)
{
    uint32_t mixed = (id + 1) * 2654435769u;

    mixed ^= mixed >> 15;
    mixed *= 2246822519u;
    return p->seconds * (1 + p->spread * (2 * ((mixed ^ mixed >> 13) * 0x1p-32) - 1));
}

static void start (struct process *p, struct node *node, const char *line, size_t size, double t)
{
    const size_t tail = size < 160 ? size : 160; /* CPUs stand at the end */
    struct task *task = p->spare ? p->spare : malloc (sizeof (*task));
    uint64_t tick;

    if (!task)
        die ("a task");
    p->spare = p->spare ? p->spare->next : NULL;
    if (node->spawner_free < t)
        node->spawner_free = t;
    node->spawner_free += p->spawn;
    *task = (struct task){ .node = node,
                           .id = number_after (line, size, "\"start\":"),
                           .attempt = number_after (line, size, "\"attempt\":"),
                           .slot = number_after (line + size - tail, tail, "\"cpus\":\""),
                           .start = node->spawner_free };
    task->seconds = seconds_of (p, task->id);
    tick = tick_of (task->start + task->seconds);
    if (tick - p->tick >= WHEEL || task->slot >= p->n_slots)
        die ("a task that is too long, or without a CPU");
    task->next = p->wheel[tick % WHEEL];
    p->wheel[tick % WHEEL] = task;
    if (node->ended[task->slot] > 0 && fake_figures_steady (p->figures))
        fake_bins_add (&p->part->gaps, t - node->ended[task->slot]);
    if (p->part->first_start == 0)
        p->part->first_start = t;
    p->part->n_started++;
    p->part->bytes_in += size + 1;
    node->n_running++;
    if (p->probed == 0 && node == p->nodes && p->seconds >= 0.05)
        probe (p, task, t);
}

static void finish (struct process *p, struct task *task, double t)
{
    struct node *node = task->node;

    put_frame (p, node,
               &(struct aw_frame){ .type = AW_FRAME_FINISH,
                                   .event = { .task = task->id,
                                              .attempt = task->attempt,
                                              .status = AW_STATUS_COMPLETED,
                                              .seconds = task->seconds + 0.0005,
                                              .cpu_seconds = 0.00123,
                                              .max_rss = 1572864,
                                              .gpu_util = -1 } });
    node->ended[task->slot] = t;
    node->n_running--;
    p->part->n_ended++;
    p->part->last_end = t;
    task->next = p->spare;
    p->spare = task;
}

static void leave_node (struct process *p, struct node *node)
{
    if (node->state == OVER)
        return;
    close (node->fd);
    node->state = OVER;
    p->n_over++;
}

static void take_frame (struct process *p, struct node *node, const char *line, size_t size)
{
    struct aw_frame frame;
    struct aw_error err;

    if (aw_frame_read (p->reader, line, size, &frame, &err) < 0)
        die (err.text);
    if (node->state != WORKING)
        join (p, node, &frame);
    else if (frame.type == AW_FRAME_PING)
        put_frame (p, node, &(struct aw_frame){ .type = AW_FRAME_PONG });
    else if (frame.type == AW_FRAME_QUIT)
        node->quits = true;
}

static void take_line (
    struct process *p, struct node *node, const char *line, size_t size, double t)
{
    static const char begin[] = "{\"start\":";

    if (size > strlen (begin) && memcmp (line, begin, strlen (begin)) == 0)
        start (p, node, line, size, t);
    else if (node->state == WORKING && aw_message_frame_is (line, size))
        take_message (p, node, line, size);
    else
        take_frame (p, node, line, size);
}

static void take_lines (struct process *p, struct node *node)
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

static void read_node (struct process *p, struct node *node)
{
    ssize_t n;

    if (node->in_room - node->in_size < READ_SIZE / 16) {
        node->in_room = node->in_room ? 2 * node->in_room : READ_SIZE / 8;
        node->in = realloc (node->in, node->in_room);
        if (!node->in)
            die ("a node");
    }
    n = recv (node->fd, node->in + node->in_size, node->in_room - node->in_size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && node->state < WORKING)
        try_later (p, node);
    else if (n <= 0)
        leave_node (p, node);
    else {
        node->in_size += (size_t)n;
        take_lines (p, node);
    }
}

/* What does not fit waits for the next tick. */
static void send_all (struct process *p)
{
    uint32_t n = p->n_dirty;

    p->n_dirty = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct node *node = p->dirty[i];
        ssize_t sent;

        node->dirty = false;
        if (node->state == OVER || node->state == AWAY || node->out.len == 0)
            continue;
        sent = send (node->fd, node->out.data, node->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            if (node->state == WORKING)
                leave_node (p, node);
            else
                try_later (p, node);
            continue;
        }
        if (sent > 0) {
            node->out.len -= (size_t)sent;
            memmove (node->out.data, node->out.data + sent, node->out.len);
        }
        if (node->out.len > 0)
            touch (p, node);
    }
}

static void run_wheel (struct process *p)
{
    uint64_t now = tick_of (fake_now ()) - 1;

    for (; p->tick < now; p->tick++) {
        double t = fake_now ();
        struct task **slot = &p->wheel[(p->tick + 1) % WHEEL], *task = *slot;

        *slot = NULL;
        for (struct task *next; task; task = next) {
            next = task->next;
            finish (p, task, t);
        }
        send_all (p);
    }
}

static void leave_done (struct process *p)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct node *node = &p->nodes[i];

        if (node->state == WORKING && node->quits && node->n_running == 0 && node->out.len == 0)
            leave_node (p, node);
    }
}

/* Not in epoll_wait: a send to a process that sleeps there wakes it up, which costs the
 * sender, here the coordinator, more than the send. On a cluster that is the other node's work. */
static void sleep_until (uint64_t tick)
{
    struct timespec t = { (time_t)(tick * TICK_MS / 1000),
                          (long)(tick * TICK_MS % 1000) * 1000000 };

    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void serve (struct process *p, bool first)
{
    struct epoll_event events[EVENTS];
    uint64_t rounds = 0;

    p->tick = tick_of (fake_now ()) - 1;
    while (p->n_over < p->n_nodes) {
        int n;

        sleep_until (tick_of (fake_now ()));
        do {
            n = epoll_wait (p->epoll, events, EVENTS, 0);
            for (int i = 0; i < n; i++) {
                struct node *node = events[i].data.ptr;
                if (node->state != OVER && node->state != AWAY)
                    read_node (p, node);
            }
            run_wheel (p);
        } while (n == EVENTS);
        send_all (p);
        if (first)
            fake_figures_watch (p->figures);
        if (++rounds % 16 == 0) {
            look_at_waiting (p);
            leave_done (p);
        }
    }
}

/* Process NUMBER of N has every N-th node. */
static void prepare (struct process *p, int number, int n)
{
    uint32_t all = (uint32_t)p->figures->n_nodes;

    p->part = &p->figures->parts[number];
    p->nodes = calloc (all, sizeof (*p->nodes));
    p->dirty = calloc (all, sizeof (*p->dirty));
    p->reader = aw_frame_reader_create ();
    p->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (!p->nodes || !p->dirty || !p->reader || p->epoll < 0)
        die ("a process");
    srand48 (number);
    for (uint32_t i = (uint32_t)number; i < all; i += (uint32_t)n) {
        struct node *node = &p->nodes[p->n_nodes++];

        node->number = i + 1;
        node->pause = 0.1;
        node->ended = calloc (p->n_slots, sizeof (*node->ended));
        if (!node->ended)
            die ("a node");
    }
}

static void find_coordinator (struct process *p, int argc, char **argv)
{
    const char *colon;

    if (argc < 3 || !(colon = strrchr (argv[2], ':')))
        die ("--coordinator is missing");
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
    static struct process p;
    int n = (int)number_from ("SCALE_PROCESSES"), number = 0;
    struct fake_figures *f =
        mmap (NULL, sizeof (*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (f == MAP_FAILED || n < 1 || n > FAKE_PROCESSES)
        die ("SCALE_PROCESSES");
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
            die ("fork");
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
        die ("SCALE_FIGURES");
    return 0;
}
