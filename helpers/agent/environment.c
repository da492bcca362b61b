/* SPDX-License-Identifier: Apache-2.0 */
/* The agent is one task of a Slurm step that spans the pool; its tasks are not. A program that
 * found SLURM_PROCID, SLURM_NTASKS or PMI_RANK of that step would act as a rank of it: MPI
 * libraries would try to join, and wait or abort, and frameworks that look for SLURM_NTASKS would
 * start distributed. So variables that describe the step are removed, and those that affect an srun
 * inside the task too. Those that describe the job, which users' scripts need, describe the task
 * instead (agent/job_variables.h).
 */
#include "config.h"

#include "agent/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job_variables.h"
#include "agent/place/place_env.h"
#include "agent/python_path.h"
#include "io/text_file.h"
#include "io/textbuf.h"
#include "util/array.h"
#include "util/packet.h"
#include "util/strings.h"

/* Prefixes of names; whole names if they end in '='. */
static const char *const hidden[] = {
    "ASYNC_WORKFLOW_", /* ours, the MUNGE socket of a private cluster and the plugin's settings
                          among them */
    "PMI_",
    "PMI2_",
    "PMIX_",
    "SLURM_PMI",
    "SLURM_PMIX", /* how a rank finds its launcher */
    "OMPI_COMM_WORLD_",
    "OMPI_UNIVERSE_SIZE=",
    "MV2_COMM_WORLD_",
    "HYDI_",
    "PALS_",
    "SLURM_STEP", /* SLURM_STEP_ID, SLURM_STEPID, SLURM_STEP_GPUS, ... */
    "SLURM_PROCID=",
    "SLURM_LOCALID=",
    "SLURM_NODEID=",
    "SLURM_GTIDS=",
    "SLURM_TASK_PID=",
    "SLURM_NTASKS",
    "SLURM_NPROCS=",
    "SLURM_NNODES=",
    "SLURM_NODELIST=",
    "SLURM_JOB_NUM_NODES=",
    "SLURM_JOB_NODELIST=",
    "SLURM_JOB_CPUS_PER_NODE", /* also of a component of a heterogeneous job */
    "SLURM_JOB_GPUS=",
    "SLURM_TASKS_PER_NODE=",
    "SLURM_CPUS_ON_NODE=",
    "SLURM_CPUS_PER_",
    "SLURM_TRES_PER_",
    "SLURM_MEM_PER_",
    "SLURM_GPUS",
    "SLURM_EXACT=",
    "SLURM_OVERLAP=",
    "SLURM_OOM_KILL_STEP=",
    "SLURM_DISTRIBUTION=",
    "SLURM_CPU_BIND",
    "SLURM_MEM_BIND",
    "SLURM_GPU_BIND",
    "SLURM_THREADS_PER_CORE=",
    "SLURM_HINT=",
    "SLURM_LAUNCH_NODE_IPADDR=",
    "SLURM_SRUN_COMM_",
    "SLURM_PTY_",
    "SLURM_SPANK_",
    "_SLURM_SPANK_",
    "SLURM_UMASK=",
    "SLURM_PRIO_PROCESS=",
    "SLURM_RLIMIT_",
    "SLURM_KILL_BAD_EXIT=",
    "SLURM_WAIT=",
    "SLURM_LABELIO=",
    "SLURM_UNBUFFEREDIO=",
    "SLURM_EXPORT_ENV=",
    "SLURM_MPI_TYPE=",
    "SRUN_DEBUG=",
    "SLURMD_DEBUG=",
    "HIP_VISIBLE_DEVICES=", /* indices into ROCR_VISIBLE_DEVICES, which differs by task */
    "PWD=",
    "OLDPWD=", /* of the agent; a shell sets them by itself */
};

/* These are of the node: those of a submission may be of another. */
static const char *const of_node[] = { "SLURMD_NODENAME", "SLURM_TOPOLOGY_ADDR",
                                       "SLURM_TOPOLOGY_ADDR_PATTERN", "HOSTNAME" };

enum { MAX_BASE = 16 << 20 }; /* bytes of the environment of a submission */

