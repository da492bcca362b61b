/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an input, collected so that all of it is printed at once:
 * "ddmd.json: tasks.train.after[0]: unknown task set "agregate": did you mean "aggregate"?"
 */
#ifndef AW_IO_PROBLEMS_H
#define AW_IO_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct aw_problem {
    char *text; /* "FILE: PLACE: what is wrong: what to do", one line, nothing a terminal obeys */
    bool warning;
};

struct aw_problems {
    struct aw_problem *items;
    size_t n_items; /* kept: at most AW_PROBLEMS_MAX; more are counted alone */
    size_t n_errors; /* all */
    size_t n_warnings;
};

enum { AW_PROBLEMS_MAX = 100 };

void aw_problems_init (struct aw_problems *problems);
void aw_problems_finish (struct aw_problems *problems);

/* Adds one. Out of memory still counts it. */
void aw_problems_add (struct aw_problems *problems, bool warning, const char *fmt, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Prints each as "async-workflow: TEXT" and, where some were not kept, how many more there are. */
void aw_problems_print (const struct aw_problems *problems, FILE *out);

#endif /* AW_IO_PROBLEMS_H */
