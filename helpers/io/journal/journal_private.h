/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the journal share. Nobody else includes it. */
#ifndef AW_IO_JOURNAL_JOURNAL_PRIVATE_H
#define AW_IO_JOURNAL_JOURNAL_PRIVATE_H

#include "io/journal/journal.h"
#include "io/textbuf.h"
#include "util/names.h"

/* Takes the journal's first LINE apart, which is changed, into HEADER. 0, or -1 with text. */
int aw_journal_read_header (struct aw_journal_header *header, char *line, struct aw_error *err);

#define AW_OUTLOOK_MOST 1e10 /* seconds that a header may have */

/* The member "durations" of the header, with a comma before it; nothing where there are none. scan
 * moves *P over its value. 0, or -1 with errno. */
void aw_journal_put_durations (struct aw_textbuf *out,
                               const struct aw_journal_durations *durations);
int aw_journal_scan_durations (struct aw_journal_durations *durations, char **p);

/* Adds the workflow TEXT, which grows the graph. 0, or -1 with text. */
typedef int (*aw_journal_add_fn) (struct aw_workflow *workflow,
                                  const char *text,
                                  struct aw_error *err);

/* Names as they stand within a JSON string, by number. */
struct aw_journal_names {
    char **texts;
    uint32_t n, room;
};

/* Being written. */
struct aw_journal {
    char *path; /* for messages */
    int fd;
    const struct aw_graph *graph; /* borrowed */
    struct aw_textbuf buf; /* what is not yet written */
    struct aw_journal_names sets;
    struct aw_journal_names nodes; /* that have joined since the last RESUME */
    double t; /* of the last event: time never falls */
    bool lacks; /* an event is missing for lack of memory: no later one would be understood */
};

/* Names all sets that the graph has now. 0, or -1 with ENOMEM. */
int aw_journal_name_sets (struct aw_journal *journal);
void aw_journal_forget_names (struct aw_journal_names *names);

/* Is EV whole, and does it name what there is? A NODE is given its name, an ADD's sets theirs. 0,
 * or -1 with text.
 */
int aw_journal_check_event (struct aw_journal *journal,
                            const struct aw_event *ev,
                            struct aw_error *err);

/* Appends an event that was checked to the buffer. */
void aw_journal_put_event (struct aw_journal *journal, const struct aw_event *ev);

/* The further parts of a START, as a line has them: texts within the line. */
struct aw_journal_part {
    char *node, *cpus, *gpus;
};
struct aw_journal_more {
    struct aw_journal_part *parts; /* owned, used again and again */
    struct aw_part *read; /* likewise, as numbers */
    uint32_t n, room;
    uint32_t n_inited, read_room; /* of READ: with sets to be freed, in all */
};
void aw_journal_more_finish (struct aw_journal_more *more);

/* Moves *P over the list, each part with all three members, in any order, and nothing else.
 * 0, or -1 with text. */
int aw_journal_scan_more (struct aw_journal_more *more, char **p, struct aw_error *err);

/* Reads the list TEXT of member KEY into IDS. 0, or -1 with text. */
int aw_journal_read_ids (struct aw_idset *ids,
                         const char *key,
                         const char *text,
                         struct aw_error *err);

/* Makes READ of PARTS; NODES knows the nodes' numbers. 0, or -1 with text. */
int aw_journal_read_more (struct aw_journal_more *more,
                          const struct aw_names *nodes,
                          struct aw_error *err);

/* One line taken apart: texts within the line, by enum aw_event_member. */
struct aw_journal_line {
    uint64_t seen; /* AW_MEMBER_BITs */
    char *text[AW_MEMBERS];
    double number[AW_MEMBERS];
    struct aw_journal_more more;
    struct aw_journal_list {
        char **texts; /* within the line; owned, used again and again */
        size_t n, room;
    } again, dropped;
};
void aw_journal_line_finish (struct aw_journal_line *line);

/* Takes TEXT apart, which is changed. 0, or -1 with text. */
int aw_journal_scan_line (struct aw_journal_line *line, char *text, struct aw_error *err);

/* What must be known to understand a line. {0} but for its graph at first. */
struct aw_journal_reader {
    const struct aw_graph *graph;
    struct aw_workflow *workflow; /* that ADD grows; it takes the header's durations */
    aw_journal_add_fn add; /* NULL: an ADD is an error */
    int fd;
    size_t n_lines; /* read so far */
    size_t changed_at; /* the last line with a changed workflow; 0: none */
    bool changes_known; /* changed_at is set */
    struct aw_names nodes;
    uint32_t n_nodes;
    double t;
    struct aw_event ev; /* its sets are used again and again */
    struct aw_resume resume; /* likewise */
    struct aw_indexes *dropped; /* of resume */
    uint32_t dropped_room;
};
void aw_journal_reader_finish (struct aw_journal_reader *reader);

/* As aw_journal_follow, with a READER of which the first three members are set; and the same once,
 * to the end. */
struct aw_journal_follow *aw_journal_follow_by (const struct aw_journal_reader *reader,
                                                const char *path,
                                                struct aw_journal_reading *reading,
                                                struct aw_journal_header *header,
                                                struct aw_error *err);
int aw_journal_read_by (const struct aw_journal_reader *reader,
                        const char *path,
                        struct aw_journal_reading *reading,
                        struct aw_journal_header *header,
                        struct aw_error *err);

/* Makes READER->ev of LINE. 1: it is of a task that the workflow no longer has; 0, or -1 with text.
 */
int aw_journal_read_event (struct aw_journal_reader *reader,
                           struct aw_journal_line *line,
                           struct aw_error *err);

#endif /* AW_IO_JOURNAL_JOURNAL_PRIVATE_H */
