/* SPDX-License-Identifier: Apache-2.0 */
/* Workers of an agent in local mode. A tiny one is written in shell: it gets the text of its call,
 * and does what the last word of it says.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/worker_answer.h"
#include "rig.h"

/* Appends its process id to "pids" for each call, and answers. */
static const char worker[] = "n=0\n"
                             "while read -r call; do\n"
                             "  n=$((n + 1)); echo $$ >>pids\n"
                             "  case $call in\n"
                             "  *exit*) exit 0 ;;\n"
                             "  *die*) kill -9 $$ ;;\n"
                             "  *fail*) echo '{\"code\":7,\"error\":\"no luck\"}' >&3 ;;\n"
                             "  *wrong*) echo 'what?' >&3 ;;\n"
                             "  *hang*) echo x >hanging; sleep 1000 ;;\n"
                             "  *last*) echo '{}' >&3; exit 0 ;;\n"
                             "  *) echo '{\"result\":[1,\"x\"]}' >&3 ;;\n"
                             "  esac\n"
                             "done <&3\n"
                             "echo $$ >>ended\n";

static int set_up (void **state)
{
    if (rig_local_set_up (state) < 0)
        return -1;
    rig_until_nodes (*state, 1);
    return 0;
}

static struct aw_codes success; /* of what is started */
static uint32_t gpu_share; /* of GPU 0, of what is started; 0: none */

/* Starts a call of TASK to a worker of SET on CPU, or with SET 0 the script CALL. */
static void start (
    struct rig *rig, uint32_t set, uint32_t task, uint32_t cpu, const char *call, double limit)
{
    char *argv[] = { "/bin/sh", "-c", (char *)(set ? worker : call), NULL };
    char store[80], name[20], text[80];
    struct aw_launch launch;
    struct aw_error err = { "" };

    aw_launch_init (&launch);
    snprintf (store, sizeof (store), "%s", rig->dir);
    snprintf (name, sizeof (name), "set[%u]", task);
    snprintf (text, sizeof (text), "{\"input\":\"%s\"}", call);
    launch.task = task;
    launch.argv = argv;
    launch.directory = rig->dir;
    launch.store = set ? store : NULL;
    launch.out = launch.err = set ? NULL : "/dev/null";
    launch.worker = set;
    launch.call = set ? text : NULL;
    launch.name = set ? name : NULL;
    launch.unbound = true;
    launch.time_limit = limit;
    launch.grace = 0.2;
    launch.gpu_share = gpu_share;
    launch.success = success;
    assert_int_equal (aw_idset_add (&launch.cpus, cpu, cpu), 0);
    if (gpu_share)
        assert_int_equal (aw_idset_add (&launch.gpus, 0, 0), 0);
    if (rig->exec->ops->start (rig->exec, 0, &launch, &err) < 0)
        fail_msg ("start: %s", err.text);
    aw_idset_finish (&launch.cpus);
    aw_idset_finish (&launch.gpus);
}

static void call (struct rig *rig, uint32_t set, uint32_t task, uint32_t cpu, const char *text)
{
    start (rig, set, task, cpu, text, __builtin_inf ());
}

/* The process ids that calls have noted, in their order: how many, and how many differ from the one
 * before. */
static void count_workers (const struct rig *rig, int *calls, int *workers)
{
    char *text = rig_read (rig, "pids"), *rest, *last = "";

    *calls = *workers = 0;
    for (char *pid = strtok_r (text, "\n", &rest); pid; pid = strtok_r (NULL, "\n", &rest)) {
        *calls += 1;
        *workers += strcmp (pid, last) != 0;
        last = pid;
    }
    free (text);
}

static void expect_workers (const struct rig *rig, int calls, int workers)
{
    int n_calls, n_workers;

    count_workers (rig, &n_calls, &n_workers);
    assert_int_equal (n_calls, calls);
    assert_int_equal (n_workers, workers);
}

static void a_worker_takes_one_call_after_the_other (void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 20; i++) {
        call (rig, 1, i, 0, i % 5 == 4 ? "fail" : "go");
        rig_until_ends (rig, i + 1);
        assert_int_equal (rig->ends[i].status, i % 5 == 4 ? AW_STATUS_FAILED : AW_STATUS_COMPLETED);
        assert_int_equal (rig->ends[i].code, i % 5 == 4 ? 7 : 0);
        assert_string_equal (rig->ends[i].reason, i % 5 == 4 ? "no luck" : "");
    }
    expect_workers (rig, 20, 1);
}

