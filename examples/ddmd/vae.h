/* SPDX-License-Identifier: Apache-2.0 */

/* The convolutional variational autoencoder that learns what conformations look like.
 *
 * D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014; on contact maps of
 * proteins: D. Bhowmik et al., "Deep clustering of protein folding simulations", BMC Bioinformatics
 * 19 (2018) S18:484, from which DeepDriveMD took it. Sizes are smaller here:
 *
 *   encoder  n x n x 1 -> conv 4x4/2, 8 -> conv 4x4/2, 16 -> dense 64 -> mean and log variance,
 * 'latent' each decoder  latent -> dense 64 -> dense (n/4)^2 x 16 -> transposed conv 4x4/2, 8 ->
 * transposed conv 4x4/2, 1
 *
 * with max (x, 0) after all but the outputs. The loss of a sample is the binary cross-entropy of
 * all pixels plus the Kullback-Leibler divergence of its latent distribution from N (0, 1), in
 * nats; of a batch, the mean.
 */

#ifndef DDMD_VAE_H
#define DDMD_VAE_H

#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "util/error.h"

#define DDMD_LATENT_MAX 64

struct ddmd_vae; /* incomplete */

struct ddmd_vae_loss {
    double reconstruction; /* nats a sample */
    double divergence;
};

/* A network for maps of n x n pixels with random first weights (normal, variance 2 / inputs: K. He
 * et al., ICCV 2015), a function of 'seed'. 'n' is a positive multiple of 4, 'latent' 1 to
 * DDMD_LATENT_MAX, 'batch' the largest batch that will be given. 'backend' is borrowed. NULL with
 * the reason in 'err'. Free with ddmd_vae_destroy.
 */
struct ddmd_vae *ddmd_vae_create (const struct ddmd_backend *backend,
                                  size_t n,
                                  size_t latent,
                                  size_t batch,
                                  uint64_t seed,
                                  struct aw_error *err);

/* Free 'vae'; NULL is fine. errno is kept. */
void ddmd_vae_destroy (struct ddmd_vae *vae);

size_t ddmd_vae_latent (const struct ddmd_vae *vae);
size_t ddmd_vae_batch (const struct ddmd_vae *vae);

/* All weights and biases as one array, and, after ddmd_vae_gradient, the gradient of the loss by
 * them in the same order. The order is the layers', weights before biases; see vae.c. 'from' and
 * 'to' are ordinary memory of ddmd_vae_parameters () numbers.
 */
size_t ddmd_vae_parameters (const struct ddmd_vae *vae);
void ddmd_vae_set_parameters (struct ddmd_vae *vae, const ddmd_real *from);
void ddmd_vae_get_parameters (const struct ddmd_vae *vae, ddmd_real *to);
void ddmd_vae_get_gradient (const struct ddmd_vae *vae, ddmd_real *to);

/* The loss of 'count' samples, 1 to the batch: 'pixels' is [sample][row][column], 'noise'
 * [sample][latent] standard normal numbers for the reparametrisation. ddmd_vae_gradient leaves the
 * gradient behind as well.
 */
struct ddmd_vae_loss ddmd_vae_gradient (struct ddmd_vae *vae,
                                        const ddmd_real *pixels,
                                        const ddmd_real *noise,
                                        size_t count);

/* A training begins: Adam's steps so far and its moments do not matter any more. */
void ddmd_vae_forget_moments (struct ddmd_vae *vae);

/* One step of Adam (beta1 0.9, beta2 0.999, epsilon 1e-8, as its paper proposes) down the gradient
 * that is there.
 */
void ddmd_vae_descend (struct ddmd_vae *vae, double rate);

/* Where the encoder puts 'count' samples (1 to the batch): the means, [sample][latent], to 'means'.
 */
void ddmd_vae_embed (struct ddmd_vae *vae, const ddmd_real *pixels, size_t count, ddmd_real *means);

#endif /* !DDMD_VAE_H */
