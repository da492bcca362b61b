/* SPDX-License-Identifier: Apache-2.0 */
/* The log store: what is written is read, byte by byte; by the index, without it, and with one that
 * was cut off or damaged. Of a log that was cut off anywhere, what is read is the beginning of what
 * was written. A full disk fails the attempts that it hits, and no others.
 */
#include <errno.h>
#include <fcntl.h>
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
#include <unistd.h>
#include <cmocka.h>

#include "io/logs/log_store.h"
#include "io/logs/log_writer.h"
#include "io/textbuf.h"

enum { N = 40, STEPS = 400 };

static char top[32];

/* What an attempt has written: both streams, in the order of their pieces. */
struct attempt {
    char name[32];
    uint32_t number;
    struct aw_log_attempt log;
    struct aw_textbuf written[2], read[2];
    bool begun, ended;
};

static struct attempt attempts[N];

static int setup (void **state)
{
    (void)state;
    strcpy (top, "/tmp/aw-logs.XXXXXX");
    assert_non_null (mkdtemp (top));
    assert_int_equal (chdir (top), 0);
    assert_int_equal (mkdir ("logs", 0700), 0);
    memset (attempts, 0, sizeof (attempts));
    for (uint32_t i = 0; i < N; i++) {
        snprintf (attempts[i].name, sizeof (attempts[i].name), "set@%u[%u]", i % 3, i / 2);
        attempts[i].number = i / 2 % 3 == i % 3 ? i % 2 : 0;
    }
    return 0;
}

static int teardown (void **state)
{
    char line[64];

    (void)state;
    for (int i = 0; i < N; i++)
        for (int s = 0; s < 2; s++) {
            aw_textbuf_finish (&attempts[i].written[s]);
            aw_textbuf_finish (&attempts[i].read[s]);
        }
    assert_int_equal (chdir ("/"), 0);
    snprintf (line, sizeof (line), "rm -rf '%s'", top);
    return system (line);
}

static void put (struct aw_log_writer *writer, struct attempt *a, int stream, size_t size)
{
    char *room = aw_log_writer_room (writer);

    assert_non_null (room);
    for (size_t i = 0; i < size; i++)
        room[i] = (char)rand ();
    aw_textbuf_put (&a->written[stream], room, size);
    aw_log_writer_put (writer, &a->log, stream ? AW_LOG_STDERR : AW_LOG_STDOUT, size);
}

/* A random step of a random attempt: its begin, a piece of output, its end. */
static void step (struct aw_log_writer *writer)
{
    struct attempt *a = &attempts[rand () % N];

    if (a->ended)
        return;
    if (!a->begun)
        aw_log_writer_begin (writer, &a->log, a->name, a->number);
    else if (rand () % 8)
        put (writer, a, rand () % 2, rand () % 5 ? (size_t)(rand () % 300) : AW_LOG_DATA_MAX);
    else {
        aw_log_writer_end (writer, &a->log);
        a->ended = true;
    }
    a->begun = true;
    if (rand () % 10 == 0)
        aw_log_writer_flush (writer);
}

static struct aw_log_writer *create (const char *node)
{
    struct aw_error err = { "" };
    struct aw_log_writer *writer = aw_log_writer_create ("logs", node, &err);

    assert_string_equal (err.text, "");
    return writer;
}

static void write_random (const char *node)
{
    struct aw_log_writer *writer = create (node);

    for (int i = 0; i < STEPS; i++)
        step (writer);
    aw_log_writer_flush (writer);
    aw_log_writer_destroy (writer);
}

static struct aw_log_store *open_store (void)
{
    struct aw_error err = { "" };
    struct aw_log_store *store = aw_log_store_open (".", &err);

    assert_string_equal (err.text, "");
    return store;
}

static int keep (void *arg, enum aw_log_kind kind, const char *data, size_t size)
{
    struct attempt *a = arg;

    aw_textbuf_put (&a->read[kind == AW_LOG_STDERR], data, size);
    return 0;
}

