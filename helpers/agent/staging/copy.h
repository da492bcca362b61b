/* SPDX-License-Identifier: Apache-2.0 */
/* Copies files for staging: a file, a directory, or all matches of a pattern. Each file appears
 * whole or not at all: until it is complete it is named ".NAME.aw-copy-PID". Blocks are shared if
 * the file system can do that (FICLONE), else copied within the kernel if possible
 * (copy_file_range(2)). These calls block, so call them in a process of its own.
 */
#ifndef AW_AGENT_STAGING_COPY_H
#define AW_AGENT_STAGING_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"

struct aw_taker;

struct aw_copy {
    const char *from; /* absolute; a pattern if it has glob(7)'s "*", "?" or "[" and there is no
                         file of that name */
    const char *to; /* absolute. If FROM is a pattern or TO ends in "/": the directory for the
                       copies, which keep their names; else the name of the copy. Missing
                       directories are made (mode 0700), existing ones are filled */
    bool checksum; /* each file is read again after writing, and its CRC-32 compared */
    bool sync; /* each file is on disk before it appears */
    bool times; /* files keep their modification times, unless they change meanwhile */
    bool keep_sum; /* files keep their checksums (staging/file_sum.h), for other nodes. Nothing is
                      copied within the kernel then */
    struct aw_taker *taker; /* the content comes from another node, if that gives it. Borrowed;
                               NULL: from FROM */
};

struct aw_copied {
    uint64_t bytes; /* of regular files */
    uint64_t files;
    uint64_t from_nodes; /* of the bytes: taken from other nodes */
    unsigned damaged; /* number of the peer, from 1, that gave a content with a wrong checksum,
                         which is not used; 0: none */
};

/* Copies. Modes (rwx) are kept, owners are not. A symbolic link as source is followed;
 * links within directories are copied as links. Holes may be filled. Adds to COPIED what has been
 * copied. 0, or -1 with errno and text: the path and the error. After an error, files that are
 * complete stay.
 */
int aw_copy (const struct aw_copy *copy, struct aw_copied *copied, struct aw_error *err);

/* The same, and calls MADE with the path of the copy of FROM, or of each match of the pattern,
 * before it is made.
 */
int aw_copy_reporting (const struct aw_copy *copy,
                       void (*made) (void *arg, const char *path),
                       void *arg,
                       struct aw_copied *copied,
                       struct aw_error *err);

/* Finds what would be copied, without copying; and STAMP, which changes when the sources' names,
 * inodes, sizes or modification times change. 0, or -1 with errno and text.
 */
int aw_copy_survey (const char *from,
                    struct aw_copied *found,
                    uint64_t *stamp,
                    struct aw_error *err);

/* Calls FOUND with FROM, or with each match if it is a pattern. 0, also if nothing matches, or -1
 * with errno.
 */
int aw_copy_sources (const char *from, void (*found) (void *arg, const char *path), void *arg);

/* The path of the copy TO while the process PID fills it. The caller frees it; NULL with ENOMEM. */
char *aw_copy_hidden_name (const char *to, pid_t pid);

/* For a process that a signal ends in aw_copy: removes the half written file. Async-signal-safe. */
void aw_copy_abandon (void);

/* Removes PATH with all its contents, also in read-only directories; symbolic links are not
 * followed. If a file cannot be removed, the others are. 0, also if PATH does not exist, or -1 with
 * errno.
 */
int aw_copy_remove (const char *path);

#endif /* AW_AGENT_STAGING_COPY_H */
