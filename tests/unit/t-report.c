/* SPDX-License-Identifier: Apache-2.0 */
/* The report: states, resumes, JSON, the trace and text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "cmd/report/report_chart.h"
#include "io/journal/journal.h"
#include "model/simulate.h"
#include "picture.h"
#include "report-run.h"

static void a_directory_that_is_not_a_run_is_rejected (void **state)
{
    static const struct {
        const char *name, *text, *message;
    } table[] = {
        { NULL, NULL, "not a run directory: workflow.json is missing" },
        { "workflow.json", "{", "workflow.json" },
        { "workflow.json", report_run_small, "journal.jsonl: No such file or directory" },
        { "journal.jsonl", "", "journal.jsonl: its first line is incomplete" },
        { "journal.jsonl",
          "{\"async-workflow-journal\":1}\n{\"t\":0,\"event\":\"finish\",\"task\":\"T0[0]\"}\n",
          "journal.jsonl: line 2: \"attempt\" is missing" },
        { "journal.jsonl",
          "{\"async-workflow-journal\":1}\n{\"t\":0,\"event\":\"node\",\"node\":\"n\",\"cpus\":"
          "\"0\"}\n"
          "{\"t\":0,\"event\":\"finish\",\"task\":\"T0[0]\",\"attempt\":0,\"node\":\"n\","
          "\"status\":\"completed\","
          "\"seconds\":1}\n",
          "journal.jsonl: line 3: T0[0] ends but does not run" },
    };
    struct report_run *f = *state;
    struct aw_problems problems;
    struct aw_report report;
    char none[64];

    aw_problems_init (&problems);
    snprintf (none, sizeof (none), "%s/none", f->parent);
    assert_int_equal (aw_report_load (&report, none, &problems), -1);
    assert_non_null (strstr (problems.items[0].text, "none: No such file"));
    aw_problems_finish (&problems);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        if (table[i].name)
            report_run_write_file (f->parent, table[i].name, table[i].text, strlen (table[i].text));
        aw_problems_init (&problems);
        assert_int_equal (aw_report_load (&report, f->parent, &problems), -1);
        assert_true (problems.n_items > 0);
        if (!strstr (problems.items[0].text, table[i].message))
            fail_msg ("row %zu: %s", i, problems.items[0].text);
        assert_null (strchr (problems.items[0].text, '\n'));
        aw_problems_finish (&problems);
    }
}

/* Loaded at every moment of its life, a run is reported as what it is, in every format. */
static void a_report_at_any_moment_names_the_state_of_the_run (void **state)
{
    static void (*const formats[]) (const struct aw_report *, struct aw_textbuf *) = {
        aw_report_text,
        aw_report_json,
        aw_report_trace,
    };
    static const struct {
        const char *name;
        enum aw_outcome outcome;
    } moments[] = {
        { "begun", AW_OUTCOME_RUNNING },           { "a node", AW_OUTCOME_RUNNING },
        { "started", AW_OUTCOME_RUNNING },         { "one done", AW_OUTCOME_RUNNING },
        { "interrupted", AW_OUTCOME_INTERRUPTED },
    };
    struct report_run *f = *state;

    report_run_begin (f, report_run_small);
    for (size_t i = 0; i < sizeof (moments) / sizeof (moments[0]); i++) {
        struct aw_report report;
        switch (i) {
        case 1:
            report_run_add_node (f);
            break;
        case 2:
            report_run_start (f, 0, 0, 1);
            break;
        case 3:
            report_run_finish (f, 0, 0, 3, AW_STATUS_COMPLETED, 0, 0);
            report_run_start (f, 1, 0, 3);
            break;
        case 4:
            report_run_end (f);
            break;
        default:
            break;
        }
        if (f->journal)
            assert_int_equal (aw_journal_flush (f->journal, NULL), 0);
        report_run_load (f, &report);
        if (aw_report_outcome (&report) != moments[i].outcome)
            fail_msg ("%s: %s", moments[i].name, aw_outcome_name (aw_report_outcome (&report)));
        for (size_t k = 0; k < sizeof (formats) / sizeof (formats[0]); k++)
            free (report_run_text (&report, formats[k]));
        report_run_check_svg (&report, true);
        aw_report_finish (&report);
    }
}

static void resume (struct report_run *f, double t, const char *job)
{
    struct aw_resume resume = { .epoch = 1763800000, .job = job };

    report_run_append (f, &(struct aw_event){ .type = AW_EVENT_RESUME, .t = t, .resume = &resume });
    report_run_add_node_at (f, t);
}

/* Two tasks of 10 s each, an hour and a day of nothing between: one band a node, and the tasks take
 * nearly all of the width.
 */
