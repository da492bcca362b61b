/* SPDX-License-Identifier: Apache-2.0 */
/* The list of submitted tasks: wrong requests, runs of equal tasks, what events change, and parts
 * that together are the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coord/messages/submission_list.h"
#include "io/workflow/submission.h"

enum { MANY = 4000 };

struct world {
    struct aw_workflow *w;
    enum aw_task_state states[MANY];
    struct aw_submission_list list;
    struct aw_textbuf text;
};

static enum aw_task_state state_of (void *arg, uint32_t task)
{
    const struct world *world = arg;
    uint32_t set = aw_graph_task (world->w->graph, task).set;

    return world->states[aw_submitted_id (world->w, set) - AW_SUBMITTED_FIRST];
}

static void start (struct world *world)
{
    static const char text[] =
        "{ \"async-workflow\": 1, \"tasks\": { \"c\": { \"script\": \"x\" } } }";
    struct aw_problems problems;

    memset (world, 0, sizeof (*world));
    aw_problems_init (&problems);
    world->w = aw_workflow_parse (text, strlen (text), "base.json", &problems);
    assert_non_null (world->w);
    aw_problems_finish (&problems);
    world->list.workflow = world->w;
    world->list.state = state_of;
    world->list.arg = world;
}

static void end (struct world *world)
{
    aw_submission_list_finish (&world->list);
    aw_textbuf_finish (&world->text);
    aw_workflow_destroy (world->w);
}

/* Submits TASK at time NOW; it is ready. */
static void submit (struct world *world, const char *task, uint32_t now)
{
    const struct aw_submission submission = { task, strlen (task), "/a {b}", "0123-4" };
    const struct aw_event added = { .type = AW_EVENT_ADD };
    struct aw_textbuf text = { 0 };
    struct aw_addition addition;
    struct aw_problems problems;

    aw_problems_init (&problems);
    assert_int_equal (aw_submission_put (&text, world->w, &submission, &problems), 0);
    aw_textbuf_putc (&text, '\0');
    addition = (struct aw_addition){
        .text = text.data, .size = text.len - 1, .label = AW_SUBMISSION, .submitted = true
    };
    if (aw_workflow_add (world->w, &addition, &problems) < 0)
        fail_msg ("%s", problems.items[0].text);
    world->states[world->w->n_submitted - 1] = AW_TASK_READY;
    aw_submission_list_event (&world->list, &added, now);
    aw_problems_finish (&problems);
    aw_textbuf_finish (&text);
}

static uint32_t task_of (const struct world *world, uint32_t number)
{
    return aw_graph_first_task (world->w->graph, 0, world->w->submitted[number]);
}

/* Asks with REQUEST; the answer is in text. Returns the id to continue with. */
static uint64_t ask (struct world *world, const char *request)
{
    uint64_t next;

    aw_textbuf_clear (&world->text);
    assert_int_equal (
        aw_submission_list_put (&world->list, request, strlen (request), &world->text, &next), 0);
    aw_textbuf_putc (&world->text, '\0');
    return next;
}

static void wrong_requests_are_rejected (void **state)
{
    static const char *const table[] = {
        "",
        "WPR",
        "WPR 1",
        "wpr 1 2",
        "WPR 1 2 more",
        "1 2 3",
        "WPRSFCDWPRSFCDWPRSFCD 1 2",
        ("WPR 1 2                                                                                  "
         " "
         "          "),
    };
    struct world world;

    (void)state;
    start (&world);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        uint64_t next;

        if (aw_submission_list_put (&world.list, table[i], strlen (table[i]), &world.text, &next)
            == 0)
            fail_msg ("accepted: \"%s\"", table[i]);
    }
    assert_int_equal (ask (&world, "WPRSFCD 0 9999999999"), 0);
    assert_string_equal (world.text.data, "");
    end (&world);
}

