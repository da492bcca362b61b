/* SPDX-License-Identifier: Apache-2.0 */
/* From a compiled template to a task's text. A brace that stands alone begins a placeholder: all
 * others are doubled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_string.h"
#include "io/textbuf.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"
#include "io/workflow/workflow.h"

enum { INDEX, ITERATION, TASK, RUN, SCRATCH, CPUS, GPUS, MEM };

const char *const aw_task_placeholders[AW_TASK_PLACEHOLDERS] = {
    [INDEX] = "index",     [ITERATION] = "iteration", [TASK] = "task", [RUN] = "run",
    [SCRATCH] = "scratch", [CPUS] = "cpus",           [GPUS] = "gpus", [MEM] = "mem",
};

enum { WHOLE = -1, NAME, STEM, DIRECTORY };

static const char *const path_forms[] = {
    [NAME] = "name",
    [STEM] = "stem",
    [DIRECTORY] = "dir",
};

static bool begins_name (char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t aw_template_name_length (const char *text)
{
    size_t n = 0;

    if (!begins_name (*text))
        return 0;
    while (begins_name (text[n]) || (text[n] >= '0' && text[n] <= '9') || text[n] == '-')
        n++;
    return n;
}

static int find_word (const char *const words[], int n, const char *word, size_t length)
{
    for (int i = 0; i < n; i++)
        if (strlen (words[i]) == length && memcmp (word, words[i], length) == 0)
            return i;
    return -1;
}

int aw_task_placeholder (const char *name, size_t length)
{
    return find_word (aw_task_placeholders, AW_TASK_PLACEHOLDERS, name, length);
}

int aw_path_form (const char *form, size_t length)
{
    return find_word (path_forms, sizeof (path_forms) / sizeof (path_forms[0]), form, length);
}

/* A placeholder of a compiled template. */
struct placeholder {
    const char *name;
    size_t length; /* of the name */
    int form;
    const char *end; /* what follows it */
};

/* The next placeholder from *P on, where no brace is the second of two. Moves *P to it, or to the
 * next literal brace: then NAME is NULL. False at the end of the text. */
static bool next_brace (const char **p, struct placeholder *found)
{
    const char *at = *p + strcspn (*p, "{}");

    *p = at;
    found->name = NULL;
    if (!*at)
        return false;
    found->end = at + (at[1] == *at ? 2 : 1);
    if (*at != '{' || at[1] == '{')
        return true;
    found->length = aw_template_name_length (at + 1);
    found->form = WHOLE;
    at += 1 + found->length;
    if (*at == ':') {
        size_t n = aw_template_name_length (at + 1);

        found->form = aw_path_form (at + 1, n);
        at += 1 + n;
    }
    if (found->length && *at == '}') {
        found->name = *p + 1;
        found->end = at + 1;
    }
    return true;
}

bool aw_template_has (const char *template, const char *name)
{
    struct placeholder found;

    for (const char *p = template; next_brace (&p, &found); p = found.end)
        if (found.name && found.length == strlen (name)
            && memcmp (found.name, name, found.length) == 0)
            return true;
    return false;
}

const char *aw_template_variable (const char **from, size_t *length)
{
    struct placeholder found;

    while (next_brace (from, &found)) {
        *from = found.end;
        if (found.name && aw_task_placeholder (found.name, found.length) < 0) {
            *length = found.length;
            return found.name;
        }
    }
    return NULL;
}

/* What a placeholder of one task is filled in from. */
struct expansion {
    const struct aw_graph *graph;
    const struct aw_values *values;
    struct aw_task task;
    const struct aw_expanding *how;
    struct aw_textbuf out;
};

/* The part of PATH that FORM names, as basename(1) and dirname(1) have it; LENGTH is the path's,
 * and becomes the part's. */
static const char *path_part (const char *path, int form, size_t *length)
{
    size_t end = *length, name;

    while (end > 1 && path[end - 1] == '/')
        end--;
    name = end;
    while (name > 0 && path[name - 1] != '/')
        name--;
    if (form == DIRECTORY) {
        while (name > 1 && path[name - 1] == '/')
            name--;
        *length = name ? name : 1;
        return name ? path : ".";
    }
    if (name == end && end > 0) /* "/" */
        name--;
    for (size_t dot = end; form == STEM && dot > name + 1; dot--)
        if (path[dot - 1] == '.') {
            end = dot - 1;
            break;
        }
    *length = end - name;
    return path + name;
}

