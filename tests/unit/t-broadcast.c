/* SPDX-License-Identifier: Apache-2.0 */
/* Copies that one node takes from another: the tree, what an agent gives and to whom, and what its
 * peer makes of an agent that does not keep its word. With a munged of the test's own.
 */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/staging/giver.h"
#include "agent/staging/stager.h"
#include "agent/staging/taker.h"
#include "coord/agents/broadcast.h"
#include "core/graph/graph.h"
#include "io/wire/listener.h"
#include "rig.h"
#include "util/write.h"

enum { SIZE = 3000000, TAKEN = 0, NOT_TAKEN = 1, NOT_CONNECTED = 2 };

/* The number before a block of SIZE, and of half of that. */
#define BLOCK "002dc6c0\n"
#define HALF "0016e360\n"

static struct rig rig;
static bool with_munge;
static struct aw_stager *stager;
static bool staged;
static uint64_t from_nodes; /* bytes of what was staged last */
static char content[SIZE];

static int start_munged (void **state)
{
    (void)state;
    rig_init (&rig);
    with_munge = rig_munged_start (&rig);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)(i * i >> 7);
    return 0;
}

static int stop_munged (void **state)
{
    (void)state;
    aw_stager_destroy (stager);
    rig_munged_stop ();
    rig_finish (&rig);
    while (waitpid (-1, NULL, WNOHANG) > 0)
        ;
    return 0;
}

static const char *at (const char *name)
{
    static char paths[16][256];
    static int next;
    char *path = paths[next++ % 16];

    snprintf (path, sizeof (paths[0]), "%s/%s", rig.dir, name);
    return path;
}

static void put (const char *name, const char *bytes, size_t size)
{
    int fd = open (at (name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true (fd >= 0);
    assert_int_equal (aw_write_all (fd, bytes, size), 0);
    close (fd);
}

/*
 * The tree
 */

/* The first of the nodes that give the copy. */
static uint32_t first_giver (struct aw_broadcast *b,
                             uint32_t instance,
                             const char *from,
                             uint32_t node)
{
    uint32_t givers[AW_BROADCAST_GIVERS];

    return aw_broadcast_givers (b, instance, from, node, givers) > 0 ? givers[0] : AW_NONE;
}

static void each_node_has_a_peer_that_was_asked_before (void **state)
{
    struct aw_broadcast b = { .n_nodes = 100 };
    uint32_t children[100] = { 0 };

    (void)state;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t peer = first_giver (&b, 1, "/data", (i * 37) % 100);

            if (i == 0)
                assert_int_equal (peer, AW_NONE);
            else {
                assert_true (peer < 100);
                assert_true ((peer * 73) % 100 < i); /* 37 times 73 is 1 modulo 100 */
                children[peer] += round;
            }
        }
    for (uint32_t i = 0; i < 100; i++)
        assert_true (children[i] <= AW_BROADCAST_CHILDREN);
    assert_int_equal (first_giver (&b, 1, "/data", 100), AW_NONE);
    assert_int_equal (first_giver (&b, 2, "/data", 5), AW_NONE); /* a tree of its own */
    assert_int_equal (first_giver (&b, 2, "/data", 6), 5);
    aw_broadcast_finish (&b);
}

/* Givers of givers, then a neighbour: all were asked before, so that none waits in a circle. */
static void each_node_knows_others_to_ask (void **state)
{
    static const uint32_t want[8][4] = { { AW_NONE },          { 0, AW_NONE },
                                         { 0, 1, AW_NONE },    { 1, 0, 2, AW_NONE },
                                         { 1, 0, 3, AW_NONE }, { 2, 0, 4, AW_NONE },
                                         { 2, 0, 5, AW_NONE }, { 3, 1, 0, 6 } };
    struct aw_broadcast b = { .n_nodes = 3000 };
    uint32_t givers[AW_BROADCAST_GIVERS], n;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        n = aw_broadcast_givers (&b, 1, "/data", i, givers);
        assert_true (n <= 12);
        for (uint32_t k = 0; k < n; k++)
            assert_true (givers[k] < i);
        for (uint32_t k = 0; i < 8 && k < 4 && want[i][k] != AW_NONE; k++) {
            assert_true (k < n);
            assert_int_equal (givers[k], want[i][k]);
        }
        assert_true (i > 1 ? n >= 2 : n == i);
    }
    aw_broadcast_finish (&b);
}

