/* SPDX-License-Identifier: Apache-2.0 */
/* A column for each variable: the different texts one after the other, and the number of one for
 * each task. A hash table finds equal texts while the column is built.
 */
#include "io/workflow/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/workflow/values_private.h"
#include "util/array.h"
#include "util/hash.h"

struct aw_values *aw_values_create (void)
{
    return calloc (1, sizeof (struct aw_values));
}

void aw_values_destroy (struct aw_values *values)
{
    int saved = errno;

    for (uint32_t i = 0; values && i < values->n_columns; i++) {
        free (values->columns[i].name);
        free (values->columns[i].bytes);
        free (values->columns[i].starts);
        free (values->columns[i].cells);
        free (values->columns[i].slots);
    }
    if (values) {
        free (values->columns);
        free (values->missing);
        free (values->source);
        free (values);
    }
    errno = saved;
}

uint32_t aw_values_count (const struct aw_values *values)
{
    return values->count;
}

uint32_t aw_values_n_variables (const struct aw_values *values)
{
    return values->n_columns;
}

const char *aw_values_name (const struct aw_values *values, uint32_t variable)
{
    return values->columns[variable].name;
}

uint32_t aw_values_find (const struct aw_values *values, const char *name, size_t length)
{
    for (uint32_t i = 0; values && i < values->n_columns; i++)
        if (strlen (values->columns[i].name) == length
            && memcmp (values->columns[i].name, name, length) == 0)
            return i;
    return AW_VALUES_NONE;
}

bool aw_values_is_list (const struct aw_values *values)
{
    return values->source && strncmp (values->source, AW_LIST_SOURCE, strlen (AW_LIST_SOURCE)) == 0;
}

const char *aw_values_environment (const struct aw_values *values,
                                   uint32_t variable,
                                   char buf[AW_VALUES_NAME_SIZE])
{
    if (aw_values_is_list (values) && strcmp (values->columns[variable].name, AW_LIST_LINE) == 0)
        return strcpy (buf, "ASYNC_WORKFLOW_LINE");
    snprintf (buf, AW_VALUES_NAME_SIZE, AW_VALUES_ENVIRONMENT "%s", values->columns[variable].name);
    for (char *p = buf; *p; p++)
        if (*p == '-')
            *p = '_';
    return buf;
}

bool aw_values_is_missing (const struct aw_values *values, uint32_t index)
{
    return values->missing && values->missing[index];
}

uint32_t aw_values_number (const struct aw_values *values, uint32_t index, uint32_t variable)
{
    return values->columns[variable].cells[index];
}

const char *aw_values_text (const struct aw_values *values, uint32_t index, uint32_t variable)
{
    return aw_values_nth_text (values, variable, aw_values_number (values, index, variable));
}

uint32_t aw_values_n_texts (const struct aw_values *values, uint32_t variable)
{
    return values->columns[variable].n_texts;
}

const char *aw_values_nth_text (const struct aw_values *values, uint32_t variable, uint32_t number)
{
    const struct aw_values_column *column = &values->columns[variable];

    return column->bytes + column->starts[number];
}

int aw_values_add_variable (struct aw_values *values, const char *name)
{
    struct aw_values_column column = { .name = NULL };

    if (aw_array_reserve (&values->columns, &values->column_room, values->n_columns + (size_t)1)
        < 0)
        return -1;
    column.name = strdup (name);
    if (!column.name)
        return -1;
    values->columns[values->n_columns++] = column;
    return 0;
}

static size_t text_length (const struct aw_values_column *c, uint32_t number)
{
    size_t end = number + 1 < c->n_texts ? c->starts[number + 1] : c->n_bytes;

    return end - c->starts[number] - 1;
}

