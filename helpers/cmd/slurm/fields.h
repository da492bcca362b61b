/* SPDX-License-Identifier: Apache-2.0 */
/* Formats of squeue and sacct: one table of what they can show of a job. */
#ifndef AW_CMD_SLURM_FIELDS_H
#define AW_CMD_SLURM_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/slurm/job_list.h"
#include "io/textbuf.h"

struct aw_field;

/* A column: TEXT, then the field. */
struct aw_column {
    char *before; /* owned; squeue's formats alone have such texts */
    const struct aw_field *field; /* NULL: only the text */
    const char *head;
    int width; /* 0: as long as it is */
    bool left;
};

struct aw_format {
    struct aw_column *columns;
    size_t n, room;
    bool sacct; /* values are written as sacct does */
    bool header;
    char separator; /* between columns; 0: they have widths */
    bool trailing; /* the separator also ends the line */
    char mark; /* replaces the last character of a value that is cut off; 0: nothing does */
    struct aw_textbuf line; /* private */
};

/* Parses a format of squeue's --format ("%.18i %t"), squeue's --Format ("JobID,State:30") or sacct
 * ("jobid,state%20"). 0, or -1, printed. finish takes a zeroed value.
 */
int aw_format_squeue (struct aw_format *format, const char *text);
int aw_format_squeue_long (struct aw_format *format, const char *text);
int aw_format_sacct (struct aw_format *format, const char *text);
void aw_format_finish (struct aw_format *format);

/* Does it show comments or directories? */
bool aw_format_needs_details (const struct aw_format *format);

/* Prints the header if one is wanted; a job's line. */
void aw_format_print_header (struct aw_format *format);
void aw_format_print (struct aw_format *format, const struct aw_job *job);

/* "2026-01-31T12:00:00"; NONE where the time is 0. */
void aw_put_time (struct aw_textbuf *text, uint32_t time, const char *none);

/* "1-02:03:04", with all of hours, minutes and seconds, or without what is 0 at the front. */
void aw_put_elapsed (struct aw_textbuf *text, uint64_t seconds, bool all);

/* Seconds that the job has run. */
uint64_t aw_job_elapsed (const struct aw_job *job);

/* "None", "Resources", ... */
const char *aw_job_reason (const struct aw_job *job);

#endif /* AW_CMD_SLURM_FIELDS_H */
