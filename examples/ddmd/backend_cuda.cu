/* SPDX-License-Identifier: Apache-2.0 */

/* The GPU's row of the table, a module that is loaded where it is asked for. Matrix products go to
 * cuBLAS, in single precision throughout (no TF32), so that results compare with the CPU's. It
 * computes on the first GPU that CUDA_VISIBLE_DEVICES shows.
 */

#include <stdio.h>

#include "cuda.h"

static char trouble[256]; /* the first error; "": none */
static cublasHandle_t blas;

static void keep_trouble (const char *what, const char *why)
{
    if (!trouble[0])
        snprintf (trouble, sizeof (trouble), "%s: %s", what, why);
}

bool ddmd_cuda_check (cudaError_t result, const char *what)
{
    if (result != cudaSuccess)
        keep_trouble (what, cudaGetErrorString (result));
    return result == cudaSuccess;
}

static const char *cuda_problem (void)
{
    return trouble[0] ? trouble : nullptr;
}

static ddmd_real *cuda_alloc (size_t count)
{
    size_t size = (count > 0 ? count : 1) * sizeof (ddmd_real);
    void *buffer = nullptr;

    if (cudaMalloc (&buffer, size) != cudaSuccess)
        return nullptr;
    if (cudaMemset (buffer, 0, size) != cudaSuccess) {
        cudaFree (buffer);
        return nullptr;
    }
    return (ddmd_real *)buffer;
}

static void cuda_free (ddmd_real *buffer)
{
    cudaFree (buffer);
}

static void cuda_upload (ddmd_real *buffer, const ddmd_real *from, size_t count)
{
    ddmd_cuda_check (cudaMemcpy (buffer, from, count * sizeof (*from), cudaMemcpyHostToDevice),
                     "copying to the GPU");
}

static void cuda_download (ddmd_real *to, const ddmd_real *buffer, size_t count)
{
    ddmd_cuda_check (cudaMemcpy (to, buffer, count * sizeof (*to), cudaMemcpyDeviceToHost),
                     "copying from the GPU");
}

static void cuda_clear (ddmd_real *buffer, size_t count)
{
    ddmd_cuda_check (cudaMemset (buffer, 0, count * sizeof (*buffer)), "clearing memory");
}

/* cuBLAS counts by columns: there our C is its transpose, and C^T = op (B)^T op (A)^T. */
static void cuda_gemm (const struct ddmd_gemm *shape,
                       const ddmd_real *a,
                       const ddmd_real *b,
                       ddmd_real *c)
{
    int m = (int)shape->m, n = (int)shape->n, k = (int)shape->k;
    const ddmd_real one = 1;
    cublasStatus_t status = cublasSgemm (blas,
                                         shape->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                                         shape->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                                         n,
                                         m,
                                         k,
                                         &one,
                                         b,
                                         shape->transpose_b ? k : n,
                                         a,
                                         shape->transpose_a ? m : k,
                                         &shape->beta,
                                         c,
                                         n);

    if (status != CUBLAS_STATUS_SUCCESS)
        keep_trouble ("cuBLAS", cublasGetStatusString (status));
}

static struct ddmd_backend row (void)
{
    struct ddmd_backend r = {};

    r.name = "cuda";
    r.problem = cuda_problem;
    r.md_forces = ddmd_cuda_md_forces;
    r.md_run = ddmd_cuda_md_run;
    r.alloc = cuda_alloc;
    r.free = cuda_free;
    r.upload = cuda_upload;
    r.download = cuda_download;
    r.clear = cuda_clear;
    r.gemm = cuda_gemm;
    r.im2col = ddmd_cuda_im2col;
    r.col2im = ddmd_cuda_col2im;
    r.bias_add = ddmd_cuda_bias_add;
    r.bias_grad = ddmd_cuda_bias_grad;
    r.add = ddmd_cuda_add;
    r.relu = ddmd_cuda_relu;
    r.relu_grad = ddmd_cuda_relu_grad;
    r.sample = ddmd_cuda_sample;
    r.sample_grad = ddmd_cuda_sample_grad;
    r.bce = ddmd_cuda_bce;
    r.adam = ddmd_cuda_adam;
    return r;
}

/* What backend.c looks up in the module. NULL where no GPU can be used: WHY tells. */
extern "C" const struct ddmd_backend *ddmd_backend_cuda_open (const char **why)
{
    static const struct ddmd_backend backend = row ();
    int count = 0;

    if (ddmd_cuda_check (cudaGetDeviceCount (&count), "no GPU can be used") && count == 0)
        keep_trouble ("no GPU can be used", "CUDA_VISIBLE_DEVICES shows none");
    if (!trouble[0] && !blas && cublasCreate (&blas) != CUBLAS_STATUS_SUCCESS)
        keep_trouble ("cuBLAS", "it cannot be started");
    *why = trouble;
    return trouble[0] ? nullptr : &backend;
}
