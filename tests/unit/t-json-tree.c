/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as a tree: all of it or nothing, whichever allocation fails. malloc and its like are those
 * of this program, for the libraries too.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "io/json_tree.h"
#include "io/wire/frame.h"
#include "io/workflow/workflow.h"

/* json-c 0.15 itself crashes where memory runs out. */
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && JSON_C_VERSION_NUM >= 0x1000
#define CAN_FAIL 1

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *p, size_t size);

static long until_failure; /* 0: none fails; n: the n-th fails */
static bool once; /* and those after it do not */

static bool fails (void)
{
    if (until_failure == 0 || (until_failure > 1 && until_failure--))
        return false;
    if (once)
        until_failure = 0;
    errno = ENOMEM;
    return true;
}

void *malloc (size_t size)
{
    return fails () ? NULL : __libc_malloc (size);
}

void *calloc (size_t n, size_t size)
{
    return fails () ? NULL : __libc_calloc (n, size);
}

void *realloc (void *p, size_t size)
{
    return fails () ? NULL : __libc_realloc (p, size);
}

/* Never fails: json-c up to 0.17 crashes where it cannot copy a key. */
char *strdup (const char *text)
{
    size_t size = strlen (text) + 1;

    return memcpy (__libc_malloc (size), text, size);
}
#else
#define CAN_FAIL 0
static long until_failure;
static bool once;
#endif

/* Calls TRY with the n-th allocation failing, for all n, until it is done before the n-th. TRY
 * returns whether it succeeded.
 */
static void with_each_failing (bool (*try) (void))
{
    if (!CAN_FAIL)
        skip ();
    for (int way = 0; way < 2; way++) {
        bool done = false;

        for (long n = 1; !done; n++) {
            bool good;

            assert_true (n < 100000);
            once = way;
            until_failure = n;
            good = try ();
            done = until_failure > 0 && (once || until_failure > 1);
            until_failure = 0;
            if (done)
                assert_true (good);
        }
    }
}

static const char workflow[] =
    "{ \"async-workflow\": 1, \"name\": \"w\", \"parameters\": { \"p\": 2.5, \"q\": \"x\" },\n"
    "  \"defaults\": { \"cpus\": 2, \"retries\": 3 },\n"
    "  \"tasks\": {\n"
    "    \"a\": { \"gpus\": 1, \"command\": [\"x\", \"{p}\", \"\\u00e9\"], \"mem\": \"1G\",\n"
    "      \"stdout\": \"o\", \"stderr\": \"e\", \"directory\": \"/d\", \"environment\": { \"E\": "
    "\"1\" "
    "},\n"
    "      \"duration\": 5, \"time_limit\": 60, \"success_codes\": [3], \"after\": [],\n"
    "      \"cpus\": 3, \"retries\": 4, \"count\": 7 },\n"
    "    \"b\": { \"count\": 5, \"after\": [\"a\"], \"time_limit\": 60, \"script\": \"{q}\" } } "
    "}\n";

static bool load (void)
{
    struct aw_problems problems;
    struct aw_workflow *w;

    aw_problems_init (&problems);
    w = aw_workflow_parse (workflow, sizeof (workflow) - 1, "w.json", &problems);
    until_failure = until_failure > 1 || once ? until_failure : 0; /* destroying needs none */
    if (w) {
        assert_int_equal (w->graph->n_tasks, 12);
        assert_int_equal (w->graph->sets[0].cpus, 3);
        assert_int_equal (w->graph->sets[0].gpus, 1);
        assert_int_equal (w->graph->sets[0].retry.count, 4);
        assert_true (w->graph->sets[1].time_limit == 60);
        assert_string_equal (w->recipes[0].command[1], "2.5");
    }
    else {
        assert_true (problems.n_errors > 0);
    }
    aw_problems_finish (&problems);
    aw_workflow_destroy (w);
    return w;
}

static void workflow_is_whole (void **state)
{
    (void)state;
    with_each_failing (load);
}

static const char start[] =
    "{\"start\":3,\"attempt\":1,\"argv\":[\"a\",\"b\"],\"env\":[],\"dir\":\"/d\",\"out\":\"/o\","
    "\"err\":\"/"
    "e\",\"cpus\":\"0-3\",\"gpus\":\"1\",\"unbound\":true,\"share\":250,\"limit\":60,\"grace\":5,"
    "\"release\":true,\"fetch\":[\"f\",\"t\",\"\"],\"success\":\"0,3\",\"instance\":7}";

static bool read_start (void)
{
    struct aw_frame_reader *reader = aw_frame_reader_create ();
    struct aw_frame frame;
    struct aw_error err = { "" };
    int rc;

    if (!reader)
        return false;
    rc = aw_frame_read (reader, start, sizeof (start) - 1, &frame, &err);
    if (rc == 0) {
        assert_int_equal (frame.type, AW_FRAME_START);
        assert_true (frame.launch.unbound && frame.launch.release);
        assert_int_equal (frame.launch.gpu_share, 250);
        assert_int_equal (frame.launch.instance, 7);
        assert_true (frame.launch.time_limit == 60);
        assert_string_equal (frame.launch.argv[1], "b");
        assert_true (aw_codes_has (&frame.launch.success, 3));
    }
    aw_frame_reader_destroy (reader);
    return rc == 0;
}

static void frame_is_whole (void **state)
{
    (void)state;
    with_each_failing (read_start);
}

static void values_are_counted (void **state)
{
    static const struct {
        const char *text;
        bool whole;
    } table[] = {
        { "{}", true },
        { "[]", true },
        { " [ ] ", true },
        { "[{},[],[[]],{\"a\":{}}]", true },
        { "{\"a\":[1,2,{\"b\":null}],\"c,\":\"{,[\\\"\"}", true },
        { "[\"a\\\\\",\"[\"]", true },
        { "{\"a\":1,\"a\":2}", false },
        { "{\"a\":[1,2],\"b\":[1],\"a\":2}", false },
        { "{} {}", false },
        { "null", false },
        { "{\"a\":1", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_error err = { "" };
        struct json_object *root =
            aw_json_tree_load (table[i].text, strlen (table[i].text), 9, false, &err);

        if (!!root != table[i].whole || !root == !err.text[0])
            fail_msg ("%s: %s", table[i].text, err.text);
        json_object_put (root);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (values_are_counted),
        cmocka_unit_test (workflow_is_whole),
        cmocka_unit_test (frame_is_whole),
    };

    return cmocka_run_group_tests_name ("json-tree", tests, NULL, NULL);
}
