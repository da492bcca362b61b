/* SPDX-License-Identifier: Apache-2.0 */

/* Learning and choosing: the loss falls, a network survives its file, outliers are found, restarts
 * are ranked.
 */

#include "ddmd.h"
#include "ddmd/lof.h"
#include "ddmd/philox.h"
#include "ddmd/restart.h"
#include "ddmd/trainer.h"
#include "ddmd/vae_file.h"

#define MAPS 256

/* Maps of a made-up kind: a band of varying width and, in half of them, a square elsewhere. */
static void make_maps (struct ddmd_maps *maps)
{
    maps->count = MAPS;
    maps->map = calloc (MAPS, sizeof (*maps->map));
    assert_non_null (maps->map);
    for (size_t m = 0; m < MAPS; m++) {
        for (int i = 0; i < DDMD_RESIDUES; i++) {
            for (int j = 0; j < DDMD_RESIDUES; j++) {
                int bit = i * DDMD_RESIDUES + j;
                int far = i < 8 && j >= 20 && m % 2;

                if (abs (i - j) < 2 + (int)(m % 5) || far || (j < 8 && i >= 20 && m % 2))
                    maps->map[m].map[bit / 8] |= (uint8_t)(1U << bit % 8);
            }
        }
    }
}

static void loss_falls (void **state)
{
    struct aw_error err;
    struct ddmd_maps maps = { 0 };
    struct ddmd_vae_loss loss;
    struct ddmd_vae *vae = ddmd_vae_create (&ddmd_backend_cpu, DDMD_RESIDUES, 3, 32, 1, &err);
    double first = 0, before = INFINITY;

    (void)state;
    assert_non_null (vae);
    assert_int_equal (ddmd_trainer_epoch (vae, &maps, 1e-3, 1, 0, &loss), -1); /* no maps */
    make_maps (&maps);
    for (uint64_t epoch = 0; epoch < 12; epoch++) {
        double total;

        assert_int_equal (ddmd_trainer_epoch (vae, &maps, 2e-3, 1, epoch, &loss), 0);
        total = loss.reconstruction + loss.divergence;
        if (epoch == 0)
            first = total;
        if (epoch % 3 == 2) {
            assert_true (total < before);
            before = total;
        }
        assert_true (loss.divergence >= 0);
    }
    print_message ("# loss %.1f -> %.1f nats a map\n", first, before);
    assert_true (before < first / 4);
    ddmd_maps_finish (&maps);
    ddmd_vae_destroy (vae);
}

/* Two equal runs give equal networks; another seed, another one. */
static void training_is_repeatable (void **state)
{
    struct aw_error err;
    struct ddmd_maps maps = { 0 };
    struct ddmd_vae_loss loss[3];

    (void)state;
    make_maps (&maps);
    for (int i = 0; i < 3; i++) {
        struct ddmd_vae *vae = ddmd_vae_create (&ddmd_backend_cpu, DDMD_RESIDUES, 3, 100, 1, &err);

        for (uint64_t epoch = 0; epoch < 2; epoch++)
            assert_int_equal (ddmd_trainer_epoch (vae, &maps, 1e-3, i < 2 ? 5 : 6, epoch, &loss[i]),
                              0);
        ddmd_vae_destroy (vae);
    }
    assert_true (loss[0].reconstruction == loss[1].reconstruction);
    assert_true (loss[0].reconstruction != loss[2].reconstruction);
    ddmd_maps_finish (&maps);
}

static void network_file (void **state)
{
    struct aw_error err = { "" };
    struct ddmd_maps maps = { 0 };
    struct ddmd_vae *vae = ddmd_vae_create (&ddmd_backend_cpu, DDMD_RESIDUES, 5, 32, 1, &err);
    struct ddmd_vae *read;
    double *a = calloc (MAPS * 5, sizeof (*a)), *b = calloc (MAPS * 5, sizeof (*b));
    char *scratch = make_scratch ();
    char path[4096];

    (void)state;
    make_maps (&maps);
    snprintf (path, sizeof (path), "%s/network", scratch);
    assert_null (ddmd_vae_read (&ddmd_backend_cpu, path, 16, &err));
    assert_int_equal (ddmd_vae_write (path, 3, vae, &err), 0);
    read = ddmd_vae_read (&ddmd_backend_cpu, path, 16, &err);
    assert_non_null (read);
    assert_int_equal (ddmd_vae_latent (read), 5);
    assert_int_equal (ddmd_trainer_embed (vae, &maps, a), 0);
    assert_int_equal (ddmd_trainer_embed (read, &maps, b), 0);
    for (size_t i = 0; i < MAPS * 5; i++)
        assert_true (fabs (a[i] - b[i])
                     < 1e-4 * (1 + fabs (a[i]))); /* other batches, other rounding */
    ddmd_vae_destroy (read);
    ddmd_vae_destroy (vae);
    ddmd_maps_finish (&maps);
    free (a);
    free (b);
    remove_scratch (scratch);
}

