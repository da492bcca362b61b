/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/task_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord/messages/message_hub.h"
#include "coord/messages/submissions.h"
#include "io/journal/run_dir.h"
#include "io/json_string.h"
#include "io/workflow/submission.h"
#include "io/workflow/task_label.h"
#include "util/array.h"

#define LABEL AW_REQUEST_ADDED

enum { PROBLEMS_MAX = 60000 }; /* bytes of them in one answer */

struct answer {
    struct aw_asker to;
    uint64_t seq; /* of DONE or ANSWER */
    char *data; /* of an ANSWER. Owned; NULL: it is DONE */
    size_t size;
};

struct aw_task_requests {
    const struct aw_workflow *workflow; /* borrowed */
    struct aw_task_requests_user user;
    struct aw_hub *hub;
    struct aw_submissions *submissions;
    struct answer *answers; /* due when journal and messages are written, in order */
    size_t n_answers, room;
    struct aw_textbuf text; /* scratch */
};

static void on_send (
    void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size)
{
    struct aw_task_requests *requests = arg;

    requests->user.send (requests->user.arg, node, packet, rest, size);
}

static void on_counted (void *arg, const char *topic, uint64_t count)
{
    struct aw_task_requests *requests = arg;

    requests->user.counted (requests->user.arg, topic, count);
}

/* Answers at once: ERROR, or NULL for success. */
static void send_answer (struct aw_task_requests *requests,
                         const struct answer *due,
                         const char *error)
{
    struct aw_packet done = {
        .kind = AW_PACKET_DONE, .conn = due->to.conn, .number = due->to.number, .seq = due->seq
    };

    if (error) {
        done.flags = AW_PACKET_ERROR;
        aw_textbuf_clear (&requests->text);
        aw_json_put_bytes (&requests->text, error, strlen (error));
        if (!requests->text.failed)
            done.data = (struct aw_piece){ requests->text.data, requests->text.len };
    }
    else if (due->data) {
        done.kind = AW_PACKET_ANSWER;
        aw_textbuf_clear (&requests->text);
        aw_json_put_bytes (&requests->text, due->data, due->size);
        if (!requests->text.failed)
            done.data = (struct aw_piece){ requests->text.data, requests->text.len };
    }
    on_send (requests, due->to.node, &done, NULL, 0);
}

/* DUE goes out when the journal is written; an ERROR at once. Its data become its own. */
static void queue_answer (struct aw_task_requests *requests,
                          const struct answer *due,
                          const char *error)
{
    if (!error
        && aw_array_reserve (&requests->answers, &requests->room, requests->n_answers + 1) < 0)
        error = "out of memory";
    if (!error) {
        requests->answers[requests->n_answers++] = *due;
        return;
    }
    send_answer (requests, due, error);
    free (due->data);
}

static struct aw_asker asker_of (uint32_t node, const struct aw_packet *packet)
{
    return (struct aw_asker){ node, packet->conn, packet->number };
}

/* Answers ERROR at once; without one, success when the journal is written. */
static void answer (struct aw_task_requests *requests,
                    uint32_t node,
                    const struct aw_packet *asked,
                    const char *error)
{
    const struct answer done = { .to = asker_of (node, asked) };

    queue_answer (requests, &done, error);
}

static enum aw_task_state on_state (void *arg, uint32_t task)
{
    struct aw_task_requests *requests = arg;

    return requests->user.state (requests->user.arg, task);
}

static void on_answer (
    void *arg, const struct aw_asker *asker, const char *text, size_t n, uint64_t seq)
{
    struct answer done = { .to = *asker, .seq = seq, .data = malloc (n + 1), .size = n };

    if (done.data && n)
        memcpy (done.data, text, n);
    queue_answer (arg, &done, done.data ? NULL : "out of memory");
}

static void on_owner_ended (void *arg, uint32_t task, const char *by)
{
    struct aw_task_requests *requests = arg;
    struct aw_event ev = {
        .type = AW_EVENT_CANCEL, .node = AW_NONE, .task = task, .count = 1, .reason = by
    };

    requests->user.event (requests->user.arg, &ev);
}

static struct aw_submissions *make_submissions (struct aw_task_requests *requests,
                                                const char *run_dir,
                                                const struct aw_workflow *workflow)
{
    const struct aw_submissions_user user = { on_state, on_answer, on_owner_ended, requests };

    return aw_submissions_create (run_dir, workflow, &user);
}

