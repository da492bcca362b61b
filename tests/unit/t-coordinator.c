/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator over the fake row: each run has a directory of its own, and what counts is the
 * exit status and the journal. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "coord/coordinator.h"
#include "exec-fake.h"
#include "coord/time_left.h"
#include "io/journal/journal.h"
#include "io/journal/run_dir.h"

enum what { NOTHING, INTERRUPT, INTERRUPT_TWICE, BREAK, LOSE_0, LOSE_BOTH, FILL_DISK };

/* One run: the workflow, the pool, and what happens when task AT is first launched. */
struct run {
    const char *tasks; /* the value of "tasks" */
    uint32_t nodes, cpus;
    aw_fake_plan plan;
    enum what what;
    uint32_t at;
    bool refuse; /* check_pool says no */
    off_t room; /* what the disk still takes when the pool is complete; 0: enough */
    double grace;
    enum aw_durability durability;
    /* Results. */
    struct event_base *base;
    struct aw_workflow *workflow;
    struct aw_coordinator *coordinator;
    struct aw_exec *exec;
    char parent[64];
    char *dir, *journal;
    uint32_t launches;
    off_t size_at_first;
    bool done;
    struct aw_error err;
};

static off_t journal_size (const struct run *r)
{
    struct stat st;

    return stat (r->journal, &st) == 0 ? st.st_size : -1;
}

static void limit_file (off_t size)
{
    struct rlimit limit;

    getrlimit (RLIMIT_FSIZE, &limit);
    limit.rlim_cur = (rlim_t)size;
    setrlimit (RLIMIT_FSIZE, &limit);
}

/* Not a byte more than there is. */
static void fill_disk (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    limit_file (journal_size (arg));
}

static void happen (struct run *r)
{
    struct timeval now = { 0, 0 };

    switch (r->what) {
    case INTERRUPT_TWICE:
        raise (SIGTERM); /* another one: the same at once counts once */
        /* fall through */
    case INTERRUPT:
        raise (SIGINT);
        break;
    case BREAK:
        aw_exec_fake_break (r->exec, "the pool is gone");
        break;
    case LOSE_BOTH:
        aw_exec_fake_lose (r->exec, 1, "gone");
        /* fall through */
    case LOSE_0:
        aw_exec_fake_lose (r->exec, 0, "gone");
        break;
    case FILL_DISK:
        event_base_once (r->base, -1, EV_TIMEOUT, fill_disk, r, &now);
        break;
    case NOTHING:
        break;
    }
}

static void plan (void *arg,
                  uint32_t node,
                  const struct aw_launch *launch,
                  struct aw_fake_outcome *outcome)
{
    struct run *r = arg;

    if (r->launches++ == 0)
        r->size_at_first = journal_size (r);
    if (r->plan)
        r->plan (r, node, launch, outcome);
    if (launch->task == r->at && !r->done) {
        r->done = true;
        happen (r);
    }
}

static int check_pool (void *arg, const struct aw_pool *pool, struct aw_error *err)
{
    const struct run *r = arg;

    assert_int_equal (pool->n_nodes, r->nodes);
    if (r->room)
        limit_file (journal_size (r) + r->room);
    return r->refuse ? aw_error_set (err, "not this pool") : 0;
}

