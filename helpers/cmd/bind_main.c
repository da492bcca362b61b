/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow-bind: starts each rank of a task with a job step of its own. Finds its part of the
 * plan by its node and local rank, binds itself to the CPUs and GPUs there, and executes the
 * program. With --parent it only makes sure that the program ends with its parent. Users do not
 * call it.
 */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/place/binding.h"
#include "agent/node.h"
#include "agent/place/place_env.h"
#include "agent/python_path.h"
#include "io/wire/step.h"
#include "util/descriptors.h"
#include "util/packet.h"
#include "util/processes.h"

enum { CANNOT_START = 127 }; /* as a shell's */

struct arguments {
    long parent; /* 0: not given */
    const char *part; /* of this node */
    const char *socket; /* for messages, of this node; NULL: none */
    const char *node;
    uint32_t share; /* of a GPU, in thousandths */
    char **command;
};

static const struct argp_option options[] = {
    { "on", 'o', "NODE:CPUS+GPUS/...", 0,
      "CPUs and GPUs of each local rank on a node; may be repeated", 0 },
    { "messages", 'm', "NODE:SOCKET", 0, "socket for messages on a node; may be repeated", 0 },
    { "gpu-share", 's', "N", 0, "share of a GPU for each rank, in thousandths", 0 },
    { "parent", 'p', "PID", 0, "end the command with SIGTERM when process PID, the parent, ends",
      0 },
    { 0 },
};

static long number (struct argp_state *state, const char *text)
{
    char *end;
    long value;

    errno = 0;
    value = strtol (text, &end, 10);
    if (*end || errno || value <= 0)
        argp_error (state, "\"%s\" is not a positive number", text);
    return value;
}

static error_t parse_option (int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'o':
        if (aw_step_part_is_of (value, arguments->node))
            arguments->part = value;
        return 0;
    case 'm':
        if (aw_step_part_is_of (value, arguments->node))
            arguments->socket = value + strlen (arguments->node) + 1;
        return 0;
    case 's':
        arguments->share = (uint32_t)number (state, value);
        return 0;
    case 'p':
        arguments->parent = number (state, value);
        return 0;
    case ARGP_KEY_ARG:
        arguments->command = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->command)
            argp_error (state, "no command: this program is started by async-workflow");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse_option,
    "-- COMMAND [ARGUMENT]...",
    "Starts a rank of a job step for async-workflow, on the CPUs and GPUs of its plan.",
    NULL,
    NULL,
    NULL,
};

static int complain (const struct arguments *arguments, const char *text)
{
    fprintf (stderr, "async-workflow-bind: %s: %s\n", arguments->node, text);
    return CANNOT_START;
}

/* Local rank of this process in its step, by Slurm. */
static int local_rank (uint32_t *rank, struct aw_error *err)
{
    const char *text = getenv ("SLURM_LOCALID");
    char *end;
    unsigned long value;

    if (!text || *text < '0' || *text > '9')
        return aw_error_set (err,
                             "SLURM_LOCALID is not set: this process is not a task of a job step");
    value = strtoul (text, &end, 10);
    if (*end || value > UINT32_MAX)
        return aw_error_set (err, "SLURM_LOCALID: \"%s\" is not a number", text);
    *rank = (uint32_t)value;
    return 0;
}

