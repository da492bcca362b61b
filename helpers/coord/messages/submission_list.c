/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/submission_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/submission.h"
#include "util/array.h"

/* Of one answer: it must fit into a packet, and not hold up the loop. */
enum { LIST_BYTES = AW_MESSAGE_MAX - AW_SUBMITTED_COMMENT - 8192, LIST_TASKS = 50000 };

struct request {
    char letters[16];
    uint64_t first, last; /* ids */
    bool details;
};

void aw_submission_list_finish (struct aw_submission_list *list)
{
    free (list->notes);
    aw_strings_finish (&list->nodes);
    aw_textbuf_finish (&list->last);
    aw_textbuf_finish (&list->line);
}

char aw_submission_letter (enum aw_task_state state)
{
    static const char letters[] = {
        [AW_TASK_WAITING] = AW_STATE_WAITING, [AW_TASK_READY] = AW_STATE_PENDING,
        [AW_TASK_RUNNING] = AW_STATE_RUNNING, [AW_TASK_COMPLETED] = AW_STATE_SUCCESS,
        [AW_TASK_FAILED] = AW_STATE_FAILED,   [AW_TASK_CANCELLED] = AW_STATE_CANCELLED,
        [AW_TASK_SKIPPED] = AW_STATE_SKIPPED,
    };

    return letters[state];
}

/*
 * Notes
 */

/* There is one for each submitted task, NULL without memory. */
static struct aw_submission_note *note_of (struct aw_submission_list *list, uint32_t number)
{
    uint32_t n = list->workflow->n_submitted;

    if (aw_array_reserve (&list->notes, &list->room, n) < 0)
        return NULL;
    for (; list->n < n; list->n++)
        list->notes[list->n] =
            (struct aw_submission_note){ .node = AW_NONE, .status = AW_STATUSES };
    return &list->notes[number];
}

static void add_node (struct aw_submission_list *list, const struct aw_event *ev)
{
    uint32_t number = list->first_node + ev->node;

    while (list->nodes.n < number && !list->nodes.failed)
        aw_strings_add (&list->nodes, "-");
    if (list->nodes.n == number)
        aw_strings_add (&list->nodes, ev->name);
}

/* Attempts that were running are lost, and nodes are numbered from 0 again. */
static void begin_part (struct aw_submission_list *list, uint32_t now)
{
    list->first_node = (uint32_t)list->nodes.n;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->notes[i].started && !list->notes[i].ended) {
            list->notes[i].ended = now;
            list->notes[i].status = AW_STATUS_NODE_FAIL;
        }
}

static void end_attempt (struct aw_submission_note *note, const struct aw_event *ev, uint32_t now)
{
    note->ended = now;
    note->attempt = ev->attempt;
    note->status = ev->status;
    note->code = ev->code;
    note->signal = ev->signal;
}

static void begin_attempt (struct aw_submission_note *note,
                           const struct aw_event *ev,
                           uint32_t node,
                           uint32_t now)
{
    note->started = now;
    note->ended = 0;
    note->node = node;
    note->attempt = ev->attempt;
    note->status = AW_STATUSES;
}

void aw_submission_list_event (struct aw_submission_list *list,
                               const struct aw_event *ev,
                               uint32_t now)
{
    const struct aw_graph *graph = list->workflow->graph;
    struct aw_submission_note *note;
    uint32_t set;

    if (ev->type == AW_EVENT_NODE)
        add_node (list, ev);
    else if (ev->type == AW_EVENT_RESUME)
        begin_part (list, now);
    if (ev->type == AW_EVENT_ADD && list->n < list->workflow->n_submitted
        && (note = note_of (list, list->workflow->n_submitted - 1)))
        note->submitted = now;
    if (ev->type != AW_EVENT_START && ev->type != AW_EVENT_FINISH && ev->type != AW_EVENT_SKIP
        && (ev->type != AW_EVENT_CANCEL || ev->code == AW_CANCEL_RESTARTS))
        return;
    set = aw_graph_task (graph, ev->task).set;
    if (!graph->sets[set].submitted
        || !(note = note_of (
                 list, (uint32_t)(aw_submitted_id (list->workflow, set) - AW_SUBMITTED_FIRST))))
        return;
    if (ev->type == AW_EVENT_START)
        begin_attempt (note, ev, list->first_node + ev->node, now);
    else if (ev->type == AW_EVENT_FINISH && !ev->returned)
        end_attempt (note, ev, now);
    else if (ev->type != AW_EVENT_FINISH && !note->ended && !note->started)
        note->ended = now;
}

/*
 * Lines
 */

static int read_request (const char *text, size_t size, struct request *request)
{
    char copy[96], word[16] = "";
    unsigned long long first, last;
    int n;

    if (size >= sizeof (copy))
        return -1;
    memcpy (copy, text, size);
    copy[size] = '\0';
    n = sscanf (copy, "%15[A-Z] %llu %llu %15s", request->letters, &first, &last, word);
    request->first = first;
    request->last = last;
    request->details = n == 4 && strcmp (word, "details") == 0;
    return n == 3 || request->details ? 0 : -1;
}

static void put_numbers (struct aw_textbuf *line, const uint64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        aw_textbuf_putc (line, ' ');
        aw_textbuf_u64 (line, numbers[i]);
    }
}

static void put_resources (struct aw_textbuf *line, const struct aw_set *set)
{
    const uint64_t rest[] = { set->mem,
                              isfinite (set->time_limit) ? (uint64_t)ceil (set->time_limit) : 0 };

    put_numbers (line, (uint64_t[]){ set->cpus, set->gpus }, 2);
    if (set->gpu_share)
        aw_textbuf_printf (line, ".%03u", set->gpu_share);
    put_numbers (line, rest, 2);
}

