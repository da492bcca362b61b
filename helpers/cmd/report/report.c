/* SPDX-License-Identifier: Apache-2.0 */
/* report D: reports on a run in one of several formats, to stdout or into a file. */
#include "cmd/report/report.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/command.h"
#include "cmd/report/report_compare.h"
#include "util/suggest.h"
#include "util/write.h"

static const struct format {
    const char *name;
    void (*put) (const struct aw_report *report, struct aw_textbuf *out);
    void (*compare) (const struct aw_compared *comparison, struct aw_textbuf *out); /* or NULL */
    int (*check) (const struct aw_report *report, struct aw_error *err); /* can it be? Or NULL */
} formats[] = {
    { "text", aw_report_text, aw_compare_text, NULL },
    { "json", aw_report_json, aw_compare_json, NULL },
    { "html", aw_report_html, aw_compare_html, NULL },
    { "svg", aw_report_svg, NULL, NULL },
    { "trace", aw_report_trace, NULL, NULL },
    { "prometheus", aw_report_prometheus, NULL, NULL },
    { "wfformat", aw_report_wfformat, NULL, aw_report_wfformat_check },
};

enum { N_FORMATS = sizeof (formats) / sizeof (formats[0]) };

struct arguments {
    const char *dir;
    const char *output; /* NULL: stdout */
    const char *name; /* of the format */
    const struct format *format;
    struct aw_words more; /* directories after the first */
    bool compare;
};

#define OF(member) offsetof (struct arguments, member)

static const struct format *find_format (struct argp_state *state, const char *name)
{
    const char *names[N_FORMATS], *near;

    for (size_t i = 0; i < N_FORMATS; i++) {
        names[i] = formats[i].name;
        if (strcmp (formats[i].name, name) == 0)
            return &formats[i];
    }
    near = aw_suggest (name, names, N_FORMATS);
    if (near)
        argp_error (state, "--format=%s: unknown format: did you mean \"%s\"?", name, near);
    else
        argp_error (state,
                    "--format=%s: unknown format: give text, json, html, svg, trace, prometheus or "
                    "wfformat",
                    name);
    return NULL;
}

static void check (void *arguments, struct argp_state *state)
{
    struct arguments *args = arguments;

    args->format = find_format (state, args->name);
    if (args->more.n > 0 && !args->compare)
        argp_error (state, "\"%s\": a second run directory: give one, or --compare",
                    args->more.words[0]);
    if (args->compare && args->more.n == 0)
        argp_error (state, "--compare: one run directory: give two or more");
    if (args->compare && args->more.n >= AW_COMPARE_MAX)
        argp_error (state, "--compare: %d run directories: give at most %d", args->more.n + 1,
                    AW_COMPARE_MAX);
    if (args->compare && args->format && !args->format->compare)
        argp_error (state, "--compare --format=%s: give text, json or html", args->name);
}

static const struct aw_argument options[] = {
    { "format", "FORMAT",
      "text; json; html: a page with a chart; svg: a Gantt chart; trace: for ui.perfetto.dev; "
      "prometheus: metrics for a node exporter; wfformat: an instance for wfcommons.org [text]",
      AW_VALUE_TEXT, .offset = OF (name), .letter = 'f' },
    { "output", "FILE", "write to FILE [standard output]", AW_VALUE_TEXT, .offset = OF (output),
      .letter = 'o' },
    { "compare", NULL, "compare the runs in all DIRs with the first one", AW_VALUE_FLAG,
      .offset = OF (compare) },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "DIR [DIR...]",
    .doc = "Report on the run in run directory DIR, during the run or after its end.",
    .offset = OF (dir),
    .missing = "no run directory given",
    .more = OF (more),
    .check = check,
};

static int put_out (const struct aw_textbuf *text, const char *output, struct aw_error *err)
{
    bool file = output && strcmp (output, "-") != 0;

    if (text->failed)
        return aw_error_set (err, "out of memory");
    if (aw_write_output (output, text->data, text->len) < 0)
        return aw_error_set (err, "%s: %s", file ? output : "standard output", strerror (errno));
    return 0;
}

/* 0, or -1 with problems. */
static int put_report (const struct arguments *args,
                       struct aw_textbuf *text,
                       struct aw_problems *problems)
{
    struct aw_report report;
    struct aw_error err;
    int rc = 0;

    if (aw_report_load (&report, args->dir, problems) < 0)
        return -1;
    if (args->format->check)
        rc = args->format->check (&report, &err);
    if (rc < 0)
        aw_problems_add (problems, false, "%s", err.text);
    else
        args->format->put (&report, text);
    aw_report_finish (&report);
    return rc;
}

static int put_comparison (const struct arguments *args,
                           struct aw_textbuf *text,
                           struct aw_problems *problems)
{
    struct aw_compared comparison;
    /* The first word is before the others. */
    int rc =
        aw_compare_load (&comparison, args->more.words - 1, (uint32_t)args->more.n + 1, problems);

    if (rc == 0)
        args->format->compare (&comparison, text);
    aw_compare_finish (&comparison);
    return rc;
}

static int run (int argc, char **argv)
{
    struct arguments args = { .name = "text" };
    struct aw_textbuf text = { 0 };
    struct aw_problems problems;
    struct aw_error err;
    int rc = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &args);
    aw_problems_init (&problems);
    if ((args.compare ? put_comparison : put_report) (&args, &text, &problems) < 0)
        aw_problems_print (&problems, stderr);
    else if (put_out (&text, args.output, &err) < 0)
        aw_error_print (&err);
    else
        rc = AW_EXIT_OK;
    aw_textbuf_finish (&text);
    aw_problems_finish (&problems);
    return rc;
}

const struct aw_command aw_command_report = { "report",
                                              "report on a run: text, JSON, page, chart, trace",
                                              run };
