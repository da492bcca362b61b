/* SPDX-License-Identifier: Apache-2.0 */

/* The CUDA backend against the CPU's, function by function and as a whole. Everything is done
 * twice: with the same sources compiled for the emulation of cuda-emulation.h, and on a real GPU
 * where the module was built and a GPU is there; where not, those tests are skipped.
 *
 * Tolerances. Forces: 1e-10 of the largest, which is the order of summation. Newton's dynamics over
 * 200 steps: 1e-8 angstrom. With noise, which comes from single-precision functions: 1e-3 angstrom
 * after 50 steps. The network in single precision: 1e-4 relative.
 */

#include "ddmd.h"
#include "ddmd/backend.h"
#include "ddmd/contact_map.h"
#include "ddmd/philox.h"
#include "ddmd/vae.h"

enum { N = 28, N3 = 3 * N, COPIES = 3, MAPS = 5, LATENT = 4 };

static const struct ddmd_backend *const cpu = &ddmd_backend_cpu;

/* The module under test, opened by each test's set-up; NULL: skip. */
static const struct ddmd_backend *gpu;

static int open_emulation (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    gpu = ddmd_backend_load (DDMD_EMULATED_MODULE, &err);
    if (!gpu)
        print_message ("# no emulation: %s\n", err.text);
    return 0;
}

static int open_device (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    gpu = ddmd_backend_load (DDMD_CUDA_MODULE, &err);
    if (!gpu)
        print_message ("# no GPU: %s\n", err.text);
    return 0;
}

static void need_gpu (void)
{
    if (!gpu)
        skip ();
}

static void assert_near (double a, double b, double tolerance)
{
    if (!(fabs (a - b) <= tolerance))
        fail_msg ("%.12g is not %.12g within %g", a, b, tolerance);
}

static void assert_arrays_near (const double *a, const double *b, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        assert_near (a[i], b[i], tolerance);
}

static void assert_no_problem (void)
{
    if (gpu->problem ())
        fail_msg ("%s", gpu->problem ());
}

/* Conformations somewhat away from the folded one, each in its own way. */
static void crumple (const struct ddmd_go_model *model, double *x)
{
    double noise[N3];

    for (uint64_t k = 0; k < COPIES; k++) {
        ddmd_philox_normal (7, k, DDMD_PHILOX_VELOCITY, noise, N3);
        for (size_t i = 0; i < N3; i++)
            x[k * N3 + i] = model->native[i] + 0.2 * noise[i];
    }
}

static void forces (void **state)
{
    struct ddmd_go_model *model;
    double x[COPIES * N3], f[COPIES * N3], want[COPIES * N3];
    double e[COPIES], want_e[COPIES], largest = 0;

    (void)state;
    need_gpu ();
    model = load_model ();
    assert_int_equal (model->n, N);
    crumple (model, x);
    cpu->md_forces (model, COPIES, x, want, want_e);
    gpu->md_forces (model, COPIES, x, f, e);
    for (size_t i = 0; i < COPIES * N3; i++)
        largest = fmax (largest, fabs (want[i]));
    assert_arrays_near (f, want, COPIES * N3, 1e-10 * largest);
    for (size_t k = 0; k < COPIES; k++)
        assert_near (e[k], want_e[k], 1e-10 * fabs (want_e[k]));
    assert_no_problem ();
    ddmd_go_model_destroy (model);
}

/* Runs STEPS from the crumpled conformations, on BACKEND. */
static void run (const struct ddmd_backend *backend,
                 const struct ddmd_go_model *model,
                 double friction,
                 uint64_t steps,
                 double *x,
                 double *v,
                 double *e)
{
    struct ddmd_langevin langevin = { .temperature = 0.8, .friction = friction, .dt = 0.01 };
    uint64_t key[COPIES] = { 11, 12, 13 };

    crumple (model, x);
    memset (v, 0, COPIES * N3 * sizeof (*v));
    assert_int_equal (backend->md_run (model, &langevin, COPIES, key, 1000, steps, x, v, e), 0);
}

