/* SPDX-License-Identifier: Apache-2.0 */

/* Command lines: one table a program gives options, their checks and the help text. */

#ifndef DDMD_OPTIONS_H
#define DDMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/error.h"

enum ddmd_option_type {
    DDMD_OPTION_TEXT, /* const char *, borrowed from argv */
    DDMD_OPTION_COUNT, /* uint64_t, a decimal number from min to max */
    DDMD_OPTION_NUMBER, /* double, from min to max */
    DDMD_OPTION_FLAG, /* bool, true if the option is given; it has no value */
};

struct ddmd_option {
    const char *name; /* without the dashes; NULL ends a table */
    const char *argument; /* how the help calls the value */
    enum ddmd_option_type type;
    void *value; /* what is there before is the default, and shown as such */
    double min;
    double max;
    const char *help;
};

/* The four middle fields of an option: where the value goes, and its range. */
#define DDMD_TEXT(value) DDMD_OPTION_TEXT, value, 0, 0
#define DDMD_COUNT(value, min, max) DDMD_OPTION_COUNT, value, min, max
#define DDMD_NUMBER(value, min, max) DDMD_OPTION_NUMBER, value, min, max
#define DDMD_FLAG(value) DDMD_OPTION_FLAG, value, 0, 0

struct ddmd_program {
    const char *name;
    const char *does; /* one sentence */
    const struct ddmd_option *options;
};

/* Take "--name value", "--name=value" and flags. 0; 1 after "--help", when the help was written to
 * 'out'; -1 with the reason in 'err'.
 */
int ddmd_options_parse (
    const struct ddmd_program *program, int argc, char **argv, FILE *out, struct aw_error *err);

/* What a program's main returns, after saying what is wrong, if anything, on one line of stderr:
 * 'status' is 0, or 1 for "could not do it", or 2 for "was asked wrongly".
 */
int ddmd_program_end (const struct ddmd_program *program, int status, const struct aw_error *err);

#endif /* !DDMD_OPTIONS_H */
