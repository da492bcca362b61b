/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks by the values of their variables. */
#include <stdbool.h>
#include <string.h>

#include "io/workflow/submission.h"
#include "io/workflow/task_label.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"

enum { MAX_WANTED = 64 };

/* What a task must have: TEXT of LENGTH for a variable. */
struct wanted {
    uint32_t variable;
    const char *text;
    size_t length;
};

struct selection {
    const struct aw_workflow *workflow;
    const struct aw_values *values;
    struct aw_task tasks; /* of a set, in an iteration or in all, of an index or of all */
    struct wanted wanted[MAX_WANTED];
    uint32_t n_wanted;
};

/* The variable of "NAME=" at TEXT, and what follows it. AW_VALUES_NONE: that is no such text. */
static uint32_t find_variable (const struct aw_values *values, const char *text, const char **rest)
{
    size_t n = aw_template_name_length (text);

    *rest = text + n + 1;
    return n > 0 && text[n] == '=' ? aw_values_find (values, text, n) : AW_VALUES_NONE;
}

/* Does another condition, for a variable without one, begin at TEXT? */
static bool begins_condition (const struct selection *s, const char *text)
{
    const char *rest;
    uint32_t variable = find_variable (s->values, text, &rest);

    for (uint32_t i = 0; i < s->n_wanted; i++)
        if (s->wanted[i].variable == variable)
            return false;
    return variable != AW_VALUES_NONE;
}

/* Reads "a=1,b=2" up to END. A comma belongs to the value where no other condition follows. */
static bool parse_wanted (struct selection *s, const char *text, const char *end)
{
    while (s->n_wanted < MAX_WANTED) {
        struct wanted *w = &s->wanted[s->n_wanted++];
        const char *comma;

        w->variable = find_variable (s->values, text, &w->text);
        if (w->variable == AW_VALUES_NONE)
            return false;
        comma = w->text;
        while ((comma = memchr (comma, ',', (size_t)(end - comma)))
               && !begins_condition (s, ++comma))
            ;
        w->length = (size_t)((comma ? comma - 1 : end) - w->text);
        if (!comma)
            return true;
        text = comma;
    }
    return false;
}

/* "align[sample=a]": the text before the bracket names the set. Returns the text in the brackets;
 * NULL: this is no such text. */
static const char *parse_set (struct selection *s, const char *text)
{
    const char *bracket = strchr (text, '['), *end = text + strlen (text);
    char name[AW_WORKFLOW_MAX_NAME + 16];

    if (!bracket || (size_t)(bracket - text) >= sizeof (name) || end[-1] != ']')
        return NULL;
    memcpy (name, text, (size_t)(bracket - text));
    name[bracket - text] = '\0';
    if (aw_graph_tasks_parse (s->workflow->graph, name, &s->tasks) < 0)
        return NULL;
    s->values = s->workflow->recipes[s->tasks.set].values;
    return bracket + 1;
}

static bool parse (struct selection *s, const char *text)
{
    uint32_t task = aw_submitted_task (s->workflow, text);
    const char *wanted;

    if (task != AW_NONE) {
        s->tasks = aw_graph_task (s->workflow->graph, task);
        return true;
    }
    if (aw_graph_tasks_parse (s->workflow->graph, text, &s->tasks) == 0)
        return true;
    wanted = parse_set (s, text);
    return wanted && parse_wanted (s, wanted, text + strlen (text) - 1);
}

static bool matches (const struct selection *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->n_wanted; i++) {
        const struct wanted *w = &s->wanted[i];
        const char *text = aw_values_text (s->values, index, w->variable);

        if (strncmp (text, w->text, w->length) != 0 || text[w->length])
            return false;
    }
    return true;
}

/* The next run of tasks that match, from *INDEX on, which moves to its end. Its first one; AW_NONE:
 * there is no other. */
static uint32_t next_run (const struct selection *s, uint32_t *index)
{
    uint32_t count = s->workflow->graph->sets[s->tasks.set].count, first;

    if (s->tasks.index != AW_NONE) {
        first = *index <= s->tasks.index ? s->tasks.index : AW_NONE;
        *index = s->tasks.index + 1;
        return first;
    }
    while (*index < count && !matches (s, *index))
        ++*index;
    first = *index;
    while (*index < count && matches (s, *index))
        ++*index;
    return first < count ? first : AW_NONE;
}

/* All that was submitted with the name TEXT, task by task. 0, or -1 where nothing was. */
static int select_submitted (const struct aw_workflow *workflow,
                             const char *text,
                             aw_task_select_fn *found,
                             void *arg)
{
    const struct aw_graph *graph = workflow->graph;
    int rc = -1;

    for (uint32_t i = 0; i < workflow->n_submitted; i++) {
        uint32_t set = workflow->submitted[i];

        if (strcmp (graph->sets[set].label, text) != 0)
            continue;
        found (arg, aw_graph_first_task (graph, 0, set), 1);
        rc = 0;
    }
    return rc;
}

int aw_tasks_select (const struct aw_workflow *workflow,
                     const char *text,
                     aw_task_select_fn *found,
                     void *arg)
{
    const struct aw_graph *graph = workflow->graph;
    struct selection s = { .workflow = workflow };
    uint32_t first, last, index = 0, run;

    if (!*text || !parse (&s, text) || next_run (&s, &index) == AW_NONE)
        return select_submitted (workflow, text, found, arg);
    first = s.tasks.iteration == AW_NONE ? 0 : s.tasks.iteration;
    last = s.tasks.iteration == AW_NONE ? aw_graph_iterations (graph, s.tasks.set) - 1 : first;
    for (uint32_t it = first; it <= last; it++) {
        index = 0;
        while ((run = next_run (&s, &index)) != AW_NONE)
            found (arg, aw_graph_first_task (graph, it, s.tasks.set) + run, index - run);
    }
    return 0;
}

bool aw_tasks_report_values (const struct aw_workflow *workflow,
                             const char *text,
                             struct aw_problems *problems)
{
    struct selection s = { .workflow = workflow };
    char label[AW_TASK_LABEL];
    uint32_t first;

    if (!parse_set (&s, text) || !s.values)
        return false;
    first = aw_graph_first_task (workflow->graph, 0, s.tasks.set);
    aw_problems_add (problems, false, "%s: no such task: the first task of the set is %s", text,
                     aw_task_label (workflow, first, label, sizeof (label)));
    return true;
}
