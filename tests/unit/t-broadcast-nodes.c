/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that goes from node to node: what the last one has is what the first one read, whatever
 * the files are named and look like; and what a disk between them has damaged is noticed. Each node
 * is a stager and a giver. With a munged of the test's own.
 */
#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "agent/staging/giver.h"
#include "agent/staging/stager.h"
#include "io/wire/connect.h"
#include "io/wire/frame.h"
#include "rig.h"
#include "util/clock.h"
#include "util/write.h"

enum { NODES = 3, SIZE = 3000000 };

static const char SUM[] = "user.async-workflow.crc32";

static struct rig rig;
static bool with_munge;
static char content[SIZE];
static bool staged;

struct node {
    char scratch[128], peer[64];
    struct aw_stager *stager;
    struct aw_giver *giver;
    struct aw_stager_job *job;
    struct aw_copied copied; /* by the job */
};

static struct node nodes[NODES];

static const char *at (const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];

    snprintf (path, sizeof (paths[0]), "%s/%.400s", rig.dir, name);
    return path;
}

static void put (const char *path, const char *bytes, size_t size)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true (fd >= 0);
    assert_int_equal (aw_write_all (fd, bytes, size), 0);
    close (fd);
}

static void start_node (struct node *node, int number)
{
    const struct aw_scratch config = {
        .path = node->scratch,
        .job = "7 data",
        .port_first = number == 0 ? 60001 : 0,
        .port_last = number == 0 ? 63000 : 0,
    };

    snprintf (node->scratch, sizeof (node->scratch), "%s/run/node%d", at ("base"), number);
    node->stager = aw_stager_create (rig.base, &config);
    assert_non_null (node->stager);
    node->giver = aw_giver_create (rig.base, node->stager, "7 data", 0, 0, NULL);
    assert_non_null (node->giver);
    snprintf (node->peer, sizeof (node->peer), "127.0.0.1:%u", aw_giver_port (node->giver));
}

static int set_up (void **state)
{
    (void)state;
    rig_init (&rig);
    with_munge = rig_munged_start (&rig);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)(i * i >> 7);
    put (at ("model"), content, SIZE);
    mkdir (at ("base"), 0700);
    for (int i = 0; with_munge && i < NODES; i++)
        start_node (&nodes[i], i);
    return 0;
}

static int tear_down (void **state)
{
    (void)state;
    for (int i = 0; with_munge && i < NODES; i++) {
        aw_stager_release (nodes[i].job);
        aw_giver_destroy (nodes[i].giver);
        aw_stager_destroy (nodes[i].stager);
    }
    memset (nodes, 0, sizeof (nodes));
    rig_munged_stop ();
    rig_finish (&rig);
    while (waitpid (-1, NULL, WNOHANG) > 0)
        ;
    return 0;
}

static void on_staged (void *arg, const struct aw_copied *copied, const char *error)
{
    struct node *node = arg;

    assert_null (error);
    node->copied = *copied;
    staged = true;
}

static bool is_staged (struct rig *r, void *arg)
{
    (void)r;
    (void)arg;
    return staged;
}

/* NODE begins to stage NAME in, PEER as in a launch. */
static void begin_stage_by (struct node *node, const char *name, const char *peer)
{
    char to[512];
    char *copies[] = { (char *)at (name), to, (char *)"", NULL };
    char *peers[] = { (char *)peer, NULL };

    snprintf (to, sizeof (to), "%.120s/%.300s", node->scratch, name);
    staged = false;
    node->job = aw_stager_stage_in (node->stager, copies, peers, 1, on_staged, node);
    assert_non_null (node->job);
}

/* The copy is shared; it comes from the node FIRST unless that is NULL. */
static void begin_stage (struct node *node, const char *name, const struct node *first)
{
    begin_stage_by (node, name, first ? first->peer : AW_PEER_ANY);
}

static void stage (struct node *node, const char *name, const struct node *first)
{
    begin_stage (node, name, first);
    rig_until (&rig, is_staged, NULL);
}

static bool same (const char *a, const char *b)
{
    char command[1200];

    snprintf (command, sizeof (command), "diff -r --no-dereference '%s' '%s'", a, b);
    return system (command) == 0; /* NOLINT: its paths are the test's own */
}

static const char *copy_of (const struct node *node, const char *name)
{
    static char path[512];

    snprintf (path, sizeof (path), "%.120s/%.300s", node->scratch, name);
    return path;
}

