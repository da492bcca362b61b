/* SPDX-License-Identifier: Apache-2.0 */

/* Nine layers over one flat array of parameters, so that Adam and the file format see a single
 * vector.
 *
 *   pixels -> 0 -> 1 -> 2 -> 3 (mean), 4 (log variance) -> sample -> 5 -> 6 -> 7 -> 8 -> logits
 *
 * Tensors of a single pixel are [feature][sample], so what goes in and out by sample is transposed
 * here.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "philox.h"
#include "vae.h"

enum layer { CONV1, CONV2, DENSE_IN, MEAN, LOGVAR, DENSE_OUT, GROW, TCONV1, TCONV2, LAYERS };

#define FILTERS_1 8
#define FILTERS_2 16
#define DENSE 64

struct ddmd_vae {
    const struct ddmd_backend *backend;
    size_t n;
    size_t latent;
    size_t batch;
    size_t parameters;
    uint64_t steps; /* of Adam */
    struct ddmd_conv layer[LAYERS];
    ddmd_real *out[LAYERS]; /* outputs of the layers, and the gradients by them */
    ddmd_real *grad[LAYERS];
    ddmd_real *pixels;
    ddmd_real *noise;
    ddmd_real *z;
    ddmd_real *dz;
    ddmd_real *dhidden; /* the second of the two gradients that meet at DENSE_IN */
    ddmd_real *weights; /* 'parameters' each */
    ddmd_real *weights_grad;
    ddmd_real *moment1;
    ddmd_real *moment2;
    ddmd_real *cols;
    ddmd_real *staging; /* ordinary memory: latent x batch */
};

/* A layer from or to an image of size 'big' with a kernel of 4 and a stride of 2, which halves or
 * doubles it.
 */
static struct ddmd_conv halving (size_t channels, size_t filters, size_t big)
{
    return (struct ddmd_conv){
        .shape = { .channels = channels,
                   .big = big,
                   .small = big / 2,
                   .kernel = 4,
                   .stride = 2,
                   .pad = 1 },
        .filters = filters,
        .relu = true,
    };
}

/* A layer between a whole image of size 'big' and a single pixel. */
static struct ddmd_conv whole (size_t channels, size_t filters, size_t big)
{
    return (struct ddmd_conv){
        .shape = { .channels = channels, .big = big, .small = 1, .kernel = big, .stride = 1 },
        .filters = filters,
        .relu = true,
    };
}

static void shape_layers (struct ddmd_vae *vae)
{
    struct ddmd_conv *l = vae->layer;

    l[CONV1] = halving (1, FILTERS_1, vae->n);
    l[CONV2] = halving (FILTERS_1, FILTERS_2, vae->n / 2);
    l[DENSE_IN] = whole (FILTERS_2, DENSE, vae->n / 4);
    l[MEAN] = whole (DENSE, vae->latent, 1);
    l[LOGVAR] = whole (DENSE, vae->latent, 1);
    l[DENSE_OUT] = whole (vae->latent, DENSE, 1);
    l[GROW] = whole (FILTERS_2, DENSE, vae->n / 4);
    l[TCONV1] = halving (FILTERS_1, FILTERS_2, vae->n / 2);
    l[TCONV2] = halving (1, FILTERS_1, vae->n);
    l[GROW].transposed = l[TCONV1].transposed = l[TCONV2].transposed = true;
    l[MEAN].relu = l[LOGVAR].relu = l[TCONV2].relu = false;
    for (size_t i = 0; i < LAYERS; i++)
        vae->parameters += ddmd_conv_weights (&l[i]) + ddmd_conv_biases (&l[i]);
}

static int allocate_layers (struct ddmd_vae *vae)
{
    const struct ddmd_backend *b = vae->backend;
    size_t cols = 0, offset = 0;

    for (size_t i = 0; i < LAYERS; i++) {
        size_t need = ddmd_conv_cols (&vae->layer[i], vae->batch);

        cols = need > cols ? need : cols;
    }
    vae->cols = b->alloc (cols);
    for (size_t i = 0; i < LAYERS; i++) {
        struct ddmd_conv *layer = &vae->layer[i];

        layer->cols = vae->cols;
        layer->weights = vae->weights + offset;
        layer->weights_grad = vae->weights_grad + offset;
        offset += ddmd_conv_weights (layer);
        layer->bias = vae->weights + offset;
        layer->bias_grad = vae->weights_grad + offset;
        offset += ddmd_conv_biases (layer);
        vae->out[i] = b->alloc (vae->batch * ddmd_conv_outputs (layer));
        vae->grad[i] = b->alloc (vae->batch * ddmd_conv_outputs (layer));
        if (!vae->out[i] || !vae->grad[i])
            return -1;
    }
    return vae->cols ? 0 : -1;
}

