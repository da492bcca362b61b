/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "cmd/report/report_chart.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/journal/run_dir.h"
#include "model/simulate.h"
#include "picture.h"
#include "util/clock.h"

/* A run directory under construction. */
struct fixture {
    char parent[32];
    char *dir;
    struct aw_workflow *workflow;
    struct aw_journal *journal;
    uint32_t seed;
    uint32_t nodes[200000]; /* by task: where it runs, since when */
    double starts[200000];
    unsigned fail_every; /* every so many attempts fail; 0: none */
    unsigned n_finished;
};

static int setup (void **state)
{
    struct fixture *f = calloc (1, sizeof (*f));

    assert_non_null (f);
    strcpy (f->parent, "/tmp/aw-report.XXXXXX");
    assert_non_null (mkdtemp (f->parent));
    f->seed = 1;
    *state = f;
    return 0;
}

static int teardown (void **state)
{
    struct fixture *f = *state;
    char command[64];

    aw_journal_close (f->journal, NULL);
    aw_workflow_destroy (f->workflow);
    free (f->dir);
    snprintf (command, sizeof (command), "rm -rf %s", f->parent);
    assert_int_equal (system (command), 0);
    free (f);
    return 0;
}

/* Takes WORKFLOW (JSON) and begins a run of it: the directory with an open journal. */
static void begin (struct fixture *f, const char *workflow)
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

static void append (struct fixture *f, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_journal_append (f->journal, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

static void end (struct fixture *f)
{
    assert_int_equal (aw_journal_close (f->journal, NULL), 0);
    f->journal = NULL;
}

static double some_seconds (void *arg, const struct aw_event *start)
{
    struct fixture *f = arg;

    (void)start;
    f->seed =
        (uint32_t)((uint64_t)f->seed * 48271 % 2147483647); /* Park and Miller's minimal standard */
    return f->seed % 5 == 0 ? 0 : 0.5 + f->seed % 1000 * 0.001;
}

static void record (void *arg, const struct aw_event *from)
{
    struct fixture *f = arg;
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
    append (f, &ev);
}

/* The whole run, simulated on N nodes. NAME: of each, or NULL for names of the model. */
static void simulate (struct fixture *f, uint32_t n, uint32_t cpus, uint32_t gpus, const char *name)
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
        append (f, &ev);
    }
    if (aw_simulate (sched, &simulation, &result, &err) < 0)
        fail_msg ("%s", err.text);
    aw_sched_destroy (sched);
    end (f);
}

static void load (const struct fixture *f, struct aw_report *report)
{
    struct aw_problems problems;

    aw_problems_init (&problems);
    if (aw_report_load (report, f->dir, &problems) < 0)
        fail_msg ("%s", problems.items[0].text);
    aw_problems_finish (&problems);
}

/* What FORMAT makes of the report, as a string for the caller to free. */
static char *text_of (const struct aw_report *report,
                      void (*format) (const struct aw_report *, struct aw_textbuf *))
{
    struct aw_textbuf out = { 0 };

    format (report, &out);
    aw_textbuf_putc (&out, '\0');
    assert_false (out.failed);
    assert_int_equal (strlen (out.data), out.len - 1);
    return out.data;
}

static void write_file (const char *dir, const char *name, const char *text, size_t len)
{
    char path[256];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", dir, name);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_int_equal (fwrite (text, 1, len, file), len);
    fclose (file);
}

static const char small[] = "{ \"async-workflow\": 1, \"name\": \"small\", \"tasks\": {"
                            " \"T0\": { \"duration\": 5, \"command\": [\"x\"] },"
                            " \"T1\": { \"after\": [\"T0\"], \"command\": [\"x\"] }, \"T2\": { "
                            "\"after\": [\"T0\"], \"command\": [\"x\"] },"
                            " \"T3\": { \"after\": [\"T1\"], \"command\": [\"x\"] }, \"T4\": { "
                            "\"after\": [\"T3\"], \"command\": [\"x\"] },"
                            " \"T5\": { \"after\": [\"T2\"], \"command\": [\"x\"] } } }";

static void a_directory_that_is_not_a_run_is_rejected (void **state)
{
    static const struct {
        const char *name, *text, *message;
    } table[] = {
        { NULL, NULL, "not a run directory: workflow.json is missing" },
        { "workflow.json", "{", "workflow.json" },
        { "workflow.json", small, "journal.jsonl: No such file or directory" },
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
    struct fixture *f = *state;
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
            write_file (f->parent, table[i].name, table[i].text, strlen (table[i].text));
        aw_problems_init (&problems);
        assert_int_equal (aw_report_load (&report, f->parent, &problems), -1);
        assert_true (problems.n_items > 0);
        if (!strstr (problems.items[0].text, table[i].message))
            fail_msg ("row %zu: %s", i, problems.items[0].text);
        assert_null (strchr (problems.items[0].text, '\n'));
        aw_problems_finish (&problems);
    }
}

