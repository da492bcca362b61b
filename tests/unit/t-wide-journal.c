/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks over several nodes in the journal and in what is folded from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/history/history.h"
#include "io/journal/journal.h"

#define NODES                                                                                \
    "{\"async-workflow-journal\":1,\"epoch\":1,\"name\":\"w\"}\n"                            \
    "{\"t\":0.1,\"event\":\"node\",\"node\":\"n1\",\"cpus\":\"0-7\",\"gpus\":\"0-1\"}\n"     \
    "{\"t\":0.1,\"event\":\"node\",\"node\":\"n\\\"2\",\"cpus\":\"0-7\",\"gpus\":\"0-1\"}\n" \
    "{\"t\":0.1,\"event\":\"node\",\"node\":\"n3\",\"cpus\":\"0-7\",\"gpus\":\"\"}\n"
#define START                                                                             \
    "{\"t\":0.2,\"event\":\"start\",\"task\":\"solve[0]\",\"attempt\":0,\"node\":\"n1\"," \
    "\"cpus\":\"0-3\",\"gpus\":\"1\""

static struct aw_graph *graph;
static char path[] = "/tmp/aw-wide.XXXXXX";

static int setup (void **state)
{
    struct aw_set *set;
    int fd = mkstemp (path);

    (void)state;
    graph = aw_graph_create ();
    if (fd < 0 || !graph)
        return -1;
    close (fd);
    unlink (path);
    set = aw_graph_add_set (graph, "solve");
    set->count = 2;
    return aw_graph_finalize (graph, NULL);
}

static int teardown (void **state)
{
    (void)state;
    unlink (path);
    aw_graph_destroy (graph);
    return 0;
}

static int fold (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    return aw_history_handle (arg, ev, err);
}

static int load (struct aw_history *history, struct aw_error *err)
{
    struct aw_journal_header header;
    int rc;

    err->text[0] = '\0';
    assert_int_equal (aw_history_init (history, graph, err), 0);
    rc = aw_journal_read (path, graph, &(struct aw_journal_reading){ .fn = fold, .arg = history },
                          &header, err);
    aw_journal_header_finish (&header);
    return rc;
}

