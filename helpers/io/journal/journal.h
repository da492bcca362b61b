/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: journal.jsonl of a run directory. The first line is a header, then one event a line,
 * in the order in which they happened:
 *
 *   {"async-workflow-journal":1,"epoch":1763800000.123,"name":"ddmd","mode":"async","policy":"longest-path","job":"123",
 *    "directory":"/home/me","logs":"files","predicted":1232.5,"predicted_low":1180.1,"predicted_high":1301.7,
 *    "simulated":1232.5,"simulated_rule":1250,"lower_bound":1205,
 *    "durations_from":"ddmd-17","durations":{"train":{"seconds":62.9,"spread":0.05}},"version":"0.1.0"}
 *   {"t":0.151,"event":"node","node":"n1","cpus":"0-15","gpus":"0-3","mem":0}
 *   {"t":0.152,"event":"ready","task":"simulate@0[0]","attempt":0}
 *   {"t":0.152,"event":"start","task":"simulate@0[0]","attempt":0,"node":"n1","cpus":"0-3","gpus":"0"}
 *   {"t":0.153,"event":"start","task":"solve@0[0]","attempt":0,"node":"n1","cpus":"4-7","gpus":"1",
 *    "more":[{"node":"n2","cpus":"0-3","gpus":"0"}]}
 *   {"t":9.871,"event":"finish","task":"simulate@0[0]","attempt":0,"node":"n1","status":"completed","code":0,"signal":0,"seconds":9.718,"cpu_seconds":9.6,"max_rss":1048576}
 *
 *   {"t":3600.5,"event":"resume","epoch":1763800000.123,"job":"124","mode":"async","policy":"longest-path"}
 *   {"t":12.5,"event":"add","task":"plan[0]","attempt":0,"workflow":"{ \"async-workflow\":1,..}"}
 *
 * An ADD has the text of the workflow that a task has added: lines after it name its tasks. A
 * RESUME stands where another coordinator has gone on after the one before it ended or died.
 * Attempts without a FINISH above it were lost with that one; nodes join again.
 *
 * Writing goes through a buffer that the coordinator flushes once a turn of its loop.
 */
#ifndef AW_IO_JOURNAL_JOURNAL_H
#define AW_IO_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "core/event.h"
#include "core/graph/graph.h"
#include "io/journal/sync_thread.h"
#include "util/error.h"

struct aw_workflow; /* io/workflow/workflow.h */

/* What the model said before the run, in seconds; 0: it did not say. */
struct aw_outlook {
    double makespan; /* the median, where the spread of durations is known; else that of `order` */
    double low, high; /* 90% of runs lie between them */
    double order, rule; /* of the chosen order and of the best policy, with durations that are exact
                         */
    double bound; /* no run is shorter then */
};

/* Its members in the journal and in reports, "predicted" (makespan), "predicted_low", ...: the name
 * of number I, and the value. Borrowed.
 */
enum { AW_OUTLOOK_MEMBERS = 6 };
extern const char *const aw_outlook_names[AW_OUTLOOK_MEMBERS];
double *aw_outlook_member (struct aw_outlook *outlook, size_t i);

/* What earlier runs say of durations, in place of what the workflow file says. {0}: nothing. */
struct aw_journal_durations {
    char *from; /* their directories, as given; owned, as all here. NULL: there are none */
    struct aw_journal_duration {
        char *set; /* its name */
        double seconds; /* of a task, the mean */
        double spread; /* standard deviation over the mean; NAN: what the file says holds */
        double startup; /* seconds of a worker's start; NAN: likewise */
    } * at;
    uint32_t n, room;
};

/* Adds a copy. Figures are rounded to what the journal has. 0, or -1 with ENOMEM. finish takes a
 * zeroed value and keeps errno. */
int aw_journal_durations_add (struct aw_journal_durations *durations,
                              const struct aw_journal_duration *duration);
void aw_journal_durations_finish (struct aw_journal_durations *durations);

/* GRAPH takes them, for the sets that it has, before any scheduler is made of it. Who reads the
 * journal of a workflow does so too, before the first event.
 */
void aw_journal_durations_apply (const struct aw_journal_durations *durations,
                                 struct aw_graph *graph);

struct aw_journal_header {
    int version;
    double epoch; /* wall clock at t = 0 */
    char *name; /* the workflow's. Owned, as all texts here; NULL where missing */
    char *mode;
    char *policy;
    char *job; /* Slurm job id, or NULL for a local run */
    char *directory; /* absolute, where the run was started: relative paths of tasks begin there */
    double backlog; /* seconds (core/sched/sched.h); 0 before version 0.2 */
    char *logs; /* "store" or "files"; NULL, before version 0.2: files */
    struct aw_outlook outlook;
    struct aw_journal_durations durations; /* nothing before version 0.2 */
};
void aw_journal_header_finish (struct aw_journal_header *header);

struct aw_journal;

/* Creates PATH (it must not exist; mode 0600), locks it (flock, for aw_journal_in_use) and writes
 * the header. GRAPH is borrowed for names. NULL with text.
 */
