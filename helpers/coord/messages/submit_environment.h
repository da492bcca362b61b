/* SPDX-License-Identifier: Apache-2.0 */
/* The environments that tasks were submitted with: a file each in the run directory, which only its
 * user can read, and which bears the digest of its contents as its name. Nothing shows them.
 */
#ifndef AW_COORD_MESSAGES_SUBMIT_ENVIRONMENT_H
#define AW_COORD_MESSAGES_SUBMIT_ENVIRONMENT_H

#include <stddef.h>

#include "io/textbuf.h"
#include "util/error.h"

enum { AW_ENVIRONMENT_DIGEST = 64 };

struct aw_submit_environments {
    char *run_dir; /* owned */
    struct aw_textbuf text; /* the last one that was stored */
    char digest[AW_ENVIRONMENT_DIGEST]; /* of it; "": none was */
};

/* RUN_DIR is copied. 0, or -1 with ENOMEM. finish takes a zeroed value. */
int aw_submit_environments_init (struct aw_submit_environments *environments, const char *run_dir);
void aw_submit_environments_finish (struct aw_submit_environments *environments);

/* Keeps the SIZE bytes of strings at TEXT, each with its NUL, without those that belong to the
 * submitting task alone: our own. Returns their digest, valid until the next call, or NULL with
 * text. They are on disk then.
 */
const char *aw_submit_environment (struct aw_submit_environments *environments,
                                   const char *text,
                                   size_t size,
                                   struct aw_error *err);

#endif /* AW_COORD_MESSAGES_SUBMIT_ENVIRONMENT_H */