/* Reads attempt A. True: it is there. */
static bool read_one (struct aw_log_store *store, struct attempt *a, bool *whole)
{
    struct aw_log_place place = { .wanted = a->number };
    struct aw_error err = { "" };

    for (int s = 0; s < 2; s++)
        aw_textbuf_clear (&a->read[s]);
    strcpy (place.name, a->name);
    assert_int_equal (aw_log_store_find (store, &place, 1, &err), 0);
    if (place.found)
        assert_int_equal (aw_log_store_read (store, &place, keep, a, &err), 0);
    *whole = place.whole;
    return place.found;
}

static bool same (const struct aw_textbuf *a, const struct aw_textbuf *b, size_t size)
{
    return a->len >= size && b->len >= size && (size == 0 || memcmp (a->data, b->data, size) == 0);
}

static void all_is_there (void)
{
    struct aw_log_store *store = open_store ();

    for (int i = 0; i < N; i++) {
        struct attempt *a = &attempts[i];
        bool whole;

        assert_int_equal (read_one (store, a, &whole), a->begun);
        if (a->begun)
            assert_int_equal (whole, a->ended);
        for (int s = 0; s < 2; s++)
            assert_true (a->read[s].len == a->written[s].len
                         && same (&a->read[s], &a->written[s], a->read[s].len));
    }
    aw_log_store_close (store);
}

static void what_is_written_is_read (void **state)
{
    (void)state;
    write_random ("n1");
    all_is_there ();
}

static void cut (const char *path, off_t size)
{
    assert_int_equal (truncate (path, size), 0);
}

static off_t size_of (const char *path)
{
    struct stat st;

    assert_int_equal (stat (path, &st), 0);
    return st.st_size;
}