/* Names with a newline, in no encoding, as long as can be; no content, and holes. */
static void all_sorts_of_files_are_passed_on (void **state)
{
    char longest[300] = "dir/sub/";
    uint64_t bytes = 5 * (uint64_t)SIZE;

    (void)state;
    if (!with_munge)
        skip ();
    memset (longest + strlen (longest), 'x', 235); /* ".NAME.aw-copy-PID" has 255 */
    mkdir (at ("dir"), 0700);
    mkdir (at ("dir/sub"), 0750);
    put (at ("dir/two\nlines\t\"\\"), content, SIZE);
    put (at ("dir/\xff\xfe\xe4"), content, SIZE);
    put (at (longest), content, SIZE);
    put (at ("dir/empty"), content, 0);
    put (at ("dir/sparse"), content, 0);
    assert_int_equal (truncate (at ("dir/sparse"), 2 * (off_t)SIZE), 0);
    assert_int_equal (symlink ("sub/nothing", at ("dir/link")), 0);
    for (int i = 0; i < NODES; i++) {
        stage (&nodes[i], "dir", i > 0 ? &nodes[i - 1] : NULL);
        assert_int_equal (nodes[i].copied.bytes, bytes);
        assert_int_equal (nodes[i].copied.from_nodes, i > 0 ? bytes : 0);
        assert_null (aw_stager_note (nodes[i].job));
        assert_true (same (at ("dir"), copy_of (&nodes[i], "dir")));
    }
}

/* Flips a bit, as a disk may do: no time changes. */
static void damage (const char *path)
{
    struct timespec times[2];
    int fd = open (path, O_RDWR);
    struct stat st;
    char byte;

    assert_int_equal (fstat (fd, &st), 0);
    assert_int_equal (pread (fd, &byte, 1, SIZE / 2), 1);
    byte ^= 4;
    assert_int_equal (pwrite (fd, &byte, 1, SIZE / 2), 1);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal (futimens (fd, times), 0);
    close (fd);
}

static bool keeps_sums (void)
{
    return setxattr (at ("model"), "user.test", "1", 1, 0) == 0;
}

/* Node READER has the file from the file system, or from another node; a later one notices. */
static void damage_is_noticed_at (int damaged)
{
    for (int i = 0; i < NODES; i++) {
        const char *note;

        stage (&nodes[i], "model", i > 0 ? &nodes[i - 1] : NULL);
        note = aw_stager_note (nodes[i].job);
        assert_true (same (at ("model"), copy_of (&nodes[i], "model")));
        assert_int_equal (nodes[i].copied.bytes, SIZE);
        if (i == damaged + 1) {
            assert_non_null (note);
            assert_non_null (strstr (note, "model: the copy that 127.0.0.1 gave is damaged"));
        }
        else
            assert_null (note);
        assert_int_equal (nodes[i].copied.from_nodes, i == 0 || i == damaged + 1 ? 0 : SIZE);
        if (i == damaged)
            damage (copy_of (&nodes[i], "model"));
    }
}

static void damage_where_the_file_was_read_is_noticed (void **state)
{
    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    damage_is_noticed_at (0);
}

static void damage_where_it_was_passed_on_is_noticed (void **state)
{
    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    damage_is_noticed_at (1);
}

static bool is_marked (struct rig *r, void *arg)
{
    char text[16] = "";

    (void)r;
    return getxattr (copy_of (arg, "model"), SUM, text, sizeof (text)) == 7
           && memcmp (text, "damaged", 7) == 0;
}

/* A node that asks later gets nothing of it, and has nothing to say. */
static void damaged_copy_is_given_once (void **state)
{
    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    stage (&nodes[0], "model", NULL);
    damage (copy_of (&nodes[0], "model"));
    stage (&nodes[1], "model", &nodes[0]);
    assert_non_null (aw_stager_note (nodes[1].job));
    rig_until (&rig, is_marked, &nodes[0]);
    stage (&nodes[2], "model", &nodes[0]);
    assert_null (aw_stager_note (nodes[2].job));
    assert_int_equal (nodes[2].copied.from_nodes, 0);
    assert_true (same (at ("model"), copy_of (&nodes[2], "model")));
}

static bool has_ended (struct rig *r, void *arg)
{
    const pid_t *pid = arg;
    int status;

    (void)r;
    if (waitpid (*pid, &status, WNOHANG) != *pid)
        return false;
    assert_int_equal (status, 0);
    return true;
}

