/* SPDX-License-Identifier: Apache-2.0 */
/* replay DIR: makes the decisions of a run again. What came to the scheduler from outside (nodes,
 * ends of tasks, stops) is taken from the journal and handed to a new scheduler, in the same order;
 * and so are an end with a reason, and the start of a task that a node had in advance; what that
 * one decides, READY, START with node, CPUs and GPUs, ASSIGN with node, KILL, SKIP, END, must be
 * what stands in the journal. Prints how many decisions were the same; exit status 1 at the first
 * that is another, 2 if the run directory cannot be read. Where the run was resumed with a changed
 * workflow, it begins there. What tasks add comes from outside, too: graph and scheduler grow as
 * they did then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/history/resume_state.h"
#include "core/history/history.h"
#include "core/sched/sched.h"
#include "io/journal/journal.h"
#include "io/journal/run_dir.h"
#include "io/journal/run_workflow.h"
#include "io/workflow/workflow.h"

struct replay {
    const struct aw_graph *graph;
    struct aw_sched *sched;
    struct aw_sched_config config;
    struct aw_history history; /* what a RESUME goes on from */
    uint32_t changes; /* RESUMEs with a changed workflow that are still to come */
    uint32_t decisions, starts;
    bool differs;
};

static bool same (const struct aw_event *a, const struct aw_event *b)
{
    if (a->type != b->type || a->code != b->code)
        return false;
    if (a->type == AW_EVENT_END)
        return true;
    if (a->type == AW_EVENT_NODE_DRAIN)
        return a->node == b->node;
    if (a->task != b->task || a->attempt != b->attempt)
        return false;
    if (a->type == AW_EVENT_ASSIGN)
        return a->node == b->node;
    if (a->type != AW_EVENT_START)
        return true;
    if (a->node != b->node || !aw_idset_equal (&a->cpus, &b->cpus)
        || !aw_idset_equal (&a->gpus, &b->gpus) || a->n_more != b->n_more)
        return false;
    for (uint32_t i = 0; i < a->n_more; i++)
        if (a->more[i].node != b->more[i].node
            || !aw_idset_equal (&a->more[i].cpus, &b->more[i].cpus)
            || !aw_idset_equal (&a->more[i].gpus, &b->more[i].gpus))
            return false;
    return true;
}

static int differ (struct replay *r,
                   const struct aw_event *ev,
                   const struct aw_event *instead,
                   struct aw_error *err)
{
    char was[256] = "", is[256] = "";

    r->differs = true;
    if (ev->type != AW_EVENT_END)
        aw_graph_task_name (r->graph, ev->task, was, sizeof (was));
    if (instead && instead->type != AW_EVENT_END)
        aw_graph_task_name (r->graph, instead->task, is, sizeof (is));
    return aw_error_set (err, "decided: %s %s, node %u; in the replay: %s %s, node %u",
                         aw_event_type_name (ev->type), was, ev->node,
                         instead ? aw_event_type_name (instead->type) : "nothing", is,
                         instead ? instead->node : AW_NONE);
}

static void set_config (struct aw_sched_config *config, const char *mode, const char *policy)
{
    if (mode && aw_mode_parse (mode) >= 0)
        config->mode = (enum aw_mode)aw_mode_parse (mode);
    if (policy && aw_policy_parse (policy) >= 0)
        config->policy = (enum aw_policy)aw_policy_parse (policy);
}

/* A new scheduler, which knows what was done. */
static int go_on (struct replay *r, const struct aw_resume *resume, struct aw_error *err)
{
    struct aw_resume_state earlier;
    int rc;

    r->changes -= resume->workflow != NULL;
    set_config (&r->config, resume->mode, resume->policy);
    r->config.backlog = resume->backlog;
    aw_sched_destroy (r->sched);
    r->sched = aw_sched_create (r->graph, &r->config, err);
    if (!r->sched || aw_resume_state_init (&earlier, &r->history, err) < 0)
        return -1;
    rc = aw_sched_resume (r->sched, &earlier, err);
    aw_resume_state_finish (&earlier);
    return rc;
}

