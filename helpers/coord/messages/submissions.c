/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/messages/submissions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coord/messages/submission_list.h"
#include "coord/messages/submit_environment.h"
#include "io/workflow/submission.h"
#include "util/array.h"

/* What an attempt has submitted. */
struct owned {
    uint32_t attempt;
    uint32_t *tasks;
    uint32_t n, room;
};

struct aw_submissions {
    const struct aw_workflow *workflow; /* borrowed */
    struct aw_submissions_user user;
    struct aw_submit_environments environments;
    struct aw_awaits awaits;
    struct aw_table owned; /* by task */
    struct aw_submission_list list;
    struct aw_textbuf letters; /* scratch */
};

static bool has_ended (void *arg, uint32_t task)
{
    const struct aw_submissions *s = arg;

    return s->user.state (s->user.arg, task) >= AW_TASK_COMPLETED;
}

/* Answers with a letter for each of N TASKS. */
static void tell_states (void *arg, const struct aw_asker *asker, const uint32_t *tasks, uint32_t n)
{
    struct aw_submissions *s = arg;

    aw_textbuf_clear (&s->letters);
    for (uint32_t i = 0; i < n; i++)
        aw_textbuf_putc (&s->letters, aw_submission_letter (s->user.state (s->user.arg, tasks[i])));
    s->user.answer (s->user.arg, asker, s->letters.data, s->letters.failed ? 0 : s->letters.len, 0);
}

struct aw_submissions *aw_submissions_create (const char *run_dir,
                                              const struct aw_workflow *workflow,
                                              const struct aw_submissions_user *user)
{
    struct aw_submissions *s = calloc (1, sizeof (*s));
    const struct aw_awaits_user awaits = { has_ended, tell_states, s };

    if (s && aw_submit_environments_init (&s->environments, run_dir) == 0) {
        s->workflow = workflow;
        s->user = *user;
        s->list.workflow = workflow;
        s->list.state = user->state;
        s->list.arg = user->arg;
        aw_awaits_init (&s->awaits, &awaits);
        return s;
    }
    free (s);
    errno = ENOMEM;
    return NULL;
}

void aw_submissions_continue (struct aw_submissions *s, struct aw_submission_list *earlier)
{
    struct aw_submission_list own = s->list;

    s->list = *earlier;
    s->list.workflow = own.workflow;
    s->list.state = own.state;
    s->list.arg = own.arg;
    memset (earlier, 0, sizeof (*earlier));
}

static void free_owned (struct owned *owned)
{
    if (owned)
        free (owned->tasks);
    free (owned);
}

void aw_submissions_destroy (struct aw_submissions *s)
{
    struct owned *owned;
    size_t cursor = 0;

    if (!s)
        return;
    while ((owned = aw_table_next (&s->owned, &cursor)))
        free_owned (owned);
    aw_table_finish (&s->owned);
    aw_awaits_finish (&s->awaits);
    aw_submit_environments_finish (&s->environments);
    aw_submission_list_finish (&s->list);
    aw_textbuf_finish (&s->letters);
    free (s);
}

int aw_submissions_read (struct aw_submissions *s,
                         const char *data,
                         size_t size,
                         struct aw_textbuf *text,
                         struct aw_problems *problems)
{
    struct aw_submission submission = { .task = data };
    const char *end = data + size, *environment;
    struct aw_error err;

    submission.size = strnlen (data, size);
    submission.directory = data + submission.size + 1;
    if (size == 0 || end[-1] || submission.directory >= end || *submission.directory != '/') {
        aw_problems_add (problems, false, "the submission cannot be decoded");
        return -1;
    }
    environment = submission.directory + strlen (submission.directory) + 1;
    submission.environment =
        aw_submit_environment (&s->environments, environment, (size_t)(end - environment), &err);
    if (!submission.environment) {
        aw_problems_add (problems, false, "its environment: %s", err.text);
        return -1;
    }
    return aw_submission_put (text, s->workflow, &submission, problems);
}

/*
 * Whose it is
 */

/* What the attempt has submitted, made where there is nothing; NULL with ENOMEM. */
static struct owned *find_owned (struct aw_submissions *s, uint32_t task, uint32_t attempt)
{
    struct owned *owned = aw_table_get (&s->owned, task);

    if (!owned && (owned = calloc (1, sizeof (*owned)))
        && aw_table_set (&s->owned, task, owned) < 0) {
        free (owned);
        return NULL;
    }
    if (owned && owned->attempt != attempt) { /* of an earlier one nothing is left */
        owned->attempt = attempt;
        owned->n = 0;
    }
    return owned;
}

int aw_submissions_reserve (struct aw_submissions *s, uint32_t task, uint32_t attempt)
{
    struct owned *owned = find_owned (s, task, attempt);

    return owned ? aw_array_reserve (&owned->tasks, &owned->room, owned->n + (size_t)1) : -1;
}

uint64_t aw_submissions_note (struct aw_submissions *s, uint32_t task)
{
    struct owned *owned = aw_table_get (&s->owned, task);
    uint32_t set = s->workflow->submitted[s->workflow->n_submitted - 1];

    owned->tasks[owned->n++] = aw_graph_first_task (s->workflow->graph, 0, set);
    return aw_submitted_id (s->workflow, set);
}

