/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's signals and Slurm's, which the coordinator alone handles. */
#ifndef AW_COORD_STOP_SIGNALS_H
#define AW_COORD_STOP_SIGNALS_H

#include "util/error.h"

struct event_base;

struct aw_stop_signals_callbacks {
    /* SIGINT, SIGTERM or SIGHUP came; TIMES counts all of them; NAME for people. From the loop. */
    void (*stop) (void *arg, int times, const char *name);
    /* SIGUSR1 or SIGUSR2: the end of the job is near (a batch script's --signal). */
    void (*drain) (void *arg, const char *name);
    /* Ctrl-Z: called before this process stops itself. */
    void (*suspend) (void *arg);
    void *arg;
};

struct aw_stop_signals;

/* From now on the signals come through the loop; SIGPIPE is ignored. NULL with text. */
struct aw_stop_signals *aw_stop_signals_create (struct event_base *base,
                                                const struct aw_stop_signals_callbacks *callbacks,
                                                struct aw_error *err);

/* Restores the signals, except SIGTERM and those that have come, which are ignored from now on:
 * they may be sent again and late, when the run has ended but not reported it. Takes NULL, keeps
 * errno.
 */
void aw_stop_signals_destroy (struct aw_stop_signals *signals);

#endif /* AW_COORD_STOP_SIGNALS_H */
