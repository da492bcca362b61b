/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON of report and status are made of. */
#include "cmd/report/report_json.h"

#include "io/json_string.h"

enum { VERSION = 1 };

void aw_report_json_key (struct aw_textbuf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        aw_textbuf_putc (out, ',');
    aw_textbuf_printf (out, "\"%s\":", key);
}

void aw_report_json_number (struct aw_textbuf *out, const char *key, double value)
{
    aw_report_json_key (out, key);
    aw_textbuf_fixed (out, value, 6);
}

void aw_report_json_count (struct aw_textbuf *out, const char *key, uint64_t value)
{
    aw_report_json_key (out, key);
    aw_textbuf_u64 (out, value);
}

void aw_report_json_string (struct aw_textbuf *out, const char *key, const char *text)
{
    aw_report_json_key (out, key);
    aw_json_put_string (out, text);
}

/* "key":{ or "key":[ on a line of its own; KEY NULL: a member of an array. */
void aw_report_json_open (struct aw_textbuf *out, const char *key, char bracket)
{
    char last = out->len ? out->data[out->len - 1] : '{';

    if (last != '{' && last != '[')
        aw_textbuf_putc (out, ',');
    aw_textbuf_putc (out, '\n');
    if (key)
        aw_textbuf_printf (out, "\"%s\":", key);
    aw_textbuf_putc (out, bracket);
}

void aw_report_json_run (const struct aw_report *report, const char *title, struct aw_textbuf *out)
{
    const struct aw_journal_header *header = &report->header;

    aw_textbuf_printf (out, "{\"%s\":%d", title, VERSION);
    aw_report_json_string (out, "name", report->workflow->name);
    aw_report_json_string (out, "directory", report->dir);
    aw_report_json_string (out, "mode", header->mode);
    aw_report_json_string (out, "policy", header->policy);
    aw_report_json_string (out, "job", header->job);
    aw_report_json_number (out, "epoch", header->epoch);
    aw_report_json_string (out, "state", aw_outcome_name (aw_report_outcome (report)));
    aw_report_json_key (out, "exit_status");
    if (report->history.exit_code < 0)
        aw_textbuf_puts (out, "null");
    else
        aw_textbuf_printf (out, "%d", report->history.exit_code);
    aw_report_json_string (out, "stop_reason", report->history.stop_reason);
}

void aw_report_json_plans (const struct aw_report *report, struct aw_textbuf *out)
{
    aw_report_json_open (out, "plans", '[');
    for (uint32_t i = 0; i < report->history.n_plans; i++) {
        const struct aw_history_plan *plan = &report->history.plans[i];

        aw_report_json_open (out, NULL, '{');
        aw_report_json_number (out, "t", plan->t);
        aw_report_json_count (out, "holds", plan->n_holds);
        aw_report_json_string (out, "reason", plan->reason);
        aw_textbuf_putc (out, '}');
    }
    aw_textbuf_putc (out, ']');
}

void aw_report_json_tasks (const struct aw_report *report, struct aw_textbuf *out)
{
    const struct aw_summary *sum = &report->summary;

    aw_report_json_open (out, "tasks", '{');
    aw_report_json_count (out, "all", report->workflow->graph->n_tasks);
    aw_report_json_count (out, "completed", sum->completed);
    aw_report_json_count (out, "failed", sum->failed);
    aw_report_json_count (out, "cancelled", sum->cancelled);
    aw_report_json_count (out, "skipped", sum->skipped);
    aw_report_json_count (out, "running", sum->running);
    aw_report_json_count (out, "unstarted", sum->unstarted);
    aw_report_json_count (out, "retried", sum->retried);
    aw_textbuf_putc (out, '}');
}

void aw_report_json_set (const char *name, const struct aw_set_summary *sum, struct aw_textbuf *out)
{
    aw_report_json_string (out, "set", name);
    aw_report_json_count (out, "tasks", sum->tasks);
    aw_report_json_count (out, "completed", sum->states[AW_HISTORY_COMPLETED]);
    aw_report_json_count (out, "failed", sum->states[AW_HISTORY_FAILED]);
    aw_report_json_count (out, "cancelled", sum->states[AW_HISTORY_CANCELLED]);
    aw_report_json_count (out, "skipped", sum->states[AW_HISTORY_SKIPPED]);
    aw_report_json_count (out, "running", sum->states[AW_HISTORY_RUNNING]);
    aw_report_json_count (out, "unstarted", sum->states[AW_HISTORY_UNSTARTED]);
}
