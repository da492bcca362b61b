/* SPDX-License-Identifier: Apache-2.0 */
/* Copying files for staging: a file, a directory, or all that a pattern matches. A destination
 * appears whole or not at all, file by file: what is written has another name (".NAME.aw-copy-PID")
 * until it is complete. File systems that can share blocks do (FICLONE), others copy within the
 * kernel (copy_file_range(2)) where they can. These calls block: they are for a process of their
 * own.
 */
#ifndef AW_AGENT_STAGING_COPY_H
#define AW_AGENT_STAGING_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct aw_copy {
    const char *from; /* absolute; where it is not there, glob(7)'s "*", "?" and "[" in it make it
                         a pattern */
    const char *to; /* absolute. Where FROM is a pattern, or TO ends in "/", a directory into which
                       all goes by its own name; else the copy's own name. Directories above are
                       made (mode 0700), those that are there are filled */
    bool checksum; /* what has been written is read again, and its CRC-32 compared */
    bool sync; /* on disk before it appears */
};

struct aw_copied {
    uint64_t bytes; /* of regular files */
    uint64_t files;
};

/* Copies. Modes (rwx) are kept, owners and times are not; symbolic links are followed at the top
 * and kept as they are within directories; holes may be filled. Adds to COPIED what has been
 * copied. 0, or -1 with errno and text: the path, what is wrong. Files that are complete by then
 * stay.
 */
int aw_copy (const struct aw_copy *copy, struct aw_copied *copied, struct aw_error *err);

/* The same, and MADE is told of each thing that is made, by its path, before it is: the copy of
 * FROM, or of each match of the pattern.
 */
int aw_copy_telling (const struct aw_copy *copy,
                     void (*made) (void *arg, const char *path),
                     void *arg,
                     struct aw_copied *copied,
                     struct aw_error *err);

/* What would be copied, without copying; and STAMP, which differs if the sources' names, sizes or
 * times of change do. 0, or -1 with errno and text.
 */
int aw_copy_survey (const char *from,
                    struct aw_copied *found,
                    uint64_t *stamp,
                    struct aw_error *err);

/* Tells FOUND of what FROM stands for: itself, or what matches the pattern. 0, also where there is
 * nothing, or -1 with errno.
 */
int aw_copy_sources (const char *from, void (*found) (void *arg, const char *path), void *arg);

/* For a process that a signal ends in aw_copy: removes what is half written. Async-signal-safe. */
void aw_copy_abandon (void);

/* Removes PATH with all that is in it, read-only directories too, and where something cannot be
 * removed the rest; symbolic links are not followed. 0, also where there is nothing, or -1 with
 * errno.
 */
int aw_copy_remove (const char *path);

#endif /* AW_AGENT_STAGING_COPY_H */
