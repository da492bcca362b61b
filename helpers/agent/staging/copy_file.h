/* SPDX-License-Identifier: Apache-2.0 */
/* Copying one regular file; private to copy.c and copy_walk.c. */
#ifndef AW_AGENT_STAGING_COPY_FILE_H
#define AW_AGENT_STAGING_COPY_FILE_H

#include "agent/staging/copy.h"

/* Copies the file FROM to TO, both absolute, with COPY's checksum and sync (its paths do not
 * matter). The directory of TO exists. 0, or -1 with errno and text.
 */
int aw_copy_file (const struct aw_copy *copy,
                  const char *from,
                  const char *to,
                  struct aw_copied *copied,
                  struct aw_error *err);

#endif /* AW_AGENT_STAGING_COPY_FILE_H */
