/* SPDX-License-Identifier: Apache-2.0 */
/* Durability "node": fdatasync and fsync are the disk's, which is slow or fails as a test says. */
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
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#include "coordinated.h"
#include "io/journal/run_dir.h"

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
static bool keeps (const struct coordinated *r, const char *text)
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
    const struct coordinated *r = arg;
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

static int run (struct coordinated *r)
{
    coordinated_begin (r);
    return coordinated_run (r);
}

static void a_task_starts_after_its_predecessors_are_on_disk (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN,
                             .nodes = 2,
                             .cpus = 2,
                             .plan = is_kept,
                             .durability = AW_DURABILITY_NODE };
    struct coordinated_replay p;

    (void)state;
    new_disk (0, 0, 0);
    assert_int_equal (run (&r), 0);
    coordinated_check (&r, 0, &p);
    assert_int_equal (p.n[AW_EVENT_START], 7);
    assert_int_equal (r.launches, 7);
    assert_true (keeps (&r, "\"end\""));
    assert_true (on_disk (r.dir) >= 0);
    assert_true (on_disk (r.parent) >= 0);
    coordinated_finish (&r);
}

/* While the disk is slow the loop turns: its timer opens the gate after some turns, or interrupts
 * the run as well.
 */
struct ticker {
    struct coordinated *r;
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

static int run_on_slow_disk (struct coordinated *r, bool interrupt)
{
    const struct timeval soon = { 0, 1000 };
    struct ticker t = { .r = r, .interrupt = interrupt };
    int code;

    coordinated_begin (r);
    t.timer = event_new (r->base, -1, 0, on_tick, &t);
    event_add (t.timer, &soon);
    code = coordinated_run (r);
    event_free (t.timer);
    assert_false (disk.given_up);
    assert_int_equal (t.n, TICKS);
    return code;
}

static void the_loop_turns_while_the_disk_is_slow (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN,
                             .nodes = 2,
                             .cpus = 2,
                             .plan = is_kept,
                             .durability = AW_DURABILITY_NODE };
    struct coordinated_replay p;

    (void)state;
    for (int at = 1; at <= 2; at++) {
        new_disk (at, 0, 0);
        assert_int_equal (run_on_slow_disk (&r, false), 0);
        coordinated_check (&r, 0, &p);
        coordinated_finish (&r);
        r.launches = 0;
        r.done = false;
    }
}

/* The starts of the first commit are held when the run is stopped: they are sent, and killed. */
static void a_stop_kills_the_starts_that_wait_for_the_disk (void **state)
{
    struct coordinated r = { .tasks = COORDINATED_CHAIN,
                             .nodes = 1,
                             .cpus = 4,
                             .plan = coordinated_for_ever,
                             .grace = 1e5,
                             .durability = AW_DURABILITY_NODE };
    struct coordinated_replay p;

    (void)state;
    new_disk (1, 0, 0);
    assert_int_equal (run_on_slow_disk (&r, true), 3);
    coordinated_check (&r, 3, &p);
    assert_int_equal (p.n[AW_EVENT_START], 3);
    assert_int_equal (p.n[AW_EVENT_KILL], 3);
    assert_int_equal (p.n[AW_EVENT_FINISH], 3);
    assert_int_equal (r.launches, 3);
    coordinated_finish (&r);
}

/* From the first failure on nothing starts, and the run ends with status 3. */
static void nothing_starts_after_the_disk_has_failed (void **state)
{
    const int errors[] = { EIO, ENOSPC };

    (void)state;
    for (int at = 1; at <= 6; at++)
        for (int e = 0; e < 2; e++) {
            struct coordinated r = { .tasks =
                                         "{ \"a\": { \"command\": [\"x\"] }, \"b\": { \"after\": "
                                         "[\"a\"], \"command\": [\"x\"] } }",
                                     .nodes = 1,
                                     .cpus = 1,
                                     .plan = coordinated_a_moment,
                                     .durability = AW_DURABILITY_NODE };
            struct coordinated_replay p;
            int code;

            new_disk (0, at, errors[e]);
            code = run (&r);
            assert_int_equal (code, disk.calls < at ? 0 : 3);
            if (at == 1)
                assert_int_equal (r.launches, 0);
            if (at == 2)
                assert_int_equal (r.launches, 1); /* b would follow what is not on disk */
            if (at <= 2)
                coordinated_check (&r, 3, &p);
            coordinated_finish (&r);
        }
}

/* What a task asks for while it runs: DONE comes when it is on disk. */
static struct {
    struct coordinated *r;
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
    struct coordinated r = { .tasks = COORDINATED_CHAIN,
                             .nodes = 1,
                             .cpus = 4,
                             .plan = ask,
                             .message = on_answer,
                             .durability = AW_DURABILITY_NODE };

    (void)state;
    new_disk (0, 0, 0);
    asked.r = &r;
    assert_int_equal (run (&r), 0);
    assert_int_equal (asked.published, 1);
    assert_int_equal (asked.added, 1);
    assert_int_equal (r.launches, 8);
    coordinated_finish (&r);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_task_starts_after_its_predecessors_are_on_disk),
        cmocka_unit_test (the_loop_turns_while_the_disk_is_slow),
        cmocka_unit_test (a_stop_kills_the_starts_that_wait_for_the_disk),
        cmocka_unit_test (nothing_starts_after_the_disk_has_failed),
        cmocka_unit_test (a_task_gets_its_answer_when_its_request_is_on_disk),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
