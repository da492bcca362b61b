/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a Slurm job with their CPUs, GPUs and memory, as `scontrol show job -d` prints them,
 * and the settings of the site that the coordinator needs. Read once, at the start.
 */
#ifndef AW_COORD_SLURM_SLURM_JOB_H
#define AW_COORD_SLURM_SLURM_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "coord/slurm/slurm_node.h"
#include "util/error.h"
#include "util/strings.h"

struct aw_slurm_job {
    char *id; /* JobId, of digits; never the array's or het job's id with an index */
    char *name;
    char *node_list; /* compressed: "n[1-3]" */
    struct aw_slurm_node *nodes; /* in Slurm's order */
    bool is_part; /* these are not all its nodes: some were taken out */
    bool is_het; /* a component of a heterogeneous job; these are the nodes of this one alone */
    bool has_gres; /* it was requested with GPUs, or holds some: a step that is to have none must
                      say so */
    bool is_mixed; /* it holds GPUs on some of its nodes only: some releases give no step of such a
                      job a GPU */
    uint32_t n_nodes, node_room;
    uint32_t n_cpus; /* totals */
    uint32_t n_gpus;
    double end_time; /* wall clock, seconds since the epoch; INFINITY: no limit */
    uint16_t port_first; /* SrunPortRange; 0, 0: any */
    uint16_t port_last;
    uint32_t release; /* Slurm's, as 2205 for 22.05.8; 0: not known */
    char *munge_socket; /* AuthInfo's; NULL: munge's usual one */
};

/* The job id of the environment (SLURM_JOB_ID, else SLURM_JOBID), or NULL outside an allocation.
 * Borrowed.
 */
const char *aw_slurm_job_id (void);

/* The id of the step of JOB in which this process runs, as under `srun --pty bash`: such a step
 * holds the job, and the pool has to overlap with it. NULL: none, or one of Slurm's own (batch,
 * interactive, extern), which hold nothing. Borrowed.
 */
const char *aw_slurm_step_id (const char *job);

/* Asks Slurm about job ID. 0; or -1 with text: no such job, not running, scontrol is missing or
 * does not answer. On success finish it.
 */
int aw_slurm_job_query (struct aw_slurm_job *job, const char *id, struct aw_error *err);

/* Can a workflow run in this job? Not in a heterogeneous one: a pool is one step, and that has the
 * nodes of one component. 0, or -1 with text.
 */
int aw_slurm_job_check (const struct aw_slurm_job *job, struct aw_error *err);

/* Leaves the GPUs out: the pool is to have none. */
void aw_slurm_job_drop_gpus (struct aw_slurm_job *job);

/* The parser beneath. TEXT is what `scontrol show job -d ID` prints with times in UTC; it may hold
 * several jobs (arrays, heterogeneous jobs), of which ID's is read. As above.
 */
int aw_slurm_job_parse (struct aw_slurm_job *job,
                        const char *id,
                        const char *text,
                        struct aw_error *err);

/* An environment for queries, which the caller finishes in any case: this process's, with times in
 * UTC, so that no clock change makes them ambiguous, and in the one format we read. 0, or -1 with
 * text.
 */
int aw_slurm_query_env (struct aw_strings *env, struct aw_error *err);

/* Frees what it holds, keeps errno. A zeroed one is fine. */
void aw_slurm_job_finish (struct aw_slurm_job *job);

#endif /* AW_COORD_SLURM_SLURM_JOB_H */
