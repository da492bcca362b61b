/* SPDX-License-Identifier: Apache-2.0 */
/* async_workflow.so, a SPANK plugin: srun --async-workflow=FILE, or --async-workflow-resume=DIR,
 * becomes the coordinator, async-workflow run.
 *
 * It acts in srun alone, as the user. In slurmd and slurmstepd, where Slurm loads every plugin as
 * root, and in sbatch and salloc it does nothing and has no options. restart.h and handover.h say
 * what the two phases are.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <slurm/spank.h>

#include "handover.h"
#include "options.h"
#include "process.h"
#include "restart.h"
#include "util/error.h"
#include "util/exit_status.h"
#include "util/strings.h"

SPANK_PLUGIN (async_workflow, 1)

/* An option's callback gets no context of ours from Slurm, hence the one static one. */
static struct {
    struct aw_options options;
    bool other_component; /* parts of a heterogeneous line without our options have gone by */
} context;

/* The one place where the plugin ends srun: Slurm ignores what an optional plugin returns. _exit,
 * since the handlers of exit would call back into the plugin stack that is calling us.
 */
static void refuse (const struct aw_error *err)
{
    fflush (stdout);
    fprintf (stderr, "srun: error: async-workflow: %s\n", err->text);
    _exit (AW_EXIT_INPUT);
}

/* Slurm has just got value from getopt_long: its optind is that of the word after. */
static int record (int option, const char *value, struct aw_error *err)
{
    struct aw_strings line;
    int rc = -1;

    aw_strings_init (&line);
    if (aw_options_set (&context.options, option, value, err) == 0
        && aw_process_read (&line, "/proc/self/cmdline", err) == 0
        && (context.other_component
            || aw_options_mark (&context.options, &line, (size_t)optind, value, err) == 0))
        rc = 0;
    aw_strings_finish (&line);
    return rc;
}

static int option_callback (int option, const char *value, int remote)
{
    struct aw_error err = { "" };
    int rc;

    if (remote)
        return ESPANK_SUCCESS;
    if ((option == AW_OPTION_FILE || option == AW_OPTION_RESUME) && !aw_restart_is_done ())
        rc = aw_restart (&err);
    else
        rc = record (option, value ? value : "", &err); /* a flag has none */
    if (rc < 0)
        refuse (&err);
    return ESPANK_SUCCESS;
}

int slurm_spank_init (spank_t spank, int ac, char **av)
{
    (void)ac;
    (void)av;
    if (spank_context () != S_CTX_LOCAL)
        return ESPANK_SUCCESS;
    /* Before srun looks at them: only its line counts. */
    aw_process_forget_options ();
    for (int i = 0; i < AW_OPTION_SRUN_COUNT; i++) {
        struct spank_option option = {
            .name = (char *)aw_option_table[i].srun_name,
            .arginfo = (char *)aw_option_table[i].argument,
            .usage = (char *)aw_option_table[i].help,
            .has_arg = aw_option_table[i].argument != NULL,
            .val = i,
            .cb = option_callback,
        };
        if (spank_option_register (spank, &option) != ESPANK_SUCCESS)
            return ESPANK_ERROR;
    }
    return ESPANK_SUCCESS;
}

int slurm_spank_init_post_opt (spank_t spank, int ac, char **av)
{
    struct aw_error err = { "" };
    const char *command;
    int extra;

    (void)spank;
    if (spank_context () != S_CTX_LOCAL)
        return ESPANK_SUCCESS;
    extra = aw_options_first_extra (&context.options);
    if (!aw_options_has_run (&context.options)) {
        context.other_component = true;
        if (extra < 0)
            return ESPANK_SUCCESS;
        aw_error_set (&err,
                      "--%s: has no effect without --%s=FILE or --%s=DIRECTORY: give one of them",
                      aw_option_table[extra].srun_name, aw_option_table[AW_OPTION_FILE].srun_name,
                      aw_option_table[AW_OPTION_RESUME].srun_name);
    }
    else if (context.other_component) {
        aw_error_set (&err, "heterogeneous jobs cannot run a workflow: "
                            "give one set of options, without \":\"");
    }
    else {
        command = aw_handover_command (ac, av, AW_COMMAND, &err);
        if (command)
            aw_handover (command, &context.options, (size_t)optind, &err);
    }
    refuse (&err);
    return ESPANK_ERROR;
}
