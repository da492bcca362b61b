/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
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

#include "core/graph/graph.h"
#include "io/journal/journal.h"
#include "io/workflow/workflow.h"
#include "io/scan.h"
#include "io/textbuf.h"

#define HEADER "{\"async-workflow-journal\":1,\"epoch\":1763800000.123,\"name\":\"w\"}\n"
#define DURATIONS(text) "{\"async-workflow-journal\":1,\"epoch\":1,\"durations\":" text "}\n"
#define NODE \
    "{\"t\":0.1,\"event\":\"node\",\"node\":\"n1\",\"cpus\":\"0-7\",\"gpus\":\"0-1\",\"mem\":0}\n"

struct fixture {
    struct aw_graph *graph;
    char dir[32];
    char path[64];
};

static int setup (void **state)
{
    struct fixture *f = calloc (1, sizeof (*f));
    struct aw_set *set;

    assert_non_null (f);
    strcpy (f->dir, "/tmp/aw-journal.XXXXXX");
    assert_non_null (mkdtemp (f->dir));
    snprintf (f->path, sizeof (f->path), "%s/journal.jsonl", f->dir);
    f->graph = aw_graph_create ();
    assert_non_null (f->graph);
    set = aw_graph_add_set (f->graph, "simulate");
    assert_non_null (set);
    set->count = 20;
    set = aw_graph_add_set (f->graph, "tr\"ain");
    assert_non_null (set);
    f->graph->iterations = 3;
    f->graph->iterated = true;
    assert_int_equal (aw_graph_finalize (f->graph, NULL), 0);
    *state = f;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *f = *state;

    unlink (f->path);
    rmdir (f->dir);
    aw_graph_destroy (f->graph);
    free (f);
    return 0;
}

static void write_file (const struct fixture *f, const char *text, size_t len)
{
    FILE *file = fopen (f->path, "w");

    assert_non_null (file);
    assert_int_equal (fwrite (text, 1, len, file), len);
    assert_int_equal (fclose (file), 0);
}

static char *read_file (const char *path)
{
    FILE *file = fopen (path, "r");
    char *text = calloc (1, 1 << 16);

    assert_non_null (file);
    assert_non_null (text);
    assert_true (fread (text, 1, (1 << 16) - 1, file) > 0);
    fclose (file);
    return text;
}

static int count (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    (void)ev;
    (void)err;
    ++*(int *)arg;
    return 0;
}

/* Reads TEXT as a journal; the number of events or -1. */
static int read_text (const struct fixture *f, const char *text, bool *torn, struct aw_error *err)
{
    struct aw_journal_header header;
    int n = 0, rc;
    struct aw_journal_reading reading = { .fn = count, .arg = &n };

    write_file (f, text, strlen (text));
    err->text[0] = '\0';
    rc = aw_journal_read (f->path, f->graph, &reading, &header, err);
    if (torn)
        *torn = reading.torn;
    aw_journal_header_finish (&header);
    if (rc < 0)
        assert_non_null (strstr (err->text, f->path));
    return rc < 0 ? -1 : n;
}

/* What is written is read; the graph takes what it has sets for, and rounded as it was written. */
static void durations_of_earlier_runs_are_in_the_header (void **state)
{
    static const struct aw_journal_duration figures[] = {
        { (char *)(uintptr_t) "simulate", 10. / 3, 0.0512344449, 2 },
        { (char *)(uintptr_t) "gone", 5, NAN, NAN },
        { (char *)(uintptr_t) "tr\"ain", 4, NAN, NAN },
    };
    struct fixture *f = *state;
    struct aw_journal_header header = { .epoch = 1.5, .durations.from = strdup ("a, b\"") }, read;
    struct aw_workflow workflow = { .graph = f->graph };
    struct aw_journal_durations *d = &header.durations;
    struct aw_journal_reading reading = { 0 };
    struct aw_journal *journal;
    struct aw_error err;
    char *text;

    for (size_t i = 0; i < sizeof (figures) / sizeof (figures[0]); i++)
        assert_int_equal (aw_journal_durations_add (d, &figures[i]), 0);
    f->graph->sets[1].spread = 0.5;
    journal = aw_journal_create (f->path, f->graph, &header, &err);
    assert_non_null (journal);
    assert_int_equal (aw_journal_close (journal, &err), 0);
    text = read_file (f->path);
    assert_non_null (
        strstr (text, ",\"durations_from\":\"a, b\\\"\",\"durations\":{\"simulate\":{\"seconds\":"
                      "3.333333,\"spread\":0.051234,\"startup\":2},\"gone\":{\"seconds\":5},"
                      "\"tr\\\"ain\":{\"seconds\":4}},"));
    free (text);
    assert_int_equal (aw_journal_read_workflow (f->path, &workflow, &reading, &read, &err), 0);
    assert_int_equal (read.durations.n, 3);
    assert_string_equal (read.durations.from, "a, b\"");
    assert_true (f->graph->sets[0].duration == d->at[0].seconds);
    assert_true (f->graph->sets[0].spread == d->at[0].spread);
    assert_true (f->graph->sets[0].startup == 2 && f->graph->sets[1].startup == 0);
    assert_true (f->graph->sets[1].duration == 4 && f->graph->sets[1].spread == 0.5);
    aw_journal_header_finish (&read);
    aw_journal_durations_finish (d);
}

