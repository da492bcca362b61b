/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/task_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/json_string.h"
#include "io/scan.h"
#include "io/text_file.h"
#include "io/workflow/list_lines.h"
#include "io/workflow/script_walk.h"
#include "io/workflow/synonyms.h"
#include "util/array.h"
#include "util/utf8.h"

/* Keys that "#AW" sets. */
static const struct {
    const char *name;
    bool number; /* its value may be a number */
} keys[AW_LIST_KEYS] = {
    { "cpus", true },        { "gpus", true },
    { "gpu_type", false },   { "threads_per_core", true },
    { "mem", true },         { "ranks", true },
    { "nodes", true },       { "ranks_per_node", true },
    { "launch", false },     { "directory", false },
    { "stdout", false },     { "stderr", false },
    { "time_limit", true },  { "duration", true },
    { "retries", true },     { "checkpoint_signal", false },
    { "on_failure", false }, { "shell", false },
    { "spread", true },
};

static int find_key (const char *name)
{
    for (int i = 0; i < AW_LIST_KEYS; i++)
        if (strcmp (keys[i].name, name) == 0)
            return i;
    return -1;
}

static bool ends_with (const char *text, const char *end)
{
    size_t n = strlen (text), m = strlen (end);

    return n >= m && strcasecmp (text + n - m, end) == 0;
}

bool aw_task_list_has_name (const char *label)
{
    return !ends_with (label, ".json");
}

bool aw_task_list_is (const char *label, const char *text, size_t size)
{
    const char *p = text + aw_utf8_mark (text, size);

    p += strspn (p, " \t\r\n");
    return aw_task_list_has_name (label) && (size_t)(p - text) < size && !strchr ("{[\"", *p);
}

/* Is it a file that somebody could mean as a list? */
static bool check_file (struct aw_reader *reader, const char *text, size_t size)
{
    static const char *const others[] = { ".csv", ".tsv", ".yaml", ".yml", ".toml", ".xml",
                                          ".py",  ".smk", ".nf",   ".md",  ".r",    ".pl" };
    const char *p = text, *end = text + size;
    size_t line = 1, old = aw_text_old_line_end (text, size);

    for (size_t n; p < end && *p && (n = aw_utf8_length (p, (size_t)(end - p))) > 0; p += n)
        line += *p == '\n';
    if (p < end)
        return aw_reader_error (reader,
                                "line %zu: byte 0x%02x is not text in UTF-8: give a workflow in "
                                "JSON, or a list with a shell command in each line",
                                line, (unsigned char)*p);
    for (size_t i = 0; i < sizeof (others) / sizeof (others[0]); i++)
        if (ends_with (reader->label, others[i]))
            return aw_reader_error (
                reader, i < 2 ? "is a table, not a list of commands: use it in a workflow with "
                                "\"foreach\": {\"table\": FILE}"
                              : "is neither JSON nor named as a list of commands: write the "
                                "workflow in JSON, or rename a list to end in .txt");
    if (strncmp (text, "#!", 2) == 0)
        return aw_reader_error (reader, "begins with #!: it is a script, not a list of commands: "
                                        "write a list with a line that calls it");
    if (old > 0)
        return aw_reader_error (reader, "line %zu: " AW_TEXT_OLD_LINE_END, old);
    return true;
}

/* Directives of other programs, and what to do. */
static bool check_comment (struct aw_reader *reader, const char *text)
{
    static const char *const others[] = {
        "#SBATCH", "#PBS", "#BSUB", "#DISBATCH", "#HQ", "#flux:"
    };
    const char *word = text + 1 + strspn (text + 1, " \t");

    for (size_t i = 0; i < sizeof (others) / sizeof (others[0]); i++)
        if (strncasecmp (text, others[i], strlen (others[i])) == 0)
            return aw_reader_error (reader,
                                    "%s has no effect in a list of commands: give options to srun "
                                    "or sbatch, and write #AW key=value for what a line needs",
                                    others[i]);
    if (strncasecmp (word, "aw", 2) == 0 && (!word[2] || strchr (" \t:", word[2])))
        aw_reader_warn (reader, "is a comment: for a directive write #AW, in capital letters and "
                                "without a blank after #");
    return true;
}

