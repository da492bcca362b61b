/* SPDX-License-Identifier: Apache-2.0 */

/* ddmd-infer: embeds the maps of the latest iterations, finds outliers among them, and writes the
 * frames from which simulations restart. Every task embeds all maps, since what is an outlier
 * depends on all of them; task k of N then chooses among every N-th. The factors are the same
 * however many tasks there are.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lof.h"
#include "maps.h"
#include "options.h"
#include "restart.h"
#include "rundir.h"
#include "trainer.h"
#include "work.h"

#define BATCH 64

static struct {
    const char *directory;
    const char *backend;
    uint64_t iteration;
    uint64_t index;
    uint64_t count;
    uint64_t window;
    uint64_t neighbours;
    uint64_t outliers;
    bool worker;
} option = {
    .directory = ".",
    .backend = "cpu",
    .count = 1,
    .window = 3,
    .neighbours = 20,
    .outliers = 64,
};

static const struct ddmd_backend *backend; /* the one that --backend names */
static struct ddmd_network network;

static const struct ddmd_option options[] = {
    { "directory", "DIR", DDMD_TEXT (&option.directory), "where the run's files are" },
    { "iteration", "N", DDMD_COUNT (&option.iteration, 0, DDMD_ITERATION_MAX),
      "number of the iteration" },
    { "index", "N", DDMD_COUNT (&option.index, 0, DDMD_PART_MAX), "number of this task" },
    { "count", "N", DDMD_COUNT (&option.count, 1, DDMD_PART_MAX), "how many tasks share the work" },
    { "window", "N", DDMD_COUNT (&option.window, 1, DDMD_ITERATION_MAX),
      "look at the frames of the last N iterations" },
    { "neighbours", "N", DDMD_COUNT (&option.neighbours, 1, 1000),
      "neighbours of the local outlier factor" },
    { "outliers", "N", DDMD_COUNT (&option.outliers, 1, 1e6),
      "strongest outliers to write, at most" },
    { "backend", "NAME", DDMD_TEXT (&option.backend), "where to compute: cpu or cuda" },
    { "worker", "", DDMD_FLAG (&option.worker),
      "take the calls of a workflow; the index of each is its iteration" },
    { 0 },
};

static const struct ddmd_program program = {
    "ddmd-infer",
    "Finds the frames from which simulations should restart.",
    options,
};

/* A map's number and its outlier factor. */
struct candidate {
    size_t map;
    double score;
};

static int by_score (const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->map > b->map) - (a->map < b->map);
}

static int by_map (const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;

    return (a->map > b->map) - (a->map < b->map);
}

static int load (struct aw_error *err)
{
    int rc = ddmd_network_load (&network, backend, option.directory, (uint32_t)option.iteration + 1,
                                BATCH, err);

    if (rc == 0)
        return aw_error_set (err, "%s: no network yet: run ddmd-train first", option.directory);
    return rc < 0 ? -1 : 0;
}

/* The outlier factors of all maps to 'score'. */
static int score_maps (const struct ddmd_maps *maps, double *score, struct aw_error *err)
{
    size_t latent = ddmd_vae_latent (network.vae);
    double *means = calloc (maps->count * latent, sizeof (*means));
    int rc;

    if (!means || ddmd_trainer_embed (network.vae, maps, means) < 0)
        rc = aw_error_set (err, "%zu maps: %s", maps->count, strerror (ENOMEM));
    else if ((rc = ddmd_backend_check (backend, err)) == 0
             && (rc = ddmd_lof (maps->count, latent, means, option.neighbours, score)) < 0)
        aw_error_set (err, "the outlier factors of %zu maps: %s", maps->count, strerror (errno));
    free (means);
    return rc;
}

/* The strongest candidates of this task's share, in the order of the maps, so that each
 * simulation's file is read once.
 */
static size_t choose_share (const struct ddmd_maps *maps,
                            const double *score,
                            struct candidate *chosen)
{
    size_t count = 0;

    for (size_t i = option.index; i < maps->count; i += option.count)
        chosen[count++] = (struct candidate){ i, score[i] };
    if (count == 0)
        return 0;
    qsort (chosen, count, sizeof (*chosen), by_score);
    if (count > option.outliers)
        count = option.outliers;
    qsort (chosen, count, sizeof (*chosen), by_map);
    return count;
}

static int open_simulation (const struct ddmd_map *map,
                            struct ddmd_frames *frames,
                            struct aw_error *err)
{
    char path[DDMD_PATH_MAX];