static void begin (struct run *r)
{
    const struct aw_fake_config fake = {
        .n_nodes = r->nodes, .cpus = r->cpus, .plan = plan, .arg = r
    };
    struct aw_coordinator_config config = { .display = AW_DISPLAY_NONE,
                                            .check_pool = check_pool,
                                            .arg = r };
    struct aw_problems problems;
    char text[4096];

    snprintf (text, sizeof (text), "{ \"async-workflow\": 1, \"name\": \"t\", \"tasks\": %s }",
              r->tasks);
    aw_problems_init (&problems);
    r->workflow = aw_workflow_parse (text, strlen (text), "t.json", &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    assert_non_null (r->workflow);
    strcpy (r->parent, "/tmp/aw-coordinator-XXXXXX");
    assert_non_null (mkdtemp (r->parent));
    r->dir = aw_run_dir_path (r->parent, "run");
    free (aw_run_dir_create (r->dir, "t", NULL, NULL));
    r->journal = aw_run_dir_path (r->dir, AW_RUN_JOURNAL);
    r->base = event_base_new ();
    config.workflow = r->workflow;
    config.run_dir = r->dir;
    config.start_dir = "/";
    config.n_nodes = r->nodes;
    config.kill_grace = r->grace;
    config.durability = r->durability;
    r->coordinator = aw_coordinator_create (r->base, &config, &r->err);
    assert_non_null (r->coordinator);
    r->exec =
        aw_exec_fake_create (r->base, aw_coordinator_callbacks (r->coordinator), &fake, &r->err);
    assert_non_null (r->exec);
}

static int run (struct run *r)
{
    struct rlimit limit, old;
    int code;

    begin (r);
    getrlimit (RLIMIT_FSIZE, &old);
    code = aw_coordinator_run (r->coordinator, r->exec, &r->err);
    getrlimit (RLIMIT_FSIZE, &limit);
    limit.rlim_cur = old.rlim_cur;
    setrlimit (RLIMIT_FSIZE, &limit);
    return code;
}

static void remove_messages (const struct run *r)
{
    char *dir = aw_run_dir_path (r->dir, AW_RUN_MESSAGES);
    char *log = aw_run_dir_path (dir, "t.jsonl");

    unlink (log);
    rmdir (dir);
    free (log);
    free (dir);
}

static void finish (struct run *r)
{
    char *logs = aw_run_dir_path (r->dir, AW_RUN_LOGS);

    remove_messages (r);

    r->exec->ops->destroy (r->exec);
    aw_coordinator_destroy (r->coordinator);
    event_base_free (r->base);
    aw_workflow_destroy (r->workflow);
    unlink (r->journal);
    rmdir (logs);
    rmdir (r->dir);
    rmdir (r->parent);
    free (logs);
    free (r->journal);
    free (r->dir);
}

/* A second scheduler: what came from outside is handed in, what was decided must be decided again.
 */
struct replay {
    struct aw_sched *sched;
    uint32_t n[AW_EVENT_TYPES];
    struct aw_event last;
};

static int replay_one (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct replay *p = arg;
    struct aw_event action;

    p->n[ev->type]++;
    p->last = *ev;
    if (aw_sched_is_input (p->sched, ev))
        return aw_sched_handle (p->sched, ev, err);
    if (!aw_sched_next (p->sched, &action))
        return aw_error_set (err, "nothing is decided, but it was: %s",
                             aw_event_type_name (ev->type));
    if (action.type != ev->type || (action.type != AW_EVENT_END && action.task != ev->task)
        || action.attempt != ev->attempt || action.code != ev->code)
        return aw_error_set (err, "%s %u instead of %s %u", aw_event_type_name (action.type),
                             action.task, aw_event_type_name (ev->type), ev->task);
    if (action.type == AW_EVENT_START
        && (action.node != ev->node || !aw_idset_equal (&action.cpus, &ev->cpus)))
        return aw_error_set (err, "task %u starts elsewhere", ev->task);
    return 0;
}

/* The journal: its decisions are made again, and it ends with END of CODE. */
static void check_journal (const struct run *r, int code, struct replay *p)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC };
    struct aw_journal_header header = { 0 };
    struct aw_error err = { "" };

    memset (p, 0, sizeof (*p));
    p->sched = aw_sched_create (r->workflow->graph, &config, NULL);
    if (aw_journal_read (r->journal, r->workflow->graph,
                         &(struct aw_journal_reading){ .fn = replay_one, .arg = p }, &header, &err)
        < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (p->last.type, AW_EVENT_END);
    assert_int_equal (p->last.code, code);
    aw_journal_header_finish (&header);
    aw_sched_destroy (p->sched);
}

#define CHAIN                                                                                     \
    "{ \"a\": { \"count\": 3, \"command\": [\"x\"] }, \"b\": { \"after\": [\"a\"], \"command\": " \
    "[\"x\"] }, "                                                                                 \
    "\"c\": { \"after\": [\"a[i]\"], \"count\": 3, \"retries\": 1, \"command\": [\"x\"] } }"

static void a_run_ends_well_and_its_journal_replays (void **state)
{
    struct run r = { .tasks = CHAIN, .nodes = 2, .cpus = 2 };
    struct replay p;

    (void)state;
    assert_int_equal (run (&r), 0);
    assert_string_equal (r.err.text, "");
    check_journal (&r, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 7);
    assert_int_equal (p.n[AW_EVENT_FINISH], 7);
    finish (&r);
}

