/* SPDX-License-Identifier: Apache-2.0 */
/* Puts files on disk: in the caller's thread, or in one of its own, so that an event loop continues
 * meanwhile.
 */
#ifndef AW_IO_JOURNAL_SYNC_THREAD_H
#define AW_IO_JOURNAL_SYNC_THREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct aw_sync_file {
    int fd; /* borrowed, as the path */
    const char *path; /* for messages */
    bool directory; /* new names in it are to be on disk (fsync); else what it holds (fdatasync) */
};

/* A growing list. All zero is an empty one. */
struct aw_sync_list {
    struct aw_sync_file *files;
    size_t n, room;
};

/* 0, or -1 with text and nothing changed. */
int aw_sync_list_add (struct aw_sync_list *list,
                      const struct aw_sync_file *file,
                      struct aw_error *err);
void aw_sync_list_finish (struct aw_sync_list *list);

/* Returns when all files of LIST are on disk. What cannot be synced by its nature (a pipe) counts
 * as synced. 0, or -1 with text at the first failure.
 */
int aw_sync (const struct aw_sync_list *list, struct aw_error *err);

/* The thread takes no lock of the C library: the process may fork at any time. */
struct aw_sync_thread;

/* NULL with text. destroy takes NULL, and waits for a sync that is under way. */
struct aw_sync_thread *aw_sync_thread_create (struct aw_error *err);
void aw_sync_thread_destroy (struct aw_sync_thread *thread);

/* Readable when the sync has ended, until its result is taken. */
int aw_sync_thread_fd (const struct aw_sync_thread *thread);

/* Begins aw_sync of LIST, which is borrowed until the result is taken. One at a time. */
void aw_sync_thread_begin (struct aw_sync_thread *thread, const struct aw_sync_list *list);

/* Waits for the end of the sync that began last, and takes its result: as aw_sync. */
int aw_sync_thread_result (struct aw_sync_thread *thread, struct aw_error *err);

#endif /* AW_IO_JOURNAL_SYNC_THREAD_H */
