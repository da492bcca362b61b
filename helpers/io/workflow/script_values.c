/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/script_values.h"

#include <stdlib.h>
#include <string.h>

#include "io/workflow/shell_quote.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"

/* Is the program a shell? All shells are called so, and what else is (tclsh) quotes like them. */
static bool is_shell (const char *program, size_t length)
{
    return length >= 2 && strncmp (program + length - 2, "sh", 2) == 0;
}

/* Does the script's first line name a program that is not a shell? */
static bool is_other_language (const char *script)
{
    const char *end = script + strcspn (script, "\n"), *word = script + 2;
    size_t n;

    if (strncmp (script, "#!", 2) != 0)
        return false;
    word += strspn (word, " \t");
    if (*word != '/')
        return false;
    n = strcspn (word, " \t\r\n");
    while (n >= 4 && strncmp (word + n - 4, "/env", 4) == 0) { /* its program comes next */
        do {
            word += n;
            word += strspn (word, " \t\r");
            n = strcspn (word, " \t\r\n");
        } while (word < end && (*word == '-' || memchr (word, '=', n)));
        if (word >= end)
            return true;
    }
    return !is_shell (word, n);
}

/* Reports VARIABLE where one of its values cannot stand in the script. */
static void check_texts (struct aw_reader *reader, uint32_t variable, bool other)
{
    const struct aw_values *values = reader->values;
    const char *name = aw_values_name (values, variable);
    char buf[AW_VALUES_NAME_SIZE];

    for (uint32_t i = 0; i < aw_values_n_texts (values, variable); i++) {
        const char *text = aw_values_nth_text (values, variable, i);

        if (strchr (text, '\n'))
            aw_reader_error (reader,
                             "{%s}: a value has a newline, which a script cannot have: use "
                             "\"$%s\"",
                             name, aw_values_environment (values, variable, buf));
        else if (other && aw_shell_needs_quotes (text))
            aw_reader_error (reader,
                             "{%s}: the value \"%.40s\" would need quotes, which differ by "
                             "language: read the environment variable %s",
                             name, text, aw_values_environment (values, variable, buf));
        else
            continue;
        return;
    }
}

enum { MAX_LEVELS = 32 };

/* Where a walk through a shell script is. */
struct walk {
    const char *script, *p;
    char quotes[MAX_LEVELS]; /* of each "$(" within another: ' " or 0 for none */
    int parens[MAX_LEVELS]; /* open ones since */
    int level;
    const char *word; /* that ends a here-document which begins with the next line; NULL: none */
    size_t word_length;
    bool tabs; /* "<<-" */
    bool document; /* in one */
};

/* P is behind "<<". */
static void begin_document (struct walk *w, const char *p)
{
    char quote = 0;

    w->tabs = *p == '-';
    p += w->tabs;
    p += strspn (p, " \t");
    if (*p == '\'' || *p == '"' || *p == '\\')
        quote = *p++;
    w->word = p;
    w->word_length = quote && quote != '\\' ? strcspn (p, quote == '"' ? "\"\n" : "'\n")
                                            : strcspn (p, " \t\n;&|<>()'\"");
    if (w->word_length == 0)
        w->word = NULL;
}

/* The line at P is in a here-document. Is it the one that ends it? */
static bool ends_document (const struct walk *w, const char *p)
{
    if (w->tabs)
        p += strspn (p, "\t");
    return strncmp (p, w->word, w->word_length) == 0
           && (p[w->word_length] == '\n' || !p[w->word_length]);
}

static void step_newline (struct walk *w)
{
    w->p++;
    if (w->word && !w->document && !w->quotes[w->level])
        w->document = true;
    if (w->document && ends_document (w, w->p)) {
        w->p += strcspn (w->p, "\n");
        w->document = false;
        w->word = NULL;
    }
}

/* Outside quotes and here-documents, or within double quotes. */
static void step_plain (struct walk *w)
{
    char *quote = &w->quotes[w->level], c = *w->p;
    bool word_begins = w->p == w->script || strchr (" \t\n;", w->p[-1]);

    if (c == '\\' && w->p[1])
        w->p++;
    else if (c == '"')
        *quote = *quote ? 0 : '"';
    else if (c == '$' && w->p[1] == '(' && w->level + 1 < MAX_LEVELS) {
        w->p++;
        w->level++;
        w->quotes[w->level] = 0;
        w->parens[w->level] = 0;
    }
    else if (*quote)
        ; /* nothing else has a meaning in double quotes */
    else if (c == '\'')
        *quote = '\'';
    else if (c == '#' && word_begins) {
        w->p += strcspn (w->p, "\n");
        return;
    }
    else if (c == '<' && w->p[1] == '<' && w->p[2] == '<')
        w->p += 2;
    else if (c == '<' && w->p[1] == '<') {
        begin_document (w, w->p + 2);
        w->p++;
    }
    else if (c == '(')
        w->parens[w->level]++;
    else if (c == ')' && w->parens[w->level]-- == 0) {
        w->parens[w->level] = 0;
        w->level -= w->level > 0;
    }
    w->p++;
}

static void step (struct walk *w)
{
    if (*w->p == '\n')
        step_newline (w);
    else if (w->document)
        w->p++;
    else if (w->quotes[w->level] != '\'')
        step_plain (w);
    else if (*w->p++ == '\'')
        w->quotes[w->level] = 0;
}

/* Warns where the placeholder at W, of VARIABLE, stands within quotes or a here-document. */
static bool warn_of_quotes (struct aw_reader *reader, const struct walk *w, uint32_t variable)
{
    char name[AW_VALUES_NAME_SIZE];

    if (!w->quotes[w->level] && !w->document)
        return false;
    aw_reader_warn (reader,
                    "{%s} stands within %s, where the shell would keep the backslashes that "
                    "quote its value: %s\"$%s\"",
                    aw_values_name (reader->values, variable),
                    w->document ? "a here-document" : "quotes",
                    w->document ? "use " : "remove the quotes, or use ",
                    aw_values_environment (reader->values, variable, name));
    return true;
}

/* Warns of each variable at most once. */
static void check_quotes (struct aw_reader *reader, const char *script)
{
    bool *warned = calloc (aw_values_n_variables (reader->values) + (size_t)1, sizeof (*warned));
    struct walk w = { .script = script, .p = script };
    const char *from = script, *name;
    size_t length;

    while (warned && (name = aw_template_variable (&from, &length))) {
        uint32_t variable = aw_values_find (reader->values, name, length);

        while (w.p < name - 1)
            step (&w);
        if (variable != AW_VALUES_NONE && !warned[variable] && w.p == name - 1)
            warned[variable] = warn_of_quotes (reader, &w, variable);
        if (w.p < from) /* else it stands in a comment */
            w.p = from;
    }
    free (warned);
}

void aw_check_script_values (struct aw_reader *reader, const char *script)
{
    bool other = is_other_language (script);

    for (uint32_t v = 0; reader->values && v < aw_values_n_variables (reader->values); v++)
        if (aw_template_has (script, aw_values_name (reader->values, v)))
            check_texts (reader, v, other);
    if (reader->values && !other)
        check_quotes (reader, script);
}
