/* SPDX-License-Identifier: Apache-2.0 */
/* import F: makes a workflow file of an instance of WfFormat (wfcommons.org). Each task becomes a
 * task set, so that it keeps its own duration and its own predecessors. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/command.h"
#include "cmd/import/import.h"
#include "io/json_string.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "util/write.h"

struct arguments {
    const char *path;
    const char *output; /* NULL: stdout */
    bool commands;
};

#define OF(member) offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "commands", NULL, "run the commands of the instance [sleep as long as its tasks ran]",
      AW_VALUE_FLAG, .offset = OF (commands) },
    { "output", "FILE", "write to FILE [standard output]", AW_VALUE_TEXT, .offset = OF (output),
      .letter = 'o' },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "FILE",
    .doc = "Make a workflow file of FILE, an instance of WfFormat 1.4 or 1.5 (wfcommons.org).",
    .offset = OF (path),
    .missing = "no instance given",
    .second = "file: give one instance",
};

/* TEXT as a JSON string in which no brace begins a placeholder. */
static void put_template (struct aw_textbuf *out, const char *text)
{
    struct aw_textbuf doubled = { 0 };

    for (; *text; text++) {
        aw_textbuf_putc (&doubled, *text);
        if (*text == '{' || *text == '}')
            aw_textbuf_putc (&doubled, *text);
    }
    aw_textbuf_putc (&doubled, '\0');
    out->failed |= doubled.failed;
    if (!doubled.failed)
        aw_json_put_string (out, doubled.data);
    aw_textbuf_finish (&doubled);
}

static void put_command (struct aw_textbuf *out, const struct aw_import_task *task, bool commands)
{
    aw_textbuf_puts (out, ", \"command\": [");
    if (commands && task->command.n > 0) {
        for (size_t i = 0; i < task->command.n; i++) {
            aw_textbuf_puts (out, i ? ", " : "");
            put_template (out, task->command.v[i]);
        }
    }
    else {
        aw_textbuf_puts (out, "\"sleep\", \"");
        aw_textbuf_fixed (out, isnan (task->seconds) ? 0 : task->seconds, 3);
        aw_textbuf_putc (out, '"');
    }
    aw_textbuf_putc (out, ']');
}

static void put_task (struct aw_textbuf *out,
                      const struct aw_import *import,
                      const struct aw_import_task *task,
                      bool commands)
{
    aw_textbuf_puts (out, "    ");
    aw_json_put_string (out, task->set);
    aw_textbuf_printf (out, ": { \"cpus\": %u", task->cpus);
    if (!isnan (task->seconds)) {
        aw_textbuf_puts (out, ", \"duration\": ");
        aw_textbuf_fixed (out, fmax (task->seconds, 0.001), 6);
    }
    if (task->n_after > 0)
        aw_textbuf_puts (out, ", \"after\": [");
    for (uint32_t i = 0; i < task->n_after; i++) {
        aw_textbuf_puts (out, i ? ", " : "");
        aw_json_put_string (out, import->tasks[task->after[i]].set);
    }
    if (task->n_after > 0)
        aw_textbuf_putc (out, ']');
    put_command (out, task, commands);
    aw_textbuf_puts (out, " }");
}

static void put_workflow (struct aw_textbuf *out, const struct aw_import *import, bool commands)
{
    aw_textbuf_puts (out, "{ \"async-workflow\": 1, \"name\": ");
    aw_json_put_string (out, import->name);
    aw_textbuf_puts (out, ",\n  \"tasks\": {\n");
    for (uint32_t i = 0; i < import->n_tasks; i++) {
        put_task (out, import, &import->tasks[i], commands);
        aw_textbuf_puts (out, i + 1 < import->n_tasks ? ",\n" : "\n");
    }
    aw_textbuf_puts (out, "  } }\n");
}

/* Is the result a workflow? A cycle is found here. 0, or -1 with problems. */
static int check (const struct aw_textbuf *text, const char *path, struct aw_problems *problems)
{
    struct aw_workflow *workflow = NULL;

    if (text->failed)
        aw_problems_add (problems, false, "%s: out of memory", path);
    else
        workflow = aw_workflow_parse (text->data, text->len, path, problems);
    aw_workflow_destroy (workflow);
    return workflow ? 0 : -1;
}

static int write_out (const struct aw_textbuf *text,
                      const char *output,
                      struct aw_problems *problems)
{
    bool file = output && strcmp (output, "-") != 0;
    int rc = aw_write_output (output, text->data, text->len);

    if (rc < 0)
        aw_problems_add (problems, false, "%s: %s", file ? output : "standard output",
                         strerror (errno));
    return rc;
}

static int run (int argc, char **argv)
{
    struct arguments args = { 0 };
    struct aw_problems problems;
    struct aw_import import;
    struct aw_textbuf text = { 0 };
    int rc = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &args);
    aw_problems_init (&problems);
    if (aw_import_read (&import, args.path, &problems) == 0) {
        put_workflow (&text, &import, args.commands);
        if (check (&text, args.path, &problems) == 0
            && write_out (&text, args.output, &problems) == 0)
            rc = AW_EXIT_OK;
    }
    aw_problems_print (&problems, stderr);
    aw_textbuf_finish (&text);
    aw_import_finish (&import);
    aw_problems_finish (&problems);
    return rc;
}

const struct aw_command aw_command_import = { "import",
                                              "make a workflow file of a WfFormat instance", run };
