/* SPDX-License-Identifier: Apache-2.0 */

/* The CPU's kernels of the network; see backend.h for what they promise. */

#ifndef DDMD_NN_CPU_H
#define DDMD_NN_CPU_H

#include "backend.h"

void ddmd_cpu_gemm (const struct ddmd_gemm *shape,
                    const ddmd_real *a,
                    const ddmd_real *b,
                    ddmd_real *c);

void ddmd_cpu_im2col (const struct ddmd_conv_shape *shape,
                      const ddmd_real *images,
                      ddmd_real *cols);
void ddmd_cpu_col2im (const struct ddmd_conv_shape *shape,
                      const ddmd_real *cols,
                      ddmd_real *images);

void ddmd_cpu_bias_add (ddmd_real *x, const ddmd_real *bias, size_t rows, size_t columns);
void ddmd_cpu_bias_grad (ddmd_real *grad, const ddmd_real *dx, size_t rows, size_t columns);

void ddmd_cpu_add (ddmd_real *x, const ddmd_real *y, size_t count);
void ddmd_cpu_relu (ddmd_real *x, size_t count);
void ddmd_cpu_relu_grad (ddmd_real *dx, const ddmd_real *y, size_t count);

void ddmd_cpu_sample (ddmd_real *z,
                      const ddmd_real *mu,
                      const ddmd_real *logvar,
                      const ddmd_real *noise,
                      size_t count);
double ddmd_cpu_sample_grad (ddmd_real *dmu,
                             ddmd_real *dlogvar,
                             const ddmd_real *dz,
                             const ddmd_real *mu,
                             const ddmd_real *logvar,
                             const ddmd_real *noise,
                             ddmd_real scale,
                             size_t count);

double ddmd_cpu_bce (ddmd_real *dlogits,
                     const ddmd_real *logits,
                     const ddmd_real *target,
                     ddmd_real scale,
                     size_t count);

void ddmd_cpu_adam (const struct ddmd_adam *adam,
                    ddmd_real *w,
                    const ddmd_real *g,
                    ddmd_real *m,
                    ddmd_real *v,
                    size_t count);

#endif /* !DDMD_NN_CPU_H */