/* As its writer appends: half lines come in between. */
static void a_journal_is_followed_while_it_grows (void **state)
{
    static const char *const pieces[] = {
        HEADER "{\"t\":1,\"event\":\"stop\"}\n",
        "",
        "{\"t\":2,\"eve",
        "nt\":\"stop\"}",
        "\n{\"t\":3,\"event\":\"stop\"}\n{\"t\":4,\"event\":\"stop\"}\n{",
    };
    static const int after[] = { 1, 1, 1, 1, 4 };
    static const bool torn[] = { false, false, true, true, true };
    struct fixture *f = *state;
    struct aw_workflow workflow = { .graph = f->graph };
    struct aw_journal_header header;
    struct aw_journal_follow *follow;
    struct aw_error err;
    int n = 0;
    struct aw_journal_reading reading = { .fn = count, .arg = &n };
    FILE *file;

    write_file (f, pieces[0], strlen (pieces[0]));
    follow = aw_journal_follow (f->path, &workflow, &reading, &header, &err);
    assert_non_null (follow);
    assert_int_equal (n, after[0]);
    for (size_t i = 1; i < sizeof (pieces) / sizeof (pieces[0]); i++) {
        file = fopen (f->path, "a");
        assert_non_null (file);
        assert_true (fputs (pieces[i], file) >= 0 && fclose (file) == 0);
        assert_int_equal (aw_journal_follow_more (follow, &reading, &err), 0);
        assert_int_equal (n, after[i]);
        assert_true (reading.torn == torn[i]);
    }
    file = fopen (f->path, "a");
    assert_non_null (file);
    assert_true (fputs ("wrong\n", file) >= 0 && fclose (file) == 0);
    assert_int_equal (aw_journal_follow_more (follow, &reading, &err), -1);
    assert_non_null (strstr (err.text, "line 6"));
    aw_journal_follow_close (follow);
    aw_journal_follow_close (NULL);
    aw_journal_header_finish (&header);
}

