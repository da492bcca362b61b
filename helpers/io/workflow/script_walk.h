/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through a script: which program reads it, and where a shell is within quotes. Private to
 * the workflow's reader.
 */
#ifndef AW_IO_WORKFLOW_SCRIPT_WALK_H
#define AW_IO_WORKFLOW_SCRIPT_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* Does the script's first line name a program that is not a shell? */
bool aw_script_is_other_language (const char *script);

enum { AW_SCRIPT_LEVELS = 32 };

/* Where a walk through a shell script is. It begins with { .script = SCRIPT, .p = SCRIPT }. */
struct aw_script_walk {
    const char *script, *p;
    char quotes[AW_SCRIPT_LEVELS]; /* of each "$(" within another: ' " or 0 for none */
    int parens[AW_SCRIPT_LEVELS]; /* open ones since */
    int arithmetic[AW_SCRIPT_LEVELS]; /* parens within the "((" that is open; 0: none is */
    int level;
    const char *word; /* that ends a here-document which begins with the next line; NULL: none */
    size_t word_length;
    bool tabs; /* "<<-" */
    bool document; /* in one */
};

/* Moves to PLACE. False where the walk has passed it: it is in a comment. */
bool aw_script_walk (struct aw_script_walk *walk, const char *place);

/* Is the walk within quotes or a here-document? */
bool aw_script_quotes (const struct aw_script_walk *walk);

#endif /* AW_IO_WORKFLOW_SCRIPT_WALK_H */
