/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinated.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/journal/journal.h"
#include "io/journal/run_dir.h"

static struct aw_workflow *parse (const char *tasks)
{
    struct aw_workflow *workflow;
    struct aw_problems problems;
    char text[2048];

    snprintf (text, sizeof (text), "{ \"async-workflow\": 1, \"name\": \"t\", \"tasks\": %s }",
              tasks);
    aw_problems_init (&problems);
    workflow = aw_workflow_parse (text, strlen (text), "t.json", &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    assert_non_null (workflow);
    return workflow;
}

static off_t journal_size (const struct coordinated *r)
{
    struct stat st;

    return stat (r->journal, &st) == 0 ? st.st_size : -1;
}

static void limit_file (off_t size)
{
    struct rlimit limit;

    getrlimit (RLIMIT_FSIZE, &limit);
    limit.rlim_cur = (rlim_t)size;
    setrlimit (RLIMIT_FSIZE, &limit);
}

/* Not a byte more than there is. */
static void fill_disk (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    limit_file (journal_size (arg));
}

static void stop_nodes (evutil_socket_t fd, short what, void *arg)
{
    struct coordinated *r = arg;
    struct aw_event ev = { .task = AW_NONE, .reason = "SIGTERM" };

    (void)fd;
    (void)what;
    for (ev.node = 0; ev.node < r->nodes; ev.node++)
        r->callbacks->node_leaves (r->callbacks->arg, &ev);
    raise (SIGINT);
}

static void happen (struct coordinated *r)
{
    struct timeval now = { 0, 0 };

    switch (r->what) {
    case COORDINATED_INTERRUPT_TWICE:
        raise (SIGTERM); /* another one: the same at once counts once */
        /* fall through */
    case COORDINATED_INTERRUPT:
        raise (SIGINT);
        break;
    case COORDINATED_NODES_AND_INTERRUPT:
        event_base_once (r->base, -1, EV_TIMEOUT, stop_nodes, r, &now);
        break;
    case COORDINATED_BREAK:
        aw_exec_fake_break (r->exec, "the pool is gone");
        break;
    case COORDINATED_LOSE_BOTH:
        aw_exec_fake_lose (r->exec, 1, "gone");
        /* fall through */
    case COORDINATED_LOSE_0:
        aw_exec_fake_lose (r->exec, 0, "gone");
        break;
    case COORDINATED_FILL_DISK:
        event_base_once (r->base, -1, EV_TIMEOUT, fill_disk, r, &now);
        break;
    case COORDINATED_NOTHING:
        break;
    }
}

static void plan (void *arg,
                  uint32_t node,
                  const struct aw_launch *launch,
                  struct aw_fake_outcome *outcome)
{
    struct coordinated *r = arg;

