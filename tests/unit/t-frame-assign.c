/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of attempts that are given to a node in advance, and follow others there. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"

static void wrong_frames_are_refused (void **state)
{
    static const struct {
        const char *line;
        const char *error;
    } table[] = {
        { "{\"assign\":1,\"attempt\":0,\"argv\":[],\"env\":[],\"dir\":\"/\",\"place\":1}",
          "assign: \"argv\" is empty" },
        { "{\"assign\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\"}",
          "assign: \"place\" is out of range" },
        { "{\"assign\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\",\"place\":0}",
          "assign: \"place\" is out of range" },
        { "{\"assign\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\",\"place\":-3}",
          "assign: \"place\" is out of range" },
        { "{\"assign\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\",\"place\":3,"
          "\"cpus\":\"1\"}",
          "assign: \"cpus\" and \"gpus\" are those of the place" },
        { "{\"assign\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\",\"place\":3,"
          "\"gpus\":\"\"}",
          "assign: \"cpus\" and \"gpus\" are those of the place" },
        { "{\"start\":1,\"attempt\":0,\"argv\":[\"x\"],\"env\":[],\"dir\":\"/\",\"place\":3}",
          "start: \"cpus\" is not a string" },
        { "{\"unassign\":1}", "unassign: \"attempt\" is not a whole number" },
        { "{\"unassign\":\"1\",\"attempt\":0}", "unassign: \"unassign\" is not a whole number" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"completed\",\"code\":0,\"signal\":0,"
          "\"seconds\":0,\"cpu\":0,\"rss\":0,\"next\":2}",
          "\"next_attempt\" is not a whole number" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"completed\",\"code\":0,\"signal\":0,"
          "\"seconds\":0,\"cpu\":0,\"rss\":0,\"next_attempt\":2}",
          "\"next\" is not a whole number" },
        { "{\"finish\":1,\"attempt\":0,\"status\":\"completed\",\"code\":0,\"signal\":0,"
          "\"seconds\":0,\"cpu\":0,\"rss\":0,\"next\":-1,\"next_attempt\":0}",
          "\"next\" is out of range" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        frames_expect_refused (table[i].line, table[i].error);
}

/* The place of a start that others may follow, the exit codes that mean success of any start, and
 * the launch that is given in advance, with all of a start but its CPUs and GPUs.
 */
static void an_assignment_is_read_as_it_was_written (void **state)
{
    char *argv[] = { "/bin/echo", "x", NULL }, *env[] = { "A=1", NULL };
    struct aw_launch launch;
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    aw_launch_init (&launch);
    launch.argv = argv;
    launch.env = env;
    launch.directory = "/d";
    launch.store = "/run/logs";
    aw_codes_add (&launch.success, 3);
    assert_int_equal (aw_idset_parse (&launch.cpus, "1"), 0);
    frames_pass_start (&text, &launch, &frame);
    assert_int_equal (frame.launch.place, 0);
    assert_false (frame.launch.assigned);
    assert_true (aw_codes_has (&frame.launch.success, 3));
    launch.place = 7;
    frames_pass_start (&text, &launch, &frame);
    assert_int_equal (frame.launch.place, 7);
    assert_false (frame.launch.assigned);
    assert_true (aw_codes_has (&frame.launch.success, 3));
    aw_idset_finish (&launch.cpus);

    launch.attempt = 2;
    launch.assigned = true;
    launch.time_limit = 1.5;
    launch.grace = 2.5;
    launch.gpu_share = 500;
    launch.mem = 64;
    frames_pass (&text, (struct aw_frame){ .type = AW_FRAME_ASSIGN, .launch = launch }, &frame);
    assert_null (memmem (text.data, text.len, "cpus", 4));
    assert_null (memmem (text.data, text.len, "gpus", 4));
    assert_int_equal (frame.type, AW_FRAME_ASSIGN);
    assert_true (frame.launch.assigned);
    assert_int_equal (frame.launch.task, 0);
    assert_int_equal (frame.launch.attempt, 2);
    assert_int_equal (frame.launch.place, 7);
    assert_string_equal (frame.launch.argv[1], "x");
    assert_string_equal (frame.launch.env[0], "A=1");
    assert_string_equal (frame.launch.directory, "/d");
    assert_string_equal (frame.launch.store, "/run/logs");
    assert_true (frame.launch.time_limit == 1.5);
    assert_true (frame.launch.grace == 2.5);
    assert_int_equal (frame.launch.gpu_share, 500);
    assert_int_equal (frame.launch.mem, 64);
    assert_true (aw_codes_has (&frame.launch.success, 3));
    assert_int_equal (aw_idset_count (&frame.launch.cpus), 0);
    frames_pass (
        &text, (struct aw_frame){ .type = AW_FRAME_UNASSIGN, .event = { .task = 9, .attempt = 2 } },
        &frame);
    assert_int_equal (frame.type, AW_FRAME_UNASSIGN);
    assert_int_equal (frame.event.task, 9);
    assert_int_equal (frame.event.attempt, 2);
    aw_textbuf_finish (&text);
}

/* A copy that an agent keeps has all of it. */
static void a_launch_is_copied_with_its_place (void **state)
{
    char *argv[] = { "x", NULL };
    struct aw_launch launch, copy;

    (void)state;
    aw_launch_init (&launch);
    assert_int_equal (launch.place, 0);
    assert_false (launch.assigned);
    launch.argv = argv;
    launch.directory = "/";
    launch.place = 5;
    launch.assigned = true;
    assert_int_equal (aw_idset_parse (&launch.gpus, "3"), 0);
    aw_launch_init (&copy);
    assert_int_equal (aw_launch_copy (&copy, &launch), 0);
    assert_int_equal (copy.place, 5);
    assert_true (copy.assigned);
    assert_true (aw_idset_equal (&copy.gpus, &launch.gpus));
    aw_launch_finish (&copy);
    assert_int_equal (copy.place, 0);
    assert_false (copy.assigned);
    assert_null (copy.argv);
    aw_idset_finish (&launch.gpus);
}

static void a_finish_names_what_follows (void **state)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH, .task = 5, .status = AW_STATUS_COMPLETED };
    struct aw_textbuf text = { 0 };
    struct aw_frame frame;

    (void)state;
    frames_pass_finish (&text, &ev, &frame);
    assert_null (memmem (text.data, text.len, "next", 4));
    assert_false (frame.event.continued);
    /* Task 0 can follow, too. */
    ev.continued = true;
    ev.next_attempt = 4;
    frames_pass_finish (&text, &ev, &frame);
    assert_true (frame.event.continued);
    assert_int_equal (frame.event.next, 0);
    assert_int_equal (frame.event.next_attempt, 4);
    ev.next = UINT32_MAX - 1;
    ev.next_attempt = 0;
    frames_pass_finish (&text, &ev, &frame);
    assert_true (frame.event.continued);
    assert_int_equal (frame.event.next, UINT32_MAX - 1);
    assert_int_equal (frame.event.next_attempt, 0);
    aw_textbuf_finish (&text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_frames_are_refused),
        cmocka_unit_test (an_assignment_is_read_as_it_was_written),
        cmocka_unit_test (a_launch_is_copied_with_its_place),
        cmocka_unit_test (a_finish_names_what_follows),
    };

    return cmocka_run_group_tests (tests, frames_set_up, frames_tear_down);
}