static bool contains (const struct aw_idset *all, const struct aw_idset *part)
{
    for (uint32_t id = aw_idset_next (part, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (part, id + 1))
        if (!aw_idset_has (all, id))
            return false;
    return true;
}

static int bind_to (const struct aw_idset *cpus, struct aw_error *err)
{
    struct aw_binding binding = { 0 };
    struct aw_numa numa = { 0 };
    int rc = 0;

    (void)aw_numa_read (&numa, ""); /* without it the memory policy stays */
    if (aw_binding_prepare (&binding, &numa, cpus) < 0 || aw_binding_apply (&binding) < 0)
        rc = aw_error_set (err, "cannot be bound to its CPUs: %s", strerror (errno));
    aw_binding_finish (&binding);
    aw_numa_finish (&numa);
    return rc;
}

static int set_variables (const struct arguments *arguments,
                          const struct aw_idset *gpus,
                          const struct aw_place_rank *mine,
                          bool bound,
                          struct aw_error *err)
{
    struct aw_place place = { &mine->cpus, &mine->gpus, arguments->share, bound, false };
    char *cores = bound ? aw_cores_read ("", &mine->cpus) : NULL; /* else each CPU is one */
    struct aw_place_env *place_env = aw_place_env_create (environ, gpus, cores, err);
    struct aw_textbuf text = { 0 };
    const char *job = getenv ("SLURM_JOB_ID");
    int rc = -1;

    free (cores);
    if (!place_env)
        return -1;
    aw_place_env_variables (place_env, &place, &text);
    if (text.failed)
        aw_error_set (err, "out of memory");
    else
        rc = 0;
    for (size_t at = 0; rc == 0 && at < text.len;) {
        char *name = text.data + at, *value = strchr (name, '=');

        at += strlen (name) + 1;
        *value++ = '\0';
        if (setenv (name, value, 1) < 0)
            rc = aw_error_set (err, "out of memory");
    }
    aw_textbuf_finish (&text);
    if (rc == 0
        && ((job && setenv (AW_PACKET_JOB, job, 1) < 0)
            || (arguments->socket && setenv (AW_PACKET_SOCKET, arguments->socket, 1) < 0)))
        rc = aw_error_set (err, "out of memory");
    aw_place_env_destroy (place_env);
    return rc;
}

/* Ranks find the Python module, as all tasks do. */
static int set_python (struct aw_error *err)
{
    char *directory = aw_python_directory ();
    char *paths = directory ? aw_python_path (getenv (AW_PYTHON_PATH), directory) : NULL;
    int rc = !directory || (paths && setenv (AW_PYTHON_PATH, paths, 1) == 0) ? 0 : -1;

    free (directory);
    free (paths);
    return rc == 0 ? 0 : aw_error_set (err, "out of memory");
}

static int take_place (const struct arguments *arguments, struct aw_error *err)
{
    struct aw_place_rank mine = { 0 };
    struct aw_idset gpus = { 0 }; /* of the step on this node */
    bool unbound;
    uint32_t rank = 0;
    int rc = -1;

    if (local_rank (&rank, err) < 0
        || aw_step_part_find (arguments->part, rank, &mine, &unbound, err) < 0
        || aw_node_gpus (&gpus, environ, err) < 0)
        goto done;
    if (!contains (&gpus, &mine.gpus))
        aw_error_set (err, "Slurm gave this step fewer GPUs than the job has on this node: the "
                           "nodes of a step need "
                           "equal numbers of GPUs");
    else if (unbound || bind_to (&mine.cpus, err) == 0)
        rc = set_variables (arguments, &gpus, &mine, !unbound, err) == 0 ? set_python (err) : -1;
done:
    aw_idset_finish (&mine.cpus);
    aw_idset_finish (&mine.gpus);
    aw_idset_finish (&gpus);
    return rc;
}

int main (int argc, char **argv)
{
    const char *node = getenv ("SLURMD_NODENAME"), *token = getenv (AW_PACKET_TOKEN);
    char host[256] = "unknown";
    struct arguments arguments = { 0 };
    struct aw_error err;

    if (aw_open_standard () < 0)
        return CANNOT_START;
    gethostname (host, sizeof (host) - 1);
    arguments.node = node && *node ? node : host;
    argp_program_version = PACKAGE_STRING;
    argp_err_exit_status = 2;
    argp_parse (&parser, argc, argv, ARGP_IN_ORDER, NULL, &arguments);
    if (arguments.parent) {
        if (prctl (PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid () != arguments.parent)
            return complain (&arguments, "its parent has ended");
    }
    else if (!arguments.part)
        return complain (&arguments, "the plan has no CPUs for this node");
    else if (take_place (&arguments, &err) < 0)
        return complain (&arguments, err.text);
    if (!arguments.parent)
        aw_process_offer_to_oom ();
    if (!arguments.parent && token)
        aw_process_mark_set (aw_process_mark_for (token));
    execvp (arguments.command[0], arguments.command);
    aw_error_set (&err, "cannot start %s: %s", arguments.command[0], strerror (errno));
    return complain (&arguments, err.text);
}
