/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the journal share. Nobody else includes it. */
#ifndef AW_IO_JOURNAL_JOURNAL_PRIVATE_H
#define AW_IO_JOURNAL_JOURNAL_PRIVATE_H

#include "io/journal/journal.h"
#include "util/names.h"

/* Takes the journal's first LINE apart, which is changed, into HEADER. 0, or -1 with text. */
int aw_journal_read_header (struct aw_journal_header *header, char *line, struct aw_error *err);

/* What the graph that is read with goes through. */
struct aw_journal_growth {
    /* Adds the workflow TEXT to it. 0, or -1 with text. NULL: an ADD is an error. */
    int (*add) (void *arg, const char *text, struct aw_error *err);
    void *arg;
    bool changed; /* it takes the place of the one that the journal is of */
};

/* What all readings come to. GROWTH may be NULL. */
int aw_journal_read_by (const char *path,
                        const struct aw_graph *graph,
                        const struct aw_journal_growth *growth,
                        struct aw_journal_header *header,
                        aw_journal_fn fn,
                        void *arg,
                        bool *torn,
                        struct aw_error *err);

/* The further parts of a START, as a line has them: texts within the line. */
struct aw_journal_part {
    char *node, *cpus, *gpus;
};
struct aw_journal_more {
    struct aw_journal_part *parts; /* owned, used again and again */
    struct aw_part *read; /* likewise, as numbers */
    uint32_t n, room;
    uint32_t n_inited; /* of READ, with sets to be freed */
};
void aw_journal_more_finish (struct aw_journal_more *more);

/* Moves *P over the list, each part with all three members, in whatever order, and nothing else.
 * 0, or -1 with text. */
int aw_journal_scan_more (struct aw_journal_more *more, char **p, struct aw_error *err);

/* Makes READ of PARTS; NODES knows the nodes' numbers. 0, or -1 with text. */
int aw_journal_read_more (struct aw_journal_more *more,
                          const struct aw_names *nodes,
                          struct aw_error *err);

#endif /* AW_IO_JOURNAL_JOURNAL_PRIVATE_H */
