/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text: CSV by RFC 4180, and TSV, whose fields have no quotes. The text is read in place.
 */
#ifndef AW_IO_WORKFLOW_CSV_H
#define AW_IO_WORKFLOW_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct aw_csv_field {
    char *text; /* within the table's text; not NUL-terminated */
    size_t length;
};

/* Reading a table. Set TEXT, END, and TAB for a TSV; all else is 0. */
struct aw_csv {
    char *text; /* what is not yet read; changed by reading */
    char *end;
    bool tab;
    size_t line; /* of the last row: where it begins, from 1 */
    size_t n_lines; /* private */
    struct aw_csv_field *fields; /* of the last row */
    size_t n_fields;
    size_t room; /* private */
};

/* Reads the next row. Lines end in LF or CRLF; empty ones are skipped. 1; 0 at the end; -1 with
 * text, which begins with "line N: ", or "out of memory". finish frees the fields.
 */
int aw_csv_next (struct aw_csv *csv, struct aw_error *err);
void aw_csv_finish (struct aw_csv *csv);

#endif /* AW_IO_WORKFLOW_CSV_H */
