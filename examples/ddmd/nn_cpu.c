/* SPDX-License-Identifier: Apache-2.0 */

/* The elementwise kernels of the network, and the way to BLAS. Sums have double precision,
 * for every ddmd_real.
 */

#include <cblas.h>
#include <math.h>

#include "nn_cpu.h"

void ddmd_cpu_gemm (const struct ddmd_gemm *shape,
                    const ddmd_real *a,
                    const ddmd_real *b,
                    ddmd_real *c)
{
    int m = (int)shape->m, n = (int)shape->n, k = (int)shape->k;
    enum CBLAS_TRANSPOSE ta = shape->transpose_a ? CblasTrans : CblasNoTrans;
    enum CBLAS_TRANSPOSE tb = shape->transpose_b ? CblasTrans : CblasNoTrans;
    int lda = shape->transpose_a ? m : k;
    int ldb = shape->transpose_b ? k : n;

#ifdef DDMD_DOUBLE
    cblas_dgemm (CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, shape->beta, c, n);
#else
    cblas_sgemm (CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, shape->beta, c, n);
#endif
}

void ddmd_cpu_bias_add (ddmd_real *x, const ddmd_real *bias, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            x[r * columns + c] += bias[r];
    }
}

void ddmd_cpu_bias_grad (ddmd_real *grad, const ddmd_real *dx, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;

        for (size_t c = 0; c < columns; c++)
            sum += (double)dx[r * columns + c];
        grad[r] += (ddmd_real)sum;
    }
}

void ddmd_cpu_add (ddmd_real *x, const ddmd_real *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
}

void ddmd_cpu_relu (ddmd_real *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

void ddmd_cpu_relu_grad (ddmd_real *dx, const ddmd_real *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dx[i] : 0;
}

void ddmd_cpu_sample (ddmd_real *z,
                      const ddmd_real *mu,
                      const ddmd_real *logvar,
                      const ddmd_real *noise,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        z[i] = mu[i] + (ddmd_real)exp ((double)logvar[i] / 2) * noise[i];
}

/* KL of one element: (mu^2 + exp logvar - 1 - logvar) / 2; D. P. Kingma, M. Welling, "Auto-encoding
 * variational Bayes", ICLR 2014, appendix B.
 */
double ddmd_cpu_sample_grad (ddmd_real *dmu,
                             ddmd_real *dlogvar,
                             const ddmd_real *dz,
                             const ddmd_real *mu,
                             const ddmd_real *logvar,
                             const ddmd_real *noise,
                             ddmd_real scale,
                             size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        double deviation = exp ((double)logvar[i] / 2);
        double variance = deviation * deviation;

        sum += ((double)mu[i] * (double)mu[i] + variance - 1 - (double)logvar[i]) / 2;
        dmu[i] = dz[i] + scale * mu[i];
        dlogvar[i] =
            dz[i] * noise[i] * (ddmd_real)(deviation / 2) + scale * (ddmd_real)((variance - 1) / 2);
    }
    return sum;
}

double ddmd_cpu_bce (ddmd_real *dlogits,
                     const ddmd_real *logits,
                     const ddmd_real *target,
                     ddmd_real scale,
                     size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        double logit = (double)logits[i];
        double small = exp (-fabs (logit)); /* never overflows */
        double sigmoid = logit >= 0 ? 1 / (1 + small) : small / (1 + small);

        sum += fmax (logit, 0) - logit * (double)target[i] + log1p (small);
        dlogits[i] = scale * ((ddmd_real)sigmoid - target[i]);
    }
    return sum;
}

void ddmd_cpu_adam (const struct ddmd_adam *adam,
                    ddmd_real *w,
                    const ddmd_real *g,
                    ddmd_real *m,
                    ddmd_real *v,
                    size_t count)
{
    double correct1 = 1 - pow (adam->beta1, (double)adam->step);
    double correct2 = 1 - pow (adam->beta2, (double)adam->step);
    ddmd_real b1 = (ddmd_real)adam->beta1, b2 = (ddmd_real)adam->beta2;
    ddmd_real rate = (ddmd_real)(adam->rate / correct1);
    ddmd_real inverse = (ddmd_real)(1 / correct2);
    ddmd_real epsilon = (ddmd_real)adam->epsilon;

    for (size_t i = 0; i < count; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        w[i] -= rate * m[i] / ((ddmd_real)sqrt ((double)(v[i] * inverse)) + epsilon);
    }
}
