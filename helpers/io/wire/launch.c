/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire/launch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"

void aw_launch_init (struct aw_launch *launch)
{
    memset (launch, 0, sizeof (*launch));
    launch->time_limit = launch->notice = launch->ready_timeout = INFINITY;
}

void aw_launch_finish (struct aw_launch *launch)
{
    int saved = errno;

    free (launch->argv);
    free (launch->env);
    free (launch->stage_in);
    free (launch->peers);
    free (launch->stage_out);
    free (launch->base);
    free (launch->directory);
    free (launch->out);
    free (launch->err);
    free (launch->store);
    free (launch->call);
    free (launch->name);
    free (launch->ready_topic);
    aw_step_plan_destroy (launch->step);
    aw_idset_finish (&launch->cpus);
    aw_idset_finish (&launch->gpus);
    aw_launch_init (launch);
    errno = saved;
}

static int copy_text (char **to, const char *from)
{
    *to = from ? strdup (from) : NULL;
    return from && !*to ? -1 : 0;
}

/* As all vectors of a launch, in one block. */
static int copy_strings (char ***to, char *const *from)
{
    struct aw_textbuf text = { 0 };

    *to = NULL;
    if (!from)
        return 0;
    for (; *from; from++)
        aw_textbuf_put (&text, *from, strlen (*from) + 1);
    *to = aw_textbuf_vector (&text);
    return *to ? 0 : -1;
}

int aw_launch_copy (struct aw_launch *to, const struct aw_launch *from)
{
    struct aw_launch copy = *from;
    int rc = 0;

    /* Each member is overwritten even if one before it failed, so that finish can free them all. */
    copy.step = NULL; /* agents do not need it */
    memset (&copy.cpus, 0, sizeof (copy.cpus));
    memset (&copy.gpus, 0, sizeof (copy.gpus));
    rc |= copy_strings (&copy.argv, from->argv);
    rc |= copy_strings (&copy.env, from->env);
    rc |= copy_strings (&copy.stage_in, from->stage_in);
    rc |= copy_strings (&copy.peers, from->peers);
    rc |= copy_strings (&copy.stage_out, from->stage_out);
    rc |= copy_text (&copy.base, from->base);
    rc |= copy_text (&copy.directory, from->directory);
    rc |= copy_text (&copy.out, from->out);
    rc |= copy_text (&copy.err, from->err);
    rc |= copy_text (&copy.store, from->store);
    rc |= copy_text (&copy.call, from->call);
    rc |= copy_text (&copy.name, from->name);
    rc |= copy_text (&copy.ready_topic, from->ready_topic);
    rc |= aw_idset_copy (&copy.cpus, &from->cpus);
    rc |= aw_idset_copy (&copy.gpus, &from->gpus);
    *to = copy;
    if (rc == 0)
        return 0;
    aw_launch_finish (to);
    errno = ENOMEM;
    return -1;
}
