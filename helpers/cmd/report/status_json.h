/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a run, for programs. */
#ifndef AW_CMD_REPORT_STATUS_JSON_H
#define AW_CMD_REPORT_STATUS_JSON_H

#include "cmd/report/report.h"

/* Staging now. These tasks hold no CPUs or GPUs, though they count as running. */
struct aw_staging_now {
    uint32_t coming; /* data is coming in */
    uint32_t waiting; /* data is there; for CPUs and GPUs */
    uint32_t leaving; /* results are going out */
};
struct aw_staging_now aw_status_staging (const struct aw_history *history);

/* Appends what `status --json` prints to OUT, whose `failed` is set if there is no memory. */
void aw_status_json (const struct aw_report *report, struct aw_textbuf *out);

#endif /* AW_CMD_REPORT_STATUS_JSON_H */