    if (frames->frame && frames->iteration == map->iteration && frames->part == map->simulation)
        return 0;
    ddmd_frames_finish (frames);
    if (ddmd_rundir_path (option.directory, DDMD_SIMULATION, map->iteration, map->simulation, path,
                          err)
            < 0
        || ddmd_frames_read (path, frames, err) < 0)
        return -1;
    if (frames->iteration != map->iteration || frames->part != map->simulation)
        return aw_error_set (err, "%s: holds another simulation: was it renamed?", path);
    return 0;
}

static int fetch_frames (const struct ddmd_maps *maps,
                         const struct candidate *chosen,
                         struct ddmd_frames *restart,
                         struct aw_error *err)
{
    struct ddmd_frames frames = { 0 };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < restart->count; i++) {
        const struct ddmd_map *map = &maps->map[chosen[i].map];

        rc = open_simulation (map, &frames, err);
        if (rc == 0 && map->index >= frames.count)
            rc = aw_error_set (err, "simulation %u of iteration %u has no frame %u any more",
                               map->simulation, map->iteration, map->index);
        if (rc == 0) {
            restart->frame[i] = frames.frame[map->index];
            restart->frame[i].score = chosen[i].score;
        }
    }
    ddmd_frames_finish (&frames);
    return rc;
}

static void print_summary (const struct ddmd_maps *maps, const struct ddmd_frames *restart)
{
    const struct ddmd_frame *best = restart->frame;

    printf ("part %u of %u of iteration %u: %zu maps, %zu outliers\n", restart->part,
            restart->parts, restart->iteration, maps->count, restart->count);
    if (restart->count > 0)
        printf ("lowest RMSD among them %.2f, factor %.2f: frame %u of simulation %u of iteration "
                "%u\n",
                best->rmsd, best->score, best->index, best->simulation, best->iteration);
}

static int write_restart (const struct ddmd_maps *maps, const double *score, struct aw_error *err)
{
    struct ddmd_frames restart = {
        .iteration = (uint32_t)option.iteration,
        .part = (uint32_t)option.index,
        .parts = (uint32_t)option.count,
    };
    struct candidate *chosen = calloc (maps->count, sizeof (*chosen));
    char path[DDMD_PATH_MAX];
    int rc = -1;

    if (chosen) {
        restart.count = choose_share (maps, score, chosen);
        restart.frame = calloc (restart.count + 1, sizeof (*restart.frame));
    }
    if (!restart.frame)
        aw_error_set (err, "%zu maps: %s", maps->count, strerror (ENOMEM));
    else if (fetch_frames (maps, chosen, &restart, err) == 0
             && ddmd_rundir_path (option.directory, DDMD_RESTART, restart.iteration, restart.part,
                                  path, err)
                    == 0) {
        restart.count = ddmd_restart_rank (restart.frame, restart.count, option.outliers);
        rc = ddmd_frames_write (path, &restart, err);
    }
    if (rc == 0)
        print_summary (maps, &restart);
    free (chosen);
    ddmd_frames_finish (&restart);
    return rc;
}

static int infer (const struct ddmd_maps *maps, struct aw_error *err)
{
    double *score;
    int rc;

    if (maps->count <= option.neighbours)
        return aw_error_set (err, "%s: %zu maps are too few for %llu neighbours", option.directory,
                             maps->count, (unsigned long long)option.neighbours);
    score = calloc (maps->count, sizeof (*score));
    if (!score)
        return aw_error_set (err, "%zu maps: %s", maps->count, strerror (ENOMEM));
    rc = score_maps (maps, score, err);
    if (rc == 0)
        rc = write_restart (maps, score, err);
    free (score);
    return rc;
}

static int compute (struct aw_error *err)
{
    uint64_t end = option.iteration + 1;
    struct ddmd_maps maps = { 0 };
    int rc = ddmd_maps_gather (option.directory,
                               (uint32_t)(end > option.window ? end - option.window : 0),
                               (uint32_t)option.iteration, &maps, err);

    if (rc == 0)
        rc = infer (&maps, err);
    ddmd_maps_finish (&maps);
    return rc;
}

int main (int argc, char **argv)
{
    static const struct ddmd_work work = { load, compute };
    struct aw_error err = { "" };
    int rc = ddmd_options_parse (&program, argc, argv, stdout, &err);

    if (rc == 1)
        return ddmd_program_end (&program, 0, &err);
    if (rc == 0 && option.index >= option.count)
        rc = aw_error_set (&err, "--index: must be less than --count");
    if (rc == 0 && !(backend = ddmd_backend_open (option.backend, &err)))
        rc = -1;
    if (rc < 0)
        return ddmd_program_end (&program, 2, &err);
    rc = ddmd_work_run (&program, &work, option.worker, &option.iteration);
    ddmd_network_set (&network, NULL);
    return rc;
}
