/* SPDX-License-Identifier: Apache-2.0 */

/* The files of a run, all in one directory, found by name:
 *
 *   simulation-IIII-PPPPP.frames   frames of simulation P of iteration I
 *   maps-IIII-PPPPP.maps           what aggregate task P gathered
 *   network-IIII-00000.model       the trained network
 *   restart-IIII-PPPPP.frames      what inference task P chose
 *
 * Since files appear whole (file.h), the directory itself is all that the tasks need to know about
 * each other.
 */

#ifndef DDMD_RUNDIR_H
#define DDMD_RUNDIR_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define DDMD_PATH_MAX 4096
#define DDMD_ITERATION_MAX 9999
#define DDMD_PART_MAX 99999

enum ddmd_product { DDMD_SIMULATION, DDMD_MAPS, DDMD_NETWORK, DDMD_RESTART };

/* The path of a file in 'directory' to 'path' (DDMD_PATH_MAX bytes). -1 with 'err' if it is too
 * long.
 */
int ddmd_rundir_path (const char *directory,
                      enum ddmd_product product,
                      uint32_t iteration,
                      uint32_t part,
                      char *path,
                      struct aw_error *err);

/* Look for the newest iteration, first <= iteration < end, of which every part of 'product' is
 * there. 1 if there is one, with its number in 'iteration' and how many parts it has in 'parts'; 0
 * if not; -1 with 'err' if a file that is there is none of ours.
 */
int ddmd_rundir_newest (const char *directory,
                        enum ddmd_product product,
                        uint32_t first,
                        uint32_t end,
                        uint32_t *iteration,
                        uint32_t *parts,
                        struct aw_error *err);

#endif /* !DDMD_RUNDIR_H */
