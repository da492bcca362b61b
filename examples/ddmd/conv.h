/* SPDX-License-Identifier: Apache-2.0 */

/* The one kind of layer: a convolution, forwards or transposed. A dense layer is a convolution
 * whose kernel is as large as its image, or, from features to features, one over an image of a
 * single pixel.
 */

#ifndef DDMD_CONV_H
#define DDMD_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "backend.h"

struct ddmd_conv {
    struct ddmd_conv_shape shape; /* 'batch' is set before each call, to what 'cols' can hold */
    size_t filters; /* channels on the side of the grid */
    bool transposed; /* from grid to image instead of from image to grid */
    bool relu; /* followed by max (x, 0) */

    /* Buffers of the backend, borrowed: parameters, their gradients, and room for the matrix of
     * patches.
     */
    ddmd_real *weights; /* filters x (channels kernel kernel) */
    ddmd_real *bias; /* one per output channel */
    ddmd_real *weights_grad;
    ddmd_real *bias_grad;
    ddmd_real *cols; /* ddmd_conv_cols () numbers */
};

/* How many numbers there are of each. Input and output for one sample. */
size_t ddmd_conv_weights (const struct ddmd_conv *conv);
size_t ddmd_conv_biases (const struct ddmd_conv *conv);
size_t ddmd_conv_inputs (const struct ddmd_conv *conv);
size_t ddmd_conv_outputs (const struct ddmd_conv *conv);

/* Numbers in 'cols' for batches of 'batch'. */
size_t ddmd_conv_cols (const struct ddmd_conv *conv, size_t batch);

/* The mean number of inputs that an output sums, for the scale of first weights. */
double ddmd_conv_fan_in (const struct ddmd_conv *conv);

/* out = layer (in), for the batch in the shape. */
void ddmd_conv_forward (const struct ddmd_backend *backend,
                        const struct ddmd_conv *conv,
                        const ddmd_real *in,
                        ddmd_real *out);

/* The way back: adds to the parameters' gradients, and writes the input's gradient to 'din' unless
 * that is NULL. 'in' and 'out' are as in the forward call; 'dout' is overwritten (by the gradient
 * before relu).
 */
void ddmd_conv_backward (const struct ddmd_backend *backend,
                         const struct ddmd_conv *conv,
                         const ddmd_real *in,
                         const ddmd_real *out,
                         ddmd_real *dout,
                         ddmd_real *din);

#endif /* !DDMD_CONV_H */