static int allocate (struct ddmd_vae *vae)
{
    const struct ddmd_backend *b = vae->backend;

    vae->pixels = b->alloc (vae->batch * vae->n * vae->n);
    vae->noise = b->alloc (vae->batch * vae->latent);
    vae->z = b->alloc (vae->batch * vae->latent);
    vae->dz = b->alloc (vae->batch * vae->latent);
    vae->dhidden = b->alloc (vae->batch * DENSE);
    vae->weights = b->alloc (vae->parameters);
    vae->weights_grad = b->alloc (vae->parameters);
    vae->moment1 = b->alloc (vae->parameters);
    vae->moment2 = b->alloc (vae->parameters);
    vae->staging = calloc (vae->batch * vae->latent, sizeof (*vae->staging));
    if (!vae->pixels || !vae->noise || !vae->z || !vae->dz || !vae->dhidden || !vae->weights
        || !vae->weights_grad || !vae->moment1 || !vae->moment2 || !vae->staging)
        return -1;
    return allocate_layers (vae);
}

/* Biases stay 0. */
static int draw_weights (struct ddmd_vae *vae, uint64_t seed)
{
    for (size_t i = 0; i < LAYERS; i++) {
        const struct ddmd_conv *layer = &vae->layer[i];
        size_t count = ddmd_conv_weights (layer);
        double scale = sqrt (2 / ddmd_conv_fan_in (layer));
        double *normal = calloc (count, sizeof (*normal));
        ddmd_real *weights = calloc (count, sizeof (*weights));

        if (normal && weights) {
            ddmd_philox_normal (seed, i, DDMD_PHILOX_WEIGHTS, normal, count);
            for (size_t k = 0; k < count; k++)
                weights[k] = (ddmd_real)(scale * normal[k]);
            vae->backend->upload (layer->weights, weights, count);
        }
        free (normal);
        free (weights);
        if (!normal || !weights)
            return -1;
    }
    return 0;
}

struct ddmd_vae *ddmd_vae_create (const struct ddmd_backend *backend,
                                  size_t n,
                                  size_t latent,
                                  size_t batch,
                                  uint64_t seed,
                                  struct aw_error *err)
{
    struct ddmd_vae *vae;

    if (n == 0 || n % 4 != 0 || n > DDMD_RESIDUES_MAX || latent == 0 || latent > DDMD_LATENT_MAX
        || batch == 0 || batch > 4096) {
        errno = EINVAL;
        aw_error_set (err,
                      "the network: maps of %zu x %zu, %zu latent dimensions, batches of %zu: out "
                      "of range",
                      n, n, latent, batch);
        return NULL;
    }
    vae = calloc (1, sizeof (*vae));
    if (vae) {
        vae->backend = backend;
        vae->n = n;
        vae->latent = latent;
        vae->batch = batch;
        shape_layers (vae);
    }
    if (!vae || allocate (vae) < 0 || draw_weights (vae, seed) < 0) {
        ddmd_vae_destroy (vae);
        errno = ENOMEM;
        aw_error_set (err, "the network: %s", strerror (ENOMEM));
        return NULL;
    }
    return vae;
}

void ddmd_vae_destroy (struct ddmd_vae *vae)
{
    int saved_errno = errno;

    if (vae) {
        const struct ddmd_backend *b = vae->backend;
        ddmd_real *buffers[] = { vae->pixels,       vae->noise,   vae->z,
                                 vae->dz,           vae->dhidden, vae->weights,
                                 vae->weights_grad, vae->moment1, vae->moment2,
                                 vae->cols };

        for (size_t i = 0; i < sizeof (buffers) / sizeof (buffers[0]); i++)
            b->free (buffers[i]);
        for (size_t i = 0; i < LAYERS; i++) {
            b->free (vae->out[i]);
            b->free (vae->grad[i]);
        }
        free (vae->staging);
        free (vae);
    }
    errno = saved_errno;
}

size_t ddmd_vae_latent (const struct ddmd_vae *vae)
{
    return vae->latent;
}

size_t ddmd_vae_batch (const struct ddmd_vae *vae)
{
    return vae->batch;
}

size_t ddmd_vae_parameters (const struct ddmd_vae *vae)
{
    return vae->parameters;
}

void ddmd_vae_set_parameters (struct ddmd_vae *vae, const ddmd_real *from)
{
    vae->backend->upload (vae->weights, from, vae->parameters);
}

void ddmd_vae_get_parameters (const struct ddmd_vae *vae, ddmd_real *to)
{
    vae->backend->download (to, vae->weights, vae->parameters);
}

void ddmd_vae_get_gradient (const struct ddmd_vae *vae, ddmd_real *to)
{
    vae->backend->download (to, vae->weights_grad, vae->parameters);
}

