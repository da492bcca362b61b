/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/list_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/graph.h"
#include "io/workflow/value_sources.h"
#include "util/array.h"

static void free_values (char *values[AW_LIST_KEYS])
{
    for (int i = 0; i < AW_LIST_KEYS; i++)
        free (values[i]);
}

void aw_task_list_destroy (struct aw_task_list *list)
{
    if (!list)
        return;
    for (uint32_t i = 0; i < list->n_parts; i++)
        free_values (list->parts[i].values);
    free_values (list->now.values);
    free (list->parts);
    free (list->lines);
    free (list->text);
    free (list);
}

bool aw_list_set (struct aw_reader *reader,
                  struct aw_list_settings *now,
                  int key,
                  const char *value)
{
    char *copy = value ? strdup (value) : NULL;

    if (value && !copy)
        return aw_reader_no_memory (reader);
    free (now->values[key]);
    now->values[key] = copy;
    now->lines[key] = now->line;
    return true;
}

void aw_list_barrier (struct aw_task_list *list)
{
    if (list->n_parts > 0 && list->parts[list->n_parts - 1].segment == list->segment)
        list->segment++;
}

void aw_list_part_name (uint32_t i, struct aw_textbuf *out)
{
    aw_textbuf_puts (out, AW_LIST_LINE);
    if (i > 0)
        aw_textbuf_printf (out, "-%u", i + 1);
}

static bool same_text (const char *a, const char *b)
{
    return a && b ? strcmp (a, b) == 0 : a == b;
}

/* Does the last part have the settings of now? */
static bool is_current (const struct aw_task_list *list)
{
    const struct aw_list_part *part = list->n_parts ? &list->parts[list->n_parts - 1] : NULL;

    if (!part || part->segment != list->segment)
        return false;
    for (int i = 0; i < AW_LIST_KEYS; i++)
        if (!same_text (part->values[i], list->now.values[i]))
            return false;
    return true;
}

static bool add_part (struct aw_reader *reader, struct aw_task_list *list)
{
    struct aw_list_part part = { .segment = list->segment, .first = list->n_lines };

    if (aw_array_reserve (&list->parts, &list->part_room, list->n_parts + 1) < 0)
        return aw_reader_no_memory (reader);
    memcpy (part.lines, list->now.lines, sizeof (part.lines));
    for (int i = 0; i < AW_LIST_KEYS; i++) {
        part.values[i] = list->now.values[i] ? strdup (list->now.values[i]) : NULL;
        if (list->now.values[i] && !part.values[i]) {
            free_values (part.values);
            return aw_reader_no_memory (reader);
        }
    }
    list->parts[list->n_parts++] = part;
    return true;
}

bool aw_list_add (struct aw_reader *reader,
                  struct aw_task_list *list,
                  const char *text,
                  uint32_t number)
{
    if (list->n_lines >= AW_MAX_TASKS)
        return aw_reader_error (reader, "more than %u lines: at most this many tasks are possible",
                                AW_MAX_TASKS);
    if (!is_current (list) && !add_part (reader, list))
        return false;
    if (aw_array_reserve (&list->lines, &list->line_room, list->n_lines + 1) < 0)
        return aw_reader_no_memory (reader);
    list->lines[list->n_lines++] = (struct aw_list_line){ text, number };
    list->parts[list->n_parts - 1].n++;
    return true;
}

static bool add_line (struct aw_reader *reader,
                      struct aw_values *values,
                      const struct aw_list_line *line)
{
    char number[16];

    snprintf (number, sizeof (number), "%u", line->number);
    return aw_value_add (reader, values, 0, number, strlen (number), reader->label, line->number)
           && aw_value_add (reader, values, 1, line->text, strlen (line->text), reader->label,
                            line->number);
}

bool aw_task_list_values (const struct aw_task_list *list,
                          struct aw_reader *reader,
                          uint64_t part,
                          struct aw_values *values)
{
    const struct aw_list_part *p =
        part > 0 && part <= list->n_parts ? &list->parts[part - 1] : NULL;

    if (!p)
        return aw_reader_error (reader, "the list has only %u parts", list->n_parts);
    if (!aw_value_variable (reader, values, AW_LIST_LINE, NULL, NULL)
        || !aw_value_variable (reader, values, AW_LIST_COMMAND, NULL, NULL))
        return false;
    for (size_t i = 0; i < p->n; i++)
        if (!add_line (reader, values, &list->lines[p->first + i]))
            return false;
    return true;
}