static void old_trees_are_forgotten (void **state)
{
    struct aw_broadcast b = { .n_nodes = 4 };
    char name[32];

    (void)state;
    for (uint32_t i = 0; i < 3 * AW_BROADCASTS; i++) {
        snprintf (name, sizeof (name), "/data.%u", i);
        assert_int_equal (first_giver (&b, 0, name, 3), AW_NONE);
        assert_int_equal (first_giver (&b, 0, name, 1), 3);
    }
    assert_int_equal (first_giver (&b, 0, "/data.0", 2), AW_NONE);
    assert_int_equal (aw_names_count (&b.names), AW_BROADCASTS);
    aw_broadcast_finish (&b);
}

/*
 * Taking
 */

static bool has_ended (struct rig *r, void *arg)
{
    pid_t *pid = arg;
    int status;

    (void)r;
    if (waitpid (*pid, &status, WNOHANG) != *pid)
        return false;
    assert_true (WIFEXITED (status));
    *pid = -WEXITSTATUS (status);
    return true;
}

/* Takes FILE in a process, as the agent does, and looks at what has come. */
__attribute__ ((noreturn)) static void take (const struct aw_taker_source *source,
                                             const char *file,
                                             const struct stat *st)
{
    static char got[SIZE + 1];
    unsigned silent;
    struct aw_taker *taker = aw_taker_create (source, &silent);
    int out, rc;
    char to[256];
    uint32_t sum;

    if (!taker)
        _exit (NOT_CONNECTED);
    snprintf (to, sizeof (to), "%s/%s", source->scratch, file);
    do {
        unlink (at ("taken"));
        out = open (at ("taken"), O_RDWR | O_CREAT | O_EXCL, 0600);
        rc = aw_taker_take (taker, to, st, out, &sum);
    } while (rc > 0);
    if (rc == 0 && (read (out, got, 1) != 0 || lseek (out, 0, SEEK_SET) != 0))
        _exit (10);
    if (rc == 0 && (read (out, got, SIZE + 1) != SIZE || memcmp (got, content, SIZE) != 0))
        _exit (11);
    if (rc < 0 && aw_taker_take (taker, to, st, out, &sum) >= 0)
        _exit (12); /* it has been told once */
    aw_taker_destroy (taker);
    _exit (rc == 0 ? TAKEN : NOT_TAKEN);
}

/* What the process made of it. */
static int taking (const struct aw_taker_source *source, const char *file, const struct stat *st)
{
    pid_t pid = fork ();

    if (pid == 0)
        take (source, file, st);
    rig_until (&rig, has_ended, &pid);
    return -pid;
}

static void on_staged (void *arg, const struct aw_copied *copied, const char *error)
{
    (void)arg;
    if (error)
        print_error ("%s\n", error);
    else
        from_nodes = copied->from_nodes;
    staged = !error;
}

static bool is_staged (struct rig *r, void *arg)
{
    (void)r;
    (void)arg;
    return staged;
}

/* A stager that has "model" and "directory/model", and other things that were not staged in. */
static void prepare (void)
{
    const struct aw_scratch config = { .path = (char *)at ("base/run/node") };
    char *copies[] = { (char *)at ("model"),
                       (char *)at ("base/run/node/model"),
                       (char *)"",
                       (char *)at ("directory"),
                       (char *)at ("base/run/node/directory"),
                       (char *)"",
                       NULL };

    put ("model", content, SIZE);
    mkdir (at ("directory"), 0700);
    mkdir (at ("base"), 0700);
    put ("directory/model", content, SIZE);
    assert_int_equal (symlink ("../private", at ("directory/link")), 0);
    assert_int_equal (symlink ("..", at ("directory/up")), 0);
    stager = aw_stager_create (rig.base, &config);
    assert_non_null (stager);
    put ("base/run/node/private", content, SIZE);
    assert_non_null (aw_stager_stage_in (stager, copies, NULL, 1, on_staged, NULL));
}