static void encode (struct ddmd_vae *vae, const ddmd_real *pixels, size_t count)
{
    const struct ddmd_backend *b = vae->backend;

    for (size_t i = 0; i < LAYERS; i++)
        vae->layer[i].shape.batch = count;
    b->upload (vae->pixels, pixels, count * vae->n * vae->n);
    ddmd_conv_forward (b, &vae->layer[CONV1], vae->pixels, vae->out[CONV1]);
    ddmd_conv_forward (b, &vae->layer[CONV2], vae->out[CONV1], vae->out[CONV2]);
    ddmd_conv_forward (b, &vae->layer[DENSE_IN], vae->out[CONV2], vae->out[DENSE_IN]);
    ddmd_conv_forward (b, &vae->layer[MEAN], vae->out[DENSE_IN], vae->out[MEAN]);
    ddmd_conv_forward (b, &vae->layer[LOGVAR], vae->out[DENSE_IN], vae->out[LOGVAR]);
}

static void decode (struct ddmd_vae *vae)
{
    const ddmd_real *in = vae->z;

    for (size_t i = DENSE_OUT; i < LAYERS; i++) {
        ddmd_conv_forward (vae->backend, &vae->layer[i], in, vae->out[i]);
        in = vae->out[i];
    }
}

static void upload_noise (struct ddmd_vae *vae, const ddmd_real *noise, size_t count)
{
    for (size_t s = 0; s < count; s++) {
        for (size_t d = 0; d < vae->latent; d++)
            vae->staging[d * count + s] = noise[s * vae->latent + d];
    }
    vae->backend->upload (vae->noise, vae->staging, count * vae->latent);
}

static void decoder_backward (struct ddmd_vae *vae)
{
    for (size_t i = LAYERS - 1; i >= DENSE_OUT; i--) {
        const ddmd_real *in = i == DENSE_OUT ? vae->z : vae->out[i - 1];
        ddmd_real *din = i == DENSE_OUT ? vae->dz : vae->grad[i - 1];

        ddmd_conv_backward (vae->backend, &vae->layer[i], in, vae->out[i], vae->grad[i], din);
    }
}

/* The gradients that come through mean and log variance meet in the layer before them. */
static void encoder_backward (struct ddmd_vae *vae)
{
    const struct ddmd_backend *b = vae->backend;
    struct ddmd_conv *l = vae->layer;
    ddmd_real **out = vae->out;
    ddmd_real **grad = vae->grad;

    ddmd_conv_backward (b, &l[MEAN], out[DENSE_IN], out[MEAN], grad[MEAN], grad[DENSE_IN]);
    ddmd_conv_backward (b, &l[LOGVAR], out[DENSE_IN], out[LOGVAR], grad[LOGVAR], vae->dhidden);
    b->add (grad[DENSE_IN], vae->dhidden, l[DENSE_IN].shape.batch * DENSE);
    ddmd_conv_backward (b, &l[DENSE_IN], out[CONV2], out[DENSE_IN], grad[DENSE_IN], grad[CONV2]);
    ddmd_conv_backward (b, &l[CONV2], out[CONV1], out[CONV2], grad[CONV2], grad[CONV1]);
    ddmd_conv_backward (b, &l[CONV1], vae->pixels, out[CONV1], grad[CONV1], NULL);
}

struct ddmd_vae_loss ddmd_vae_gradient (struct ddmd_vae *vae,
                                        const ddmd_real *pixels,
                                        const ddmd_real *noise,
                                        size_t count)
{
    const struct ddmd_backend *b = vae->backend;
    ddmd_real scale = (ddmd_real)1 / (ddmd_real)count;
    struct ddmd_vae_loss loss;

    b->clear (vae->weights_grad, vae->parameters);
    encode (vae, pixels, count);
    upload_noise (vae, noise, count);
    b->sample (vae->z, vae->out[MEAN], vae->out[LOGVAR], vae->noise, count * vae->latent);
    decode (vae);
    loss.reconstruction =
        b->bce (vae->grad[TCONV2], vae->out[TCONV2], vae->pixels, scale, count * vae->n * vae->n);
    decoder_backward (vae);
    loss.divergence = b->sample_grad (vae->grad[MEAN], vae->grad[LOGVAR], vae->dz, vae->out[MEAN],
                                      vae->out[LOGVAR], vae->noise, scale, count * vae->latent);
    encoder_backward (vae);
    loss.reconstruction /= (double)count;
    loss.divergence /= (double)count;
    return loss;
}

void ddmd_vae_forget_moments (struct ddmd_vae *vae)
{
    vae->steps = 0;
    vae->backend->clear (vae->moment1, vae->parameters);
    vae->backend->clear (vae->moment2, vae->parameters);
}

void ddmd_vae_descend (struct ddmd_vae *vae, double rate)
{
    struct ddmd_adam adam = { .rate = rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 };

    adam.step = ++vae->steps;
    vae->backend->adam (&adam, vae->weights, vae->weights_grad, vae->moment1, vae->moment2,
                        vae->parameters);
}

void ddmd_vae_embed (struct ddmd_vae *vae, const ddmd_real *pixels, size_t count, ddmd_real *means)
{
    encode (vae, pixels, count);
    vae->backend->download (vae->staging, vae->out[MEAN], count * vae->latent);
    for (size_t s = 0; s < count; s++) {
        for (size_t d = 0; d < vae->latent; d++)
            means[s * vae->latent + d] = vae->staging[d * count + s];
    }
}
