/* SPDX-License-Identifier: Apache-2.0 */
/* A table by the names' hashes; names with equal ones form a list. */
#include "util/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

struct name {
    struct name *next; /* with the same hash */
    uint32_t value;
    char text[];
};

void aw_names_init (struct aw_names *names)
{
    memset (names, 0, sizeof (*names));
}

void aw_names_finish (struct aw_names *names)
{
    int saved = errno;
    size_t cursor = 0;
    struct name *name, *next;

    while ((name = aw_table_next (&names->table, &cursor)))
        for (; name; name = next) {
            next = name->next;
            free (name);
        }
    aw_table_finish (&names->table);
    names->n = 0;
    errno = saved;
}

static bool is (const struct name *name, const char *text, size_t size)
{
    return strncmp (name->text, text, size) == 0 && name->text[size] == '\0';
}

int aw_names_set (struct aw_names *names, const char *text, uint32_t value)
{
    size_t size = strlen (text);
    uint64_t hash = aw_hash64 (AW_HASH64_BASIS, text, size);
    struct name *first = aw_table_get (&names->table, hash), *name = first;

    while (name && !is (name, text, size))
        name = name->next;
    if (name) {
        name->value = value;
        return 0;
    }
    name = malloc (sizeof (*name) + size + 1);
    if (!name)
        return -1;
    name->next = first;
    name->value = value;
    memcpy (name->text, text, size + 1);
    if (aw_table_set (&names->table, hash, name) < 0) {
        free (name);
        return -1;
    }
    names->n++;
    return 0;
}

void aw_names_remove (struct aw_names *names, const char *text)
{
    size_t size = strlen (text);
    uint64_t hash = aw_hash64 (AW_HASH64_BASIS, text, size);
    struct name *name = aw_table_get (&names->table, hash), *before = NULL;

    for (; name && !is (name, text, size); name = name->next)
        before = name;
    if (!name)
        return;
    if (before) {
        before->next = name->next;
    }
    else {
        aw_table_remove (&names->table, hash);
        if (name->next)
            (void)aw_table_set (&names->table, hash, name->next); /* there is room for it */
    }
    free (name);
    names->n--;
}

uint32_t aw_names_get (const struct aw_names *names, const char *text, size_t size)
{
    const struct name *name = aw_table_get (&names->table, aw_hash64 (AW_HASH64_BASIS, text, size));

    while (name && !is (name, text, size))
        name = name->next;
    return name ? name->value : AW_NAMES_NONE;
}
