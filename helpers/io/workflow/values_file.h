/* SPDX-License-Identifier: Apache-2.0 */
/* The values file of a run directory: the values of all task sets that have variables, so that a
 * resumed run and its reports have the values with which the run started. One JSON value a line:
 *
 *   {"async-workflow-values":1,"lines":4}                                     that follow
 *   {"set":"align","source":"9f0c...","variables":["sample"],"tasks":3}       its tasks follow
 *   ["a"]                                                                     align[0]
 *   {"missing":["b"]}                                                         no longer wanted
 *   ["c"]
 */
#ifndef AW_IO_WORKFLOW_VALUES_FILE_H
#define AW_IO_WORKFLOW_VALUES_FILE_H

#include "io/textbuf.h"
#include "io/workflow/values.h"
#include "util/error.h"

struct aw_workflow; /* io/workflow/workflow.h */
struct aw_kept_values;

/* Appends the file's text to OUT, where a set of WORKFLOW's own file has variables; nothing where
 * none has: added sets have their values in their text. OUT may fail. */
void aw_values_file_put (const struct aw_workflow *workflow, struct aw_textbuf *out);

/* Reads the file at PATH; one that is empty or does not exist has no values. NULL with text.
 * destroy takes NULL, keeps errno. */
struct aw_kept_values *aw_kept_values_read (const char *path, struct aw_error *err);
void aw_kept_values_destroy (struct aw_kept_values *kept);

/* Takes out the values of the set of that NAME: the caller destroys them. NULL: there are none.
 * KEPT may be NULL. */
struct aw_values *aw_kept_values_take (struct aw_kept_values *kept, const char *name);

#endif /* AW_IO_WORKFLOW_VALUES_FILE_H */