static void lof_wrong_arguments (void **state)
{
    double points[4] = { 0 }, factor[4];

    (void)state;
    assert_int_equal (ddmd_lof (4, 1, points, 0, factor), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (ddmd_lof (4, 1, points, 4, factor), -1);
    assert_int_equal (ddmd_lof (4, 0, points, 2, factor), -1);
    assert_int_equal (ddmd_lof (0, 1, points, 1, factor), -1);
}

/* Four points on a line, 0, 1, 2 and 10, and two neighbours, by hand from the definitions:
 *   distances to the second neighbour 2, 1, 2, 9; neighbours {1, 2}, {0, 2}, {1, 0}, {2, 1};
 *   mean reachability distances (1 + 2) / 2, where 1 is max (1, d(0, 1)): 1.5, (2 + 2) / 2 =
 * 2, 1.5, (8 + 9) / 2 = 8.5.
 */
static void lof_by_hand (void **state)
{
    const double points[4] = { 0, 1, 2, 10 };
    const double mean[4] = { 1.5, 2, 1.5, 8.5 };
    const double expected[4] = {
        mean[0] * (1 / mean[1] + 1 / mean[2]) / 2,
        mean[1] * (1 / mean[0] + 1 / mean[2]) / 2,
        mean[2] * (1 / mean[1] + 1 / mean[0]) / 2,
        mean[3] * (1 / mean[2] + 1 / mean[1]) / 2,
    };
    double factor[4];

    (void)state;
    assert_int_equal (ddmd_lof (4, 1, points, 2, factor), 0);
    for (int i = 0; i < 4; i++)
        assert_true (fabs (factor[i] - expected[i]) < 1e-6);
}

/* A dense and a loose cluster, and two points outside: the one near the dense cluster is the
 * stronger outlier than any point of the loose cluster, though its neighbours are nearer than
 * theirs. That is what "local" means.
 */
static void lof_clusters (void **state)
{
    enum { EACH = 100, COUNT = 2 * EACH + 2 };
    double points[COUNT * 2], factor[COUNT], highest = 0, sum = 0;

    (void)state;
    ddmd_philox_normal (4, 0, DDMD_PHILOX_NOISE, points, COUNT * 2);
    for (size_t i = 0; i < EACH; i++) {
        for (int d = 0; d < 2; d++) {
            points[2 * i + (size_t)d] *= 0.01;
            points[2 * (EACH + i) + (size_t)d] = 20 + 2 * points[2 * (EACH + i) + (size_t)d];
        }
    }
    points[2 * COUNT - 4] = points[2 * COUNT - 3] = 0.15; /* near the dense one */
    points[2 * COUNT - 2] = 0; /* far from both */
    points[2 * COUNT - 1] = 30;
    assert_int_equal (ddmd_lof (COUNT, 2, points, 10, factor), 0);
    for (size_t i = 0; i < 2 * EACH; i++) {
        highest = fmax (highest, factor[i]);
        sum += factor[i] / (2 * EACH);
    }
    assert_true (fabs (sum - 1) < 0.15);
    assert_true (factor[COUNT - 2] > highest && factor[COUNT - 1] > highest);
}

static void lof_coinciding (void **state)
{
    double points[6] = { 1, 1, 1, 1, 1, 9 }, factor[6];

    (void)state;
    assert_int_equal (ddmd_lof (6, 1, points, 3, factor), 0);
    for (int i = 0; i < 5; i++)
        assert_true (fabs (factor[i] - 1) < 1e-6);
    assert_true (isfinite (factor[5]) && factor[5] > 1000);
}

static void ranking (void **state)
{
    struct ddmd_frame frame[5] = { 0 };

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        frame[i].index = i;
    /* factors 3 1 9 5 9, RMSDs 4 1 6 5 2: of the three strongest (2, 4, 3) by RMSD 4, 3, 2 */
    const double score[5] = { 3, 1, 9, 5, 9 }, rmsd[5] = { 4, 1, 6, 5, 2 };

    for (int i = 0; i < 5; i++) {
        frame[i].score = score[i];
        frame[i].rmsd = rmsd[i];
    }
    assert_int_equal (ddmd_restart_rank (frame, 0, 3), 0);
    assert_int_equal (ddmd_restart_rank (frame, 5, 3), 3);
    assert_int_equal (frame[0].index, 4);
    assert_int_equal (frame[1].index, 3);
    assert_int_equal (frame[2].index, 2);
    assert_int_equal (ddmd_restart_rank (frame, 3, 9), 3);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (lof_wrong_arguments),
        cmocka_unit_test (lof_by_hand),
        cmocka_unit_test (lof_clusters),
        cmocka_unit_test (lof_coinciding),
        cmocka_unit_test (ranking),
        cmocka_unit_test (loss_falls),
        cmocka_unit_test (training_is_repeatable),
        cmocka_unit_test (network_file),
    };

    return cmocka_run_group_tests_name ("ddmd-learning", tests, NULL, NULL);
}
