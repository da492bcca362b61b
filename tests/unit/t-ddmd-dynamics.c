/* SPDX-License-Identifier: Apache-2.0 */

/* The physics: forces are the energy's slope, energy is conserved, the temperature is the one asked
 * for, and the protein folds.
 */

#include "ddmd.h"
#include "ddmd/backend.h"
#include "ddmd/kabsch.h"
#include "ddmd/philox.h"

#define N 28
#define N3 (3 * N)

static const struct ddmd_backend *const cpu = &ddmd_backend_cpu;

static void draw_velocities (double temperature, uint64_t key, double *v)
{
    ddmd_philox_normal (key, 0, DDMD_PHILOX_VELOCITY, v, N3);
    for (size_t i = 0; i < N3; i++)
        v[i] *= sqrt (temperature);
}

static double kinetic_energy (const double *v)
{
    double sum = 0;

    for (size_t i = 0; i < N3; i++)
        sum += v[i] * v[i] / 2;
    return sum;
}

static void backends (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    assert_ptr_equal (ddmd_backend_open ("cpu", &err), cpu);
    assert_null (ddmd_backend_open ("abacus", &err));
    assert_null (ddmd_backend_open ("", &err));
    assert_int_equal (ddmd_backend_check (cpu, &err), 0);
}

/* Central differences of step h have an error of h^2 and rounding; 1e-5 gives about nine digits
 * here.
 */
static void check_forces (const struct ddmd_go_model *model, double *x)
{
    double f[N3], other[N3], energy, up, down;

    cpu->md_forces (model, 1, x, f, &energy);
    for (size_t i = 0; i < N3; i++) {
        double old = x[i];

        x[i] = old + 1e-5;
        cpu->md_forces (model, 1, x, other, &up);
        x[i] = old - 1e-5;
        cpu->md_forces (model, 1, x, other, &down);
        x[i] = old;
        assert_true (fabs (f[i] + (up - down) / 2e-5) < 1e-6 * (1 + fabs (f[i])));
    }
}

static void check_no_net_force (const struct ddmd_go_model *model, const double *x)
{
    double f[N3], energy, force[3] = { 0 }, torque[3] = { 0 }, size = 0;

    cpu->md_forces (model, 1, x, f, &energy);
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < 3; c++) {
            size_t c1 = (c + 1) % 3, c2 = (c + 2) % 3;

            force[c] += f[c * N + i];
            torque[c] += x[c1 * N + i] * f[c2 * N + i] - x[c2 * N + i] * f[c1 * N + i];
            size += fabs (f[c * N + i]);
        }
    }
    for (size_t c = 0; c < 3; c++) {
        assert_true (fabs (force[c]) < 1e-12 * size + 1e-10);
        assert_true (fabs (torque[c]) < 1e-10 * size + 1e-9);
    }
}

static void forces (void **state)
{
    struct ddmd_go_model *model = load_model ();

    (void)state;
    for (uint64_t trial = 0; trial < 12; trial++) {
        double x[N3], noise[N3];

        if (trial % 2 == 0)
            memcpy (x, model->native, sizeof (x));
        else
            ddmd_go_model_extended (model, x);
        ddmd_philox_normal (trial, 0, DDMD_PHILOX_NOISE, noise, N3);
        for (size_t i = 0; i < N3; i++)
            x[i] += 0.1 * (double)(trial / 2) * noise[i];
        if (trial != 1) /* the flat chain itself is not a point where all dihedrals have a slope */
            check_forces (model, x);
        check_no_net_force (model, x);
    }
    ddmd_go_model_destroy (model);
}

static void ground_state (void **state)
{
    struct ddmd_go_model *model = load_model ();
    double f[N3], energy;

    (void)state;
    cpu->md_forces (model, 1, model->native, f, &energy);
    /* every native pair gives -1, every other pair a little repulsion */
    assert_true (energy > -(double)model->n_contacts);
    assert_true (energy < -(double)model->n_contacts + 0.1);
    for (size_t i = 0; i < N3; i++)
        assert_true (fabs (f[i]) < 0.05);
    ddmd_go_model_destroy (model);
}

/* Total energy over 'time' from the same start; its mean in the first and last third, and its root
 * mean square deviation.
 */
