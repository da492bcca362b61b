/* SPDX-License-Identifier: Apache-2.0 */
/* Values in what scontrol prints: "KEY=value" after blanks or at the begin of a line. No value has
 * blanks, except that of JobName.
 */
#ifndef AW_COORD_SLURM_SLURM_TEXT_H
#define AW_COORD_SLURM_SLURM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value, borrowed from the text; at == NULL: there is none. */
struct aw_slurm_text {
    const char *at;
    size_t len;
};

/* The value of KEY between FROM and END, up to the next blank. */
struct aw_slurm_text aw_slurm_text_find (const char *from, const char *end, const char *key);

/* Is VALUE there, and equal to TEXT? */
bool aw_slurm_text_is (struct aw_slurm_text value, const char *text);

/* Finds the record of job ID in TEXT: from its "JobId=" to the next job's. False: it is not there.
 */
bool aw_slurm_text_record (const char *text, const char *id, const char **from, const char **end);

/* Seconds since the epoch of "2026-11-22T10:03:58" in UTC. INFINITY for anything else, such as
 * "Unknown". aw_slurm_time_parse: of TEXT up to a blank.
 */
double aw_slurm_text_time (struct aw_slurm_text value);
double aw_slurm_time_parse (const char *text);

/* Bytes of a number of megabytes, or of one with a unit, "16G". 0: neither. */
uint64_t aw_slurm_memory_parse (struct aw_slurm_text value);

#endif /* AW_COORD_SLURM_SLURM_TEXT_H */
