/* SPDX-License-Identifier: Apache-2.0 */
/* A workflow file from anybody: it is a workflow or there is at least one error, each of one line
 * that a terminal can show; a workflow's names and texts hold for its first and last task, and a
 * small one can be simulated to its end. The same where it is added to another, which is as it was
 * where it cannot be.
 */
#include <string.h>

#include "core/sched/sched.h"
#include "fuzz.h"
#include "io/workflow/json_check.h"
#include "io/workflow/workflow.h"
#include "model/simulate.h"

enum { SMALL = 200 }; /* tasks that are simulated */

static void expand (const struct aw_workflow *w, uint32_t task, const char *template)
{
    if (template)
        free (aw_recipe_expand (template, w, task, "/run\"\x1b[2J"));
}

/* The input of a call is JSON with any texts in it. */
static void check_input (const struct aw_workflow *w, uint32_t task, const char *input)
{
    struct aw_expanding how = { "/run\"\x1b[2J", "/scratch", 0, AW_EXPAND_JSON };
    char *text = aw_recipe_expand_on (input, w, task, &how);
    struct aw_problems problems;

    aw_problems_init (&problems);
    if (text)
        RULE (aw_json_check (text, strlen (text), AW_WORKFLOW_MAX_DEPTH, "input", &problems) == 0);
    aw_problems_finish (&problems);
    free (text);
}

static void look_at (const struct aw_workflow *w)
{
    const struct aw_graph *graph = w->graph;
    struct aw_expanding quoted = { "/run", "/scratch", 0, AW_EXPAND_SHELL };
    char name[256];

    for (uint32_t i = 0; i < graph->n_sets; i++) {
        const struct aw_recipe *recipe = &w->recipes[i];
        uint32_t last = graph->sets[i].first + graph->sets[i].count - 1
                        + (aw_graph_iterations (graph, i) - 1) * graph->tasks_per_iteration;
        uint32_t ends[] = { graph->sets[i].first, last };

        RULE (last < graph->n_tasks);
        for (int e = 0; e < 2; e++) {
            int n = aw_graph_task_name (graph, ends[e], name, sizeof (name));
            RULE (n > 0 && (size_t)n < sizeof (name));
            RULE (aw_graph_task_parse (graph, name) == ends[e]);
            for (char **arg = recipe->command; arg && *arg; arg++)
                expand (w, ends[e], *arg);
            expand (w, ends[e], recipe->script);
            if (recipe->script)
                free (aw_recipe_expand_on (recipe->script, w, ends[e], &quoted));
            if (recipe->input)
                check_input (w, ends[e], recipe->input);
            expand (w, ends[e], recipe->directory);
            expand (w, ends[e], recipe->out);
            expand (w, ends[e], recipe->err);
            for (size_t v = 0; v < recipe->n_environment; v++)
                expand (w, ends[e], recipe->environment[v].value);
        }
        RULE (!recipe->command != !recipe->script);
    }
}

static void simulate (const struct aw_workflow *w, enum aw_mode mode)
{
    struct aw_sched_config config = { .mode = mode };
    struct aw_simulation simulation = { 0 };
    struct aw_simulated result = { 0 };
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (w->graph, &config, &err);

    if (!sched)
        return;
    if (aw_simulate_add_nodes (sched, 2, 64, 4, 0, &err) == 0
        && aw_simulate (sched, &simulation, &result, &err) == 0)
        RULE (result.end >= 0);
    aw_sched_destroy (sched);
}

static void add (const char *text, size_t size)
{
    static const char base[] = "{ \"async-workflow\": 1, \"iterations\": 2, \"tasks\": {"
                               "  \"a\": { \"count\": 2, \"script\": \"x\" },"
                               "  \"b-1\": { \"after\": [\"a\"], \"script\": \"x\" } } }";
    struct aw_problems problems;
    struct aw_workflow *w;
    struct aw_graph_size before;
    int rc;

    aw_problems_init (&problems);
    w = aw_workflow_parse (base, sizeof (base) - 1, "b.json", &problems);
    RULE (w);
    before = aw_graph_size (w->graph);
    rc = aw_workflow_add (w, &(struct aw_addition){ .text = text, .size = size, .label = "a.json" },
                          &problems);
    RULE ((rc < 0) == (problems.n_errors > 0) && rc != 0);
    if (rc > 0) {
        RULE (w->graph->n_sets > before.n_sets);
        RULE (aw_workflow_add (
                  w, &(struct aw_addition){ .text = text, .size = size, .label = "a.json" },
                  &problems)
              == 0);
        look_at (w);
        if (w->graph->n_tasks <= SMALL)
            simulate (w, AW_MODE_ASYNC);
        aw_workflow_take_back (w);
    }
    RULE (w->graph->n_sets == before.n_sets && w->graph->n_tasks == before.n_tasks
          && w->graph->n_topics == before.n_topics && w->graph->n_gpu_types == before.n_gpu_types);
    look_at (w);
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

/* The file as a workflow in JSON or, if its first character allows, as a list of commands. */
static void parse (const char *text, size_t size, const char *label)
{
    const struct aw_workflow_input input = { .values_alone = true }; /* reads no file */
    struct aw_problems problems;
    struct aw_workflow *w;

    aw_problems_init (&problems);
    w = aw_workflow_parse_with (text, size, label, &input, &problems);
    RULE (!w == (problems.n_errors > 0));
    for (size_t i = 0; i < problems.n_items; i++)
        for (const char *c = problems.items[i].text; *c; c++)
            RULE ((unsigned char)*c >= 0x20 && *c != 0x7f);
    if (w) {
        look_at (w);
        for (int mode = 0; w->graph->n_tasks <= SMALL && mode <= AW_MODE_SEQUENTIAL; mode++)
            simulate (w, (enum aw_mode)mode);
    }
    aw_workflow_destroy (w);
    aw_problems_finish (&problems);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *text = malloc (size + 1);

    if (!text)
        return 0;
    memcpy (text, data, size);
    text[size] = '\0'; /* as files are read */
    parse (text, size, "f.json");
    parse (text, size, "f.txt");
    add (text, size);
    free (text);
    return 0;
}
