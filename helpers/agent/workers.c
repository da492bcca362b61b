/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/agent_state.h"

/* Between the end of its input and SIGTERM: for a worker that ends by itself. */
static const double QUIET_SECONDS = 2;
/* Between SIGTERM and SIGKILL for one that makes room. */
static const double ROOM_GRACE_SECONDS = 3;

struct aw_worker *aw_workers_add (struct aw_agent *agent, const struct aw_launch *launch, pid_t pid)
{
    struct aw_worker *worker = calloc (1, sizeof (*worker));

    if (!worker)
        return NULL;
    worker->agent = agent;
    worker->set = launch->worker;
    worker->gpu_share = launch->gpu_share;
    worker->mem = launch->mem;
    worker->pid = pid;
    worker->fd = -1;
    for (int i = 0; i < AW_WORKER_STREAMS; i++)
        worker->streams[i] = (struct aw_worker_stream){ .worker = worker, .number = i, .from = -1 };
    if (aw_idset_copy (&worker->cpus, &launch->cpus) < 0
        || aw_idset_copy (&worker->gpus, &launch->gpus) < 0) {
        aw_idset_finish (&worker->cpus);
        free (worker);
        errno = ENOMEM;
        return NULL;
    }
    worker->next = agent->workers.first;
    worker->link = &agent->workers.first;
    if (worker->next)
        worker->next->link = &worker->next;
    agent->workers.first = worker;
    return worker;
}

static bool is_free (const struct aw_worker *worker)
{
    return !worker->attempt && !worker->ending;
}

static bool is_place (const struct aw_worker *worker, const struct aw_launch *launch)
{
    return worker->set == launch->worker && worker->gpu_share == launch->gpu_share
           && aw_idset_equal (&worker->cpus, &launch->cpus)
           && aw_idset_equal (&worker->gpus, &launch->gpus);
}

struct aw_worker *aw_workers_find (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_worker *worker = agent->workers.n_idle ? agent->workers.first : NULL;

    while (worker && (!is_free (worker) || !is_place (worker, launch)))
        worker = worker->next;
    return worker;
}

struct aw_worker *aw_workers_by_pid (const struct aw_agent *agent, pid_t pid)
{
    struct aw_worker *worker = agent->workers.first;

    while (worker && worker->pid != pid)
        worker = worker->next;
    return worker;
}

bool aw_workers_keep (const struct aw_agent *agent, pid_t session, uint64_t mark)
{
    const struct aw_worker *worker = agent->workers.n_idle ? agent->workers.first : NULL;

    while (worker
           && (worker->attempt || (worker->pid != session && (!mark || worker->mark != mark))))
        worker = worker->next;
    return worker;
}

/*
 * Room for others
 */

/* Has WORKER, not one for LAUNCH, CPUs that LAUNCH needs, or a GPU that the two cannot share? */
static bool is_in_the_way (const struct aw_worker *worker, const struct aw_launch *launch)
{
    return aw_idset_intersects (&worker->cpus, &launch->cpus)
           || (aw_idset_intersects (&worker->gpus, &launch->gpus)
               && (!worker->gpu_share || !launch->gpu_share));
}

/* What WORKER has of something that LAUNCH needs, too. */
typedef uint32_t (*amount_fn) (const struct aw_worker *worker, const struct aw_launch *launch);

/* MiB. */
static uint32_t memory_of (const struct aw_worker *worker, const struct aw_launch *launch)
{
    return launch->mem ? worker->mem : 0;
}

/* Thousandths of LAUNCH's GPU. */
static uint32_t part_of (const struct aw_worker *worker, const struct aw_launch *launch)
{
    return aw_idset_intersects (&worker->gpus, &launch->gpus) ? worker->gpu_share : 0;
}

/* That of workers without a call, but MINE. */
static uint64_t idle_amount (const struct aw_agent *agent,
                             const struct aw_launch *launch,
                             const struct aw_worker *mine,
                             amount_fn amount)
{
    uint64_t sum = 0;

    for (const struct aw_worker *w = agent->workers.first; w; w = w->next)
        sum += w->attempt || w == mine ? 0 : amount (w, launch);
    return sum;
}

/* The oldest that could go: the list has the youngest first. */
static struct aw_worker *oldest (struct aw_agent *agent,
                                 const struct aw_launch *launch,
                                 const struct aw_worker *mine,
                                 amount_fn amount)
{
    struct aw_worker *found = NULL;

    for (struct aw_worker *w = agent->workers.first; w; w = w->next)
        if (w != mine && is_free (w) && amount (w, launch))
            found = w;
    return found;
}

/* Attempts that run have USED of ALL, with LAUNCH. Ends idle workers until that fits, or none is
 * left that could go. True: it does. */
