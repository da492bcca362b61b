/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/value_sources.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"
#include "io/text_file.h"
#include "util/utf8.h"

/* What is wrong with a value, or NULL. */
static const char *fault_of (const char *text, size_t length)
{
    size_t at = 0, n;

    if (length > AW_MAX_TEXT)
        return "longer than 131071 bytes, the most that a program can receive";
    if (memchr (text, '\0', length))
        return "has a NUL byte, which programs cannot receive: remove it";
    while (at < length) {
        n = (unsigned char)text[at] < 0x80 ? 1 : aw_utf8_length (text + at, length - at);
        if (n == 0)
            return "is not UTF-8: convert it with iconv(1)";
        at += n;
    }
    return NULL;
}

bool aw_value_add (struct aw_reader *reader,
                   struct aw_values *values,
                   uint32_t variable,
                   const char *text,
                   size_t length,
                   const char *path,
                   size_t line)
{
    const char *fault = fault_of (text, length);

    if (fault && path && line)
        return aw_reader_error (reader, "%s: line %zu: %s", path, line, fault);
    if (fault)
        return aw_reader_error (reader, "a value %s", fault);
    if (aw_values_appended (values, variable) >= AW_MAX_TASKS)
        return aw_reader_error (reader, "more than %u values: at most this many tasks are possible",
                                AW_MAX_TASKS);
    if (aw_values_append (values, variable, text, length) < 0)
        return aw_reader_no_memory (reader);
    if (memchr (text, '\n', length))
        aw_values_note_newline (values, variable, line);
    return true;
}

/* PATH where the run starts; caller frees. */
static char *absolute (const struct aw_reader *reader, const char *path)
{
    char *joined;

    if (!reader->directory || path[0] == '/')
        return strdup (path);
    return asprintf (&joined, "%s/%s", reader->directory, path) < 0 ? NULL : joined;
}

char *aw_value_file (struct aw_reader *reader, const char *path, size_t *begin, size_t *size)
{
    char *name = absolute (reader, path);
    char *text = NULL;
    struct aw_error err = { "out of memory" };

    *size = 0;
    if (name)
        text = aw_text_file_read (name, AW_VALUES_MAX_BYTES, size, &err);
    if (!text)
        aw_reader_error (reader, "%s: %s", path, err.text);
    free (name);
    *begin = text ? aw_utf8_mark (text, *size) : 0;
    return text;
}

bool aw_values_from_lines (struct aw_reader *reader,
                           struct aw_values *values,
                           uint32_t variable,
                           const char *path)
{
    size_t begin, size, line = 0;
    char *text = aw_value_file (reader, path, &begin, &size);
    size_t old = text ? aw_text_old_line_end (text, size) : 0;
    bool good = text != NULL && old == 0;
    const char *p = text + begin, *end = text + size;

    if (old > 0)
        aw_reader_error (reader, "%s: line %zu: " AW_TEXT_OLD_LINE_END, path, old);
    for (; good && p < end; p++) {
        const char *newline = memchr (p, '\n', (size_t)(end - p));
        size_t length = (size_t)((newline ? newline : end) - p);

        line++;
        if (length > 0 && p[length - 1] == '\r')
            length--;
        if (length > 0)
            good = aw_value_add (reader, values, variable, p, length, path, line);
        p = newline ? newline : end;
    }
    if (good && aw_values_appended (values, variable) == 0)
        good = aw_reader_error (reader, "%s: is empty: a task set has at least one task", path);
    free (text);
    return good;
}

static int compare_names (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/* A directory that cannot be read ends the search: files in it would be missing. */
static int on_glob_error (const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR && error != ELOOP;
}

/* DIRECTORY, each special character behind a backslash, then "/" and PATTERN; caller frees. */
static char *pattern_in (const char *directory, const char *pattern)
{
    size_t n = strlen (directory);
    char *text = malloc (2 * n + strlen (pattern) + 2), *to = text;

    for (const char *p = directory; text && *p; p++) {
        if (strchr ("*?[]\\", *p))
            *to++ = '\\';
        *to++ = *p;
    }
    if (text) {
        *to++ = '/';
        strcpy (to, pattern);
    }
    return text;
}

static bool add_names (struct aw_reader *reader,
                       struct aw_values *values,
                       uint32_t variable,
                       glob_t *found,
                       size_t skip)
{
    if (found->gl_pathc > 1)
        qsort (found->gl_pathv, found->gl_pathc, sizeof (*found->gl_pathv), compare_names);
    for (size_t i = 0; i < found->gl_pathc; i++) {
        const char *name = found->gl_pathv[i] + skip;

        if (!aw_value_add (reader, values, variable, name, strlen (name), NULL, 0))
            return false;
    }
    return true;
}

bool aw_values_from_glob (struct aw_reader *reader,
                          struct aw_values *values,
                          uint32_t variable,
                          const char *pattern)
{
    const char *directory = pattern[0] == '/' ? NULL : reader->directory;
    size_t skip = directory ? strlen (directory) + 1 : 0;
    char *full = directory ? pattern_in (directory, pattern) : strdup (pattern);
    glob_t found = { 0 };
    bool good = false;

    if (strstr (pattern, "**")) {
        free (full);
        return aw_reader_error (reader,
                                "\"%s\": \"**\" does not search subdirectories: write \"*/*\" for "
                                "each level, or list the files with \"lines\"",
                                pattern);
    }
    switch (full ? glob (full, GLOB_NOSORT, on_glob_error, &found) : GLOB_NOSPACE) {
    case 0:
        good = add_names (reader, values, variable, &found, skip);
        break;
    case GLOB_NOMATCH:
        aw_reader_error (reader, "\"%s\": no file has a name of this pattern", pattern);
        break;
    case GLOB_ABORTED:
        aw_reader_error (reader, "\"%s\": a directory cannot be read: %s", pattern,
                         strerror (errno));
        break;
    default:
        aw_reader_no_memory (reader);
        break;
    }
    globfree (&found);
    free (full);
    return good;
}

bool aw_values_from_range (struct aw_reader *reader,
                           struct aw_values *values,
                           uint32_t variable,
                           int64_t first,
                           int64_t last,
                           int64_t step)
{
    char text[24];

    if (step == 0)
        return aw_reader_error (reader, "the step is 0: give another, or leave it out for 1");
    if (step > 0 ? first > last : first < last)
        return aw_reader_error (reader,
                                "no number from %" PRId64 " to %" PRId64 " with step %" PRId64
                                ": a task set has at least one task",
                                first, last, step);
    /* All three are below 2^53. */
    if ((last - first) / step >= (int64_t)AW_MAX_TASKS)
        return aw_reader_error (reader, "%" PRId64 " values: at most %u tasks are possible",
                                (last - first) / step + 1, AW_MAX_TASKS);
    for (int64_t n = first; step > 0 ? n <= last : n >= last; n += step) {
        int length = snprintf (text, sizeof (text), "%" PRId64, n);

        if (!aw_value_add (reader, values, variable, text, (size_t)length, NULL, 0))
            return false;
    }
    return true;
}
