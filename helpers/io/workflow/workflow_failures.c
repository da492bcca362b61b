/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/workflow/workflow_failures.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "io/workflow/reader_keys.h"
#include "util/units.h"
#include "util/compat.h"

static const double CHECKPOINT_SECONDS = 60; /* where no time is given, as in Slurm's --signal */

enum { MAX_RETRIES = 1000, MAX_BACKOFF = 1000 };

static void read_backoff (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_retry *retry = object;
    double number;

    if (!aw_reader_number (reader, value, &number))
        return;
    if (number >= 1 && number <= MAX_BACKOFF)
        retry->backoff = number;
    else
        aw_reader_error (reader, "%.15g: must be from 1 to %d", number, MAX_BACKOFF);
}

static void read_cause (struct aw_reader *reader, struct json_object *value, struct aw_retry *retry)
{
    const char *names[AW_CAUSES];
    uint64_t code;
    size_t index;

    for (int i = 0; i < AW_CAUSES; i++)
        names[i] = aw_cause_name ((enum aw_cause)i);
    if (json_object_is_type (value, json_type_string)) {
        if (aw_reader_choice (reader, value, names, AW_CAUSES, &index))
            retry->causes |= 1u << index;
    }
    else if (aw_reader_integer (reader, value, 1, 255, &code))
        aw_codes_add (&retry->codes, (int)code);
}

static void read_on (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_retry *retry = object;

    if (!aw_reader_array (reader, value))
        return;
    if (json_object_array_length (value) == 0)
        aw_reader_error (reader, "is empty: nothing would be retried: leave it out for every "
                                 "cause, or give \"count\": 0");
    for (size_t i = 0; i < json_object_array_length (value); i++) {
        size_t mark = aw_reader_enter_index (reader, i);

        read_cause (reader, json_object_array_get_idx (value, i), retry);
        aw_reader_leave (reader, mark);
    }
}

#define OF(member) .offset = offsetof (struct aw_retry, member)

static const struct aw_key keys[] = {
    { "count", AW_KEY_U32, OF (count), .min = 0, .max = MAX_RETRIES },
    { "delay", AW_KEY_SECONDS, OF (delay) },
    { "backoff", .read = read_backoff },
    { "max_delay", AW_KEY_LIMIT, OF (max_delay) },
    { "on", .read = read_on },
};
enum { N_KEYS = sizeof (keys) / sizeof (keys[0]) };

void aw_read_retries (struct aw_reader *reader, struct json_object *value, struct aw_retry *retry)
{
    memset (retry, 0, sizeof (*retry));
    if (!json_object_is_type (value, json_type_object)) {
        aw_key_read (reader, aw_key_find (keys, N_KEYS, "count"), value, retry);
        return;
    }
    aw_keys_read (reader, keys, N_KEYS, "async-workflow-file(5) lists all keys of retries", value,
                  retry);
    if (!json_object_object_get_ex (value, "count", NULL))
        aw_reader_error (reader, "\"count\" is missing: give the number of retries");
}

void aw_read_success_codes (struct aw_reader *reader,
                            struct json_object *value,
                            struct aw_codes *codes)
{
    memset (codes, 0, sizeof (*codes));
    if (!aw_reader_array (reader, value))
        return;
    if (json_object_array_length (value) == 0)
        aw_reader_error (reader, "is empty: every task would fail: leave it out to accept only 0");
    for (size_t i = 0; i < json_object_array_length (value); i++) {
        size_t mark = aw_reader_enter_index (reader, i);
        uint64_t code;

        if (aw_reader_integer (reader, json_object_array_get_idx (value, i), 0, 255, &code))
            aw_codes_add (codes, (int)code);
        aw_reader_leave (reader, mark);
    }
}

/* The number of the signal "USR1" or "SIGUSR1" that a task can handle, or 0. */
static int signal_number (const char *name, size_t length)
{
    if (length > 3 && strncmp (name, "SIG", 3) == 0) {
        name += 3;
        length -= 3;
    }
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np (number);

        if (known && strlen (known) == length && memcmp (known, name, length) == 0)
            return number == SIGKILL || number == SIGSTOP ? 0 : number;
    }
    return 0;
}

void aw_read_checkpoint_signal (struct aw_reader *reader,
                                struct json_object *value,
                                int *number,
                                double *seconds)
{
    const char *text, *at;
    int found;

    if (!aw_reader_text (reader, value, &text))
        return;
    at = strchrnul (text, '@');
    found = signal_number (text, (size_t)(at - text));
    *seconds = CHECKPOINT_SECONDS;
    if (!found)
        aw_reader_error (reader,
                         "\"%.32s\" does not begin with a signal that a task can handle: write "
                         "\"USR1@60s\": the signal, \"@\", and the time before the end",
                         text);
    else if (*at && (aw_parse_seconds (at + 1, seconds) < 0 || !(*seconds > 0)))
        aw_reader_error (reader, "\"%.32s\" is not a time above 0: write \"USR1@60s\"", at + 1);
    else
        *number = found;
}
