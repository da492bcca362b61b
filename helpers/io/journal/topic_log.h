/* SPDX-License-Identifier: Apache-2.0 */
/* The log of one topic, messages/TOPIC.jsonl of a run directory: what was published there, one JSON
 * object a line, kept to the end of the run and beyond, so that who comes late, or again, gets all.
 *
 *   {"sender":"simulate@0[3]","task":3,"attempt":1,"seq":17,"at":9871000,"data":"..."}
 *   {"group":"trainers","seq":812}    all before byte 812 is done with for that group of receivers
 *
 * "at" is in microseconds since the run's start. Places are bytes in the file. What is appended is
 * written by flush (write(2), no fsync, as the journal's), and can be read from then on.
 */
#ifndef AW_IO_JOURNAL_TOPIC_LOG_H
#define AW_IO_JOURNAL_TOPIC_LOG_H

#include <stdint.h>

#include "io/journal/sync_thread.h"
#include "io/textbuf.h"
#include "util/error.h"
#include "util/packet.h"

struct aw_topic_log;

/* Opens DIR/TOPIC.jsonl, making it (0600) where it is not there. What a kill has torn at its end is
 * cut off. FN is given each line that is there, its place and that of the next; it returns 0, or -1
 * with text to give up. NULL with text.
 */
typedef int (*aw_topic_log_fn) (
    void *arg, const struct aw_packet *line, uint64_t place, uint64_t next, struct aw_error *err);
struct aw_topic_log *aw_topic_log_open (
    const char *dir, const char *topic, aw_topic_log_fn fn, void *arg, struct aw_error *err);
void aw_topic_log_close (struct aw_topic_log *log); /* takes NULL; writes nothing more */

/* Where to append lines, each with its newline. */
struct aw_textbuf *aw_topic_log_out (struct aw_topic_log *log);

/* Writes them. 0, or -1 with text: what could not be written stays. */
int aw_topic_log_flush (struct aw_topic_log *log, struct aw_error *err);

/* Adds the log to LIST if it may hold what is not on disk: written since the last call, or before
 * the log was opened. 0, or -1 with text.
 */
int aw_topic_log_unsynced (struct aw_topic_log *log,
                           struct aw_sync_list *list,
                           struct aw_error *err);

uint64_t aw_topic_log_size (const struct aw_topic_log *log); /* of what is written */

/* The line at PLACE, without its newline, valid until the next call for this log; *NEXT is the
 * place behind it. 1; 0: PLACE is the end; -1 with text. */
int aw_topic_log_read (struct aw_topic_log *log,
                       uint64_t place,
                       const char **line,
                       size_t *size,
                       uint64_t *next,
                       struct aw_error *err);

/* The topics whose logs are in DIR, one a call, in no order: *WALK is NULL before the first. 1 and
 * its NAME; 0 at the end, or where there is no DIR; -1 with text. end ends a walk before its end.
 */
int aw_topic_log_list (const char *dir, void **walk, char *name, size_t size, struct aw_error *err);
void aw_topic_log_list_end (void *walk);

#endif /* AW_IO_JOURNAL_TOPIC_LOG_H */
