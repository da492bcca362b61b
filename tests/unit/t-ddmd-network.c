/* SPDX-License-Identifier: Apache-2.0 */

/* Gradients against central differences, in double precision: every kind of layer, and the whole
 * network. The sources are those of the programs, compiled with DDMD_DOUBLE. Differences of step
 * 1e-6 are right to about nine digits; 1e-6 is asked for.
 */

#include "ddmd.h"
#include "ddmd/conv.h"
#include "ddmd/philox.h"
#include "ddmd/vae.h"

#define STEP 1e-6
#define TOLERANCE 1e-6

static const struct ddmd_backend *const cpu = &ddmd_backend_cpu;

static void fill (double *x, size_t count, uint64_t stream)
{
    ddmd_philox_normal (99, stream, DDMD_PHILOX_NOISE, x, count);
}

static void assert_close (double a, double b)
{
    if (fabs (a - b) > TOLERANCE * (1 + fabs (a) + fabs (b)))
        fail_msg ("%.12g is not %.12g", a, b);
}

/* The product done naively, with all four transpositions. */
static void gemm (void **state)
{
    enum { M = 3, N = 4, K = 5 };
    double a[M * K], b[K * N];

    (void)state;
    fill (a, M * K, 1);
    fill (b, K * N, 2);
    for (int t = 0; t < 4; t++) {
        struct ddmd_gemm shape = {
            .transpose_a = t & 1, .transpose_b = t & 2, .m = M, .n = N, .k = K, .beta = 1
        };
        double c[M * N];

        for (size_t i = 0; i < M * N; i++)
            c[i] = 7;
        cpu->gemm (&shape, a, b, c);
        for (size_t i = 0; i < M; i++) {
            for (size_t j = 0; j < N; j++) {
                double sum = 7;

                for (size_t k = 0; k < K; k++)
                    sum += (t & 1 ? a[k * M + i] : a[i * K + k])
                           * (t & 2 ? b[j * K + k] : b[k * N + j]);
                assert_close (c[i * N + j], sum);
            }
        }
    }
}

/* One image of 3 x 3, kernel 2, stride 1, an edge of 1: the first row of the matrix is what the
 * kernel's first element sees.
 */
static void im2col (void **state)
{
    struct ddmd_conv_shape shape = {
        .batch = 1, .channels = 1, .big = 3, .small = 4, .kernel = 2, .stride = 1, .pad = 1
    };
    const double image[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const double first[16] = { 0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9 };
    const double last[16] = { 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0 };
    double cols[64], back[9], sum = 0, other = 0;

    (void)state;
    cpu->im2col (&shape, image, cols);
    assert_memory_equal (cols, first, sizeof (first));
    assert_memory_equal (cols + 48, last, sizeof (last));
    /* col2im is the transpose: <im2col (x), y> = <x, col2im (y)> */
    double y[64];

    fill (y, 64, 3);
    cpu->col2im (&shape, y, back);
    for (size_t i = 0; i < 64; i++)
        sum += cols[i] * y[i];
    for (size_t i = 0; i < 9; i++)
        other += image[i] * back[i];
    assert_close (sum, other);
}

#define BUFFER 4096

struct layer_case {
    struct ddmd_conv conv;
    double parameters[BUFFER], gradient[BUFFER], cols[BUFFER];
    double in[BUFFER], out[BUFFER], dout[BUFFER], din[BUFFER], target[BUFFER];
};

/* The loss is the output's product with a random direction. */
static double layer_loss (struct layer_case *c)
{
    size_t count = c->conv.shape.batch * ddmd_conv_outputs (&c->conv);
    double sum = 0;

    ddmd_conv_forward (cpu, &c->conv, c->in, c->out);
    for (size_t i = 0; i < count; i++)
        sum += c->out[i] * c->target[i];
    return sum;
}

static void check_differences (struct layer_case *c,
                               double *x,
                               const double *gradient,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double old = x[i], up, down;

        x[i] = old + STEP;
        up = layer_loss (c);
        x[i] = old - STEP;
        down = layer_loss (c);
        x[i] = old;
        assert_close (gradient[i], (up - down) / (2 * STEP));
    }
}

