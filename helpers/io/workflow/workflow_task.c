/* SPDX-License-Identifier: Apache-2.0 */
/* One table of a task set's keys, and the functions for those whose values have no common form. */
#include "io/workflow/workflow_task.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/resources/demand.h"
#include "core/idset.h"
#include "core/resources/topology.h"
#include "io/workflow/call_input.h"
#include "io/workflow/foreach.h"
#include "io/workflow/reader_keys.h"
#include "io/workflow/recipe.h"
#include "io/workflow/script_values.h"
#include "io/workflow/shell_hints.h"
#include "io/workflow/synonyms.h"
#include "io/workflow/template.h"
#include "io/workflow/values.h"
#include "io/workflow/workflow_failures.h"
#include "io/workflow/workflow_service.h"
#include "io/workflow/workflow_stage.h"
#include "io/workflow/workflow_step.h"

static void read_after (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    if (aw_reader_array (reader, value))
        spec->after = value; /* read when all sets are known */
}

static void read_count (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;
    uint64_t number = 1;

    spec->count_is_known = aw_reader_integer (reader, value, 1, AW_MAX_TASKS, &number);
    spec->set.count = (uint32_t)number;
}

/* It was read before all other keys, which may have its placeholders. */
static void skip_key (struct aw_reader *reader, struct json_object *value, void *object)
{
    (void)reader;
    (void)value;
    (void)object;
}

/* Whole GPUs, or a part of one, to a thousandth. */
static void read_gpus (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;
    uint64_t whole;
    double number;

    if (!aw_reader_number (reader, value, &number))
        return;
    spec->set.gpus = spec->set.gpu_share = 0;
    if (number > 0. && number < 1.) {
        if (number < 0.001 || number > 0.999)
            aw_reader_error (reader, "%.15g: a part of a GPU is at least 0.001 and at most 0.999",
                             number);
        else
            spec->set.gpu_share = (uint32_t)lround (number * AW_GPU_WHOLE);
    }
    else if (number > 1. && number < AW_IDSET_MAX && number != floor (number))
        aw_reader_error (reader,
                         "%.15g: a task has whole GPUs or a part of one: give a whole "
                         "number, or a number below 1",
                         number);
    else if (aw_reader_integer (reader, value, 0, AW_IDSET_MAX, &whole))
        spec->set.gpus = (uint32_t)whole;
}

static void read_spread (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;
    double number;

    if (!aw_reader_number (reader, value, &number))
        return;
    if (number >= 0 && number <= AW_MAX_SPREAD)
        spec->set.spread = number;
    else
        aw_reader_error (reader,
                         "%.15g: the standard deviation of the duration, divided by the duration: "
                         "give a number from 0 to %d, such as 0.1",
                         number, AW_MAX_SPREAD);
}

static void read_gpu_type (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    const char *text;

    if (!aw_reader_text (reader, value, &text))
        return;
    if (!*text || strlen (text) >= AW_GPU_TYPE_SIZE || strspn (text, allowed) != strlen (text))
        aw_reader_error (reader,
                         "\"%.40s\": not a GPU type: use letters, digits and _.+-, as in "
                         "\"a100\"; sinfo -o %%G shows the types of the cluster",
                         text);
    else
        spec->gpu_type = text;
}

static void read_srun (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_srun (reader, value, &spec->recipe);
}

static void read_retries (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_retries (reader, value, &spec->set.retry);
}

static void read_checkpoint_signal (struct aw_reader *reader,
                                    struct json_object *value,
                                    void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_checkpoint_signal (reader, value, &spec->set.checkpoint_signal,
                               &spec->set.checkpoint_seconds);
}

static void read_success_codes (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_success_codes (reader, value, &spec->set.success);
}

static void read_command (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_recipe_read_command (reader, value, &spec->recipe);
}

static void read_script (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;
    const char *script;

    if (!aw_reader_template (reader, value, AW_TEMPLATE_SCRIPT, &spec->recipe.script))
        return;
    aw_recipe_add_parameters (reader, &spec->recipe);
    script = spec->recipe.script;
    aw_check_script_values (reader, script);
    if (strncmp (script, "#!", 2) == 0 && script[2 + strspn (script + 2, " \t")] != '/')
        aw_reader_warn (reader, "\"#!\" without an absolute path has no effect: write, for "
                                "instance, #!/bin/bash or #!/usr/bin/env python3");
    if (strstr (script, "\r\n"))
        aw_reader_warn (reader,
                        "lines that end in \\r\\n, as on Windows: a shell takes the \\r for "
                        "a part of the last word: write \\n");
}

static void read_worker (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    spec->set.worker = true;
    aw_recipe_read_command (reader, value, &spec->recipe);
}

static void read_input (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_call_input (reader, value, &spec->recipe);
}

static void read_shell (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_recipe_read_shell (reader, value, &spec->recipe);
}

static void read_stdout (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    if (aw_reader_template (reader, value, AW_TEMPLATE_TEXT, &spec->recipe.out))
        aw_hint_output (reader, json_object_get_string (value));
}

