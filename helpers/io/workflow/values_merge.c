/* SPDX-License-Identifier: Apache-2.0 */
/* A run continues with other values. Rows are compared as tuples of the numbers of their texts. */
#include <stdlib.h>
#include <string.h>

#include "io/workflow/values_private.h"
#include "util/array.h"
#include "util/hash.h"

/* The rows of a run, by their texts. */
struct rows {
    struct aw_values *values;
    uint32_t count; /* of the run's rows */
    uint32_t *slots; /* by hash: a row + 1, the first one of its texts; 0: free */
    size_t mask;
    uint32_t *first; /* by the row in a slot: the first row of these texts that is not yet matched +
                        1; 0: none is left */
    uint32_t *next; /* the next row of the same texts + 1 */
    uint32_t *numbers; /* of the texts of one row */
    uint32_t *columns; /* by variable: its number among the new values */
    uint32_t note; /* a variable that is not compared */
};

static void finish (struct rows *rows)
{
    free (rows->slots);
    free (rows->first);
    free (rows->next);
    free (rows->numbers);
    free (rows->columns);
}

static int init (struct rows *rows, struct aw_values *values)
{
    size_t n = 64;

    while (n < 2 * ((size_t)values->count + 1))
        n *= 2;
    *rows = (struct rows){ .values = values, .count = values->count, .mask = n - 1 };
    rows->slots = calloc (n, sizeof (*rows->slots));
    rows->first = calloc (values->count + (size_t)1, sizeof (*rows->first));
    rows->next = calloc (values->count + (size_t)1, sizeof (*rows->next));
    rows->numbers = calloc (values->n_columns + (size_t)1, sizeof (*rows->numbers));
    rows->columns = calloc (values->n_columns + (size_t)1, sizeof (*rows->columns));
    return rows->slots && rows->first && rows->next && rows->numbers && rows->columns ? 0 : -1;
}

/* The slot of the row with rows->numbers, or the free one where it belongs. */
static size_t find_slot (const struct rows *rows)
{
    uint32_t n = rows->values->n_columns;
    size_t slot =
        aw_hash64 (AW_HASH64_BASIS, rows->numbers, n * sizeof (*rows->numbers)) & rows->mask;

    for (; rows->slots[slot]; slot = (slot + 1) & rows->mask) {
        uint32_t row = rows->slots[slot] - 1, v = 0;

        while (v < n
               && (v == rows->note || rows->values->columns[v].cells[row] == rows->numbers[v]))
            v++;
        if (v == n)
            break;
    }
    return slot;
}

/* Last to first, so that equal rows are in their order. */
static void add_rows (struct rows *rows)
{
    for (uint32_t row = rows->count; row-- > 0;) {
        size_t slot;

        for (uint32_t v = 0; v < rows->values->n_columns; v++)
            rows->numbers[v] = v == rows->note ? 0 : rows->values->columns[v].cells[row];
        slot = find_slot (rows);
        if (rows->slots[slot])
            rows->next[row] = rows->first[rows->slots[slot] - 1];
        else
            rows->slots[slot] = row + 1;
        rows->first[rows->slots[slot] - 1] = row + 1;
    }
}

/* The row with rows->numbers that comes next, not to be found again; AW_VALUES_NONE: there is none.
 */
static uint32_t take_row (struct rows *rows)
{
    uint32_t *first, row, key = rows->slots[find_slot (rows)];

    if (!key || !*(first = &rows->first[key - 1]))
        return AW_VALUES_NONE;
    row = *first - 1;
    *first = rows->next[row];
    return row;
}

/* A row for rows->numbers behind all others. */
static int append_row (struct rows *rows)
{
    for (uint32_t v = 0; v < rows->values->n_columns; v++) {
        struct aw_values_column *c = &rows->values->columns[v];

        if (aw_array_reserve (&c->cells, &c->cell_room, c->n_cells + 1) < 0)
            return -1;
        c->cells[c->n_cells++] = rows->numbers[v];
    }
    rows->values->count++;
    return 0;
}

/* The numbers that the texts of NEW's columns have in those of VALUES, for each column of VALUES.
 * NULL without memory. */
