/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/pool_step.h"

#include "coord/slurm/srun_env.h"
#include "util/strings.h"

extern char **environ;

struct aw_line_process *aw_pool_step_create (struct event_base *base,
                                             const struct aw_pool_step_config *config,
                                             const struct aw_line_process_callbacks *callbacks,
                                             struct aw_error *err)
{
    struct aw_line_process *srun = NULL;
    struct aw_strings line;
    struct aw_strings env;

    aw_strings_init (&line);
    aw_strings_init (&env);
    /* A task that is killed for lack of memory must not take the step with it. As a variable,
     * because older releases reject --oom-kill-step; the user's option overrides it.
     */
    aw_strings_setenv (&env, "SLURM_OOM_KILL_STEP", "0");
    if (aw_pool_step_line (&line, config, err) == 0 && aw_srun_env (&env, environ, err) == 0)
        srun = aw_line_process_create (base, line.v, env.v, callbacks, err);
    aw_strings_finish (&line);
    aw_strings_finish (&env);
    return srun;
}