/* What a task starts from. */
struct base {
    char **strings; /* owned, sorted by name */
    size_t n;
    bool *replaced; /* scratch: for each of them */
    char *path; /* of the file that has them; NULL: the agent's own */
};

struct aw_environment {
    struct base own_base;
    struct base submitted; /* the last one that was read */
    struct aw_place_env *place_env;
    struct aw_job_variables *job_variables;
    char *python; /* directory of the Python module; NULL: tasks need not find it */
    char *commands; /* of the commands that look like Slurm's; NULL: not looked for yet */
    /* Scratch, filled by each make. */
    char **result;
    size_t capacity;
    struct aw_textbuf fixed; /* strings that every task gets, each with its NUL */
    struct aw_textbuf own; /* strings that this file makes, each with its NUL */
};

static size_t name_length (const char *variable)
{
    return strcspn (variable, "=");
}

/* Orders by name: a prefix of another name comes before it. */
static int compare_names (const char *a, const char *b)
{
    size_t na = name_length (a);
    size_t nb = name_length (b);
    int rc = memcmp (a, b, na < nb ? na : nb);

    return rc ? rc : (na > nb) - (na < nb);
}

static int compare_items (const void *a, const void *b)
{
    return compare_names (*(char *const *)a, *(char *const *)b);
}

bool aw_environment_hides (const char *variable)
{
    size_t n = name_length (variable);

    for (size_t i = 0; i < sizeof (hidden) / sizeof (hidden[0]); i++) {
        size_t length = strlen (hidden[i]);
        bool whole = hidden[i][length - 1] == '=';

        length -= whole;
        if (strncmp (variable, hidden[i], length) == 0 && n >= length && (!whole || n == length))
            return true;
    }
    return false;
}

static void finish_base (struct base *base)
{
    for (size_t i = 0; i < base->n; i++)
        free (base->strings[i]);
    free (base->strings);
    free (base->replaced);
    free (base->path);
    memset (base, 0, sizeof (*base));
}

static size_t count (char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

/* A copy of those of the N strings ENV that tasks may see. */
static int copy_base (struct base *base, char *const *env, size_t n)
{
    base->strings = calloc (n + 1, sizeof (char *));
    base->replaced = calloc (n + 1, sizeof (bool));
    if (!base->strings || !base->replaced)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!strchr (env[i], '=') || aw_environment_hides (env[i]))
            continue;
        base->strings[base->n] = strdup (env[i]);
        if (!base->strings[base->n])
            return -1;
        base->n++;
    }
    qsort (base->strings, base->n, sizeof (char *), compare_items);
    return 0;
}

static bool is_of_node (const char *variable)
{
    for (size_t i = 0; i < sizeof (of_node) / sizeof (of_node[0]); i++)
        if (compare_names (variable, of_node[i]) == 0)
            return true;
    return false;
}

/* Fills BASE with the strings in TEXT, each with its NUL, but with those of the node that OWN has.
 */
static int split_base (struct base *base, const struct base *own, const char *text, size_t size)
{
    struct aw_strings list = { 0 };
    int rc = -1;

    for (size_t at = 0; at < size; at += strlen (text + at) + 1)
        if (!is_of_node (text + at))
            aw_strings_add (&list, text + at);
    for (size_t i = 0; i < own->n; i++)
        if (is_of_node (own->strings[i]))
            aw_strings_add (&list, own->strings[i]);
    if (!list.failed)
        rc = copy_base (base, list.v, list.n);
    aw_strings_finish (&list);
    return rc;
}

/* The base of LAUNCH; NULL with text. Tasks that were submitted together have one file. */
static struct base *base_of (struct aw_environment *environment,
                             const struct aw_launch *launch,
                             struct aw_error *err)
{
    struct base *base = &environment->submitted;
    size_t size;
    char *text;

