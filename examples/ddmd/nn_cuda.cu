/* SPDX-License-Identifier: Apache-2.0 */

/* The elementwise kernels of the network on a GPU, a thread a number. Sums run in double precision
 * and in a fixed order, so that a training can be repeated to the bit.
 */

#include "cuda.h"

enum { SUM_BLOCKS = 64 };

__device__ static size_t thread_number (void)
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* The sum of what the threads of a block bring, for thread 0. All of them call it. */
__device__ static double block_sum (double mine)
{
    __shared__ double sum[DDMD_CUDA_THREADS];

    sum[threadIdx.x] = mine;
    __syncthreads ();
    for (unsigned half = DDMD_CUDA_THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            sum[threadIdx.x] += sum[threadIdx.x + half];
        __syncthreads ();
    }
    return sum[0];
}

__global__ static void bias_add_kernel (ddmd_real *x,
                                        const ddmd_real *bias,
                                        size_t columns,
                                        size_t count)
{
    size_t i = thread_number ();

    if (i < count)
        x[i] += bias[i / columns];
}

void ddmd_cuda_bias_add (ddmd_real *x, const ddmd_real *bias, size_t rows, size_t columns)
{
    size_t count = rows * columns;

    DDMD_LAUNCH (bias_add_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, x, bias, columns,
                 count);
}

/* A block a row. */
__global__ static void bias_grad_kernel (ddmd_real *grad, const ddmd_real *dx, size_t columns)
{
    const ddmd_real *row = dx + blockIdx.x * columns;
    double sum = 0;

    for (size_t c = threadIdx.x; c < columns; c += blockDim.x)
        sum += (double)row[c];
    sum = block_sum (sum);
    if (threadIdx.x == 0)
        grad[blockIdx.x] += (ddmd_real)sum;
}

void ddmd_cuda_bias_grad (ddmd_real *grad, const ddmd_real *dx, size_t rows, size_t columns)
{
    DDMD_LAUNCH (bias_grad_kernel, (unsigned)rows, DDMD_CUDA_THREADS, grad, dx, columns);
}

__global__ static void add_kernel (ddmd_real *x, const ddmd_real *y, size_t count)
{
    size_t i = thread_number ();

    if (i < count)
        x[i] += y[i];
}

void ddmd_cuda_add (ddmd_real *x, const ddmd_real *y, size_t count)
{
    DDMD_LAUNCH (add_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, x, y, count);
}

__global__ static void relu_kernel (ddmd_real *x, size_t count)
{
    size_t i = thread_number ();

    if (i < count)
        x[i] = x[i] > 0 ? x[i] : 0;
}

void ddmd_cuda_relu (ddmd_real *x, size_t count)
{
    DDMD_LAUNCH (relu_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, x, count);
}

__global__ static void relu_grad_kernel (ddmd_real *dx, const ddmd_real *y, size_t count)
{
    size_t i = thread_number ();

    if (i < count)
        dx[i] = y[i] > 0 ? dx[i] : 0;
}

void ddmd_cuda_relu_grad (ddmd_real *dx, const ddmd_real *y, size_t count)
{
    DDMD_LAUNCH (relu_grad_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, dx, y, count);
}

__global__ static void sample_kernel (ddmd_real *z,
                                      const ddmd_real *mu,
                                      const ddmd_real *logvar,
                                      const ddmd_real *noise,
                                      size_t count)
{
    size_t i = thread_number ();

    if (i < count)
        z[i] = mu[i] + (ddmd_real)exp ((double)logvar[i] / 2) * noise[i];
}

void ddmd_cuda_sample (ddmd_real *z,
                       const ddmd_real *mu,
                       const ddmd_real *logvar,
                       const ddmd_real *noise,
                       size_t count)
{
    DDMD_LAUNCH (sample_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, z, mu, logvar, noise,
                 count);
}

/* The blocks' sums, added up in their order. */
static double fetch_sum (double *sums)
{
    double part[SUM_BLOCKS] = { 0 };
    double sum = 0;

    if (ddmd_cuda_check (cudaMemcpy (part, sums, sizeof (part), cudaMemcpyDeviceToHost),
                         "a sum from the GPU")) {
        for (int i = 0; i < SUM_BLOCKS; i++)
            sum += part[i];
    }
    return sum;
}

