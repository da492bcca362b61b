/* SPDX-License-Identifier: Apache-2.0 */

/* ddmd-train: the network learns the maps of the latest iterations, starting from the newest
 * earlier network if there is one.
 */

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "maps.h"
#include "options.h"
#include "philox.h"
#include "rundir.h"
#include "trainer.h"
#include "vae_file.h"
#include "work.h"

static struct {
    const char *directory;
    const char *backend;
    const char *start;
    uint64_t iteration;
    uint64_t window;
    uint64_t epochs;
    uint64_t batch;
    uint64_t latent;
    uint64_t seed;
    double rate;
    double pace;
    bool worker;
} option = {
    .directory = ".",
    .backend = "cpu",
    .window = 3,
    .epochs = 10,
    .batch = 64,
    .latent = 3,
    .seed = 1,
    .rate = 1e-3,
};

static const struct ddmd_backend *backend; /* the one that --backend names */
static struct ddmd_network network;

static const struct ddmd_option options[] = {
    { "directory", "DIR", DDMD_TEXT (&option.directory), "where the run's files are" },
    { "iteration", "N", DDMD_COUNT (&option.iteration, 0, DDMD_ITERATION_MAX),
      "number of the iteration" },
    { "window", "N", DDMD_COUNT (&option.window, 1, DDMD_ITERATION_MAX),
      "learn the maps of the last N iterations" },
    { "epochs", "N", DDMD_COUNT (&option.epochs, 1, 1e6), "passes over the maps" },
    { "batch", "N", DDMD_COUNT (&option.batch, 1, 4096), "maps in a batch" },
    { "latent", "N", DDMD_COUNT (&option.latent, 1, DDMD_LATENT_MAX),
      "latent dimensions, of a new network" },
    { "rate", "R", DDMD_NUMBER (&option.rate, 1e-9, 1), "learning rate" },
    { "seed", "N", DDMD_COUNT (&option.seed, 0, 0x1p53), "seed of the whole run's randomness" },
    { "start", "FILE", DDMD_TEXT (&option.start),
      "continue from this network, or \"new\"; else from the newest" },
    { "backend", "NAME", DDMD_TEXT (&option.backend), "where to compute: cpu or cuda" },
    { "pace", "SECONDS", DDMD_NUMBER (&option.pace, 0, 3600), "take at least this long" },
    { "worker", "", DDMD_FLAG (&option.worker),
      "take the calls of a workflow; the index of each is its iteration" },
    { 0 },
};

static const struct ddmd_program program = {
    "ddmd-train",
    "Trains a convolutional variational autoencoder on contact maps.",
    options,
};

/* The network that is to be trained further. */
static int load (struct aw_error *err)
{
    uint32_t iteration = (uint32_t)option.iteration;
    struct ddmd_vae *vae;
    int rc = 0;

    if (!option.start)
        rc = ddmd_network_load (&network, backend, option.directory, iteration, option.batch, err);
    if (rc < 0)
        return -1;
    if (rc == 1) {
        printf ("continuing from the network of iteration %u\n", network.iteration);
        return 0;
    }
    vae = option.start && strcmp (option.start, "new") != 0
              ? ddmd_vae_read (backend, option.start, option.batch, err)
              : ddmd_vae_create (backend, DDMD_RESIDUES, option.latent, option.batch,
                                 ddmd_philox_key (option.seed, iteration, UINT32_MAX), err);
    ddmd_network_set (&network, vae);
    return vae ? 0 : -1;
}

static int run_epochs (struct ddmd_vae *vae, const struct ddmd_maps *maps, struct aw_error *err)
{
    uint64_t seed = ddmd_philox_key (option.seed, (uint32_t)option.iteration, UINT32_MAX);

    for (uint64_t epoch = 0; epoch < option.epochs; epoch++) {
        struct ddmd_vae_loss loss;

        if (ddmd_trainer_epoch (vae, maps, option.rate, seed, epoch, &loss) < 0)
            return aw_error_set (err, "%zu maps: %s", maps->count, strerror (ENOMEM));
        if (ddmd_backend_check (backend, err) < 0)
            return -1;
        printf ("epoch %llu: loss %.3f = %.3f reconstruction + %.3f divergence\n",
                (unsigned long long)epoch + 1, loss.reconstruction + loss.divergence,
                loss.reconstruction, loss.divergence);
        fflush (stdout);
        if (!isfinite (loss.reconstruction + loss.divergence))
            return aw_error_set (err, "the training diverged: try a smaller --rate");
    }
    return 0;
}

static int train (const struct ddmd_maps *maps, struct aw_error *err)
{
    uint32_t iteration = (uint32_t)option.iteration;
    char path[DDMD_PATH_MAX];

    if (maps->count == 0)
        return aw_error_set (err, "%s: no maps to learn from", option.directory);
    if (ddmd_rundir_path (option.directory, DDMD_NETWORK, iteration, 0, path, err) < 0)
        return -1;
    printf ("%zu maps, %zu parameters\n", maps->count, ddmd_vae_parameters (network.vae));
    network.iteration = UINT32_MAX;
    ddmd_vae_forget_moments (network.vae);
    if (run_epochs (network.vae, maps, err) < 0
        || ddmd_vae_write (path, iteration, network.vae, err) < 0)
        return -1;
    network.iteration = iteration;
    return 0;
}

/* Sleeps until T of the monotonic clock. */
static void sleep_until (double t)
{
    const struct timespec end = { (time_t)t, (long)((t - floor (t)) * 1e9) };

    while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        ;
}

static int compute (struct aw_error *err)
{
    uint64_t end = option.iteration + 1;
    struct ddmd_maps maps = { 0 };
    struct timespec now;
    int rc;

    clock_gettime (CLOCK_MONOTONIC, &now);
    rc = ddmd_maps_gather (option.directory,
                           (uint32_t)(end > option.window ? end - option.window : 0),
                           (uint32_t)option.iteration, &maps, err);
    if (rc == 0)
        rc = train (&maps, err);
    ddmd_maps_finish (&maps);
    if (rc == 0)
        sleep_until ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec + option.pace);
    return rc;
}

int main (int argc, char **argv)
{
    static const struct ddmd_work work = { load, compute };
    struct aw_error err = { "" };
    int rc = ddmd_options_parse (&program, argc, argv, stdout, &err);

    if (rc == 1)
        return ddmd_program_end (&program, 0, &err);
    if (rc == 0 && !(backend = ddmd_backend_open (option.backend, &err)))
        rc = -1;
    if (rc < 0)
        return ddmd_program_end (&program, 2, &err);
    rc = ddmd_work_run (&program, &work, option.worker, &option.iteration);
    ddmd_network_set (&network, NULL);
    return rc;
}
