/* SPDX-License-Identifier: Apache-2.0 */

/* Frames in and out of files. Numbers from a file enter the dynamics, so none but finite ones of a
 * sane size come in.
 */

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "frames.h"

#define NUMBER_MAX 1e9

_Static_assert(sizeof (struct ddmd_frame) == 1496, "the record is what the file holds");
_Static_assert(DDMD_CONTACT_BYTES (DDMD_RESIDUES) <= DDMD_MAP_BYTES, "the map fits");

static bool sane (double value)
{
    return isfinite (value) && fabs (value) < NUMBER_MAX;
}

static bool frame_is_sane (const struct ddmd_frame *frame)
{
    bool ok = sane (frame->rmsd) && frame->rmsd >= 0 && sane (frame->energy) && sane (frame->score);

    for (size_t i = 0; i < 3 * DDMD_RESIDUES; i++)
        ok = ok && sane (frame->x[i]) && sane (frame->v[i]);
    return ok;
}

int ddmd_frames_write (const char *path, const struct ddmd_frames *frames, struct aw_error *err)
{
    struct ddmd_file_header header = {
        .residues = DDMD_RESIDUES,
        .iteration = frames->iteration,
        .part = frames->part,
        .parts = frames->parts,
        .count = frames->count,
        .record_bytes = sizeof (*frames->frame),
    };

    memcpy (header.kind, DDMD_FILE_FRAMES, 4);
    return ddmd_file_write (path, &header, frames->frame, err);
}

int ddmd_frames_read (const char *path, struct ddmd_frames *frames, struct aw_error *err)
{
    struct ddmd_file_header header;
    struct ddmd_frame *frame =
        ddmd_file_read (path, DDMD_FILE_FRAMES, sizeof (*frame), &header, err);

    if (!frame)
        return -1;
    if (header.residues != DDMD_RESIDUES) {
        aw_error_set (err, "%s: %u residues, not %d", path, header.residues, DDMD_RESIDUES);
        goto fail;
    }
    for (size_t i = 0; i < header.count; i++) {
        if (!frame_is_sane (&frame[i])) {
            aw_error_set (err, "%s: frame %zu: a number out of range: the file is damaged", path,
                          i);
            goto fail;
        }
    }
    *frames = (struct ddmd_frames){
        .iteration = header.iteration,
        .part = header.part,
        .parts = header.parts,
        .count = header.count,
        .frame = frame,
    };
    return 0;

fail:
    free (frame);
    errno = EINVAL;
    return -1;
}

void ddmd_frames_finish (struct ddmd_frames *frames)
{
    int saved_errno = errno;

    free (frames->frame);
    *frames = (struct ddmd_frames){ 0 };
    errno = saved_errno;
}
