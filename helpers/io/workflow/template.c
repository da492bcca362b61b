/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"
#include "io/workflow/workflow.h"
#include "util/suggest.h"

enum { INDEX, ITERATION, TASK, RUN, SCRATCH, CPUS, GPUS, MEM };

const char *const aw_task_placeholders[AW_TASK_PLACEHOLDERS] = {
    [INDEX] = "index",     [ITERATION] = "iteration", [TASK] = "task", [RUN] = "run",
    [SCRATCH] = "scratch", [CPUS] = "cpus",           [GPUS] = "gpus", [MEM] = "mem",
};

/* A name within braces: {name}, {{name}} and so on. */
struct braced {
    const char *name;
    size_t length;
    size_t braces; /* on either side */
    bool shell; /* behind "$" */
};

struct compiler {
    struct aw_reader *reader;
    enum aw_template_kind kind;
    struct aw_textbuf out;
    bool failed;
};

static bool begins_name (char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length (const char *text)
{
    size_t n = 0;

    if (!begins_name (*text))
        return 0;
    while (begins_name (text[n]) || (text[n] >= '0' && text[n] <= '9') || text[n] == '-')
        n++;
    return n;
}

bool aw_template_is_name (const char *word)
{
    size_t n = name_length (word);

    return n > 0 && word[n] == '\0';
}

/* The task's placeholder of that name, or -1. */
static int task_placeholder (const char *name, size_t length)
{
    for (int i = 0; i < AW_TASK_PLACEHOLDERS; i++)
        if (strlen (aw_task_placeholders[i]) == length
            && !memcmp (name, aw_task_placeholders[i], length))
            return i;
    return -1;
}

static void put_braces (struct compiler *c, char brace, size_t n)
{
    for (size_t i = 0; i < (c->kind == AW_TEMPLATE_FIXED ? n : 2 * n); i++)
        aw_textbuf_putc (&c->out, brace);
}

/* Text that stands for itself: the LENGTH bytes at TEXT, after which its string continues with a
 * brace or ends. */
static void put_literal (struct compiler *c, const char *text, size_t length)
{
    for (const char *end = text + length; text < end;) {
        size_t plain = strcspn (text, "{}");

        aw_textbuf_put (&c->out, text, plain);
        text += plain;
        if (text < end)
            put_braces (c, *text++, 1);
    }
}

/* Reports an unknown NAME, of LENGTH, with the nearest of all that are known. In a script this is a
 * warning, and only where a name of some length is a letter away: {a,b} and awk's {print} are
 * everyday there.
 */
static void report_unknown (struct compiler *c, const char *name, size_t length)
{
    struct aw_reader *reader = c->reader;
    size_t n = reader->n_parameters,
           first = c->kind == AW_TEMPLATE_FIXED ? AW_TASK_PLACEHOLDERS : 0;
    const char **names;
    const char *near = NULL;
    char word[65];
    bool quick = reader->problems->n_items == AW_PROBLEMS_MAX || length >= sizeof (word);

    names = quick ? NULL : calloc (n + AW_TASK_PLACEHOLDERS, sizeof (*names));
    if (names) {
        memcpy (word, name, length);
        word[length] = '\0';
        memcpy (names, aw_task_placeholders, sizeof (aw_task_placeholders));
        for (size_t i = 0; i < n; i++)
            names[AW_TASK_PLACEHOLDERS + i] = reader->parameters[i].name;
        near = aw_suggest (word, names + first, n + AW_TASK_PLACEHOLDERS - first);
    }
    if (length > 40)
        length = 40;
    if (c->kind == AW_TEMPLATE_SCRIPT) {
        if (near && length >= 4)
            aw_reader_warn (
                reader, "{%.*s} is not a placeholder and is left to the shell: did you mean {%s}?",
                (int)length, name, near);
    }
    else {
        const char *kind = c->kind == AW_TEMPLATE_FIXED ? "parameter" : "placeholder";

        c->failed = true;
        if (near)
            aw_reader_error (reader, "unknown %s {%.*s}: did you mean {%s}?", kind, (int)length,
                             name, near);
        else if (c->kind == AW_TEMPLATE_FIXED)
            aw_reader_error (reader, "unknown parameter {%.*s}: add it to \"parameters\"",
                             (int)length, name);
        else
            aw_reader_error (
                reader,
                "unknown placeholder {%.*s}: add a parameter, or write {{%.*s}} for the braces",
                (int)length, name, (int)length, name);
    }
    free (names);
}

static bool is_parameter (const struct aw_reader *reader, const struct braced *b)
{
    return aw_names_get (&reader->parameter_numbers, b->name, b->length) != AW_NAMES_NONE;
}

/* One name in an odd number of braces: its value. */
static void put_value (struct compiler *c, const struct braced *b)
{
    const struct aw_parameter *parameter;
    int which = task_placeholder (b->name, b->length);

    if (which >= 0 && (which < AW_RESERVED_PLACEHOLDERS || !is_parameter (c->reader, b))) {
        if (c->kind == AW_TEMPLATE_FIXED) {
            aw_reader_error (c->reader, "{%.*s} differs by task: only parameters are allowed here",
                             (int)b->length, b->name);
            c->failed = true;
        }
        aw_textbuf_putc (&c->out, '{');
        aw_textbuf_put (&c->out, b->name, b->length);
        aw_textbuf_putc (&c->out, '}');
        return;
    }
    parameter = aw_reader_parameter (c->reader, b->name, b->length);
    if (parameter)
        put_literal (c, parameter->text, strlen (parameter->text));
    else
        report_unknown (c, b->name, b->length);
}

static bool is_known (const struct aw_reader *reader, const struct braced *b)
{
    return task_placeholder (b->name, b->length) >= 0 || is_parameter (reader, b);
}

static void put_braced (struct compiler *c, const struct braced *b)
{
    bool known = is_known (c->reader, b);

    if (b->shell || (!known && c->kind == AW_TEMPLATE_SCRIPT)) {
        put_braces (c, '{', b->braces);
        put_literal (c, b->name, b->length);
        put_braces (c, '}', b->braces);
        if (b->shell && known && c->kind == AW_TEMPLATE_TEXT)
            aw_reader_warn (
                c->reader,
                "${%.*s} is a shell variable and stays as it is: for the placeholder write {%.*s}",
                (int)b->length, b->name, (int)b->length, b->name);
        else if (!b->shell && b->braces == 1)
            report_unknown (c, b->name, b->length);
        return;
    }
    put_braces (c, '{', b->braces / 2);
    if (b->braces % 2)
        put_value (c, b);
    else
        put_literal (c, b->name, b->length);
    put_braces (c, '}', b->braces / 2);
}

/* Reads the opening braces at TEXT, N of them, and what follows, into B where it is a name closed
 * by one at least. */
static bool find_braced (const char *text, size_t n, bool shell, struct braced *b)
{
    size_t closing = 0;

    b->name = text + n;
    b->length = name_length (b->name);
    b->shell = shell;
    if (!b->length)
        return false;
    while (closing < n && b->name[b->length + closing] == '}')
        closing++;
    b->braces = closing;
    return closing > 0;
}

/* The text compiled, of no more than its size, or NULL. */
static char *finish (struct compiler *c)
{
    char *text = NULL;

    if (!c->failed && c->out.failed)
        aw_reader_no_memory (c->reader);
    else if (!c->failed && aw_reader_spend (c->reader, c->out.len)) {
        text = strdup (c->out.data);
        if (!text)
            aw_reader_no_memory (c->reader);
    }
    aw_textbuf_finish (&c->out);
    return text;
}

char *aw_template_compile (struct aw_reader *reader, const char *text, enum aw_template_kind kind)
{
    struct compiler c = { .reader = reader, .kind = kind };
    const char *p = text;

    while (*p) {
        size_t plain = strcspn (p, "{"), opening = strspn (p + plain, "{");
        struct braced b;

        put_literal (&c, p, plain);
        p += plain;
        if (find_braced (p, opening, p > text && p[-1] == '$', &b)) {
            put_braces (&c, '{', opening - b.braces); /* more on the left than on the right */
            put_braced (&c, &b);
            p = b.name + b.length + b.braces;
        }
        else {
            put_braces (&c, '{', opening);
            p += opening;
        }
        if (c.out.len > 2 * (size_t)AW_MAX_TEXT) {
            c.failed = true;
            aw_reader_error (reader,
                             "with its parameters it is longer than %d bytes, the most that a "
                             "program can receive",
                             AW_MAX_TEXT);
            break;
        }
    }
    aw_textbuf_putc (&c.out, '\0');
    return finish (&c);
}

/* The task's placeholder in a template at TEXT, which is a brace; -1 where none is. */
static int placeholder_at (const char *text, size_t *length)
{
    size_t n = name_length (text + 1);

    *length = n + 2;
    return n && text[n + 1] == '}' ? task_placeholder (text + 1, n) : -1;
}

bool aw_template_has (const char *template, const char *name)
{
    size_t length;
    int which = task_placeholder (name, strlen (name));

    for (const char *p = template; (p = strpbrk (p, "{}"));) {
        if (p[1] == *p) {
            p += 2;
            continue;
        }
        if (*p == '{' && which >= 0 && placeholder_at (p, &length) == which)
            return true;
        p++;
    }
    return false;
}

static void put_placeholder (struct aw_textbuf *out,
                             int which,
                             const struct aw_graph *graph,
                             uint32_t id,
                             const char *run,
                             const char *scratch)
{
    struct aw_task task = aw_graph_task (graph, id);
    const struct aw_set *set = &graph->sets[task.set];
    const char *name = set->name;

    switch (which) {
    case INDEX:
        aw_textbuf_u64 (out, task.index);
        break;
    case ITERATION:
        aw_textbuf_u64 (out, task.iteration);
        break;
    case TASK: /* as aw_graph_task_name */
        if (aw_graph_names_iteration (graph, task.set))
            aw_textbuf_printf (out, "%s@%u[%u]", name, task.iteration, task.index);
        else
            aw_textbuf_printf (out, "%s[%u]", name, task.index);
        break;
    case SCRATCH:
        aw_textbuf_puts (out, scratch);
        break;
    case CPUS:
        aw_textbuf_u64 (out, set->cpus);
        break;
    case GPUS:
        if (set->gpu_share)
            aw_textbuf_printf (out, "%.3g", set->gpu_share / 1000.);
        else
            aw_textbuf_u64 (out, set->gpus);
        break;
    case MEM:
        aw_textbuf_u64 (out, set->mem >> 20);
        break;
    default:
        aw_textbuf_puts (out, run);
        break;
    }
}

char *aw_recipe_expand (const char *template,
                        const struct aw_graph *graph,
                        uint32_t task,
                        const char *run)
{
    return aw_recipe_expand_on (template, graph, task, run, "{scratch}");
}

char *aw_recipe_expand_on (const char *template,
                           const struct aw_graph *graph,
                           uint32_t task,
                           const char *run,
                           const char *scratch)
{
    struct aw_textbuf out = { 0 };
    const char *p = template;

    while (*p) {
        size_t plain = strcspn (p, "{}"), length;
        int which;

        aw_textbuf_put (&out, p, plain);
        p += plain;
        if (!*p)
            break;
        which = *p == '{' ? placeholder_at (p, &length) : -1;
        if (which >= 0) {
            put_placeholder (&out, which, graph, task, run, scratch);
            p += length;
        }
        else {
            aw_textbuf_putc (&out, *p);
            p += p[1] == *p ? 2 : 1;
        }
    }
    aw_textbuf_putc (&out, '\0');
    if (out.failed) {
        aw_textbuf_finish (&out);
        errno = ENOMEM;
    }
    return out.data;
}
