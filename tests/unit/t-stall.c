/* SPDX-License-Identifier: Apache-2.0 */
/* All running tasks wait for messages: when do they wait in vain? Over the fake backend, whose
 * "tasks" say by packets what the library of real ones says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coordinated.h"
#include "graphs.h"

/* What the tasks do, by number, and what the agents see. */
static struct scene {
    struct coordinated it;
    const char *does; /* a letter a task: see act */
    uint32_t node[4]; /* where they run */
    bool busy; /* a process of a task does something else */
    uint32_t n_looks;
    uint32_t n_failed; /* waits that ended with an error */
    char error[512]; /* the last one */
    double seconds; /* of a task that does not wait */
} scene;

static void say (uint32_t node,
                 enum aw_packet_kind kind,
                 uint32_t task,
                 uint32_t number,
                 uint64_t seq,
                 const char *topic)
{
    const struct aw_packet packet = { .kind = kind,
                                      .conn = task + 1,
                                      .task = task,
                                      .number = number,
                                      .seq = seq,
                                      .topic = aw_piece_of (topic) };

    scene.it.callbacks->message (scene.it.callbacks->arg, node, &packet);
}

static void on_send (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    say (0, AW_PACKET_PUBLISH, *(uint32_t *)arg, 0, 0, "t");
    scene.busy = false;
}

/* The end of a task whose wait has failed, or that has got its message. */
static void end_task (uint32_t task, int code)
{
    const struct aw_event ev = { .type = AW_EVENT_FINISH,
                                 .task = task,
                                 .node = scene.node[task],
                                 .status = code ? AW_STATUS_FAILED : AW_STATUS_COMPLETED,
                                 .code = code };

    say (scene.node[task], AW_PACKET_CLOSE, task, 0, 0, NULL);
    scene.it.callbacks->task_finished (scene.it.callbacks->arg, &ev);
}

struct later {
    uint32_t task;
    int code;
    uint32_t look, node;
    bool serving; /* a service is ready; else the end of the task */
};

static void on_later (evutil_socket_t fd, short what, void *arg)
{
    struct later *later = arg;
    const struct aw_packet seen = { .kind = AW_PACKET_LOOK,
                                    .number = later->look,
                                    .seq = !scene.busy || later->node != 0 };
    const struct aw_event serving = { .type = AW_EVENT_SERVING,
                                      .task = later->task,
                                      .node = scene.node[later->task] };

    (void)fd;
    (void)what;
    if (later->look)
        scene.it.callbacks->message (scene.it.callbacks->arg, later->node, &seen);
    else if (later->serving)
        scene.it.callbacks->task_finished (scene.it.callbacks->arg, &serving);
    else
        end_task (later->task, later->code);
    free (later);
}

static void after (double seconds, struct later what)
{
    struct later *later = malloc (sizeof (*later));

    *later = what;
    coordinated_after (&scene.it, seconds, on_later, later);
}

static uint32_t zero;

/* w waits for a message, q for an answer; s waits with a time limit, which nobody hears of; b
 * waits, but a process of it sends after a moment; l waits for the message after one that it has
 * not got yet; v stays, as a service does; f fails; others end well. */
static void act (void *arg,
                 uint32_t node,
                 const struct aw_launch *launch,
                 struct aw_fake_outcome *outcome)
{
    char does = scene.does[launch->task];

    (void)arg;
    scene.node[launch->task] = node;
    outcome->seconds = strchr ("wqsblv", does) ? 1000 : scene.seconds;
    if (does == 'f') {
        outcome->status = AW_STATUS_FAILED;
        outcome->code = 1;
    }
    if (does == 'q')
        say (node, AW_PACKET_REQUEST, launch->task, 1, 0, "q");
    else if (strchr ("wsbl", does))
        say (node, AW_PACKET_RECEIVE, launch->task, 1, 1, "t");
    if (strchr ("wqb", does))
        say (node, AW_PACKET_WAIT, launch->task, 1, 0, NULL);
    if (does == 'l')
        say (node, AW_PACKET_WAIT, launch->task, 1, 7, NULL);
    if (does == 'v')
        after (0, (struct later){ .task = launch->task, .serving = true });
    if (does == 'b')
        coordinated_after (&scene.it, 2.5, on_send, &zero);
}