/* As of a process: also if the answer says why, or if the worker ends with such a code instead. */
static void exit_codes_of_success_are_those_of_answers (void **state)
{
    static const struct {
        const char *call;
        int code; /* the only one that means success */
        enum aw_status status;
        const char *reason;
    } table[] = {
        { "fail", 7, AW_STATUS_COMPLETED, "" },
        { "fail", 3, AW_STATUS_FAILED, "no luck" },
        { "go", 7, AW_STATUS_FAILED, "" },
        { "exit", 0, AW_STATUS_FAILED, "its worker has ended before it answered" },
    };
    struct rig *rig = *state;

    for (uint32_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        success = (struct aw_codes){ 0 };
        aw_codes_add (&success, table[i].code);
        call (rig, 1, i, 0, table[i].call);
        rig_until_ends (rig, i + 1);
        assert_int_equal (rig->ends[i].status, table[i].status);
        assert_string_equal (rig->ends[i].reason, table[i].reason);
    }
    success = (struct aw_codes){ 0 };
}

/* Each of these ends the worker, and the next call gets another one. */
static void a_call_fails_with_its_worker (void **state)
{
    static const struct {
        const char *call;
        enum aw_status status;
        int signal;
        const char *reason;
    } table[] = {
        { "exit", AW_STATUS_FAILED, 0, "its worker has ended before it answered" },
        { "die", AW_STATUS_FAILED, SIGKILL, "its worker has ended before it answered" },
        { "wrong", AW_STATUS_FAILED, 0, "the answer of its worker: not a JSON object on one line" },
        { "hang", AW_STATUS_TIMEOUT, SIGTERM, "" },
    };
    const uint32_t n = sizeof (table) / sizeof (table[0]);
    struct rig *rig = *state;

    for (uint32_t i = 0; i < n; i++) {
        call (rig, 1, 2 * i, 0, "go");
        rig_until_ends (rig, 2 * i + 1);
        start (rig, 1, 2 * i + 1, 0, table[i].call, 1);
        rig_until_ends (rig, 2 * i + 2);
        assert_int_equal (rig_end_of (rig, 2 * i)->status, AW_STATUS_COMPLETED);
        assert_int_equal (rig_end_of (rig, 2 * i + 1)->status, table[i].status);
        assert_int_equal (rig_end_of (rig, 2 * i + 1)->signal, table[i].signal);
        assert_string_equal (rig_end_of (rig, 2 * i + 1)->reason, table[i].reason);
    }
    expect_workers (rig, 2 * n, n);
}

static void a_cancelled_call_ends_its_worker (void **state)
{
    struct rig *rig = *state;

    call (rig, 1, 1, 0, "hang");
    rig_until_file (rig, "hanging");
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 1000);
    rig_until_ends (rig, 1);
    assert_int_equal (rig->ends[0].status, AW_STATUS_CANCELLED);
    assert_int_equal (rig->ends[0].signal, SIGTERM);
}

/* It may answer and go before its next call comes, or after: that call goes to another worker. */
static void a_worker_may_end_between_calls (void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 30; i++) {
        call (rig, 1, i, 0, "last");
        rig_until_ends (rig, i + 1);
        assert_int_equal (rig->ends[i].status, AW_STATUS_COMPLETED);
    }
}

/* By the CPUs of what is launched: another task, another set, or a place of the same set. */
static void an_idle_worker_makes_room (void **state)
{
    struct rig *rig = *state;
    char *ended;

    call (rig, 1, 0, 0, "go");
    call (rig, 1, 1, 1, "go");
    rig_until_ends (rig, 2);
    call (rig, 0, 2, 0, "cp ended was-ended");
    rig_until_ends (rig, 3);
    assert_int_equal (rig_end_of (rig, 2)->status, AW_STATUS_COMPLETED);
    ended = rig_read (rig, "was-ended");
    assert_int_equal (strcspn (ended, "\n") + 1, strlen (ended)); /* one, before it began */
    free (ended);
    call (rig, 2, 3, 1, "go");
    rig_until_ends (rig, 4);
    ended = rig_read (rig, "ended");
    assert_non_null (strchr (strchr (ended, '\n') + 1, '\n'));
    free (ended);
}

/* As long as their parts of it are no more than the whole. */
static void workers_of_several_sets_share_a_gpu (void **state)
{
    struct rig *rig = *state;
    char *ended, *first, *n, *two;

    gpu_share = 400;
    for (uint32_t i = 0; i < 4; i++) {
        call (rig, 1 + i % 2, i, i % 2, "go");
        rig_until_ends (rig, i + 1);
    }
    gpu_share = 500;
    call (rig, 0, 4, 0, "sort -u pids | wc -l >n; cp ended one; head -n 1 pids >first");
    rig_until_ends (rig, 5);
    gpu_share = 700;
    call (rig, 0, 5, 0, "wc -l <ended >two");
    rig_until_ends (rig, 6);
    gpu_share = 0;
    ended = rig_read (rig, "one");
    first = rig_read (rig, "first");
    n = rig_read (rig, "n");
    two = rig_read (rig, "two");
    assert_string_equal (n, "2\n");
    assert_string_equal (ended, first);
    assert_string_equal (two, "2\n");
    free (two);
    free (ended);
    free (first);
    free (n);
}