    if (!launch->base)
        return &environment->own_base;
    if (base->path && strcmp (base->path, launch->base) == 0)
        return base;
    finish_base (base);
    text = aw_text_file_read (launch->base, MAX_BASE, &size, err);
    if (!text) {
        aw_error_prefix (err, "the environment of its submission");
        return NULL;
    }
    if (split_base (base, &environment->own_base, text, size) < 0
        || !(base->path = strdup (launch->base))) {
        finish_base (base);
        aw_error_set (err, "out of memory");
        base = NULL;
    }
    free (text);
    return base;
}

struct aw_environment *aw_environment_create (char *const *env,
                                              const struct aw_idset *gpus,
                                              const char *topology,
                                              struct aw_error *err)
{
    struct aw_environment *environment = calloc (1, sizeof (*environment));

    if (!environment || copy_base (&environment->own_base, env, count (env)) < 0) {
        aw_environment_destroy (environment);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    environment->place_env = aw_place_env_create (env, gpus, topology, err);
    if (environment->place_env)
        environment->job_variables = aw_job_variables_create (env, gpus, err);
    if (!environment->job_variables) {
        aw_environment_destroy (environment);
        return NULL;
    }
    return environment;
}

/* Marks the strings of BASE that VARIABLE replaces. */
static void replace (struct base *base, const char *variable)
{
    size_t low = 0;
    size_t high = base->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names (base->strings[middle], variable) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < base->n && compare_names (base->strings[low], variable) == 0; low++)
        base->replaced[low] = true;
}

/* The value of NAME in LIST, of which the last one holds; NULL: it is not there. */
static const char *value_in (char *const *list, size_t n, const char *name)
{
    size_t length = strlen (name);

    while (n-- > 0)
        if (strncmp (list[n], name, length) == 0 && list[n][length] == '=')
            return list[n] + length + 1;
    return NULL;
}

/* Is VARIABLE one that is made from the one of the launch? */
static bool is_path (const struct aw_environment *environment,
                     const struct aw_launch *launch,
                     const char *variable)
{
    return (environment->python && compare_names (variable, AW_PYTHON_PATH "=") == 0)
           || (launch->slurm_commands && compare_names (variable, "PATH=") == 0);
}

/* The value that the launch or BASE has; NULL: neither has. */
static const char *value_of (char *const *given, const struct base *base, const char *name)
{
    const char *value = value_in (given, count (given), name);

    return value ? value : value_in (base->strings, base->n, name);
}

/* Adds NAME=VALUE to own, and frees VALUE; NULL: there was no memory for it. */
static void put_path (struct aw_environment *environment, const char *name, char *value)
{
    aw_textbuf_puts (&environment->own, name);
    aw_textbuf_putc (&environment->own, '=');
    aw_textbuf_puts (&environment->own, value ? value : "");
    aw_textbuf_putc (&environment->own, '\0');
    environment->own.failed = environment->own.failed || !value;
    free (value);
}

/* What the launch or BASE has, and the module's directory. */
static void add_python (struct aw_environment *environment,
                        char *const *given,
                        const struct base *base)
{
    if (environment->python)
        put_path (environment, AW_PYTHON_PATH,
                  aw_python_path (value_of (given, base, AW_PYTHON_PATH), environment->python));
}

/* The commands that look like Slurm's come first in PATH. */
static void add_commands (struct aw_environment *environment,
                          char *const *given,
                          const struct base *base)
{
    put_path (environment, AW_PACKET_COMMANDS, strdup (environment->commands));
    put_path (environment, "PATH",
              aw_commands_path (value_of (given, base, "PATH"), environment->commands));
}

/* 0, or -1 with text: they are not installed. */
static int find_commands (struct aw_environment *environment,
                          const struct aw_launch *launch,
                          struct aw_error *err)
{
    if (!launch->slurm_commands || environment->commands)
        return 0;
    environment->commands = aw_commands_directory ();
    return environment->commands
               ? 0
               : aw_error_set (err, "slurm_commands: %s is not installed on this node",
                               AW_LIBEXECDIR "/slurm/sbatch");
}

