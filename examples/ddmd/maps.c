/* SPDX-License-Identifier: Apache-2.0 */

/* Maps in and out of files. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "maps.h"
#include "rundir.h"

_Static_assert(sizeof (struct ddmd_map) == 128, "the record is what the file holds");

int ddmd_maps_write (const char *path,
                     uint32_t iteration,
                     uint32_t part,
                     uint32_t parts,
                     const struct ddmd_maps *maps,
                     struct aw_error *err)
{
    struct ddmd_file_header header = {
        .residues = DDMD_RESIDUES,
        .iteration = iteration,
        .part = part,
        .parts = parts,
        .count = maps->count,
        .record_bytes = sizeof (*maps->map),
    };

    memcpy (header.kind, DDMD_FILE_MAPS, 4);
    return ddmd_file_write (path, &header, maps->map, err);
}

static int check_maps (const char *path,
                       const struct ddmd_file_header *header,
                       const struct ddmd_map *map,
                       struct aw_error *err)
{
    if (header->residues != DDMD_RESIDUES)
        return aw_error_set (err, "%s: %u residues, not %d", path, header->residues, DDMD_RESIDUES);
    for (size_t i = 0; i < header->count; i++) {
        if (!isfinite (map[i].rmsd) || map[i].rmsd < 0)
            return aw_error_set (err, "%s: map %zu: an RMSD out of range: the file is damaged",
                                 path, i);
    }
    return 0;
}

int ddmd_maps_append (const char *path, struct ddmd_maps *maps, struct aw_error *err)
{
    struct ddmd_file_header header;
    struct ddmd_map *read = ddmd_file_read (path, DDMD_FILE_MAPS, sizeof (*read), &header, err);
    struct ddmd_map *grown;

    if (!read || check_maps (path, &header, read, err) < 0) {
        free (read);
        return -1;
    }
    if (header.count > 0) {
        grown = realloc (maps->map, (maps->count + header.count) * sizeof (*grown));
        if (!grown) {
            free (read);
            return aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
        }
        memcpy (grown + maps->count, read, header.count * sizeof (*grown));
        maps->map = grown;
        maps->count += header.count;
    }
    free (read);
    return 0;
}

static int gather_parts (const char *directory,
                         uint32_t iteration,
                         uint32_t parts,
                         struct ddmd_maps *maps,
                         struct aw_error *err)
{
    for (uint32_t part = 0; part < parts; part++) {
        char path[DDMD_PATH_MAX];

        if (ddmd_rundir_path (directory, DDMD_MAPS, iteration, part, path, err) < 0
            || ddmd_maps_append (path, maps, err) < 0)
            return -1;
    }
    return 0;
}

int ddmd_maps_gather (const char *directory,
                      uint32_t first,
                      uint32_t last,
                      struct ddmd_maps *maps,
                      struct aw_error *err)
{
    for (uint32_t i = first; i <= last; i++) {
        uint32_t found, parts;
        int rc = ddmd_rundir_newest (directory, DDMD_MAPS, i, i + 1, &found, &parts, err);

        if (rc < 0 || (rc == 1 && gather_parts (directory, i, parts, maps, err) < 0))
            return -1;
        if (rc == 0 && i == last)
            return aw_error_set (err,
                                 "%s: the maps of iteration %u are not all there: run "
                                 "ddmd-aggregate first",
                                 directory, i);
    }
    return 0;
}

void ddmd_maps_finish (struct ddmd_maps *maps)
{
    int saved_errno = errno;

    free (maps->map);
    *maps = (struct ddmd_maps){ 0 };
    errno = saved_errno;
}