static void fails_once (void *arg,
                        uint32_t node,
                        const struct aw_launch *launch,
                        struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    if (launch->task == 5 && launch->attempt == 0)
        outcome->status = AW_STATUS_FAILED;
    outcome->refused = launch->task == 6 && launch->attempt == 0;
}

static void fails (void *arg,
                   uint32_t node,
                   const struct aw_launch *launch,
                   struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    outcome->refused = launch->task == 1;
}

static void a_failed_task_is_retried_or_fails_the_run (void **state)
{
    struct run again = { .tasks = CHAIN, .nodes = 1, .cpus = 4, .plan = fails_once };
    struct run once = { .tasks = CHAIN, .nodes = 1, .cpus = 1, .plan = fails };
    struct replay p;

    (void)state;
    assert_int_equal (run (&again), 0);
    check_journal (&again, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 9);
    finish (&again);
    assert_int_equal (run (&once), 1); /* it could not even be sent */
    check_journal (&once, 1, &p);
    finish (&once);
}

static void for_ever (void *arg,
                      uint32_t node,
                      const struct aw_launch *launch,
                      struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    (void)launch;
    outcome->seconds = 1e6;
}

static void stubborn (void *arg,
                      uint32_t node,
                      const struct aw_launch *launch,
                      struct aw_fake_outcome *outcome)
{
    for_ever (arg, node, launch, outcome);
    outcome->stubborn = true;
}

static void a_stopped_run_ends_its_tasks_and_kills_stubborn_ones (void **state)
{
    struct run r = { .tasks = CHAIN,
                     .nodes = 1,
                     .cpus = 4,
                     .plan = for_ever,
                     .what = INTERRUPT,
                     .at = 2,
                     .grace = 1e5 };
    struct run twice = { .tasks = CHAIN,
                         .nodes = 1,
                         .cpus = 4,
                         .plan = stubborn,
                         .what = INTERRUPT_TWICE,
                         .at = 2,
                         .grace = 1e5 };
    struct replay p;

    (void)state;
    assert_int_equal (run (&r), 3);
    check_journal (&r, 3, &p);
    assert_int_equal (p.n[AW_EVENT_KILL], 3);
    finish (&r);
    assert_int_equal (run (&twice), 3);
    check_journal (&twice, 3, &p);
    finish (&twice);
}

static void a_run_survives_a_lost_node_but_not_its_last_one (void **state)
{
    struct run broken = { .tasks = CHAIN, .nodes = 1, .cpus = 4, .plan = for_ever, .what = BREAK };
    struct run one = { .tasks = CHAIN, .nodes = 2, .cpus = 2, .what = LOSE_0 };
    struct run both = { .tasks = CHAIN, .nodes = 2, .cpus = 2, .what = LOSE_BOTH };
    struct replay p;

    (void)state;
    assert_int_equal (run (&broken), 4);
    assert_string_equal (broken.err.text, "the pool is gone");
    finish (&broken);
    assert_int_equal (run (&one), 0);
    check_journal (&one, 0, &p);
    assert_int_equal (p.n[AW_EVENT_NODE_LOST], 1);
    finish (&one);
    assert_int_equal (run (&both), 4);
    check_journal (&both, 4, &p);
    assert_non_null (strstr (both.err.text, "no node can run them")); /* and it says why */
    finish (&both);
}

static void a_run_that_the_pool_cannot_start_has_no_launches (void **state)
{
    struct run large = { .tasks = "{ \"a\": { \"cpus\": 5, \"command\": [\"x\"] } }",
                         .nodes = 2,
                         .cpus = 4 };
    struct run refused = { .tasks = CHAIN, .nodes = 2, .cpus = 4, .refuse = true };

    (void)state;
    assert_int_equal (run (&large), 2);
    assert_non_null (strstr (large.err.text, "tasks.a: a task needs 5 CPUs"));
    assert_int_equal (large.launches, 0);
    finish (&large);
    assert_int_equal (run (&refused), 4);
    assert_string_equal (refused.err.text, "not this pool");
    /* The pool may go on talking while it ends. */
    aw_exec_fake_lose (refused.exec, 1, "ended");
    aw_exec_fake_break (refused.exec, "ended");
    event_base_loop (refused.base, EVLOOP_NONBLOCK);
    finish (&refused);
}