static void a_resumed_run_leaves_out_the_time_between_its_jobs (void **state)
{
    struct report_run *f = *state;
    struct aw_report report;
    struct aw_box tasks;
    char *svg, *text, *trace;
    double width = 0;

    report_run_begin (f, report_run_small);
    report_run_add_node_at (f, 0);
    report_run_start (f, 0, 0, 0);
    report_run_finish (f, 0, 0, 10, AW_STATUS_COMPLETED, 0, 0);
    resume (f, 3610, "7");
    report_run_start (f, 1, 0, 3610);
    report_run_finish (f, 1, 0, 3620, AW_STATUS_COMPLETED, 0, 0);
    resume (f, 90020, "7"); /* the same job again is no other one */
    resume (f, 90020, "8");
    report_run_start (f, 2, 0, 90020);
    report_run_finish (f, 2, 0, 90030, AW_STATUS_COMPLETED, 0, 0);
    report_run_end (f);
    report_run_load (f, &report);
    svg = report_run_text (&report, aw_report_svg);
    picture_check_xml (svg);
    tasks = picture_frame (svg, 0);
    assert_non_null (strstr (svg, ">n1<"));
    assert_null (strstr (strstr (svg, ">n1<") + 1, ">n1<"));
    for (const char *at = svg; (at = strstr (at, "<rect x=")); at++)
        width += picture_number (at, " width=\"");
    assert_in_range ((int)(100 * width / tasks.width), 90, 98);
    width = picture_number (strstr (svg, "class=\"gap\""), " width=\"");
    assert_true (width > 5 && width < 0.03 * tasks.width);
    assert_non_null (strstr (svg, "interrupted for 1h00m"));
    assert_non_null (strstr (svg, "class=\"break\""));
    assert_non_null (strstr (svg, "interruptions not counted (s)"));
    free (svg);
    trace = report_run_text (&report, aw_report_trace);
    assert_non_null (strstr (trace, "\"process_name\",\"pid\":1,"));
    assert_null (strstr (trace, "\"pid\":2,"));
    free (trace);
    text = report_run_text (&report, aw_report_text);
    assert_non_null (strstr (text, "  Slurm jobs    7, 8\n"));
    free (text);
    aw_report_finish (&report);
}

static struct json_object *member (struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex (object, key, &value))
        fail_msg ("no \"%s\"", key);
    return value;
}

static struct json_object *parse (const struct aw_report *report,
                                  void (*format) (const struct aw_report *, struct aw_textbuf *))
{
    enum json_tokener_error error;
    char *text = report_run_text (report, format);
    struct json_object *object = json_tokener_parse_verbose (text, &error);

    if (!object)
        fail_msg ("%s", json_tokener_error_desc (error));
    free (text);
    return object;
}

static void the_json_report_agrees_with_the_summary (void **state)
{
    struct report_run *f = *state;
    struct aw_report report;
    struct json_object *all, *chain, *load_, *failures;
    double waited = 0, last = 0;
    int64_t sum = 0;

    report_run_begin (f, report_run_small);
    report_run_simulate (f, 1, 4, 0, "n<1>\"\x02\xff");
    report_run_load (f, &report);
    all = parse (&report, aw_report_json);
    assert_string_equal (json_object_get_string (member (all, "state")), "completed");
    assert_int_equal (json_object_get_int (member (all, "exit_status")), 0);
    assert_float_equal (json_object_get_double (member (all, "makespan")), report.summary.makespan,
                        1e-6);
    assert_float_equal (json_object_get_double (member (all, "predicted")), 20, 0);
    assert_null (member (all, "gpu_share"));
    json_object_object_foreach (member (all, "tasks"), key,
                                value) if (strcmp (key, "all") != 0 && strcmp (key, "retried") != 0)
        sum += json_object_get_int64 (value);
    assert_int_equal (sum, 6);
    chain = member (all, "chain");
    assert_int_equal (json_object_array_length (chain), report.n_chain);
    for (size_t i = 0; i < report.n_chain; i++) {
        struct json_object *link = json_object_array_get_idx (chain, i);
        waited += json_object_get_double (member (link, "waited"));
        last = json_object_get_double (member (link, "finish"));
    }
    assert_float_equal (last, report.summary.last_finish, 1e-6);
    assert_true (waited >= 0);
    load_ = member (member (all, "utilization"), "cpus");
    assert_int_equal (json_object_array_length (load_), 200);
    failures = member (all, "failures");
    assert_int_equal (json_object_array_length (failures), 0);
    json_object_put (all);
    aw_report_finish (&report);
}

