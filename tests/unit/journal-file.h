/* SPDX-License-Identifier: Apache-2.0 */
/* A journal in a scratch directory. */
#ifndef AW_TESTS_JOURNAL_FILE_H
#define AW_TESTS_JOURNAL_FILE_H

#include "core/graph/graph.h"

struct journal_file {
    struct aw_graph *graph;
    char dir[32];
    char path[64];
};

/* Of cmocka: state is a journal_file without a journal. */
int journal_file_set_up (void **state);
int journal_file_tear_down (void **state);

/* The whole file. For the caller to free. */
char *journal_file_text (const char *path);

/* For aw_journal_read: counts events in the int ARG. */
int journal_file_count (void *arg, const struct aw_event *ev, struct aw_error *err);

#endif /* AW_TESTS_JOURNAL_FILE_H */