static void check_layer (const struct ddmd_conv *conv)
{
    struct layer_case *c = calloc (1, sizeof (*c));
    size_t weights = ddmd_conv_weights (conv), biases = ddmd_conv_biases (conv);
    size_t inputs = conv->shape.batch * ddmd_conv_inputs (conv);
    size_t outputs = conv->shape.batch * ddmd_conv_outputs (conv);

    assert_non_null (c);
    assert_true (weights + biases <= BUFFER && inputs <= BUFFER && outputs <= BUFFER);
    assert_true (ddmd_conv_cols (conv, conv->shape.batch) <= BUFFER);
    c->conv = *conv;
    c->conv.weights = c->parameters;
    c->conv.bias = c->parameters + weights;
    c->conv.weights_grad = c->gradient;
    c->conv.bias_grad = c->gradient + weights;
    c->conv.cols = c->cols;
    fill (c->parameters, weights + biases, 4);
    fill (c->in, inputs, 5);
    fill (c->target, outputs, 6);
    layer_loss (c);
    memcpy (c->dout, c->target, sizeof (c->dout));
    ddmd_conv_backward (cpu, &c->conv, c->in, c->out, c->dout, c->din);
    check_differences (c, c->parameters, c->gradient, weights + biases);
    check_differences (c, c->in, c->din, inputs);
    /* gradients add up, and need no 'din' */
    memcpy (c->dout, c->target, sizeof (c->dout));
    layer_loss (c);
    double first = c->gradient[0];

    ddmd_conv_backward (cpu, &c->conv, c->in, c->out, c->dout, NULL);
    assert_close (c->gradient[0], 2 * first);
    free (c);
}

static void layers (void **state)
{
    struct ddmd_conv table[] = {
        { .shape = { 2, 2, 6, 3, 4, 2, 1 }, .filters = 3 }, /* halving, as in the network */
        { .shape = { 2, 2, 5, 3, 3, 1, 0 }, .filters = 2 }, /* stride 1, no edge */
        { .shape = { 3, 2, 4, 1, 4, 1, 0 }, .filters = 5 }, /* dense, from an image */
        { .shape = { 3, 4, 1, 1, 1, 1, 0 }, .filters = 2 }, /* dense, from features */
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        for (int variant = 0; variant < 4; variant++) {
            table[i].transposed = variant & 1;
            table[i].relu = variant & 2;
            check_layer (&table[i]);
        }
    }
}

/* A convolution worked out by the definition, not by matrices. */
static void convolution (void **state)
{
    struct ddmd_conv conv = { .shape = { 1, 2, 4, 2, 4, 2, 1 }, .filters = 2 };
    double w[64], bias[2] = { 0.5, -0.5 }, cols[128], in[32], out[8];

    (void)state;
    fill (w, 64, 7);
    fill (in, 32, 8);
    conv.weights = w;
    conv.bias = bias;
    conv.cols = cols;
    ddmd_conv_forward (cpu, &conv, in, out);
    for (int f = 0; f < 2; f++) {
        for (int y = 0; y < 2; y++) {
            for (int x = 0; x < 2; x++) {
                double sum = bias[f];

                for (int c = 0; c < 2; c++) {
                    for (int k = 0; k < 16; k++) {
                        int py = 2 * y + k / 4 - 1, px = 2 * x + k % 4 - 1;

                        if (py >= 0 && py < 4 && px >= 0 && px < 4)
                            sum += w[f * 32 + c * 16 + k] * in[c * 16 + py * 4 + px];
                    }
                }
                assert_close (out[f * 4 + y * 2 + x], sum);
            }
        }
    }
}

