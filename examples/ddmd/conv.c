/* SPDX-License-Identifier: Apache-2.0 */

/* With P = im2col (image), W the weights and G the grid, a convolution is G = W P and its transpose
 * is image = col2im (W^T G). Each one's way back is the other's way forward.
 */

#include "conv.h"

static size_t patch (const struct ddmd_conv *conv)
{
    return conv->shape.channels * conv->shape.kernel * conv->shape.kernel;
}

static size_t image_pixels (const struct ddmd_conv *conv)
{
    return conv->shape.big * conv->shape.big;
}

static size_t grid_points (const struct ddmd_conv *conv)
{
    return conv->shape.small * conv->shape.small;
}

size_t ddmd_conv_weights (const struct ddmd_conv *conv)
{
    return conv->filters * patch (conv);
}

size_t ddmd_conv_biases (const struct ddmd_conv *conv)
{
    return conv->transposed ? conv->shape.channels : conv->filters;
}

size_t ddmd_conv_inputs (const struct ddmd_conv *conv)
{
    return conv->transposed ? conv->filters * grid_points (conv)
                            : conv->shape.channels * image_pixels (conv);
}

size_t ddmd_conv_outputs (const struct ddmd_conv *conv)
{
    return conv->transposed ? conv->shape.channels * image_pixels (conv)
                            : conv->filters * grid_points (conv);
}

size_t ddmd_conv_cols (const struct ddmd_conv *conv, size_t batch)
{
    return patch (conv) * batch * grid_points (conv);
}

double ddmd_conv_fan_in (const struct ddmd_conv *conv)
{
    size_t terms = conv->filters * conv->shape.kernel * conv->shape.kernel * grid_points (conv);

    return conv->transposed ? (double)terms / (double)image_pixels (conv) : (double)patch (conv);
}

/* The three products. P is always in conv->cols. */

static void grid_from_patches (const struct ddmd_backend *backend,
                               const struct ddmd_conv *conv,
                               ddmd_real *grid)
{
    struct ddmd_gemm gemm = {
        .m = conv->filters,
        .n = conv->shape.batch * grid_points (conv),
        .k = patch (conv),
    };

    backend->gemm (&gemm, conv->weights, conv->cols, grid);
}

static void patches_from_grid (const struct ddmd_backend *backend,
                               const struct ddmd_conv *conv,
                               const ddmd_real *grid)
{
    struct ddmd_gemm gemm = {
        .transpose_a = true,
        .m = patch (conv),
        .n = conv->shape.batch * grid_points (conv),
        .k = conv->filters,
    };

    backend->gemm (&gemm, conv->weights, grid, conv->cols);
}

static void weights_grad (const struct ddmd_backend *backend,
                          const struct ddmd_conv *conv,
                          const ddmd_real *grid)
{
    struct ddmd_gemm gemm = {
        .transpose_b = true,
        .m = conv->filters,
        .n = patch (conv),
        .k = conv->shape.batch * grid_points (conv),
        .beta = 1,
    };

    backend->gemm (&gemm, grid, conv->cols, conv->weights_grad);
}

void ddmd_conv_forward (const struct ddmd_backend *backend,
                        const struct ddmd_conv *conv,
                        const ddmd_real *in,
                        ddmd_real *out)
{
    size_t rows = ddmd_conv_biases (conv);
    size_t count = conv->shape.batch * ddmd_conv_outputs (conv);

    if (conv->transposed) {
        patches_from_grid (backend, conv, in);
        backend->col2im (&conv->shape, conv->cols, out);
    }
    else {
        backend->im2col (&conv->shape, in, conv->cols);
        grid_from_patches (backend, conv, out);
    }
    backend->bias_add (out, conv->bias, rows, count / rows);
    if (conv->relu)
        backend->relu (out, count);
}

void ddmd_conv_backward (const struct ddmd_backend *backend,
                         const struct ddmd_conv *conv,
                         const ddmd_real *in,
                         const ddmd_real *out,
                         ddmd_real *dout,
                         ddmd_real *din)
{
    size_t rows = ddmd_conv_biases (conv);
    size_t count = conv->shape.batch * ddmd_conv_outputs (conv);

    if (conv->relu)
        backend->relu_grad (dout, out, count);
    backend->bias_grad (conv->bias_grad, dout, rows, count / rows);
    if (conv->transposed) {
        backend->im2col (&conv->shape, dout, conv->cols);
        weights_grad (backend, conv, in);
        if (din)
            grid_from_patches (backend, conv, din);
    }
    else {
        backend->im2col (&conv->shape, in, conv->cols);
        weights_grad (backend, conv, dout);
        if (din) {
            patches_from_grid (backend, conv, dout);
            backend->col2im (&conv->shape, conv->cols, din);
        }
    }
}
