/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/batch_array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/slurm/slurm.h"
#include "util/array.h"

enum { INDEX_MAX = 1000000 };

static bool read_number (const char **text, uint32_t *number)
{
    size_t n = strspn (*text, "0123456789");

    if (n == 0 || n > 7)
        return false;
    *number = (uint32_t)strtoul (*text, NULL, 10);
    *text += n;
    return *number <= INDEX_MAX;
}

static int add_range (struct aw_batch_array *array, uint32_t first, uint32_t last, uint32_t step)
{
    for (uint32_t i = first; i <= last; i += step) {
        if (aw_array_reserve (&array->indexes, &array->room, array->n + 1) < 0)
            return aw_slurm_error ("out of memory");
        array->indexes[array->n++] = i;
    }
    return 0;
}

static int compare (const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void sort (struct aw_batch_array *array)
{
    size_t n = 0;

    qsort (array->indexes, array->n, sizeof (*array->indexes), compare);
    for (size_t i = 0; i < array->n; i++)
        if (i == 0 || array->indexes[i] != array->indexes[n - 1])
            array->indexes[n++] = array->indexes[i];
    array->n = n;
}

/* "3", "0-9", "0-15:4" at *TEXT. 1; 0: it is wrong; -1, printed. */
static int read_range (struct aw_batch_array *array, const char **text)
{
    uint32_t first, last, step = 1;

    if (!read_number (text, &first))
        return 0;
    last = first;
    if (**text == '-') {
        ++*text;
        if (!read_number (text, &last) || last < first)
            return 0;
        if (**text == ':') {
            ++*text;
            if (!read_number (text, &step) || step == 0)
                return 0;
        }
    }
    array->step = step;
    return add_range (array, first, last, step) + 1;
}

int aw_batch_array_read (struct aw_batch_array *array, const char *text)
{
    const char *p = text;
    int ranges = 0, rc;

    do
        rc = read_range (array, &p);
    while (rc > 0 && ++ranges && *p == ',' && *++p);
    if (rc > 0 && *p == '%') {
        p++;
        rc = read_number (&p, &array->at_once) && array->at_once > 0;
    }
    if (rc >= 0 && (rc == 0 || *p))
        return aw_slurm_error ("Batch job submission failed: Invalid job array specification: %s",
                               text);
    if (ranges > 1)
        array->step = 1;
    sort (array);
    return rc < 0 ? -1 : 0;
}

void aw_batch_array_finish (struct aw_batch_array *array)
{
    free (array->indexes);
}
