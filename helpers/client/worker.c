/* SPDX-License-Identifier: Apache-2.0 */
/* The library of workers: calls come and answers go as lines of JSON on descriptor 3. The pool
 * writes the members of a call in one order: names, "services", "values", "input".
 */
#include "client/async-workflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/packet.h"

enum { CALL_FD = 3, ERROR_MAX = 1024 };

static FILE *calls; /* reads descriptor 3; NULL: nothing has been read */
static bool unanswered;
static char *line, *services, *values;
static size_t room;
static char task[AW_SENDER_MAX + 1], launch[32];

/* Sends all SIZE bytes. 0, or -1 with errno. */
static int send_all (const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = send (CALL_FD, text, size, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return -1;
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* TEXT as the inside of a JSON string, cut where it is long. */
static void quote (char *to, const char *text)
{
    const char *end = to + 6 * ERROR_MAX;

    for (; *text && to + 7 < end; text++)
        to += (unsigned char)*text < 0x20 || *text == '"' || *text == '\\'
                  ? sprintf (to, "\\u%04x", (unsigned char)*text)
                  : sprintf (to, "%c", *text);
    *to = '\0';
}

int aw_worker_done (int code, const char *result, const char *error)
{
    size_t size = result ? strlen (result) : 0;
    char quoted[6 * ERROR_MAX], *answer;
    int rc;

    if (code < 0 || code > 255 || (result && strchr (result, '\n'))) {
        errno = EINVAL;
        return -1;
    }
    if (size > AW_MESSAGE_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    fflush (stdout);
    if (code == 0 && !result && !error) {
        unanswered = false;
        return send_all ("{}\n", 3);
    }
    quote (quoted, error ? error : "");
    rc = asprintf (&answer, "{\"code\":%d%s%s%s%s%s}\n", code, result ? ",\"result\":" : "",
                   result ? result : "", error ? ",\"error\":\"" : "", error ? quoted : "",
                   error ? "\"" : "");
    if (rc < 0)
        return -1;
    unanswered = false;
    rc = send_all (answer, (size_t)rc);
    free (answer);
    return rc;
}

static int open_calls (void)
{
    int type;
    socklen_t size = sizeof (type);

    if (calls)
        return 0;
    if (getsockopt (CALL_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM) {
        errno = ENOTCONN;
        return -1;
    }
    fcntl (CALL_FD, F_SETFD, FD_CLOEXEC);
    calls = fdopen (CALL_FD, "r");
    return calls ? 0 : -1;
}

/* Variables of the environment that name the task. They are changed in place: setenv(3) keeps the
 * memory of every value.
 */
static int set_environment (const struct aw_call *call)
{
    static char name[AW_SENDER_MAX + 24], index[40], iteration[40], attempt[40], mark[64];

    snprintf (name, sizeof (name), "ASYNC_WORKFLOW_TASK=%s", call->task);
    snprintf (index, sizeof (index), "ASYNC_WORKFLOW_INDEX=%u", call->index);
    snprintf (iteration, sizeof (iteration), "ASYNC_WORKFLOW_ITERATION=%u", call->iteration);
    snprintf (attempt, sizeof (attempt), "ASYNC_WORKFLOW_ATTEMPT=%u", call->attempt);
    snprintf (mark, sizeof (mark), AW_PACKET_LAUNCH "=%s", launch);
    return putenv (name) | putenv (index) | putenv (iteration) | putenv (attempt) | putenv (mark);
}

/* The end of the object of texts at P. */
static char *end_of_texts (char *p)
{
    bool inside = false;

    for (; *p && (inside || *p != '}'); p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '"')
            inside = !inside;
    }
    return *p ? p + 1 : p;
}

/* Does the member that BEFORE begins, an object of texts, stand at *P? Sets *TO to a copy in *KEPT,
 * else to "{}". 0, or -1 with ENOMEM.
 */
static int read_texts (char **p, const char *before, char **kept, const char **to)
{
    size_t size = strlen (before);
    char *from = *p + size;

    *to = "{}";
    if (strncmp (*p, before, size) != 0)
        return 0;
    *p = end_of_texts (from);
    free (*kept);
    *to = *kept = strndup (from, (size_t)(*p - from));
    return *kept ? 0 : -1;
}

/* Takes the line, of SIZE bytes, apart. */
static int read_call (struct aw_call *call, size_t size)
{
    static const char last[] = ",\"input\":";
    int n = 0;
    char *p;

    if (size < 2 || line[size - 1] != '\n'
        || sscanf (line,
                   "{\"task\":\"%160[^\"]\",\"index\":%u,\"iteration\":%u,\"attempt\":%u,"
                   "\"launch\":\"%31[0-9.]\"%n",
                   task, &call->index, &call->iteration, &call->attempt, launch, &n)
               != 5
        || n == 0) {
        errno = EPROTO;
        return -1;
    }
    line[size - 2] = '\0'; /* the brace that ends it */
    p = line + n;
    call->task = task;
    call->input = NULL;
    if (read_texts (&p, ",\"services\":", &services, &call->services) < 0
        || read_texts (&p, ",\"values\":", &values, &call->values) < 0)
        return -1;
    if (strncmp (p, last, sizeof (last) - 1) == 0)
        call->input = p + sizeof (last) - 1;
    return 0;
}

int aw_worker_next (struct aw_call *call)
{
    ssize_t size;

    if (open_calls () < 0 || (unanswered && aw_worker_done (0, NULL, NULL) < 0))
        return -1;
    size = getline (&line, &room, calls);
    if (size <= 0)
        return ferror (calls) && errno != ECONNRESET ? -1 : 0;
    if (read_call (call, (size_t)size) < 0 || set_environment (call) < 0)
        return -1;
    unanswered = true;
    return 1;
}
