/* SPDX-License-Identifier: Apache-2.0 */

/* Names of files, and which are there. Part 0 says how many parts there are, so an iteration whose
 * part 0 is missing is not complete.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "rundir.h"

static const struct {
    const char *stem;
    const char *suffix;
    const char *kind;
} products[] = {
    [DDMD_SIMULATION] = { "simulation", "frames", DDMD_FILE_FRAMES },
    [DDMD_MAPS] = { "maps", "maps", DDMD_FILE_MAPS },
    [DDMD_NETWORK] = { "network", "model", DDMD_FILE_MODEL },
    [DDMD_RESTART] = { "restart", "frames", DDMD_FILE_FRAMES },
};

int ddmd_rundir_path (const char *directory,
                      enum ddmd_product product,
                      uint32_t iteration,
                      uint32_t part,
                      char *path,
                      struct aw_error *err)
{
    int n = snprintf (path, DDMD_PATH_MAX, "%s/%s-%04u-%05u.%s", directory, products[product].stem,
                      iteration, part, products[product].suffix);

    if (n < 0 || n >= DDMD_PATH_MAX)
        return aw_error_set (err, "%s: %s", directory, strerror (ENAMETOOLONG));
    return 0;
}

/* 1 if all parts of 'iteration' are there, 0 if not, -1 on error. */
static int is_complete (const char *directory,
                        enum ddmd_product product,
                        uint32_t iteration,
                        uint32_t *parts,
                        struct aw_error *err)
{
    struct ddmd_file_header header;
    char path[DDMD_PATH_MAX];

    if (ddmd_rundir_path (directory, product, iteration, 0, path, err) < 0)
        return -1;
    if (ddmd_file_peek (path, products[product].kind, &header, err) < 0)
        return errno == ENOENT ? 0 : -1;
    for (uint32_t part = 1; part < header.parts; part++) {
        if (part > DDMD_PART_MAX)
            return aw_error_set (err, "%s: %u parts: the file is damaged", path, header.parts);
        if (ddmd_rundir_path (directory, product, iteration, part, path, err) < 0)
            return -1;
        if (access (path, F_OK) < 0)
            return 0;
    }
    *parts = header.parts;
    return 1;
}

int ddmd_rundir_newest (const char *directory,
                        enum ddmd_product product,
                        uint32_t first,
                        uint32_t end,
                        uint32_t *iteration,
                        uint32_t *parts,
                        struct aw_error *err)
{
    for (uint32_t i = end; i > first; i--) {
        int rc = is_complete (directory, product, i - 1, parts, err);

        if (rc != 0) {
            *iteration = i - 1;
            return rc;
        }
    }
    return 0;
}