static void read_stderr (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    if (aw_reader_template (reader, value, AW_TEMPLATE_TEXT, &spec->recipe.err))
        aw_hint_output (reader, json_object_get_string (value));
}

static void read_environment (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_recipe_read_environment (reader, value, &spec->recipe);
}

static void read_stage_in (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_staging (reader, value, true, &spec->recipe.stage_in);
    spec->set.stage_in = spec->recipe.stage_in.mode;
    spec->set.stage_in_seconds = spec->recipe.stage_in.seconds;
    spec->set.stage_shared = spec->recipe.stage_in.shared;
}

static void read_stage_out (struct aw_reader *reader, struct json_object *value, void *object)
{
    struct aw_task_spec *spec = object;

    aw_read_staging (reader, value, false, &spec->recipe.stage_out);
    spec->set.stage_out = spec->recipe.stage_out.mode;
    spec->set.stage_out_seconds = spec->recipe.stage_out.seconds;
}

#define OF(member) .offset = offsetof (struct aw_task_spec, member)

static const struct aw_key keys[] = {
    { "after", .read = read_after, .own = true },
    { "once", AW_KEY_FLAG, OF (set.once), .own = true },
    { "count", .read = read_count },
    { "foreach", .read = skip_key, .own = true },
    { "service", .read = skip_key, .own = true },
    { "command", .read = read_command, .own = true },
    { "script", .read = read_script, .own = true },
    { "worker", .read = read_worker, .own = true },
    { "input", .read = read_input, .own = true },
    { "startup", AW_KEY_SECONDS, OF (set.startup), .own = true },
    { "shell", .read = read_shell },
    { "cpus", AW_KEY_U32, OF (set.cpus), .min = 1, .max = AW_IDSET_MAX },
    { "gpus", .read = read_gpus },
    { "gpu_type", .read = read_gpu_type },
    { "threads_per_core", AW_KEY_U32, OF (set.threads_per_core), .min = 1, .max = AW_MAX_THREADS },
    { "mem", AW_KEY_BYTES, OF (set.mem) },
    { "ranks", AW_KEY_U32, OF (ranks), .min = 1, .max = AW_MAX_TASKS },
    { "nodes", AW_KEY_U32, OF (nodes), .min = 1, .max = AW_IDSET_MAX },
    { "ranks_per_node", AW_KEY_U32, OF (ranks_per_node), .min = 1, .max = AW_IDSET_MAX },
    { "launch", AW_KEY_CHOICE, OF (launch), .min = AW_LAUNCH_POOL, .words = { "pool", "step" } },
    { "srun", .read = read_srun },
    { "directory", AW_KEY_TEXT, OF (recipe.directory) },
    { "environment", .read = read_environment },
    { "stdout", .read = read_stdout },
    { "stderr", .read = read_stderr },
    { "time_limit", AW_KEY_LIMIT, OF (set.time_limit) },
    { "duration", AW_KEY_SECONDS, OF (set.duration) },
    { "spread", .read = read_spread },
    { "retries", .read = read_retries },
    { "checkpoint_signal", .read = read_checkpoint_signal },
    { "success_codes", .read = read_success_codes },
    { "stage_in", .read = read_stage_in, .own = true },
    { "stage_out", .read = read_stage_out, .own = true },
    { "slurm_commands", AW_KEY_FLAG, OF (recipe.slurm_commands), .own = true },
    { "on_failure", AW_KEY_CHOICE, OF (set.on_failure), .min = AW_ON_FAILURE_STOP,
      .words = { "stop", "skip", "continue" } },
};
enum { N_KEYS = sizeof (keys) / sizeof (keys[0]) };

size_t aw_task_keys (void)
{
    return N_KEYS;
}

const char *aw_task_key (size_t i, enum aw_key_use *use)
{
    if (use)
        *use = keys[i].own ? AW_KEY_TASKS : AW_KEY_ANYWHERE;
    return keys[i].name;
}

void aw_task_spec_init (struct aw_task_spec *spec)
{
    memset (spec, 0, sizeof (*spec));
    spec->set.count = 1;
    spec->set.cpus = 1;
    spec->set.nodes = 1;
    spec->set.ranks_per_node = 1;
    spec->set.duration = NAN;
    spec->set.spread = NAN;
    spec->set.time_limit = INFINITY;
    spec->set.on_failure = AW_ON_FAILURE_STOP;
    spec->count_is_known = true;
}

void aw_task_spec_finish (struct aw_task_spec *spec)
{
    aw_recipe_finish (&spec->recipe);
}

static void unknown_key (struct aw_reader *reader, const char *name, bool defaults)
{
    const char *instead = aw_synonym (name);

    if (instead)
        aw_reader_error (reader, "unknown key \"%.64s\": %s", name, instead);
    else
        aw_key_unknown (reader, keys, N_KEYS, name,
                        defaults ? "async-workflow-file(5) lists all keys of task sets"
                                 : "async-workflow-file(5) lists all keys of a task set");
}

static void read_key (struct aw_reader *reader,
                      const char *name,
                      struct json_object *value,
                      bool defaults,
                      struct aw_task_spec *spec)
{
    const struct aw_key *key = aw_key_find (keys, N_KEYS, name);
    size_t mark;