static void dynamics (void **state)
{
    const struct {
        double friction;
        uint64_t steps;
        double tolerance;
    } table[] = { { 0, 200, 1e-8 }, { 1, 50, 1e-3 }, { 1, 1, 1e-6 }, { 1, 0, 0 } };
    struct ddmd_go_model *model;

    (void)state;
    need_gpu ();
    model = load_model ();
    for (size_t t = 0; t < sizeof (table) / sizeof (table[0]); t++) {
        double x[2][COPIES * N3], v[2][COPIES * N3], e[2][COPIES];

        run (cpu, model, table[t].friction, table[t].steps, x[0], v[0], e[0]);
        run (gpu, model, table[t].friction, table[t].steps, x[1], v[1], e[1]);
        assert_arrays_near (x[1], x[0], COPIES * N3, table[t].tolerance);
        assert_arrays_near (v[1], v[0], COPIES * N3, 100 * table[t].tolerance);
        if (table[t].steps > 0)
            assert_arrays_near (e[1], e[0], COPIES, 100 * table[t].tolerance);
    }
    assert_no_problem ();
    ddmd_go_model_destroy (model);
}

/* Two runs are the same to the bit; one that explodes says so. */
static void repeatable (void **state)
{
    struct ddmd_go_model *model;
    double x[2][COPIES * N3], v[2][COPIES * N3], e[2][COPIES];
    struct ddmd_langevin wild = { .temperature = 0.8, .friction = 0, .dt = 50 };
    uint64_t key[COPIES] = { 1, 2, 3 };

    (void)state;
    need_gpu ();
    model = load_model ();
    run (gpu, model, 1, 30, x[0], v[0], e[0]);
    run (gpu, model, 1, 30, x[1], v[1], e[1]);
    assert_memory_equal (x[0], x[1], sizeof (x[0]));
    assert_memory_equal (v[0], v[1], sizeof (v[0]));
    assert_int_equal (gpu->md_run (model, &wild, COPIES, key, 0, 50, x[0], v[0], e[0]), -1);
    assert_no_problem ();
    ddmd_go_model_destroy (model);
}

/*
 * The network's functions: the same arguments to both backends
 */

enum { MOST = 20000, ARRAYS = 6 };

struct pair {
    ddmd_real *host[ARRAYS]; /* the CPU's buffers */
    ddmd_real *device[ARRAYS];
};

/* ARRAYS buffers of MOST numbers with the same random contents on both sides. */
static void make_pair (struct pair *p)
{
    static double normal[MOST];

    for (uint64_t k = 0; k < ARRAYS; k++) {
        p->host[k] = cpu->alloc (MOST);
        p->device[k] = gpu->alloc (MOST);
        assert_non_null (p->host[k]);
        assert_non_null (p->device[k]);
        ddmd_philox_normal (3, k, DDMD_PHILOX_NOISE, normal, MOST);
        for (size_t i = 0; i < MOST; i++)
            p->host[k][i] = (ddmd_real)normal[i];
        gpu->upload (p->device[k], p->host[k], MOST);
    }
}

static void free_pair (struct pair *p)
{
    for (size_t k = 0; k < ARRAYS; k++) {
        cpu->free (p->host[k]);
        gpu->free (p->device[k]);
    }
}

/* All buffers are still alike. */
static void compare_pair (const struct pair *p, const char *what)
{
    static ddmd_real got[MOST];

    for (size_t k = 0; k < ARRAYS; k++) {
        gpu->download (got, p->device[k], MOST);
        for (size_t i = 0; i < MOST; i++) {
            double want = (double)p->host[k][i];

            if (!(fabs ((double)got[i] - want) <= 1e-4 * (1 + fabs (want))))
                fail_msg ("%s: array %zu[%zu]: %g is not %g", what, k, i, (double)got[i], want);
        }
    }
}

static void products (void **state)
{
    struct pair p;

    (void)state;
    need_gpu ();
    make_pair (&p);
    for (int t = 0; t < 8; t++) {
        struct ddmd_gemm shape = { .transpose_a = t & 1,
                                   .transpose_b = t & 2,
                                   .m = 17,
                                   .n = 33,
                                   .k = 65,
                                   .beta = t & 4 ? 1 : 0 };

        cpu->gemm (&shape, p.host[0], p.host[1], p.host[2]);
        gpu->gemm (&shape, p.device[0], p.device[1], p.device[2]);
        compare_pair (&p, "gemm");
    }
    free_pair (&p);
    assert_no_problem ();
}

