/* SPDX-License-Identifier: Apache-2.0 */

/* Every inference task writes the best of its share; the best of all are among those, so they are
 * merged here, where they are read, and no task has to wait for the others.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "restart.h"
#include "rundir.h"

static int compare_origin (const struct ddmd_frame *a, const struct ddmd_frame *b)
{
    if (a->iteration != b->iteration)
        return a->iteration < b->iteration ? -1 : 1;
    if (a->simulation != b->simulation)
        return a->simulation < b->simulation ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int by_score (const void *pa, const void *pb)
{
    const struct ddmd_frame *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return compare_origin (a, b);
}

static int by_rmsd (const void *pa, const void *pb)
{
    const struct ddmd_frame *a = pa, *b = pb;

    if (a->rmsd != b->rmsd)
        return a->rmsd < b->rmsd ? -1 : 1;
    return compare_origin (a, b);
}

size_t ddmd_restart_rank (struct ddmd_frame *frame, size_t count, size_t outliers)
{
    if (count == 0)
        return 0;
    qsort (frame, count, sizeof (*frame), by_score);
    if (count > outliers)
        count = outliers;
    qsort (frame, count, sizeof (*frame), by_rmsd);
    return count;
}

static int append (struct ddmd_frames *all, const struct ddmd_frames *more)
{
    struct ddmd_frame *grown;

    if (more->count == 0)
        return 0;
    grown = realloc (all->frame, (all->count + more->count) * sizeof (*grown));
    if (!grown)
        return -1;
    memcpy (grown + all->count, more->frame, more->count * sizeof (*grown));
    all->frame = grown;
    all->count += more->count;
    return 0;
}

static int read_parts (const char *directory,
                       uint32_t iteration,
                       uint32_t parts,
                       struct ddmd_frames *all,
                       struct aw_error *err)
{
    for (uint32_t part = 0; part < parts; part++) {
        struct ddmd_frames frames = { 0 };
        char path[DDMD_PATH_MAX];
        int rc;

        if (ddmd_rundir_path (directory, DDMD_RESTART, iteration, part, path, err) < 0
            || ddmd_frames_read (path, &frames, err) < 0)
            return -1;
        rc = append (all, &frames);
        ddmd_frames_finish (&frames);
        if (rc < 0)
            return aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
    }
    return 0;
}

int ddmd_restart_choose (const char *directory,
                         uint32_t iteration,
                         uint32_t index,
                         size_t outliers,
                         size_t keep,
                         struct ddmd_frame *chosen,
                         struct aw_error *err)
{
    struct ddmd_frames all = { 0 };
    uint32_t newest, parts;
    int rc = ddmd_rundir_newest (directory, DDMD_RESTART, 0, iteration, &newest, &parts, err);

    if (rc <= 0)
        return rc;
    rc = read_parts (directory, newest, parts, &all, err);
    if (rc == 0 && all.count > 0) {
        size_t count = ddmd_restart_rank (all.frame, all.count, outliers);

        *chosen = all.frame[index % (count < keep ? count : keep)];
        rc = 1;
    }
    ddmd_frames_finish (&all);
    return rc;
}