static void copies_are_given_and_nothing_else (void **state)
{
    static const struct {
        const char *name, *from, *to, *file, *job;
        off_t longer;
        time_t later;
        int want;
    } table[] = {
        { "while it is copied", "model", "model", "model", "7 data", 0, 0, TAKEN },
        { "a file", "model", "model", "model", "7 data", 0, 0, TAKEN },
        { "in a directory", "directory", "directory", "directory/model", "7 data", 0, 0, TAKEN },
        { "not staged", "model", "model", "private", "7 data", 0, 0, NOT_TAKEN },
        { "another copy's", "model", "model", "directory/model", "7 data", 0, 0, NOT_TAKEN },
        { "no copy", "model", "else", "model", "7 data", 0, 0, NOT_TAKEN },
        { "another source", "mode", "model", "model", "7 data", 0, 0, NOT_TAKEN },
        { "outside", "model", "model", "../../../model", "7 data", 0, 0, NOT_TAKEN },
        { "dots", "directory", "directory", "directory/../private", "7 data", 0, 0, NOT_TAKEN },
        { "a link", "directory", "directory", "directory/link", "7 data", 0, 0, NOT_TAKEN },
        { "through a link", "directory", "directory", "directory/up/model", "7 data", 0, 0,
          NOT_TAKEN },
        { "a directory", "directory", "directory", "directory", "7 data", 0, 0, NOT_TAKEN },
        { "missing", "directory", "directory", "directory/x", "7 data", 0, 0, NOT_TAKEN },
        { "longer by now", "model", "model", "model", "7 data", 1, 0, NOT_TAKEN },
        { "written by now", "model", "model", "model", "7 data", 0, 1, NOT_TAKEN },
        { "another job", "model", "model", "model", "8 data", 0, 0, NOT_CONNECTED },
        { "as to the coordinator", "model", "model", "model", "7", 0, 0, NOT_CONNECTED },
    };
    char peer[64];
    struct aw_giver *giver;
    struct stat st;

    (void)state;
    if (!with_munge)
        skip ();
    prepare ();
    giver = aw_giver_create (rig.base, stager, "7 data", 0, 0, NULL);
    assert_non_null (giver);
    snprintf (peer, sizeof (peer), "127.0.0.1:%u", aw_giver_port (giver));
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const struct aw_taker_source source = { peer,        table[i].job, at (table[i].from),
                                                table[i].to, "/other",     0 };

        assert_int_equal (stat (at ("model"), &st), 0);
        if (strncmp (table[i].file, "directory/", 10) == 0)
            assert_int_equal (stat (at ("directory/model"), &st), 0);
        if (strstr (table[i].file, "private") || strstr (table[i].file, "link"))
            assert_int_equal (stat (at ("base/run/node/private"), &st), 0);
        st.st_size += table[i].longer;
        st.st_mtim.tv_sec += table[i].later;
        print_message ("%s\n", table[i].name);
        assert_int_equal (taking (&source, table[i].file, &st), table[i].want);
        if (i == 0)
            rig_until (&rig, is_staged, NULL);
    }
    assert_int_equal (stat (at ("model"), &st), 0);
    put ("base/run/node/model", "changed", 7); /* as a task may do */
    assert_int_equal (
        taking (&(struct aw_taker_source){ peer, "7 data", at ("model"), "model", "/other", 0 },
                "model", &st),
        NOT_TAKEN);
    aw_giver_destroy (giver);
}

/*
 * A peer that does not keep its word
 */

struct liar {
    unsigned beats; /* "." one second apart */
    const char *head;
    size_t bytes;
    const char *end; /* after these */
    bool stopped; /* then: it neither says nor ends anything */
};

static void lie (void *arg, int fd)
{
    const struct liar *liar = arg;
    pid_t pid = fork ();
    char take[1024];

    if (pid == 0) {
        fcntl (fd, F_SETFL, 0);
        (void)!read (fd, take, sizeof (take));
        for (unsigned i = 0; i < liar->beats; i++, sleep (1))
            (void)!aw_write_all (fd, ".", 1);
        (void)!aw_write_all (fd, liar->head, strlen (liar->head));
        (void)!aw_write_all (fd, content, liar->bytes);
        (void)!aw_write_all (fd, liar->end, strlen (liar->end));
        if (!liar->stopped)
            shutdown (fd, SHUT_WR);
        while (read (fd, take, sizeof (take)) > 0) /* what it wrote must not be lost to a reset */
            ;
        _exit (0);
    }
    close (fd);
}

