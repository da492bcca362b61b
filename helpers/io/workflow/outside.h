/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters whose values come from outside of the workflow file: from --param, or from the
 * environment. The copy of the file in the run directory begins with them, so that the copy alone
 * says what runs:
 *
 *   { "$parameters": {"given": {"n": "5"}, "environment": {"data": "/scratch/me"}},
 *
 * A resumed run keeps what was given and reads the environment again. Private to the workflow's
 * reader.
 */
#ifndef AW_IO_WORKFLOW_OUTSIDE_H
#define AW_IO_WORKFLOW_OUTSIDE_H

#include "io/workflow/reader.h"
#include "io/workflow/workflow.h"
#include "util/strings.h"

/* {0} is empty. */
struct aw_outside {
    struct aw_strings given; /* "name=value", each name once. Owned */
    struct aw_strings environment; /* the same, of parameters that the environment has given. Owned
                                    */
    const struct aw_strings *ordered; /* given at this start. Borrowed; NULL: nothing */
    bool recorded; /* the file has a record: the environment is not read */
    bool from_environment; /* the file has parameters from the environment */
};

/* Does the file TEXT begin with a record? */
bool aw_outside_is_in (const char *text);

/* Takes the record of the *SIZE bytes at TEXT. Returns them without it, for the caller to free;
 * NULL (reported) where it is damaged.
 */
char *aw_outside_take (struct aw_outside *outside,
                       struct aw_reader *reader,
                       const char *text,
                       size_t *size);

/* Adds what INPUT gives for a start, and lets the environment be read. False (reported) where a
 * text is not "name=value".
 */
bool aw_outside_start (struct aw_outside *outside,
                       struct aw_reader *reader,
                       const struct aw_workflow_input *input);

/* The parameters have been read: a name that the file does not have is an error where it was given
 * at this start, else it is dropped with a warning.
 */
void aw_outside_check (struct aw_outside *outside, struct aw_reader *reader);

/* The *SIZE bytes at TEXT with the record, if there is anything to record, for the caller to free;
 * NULL without memory.
 */
char *aw_outside_put (const struct aw_outside *outside, const char *text, size_t *size);

#endif /* AW_IO_WORKFLOW_OUTSIDE_H */
