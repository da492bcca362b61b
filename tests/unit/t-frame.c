/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "io/wire/frame_members.h"
#include "util/hash.h"

static void wrong_frames_are_refused (void **state)
{
    static const struct {
        const char *line;
        const char *error;
    } table[] = {
        { "", "a frame of 0 bytes" },
        { "x", "not a JSON object" },
        { "[]", "not a JSON object" },
        { "12", "not a JSON object" },
        { "{}", "unknown kind" },
        { "{\"quit\":true", "not a JSON object" },
        { "{\"quit\":true}}", "not a JSON object" },
        { "{\"quit\":true}{\"quit\":true}", "not a JSON object" },
        { "{\"boo\":1}", "unknown kind" },
        { "{\"ping\":-1}", "out of range" },
        { "{\"ping\":\"\"}", "not a number" },
        { "{\"attempt\":1,\"kill\":1}", "unknown kind" },
        { "{\"quit\":1}", "quit: \"quit\" is not true or false" },
        { "{\"challenge\":1}", "challenge: \"challenge\" is not a string" },
        { "{\"challenge\":\"a\\u0000b\"}", "not a JSON object" },
        { "{\"proof\":\"x\",\"nonce\":[]}", "proof: \"nonce\" is not a string" },
        { "{\"hello\":99,\"node\":\"n1\"}", "node n1 has another release" },
        { "{\"hello\":99,\"node\":7}", "node ? has another release" },
        { "{\"hello\":5,\"node\":\"n1\",\"cpus\":\"3-1\",\"gpus\":\"\",\"mem\":0}",
          "\"cpus\" is not a list of ids" },
        { "{\"hello\":5,\"node\":\"n1\",\"cpus\":\"0\",\"gpus\":\"\",\"mem\":-1}",
          "\"mem\" is out of range" },
        { "{\"kill\":1,\"attempt\":0}", "\"grace\" is not a number" },
        { "{\"kill\":1,\"attempt\":0,\"grace\":-1}", "\"grace\" is out of range" },
        { "{\"kill\":4294967296,\"attempt\":0,\"grace\":1}", "\"kill\" is out of range" },
        { "{\"kill\":1.5,\"attempt\":0,\"grace\":1}", "\"kill\" is not a whole number" },
        { "{\"start\":1,\"attempt\":0,\"argv\":\"x\"}", "\"argv\" is not a list" },
        { "{\"start\":1,\"attempt\":0,\"argv\":[1],\"env\":[]}", "\"argv\" holds something" },
        { "{\"start\":1,\"attempt\":0,\"argv\":[],\"env\":[],\"dir\":\"/\","
          "\"out\":\"/o\",\"err\":\"/e\","
          "\"cpus\":\"\",\"gpus\":\"\"}",
          "\"argv\" is empty" },
        { "{\"start\":1,\"attempt\":0,\"argv\":[[[[1]]]]}", "\"argv\" holds something" },
        { "{\"quit\":true,\"more\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
          "]]]}",
          "not a JSON object" },
        { "{\"kill\":1e1,\"attempt\":0,\"grace\":1}", "\"kill\" is not a whole number" },
        { "{\"kill\":99999999999999999999,\"attempt\":0,\"grace\":1}", "\"kill\" is out of range" },
        { "{\"kill\":9223372036854775808,\"attempt\":0,\"grace\":1}", "\"kill\" is out of range" },
        { "{\"kill\":01,\"attempt\":0,\"grace\":1}", "not a JSON object" },
        { "{\"kill\":1x,\"attempt\":0,\"grace\":1}", "not a JSON object" },
        { "{\"kill\":1.,\"attempt\":0,\"grace\":1}", "not a JSON object" },
        { "{\"kill\":1.0,\"attempt\":0,\"grace\":1}", "\"kill\" is not a whole number" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"fine\","
          "\"code\":0,\"signal\":0,\"seconds\":0,\"cpu\":0,\"rss\":0}",
          "\"status\" is unknown" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"failed\","
          "\"code\":256,\"signal\":0,\"seconds\":0,\"cpu\":0,\"rss\":0}",
          "\"code\" is out of range" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"failed\","
          "\"code\":1,\"signal\":0,\"seconds\":null,\"cpu\":0,\"rss\":0}",
          "\"seconds\" is not a number" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        frames_expect_refused (table[i].line, table[i].error);
}

/* Every prefix of a good frame is a bad one, and none disturbs the next. */
static void a_cut_frame_is_refused_and_disturbs_no_other (void **state)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH, .task = 7, .status = AW_STATUS_FAILED, .code = 3, .reason = "x\"y"
    };
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    frames_pass_finish (&text, &ev, &frame);
    for (size_t n = 0; n < text.len - 2; n++)
        assert_int_equal (aw_frame_read (frames_reader, text.data, n, &frame, NULL), -1);
    frames_read (&text, &frame);
    assert_int_equal (frame.event.code, 3);
    aw_textbuf_finish (&text);
}

