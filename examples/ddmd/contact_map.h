/* SPDX-License-Identifier: Apache-2.0 */

/* Contact maps: which residues' Calphas are within 8 angstrom of each other. What the network sees
 * of a conformation.
 */

#ifndef DDMD_CONTACT_MAP_H
#define DDMD_CONTACT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

#define DDMD_CONTACT_CUTOFF 8.0

/* Bytes of the map of 'n' residues: one bit a pair of the full n x n matrix, row after row, the
 * first in the lowest bit.
 */
#define DDMD_CONTACT_BYTES(n) (((n) * (n) + 7) / 8)

/* Set all DDMD_CONTACT_BYTES (n) of 'map' from the planar coordinates 'x' of 'n' residues. */
void ddmd_contact_map (size_t n, const double *x, uint8_t *map);

/* The map as n x n numbers, 0 or 1. */
void ddmd_contact_map_unpack (size_t n, const uint8_t *map, ddmd_real *pixels);

#endif /* !DDMD_CONTACT_MAP_H */
