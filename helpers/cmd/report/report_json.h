/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that the JSON of report and status share. docs/report.schema.json describes both. */
#ifndef AW_CMD_REPORT_REPORT_JSON_H
#define AW_CMD_REPORT_REPORT_JSON_H

#include "cmd/report/report.h"

/* Members of an object that has been opened in OUT: a comma where one is needed, "KEY": and the
 * value; of key nothing but the former. NAN and NULL become null. */
void aw_report_json_key (struct aw_textbuf *out, const char *key);
void aw_report_json_number (struct aw_textbuf *out, const char *key, double value);
void aw_report_json_count (struct aw_textbuf *out, const char *key, uint64_t value);
void aw_report_json_string (struct aw_textbuf *out, const char *key, const char *text);

/* "KEY":{ or "KEY":[ on a line of its own; KEY NULL: a member of an array. */
void aw_report_json_open (struct aw_textbuf *out, const char *key, char bracket);

/* Opens the document: its TITLE with the version of the format, then what the run is. */
void aw_report_json_run (const struct aw_report *report, const char *title, struct aw_textbuf *out);

/* The member "plans": when each came, for how many sets it holds places, and why. */
void aw_report_json_plans (const struct aw_report *report, struct aw_textbuf *out);

/* The member "tasks": counts of tasks. */
void aw_report_json_tasks (const struct aw_report *report, struct aw_textbuf *out);

/* The first members of a set: its name, and counts of its tasks. */
void aw_report_json_set (const char *name,
                         const struct aw_set_summary *sum,
                         struct aw_textbuf *out);

#endif /* AW_CMD_REPORT_REPORT_JSON_H */