static void a_wrong_journal_is_refused (void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        { "", "first line is incomplete" },
        { "{\"async-workflow-journal\":1", "first line is incomplete" },
        { "\n", "line 1: this is not a journal" },
        { "{}\n", "line 1: not valid JSON" },
        { "{\"a\":1}\n", "line 1: this is not a journal" },
        { "{\"async-workflow-journal\":2}\n", "journal version 2 is not known" },
        { "{\"async-workflow-journal\":-1}\n", "journal version -1 is not known" },
        { "{\"async-workflow-journal\":\"1\"}\n", "line 1: not valid JSON" },
        { "{\"async-workflow-journal\":1,\"epoch\":-5}\n", "\"epoch\" is out of range" },
        { "{\"async-workflow-journal\":1} x\n", "line 1: not valid JSON at column 30" },
        { HEADER "\n", "line 2: not a JSON object" },
        { HEADER "[]\n", "line 2: not a JSON object" },
        { HEADER "{\"t\":1}\n", "line 2: \"event\" is missing" },
        { HEADER "{\"event\":\"end\"}\n", "line 2: \"t\" is missing" },
        { HEADER "{\"t\":1,\"event\":\"end\"}\n", "\"code\" is missing" },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":0\n", "not valid JSON" },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":0}}\n", "not valid JSON" },
        { HEADER "{\"t\":1,\"t\":1,\"event\":\"end\",\"code\":0}\n", "\"t\" is given twice" },
        { HEADER "{\"t\":\"1\",\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":01,\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":NaN,\"event\":\"end\",\"code\":0}\n", "\"t\" must be a number" },
        { HEADER "{\"t\":-1,\"event\":\"end\",\"code\":0}\n", "\"t\" is out of range" },
        { HEADER "{\"t\":1e400,\"event\":\"end\",\"code\":0}\n", "\"t\" is out of range" },
        { HEADER "{\"t\":1,\"event\":5,\"code\":0}\n", "\"event\" must be a string" },
        { HEADER "{\"t\":1,\"event\":\"\\u0000\",\"code\":0}\n", "\"event\" must be a string" },
        { HEADER "{\"t\":1,\"event\":\"dance\"}\n", "unknown event \"dance\"" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[20]\"}\n",
          "no task \"simulate@0[20]\"" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@3[0]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate[0]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[00]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[0]x\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@0[4294967296]\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"\"}\n", "no task" },
        { HEADER "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
                 "\"n9\",\"cpus\":\"0\"}\n",
          "no node with the name \"n9\"" },
        { HEADER NODE "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@0[0]\",\"attempt\":0,"
                      "\"node\":\"n1\",\"cpus\":\"0-\"}\n",
          "line 3: \"cpus\": \"0-\" is not a list" },
        { HEADER NODE "{\"t\":0.05,\"event\":\"stop\"}\n", "line 3: time goes back from 0.1" },
        { DURATIONS ("{\"a\":{\"seconds\":-1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1e11}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1,\"spread\":11}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1,\"startup\":-1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"spread\":1}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{}}"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":1}"), "line 1: not valid JSON" },
        { DURATIONS ("[]"), "line 1: not valid JSON" },
        { DURATIONS ("{\"a\":{\"seconds\":1},}"), "line 1: not valid JSON" },
        { HEADER NODE "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,"
                      "\"node\":\"n1\",\"status\":\"odd\",\"seconds\":1}\n",
          "unknown status \"odd\"" },
    };
    struct fixture *f = *state;
    struct aw_journal_header header;
    struct aw_error err;

    assert_int_equal (aw_journal_read ("/nonexistent/j", f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "No such file"));
    assert_int_equal (aw_journal_read ("/tmp", f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "not a regular file"));
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_int_equal (read_text (f, table[i].text, NULL, &err), -1);
        if (!strstr (err.text, table[i].message))
            fail_msg ("row %zu: \"%s\" is not in \"%s\"", i, table[i].message, err.text);
    }
}

static void a_zero_byte_in_a_line_is_an_error (void **state)
{
    static const char text[] = HEADER "{\"t\":1,\"event\":\"stop\"\0}\n";
    struct fixture *f = *state;
    struct aw_journal_header header;
    struct aw_error err;

    write_file (f, text, sizeof (text) - 1);
    assert_int_equal (aw_journal_read (f->path, f->graph, NULL, &header, &err), -1);
    assert_non_null (strstr (err.text, "line 2: a NUL byte"));
    aw_journal_header_finish (&header);
}

static void what_is_whole_is_read_and_what_is_torn_is_told (void **state)
{
    static const struct {
        const char *text;
        int events;
        bool torn;
    } table[] = {
        { HEADER, 0, false },
        { DURATIONS ("{}"), 0, false },
        { DURATIONS (" { \"a\" : { \"seconds\" : 0 , \"spread\" : 10 , \"new\" : [ 1 ] } } "), 0,
          false },
        { HEADER "{", 0, true },
        { HEADER NODE, 1, false },
        { HEADER NODE "{\"t\":0.2,\"event\":\"st", 1, true },
        { HEADER " { \"event\" : \"stop\" , \"t\" : 1.5e0 } \r\n", 1, false },
        { HEADER
          "{\"t\":1,\"event\":\"stop\",\"new\":{\"a\":[1,true,null,{}],\"b\":\"\\u00e9\"}}\n",
          1, false },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"tr\\\"ain@2[0]\"}\n", 1, false },
        { HEADER "{\"t\":1,\"event\":\"skip\",\"task\":\"\\u0073imulate@2[19]\"}\n", 1, false },
        { HEADER "{\"t\":1,\"event\":\"end\",\"code\":-1}\n", 1, false },
    };
    struct fixture *f = *state;
    struct aw_error err;

    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        bool torn = !table[i].torn;
        int n = read_text (f, table[i].text, &torn, &err);
        if (n != table[i].events || torn != table[i].torn)
            fail_msg ("row %zu: %d events, torn %d: %s", i, n, torn, err.text);
    }
}