/* Says to NODE that its model came damaged, and waits until that has looked at it. */
__attribute__ ((noreturn)) static void complain (const struct node *node)
{
    struct stat st;
    struct aw_textbuf text = { 0 };
    int fd = aw_connect_once ("127.0.0.1", (uint16_t)atoi (strchr (node->peer, ':') + 1), "7 data",
                              60, NULL);
    char byte;

    if (fd < 0 || stat (at ("model"), &st) < 0 || fcntl (fd, F_SETFL, 0) < 0)
        _exit (1);
    aw_frame_put (&text,
                  &(struct aw_frame){ .type = AW_FRAME_TAKE,
                                      .take = { at ("model"), "model", "model", SIZE,
                                                (uint64_t)st.st_mtim.tv_sec * 1000000000
                                                    + (uint64_t)st.st_mtim.tv_nsec,
                                                true } },
                  NULL);
    _exit (aw_write_all (fd, text.data, text.len) < 0 || read (fd, &byte, 1) != 0);
}

/* The network or the other node's memory has damaged it: this copy is right. */
static void copy_that_is_right_is_given_again (void **state)
{
    pid_t pid;

    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    stage (&nodes[0], "model", NULL);
    pid = fork ();
    if (pid == 0)
        complain (&nodes[0]);
    rig_until (&rig, has_ended, &pid);
    assert_false (is_marked (NULL, &nodes[0]));
    stage (&nodes[1], "model", &nodes[0]);
    assert_int_equal (nodes[1].copied.from_nodes, SIZE);
}

/* On a file system that cannot keep sums, one is computed of what is sent. */
static void copy_without_a_sum_is_passed_on (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    stage (&nodes[0], "model", NULL);
    (void)removexattr (copy_of (&nodes[0], "model"), SUM);
    stage (&nodes[1], "model", &nodes[0]);
    assert_int_equal (nodes[1].copied.from_nodes, SIZE);
    assert_null (aw_stager_note (nodes[1].job));
    assert_true (same (at ("model"), copy_of (&nodes[1], "model")));
}

static void copy_whose_sum_is_no_number_is_passed_on (void **state)
{
    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    stage (&nodes[0], "model", NULL);
    assert_int_equal (setxattr (copy_of (&nodes[0], "model"), SUM, "0000zzzz", 8, 0), 0);
    stage (&nodes[1], "model", &nodes[0]);
    assert_int_equal (nodes[1].copied.from_nodes, SIZE);
    assert_null (aw_stager_note (nodes[1].job));
}

static bool has_sum (const char *path)
{
    return getxattr (path, SUM, NULL, 0) > 0;
}

/* One that no other node will ask for is copied within the kernel, and needs no sum. */
static void copy_that_is_not_shared_has_no_sum (void **state)
{
    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    begin_stage_by (&nodes[0], "model", "");
    rig_until (&rig, is_staged, NULL);
    assert_false (has_sum (copy_of (&nodes[0], "model")));
    assert_true (same (at ("model"), copy_of (&nodes[0], "model")));
    stage (&nodes[1], "model", &nodes[0]); /* it is given all the same */
    assert_int_equal (nodes[1].copied.from_nodes, SIZE);
    assert_true (has_sum (copy_of (&nodes[1], "model")));
    put (at ("second"), content, SIZE);
    aw_stager_release (nodes[0].job);
    stage (&nodes[0], "second", NULL);
    assert_true (has_sum (copy_of (&nodes[0], "second")));
}

/* One that has ended, that has another copy, or whose copy is damaged. */
static void where_one_node_does_not_give_the_next_does (void **state)
{
    char peers[200];

    (void)state;
    if (!with_munge || !keeps_sums ())
        skip ();
    stage (&nodes[1], "model", NULL);
    snprintf (peers, sizeof (peers), "127.0.0.1:1 %s", nodes[1].peer);
    begin_stage_by (&nodes[2], "model", peers);
    rig_until (&rig, is_staged, NULL);
    assert_int_equal (nodes[2].copied.from_nodes, SIZE);
    assert_null (aw_stager_note (nodes[2].job));
    put (at ("second"), content, SIZE);
    stage (&nodes[0], "second", NULL);
    aw_stager_release (nodes[1].job);
    stage (&nodes[1], "second", NULL);
    damage (copy_of (&nodes[1], "second"));
    snprintf (peers, sizeof (peers), "%s %s", nodes[1].peer, nodes[0].peer);
    aw_stager_release (nodes[2].job);
    begin_stage_by (&nodes[2], "second", peers);
    rig_until (&rig, is_staged, NULL);
    assert_int_equal (nodes[2].copied.from_nodes, SIZE);
    assert_int_equal (nodes[2].copied.damaged, 0); /* of the job: only bytes are counted */
    assert_non_null (strstr (aw_stager_note (nodes[2].job), "127.0.0.1 gave is damaged"));
    assert_true (same (at ("second"), copy_of (&nodes[2], "second")));
    aw_stager_release (nodes[2].job);
    snprintf (peers, sizeof (peers), "%s %s", nodes[1].peer, nodes[0].peer);
    begin_stage_by (&nodes[2], "model", peers); /* the second node has none */
    rig_until (&rig, is_staged, NULL);
    assert_int_equal (nodes[2].copied.from_nodes, 0);
}

