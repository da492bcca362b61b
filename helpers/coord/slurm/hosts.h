/* SPDX-License-Identifier: Apache-2.0 */
/* The names and addresses by which other nodes of a cluster may reach this one. */
#ifndef AW_COORD_SLURM_HOSTS_H
#define AW_COORD_SLURM_HOSTS_H

#include "util/error.h"

/* Numeric addresses and the host name, best first, with commas between. NULL with text. Free it. */
char *aw_hosts_of_this (struct aw_error *err);

#endif /* AW_COORD_SLURM_HOSTS_H */
