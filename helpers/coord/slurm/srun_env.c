/* SPDX-License-Identifier: Apache-2.0 */
/* The names are those of INPUT ENVIRONMENT VARIABLES in srun(1) of 22.05 to 26.05, and what srun
 * reads without saying so there (its table env_vars). A name in neither list is no input of srun:
 * it stays, as does everything that is not Slurm's.
 */
#include "coord/slurm/srun_env.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

/* Read by srun as options. The second name is what salloc reads for the same, without "SALLOC_". */
static const struct {
    const char *name;
    const char *salloc;
} inputs[] = {
    { "SLURM_ACCOUNT", "ACCOUNT" },
    { "SLURM_ACCTG_FREQ", "ACCTG_FREQ" },
    { "SLURM_ARBITRARY_NODELIST", NULL },
    { "SLURM_BCAST", NULL },
    { "SLURM_BCAST_EXCLUDE", NULL },
    { "SLURM_BURST_BUFFER", "BURST_BUFFER" },
    { "SLURM_CLUSTER_CONSTRAINT", "CLUSTER_CONSTRAINT" },
    { "SLURM_COMPRESS", NULL },
    { "SLURM_CONSOLIDATE_SEGMENTS", "CONSOLIDATE_SEGMENTS" },
    { "SLURM_CONSTRAINT", "CONSTRAINT" },
    { "SLURM_CORE_SPEC", "CORE_SPEC" },
    { "SLURM_CPUS_PER_GPU", "CPUS_PER_GPU" },
    { "SLURM_CPUS_PER_TASK", NULL },
    { "SLURM_CPU_BIND", NULL }, /* and its relatives, below */
    { "SLURM_CPU_FREQ_REQ", "CPU_FREQ_REQ" },
    { "SLURM_DELAY_BOOT", "DELAY_BOOT" },
    { "SLURM_DEPENDENCY", NULL },
    { "SLURM_DISABLE_STATUS", NULL },
    { "SLURM_DISTRIBUTION", NULL },
    { "SLURM_DIST_PLANESIZE", NULL },
    { "SLURM_EPILOG", NULL },
    { "SLURM_EXACT", NULL },
    { "SLURM_EXCLUSIVE", "EXCLUSIVE" },
    { "SLURM_EXIT_ERROR", NULL }, /* set for salloc by us; srun's own status goes to nobody */
    { "SLURM_EXIT_IMMEDIATE", NULL },
    { "SLURM_EXPORT_ENV", NULL }, /* `sbatch --export=NONE` is about the script, not its tasks */
    { "SLURM_EXTERNAL_LAUNCHER", NULL },
    { "SLURM_GPUS", "GPUS" },
    { "SLURM_GPUS_PER_NODE", "GPUS_PER_NODE" },
    { "SLURM_GPUS_PER_SOCKET", "GPUS_PER_SOCKET" },
    { "SLURM_GPUS_PER_TASK", "GPUS_PER_TASK" },
    { "SLURM_GPU_BIND", "GPU_BIND" },
    { "SLURM_GPU_FREQ", "GPU_FREQ" },
    { "SLURM_GRES", "GRES" },
    { "SLURM_GRES_FLAGS", "GRES_FLAGS" },
    { "SLURM_HINT", "HINT" },
    { "SLURM_HOSTFILE", NULL },
    { "SLURM_IMMEDIATE", "IMMEDIATE" },
    { "SLURM_KILL_BAD_EXIT", NULL },
    { "SLURM_LABELIO", NULL },
    { "SLURM_MEM_BIND", "MEM_BIND" },
    { "SLURM_MEM_PER_CPU", "MEM_PER_CPU" },
    { "SLURM_MEM_PER_GPU", "MEM_PER_GPU" },
    { "SLURM_MEM_PER_NODE", "MEM_PER_NODE" },
    { "SLURM_MPI_TYPE", NULL },
    { "SLURM_NCORES_PER_SOCKET", NULL },
    { "SLURM_NETWORK", "NETWORK" },
    { "SLURM_NO_KILL", "NO_KILL" },
    { "SLURM_NPROCS", NULL },
    { "SLURM_NSOCKETS_PER_NODE", NULL },
    { "SLURM_NTASKS", NULL },
    { "SLURM_NTASKS_PER_CORE", NULL },
    { "SLURM_NTASKS_PER_GPU", NULL },
    { "SLURM_NTASKS_PER_NODE", NULL },
    { "SLURM_NTASKS_PER_SOCKET", NULL },
    { "SLURM_NTASKS_PER_TRES", NULL },
    { "SLURM_OOM_KILL_STEP", NULL },
    { "SLURM_OPEN_MODE", NULL },
    { "SLURM_OVERCOMMIT", "OVERCOMMIT" },
    { "SLURM_OVERLAP", NULL },
    { "SLURM_PARTITION", "PARTITION" },
    { "SLURM_POWER", "POWER" },
    { "SLURM_PROFILE", "PROFILE" },
    { "SLURM_PROLOG", NULL },
    { "SLURM_QOS", "QOS" },
    { "SLURM_REMOTE_CWD", NULL },
    { "SLURM_REQ_SWITCH", "REQ_SWITCH" },
    { "SLURM_RESERVATION", "RESERVATION" },
    { "SLURM_RESV_PORTS", NULL },
    { "SLURM_SEND_LIBS", NULL },
    { "SLURM_SIGNAL", "SIGNAL" },
    { "SLURM_SPREAD_JOB", "SPREAD_JOB" },
    { "SLURM_SPREAD_SEGMENTS", "SPREAD_SEGMENTS" },
    { "SLURM_SRUN_MULTI", NULL },
    { "SLURM_STDERRMODE", NULL },
    { "SLURM_STDINMODE", NULL },
    { "SLURM_STDOUTMODE", NULL },
    { "SLURM_STEP_GRES", NULL },
    { "SLURM_TASK_EPILOG", NULL },
    { "SLURM_TASK_PROLOG", NULL },
    { "SLURM_THREADS", NULL },
    { "SLURM_THREADS_PER_CORE", "THREADS_PER_CORE" },
    { "SLURM_THREAD_SPEC", "THREAD_SPEC" },
    { "SLURM_TIMELIMIT", "TIMELIMIT" },
    { "SLURM_TRES_BIND", "TRES_BIND" },
    { "SLURM_TRES_PER_TASK", "TRES_PER_TASK" },
    { "SLURM_UMASK", NULL }, /* an outer srun's; srun sets it again from the umask */
    { "SLURM_UNBUFFEREDIO", NULL },
    { "SLURM_USE_MIN_NODES", "USE_MIN_NODES" },
    { "SLURM_WAIT", NULL },
    { "SLURM_WAIT4SWITCH", "WAIT4SWITCH" },
    { "SLURM_WCKEY", "WCKEY" },
    { "SLURM_WORKING_DIR", NULL },
    { "SRUN_SEGMENT_SIZE", "SEGMENT_SIZE" },
};