static double run_nve (const struct ddmd_go_model *model, double dt, double time, double *drift)
{
    struct ddmd_langevin newton = { .temperature = 0.8, .friction = 0, .dt = dt };
    double x[N3], v[N3], sum = 0, square = 0, third[3] = { 0 };
    uint64_t key = 5, samples = 600, steps = (uint64_t)(time / dt / 600);

    memcpy (x, model->native, sizeof (x));
    draw_velocities (0.8, 11, v);
    for (uint64_t i = 0; i < samples; i++) {
        double energy, total;

        assert_int_equal (cpu->md_run (model, &newton, 1, &key, i * steps, steps, x, v, &energy),
                          0);
        total = energy + kinetic_energy (v);
        sum += total;
        square += total * total;
        third[i * 3 / samples] += total / (double)(samples / 3);
    }
    *drift = third[2] - third[0];
    return sqrt (fmax (0, square / (double)samples - pow (sum / (double)samples, 2)));
}

static void energy_is_conserved (void **state)
{
    struct ddmd_go_model *model = load_model ();
    double drift, small_drift;
    double deviation = run_nve (model, 0.01, 240, &drift);
    double small = run_nve (model, 0.005, 240, &small_drift);

    (void)state;
    print_message ("# NVE: dt 0.01: deviation %.4f, drift %.4f; dt 0.005: %.4f, %.4f\n", deviation,
                   drift, small, small_drift);
    /* Of about 33 kinetic energy. Velocity Verlet's error is of second order: half the step, a
     * quarter of the deviation.
     */
    assert_true (deviation < 0.06);
    assert_true (fabs (drift) < 0.03);
    assert_true (fabs (small_drift) < 0.01);
    assert_true (small < deviation / 3 && small > deviation / 5.5);
    ddmd_go_model_destroy (model);
}

/* Equipartition, twice: each velocity component holds T / 2, and so does each bond, which is stiff
 * enough to be harmonic. Frames 100 steps apart at friction 1 are one correlation time of the
 * velocities apart: of 84 numbers and 1500 frames at least 84 x 500 count.
 */
static void temperature (void **state)
{
    struct ddmd_go_model *model = load_model ();
    struct ddmd_langevin langevin = { .temperature = 0.5, .friction = 1, .dt = 0.01 };
    double x[N3], v[N3], kinetic = 0, bond = 0;
    uint64_t key = 77;
    enum { SAMPLES = 1500 };

    (void)state;
    memcpy (x, model->native, sizeof (x));
    draw_velocities (0.5, 12, v);
    for (uint64_t s = 0; s < SAMPLES; s++) {
        double energy;

        assert_int_equal (cpu->md_run (model, &langevin, 1, &key, s * 100, 100, x, v, &energy), 0);
        kinetic += 2 * kinetic_energy (v) / N3 / SAMPLES;
        for (size_t i = 0; i + 1 < N; i++) {
            double r = sqrt (pow (x[i + 1] - x[i], 2) + pow (x[N + i + 1] - x[N + i], 2)
                             + pow (x[2 * N + i + 1] - x[2 * N + i], 2));

            bond += 2 * DDMD_K_BOND * pow (r - model->bond[i], 2) / (N - 1) / SAMPLES;
        }
    }
    print_message ("# T 0.5: from velocities %.4f, from bonds %.4f\n", kinetic, bond);
    assert_true (fabs (kinetic / 0.5 - 1)
                 < 5 * sqrt (2.0 / (84 * 500)) + 0.01); /* 0.01: the step's own error */
    assert_true (fabs (bond / 0.5 - 1) < 0.05);
    ddmd_go_model_destroy (model);
}