/* What comes of a peer that does PLAY, within PATIENCE; then it is gone. */
static int taking_from_one (void (*play) (void *arg, int fd), void *arg, unsigned patience)
{
    const struct stat st = { .st_size = SIZE, .st_mtim = { 1000000000, 0 } };
    char peer[64];
    const struct aw_taker_source source = { peer, "7 data", "/model", "model", "/other", patience };
    struct aw_listener *listener = aw_listener_create (rig.base, "7 data", 0, 0, play, arg, NULL);
    int result;

    assert_non_null (listener);
    snprintf (peer, sizeof (peer), "127.0.0.1:%u", aw_listener_port (listener));
    result = taking (&source, "model", &st);
    aw_listener_destroy (listener);
    assert_int_equal (taking (&source, "model", &st), NOT_CONNECTED);
    return result;
}

static int taking_from (const struct liar *liar, unsigned patience)
{
    return taking_from_one (lie, (void *)liar, patience);
}

static void what_comes_wrong_is_not_kept (void **state)
{
    static const struct liar liars[] = {
        { 0, "", 0, "", false },
        { 2, "", 0, "", false },
        { 0, "", SIZE, "", false },
        { 0, BLOCK, 1000, "", false },
        { 0, BLOCK, SIZE, "", false },
        { 0, BLOCK, SIZE, "0000", false },
        { 0, BLOCK, SIZE, "x", false },
        { 0, BLOCK, SIZE, "00000000\n", false },
        { 0, BLOCK, SIZE, "00000000\n00000000\n", false },
        { 0, BLOCK, SIZE, "00000001\nx", false },
        { 0, "ffffffff\n", SIZE, "", false },
        { 0, "00000000\n00000000\n", 0, "", false },
    };

    (void)state;
    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (liars) / sizeof (liars[0]); i++)
        assert_int_equal (taking_from (&liars[i], 0), NOT_TAKEN);
}

/* The numbers after the content. */
static void put_end (char *to)
{
    sprintf (to, "00000000\n%08lx\n", crc32 (0, (const unsigned char *)content, SIZE) & 0xffffffff);
}

/* One that is stopped, before its content or in it, does not hold up anybody for long. */
static void patience_has_an_end (void **state)
{
    static const struct liar liars[] = { { 1, "", 0, "", true }, { 0, BLOCK, 1000, "", true } };

    (void)state;
    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (liars) / sizeof (liars[0]); i++)
        assert_int_equal (taking_from (&liars[i], 1), NOT_TAKEN);
}

/* One that always says something, but never comes to an end. */
static void drip (void *arg, int fd)
{
    const char *const *said = arg; /* first, then again and again */
    pid_t pid = fork ();
    char take[1024];

    if (pid == 0) {
        fcntl (fd, F_SETFL, 0);
        (void)!read (fd, take, sizeof (take));
        (void)!aw_write_all (fd, said[0], strlen (said[0]));
        while (aw_write_all (fd, said[1], strlen (said[1])) == 0)
            usleep (100000);
        _exit (0);
    }
    close (fd);
}

static void slow_one_is_not_waited_for_longer_than_the_file_is_worth (void **state)
{
    static const char *const drips[][2] = {
        { "0", "." },
        { "", "00000001\nx" },
    };

    (void)state;
    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (drips) / sizeof (drips[0]); i++)
        assert_int_equal (taking_from_one (drip, (void *)drips[i], 1), NOT_TAKEN);
}

/* One that says that it still copies is waited for. */
static void slow_one_is_waited_for (void **state)
{
    struct liar slow = { 5, BLOCK, SIZE, NULL, false };
    char end[32];

    (void)state;
    if (!with_munge)
        skip ();
    put_end (end);
    slow.end = end;
    assert_int_equal (taking_from (&slow, 4), TAKEN);
}

/*
 * A node between two others
 */

/* The first node gives half of the file, and the rest when that has come to the last one. */
struct first {
    const char *name;
    bool right; /* content and sum */
    bool ends; /* after the half */
    unsigned fails; /* times that it ends so; then all is right. 0: it gives nothing more */
    unsigned n; /* connections so far */
};

