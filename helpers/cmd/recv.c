/* SPDX-License-Identifier: Apache-2.0 */
/* recv TOPIC: waits, in a task, for a message and prints it, for shells. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/command.h"
#include "util/units.h"

enum { KEY_HEADER = 256 };

struct arguments {
    const char *topic, *group;
    double timeout;
    unsigned long long count;
    bool header;
};

static const struct argp_option options[] = {
    { "count", 'n', "N", 0, "receive N messages [1]", 0 },
    { "group", 'g', "NAME", 0,
      "receive as a member of this group: each message goes to one member [the task alone]", 0 },
    { "header", KEY_HEADER, NULL, 0,
      "print a line before each message: sender, attempt, number, request (0: no answer expected)",
      0 },
    { "timeout", 't', "TIME", 0,
      "wait at most this long for each message, for example 1.5 or 1m [no limit]", 0 },
    { 0 },
};

static error_t parse (int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end;

    switch (key) {
    case 'n':
        a->count = strtoull (value, &end, 10);
        if (*end || a->count == 0 || *value == '-')
            argp_error (state, "--count=%s: not a number above 0", value);
        return 0;
    case 'g':
        a->group = value;
        return 0;
    case KEY_HEADER:
        a->header = true;
        return 0;
    case 't':
        if (aw_parse_seconds (value, &a->timeout) < 0)
            argp_error (state, "--timeout=%s: not a time: give for example 1.5, 90s or 1m30s",
                        value);
        return 0;
    case ARGP_KEY_ARG:
        if (a->topic)
            argp_error (state, "unexpected argument \"%s\"", value);
        a->topic = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->topic)
            argp_error (state, "no topic given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "TOPIC",
    "In a task: wait for the next message on TOPIC and print it. A newline is added if the message "
    "does not end in one."
    "\vMessages sent before the start of this task are received too. The next call continues after "
    "the last message received. Exit status: 0 received; 1 none in time; 2 the input is wrong; 4 "
    "no "
    "pool.",
    NULL,
    NULL,
    NULL,
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

    argp_err_exit_status = AW_EXIT_INPUT;
    if (argp_parse (&argp, argc, argv, 0, NULL, &a) != 0)
        return AW_EXIT_INPUT;
    aw = aw_open ();
    for (; aw && a.count > 0 && code == AW_EXIT_OK; a.count--) {
        if (aw_receive (aw, a.topic, a.group, a.timeout, &message) < 0) {
            code = errno == ETIMEDOUT ? AW_EXIT_TASK_FAILED
                   : errno == EINVAL  ? AW_EXIT_INPUT
                                      : AW_EXIT_POOL;
            fprintf (stderr, "async-workflow recv: %s: %s\n", a.topic, aw_error_text (aw));
            break;
        }
        print (&a, &message);
        if (fflush (stdout) != 0) { /* not acknowledged, so that another task gets it */
            fprintf (stderr, "async-workflow recv: standard output: %s\n", strerror (errno));
            exit (AW_EXIT_INPUT);
        }
    }
    if (!aw) {
        fprintf (stderr, "async-workflow recv: %s\n", aw_error_text (NULL));
        return AW_EXIT_POOL;
    }
    aw_close (aw);
    return code;
}

const struct aw_command aw_command_recv = { "recv", "in a task: receive a message", run };
