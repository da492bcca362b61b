/* SPDX-License-Identifier: Apache-2.0 */
/* Several runs side by side. The first one is what the others are compared with. */
#ifndef AW_CMD_REPORT_REPORT_COMPARE_H
#define AW_CMD_REPORT_REPORT_COMPARE_H

#include "cmd/report/report.h"

enum { AW_COMPARE_MAX = 16, AW_COMPARE_TEXT = 64 };

struct aw_compared {
    struct aw_report *reports; /* of the runs. Owned, as all here */
    uint32_t n;
    char **sets; /* names of their task sets, each once */
    uint32_t n_sets, set_room;
};

/* Loads the N run directories at DIRS, at most AW_COMPARE_MAX. 0, or -1 with problems. finish in
 * either case. */
int aw_compare_load (struct aw_compared *comparison,
                     char *const *dirs,
                     uint32_t n,
                     struct aw_problems *problems);
void aw_compare_finish (struct aw_compared *comparison);

/* A line of the table: a figure of each run. Exactly one function is set. */
struct aw_compare_row {
    const char *key; /* in the JSON */
    const char *label;
    const char *(*text) (const struct aw_report *report);
    double (*number) (const struct aw_compared *comparison, uint32_t run); /* NAN: not known */
    enum { AW_COMPARE_COUNT, AW_COMPARE_SECONDS, AW_COMPARE_SHARE, AW_COMPARE_RATIO } unit;
    bool relative; /* it is shown with its change since the first run */
};
extern const struct aw_compare_row aw_compare_rows[];
extern const uint32_t aw_compare_n_rows;

/* What the tables show of sets. */
struct aw_compare_column {
    const char *label;
    double (*number) (const struct aw_set_summary *sum);
};
extern const struct aw_compare_column aw_compare_columns[];
extern const uint32_t aw_compare_n_columns;

/* The set NAME of RUN; NULL: it has none. */
const struct aw_set_summary *aw_compare_set (const struct aw_compared *comparison,
                                             uint32_t run,
                                             const char *name);

/* The cell of ROW for RUN; the cell of the set NAME for RUN, with its change since the first run.
 * "" where nothing is known. Return BUF. */
const char *aw_compare_cell (const struct aw_compared *comparison,
                             const struct aw_compare_row *row,
                             uint32_t run,
                             char buf[AW_COMPARE_TEXT]);
const char *aw_compare_set_cell (const struct aw_compared *comparison,
                                 const struct aw_compare_column *column,
                                 uint32_t run,
                                 const char *name,
                                 char buf[AW_COMPARE_TEXT]);

/* Does any run have something in ROW? */
bool aw_compare_has (const struct aw_compared *comparison, const struct aw_compare_row *row);

/* One function a format, as those of a single run. */
void aw_compare_text (const struct aw_compared *comparison, struct aw_textbuf *out);
void aw_compare_json (const struct aw_compared *comparison, struct aw_textbuf *out);
void aw_compare_html (const struct aw_compared *comparison, struct aw_textbuf *out);

#endif /* AW_CMD_REPORT_REPORT_COMPARE_H */
