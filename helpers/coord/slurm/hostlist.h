/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's lists of hosts, "n1,n[3-4]": libslurm reads and writes them. All that we take from
 * libslurm is here, as its types and functions differ between releases.
 */
#ifndef AW_COORD_SLURM_HOSTLIST_H
#define AW_COORD_SLURM_HOSTLIST_H

#include "util/error.h"
#include "util/strings.h"

/* Appends to NAMES each host that LIST stands for, in its order. -1 with text: not such a list, no
 * host in it, or out of memory; NAMES may then have some of them.
 */
int aw_hostlist_expand (struct aw_strings *names, const char *list, struct aw_error *err);

/* The list that stands for NAMES, in their order, as short as Slurm makes it ("" for none). Free
 * it. NULL with text when memory is out.
 */
char *aw_hostlist_join (const struct aw_strings *names, struct aw_error *err);

#endif /* AW_COORD_SLURM_HOSTLIST_H */
