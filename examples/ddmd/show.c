/* SPDX-License-Identifier: Apache-2.0 */

/* ddmd-show: the frames of files as a table for people, awk and gnuplot. */

#include <stdio.h>
#include <string.h>

#include "frames.h"

static int show_file (const char *path, struct aw_error *err)
{
    struct ddmd_frames frames;

    if (ddmd_frames_read (path, &frames, err) < 0)
        return -1;
    for (size_t i = 0; i < frames.count; i++) {
        const struct ddmd_frame *f = &frames.frame[i];

        printf ("%u\t%u\t%u\t%llu\t%.4f\t%.3f\t%.4f\n", f->iteration, f->simulation, f->index,
                (unsigned long long)f->step, f->rmsd, f->energy, f->score);
    }
    ddmd_frames_finish (&frames);
    return 0;
}

int main (int argc, char **argv)
{
    struct aw_error err = { "" };

    if (argc < 2 || strncmp (argv[1], "--", 2) == 0) {
        int asked = argc > 1 && strcmp (argv[1], "--help") == 0;

        fprintf (asked ? stdout : stderr,
                 "Usage: ddmd-show FILE.frames...\nPrints a line a frame: iteration, simulation, "
                 "frame, step,"
                 " RMSD, energy, outlier factor.\n");
        return asked ? 0 : 2;
    }
    printf ("iteration\tsimulation\tframe\tstep\trmsd\tenergy\tfactor\n");
    for (int i = 1; i < argc; i++) {
        if (show_file (argv[i], &err) < 0) {
            fflush (stdout);
            fprintf (stderr, "ddmd-show: %s\n", err.text);
            return 1;
        }
    }
    return fflush (stdout) == 0 ? 0 : 1;
}
