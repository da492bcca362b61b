/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/after.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/template.h"

enum { MAX_DIGITS = 9 };

static size_t count_digits (const char *text)
{
    return strspn (text, "0123456789");
}

/* The length of "[sample,chromosome]" at the begin of TEXT; 0: that is no such text. */
static size_t count_brackets (const char *text)
{
    size_t n = 1, name;

    if (*text != '[')
        return 0;
    while ((name = aw_template_name_length (text + n)) > 0 && text[n + name] == ',')
        n += name + 1;
    return name > 0 && text[n + name] == ']' ? n + name + 1 : 0;
}

/* TEXT stands behind the name's "@". */
static int explain_iteration (const char *name, int length, const char *text, struct aw_error *err)
{
    size_t n = count_digits (text + (*text == '-' || *text == '+'));

    if (*text == '-' && n == 1 && text[1] == '0' && !text[2])
        return aw_error_set (err, "@-0 is this iteration: write \"%.*s\"", length, name);
    if (*text == '-' && n > MAX_DIGITS)
        return aw_error_set (err, "too many iterations: at most %d digits", MAX_DIGITS);
    if (*text == '-' && n && count_brackets (text + 1 + n))
        return aw_error_set (err, "%.64s comes before @: write \"%.*s%.64s@%.*s\"", text + 1 + n,
                             length, name, text + 1 + n, (int)n + 1, text);
    if (*text != '-' && n)
        return aw_error_set (err, "a task can wait only for earlier iterations: write \"%.*s@-1\"",
                             length, name);
    return aw_error_set (err,
                         "after @ comes the number of iterations to look back: write \"%.*s@-1\"",
                         length, name);
}

static int explain (const char *text, size_t name_length, struct aw_error *err)
{
    const char *rest = text + name_length;
    int length = name_length > 64 ? 64 : (int)name_length;

    if (!name_length)
        return aw_error_set (err, "a task set's name is missing");
    rest += count_brackets (rest);
    if (*rest == '@')
        return explain_iteration (text, length, rest + 1, err);
    if (*rest == '[')
        return aw_error_set (err,
                             "brackets hold i, for the task with the same index, or names of "
                             "variables: write \"%.*s[i]\", \"%.*s[sample]\", or \"%.*s\" for all",
                             length, text, length, text, length, text);
    return aw_error_set (
        err, "write \"set\", \"set[i]\", \"set[variable]\", \"set@-1\" or \"set[i]@-1\"");
}

int aw_after_parse (const char *text, struct aw_after *after, struct aw_error *err)
{
    size_t name_length = strcspn (text, "[]@");
    size_t brackets = count_brackets (text + name_length);
    const char *p = text + name_length;

    *after = (struct aw_after){ .name_length = name_length };
    if (brackets > 0) {
        after->brackets = p + 1;
        after->brackets_length = brackets - 2;
        after->each = brackets == 3 && p[1] == 'i';
        p += brackets;
    }
    if (p[0] == '@' && p[1] == '-' && p[2] >= '1' && p[2] <= '9') {
        size_t n = count_digits (p + 2);

        if (n <= MAX_DIGITS) {
            after->back = (uint32_t)strtoul (p + 2, NULL, 10);
            p += 2 + n;
        }
    }
    return *p || !name_length ? explain (text, name_length, err) : 0;
}
