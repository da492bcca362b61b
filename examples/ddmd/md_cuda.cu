/* SPDX-License-Identifier: Apache-2.0 */

/* The dynamics on a GPU: a block a trajectory, which stays there for all the steps of a call. Of
 * its threads x counts residues; the rows y share out the terms of the force field: one has bonds
 * and angles, one the dihedrals, the others the pairs. Every thread adds up what is its own and the
 * sums are made in a fixed order, so that a run can be repeated to the bit.
 *
 * All in double precision, as on the CPU. The noise is the same function of key and step; its
 * sines and logarithms may differ from the CPU's in the last digit of single precision, and
 * trajectories of a chaotic system part company from there.
 */

#include "cuda.h"
#include "go_terms.h"
#include "philox.h"
#include "philox_rounds.h"

enum {
    PAIR_ROWS = 4,
    ROWS = 2 + PAIR_ROWS,
    WIDEST = DDMD_RESIDUES_MAX, /* residues a block can have */
};

struct coefficients {
    double kick;  /* dt / 2 (mass 1) */
    double keep;  /* exp (-friction dt) */
    double noise; /* sqrt (T (1 - keep^2)) */
};

/* What the threads of a block share. */
struct shared {
    double x[3 * WIDEST];
    double noise[3 * WIDEST];
    double bonded[2][12][WIDEST]; /* by row and term: what it adds to its four residues, planar */
    double pair[PAIR_ROWS][3][WIDEST];
    double energy[ROWS][WIDEST];
};

/* The terms of a thread, into SH. All threads of the block call it with x in place. */
__device__ static void add_terms (const struct ddmd_go_model &m, struct shared *sh)
{
    size_t i = threadIdx.x, n = m.n;
    double e = 0;

    if (i < n && threadIdx.y < 2) {
        double f[12] = { 0 };

        if (threadIdx.y == 0 && i + 1 < n)
            e += ddmd_bond_term (&m, sh->x, i, f, 4);
        if (threadIdx.y == 0 && i + 2 < n)
            e += ddmd_angle_term (&m, sh->x, i, f, 4);
        if (threadIdx.y == 1 && i + 3 < n)
            e += ddmd_dihedral_term (&m, sh->x, i, f, 4);
        for (int k = 0; k < 12; k++)
            sh->bonded[threadIdx.y][k][i] = f[k];
    }
    else if (i < n) {
        double f[3] = { 0 };
        size_t row = threadIdx.y - 2;

        for (size_t j = row; j < n; j += PAIR_ROWS) {
            size_t low = i < j ? i : j, high = i < j ? j : i;
            double d[3], push;

            if (high - low < DDMD_PAIR_MIN)
                continue;
            ddmd_vector_between (sh->x, n, i, j, d);
            /* Both ends of a pair meet it: each takes half the energy, and the force on itself. */
            e += ddmd_pair_term (m.sigma2[low * n + high],
                                 m.repulsive[low * n + high],
                                 m.attractive[low * n + high],
                                 1 / ddmd_vector_dot (d, d),
                                 &push)
                 / 2;
            for (int c = 0; c < 3; c++)
                f[c] -= push * d[c];
        }
        for (int c = 0; c < 3; c++)
            sh->pair[row][c][i] = f[c];
    }
    if (i < n)
        sh->energy[threadIdx.y][i] = e;
}

/* The force on residue i < n, component c. */
__device__ static double collect_force (const struct shared *sh, size_t i, int c)
{
    double f = 0;

    for (int row = 0; row < 2; row++) {
        for (size_t k = 0; k < 4 && k <= i; k++)
            f += sh->bonded[row][c * 4 + k][i - k];
    }
    for (int row = 0; row < PAIR_ROWS; row++)
        f += sh->pair[row][c][i];
    return f;
}

__device__ static double collect_energy (const struct shared *sh, size_t n)
{
    double e = 0;

    for (int row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < n; i++)
            e += sh->energy[row][i];
    }
    return e;
}

/* Noise number c * n + i of the step, as ddmd_philox_normal would give it. */
__device__ static double noise_of (uint64_t key, uint64_t step, size_t number)
{
    uint32_t counter[4] = { (uint32_t)step,
                            (uint32_t)(step >> 32),
                            (uint32_t)(number / 4),
                            (uint32_t)DDMD_PHILOX_NOISE };
    uint32_t word[4];
    double normal[2];
    int half = number % 4 / 2 * 2;

    ddmd_philox_rounds (key, counter, word);
    ddmd_box_muller (word[half], word[half + 1], &normal[0], &normal[1]);
    return normal[number % 2];
}

__global__ static void forces_kernel (struct ddmd_go_model m,
                                      const double *x,
                                      double *f,
                                      double *energy)
{
    __shared__ struct shared sh;
    size_t i = threadIdx.x, n = m.n;
    size_t at = (size_t)blockIdx.x * 3 * n;

    if (i < n && threadIdx.y < 3)
        sh.x[threadIdx.y * n + i] = x[at + threadIdx.y * n + i];
    __syncthreads ();
    add_terms (m, &sh);
    __syncthreads ();
    if (i < n && threadIdx.y < 3)
        f[at + threadIdx.y * n + i] = collect_force (&sh, i, (int)threadIdx.y);
    if (i == 0 && threadIdx.y == 0)
        energy[blockIdx.x] = collect_energy (&sh, n);
}

/* The thread of row y < 3 moves component y of its residue; v and the force stay with it. The scheme
 * is that of langevin_cpu.c.
 */
