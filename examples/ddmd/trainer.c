/* SPDX-License-Identifier: Apache-2.0 */

/* Batches. */

#include <stdlib.h>

#include "contact_map.h"
#include "philox.h"
#include "trainer.h"

#define PIXELS (DDMD_RESIDUES * DDMD_RESIDUES)

struct batch {
    ddmd_real *pixels;
    ddmd_real *latent; /* noise on the way in, means on the way out */
    double *normal;
};

static void batch_finish (struct batch *batch)
{
    free (batch->pixels);
    free (batch->latent);
    free (batch->normal);
}

static int batch_init (struct batch *batch, const struct ddmd_vae *vae)
{
    size_t latent = ddmd_vae_batch (vae) * ddmd_vae_latent (vae);

    batch->pixels = calloc (ddmd_vae_batch (vae) * PIXELS, sizeof (*batch->pixels));
    batch->latent = calloc (latent, sizeof (*batch->latent));
    batch->normal = calloc (latent, sizeof (*batch->normal));
    if (batch->pixels && batch->latent && batch->normal)
        return 0;
    batch_finish (batch);
    return -1;
}

/* Fisher and Yates' shuffle. The remainder favours some orders by less than one part in 2^32 /
 * count: no matter here.
 */
static void shuffle (size_t *order, size_t count, uint64_t seed, uint64_t epoch)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count - 1; i > 0; i--) {
        uint32_t counter[4] = { (uint32_t)i, (uint32_t)epoch, (uint32_t)(epoch >> 32),
                                DDMD_PHILOX_SHUFFLE };
        uint32_t word[4];
        size_t j, swap;

        ddmd_philox (seed, counter, word);
        j = word[0] % (i + 1);
        swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static void train_batches (struct ddmd_vae *vae,
                           const struct ddmd_maps *maps,
                           const size_t *order,
                           double rate,
                           uint64_t key,
                           struct batch *batch,
                           struct ddmd_vae_loss *loss)
{
    size_t latent = ddmd_vae_latent (vae);

    *loss = (struct ddmd_vae_loss){ 0 };
    for (size_t first = 0; first < maps->count; first += ddmd_vae_batch (vae)) {
        size_t left = maps->count - first;
        size_t count = left < ddmd_vae_batch (vae) ? left : ddmd_vae_batch (vae);
        struct ddmd_vae_loss part;

        for (size_t i = 0; i < count; i++)
            ddmd_contact_map_unpack (DDMD_RESIDUES, maps->map[order[first + i]].map,
                                     batch->pixels + i * PIXELS);
        ddmd_philox_normal (key, first, DDMD_PHILOX_LATENT, batch->normal, count * latent);
        for (size_t i = 0; i < count * latent; i++)
            batch->latent[i] = (ddmd_real)batch->normal[i];
        part = ddmd_vae_gradient (vae, batch->pixels, batch->latent, count);
        ddmd_vae_descend (vae, rate);
        loss->reconstruction += part.reconstruction * (double)count / (double)maps->count;
        loss->divergence += part.divergence * (double)count / (double)maps->count;
    }
}

int ddmd_trainer_epoch (struct ddmd_vae *vae,
                        const struct ddmd_maps *maps,
                        double rate,
                        uint64_t seed,
                        uint64_t epoch,
                        struct ddmd_vae_loss *loss)
{
    struct batch batch;
    size_t *order;

    if (maps->count == 0 || batch_init (&batch, vae) < 0)
        return -1;
    order = calloc (maps->count, sizeof (*order));
    if (order) {
        shuffle (order, maps->count, seed, epoch);
        train_batches (vae, maps, order, rate, ddmd_philox_key (seed, (uint32_t)epoch, 0), &batch,
                       loss);
    }
    free (order);
    batch_finish (&batch);
    return order ? 0 : -1;
}

int ddmd_trainer_embed (struct ddmd_vae *vae, const struct ddmd_maps *maps, double *means)
{
    size_t latent = ddmd_vae_latent (vae);
    struct batch batch;

    if (batch_init (&batch, vae) < 0)
        return -1;
    for (size_t first = 0; first < maps->count; first += ddmd_vae_batch (vae)) {
        size_t left = maps->count - first;
        size_t count = left < ddmd_vae_batch (vae) ? left : ddmd_vae_batch (vae);

        for (size_t i = 0; i < count; i++)
            ddmd_contact_map_unpack (DDMD_RESIDUES, maps->map[first + i].map,
                                     batch.pixels + i * PIXELS);
        ddmd_vae_embed (vae, batch.pixels, count, batch.latent);
        for (size_t i = 0; i < count * latent; i++)
            means[first * latent + i] = (double)batch.latent[i];
    }
    batch_finish (&batch);
    return 0;
}