static void wrong_lines_are_refused (void **state)
{
    static const struct {
        const char *more, *message;
    } table[] = {
        { "1", "\"more\" must be a list" },
        { "[]", "\"more\" must be a list" },
        { "[1]", "\"more\" must be a list" },
        { "[{}]", "\"more\" must be a list" },
        { "[{\"node\":\"n3\",\"cpus\":\"0\"}]", "\"more\" must be a list" },
        { "[{\"node\":\"n3\",\"cpus\":\"0\",\"gpus\":\"\",\"mem\":1}]", "\"more\" must be a list" },
        { "[{\"node\":\"n3\",\"node\":\"n3\",\"cpus\":\"0\",\"gpus\":\"\"}]",
          "\"more\" must be a list" },
        { "[{\"node\":\"n4\",\"cpus\":\"0\",\"gpus\":\"\"}]", "no node with the name \"n4\"" },
        { "[{\"node\":\"n3\",\"cpus\":\"x\",\"gpus\":\"\"}]", "\"x\" is not a list of numbers" },
        { "[{\"node\":\"n3\",\"cpus\":\"0\",\"gpus\":\"0-\"}]", "\"0-\" is not a list of numbers" },
        { "[{\"node\":\"n3\",\"cpus\":\"0\",\"gpus\":\"\"}],\"more\":[]", "is given twice" },
        { "[{\"node\":\"n1\",\"cpus\":\"4\",\"gpus\":\"\"}]", "solve[0] starts twice on one node" },
        { "[{\"node\":\"n3\",\"cpus\":\"0-8\",\"gpus\":\"\"}]", "does not have free" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        FILE *file = fopen (path, "w");
        struct aw_history history;
        struct aw_error err;

        assert_non_null (file);
        fprintf (file, "%s%s,\"more\":%s}\n", NODES, START, table[i].more);
        assert_int_equal (fclose (file), 0);
        assert_int_equal (load (&history, &err), -1);
        if (!strstr (err.text, table[i].message) || !strstr (err.text, "line 5"))
            fail_msg ("%s: %s", table[i].more, err.text);
        assert_int_equal (history.n_attempts, 0);
        for (uint32_t n = 0; n < history.n_nodes; n++)
            assert_int_equal (history.nodes[n].busy_cpus, 0);
        aw_history_finish (&history);
    }
    unlink (path);
}

static void append (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_error err;

    if (aw_journal_append (journal, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static void ids (struct aw_idset *set, const char *text)
{
    memset (set, 0, sizeof (*set));
    assert_int_equal (aw_idset_parse (set, text), 0);
}

/* What is written comes back, and each node is busy with its own part. */
static void tasks_of_several_nodes_are_read_as_written (void **state)
{
    static const char *const names[] = { "n1", "n\"2", "n3" };
    struct aw_journal_header header = { .epoch = 1 };
    struct aw_event node = { .type = AW_EVENT_NODE }, ev = { .type = AW_EVENT_START, .t = 1 };
    struct aw_part more[2] = { { .node = 1 }, { .node = 2 } };
    struct aw_journal *journal;
    struct aw_history history;
    struct aw_held held;
    struct aw_error err;

    (void)state;
    journal = aw_journal_create (path, graph, &header, &err);
    assert_non_null (journal);
    ids (&node.cpus, "0-7");
    ids (&node.gpus, "0-1");
    for (node.node = 0; node.node < 3; node.node++) {
        node.name = names[node.node];
        append (journal, &node);
    }
    ids (&ev.cpus, "0-1");
    ids (&more[0].cpus, "2-5");
    ids (&more[0].gpus, "1");
    ids (&more[1].cpus, "7");
    ev.more = more;
    ev.n_more = 2;
    more[1].node = 3;
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    assert_non_null (strstr (err.text, "no node has number 3"));
    more[1].node = 2;
    append (journal, &ev);
    assert_int_equal (aw_journal_flush (journal, &err), 0);
    if (load (&history, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (history.n_attempts, 1);
    assert_int_equal (history.attempts[0].cpus, 7);
    assert_int_equal (history.attempts[0].gpu_parts, AW_GPU_WHOLE);
    assert_int_equal (history.attempts[0].n_more, 2);
    held = aw_history_held (&history, &history.attempts[0], 0);
    assert_int_equal (held.node, 0);
    assert_int_equal (held.cpus, 2);
    assert_int_equal (held.gpu_parts, 0);
    held = aw_history_held (&history, &history.attempts[0], 1);
    assert_int_equal (held.node, 1);
    assert_int_equal (held.gpu_parts, AW_GPU_WHOLE);
    assert_int_equal (history.nodes[1].busy_cpus, 4);
    assert_int_equal (history.nodes[2].busy_cpus, 1);
    aw_history_finish (&history);
    append (journal, &(struct aw_event){ .type = AW_EVENT_FINISH, .t = 2, .seconds = 1 });
    assert_int_equal (aw_journal_close (journal, &err), 0);
    if (load (&history, &err) < 0)
        fail_msg ("%s", err.text);
    for (uint32_t n = 0; n < 3; n++) {
        assert_int_equal (history.nodes[n].busy_cpus, 0);
        assert_int_equal (history.nodes[n].busy_gpu_parts, 0);
    }
    aw_history_finish (&history);
    aw_idset_finish (&node.cpus);
    aw_idset_finish (&node.gpus);
    aw_idset_finish (&ev.cpus);
    for (int i = 0; i < 2; i++) {
        aw_idset_finish (&more[i].cpus);
        aw_idset_finish (&more[i].gpus);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_lines_are_refused),
        cmocka_unit_test (tasks_of_several_nodes_are_read_as_written),
    };

    return cmocka_run_group_tests (tests, setup, teardown);
}
