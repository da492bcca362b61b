/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/worker_answer.h"

#include <math.h>
#include <string.h>

#include "io/scan.h"

static int read_code (char **p, int *code, struct aw_error *err)
{
    double number;

    if (aw_scan_number (p, &number) == 0 && number >= 0 && number <= 255
        && number == floor (number)) {
        *code = (int)number;
        return 0;
    }
    return aw_error_set (err, "\"code\" is not a whole number from 0 to 255");
}

static int read_error (char **p, const char **error, struct aw_error *err)
{
    char *text;

    if (aw_scan_string (p, &text) < 0)
        return aw_error_set (err, "\"error\" is not text");
    if (strlen (text) > AW_WORKER_ERROR_MAX)
        text[AW_WORKER_ERROR_MAX] = '\0';
    *error = text;
    return 0;
}

static int read_result (char **p, struct aw_piece *result, struct aw_error *err)
{
    const char *from;

    aw_scan_space (p);
    from = *p;
    if (aw_scan_skip (p) < 0)
        return aw_error_set (err, "\"result\" is not JSON");
    *result = (struct aw_piece){ from, (size_t)(*p - from) };
    if (result->size > AW_MESSAGE_MAX)
        return aw_error_set (err, "a result of %zu bytes: at most %d are possible", result->size,
                             AW_MESSAGE_MAX);
    return 0;
}

static int read_member (struct aw_worker_answer *answer, char **p, struct aw_error *err)
{
    char *key;

    if (aw_scan_string (p, &key) < 0 || aw_scan_char (p, ':') < 0)
        return aw_error_set (err, "not a JSON object on one line");
    aw_scan_space (p);
    if (strcmp (key, "code") == 0)
        return read_code (p, &answer->code, err);
    if (strcmp (key, "error") == 0)
        return read_error (p, &answer->error, err);
    if (strcmp (key, "result") == 0)
        return read_result (p, &answer->result, err);
    return aw_error_set (err,
                         "unknown member \"%.40s\": \"code\", \"result\" and \"error\" are "
                         "possible",
                         key);
}

int aw_worker_answer_read (struct aw_worker_answer *answer,
                           char *line,
                           size_t size,
                           struct aw_textbuf *raw,
                           struct aw_error *err)
{
    char *p = line;

    *answer = (struct aw_worker_answer){ 0 };
    aw_textbuf_clear (raw);
    aw_textbuf_put (raw, line, size);
    if (raw->failed)
        return aw_error_set (err, "out of memory");
    if (aw_scan_char (&p, '{') < 0)
        return aw_error_set (err, "not a JSON object on one line");
    if (aw_scan_char (&p, '}') < 0) {
        do
            if (read_member (answer, &p, err) < 0)
                return -1;
        while (aw_scan_char (&p, ',') == 0);
        if (aw_scan_char (&p, '}') < 0)
            return aw_error_set (err, "not a JSON object on one line");
    }
    aw_scan_space (&p);
    if (p != line + size)
        return aw_error_set (err, "something after the JSON object");
    if (answer->result.size)
        answer->result.text = raw->data + (answer->result.text - line);
    return 0;
}
