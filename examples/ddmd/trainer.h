/* SPDX-License-Identifier: Apache-2.0 */

/* Passing contact maps through the network: one epoch of training, or embedding. Both unpack maps
 * batch by batch, so memory does not grow with their number.
 */

#ifndef DDMD_TRAINER_H
#define DDMD_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include "maps.h"
#include "vae.h"

/* One pass over all maps in random order, with a step of Adam a batch; order and noise are
 * functions of 'seed' and 'epoch'. Sets the mean 'loss', as it was seen on the way. -1 if memory is
 * short, or there are no maps.
 */
int ddmd_trainer_epoch (struct ddmd_vae *vae,
                        const struct ddmd_maps *maps,
                        double rate,
                        uint64_t seed,
                        uint64_t epoch,
                        struct ddmd_vae_loss *loss);

/* The latent means of all maps, [map][latent], to 'means'. -1 if memory is short. */
int ddmd_trainer_embed (struct ddmd_vae *vae, const struct ddmd_maps *maps, double *means);

#endif /* !DDMD_TRAINER_H */
