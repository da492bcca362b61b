/* SPDX-License-Identifier: Apache-2.0 */
/* Durations in earlier runs: seconds of completed tasks, by set. */
#ifndef AW_MODEL_SAMPLES_H
#define AW_MODEL_SAMPLES_H

#include <stdint.h>

/* {0} is empty. */
struct aw_samples {
    struct aw_sample_list {
        double *seconds; /* owned */
        uint32_t n, room;
        double sum; /* of all seconds */
    } * sets; /* owned */
    uint32_t n_sets;
};

/* Adds the seconds of a task of SET. 0, or -1 with ENOMEM. */
int aw_samples_add (struct aw_samples *samples, uint32_t set, double seconds);
void aw_samples_finish (struct aw_samples *samples);

/* The samples of SET; NULL: there are none, or SAMPLES is NULL. Borrowed. */
const struct aw_sample_list *aw_samples_of (const struct aw_samples *samples, uint32_t set);

/* Mean of a set's samples; NAN: there is none. */
double aw_samples_mean (const struct aw_samples *samples, uint32_t set);

#endif /* AW_MODEL_SAMPLES_H */