/* Fills own with the variables of the node. */
static void add_own (struct aw_environment *environment,
                     const struct aw_launch *launch,
                     bool bound,
                     const struct base *base)
{
    struct aw_textbuf *own = &environment->own;
    struct aw_place place = { &launch->cpus, &launch->gpus, launch->gpu_share, bound, false };

    own->len = 0;
    own->failed = false;
    aw_textbuf_put (own, environment->fixed.data, environment->fixed.len);
    for (char **variable = launch->env; variable && *variable; variable++)
        place.placed = place.placed || aw_place_env_places (*variable);
    aw_place_env_variables (environment->place_env, &place, own);
    aw_job_variables_put (environment->job_variables, launch, own);
    aw_textbuf_puts (own, AW_PACKET_LAUNCH "=");
    aw_textbuf_u64 (own, launch->task);
    aw_textbuf_putc (own, '.');
    aw_textbuf_u64 (own, launch->attempt);
    aw_textbuf_putc (own, '\0');
    add_python (environment, launch->env, base);
    if (launch->slurm_commands)
        add_commands (environment, launch->env, base);
}

int aw_environment_add (struct aw_environment *environment, const char *name, const char *value)
{
    struct aw_textbuf *fixed = &environment->fixed;

    aw_textbuf_puts (fixed, name);
    aw_textbuf_putc (fixed, '=');
    aw_textbuf_puts (fixed, value);
    aw_textbuf_putc (fixed, '\0');
    errno = ENOMEM;
    return fixed->failed ? -1 : 0;
}

int aw_environment_add_python (struct aw_environment *environment, const char *directory)
{
    free (environment->python);
    environment->python = strdup (directory);
    return environment->python ? 0 : -1;
}

/* Does LIST have a variable of the same name? Then that one holds. */
static bool named (char *const *list, const char *variable)
{
    for (; list && *list; list++)
        if (compare_names (*list, variable) == 0)
            return true;
    return false;
}

/* Puts the strings together: own ones, those of LAUNCH, what is left of BASE. */
static void join (struct aw_environment *environment,
                  const struct aw_launch *launch,
                  size_t n_given,
                  struct base *base)
{
    char *end = environment->own.data + environment->own.len;
    size_t n = 0;

    memset (base->replaced, 0, base->n * sizeof (bool));
    for (char *s = environment->own.data; s < end; s += strlen (s) + 1) {
        replace (base, s);
        if (is_path (environment, launch, s) || !named (launch->env, s))
            environment->result[n++] = s;
    }
    for (size_t i = 0; i < n_given; i++) {
        if (is_path (environment, launch, launch->env[i]))
            continue;
        replace (base, launch->env[i]);
        /* Of two equal names the last holds; lists are short. */
        if (strchr (launch->env[i], '=') && !named (launch->env + i + 1, launch->env[i]))
            environment->result[n++] = launch->env[i];
    }
    for (size_t i = 0; i < base->n; i++)
        if (!base->replaced[i])
            environment->result[n++] = base->strings[i];
    environment->result[n] = NULL;
}

char **aw_environment_make (struct aw_environment *environment,
                            const struct aw_launch *launch,
                            bool bound,
                            struct aw_error *err)
{
    struct base *base = base_of (environment, launch, err);
    size_t n_given = count (launch->env), n_own = 0;
    const char *end;

    if (!base || find_commands (environment, launch, err) < 0)
        return NULL;
    add_own (environment, launch, bound, base);
    end = environment->own.data + environment->own.len;
    for (const char *s = environment->own.data; s < end && !environment->own.failed;
         s += strlen (s) + 1)
        n_own++;
    if (environment->own.failed
        || aw_array_reserve (&environment->result, &environment->capacity,
                             base->n + n_given + n_own + 1)
               < 0) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    join (environment, launch, n_given, base);
    return environment->result;
}

void aw_environment_destroy (struct aw_environment *environment)
{
    int saved = errno;

    if (environment) {
        finish_base (&environment->own_base);
        finish_base (&environment->submitted);
        free (environment->python);
        free (environment->commands);
        free (environment->result);
        aw_textbuf_finish (&environment->own);
        aw_place_env_destroy (environment->place_env);
        aw_job_variables_destroy (environment->job_variables);
        aw_textbuf_finish (&environment->fixed);
        free (environment);
    }
    errno = saved;
}
