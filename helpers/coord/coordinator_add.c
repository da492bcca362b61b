/* SPDX-License-Identifier: Apache-2.0 */
/* A task adds others: the workflow grows, then the scheduler, the journal and all that is counted
 * by set; all of them, or none where anything is wrong.
 */
#include "coord/coordinator_state.h"

#include "io/workflow/submission.h"
#include "util/array.h"

/* Can there be tasks of that set in this pool? */
static int fits (void *arg, uint32_t set, const struct aw_recipe *recipe, struct aw_error *err)
{
    struct aw_coordinator *c = arg;
    const struct aw_set *s = &c->config.workflow->graph->sets[set];

    if (c->config.one_rank && (s->nodes > 1 || s->ranks_per_node > 1))
        return aw_error_set (
            err, "tasks.%s: several ranks or nodes need srun: this run has none (--local)",
            s->name);
    if (!c->config.scratch && aw_recipe_uses_scratch (recipe))
        return aw_error_set (
            err,
            "tasks.%s: needs a scratch directory: this run has none: start the run "
            "with --scratch=DIR",
            s->name);
    return aw_sched_check_set (c->sched, set, err);
}

static int make_room (struct aw_coordinator *c)
{
    if (aw_array_reserve (&c->display_sets, &c->set_room, c->config.workflow->graph->n_sets) < 0)
        return -1;
    return aw_display_grow (c->display);
}

/* Messages that the new sets depend on may have come already, while no set depended on them. */
static void count_messages (struct aw_coordinator *c, uint32_t from)
{
    const struct aw_graph *graph = c->config.workflow->graph;

    for (uint32_t s = from; s < graph->n_sets; s++)
        for (uint32_t n = 0; n < graph->sets[s].n_message_dependencies; n++) {
            const char *topic = graph->topics[graph->sets[s].message_dependencies[n].topic];

            aw_coordinator_count (c, topic, aw_task_requests_count (c->requests, topic));
        }
}

int aw_coordinator_add (struct aw_coordinator *c,
                        struct aw_event *ev,
                        size_t size,
                        bool submitted,
                        struct aw_problems *problems)
{
    struct aw_workflow *w = c->config.workflow;
    const struct aw_addition addition = { .text = ev->text,
                                          .size = size,
                                          .label = submitted ? AW_SUBMISSION : AW_REQUEST_ADDED,
                                          .submitted = submitted,
                                          .fits = fits,
                                          .arg = c };
    uint32_t from = w->graph->n_sets;
    int rc;

    if (submitted && aw_sched_stopped (c->sched)) {
        aw_problems_add (problems, false, "the run has been stopped: nothing more starts");
        return -1;
    }
    rc = aw_workflow_add (w, &addition, problems);
    if (rc <= 0)
        return rc;
    if (make_room (c) < 0 || aw_coordinator_handle_event (c, ev) < 0) {
        aw_workflow_take_back (w);
        (void)aw_display_grow (c->display); /* back again: that needs no memory */
        aw_problems_add (problems, false, AW_REQUEST_ADDED ": out of memory");
        return -1;
    }
    count_messages (c, from);
    return 0;
}