/* The attempt of EV, a FINISH, is over, and what it has submitted with it unless it ended well. */
static void end_owner (struct aw_submissions *s, const struct aw_event *ev)
{
    struct owned *owned = aw_table_get (&s->owned, ev->task);
    char name[AW_SENDER_MAX + 1];

    if (!owned || owned->attempt != ev->attempt)
        return;
    aw_table_remove (&s->owned, ev->task);
    aw_graph_task_name (s->workflow->graph, ev->task, name, sizeof (name));
    for (uint32_t i = 0; ev->status != AW_STATUS_COMPLETED && i < owned->n; i++)
        if (!has_ended (s, owned->tasks[i])
            || s->user.state (s->user.arg, owned->tasks[i]) == AW_TASK_CANCELLED)
            s->user.cancel (s->user.arg, owned->tasks[i], name);
    free_owned (owned);
}

bool aw_submissions_has_open (const struct aw_submissions *s, uint32_t task, uint32_t attempt)
{
    const struct owned *owned = aw_table_get (&s->owned, task);

    if (!owned || owned->attempt != attempt)
        return false;
    for (uint32_t i = owned->n; i > 0; i--)
        if (s->user.state (s->user.arg, owned->tasks[i - 1]) < AW_TASK_COMPLETED)
            return true;
    return false;
}

bool aw_submissions_has_any (const struct aw_submissions *s)
{
    return s->owned.n_used > 0;
}

/*
 * Questions
 */

/* The tasks that the ids in DATA name. The caller frees them. NULL with the error. */
static uint32_t *read_ids (
    const struct aw_submissions *s, const char *data, size_t size, uint32_t *n, const char **error)
{
    uint32_t *tasks = malloc ((size / 2 + 1) * sizeof (*tasks));
    const char *p = data, *end = data + size;

    *n = 0;
    *error = tasks ? NULL : "out of memory";
    while (tasks && p < end) {
        uint64_t id = 0;
        uint32_t set;

        while (p < end && (*p == ' ' || *p == '\n'))
            p++;
        if (p == end)
            break;
        for (; p < end && *p >= '0' && *p <= '9' && id < UINT64_MAX / 16; p++)
            id = 10 * id + (uint64_t)(*p - '0');
        set = p == end || *p == ' ' || *p == '\n' ? aw_submitted_set (s->workflow, id) : AW_NONE;
        if (set == AW_NONE) {
            *error = "no submitted task has one of these ids";
            free (tasks);
            return NULL;
        }
        tasks[(*n)++] = aw_graph_first_task (s->workflow->graph, 0, set);
    }
    return tasks;
}

static const char *tell_list (struct aw_submissions *s,
                              const struct aw_asker *asker,
                              const char *data,
                              size_t size)
{
    uint64_t next;

    aw_textbuf_clear (&s->letters);
    if (aw_submission_list_put (&s->list, data, size, &s->letters, &next) < 0)
        return "the request for a list cannot be read";
    if (s->letters.failed || s->list.line.failed || s->list.last.failed)
        return "out of memory";
    s->user.answer (s->user.arg, asker, s->letters.data, s->letters.len, next);
    return NULL;
}

const char *aw_submissions_ask (struct aw_submissions *s,
                                enum aw_packet_kind kind,
                                const struct aw_asker *asker,
                                const char *data,
                                size_t size)
{
    const char *error;
    uint32_t n, *tasks;

    if (kind == AW_PACKET_AWAIT && size == 0) {
        aw_awaits_remove (&s->awaits, asker);
        return NULL;
    }
    if (kind == AW_PACKET_LIST)
        return tell_list (s, asker, data, size);
    tasks = read_ids (s, data, size, &n, &error);
    if (!tasks)
        return error;
    if (kind == AW_PACKET_STATES)
        tell_states (s, asker, tasks, n);
    else if (aw_awaits_add (&s->awaits, asker, tasks, n) < 0)
        error = "out of memory";
    free (tasks);
    return error;
}

void aw_submissions_close (struct aw_submissions *s, const struct aw_asker *asker)
{
    aw_awaits_remove (&s->awaits, asker);
}

void aw_submissions_event (struct aw_submissions *s, const struct aw_event *ev)
{
    const struct aw_asker node = { .node = ev->node };

    aw_submission_list_event (&s->list, ev, (uint32_t)time (NULL));
    if (ev->type == AW_EVENT_FINISH)
        end_owner (s, ev);
    if (ev->type == AW_EVENT_FINISH || ev->type == AW_EVENT_SKIP
        || (ev->type == AW_EVENT_CANCEL && ev->count == 1))
        aw_awaits_ended (&s->awaits, ev->task);
    else if (ev->type == AW_EVENT_CANCEL)
        aw_awaits_look (&s->awaits);
    else if (ev->type == AW_EVENT_NODE_LOST)
        aw_awaits_remove (&s->awaits, &node);
}

void aw_submissions_stopped (struct aw_submissions *s)
{
    aw_awaits_look (&s->awaits);
}
