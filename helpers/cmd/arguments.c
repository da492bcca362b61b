/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/arguments.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/workflow.h"
#include "util/exit_status.h"
#include "util/strings.h"
#include "util/units.h"

enum { FIRST_KEY = 0x100 }; /* argp's key of option 0, if it has no letter */

struct parse {
    const struct aw_arguments *line;
    char *arguments;
};

static void read_count (const struct aw_argument *option,
                        const char *text,
                        uint32_t *place,
                        struct argp_state *state)
{
    unsigned long number;
    char *end;

    errno = 0;
    number = strtoul (text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || (double)number < option->min
        || (double)number > option->max)
        argp_error (state, "--%s=%s: not a number from %.0f to %.0f", option->name, text,
                    option->min, option->max);
    *place = (uint32_t)number;
}

static void read_positive (const struct aw_argument *option,
                           const char *text,
                           unsigned long long *place,
                           struct argp_state *state)
{
    char *end;

    *place = strtoull (text, &end, 10);
    if (*end || *place == 0 || *text == '-')
        argp_error (state, "--%s=%s: not %s", option->name, text, option->example);
}

static void read_number (const struct aw_argument *option,
                         const char *text,
                         double *place,
                         struct argp_state *state)
{
    char *end;

    *place = strtod (text, &end);
    if (end == text || *end || !(*place >= option->min && *place <= option->max))
        argp_error (state, "--%s=%s: not a number from %.0f to %.0f%s%s", option->name, text,
                    option->min, option->max, option->example ? ": give for example " : "",
                    option->example ? option->example : "");
}

static void read_value (const struct aw_argument *option,
                        const char *text,
                        void *place,
                        struct argp_state *state)
{
    switch (option->kind) {
    case AW_VALUE_FLAG:
        *(bool *)place = true;
        break;
    case AW_VALUE_LIST:
        aw_strings_add (place, text);
        if (((struct aw_strings *)place)->failed)
            argp_failure (state, AW_EXIT_INPUT, 0, "out of memory");
        break;
    case AW_VALUE_TEXT:
        *(const char **)place = text;
        break;
    case AW_VALUE_COUNT:
        read_count (option, text, place, state);
        break;
    case AW_VALUE_POSITIVE:
        read_positive (option, text, place, state);
        break;
    case AW_VALUE_NUMBER:
        read_number (option, text, place, state);
        break;
    case AW_VALUE_TIME:
        if (aw_parse_seconds (text, place) < 0)
            argp_error (state, "--%s=%s: not a time: give for example %s", option->name, text,
                        option->example);
        break;
    case AW_VALUE_BYTES:
        if (aw_parse_bytes (text, place) < 0)
            argp_error (state, "--%s=%s: not a size: give bytes, or a size like %s", option->name,
                        text, option->example);
        break;
    }
}

static void read_word (const struct aw_arguments *line,
                       const char *text,
                       const char **place,
                       struct argp_state *state)
{
    if (*place && line->second)
        argp_error (state, "\"%s\": a second %s", text, line->second);
    else if (*place)
        argp_error (state, "unexpected argument \"%s\"", text);
    *place = text;
}

/* The first word, and those after it. */
static void read_words (const struct aw_arguments *line,
                        const struct parse *p,
                        struct argp_state *state)
{
    *(const char **)(p->arguments + line->offset) = state->argv[state->next];
    *(struct aw_words *)(p->arguments + line->more) =
        (struct aw_words){ state->argv + state->next + 1, state->argc - state->next - 1 };
}

static int key_of (const struct aw_arguments *line, int i)
{
    return line->options[i].letter ? line->options[i].letter : FIRST_KEY + i;
}

static error_t parse_one (int key, char *text, struct argp_state *state)
{
    const struct parse *p = state->input;
    const struct aw_arguments *line = p->line;
    const char **word = (const char **)(p->arguments + line->offset);

    if (key == ARGP_KEY_ARG && line->more)
        return ARGP_ERR_UNKNOWN; /* all of them together come as ARGP_KEY_ARGS */
    if (key == ARGP_KEY_ARG)
        read_word (line, text, word, state);
    else if (key == ARGP_KEY_ARGS)
        read_words (line, p, state);
    else if (key == ARGP_KEY_END) {
        if (!*word && line->missing)
            argp_error (state, "%s", line->missing);
        if (line->check)
            line->check (p->arguments, state);
    }
    else {
        int i = 0;

        while (i < line->n_options && key_of (line, i) != key)
            i++;
        if (i == line->n_options)
            return ARGP_ERR_UNKNOWN;
        read_value (&line->options[i], text, p->arguments + line->options[i].offset, state);
    }
    return 0;
}

bool aw_argument_is_stdin (const char **word)
{
    if (strcmp (*word, "-") != 0)
        return false;
    *word = AW_WORKFLOW_STDIN;
    return true;
}

void aw_arguments_parse (const struct aw_arguments *line, int argc, char **argv, void *arguments)
{
    struct argp_option options[AW_OPTIONS_MAX + 1] = { { 0 } };
    struct argp argp = { options, parse_one, line->words, line->doc, NULL, NULL, NULL };
    struct parse p = { line, arguments };
    int group = 0;

    for (int i = 0; i < line->n_options; i++) {
        const struct aw_argument *option = &line->options[i];

        group += !option->name;
        options[i] = (struct argp_option){ .name = option->name,
                                           .key = option->name ? key_of (line, i) : 0,
                                           .arg = option->value,
                                           .doc = option->help,
                                           .group = group };
    }
    argp_err_exit_status = AW_EXIT_INPUT;
    argp_parse (&argp, argc, argv, line->in_order ? ARGP_IN_ORDER : 0, NULL, &p);
}