static void a_start_is_read_as_it_was_written (void **state)
{
    /* Whatever a path may be made of comes through: quotes, control characters, bytes that are no
     * UTF-8.
     */
    char *argv[] = { "/bin/echo", "",  "a \"b\" \\ /", "\x01\x1f\x7f\n\t", "\xff\xfe\xc3(",
                     "\xc3\xa4",  NULL };
    char *env[] = { "A=1", "B", NULL };
    struct aw_launch launch;
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    aw_launch_init (&launch);
    launch.task = UINT32_MAX - 1;
    launch.attempt = 3;
    launch.argv = argv;
    launch.env = env;
    launch.directory = "/tmp/\xe9t\xe9";
    launch.out = "/tmp/o";
    launch.err = "/tmp/e";
    launch.time_limit = 1.5;
    launch.grace = 2.5;
    assert_int_equal (aw_idset_parse (&launch.cpus, "0-3,8"), 0);
    assert_int_equal (aw_idset_parse (&launch.gpus, "2"), 0);
    frames_pass_start (&text, &launch, &frame);
    assert_int_equal (frame.type, AW_FRAME_START);
    assert_int_equal (frame.launch.task, launch.task);
    assert_int_equal (frame.launch.attempt, 3);
    for (size_t i = 0; argv[i]; i++)
        assert_string_equal (frame.launch.argv[i], argv[i]);
    assert_null (frame.launch.argv[6]);
    assert_string_equal (frame.launch.env[1], "B");
    assert_null (frame.launch.env[2]);
    assert_string_equal (frame.launch.directory, launch.directory);
    assert_string_equal (frame.launch.out, "/tmp/o");
    assert_string_equal (frame.launch.err, "/tmp/e");
    assert_true (aw_idset_equal (&frame.launch.cpus, &launch.cpus));
    assert_true (aw_idset_equal (&frame.launch.gpus, &launch.gpus));
    assert_true (frame.launch.time_limit == 1.5);
    assert_true (frame.launch.grace == 2.5);
    assert_true (aw_codes_empty (&frame.launch.success));
    /* Exit codes of success, of a launch without place and copies. */
    aw_codes_add (&launch.success, 0);
    aw_codes_add (&launch.success, 255);
    frames_pass_start (&text, &launch, &frame);
    assert_true (aw_codes_has (&frame.launch.success, 0));
    assert_true (aw_codes_has (&frame.launch.success, 255));
    assert_false (aw_codes_has (&frame.launch.success, 3));
    launch.success = (struct aw_codes){ 0 };
    /* Without environment and limit. */
    launch.env = NULL;
    launch.time_limit = INFINITY;
    frames_pass_start (&text, &launch, &frame);
    assert_null (frame.launch.env[0]);
    assert_true (isinf (frame.launch.time_limit));
    assert_false (frame.launch.unbound);
    assert_false (frame.launch.slurm_commands);
    assert_int_equal (frame.launch.gpu_share, 0);
    launch.unbound = true;
    launch.slurm_commands = true;
    launch.gpu_share = 125;
    frames_pass_start (&text, &launch, &frame);
    assert_true (frame.launch.unbound);
    assert_true (frame.launch.slurm_commands);
    assert_int_equal (frame.launch.gpu_share, 125);
    assert_null (frame.launch.store);
    assert_int_equal (frame.launch.tidy, 0);
    /* One stream to the store, then a file that is removed if it is empty. */
    launch.out = NULL;
    launch.store = "/run/logs";
    launch.durable = true;
    frames_pass_start (&text, &launch, &frame);
    assert_null (frame.launch.out);
    assert_string_equal (frame.launch.err, "/tmp/e");
    assert_string_equal (frame.launch.store, "/run/logs");
    assert_true (frame.launch.durable);
    launch.out = "/tmp/o";
    launch.store = NULL;
    launch.durable = false;
    launch.tidy = AW_TIDY_OUT;
    frames_pass_start (&text, &launch, &frame);
    assert_null (frame.launch.store);
    assert_int_equal (frame.launch.tidy, AW_TIDY_OUT);
    assert_int_equal (frame.launch.worker, 0);
    assert_null (frame.launch.call);
    /* A call to a worker. */
    launch.worker = 7;
    launch.call = "{\"task\":\"a[0]\",\"input\":\"\xc3\xa4\\n\"}";
    launch.name = "a[0]";
    launch.mem = 4096;
    frames_pass_start (&text, &launch, &frame);
    assert_int_equal (frame.launch.worker, 7);
    assert_string_equal (frame.launch.call, launch.call);
    assert_string_equal (frame.launch.name, "a[0]");
    assert_int_equal (frame.launch.mem, 4096);
    aw_idset_finish (&launch.cpus);
    aw_idset_finish (&launch.gpus);
    aw_textbuf_finish (&text);
}