/* Slices of one lane never overlap, and there is one for each attempt. */
static void tasks_of_a_row_in_the_trace_do_not_overlap (void **state)
{
    static const char workflow[] =
        "{ \"async-workflow\": 1, \"name\": \"t\", \"iterations\": 3, \"tasks\": {"
        " \"a\": { \"count\": 20, \"command\": [\"x\"] }, \"b\": { \"count\": 20, \"after\": "
        "[\"a[i]\"], \"command\": [\"x\"] } } }";
    struct report_run *f = *state;
    struct aw_report report;
    struct json_object *all, *events;
    int64_t ends[2][16] = { { 0 } };
    size_t n = 0, arrows = 0;

    report_run_begin (f, workflow);
    report_run_simulate (f, 2, 8, 0, NULL);
    report_run_load (f, &report);
    all = parse (&report, aw_report_trace);
    events = member (all, "traceEvents");
    for (size_t i = 0; i < json_object_array_length (events); i++) {
        struct json_object *ev = json_object_array_get_idx (events, i);
        const char *ph = json_object_get_string (member (ev, "ph"));
        int64_t pid, tid, ts;
        arrows += *ph == 's';
        if (*ph != 'X')
            continue;
        pid = json_object_get_int64 (member (ev, "pid"));
        tid = json_object_get_int64 (member (ev, "tid"));
        ts = json_object_get_int64 (member (ev, "ts"));
        assert_in_range (pid, 1, 2);
        assert_in_range (tid, 1, 8);
        assert_true (ends[pid - 1][tid] <= ts);
        ends[pid - 1][tid] = ts + json_object_get_int64 (member (ev, "dur"));
        n++;
    }
    assert_int_equal (n, 120);
    assert_int_equal (arrows, report.n_chain - 1);
    json_object_put (all);
    aw_report_finish (&report);
}

/* The page is made of printable characters, no line beyond 100 columns, whatever the names. */
static void the_text_report_has_short_printable_lines (void **state)
{
    struct report_run *f = *state;
    struct aw_report report;
    char *page;

    report_run_begin (f, report_run_small);
    f->fail_every = 3;
    report_run_simulate (f, 1, 4, 0, "n\x1b[1m-with-a-name-that-is-much-longer-than-any-column");
    report_run_load (f, &report);
    page = report_run_text (&report, aw_report_text);
    for (const char *p = page, *line = page; *p; p++) {
        assert_true (*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
        if (*p == '\n') {
            assert_true (p - line <= 160);
            line = p + 1;
        }
    }
    assert_memory_equal (page, "small: 4 of 6 tasks done in ", 28);
    assert_non_null (strstr (page, "; 2 failed and were ignored"));
    free (page);
    aw_report_finish (&report);
}

/* "Now" is the time of day while the run goes on; events that are read later are older. */
static void a_report_follows_events_older_than_now (void **state)
{
    static const char workflow[] =
        "{\"async-workflow\": 1, \"tasks\": {\"a\": {\"command\": [\"true\"]}}}";
    struct report_run *f = *state;
    struct aw_event ev = { .type = AW_EVENT_READY, .t = 1 };
    struct aw_problems problems;
    struct aw_report report;
    struct aw_error err;

    report_run_begin (f, workflow);
    report_run_append (f, &ev);
    assert_int_equal (aw_journal_flush (f->journal, &err), 0);
    aw_problems_init (&problems);
    assert_int_equal (aw_report_load (&report, f->dir, &problems), 0);
    assert_true (report.live && report.history.now > 1e6); /* the epoch is long ago */
    ev.type = AW_EVENT_SKIP;
    for (ev.t = 2; ev.t < 5; ev.t++) {
        report_run_append (f, &ev);
        assert_int_equal (aw_journal_flush (f->journal, &err), 0);
        assert_int_equal (aw_report_refresh (&report, NULL, NULL, &err), 0);
        assert_true (report.last == ev.t && report.history.now > 1e6);
    }
    report_run_end (f);
    assert_int_equal (aw_report_refresh (&report, NULL, NULL, &err), 0);
    assert_false (report.live);
    assert_true (report.history.now == 4);
    aw_report_finish (&report);
    aw_problems_finish (&problems);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (a_report_follows_events_older_than_now, report_run_set_up,
                                         report_run_tear_down),
        cmocka_unit_test_setup_teardown (a_directory_that_is_not_a_run_is_rejected,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test_setup_teardown (a_report_at_any_moment_names_the_state_of_the_run,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test_setup_teardown (a_resumed_run_leaves_out_the_time_between_its_jobs,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test_setup_teardown (the_json_report_agrees_with_the_summary, report_run_set_up,
                                         report_run_tear_down),
        cmocka_unit_test_setup_teardown (tasks_of_a_row_in_the_trace_do_not_overlap,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test_setup_teardown (the_text_report_has_short_printable_lines,
                                         report_run_set_up, report_run_tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
