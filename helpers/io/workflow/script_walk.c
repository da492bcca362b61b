/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/script_walk.h"

#include <string.h>

/* Is the program a shell? All shells are called so, and what else is (tclsh) quotes like them. */
static bool is_shell (const char *program, size_t length)
{
    return length >= 2 && program[length - 2] == 's' && program[length - 1] == 'h';
}

bool aw_script_is_other_language (const char *script)
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

/* P is behind "<<". */
static void begin_document (struct aw_script_walk *w, const char *p)
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
static bool ends_document (const struct aw_script_walk *w, const char *p)
{
    if (w->tabs)
        p += strspn (p, "\t");
    return strncmp (p, w->word, w->word_length) == 0
           && (p[w->word_length] == '\n' || !p[w->word_length]);
}

static void step_newline (struct aw_script_walk *w)
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

static void open_paren (struct aw_script_walk *w)
{
    int n = ++w->parens[w->level];

    if (w->p > w->script && w->p[-1] == '(' && !w->arithmetic[w->level])
        w->arithmetic[w->level] = n;
}

static void close_paren (struct aw_script_walk *w)
{
    int n = w->parens[w->level]--;

    if (n == w->arithmetic[w->level])
        w->arithmetic[w->level] = 0;
    if (n == 0) {
        w->parens[w->level] = 0;
        w->level -= w->level > 0;
    }
}

/* Outside quotes and here-documents, or within double quotes. */
static void step_plain (struct aw_script_walk *w)
{
    char *quote = &w->quotes[w->level], c = *w->p;
    bool word_begins = w->p == w->script || strchr (" \t\n;", w->p[-1]);

    if (c == '\\' && w->p[1])
        w->p++;
    else if (c == '"')
        *quote = *quote ? 0 : '"';
    else if (c == '$' && w->p[1] == '(' && w->level + 1 < AW_SCRIPT_LEVELS) {
        w->p++;
        w->level++;
        w->quotes[w->level] = 0;
        w->parens[w->level] = 0;
        w->arithmetic[w->level] = 0;
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
    else if (c == '<' && w->p[1] == '<' && !w->arithmetic[w->level]) {
        begin_document (w, w->p + 2);
        w->p++;
    }
    else if (c == '(')
        open_paren (w);
    else if (c == ')')
        close_paren (w);
    w->p++;
}

static void step (struct aw_script_walk *w)
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

bool aw_script_walk (struct aw_script_walk *w, const char *place)
{
    while (w->p < place)
        step (w);
    return w->p == place;
}

bool aw_script_quotes (const struct aw_script_walk *w)
{
    return w->quotes[w->level] || w->document;
}
