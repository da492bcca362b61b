/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/steps/step_signal.h"

#include <stdlib.h>

#include "coord/slurm/line_process.h"
#include "util/strings.h"

extern char **environ;

struct aw_step_errand {
    struct aw_step_signals *signals;
    struct aw_step_errand *next;
    struct aw_line_process *child;
};

static void on_ended (void *arg, int status)
{
    struct aw_step_errand *errand = arg, **at = &errand->signals->errands;

    (void)status; /* if the step is gone already, there is nothing to report */
    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    aw_line_process_destroy (errand->child);
    free (errand);
}

int aw_step_signal (struct aw_step_signals *signals, const char *id, int sig)
{
    struct aw_step_errand *errand = calloc (1, sizeof (*errand));
    struct aw_line_process_callbacks callbacks = { NULL, on_ended, errand };
    struct aw_strings line = { 0 };

    aw_strings_add (&line, "scancel");
    if (sig)
        aw_strings_addf (&line, "--signal=%d", sig);
    aw_strings_add (&line, id);
    if (errand && !line.failed && *id)
        errand->child = aw_line_process_create (signals->base, line.v, environ, &callbacks, NULL);
    aw_strings_finish (&line);
    if (!errand || !errand->child) {
        free (errand);
        return -1;
    }
    errand->signals = signals;
    errand->next = signals->errands;
    signals->errands = errand;
    return 0;
}

void aw_step_signals_finish (struct aw_step_signals *signals)
{
    while (signals->errands) {
        struct aw_step_errand *errand = signals->errands;

        signals->errands = errand->next;
        aw_line_process_destroy (errand->child);
        free (errand);
    }
}
