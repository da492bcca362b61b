/* SPDX-License-Identifier: Apache-2.0 */

/* ddmd-aggregate: the contact maps of many simulations in one file. Task k of N takes the
 * simulations k, k + N, k + 2 N ...
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "maps.h"
#include "options.h"
#include "rundir.h"
#include "work.h"

static struct {
    const char *directory;
    uint64_t iteration;
    uint64_t index;
    uint64_t count;
    uint64_t simulations;
    const char *list;
} option = { .directory = ".", .count = 1, .simulations = 16 };

static const struct ddmd_option options[] = {
    { "directory", "DIR", DDMD_TEXT (&option.directory), "where the run's files are" },
    { "iteration", "N", DDMD_COUNT (&option.iteration, 0, DDMD_ITERATION_MAX),
      "number of the iteration" },
    { "index", "N", DDMD_COUNT (&option.index, 0, DDMD_PART_MAX), "number of this task" },
    { "count", "N", DDMD_COUNT (&option.count, 1, DDMD_PART_MAX), "how many tasks share the work" },
    { "simulations", "N", DDMD_COUNT (&option.simulations, 1, DDMD_PART_MAX),
      "simulations in the iteration" },
    { "list", "FILE", DDMD_TEXT (&option.list),
      "take these instead, a line each: iteration and number of a simulation" },
    { 0 },
};

static const struct ddmd_program program = {
    "ddmd-aggregate",
    "Collects the contact maps of many simulations in one file.",
    options,
};

static int append_frames (const struct ddmd_frames *frames, struct ddmd_maps *maps)
{
    struct ddmd_map *grown;

    if (frames->count == 0)
        return 0;
    grown = realloc (maps->map, (maps->count + frames->count) * sizeof (*grown));
    if (!grown)
        return -1;
    maps->map = grown;
    for (size_t i = 0; i < frames->count; i++) {
        const struct ddmd_frame *frame = &frames->frame[i];
        struct ddmd_map *map = &maps->map[maps->count++];

        *map = (struct ddmd_map){
            .iteration = frames->iteration,
            .simulation = frames->part,
            .index = (uint32_t)i,
            .rmsd = frame->rmsd,
        };
        memcpy (map->map, frame->map, sizeof (map->map));
    }
    return 0;
}

/* Add the maps of simulation 'number' of 'iteration'. */
static int collect_one (struct ddmd_maps *maps,
                        uint32_t iteration,
                        uint32_t number,
                        struct aw_error *err)
{
    struct ddmd_frames frames;
    char path[DDMD_PATH_MAX];
    int rc;

    if (ddmd_rundir_path (option.directory, DDMD_SIMULATION, iteration, number, path, err) < 0
        || ddmd_frames_read (path, &frames, err) < 0)
        return -1;
    if (frames.iteration != iteration || frames.part != number)
        rc = aw_error_set (err, "%s: holds simulation %u of iteration %u: was it renamed?", path,
                           frames.part, frames.iteration);
    else if ((rc = append_frames (&frames, maps)) < 0)
        aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
    ddmd_frames_finish (&frames);
    return rc;
}

static int collect_list (struct ddmd_maps *maps, struct aw_error *err)
{
    FILE *file = fopen (option.list, "re");
    unsigned iteration, number, line = 0;
    char text[64], more;
    int rc = 0;

    if (!file)
        return aw_error_set (err, "%s: %s", option.list, strerror (errno));
    while (rc == 0 && fgets (text, sizeof (text), file)) {
        line++;
        if (sscanf (text, "%u %u %c", &iteration, &number, &more) != 2
            || iteration > DDMD_ITERATION_MAX || number > DDMD_PART_MAX)
            rc =
                aw_error_set (err, "%s:%u: an iteration and the number of a simulation belong here",
                              option.list, line);
        else
            rc = collect_one (maps, iteration, number, err);
    }
    if (rc == 0 && ferror (file))
        rc = aw_error_set (err, "%s: %s", option.list, strerror (errno));
    fclose (file);
    return rc;
}

static int collect (struct ddmd_maps *maps, struct aw_error *err)
{
    if (option.list)
        return collect_list (maps, err);
    for (uint64_t s = option.index; s < option.simulations; s += option.count) {
        if (collect_one (maps, (uint32_t)option.iteration, (uint32_t)s, err) < 0)
            return -1;
    }
    return 0;
}

static int aggregate (struct aw_error *err)
{
    struct ddmd_maps maps = { 0 };
    char path[DDMD_PATH_MAX];
    int rc = ddmd_rundir_path (option.directory, DDMD_MAPS, (uint32_t)option.iteration,
                               (uint32_t)option.index, path, err);

    if (rc == 0)
        rc = collect (&maps, err);
    if (rc == 0)
        rc = ddmd_maps_write (path, (uint32_t)option.iteration, (uint32_t)option.index,
                              (uint32_t)option.count, &maps, err);
    if (rc == 0)
        printf ("part %u of %u of iteration %u: %zu maps\n", (unsigned int)option.index,
                (unsigned int)option.count, (unsigned int)option.iteration, maps.count);
    ddmd_maps_finish (&maps);
    return rc;
}

int main (int argc, char **argv)
{
    static const struct ddmd_work work = { .compute = aggregate };
    struct aw_error err = { "" };
    int rc = ddmd_options_parse (&program, argc, argv, stdout, &err);

    if (rc == 1)
        return ddmd_program_end (&program, 0, &err);
    if (rc == 0 && option.index >= option.count)
        rc = aw_error_set (&err, "--index: must be less than --count");
    if (rc < 0)
        return ddmd_program_end (&program, 2, &err);
    return ddmd_work_run (&program, &work, false, &option.iteration);
}