/* The picture of the report is well-formed, within its bounds, and its areas are the busy time. */
static size_t check_svg (const struct aw_report *report, bool each)
{
    char *svg = text_of (report, aw_report_svg);
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

static void strange_names_are_escaped_in_the_picture (void **state)
{
    struct fixture *f = *state;
    struct aw_report report;
    char *svg;

    begin (f, small);
    simulate (f, 1, 4, 0, "n<1>&\"\x02\xff");
    load (f, &report);
    check_svg (&report, true);
    svg = text_of (&report, aw_report_svg);
    assert_non_null (strstr (svg, ">n&lt;1&gt;&amp;&quot;\xef\xbf\xbd\xef\xbf\xbd<"));
    assert_null (strstr (svg, "busy GPUs"));
    free (svg);
    aw_report_finish (&report);
}

/* Workflows from a handful of tasks to many thousands. */
static void the_size_of_a_picture_is_bounded (void **state)
{
    static const struct {
        int sets, count, iterations;
        uint32_t nodes, cpus, gpus;
        bool each;
        size_t max; /* bytes */
    } table[] = {
        { 1, 1, 1, 1, 1, 0, true, 10000 },
        { 4, 20, 3, 4, 16, 4, true, 100000 },
        { 9, 50, 2, 8, 16, 4, true, 300000 },
        { 12, 500, 1, 3, 64, 0, true, 1000000 },
        { 3, 3000, 2, 60, 16, 4, false, 1500000 },
        { 5, 200, 3, 1000, 16, 4, false, 3000000 },
        { 30, 1000, 4, 1000, 16, 4, false, 4000000 },
    };
    char *workflow = malloc (1 << 16);

    assert_non_null (workflow);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct fixture *f;
        struct aw_report report;
        size_t size;
        int n = sprintf (
            workflow, "{ \"async-workflow\": 1, \"name\": \"p\", \"iterations\": %d, \"tasks\": {",
            table[i].iterations);

        for (int s = 0; s < table[i].sets; s++) {
            n += sprintf (
                workflow + n,
                "%s \"set%d\": { \"count\": %d, \"cpus\": %d, \"gpus\": %d, \"command\": [\"x\"]",
                s ? "," : "", s, table[i].count, s % 3 < (int)table[i].cpus ? 1 + s % 3 : 1,
                table[i].gpus ? s % 2 : 0);
            if (s)
                n += sprintf (workflow + n, ", \"after\": [\"set%d[i]\"]", s - 1);
            n += sprintf (workflow + n, " }");
        }
        sprintf (workflow + n, " } }");
        setup ((void **)&f);
        begin (f, workflow);
        f->fail_every = 50;
        simulate (f, table[i].nodes, table[i].cpus, table[i].gpus, NULL);
        load (f, &report);
        size = check_svg (&report, table[i].each);
        if (size > table[i].max)
            fail_msg ("row %zu: %zu bytes", i, size);
        aw_report_finish (&report);
        teardown ((void **)&f);
    }
    free (workflow);
    (void)state;
}

static void add_node_at (struct fixture *f, double t)
{
    struct aw_event ev = { .type = AW_EVENT_NODE, .t = t, .name = "n1" };

    assert_int_equal (aw_idset_parse (&ev.cpus, "0-3"), 0);
    append (f, &ev);
    aw_idset_finish (&ev.cpus);
}

static void add_node (struct fixture *f)
{
    add_node_at (f, 0);
}

static void start (struct fixture *f, uint32_t task, uint32_t attempt, double t)
{
    struct aw_event ev = { .type = AW_EVENT_START, .t = t, .task = task, .attempt = attempt };

    assert_int_equal (aw_idset_parse (&ev.cpus, "0"), 0);
    append (f, &ev);
    aw_idset_finish (&ev.cpus);
}

static void finish (struct fixture *f,
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

    append (f, &ev);
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
    struct fixture *f = *state;

    begin (f, small);
    for (size_t i = 0; i < sizeof (moments) / sizeof (moments[0]); i++) {
        struct aw_report report;
        switch (i) {
        case 1:
            add_node (f);
            break;
        case 2:
            start (f, 0, 0, 1);
            break;
        case 3:
            finish (f, 0, 0, 3, AW_STATUS_COMPLETED, 0, 0);
            start (f, 1, 0, 3);
            break;
        case 4:
            end (f);
            break;
        default:
            break;
        }
        if (f->journal)
            assert_int_equal (aw_journal_flush (f->journal, NULL), 0);
        load (f, &report);
        if (aw_report_outcome (&report) != moments[i].outcome)
            fail_msg ("%s: %s", moments[i].name, aw_outcome_name (aw_report_outcome (&report)));
        for (size_t k = 0; k < sizeof (formats) / sizeof (formats[0]); k++)
            free (text_of (&report, formats[k]));
        check_svg (&report, true);
        aw_report_finish (&report);
    }
}