/* The slot of the text, or the free one where it belongs. */
static size_t find_slot (const struct aw_values_column *c, const char *text, size_t length)
{
    size_t mask = c->n_slots - 1, slot = aw_hash64 (AW_HASH64_BASIS, text, length) & mask;

    while (c->slots[slot]) {
        uint32_t number = c->slots[slot] - 1;

        if (text_length (c, number) == length
            && memcmp (c->bytes + c->starts[number], text, length) == 0)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static int grow_slots (struct aw_values_column *c)
{
    size_t n = 64;
    uint32_t *slots;

    while (n < 4 * ((size_t)c->n_texts + 1))
        n *= 2;
    slots = calloc (n, sizeof (*slots));
    if (!slots)
        return -1;
    free (c->slots);
    c->slots = slots;
    c->n_slots = n;
    for (uint32_t i = 0; i < c->n_texts; i++)
        slots[find_slot (c, c->bytes + c->starts[i], text_length (c, i))] = i + 1;
    return 0;
}

int aw_values_intern (struct aw_values_column *c, const char *text, size_t length, uint32_t *number)
{
    size_t slot;

    if (aw_array_reserve (&c->bytes, &c->byte_room, c->n_bytes + length + 1) < 0
        || aw_array_reserve (&c->starts, &c->start_room, c->n_texts + (size_t)1) < 0
        || (2 * ((size_t)c->n_texts + 1) > c->n_slots && grow_slots (c) < 0))
        return -1;
    slot = find_slot (c, text, length);
    if (!c->slots[slot]) {
        c->starts[c->n_texts++] = c->n_bytes;
        memcpy (c->bytes + c->n_bytes, text, length);
        c->n_bytes += length;
        c->bytes[c->n_bytes++] = '\0';
        c->slots[slot] = c->n_texts;
    }
    *number = c->slots[slot] - 1;
    return 0;
}

int aw_values_append (struct aw_values *values, uint32_t variable, const char *text, size_t length)
{
    struct aw_values_column *c = &values->columns[variable];
    uint32_t number;

    if (aw_array_reserve (&c->cells, &c->cell_room, c->n_cells + 1) < 0
        || aw_values_intern (c, text, length, &number) < 0)
        return -1;
    c->cells[c->n_cells++] = number;
    return 0;
}

void aw_values_note_newline (struct aw_values *values, uint32_t variable, size_t line)
{
    if (values->columns[variable].newline_at == 0)
        values->columns[variable].newline_at = line;
}

size_t aw_values_newline_at (const struct aw_values *values, uint32_t variable)
{
    return values->columns[variable].newline_at;
}

size_t aw_values_appended (const struct aw_values *values, uint32_t variable)
{
    return values->columns[variable].n_cells;
}

void aw_values_seal (struct aw_values_column *c)
{
    char *bytes = realloc (c->bytes, c->n_bytes ? c->n_bytes : 1);
    size_t *starts = realloc (c->starts, (c->n_texts + (size_t)1) * sizeof (*starts));
    uint32_t *cells = realloc (c->cells, (c->n_cells + 1) * sizeof (*cells));

    c->bytes = bytes ? bytes : c->bytes;
    c->starts = starts ? starts : c->starts;
    c->cells = cells ? cells : c->cells;
    c->byte_room = c->n_bytes;
    c->start_room = c->n_texts;
    c->cell_room = c->n_cells;
    free (c->slots);
    c->slots = NULL;
    c->n_slots = 0;
}

/* Cells for COUNT tasks: each text of the column stands for EACH tasks in a row, again and again.
 */
static int spread (struct aw_values_column *c, uint32_t count, uint32_t each)
{
    uint32_t *cells = reallocarray (NULL, count, sizeof (*cells));

    if (!cells)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        cells[i] = c->cells[(i / each) % c->n_cells];
    free (c->cells);
    c->cells = cells;
    c->n_cells = count;
    return 0;
}

int aw_values_combine (struct aw_values *values, uint32_t max)
{
    uint64_t count = 1;
    uint32_t each;

    for (uint32_t i = 0; i < values->n_columns; i++) {
        size_t n = values->columns[i].n_cells;

        if (n > max || (count *= n) > max) {
            errno = ERANGE;
            return -1;
        }
    }
    each = (uint32_t)count;
    for (uint32_t i = 0; i < values->n_columns; i++) {
        struct aw_values_column *c = &values->columns[i];

        each = c->n_cells ? each / (uint32_t)c->n_cells : 0;
        if (values->n_columns > 1 && each > 0 && spread (c, (uint32_t)count, each) < 0)
            return -1;
        aw_values_seal (c);
    }
    values->count = (uint32_t)count;
    return 0;
}

int aw_values_align (struct aw_values *values, uint32_t max)
{
    size_t count = values->n_columns ? values->columns[0].n_cells : 0;

    for (uint32_t i = 0; i < values->n_columns; i++)
        if (values->columns[i].n_cells != count) {
            errno = EINVAL;
            return -1;
        }
    if (count > max) {
        errno = ERANGE;
        return -1;
    }
    for (uint32_t i = 0; i < values->n_columns; i++)
        aw_values_seal (&values->columns[i]);
    values->count = (uint32_t)count;
    return 0;
}

int aw_values_set_source (struct aw_values *values, const char *source)
{
    char *copy = strdup (source);

    if (!copy)
        return -1;
    free (values->source);
    values->source = copy;
    return 0;
}

const char *aw_values_source (const struct aw_values *values)
{
    return values->source;
}
