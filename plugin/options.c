/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/error.h"
#include "util/strings.h"

void aw_options_init (struct aw_options *options)
{
    memset (options, 0, sizeof (*options));
}

void aw_options_finish (struct aw_options *options)
{
    int saved = errno;

    for (int i = 0; i < AW_OPTION_SRUN_COUNT; i++) {
        free (options->value[i]);
        aw_strings_finish (&options->list[i]);
    }
    free (options->ours);
    aw_options_init (options);
    errno = saved;
}

int aw_options_set (struct aw_options *options, int option, const char *value, struct aw_error *err)
{
    const struct aw_option_entry *entry;
    char *copy;

    errno = EINVAL;
    if (option < 0 || option >= AW_OPTION_SRUN_COUNT || !value)
        return aw_error_set (err, "unknown option %d", option);
    entry = &aw_option_table[option];
    if (!*value && entry->argument)
        return aw_error_set (err, "--%s: empty value: give %s", entry->srun_name,
                             entry->choices ? entry->choices : entry->argument);
    copy = strdup (value);
    if (copy && entry->kind == AW_KIND_LIST)
        aw_strings_add (&options->list[option], value);
    if (!copy || options->list[option].failed) {
        free (copy);
        errno = ENOMEM;
        return aw_error_set (err, "out of memory");
    }
    free (options->value[option]);
    options->value[option] = copy;
    return 0;
}

static int make_room (struct aw_options *options, size_t words)
{
    if (words <= options->words)
        return 0;
    if (aw_array_reserve (&options->ours, &options->room, words) < 0)
        return -1;
    memset (options->ours + options->words, 0, words - options->words);
    options->words = words;
    return 0;
}

int aw_options_mark (struct aw_options *options,
                     const struct aw_strings *line,
                     size_t next,
                     const char *value,
                     struct aw_error *err)
{
    size_t last;
    size_t first;
    size_t length;

    if (next < 2 || next > line->n || !value)
        goto unexpected;
    last = next - 1;
    length = strlen (line->v[last]);
    if (length < strlen (value) || strcmp (line->v[last] + length - strlen (value), value) != 0)
        goto unexpected;
    first = length == strlen (value) ? last - 1 : last;
    if (first < 1 || strncmp (line->v[first], "--", 2) != 0)
        goto unexpected;
    if (make_room (options, line->n) < 0)
        return aw_error_set (err, "%s", strerror (errno));
    options->ours[first] = true;
    options->ours[last] = true;
    return 0;
unexpected:
    errno = EINVAL;
    return aw_error_set (err, "srun's command line: word %zu is not as expected", next);
}

bool aw_options_has_run (const struct aw_options *options)
{
    return options->value[AW_OPTION_FILE] || options->value[AW_OPTION_RESUME];
}

int aw_options_first_extra (const struct aw_options *options)
{
    for (int i = 0; i < AW_OPTION_SRUN_COUNT; i++) {
        if (i != AW_OPTION_FILE && options->value[i])
            return i;
    }
    return -1;
}