/* Room for the blocks' sums, once for the process; NULL where there is no memory. */
static double *sums_room (void)
{
    static void *room;

    if (!room
        && !ddmd_cuda_check (cudaMalloc (&room, SUM_BLOCKS * sizeof (double)), "memory of the GPU"))
        room = nullptr;
    return (double *)room;
}

__global__ static void sample_grad_kernel (ddmd_real *dmu,
                                           ddmd_real *dlogvar,
                                           const ddmd_real *dz,
                                           const ddmd_real *mu,
                                           const ddmd_real *logvar,
                                           const ddmd_real *noise,
                                           ddmd_real scale,
                                           size_t count,
                                           double *sums)
{
    double sum = 0;

    for (size_t i = thread_number (); i < count; i += (size_t)gridDim.x * blockDim.x) {
        double deviation = exp ((double)logvar[i] / 2);
        double variance = deviation * deviation;

        sum += ((double)mu[i] * (double)mu[i] + variance - 1 - (double)logvar[i]) / 2;
        dmu[i] = dz[i] + scale * mu[i];
        dlogvar[i] =
            dz[i] * noise[i] * (ddmd_real)(deviation / 2) + scale * (ddmd_real)((variance - 1) / 2);
    }
    sum = block_sum (sum);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}

double ddmd_cuda_sample_grad (ddmd_real *dmu,
                              ddmd_real *dlogvar,
                              const ddmd_real *dz,
                              const ddmd_real *mu,
                              const ddmd_real *logvar,
                              const ddmd_real *noise,
                              ddmd_real scale,
                              size_t count)
{
    double *sums = sums_room ();

    if (!sums)
        return 0;
    DDMD_LAUNCH (sample_grad_kernel, SUM_BLOCKS, DDMD_CUDA_THREADS, dmu, dlogvar, dz, mu, logvar,
                 noise, scale, count, sums);
    return fetch_sum (sums);
}

__global__ static void bce_kernel (ddmd_real *dlogits,
                                   const ddmd_real *logits,
                                   const ddmd_real *target,
                                   ddmd_real scale,
                                   size_t count,
                                   double *sums)
{
    double sum = 0;

    for (size_t i = thread_number (); i < count; i += (size_t)gridDim.x * blockDim.x) {
        double logit = (double)logits[i];
        double small = exp (-fabs (logit)); /* never overflows */
        double sigmoid = logit >= 0 ? 1 / (1 + small) : small / (1 + small);

        sum += fmax (logit, 0.) - logit * (double)target[i] + log1p (small);
        dlogits[i] = scale * ((ddmd_real)sigmoid - target[i]);
    }
    sum = block_sum (sum);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}

double ddmd_cuda_bce (ddmd_real *dlogits,
                      const ddmd_real *logits,
                      const ddmd_real *target,
                      ddmd_real scale,
                      size_t count)
{
    double *sums = sums_room ();

    if (!sums)
        return 0;
    DDMD_LAUNCH (bce_kernel, SUM_BLOCKS, DDMD_CUDA_THREADS, dlogits, logits, target, scale, count,
                 sums);
    return fetch_sum (sums);
}

/* Adam's constants of one step. */
struct adam_step {
    ddmd_real b1, b2, rate, inverse, epsilon;
};

__global__ static void adam_kernel (
    struct adam_step a, ddmd_real *w, const ddmd_real *g, ddmd_real *m, ddmd_real *v, size_t count)
{
    size_t i = thread_number ();

    if (i >= count)
        return;
    m[i] = a.b1 * m[i] + (1 - a.b1) * g[i];
    v[i] = a.b2 * v[i] + (1 - a.b2) * g[i] * g[i];
    w[i] -= a.rate * m[i] / ((ddmd_real)sqrt ((double)(v[i] * a.inverse)) + a.epsilon);
}

void ddmd_cuda_adam (const struct ddmd_adam *adam,
                     ddmd_real *w,
                     const ddmd_real *g,
                     ddmd_real *m,
                     ddmd_real *v,
                     size_t count)
{
    struct adam_step a = {
        (ddmd_real)adam->beta1,
        (ddmd_real)adam->beta2,
        (ddmd_real)(adam->rate / (1 - pow (adam->beta1, (double)adam->step))),
        (ddmd_real)(1 / (1 - pow (adam->beta2, (double)adam->step))),
        (ddmd_real)adam->epsilon,
    };

    DDMD_LAUNCH (adam_kernel, ddmd_cuda_blocks (count), DDMD_CUDA_THREADS, a, w, g, m, v, count);
}