/* The text after the tab. */
static void put_texts (struct aw_textbuf *line, const struct aw_recipe *recipe, bool details)
{
    const char *comment = recipe->comment ? recipe->comment : "";

    aw_textbuf_putc (line, '\t');
    if (!details) {
        aw_textbuf_put (line, comment, strcspn (comment, " "));
        return;
    }
    aw_textbuf_puts (line, comment);
    aw_textbuf_putc (line, '\t');
    for (const char *p = recipe->directory ? recipe->directory : ""; *p; p++) {
        aw_textbuf_putc (line, *p == '\n' ? ' ' : *p);
        p += (*p == '{' || *p == '}') && p[1] == *p; /* of a template */
    }
}

/* All but id and count. */
static void put_rest (struct aw_submission_list *list, uint32_t number, char letter, bool details)
{
    const struct aw_workflow *w = list->workflow;
    const struct aw_set *set = &w->graph->sets[w->submitted[number]];
    const struct aw_submission_note none = { .node = AW_NONE, .status = AW_STATUSES },
                                    *note = number < list->n ? &list->notes[number] : &none;
    struct aw_textbuf *line = &list->line;
    const uint64_t end[] = { (uint64_t)note->code, (uint64_t)note->signal, note->attempt },
                   times[] = { note->submitted, note->started, note->ended };

    aw_textbuf_clear (line);
    aw_textbuf_putc (line, letter);
    aw_textbuf_putc (line, ' ');
    aw_textbuf_puts (line, note->status < AW_STATUSES ? aw_status_name (note->status) : "-");
    put_numbers (line, end, 3);
    put_resources (line, set);
    put_numbers (line, times, 3);
    aw_textbuf_putc (line, ' ');
    aw_textbuf_puts (line, note->node < list->nodes.n ? list->nodes.v[note->node] : "-");
    aw_textbuf_putc (line, ' ');
    aw_textbuf_puts (line, set->label ? set->label : set->name);
    put_texts (line, &w->recipes[w->submitted[number]], details);
    aw_textbuf_putc (line, '\n');
}

static bool same_text (const char *a, const char *b)
{
    return a == b || (a && b && strcmp (a, b) == 0);
}

/* Would the lines of the tasks with these numbers, which have one letter, surely be the same? Most
 * are like the one before them, and to compare is ten times faster than to write. */
static bool is_alike (const struct aw_submission_list *list, uint32_t a, uint32_t b)
{
    const struct aw_workflow *w = list->workflow;
    const struct aw_set *x = &w->graph->sets[w->submitted[a]],
                        *y = &w->graph->sets[w->submitted[b]];
    const struct aw_recipe *p = &w->recipes[w->submitted[a]], *q = &w->recipes[w->submitted[b]];

    return a < list->n && b < list->n
           && memcmp (&list->notes[a], &list->notes[b], sizeof (list->notes[a])) == 0
           && x->cpus == y->cpus && x->gpus == y->gpus && x->gpu_share == y->gpu_share
           && x->mem == y->mem && x->time_limit == y->time_limit && x->label
           && same_text (x->label, y->label) && same_text (p->comment, q->comment)
           && same_text (p->directory, q->directory);
}

/* The run of COUNT ids up to the one before NUMBER. */
static void put_run (const struct aw_submission_list *list,
                     uint32_t number,
                     uint32_t count,
                     struct aw_textbuf *text)
{
    if (count == 0)
        return;
    aw_textbuf_u64 (text, AW_SUBMITTED_FIRST + number - count);
    aw_textbuf_putc (text, ' ');
    aw_textbuf_u64 (text, count);
    aw_textbuf_putc (text, ' ');
    aw_textbuf_put (text, list->last.data, list->last.len);
}

/* Does the line say what the last one does? */
static bool is_same (const struct aw_submission_list *list)
{
    return list->line.len == list->last.len
           && memcmp (list->line.data, list->last.data, list->line.len) == 0;
}

static void swap_lines (struct aw_submission_list *list)
{
    struct aw_textbuf line = list->line;

    list->line = list->last;
    list->last = line;
}

int aw_submission_list_put (struct aw_submission_list *list,
                            const char *request,
                            size_t size,
                            struct aw_textbuf *text,
                            uint64_t *next)
{
    const struct aw_workflow *w = list->workflow;
    struct request r;
    uint32_t i, done = 0, run = 0;

    if (read_request (request, size, &r) < 0)
        return -1;
    i = r.first < AW_SUBMITTED_FIRST                    ? 0
        : r.first - AW_SUBMITTED_FIRST > w->n_submitted ? w->n_submitted
                                                        : (uint32_t)(r.first - AW_SUBMITTED_FIRST);
    for (; i < w->n_submitted && AW_SUBMITTED_FIRST + i <= r.last && text->len < LIST_BYTES
           && done < LIST_TASKS;
         i++, done++) {
        uint32_t task = aw_graph_first_task (w->graph, 0, w->submitted[i]);
        char letter = aw_submission_letter (list->state (list->arg, task));
        bool wanted = strchr (r.letters, letter) != NULL;

        if (wanted && run > 0 && letter == list->last.data[0] && is_alike (list, i - 1, i)) {
            run++;
            continue;
        }
        if (wanted)
            put_rest (list, i, letter, r.details);
        if (!wanted || !is_same (list)) {
            put_run (list, i, run, text);
            run = 0;
        }
        if (wanted && run++ == 0)
            swap_lines (list);
    }
    put_run (list, i, run, text);
    *next = i < w->n_submitted && AW_SUBMITTED_FIRST + i <= r.last ? AW_SUBMITTED_FIRST + i : 0;
    return 0;
}
