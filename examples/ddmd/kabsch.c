/* SPDX-License-Identifier: Apache-2.0 */

/* The least deviation needs no rotation, only the singular values of the covariance matrix: n
 * rmsd^2 = |a|^2 + |b|^2 - 2 (s1 + s2 +- s3), with minus where the best orthogonal transformation
 * is a reflection. They come from one-sided Jacobi rotations (M. R. Hestenes, J. SIAM 6 (1958)
 * 51-90), which keep small values exact where a diagonalised H^T H would lose half the digits.
 */

#include <math.h>

#include "kabsch.h"
#include "vector.h"

#define SWEEPS_MAX 30

static void centroid (size_t n, const double *x, double out[3])
{
    for (size_t c = 0; c < 3; c++) {
        out[c] = 0;
        for (size_t i = 0; i < n; i++)
            out[c] += x[c * n + i] / (double)n;
    }
}

/* h[c] is column c of the covariance matrix: sum of a times component c of b. Returns |a|^2 +
 * |b|^2.
 */
static double covariance (size_t n, const double *a, const double *b, double h[3][3])
{
    double ca[3], cb[3];
    double norms = 0;

    centroid (n, a, ca);
    centroid (n, b, cb);
    for (size_t c = 0; c < 3; c++) {
        for (size_t r = 0; r < 3; r++) {
            h[c][r] = 0;
            for (size_t i = 0; i < n; i++)
                h[c][r] += (a[r * n + i] - ca[r]) * (b[c * n + i] - cb[c]);
        }
        for (size_t i = 0; i < n; i++)
            norms += pow (a[c * n + i] - ca[c], 2) + pow (b[c * n + i] - cb[c], 2);
    }
    return norms;
}

/* Turn columns p and q until they are orthogonal; returns whether there was anything to do. */
static int orthogonalise (double p[3], double q[3])
{
    double alpha = ddmd_vector_dot (p, p);
    double beta = ddmd_vector_dot (q, q);
    double gamma = ddmd_vector_dot (p, q);
    double zeta, t, c, s;

    if (gamma * gamma <= 1e-30 * alpha * beta)
        return 0;
    zeta = (beta - alpha) / (2 * gamma);
    t = copysign (1, zeta) / (fabs (zeta) + sqrt (1 + zeta * zeta));
    c = 1 / sqrt (1 + t * t);
    s = c * t;
    for (int k = 0; k < 3; k++) {
        double old = p[k];

        p[k] = c * old - s * q[k];
        q[k] = s * old + c * q[k];
    }
    return 1;
}

double ddmd_kabsch_rmsd (size_t n, const double *a, const double *b)
{
    double h[3][3], normal[3];
    double norms = covariance (n, a, b, h);
    double sum = 0, least = INFINITY, deviation;

    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        if (!(orthogonalise (h[0], h[1]) | orthogonalise (h[0], h[2]) | orthogonalise (h[1], h[2])))
            break;
    }
    for (int c = 0; c < 3; c++) {
        double value = ddmd_vector_length (h[c]);

        sum += value;
        least = fmin (least, value);
    }
    /* Rotations of the columns keep the sign of the determinant. */
    ddmd_vector_cross (h[0], h[1], normal);
    if (ddmd_vector_dot (normal, h[2]) < 0)
        sum -= 2 * least;
    deviation = (norms - 2 * sum) / (double)n;
    return deviation > 0 ? sqrt (deviation) : 0;
}
