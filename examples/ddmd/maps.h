/* SPDX-License-Identifier: Apache-2.0 */

/* Contact maps of many simulations, gathered for the network: frames without coordinates, and where
 * to find those. Files of kind "MAPS" (file.h).
 */

#ifndef DDMD_MAPS_H
#define DDMD_MAPS_H

#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "util/error.h"

/* A record, as in the file. */
struct ddmd_map {
    uint32_t iteration; /* of the frame: frame 'index' of this simulation of this iteration */
    uint32_t simulation;
    uint32_t index;
    uint32_t zero;
    double rmsd;
    uint8_t map[DDMD_MAP_BYTES];
};

struct ddmd_maps {
    size_t count;
    struct ddmd_map *map;
};

/* Write 'maps' as part 'part' of 'parts' of 'iteration'. */
int ddmd_maps_write (const char *path,
                     uint32_t iteration,
                     uint32_t part,
                     uint32_t parts,
                     const struct ddmd_maps *maps,
                     struct aw_error *err);

/* Add the maps in the file 'path' to those in 'maps' (all-zero at first). On failure 'maps' stays
 * as it was. The caller ends with ddmd_maps_finish.
 */
int ddmd_maps_append (const char *path, struct ddmd_maps *maps, struct aw_error *err);

/* Add all maps of the iterations first to last in the run directory 'directory'. The last one must
 * be there; earlier ones that are missing or have parts missing are left out. Otherwise like
 * ddmd_maps_append.
 */
int ddmd_maps_gather (const char *directory,
                      uint32_t first,
                      uint32_t last,
                      struct ddmd_maps *maps,
                      struct aw_error *err);

/* Free what 'maps' holds; an all-zero struct is fine. errno is kept. */
void ddmd_maps_finish (struct ddmd_maps *maps);

#endif /* !DDMD_MAPS_H */