static void the_index_is_only_a_help (void **state)
{
    off_t size;
    int fd;

    (void)state;
    write_random ("n1");
    size = size_of ("logs/n1.idx");
    assert_true (size > 0 && size % AW_LOG_ENTRY == 0);
    fd = open ("logs/n1.idx", O_WRONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    for (off_t at = 0; at < size; at += 5 * AW_LOG_ENTRY) { /* zeros: a node was lost */
        assert_int_equal (pwrite (fd, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, at), 16);
        all_is_there ();
    }
    close (fd);
    for (; size >= 0; size -= 7) {
        cut ("logs/n1.idx", size);
        all_is_there ();
    }
    assert_int_equal (unlink ("logs/n1.idx"), 0);
    all_is_there ();
    assert_int_equal (symlink ("/dev/zero", "logs/n1.idx"), 0);
    all_is_there ();
}

/* Of a log without its end: a part of each stream, and whole is what was whole. */
static void parts_are_there (void)
{
    struct aw_log_store *store = open_store ();

    for (int i = 0; i < N; i++) {
        struct attempt *a = &attempts[i];
        bool whole;

        if (!read_one (store, a, &whole))
            continue;
        for (int s = 0; s < 2; s++)
            assert_true (same (&a->read[s], &a->written[s], a->read[s].len));
        if (whole)
            assert_true (a->ended && a->read[0].len == a->written[0].len
                         && a->read[1].len == a->written[1].len);
    }
    aw_log_store_close (store);
}

static void a_torn_log_is_a_beginning (void **state)
{
    off_t size;

    (void)state;
    write_random ("n1");
    for (size = size_of ("logs/n1.log"); size >= AW_LOG_RECORD_HEAD; size -= 1 + rand () % 9000) {
        cut ("logs/n1.log", size);
        parts_are_there ();
    }
    cut ("logs/n1.log", 5); /* no log at all, then */
    parts_are_there ();
}

/* A byte that has changed is found, and not printed. */
static void a_damaged_record_is_an_error (void **state)
{
    struct aw_log_place place = { .name = "a[0]", .wanted = AW_LOG_LAST };
    struct aw_log_writer *writer = create ("n1");
    struct attempt *a = &attempts[0];
    struct aw_log_store *store;
    struct aw_error err = { "" };
    off_t at;
    int fd;

    (void)state;
    aw_log_writer_begin (writer, &a->log, "a[0]", 0);
    put (writer, a, 0, 100);
    aw_log_writer_flush (writer);
    at = size_of ("logs/n1.log");
    put (writer, a, 0, 100);
    aw_log_writer_end (writer, &a->log);
    aw_log_writer_flush (writer);
    aw_log_writer_destroy (writer);
    fd = open ("logs/n1.log", O_WRONLY | O_CLOEXEC);
    assert_int_equal (pwrite (fd, "damaged", 7, at + AW_LOG_RECORD_HEAD + 50), 7);
    close (fd);
    store = open_store ();
    assert_int_equal (aw_log_store_find (store, &place, 1, &err), 0);
    assert_int_equal (aw_log_store_read (store, &place, keep, a, &err), -1);
    assert_non_null (strstr (err.text, "n1.log: damaged at byte"));
    assert_true (a->read[0].len == 100 && same (&a->read[0], &a->written[0], 100));
    assert_false (place.whole);
    aw_log_store_close (store);
}

/* A limit of the file's size stands for a full disk. */
static void limit (rlim_t size)
{
    struct rlimit limit = { size, RLIM_INFINITY };

    assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_fails_those_that_it_hits (void **state)
{
    struct aw_log_writer *writer = create ("n1");
    struct attempt *a = attempts;
    bool whole;
    struct aw_log_store *store;

    (void)state;
    signal (SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 4; i++)
        aw_log_writer_begin (writer, &a[i].log, a[i].name, a[i].number);
    put (writer, &a[0], 0, 10000);
    aw_log_writer_end (writer, &a[0].log);
    aw_log_writer_flush (writer);
    limit (15000);
    put (writer, &a[1], 0, 1000);
    put (writer, &a[2], 0, 10000); /* this one is too long */
    put (writer, &a[3], 0, 10);
    aw_log_writer_flush (writer);
    limit (RLIM_INFINITY);
    assert_int_equal (a[0].log.error, 0);
    assert_int_equal (a[1].log.error, 0);
    assert_int_equal (a[2].log.error, EFBIG);
    assert_int_equal (a[3].log.error, EFBIG);
    put (writer, &a[1], 1, 1000); /* there is room again */
    for (int i = 1; i < 4; i++)
        aw_log_writer_end (writer, &a[i].log);
    aw_log_writer_flush (writer);
    aw_log_writer_destroy (writer);
    store = open_store ();
    for (int i = 0; i < 4; i++) {
        assert_true (read_one (store, &a[i], &whole));
        assert_int_equal (whole, i < 2);
        for (int s = 0; i < 2 && s < 2; s++)
            assert_true (a[i].read[s].len == a[i].written[s].len
                         && same (&a[i].read[s], &a[i].written[s], a[i].read[s].len));
    }
    aw_log_store_close (store);
}

static void write_attempt (struct aw_log_writer *writer,
                           const char *name,
                           uint32_t n,
                           const char *text)
{
    struct aw_log_attempt log = { 0 };

    aw_log_writer_begin (writer, &log, name, n);
    strcpy (aw_log_writer_room (writer), text);
    aw_log_writer_put (writer, &log, AW_LOG_STDERR, strlen (text));
    aw_log_writer_end (writer, &log);
    aw_log_writer_flush (writer);
    assert_int_equal (log.error, 0);
}

static void tail_is (const char *name, uint32_t wanted, size_t size, const char *text, bool is_cut)
{
    struct aw_log_place place = { .wanted = wanted };
    struct aw_log_store *store = open_store ();
    struct aw_error err = { "" };
    char buf[100];
    bool was_cut;
    ssize_t n;

    strcpy (place.name, name);
    assert_int_equal (aw_log_store_find (store, &place, 1, &err), 0);
    assert_int_equal (place.found, text != NULL);
    if (text) {
        n = aw_log_store_tail (store, &place, AW_LOG_STDERR, buf, size, &was_cut, &err);
        assert_int_equal (n, strlen (text));
        assert_memory_equal (buf, text, (size_t)n);
        assert_int_equal (was_cut, is_cut);
    }
    aw_log_store_close (store);
}

/* Of two agents, and of one that was started again. */
static void the_last_attempt_is_found (void **state)
{
    struct aw_log_writer *one = create ("n1"), *two = create ("n2");

    (void)state;
    write_attempt (one, "a[1]", 0, "first");
    write_attempt (two, "a[1]", 1, "second");
    write_attempt (one, "a[10]", 0, "other");
    aw_log_writer_destroy (one);
    aw_log_writer_destroy (two);
    tail_is ("a[1]", AW_LOG_LAST, 100, "second", false);
    one = create ("n1");
    assert_string_equal (aw_log_writer_path (one), "logs/n1.1.log");
    write_attempt (one, "a[1]", 2, "third");
    aw_log_writer_destroy (one);
    tail_is ("a[1]", AW_LOG_LAST, 100, "third", false);
    tail_is ("a[1]", AW_LOG_LAST, 2, "rd", true);
    tail_is ("a[1]", 0, 5, "first", false);
    tail_is ("a[1]", 1, 100, "second", false);
    tail_is ("a[1]", 3, 100, NULL, false);
    tail_is ("a[10]", AW_LOG_LAST, 100, "other", false);
    tail_is ("a", AW_LOG_LAST, 100, NULL, false);
    unlink ("logs/n1.idx");
    tail_is ("a[1]", AW_LOG_LAST, 100, "third", false);
    tail_is ("a[1]", 0, 100, "first", false);
}

static void what_is_no_log_is_passed_over (void **state)
{
    struct aw_error err = { "" };
    struct aw_log_writer *writer;

    (void)state;
    assert_null (aw_log_store_open ("nowhere", &err));
    assert_non_null (strstr (err.text, "nowhere/logs: No such file"));
    assert_null (aw_log_writer_create ("nowhere", "n1", &err));
    assert_non_null (strstr (err.text, "nowhere/n1.log: No such file"));
    assert_null (aw_log_writer_create ("logs", "../n1", &err));
    assert_int_equal (symlink ("/dev/zero", "logs/a.log"), 0);
    assert_int_equal (mkfifo ("logs/b.log", 0600), 0);
    assert_int_equal (mkdir ("logs/c.log", 0700), 0);
    close (open ("logs/d.log", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    tail_is ("a[0]", AW_LOG_LAST, 100, NULL, false);
    writer = create ("a"); /* the next name that is free */
    assert_string_equal (aw_log_writer_path (writer), "logs/a.1.log");
    aw_log_writer_destroy (writer);
}

static int count (void *arg, enum aw_log_kind kind, const char *data, size_t size)
{
    (void)kind;
    (void)data;
    *(size_t *)arg += size;
    return 0;
}

/* How much is new at PLACE. */
static size_t read_more (struct aw_log_store *store, struct aw_log_place *place)
{
    struct aw_error err = { "" };
    size_t size = 0;

    assert_int_equal (aw_log_store_find (store, place, 1, &err), 0);
    if (place->found)
        assert_int_equal (aw_log_store_read (store, place, count, &size, &err), 0);
    return size;
}

/* Wherever their names come in the directory. */
static void new_logs_are_seen_and_old_ones_stay (void **state)
{
    struct aw_log_place first = { .name = "a[0]" }, second = { .name = "a[1]" };
    struct aw_error err = { "" };
    struct aw_log_writer *writer = create ("n1");
    struct aw_log_store *store;

    (void)state;
    write_attempt (writer, "a[0]", 0, "first");
    aw_log_writer_destroy (writer);
    store = open_store ();
    assert_int_equal (read_more (store, &first), 5);
    for (int i = 0; i < 20; i++) {
        char node[8];

        snprintf (node, sizeof (node), "m%d", i);
        writer = create (node);
        if (i == 10)
            write_attempt (writer, "a[1]", 0, "second");
        aw_log_writer_destroy (writer);
    }
    assert_int_equal (read_more (store, &second), 0);
    assert_int_equal (aw_log_store_look_again (store, &err), 0);
    assert_int_equal (read_more (store, &second), 6);
    assert_int_equal (read_more (store, &first), 0);
    aw_log_store_close (store);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown (the_index_is_only_a_help, setup, teardown),
        cmocka_unit_test_setup_teardown (a_torn_log_is_a_beginning, setup, teardown),
        cmocka_unit_test_setup_teardown (a_damaged_record_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown (a_full_disk_fails_those_that_it_hits, setup, teardown),
        cmocka_unit_test_setup_teardown (the_last_attempt_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown (new_logs_are_seen_and_old_ones_stay, setup, teardown),
        cmocka_unit_test_setup_teardown (what_is_no_log_is_passed_over, setup, teardown),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
