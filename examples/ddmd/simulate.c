/* SPDX-License-Identifier: Apache-2.0 */

/* ddmd-simulate: one segment of one trajectory. It starts where the newest inference says, or,
 * before there is any, where its own previous segment ended, or, before that, as an extended chain.
 */

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "frames.h"
#include "kabsch.h"
#include "options.h"
#include "pdb.h"
#include "philox.h"
#include "restart.h"
#include "rundir.h"

enum {
    GOAL_MET = 3, /* exit status */
    INFERENCES_AHEAD = 256, /* with --from wandered: of a simulation that is slow */
};

static struct {
    const char *pdb;
    const char *directory;
    const char *backend;
    const char *from;
    const char *start;
    const char *out;
    uint64_t iteration;
    uint64_t index;
    uint64_t count;
    uint64_t seed;
    uint64_t steps;
    uint64_t every;
    uint64_t outliers;
    uint64_t keep;
    double temperature;
    double friction;
    double dt;
    double margin;
    double goal;
} option = {
    .pdb = DDMD_PDB,
    .directory = ".",
    .backend = "cpu",
    .from = "newest",
    .count = 16,
    .seed = 1,
    .steps = 100000,
    .every = 1000,
    .outliers = 64,
    .temperature = 0.8,
    .friction = 1,
    .dt = 0.01,
    .margin = 1,
};

static const struct ddmd_backend *backend; /* the one that --backend names */

static const struct ddmd_option options[] = {
    { "pdb", "FILE", DDMD_TEXT (&option.pdb), "the folded structure" },
    { "directory", "DIR", DDMD_TEXT (&option.directory), "where the run's files are" },
    { "iteration", "N", DDMD_COUNT (&option.iteration, 0, DDMD_ITERATION_MAX),
      "number of the iteration" },
    { "index", "N", DDMD_COUNT (&option.index, 0, DDMD_PART_MAX),
      "number of this simulation in it" },
    { "count", "N", DDMD_COUNT (&option.count, 1, DDMD_PART_MAX),
      "how many simulations there are" },
    { "seed", "N", DDMD_COUNT (&option.seed, 0, 0x1p53), "seed of the whole run's randomness" },
    { "steps", "N", DDMD_COUNT (&option.steps, 1, 1e12), "steps to simulate" },
    { "every", "N", DDMD_COUNT (&option.every, 1, 1e12), "steps from frame to frame" },
    { "temperature", "T", DDMD_NUMBER (&option.temperature, 0, 100), "in units of epsilon" },
    { "friction", "G", DDMD_NUMBER (&option.friction, 0, 1000), "per unit of time" },
    { "dt", "T", DDMD_NUMBER (&option.dt, 1e-6, 0.05), "length of a step" },
    { "from", "WHERE", DDMD_TEXT (&option.from),
      "newest: newest inference, else own; wandered: newest inference if own has wandered, else "
      "own; "
      "own: own previous segment, else extended; extended" },
    { "margin", "A", DDMD_NUMBER (&option.margin, 0, 100),
      "has wandered if it ended with an RMSD so much above the newest inference's" },
    { "goal", "A", DDMD_NUMBER (&option.goal, 0, 100),
      "exit status 3 if a frame has an RMSD below this" },
    { "outliers", "N", DDMD_COUNT (&option.outliers, 1, 1e6), "strongest outliers to consider" },
    { "keep", "N", DDMD_COUNT (&option.keep, 0, 1e6),
      "start from this many of them, lowest RMSD; 0: as many as simulations" },
    { "start", "FILE[:FRAME]", DDMD_TEXT (&option.start),
      "start from this frame instead, of those in FILE, from 0" },
    { "out", "FILE", DDMD_TEXT (&option.out), "write here instead of by name in DIR" },
    { "backend", "NAME", DDMD_TEXT (&option.backend), "where to compute: cpu or cuda" },
    { 0 },
};

static const struct ddmd_program program = {
    "ddmd-simulate",
    "Langevin dynamics of a protein: writes frames, contact maps and RMSDs.",
    options,
};

static int check_options (struct aw_error *err)
{
    if (option.steps % option.every != 0 || option.steps / option.every > 100000)
        return aw_error_set (err, "--steps: must be 1 to 100000 times --every");
    if (option.index >= option.count)
        return aw_error_set (err, "--index: must be less than --count");
    if (strcmp (option.from, "newest") != 0 && strcmp (option.from, "wandered") != 0
        && strcmp (option.from, "own") != 0 && strcmp (option.from, "extended") != 0)
        return aw_error_set (err, "--from: \"%s\" is not newest, wandered, own or extended",
                             option.from);
    backend = ddmd_backend_open (option.backend, err);
    return backend ? 0 : -1;
}

/* A frame of the file 'path'; the last one if 'index' is UINT64_MAX. */
static int take_frame (const char *path,
                       uint64_t index,
                       struct ddmd_frame *frame,
                       struct aw_error *err)
{
    struct ddmd_frames frames;
    int rc = 0;