static void a_moment (void *arg,
                      uint32_t node,
                      const struct aw_launch *launch,
                      struct aw_fake_outcome *outcome)
{
    for_ever (arg, node, launch, outcome);
    outcome->seconds = 0.05;
}

/* A completion that cannot be written starts nothing. */
static void a_completion_that_cannot_be_written_starts_nothing (void **state)
{
    struct run r = { .tasks = "{ \"a\": { \"command\": [\"x\"] }, \"b\": { \"after\": [\"a\"], "
                              "\"command\": [\"x\"] } }",
                     .nodes = 1,
                     .cpus = 1,
                     .plan = a_moment,
                     .what = FILL_DISK };

    (void)state;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (run (&r), 3);
    assert_int_equal (r.launches, 1);
    finish (&r);
}

/* Starts that cannot be written do not leave. */
static void a_start_that_cannot_be_written_is_not_sent (void **state)
{
    struct run r = { .tasks = CHAIN, .nodes = 1, .cpus = 4, .room = 150 };

    (void)state;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (run (&r), 3);
    assert_int_equal (r.launches, 0);
    finish (&r);
}

/* What becomes ready at once does not pile up in memory before the first start. */
static void many_ready_tasks_do_not_delay_the_first_start (void **state)
{
    struct run r = { .tasks = "{ \"a\": { \"count\": 20000, \"command\": [\"x\"] } }",
                     .nodes = 1,
                     .cpus = 1,
                     .what = BREAK };

    (void)state;
    assert_int_equal (run (&r), 4);
    assert_true (r.size_at_first > 20000 * 40);
    finish (&r);
}

static struct {
    struct event *readable; /* always */
    uint32_t starts, most; /* since it was last called; at most */
} turns;

static void on_turn (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    turns.starts = 0;
}

static void counts_starts (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome)
{
    struct run *r = arg;
    int fds[2];

    (void)node;
    (void)launch;
    outcome->seconds = 1; /* all have started by then, or nearly */
    if (!turns.readable) {
        assert_int_equal (pipe (fds), 0);
        close (fds[1]);
        turns.readable = event_new (r->base, fds[0], EV_READ | EV_PERSIST, on_turn, NULL);
        event_add (turns.readable, NULL);
    }
    if (++turns.starts > turns.most)
        turns.most = turns.starts;
}

static void many_starts_do_not_hold_up_the_loop (void **state)
{
    struct run r = { .tasks = "{ \"a\": { \"count\": 4000, \"command\": [\"x\"] } }",
                     .nodes = 2,
                     .cpus = 2000,
                     .plan = counts_starts };

    (void)state;
    assert_int_equal (run (&r), 0);
    assert_int_equal (r.launches, 4000);
    assert_in_range (turns.most, 1, 2000); /* 256 but for ends that come between */
    close (event_get_fd (turns.readable));
    event_free (turns.readable);
    finish (&r);
}

/*
 * Durability "node": fdatasync and fsync are the disk's, which is slow or fails as a test says.
 */

enum { MAX_FILES = 8, TICKS = 20 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    struct {
        ino_t inode;
        off_t size; /* on disk */
    } files[MAX_FILES];
    int n_files;
    int calls; /* of fdatasync */
    int slow_at; /* this call waits until the gate is opened; 0: none */
    int fail_at; /* this one, and all after it, fail; 0: none */
    int error; /* so */
    bool waits, open;
    bool given_up; /* nobody opened the gate in time: the loop stood still */
} disk = { .mutex = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };

int __real_fdatasync (int fd);
int __real_fsync (int fd);
int __wrap_fdatasync (int fd);
int __wrap_fsync (int fd);

