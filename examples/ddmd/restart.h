/* SPDX-License-Identifier: Apache-2.0 */

/* From where a simulation starts: the one decision by which DeepDriveMD steers.
 *
 * H. Lee, M. Turilli, S. Jha, D. Bhowmik, H. Ma, A. Ramanathan, "DeepDriveMD: deep-learning driven
 * adaptive molecular simulations for protein folding", DLS workshop at SC 2019 (arXiv 1909.07817);
 * A. Brace et al., "Coupling streaming AI and HPC ensembles to achieve 100-1000x faster
 * biomolecular simulations", IPDPS 2022 (arXiv 2104.04797): of all frames the strongest outliers in
 * the latent space, and of those the ones with the lowest RMSD.
 */

#ifndef DDMD_RESTART_H
#define DDMD_RESTART_H

#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "util/error.h"

/* Keep of 'frames' (any order) the 'outliers' with the highest score, and order those by RMSD,
 * lowest first; of equals the one from the earlier simulation comes first, so the result does not
 * depend on the order given. Returns how many are left.
 */
size_t ddmd_restart_rank (struct ddmd_frame *frame, size_t count, size_t outliers);

/* The frame with which simulation 'index' of 'iteration' starts, after the newest inference in
 * 'directory' of which every part is there: number 'index' modulo 'keep' of the ranked frames of
 * all parts. 1 and the frame in 'chosen'; 0 if there has been no inference yet or it chose nothing;
 * -1 with the reason in 'err'.
 */
int ddmd_restart_choose (const char *directory,
                         uint32_t iteration,
                         uint32_t index,
                         size_t outliers,
                         size_t keep,
                         struct ddmd_frame *chosen,
                         struct aw_error *err);

#endif /* !DDMD_RESTART_H */