/* A file that ends anywhere at all reads as what is whole of it. */
static void a_cut_file_reads_as_what_is_whole_of_it (void **state)
{
    static const char text[] = HEADER NODE "{\"t\":1,\"event\":\"stop\",\"reason\":\"x\"}\n";
    struct fixture *f = *state;
    struct aw_error err;
    char cut[sizeof (text)];

    for (size_t len = strlen (HEADER); len < sizeof (text); len++) {
        int lines = 0;
        memcpy (cut, text, len);
        cut[len] = '\0';
        for (size_t i = 0; i < len; i++)
            lines += cut[i] == '\n';
        assert_int_equal (read_text (f, cut, NULL, &err), lines - 1);
    }
}

/* Events of every type with every member. */
static const struct aw_event samples[] = {
    { .type = AW_EVENT_NODE, .t = 0.151, .node = 0, .name = "n\"1", .mem = 1ull << 40 },
    { .type = AW_EVENT_NODE, .t = 0.151, .node = 1, .name = "n2" },
    { .type = AW_EVENT_READY, .t = 0.152, .task = 25, .attempt = 1 },
    { .type = AW_EVENT_START, .t = 0.152001, .task = 25, .attempt = 1, .node = 1 },
    { .type = AW_EVENT_KILL,
      .t = 1,
      .task = 25,
      .attempt = 1,
      .reason = "time limit\n\x1b[1m\xff" },
    { .type = AW_EVENT_FINISH,
      .t = 123456789.654321,
      .task = 25,
      .attempt = 1,
      .node = 1,
      .status = AW_STATUS_TIMEOUT,
      .code = 3,
      .signal = 15,
      .seconds = 9.718,
      .cpu_seconds = 9.6,
      .max_rss = 1048576,
      .gpu_known = true,
      .gpu_util = 0.875,
      .gpu_mem = UINT64_C (1) << 35 },
    { .type = AW_EVENT_SKIP, .t = 123456789.654321, .task = 20 },
    { .type = AW_EVENT_NODE_LOST, .t = 2e8, .node = 0, .reason = "gone" },
    { .type = AW_EVENT_STOP, .t = 2e8, .reason = "SIGINT" },
    { .type = AW_EVENT_END, .t = 2e8, .code = 3 },
};