/* What to write for a word of another system; NULL: nothing that a list has. */
static const char *synonym (const char *word)
{
    const char *instead = aw_synonym (word), *quote = instead ? strchr (instead, '"') : NULL;

    for (int i = 0; quote && i < AW_LIST_KEYS; i++)
        if (strncmp (quote + 1, keys[i].name, strlen (keys[i].name)) == 0
            && quote[1 + strlen (keys[i].name)] == '"')
            return instead;
    return NULL;
}

static bool unknown_key (struct aw_reader *reader, const char *name)
{
    const char *names[AW_LIST_KEYS + 1], *instead = synonym (name);

    for (int i = 0; i < AW_LIST_KEYS; i++)
        names[i] = keys[i].name;
    names[AW_LIST_KEYS] = "barrier";
    if (instead)
        return aw_reader_error (reader, "unknown key \"%.64s\": %s", name, instead);
    return aw_reader_unknown (reader, "key", name, names, AW_LIST_KEYS + 1,
                              "async-workflow-file(5), TASK LISTS, has all");
}

/* key=value, or key="value with blanks", at *P; moves behind it. GIVEN: the keys that the directive
 * has set, as bits. */
static bool read_setting (struct aw_reader *reader,
                          struct aw_list_settings *now,
                          char **p,
                          uint32_t *given)
{
    char *name = *p, *value;
    size_t length = strcspn (name, "= \t");
    int key;

    if (name[length] != '=')
        return aw_reader_error (reader, "#AW %.40s: write key=value, or barrier alone", name);
    name[length] = '\0';
    value = name + length + 1;
    if (*value == '"') {
        length = strcspn (++value, "\"");
        if (!value[length])
            return aw_reader_error (reader, "#AW %.40s: the closing \" is missing", name);
        *p = value + length + 1;
        if (**p && !strchr (" \t", **p))
            return aw_reader_error (reader, "#AW %.40s: a blank is missing after \"", name);
    }
    else {
        length = strcspn (value, " \t");
        *p = value + length + (value[length] != '\0');
    }
    value[length] = '\0';
    key = find_key (name);
    if (key < 0)
        return unknown_key (reader, name);
    if (*given & UINT32_C (1) << key)
        return aw_reader_error (reader, "%s is given twice: remove one of them", name);
    *given |= UINT32_C (1) << key;
    length = strcspn (value, " \t");
    if (*value && strcmp (name, "shell") == 0
        && (length < 2 || value[length - 2] != 's' || value[length - 1] != 'h'))
        return aw_reader_error (reader, "shell: \"%.40s\" is not a shell: write #AW shell=zsh",
                                value);
    return aw_list_set (reader, now, key, *value ? value : NULL);
}

/* What follows "#AW" in the line. */
static bool read_directive (struct aw_reader *reader, struct aw_task_list *list, const char *text)
{
    char *copy = strdup (text), *p = copy;
    bool good = true;
    size_t before = 0;
    uint32_t given = 0;

    if (!copy)
        return aw_reader_no_memory (reader);
    for (; good && *(p += strspn (p, " \t")); before++) {
        if (strncmp (p, "barrier", 7) == 0 && (!p[7] || strchr (" \t", p[7]))) {
            aw_list_barrier (list);
            p += 7;
        }
        else
            good = read_setting (reader, &list->now, &p, &given);
    }
    if (good && before == 0)
        good = aw_reader_error (reader, "#AW alone: write #AW key=value, or #AW barrier");
    free (copy);
    return good;
}

/* Does a here-document begin in the line? Its text would be the next lines. */
static bool begins_document (const char *text)
{
    struct aw_script_walk walk = { .script = text, .p = text };

    aw_script_walk (&walk, text + strlen (text));
    return walk.word != NULL;
}

