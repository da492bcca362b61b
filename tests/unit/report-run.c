/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/report/report_chart.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/journal/run_dir.h"
#include "model/simulate.h"
#include "picture.h"
#include "report-run.h"

int report_run_set_up (void **state)
{
    struct report_run *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    strcpy (f->parent, "/tmp/aw-report.XXXXXX");
    assert_non_null (mkdtemp (f->parent));
    f->seed = 1;
    *state = f;
    return 0;
}

int report_run_tear_down (void **state)
{
    struct report_run *f = *state;
    char command[64];

    aw_journal_close (f->journal, NULL);
    aw_workflow_destroy (f->workflow);
    free (f->dir);
    snprintf (command, sizeof (command), "rm -rf %s", f->parent);
    assert_int_equal (system (command), 0);
    free (f);
    return 0;
}

void report_run_begin (struct report_run *f, const char *workflow)
{
    struct aw_journal_header header = {
        .epoch = 1763800000, .mode = "async", .policy = "fifo", .outlook.makespan = 20
    };
    struct aw_problems problems;
    struct aw_error err = { "" };
    char path[64], *journal;

    aw_problems_init (&problems);
    f->workflow = aw_workflow_parse (workflow, strlen (workflow), "w.json", &problems);
    if (!f->workflow)
        aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    assert_true (f->workflow && f->workflow->graph->n_tasks <= 200000);
    snprintf (path, sizeof (path), "%s/run", f->parent);
    f->dir = aw_run_dir_create (path, NULL, NULL, &err);
    assert_non_null (f->dir);
    assert_int_equal (aw_run_dir_write_workflow (f->dir, workflow, strlen (workflow), &err), 0);
    journal = aw_run_dir_path (f->dir, AW_RUN_JOURNAL);
    f->journal = aw_journal_create (journal, f->workflow->graph, &header, &err);
    assert_non_null (f->journal);
    free (journal);
}

