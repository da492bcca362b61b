/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, CPUs and GPUs of a step are the scheduler's to choose, and its files, directory and end
 * have keys of their own: options of srun that would say otherwise are refused by name.
 */
#include "io/workflow/workflow_step.h"

#include <stdlib.h>
#include <string.h>

#include "core/idset.h"
#include "io/workflow/template.h"

#define SHAPE "the scheduler decides it: give \"ranks\", \"nodes\", \"ranks_per_node\", \"cpus\""
#define NODES "the scheduler chooses the nodes: leave it out"
#define BINDING "the scheduler binds each rank: leave it out"
#define GPUS "the scheduler decides it: give \"gpus\""
#define MEMORY "the scheduler decides it: give \"mem\""
#define SHARING "steps share the nodes with the pool: leave it out"
#define FILES "give \"stdout\" or \"stderr\""
#define ENDING "a rank that fails ends the step: leave it out"
#define ALLOCATION "a step has no allocation of its own: leave it out"
#define STARTING "async-workflow-bind starts the ranks: leave it out"

static const struct {
    const char *name;
    const char *why;
} refused[] = {
    { "accel-bind", BINDING },
    { "async", "the coordinator watches each step: leave it out" },
    { "async-workflow", "a workflow cannot be a task's option" },
    { "bcast", STARTING },
    { "chdir", "give \"directory\"" },
    { "contiguous", NODES },
    { "core-spec", SHAPE },
    { "cores-per-socket", NODES },
    { "cpu-bind", BINDING },
    { "cpu_bind", BINDING },
    { "cpus-per-gpu", SHAPE },
    { "cpus-per-task", SHAPE },
    { "error", FILES },
    { "exact", SHARING },
    { "exclude", NODES },
    { "exclusive", SHARING },
    { "external-launcher", STARTING },
    { "extra-node-info", NODES },
    { "gpu-bind", BINDING },
    { "gpus", GPUS },
    { "gpus-per-node", GPUS },
    { "gpus-per-socket", GPUS },
    { "gpus-per-task", GPUS },
    { "gres", GPUS },
    { "help", "it only prints: leave it out" },
    { "het-group", ALLOCATION },
    { "hint", BINDING },
    { "hold", ALLOCATION },
    { "immediate", ALLOCATION },
    { "input", "steps have no standard input: name the input file in the command" },
    { "interactive", STARTING },
    { "jobid", ALLOCATION },
    { "kill-on-bad-exit", ENDING },
    { "mem", MEMORY },
    { "mem-bind", BINDING },
    { "mem_bind", BINDING },
    { "mem-per-cpu", MEMORY },
    { "mem-per-gpu", MEMORY },
    { "multi-prog", STARTING },
    { "no-allocate", ALLOCATION },
    { "no-kill", ENDING },
    { "nodefile", NODES },
    { "nodelist", NODES },
    { "nodes", SHAPE },
    { "ntasks", SHAPE },
    { "ntasks-per-core", SHAPE },
    { "ntasks-per-gpu", SHAPE },
    { "ntasks-per-node", SHAPE },
    { "ntasks-per-socket", SHAPE },
    { "ntasks-per-tres", SHAPE },
    { "oom-kill-step", ENDING },
    { "open-mode", FILES },
    { "output", FILES },
    { "overcommit", SHARING },
    { "overlap", SHARING },
    { "pty", "steps have no terminal: leave it out" },
    { "quiet", "the coordinator reads srun's messages: leave it out" },
    { "quit-on-interrupt", ENDING },
    { "relative", NODES },
    { "sockets-per-node", NODES },
    { "spread-job", NODES },
    { "stepmgr", ALLOCATION },
    { "test-only", "it starts nothing: leave it out" },
    { "thread-spec", SHAPE },
    { "threads", SHAPE },
    { "threads-per-core", BINDING },
    { "time", "give \"time_limit\"" },
    { "time-min", "give \"time_limit\"" },
    { "tres-bind", BINDING },
    { "tres-per-task", GPUS },
    { "usage", "it only prints: leave it out" },
    { "use-min-nodes", NODES },
    { "version", "it only prints: leave it out" },
    { "wait", ENDING },
    { "whole", SHARING },
};

/* Names that srun would not take for a beginning of a longer one, for they are whole. */
static const char *const allowed[] = { "export" };