struct aw_task_requests *aw_task_requests_create (const char *run_dir,
                                                  const struct aw_workflow *workflow,
                                                  const struct aw_task_requests_user *user,
                                                  struct aw_error *err)
{
    struct aw_task_requests *requests = calloc (1, sizeof (*requests));
    const struct aw_hub_callbacks callbacks = { on_send, on_counted, requests };
    char *dir = aw_run_dir_path (run_dir, AW_RUN_MESSAGES);

    if (requests && dir) {
        requests->workflow = workflow;
        requests->user = *user;
        requests->hub = aw_hub_create (dir, &callbacks, err);
    }
    else
        aw_error_set (err, "out of memory");
    free (dir);
    if (requests && requests->hub
        && !(requests->submissions = make_submissions (requests, run_dir, workflow)))
        aw_error_set (err, "out of memory");
    if (requests && requests->hub && requests->submissions) {
        const char *topic;
        uint64_t count;
        size_t cursor = 0;

        while ((topic = aw_hub_next_topic (requests->hub, &cursor, &count)))
            user->counted (user->arg, topic, count);
        return requests;
    }
    aw_task_requests_destroy (requests);
    return NULL;
}

void aw_task_requests_destroy (struct aw_task_requests *requests)
{
    int saved = errno;

    if (requests) {
        aw_hub_destroy (requests->hub);
        aw_submissions_destroy (requests->submissions);
        for (size_t i = 0; i < requests->n_answers; i++)
            free (requests->answers[i].data);
        aw_textbuf_finish (&requests->text);
        free (requests->answers);
    }
    free (requests);
    errno = saved;
}

void aw_task_requests_continue (struct aw_task_requests *requests,
                                struct aw_submission_list *earlier)
{
    aw_submissions_continue (requests->submissions, earlier);
}

size_t aw_task_requests_waiting (const struct aw_task_requests *requests)
{
    return requests->n_answers;
}

void aw_task_requests_answer (struct aw_task_requests *requests, size_t n, const char *error)
{
    for (size_t i = 0; i < n; i++) {
        send_answer (requests, &requests->answers[i], error);
        free (requests->answers[i].data);
    }
    requests->n_answers -= n;
    if (n > 0)
        memmove (requests->answers, requests->answers + n,
                 requests->n_answers * sizeof (*requests->answers));
}

/* Who cancels. */
struct canceller {
    struct aw_task_requests *requests;
    const char *name;
    enum aw_cancel_how how;
};

static void cancel_tasks (void *arg, uint32_t task, uint32_t count)
{
    const struct canceller *by = arg;
    struct aw_event ev = {
        .type = AW_EVENT_CANCEL,
        .node = AW_NONE,
        .task = task,
        .count = count,
        .code = (int)by->how,
        .reason = by->name,
    };

    by->requests->user.event (by->requests->user.arg, &ev);
}

/* Answers that there are no TASKS, and which values a set has that is asked for by a value. */
static void answer_none (struct aw_task_requests *requests,
                         uint32_t node,
                         const struct aw_packet *packet,
                         const char *tasks)
{
    bool is_id = *tasks && !tasks[strspn (tasks, "0123456789")];
    struct aw_problems problems;
    char error[AW_SENDER_MAX + 64];

    snprintf (error, sizeof (error), "%s \"%.*s\"",
              is_id ? "no submitted task has the id" : "the workflow has no tasks", AW_SENDER_MAX,
              tasks);
    aw_problems_init (&problems);
    aw_tasks_report_values (requests->workflow, tasks, &problems);
    answer (requests, node, packet, problems.n_items > 0 ? problems.items[0].text : error);
    aw_problems_finish (&problems);
}

static void take_cancel (struct aw_task_requests *requests,
                         uint32_t node,
                         const struct aw_packet *packet,
                         const char *sender)
{
    struct canceller by = { requests, sender,
                            packet->flags & AW_PACKET_RESTART   ? AW_CANCEL_RESTARTS
                            : packet->flags & AW_PACKET_RELEASE ? AW_CANCEL_RELEASES
                                                                : AW_CANCEL_SKIPS };
    char tasks[AW_TASKS_MAX + 1];

    snprintf (tasks, sizeof (tasks), "%.*s", (int)packet->data.size, packet->data.text);
    if (packet->data.size > AW_TASKS_MAX
        || aw_tasks_select (requests->workflow, tasks, cancel_tasks, &by) < 0) {
        answer_none (requests, node, packet, tasks);
        return;
    }
    answer (requests, node, packet, NULL);
}