static void a_finish_is_read_as_it_was_written (void **state)
{
    struct aw_event ev = {
        .type = AW_EVENT_FINISH,
        .task = 5,
        .attempt = 1,
        .status = AW_STATUS_TIMEOUT,
        .signal = 15,
        .seconds = 12.25,
        .cpu_seconds = 0.5,
        .max_rss = UINT64_C (1) << 40,
        .first_call = 1,
        .reason = "because",
    };
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    frames_pass_finish (&text, &ev, &frame);
    assert_int_equal (frame.type, AW_FRAME_FINISH);
    assert_int_equal (frame.event.type, AW_EVENT_FINISH);
    assert_int_equal (frame.event.task, 5);
    assert_int_equal (frame.event.attempt, 1);
    assert_int_equal (frame.event.status, AW_STATUS_TIMEOUT);
    assert_int_equal (frame.event.code, 0);
    assert_int_equal (frame.event.signal, 15);
    assert_true (frame.event.seconds == 12.25);
    assert_true (frame.event.cpu_seconds == 0.5);
    assert_true (frame.event.max_rss == UINT64_C (1) << 40);
    assert_int_equal (frame.event.first_call, 1);
    assert_string_equal (frame.event.reason, "because");
    assert_false (frame.event.gpu_known);
    ev.gpu_known = true;
    ev.gpu_util = 0.25;
    ev.gpu_mem = UINT64_C (1) << 41;
    for (int known = 1; known >= 0; known--) { /* of a part of a GPU, no load is reported */
        frames_pass_finish (&text, &ev, &frame);
        assert_true (frame.event.gpu_known);
        assert_true (frame.event.gpu_util == (known ? 0.25 : -1));
        assert_true (frame.event.gpu_mem == UINT64_C (1) << 41);
        ev.gpu_util = -1;
    }
    aw_textbuf_finish (&text);
}

