/* SPDX-License-Identifier: Apache-2.0 */

/* A network in a file of kind "MODL" (file.h): one record of 4 bytes a parameter, in the order of
 * vae.c, 'detail' the latent dimensions. Adam's moments are not kept: a network that is trained
 * further begins with fresh ones.
 */

#ifndef DDMD_VAE_FILE_H
#define DDMD_VAE_FILE_H

#include <stdint.h>

#include "util/error.h"
#include "vae.h"

/* Write the parameters of 'vae', which iteration 'iteration' trained, to 'path'. */
int ddmd_vae_write (const char *path,
                    uint32_t iteration,
                    const struct ddmd_vae *vae,
                    struct aw_error *err);

/* The network in 'path', for batches of 'batch'; as ddmd_vae_create otherwise. */
struct ddmd_vae *ddmd_vae_read (const struct ddmd_backend *backend,
                                const char *path,
                                size_t batch,
                                struct aw_error *err);

#endif /* !DDMD_VAE_FILE_H */