/* Journals are read by earlier and later versions: lines stay as they are, byte for byte. */
static void lines_stay_the_same (void **state)
{
    static const struct aw_part more = { .node = 1 };
    static const struct aw_resume resume = { .epoch = 1.5, .job = "7", .mode = "async" };
    static const struct aw_resume changed = { .policy = "fifo", .workflow = "d\"" };
    static const struct aw_indexes gone[] = { { 0, 0, 3 }, { 0, 8, 8 }, { 1, 2, 2 } };
    static const struct aw_resume dropped = { .workflow = "d", .dropped = gone, .n_dropped = 3 };
    static const struct {
        struct aw_event event;
        const char *line;
    } table[] = {
        { { .type = AW_EVENT_NODE, .t = 0.5, .name = "n\"1", .mem = 7, .topology = "T" },
          "{\"t\":0.5,\"event\":\"node\",\"node\":\"n\\\"1\",\"cpus\":\"\",\"gpus\":\"\",\"mem\":7,"
          "\"topology\":\"T\"}" },
        { { .type = AW_EVENT_NODE, .t = 0.5, .node = 1, .name = "n2" },
          "{\"t\":0.5,\"event\":\"node\",\"node\":\"n2\",\"cpus\":\"\",\"gpus\":\"\",\"mem\":0}" },
        { { .type = AW_EVENT_READY, .t = 1, .task = 25, .attempt = 2 },
          "{\"t\":1,\"event\":\"ready\",\"task\":\"simulate@1[4]\",\"attempt\":2}" },
        { { .type = AW_EVENT_STAGE, .t = 1, .task = 25, .node = 1 },
          "{\"t\":1,\"event\":\"stage\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n2\"}" },
        { { .type = AW_EVENT_STAGED, .t = 1, .task = 25, .node = 1, .seconds = 0.25, .bytes = 9 },
          "{\"t\":1,\"event\":\"staged\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":\"n2\","
          "\"seconds\":0.25,\"bytes\":9}" },
        { { .type = AW_EVENT_START, .t = 1, .task = 25, .more = &more, .n_more = 1 },
          "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"cpus\":\"\",\"gpus\":\"\",\"more\":[{\"node\":\"n2\",\"cpus\":\"\","
          "\"gpus\":\"\"}]}" },
        { { .type = AW_EVENT_KILL, .t = 1, .task = 25, .reason = "\t\xff" },
          "{\"t\":1,\"event\":\"kill\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"reason\":"
          "\"\\t\xef\xbf\xbd\"}" },
        { { .type = AW_EVENT_RELEASE, .t = 1, .task = 25, .seconds = 2 },
          "{\"t\":1,\"event\":\"release\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"seconds\":2}" },
        { { .type = AW_EVENT_FINISH,
            .t = 1,
            .task = 25,
            .status = AW_STATUS_FAILED,
            .code = 3,
            .signal = 9,
            .seconds = 1,
            .cpu_seconds = 2,
            .max_rss = 3,
            .reason = "r" },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"failed\",\"code\":3,\"signal\":9,\"seconds\":1,\"cpu_seconds\":"
          "2,\"max_rss\":3,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_FINISH, .t = 1, .gpu_known = true, .gpu_util = 0.5, .gpu_mem = 4 },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":0,\"cpu_"
          "seconds\":0,\"max_rss\":0,\"gpu_util\":0.5,\"gpu_mem\":4}" },
        { { .type = AW_EVENT_FINISH, .t = 1, .gpu_known = true, .gpu_util = -1 },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":0,\"cpu_"
          "seconds\":0,\"max_rss\":0,\"gpu_mem\":0}" },
        { { .type = AW_EVENT_SKIP, .t = 1, .task = 25, .attempt = 2 },
          "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@1[4]\"}" },
        { { .type = AW_EVENT_MESSAGE, .t = 1, .name = "topic", .count = 12 },
          "{\"t\":1,\"event\":\"message\",\"topic\":\"topic\",\"count\":12}" },
        { { .type = AW_EVENT_CANCEL, .t = 1, .task = 20, .count = 5 },
          "{\"t\":1,\"event\":\"cancel\",\"task\":\"tr\\\"ain@0[0]\",\"count\":5}" },
        { { .type = AW_EVENT_CANCEL, .t = 1, .task = 20, .count = 5, .code = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"cancel\",\"task\":\"tr\\\"ain@0[0]\",\"code\":1,\"count\":5,"
          "\"reason\":\"r\"}" },
        { { .type = AW_EVENT_ADD, .t = 1, .task = 25, .attempt = 1, .text = "{\n}" },
          "{\"t\":1,\"event\":\"add\",\"task\":\"simulate@1[4]\",\"attempt\":1,\"workflow\":\"{\\n}"
          "\"}" },
        { { .type = AW_EVENT_STALL, .t = 1, .task = 20, .name = "t", .count = 2, .reason = "r" },
          "{\"t\":1,\"event\":\"stall\",\"task\":\"tr\\\"ain@0[0]\",\"attempt\":0,\"topic\":\"t\","
          "\"count\":2,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_NODE_DRAIN, .t = 1, .node = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"node_aside\",\"node\":\"n2\",\"reason\":\"r\"}" },
        { { .type = AW_EVENT_NODE_DRAIN, .t = 1, .node = 1, .code = 1 },
          "{\"t\":1,\"event\":\"node_aside\",\"node\":\"n2\",\"code\":1}" },
        { { .type = AW_EVENT_LIMIT, .t = 1, .seconds = 60, .reason = "r" },
          "{\"t\":1,\"event\":\"limit\",\"seconds\":60,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_WAKE, .t = 1 }, "{\"t\":1,\"event\":\"wake\"}" },
        { { .type = AW_EVENT_NODE_LOST, .t = 1, .node = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"node_lost\",\"node\":\"n2\",\"reason\":\"r\"}" },
        { { .type = AW_EVENT_STOP, .t = 1 }, "{\"t\":1,\"event\":\"stop\"}" },
        { { .type = AW_EVENT_STOP, .t = 1, .code = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"stop\",\"code\":1,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_END, .t = 0.5, .code = -1 },
          "{\"t\":1,\"event\":\"end\",\"code\":-1}" },
        { { .type = AW_EVENT_END, .t = 1 }, "{\"t\":1,\"event\":\"end\",\"code\":0}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &resume },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":1.5,\"job\":\"7\",\"mode\":\"async\"}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &changed, .reason = "r" },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":0,\"policy\":\"fifo\",\"workflow\":\"d\\\"\","
          "\"again\":[],\"reason\":\"r\"}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &dropped },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":0,\"workflow\":\"d\",\"again\":[],"
          "\"dropped\":[\"simulate[0-3,8]\",\"tr\\\"ain[2]\"]}" },
    };
    struct aw_journal_header header = { .epoch = 1 };
    struct fixture *f = *state;
    struct aw_journal *journal = aw_journal_create (f->path, f->graph, &header, NULL);
    char line[256];
    FILE *file;

    assert_non_null (journal);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_int_equal (aw_journal_append (journal, &table[i].event, NULL), 0);
    assert_int_equal (aw_journal_close (journal, NULL), 0);
    file = fopen (f->path, "r");
    assert_non_null (file);
    assert_non_null (fgets (line, sizeof (line), file)); /* the header */
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_non_null (fgets (line, sizeof (line), file));
        line[strcspn (line, "\n")] = '\0';
        assert_string_equal (line, table[i].line);
    }
    assert_null (fgets (line, sizeof (line), file));
    fclose (file);
}

static int compare (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    const struct aw_event *want = &samples[(*(int *)arg)++];
    struct aw_idset cpus = { 0 };

    (void)err;
    assert_int_equal (ev->type, want->type);
    assert_float_equal (ev->t, want->t, 1e-7);
    assert_int_equal (ev->task, want->task);
    assert_int_equal (ev->attempt, want->attempt);
    assert_int_equal (ev->node, want->node);
    assert_int_equal (ev->status, want->status);
    assert_int_equal (ev->code, want->code);
    assert_int_equal (ev->signal, want->signal);
    assert_float_equal (ev->seconds, want->seconds, 1e-7);
    assert_float_equal (ev->cpu_seconds, want->cpu_seconds, 1e-7);
    assert_int_equal (ev->max_rss, want->max_rss);
    assert_int_equal (ev->gpu_known, want->gpu_known);
    assert_float_equal (ev->gpu_util, want->gpu_known ? want->gpu_util : -1, 1e-7);
    assert_int_equal (ev->gpu_mem, want->gpu_mem);
    assert_int_equal (ev->mem, want->mem);
    if (want->name)
        assert_string_equal (ev->name, want->name);
    if (want->type == AW_EVENT_KILL)
        assert_string_equal (
            ev->reason, "time limit\n\x1b[1m\xef\xbf\xbd"); /* escaped and back; bad UTF-8 is not */
    else if (want->reason)
        assert_string_equal (ev->reason, want->reason);
    else
        assert_null (ev->reason);
    if (want->type == AW_EVENT_NODE || want->type == AW_EVENT_START)
        assert_int_equal (aw_idset_parse (&cpus, "0-3,8"), 0);
    assert_true (aw_idset_equal (&ev->cpus, &cpus));
    aw_idset_finish (&cpus);
    return 0;
}

static struct aw_journal *create (const struct fixture *f)
{
    struct aw_journal_header header = {
        .epoch = 1763800000.123, .name = "d\"d", .mode = "async", .policy = "fifo"
    };
    struct aw_error err;
    struct aw_journal *journal = aw_journal_create (f->path, f->graph, &header, &err);

    if (!journal)
        fail_msg ("%s", err.text);
    return journal;
}

static void events_are_read_as_they_were_written (void **state)
{
    struct fixture *f = *state;
    struct aw_journal *journal = create (f);
    struct aw_journal_header header;
    struct aw_error err;
    int n = 0;
    struct aw_journal_reading reading = { .fn = compare, .arg = &n, .torn = true };

    for (size_t i = 0; i < sizeof (samples) / sizeof (samples[0]); i++) {
        struct aw_event ev = samples[i];
        if (ev.type == AW_EVENT_NODE || ev.type == AW_EVENT_START)
            assert_int_equal (aw_idset_parse (&ev.cpus, "0-3,8"), 0);
        if (aw_journal_append (journal, &ev, &err) < 0)
            fail_msg ("%s", err.text);
        aw_idset_finish (&ev.cpus);
    }
    assert_int_equal (aw_journal_close (journal, &err), 0);
    if (aw_journal_read (f->path, f->graph, &reading, &header, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (n, sizeof (samples) / sizeof (samples[0]));
    assert_false (reading.torn);
    assert_int_equal (header.version, 1);
    assert_float_equal (header.epoch, 1763800000.123, 1e-6);
    assert_string_equal (header.name, "d\"d");
    assert_string_equal (header.policy, "fifo");
    assert_null (header.job);
    aw_journal_header_finish (&header);
}

/* The very text: others read these files too. */
static void the_text_of_the_file_stays_the_same (void **state)
{
    static const char start[] = "{\"t\":0.152,\"event\":\"start\",\"task\":\"simulate@2[17]\","
                                "\"attempt\":0,\"node\":\"n1\",\"cpus\":\"0-3\",\"gpus\":\"\"}\n";
    static const char finish[] =
        "{\"t\":9.871,\"event\":\"finish\",\"task\":\"simulate@2[17]\",\"attempt\":0,\"node\":"
        "\"n1\",\"status\":\"completed\","
        "\"code\":0,\"signal\":0,\"seconds\":9.718,\"cpu_seconds\":9.6,\"max_rss\":1048576}\n";
    struct fixture *f = *state;
    struct aw_journal *journal = create (f);
    struct aw_event node = { .type = AW_EVENT_NODE, .t = 0.1, .name = "n1" };
    struct aw_event ev = { .type = AW_EVENT_START, .t = 0.152, .task = 2 * 21 + 17 };
    struct stat st;
    char *all;

    assert_int_equal (aw_idset_parse (&ev.cpus, "0-3"), 0);
    assert_int_equal (aw_journal_append (journal, &node, NULL), 0);
    assert_int_equal (aw_journal_append (journal, &ev, NULL), 0);
    aw_idset_finish (&ev.cpus);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH,
                            .t = 9.871,
                            .task = 2 * 21 + 17,
                            .seconds = 9.718,
                            .cpu_seconds = 9.6,
                            .max_rss = 1048576 };
    assert_int_equal (aw_journal_append (journal, &ev, NULL), 0);
    assert_int_equal (aw_journal_close (journal, NULL), 0);
    assert_int_equal (stat (f->path, &st), 0);
    assert_int_equal (st.st_mode & 07777, 0600);
    all = read_file (f->path);
    assert_non_null (strstr (all, "{\"async-workflow-journal\":1,\"epoch\":1763800000.123,\"name\":"
                                  "\"d\\\"d\",\"mode\":\"async\""));
    assert_non_null (strstr (all, start));
    assert_non_null (strstr (all, finish));
    free (all);
}

static void what_cannot_be_written_is_refused (void **state)
{
    struct fixture *f = *state;
    struct aw_journal_header header = { 0 };
    struct aw_journal *journal;
    struct aw_event ev = { .type = AW_EVENT_START };
    struct aw_error err;

    assert_null (aw_journal_create ("/nonexistent/j", f->graph, &header, &err));
    journal = create (f);
    assert_null (aw_journal_create (f->path, f->graph, &header, &err)); /* never overwritten */
    assert_non_null (strstr (err.text, "File exists"));
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1); /* no node yet */
    ev = (struct aw_event){ .type = AW_EVENT_NODE, .node = 1, .name = "n2" };
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1); /* out of order */
    ev = (struct aw_event){ .type = AW_EVENT_SKIP, .task = 63 };
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    ev.type = AW_EVENT_TYPES;
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    ev = (struct aw_event){ .type = AW_EVENT_STOP, .t = 5 };
    assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    ev.t = 4; /* a clock that falls: the journal's does not */
    assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    assert_int_equal (aw_journal_close (journal, &err), 0);
    assert_int_equal (aw_journal_read (f->path, f->graph, NULL, &header, &err), 0);
    aw_journal_header_finish (&header);
    assert_int_equal (aw_journal_close (NULL, NULL), 0);
}

/* What cannot be written stays buffered and goes out when there is room again. */
static void what_a_full_disk_refuses_goes_out_later (void **state)
{
    struct fixture *f = *state;
    struct aw_journal_header header = { 0 };
    struct aw_journal *journal = create (f);
    struct rlimit old, tight = { .rlim_cur = 1000 };
    struct aw_event ev = { .type = AW_EVENT_SKIP };
    struct aw_error err;
    int n = 0;

    assert_int_equal (getrlimit (RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &tight), 0);
    for (int i = 0; i < 50; i++, ev.t += 0.1)
        assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    assert_int_equal (aw_journal_flush (journal, &err), -1);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &old), 0);
    assert_non_null (strstr (err.text, "File too large"));
    assert_int_equal (aw_journal_close (journal, &err), 0);
    assert_int_equal (aw_journal_read (f->path, f->graph,
                                       &(struct aw_journal_reading){ .fn = count, .arg = &n },
                                       &header, &err),
                      0);
    assert_int_equal (n, 50);
    aw_journal_header_finish (&header);
}