static int gate[2] = { -1, -1 }; /* a copy that is read waits for a byte of it; -1: for nothing */

/* Instead of libc's: a copy sets the times of a file when it has read it. */
int futimens (int fd, const struct timespec times[2])
{
    char byte;

    if (gate[0] >= 0) {
        put (at ("held"), "h", 1);
        (void)!read (gate[0], &byte, 1);
    }
    return (int)syscall (SYS_utimensat, fd, NULL, times, 0);
}

/* Its packets get lost in a firewall, or it hangs: that costs 10 s once, and not for each copy; nor
 * for one that begins while the first is still read.
 */
static void node_that_does_not_answer_is_waited_for_once (void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof (address);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    double begun = aw_clock_monotonic ();
    struct node silent = { .scratch = "" };
    struct aw_stager_job *first;
    int held[2];

    (void)state;
    if (!with_munge)
        skip ();
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    assert_int_equal (bind (fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal (listen (fd, 8), 0);
    assert_int_equal (getsockname (fd, (struct sockaddr *)&address, &size), 0);
    snprintf (silent.peer, sizeof (silent.peer), "127.0.0.1:%u", ntohs (address.sin_port));
    put (at ("second"), content, SIZE);
    assert_int_equal (pipe2 (gate, O_CLOEXEC), 0);
    memcpy (held, gate, sizeof (held));
    begin_stage (&nodes[0], "model", &silent);
    rig_until_file (&rig, "held");
    assert_false (staged);
    assert_true (aw_clock_monotonic () - begun > 5);
    event_base_loop (rig.base, EVLOOP_NONBLOCK); /* what the copying process has said */
    gate[0] = -1; /* for the next */
    first = nodes[0].job;
    begun = aw_clock_monotonic ();
    stage (&nodes[0], "second", &silent);
    assert_null (aw_stager_note (nodes[0].job));
    assert_true (aw_clock_monotonic () - begun < 5);
    assert_int_equal (nodes[0].copied.bytes, SIZE);
    assert_int_equal (nodes[0].copied.from_nodes, 0);
    staged = false;
    assert_int_equal (write (held[1], "g", 1), 1);
    rig_until (&rig, is_staged, NULL);
    assert_non_null (strstr (aw_stager_note (first), "model: 127.0.0.1, which has a copy, "));
    assert_non_null (strstr (aw_stager_note (first),
                             ": if a firewall is in between, ask the administrator to open TCP "
                             "ports 60001-63000 (SrunPortRange) between compute nodes"));
    aw_stager_release (first);
    close (held[0]);
    close (held[1]);
    close (fd);
}

/* One that has ended refuses at once: others are asked as before. */
static void node_that_has_ended_is_no_reason_to_ask_no_other (void **state)
{
    struct node ended = { .scratch = "", .peer = "127.0.0.1:1" };

    (void)state;
    if (!with_munge)
        skip ();
    put (at ("second"), content, SIZE);
    stage (&nodes[0], "second", NULL);
    stage (&nodes[1], "model", &ended);
    assert_null (aw_stager_note (nodes[1].job));
    aw_stager_release (nodes[1].job);
    stage (&nodes[1], "second", &nodes[0]);
    assert_int_equal (nodes[1].copied.from_nodes, SIZE);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (all_sorts_of_files_are_passed_on),
        TEST (damage_where_the_file_was_read_is_noticed),
        TEST (damage_where_it_was_passed_on_is_noticed),
        TEST (damaged_copy_is_given_once),
        TEST (copy_that_is_right_is_given_again),
        TEST (copy_without_a_sum_is_passed_on),
        TEST (copy_whose_sum_is_no_number_is_passed_on),
        TEST (copy_that_is_not_shared_has_no_sum),
        TEST (where_one_node_does_not_give_the_next_does),
        TEST (node_that_does_not_answer_is_waited_for_once),
        TEST (node_that_has_ended_is_no_reason_to_ask_no_other),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