/* The two losses against their formulas, also where a naive logarithm would overflow. */
static void losses (void **state)
{
    const double logits[4] = { 0.3, -2, 800, -800 }, target[4] = { 1, 0, 1, 1 };
    const double mu[2] = { 0.7, -1 }, logvar[2] = { 0.2, -0.6 }, noise[2] = { 0 }, dz[2] = { 0 };
    double d[4], dmu[2], dlogvar[2], sum;

    (void)state;
    sum = cpu->bce (d, logits, target, 1, 2);
    assert_close (sum, -log (1 / (1 + exp (-0.3))) - log (1 - 1 / (1 + exp (2))));
    assert_close (d[0], 1 / (1 + exp (-0.3)) - 1);
    assert_close (cpu->bce (d, logits + 2, target + 2, 1, 2), 800);
    sum = cpu->sample_grad (dmu, dlogvar, dz, mu, logvar, noise, 2, 2);
    assert_close (sum, (0.49 + exp (0.2) - 1 - 0.2) / 2 + (1 + exp (-0.6) - 1 + 0.6) / 2);
    assert_close (dmu[0], 2 * 0.7);
    assert_close (dlogvar[1], exp (-0.6) - 1);
}

/* The first steps by hand: the very first is the rate, whatever the gradient's size. */
static void adam (void **state)
{
    struct ddmd_adam adam = {
        .rate = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .step = 1
    };
    double w[2] = { 1, 1 }, g[2] = { 1e-3, -50 }, m[2] = { 0 }, v[2] = { 0 };

    (void)state;
    cpu->adam (&adam, w, g, m, v, 2);
    assert_true (fabs (w[0] - 0.9) < 1e-5);
    assert_true (fabs (w[1] - 1.1) < 1e-5);
    adam.step = 2;
    g[0] = -1e-3;
    cpu->adam (&adam, w, g, m, v, 2);
    /* m = 0.9 x 1e-4 - 1e-4 = -1e-5, corrected by 1 / 0.19; v corrected is 1e-6 */
    assert_true (fabs (w[0] - (0.9 + 0.1 * 1e-5 / 0.19 / 1e-3)) < 1e-5);
}

static void vae_wrong_arguments (void **state)
{
    static const size_t table[][3] = { { 0, 3, 4 },   { 30, 3, 4 }, { 68, 3, 4 },   { 28, 0, 4 },
                                       { 28, 65, 4 }, { 28, 3, 0 }, { 28, 3, 4097 } };
    struct aw_error err = { "" };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_null (ddmd_vae_create (cpu, table[i][0], table[i][1], table[i][2], 1, &err));
        assert_int_equal (errno, EINVAL);
        assert_non_null (strstr (err.text, "out of range"));
    }
    ddmd_vae_destroy (NULL);
}

static double total (struct ddmd_vae *vae, const double *pixels, const double *noise, size_t count)
{
    struct ddmd_vae_loss loss = ddmd_vae_gradient (vae, pixels, noise, count);

    return loss.reconstruction + loss.divergence;
}

/* The gradient of the loss by every parameter of a network for maps of 8 x 8, and a random
 * direction through those of the real size.
 */
static void vae_gradient (void **state)
{
    enum { PIXELS = 64, BATCH = 3, LATENT = 2 };
    struct aw_error err;
    struct ddmd_vae *vae = ddmd_vae_create (cpu, 8, LATENT, BATCH + 1, 42, &err);
    size_t count = ddmd_vae_parameters (vae);
    double *w = calloc (count, sizeof (*w)), *g = calloc (count, sizeof (*g));
    double pixels[BATCH * PIXELS], noise[BATCH * LATENT];

    (void)state;
    fill (pixels, BATCH * PIXELS, 9);
    for (size_t i = 0; i < BATCH * PIXELS; i++)
        pixels[i] = pixels[i] > 0;
    fill (noise, BATCH * LATENT, 10);
    ddmd_vae_get_parameters (vae, w);
    total (vae, pixels, noise, BATCH);
    ddmd_vae_get_gradient (vae, g);
    for (size_t i = 0; i < count; i++) {
        double old = w[i], up, down;

        w[i] = old + STEP;
        ddmd_vae_set_parameters (vae, w);
        up = total (vae, pixels, noise, BATCH);
        w[i] = old - STEP;
        ddmd_vae_set_parameters (vae, w);
        down = total (vae, pixels, noise, BATCH);
        w[i] = old;
        if (fabs (g[i] - (up - down) / (2 * STEP)) > 1e-5 * (1 + fabs (g[i])))
            fail_msg ("parameter %zu: %.9g is not %.9g", i, g[i], (up - down) / (2 * STEP));
    }
    free (w);
    free (g);
    ddmd_vae_destroy (vae);
}

