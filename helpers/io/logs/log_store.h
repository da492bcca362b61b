/* SPDX-License-Identifier: Apache-2.0 */
/* The log store of a run, read: finds the output of tasks in the pairs of files of all agents. */
#ifndef AW_IO_LOGS_LOG_STORE_H
#define AW_IO_LOGS_LOG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/logs/log_record.h"
#include "util/error.h"

enum { AW_LOG_LAST = UINT32_MAX }; /* the last attempt */

/* A task, and where its output is. */
struct aw_log_place {
    char name[AW_LOG_NAME_MAX]; /* set by the caller, as the next one */
    uint32_t wanted; /* number of the attempt, or AW_LOG_LAST */
    bool found; /* the attempt has begun */
    uint32_t attempt;
    uint32_t file; /* private */
    uint64_t begin, end; /* private */
    uint64_t next; /* private: where reading continues */
    bool whole; /* it has ended, and all of its output is there */
};

struct aw_log_store;

/* Opens the logs of the run directory DIR. NULL with text. close takes NULL, keeps errno. */
struct aw_log_store *aw_log_store_open (const char *dir, struct aw_error *err);
void aw_log_store_close (struct aw_log_store *store);

/* Takes in the logs that there are since; places that were found stay. 0, or -1 with text. */
int aw_log_store_look_again (struct aw_log_store *store, struct aw_error *err);

/* Finds the N tasks at PLACES, whose names differ; what is found already may change to a later
 * attempt. 0, or -1 with text.
 */
int aw_log_store_find (struct aw_log_store *store,
                       struct aw_log_place *places,
                       size_t n,
                       struct aw_error *err);

/* Called for each piece of output, in order. 0, or -1 to stop. */
typedef int aw_log_fn (void *arg, enum aw_log_kind kind, const char *data, size_t size);

/* Reads what a found PLACE has, from where the last call ended. 0; -1 with text: it cannot be read,
 * or FN stopped it (then the text is "").
 */
int aw_log_store_read (struct aw_log_store *store,
                       struct aw_log_place *place,
                       aw_log_fn *fn,
                       void *arg,
                       struct aw_error *err);

/* The last bytes of KIND at a found PLACE into BUF: their number, at most SIZE. CUT: there are more
 * before them. -1 with text.
 */
ssize_t aw_log_store_tail (struct aw_log_store *store,
                           struct aw_log_place *place,
                           enum aw_log_kind kind,
                           char *buf,
                           size_t size,
                           bool *cut,
                           struct aw_error *err);

#endif /* AW_IO_LOGS_LOG_STORE_H */