/* A trajectory does not depend on how it is cut into calls, nor on what else is in the batch. */
static void repeatable (void **state)
{
    struct ddmd_go_model *model = load_model ();
    struct ddmd_langevin langevin = { .temperature = 0.8, .friction = 1, .dt = 0.01 };
    double x[2 * N3], v[2 * N3], alone_x[N3], alone_v[N3], energy[2], alone;
    uint64_t key[2] = { 1, 2 };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        ddmd_go_model_extended (model, x + k * N3);
        draw_velocities (0.8, 100 + k, v + k * N3);
    }
    memcpy (alone_x, x + N3, sizeof (alone_x));
    memcpy (alone_v, v + N3, sizeof (alone_v));
    assert_int_equal (cpu->md_run (model, &langevin, 2, key, 0, 300, x, v, energy), 0);
    assert_int_equal (cpu->md_run (model, &langevin, 1, &key[1], 0, 100, alone_x, alone_v, &alone),
                      0);
    assert_int_equal (
        cpu->md_run (model, &langevin, 1, &key[1], 100, 200, alone_x, alone_v, &alone), 0);
    assert_memory_equal (x + N3, alone_x, sizeof (alone_x));
    assert_memory_equal (v + N3, alone_v, sizeof (alone_v));
    assert_true (alone == energy[1]);
    assert_true (x[0] != x[N3]);
    ddmd_go_model_destroy (model);
}

static void divergence_is_told (void **state)
{
    struct ddmd_go_model *model = load_model ();
    struct ddmd_langevin langevin = { .temperature = 0.8, .friction = 1, .dt = 10 };
    double x[N3], v[N3], energy;
    uint64_t key = 1;

    (void)state;
    memcpy (x, model->native, sizeof (x));
    draw_velocities (0.8, 1, v);
    assert_int_equal (cpu->md_run (model, &langevin, 1, &key, 0, 1000, x, v, &energy), -1);
    ddmd_go_model_destroy (model);
}

/* Lowest and highest RMSD over a run that begins at x. */
static void rmsd_range (const struct ddmd_go_model *model,
                        const struct ddmd_langevin *langevin,
                        uint64_t key,
                        uint64_t frames,
                        double *x,
                        double *low,
                        double *high)
{
    double v[N3], energy;

    *low = INFINITY;
    *high = 0;
    draw_velocities (langevin->temperature, key, v);
    for (uint64_t i = 0; i < frames; i++) {
        double rmsd;

        assert_int_equal (cpu->md_run (model, langevin, 1, &key, i * 500, 500, x, v, &energy), 0);
        rmsd = ddmd_kabsch_rmsd (N, x, model->native);
        *low = fmin (*low, rmsd);
        *high = fmax (*high, rmsd);
    }
}

static void folding (void **state)
{
    struct ddmd_go_model *model = load_model ();
    struct ddmd_langevin langevin = { .temperature = 0.6, .friction = 0.2, .dt = 0.01 };
    int folded = 0;

    (void)state;
    for (uint64_t key = 1; key <= 4; key++) {
        double x[N3], low, high;

        ddmd_go_model_extended (model, x);
        rmsd_range (model, &langevin, key, 100, x, &low, &high);
        print_message ("# from the extended chain: RMSD %.2f to %.2f\n", high, low);
        folded += low < 1.5;
    }
    assert_true (folded >= 2); /* the others are held up in a misfolded state */
    ddmd_go_model_destroy (model);
}

static void native_stays_folded (void **state)
{
    struct ddmd_go_model *model = load_model ();
    struct ddmd_langevin cold = { .temperature = 0.3, .friction = 0.2, .dt = 0.01 };
    struct ddmd_langevin hot = { .temperature = 1.6, .friction = 0.2, .dt = 0.01 };
    double x[N3], low, high;

    (void)state;
    memcpy (x, model->native, sizeof (x));
    rmsd_range (model, &cold, 9, 80, x, &low, &high);
    print_message ("# T 0.3: RMSD at most %.2f\n", high);
    assert_true (high < 2);
    memcpy (x, model->native, sizeof (x));
    rmsd_range (model, &hot, 9, 80, x, &low, &high);
    print_message ("# T 1.6: RMSD up to %.2f\n", high);
    assert_true (high > 6);
    ddmd_go_model_destroy (model);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (backends),
        cmocka_unit_test (forces),
        cmocka_unit_test (ground_state),
        cmocka_unit_test (energy_is_conserved),
        cmocka_unit_test (temperature),
        cmocka_unit_test (repeatable),
        cmocka_unit_test (divergence_is_told),
        cmocka_unit_test (folding),
        cmocka_unit_test (native_stays_folded),
    };

    return cmocka_run_group_tests_name ("ddmd-dynamics", tests, NULL, NULL);
}
