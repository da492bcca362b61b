/* SPDX-License-Identifier: Apache-2.0 */
/* The user's options come first, so that ours override them on the step's shape. Slurm gives every
 * step that overlaps the GPUs from 0 upwards: so each asks for all GPUs that the job has on its
 * nodes, and async-workflow-bind leaves each rank those of the plan. Asked for a total on several
 * nodes, Slurm 22.05 gives such a step one too few; asked for a number a node, all, if each node
 * has it. On one node it is the other way round: asked for a number a node, Slurm 22.05 refuses
 * some steps; asked for a total, 24.11 lets a step wait for ever where the job's nodes have unlike
 * numbers.
 */
#include "coord/steps/step_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/slurm/srun_env.h"
#include "io/textbuf.h"
#include "coord/slurm/slurm_program.h"

/* Variables of ours that are the coordinator's, not the task's. */
#define OURS "ASYNC_WORKFLOW_"

static char *node_list (const struct aw_step_plan *step)
{
    struct aw_textbuf text = { 0 };

    for (uint32_t i = 0; i < step->n_parts; i++) {
        if (i > 0)
            aw_textbuf_putc (&text, ',');
        aw_textbuf_puts (&text, step->parts[i].node);
    }
    aw_textbuf_putc (&text, '\0');
    if (!text.failed)
        return text.data;
    aw_textbuf_finish (&text);
    return NULL;
}

/* OPTION=PATH, as srun takes file names: a percent sign begins a placeholder there. A backslash
 * cannot be written: see step_log.h. */
static void add_file (struct aw_strings *line, const char *option, const char *path)
{
    struct aw_textbuf text = { 0 };

    aw_textbuf_puts (&text, option);
    for (const char *p = path; *p; p++) {
        if (*p == '%')
            aw_textbuf_putc (&text, *p);
        aw_textbuf_putc (&text, *p);
    }
    aw_textbuf_putc (&text, '\0');
    if (text.failed)
        line->failed = true;
    else
        aw_strings_add (line, text.data);
    aw_textbuf_finish (&text);
}

/* GPUs that each of its nodes has; 0 where the step wants none. The plan uses no others: see
 * aw_layout_may_use. */
static uint32_t gpus_of_each (const struct aw_step_plan *step)
{
    uint32_t least = UINT32_MAX;

    if (aw_idset_next (&step->parts[0].ranks[0].gpus, 0) == AW_IDSET_NONE)
        return 0;
    for (uint32_t i = 0; i < step->n_parts; i++)
        least = step->parts[i].n_gpus < least ? step->parts[i].n_gpus : least;
    return least;
}

/* Has the user chosen the step's GPUs in the workflow file? */
static bool chooses_gpus (char *const *options)
{
    for (; options && *options; options++)
        if (strncmp (*options, "--g", 3) == 0 || strncmp (*options, "-G", 2) == 0
            || strncmp (*options, "--tres-per-task", 15) == 0)
            return true;
    return false;
}

/* The first release that gets a number a node for steps on one node, too. */
#define RELEASE_PER_NODE 2411

static bool wants_total (const struct aw_step_plan *step, const struct aw_step_job *job)
{
    return step->n_parts == 1 && job->release < RELEASE_PER_NODE;
}

static void add_gpus (struct aw_strings *line,
                      const struct aw_step_plan *step,
                      const struct aw_step_job *job)
{
    uint32_t gpus = gpus_of_each (step);

    if (gpus > 0)
        aw_strings_addf (
            line, wants_total (step, job) ? "--gpus=%" PRIu32 : "--gpus-per-node=%" PRIu32, gpus);
    else if (job->has_gres && !chooses_gpus (step->srun))
        aw_strings_add (line, "--gres=none");
}

bool aw_step_srun_kills (const struct aw_launch *launch)
{
    return aw_codes_empty (&launch->success);
}

static void add_shape (struct aw_strings *line,
                       const struct aw_step_plan *step,
                       const char *nodes,
                       bool kills)
{
    static const char *const fixed[] = {
        "--overlap", /* the pool's step holds the job */
        "--mem=0", /* all of the job's on each node: the plan counts it */
        "--cpu-bind=none", /* each rank is bound by async-workflow-bind */
        "--mem-bind=none", "--input=none", "--wait=0", "--disable-status", "--open-mode=truncate",
        "--verbose", /* prints the step's id, and when it begins */
    };

    aw_strings_addf (line, "--nodelist=%s", nodes);
    aw_strings_addf (line, "--nodes=%" PRIu32, step->n_parts);
    aw_strings_addf (line, "--ntasks=%" PRIu64, (uint64_t)step->n_parts * step->ranks_per_node);
    aw_strings_addf (line, "--ntasks-per-node=%" PRIu32, step->ranks_per_node);
    for (size_t i = 0; i < sizeof (fixed) / sizeof (fixed[0]); i++)
        aw_strings_add (line, fixed[i]);
    aw_strings_addf (line, "--kill-on-bad-exit=%d", kills); /* the task fails as one */
}

static void add_plan (struct aw_strings *line, const struct aw_launch *launch)
{
    for (uint32_t i = 0; i < launch->step->n_parts; i++) {
        char *text = aw_step_part_text (launch->step, i);

        if (text)
            aw_strings_addf (line, "--on=%s", text);
        else
            line->failed = true;
        free (text);
        if (launch->step->parts[i].socket)
            aw_strings_addf (line, "--messages=%s:%s", launch->step->parts[i].node,
                             launch->step->parts[i].socket);
    }
    if (launch->gpu_share > 0)
        aw_strings_addf (line, "--gpu-share=%" PRIu32, launch->gpu_share);
}

int aw_step_line (struct aw_strings *line,
                  const struct aw_launch *launch,
                  const struct aw_step_job *job,
                  const char *bind,
                  struct aw_error *err)
{
    const struct aw_step_plan *step = launch->step;
    char *nodes = node_list (step);

    if (!nodes)
        return aw_error_set (err, "%s", strerror (ENOMEM));
    aw_strings_add (line, bind);
    aw_strings_addf (line, "--parent=%ld", (long)getpid ());
    aw_strings_add (line, "--");
    aw_strings_add (line, aw_slurm_program ("srun"));
    aw_strings_add_all (line, step->srun);
    aw_strings_addf (line, "--jobid=%s", job->id);
    add_shape (line, step, nodes, aw_step_srun_kills (launch));
    add_gpus (line, step, job);
    aw_strings_addf (line, "--chdir=%s", launch->directory);
    add_file (line, "--output=", launch->out);
    if (strcmp (launch->out, launch->err) != 0)
        add_file (line, "--error=", launch->err);
    aw_strings_add (line, bind);
    add_plan (line, launch);
    aw_strings_add (line, "--");
    aw_strings_add_all (line, launch->argv);
    free (nodes);
    return line->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}

int aw_step_env (struct aw_strings *env,
                 const struct aw_launch *launch,
                 char *const *from,
                 struct aw_error *err)
{
    for (; from && *from; from++)
        if (!aw_srun_env_removes (*from) && strncmp (*from, OURS, strlen (OURS)) != 0)
            aw_strings_add (env, *from);
    for (char **variable = launch->env; variable && *variable; variable++) {
        const char *equals = strchr (*variable, '=');
        char *name = equals ? strndup (*variable, (size_t)(equals - *variable)) : NULL;

        if (name)
            aw_strings_setenv (env, name, equals + 1);
        else if (equals)
            env->failed = true;
        free (name);
    }
    return env->failed ? aw_error_set (err, "%s", strerror (ENOMEM)) : 0;
}
