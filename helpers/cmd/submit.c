/* SPDX-License-Identifier: Apache-2.0 */
/* submit COMMAND: submits, in a task, a command as a task of the pool. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/arguments.h"
#include "cmd/command.h"
#include "cmd/task_text.h"
#include "io/textbuf.h"
#include "util/stdout.h"
#include "util/strings.h"

struct arguments {
    const char *name, *time, *mem, *gpu_type, *directory, *out, *err;
    uint32_t cpus, retries;
    double gpus;
    struct aw_strings after_ok, after_any;
    const char *program;
    struct aw_words words;
};

#define OF(member) .offset = offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "name", "NAME",
      "count the task as one set with all that is submitted with this name; "
      "default: the name of the program",
      AW_VALUE_TEXT, OF (name) },
    { "cpus", "N", "CPUs of the task; default: 1", AW_VALUE_COUNT, OF (cpus), .min = 1,
      .max = 1e6 },
    { "gpus", "N", "GPUs of the task, or a part of one, such as 0.5", AW_VALUE_NUMBER, OF (gpus),
      .min = 0, .max = 1e6 },
    { "gpu-type", "TYPE", "their type", AW_VALUE_TEXT, OF (gpu_type) },
    { "mem", "SIZE", "memory of the task, such as 4G", AW_VALUE_TEXT, OF (mem) },
    { "time", "TIME", "end the task after this time, such as 30m or 1:30:00", AW_VALUE_TEXT,
      OF (time) },
    { "retries", "N", "further attempts after a failed one", AW_VALUE_COUNT, OF (retries), .min = 0,
      .max = 1000 },
    { "after-ok", "ID[,ID]...", "start when these tasks have succeeded; repeat it for others",
      AW_VALUE_LIST, OF (after_ok) },
    { "after-any", "ID[,ID]...", "start when these tasks have ended; repeat it for others",
      AW_VALUE_LIST, OF (after_any) },
    { "directory", "DIR", "working directory of the task; default: the current one", AW_VALUE_TEXT,
      OF (directory) },
    { "stdout", "FILE", "write its standard output to FILE; default: the logs of the run",
      AW_VALUE_TEXT, OF (out) },
    { "stderr", "FILE", "write its standard error to FILE", AW_VALUE_TEXT, OF (err) },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "COMMAND [ARGUMENT]...",
    .in_order = true,
    .doc =
        "In a task: submit COMMAND to the pool, as one more task, and print its id. The task has "
        "the working directory and the environment of this command."
        "\vThe command returns when the journal has the task. The task belongs to the attempt that "
        "submits it: if that does not end well, its submitted tasks that have not ended are "
        "cancelled. A failure of the task does not stop the run and does not change its exit "
        "status. Exit status: 0 submitted; 2 the request is wrong; 4 no pool.",
    .offset = offsetof (struct arguments, program),
    .more = offsetof (struct arguments, words),
    .missing = "no command given",
};

static void put_ids (struct aw_textbuf *out, const char *key, const struct aw_strings *lists)
{
    aw_textbuf_printf (out, "\"%s\":[", key);
    for (size_t i = 0; i < lists->n; i++) {
        aw_textbuf_puts (out, i ? "," : "");
        aw_textbuf_puts (out, lists->v[i]);
    }
    aw_textbuf_puts (out, "],");
}

static void put_task (struct aw_textbuf *out, const struct arguments *a)
{
    aw_textbuf_putc (out, '{');
    aw_task_put_text (out, "name", a->name);
    aw_task_put_text (out, "directory", a->directory);
    aw_task_put_text (out, "stdout", a->out);
    aw_task_put_text (out, "stderr", a->err);
    aw_task_put_text (out, "mem", a->mem);
    aw_task_put_text (out, "time_limit", a->time);
    aw_task_put_text (out, "gpu_type", a->gpu_type);
    if (a->gpus > 0)
        aw_textbuf_printf (out, "\"gpus\":%.15g,", a->gpus);
    if (a->retries)
        aw_textbuf_printf (out, "\"retries\":%u,", a->retries);
    put_ids (out, "after_ok", &a->after_ok);
    put_ids (out, "after_any", &a->after_any);
    aw_task_put_words (out, "command", a->program, a->words.words, (size_t)a->words.n);
    aw_textbuf_printf (out, "\"cpus\":%u}", a->cpus);
}

/* A list of ids has nothing but digits and commas, each comma between two of them. */
static const char *bad_ids (const struct aw_strings *lists)
{
    for (size_t i = 0; i < lists->n; i++) {
        const char *p = lists->v[i];

        do {
            size_t n = strspn (p, "0123456789");

            if (n == 0 || n > 18)
                return lists->v[i];
            p += n;
        } while (*p++ == ',');
        if (p[-1])
            return lists->v[i];
    }
    return NULL;
}

/* What the pool answered: one problem a line. */
static void print_problems (const char *text)
{
    while (*text) {
        int length = (int)strcspn (text, "\n");

        fprintf (stderr, "async-workflow submit: %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static int submit (const struct aw_textbuf *task)
{
    struct aw_connection *aw = aw_open ();
    unsigned long long id = 0;
    int code = AW_EXIT_OK;

    if (!aw || aw_submit (aw, task->data, task->len, NULL, -1, &id) < 0) {
        code = aw && (errno == EINVAL || errno == EMSGSIZE) ? AW_EXIT_INPUT : AW_EXIT_POOL;
        print_problems (aw_error_text (aw));
    }
    else if (printf ("%llu\n", id), aw_stdout_flush () < 0) {
        fprintf (stderr, "async-workflow submit: the task is submitted, and its id is %llu\n", id);
        code = AW_EXIT_INPUT;
    }
    aw_close (aw);
    return code;
}

static int run (int argc, char **argv)
{
    struct arguments a = { .cpus = 1 };
    struct aw_textbuf task = { 0 };
    const char *bad;
    int code = AW_EXIT_INPUT;

    aw_arguments_parse (&line, argc, argv, &a);
    bad = bad_ids (&a.after_ok);
    if (!bad)
        bad = bad_ids (&a.after_any);
    put_task (&task, &a);
    if (bad)
        fprintf (stderr,
                 "async-workflow submit: \"%s\": not a list of ids: give for example "
                 "1000000000,1000000001\n",
                 bad);
    else if (task.failed)
        fprintf (stderr, "async-workflow submit: out of memory\n");
    else
        code = submit (&task);
    aw_textbuf_finish (&task);
    aw_strings_finish (&a.after_ok);
    aw_strings_finish (&a.after_any);
    return code;
}

const struct aw_command aw_command_submit = { "submit", "in a task: submit a command as a task",
                                              run };
