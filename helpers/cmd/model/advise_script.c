/* SPDX-License-Identifier: Apache-2.0 */
/* The batch script: what to ask Slurm for, and srun --async-workflow=F as its one command. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cmd/model/advise.h"
#include "cmd/report/report.h"
#include "model/predict.h"

#define HARMLESS AW_NAME_CHARACTERS "/+=:,@%"

/* TEXT as one word for the shell. */
static void put_word (struct aw_textbuf *out, const char *text)
{
    if (*text && text[strspn (text, HARMLESS)] == '\0') {
        aw_textbuf_puts (out, text);
        return;
    }
    aw_textbuf_putc (out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            aw_textbuf_puts (out, "'\\''");
        else
            aw_textbuf_putc (out, *text);
    }
    aw_textbuf_putc (out, '\'');
}

/* An option of srun's, once for each of its values. */
static void put_each (struct aw_textbuf *out, const char *option, const struct aw_strings *values)
{
    for (size_t i = 0; i < values->n; i++) {
        aw_textbuf_printf (out, " --async-workflow-%s=", option);
        put_word (out, values->v[i]);
    }
}

static void put_job_name (struct aw_textbuf *out, const char *name)
{
    aw_textbuf_puts (out, "#SBATCH --job-name=");
    for (; *name; name++)
        aw_textbuf_putc (out, strchr (AW_NAME_CHARACTERS, *name) ? *name : '_');
    aw_textbuf_putc (out, '\n');
}

static bool wants_memory (const struct aw_graph *graph)
{
    for (uint32_t s = 0; s < graph->n_sets; s++)
        if (graph->sets[s].mem)
            return true;
    return false;
}

void aw_advise_script (const struct aw_advice *advice, struct aw_textbuf *out)
{
    const struct aw_advise_args *args = advice->args;
    const struct aw_sweep_row *row = advice->chosen;
    const char *partition = args->partition;
    uint32_t minutes = advice->minutes;

    aw_textbuf_puts (out, "#!/bin/sh\n");
    put_job_name (out, advice->workflow->name);
    if (partition)
        aw_textbuf_printf (out, "#SBATCH --partition=%s\n", partition);
    aw_textbuf_printf (out, "#SBATCH --nodes=%" PRIu32 " --exclusive --mincpus=%" PRIu32 "\n",
                       row->nodes, advice->node.cpus);
    if (advice->node.gpus)
        aw_textbuf_printf (out, "#SBATCH --gpus-per-node=%" PRIu32 "\n", advice->node.gpus);
    if (wants_memory (advice->workflow->graph))
        aw_textbuf_puts (out, "#SBATCH --mem=0\n"); /* all of each node's */
    aw_textbuf_printf (out, "# The model: %.1f s, %s; the limit is ", advice->makespan,
                       aw_advise_order (advice));
    aw_advise_put_limit (advice, out);
    aw_textbuf_puts (out, ", in whole minutes.\n");
    aw_textbuf_printf (out, "#SBATCH --time=%" PRIu32 "-%02" PRIu32 ":%02" PRIu32 ":00\n",
                       minutes / 1440, minutes / 60 % 24, minutes % 60);
    aw_textbuf_puts (out, "srun --async-workflow=");
    put_word (out, args->file);
    put_each (out, "param", &args->parameters);
    put_each (out, "durations", &args->durations);
    if (args->policy)
        aw_textbuf_printf (out, " --async-workflow-policy=%s", args->policy);
    if (!isnan (args->plan_time))
        aw_textbuf_printf (out, " --async-workflow-plan-time=%g", args->plan_time);
    if (args->plan_evaluations)
        aw_textbuf_printf (out, " --async-workflow-plan-evaluations=%" PRIu32,
                           args->plan_evaluations);
    aw_textbuf_putc (out, '\n');
}

int aw_advise_write (const struct aw_textbuf *text,
                     const char *path,
                     bool force,
                     struct aw_error *err)
{
    int fd, saved;

    if (text->failed)
        return aw_error_set (err, "out of memory");
    fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (force ? O_TRUNC : O_EXCL), 0777);
    if (fd < 0 && errno == EEXIST)
        return aw_error_set (err, "exists: give --force to overwrite it");
    if (fd < 0)
        return aw_error_set (err, "cannot be written: %s", strerror (errno));
    if (aw_report_write (text, fd) == 0 && close (fd) == 0)
        return 0;
    saved = errno;
    close (fd);
    if (!force)
        unlink (path); /* half a script is none */
    return aw_error_set (err, "cannot be written: %s", strerror (saved));
}
