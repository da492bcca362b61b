/* SPDX-License-Identifier: Apache-2.0 */

/* A stand-in for a GPU, for tests alone: what the CUDA backend uses of CUDA and cuBLAS, on the CPU.
 * It shows that the kernels compute the right thing, not how fast, and not what a real GPU's
 * memory model or arithmetic add; t-ddmd-cuda.c runs on a real GPU too where there is one.
 *
 * Blocks run one after the other. The threads of a block are contexts that take turns: one runs
 * until it meets __syncthreads or ends, then the next, so a barrier is passed when all have come.
 */

#ifndef CUDA_EMULATION_H
#define CUDA_EMULATION_H

#include <cblas.h>
#include <functional>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
    dim3 (unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x (x_), y (y_), z (z_)
    {
    }
};

/* Of the thread whose turn it is; one copy for all files of the module. */
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

enum { STACK = 32 << 10, MOST_THREADS = 1024 };

struct thread {
    ucontext_t context;
    std::vector<char> stack = std::vector<char> (STACK);
    bool over = false;
};

inline ucontext_t scheduler;
inline thread *running;
inline const std::function<void ()> *kernel;

inline void enter ()
{
    (*kernel) ();
    running->over = true;
    swapcontext (&running->context, &scheduler);
}

/* Gives the turn to each that is not over; returns how many are left. */
inline size_t take_turns (std::vector<thread> &threads, size_t n)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (threads[i].over)
            continue;
        running = &threads[i];
        threadIdx = dim3 ((unsigned)i % blockDim.x, (unsigned)i / blockDim.x);
        swapcontext (&scheduler, &running->context);
        left += !threads[i].over;
    }
    return left;
}

inline void run_block (std::vector<thread> &threads, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        thread &t = threads[i];

        t.over = false;
        getcontext (&t.context);
        t.context.uc_stack.ss_sp = t.stack.data ();
        t.context.uc_stack.ss_size = STACK;
        t.context.uc_link = nullptr;
        makecontext (&t.context, enter, 0);
    }
    while (take_turns (threads, n) > 0)
        ;
}

inline void launch (dim3 grid, dim3 block, const std::function<void ()> &body)
{
    static std::vector<thread> threads (MOST_THREADS);

    gridDim = grid;
    blockDim = block;
    kernel = &body;
    for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
        run_block (threads, block.x * block.y);
}

} /* namespace emulation */

inline void __syncthreads ()
{
    swapcontext (&emulation::running->context, &emulation::scheduler);
}

#define DDMD_LAUNCH(name, grid, block, ...) \
    emulation::launch (grid, block, [&] { name (__VA_ARGS__); })

typedef enum { cudaSuccess, cudaErrorMemoryAllocation } cudaError_t;
typedef enum { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost } cudaMemcpyKind;

inline const char *cudaGetErrorString (cudaError_t)
{
    return "out of memory";
}

inline cudaError_t cudaGetDeviceCount (int *count)
{
    *count = 1;
    return cudaSuccess;
}

inline cudaError_t cudaMalloc (void **data, size_t size)
{
    *data = malloc (size);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
}

inline cudaError_t cudaFree (void *data)
{
    free (data);
    return cudaSuccess;
}

inline cudaError_t cudaMemset (void *data, int value, size_t size)
{
    memset (data, value, size);
    return cudaSuccess;
}

inline cudaError_t cudaMemcpy (void *to, const void *from, size_t size, cudaMemcpyKind)
{
    memcpy (to, from, size);
    return cudaSuccess;
}

typedef void *cublasHandle_t;
typedef enum { CUBLAS_STATUS_SUCCESS } cublasStatus_t;
typedef enum { CUBLAS_OP_N = CblasNoTrans, CUBLAS_OP_T = CblasTrans } cublasOperation_t;

inline cublasStatus_t cublasCreate (cublasHandle_t *handle)
{
    *handle = handle;
    return CUBLAS_STATUS_SUCCESS;
}

inline const char *cublasGetStatusString (cublasStatus_t)
{
    return "";
}

inline cublasStatus_t cublasSgemm (cublasHandle_t,
                                   cublasOperation_t ta,
                                   cublasOperation_t tb,
                                   int m,
                                   int n,
                                   int k,
                                   const float *alpha,
                                   const float *a,
                                   int lda,
                                   const float *b,
                                   int ldb,
                                   const float *beta,
                                   float *c,
                                   int ldc)
{
    cblas_sgemm (CblasColMajor, (CBLAS_TRANSPOSE)ta, (CBLAS_TRANSPOSE)tb, m, n, k, *alpha, a, lda,
                 b, ldb, *beta, c, ldc);
    return CUBLAS_STATUS_SUCCESS;
}

#endif /* !CUDA_EMULATION_H */