    if (ddmd_frames_read (path, &frames, err) < 0)
        return -1;
    if (index == UINT64_MAX && frames.count > 0)
        index = frames.count - 1;
    if (index < frames.count)
        *frame = frames.frame[index];
    else
        rc = aw_error_set (err, "%s: no frame %llu, there are %zu", path, (unsigned long long)index,
                           frames.count);
    ddmd_frames_finish (&frames);
    return rc;
}

/* --start FILE[:FRAME]; a ':' that no number follows belongs to the name. */
static int start_given (struct ddmd_frame *frame, struct aw_error *err)
{
    const char *colon = strrchr (option.start, ':');
    uint64_t index = 0;
    char path[DDMD_PATH_MAX];
    size_t length = strlen (option.start);

    if (colon && colon[1] != '\0' && strspn (colon + 1, "0123456789") == strlen (colon + 1)
        && strlen (colon + 1) < 10) {
        index = strtoull (colon + 1, NULL, 10);
        length = (size_t)(colon - option.start);
    }
    if (length >= sizeof (path))
        return aw_error_set (err, "--start: %s", strerror (ENAMETOOLONG));
    memcpy (path, option.start, length);
    path[length] = '\0';
    return take_frame (path, index, frame, err) < 0 ? -1 : 1;
}

static int start_own (struct ddmd_frame *frame, struct aw_error *err)
{
    char path[DDMD_PATH_MAX];

    if (option.iteration == 0)
        return 0;
    if (ddmd_rundir_path (option.directory, DDMD_SIMULATION, (uint32_t)option.iteration - 1,
                          (uint32_t)option.index, path, err)
        < 0)
        return -1;
    if (take_frame (path, UINT64_MAX, frame, err) < 0)
        return errno == ENOENT ? 0 : -1;
    return 1;
}

/* The end of this one's own previous segment to 'frame', 1; or, if that has wandered, the frame
 * that the newest inference chose for it, 2; 0 if there is neither. Inferences have numbers of
 * their own here.
 */
static int start_wandered (struct ddmd_frame *frame, struct aw_error *err)
{
    struct ddmd_frame chosen;
    uint32_t end = (uint32_t)option.iteration + INFERENCES_AHEAD;
    int own = start_own (frame, err);
    int rc =
        own < 0
            ? -1
            : ddmd_restart_choose (option.directory, end, (uint32_t)option.index, option.outliers,
                                   option.keep > 0 ? option.keep : option.count, &chosen, err);

    if (rc <= 0)
        return rc < 0 ? -1 : own;
    if (own && frame->rmsd <= chosen.rmsd + option.margin)
        return 1;
    *frame = chosen;
    return 2;
}

static void start_extended (const struct ddmd_go_model *model,
                            uint64_t key,
                            struct ddmd_frame *frame)
{
    memset (frame, 0, sizeof (*frame));
    ddmd_go_model_extended (model, frame->x);
    ddmd_philox_normal (key, 0, DDMD_PHILOX_VELOCITY, frame->v, 3 * DDMD_RESIDUES);
    for (size_t i = 0; i < 3 * DDMD_RESIDUES; i++)
        frame->v[i] *= sqrt (option.temperature);
}

/* 0, after saying where the segment starts; -1 with 'err'. */
static int choose_start (const struct ddmd_go_model *model,
                         uint64_t key,
                         struct ddmd_frame *frame,
                         struct aw_error *err)
{
    const char *why = "as asked";
    int rc = 0;

    if (option.start)
        rc = start_given (frame, err);
    if (rc == 0 && strcmp (option.from, "newest") == 0) {
        why = "chosen by the newest inference";
        rc = ddmd_restart_choose (option.directory, (uint32_t)option.iteration,
                                  (uint32_t)option.index, option.outliers,
                                  option.keep > 0 ? option.keep : option.count, frame, err);
    }
    if (rc == 0 && strcmp (option.from, "wandered") == 0) {
        rc = start_wandered (frame, err);
        why = rc == 2 ? "chosen by the newest inference, for its own segment had wandered"
                      : "the end of this one's own previous segment";
    }
    else if (rc == 0 && strcmp (option.from, "extended") != 0) {
        why = "the end of this one's own previous segment";
        rc = start_own (frame, err);
    }
    if (rc < 0)
        return -1;
    if (rc == 0) {
        start_extended (model, key, frame);
        printf ("start: extended chain\n");
        return 0;
    }
    printf ("start: frame %u of simulation %u of iteration %u, RMSD %.2f: %s\n", frame->index,
            frame->simulation, frame->iteration, frame->rmsd, why);
    return 0;
}

static void describe_frame (const struct ddmd_go_model *model, struct ddmd_frame *frame)
{
    frame->rmsd = ddmd_kabsch_rmsd (model->n, frame->x, model->native);
    ddmd_contact_map (model->n, frame->x, frame->map);
}

