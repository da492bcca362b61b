/* SPDX-License-Identifier: Apache-2.0 */

/* The CPU's row of the table: its buffers are ordinary memory. */

#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "md_cpu.h"
#include "nn_cpu.h"

static ddmd_real *cpu_alloc (size_t count)
{
    return calloc (count > 0 ? count : 1, sizeof (ddmd_real));
}

static void cpu_free (ddmd_real *buffer)
{
    free (buffer);
}

static void cpu_upload (ddmd_real *buffer, const ddmd_real *from, size_t count)
{
    memcpy (buffer, from, count * sizeof (*buffer));
}

static void cpu_download (ddmd_real *to, const ddmd_real *buffer, size_t count)
{
    memcpy (to, buffer, count * sizeof (*to));
}

static void cpu_clear (ddmd_real *buffer, size_t count)
{
    memset (buffer, 0, count * sizeof (*buffer));
}

static const char *cpu_problem (void)
{
    return NULL;
}

const struct ddmd_backend ddmd_backend_cpu = {
    .name = "cpu",
    .problem = cpu_problem,
    .md_forces = ddmd_cpu_md_forces,
    .md_run = ddmd_cpu_md_run,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_upload,
    .download = cpu_download,
    .clear = cpu_clear,
    .gemm = ddmd_cpu_gemm,
    .im2col = ddmd_cpu_im2col,
    .col2im = ddmd_cpu_col2im,
    .bias_add = ddmd_cpu_bias_add,
    .bias_grad = ddmd_cpu_bias_grad,
    .add = ddmd_cpu_add,
    .relu = ddmd_cpu_relu,
    .relu_grad = ddmd_cpu_relu_grad,
    .sample = ddmd_cpu_sample,
    .sample_grad = ddmd_cpu_sample_grad,
    .bce = ddmd_cpu_bce,
    .adam = ddmd_cpu_adam,
};
