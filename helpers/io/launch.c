/* SPDX-License-Identifier: Apache-2.0 */
#include "io/launch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void aw_launch_init (struct aw_launch *launch)
{
    memset (launch, 0, sizeof (*launch));
    launch->time_limit = launch->notice = INFINITY;
}

static void free_strings (char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++)
        free (strings[i]);
    free (strings);
}

void aw_launch_finish (struct aw_launch *launch)
{
    int saved = errno;

    free_strings (launch->argv);
    free_strings (launch->env);
    free (launch->directory);
    free (launch->out);
    free (launch->err);
    aw_step_plan_destroy (launch->step);
    aw_idset_finish (&launch->cpus);
    aw_idset_finish (&launch->gpus);
    aw_launch_init (launch);
    errno = saved;
}