static bool half_has_come (void)
{
    struct stat st;

    return stat (at ("taken"), &st) == 0 && st.st_size >= SIZE / 2;
}

static void give_half (void *arg, int fd)
{
    struct first *first = arg;
    unsigned before = first->n++;
    bool ends = first->ends && (first->fails == 0 || before < first->fails);
    pid_t pid = fork ();
    char text[1024];

    if (pid == 0) {
        fcntl (fd, F_SETFL, 0);
        if (before > first->fails)
            _exit (0);
        (void)!read (fd, text, sizeof (text));
        content[7] ^= !first->right;
        (void)!aw_write_all (fd, HALF, strlen (HALF));
        (void)!aw_write_all (fd, content, SIZE / 2);
        while (!half_has_come () && aw_write_all (fd, ".", 1) == 0)
            sleep (1);
        if (ends)
            _exit (0);
        (void)!aw_write_all (fd, HALF, strlen (HALF));
        (void)!aw_write_all (fd, content + SIZE / 2, SIZE / 2);
        content[7] ^= !first->right;
        put_end (text);
        (void)!aw_write_all (fd, text, strlen (text));
        while (read (fd, text, sizeof (text)) > 0)
            ;
        _exit (0);
    }
    close (fd);
}

/* A stager that takes its copy from PORT, and a process that takes it from there. */
static void pass_on (struct first *first)
{
    const struct aw_scratch config = { .path = (char *)at ("base/run/middle"), .job = "7 data" };
    struct aw_listener *listener =
        aw_listener_create (rig.base, "7 data", 0, 0, give_half, first, NULL);
    struct aw_stager *middle = aw_stager_create (rig.base, &config);
    struct aw_giver *giver = aw_giver_create (rig.base, middle, "7 data", 0, 0, NULL);
    char peers[2][64];
    char *copies[] = { (char *)at ("model"), (char *)at ("base/run/middle/model"), (char *)"",
                       NULL };
    const struct aw_taker_source source = {
        peers[1], "7 data", at ("model"), "model", "/other", 0
    };
    struct stat st;

    assert_non_null (listener);
    assert_non_null (giver);
    snprintf (peers[0], sizeof (peers[0]), "127.0.0.1:%u", aw_listener_port (listener));
    snprintf (peers[1], sizeof (peers[1]), "127.0.0.1:%u", aw_giver_port (giver));
    unlink (at ("taken"));
    put ("model", content, SIZE);
    assert_int_equal (stat (at ("model"), &st), 0);
    staged = false;
    assert_non_null (
        aw_stager_stage_in (middle, copies, (char *[]){ peers[0], NULL }, 1, on_staged, NULL));
    assert_int_equal (taking (&source, "model", &st), TAKEN);
    rig_until (&rig, is_staged, NULL);
    assert_int_equal (from_nodes, first->right && (!first->ends || first->fails > 0) ? SIZE : 0);
    aw_giver_destroy (giver);
    aw_stager_destroy (middle);
    aw_listener_destroy (listener);
}

/* It gives what has come before it has all. Where that proves wrong, or where no more comes, it
 * reads the file itself, and the last node gets that.
 */
static void what_has_come_is_passed_on (void **state)
{
    static struct first table[] = {
        { "all is right", true, false, 0, 0 },
        { "a wrong byte", false, false, 0, 0 },
        { "an end in the middle", true, true, 0, 0 },
        { "a wrong byte and an end", false, true, 0, 0 },
        { "three ends, then all", true, true, 3, 0 },
    };

    (void)state;
    if (!with_munge)
        skip ();
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        print_message ("%s\n", table[i].name);
        pass_on (&table[i]);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_node_has_a_peer_that_was_asked_before),
        cmocka_unit_test (each_node_knows_others_to_ask),
        cmocka_unit_test (old_trees_are_forgotten),
        cmocka_unit_test (copies_are_given_and_nothing_else),
        cmocka_unit_test (what_comes_wrong_is_not_kept),
        cmocka_unit_test (patience_has_an_end),
        cmocka_unit_test (slow_one_is_not_waited_for_longer_than_the_file_is_worth),
        cmocka_unit_test (slow_one_is_waited_for),
        cmocka_unit_test (what_has_come_is_passed_on),
    };

    return cmocka_run_group_tests (tests, start_munged, stop_munged);
}