static void numbers_are_read_within_their_limits (void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        { "0", 0 },
        { "-0", -0.0 },
        { "1", 1 },
        { "0.151", 0.151 },
        { "1e3", 1000 },
        { "12.5E-1", 1.25 },
        { "1e-400", 0 },
        { "123456789.654321", 123456789.654321 },
        { "9007199254740993", 9007199254740992.0 },
        { "0.1", 0.1 },
        { "1763800000.123456", 1763800000.123456 },
    };
    static const char *const bad[] = { "", "-", ".5", "1.", "1e", "1e+", "00", "+1", "x", "\"1\"" };

    (void)state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++) {
        char buf[64], *p = buf;
        double value;
        strcpy (buf, good[i].text);
        assert_int_equal (aw_scan_number (&p, &value), 0);
        assert_true (value == good[i].value);
        assert_int_equal (*p, '\0');
    }
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        char buf[64], *p = buf;
        double value;
        strcpy (buf, bad[i]);
        assert_int_equal (aw_scan_number (&p, &value), -1);
    }
}

static void strings_are_unescaped (void **state)
{
    static const struct {
        const char *text, *value; /* NULL: an error */
    } table[] = {
        { "\"\"", "" },
        { "\"a\\n\\\"\\\\\\/\\u0041\"", "a\n\"\\/A" },
        { "\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\ud83d\"", NULL },
        { "\"\\ude00\"", NULL },
        { "\"\\ud83d\\u0041\"", NULL },
        { "\"\\u0000\"", NULL },
        { "\"\\x\"", NULL },
        { "\"a", NULL },
        { "\"a\\", NULL },
        { "\"\t\"", NULL },
        { "a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char buf[64], *p = buf, *value;
        strcpy (buf, table[i].text);
        assert_int_equal (aw_scan_string (&p, &value), table[i].value ? 0 : -1);
        if (table[i].value)
            assert_string_equal (value, table[i].value);
    }
}

static void nesting_has_a_limit (void **state)
{
    char deep[10002], *p = deep;

    (void)state;
    memset (deep, '[', sizeof (deep) - 1);
    deep[sizeof (deep) - 1] = '\0';
    assert_int_equal (aw_scan_skip (&p), -1);
}

static void numbers_are_written_with_the_places_that_matter (void **state)
{
    static const struct {
        double value;
        int places;
        const char *text;
    } table[] = {
        { 0, 6, "0" },         { 0.152, 6, "0.152" },
        { 1.0000004, 6, "1" }, { 1.0000006, 6, "1.000001" },
        { 0.9999999, 6, "1" }, { 123456789.654321, 6, "123456789.654321" },
        { -1.5, 1, "-1.5" },   { -0.01, 1, "0" },
        { 2.25, 0, "2" },      { 1e300, 6, "null" },
        { 3.10, 2, "3.1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_textbuf buf = { 0 };
        aw_textbuf_fixed (&buf, table[i].value, table[i].places);
        aw_textbuf_putc (&buf, '\0');
        assert_string_equal (buf.data, table[i].text);
        aw_textbuf_finish (&buf);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (durations_of_earlier_runs_are_in_the_header, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_journal_is_followed_while_it_grows, setup, teardown),
        cmocka_unit_test_setup_teardown (a_wrong_journal_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (a_zero_byte_in_a_line_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown (what_cannot_be_written_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (what_a_full_disk_refuses_goes_out_later, setup, teardown),
        cmocka_unit_test_setup_teardown (what_is_whole_is_read_and_what_is_torn_is_told, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (lines_stay_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown (a_cut_file_reads_as_what_is_whole_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown (events_are_read_as_they_were_written, setup, teardown),
        cmocka_unit_test_setup_teardown (the_text_of_the_file_stays_the_same, setup, teardown),
        cmocka_unit_test (numbers_are_read_within_their_limits),
        cmocka_unit_test (strings_are_unescaped),
        cmocka_unit_test (nesting_has_a_limit),
        cmocka_unit_test (numbers_are_written_with_the_places_that_matter),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