/* The agents: they look, or pass on what is for tasks. */
static void on_message (struct aw_exec *exec,
                        uint32_t node,
                        const struct aw_packet *packet,
                        const char *rest,
                        size_t size)
{
    (void)exec;
    (void)rest;
    (void)size;
    if (packet->kind == AW_PACKET_LOOK) {
        scene.n_looks++;
        after (0, (struct later){ .look = packet->number, .node = node });
    }
    else if (packet->kind == AW_PACKET_MESSAGE)
        after (1.5, (struct later){ .task = packet->conn - 1 });
    else if (packet->kind == AW_PACKET_DONE && packet->flags & AW_PACKET_ERROR) {
        assert_true (packet->flags & AW_PACKET_STUCK);
        scene.n_failed++;
        snprintf (scene.error, sizeof (scene.error), "%.*s", (int)packet->data.size,
                  packet->data.text);
        after (0, (struct later){ .task = packet->conn - 1, .code = 1 });
    }
}

/* The run ends with CODE. */
static void play (int code, uint32_t nodes, const char *does, const char *tasks)
{
    bool busy = strchr (does, 'b') != NULL;

    scene = (struct scene){ .does = does, .busy = busy, .seconds = 0.1 };
    scene.it = (struct coordinated){
        .tasks = tasks, .nodes = nodes, .cpus = 2, .plan = act, .message = on_message
    };
    coordinated_begin (&scene.it);
    assert_int_equal (coordinated_run (&scene.it), code);
}

static int stalls (const char *with)
{
    return coordinated_lines (&scene.it, "\"event\":\"stall\"", with);
}

#define WAIT2 "{ \"w\": { \"count\": 2, \"on_failure\": \"continue\", \"command\": [\"x\"] } }"

static void all_waits_fail_if_nobody_can_send (void **state)
{
    (void)state;
    play (0, 2, "ww", WAIT2);
    assert_int_equal (scene.n_failed, 2);
    assert_int_equal (scene.n_looks, 2); /* one for each node */
    assert_string_equal (scene.error, "no message can come: all 2 running tasks wait for messages "
                                      "(w[0] on topic t), and no other task can start");
    assert_int_equal (stalls (NULL), 1);
    assert_int_equal (stalls ("\"code\":1,\"topic\":\"t\",\"count\":2"), 1);
    coordinated_finish (&scene.it);
    play (0, 2, "wq", WAIT2); /* for an answer, too */
    assert_int_equal (scene.n_failed, 2);
    coordinated_finish (&scene.it);
}

/* A failure with on_failure stop: what would send does not start any more. */
static void after_a_stop_nobody_can_send (void **state)
{
    (void)state;
    play (1, 1, "fw.",
          "{ \"f\": { \"command\": [\"x\"] }, \"w\": { \"command\": [\"x\"] }, \"s\": { \"after\": "
          "[\"f\"], \"command\": [\"x\"] } }");
    assert_int_equal (scene.n_failed, 1);
    coordinated_finish (&scene.it);
}

/* The waiting tasks hold all CPUs, so that a task that would send cannot start. */
static void a_sender_without_cpus_starts_after_the_waits_fail (void **state)
{
    (void)state;
    play (1, 1, "ww.",
          "{ \"w\": { \"count\": 2, \"on_failure\": \"skip\", \"duration\": 100, \"command\": "
          "[\"x\"] }, \"s\": { \"command\": [\"x\"] } }");
    assert_int_equal (scene.n_failed, 2);
    assert_int_equal (coordinated_lines (&scene.it, "\"event\":\"start\"", "\"s[0]\""), 1);
    coordinated_finish (&scene.it);
}

static void on_interrupt (evutil_socket_t fd, short what, void *arg)
{
    struct aw_error why;

    (void)fd;
    (void)what;
    (void)arg;
    aw_error_set (&why, "enough");
    aw_coordinator_fail (scene.it.coordinator, &why);
}

/* The run still waits after 4 s, and no recv has failed; it is broken off. */
static void still_waits (const char *does, const char *tasks)
{
    scene = (struct scene){ .does = does, .seconds = 1000 };
    scene.busy = strchr (does, 'w') && strchr (does, '!');
    scene.it = (struct coordinated){
        .tasks = tasks, .nodes = 1, .cpus = 4, .plan = act, .message = on_message
    };
    coordinated_begin (&scene.it);
    coordinated_after (&scene.it, 4, on_interrupt, NULL);
    assert_int_equal (coordinated_run (&scene.it), 4);
    assert_int_equal (scene.n_failed, 0);
}