/* As no release of ours writes them, but as JSON may be. */
static void members_may_come_in_any_order (void **state)
{
    static const char *const lines[] = {
        "{\"finish\":7,\"rss\":9223372036854775807,\"cpu\":1e-1,\"seconds\":2.50,\"signal\":0,"
        "\"code\":0,\"status\":\"completed\",\"attempt\":10}",
        " { \"finish\" : 7 , \"attempt\" : 10 , \"status\" : \"completed\" , \"code\" : 0 ,"
        " \"signal\" : 0 , \"seconds\" : 2.5 , \"cpu\" : 0.1 , \"rss\" : 9223372036854775807 }",
        "{\"finish\":7,\"\\u0061ttempt\":10,\"none\":[1,{\"a\":2}],\"status\":\"comp\\u006ceted\","
        "\"code\":0,\"signal\":0,\"seconds\":25e-1,\"cpu\":0.1,\"rss\":9223372036854775807}",
        "{\"finish\":1,\"finish\":7,\"attempt\":1,\"attempt\":10,\"status\":\"completed\",\"code\":"
        "0,"
        "\"signal\":0,\"seconds\":2.5,\"cpu\":0.1,\"rss\":9223372036854775807}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof (lines) / sizeof (lines[0]); i++) {
        struct aw_error err = { "" };
        struct aw_frame frame;

        if (aw_frame_read (frames_reader, lines[i], strlen (lines[i]), &frame, &err) < 0)
            fail_msg ("%s: %s", err.text, lines[i]);
        assert_int_equal (frame.type, AW_FRAME_FINISH);
        assert_int_equal (frame.event.task, 7);
        assert_int_equal (frame.event.attempt, 10);
        assert_int_equal (frame.event.status, AW_STATUS_COMPLETED);
        assert_true (frame.event.seconds == 2.5);
        assert_true (frame.event.cpu_seconds == 0.1);
        assert_true (frame.event.max_rss == INT64_MAX);
    }
}

static void all_other_frames_are_read_as_they_were_written (void **state)
{
    struct aw_event node = {
        .type = AW_EVENT_NODE, .name = "n1", .mem = 1 << 20, .reason = "unbound"
    };
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    assert_int_equal (aw_idset_parse (&node.cpus, "0-15"), 0);
    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_HELLO, .event = node }, &frame);
    assert_int_equal (frame.type, AW_FRAME_HELLO);
    assert_string_equal (frame.event.name, "n1");
    assert_string_equal (frame.event.reason, "unbound");
    assert_int_equal (aw_idset_count (&frame.event.cpus), 16);
    assert_int_equal (aw_idset_count (&frame.event.gpus), 0);
    assert_false (frame.event.unbound);
    assert_null (frame.event.topology);
    assert_null (frame.event.socket);
    node.unbound = true;
    node.topology = "core 0-15";
    node.socket = "/tmp/a b/messages";
    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_HELLO, .event = node }, &frame);
    assert_true (frame.event.unbound);
    assert_string_equal (frame.event.topology, "core 0-15");
    assert_string_equal (frame.event.socket, "/tmp/a b/messages");
    aw_idset_finish (&node.cpus);

    frames_pass (&text,
                 (struct aw_frame){
                     .type = AW_FRAME_KILL, .event = { .task = 9, .attempt = 2 }, .grace = 2.5 },
                 &frame);
    assert_int_equal (frame.type, AW_FRAME_KILL);
    assert_int_equal (frame.event.task, 9);
    assert_int_equal (frame.event.attempt, 2);
    assert_true (frame.grace == 2.5);

    frames_pass (&text,
                 (struct aw_frame){
                     .type = AW_FRAME_KILL, .event = { .task = 9, .attempt = 2 }, .grace = NAN },
                 &frame);
    assert_true (frame.grace == 0);

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_QUIT, .now = true }, &frame);
    assert_int_equal (frame.type, AW_FRAME_QUIT);
    assert_true (frame.now);

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_PING, .seconds = 7.5 }, &frame);
    assert_int_equal (frame.type, AW_FRAME_PING);
    assert_true (frame.seconds == 7.5);

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_PONG }, &frame);
    assert_int_equal (frame.type, AW_FRAME_PONG);

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_LEAVE, .event.reason = "told to" },
                 &frame);
    assert_int_equal (frame.type, AW_FRAME_LEAVE);
    assert_string_equal (frame.event.reason, "told to");

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_CHALLENGE, .nonce = "abc" }, &frame);
    assert_int_equal (frame.type, AW_FRAME_CHALLENGE);
    assert_string_equal (frame.nonce, "abc");

    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_PROOF, .credential = "MUNGE:x:" },
                 &frame);
    assert_int_equal (frame.type, AW_FRAME_PROOF);
    assert_string_equal (frame.credential, "MUNGE:x:");
    assert_null (frame.nonce);
    aw_textbuf_finish (&text);
}

