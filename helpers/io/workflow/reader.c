/* SPDX-License-Identifier: Apache-2.0 */
/* Where the reader is, and its parameters. What it reads is in reader_values.c. */
#include "io/workflow/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/suggest.h"

void aw_reader_init (struct aw_reader *reader, const char *label, struct aw_problems *problems)
{
    memset (reader, 0, sizeof (*reader));
    reader->label = label;
    reader->problems = problems;
    aw_names_init (&reader->parameter_numbers);
}

void aw_reader_finish (struct aw_reader *reader)
{
    for (size_t i = 0; i < reader->n_parameters; i++)
        free (reader->parameters[i].text);
    free (reader->parameters);
    aw_names_finish (&reader->parameter_numbers);
}

/* Puts SIZE bytes behind the place, as far as there is room: without printf, for each key of each
 * task of a workflow that is added is a place. */
static void append (struct aw_reader *reader, const char *text, size_t size)
{
    size_t at = reader->place_length;
    size_t room = at < sizeof (reader->place) ? sizeof (reader->place) - at - 1 : 0;

    if (room == 0)
        return;
    memcpy (reader->place + at, text, size < room ? size : room);
    reader->place[at + (size < room ? size : room)] = '\0';
    reader->place_length += size;
}

size_t aw_reader_enter (struct aw_reader *reader, const char *key)
{
    size_t mark = reader->place_length;

    if (mark > 0)
        append (reader, ".", 1);
    /* A key may be as long as the file; 64 bytes are more than any that is right. */
    append (reader, key, strnlen (key, 64));
    return mark;
}

size_t aw_reader_enter_index (struct aw_reader *reader, size_t index)
{
    size_t mark = reader->place_length;
    char text[32];
    char *p = text + sizeof (text);

    *--p = ']';
    do
        *--p = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    *--p = '[';
    append (reader, p, (size_t)(text + sizeof (text) - p));
    return mark;
}

void aw_reader_leave (struct aw_reader *reader, size_t mark)
{
    reader->place_length = mark;
    if (mark < sizeof (reader->place))
        reader->place[mark] = '\0';
}

static void report (struct aw_reader *reader, bool warning, const char *fmt, va_list ap)
{
    char text[1024];

    vsnprintf (text, sizeof (text), fmt, ap);
    aw_problems_add (reader->problems, warning, "%s: %s%s%s", reader->label, reader->place,
                     reader->place[0] ? ": " : "", text);
}

bool aw_reader_error (struct aw_reader *reader, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    report (reader, false, fmt, ap);
    va_end (ap);
    return false;
}

void aw_reader_warn (struct aw_reader *reader, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    report (reader, true, fmt, ap);
    va_end (ap);
}

bool aw_reader_no_memory (struct aw_reader *reader)
{
    if (!reader->no_memory)
        aw_reader_error (reader, "out of memory");
    reader->no_memory = true;
    return false;
}

bool aw_reader_unknown (struct aw_reader *reader,
                        const char *kind,
                        const char *word,
                        const char *const names[],
                        size_t n,
                        const char *hint)
{
    /* Beyond what is shown nobody needs a suggestion, which costs time. */
    bool shown = reader->problems->n_items < AW_PROBLEMS_MAX;
    const char *near = shown ? aw_suggest (word, names, n) : NULL;

    if (near)
        return aw_reader_error (reader, "unknown %s \"%.64s\": did you mean \"%s\"?", kind, word,
                                near);
    return aw_reader_error (reader, "unknown %s \"%.64s\": %s", kind, word, hint);
}

bool aw_reader_add_parameter (struct aw_reader *reader,
                              const char *name,
                              const char *text,
                              bool outside)
{
    size_t n = reader->n_parameters;

    if (aw_array_reserve (&reader->parameters, &reader->parameter_room, n + 1) < 0)
        return aw_reader_no_memory (reader);
    reader->parameters[n] =
        (struct aw_parameter){ .name = name, .text = strdup (text), .outside = outside };
    if (!reader->parameters[n].text)
        return aw_reader_no_memory (reader);
    reader->n_parameters++;
    if (aw_names_set (&reader->parameter_numbers, name, (uint32_t)n) < 0)
        return aw_reader_no_memory (reader);
    return true;
}

struct aw_parameter *aw_reader_parameter (struct aw_reader *reader, const char *name, size_t length)
{
    uint32_t number = aw_names_get (&reader->parameter_numbers, name, length);

    if (number == AW_NAMES_NONE)
        return NULL;
    reader->parameters[number].used = true;
    return &reader->parameters[number];
}

/* Beyond the limit nothing is added: 32 bits would not hold the sum. */
bool aw_reader_spend (struct aw_reader *reader, size_t size)
{
    if (reader->expanded > AW_MAX_EXPANDED)
        return false;
    reader->expanded += size;
    if (reader->expanded <= AW_MAX_EXPANDED)
        return true;
    return aw_reader_error (
        reader, "all texts together, with parameters and defaults filled in, have more than %d MiB",
        AW_MAX_EXPANDED >> 20);
}
