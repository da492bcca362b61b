/* SPDX-License-Identifier: Apache-2.0 */

/* Random numbers without a state: Philox4x32-10, a function of a key and a counter.
 *
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. The noise of step s of a trajectory is a function of (its key, s), so that a run can
 * be repeated from any frame, and so that any number of threads may draw at once, on a GPU too.
 */

#ifndef DDMD_PHILOX_H
#define DDMD_PHILOX_H

#include <stddef.h>
#include <stdint.h>

/* What numbers are drawn for: the last word of the counter, so that no two uses share numbers. */
enum ddmd_philox_use {
    DDMD_PHILOX_NOISE = 0, /* Langevin noise */
    DDMD_PHILOX_VELOCITY = 1, /* first velocities */
    DDMD_PHILOX_WEIGHTS = 2, /* first weights of the network */
    DDMD_PHILOX_LATENT = 3, /* reparametrisation */
    DDMD_PHILOX_SHUFFLE = 4, /* order of the training set */
    DDMD_PHILOX_KEY = 5, /* keys from seeds */
};

/* out = Philox4x32-10 of 'counter' under 'key'. */
void ddmd_philox (uint64_t key, const uint32_t counter[4], uint32_t out[4]);

/* A key for trajectory 'index' of iteration 'iteration' under the user's 'seed'; distinct arguments
 * give keys that have nothing to do with each other.
 */
uint64_t ddmd_philox_key (uint64_t seed, uint32_t iteration, uint32_t index);

/* Fill out[0 .. count - 1] with standard normal numbers (Box-Muller in single precision: no value
 * beyond 6.7). They are a function of key, step and use; the first numbers are the same for
 * every count.
 */
void ddmd_philox_normal (
    uint64_t key, uint64_t step, enum ddmd_philox_use use, double *out, size_t count);

#endif /* !DDMD_PHILOX_H */