/* LINE without what the user has not written: the name of the file, and of a submitted task's set,
 * "submitted: tasks.align-1000000003.cpus: ...". */
static const char *shorten (const char *line)
{
    static const char set[] = AW_SUBMISSION ": tasks.";
    const char *id = strncmp (line, set, sizeof (set) - 1) == 0 ? strchr (line, '-') : NULL;

    if (strncmp (line, LABEL ": ", sizeof (LABEL ": ") - 1) == 0)
        return line + sizeof (LABEL ": ") - 1;
    if (strncmp (line, AW_SUBMISSION ": ", sizeof (AW_SUBMISSION ": ") - 1) != 0)
        return line;
    while (id && strspn (id + 1, "0123456789") < 10)
        id = strchr (id + 1, '-');
    if (!id)
        return line + sizeof (AW_SUBMISSION ": ") - 1;
    id += 1 + strspn (id + 1, "0123456789");
    return id + strspn (id, ".: ");
}

/* All problems as one text, a line each. */
static void put_problems (struct aw_textbuf *text, const struct aw_problems *problems)
{
    size_t more = 0;

    for (size_t i = 0; i < problems->n_items; i++) {
        const char *line = problems->items[i].text;

        if (problems->items[i].warning)
            continue;
        line = shorten (line);
        if (text->len + strlen (line) > PROBLEMS_MAX)
            more++;
        else
            aw_textbuf_printf (text, "%s%s", text->len ? "\n" : "", line);
    }
    if (problems->n_errors > problems->n_items)
        more += problems->n_errors - problems->n_items;
    if (more)
        aw_textbuf_printf (text, "\n%zu more problem%s not shown", more, more == 1 ? "" : "s");
    if (!text->len)
        aw_textbuf_puts (text, "out of memory");
    aw_textbuf_putc (text, '\0');
}

static void take_add (struct aw_task_requests *requests,
                      uint32_t node,
                      const struct aw_packet *packet)
{
    struct aw_textbuf text = { 0 };
    struct aw_problems problems;
    struct aw_event ev = {
        .type = AW_EVENT_ADD, .node = AW_NONE, .task = packet->task, .attempt = packet->attempt
    };

    if (aw_json_get_bytes (&text, packet->data.text, packet->data.size) == 0)
        aw_textbuf_putc (&text, '\0');
    if (!text.len || text.failed) {
        answer (requests, node, packet, "the added workflow cannot be decoded");
        aw_textbuf_finish (&text);
        return;
    }
    ev.text = text.data;
    aw_problems_init (&problems);
    if (requests->user.add (requests->user.arg, &ev, text.len - 1, false, &problems) == 0)
        answer (requests, node, packet, NULL);
    else {
        text.len = 0;
        put_problems (&text, &problems);
        answer (requests, node, packet, text.failed ? "out of memory" : text.data);
    }
    aw_problems_finish (&problems);
    aw_textbuf_finish (&text);
}

/* Adds what the SIZE bytes at DATA submit. 0, or -1 with PROBLEMS; ID: its own. */
static int submit (struct aw_task_requests *requests,
                   const struct aw_packet *packet,
                   const struct aw_textbuf *data,
                   uint64_t *id,
                   struct aw_problems *problems)
{
    struct aw_event ev = {
        .type = AW_EVENT_ADD, .node = AW_NONE, .task = packet->task, .attempt = packet->attempt
    };
    struct aw_textbuf text = { 0 };
    int rc = aw_submissions_read (requests->submissions, data->data, data->len, &text, problems);

    aw_textbuf_putc (&text, '\0');
    if (rc == 0
        && (text.failed
            || aw_submissions_reserve (requests->submissions, packet->task, packet->attempt) < 0)) {
        aw_problems_add (problems, false, "out of memory");
        rc = -1;
    }
    ev.text = text.data;
    if (rc == 0)
        rc = requests->user.add (requests->user.arg, &ev, text.len - 1, true, problems);
    if (rc == 0)
        *id = aw_submissions_note (requests->submissions, packet->task);
    aw_textbuf_finish (&text);
    return rc;
}

static void take_submit (struct aw_task_requests *requests,
                         uint32_t node,
                         const struct aw_packet *packet)
{
    struct answer done = { .to = asker_of (node, packet) };
    struct aw_textbuf data = { 0 }, text = { 0 };
    struct aw_problems problems;

    aw_problems_init (&problems);
    if (aw_json_get_bytes (&data, packet->data.text, packet->data.size) < 0 || data.failed)
        aw_problems_add (&problems, false, "the submission cannot be decoded");
    else
        submit (requests, packet, &data, &done.seq, &problems);
    if (problems.n_errors)
        put_problems (&text, &problems);
    queue_answer (requests, &done,
                  text.failed         ? "out of memory"
                  : problems.n_errors ? text.data
                                      : NULL);
    aw_problems_finish (&problems);
    aw_textbuf_finish (&data);
    aw_textbuf_finish (&text);
}

