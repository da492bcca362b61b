/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of small numbers: CPUs or GPUs of one node. A bitmap that grows as needed; init/finish do
 * not allocate. */
#ifndef AW_CORE_IDSET_H
#define AW_CORE_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aw_idset {
    uint64_t *words; /* private */
    uint32_t n_words; /* private */
};

enum { AW_IDSET_MAX = 1 << 20 }; /* ids are below this */
#define AW_IDSET_NONE UINT32_MAX

/* An empty set; finish frees what it holds and leaves it empty. {0} is an empty set too. */
void aw_idset_init (struct aw_idset *set);
void aw_idset_finish (struct aw_idset *set);

/* Adds ids FIRST..LAST. Returns 0, or -1 with errno EINVAL (LAST < FIRST or beyond the
 * maximum) or ENOMEM; a failed add changes nothing. */
int aw_idset_add (struct aw_idset *set, uint32_t first, uint32_t last);

/* Makes SET a copy of FROM. Returns 0 or -1 with ENOMEM, SET unchanged. */
int aw_idset_copy (struct aw_idset *set, const struct aw_idset *from);

/* Adds all of OTHER, or removes all of OTHER. As aw_idset_add; removing cannot fail. */
int aw_idset_add_all (struct aw_idset *set, const struct aw_idset *other);
void aw_idset_remove_all (struct aw_idset *set, const struct aw_idset *other);

/* Adds the N lowest ids of FROM, another set. As aw_idset_add; ENOSPC and no change where FROM has
 * fewer.
 */
int aw_idset_add_lowest (struct aw_idset *set, const struct aw_idset *from, uint32_t n);

bool aw_idset_has (const struct aw_idset *set, uint32_t id);
bool aw_idset_intersects (const struct aw_idset *set, const struct aw_idset *other);
bool aw_idset_equal (const struct aw_idset *set, const struct aw_idset *other);
uint32_t aw_idset_count (const struct aw_idset *set);

/* The smallest id that is at least FROM, or AW_IDSET_NONE. Walk: for (i = next (s, 0); i != NONE; i
 * = next (s, i + 1)). */
uint32_t aw_idset_next (const struct aw_idset *set, uint32_t from);

/* Text as Slurm and the kernel write lists: "0-3,8". format returns the length without the NUL as
 * snprintf does (the text is cut at SIZE). parse replaces the content; returns 0, or -1 with errno
 * EINVAL or ENOMEM and SET unchanged; "" is empty.
 */
size_t aw_idset_format (const struct aw_idset *set, char *buf, size_t size);
int aw_idset_parse (struct aw_idset *set, const char *text);

#endif /* AW_CORE_IDSET_H */