/* What does not fit leaves nothing behind. */
static void what_does_not_fit_leaves_nothing_behind (void **state)
{
    char *big = malloc (AW_FRAME_MAX + 1);
    char *argv[] = { big, NULL };
    struct aw_frame start = { .type = AW_FRAME_START }, quit = { .type = AW_FRAME_QUIT };
    struct aw_textbuf text = { 0 };
    struct aw_error err = { "" };

    (void)state;
    assert_non_null (big);
    memset (big, 'x', AW_FRAME_MAX);
    big[AW_FRAME_MAX] = '\0';
    aw_launch_init (&start.launch);
    start.launch.argv = argv;
    start.launch.directory = start.launch.out = start.launch.err = "/";
    assert_int_equal (aw_frame_put (&text, &quit, NULL), 0);
    assert_int_equal (aw_frame_put (&text, &start, &err), -1);
    assert_non_null (strstr (err.text, "too long"));
    assert_int_equal (text.len, strlen ("{\"quit\":false}\n"));
    big[AW_FRAME_MAX - 200] = '\0';
    assert_int_equal (aw_frame_put (&text, &start, &err), 0);
    aw_textbuf_finish (&text);
    free (big);
}

/* Two builds whose frames differ must not take each other for the same. */
static void frames_that_differ_have_another_version (void **state)
{
    static const uint32_t digests[] = {
        [2] = 0xa1154b96, [3] = 0xa0f95252, [4] = 0x7f1785ec, [5] = 0x5a47cd08
    }; /* by version */
    const uint32_t n = sizeof (digests) / sizeof (digests[0]);
    uint32_t digest = AW_HASH32_BASIS;

    (void)state;
    for (int i = 0; i < AW_FRAME_TYPES; i++)
        for (size_t j = 0; j < aw_frame_kinds[i].n; j++) {
            const struct aw_frame_member *member = &aw_frame_kinds[i].members[j];
            const unsigned char how[] = { (unsigned char)member->form,
                                          (unsigned char)member->when };

            digest = aw_hash32 (digest, member->key, strlen (member->key) + 1);
            digest = aw_hash32 (digest, how, sizeof (how));
        }
    if (AW_FRAME_VERSION >= n || digest != digests[AW_FRAME_VERSION])
        fail_msg ("frames have changed: raise AW_FRAME_VERSION, and add [%u] = 0x%08x here", n,
                  digest);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_frames_are_refused),
        cmocka_unit_test (a_cut_frame_is_refused_and_disturbs_no_other),
        cmocka_unit_test (a_start_is_read_as_it_was_written),
        cmocka_unit_test (a_finish_is_read_as_it_was_written),
        cmocka_unit_test (members_may_come_in_any_order),
        cmocka_unit_test (all_other_frames_are_read_as_they_were_written),
        cmocka_unit_test (what_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test (frames_that_differ_have_another_version),
    };

    return cmocka_run_group_tests (tests, frames_set_up, frames_tear_down);
}
