/* SPDX-License-Identifier: Apache-2.0 */
/* send TOPIC DATA: publishes a message, in a task, for shells. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/async-workflow.h"
#include "cmd/command.h"
#include "util/units.h"

enum { KEY_LINES = 256, KEY_REPLY, KEY_REQUEST, KEY_SYNC };

struct arguments {
    const char *topic, *data;
    double timeout;
    unsigned long long reply;
    bool lines, request, sync;
};

static const struct argp_option options[] = {
    { "lines", KEY_LINES, NULL, 0, "send each line of standard input as a message; leave out DATA",
      0 },
    { "reply", KEY_REPLY, "REQUEST", 0, "answer the request with this number; leave out TOPIC", 0 },
    { "request", KEY_REQUEST, NULL, 0, "wait for the answer and print it", 0 },
    { "sync", KEY_SYNC, NULL, 0, "wait until the message is written to the run directory", 0 },
    { "timeout", 't', "TIME", 0, "wait at most this long, for example 1.5 or 1m [no limit]", 0 },
    { 0 },
};

static error_t parse (int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end;

    switch (key) {
    case KEY_LINES:
        a->lines = true;
        return 0;
    case KEY_REQUEST:
        a->request = true;
        return 0;
    case KEY_SYNC:
        a->sync = true;
        return 0;
    case KEY_REPLY:
        a->reply = strtoull (value, &end, 10);
        if (*end || a->reply == 0 || *value == '-')
            argp_error (state, "--reply=%s: not the number of a request", value);
        return 0;
    case 't':
        if (aw_parse_seconds (value, &a->timeout) < 0)
            argp_error (state, "--timeout=%s: not a time: give for example 1.5, 90s or 1m30s",
                        value);
        return 0;
    case ARGP_KEY_ARG:
        if (!a->topic && !a->reply)
            a->topic = value;
        else if (!a->data)
            a->data = value;
        else
            argp_error (state, "unexpected argument \"%s\": put data of several words in quotes",
                        value);
        return 0;
    case ARGP_KEY_END:
        if (!a->topic && !a->reply)
            argp_error (state, "no topic given");
        if (a->reply && (a->lines || a->request))
            argp_error (state, "--reply: cannot be used with --lines or --request");
        if (!a->data && !a->lines)
            argp_error (state,
                        "no data given: give it after the topic, or \"-\" for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "TOPIC DATA\n--lines TOPIC\n--reply=REQUEST DATA",
    "In a task: publish DATA on TOPIC for other tasks of the workflow. DATA \"-\" is standard "
    "input, up to 64 KiB."
    "\vThe command returns at once. The message arrives even if the task ends now. Exit status: 0 "
    "sent, and with --request answered; 1 no answer in time, or nobody is left who could send one; "
    "2 the input is wrong; 4 no pool.",
    NULL,
    NULL,
    NULL,
};

static int complain (const struct aw_connection *aw, const char *what)
{
    int error = errno;

    if (ferror (stdin)) {
        fprintf (stderr, "async-workflow send: standard input: cannot be read: %s\n",
                 strerror (error));
        return AW_EXIT_INPUT;
    }
    fprintf (stderr, "async-workflow send: %s%s%s\n", what, *what ? ": " : "", aw_error_text (aw));
    return error == ETIMEDOUT || error == EDEADLK ? AW_EXIT_TASK_FAILED
           : error == EINVAL || error == EMSGSIZE ? AW_EXIT_INPUT
                                                  : AW_EXIT_POOL;
}

static int send_lines (struct aw_connection *aw, const struct arguments *a)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;

    while (rc == 0 && (n = getline (&line, &room, stdin)) > 0) {
        n -= line[n - 1] == '\n';
        rc = aw_publish (aw, a->topic, line, (size_t)n, 0);
    }
    free (line);
    return ferror (stdin) ? -1 : rc;
}

static int send_one (struct aw_connection *aw, const struct arguments *a)
{
    static char input[AW_MAX_MESSAGE + 1];
    const char *data = a->data;
    size_t size = strlen (data);
    struct aw_message answer;

    if (strcmp (data, "-") == 0) {
        size = fread (input, 1, sizeof (input), stdin);
        if (ferror (stdin))
            return -1;
        data = input;
    }
    if (a->reply)
        return aw_reply (aw, &(struct aw_message){ .request = a->reply }, data, size);
    if (!a->request)
        return aw_publish (aw, a->topic, data, size, 0);
    if (aw_request (aw, a->topic, data, size, a->timeout, &answer) < 0)
        return -1;
    fwrite (answer.data, 1, answer.size, stdout);
    if (answer.size == 0 || ((const char *)answer.data)[answer.size - 1] != '\n')
        putchar ('\n');
    return 0;
}

static int run (int argc, char **argv)
{
    struct arguments a = { .timeout = -1 };
    struct aw_connection *aw;
    int code = AW_EXIT_OK;

    argp_err_exit_status = AW_EXIT_INPUT;
    if (argp_parse (&argp, argc, argv, 0, NULL, &a) != 0)
        return AW_EXIT_INPUT;
    aw = aw_open ();
    if (!aw)
        return complain (NULL, "");
    if ((a.lines ? send_lines (aw, &a) : send_one (aw, &a)) < 0
        || (a.sync && aw_flush (aw, a.timeout) < 0))
        code = complain (aw, a.topic ? a.topic : "--reply");
    aw_close (aw);
    return code;
}

const struct aw_command aw_command_send = { "send", "in a task: send a message", run };
