/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/template.h"

#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"
#include "io/workflow/script_walk.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/values.h"
#include "io/workflow/workflow.h"
#include "util/suggest.h"

/* A name within braces: {name}, {{name}}, {name:form} and so on. */
struct braced {
    const char *name;
    size_t length;
    size_t whole; /* length with ":form" */
    size_t braces; /* on either side */
    bool shell; /* behind "$" */
};

struct compiler {
    struct aw_reader *reader;
    enum aw_template_kind kind;
    struct aw_textbuf out;
    bool failed;
    bool other; /* a script of another language than the shell's */
    struct aw_script_walk walk; /* through the script as it is written */
};

bool aw_template_is_name (const char *word)
{
    size_t n = aw_template_name_length (word);

    return n > 0 && word[n] == '\0';
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
    uint32_t n_variables = reader->values && !first ? aw_values_n_variables (reader->values) : 0;
    const char **names;
    const char *near = NULL;
    char word[65];
    bool quick = reader->problems->n_items == AW_PROBLEMS_MAX || length >= sizeof (word);

    if (reader->values_unknown) { /* it may be one of them */
        c->failed = true;
        return;
    }
    names = quick ? NULL : calloc (n + n_variables + AW_TASK_PLACEHOLDERS, sizeof (*names));
    if (names) {
        memcpy (word, name, length);
        word[length] = '\0';
        memcpy (names, aw_task_placeholders, AW_TASK_PLACEHOLDERS * sizeof (*names));
        for (size_t i = 0; i < n; i++)
            names[AW_TASK_PLACEHOLDERS + i] = reader->parameters[i].name;
        n += AW_TASK_PLACEHOLDERS;
        for (uint32_t i = 0; i < n_variables; i++)
            names[n++] = aw_values_name (reader->values, i);
        near = aw_suggest (word, names + first, n - first);
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

static bool is_variable (const struct aw_reader *reader, const struct braced *b)
{
    return aw_values_find (reader->values, b->name, b->length) != AW_VALUES_NONE;
}

/* Is it {port}, of a service that has one? A parameter of that name wins. */
static bool is_port (const struct aw_reader *reader, const struct braced *b)
{
    return reader->has_port && b->length == 4 && memcmp (b->name, "port", 4) == 0
           && !is_parameter (reader, b);
}

/* Is it filled in for each task? */
static bool differs_by_task (const struct aw_reader *reader, const struct braced *b)
{
    int which = aw_task_placeholder (b->name, b->length);

    if (which >= 0)
        return which < AW_RESERVED_PLACEHOLDERS || !is_parameter (reader, b);
    return is_variable (reader, b) || is_port (reader, b);
}

/* May it be a variable of a set, in the defaults? See aw_recipe_check_variables. */
static bool may_be_variable (const struct compiler *c, const struct braced *b)
{
    return c->reader->in_defaults && c->kind == AW_TEMPLATE_TEXT && !is_parameter (c->reader, b);
}

/* What differs by task stays, with its form. */
static void put_placeholder (struct compiler *c, const struct braced *b)
{
    size_t form = b->whole > b->length ? b->length + 1 : b->whole;

    if (c->kind == AW_TEMPLATE_FIXED) {
        aw_reader_error (c->reader, "{%.*s} differs by task: only parameters are allowed here",
                         (int)b->length, b->name);
        c->failed = true;
    }
    if (form < b->whole && aw_path_form (b->name + form, b->whole - form) < 0) {
        aw_reader_error (c->reader,
                         "{%.*s}: the forms of a path are {%.*s:name}, {%.*s:stem} and "
                         "{%.*s:dir}",
                         (int)b->whole, b->name, (int)b->length, b->name, (int)b->length, b->name,
                         (int)b->length, b->name);
        c->failed = true;
    }
    aw_textbuf_putc (&c->out, '{');
    aw_textbuf_put (&c->out, b->name, b->whole);
    aw_textbuf_putc (&c->out, '}');
}

/* A place that was passed is in a comment, or after one that came with a parameter. */
static void warn_of_quotes (struct compiler *c, const struct braced *b)
{
    if (aw_script_walk (&c->walk, b->name - 1) && aw_script_quotes (&c->walk))
        aw_reader_warn (c->reader,
                        "{%.*s} stands within quotes, where the shell would keep the backslashes "
                        "that quote its text: remove the quotes",
                        (int)b->length, b->name);
}

/* A text from outside of the file within a script: one word, with any characters. */
static void put_word (struct compiler *c, struct aw_parameter *parameter)
{
    const char *text = parameter->text, *name = parameter->name;
    struct aw_textbuf word = { 0 };

    if (strchr (text, '\n') || (c->other && aw_shell_needs_quotes (text))) {
        c->failed = true;
        aw_reader_error (c->reader,
                         "{%s}: its text comes from outside of the file, and %s: give it to the "
                         "task in \"environment\"",
                         name,
                         c->other ? "has characters that only a shell gets unchanged"
                                  : "a script gets it in one line");
        return;
    }
    aw_shell_quote (&word, text, strlen (text));
    aw_textbuf_putc (&word, '\0');
    if (word.failed)
        c->out.failed = true;
    else
        put_literal (c, word.data, strlen (word.data));
    aw_textbuf_finish (&word);
}

/* One name in an odd number of braces: its value. */
static void put_value (struct compiler *c, const struct braced *b)
{
    struct aw_parameter *parameter;

    if (differs_by_task (c->reader, b) || may_be_variable (c, b)) {
        put_placeholder (c, b);
        return;
    }
    parameter = aw_reader_parameter (c->reader, b->name, b->length);
    if (parameter && c->kind == AW_TEMPLATE_SCRIPT)
        parameter->in_script = true;
    if (parameter && parameter->outside && c->kind == AW_TEMPLATE_SCRIPT) {
        if (!c->other)
            warn_of_quotes (c, b);
        put_word (c, parameter);
    }
    else if (parameter)
        put_literal (c, parameter->text, strlen (parameter->text));
    else
        report_unknown (c, b->name, b->length);
}

static bool is_known (const struct aw_reader *reader, const struct braced *b)
{
    return aw_task_placeholder (b->name, b->length) >= 0 || is_parameter (reader, b)
           || is_variable (reader, b) || is_port (reader, b);
}

static void put_braced (struct compiler *c, const struct braced *b)
{
    bool known = is_known (c->reader, b);

    if (b->shell || (!known && c->kind == AW_TEMPLATE_SCRIPT)) {
        put_braces (c, '{', b->braces);
        put_literal (c, b->name, b->whole);
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
        put_literal (c, b->name, b->whole);
    put_braces (c, '}', b->braces / 2);
}

/* Takes ":form" behind the name, where the set has variables: of one of them, or of what looks like
 * a misspelt one. */
static void find_form (const struct aw_reader *reader, struct braced *b)
{
    const char *form = b->name + b->length + 1;
    size_t n;

    b->whole = b->length;
    if ((!reader->values && !reader->in_defaults) || form[-1] != ':')
        return;
    n = aw_template_name_length (form);
    if (n > 0 && (is_variable (reader, b) || aw_path_form (form, n) >= 0)
        && aw_task_placeholder (b->name, b->length) < 0 && !is_parameter (reader, b))
        b->whole = b->length + 1 + n;
}

/* Reads the opening braces at TEXT, N of them, and what follows, into B where it is a name closed
 * by one at least. */
static bool find_braced (
    const struct aw_reader *reader, const char *text, size_t n, bool shell, struct braced *b)
{
    size_t closing = 0;

    b->name = text + n;
    b->length = aw_template_name_length (b->name);
    b->shell = shell;
    if (!b->length)
        return false;
    find_form (reader, b);
    while (closing < n && b->name[b->whole + closing] == '}')
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
    struct compiler c = {
        .reader = reader,
        .kind = kind,
        .other = kind == AW_TEMPLATE_SCRIPT && aw_script_is_other_language (text),
        .walk = { .script = text, .p = text },
    };
    const char *p = text;

    if (reader->literal) {
        put_literal (&c, text, strlen (text));
        p += strlen (text);
    }
    while (*p) {
        size_t plain = strcspn (p, "{"), opening = strspn (p + plain, "{");
        struct braced b;

        put_literal (&c, p, plain);
        p += plain;
        if (find_braced (reader, p, opening, p > text && p[-1] == '$', &b)) {
            put_braces (&c, '{', opening - b.braces); /* more on the left than on the right */
            put_braced (&c, &b);
            p = b.name + b.whole + b.braces;
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
