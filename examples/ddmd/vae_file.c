/* SPDX-License-Identifier: Apache-2.0 */

/* Parameters in and out of files. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "frames.h"
#include "vae_file.h"

_Static_assert(sizeof (ddmd_real) == 4, "files hold single precision");

int ddmd_vae_write (const char *path,
                    uint32_t iteration,
                    const struct ddmd_vae *vae,
                    struct aw_error *err)
{
    struct ddmd_file_header header = {
        .residues = DDMD_RESIDUES,
        .iteration = iteration,
        .parts = 1,
        .detail = (uint32_t)ddmd_vae_latent (vae),
        .count = ddmd_vae_parameters (vae),
        .record_bytes = sizeof (ddmd_real),
    };
    ddmd_real *parameters = calloc (header.count, sizeof (*parameters));
    int rc;

    if (!parameters)
        return aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
    memcpy (header.kind, DDMD_FILE_MODEL, 4);
    ddmd_vae_get_parameters (vae, parameters);
    rc = ddmd_file_write (path, &header, parameters, err);
    free (parameters);
    return rc;
}

static int check_parameters (const char *path,
                             const struct ddmd_file_header *header,
                             const ddmd_real *parameters,
                             const struct ddmd_vae *vae,
                             struct aw_error *err)
{
    if (header->count != ddmd_vae_parameters (vae))
        return aw_error_set (err,
                             "%s: %llu parameters where the network has %zu: the file is damaged",
                             path, (unsigned long long)header->count, ddmd_vae_parameters (vae));
    for (size_t i = 0; i < header->count; i++) {
        if (!isfinite (parameters[i]))
            return aw_error_set (err, "%s: parameter %zu is not a number: the file is damaged",
                                 path, i);
    }
    return 0;
}

struct ddmd_vae *ddmd_vae_read (const struct ddmd_backend *backend,
                                const char *path,
                                size_t batch,
                                struct aw_error *err)
{
    struct ddmd_file_header header;
    ddmd_real *parameters =
        ddmd_file_read (path, DDMD_FILE_MODEL, sizeof (*parameters), &header, err);
    struct ddmd_vae *vae = NULL;

    if (!parameters)
        return NULL;
    if (header.residues != DDMD_RESIDUES || header.detail == 0 || header.detail > DDMD_LATENT_MAX)
        aw_error_set (err, "%s: a network for %u residues and %u latent dimensions cannot be used",
                      path, header.residues, header.detail);
    else
        vae = ddmd_vae_create (backend, header.residues, header.detail, batch, 0, err);
    if (vae && check_parameters (path, &header, parameters, vae, err) < 0) {
        ddmd_vae_destroy (vae);
        vae = NULL;
    }
    if (vae)
        ddmd_vae_set_parameters (vae, parameters);
    free (parameters);
    return vae;
}