static int replay_one (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    struct replay *r = arg;
    struct aw_event action;

    if (aw_history_handle (&r->history, ev, err) < 0)
        return -1;
    if (ev->resume)
        return go_on (r, ev->resume, err);
    if (r->changes > 0)
        return 0;
    r->starts += ev->type == AW_EVENT_START;
    if (aw_sched_is_input (r->sched, ev))
        return aw_sched_handle (r->sched, ev, err);
    if (ev->type == AW_EVENT_END && ev->reason) /* from outside: the pool has failed, say */
        return aw_sched_handle (r->sched, ev, err);
    if (!aw_sched_next (r->sched, &action)) {
        if (ev->type != AW_EVENT_END || ev->code < 2)
            return differ (r, ev, NULL, err);
        return aw_sched_handle (r->sched, ev, err); /* the pool failed: no decision */
    }
    if (!same (ev, &action))
        return differ (r, ev, &action, err);
    r->decisions++;
    return 0;
}

static int count_changes (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    (void)err;
    *(uint32_t *)arg += ev->resume && ev->resume->workflow;
    return 0;
}

/* How the run decided, and the durations by which it did, into GRAPH. 0, or -1 with text. */
static int read_config (const char *journal,
                        struct aw_workflow *workflow,
                        struct aw_graph *graph,
                        struct aw_sched_config *config,
                        uint32_t *changes,
                        struct aw_error *err)
{
    struct aw_journal_header header = { 0 };
    int mode, policy,
        rc = aw_journal_read_workflow (
            journal, workflow, &(struct aw_journal_reading){ .fn = count_changes, .arg = changes },
            &header, err);

    if (rc == 0) {
        mode = header.mode ? aw_mode_parse (header.mode) : -1;
        policy = header.policy ? aw_policy_parse (header.policy) : -1;
        aw_journal_durations_apply (&header.durations, graph);
        if (mode < 0 || policy < 0)
            rc = aw_error_set (err, "%s: mode or policy is missing", journal);
        else
            *config = (struct aw_sched_config){ .policy = (enum aw_policy)policy,
                                                .mode = (enum aw_mode)mode,
                                                .backlog = header.backlog };
    }
    aw_journal_header_finish (&header);
    return rc;
}

/* WORKFLOW as its file has it; and again, for it grows with each reading. */
static int replay (const char *journal,
                   struct aw_workflow *workflow,
                   struct aw_workflow *again,
                   struct aw_error *err)
{
    struct aw_journal_header header = { 0 };
    struct replay r = { .graph = workflow->graph };
    int rc;

    if (read_config (journal, again, workflow->graph, &r.config, &r.changes, err) < 0)
        return 2;
    r.sched = aw_sched_create (r.graph, &r.config, err);
    if (!r.sched || aw_history_init (&r.history, r.graph, err) < 0)
        return 2;
    rc = aw_journal_read_workflow (journal, workflow,
                                   &(struct aw_journal_reading){ .fn = replay_one, .arg = &r },
                                   &header, err);
    if (rc == 0 && !aw_sched_ended (r.sched)) {
        r.differs = true;
        rc = aw_error_set (err, "%s: the run has no end", journal);
    }
    if (rc == 0)
        printf ("%u decisions, %u starts: the same (%s, %s)\n", r.decisions, r.starts,
                aw_mode_name (r.config.mode), aw_policy_name (r.config.policy));
    aw_journal_header_finish (&header);
    aw_sched_destroy (r.sched);
    aw_history_finish (&r.history);
    return rc == 0 ? 0 : r.differs ? 1 : 2;
}

static struct aw_workflow *load (const char *directory)
{
    struct aw_workflow *workflow;
    struct aw_problems problems;

    aw_problems_init (&problems);
    workflow = aw_run_workflow_load (directory, &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    return workflow;
}

int main (int argc, char **argv)
{
    struct aw_workflow *workflow, *again;
    struct aw_error err = { "" };
    char *journal;
    int code = 2;

    if (argc != 2) {
        fprintf (stderr, "Usage: replay DIR\n");
        return 2;
    }
    workflow = load (argv[1]);
    again = load (argv[1]);
    journal = aw_run_dir_path (argv[1], AW_RUN_JOURNAL);
    if (workflow && again && journal)
        code = replay (journal, workflow, again, &err);
    if (code != 0)
        fprintf (stderr, "replay: %s\n", err.text);
    free (journal);
    aw_workflow_destroy (workflow);
    aw_workflow_destroy (again);
    return code;
}
