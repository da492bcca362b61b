/* SPDX-License-Identifier: Apache-2.0 */

/* Where the heavy work is done: one table of functions, one row a device.
 *
 * Everything that costs time goes through here, in pieces large enough for a device: a batch of
 * whole trajectory segments, a whole layer over a whole batch. Arrays of the network ("buffers",
 * ddmd_real *) live in the backend's own memory: only the backend touches what they hold, everybody
 * else passes them on, offsets into them included. Arrays of the dynamics are ordinary memory,
 * copied as a call begins and ends, since a call does thousands of steps.
 *
 * Functions of the network cannot fail except 'alloc'. A backend may queue them; 'download' and the
 * functions that return a sum wait for what was queued before.
 */

#ifndef DDMD_BACKEND_H
#define DDMD_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "go_model.h"
#include "real.h"
#include "util/error.h"

/* Langevin dynamics, in the units of go_model.h. */
struct ddmd_langevin {
    double temperature;
    double friction; /* per unit of time; 0 gives Newton's dynamics at constant energy */
    double dt;
};

/* Geometry of a convolution from 'big' images to 'small' grids; a transposed convolution goes the
 * other way. Tensors are [channel][sample][row][column].
 */
struct ddmd_conv_shape {
    size_t batch;
    size_t channels; /* of the big images */
    size_t big; /* their rows and columns */
    size_t small; /* rows and columns of the grid: (big + 2 pad - kernel) / stride + 1 */
    size_t kernel;
    size_t stride;
    size_t pad;
};

/* C = op (A) op (B) + beta C, row-major; op transposes where said. op (A) is m x k, op (B) k x n, C
 * m x n.
 */
struct ddmd_gemm {
    bool transpose_a;
    bool transpose_b;
    size_t m;
    size_t n;
    size_t k;
    ddmd_real beta;
};

/* D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. */
struct ddmd_adam {
    double rate;
    double beta1;
    double beta2;
    double epsilon;
    uint64_t step; /* t of the paper; 1 in the first call */
};

struct ddmd_backend {
    const char *name;

    /* What has gone wrong first since the start, or NULL: functions that use results ask before. A
     * CPU has no such troubles.
     */
    const char *(*problem) (void);

    /* Energies (count) and forces (count x 3 n) of 'count' conformations x (count x 3 n, planar).
     */
    void (*md_forces) (const struct ddmd_go_model *model,
                       size_t count,
                       const double *x,
                       double *f,
                       double *energy);

    /* Advance 'count' trajectories by 'steps' steps. x and v (count x 3 n) are changed in place,
     * energy (count) is set to the potential energy at the end. Trajectory k draws the noise of
     * (key[k], first_step), (key[k], first_step + 1), ... 0, or -1 if one of them has left the
     * range of finite numbers.
     */
    int (*md_run) (const struct ddmd_go_model *model,
                   const struct ddmd_langevin *langevin,
                   size_t count,
                   const uint64_t *key,
                   uint64_t first_step,
                   uint64_t steps,
                   double *x,
                   double *v,
                   double *energy);

    /* Memory for 'count' numbers, all zero; NULL if there is none. free takes NULL. */
    ddmd_real *(*alloc) (size_t count);
    void (*free) (ddmd_real *buffer);
    void (*upload) (ddmd_real *buffer, const ddmd_real *from, size_t count);
    void (*download) (ddmd_real *to, const ddmd_real *buffer, size_t count);
    void (*clear) (ddmd_real *buffer, size_t count);

    void (*gemm) (const struct ddmd_gemm *shape,
                  const ddmd_real *a,
                  const ddmd_real *b,
                  ddmd_real *c);

    /* cols: (channels kernel kernel) x (batch small small), zero where the kernel hangs over the
     * edge. col2im is its transpose: it sums every entry of cols into the pixel that it came from,
     * and writes all of 'images'.
     */
    void (*im2col) (const struct ddmd_conv_shape *shape, const ddmd_real *images, ddmd_real *cols);
    void (*col2im) (const struct ddmd_conv_shape *shape, const ddmd_real *cols, ddmd_real *images);

    /* x (rows x columns): add bias[row] to every element; and the transpose: bias_grad[row] += sum
     * of the row.
     */
    void (*bias_add) (ddmd_real *x, const ddmd_real *bias, size_t rows, size_t columns);
    void (*bias_grad) (ddmd_real *grad, const ddmd_real *dx, size_t rows, size_t columns);

    /* x += y. */
    void (*add) (ddmd_real *x, const ddmd_real *y, size_t count);

    /* x = max (x, 0); and dx = 0 for each y, the result of relu, that is 0. */
    void (*relu) (ddmd_real *x, size_t count);
    void (*relu_grad) (ddmd_real *dx, const ddmd_real *y, size_t count);

    /* z = mu + exp (logvar / 2) noise, all of 'count'. */
    void (*sample) (ddmd_real *z,
                    const ddmd_real *mu,
                    const ddmd_real *logvar,
                    const ddmd_real *noise,
                    size_t count);

    /* From dz: the gradients of scale KL (N (mu, exp logvar) || N (0, 1)) + (what gave dz) by mu
     * and logvar. Returns the sum of KL over all elements (without scale).
     */
    double (*sample_grad) (ddmd_real *dmu,
                           ddmd_real *dlogvar,
                           const ddmd_real *dz,
                           const ddmd_real *mu,
                           const ddmd_real *logvar,
                           const ddmd_real *noise,
                           ddmd_real scale,
                           size_t count);

    /* Binary cross-entropy of sigmoid (logits) against target, summed, returned; dlogits = scale
     * (sigmoid - target).
     */
    double (*bce) (ddmd_real *dlogits,
                   const ddmd_real *logits,
                   const ddmd_real *target,
                   ddmd_real scale,
                   size_t count);

    /* One step of Adam on w with gradient g; m and v are its moments. */
    void (*adam) (const struct ddmd_adam *adam,
                  ddmd_real *w,
                  const ddmd_real *g,
                  ddmd_real *m,
                  ddmd_real *v,
                  size_t count);
};

/* The CPU, always there. Matrix products go to BLAS. */
extern const struct ddmd_backend ddmd_backend_cpu;

/* The backend called 'name', ready to be used: "cpu", or "cuda", a module beside the program's
 * file, which is loaded at the first call. NULL with the reason in 'err': an unknown name, built
 * without CUDA, no GPU. Valid until the program ends.
 */
const struct ddmd_backend *ddmd_backend_open (const char *name, struct aw_error *err);

/* The same for a module at 'path'. */
const struct ddmd_backend *ddmd_backend_load (const char *path, struct aw_error *err);

/* 0, or -1 with the backend's problem in 'err'. */
int ddmd_backend_check (const struct ddmd_backend *backend, struct aw_error *err);

#endif /* !DDMD_BACKEND_H */