static bool make (struct aw_agent *agent,
                  const struct aw_launch *launch,
                  const struct aw_worker *mine,
                  amount_fn amount,
                  uint64_t used,
                  uint64_t all)
{
    uint64_t going = 0;
    struct aw_worker *worker;

    used += idle_amount (agent, launch, mine, amount);
    if (used <= all)
        return true;
    for (worker = agent->workers.first; worker; worker = worker->next)
        going += worker->ending ? amount (worker, launch) : 0;
    while (used - going > all && (worker = oldest (agent, launch, mine, amount))) {
        going += amount (worker, launch);
        aw_worker_end (worker, ROOM_GRACE_SECONDS, false);
    }
    return going == 0; /* what cannot be freed here is not the workers' */
}

static bool make_memory (struct aw_agent *agent,
                         const struct aw_launch *launch,
                         const struct aw_worker *mine)
{
    uint64_t used = launch->mem, all = agent->config->mem >> 20;

    if (!all || !launch->mem)
        return true;
    for (const struct aw_agent_attempt *a = agent->attempts.first; a; a = a->next)
        used += a->pid ? a->mem : 0;
    return make (agent, launch, mine, memory_of, used, all);
}

static bool make_part (struct aw_agent *agent,
                       const struct aw_launch *launch,
                       const struct aw_worker *mine)
{
    uint64_t used = launch->gpu_share;

    if (!launch->gpu_share)
        return true;
    for (const struct aw_agent_attempt *a = agent->attempts.first; a; a = a->next)
        used += a->pid && aw_idset_has (&launch->gpus, a->gpu) ? a->gpu_share : 0;
    return make (agent, launch, mine, part_of, used, 1000);
}

bool aw_workers_make_room (struct aw_agent *agent, const struct aw_launch *launch)
{
    struct aw_worker *mine;
    bool room = true;

    if (!agent->workers.n_idle)
        return true;
    mine = launch->worker ? aw_workers_find (agent, launch) : NULL;
    for (struct aw_worker *w = agent->workers.first; w; w = w->next)
        if (w != mine && !w->attempt && is_in_the_way (w, launch)) {
            aw_worker_end (w, ROOM_GRACE_SECONDS, false);
            room = false;
        }
    room = make_part (agent, launch, mine) && room;
    return make_memory (agent, launch, mine) && room;
}

/*
 * Their end
 */

static void close_input (struct aw_worker *worker)
{
    if (worker->readable)
        event_free (worker->readable);
    worker->readable = NULL;
    if (worker->fd >= 0)
        close (worker->fd);
    worker->fd = -1;
}

static void on_kill (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker *worker = arg;

    (void)fd;
    (void)what;
    kill (-worker->pid, SIGKILL);
}

static void set_timer (struct aw_worker *worker,
                       double seconds,
                       void (*callback) (evutil_socket_t fd, short what, void *arg))
{
    const struct timeval when = { (time_t)seconds,
                                  (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) };

    if (worker->timer)
        event_free (worker->timer);
    worker->timer = evtimer_new (worker->agent->base, callback, worker);
    if (!worker->timer || event_add (worker->timer, &when) < 0)
        kill (-worker->pid, SIGKILL);
}

static void on_terminate (evutil_socket_t fd, short what, void *arg)
{
    struct aw_worker *worker = arg;

    (void)fd;
    (void)what;
    kill (-worker->pid, SIGTERM);
    kill (-worker->pid, SIGCONT);
    set_timer (worker, ROOM_GRACE_SECONDS, on_kill);
}

void aw_worker_is_deaf (struct aw_worker *worker,
                        void (*callback) (evutil_socket_t fd, short what, void *arg))
{
    worker->deaf = true;
    set_timer (worker, QUIET_SECONDS, callback);
}

void aw_worker_end (struct aw_worker *worker, double grace, bool now)
{
    if (worker->ending && !now)
        return;
    worker->ending = true;
    close_input (worker);
    aw_worker_output_close (worker);
    if (!now) {
        set_timer (worker, QUIET_SECONDS, on_terminate);
        return;
    }
    if (grace > 0) {
        kill (-worker->pid, SIGTERM);
        kill (-worker->pid, SIGCONT);
    }
    set_timer (worker, grace, on_kill);
}

bool aw_workers_end (struct aw_agent *agent, double grace, bool now)
{
    for (struct aw_worker *worker = agent->workers.first; worker; worker = worker->next)
        if (!worker->attempt)
            aw_worker_end (worker, grace, now);
    return agent->workers.first;
}

static void free_worker (struct aw_worker *worker)
{
    if (worker->next)
        worker->next->link = worker->link;
    *worker->link = worker->next;
    close_input (worker);
    aw_worker_output_close (worker);
    if (worker->timer)
        event_free (worker->timer);
    aw_idset_finish (&worker->cpus);
    aw_idset_finish (&worker->gpus);
    aw_textbuf_finish (&worker->line);
    aw_textbuf_finish (&worker->raw);
    free (worker);
}

void aw_workers_remove (struct aw_worker *worker)
{
    struct aw_agent *agent = worker->agent;

    if (!worker->attempt)
        agent->workers.n_idle--;
    free_worker (worker);
}

void aw_workers_finish (struct aw_agent *agent)
{
    while (agent->workers.first)
        free_worker (agent->workers.first);
}