static void patches (void **state)
{
    const struct ddmd_conv_shape table[] = {
        { .batch = 3, .channels = 2, .big = 28, .small = 14, .kernel = 4, .stride = 2, .pad = 1 },
        { .batch = 5, .channels = 4, .big = 7, .small = 1, .kernel = 7, .stride = 1, .pad = 0 },
        { .batch = 2, .channels = 3, .big = 3, .small = 4, .kernel = 2, .stride = 1, .pad = 1 },
        { .batch = 1, .channels = 1, .big = 9, .small = 3, .kernel = 4, .stride = 3, .pad = 1 },
        { .batch = 7, .channels = 9, .big = 1, .small = 1, .kernel = 1, .stride = 1, .pad = 0 },
    };
    struct pair p;

    (void)state;
    need_gpu ();
    make_pair (&p);
    for (size_t t = 0; t < sizeof (table) / sizeof (table[0]); t++) {
        cpu->im2col (&table[t], p.host[0], p.host[1]);
        gpu->im2col (&table[t], p.device[0], p.device[1]);
        cpu->col2im (&table[t], p.host[2], p.host[3]);
        gpu->col2im (&table[t], p.device[2], p.device[3]);
        compare_pair (&p, "im2col and col2im");
    }
    free_pair (&p);
    assert_no_problem ();
}

static void elements (void **state)
{
    struct ddmd_adam adam = { .rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 };
    struct pair p;
    double want, got;

    (void)state;
    need_gpu ();
    make_pair (&p);
    cpu->bias_add (p.host[0], p.host[1], 37, 53);
    gpu->bias_add (p.device[0], p.device[1], 37, 53);
    cpu->bias_grad (p.host[2], p.host[0], 11, 1801);
    gpu->bias_grad (p.device[2], p.device[0], 11, 1801);
    cpu->add (p.host[0], p.host[3], 12345);
    gpu->add (p.device[0], p.device[3], 12345);
    cpu->relu (p.host[0], 15000);
    gpu->relu (p.device[0], 15000);
    cpu->relu_grad (p.host[3], p.host[0], 14999);
    gpu->relu_grad (p.device[3], p.device[0], 14999);
    compare_pair (&p, "biases and relu");
    cpu->sample (p.host[0], p.host[1], p.host[4], p.host[5], 777);
    gpu->sample (p.device[0], p.device[1], p.device[4], p.device[5], 777);
    want = cpu->bce (p.host[1], p.host[4], p.host[5], (ddmd_real)0.5, MOST);
    got = gpu->bce (p.device[1], p.device[4], p.device[5], (ddmd_real)0.5, MOST);
    assert_near (got, want, 1e-8 * fabs (want));
    want =
        cpu->sample_grad (p.host[0], p.host[1], p.host[2], p.host[3], p.host[4], p.host[5], 2, 99);
    got = gpu->sample_grad (p.device[0], p.device[1], p.device[2], p.device[3], p.device[4],
                            p.device[5], 2, 99);
    assert_near (got, want, 1e-8 * fabs (want));
    compare_pair (&p, "samples and losses");
    cpu->clear (p.host[2], MOST);
    gpu->clear (p.device[2], MOST);
    cpu->clear (p.host[3] + 5, 100);
    gpu->clear (p.device[3] + 5, 100);
    cpu->clear (p.host[3], MOST);
    gpu->clear (p.device[3], MOST);
    for (adam.step = 1; adam.step <= 3; adam.step++) {
        cpu->adam (&adam, p.host[0], p.host[1], p.host[2], p.host[3], MOST);
        gpu->adam (&adam, p.device[0], p.device[1], p.device[2], p.device[3], MOST);
    }
    compare_pair (&p, "Adam");
    free_pair (&p);
    assert_no_problem ();
}