__global__ static void run_kernel (struct ddmd_go_model m,
                                   struct coefficients c,
                                   const uint64_t *key,
                                   uint64_t first_step,
                                   uint64_t steps,
                                   double *x,
                                   double *v,
                                   double *energy)
{
    __shared__ struct shared sh;
    size_t i = threadIdx.x, n = m.n, own = threadIdx.y * n + i;
    size_t at = (size_t)blockIdx.x * 3 * n + own;
    bool moves = i < n && threadIdx.y < 3;
    double vi = 0, fi = 0;

    if (moves) {
        sh.x[own] = x[at];
        vi = v[at];
    }
    __syncthreads ();
    add_terms (m, &sh);
    __syncthreads ();
    if (moves)
        fi = collect_force (&sh, i, (int)threadIdx.y);
    for (uint64_t s = 0; s < steps; s++) {
        if (moves) {
            double xi = sh.x[own];

            vi += c.kick * fi;
            xi += c.kick * vi;
            vi = c.keep * vi;
            if (c.noise > 0)
                vi += c.noise * noise_of (key[blockIdx.x], first_step + s, own);
            xi += c.kick * vi;
            sh.x[own] = xi;
        }
        __syncthreads ();
        add_terms (m, &sh);
        __syncthreads ();
        if (moves) {
            fi = collect_force (&sh, i, (int)threadIdx.y);
            vi += c.kick * fi;
        }
    }
    if (moves) {
        x[at] = sh.x[own];
        v[at] = vi;
    }
    if (i == 0 && threadIdx.y == 0)
        energy[blockIdx.x] = collect_energy (&sh, n);
}

/*
 * From and to ordinary memory
 */

/* Room on the GPU that lives as long as a call. */
class device_array
{
public:
    device_array () = default;
    device_array (const device_array &) = delete;
    device_array &operator= (const device_array &) = delete;
    ~device_array ()
    {
        if (data)
            cudaFree (data);
    }
    bool fill (const void *from, size_t size)
    {
        return ddmd_cuda_check (cudaMalloc (&data, size), "memory of the GPU")
               && (!from
                   || ddmd_cuda_check (cudaMemcpy (data, from, size, cudaMemcpyHostToDevice),
                                       "copying to the GPU"));
    }
    bool fetch (void *to, size_t size) const
    {
        return ddmd_cuda_check (cudaMemcpy (to, data, size, cudaMemcpyDeviceToHost),
                                "copying from the GPU");
    }
    double *numbers () const { return (double *)data; }

    void *data = nullptr;
};

/* A copy of a model whose tables are on the GPU. */
struct device_model {
    struct ddmd_go_model model;
    device_array bond, angle, cos_phi, sin_phi, sigma2, repulsive, attractive;

    bool fill (const struct ddmd_go_model *from)
    {
        size_t n = from->n, chain = n * sizeof (double), table = n * chain;

        if (!bond.fill (from->bond, chain - sizeof (double))
            || !angle.fill (from->angle, chain - 2 * sizeof (double))
            || !cos_phi.fill (from->cos_phi, chain - 3 * sizeof (double))
            || !sin_phi.fill (from->sin_phi, chain - 3 * sizeof (double))
            || !sigma2.fill (from->sigma2, table) || !repulsive.fill (from->repulsive, table)
            || !attractive.fill (from->attractive, table))
            return false;
        model = *from;
        model.native = nullptr;
        model.bond = bond.numbers ();
        model.angle = angle.numbers ();
        model.cos_phi = cos_phi.numbers ();
        model.sin_phi = sin_phi.numbers ();
        model.sigma2 = sigma2.numbers ();
        model.repulsive = repulsive.numbers ();
        model.attractive = attractive.numbers ();
        return true;
    }
};

static dim3 block_of (size_t n)
{
    return dim3 ((unsigned)((n + 31) / 32 * 32), ROWS);
}

void ddmd_cuda_md_forces (const struct ddmd_go_model *model,
                          size_t count,
                          const double *x,
                          double *f,
                          double *energy)
{
    size_t size = count * 3 * model->n * sizeof (double);
    struct device_model m;
    device_array dx, df, de;

    if (count == 0 || !m.fill (model) || !dx.fill (x, size) || !df.fill (nullptr, size)
        || !de.fill (nullptr, count * sizeof (double)))
        return;
    DDMD_LAUNCH (forces_kernel,
                 dim3 ((unsigned)count),
                 block_of (model->n),
                 m.model,
                 dx.numbers (),
                 df.numbers (),
                 de.numbers ());
    if (df.fetch (f, size))
        de.fetch (energy, count * sizeof (double));
}

int ddmd_cuda_md_run (const struct ddmd_go_model *model,
                      const struct ddmd_langevin *langevin,
                      size_t count,
                      const uint64_t *key,
                      uint64_t first_step,
                      uint64_t steps,
                      double *x,
                      double *v,
                      double *energy)
{
    size_t size = count * 3 * model->n * sizeof (double);
    struct coefficients c = { langevin->dt / 2, exp (-langevin->friction * langevin->dt), 0 };
    struct device_model m;
    device_array dkey, dx, dv, de;

    if (count == 0)
        return 0;
    c.noise = sqrt (langevin->temperature * (1 - c.keep * c.keep));
    if (!m.fill (model) || !dkey.fill (key, count * sizeof (*key)) || !dx.fill (x, size)
        || !dv.fill (v, size) || !de.fill (nullptr, count * sizeof (double)))
        return -1;
    DDMD_LAUNCH (run_kernel,
                 dim3 ((unsigned)count),
                 block_of (model->n),
                 m.model,
                 c,
                 (const uint64_t *)dkey.data,
                 first_step,
                 steps,
                 dx.numbers (),
                 dv.numbers (),
                 de.numbers ());
    if (!dx.fetch (x, size) || !dv.fetch (v, size) || !de.fetch (energy, count * sizeof (double)))
        return -1;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite (energy[k]))
            return -1;
    }
    return 0;
}
