/* SPDX-License-Identifier: Apache-2.0 */

/* Convolution as a matrix product: im2col lays every patch out as a column, col2im adds every
 * column back. K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks
 * for document processing", IWFHR 2006.
 */

#include <string.h>

#include "nn_cpu.h"

/* One row of cols: kernel element (ky, kx) of one channel, over all samples and grid points. */
struct patch_row {
    const struct ddmd_conv_shape *shape;
    size_t ky;
    size_t kx;
};

/* The pixel under kernel element k when the kernel stands at grid point 'at', or -1 if that is over
 * the edge.
 */
static ptrdiff_t pixel_of (const struct ddmd_conv_shape *s, size_t at, size_t k)
{
    ptrdiff_t p = (ptrdiff_t)(at * s->stride + k) - (ptrdiff_t)s->pad;

    return p < (ptrdiff_t)s->big ? p : -1;
}

static void gather_row (const struct patch_row *row, const ddmd_real *channel, ddmd_real *out)
{
    const struct ddmd_conv_shape *s = row->shape;

    for (size_t b = 0; b < s->batch; b++) {
        const ddmd_real *image = channel + b * s->big * s->big;

        for (size_t y = 0; y < s->small; y++) {
            ptrdiff_t py = pixel_of (s, y, row->ky);

            for (size_t x = 0; x < s->small; x++) {
                ptrdiff_t px = pixel_of (s, x, row->kx);

                *out++ = py < 0 || px < 0 ? 0 : image[(size_t)py * s->big + (size_t)px];
            }
        }
    }
}

static void scatter_row (const struct patch_row *row, const ddmd_real *in, ddmd_real *channel)
{
    const struct ddmd_conv_shape *s = row->shape;

    for (size_t b = 0; b < s->batch; b++) {
        ddmd_real *image = channel + b * s->big * s->big;

        for (size_t y = 0; y < s->small; y++) {
            ptrdiff_t py = pixel_of (s, y, row->ky);

            for (size_t x = 0; x < s->small; x++, in++) {
                ptrdiff_t px = pixel_of (s, x, row->kx);

                if (py >= 0 && px >= 0)
                    image[(size_t)py * s->big + (size_t)px] += *in;
            }
        }
    }
}

void ddmd_cpu_im2col (const struct ddmd_conv_shape *shape, const ddmd_real *images, ddmd_real *cols)
{
    struct patch_row row = { .shape = shape };
    size_t columns = shape->batch * shape->small * shape->small;

    for (size_t c = 0; c < shape->channels; c++) {
        const ddmd_real *channel = images + c * shape->batch * shape->big * shape->big;

        for (row.ky = 0; row.ky < shape->kernel; row.ky++) {
            for (row.kx = 0; row.kx < shape->kernel; row.kx++, cols += columns)
                gather_row (&row, channel, cols);
        }
    }
}

void ddmd_cpu_col2im (const struct ddmd_conv_shape *shape, const ddmd_real *cols, ddmd_real *images)
{
    struct patch_row row = { .shape = shape };
    size_t columns = shape->batch * shape->small * shape->small;

    memset (images, 0, shape->channels * shape->batch * shape->big * shape->big * sizeof (*images));
    for (size_t c = 0; c < shape->channels; c++) {
        ddmd_real *channel = images + c * shape->batch * shape->big * shape->big;

        for (row.ky = 0; row.ky < shape->kernel; row.ky++) {
            for (row.kx = 0; row.kx < shape->kernel; row.kx++, cols += columns)
                scatter_row (&row, cols, channel);
        }
    }
}