/* All frames of the segment, the first one 'every' steps after 'start'. */
static int run_segment (const struct ddmd_go_model *model,
                        uint64_t key,
                        const struct ddmd_frame *start,
                        struct ddmd_frames *frames,
                        struct aw_error *err)
{
    struct ddmd_langevin langevin = { option.temperature, option.friction, option.dt };
    struct ddmd_frame now = *start;

    now.iteration = (uint32_t)option.iteration;
    now.simulation = (uint32_t)option.index;
    now.score = 0;
    for (size_t i = 0; i < frames->count; i++) {
        if (backend->md_run (model, &langevin, 1, &key, i * option.every, option.every, now.x,
                             now.v, &now.energy)
            < 0)
            return ddmd_backend_check (backend, err) < 0
                       ? -1
                       : aw_error_set (err,
                                       "the dynamics diverged before step %llu: try a smaller --dt",
                                       (unsigned long long)((i + 1) * option.every));
        now.index = (uint32_t)i;
        now.step += option.every;
        describe_frame (model, &now);
        frames->frame[i] = now;
    }
    return 0;
}

static void print_summary (const struct ddmd_go_model *model, const struct ddmd_frames *frames)
{
    const struct ddmd_frame *last = &frames->frame[frames->count - 1];
    const struct ddmd_frame *best = last;

    for (size_t i = 0; i < frames->count; i++) {
        if (frames->frame[i].rmsd < best->rmsd)
            best = &frames->frame[i];
    }
    printf ("simulation %u of iteration %u: %zu frames, lowest RMSD %.2f (frame %u), last %.2f "
            "with %.0f%% of the"
            " native contacts\n",
            last->simulation, last->iteration, frames->count, best->rmsd, best->index, last->rmsd,
            100 * ddmd_go_model_native_share (model, last->x));
}

static int write_frames (const struct ddmd_frames *frames, struct aw_error *err)
{
    char path[DDMD_PATH_MAX];

    if (option.out)
        return ddmd_frames_write (option.out, frames, err);
    if (ddmd_rundir_path (option.directory, DDMD_SIMULATION, frames->iteration, frames->part, path,
                          err)
        < 0)
        return -1;
    return ddmd_frames_write (path, frames, err);
}

static bool goal_is_met (const struct ddmd_frames *frames)
{
    for (size_t i = 0; i < frames->count; i++) {
        if (frames->frame[i].rmsd < option.goal)
            return true;
    }
    return false;
}

/* 0; 1 if the goal is met; -1 with 'err'. */
static int simulate (const struct ddmd_go_model *model, struct aw_error *err)
{
    struct ddmd_frames frames = {
        .iteration = (uint32_t)option.iteration,
        .part = (uint32_t)option.index,
        .parts = (uint32_t)option.count,
        .count = option.steps / option.every,
    };
    uint64_t key =
        ddmd_philox_key (option.seed, (uint32_t)option.iteration, (uint32_t)option.index);
    struct ddmd_frame start;
    int rc;

    if (choose_start (model, key, &start, err) < 0)
        return -1;
    frames.frame = calloc (frames.count, sizeof (*frames.frame));
    if (!frames.frame)
        return aw_error_set (err, "%zu frames: %s", frames.count, strerror (ENOMEM));
    rc = run_segment (model, key, &start, &frames, err);
    if (rc == 0)
        rc = write_frames (&frames, err);
    if (rc == 0) {
        print_summary (model, &frames);
        rc = goal_is_met (&frames);
    }
    ddmd_frames_finish (&frames);
    return rc;
}

static struct ddmd_go_model *load_model (struct aw_error *err)
{
    struct ddmd_pdb *pdb = ddmd_pdb_read (option.pdb, err);
    struct ddmd_go_model *model = NULL;

    if (pdb && pdb->residues != DDMD_RESIDUES)
        aw_error_set (err, "%s: %zu residues: this example is made for the %d of 1zaa2.pdb",
                      option.pdb, pdb->residues, DDMD_RESIDUES);
    else if (pdb)
        model = ddmd_go_model_create (pdb, err);
    ddmd_pdb_destroy (pdb);
    return model;
}

int main (int argc, char **argv)
{
    struct aw_error err = { "" };
    struct ddmd_go_model *model;
    int rc = ddmd_options_parse (&program, argc, argv, stdout, &err);

    if (rc == 1)
        return ddmd_program_end (&program, 0, &err);
    if (rc < 0 || check_options (&err) < 0)
        return ddmd_program_end (&program, 2, &err);
    model = load_model (&err);
    rc = model ? simulate (model, &err) : -1;
    ddmd_go_model_destroy (model);
    return ddmd_program_end (&program, rc < 0 ? 1 : rc > 0 ? GOAL_MET : 0, &err);
}