/* A word with which no command begins that stands in one line, and lines that need the next one. */
static bool check_command (struct aw_reader *reader, const char *text)
{
    static const char *const words[] = { "done", "fi", "esac", "then", "else", "elif", "do", "}" };
    size_t length = strcspn (text, " \t;)");

    for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++)
        if (strlen (words[i]) == length && strncmp (text, words[i], length) == 0)
            return aw_reader_error (reader,
                                    "\"%s\" belongs to a command of several lines, and each line "
                                    "is a task: write the command in one line, or call a script",
                                    words[i]);
    if (*text && text[strlen (text) - 1] == '\\')
        return aw_reader_error (reader, "ends in \\, and each line is a task: write the command in "
                                        "one line");
    if (begins_document (text))
        return aw_reader_error (reader, "has a here-document (<<), and each line is a task: pass "
                                        "the text with printf and a pipe, or call a script");
    return true;
}

/* One line, NUL-terminated, without its newline. */
static bool read_line (struct aw_reader *reader,
                       struct aw_task_list *list,
                       const char *text,
                       uint32_t number)
{
    text += strspn (text, " \t");
    list->now.line = number;
    if (!*text)
        return true;
    if (strncmp (text, "#AW", 3) == 0 && (!text[3] || strchr (" \t", text[3])))
        return read_directive (reader, list, text + 3);
    if (*text == '#')
        return check_comment (reader, text);
    return check_command (reader, text) && aw_list_add (reader, list, text, number);
}

static bool read_lines (struct aw_reader *reader, struct aw_task_list *list)
{
    bool good = true;
    uint32_t number = 0;
    char place[24];

    for (char *p = list->text; *p;) {
        size_t length = strcspn (p, "\n"), mark;
        char *next = p + length + (p[length] == '\n');

        p[length] = '\0';
        if (length > 0 && p[length - 1] == '\r')
            p[length - 1] = '\0';
        snprintf (place, sizeof (place), "line %u", ++number);
        mark = aw_reader_enter (reader, place);
        good = read_line (reader, list, p, number) && good;
        aw_reader_leave (reader, mark);
        p = next;
    }
    if (good && list->n_lines == 0)
        good = aw_reader_error (reader, "has no command: write a shell command in each line");
    return good;
}

struct aw_task_list *aw_task_list_read (struct aw_reader *reader, const char *text, size_t size)
{
    size_t mark = aw_utf8_mark (text, size);
    struct aw_task_list *list;

    text += mark;
    size -= mark;
    if (!check_file (reader, text, size))
        return NULL;
    list = calloc (1, sizeof (*list));
    if (list)
        list->text = strdup (text);
    if (!list || !list->text)
        aw_reader_no_memory (reader);
    else if (read_lines (reader, list))
        return list;
    aw_task_list_destroy (list);
    return NULL;
}

static bool is_number (const char *text)
{
    char copy[40], *p = copy;
    double number;

    if (strlen (text) >= sizeof (copy))
        return false;
    strcpy (copy, text);
    return aw_scan_number (&p, &number) == 0 && !*p;
}

/* The shell's words, and after -c the command and what the shell calls itself in messages. */
static void put_command (const struct aw_list_part *part, const char *path, struct aw_textbuf *out)
{
    static const char bash[] = "/bin/bash", plain[] = "/bin/sh";
    const char *p = part->values[find_key ("shell")], *slash = strrchr (path, '/');

    if (!p)
        p = access (bash, X_OK) == 0 ? bash : plain;
    aw_textbuf_puts (out, "\"command\": [");
    for (size_t n; *(p += strspn (p, " \t")); p += n) {
        n = strcspn (p, " \t");
        aw_textbuf_printf (out, "\"%.*s\", ", (int)n, p);
    }
    aw_textbuf_puts (out, "\"-c\", \"{" AW_LIST_COMMAND "}\", \"");
    for (p = slash ? slash + 1 : path; *p; p++)
        aw_textbuf_putc (out, strchr ("{}\"\\", *p) || (unsigned char)*p < ' ' ? '_' : *p);
    aw_textbuf_puts (out, ":{" AW_LIST_LINE "}\"]");
}

