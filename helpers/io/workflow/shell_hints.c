/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that read such text themselves, shells above all, get no warning. */
#include "io/workflow/shell_hints.h"

#include <string.h>

enum { SHOWN = 40 };

static bool is_upper (char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

/* A variable of the shell in TEXT, in capital letters: "$HOME". Stores its length. NULL: none. */
static const char *find_variable (const char *text, size_t *length)
{
    for (const char *p = text; (p = strchr (p, '$')); p++) {
        size_t brace = p[1] == '{', n = 1 + brace;

        while (is_upper (p[n]) || (n > 1 + brace && p[n] >= '0' && p[n] <= '9'))
            n++;
        *length = n + brace;
        if (n > 2 + brace && (!brace || p[n] == '}'))
            return p;
    }
    return NULL;
}

static bool has_tilde (const char *text)
{
    return text[0] == '~' && (text[1] == '/' || text[1] == '\0');
}

void aw_hint_path (struct aw_reader *reader, const char *text)
{
    size_t length;
    const char *variable = find_variable (text, &length);

    if (has_tilde (text))
        aw_reader_warn (reader, "\"~\" is not replaced, because no shell reads it: write the path");
    else if (variable && length < SHOWN)
        aw_reader_warn (reader,
                        "%.*s is not replaced, because no shell reads it: write its value, or a "
                        "parameter",
                        (int)length, variable);
}

void aw_hint_variable (struct aw_reader *reader, const char *name, const char *text)
{
    size_t length;
    const char *variable = find_variable (text, &length);

    if (has_tilde (text))
        aw_hint_path (reader, text);
    else if (variable && length < SHOWN)
        aw_reader_warn (reader,
                        "%.*s is not replaced, because no shell reads it: write its value, or set "
                        "%.40s in \"script\", with export",
                        (int)length, variable, name);
}

void aw_hint_output (struct aw_reader *reader, const char *text)
{
    static const char letters[] = "jJAatxnNsu";
    const char *percent = strchr (text, '%');

    if (percent && percent[1] && strchr (letters, percent[1]))
        aw_reader_warn (reader, "%%%c is not replaced: write {task}, {index} or {run}", percent[1]);
}

static const char *base_name (const char *path)
{
    const char *slash = strrchr (path, '/');

    return slash ? slash + 1 : path;
}

/* Shells (sh, bash, ssh ...), and programs whose arguments are programs. */
static bool reads_such_text (const char *program)
{
    static const char *const names[] = { "env",  "perl", "python", "python3", "ruby",
                                         "expr", "test", "[",      "srun",    "parallel" };
    size_t n;

    program = base_name (program);
    n = strlen (program);
    if (n >= 2 && program[n - 2] == 's' && program[n - 1] == 'h')
        return true;
    if (n >= 3 && strcmp (program + n - 3, "awk") == 0)
        return true;
    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
        if (strcmp (program, names[i]) == 0)
            return true;
    return false;
}

/* "|", ">", "2>&1" and so on. */
static bool is_operator (const char *word)
{
    static const char *const words[] = { "|",  "||",  "&&",   "&",  ">",  ">>",  "<", "<<",
                                         "2>", "2>>", "2>&1", "&>", "1>", ">&2", ";" };

    for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++)
        if (strcmp (word, words[i]) == 0)
            return true;
    return false;
}

static const char *word_at (struct json_object *command, size_t i)
{
    struct json_object *word = json_object_array_get_idx (command, i);

    return json_object_is_type (word, json_type_string) ? json_object_get_string (word) : "";
}

void aw_hint_command (struct aw_reader *reader, struct json_object *command)
{
    size_t n = json_object_array_length (command);
    const char *program = n > 0 ? word_at (command, 0) : "";
    bool finds = strcmp (base_name (program), "find") == 0; /* its -exec ends with ";" */

    if (n == 1 && strchr (program, ' '))
        aw_reader_warn (reader,
                        "\"%.40s\" is one word, the name of a program: make each argument an "
                        "element, or use \"script\"",
                        program);
    if (n == 0 || reads_such_text (program))
        return;
    for (size_t i = 0; i < n; i++) {
        const char *word = word_at (command, i);

        if (i > 0 && is_operator (word) && !(finds && *word == ';')) {
            aw_reader_warn (reader,
                            "\"%s\" is an argument here, because no shell reads a command: use "
                            "\"script\"",
                            word);
            return;
        }
        if (!strchr (word, ' ') && (has_tilde (word) || *word == '$' || strchr (word, '/'))) {
            size_t mark = aw_reader_enter_index (reader, i);

            aw_hint_path (reader, word);
            aw_reader_leave (reader, mark);
        }
    }
}
