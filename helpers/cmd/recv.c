/* SPDX-License-Identifier: Apache-2.0 */
/* recv TOPIC: waits, in a task, for a message and prints it, for shells. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/arguments.h"
#include "cmd/command.h"
#include "util/stdout.h"

struct arguments {
    const char *topic, *group;
    double timeout;
    unsigned long long count;
    bool header;
};

#define OF(member) offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "count", "N", "receive N messages [1]", AW_VALUE_POSITIVE, .offset = OF (count),
      .example = "a number above 0", .letter = 'n' },
    { "group", "NAME",
      "receive as a member of this group: each message goes to one member [the task alone]",
      AW_VALUE_TEXT, .offset = OF (group), .letter = 'g' },
    { "header", NULL,
      "print a line before each message: sender, attempt, number, request (0: no answer expected)",
      AW_VALUE_FLAG, .offset = OF (header) },
    { "timeout", "TIME",
      "wait at most this long for each message, for example 1.5 or 1m [no limit]", AW_VALUE_TIME,
      .offset = OF (timeout), .example = "1.5, 90s or 1m30s", .letter = 't' },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .words = "TOPIC",
    .doc = "In a task: wait for the next message on TOPIC and print it. A newline is added if the "
           "message "
           "does not end in one."
           "\vMessages sent before the start of this task are received too. The next call "
           "continues after "
           "the last message received. Exit status: 0 received; 1 none in time, or nobody is left "
           "who could send one; 2 the input is wrong; 4 no pool.",
    .offset = OF (topic),
    .missing = "no topic given",
};

static void print (const struct arguments *a, const struct aw_message *message)
{
    const char *data = message->data;

    if (a->header)
        printf ("%s %u %llu %llu\n", message->sender, message->attempt, message->number,
                message->request);
    fwrite (data, 1, message->size, stdout);
    if (message->size == 0 || data[message->size - 1] != '\n')
        putchar ('\n');
}

static int run (int argc, char **argv)
{
    struct arguments a = { .timeout = -1, .count = 1 };
    struct aw_message message;
    struct aw_connection *aw;
    int code = AW_EXIT_OK;

    aw_arguments_parse (&line, argc, argv, &a);
    aw = aw_open ();
    for (; aw && a.count > 0 && code == AW_EXIT_OK; a.count--) {
        if (aw_receive (aw, a.topic, a.group, a.timeout, &message) < 0) {
            code = errno == ETIMEDOUT || errno == EDEADLK ? AW_EXIT_TASK_FAILED
                   : errno == EINVAL                      ? AW_EXIT_INPUT
                                                          : AW_EXIT_POOL;
            fprintf (stderr, "async-workflow recv: %s: %s\n", a.topic, aw_error_text (aw));
            break;
        }
        print (&a, &message);
        if (aw_stdout_flush () < 0)
            exit (AW_EXIT_INPUT); /* it is not acknowledged, so another task gets it */
    }
    if (!aw) {
        fprintf (stderr, "async-workflow recv: %s\n", aw_error_text (NULL));
        return AW_EXIT_POOL;
    }
    aw_close (aw);
    return code;
}

const struct aw_command aw_command_recv = { "recv", "in a task: receive a message", run };