const char *aw_srun_refusal (const char *option)
{
    size_t length;

    if (strncmp (option, "--", 2) != 0)
        return "must be one option in its long form: \"--mpi=pmix\"";
    option += 2;
    length = strcspn (option, "=");
    if (length == 0)
        return "must be one option in its long form: \"--mpi=pmix\"";
    for (size_t i = 0; i < sizeof (allowed) / sizeof (allowed[0]); i++)
        if (strlen (allowed[i]) == length && strncmp (allowed[i], option, length) == 0)
            return NULL;
    if (strncmp (option, "async-workflow", strlen ("async-workflow")) == 0)
        return "a workflow cannot be a task's option";
    /* srun takes a beginning of a name for the name. */
    for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
        if (strncmp (refused[i].name, option, length) == 0)
            return refused[i].why;
    return NULL;
}

static char *read_option (struct aw_reader *reader, struct json_object *value)
{
    const char *raw, *why;
    char *option;

    if (!aw_reader_text (reader, value, &raw))
        return NULL;
    option = aw_template_compile (reader, raw, AW_TEMPLATE_TEXT);
    why = option ? aw_srun_refusal (option) : NULL;
    if (!why)
        return option;
    aw_reader_error (reader, "\"%.64s\": %s", option, why);
    free (option);
    return NULL;
}

void aw_read_srun (struct aw_reader *reader, struct json_object *value, struct aw_recipe *recipe)
{
    size_t n, filled = 0;

    if (!aw_reader_array (reader, value))
        return;
    n = json_object_array_length (value);
    for (char **option = recipe->srun; option && *option; option++)
        free (*option);
    free (recipe->srun);
    recipe->srun = calloc (n + 1, sizeof (*recipe->srun));
    if (!recipe->srun) {
        aw_reader_no_memory (reader);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t mark = aw_reader_enter_index (reader, i);
        char *option = read_option (reader, json_object_array_get_idx (value, i));

        if (option)
            recipe->srun[filled++] = option;
        aw_reader_leave (reader, mark);
    }
}

/* Of ranks, nodes and ranks_per_node any two give the third; what is not given is the smallest that
 * fits. */
static bool settle_shape (struct aw_reader *reader, struct aw_task_spec *spec)
{
    uint32_t ranks = spec->ranks, nodes = spec->nodes, each = spec->ranks_per_node;

    if (ranks && each && !nodes && ranks % each == 0)
        nodes = ranks / each;
    if (!nodes)
        nodes = 1;
    if (!each)
        each = ranks && ranks % nodes == 0 ? ranks / nodes : 1;
    spec->set.nodes = nodes;
    spec->set.ranks_per_node = each;
    if (ranks && ranks != (uint64_t)nodes * each) {
        if (spec->ranks_per_node && spec->nodes)
            aw_reader_error (reader,
                             "%u \"ranks\" are not %u \"nodes\" of %u: give two of the three",
                             ranks, nodes, each);
        else
            aw_reader_error (
                reader, "%u \"ranks\" do not divide evenly: %u %s: give a multiple of it", ranks,
                spec->ranks_per_node ? each : nodes,
                spec->ranks_per_node ? "ranks run on each node" : "nodes get the same number each");
        return false;
    }
    if ((uint64_t)each * spec->set.cpus > AW_IDSET_MAX
        || (uint64_t)each * spec->set.gpus > AW_IDSET_MAX) {
        aw_reader_error (reader,
                         "%u ranks per node need more CPUs or GPUs than any node can have (%d)",
                         each, AW_IDSET_MAX);
        spec->set.ranks_per_node = 1;
        return false;
    }
    return true;
}

void aw_settle_step (struct aw_reader *reader, struct aw_task_spec *spec)
{
    bool options = spec->recipe.srun && spec->recipe.srun[0];

    if (!settle_shape (reader, spec))
        return;
    spec->set.step = spec->set.nodes > 1 || spec->set.ranks_per_node > 1 || options
                     || spec->launch == AW_LAUNCH_STEP;
    if (spec->launch == AW_LAUNCH_POOL && spec->set.step)
        aw_reader_error (reader,
                         "\"launch\": \"pool\", but %s: leave out \"launch\", or the others",
                         options ? "\"srun\" is for a step of its own"
                                 : "several ranks or nodes are a step of its own");
}