static void equal_tasks_share_a_line (void **state)
{
    struct world world;

    (void)state;
    start (&world);
    for (int i = 0; i < 3; i++)
        submit (&world, "{\"command\":[\"a\"],\"cpus\":2,\"mem\":\"1M\",\"time_limit\":1.5}", 7);
    submit (&world, "{\"command\":[\"a\"],\"gpus\":0.5,\"comment\":\"one two\"}", 8);
    submit (&world, "{\"command\":[\"a\"],\"comment\":\"one three\"}", 8);
    assert_int_equal (ask (&world, "P 0 9999999999"), 0);
    assert_string_equal (world.text.data, "1000000000 3 P - 0 0 0 2 0 1048576 2 7 0 0 - a\t\n"
                                          "1000000003 1 P - 0 0 0 1 0.500 0 0 8 0 0 - a\tone\n"
                                          "1000000004 1 P - 0 0 0 1 0 0 0 8 0 0 - a\tone\n");
    ask (&world, "P 1000000001 1000000003 details");
    assert_string_equal (world.text.data,
                         "1000000001 2 P - 0 0 0 2 0 1048576 2 7 0 0 - a\t\t/a {b}\n"
                         "1000000003 1 P - 0 0 0 1 0.500 0 0 8 0 0 - a\tone two\t/a {b}\n");
    /* What is not asked for stands between two runs. */
    world.states[1] = AW_TASK_WAITING;
    ask (&world, "P 0 1000000002");
    assert_string_equal (world.text.data, "1000000000 1 P - 0 0 0 2 0 1048576 2 7 0 0 - a\t\n"
                                          "1000000002 1 P - 0 0 0 2 0 1048576 2 7 0 0 - a\t\n");
    ask (&world, "W 0 9999999999");
    assert_string_equal (world.text.data, "1000000001 1 W - 0 0 0 2 0 1048576 2 7 0 0 - a\t\n");
    ask (&world, "R 0 9999999999");
    assert_string_equal (world.text.data, "");
    end (&world);
}

static void events_are_noted (void **state)
{
    struct aw_event node = { .type = AW_EVENT_NODE, .node = 1, .name = "n1" },
                    begin = { .type = AW_EVENT_START, .node = 1, .attempt = 1 },
                    finish = { .type = AW_EVENT_FINISH,
                               .attempt = 1,
                               .status = AW_STATUS_TIMEOUT,
                               .code = 3,
                               .signal = 15 },
                    returned = { .type = AW_EVENT_FINISH,
                                 .status = AW_STATUS_CANCELLED,
                                 .returned = true },
                    cancel = { .type = AW_EVENT_CANCEL, .count = 1 };
    struct world world;

    (void)state;
    start (&world);
    submit (&world, "{\"command\":[\"a\"]}", 1);
    submit (&world, "{\"command\":[\"a\"]}", 1);
    begin.task = finish.task = task_of (&world, 0);
    cancel.task = task_of (&world, 1);
    aw_submission_list_event (&world.list, &node, 1);
    returned.task = begin.task; /* it was assigned to a node, which has given it back */
    aw_submission_list_event (&world.list, &returned, 2);
    ask (&world, "P 0 1000000000");
    assert_string_equal (world.text.data, "1000000000 1 P - 0 0 0 1 0 0 0 1 0 0 - a\t\n");
    aw_submission_list_event (&world.list, &begin, 2);
    world.states[0] = AW_TASK_RUNNING;
    ask (&world, "R 0 9999999999");
    assert_string_equal (world.text.data, "1000000000 1 R - 0 0 1 1 0 0 0 1 2 0 n1 a\t\n");
    aw_submission_list_event (&world.list, &finish, 4);
    aw_submission_list_event (&world.list, &cancel, 5);
    world.states[0] = AW_TASK_FAILED;
    world.states[1] = AW_TASK_CANCELLED;
    ask (&world, "FC 0 9999999999");
    assert_string_equal (world.text.data, "1000000000 1 F timeout 3 15 1 1 0 0 0 1 2 4 n1 a\t\n"
                                          "1000000001 1 C - 0 0 0 1 0 0 0 1 0 5 - a\t\n");
    end (&world);
}

/* Lines that differ do not fit into one answer. */
static void parts_are_the_whole (void **state)
{
    struct world world;
    uint64_t next = 1;
    uint32_t n = 0, parts = 0;
    char request[64];

    (void)state;
    start (&world);
    for (uint32_t i = 0; i < MANY; i++)
        submit (&world, "{\"command\":[\"a\"]}", i);
    do {
        char *line, *rest = NULL;

        snprintf (request, sizeof (request), "P %llu 9999999999", (unsigned long long)next);
        next = ask (&world, request);
        assert_in_range (world.text.len, 1, AW_MESSAGE_MAX);
        for (line = strtok_r (world.text.data, "\n", &rest); line;
             line = strtok_r (NULL, "\n", &rest))
            assert_int_equal (strtoull (line, NULL, 10), AW_SUBMITTED_FIRST + n++);
        parts++;
    } while (next);
    assert_int_equal (n, MANY);
    assert_in_range (parts, 2, 20);
    end (&world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_requests_are_rejected),
        cmocka_unit_test (equal_tasks_share_a_line),
        cmocka_unit_test (events_are_noted),
        cmocka_unit_test (parts_are_the_whole),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
