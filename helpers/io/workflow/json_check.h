/* SPDX-License-Identifier: Apache-2.0 */
/* Is it JSON as RFC 8259 has it, in UTF-8, and says every key one thing? json-c alone does not
 * tell: it takes NaN, comments and more, cuts keys at \u0000, lets the last of equal keys win and
 * knows no lines.
 */
#ifndef AW_IO_WORKFLOW_JSON_CHECK_H
#define AW_IO_WORKFLOW_JSON_CHECK_H

#include <stddef.h>

#include "io/problems.h"

/* Checks the SIZE bytes at TEXT, in which objects and arrays stand at most DEPTH deep within each
 * other. LABEL names the file. Returns 0, or -1 where it is no JSON, with the first problem added,
 * its line and column (in characters, from 1) as its place. Duplicate keys are problems too, all of
 * them, but do not fail.
 */
int aw_json_check (
    const char *text, size_t size, unsigned depth, const char *label, struct aw_problems *problems);

#endif /* AW_IO_WORKFLOW_JSON_CHECK_H */