void report_run_append (struct report_run *f, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_journal_append (f->journal, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

void report_run_end (struct report_run *f)
{
    assert_int_equal (aw_journal_close (f->journal, NULL), 0);
    f->journal = NULL;
}

static double some_seconds (void *arg, const struct aw_event *start)
{
    struct report_run *f = arg;

    (void)start;
    f->seed =
        (uint32_t)((uint64_t)f->seed * 48271 % 2147483647); /* Park and Miller's minimal standard */
    return f->seed % 5 == 0 ? 0 : 0.5 + f->seed % 1000 * 0.001;
}

static void record (void *arg, const struct aw_event *from)
{
    struct report_run *f = arg;
    struct aw_event ev = *from;

    if (ev.type == AW_EVENT_START) {
        f->nodes[ev.task] = ev.node;
        f->starts[ev.task] = ev.t;
    }
    if (ev.type == AW_EVENT_FINISH) {
        ev.node = f->nodes[ev.task];
        ev.seconds = ev.t - f->starts[ev.task];
        if (f->fail_every && ++f->n_finished % f->fail_every == 0) {
            ev.status = AW_STATUS_FAILED;
            ev.code = 3;
        }
    }
    report_run_append (f, &ev);
}

void report_run_simulate (
    struct report_run *f, uint32_t n, uint32_t cpus, uint32_t gpus, const char *name)
{
    struct aw_sched_config config = { .policy = AW_POLICY_FIFO };
    struct aw_simulation simulation = { .seconds = some_seconds, .observe = record, .arg = f };
    struct aw_simulated result;
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (f->workflow->graph, &config, &err);

    assert_non_null (sched);
    assert_int_equal (aw_simulate_add_nodes (sched, n, cpus, gpus, 0, &err), 0);
    for (uint32_t i = 0; i < n; i++) {
        const struct aw_node *node = &aw_sched_pool (sched)->nodes[i];
        struct aw_event ev = { .type = AW_EVENT_NODE,
                               .node = i,
                               .name = name ? name : node->name,
                               .cpus = node->cpus,
                               .gpus = node->gpus };
        report_run_append (f, &ev);
    }
    if (aw_simulate (sched, &simulation, &result, &err) < 0)
        fail_msg ("%s", err.text);
    aw_sched_destroy (sched);
    report_run_end (f);
}

void report_run_load (const struct report_run *f, struct aw_report *report)
{
    struct aw_problems problems;

    aw_problems_init (&problems);
    if (aw_report_load (report, f->dir, &problems) < 0)
        fail_msg ("%s", problems.items[0].text);
    aw_problems_finish (&problems);
}

char *report_run_text (const struct aw_report *report,
                       void (*format) (const struct aw_report *, struct aw_textbuf *))
{
    struct aw_textbuf out = { 0 };

    format (report, &out);
    aw_textbuf_putc (&out, '\0');
    assert_false (out.failed);
    assert_int_equal (strlen (out.data), out.len - 1);
    return out.data;
}

void report_run_write_file (const char *dir, const char *name, const char *text, size_t len)
{
    char path[256];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", dir, name);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_int_equal (fwrite (text, 1, len, file), len);
    fclose (file);
}

const char report_run_small[] = "{ \"async-workflow\": 1, \"name\": \"small\", \"tasks\": {"
                                " \"T0\": { \"duration\": 5, \"command\": [\"x\"] },"
                                " \"T1\": { \"after\": [\"T0\"], \"command\": [\"x\"] }, \"T2\": { "
                                "\"after\": [\"T0\"], \"command\": [\"x\"] },"
                                " \"T3\": { \"after\": [\"T1\"], \"command\": [\"x\"] }, \"T4\": { "
                                "\"after\": [\"T3\"], \"command\": [\"x\"] },"
                                " \"T5\": { \"after\": [\"T2\"], \"command\": [\"x\"] } } }";

size_t report_run_check_svg (const struct aw_report *report, bool each)
{
    char *svg = report_run_text (report, aw_report_svg);
    const struct aw_summary *sum = &report->summary;
    struct aw_box tasks = picture_frame (svg, 0), cpus = picture_frame (svg, 1), gpus;
    double held = 0, area, lane, scale;
    size_t n, size = strlen (svg);

    picture_check_xml (svg);
    assert_true (!strstr (svg, "<g class=\"rows\"") == each || !report->history.n_attempts);
    for (size_t i = 0; i < report->history.n_attempts; i++)
        held += aw_history_end (&report->history, &report->history.attempts[i])
                - report->history.attempts[i].start;
    if (each && report->history.n_attempts) {
        area = picture_rectangles (svg, &tasks, &n);
        assert_int_equal (n, report->history.n_attempts);
        lane = picture_number (strstr (svg, "<rect "), " height=\"");
        scale = tasks.width / sum->makespan * lane;
        assert_float_equal (area / (held * scale), 1, 0.001);
    }
    else if (report->history.n_attempts)
        picture_group (strstr (svg, "<g class=\"rows\""), &tasks);
    if (report->history.n_attempts) {
        area = picture_group (strstr (svg, "<g class=\"load\" id=\"cpus\""), &cpus);
        assert_float_equal (area / (cpus.width * cpus.height), sum->cpu_share, 0.004);
    }
    if (sum->gpus && report->history.n_attempts) {
        gpus = picture_frame (svg, 2);
        area = picture_group (strstr (svg, "<g class=\"load\" id=\"gpus\""), &gpus);
        assert_float_equal (area / (gpus.width * gpus.height), sum->gpu_share, 0.004);
    }
    free (svg);
    return size;
}

void report_run_add_node_at (struct report_run *f, double t)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .t = t, .name = "n1" };

    assert_int_equal (aw_idset_parse (&ev.cpus, "0-3"), 0);
    report_run_append (f, &ev);
    aw_idset_finish (&ev.cpus);
}

void report_run_add_node (struct report_run *f)
{
    report_run_add_node_at (f, 0);
}

void report_run_start (struct report_run *f, uint32_t task, uint32_t attempt, double t)
{
    struct aw_event ev = { .type = AW_EVENT_START, .t = t, .task = task, .attempt = attempt };

    assert_int_equal (aw_idset_parse (&ev.cpus, "0"), 0);
    report_run_append (f, &ev);
    aw_idset_finish (&ev.cpus);
}

void report_run_finish (struct report_run *f,
                        uint32_t task,
                        uint32_t attempt,
                        double t,
                        enum aw_status status,
                        int code,
                        int signal)
{
    struct aw_event ev = { .type = AW_EVENT_FINISH,
                           .t = t,
                           .task = task,
                           .attempt = attempt,
                           .status = status,
                           .code = code,
                           .signal = signal,
                           .seconds = 2 };

    report_run_append (f, &ev);
}
