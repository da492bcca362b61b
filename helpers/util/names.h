/* SPDX-License-Identifier: Apache-2.0 */
/* Names to numbers. A look-up takes the same time however many names there are. */
#ifndef AW_UTIL_NAMES_H
#define AW_UTIL_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "util/table.h"

struct aw_names {
    struct aw_table table; /* private */
    uint32_t n; /* private */
};

#define AW_NAMES_NONE UINT32_MAX

/* An empty table; finish frees what it holds. {0} is an empty one too. */
void aw_names_init (struct aw_names *names);
void aw_names_finish (struct aw_names *names);

/* Gives NAME (copied) the number VALUE, instead of an older one. 0, or -1 with ENOMEM and nothing
 * changed. */
int aw_names_set (struct aw_names *names, const char *name, uint32_t value);

/* Removes NAME, if it is there. */
void aw_names_remove (struct aw_names *names, const char *name);

/* The number of the name that is the LEN bytes at NAME, or AW_NAMES_NONE. */
uint32_t aw_names_get (const struct aw_names *names, const char *name, size_t len);

/* How many names there are. */
static inline uint32_t aw_names_count (const struct aw_names *names)
{
    return names->n;
}

#endif /* AW_UTIL_NAMES_H */