static void wait_for_gate (void)
{
    struct timespec deadline;

    clock_gettime (CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10;
    disk.waits = true;
    while (!disk.open && !disk.given_up)
        disk.given_up = pthread_cond_timedwait (&disk.opened, &disk.mutex, &deadline) == ETIMEDOUT;
    disk.waits = false;
}

/* What a file held when the sync began is on disk when it ends. */
static int sync_file (int fd)
{
    struct stat st = { 0 };
    int i = 0, rc = 0;

    fstat (fd, &st);
    pthread_mutex_lock (&disk.mutex);
    disk.calls++;
    if (disk.slow_at && disk.calls == disk.slow_at)
        wait_for_gate ();
    if (disk.fail_at && disk.calls >= disk.fail_at) {
        errno = disk.error;
        rc = -1;
    }
    else {
        while (i < disk.n_files && disk.files[i].inode != st.st_ino)
            i++;
        if (i < MAX_FILES) {
            disk.files[i].inode = st.st_ino;
            disk.files[i].size = st.st_size;
            disk.n_files += i == disk.n_files;
        }
    }
    pthread_mutex_unlock (&disk.mutex);
    return rc;
}

int __wrap_fdatasync (int fd)
{
    return sync_file (fd);
}

int __wrap_fsync (int fd)
{
    disk.calls--; /* slow_at and fail_at count the others */
    return sync_file (fd);
}

static void new_disk (int slow_at, int fail_at, int error)
{
    disk.n_files = disk.calls = 0;
    disk.slow_at = slow_at;
    disk.fail_at = fail_at;
    disk.error = error;
    disk.open = disk.given_up = false;
}

/* Bytes of PATH that are on disk; -1: none was ever synced. */
static off_t on_disk (const char *path)
{
    struct stat st;
    off_t size = -1;

    if (stat (path, &st) < 0)
        return -1;
    pthread_mutex_lock (&disk.mutex);
    for (int i = 0; i < disk.n_files; i++)
        if (disk.files[i].inode == st.st_ino)
            size = disk.files[i].size;
    pthread_mutex_unlock (&disk.mutex);
    return size;
}

/* Is a line with TEXT in the part of the journal that is on disk? */
static bool keeps (const struct run *r, const char *text)
{
    static char data[1 << 20];
    off_t size = on_disk (r->journal);
    FILE *f = fopen (r->journal, "r");
    size_t n = f && size > 0 ? fread (data, 1, (size_t)size, f) : 0;

    data[n] = '\0';
    if (f)
        fclose (f);
    return strstr (data, text) != NULL;
}

/* When an attempt is launched, its START and all completions before it are on disk. */
static void is_kept (void *arg,
                     uint32_t node,
                     const struct aw_launch *launch,
                     struct aw_fake_outcome *outcome)
{
    const struct run *r = arg;
    char name[64], text[160];

    (void)node;
    (void)outcome;
    aw_graph_task_name (r->workflow->graph, launch->task, name, sizeof (name));
    snprintf (text, sizeof (text), "\"start\",\"task\":\"%s\",\"attempt\":%u,", name,
              launch->attempt);
    assert_true (keeps (r, text));
    if (launch->task == 3) /* b comes after all of a */
        for (int i = 0; i < 3; i++) {
            snprintf (text, sizeof (text), "\"finish\",\"task\":\"a[%d]\"", i);
            assert_true (keeps (r, text));
        }
}

static void a_task_starts_after_its_predecessors_are_on_disk (void **state)
{
    struct run r = {
        .tasks = CHAIN, .nodes = 2, .cpus = 2, .plan = is_kept, .durability = AW_DURABILITY_NODE
    };
    struct replay p;

    (void)state;
    new_disk (0, 0, 0);
    assert_int_equal (run (&r), 0);
    check_journal (&r, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 7);
    assert_int_equal (r.launches, 7);
    assert_true (keeps (&r, "\"end\""));
    assert_true (on_disk (r.dir) >= 0);
    assert_true (on_disk (r.parent) >= 0);
    finish (&r);
}

/* While the disk is slow the loop turns: its timer opens the gate after some turns, or interrupts
 * the run as well.
 */
struct ticker {
    struct run *r;
    struct event *timer;
    int n;
    bool interrupt;
    uint32_t launches; /* when the wait began */
};

static void on_tick (evutil_socket_t fd, short what, void *arg)
{
    struct ticker *t = arg;
    const struct timeval soon = { 0, 1000 };

    (void)fd;
    (void)what;
    event_add (t->timer, &soon);
    pthread_mutex_lock (&disk.mutex);
    if (disk.waits && t->n++ == 0)
        t->launches = t->r->launches;
    if (t->interrupt && t->n == TICKS / 2)
        raise (SIGINT);
    if (disk.waits && t->n == TICKS) {
        assert_int_equal (t->r->launches, t->launches);
        disk.open = true;
        pthread_cond_signal (&disk.opened);
        event_del (t->timer);
    }
    pthread_mutex_unlock (&disk.mutex);
}

static int run_on_slow_disk (struct run *r, bool interrupt)
{
    const struct timeval soon = { 0, 1000 };
    struct ticker t = { .r = r, .interrupt = interrupt };
    int code;

    begin (r);
    t.timer = event_new (r->base, -1, 0, on_tick, &t);
    event_add (t.timer, &soon);
    alarm (60); /* a run that does not end fails */
    code = aw_coordinator_run (r->coordinator, r->exec, &r->err);
    alarm (0);
    event_free (t.timer);
    assert_false (disk.given_up);
    assert_int_equal (t.n, TICKS);
    return code;
}

static void the_loop_turns_while_the_disk_is_slow (void **state)
{
    struct run r = {
        .tasks = CHAIN, .nodes = 2, .cpus = 2, .plan = is_kept, .durability = AW_DURABILITY_NODE
    };
    struct replay p;

    (void)state;
    for (int at = 1; at <= 2; at++) {
        new_disk (at, 0, 0);
        assert_int_equal (run_on_slow_disk (&r, false), 0);
        check_journal (&r, 0, &p);
        finish (&r);
        r.launches = 0;
        r.done = false;
    }
}

/* The starts of the first commit are held when the run is stopped: they are sent, and killed. */
static void a_stop_kills_the_starts_that_wait_for_the_disk (void **state)
{
    struct run r = { .tasks = CHAIN,
                     .nodes = 1,
                     .cpus = 4,
                     .plan = for_ever,
                     .grace = 1e5,
                     .durability = AW_DURABILITY_NODE };
    struct replay p;

    (void)state;
    new_disk (1, 0, 0);
    assert_int_equal (run_on_slow_disk (&r, true), 3);
    check_journal (&r, 3, &p);
    assert_int_equal (p.n[AW_EVENT_START], 3);
    assert_int_equal (p.n[AW_EVENT_KILL], 3);
    assert_int_equal (p.n[AW_EVENT_FINISH], 3);
    assert_int_equal (r.launches, 3);
    finish (&r);
}

/* From the first failure on nothing starts, and the run ends with status 3. */
static void nothing_starts_after_the_disk_has_failed (void **state)
{
    const int errors[] = { EIO, ENOSPC };

    (void)state;
    for (int at = 1; at <= 6; at++)
        for (int e = 0; e < 2; e++) {
            struct run r = { .tasks = "{ \"a\": { \"command\": [\"x\"] }, \"b\": { \"after\": "
                                      "[\"a\"], \"command\": [\"x\"] } }",
                             .nodes = 1,
                             .cpus = 1,
                             .plan = a_moment,
                             .durability = AW_DURABILITY_NODE };
            struct replay p;
            int code;

            new_disk (0, at, errors[e]);
            code = run (&r);
            assert_int_equal (code, disk.calls < at ? 0 : 3);
            if (at == 1)
                assert_int_equal (r.launches, 0);
            if (at == 2)
                assert_int_equal (r.launches, 1); /* b would follow what is not on disk */
            if (at <= 2)
                check_journal (&r, 3, &p);
            finish (&r);
        }
}

/* What a task asks for while it runs: DONE comes when it is on disk. */
static struct {
    struct run *r;
    int published, added; /* answers, in the order of the numbers below */
} asked;

static void on_answer (struct aw_exec *exec,
                       uint32_t node,
                       const struct aw_packet *packet,
                       const char *rest,
                       size_t size)
{
    char *dir = aw_run_dir_path (asked.r->dir, AW_RUN_MESSAGES);
    char *log = aw_run_dir_path (dir, "t.jsonl");
    struct stat st;

    (void)exec;
    (void)node;
    (void)rest;
    (void)size;
    if (packet->kind == AW_PACKET_DONE) {
        assert_int_equal (packet->flags & AW_PACKET_ERROR, 0);
        if (packet->number == 1) {
            asked.published++;
            assert_int_equal (stat (log, &st), 0);
            assert_true (st.st_size > 0);
            assert_int_equal (on_disk (log), st.st_size);
            assert_true (on_disk (dir) >= 0);
        }
        else {
            asked.added++;
            assert_true (keeps (asked.r, "\"add\""));
        }
    }
    free (log);
    free (dir);
}

#define Q "\\u0022" /* a quote, as agents escape it */

static void ask (void *arg,
                 uint32_t node,
                 const struct aw_launch *launch,
                 struct aw_fake_outcome *outcome)
{
    static const char more[] = "{ " Q "async-workflow" Q ": 1, " Q "tasks" Q ": { " Q "more" Q
                               ": { " Q "command" Q ": [" Q "x" Q "] } } }";
    const struct aw_exec_callbacks *tell = &asked.r->exec->callbacks;
    struct aw_packet packet = { .task = launch->task, .topic = aw_piece_of ("t") };

    (void)arg;
    (void)node;
    outcome->seconds = 0.2;
    if (launch->task != 0)
        return;
    packet.kind = AW_PACKET_PUBLISH;
    packet.data = aw_piece_of ("hello");
    tell->message (tell->arg, 0, &packet);
    packet.kind = AW_PACKET_SYNC;
    packet.number = 1;
    tell->message (tell->arg, 0, &packet);
    packet.kind = AW_PACKET_ADD;
    packet.number = 2;
    packet.data = aw_piece_of (more);
    tell->message (tell->arg, 0, &packet);
}

static void a_task_gets_its_answer_when_its_request_is_on_disk (void **state)
{
    struct run r = {
        .tasks = CHAIN, .nodes = 1, .cpus = 4, .plan = ask, .durability = AW_DURABILITY_NODE
    };
    struct aw_exec_ops ops;

    (void)state;
    new_disk (0, 0, 0);
    begin (&r);
    ops = *r.exec->ops;
    ops.message = on_answer;
    r.exec->ops = &ops;
    asked.r = &r;
    assert_int_equal (aw_coordinator_run (r.coordinator, r.exec, &r.err), 0);
    assert_int_equal (asked.published, 1);
    assert_int_equal (asked.added, 1);
    assert_int_equal (r.launches, 8);
    finish (&r);
}

/* The loop is not kept waiting by a look ahead at millions of tasks. */
static void an_estimate_for_millions_of_tasks_does_not_hold_up_the_loop (void **state)
{
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC };
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "n1" };
    struct aw_time_left left = { 0 };
    struct aw_sched *s;

    (void)state;
    aw_graph_add_set (g, "a")->count = 1000000;
    g->sets[0].duration = 1;
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    aw_idset_add (&node.cpus, 0, 0);
    assert_int_equal (aw_sched_handle (s, &node, NULL), 0);
    aw_idset_finish (&node.cpus);
    assert_true (aw_time_left (&left, s, 0) == 1e6); /* too many to look at: by the work */
    aw_sched_destroy (s);
    aw_graph_destroy (g);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_run_ends_well_and_its_journal_replays),
        cmocka_unit_test (a_failed_task_is_retried_or_fails_the_run),
        cmocka_unit_test (a_stopped_run_ends_its_tasks_and_kills_stubborn_ones),
        cmocka_unit_test (a_run_survives_a_lost_node_but_not_its_last_one),
        cmocka_unit_test (a_run_that_the_pool_cannot_start_has_no_launches),
        cmocka_unit_test (a_completion_that_cannot_be_written_starts_nothing),
        cmocka_unit_test (a_start_that_cannot_be_written_is_not_sent),
        cmocka_unit_test (many_ready_tasks_do_not_delay_the_first_start),
        cmocka_unit_test (many_starts_do_not_hold_up_the_loop),
        cmocka_unit_test (a_task_starts_after_its_predecessors_are_on_disk),
        cmocka_unit_test (the_loop_turns_while_the_disk_is_slow),
        cmocka_unit_test (a_stop_kills_the_starts_that_wait_for_the_disk),
        cmocka_unit_test (nothing_starts_after_the_disk_has_failed),
        cmocka_unit_test (a_task_gets_its_answer_when_its_request_is_on_disk),
        cmocka_unit_test (an_estimate_for_millions_of_tasks_does_not_hold_up_the_loop),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