static void put_after (const struct aw_task_list *list, uint32_t number, struct aw_textbuf *out)
{
    uint32_t segment = list->parts[number].segment;
    bool any = false;

    for (uint32_t i = 0; i < number; i++) {
        if (list->parts[i].segment + 1 != segment)
            continue;
        aw_textbuf_puts (out, any ? ", \"" : ", \"after\": [\"");
        aw_list_part_name (i, out);
        aw_textbuf_putc (out, '"');
        any = true;
    }
    if (any)
        aw_textbuf_putc (out, ']');
}

static void put_part (const struct aw_task_list *list,
                      uint32_t number,
                      const char *path,
                      struct aw_textbuf *out)
{
    const struct aw_list_part *part = &list->parts[number];

    aw_textbuf_puts (out, number ? ",\n    \"" : "\n    \"");
    aw_list_part_name (number, out);
    aw_textbuf_puts (out, "\": { \"foreach\": { \"list\": ");
    aw_json_put_string (out, path);
    aw_textbuf_printf (out, ", \"part\": %u }", number + 1);
    put_after (list, number, out);
    for (int i = 0; i < AW_LIST_KEYS; i++) {
        if (!part->values[i] || i == find_key ("shell"))
            continue;
        aw_textbuf_printf (out, ", \"%s\": ", keys[i].name);
        if (keys[i].number && is_number (part->values[i]))
            aw_textbuf_puts (out, part->values[i]);
        else
            aw_json_put_string (out, part->values[i]);
    }
    aw_textbuf_puts (out, ",\n      ");
    put_command (part, path, out);
    aw_textbuf_puts (out, " }");
}

void aw_task_list_put (const struct aw_task_list *list,
                       const char *path,
                       const char *name,
                       struct aw_textbuf *out)
{
    aw_textbuf_puts (out, "{ \"async-workflow\": 1, \"name\": ");
    aw_json_put_string (out, name);
    aw_textbuf_puts (out, ",\n  \"defaults\": { \"on_failure\": \"skip\" },\n  \"tasks\": {");
    for (uint32_t i = 0; i < list->n_parts; i++)
        put_part (list, i, path, out);
    aw_textbuf_puts (out, " } }\n");
}

/* The line that set the key in TEXT, "LABEL: tasks.line-2.cpus: ..."; stores where the key is. 0:
 * none. */
static uint32_t line_of (const struct aw_task_list *list,
                         const char *label,
                         const char *text,
                         const char **key)
{
    size_t n = strlen (label);
    uint32_t part = 1;
    char name[32];
    int used = 0;

    if (strncmp (text, label, n) != 0 || strncmp (text + n, ": tasks.line", 12) != 0)
        return 0;
    text += n + 12;
    if (*text == '-' && sscanf (text, "-%u%n", &part, &used) == 1)
        text += used;
    n = strcspn (text, ":[");
    if (*text != '.' || part < 1 || part > list->n_parts || n >= sizeof (name))
        return 0;
    snprintf (name, sizeof (name), "%.*s", (int)(n - 1), text + 1);
    *key = text + 1;
    return find_key (name) < 0 ? 0 : list->parts[part - 1].lines[find_key (name)];
}

void aw_task_list_place (const struct aw_task_list *list, struct aw_reader *reader, size_t first)
{
    for (size_t i = first; i < reader->problems->n_items; i++) {
        struct aw_problem *item = &reader->problems->items[i];
        const char *key;
        uint32_t line = line_of (list, reader->label, item->text, &key);
        char *text;

        if (line == 0 || asprintf (&text, "%s: line %u: %s", reader->label, line, key) < 0)
            continue;
        free (item->text);
        item->text = text;
    }
}