/* STATES, AWAIT or LIST. */
static void take_question (struct aw_task_requests *requests,
                           uint32_t node,
                           const struct aw_packet *packet)
{
    const struct aw_asker asker = asker_of (node, packet);
    struct aw_textbuf ids = { 0 };
    const char *error = "the ids cannot be decoded";

    if (aw_json_get_bytes (&ids, packet->data.text, packet->data.size) == 0 && !ids.failed)
        error = aw_submissions_ask (requests->submissions, packet->kind, &asker, ids.data, ids.len);
    aw_textbuf_finish (&ids);
    if (error)
        answer (requests, node, packet, error);
}

uint64_t aw_task_requests_count (const struct aw_task_requests *requests, const char *topic)
{
    return aw_hub_count (requests->hub, topic);
}

void aw_task_requests_take (struct aw_task_requests *requests,
                            uint32_t node,
                            const struct aw_packet *packet,
                            double t)
{
    const struct aw_graph *graph = requests->workflow->graph;
    char sender[AW_SENDER_MAX + 1];

    if (packet->task >= graph->n_tasks)
        return;
    aw_graph_task_name (graph, packet->task, sender, sizeof (sender));
    if (packet->kind == AW_PACKET_CLOSE) {
        const struct aw_asker gone = { .node = node, .conn = packet->conn };

        aw_submissions_close (requests->submissions, &gone);
    }
    if (packet->kind == AW_PACKET_CANCEL)
        take_cancel (requests, node, packet, sender);
    else if (packet->kind == AW_PACKET_ADD)
        take_add (requests, node, packet);
    else if (packet->kind == AW_PACKET_SUBMIT)
        take_submit (requests, node, packet);
    else if (packet->kind == AW_PACKET_STATES || packet->kind == AW_PACKET_AWAIT
             || packet->kind == AW_PACKET_LIST)
        take_question (requests, node, packet);
    else if (packet->kind == AW_PACKET_SYNC)
        answer (requests, node, packet, NULL);
    else if (packet->kind == AW_PACKET_RESULT)
        aw_hub_take_result (requests->hub, packet,
                            graph->sets[aw_graph_task (graph, packet->task).set].name, sender, t);
    else
        aw_hub_take (requests->hub, node, packet, sender, t);
}

int aw_task_requests_flush (struct aw_task_requests *requests, struct aw_error *err)
{
    return aw_hub_is_due (requests->hub) ? aw_hub_flush (requests->hub, err) : 0;
}

int aw_task_requests_unsynced (struct aw_task_requests *requests,
                               struct aw_sync_list *list,
                               struct aw_error *err)
{
    return aw_hub_unsynced (requests->hub, list, err);
}

bool aw_task_requests_all_wait (const struct aw_task_requests *requests, struct aw_hub_waits *waits)
{
    return requests->n_answers == 0
           && aw_hub_all_wait (requests->hub, requests->workflow->graph, waits);
}

void aw_task_requests_end_waits (struct aw_task_requests *requests, const char *why)
{
    aw_hub_end_waits (requests->hub, why);
}

uint64_t aw_task_requests_n_packets (const struct aw_task_requests *requests)
{
    return aw_hub_n_packets (requests->hub);
}

bool aw_task_requests_has_open (const struct aw_task_requests *requests,
                                uint32_t task,
                                uint32_t attempt)
{
    return aw_submissions_has_open (requests->submissions, task, attempt);
}

bool aw_task_requests_has_submitted (const struct aw_task_requests *requests)
{
    return aw_submissions_has_any (requests->submissions);
}

void aw_task_requests_event (struct aw_task_requests *requests, const struct aw_event *ev)
{
    if (ev->type == AW_EVENT_FINISH)
        aw_hub_task_ended (requests->hub, ev->task, ev->attempt);
    else if (ev->type == AW_EVENT_NODE_LOST)
        aw_hub_node_lost (requests->hub, ev->node);
    aw_submissions_event (requests->submissions, ev);
}

void aw_task_requests_stopped (struct aw_task_requests *requests)
{
    aw_submissions_stopped (requests->submissions);
}
