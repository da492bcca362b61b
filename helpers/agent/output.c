/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and error of attempts: files of their own, or pipes to the log store. */
#include "config.h"

#include <string.h>

#include "agent/agent_state.h"

/* Files of which only their names would be known. A file that a user has named stays. */
static int note_tidy (struct aw_agent_attempt *attempt, const struct aw_launch *launch)
{
    const char *paths[2] = { launch->tidy & AW_TIDY_OUT ? launch->out : NULL,
                             launch->tidy & AW_TIDY_ERR ? launch->err : NULL };

    for (int i = 0; i < 2; i++)
        if (paths[i] && !(attempt->tidy[i] = strdup (paths[i])))
            return -1;
    return 0;
}

int aw_attempt_output_open (struct aw_agent_attempt *attempt,
                            const struct aw_launch *launch,
                            struct aw_spawn *spawn,
                            struct aw_log_pipes *pipes,
                            struct aw_error *err)
{
    if (note_tidy (attempt, launch) < 0)
        return aw_error_set (err, "cannot be started: out of memory");
    if (aw_task_logs_open (attempt->agent->logs, launch, pipes, err) < 0)
        return -1;
    spawn->out = launch->out;
    spawn->err = launch->err;
    spawn->out_fd = pipes->write[0];
    spawn->err_fd = pipes->write[1];
    return 0;
}

void aw_attempt_output_begin (struct aw_agent_attempt *attempt,
                              const struct aw_launch *launch,
                              struct aw_log_pipes *pipes)
{
    if (launch->out && launch->err)
        return;
    attempt->logged = true;
    aw_task_logs_begin (attempt->agent->logs, launch, pipes);
}
