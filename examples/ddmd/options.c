/* SPDX-License-Identifier: Apache-2.0 */

/* Long options with one value each, and flags: all that these programs need. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const struct ddmd_option *find_option (const struct ddmd_program *program,
                                              const char *name,
                                              size_t length)
{
    for (const struct ddmd_option *o = program->options; o->name; o++) {
        if (strlen (o->name) == length && strncmp (o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

static int set_count (const struct ddmd_option *o, const char *text, struct aw_error *err)
{
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull (text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || (double)value < o->min
        || (double)value > o->max)
        return aw_error_set (err, "--%s: \"%s\" is not a whole number from %.0f to %.0f", o->name,
                             text, o->min, o->max);
    *(uint64_t *)o->value = value;
    return 0;
}

static int set_number (const struct ddmd_option *o, const char *text, struct aw_error *err)
{
    char *end;
    double value = strtod (text, &end);

    if (end == text || *end != '\0' || !(value >= o->min && value <= o->max))
        return aw_error_set (err, "--%s: \"%s\" is not a number from %g to %g", o->name, text,
                             o->min, o->max);
    *(double *)o->value = value;
    return 0;
}

static int set_value (const struct ddmd_option *o, const char *text, struct aw_error *err)
{
    switch (o->type) {
    case DDMD_OPTION_COUNT:
        return set_count (o, text, err);
    case DDMD_OPTION_NUMBER:
        return set_number (o, text, err);
    case DDMD_OPTION_TEXT:
    case DDMD_OPTION_FLAG:
        break;
    }
    if (*text == '\0')
        return aw_error_set (err, "--%s: the value is empty", o->name);
    *(const char **)o->value = text;
    return 0;
}

static void print_default (const struct ddmd_option *o, FILE *out)
{
    switch (o->type) {
    case DDMD_OPTION_COUNT:
        fprintf (out, " [%llu]\n", (unsigned long long)*(uint64_t *)o->value);
        break;
    case DDMD_OPTION_NUMBER:
        fprintf (out, " [%g]\n", *(double *)o->value);
        break;
    case DDMD_OPTION_TEXT:
        if (*(const char **)o->value)
            fprintf (out, " [%s]", *(const char **)o->value);
        fputc ('\n', out);
        break;
    case DDMD_OPTION_FLAG:
        fputc ('\n', out);
        break;
    }
}

static void print_help (const struct ddmd_program *program, FILE *out)
{
    fprintf (out, "Usage: %s [OPTION]...\n%s\n\n", program->name, program->does);
    for (const struct ddmd_option *o = program->options; o->name; o++) {
        int width = fprintf (out, "  --%s %s", o->name, o->argument);

        fprintf (out, "%*s%s", width < 28 ? 28 - width : 1, "", o->help);
        print_default (o, out);
    }
}

int ddmd_options_parse (
    const struct ddmd_program *program, int argc, char **argv, FILE *out, struct aw_error *err)
{
    for (int i = 1; i < argc; i++) {
        const struct ddmd_option *o;
        const char *value;
        size_t length;

        if (strcmp (argv[i], "--help") == 0) {
            print_help (program, out);
            return 1;
        }
        if (strncmp (argv[i], "--", 2) != 0)
            return aw_error_set (err, "\"%s\": not an option", argv[i]);
        length = strcspn (argv[i] + 2, "=");
        o = find_option (program, argv[i] + 2, length);
        if (!o)
            return aw_error_set (err, "\"%s\": there is no such option", argv[i]);
        if (o->type == DDMD_OPTION_FLAG) {
            if (argv[i][2 + length] == '=')
                return aw_error_set (err, "--%s: it has no value", o->name);
            *(bool *)o->value = true;
            continue;
        }
        if (argv[i][2 + length] == '=')
            value = argv[i] + 3 + length;
        else if (i + 1 < argc)
            value = argv[++i];
        else
            return aw_error_set (err, "--%s: a value is missing", o->name);
        if (set_value (o, value, err) < 0)
            return -1;
    }
    return 0;
}

int ddmd_program_end (const struct ddmd_program *program, int status, const struct aw_error *err)
{
    if (fflush (stdout) != 0 && status == 0) {
        fprintf (stderr, "%s: cannot write to standard output: %s\n", program->name,
                 strerror (errno));
        return 1;
    }
    if (status == 1)
        fprintf (stderr, "%s: %s\n", program->name, err->text);
    if (status == 2)
        fprintf (stderr, "%s: %s: try \"%s --help\"\n", program->name, err->text, program->name);
    return status;
}