/* Contact maps of crumpled conformations. */
static void make_maps (ddmd_real *pixels)
{
    struct ddmd_go_model *model = load_model ();
    double noise[N3], x[N3];
    uint8_t map[DDMD_CONTACT_BYTES (N)];

    for (uint64_t k = 0; k < MAPS; k++) {
        ddmd_philox_normal (5, k, DDMD_PHILOX_VELOCITY, noise, N3);
        for (size_t i = 0; i < N3; i++)
            x[i] = model->native[i] + 0.3 * (double)k * noise[i];
        ddmd_contact_map (N, x, map);
        ddmd_contact_map_unpack (N, map, pixels + k * N * N);
    }
    ddmd_go_model_destroy (model);
}

/* The whole network: the losses of STEPS steps of training to 'loss', the embedding to 'means'. */
static void train (const struct ddmd_backend *backend, size_t steps, double *loss, double *means)
{
    static ddmd_real pixels[MAPS * N * N], embedding[MAPS * LATENT];
    struct aw_error err = { "" };
    struct ddmd_vae *vae = ddmd_vae_create (backend, N, LATENT, MAPS, 1, &err);

    assert_non_null (vae);
    make_maps (pixels);
    for (uint64_t s = 0; s < steps; s++) {
        double normal[MAPS * LATENT];
        ddmd_real noise[MAPS * LATENT];
        struct ddmd_vae_loss l;

        ddmd_philox_normal (6, s, DDMD_PHILOX_LATENT, normal, MAPS * LATENT);
        for (size_t i = 0; i < MAPS * LATENT; i++)
            noise[i] = (ddmd_real)normal[i];
        l = ddmd_vae_gradient (vae, pixels, noise, MAPS);
        ddmd_vae_descend (vae, 1e-3);
        loss[s] = l.reconstruction + l.divergence;
    }
    ddmd_vae_embed (vae, pixels, MAPS, embedding);
    for (size_t i = 0; i < MAPS * LATENT; i++)
        means[i] = (double)embedding[i];
    ddmd_vae_destroy (vae);
}

static void learning (void **state)
{
    enum { STEPS = 5 };
    double loss[2][STEPS], means[2][MAPS * LATENT];

    (void)state;
    need_gpu ();
    train (cpu, STEPS, loss[0], means[0]);
    train (gpu, STEPS, loss[1], means[1]);
    for (size_t s = 0; s < STEPS; s++)
        assert_near (loss[1][s], loss[0][s], 1e-3 * loss[0][s]);
    assert_true (loss[1][STEPS - 1] < loss[1][0]);
    assert_arrays_near (means[1], means[0], MAPS * LATENT, 1e-2);
    assert_no_problem ();
}

/* What cannot be loaded says why. */
static void loading (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    assert_null (ddmd_backend_load ("/nowhere/ddmd-cuda.so", &err));
    assert_non_null (strstr (err.text, "/nowhere/ddmd-cuda.so: No such file"));
    assert_null (ddmd_backend_load ("/dev/null", &err));
    assert_non_null (strstr (err.text, "/dev/null"));
    assert_null (ddmd_backend_open ("abacus", &err));
    assert_string_equal (err.text, "--backend: there is no \"abacus\": cpu or cuda");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (loading),
        { "emulated: forces", forces, open_emulation, NULL, NULL },
        { "emulated: dynamics", dynamics, open_emulation, NULL, NULL },
        { "emulated: repeatable", repeatable, open_emulation, NULL, NULL },
        { "emulated: products", products, open_emulation, NULL, NULL },
        { "emulated: patches", patches, open_emulation, NULL, NULL },
        { "emulated: elements", elements, open_emulation, NULL, NULL },
        { "emulated: learning", learning, open_emulation, NULL, NULL },
        { "GPU: forces", forces, open_device, NULL, NULL },
        { "GPU: dynamics", dynamics, open_device, NULL, NULL },
        { "GPU: repeatable", repeatable, open_device, NULL, NULL },
        { "GPU: products", products, open_device, NULL, NULL },
        { "GPU: patches", patches, open_device, NULL, NULL },
        { "GPU: elements", elements, open_device, NULL, NULL },
        { "GPU: learning", learning, open_device, NULL, NULL },
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