    if (!key)
        unknown_key (reader, name, defaults);
    else if (defaults && key->own)
        aw_reader_error (reader, "\"%s\" cannot be a default: give it in each task set", name);
    else {
        mark = aw_reader_enter (reader, name);
        aw_key_read (reader, key, value, spec);
        aw_reader_leave (reader, mark);
    }
}

void aw_task_spec_read_defaults (struct aw_reader *reader,
                                 struct json_object *object,
                                 struct aw_task_spec *spec)
{
    if (!aw_reader_object (reader, object))
        return;
    json_object_object_foreach (object, name, value) read_key (reader, name, value, true, spec);
    spec->recipe.cpus_given = json_object_object_get_ex (object, "cpus", NULL);
}

static void check_together (struct aw_reader *reader,
                            struct json_object *object,
                            const struct aw_task_spec *spec)
{
    bool command = json_object_object_get_ex (object, "command", NULL);
    bool script = json_object_object_get_ex (object, "script", NULL);

    if (command + script + spec->set.worker > 1)
        aw_reader_error (reader, "both \"%s\" and \"%s\": give one of them",
                         command ? "command" : "script", spec->set.worker ? "worker" : "script");
    if (!command && !script && !spec->set.worker)
        aw_reader_error (
            reader, "nothing to run: give \"command\": [\"program\", ...] or \"script\": \"...\"");
    if (json_object_object_get_ex (object, "shell", NULL) && !script)
        aw_reader_error (reader, "\"shell\" has no effect on \"%s\": use \"script\"",
                         spec->set.worker ? "worker" : "command");
    if (json_object_object_get_ex (object, "shell", NULL) && spec->recipe.script
        && strncmp (spec->recipe.script, "#!", 2) == 0)
        aw_reader_error (reader, "\"shell\", and a script that begins with #!: remove one of them");
    if (json_object_object_get_ex (object, "gpu_type", NULL) && !spec->set.gpus
        && !spec->set.gpu_share)
        aw_reader_warn (reader, "\"gpu_type\" without \"gpus\": it has no effect");
    if (spec->set.step
        && (spec->set.stage_in != AW_STAGING_NONE || spec->set.stage_out != AW_STAGING_NONE))
        aw_reader_error (reader, "a step of its own has no scratch directory: data staging is for "
                                 "tasks of the pool");
    if (spec->set.step && spec->recipe.slurm_commands)
        aw_reader_error (reader, "\"slurm_commands\" is for tasks of the pool, not for a step of "
                                 "its own");
    if (spec->set.duration > spec->set.time_limit)
        aw_reader_warn (
            reader,
            "its duration, %.15g s, is above its time_limit, %.15g s: every task would be killed",
            spec->set.duration, spec->set.time_limit);
    if (spec->set.checkpoint_signal && spec->set.checkpoint_seconds >= spec->set.time_limit)
        aw_reader_warn (reader,
                        "its checkpoint_signal comes %.15g s before its time_limit, %.15g s: every "
                        "task would get it at its start",
                        spec->set.checkpoint_seconds, spec->set.time_limit);
}

/* The variables of the set NAME, and with them its count. */
static void read_foreach (struct aw_reader *reader,
                          const char *name,
                          struct json_object *object,
                          struct aw_task_spec *spec)
{
    struct json_object *value;
    size_t mark;

    if (!json_object_object_get_ex (object, "foreach", &value))
        return;
    mark = aw_reader_enter (reader, "foreach");
    if (json_object_object_get_ex (object, "count", NULL))
        aw_reader_error (reader, "its values say how many tasks there are: remove \"count\"");
    spec->recipe.values = aw_foreach_read (reader, name, value);
    spec->count_is_known = spec->recipe.values != NULL;
    spec->set.count = spec->recipe.values ? aw_values_count (spec->recipe.values) : 1;
    aw_reader_leave (reader, mark);
}

void aw_task_spec_read (struct aw_reader *reader,
                        const char *name,
                        struct json_object *object,
                        const struct aw_task_spec *defaults,
                        struct aw_task_spec *spec)
{
    *spec = *defaults;
    memset (&spec->recipe, 0, sizeof (spec->recipe));
    if (!aw_reader_object (reader, object)
        || !aw_recipe_inherit (reader, &defaults->recipe, object, &spec->recipe))
        return;
    read_foreach (reader, name, object, spec);
    aw_read_service (reader, object, spec);
    reader->has_port = spec->recipe.service.port != AW_NO_PORT;
    reader->values = spec->recipe.values;
    reader->values_unknown = !reader->values && json_object_object_get_ex (object, "foreach", NULL);
    json_object_object_foreach (object, key, value) read_key (reader, key, value, false, spec);
    aw_recipe_check_variables (reader, &spec->recipe);
    reader->values = NULL;
    reader->values_unknown = reader->has_port = false;
    if (json_object_object_get_ex (object, "cpus", NULL))
        spec->recipe.cpus_given = true;
    aw_settle_step (reader, spec);
    check_together (reader, object, spec);
    aw_check_worker (reader, name, object, spec);
    aw_check_service (reader, object, spec);
}