/* Fails task 0 for good with THAT on its stderr (NULL: no such file); returns the text. */
static char *failed_with (struct fixture *f, const char *that, size_t len)
{
    struct aw_report report;
    char *text;

    begin (f, small);
    add_node (f);
    start (f, 0, 0, 1);
    finish (f, 0, 0, 3, AW_STATUS_FAILED, 0, 11);
    append (f, &(struct aw_event){ .type = AW_EVENT_END, .t = 3, .code = 1 });
    end (f);
    if (that)
        write_file (f->dir, "logs/T0.0.err", that, len);
    load (f, &report);
    text = text_of (&report, aw_report_text);
    aw_report_finish (&report);
    return text;
}

static void a_failure_is_shown_with_the_end_of_its_stderr (void **state)
{
    static const struct {
        const char *err; /* NULL: none */
        const char *want, *not ;
    } table[] = {
        { NULL, "stderr is empty or missing: ", "| " },
        { "", "stderr is empty or missing: ", "| " },
        { "one\ntwo", "    | one\n    | two\n    from ", NULL },
        { "\n\n", "    | \n    | \n", NULL },
        { "a\x1b[2Jb\x07\xff\n", "    | ab??\n", "\x1b" },
        { "\xc3\xa9t\xc3\xa9 \xe2\x80\xae"
          "x\n",
          "    | \xc3\xa9t\xc3\xa9 ?x\n", NULL },
        { "\x1b[1;31mred\x1b[0m \x1b[\n", "    | red ?[\n", NULL },
        { " 10%\r 50%\r100%\r\n", "    | 100%\n", " 50%" },
        { "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "    | 2\n    | 3\n", "    | 1\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct fixture *f;
        char *text;
        setup ((void **)&f);
        text = failed_with (f, table[i].err, table[i].err ? strlen (table[i].err) : 0);
        assert_non_null (strstr (text, "T0[0]: SIGSEGV after 2.00 s on n1\n"));
        if (!strstr (text, table[i].want) || (table[i].not &&strstr (text, table[i].not )))
            fail_msg ("row %zu: %s", i, text);
        free (text);
        teardown ((void **)&f);
    }
}

/* A huge stderr without a newline; and one that is a pipe that nobody writes to. */
static void a_stderr_without_lines_or_readers_does_not_hang (void **state)
{
    size_t len = 1 << 20;
    char *huge = malloc (len), *text;
    struct fixture *f = *state;
    struct aw_report report;
    char path[256];

    assert_non_null (huge);
    memset (huge, 'x', len);
    text = failed_with (f, huge, len);
    assert_true (strlen (text) < 4000);
    assert_non_null (strstr (text, "xxx...\n    full text: "));
    free (text);
    free (huge);
    snprintf (path, sizeof (path), "%s/logs/T0.0.err", f->dir);
    assert_int_equal (unlink (path), 0);
    assert_int_equal (mkfifo (path, 0600), 0);
    load (f, &report);
    text = text_of (&report, aw_report_text);
    assert_non_null (strstr (text, "stderr is empty or missing"));
    free (text);
    aw_report_finish (&report);
}

/* In somebody else's directory a log may be a link to a file of the reader, or the file itself. */
static void no_tail_is_shown_of_a_link_or_of_another_users_file (void **state)
{
    struct fixture *f = *state;
    char path[256], secret[256], *text;
    struct aw_report report;

    free (failed_with (f, "seen\n", 5));
    snprintf (path, sizeof (path), "%s/logs/T0.0.err", f->dir);
    write_file (f->dir, "secret", "hidden\n", 7);
    snprintf (secret, sizeof (secret), "%s/secret", f->dir);
    for (int i = 0; i < 3; i++) {
        if (i == 2 && geteuid () != 0)
            break; /* the third needs root: a file of another user than the directory's */
        if (i > 0)
            assert_int_equal (unlink (path), 0);
        if (i == 1)
            assert_int_equal (symlink (secret, path), 0);
        if (i == 2) {
            assert_int_equal (link (secret, path), 0);
            assert_int_equal (chown (path, 65534, (gid_t)-1), 0);
        }
        load (f, &report);
        text = text_of (&report, aw_report_text);
        assert_int_equal (strstr (text, "| seen") != NULL, i == 0);
        assert_null (strstr (text, "hidden"));
        assert_int_equal (strstr (text, "stderr is empty or missing") != NULL, i > 0);
        free (text);
        aw_report_finish (&report);
    }
}

static void resume (struct fixture *f, double t, const char *job)
{
    struct aw_resume resume = { .epoch = 1763800000, .job = job };

    append (f, &(struct aw_event){ .type = AW_EVENT_RESUME, .t = t, .resume = &resume });
    add_node_at (f, t);
}

/* Two tasks of 10 s each, an hour and a day of nothing between: one band a node, and the tasks take
 * nearly all of the width.
 */
static void a_resumed_run_leaves_out_the_time_between_its_jobs (void **state)
{
    struct fixture *f = *state;
    struct aw_report report;
    struct aw_box tasks;
    char *svg, *text, *trace;
    double width = 0;

    begin (f, small);
    add_node_at (f, 0);
    start (f, 0, 0, 0);
    finish (f, 0, 0, 10, AW_STATUS_COMPLETED, 0, 0);
    resume (f, 3610, "7");
    start (f, 1, 0, 3610);
    finish (f, 1, 0, 3620, AW_STATUS_COMPLETED, 0, 0);
    resume (f, 90020, "7"); /* the same job again is no other one */
    resume (f, 90020, "8");
    start (f, 2, 0, 90020);
    finish (f, 2, 0, 90030, AW_STATUS_COMPLETED, 0, 0);
    end (f);
    load (f, &report);
    svg = text_of (&report, aw_report_svg);
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
    trace = text_of (&report, aw_report_trace);
    assert_non_null (strstr (trace, "\"process_name\",\"pid\":1,"));
    assert_null (strstr (trace, "\"pid\":2,"));
    free (trace);
    text = text_of (&report, aw_report_text);
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
    char *text = text_of (report, format);
    struct json_object *object = json_tokener_parse_verbose (text, &error);

    if (!object)
        fail_msg ("%s", json_tokener_error_desc (error));
    free (text);
    return object;
}

static void the_json_report_agrees_with_the_summary (void **state)
{
    struct fixture *f = *state;
    struct aw_report report;
    struct json_object *all, *chain, *load_, *failures;
    double waited = 0, last = 0;
    int64_t sum = 0;

    begin (f, small);
    simulate (f, 1, 4, 0, "n<1>\"\x02\xff");
    load (f, &report);
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
    struct fixture *f = *state;
    struct aw_report report;
    struct json_object *all, *events;
    int64_t ends[2][16] = { { 0 } };
    size_t n = 0, arrows = 0;

    begin (f, workflow);
    simulate (f, 2, 8, 0, NULL);
    load (f, &report);
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
    struct fixture *f = *state;
    struct aw_report report;
    char *page;

    begin (f, small);
    f->fail_every = 3;
    simulate (f, 1, 4, 0, "n\x1b[1m-with-a-name-that-is-much-longer-than-any-column");
    load (f, &report);
    page = text_of (&report, aw_report_text);
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
    struct fixture *f = *state;
    struct aw_event ev = { .type = AW_EVENT_READY, .t = 1 };
    struct aw_problems problems;
    struct aw_report report;
    struct aw_error err;

    begin (f, workflow);
    append (f, &ev);
    assert_int_equal (aw_journal_flush (f->journal, &err), 0);
    aw_problems_init (&problems);
    assert_int_equal (aw_report_load (&report, f->dir, &problems), 0);
    assert_true (report.live && report.history.now > 1e6); /* the epoch is long ago */
    ev.type = AW_EVENT_SKIP;
    for (ev.t = 2; ev.t < 5; ev.t++) {
        append (f, &ev);
        assert_int_equal (aw_journal_flush (f->journal, &err), 0);
        assert_int_equal (aw_report_refresh (&report, NULL, NULL, &err), 0);
        assert_true (report.last == ev.t && report.history.now > 1e6);
    }
    end (f);
    assert_int_equal (aw_report_refresh (&report, NULL, NULL, &err), 0);
    assert_false (report.live);
    assert_true (report.history.now == 4);
    aw_report_finish (&report);
    aw_problems_finish (&problems);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (a_report_follows_events_older_than_now, setup, teardown),
        cmocka_unit_test_setup_teardown (a_directory_that_is_not_a_run_is_rejected, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (strange_names_are_escaped_in_the_picture, setup, teardown),
        cmocka_unit_test (the_size_of_a_picture_is_bounded),
        cmocka_unit_test_setup_teardown (a_report_at_any_moment_names_the_state_of_the_run, setup,
                                         teardown),
        cmocka_unit_test (a_failure_is_shown_with_the_end_of_its_stderr),
        cmocka_unit_test_setup_teardown (a_stderr_without_lines_or_readers_does_not_hang, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (no_tail_is_shown_of_a_link_or_of_another_users_file, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (a_resumed_run_leaves_out_the_time_between_its_jobs, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (the_json_report_agrees_with_the_summary, setup, teardown),
        cmocka_unit_test_setup_teardown (tasks_of_a_row_in_the_trace_do_not_overlap, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (the_text_report_has_short_printable_lines, setup,
                                         teardown),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
