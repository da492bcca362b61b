/* SPDX-License-Identifier: Apache-2.0 */

/* Frames: conformations with velocities, what a simulation writes and what it starts from. Files of
 * kind "FRAM" (file.h). The file of simulation 'part' of 'parts' in an iteration holds its frames
 * in order; a restart file holds frames of any simulations, lowest RMSD first.
 */

#ifndef DDMD_FRAMES_H
#define DDMD_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "contact_map.h"
#include "util/error.h"

/* The protein of the example: the second zinc finger of Zif268. The files and the network are made
 * for its size.
 */
#define DDMD_RESIDUES 28

/* The bits of a contact map, filled up to a multiple of eight bytes. */
#define DDMD_MAP_BYTES 104

/* A record, as in the file. */
struct ddmd_frame {
    uint64_t step; /* since the extended chain, over all segments that led here */
    uint32_t iteration; /* the frame's origin */
    uint32_t simulation;
    uint32_t index; /* in the simulation's file, from 0 */
    uint32_t zero;
    double rmsd; /* from the folded structure, angstrom */
    double energy; /* potential */
    double score; /* local outlier factor, in restart files; else 0 */
    double x[3 * DDMD_RESIDUES]; /* planar, angstrom */
    double v[3 * DDMD_RESIDUES];
    uint8_t map[DDMD_MAP_BYTES];
};

struct ddmd_frames {
    uint32_t iteration; /* the file's place among others, as in its header */
    uint32_t part;
    uint32_t parts;
    size_t count;
    struct ddmd_frame *frame;
};

/* Write 'frames' to 'path'; see file.h. */
int ddmd_frames_write (const char *path, const struct ddmd_frames *frames, struct aw_error *err);

/* Read 'path' and check every number in it. On success the caller calls ddmd_frames_finish. -1 with
 * the reason in 'err', errno ENOENT if there is no such file.
 */
int ddmd_frames_read (const char *path, struct ddmd_frames *frames, struct aw_error *err);

/* Free what ddmd_frames_read allocated; an all-zero struct is fine. errno is kept. */
void ddmd_frames_finish (struct ddmd_frames *frames);

#endif /* !DDMD_FRAMES_H */
