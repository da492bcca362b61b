/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: journal and messages are kept as the run's durability wants, then what depends on
 * them takes effect. Launches leave, and requests of tasks are answered.
 *
 * Durability "process": they are written to the kernel. Durability "node": a thread puts them on
 * disk, one commit at a time; what happens meanwhile is in the next one. Messages come first, so
 * that the journal never has a completion of a task whose messages are lost.
 *
 *     NONE -> MESSAGES -> JOURNAL -> NONE; a stage with nothing to sync is left out
 */
#include "coord/coordinator_state.h"

#include "io/journal/run_dir.h"

/* Ends the commit: the first N_ANSWERS and N_DISPATCHES are kept, or the journal is broken. */
static void take_effect (struct aw_coordinator *c, size_t n_answers, size_t n_dispatches)
{
    if (c->requests)
        aw_task_requests_answer (c->requests, n_answers,
                                 c->journal_broken ? "the journal cannot be written" : NULL);
    aw_coordinator_send_starts (c, n_dispatches);
}

static size_t answers_waiting (const struct aw_coordinator *c)
{
    return c->requests ? aw_task_requests_waiting (c->requests) : 0;
}

static void end_commit (struct aw_coordinator *c)
{
    c->commit.stage = AW_COMMIT_NONE;
    take_effect (c, c->commit.n_answers, c->commit.n_dispatches);
    aw_coordinator_want_turn (c); /* for the next commit */
}

static void begin_sync (struct aw_coordinator *c, enum aw_commit_stage stage)
{
    c->commit.stage = stage;
    aw_sync_thread_begin (c->commit.thread, &c->commit.files);
}

static void commit_journal (struct aw_coordinator *c)
{
    struct aw_sync_file file = aw_journal_file (c->journal);
    struct aw_error err;

    c->commit.files.n = 0;
    if (c->commit.n_bytes > 0
        && (aw_journal_flush_first (c->journal, c->commit.n_bytes, &err) < 0
            || aw_sync_list_add (&c->commit.files, &file, &err) < 0))
        aw_coordinator_check_journal (c, -1, &err);
    if (c->journal_broken || c->commit.files.n == 0)
        end_commit (c);
    else
        begin_sync (c, AW_COMMIT_JOURNAL);
}

/* Commits what there is now: it is marked by its size, for more will come. */
static void begin_commit (struct aw_coordinator *c)
{
    struct aw_error err;

    c->commit.n_bytes = aw_journal_pending (c->journal);
    c->commit.n_answers = answers_waiting (c);
    c->commit.n_dispatches = c->n_dispatches;
    c->commit.files.n = 0;
    if (!c->commit.n_bytes && !c->commit.n_answers && !c->commit.n_dispatches)
        return;
    if (c->requests && aw_task_requests_unsynced (c->requests, &c->commit.files, &err) < 0)
        aw_coordinator_check_messages (c, -1, &err);
    if (c->journal_broken)
        end_commit (c);
    else if (c->commit.files.n > 0)
        begin_sync (c, AW_COMMIT_MESSAGES);
    else
        commit_journal (c);
}

void aw_coordinator_commit (struct aw_coordinator *c)
{
    if (c->commit.stage != AW_COMMIT_NONE)
        return;
    if (c->commit.thread && !c->journal_broken) {
        begin_commit (c);
        return;
    }
    aw_coordinator_flush_journal (c);
    take_effect (c, answers_waiting (c), c->n_dispatches);
}

/* Takes the result of the sync under way; false: it failed. */
static bool end_sync (struct aw_coordinator *c)
{
    struct aw_error err;
    int rc = aw_sync_thread_result (c->commit.thread, &err);

    if (c->commit.stage == AW_COMMIT_MESSAGES)
        aw_coordinator_check_messages (c, rc, &err);
    else
        aw_coordinator_check_journal (c, rc, &err);
    return !c->journal_broken;
}

static void on_synced (evutil_socket_t fd, short what, void *arg)
{
    struct aw_coordinator *c = arg;

    (void)fd;
    (void)what;
    if (end_sync (c) && c->commit.stage == AW_COMMIT_MESSAGES)
        commit_journal (c);
    else
        end_commit (c);
}

int aw_coordinator_open_commits (struct aw_coordinator *c, struct aw_error *err)
{
    if (c->config.durability != AW_DURABILITY_NODE)
        return 0;
    if (aw_run_dir_sync (c->config.run_dir, err) < 0)
        return -1;
    c->commit.thread = aw_sync_thread_create (err);
    if (!c->commit.thread)
        return -1;
    c->commit.synced = event_new (c->base, aw_sync_thread_fd (c->commit.thread),
                                  EV_READ | EV_PERSIST, on_synced, c);
    if (!c->commit.synced || event_add (c->commit.synced, NULL) < 0)
        return aw_error_set (err, "out of memory");
    return 0;
}

void aw_coordinator_close_commits (struct aw_coordinator *c)
{
    struct aw_error err;

    if (!c->commit.thread)
        return;
    if (c->commit.stage != AW_COMMIT_NONE)
        end_sync (c);
    c->commit.stage = AW_COMMIT_NONE;
    c->commit.files.n = 0;
    if (c->requests && !c->journal_broken)
        aw_coordinator_check_messages (
            c,
            aw_task_requests_unsynced (c->requests, &c->commit.files, &err) < 0
                ? -1
                : aw_sync (&c->commit.files, &err),
            &err);
    if (c->commit.synced)
        event_free (c->commit.synced);
    aw_sync_thread_destroy (c->commit.thread);
    aw_sync_list_finish (&c->commit.files);
    c->commit.synced = NULL;
    c->commit.thread = NULL;
}