static void no_wait_fails_while_somebody_may_send (void **state)
{
    static const struct {
        const char *does, *tasks;
    } cases[] = {
        /* one does something else */
        { "w.", WAIT2 },
        /* one waits with a timeout */
        { "ws", WAIT2 },
        /* a message is on its way to one */
        { "wl", WAIT2 },
        /* one is ended by its time limit, and then retried perhaps */
        { "ww",
          "{ \"w\": { \"command\": [\"x\"] }, \"l\": { \"time_limit\": 900, \"command\": [\"x\"] } "
          "}" },
        /* one waits for another attempt */
        { "wf", "{ \"w\": { \"command\": [\"x\"] }, \"f\": { \"command\": [\"x\"], \"retries\": { "
                "\"count\": 1, \"delay\": 900 } } }" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        still_waits (cases[i].does, cases[i].tasks);
        assert_int_equal (stalls (NULL), 0);
        coordinated_finish (&scene.it);
    }
}

/* All wait, but a process of one may still send: that is reported once. */
static void a_stall_is_reported_once_while_a_process_may_send (void **state)
{
    (void)state;
    still_waits ("ww!", WAIT2);
    assert_true (scene.n_looks >= 1);
    assert_int_equal (stalls (NULL), 1);
    assert_int_equal (stalls ("\"code\""), 0);
    coordinated_finish (&scene.it);
    play (0, 1, "bw", WAIT2); /* and it does */
    assert_int_equal (scene.n_failed, 0);
    assert_int_equal (stalls (NULL), 2);
    assert_int_equal (stalls ("\"code\":2"), 1);
    coordinated_finish (&scene.it);
}

/* A service could send: it has some time, then the waits fail. */
static void a_silent_service_has_its_time (void **state)
{
    (void)state;
    scene = (struct scene){ .does = "vw", .seconds = 0.1 };
    scene.it = (struct coordinated){
        .tasks = "{ \"s\": { \"service\": {}, \"command\": [\"x\"] }, \"w\": { \"after\": [\"s\"], "
                 "\"on_failure\": \"continue\", \"command\": [\"x\"] } }",
        .nodes = 1,
        .cpus = 2,
        .plan = act,
        .message = on_message,
        .service_stall = 0.3,
    };
    coordinated_begin (&scene.it);
    assert_int_equal (coordinated_run (&scene.it), 0);
    assert_int_equal (scene.n_failed, 1);
    assert_string_equal (scene.error,
                         "no message can come: the only running task, w[0], waits for a "
                         "message on topic t, and no other task can start");
    assert_int_equal (stalls (NULL), 2); /* it was reported, and failed later */
    assert_int_equal (stalls ("\"code\":1"), 1);
    coordinated_finish (&scene.it);
}

/* What the scheduler says to that, by itself. */
static void the_scheduler_is_at_rest_if_nothing_changes_by_itself (void **state)
{
    const struct aw_sched_config config = { AW_POLICY_FIFO, AW_MODE_ASYNC, 0 };
    struct aw_event node = { .type = AW_EVENT_NODE, .name = "n1" }, action;
    struct aw_event stall = { .type = AW_EVENT_STALL, .name = "t", .count = 1 };
    struct aw_event limit = { .type = AW_EVENT_LIMIT, .seconds = 5 };
    struct aw_event stop = { .type = AW_EVENT_STOP, .code = 1 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_sched *s;
    uint32_t n;

    (void)state;
    graphs_set (g, "a", 3, 1, 0, 10);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    s = aw_sched_create (g, &config, NULL);
    aw_idset_add (&node.cpus, 0, 1);
    assert_int_equal (aw_sched_handle (s, &node, NULL), 0);
    while (aw_sched_next (s, &action))
        ;
    assert_true (aw_sched_at_rest (s, &n, NULL));
    assert_int_equal (n, 2);
    assert_true (aw_sched_is_input (s, &stall));
    assert_int_equal (aw_sched_handle (s, &stall, NULL), 0);
    assert_false (aw_sched_next (s, &action));
    assert_int_equal (aw_sched_handle (s, &limit, NULL), 0);
    assert_false (
        aw_sched_at_rest (s, &n, NULL)); /* the third one waits for a later end of the job */
    assert_int_equal (aw_sched_handle (s, &stop, NULL), 0);
    assert_true (aw_sched_at_rest (s, &n, NULL)); /* not any more */
    while (aw_sched_next (s, &action))
        assert_int_equal (action.type, AW_EVENT_KILL);
    assert_false (aw_sched_at_rest (s, &n, NULL));
    aw_sched_destroy (s);
    aw_graph_destroy (g);
    aw_idset_finish (&node.cpus);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_scheduler_is_at_rest_if_nothing_changes_by_itself),
        cmocka_unit_test (no_wait_fails_while_somebody_may_send),
        cmocka_unit_test (a_stall_is_reported_once_while_a_process_may_send),
        cmocka_unit_test (a_silent_service_has_its_time),
        cmocka_unit_test (all_waits_fail_if_nobody_can_send),
        cmocka_unit_test (after_a_stop_nobody_can_send),
        cmocka_unit_test (a_sender_without_cpus_starts_after_the_waits_fail),
    };

    return cmocka_run_group_tests_name ("stall", tests, NULL, NULL);
}