/* One that ignores the end of its input gets signals; a launch that waits can be cancelled. */
static void a_stubborn_worker_is_killed (void **state)
{
    struct rig *rig = *state;
    char *argv[] = { "/bin/sh", "-c",
                     "trap '' TERM; read -r call <&3; echo '{}' >&3; while :; do sleep 0.1; done",
                     NULL };
    struct aw_launch launch;
    struct aw_error err;

    aw_launch_init (&launch);
    launch.argv = argv;
    launch.directory = launch.store = rig->dir;
    launch.worker = 1;
    launch.unbound = true;
    launch.call = "{}";
    launch.name = "x[0]";
    aw_idset_add (&launch.cpus, 0, 0);
    assert_int_equal (rig->exec->ops->start (rig->exec, 0, &launch, &err), 0);
    aw_idset_finish (&launch.cpus);
    rig_until_ends (rig, 1);
    call (rig, 0, 1, 0, "exit 0");
    call (rig, 0, 2, 0, "exit 0");
    rig->exec->ops->kill (rig->exec, 0, 2, 0, 1000);
    rig_until_ends (rig, 2);
    assert_int_equal (rig_end_of (rig, 2)->status, AW_STATUS_CANCELLED);
    rig_until_ends (rig, 3);
    assert_int_equal (rig_end_of (rig, 1)->status, AW_STATUS_COMPLETED);
}

static void answers_are_read (void **state)
{
    static const struct {
        const char *line;
        int code;
        const char *result; /* NULL: none */
        const char *error; /* what is wrong with the line; NULL: nothing */
    } table[] = {
        { "{}", 0, NULL, NULL },
        { " { } ", 0, NULL, NULL },
        { "{\"code\":255}", 255, NULL, NULL },
        { "{\"result\":{\"a\":\"\\\"b\\u0041\"},\"code\":1}", 1, "{\"a\":\"\\\"b\\u0041\"}", NULL },
        { "{\"result\":null}", 0, "null", NULL },
        { "", 0, NULL, "not a JSON object" },
        { "[]", 0, NULL, "not a JSON object" },
        { "{\"code\":256}", 0, NULL, "\"code\" is not" },
        { "{\"code\":\"1\"}", 0, NULL, "\"code\" is not" },
        { "{\"code\":0.5}", 0, NULL, "\"code\" is not" },
        { "{\"error\":1}", 0, NULL, "\"error\" is not" },
        { "{\"result\":x}", 0, NULL, "\"result\" is not" },
        { "{\"boo\":1}", 0, NULL, "unknown member \"boo\"" },
        { "{\"code\":0", 0, NULL, "not a JSON object" },
        { "{} {}", 0, NULL, "something after" },
    };
    struct aw_textbuf raw = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *line = strdup (table[i].line);
        struct aw_worker_answer answer;
        struct aw_error err = { "" };
        int rc = aw_worker_answer_read (&answer, line, strlen (line), &raw, &err);

        if (table[i].error)
            assert_non_null (strstr (err.text, table[i].error));
        else {
            assert_string_equal (err.text, "");
            assert_int_equal (answer.code, table[i].code);
            assert_int_equal (answer.result.size, table[i].result ? strlen (table[i].result) : 0);
            if (table[i].result)
                assert_memory_equal (answer.result.text, table[i].result, answer.result.size);
        }
        assert_int_equal (rc, table[i].error ? -1 : 0);
        free (line);
    }
    aw_textbuf_finish (&raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, rig_local_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (answers_are_read),
        TEST (a_worker_takes_one_call_after_the_other),
        TEST (exit_codes_of_success_are_those_of_answers),
        TEST (a_call_fails_with_its_worker),
        TEST (a_cancelled_call_ends_its_worker),
        TEST (a_worker_may_end_between_calls),
        TEST (an_idle_worker_makes_room),
        TEST (a_stubborn_worker_is_killed),
        TEST (workers_of_several_sets_share_a_gpu),
    };

    cmocka_set_message_output (CM_OUTPUT_TAP);
    return cmocka_run_group_tests (tests, NULL, NULL);
}
