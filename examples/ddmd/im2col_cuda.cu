/* SPDX-License-Identifier: Apache-2.0 */

/* im2col_cpu.c's two on a GPU: a thread an entry of the matrix, and the way back a thread a pixel,
 * which gathers its entries, so that no two threads add to one number.
 */

#include "cuda.h"

__global__ static void im2col_kernel (struct ddmd_conv_shape s,
                                      const ddmd_real *images,
                                      ddmd_real *cols,
                                      size_t count)
{
    size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x, i = at;
    size_t x, y, b, kx, ky, px, py;

    if (at >= count)
        return;
    x = i % s.small, i /= s.small;
    y = i % s.small, i /= s.small;
    b = i % s.batch, i /= s.batch;
    kx = i % s.kernel, i /= s.kernel;
    ky = i % s.kernel, i /= s.kernel; /* what is left is the channel */
    px = x * s.stride + kx - s.pad;   /* below 0 it wraps, and is beyond the edge too */
    py = y * s.stride + ky - s.pad;
    cols[at] =
        px < s.big && py < s.big ? images[((i * s.batch + b) * s.big + py) * s.big + px] : 0;
}

void ddmd_cuda_im2col (const struct ddmd_conv_shape *s, const ddmd_real *images, ddmd_real *cols)
{
    size_t count = s->channels * s->kernel * s->kernel * s->batch * s->small * s->small;

    DDMD_LAUNCH (im2col_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, *s, images, cols,
                 count);
}

__global__ static void col2im_kernel (struct ddmd_conv_shape s,
                                      const ddmd_real *cols,
                                      ddmd_real *images,
                                      size_t count)
{
    size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x, i = at;
    size_t px, py, b;
    ddmd_real sum = 0;

    if (at >= count)
        return;
    px = i % s.big, i /= s.big;
    py = i % s.big, i /= s.big;
    b = i % s.batch, i /= s.batch; /* what is left is the channel */
    for (size_t ky = 0; ky < s.kernel && ky <= py + s.pad; ky++) {
        size_t y = (py + s.pad - ky) / s.stride;

        if ((py + s.pad - ky) % s.stride != 0 || y >= s.small)
            continue;
        for (size_t kx = 0; kx < s.kernel && kx <= px + s.pad; kx++) {
            size_t x = (px + s.pad - kx) / s.stride;
            size_t row = (i * s.kernel + ky) * s.kernel + kx;

            if ((px + s.pad - kx) % s.stride == 0 && x < s.small)
                sum += cols[((row * s.batch + b) * s.small + y) * s.small + x];
        }
    }
    images[at] = sum;
}

void ddmd_cuda_col2im (const struct ddmd_conv_shape *s, const ddmd_real *cols, ddmd_real *images)
{
    size_t count = s->channels * s->batch * s->big * s->big;

    DDMD_LAUNCH (col2im_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, *s, cols, images,
                 count);
}