static void put_text (struct expansion *e, const char *text, size_t length)
{
    if (e->how->into == AW_EXPAND_JSON)
        aw_json_put_bytes (&e->out, text, length);
    else
        aw_textbuf_put (&e->out, text, length);
}

static void put_variable (struct expansion *e, const struct placeholder *p)
{
    uint32_t variable = aw_values_find (e->values, p->name, p->length);
    const char *text;
    size_t length;

    if (e->graph->sets[e->task.set].service) { /* it has no variables, so this is {port} */
        aw_textbuf_u64 (&e->out, e->how->port);
        return;
    }
    if (variable == AW_VALUES_NONE) /* compiled templates have none */
        return;
    text = aw_values_text (e->values, e->task.index, variable);
    length = strlen (text);
    if (p->form != WHOLE && length > 0)
        text = path_part (text, p->form, &length);
    if (e->how->into == AW_EXPAND_SHELL)
        aw_shell_quote (&e->out, text, length);
    else
        put_text (e, text, length);
}

static void put_placeholder (struct expansion *e, const struct placeholder *p)
{
    const struct aw_set *set = &e->graph->sets[e->task.set];

    switch (aw_task_placeholder (p->name, p->length)) {
    case INDEX:
        aw_textbuf_u64 (&e->out, e->task.index);
        break;
    case ITERATION:
        aw_textbuf_u64 (&e->out, e->task.iteration);
        break;
    case TASK: /* as aw_graph_task_name */
        if (aw_graph_names_iteration (e->graph, e->task.set))
            aw_textbuf_printf (&e->out, "%s@%u[%u]", set->name, e->task.iteration, e->task.index);
        else
            aw_textbuf_printf (&e->out, "%s[%u]", set->name, e->task.index);
        break;
    case RUN:
        put_text (e, e->how->run, strlen (e->how->run));
        break;
    case SCRATCH:
        put_text (e, e->how->scratch, strlen (e->how->scratch));
        break;
    case CPUS:
        aw_textbuf_u64 (&e->out, set->cpus);
        break;
    case GPUS:
        if (set->gpu_share)
            aw_textbuf_printf (&e->out, "%.3g", set->gpu_share / 1000.);
        else
            aw_textbuf_u64 (&e->out, set->gpus);
        break;
    case MEM:
        aw_textbuf_u64 (&e->out, set->mem >> 20);
        break;
    default:
        put_variable (e, p);
        break;
    }
}

static char *expand (struct expansion *e, const char *template)
{
    const char *p = template, *literal = template;
    struct placeholder found;

    if (!template[strcspn (template, "{}")])
        return strdup (template);
    for (; next_brace (&p, &found); p = literal = found.end) {
        aw_textbuf_put (&e->out, literal, (size_t)(p - literal));
        if (found.name)
            put_placeholder (e, &found);
        else
            aw_textbuf_putc (&e->out, *p);
    }
    aw_textbuf_put (&e->out, literal, (size_t)(p - literal));
    aw_textbuf_putc (&e->out, '\0');
    if (e->out.failed) {
        aw_textbuf_finish (&e->out);
        errno = ENOMEM;
    }
    return e->out.data;
}

char *aw_recipe_expand_on (const char *template,
                           const struct aw_workflow *workflow,
                           uint32_t task,
                           const struct aw_expanding *how)
{
    struct aw_task at = aw_graph_task (workflow->graph, task);
    struct expansion e = {
        .graph = workflow->graph, .values = workflow->recipes[at.set].values, .task = at, .how = how
    };

    return expand (&e, template);
}

char *aw_recipe_expand (const char *template,
                        const struct aw_workflow *workflow,
                        uint32_t task,
                        const char *run)
{
    struct aw_expanding how = { .run = run, .scratch = "{scratch}" };

    return aw_recipe_expand_on (template, workflow, task, &how);
}