    if (r->launches++ == 0)
        r->size_at_first = journal_size (r);
    if (r->plan)
        r->plan (r, node, launch, outcome);
    if (launch->task == r->at && !r->done) {
        r->done = true;
        happen (r);
    }
}

static int check_pool (void *arg, const struct aw_pool *pool, struct aw_error *err)
{
    const struct coordinated *r = arg;

    assert_int_equal (pool->n_nodes, r->nodes);
    if (r->room)
        limit_file (journal_size (r) + r->room);
    return r->refuse ? aw_error_set (err, "not this pool") : 0;
}

void coordinated_begin (struct coordinated *it)
{
    const struct aw_fake_config fake = {
        .n_nodes = it->nodes, .cpus = it->cpus, .plan = plan, .arg = it
    };
    struct aw_coordinator_config config = { .display = AW_DISPLAY_NONE,
                                            .start_dir = "/",
                                            .ask_job = it->ask_job,
                                            .check_pool = check_pool,
                                            .kill_grace = it->grace,
                                            .sched.backlog = it->backlog,
                                            .service_stall = it->service_stall,
                                            .durability = it->durability,
                                            .arg = it };

    signal (SIGINT, SIG_DFL); /* the run before has left it ignored if it came */

    it->workflow = parse (it->tasks);
    strcpy (it->parent, "/tmp/aw-coordinated-XXXXXX");
    assert_non_null (mkdtemp (it->parent));
    it->dir = aw_run_dir_path (it->parent, "run");
    free (aw_run_dir_create (it->dir, "t", NULL, NULL));
    it->journal = aw_run_dir_path (it->dir, AW_RUN_JOURNAL);
    it->base = event_base_new ();
    config.workflow = it->workflow;
    config.run_dir = it->dir;
    config.n_nodes = it->nodes;
    it->coordinator = aw_coordinator_create (it->base, &config, &it->err);
    assert_non_null (it->coordinator);
    it->callbacks = aw_coordinator_callbacks (it->coordinator);
    it->exec = aw_exec_fake_create (it->base, it->callbacks, &fake, &it->err);
    assert_non_null (it->exec);
    it->ops = *it->exec->ops;
    it->ops.message = it->message;
    it->exec->ops = &it->ops;
}

int coordinated_run (struct coordinated *it)
{
    struct rlimit limit, old;
    int code;

    getrlimit (RLIMIT_FSIZE, &old);
    alarm (60);
    code = aw_coordinator_run (it->coordinator, it->exec, &it->err);
    alarm (0);
    getrlimit (RLIMIT_FSIZE, &limit);
    limit.rlim_cur = old.rlim_cur;
    setrlimit (RLIMIT_FSIZE, &limit);
    return code;
}

void coordinated_finish (struct coordinated *it)
{
    char command[128];

    it->exec->ops->destroy (it->exec);
    aw_coordinator_destroy (it->coordinator);
    event_base_free (it->base);
    aw_workflow_destroy (it->workflow);
    snprintf (command, sizeof (command), "rm -rf '%s'", it->parent);
    assert_int_equal (system (command), 0);
    free (it->dir);
    free (it->journal);
}

int coordinated_lines (const struct coordinated *it, const char *a, const char *b)
{
    FILE *file = fopen (it->journal, "r");
    char line[4096];
    int n = 0;

    assert_non_null (file);
    while (fgets (line, sizeof (line), file))
        n += strstr (line, a) && (!b || strstr (line, b));
    fclose (file);
    return n;
}

void coordinated_after (struct coordinated *it,
                        double seconds,
                        void (*fn) (evutil_socket_t fd, short what, void *arg),
                        void *arg)
{
    const struct timeval tv = { (time_t)seconds,
                                (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) };

    assert_int_equal (event_base_once (it->base, -1, EV_TIMEOUT, fn, arg, &tv), 0);
}

static int replay_one (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct coordinated_replay *p = arg;
    struct aw_event action;

    p->n[ev->type]++;
    p->last = *ev;
    if (aw_sched_is_input (p->sched, ev))
        return aw_sched_handle (p->sched, ev, err);
    if (!aw_sched_next (p->sched, &action))
        return aw_error_set (err, "nothing is decided, but it was: %s",
                             aw_event_type_name (ev->type));
    if (action.type != ev->type || (action.type != AW_EVENT_END && action.task != ev->task)
        || action.attempt != ev->attempt || action.code != ev->code)
        return aw_error_set (err, "%s %u instead of %s %u", aw_event_type_name (action.type),
                             action.task, aw_event_type_name (ev->type), ev->task);
    if (action.type == AW_EVENT_START
        && (action.node != ev->node || !aw_idset_equal (&action.cpus, &ev->cpus)))
        return aw_error_set (err, "task %u starts elsewhere", ev->task);
    return 0;
}

void coordinated_check (const struct coordinated *r, int code, struct coordinated_replay *p)
{
    struct aw_sched_config config = { AW_POLICY_LONGEST_PATH, AW_MODE_ASYNC, 0 };
    struct aw_journal_header header = { 0 };
    struct aw_error err = { "" };

    memset (p, 0, sizeof (*p));
    p->sched = aw_sched_create (r->workflow->graph, &config, NULL);
    if (aw_journal_read (r->journal, r->workflow->graph,
                         &(struct aw_journal_reading){ .fn = replay_one, .arg = p }, &header, &err)
        < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (p->last.type, AW_EVENT_END);
    assert_int_equal (p->last.code, code);
    aw_journal_header_finish (&header);
    aw_sched_destroy (p->sched);
}

void coordinated_for_ever (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome)
{
    (void)arg;
    (void)node;
    (void)launch;
    outcome->seconds = 1e6;
}

void coordinated_a_moment (void *arg,
                           uint32_t node,
                           const struct aw_launch *launch,
                           struct aw_fake_outcome *outcome)
{
    coordinated_for_ever (arg, node, launch, outcome);
    outcome->seconds = 0.05;
}