struct aw_journal *aw_journal_create (const char *path,
                                      const struct aw_graph *graph,
                                      const struct aw_journal_header *header,
                                      struct aw_error *err);

/* Opens PATH to continue it: removes a torn last line; LOST (may be NULL) gets its bytes. Its
 * first line must be whole. The next event appended is to be a RESUME. Locked as by create. NULL
 * with text.
 */
struct aw_journal *aw_journal_reopen (const char *path,
                                      const struct aw_graph *graph,
                                      size_t *lost,
                                      struct aw_error *err);

/* Appends to the buffer. A NODE event defines its number for later events; NODE events come in
 * their order. 0, or -1 with text. */
int aw_journal_append (struct aw_journal *journal, const struct aw_event *ev, struct aw_error *err);

/* Writes the buffer out (write(2); no fsync). 0, or -1 with text ("No space left on device"): what
 * could not be written stays buffered. */
int aw_journal_flush (struct aw_journal *journal, struct aw_error *err);

/* Bytes in the buffer; and a flush of the first SIZE of them, the end of a line. */
size_t aw_journal_pending (const struct aw_journal *journal);
int aw_journal_flush_first (struct aw_journal *journal, size_t size, struct aw_error *err);

/* Nothing more is written: neither what is in the buffer nor what is appended, which is an error.
 */
void aw_journal_abandon (struct aw_journal *journal);

/* As aw_run_dir_file_is_gone, of the journal. */
bool aw_journal_is_gone (const struct aw_journal *journal);

/* The file, for who syncs it in a thread. Valid until close. */
struct aw_sync_file aw_journal_file (const struct aw_journal *journal);

/* Flushes and waits until all is on disk (fdatasync). 0, or -1 with text. */
int aw_journal_sync (struct aw_journal *journal, struct aw_error *err);

/* Flushes, syncs and closes. Takes NULL. 0, or -1 with text. */
int aw_journal_close (struct aw_journal *journal, struct aw_error *err);

typedef int (*aw_journal_fn) (void *arg, const struct aw_event *ev, struct aw_error *err);

/* How a journal is read; {0}: only checked. */
struct aw_journal_reading {
    aw_journal_fn fn; /* called with each event: 0, or -1 with text to stop. NULL: no call */
    void *arg; /* for FN */
    bool changed; /* the graph replaces the one that the journal is of: events of tasks that it does
                     not have are skipped. (Events before the last RESUME with a changed workflow
                     are read like this in any case.) */
    bool only_header; /* the events are not read */
    bool torn; /* result: the last line has no newline, and was ignored */
};

/* Reads the journal at PATH: the header into HEADER (finished by the caller), then the events,
 * whose names are looked up in GRAPH. READING may be NULL. 0, or -1 with text "journal.jsonl: line
 * 17:
 * ...". A journal of tasks that add tasks is an error here.
 */
int aw_journal_read (const char *path,
                     const struct aw_graph *graph,
                     struct aw_journal_reading *reading,
                     struct aw_journal_header *header,
                     struct aw_error *err);

/* Reads the journal of WORKFLOW, which must be as its file has it. It takes the durations of the
 * header, and with each ADD it grows, before FN is called. To read the journal again and see it
 * grow, load the workflow again. Where WORKFLOW is a changed one, what was added is added to it,
 * and where that is not possible it is an error.
 */
int aw_journal_read_workflow (const char *path,
                              struct aw_workflow *workflow,
                              struct aw_journal_reading *reading,
                              struct aw_journal_header *header,
                              struct aw_error *err);

/* Reads the journal of WORKFLOW as aw_journal_read_workflow does, and keeps it open for the events
 * that are still to come. NULL with text.
 */
struct aw_journal_follow;
struct aw_journal_follow *aw_journal_follow (const char *path,
                                             struct aw_workflow *workflow,
                                             struct aw_journal_reading *reading,
                                             struct aw_journal_header *header,
                                             struct aw_error *err);

/* Reads what has come since. After a RESUME the workflow may be another: follow the journal again.
 * 0, or -1 with text.
 */
int aw_journal_follow_more (struct aw_journal_follow *follow,
                            struct aw_journal_reading *reading,
                            struct aw_error *err);
void aw_journal_follow_close (struct aw_journal_follow *follow); /* takes NULL, keeps errno */

/* Sets LINE to the number, counted from 1, of the last line that is a RESUME with a changed
 * workflow; 0: there is none. FD is the journal; its position stays. Unless SIZE is 0, DIGEST
 * becomes that line's "workflow", cut to SIZE. 0, or -1 with errno: the file cannot be read.
 */
int aw_journal_last_change (int fd, size_t *line, char *digest, size_t size);

/* Is somebody writing the journal at PATH, that is, does its coordinator live? 1 or 0; -1: not to
 * be known (the file system has no locks, or it cannot be opened).
 */
int aw_journal_in_use (const char *path);

#endif /* AW_IO_JOURNAL_JOURNAL_H */
