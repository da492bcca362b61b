/* SPDX-License-Identifier: Apache-2.0 */
/* Signals for all ranks of a job step. srun cannot send SIGTERM to its ranks (it treats one as its
 * own, and then kills them), so scancel does that, with the step's id that srun prints. */
#ifndef AW_COORD_STEPS_STEP_SIGNAL_H
#define AW_COORD_STEPS_STEP_SIGNAL_H

struct event_base;
struct aw_step_errand;

struct aw_step_signals {
    struct event_base *base; /* borrowed */
    struct aw_step_errand *errands; /* each a scancel on its way; private */
};

/* Sends SIG to the ranks of step ID ("17.3"; empty: it is not known), or where SIG is 0 cancels the
 * step, without waiting for it. 0, or -1 where that cannot be. A step that is gone already is no
 * error.
 */
int aw_step_signal (struct aw_step_signals *signals, const char *id, int sig);

/* Waits for those on their way as aw_line_process_destroy does. Takes a zeroed value. */
void aw_step_signals_finish (struct aw_step_signals *signals);

#endif /* AW_COORD_STEPS_STEP_SIGNAL_H */