static uint32_t **translate (struct aw_values *values, const struct aw_values *new)
{
    uint32_t **numbers = calloc (values->n_columns + (size_t)1, sizeof (*numbers));

    for (uint32_t v = 0; numbers && v < values->n_columns; v++) {
        const char *name = values->columns[v].name;
        uint32_t column = aw_values_find (new, name, strlen (name));
        uint32_t n = aw_values_n_texts (new, column);

        numbers[v] = calloc (n + (size_t)1, sizeof (**numbers));
        for (uint32_t i = 0; numbers[v] && i < n; i++) {
            const char *text = aw_values_nth_text (new, column, i);

            if (aw_values_intern (&values->columns[v], text, strlen (text), &numbers[v][i]) < 0) {
                free (numbers[v]);
                numbers[v] = NULL;
            }
        }
        if (numbers[v])
            continue;
        for (uint32_t i = 0; i < v; i++)
            free (numbers[i]);
        free (numbers);
        return NULL;
    }
    return numbers;
}

static bool have_same_variables (const struct aw_values *a, const struct aw_values *b)
{
    if (a->n_columns != b->n_columns)
        return false;
    for (uint32_t v = 0; v < a->n_columns; v++)
        if (aw_values_find (b, a->columns[v].name, strlen (a->columns[v].name)) == AW_VALUES_NONE)
            return false;
    return true;
}

/* MISSING, by row of the run: becomes 0 where it is in NEW. What is not in the run is appended. */
static int match_rows (struct rows *rows,
                       const struct aw_values *new,
                       uint32_t *const *numbers,
                       uint8_t *missing)
{
    uint32_t n = rows->values->n_columns;

    for (uint32_t v = 0; v < n; v++) {
        const char *name = rows->values->columns[v].name;

        rows->columns[v] = aw_values_find (new, name, strlen (name));
    }
    for (uint32_t i = 0; i < new->count; i++) {
        uint32_t row, note = 0;

        for (uint32_t v = 0; v < n; v++)
            rows->numbers[v] = numbers[v][aw_values_number (new, i, rows->columns[v])];
        if (rows->note < n) {
            note = rows->numbers[rows->note];
            rows->numbers[rows->note] = 0;
        }
        row = take_row (rows);
        if (rows->note < n)
            rows->numbers[rows->note] = note;
        if (row != AW_VALUES_NONE) {
            missing[row] = 0;
            if (rows->note < n)
                rows->values->columns[rows->note].cells[row] = note;
        }
        else if (append_row (rows) < 0)
            return -1;
    }
    return 0;
}

/* The number that a missing row had for NOTE may be another row's now: it gets AW_LIST_REMOVED. */
static int remove_notes (struct rows *rows, const uint8_t *missing)
{
    struct aw_values_column *column = &rows->values->columns[rows->note];
    uint32_t removed;

    if (!memchr (missing, 1, rows->count))
        return 0;
    if (aw_values_intern (column, AW_LIST_REMOVED, strlen (AW_LIST_REMOVED), &removed) < 0)
        return -1;
    for (uint32_t row = 0; row < rows->count; row++)
        if (missing[row])
            column->cells[row] = removed;
    return 0;
}

/* MISSING is of the first rows; all others are there. */
static void set_missing (struct aw_values *values, uint8_t *missing, uint32_t count)
{
    free (values->missing);
    values->missing = NULL;
    if (memchr (missing, 1, count))
        values->missing = missing;
    else
        free (missing);
    for (uint32_t v = 0; v < values->n_columns; v++)
        aw_values_seal (&values->columns[v]);
}

int aw_values_merge (struct aw_values *values, const struct aw_values *new, uint32_t note)
{
    uint32_t **numbers, old_count = values->count;
    size_t total = (size_t)values->count + new->count;
    uint8_t *missing;
    struct rows rows;
    int rc = -1;

    if (!have_same_variables (values, new))
        return 0;
    missing = calloc (total + 1, 1);
    numbers = translate (values, new);
    if (init (&rows, values) == 0 && missing && numbers) {
        rows.note = note;
        memset (missing, 1, old_count);
        add_rows (&rows);
        rc = match_rows (&rows, new, numbers, missing);
        if (rc == 0 && note < values->n_columns)
            rc = remove_notes (&rows, missing);
    }
    finish (&rows);
    for (uint32_t v = 0; numbers && v < values->n_columns; v++)
        free (numbers[v]);
    free (numbers);
    if (rc < 0) {
        free (missing);
        return -1;
    }
    set_missing (values, missing, old_count);
    return 1;
}

int aw_values_set_missing (struct aw_values *values, uint32_t index)
{
    if (!values->missing)
        values->missing = calloc (values->count + (size_t)1, 1);
    if (!values->missing)
        return -1;
    values->missing[index] = 1;
    return 0;
}
