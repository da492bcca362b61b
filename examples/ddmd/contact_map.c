/* SPDX-License-Identifier: Apache-2.0 */

/* A bit a pair; the matrix is stored whole, though symmetric, because that is the image the network
 * takes.
 */

#include <string.h>

#include "contact_map.h"
#include "vector.h"

void ddmd_contact_map (size_t n, const double *x, uint8_t *map)
{
    memset (map, 0, DDMD_CONTACT_BYTES (n));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double d[3];

            ddmd_vector_between (x, n, i, j, d);
            if (ddmd_vector_dot (d, d) < DDMD_CONTACT_CUTOFF * DDMD_CONTACT_CUTOFF)
                map[(i * n + j) / 8] |= (uint8_t)(1U << (i * n + j) % 8);
        }
    }
}

void ddmd_contact_map_unpack (size_t n, const uint8_t *map, ddmd_real *pixels)
{
    for (size_t k = 0; k < n * n; k++)
        pixels[k] = (ddmd_real)(map[k / 8] >> k % 8 & 1);
}