/* Removed with all that begins so: what srun alone reads, the parts of an outer step's binding, and
 * our own option on its way through SPANK, which must not make the child srun a coordinator.
 * Other plugins' options stay: what a user told sbatch holds for every srun of the script.
 */
static const char *const prefixes[] = {
    "SRUN_",
    "SLURM_CPU_BIND_",
    "SLURM_MEM_BIND_",
    "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_",
    "_SLURM_SPANK_OPTION_async_workflow_",
    "SPANK__SLURM_SPANK_OPTION_async_workflow_",
};

/* Inputs of srun that stay, none of which is in a list above:
 *   SLURM_CONF, SLURM_CONF_SERVER, SLURM_CLUSTERS, SLURM_WORKING_CLUSTER, SLURM_JWT: which Slurm
 *   SLURM_JOB_ID, SLURM_JOBID, SLURM_HET_SIZE, SLURM_NODE_ALIASES: which job
 *   SLURM_JOB_NAME: names the step, and tasks want to see it
 *   SLURM_JOB_NUM_NODES, SLURM_JOB_NODELIST, SLURM_NNODES: tasks want to see them; --nodes is given
 *   SLURM_DEBUG, SLURM_DEBUG_FLAGS, SLURMD_DEBUG, SLURM_STEP_KILLED_MSG_NODE_ID,
 *   SLURM_SRUN_REDUCE_TASK_EXIT_MSG: how much srun prints
 *   SLURM_TEST_EXEC, SLURM_PMI_KVS_NO_DUP_KEYS: do no harm
 */

static size_t name_length (const char *variable)
{
    const char *equals = strchr (variable, '=');

    return equals ? (size_t)(equals - variable) : strlen (variable);
}

static bool is_called (const char *variable, size_t len, const char *name)
{
    return strlen (name) == len && strncmp (variable, name, len) == 0;
}

/* VARIABLE is a name or "NAME=value". */
bool aw_srun_env_removes (const char *variable)
{
    size_t len = name_length (variable);

    for (size_t i = 0; i < COUNT (prefixes); i++) {
        if (strncmp (variable, prefixes[i], strlen (prefixes[i])) == 0)
            return true;
    }
    for (size_t i = 0; i < COUNT (inputs); i++) {
        if (is_called (variable, len, inputs[i].name))
            return true;
    }
    return false;
}

int aw_srun_env (struct aw_strings *out, char *const *env, struct aw_error *err)
{
    for (; env && *env; env++) {
        if (!aw_srun_env_removes (*env))
            aw_strings_add (out, *env);
    }
    return out->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}

int aw_salloc_env (struct aw_strings *out, char *const *env, struct aw_error *err)
{
    static const char prefix[] = "SALLOC_";
    /* Those that have a twin though srun is to see them too, or are removed by prefix. */
    static const char *const more[] = { "SLURM_CLUSTERS", "SLURM_DEBUG", "SRUN_CONTAINER",
                                        "SRUN_CONTAINER_ID" };

    for (; env && *env; env++) {
        size_t len = name_length (*env);

        if (strncmp (*env, prefix, strlen (prefix)) == 0)
            continue;
        aw_strings_add (out, *env);
        for (size_t i = 0; i < COUNT (inputs) && (*env)[len]; i++) {
            if (inputs[i].salloc && is_called (*env, len, inputs[i].name))
                aw_strings_addf (out, "%s%s%s", prefix, inputs[i].salloc, *env + len);
        }
        for (size_t i = 0; i < COUNT (more) && (*env)[len]; i++) {
            if (is_called (*env, len, more[i]))
                aw_strings_addf (out, "%s%s", prefix, strchr (*env, '_') + 1);
        }
    }
    return out->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}
