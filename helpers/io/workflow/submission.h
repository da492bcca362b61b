/* SPDX-License-Identifier: Apache-2.0 */
/* A task that a task submits, on its way into the workflow. It comes as a JSON object with keys of
 * a task set and some of its own, and becomes a workflow of one set that is added and journalled as
 * others are:
 *
 *   {"name":"align","command":["./align.sh","a"],"cpus":4,"after_ok":[1000000001]}
 *
 *   {"async-workflow":1,"submitted":{"id":1000000003,"name":"align","environment":"DIGEST",
 *    "after_any":[]},"tasks":{"align-1000000003":{"command":["./align.sh","a"],"cpus":4,
 *    "after":["align-1000000001"],"directory":"/home/user"}}}
 *
 * No text in it is a template. The id is its name for users.
 */
#ifndef AW_IO_WORKFLOW_SUBMISSION_H
#define AW_IO_WORKFLOW_SUBMISSION_H

#include <stddef.h>
#include <stdint.h>

#include "io/problems.h"
#include "io/textbuf.h"
#include "io/workflow/workflow.h"

struct json_object;
struct aw_loading;

#define AW_SUBMISSION "submitted" /* the file's name in problems */

/* The id of the first submitted task: no Slurm job has it. */
#define AW_SUBMITTED_FIRST UINT64_C (1000000000)

enum {
    AW_SUBMITTED_NAME = 48, /* characters of a name, so that the id fits behind it */
    AW_SUBMITTED_COMMENT = 8192, /* bytes of a comment */
};

/* All borrowed. */
struct aw_submission {
    const char *task; /* the object; NUL behind its SIZE bytes */
    size_t size;
    const char *directory; /* absolute: the working directory of the submission */
    const char *environment; /* digest of its environment */
};

/* Appends to TEXT what is to be added to WORKFLOW, with the next id. 0, or -1 with problems. */
int aw_submission_put (struct aw_textbuf *text,
                       const struct aw_workflow *workflow,
                       const struct aw_submission *submission,
                       struct aw_problems *problems);

/* The id of SET, which is submitted; and the set that has ID, or AW_NONE. */
uint64_t aw_submitted_id (const struct aw_workflow *workflow, uint32_t set);
uint32_t aw_submitted_set (const struct aw_workflow *workflow, uint64_t id);

/* The task that TEXT, an id in decimal, names; AW_NONE: it is none. */
uint32_t aw_submitted_task (const struct aw_workflow *workflow, const char *text);

/* Private to the workflow's reader. take removes "submitted" from ROOT and returns it, NULL: there
 * is none; read gives the set that came with it what it says. False: it is wrong, reported.
 */
struct json_object *aw_submission_take (struct json_object *root);
bool aw_submission_read (struct aw_loading *loading, struct json_object *submitted);

/* SET, the newest one, has the next id; forget: sets from FROM on are removed. 0, or -1 with
 * ENOMEM. */
int aw_submission_number (struct aw_workflow *workflow, uint32_t set);
void aw_submission_forget (struct aw_workflow *workflow, uint32_t from);

#endif /* AW_IO_WORKFLOW_SUBMISSION_H */
