/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a site that a run needs, as Slurm prints them. */
#ifndef AW_COORD_SLURM_SLURM_SITE_H
#define AW_COORD_SLURM_SLURM_SITE_H

#include "coord/slurm/slurm_job.h"

/* TEXT is what `scontrol show config` prints: fills the ports, the release and munge's socket
 * alone. What is missing means any port, an unknown release, and the usual socket. */
void aw_slurm_config_parse (struct aw_slurm_job *job, const char *text);

/* TEXT is what `sinfo --exact --noheader --format=%N|%Z` prints: fills threads_per_core of the
 * job's nodes that are in it. */
void aw_slurm_threads_parse (struct aw_slurm_job *job, const char *text);

#endif /* AW_COORD_SLURM_SLURM_SITE_H */
