/* SPDX-License-Identifier: Apache-2.0 */

/* What the files of the CUDA backend share: how a kernel is launched, and where the first error is
 * kept, since most functions of a backend cannot fail. CUDA C++, like those files.
 *
 * Kernels are launched by a macro, so that the tests can compile the same files for a machine
 * without a GPU (tests/unit/cuda-emulation.h).
 */

#ifndef DDMD_CUDA_H
#define DDMD_CUDA_H

extern "C" {
#include "backend.h"
}

#ifdef DDMD_CUDA_EMULATION
#include "cuda-emulation.h"
#else
#include <cublas_v2.h>
#include <cuda_runtime.h>
#define DDMD_LAUNCH(kernel, grid, block, ...) \
    (kernel<<<(grid), (block)>>> (__VA_ARGS__), ddmd_cuda_check (cudaGetLastError (), #kernel))
#endif

/* Keeps the first error: true where RESULT is none. */
bool ddmd_cuda_check (cudaError_t result, const char *what);

enum { DDMD_CUDA_THREADS = 256 };

/* Blocks of DDMD_CUDA_THREADS for 'count' threads; at least one. */
static inline unsigned ddmd_cuda_blocks (size_t count)
{
    size_t blocks = (count + DDMD_CUDA_THREADS - 1) / DDMD_CUDA_THREADS;

    return blocks > 0 ? (unsigned)blocks : 1;
}

/* The rows of the table; see backend.h for what they promise. */

void ddmd_cuda_md_forces (
    const struct ddmd_go_model *model, size_t count, const double *x, double *f, double *energy);
int ddmd_cuda_md_run (const struct ddmd_go_model *model,
                      const struct ddmd_langevin *langevin,
                      size_t count,
                      const uint64_t *key,
                      uint64_t first_step,
                      uint64_t steps,
                      double *x,
                      double *v,
                      double *energy);

void ddmd_cuda_im2col (const struct ddmd_conv_shape *shape,
                       const ddmd_real *images,
                       ddmd_real *cols);
void ddmd_cuda_col2im (const struct ddmd_conv_shape *shape,
                       const ddmd_real *cols,
                       ddmd_real *images);

void ddmd_cuda_bias_add (ddmd_real *x, const ddmd_real *bias, size_t rows, size_t columns);
void ddmd_cuda_bias_grad (ddmd_real *grad, const ddmd_real *dx, size_t rows, size_t columns);
void ddmd_cuda_add (ddmd_real *x, const ddmd_real *y, size_t count);
void ddmd_cuda_relu (ddmd_real *x, size_t count);
void ddmd_cuda_relu_grad (ddmd_real *dx, const ddmd_real *y, size_t count);
void ddmd_cuda_sample (ddmd_real *z,
                       const ddmd_real *mu,
                       const ddmd_real *logvar,
                       const ddmd_real *noise,
                       size_t count);
double ddmd_cuda_sample_grad (ddmd_real *dmu,
                              ddmd_real *dlogvar,
                              const ddmd_real *dz,
                              const ddmd_real *mu,
                              const ddmd_real *logvar,
                              const ddmd_real *noise,
                              ddmd_real scale,
                              size_t count);
double ddmd_cuda_bce (ddmd_real *dlogits,
                      const ddmd_real *logits,
                      const ddmd_real *target,
                      ddmd_real scale,
                      size_t count);
void ddmd_cuda_adam (const struct ddmd_adam *adam,
                     ddmd_real *w,
                     const ddmd_real *g,
                     ddmd_real *m,
                     ddmd_real *v,
                     size_t count);

#endif /* !DDMD_CUDA_H */
