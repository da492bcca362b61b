/* SPDX-License-Identifier: Apache-2.0 */
/* SLURM_TASKS_PER_NODE is 1, as in such a batch script. Open MPI takes it as the number of its
 * slots, so `mpirun -n 4` in a task of four CPUs would fail. A parameter of Open MPI makes it count
 * the CPUs instead.
 */
#include "config.h"

#include "agent/job_variables.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/place/gpus.h"
#include "util/packet.h"
#include "util/strings.h"

/* For Open MPI up to version 4, and from version 5. */
static const char *const slots[] = { "OMPI_MCA_ras_slurm_use_entire_allocation",
                                     "PRTE_MCA_ras_slurm_use_entire_allocation" };
enum { N_SLOTS = sizeof (slots) / sizeof (slots[0]) };

struct aw_job_variables {
    char *job; /* NULL: outside a job */
    char *node; /* NULL: not known */
    bool slots_given[N_SLOTS]; /* by the user */
    struct aw_gpus *gpus;
};

static int copy (char **to, const char *from)
{
    *to = from ? strdup (from) : NULL;
    return from && !*to ? -1 : 0;
}

struct aw_job_variables *aw_job_variables_create (char *const *env,
                                                  const struct aw_idset *gpus,
                                                  struct aw_error *err)
{
    struct aw_job_variables *variables = calloc (1, sizeof (*variables));

    if (!variables || copy (&variables->job, aw_env_get (env, "SLURM_JOB_ID")) < 0
        || copy (&variables->node, aw_env_get (env, "SLURMD_NODENAME")) < 0) {
        aw_job_variables_destroy (variables);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < N_SLOTS; i++)
        variables->slots_given[i] = aw_env_get (env, slots[i]) != NULL;
    variables->gpus = aw_gpus_create (env, gpus, err);
    if (variables->gpus)
        return variables;
    aw_job_variables_destroy (variables);
    return NULL;
}

void aw_job_variables_destroy (struct aw_job_variables *variables)
{
    int saved = errno;

    if (variables) {
        free (variables->job);
        free (variables->node);
        aw_gpus_destroy (variables->gpus);
        free (variables);
    }
    errno = saved;
}

static void put (struct aw_textbuf *text, const char *name, const char *value)
{
    aw_textbuf_puts (text, name);
    aw_textbuf_putc (text, '=');
    aw_textbuf_puts (text, value);
    aw_textbuf_putc (text, '\0');
}

static void put_number (struct aw_textbuf *text, const char *name, uint64_t value)
{
    aw_textbuf_puts (text, name);
    aw_textbuf_putc (text, '=');
    aw_textbuf_u64 (text, value);
    aw_textbuf_putc (text, '\0');
}

static void put_cpus (uint32_t n, struct aw_textbuf *text)
{
    static const char *const names[] = { "SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK",
                                         "SLURM_JOB_CPUS_PER_NODE" };

    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
        put_number (text, names[i], n);
}

static void put_node (const char *node, struct aw_textbuf *text)
{
    put_number (text, "SLURM_JOB_NUM_NODES", 1);
    put_number (text, "SLURM_NNODES", 1);
    put_number (text, "SLURM_TASKS_PER_NODE", 1);
    /* For srun in the task: from Slurm 24.11 it would start as many processes as the job has tasks.
     * SLURM_NTASKS, which says the same, makes a rank of the task for PyTorch Lightning. */
    put_number (text, "SLURM_NPROCS", 1);
    if (node) {
        put (text, "SLURM_JOB_NODELIST", node);
        put (text, "SLURM_NODELIST", node);
    }
}

/* SLURM_JOB_GPUS has indexes of the machine; without a known one it is left out. */
static void put_gpus (const struct aw_gpus *gpus,
                      const struct aw_idset *mine,
                      struct aw_textbuf *text)
{
    uint32_t first = aw_idset_next (mine, 0);
    size_t begin;

    if (first == AW_IDSET_NONE)
        return;
    put_number (text, "SLURM_GPUS", aw_idset_count (mine));
    put_number (text, "SLURM_GPUS_ON_NODE", aw_idset_count (mine));
    begin = text->len;
    aw_textbuf_puts (text, "SLURM_JOB_GPUS");
    for (uint32_t id = first; id != AW_IDSET_NONE; id = aw_idset_next (mine, id + 1)) {
        long index = aw_gpus_index (gpus, id);

        if (index < 0) {
            text->len = begin;
            return;
        }
        aw_textbuf_putc (text, id == first ? '=' : ',');
        aw_textbuf_u64 (text, (uint64_t)index);
    }
    aw_textbuf_putc (text, '\0');
}

void aw_job_variables_put (const struct aw_job_variables *variables,
                           const struct aw_launch *launch,
                           struct aw_textbuf *text)
{
    if (!variables->job)
        return;
    put (text, AW_PACKET_JOB, variables->job);
    put_node (variables->node, text);
    put_cpus (aw_idset_count (&launch->cpus), text);
    put_gpus (variables->gpus, &launch->gpus, text);
    for (size_t i = 0; i < N_SLOTS; i++)
        if (!variables->slots_given[i])
            put_number (text, slots[i], 1);
    /* Else an srun in the task would wait for the pool's step to end. */
    put_number (text, "SLURM_OVERLAP", 1);
}