static void vae_gradient_full_size (void **state)
{
    enum { PIXELS = 784, BATCH = 4, LATENT = 3 };
    struct aw_error err;
    struct ddmd_vae *vae = ddmd_vae_create (cpu, 28, LATENT, BATCH, 42, &err);
    size_t count = ddmd_vae_parameters (vae);
    double *w = calloc (4 * count, sizeof (*w)), *g = w + count, *direction = w + 2 * count,
           *moved = w + 3 * count;
    double pixels[BATCH * PIXELS], noise[BATCH * LATENT], slope = 0, loss[2];

    (void)state;
    assert_non_null (w);
    fill (pixels, BATCH * PIXELS, 11);
    for (size_t i = 0; i < BATCH * PIXELS; i++)
        pixels[i] = pixels[i] > 0;
    fill (noise, BATCH * LATENT, 12);
    fill (direction, count, 13);
    ddmd_vae_get_parameters (vae, w);
    total (vae, pixels, noise, BATCH);
    ddmd_vae_get_gradient (vae, g);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            moved[i] = w[i] + (side == 0 ? 1e-7 : -1e-7) * direction[i];
        ddmd_vae_set_parameters (vae, moved);
        loss[side] = total (vae, pixels, noise, BATCH);
    }
    for (size_t i = 0; i < count; i++)
        slope += g[i] * direction[i];
    assert_true (fabs (slope - (loss[0] - loss[1]) / 2e-7) < 1e-4 * (1 + fabs (slope)));
    free (w);
    ddmd_vae_destroy (vae);
}

/* What a sample is mapped to does not depend on its company, and a batch's loss is the mean of its
 * samples'.
 */
static void vae_batches (void **state)
{
    enum { PIXELS = 64, BATCH = 3, LATENT = 2 };
    struct aw_error err;
    struct ddmd_vae *vae = ddmd_vae_create (cpu, 8, LATENT, BATCH, 1, &err);
    double pixels[BATCH * PIXELS], noise[BATCH * LATENT], means[BATCH * LATENT], one[LATENT],
        mean = 0;

    (void)state;
    assert_int_equal (ddmd_vae_latent (vae), LATENT);
    assert_int_equal (ddmd_vae_batch (vae), BATCH);
    fill (pixels, BATCH * PIXELS, 14);
    for (size_t i = 0; i < BATCH * PIXELS; i++)
        pixels[i] = pixels[i] > 0;
    fill (noise, BATCH * LATENT, 15);
    ddmd_vae_embed (vae, pixels, BATCH, means);
    for (size_t s = 0; s < BATCH; s++) {
        ddmd_vae_embed (vae, pixels + s * PIXELS, 1, one);
        for (size_t d = 0; d < LATENT; d++)
            assert_close (one[d], means[s * LATENT + d]);
        mean += total (vae, pixels + s * PIXELS, noise + s * LATENT, 1) / BATCH;
    }
    assert_close (mean, total (vae, pixels, noise, BATCH));
    ddmd_vae_destroy (vae);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (gemm),
        cmocka_unit_test (im2col),
        cmocka_unit_test (layers),
        cmocka_unit_test (convolution),
        cmocka_unit_test (losses),
        cmocka_unit_test (adam),
        cmocka_unit_test (vae_wrong_arguments),
        cmocka_unit_test (vae_gradient),
        cmocka_unit_test (vae_gradient_full_size),
        cmocka_unit_test (vae_batches),
    };

    return cmocka_run_group_tests_name ("ddmd-network", tests, NULL, NULL);
}
