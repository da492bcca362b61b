/* SPDX-License-Identifier: Apache-2.0 */
/* Words of Slurm, PBS, Flux, HyperQueue, Snakemake, Nextflow, Parsl, Argo and CI systems. */
#include "io/workflow/synonyms.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *words; /* each between blanks */
    const char *instead;
} table[] = {
    { " needs depends depends_on depend_on dependencies dependency deps requires parents wait_for ",
      "write \"after\"" },
    { " run shell bash sh steps ", "write \"script\" for lines of a shell, or \"command\"" },
    { " cmd exec executable program args arguments argv entrypoint ",
      "write \"command\", an array of the program and its arguments" },
    { " ntasks n_tasks nprocs np num_procs processes mpi_procs ranks_total ",
      "write \"ranks\" for one program of several ranks, or \"count\" for several tasks" },
    { " array replicas instances repeat replicate num_tasks ", "write \"count\"" },
    { " ntasks_per_node tasks_per_node procs_per_node ppn ", "write \"ranks_per_node\"" },
    { " num_nodes nnodes node_count ", "write \"nodes\"" },
    { " cpus_per_task ncpus num_cpus cores ncores cores_per_task threads nthreads ",
      "write \"cpus\"" },
    { " gres gpus_per_task gpus_per_node ngpus num_gpus accelerator ",
      "write \"gpus\", and \"gpu_type\" for their type" },
    { " time walltime wall_time timeout runtime max_time time_min ", "write \"time_limit\"" },
    { " memory mem_mb mem_per_cpu mem_per_task ram max_memory ", "write \"mem\"" },
    { " env envs variables vars ", "write \"environment\"" },
    { " retry restarts restart_times max_retries maxretries attempts ", "write \"retries\"" },
    { " output out log stdout_file logfile ",
      "write \"stdout\" for the standard output, or \"stage_out\" for results to be copied" },
    { " error err stderr_file ", "write \"stderr\"" },
    { " input inputs stage ", "write \"stage_in\" for data to be copied to the node" },
    { " cwd workdir work_dir chdir dir working_directory ", "write \"directory\"" },
    { " errorstrategy error_strategy allow_failure ignore_errors continue_on_error ",
      "write \"on_failure\"" },
    { " partition account qos queue reservation constraint exclusive ",
      "give it to srun, sbatch or salloc: all tasks run in one allocation" },
    { " module modules container image conda ",
      "load it in \"script\", or before you start the run" },
    { " sbatch slurm slurm_command sbatch_commands ", "write \"slurm_commands\": true" },
    { " name id label ", "the key of the task set is its name: \"tasks\": { \"name\": { ... } }" },
};

/* Is the WORD, of LENGTH, one of WORDS? */
static bool is_among (const char *words, const char *word, size_t length)
{
    for (const char *p = words; (p = strstr (p, word)); p++)
        if (p[-1] == ' ' && p[length] == ' ')
            return true;
    return false;
}

const char *aw_synonym (const char *word)
{
    char plain[32];
    size_t n = strlen (word);

    if (n == 0 || n >= sizeof (plain) || strchr (word, ' '))
        return NULL;
    for (size_t i = 0; i <= n; i++)
        plain[i] = (char)(word[i] == '-' ? '_' : tolower ((unsigned char)word[i]));
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        if (is_among (table[i].words, plain, n))
            return table[i].instead;
    return NULL;
}
