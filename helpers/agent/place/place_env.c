/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm, NVML and the PCI bus number GPUs in the same order. CUDA puts the fastest first, so that a
 * task with one type of GPU would find another. CUDA_DEVICE_ORDER prevents that.
 *
 * OMP_PLACES alone would make OpenMP bind its threads, and each process that the program forks to
 * the first place. So OMP_PROC_BIND=false is set too, unless the user has set it: then there are
 * places to bind to.
 */
#include "config.h"

#include "agent/place/place_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/place/gpus.h"
#include "core/resources/topology.h"
#include "util/strings.h"

/* A user who sets one of these places the threads. */
static const char *const placing[] = { "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY" };

struct aw_place_env {
    struct aw_gpus *gpus;
    struct aw_topology topology;
    uint32_t *core_of; /* a CPU's number among the topology's cores + 1; 0: not known */
    uint32_t n_cpus; /* of core_of */
    bool threads_given;
    bool places_given;
    bool bind_given;
    bool percentage_given;
    bool order_needed; /* CUDA's GPUs are named by index, and the user has not set their order */
};

bool aw_place_env_places (const char *variable)
{
    for (size_t i = 0; i < sizeof (placing) / sizeof (placing[0]); i++) {
        size_t n = strlen (placing[i]);

        if (strncmp (variable, placing[i], n) == 0 && variable[n] == '=')
            return true;
    }
    return false;
}

static int learn_cores (struct aw_place_env *place_env)
{
    const struct aw_topology *topology = &place_env->topology;
    const struct aw_idset *cores = topology->groups[AW_LEVEL_CORE];

    for (uint32_t i = 0; i < topology->n_groups[AW_LEVEL_CORE]; i++)
        for (uint32_t id = aw_idset_next (&cores[i], 0); id != AW_IDSET_NONE;
             id = aw_idset_next (&cores[i], id + 1))
            if (id >= place_env->n_cpus)
                place_env->n_cpus = id + 1;
    place_env->core_of = calloc (place_env->n_cpus + 1, sizeof (*place_env->core_of));
    if (!place_env->core_of)
        return -1;
    for (uint32_t i = 0; i < topology->n_groups[AW_LEVEL_CORE]; i++)
        for (uint32_t id = aw_idset_next (&cores[i], 0); id != AW_IDSET_NONE;
             id = aw_idset_next (&cores[i], id + 1))
            place_env->core_of[id] = i + 1;
    return 0;
}

static bool goes_by_index (const char *list)
{
    return list && *list && strspn (list, "0123456789,") == strlen (list);
}

struct aw_place_env *aw_place_env_create (char *const *env,
                                          const struct aw_idset *gpus,
                                          const char *topology,
                                          struct aw_error *err)
{
    struct aw_place_env *place_env = calloc (1, sizeof (*place_env));

    if (!place_env) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    place_env->gpus = aw_gpus_create (env, gpus, err);
    if (!place_env->gpus
        || (topology && aw_topology_parse (&place_env->topology, topology, err) < 0)) {
        aw_place_env_destroy (place_env);
        return NULL;
    }
    if (learn_cores (place_env) < 0) {
        aw_place_env_destroy (place_env);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    place_env->threads_given = aw_env_get (env, "OMP_NUM_THREADS") != NULL;
    place_env->bind_given = aw_env_get (env, "OMP_PROC_BIND") != NULL;
    place_env->percentage_given = aw_env_get (env, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE") != NULL;
    place_env->order_needed = goes_by_index (aw_env_get (env, "CUDA_VISIBLE_DEVICES"))
                              && !aw_env_get (env, "CUDA_DEVICE_ORDER");
    for (; env && *env; env++)
        place_env->places_given = place_env->places_given || aw_place_env_places (*env);
    return place_env;
}

void aw_place_env_destroy (struct aw_place_env *place_env)
{
    int saved = errno;

    if (place_env) {
        aw_gpus_destroy (place_env->gpus);
        aw_topology_finish (&place_env->topology);
        free (place_env->core_of);
        free (place_env);
    }
    errno = saved;
}

/* The CPUs of the core of ID; NULL: ID alone. */
static const struct aw_idset *core_of (const struct aw_place_env *place_env, uint32_t id)
{
    uint32_t core = id < place_env->n_cpus ? place_env->core_of[id] : 0;

    return core ? &place_env->topology.groups[AW_LEVEL_CORE][core - 1] : NULL;
}

/* Appends one place: ID and the others of CPUS on its core. A core with a lower one in CPUS has its
 * place already.
 */
static void put_place (const struct aw_place_env *place_env,
                       const struct aw_idset *cpus,
                       uint32_t id,
                       struct aw_textbuf *text)
{
    const struct aw_idset *core = core_of (place_env, id);
    uint32_t other = core ? aw_idset_next (core, 0) : AW_IDSET_NONE;
    bool first = id == aw_idset_next (cpus, 0);

    for (; other < id; other = aw_idset_next (core, other + 1))
        if (aw_idset_has (cpus, other))
            return;
    aw_textbuf_puts (text, first ? "{" : ",{");
    aw_textbuf_u64 (text, id);
    for (other = core ? aw_idset_next (core, id + 1) : AW_IDSET_NONE; other != AW_IDSET_NONE;
         other = aw_idset_next (core, other + 1)) {
        if (aw_idset_has (cpus, other)) {
            aw_textbuf_putc (text, ',');
            aw_textbuf_u64 (text, other);
        }
    }
    aw_textbuf_putc (text, '}');
}

static void put_places (const struct aw_place_env *place_env,
                        const struct aw_idset *cpus,
                        struct aw_textbuf *text)
{
    aw_textbuf_puts (text, "OMP_PLACES=");
    for (uint32_t id = aw_idset_next (cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (cpus, id + 1))
        put_place (place_env, cpus, id, text);
    aw_textbuf_putc (text, '\0');
    if (!place_env->bind_given) {
        aw_textbuf_puts (text, "OMP_PROC_BIND=false");
        aw_textbuf_putc (text, '\0');
    }
}

static void put_share (const struct aw_place_env *place_env,
                       uint32_t share,
                       struct aw_textbuf *text)
{
    aw_textbuf_puts (text, "ASYNC_WORKFLOW_GPU_SHARE=");
    aw_textbuf_fixed (text, share / 1e3, 3);
    aw_textbuf_putc (text, '\0');
    if (!place_env->percentage_given) {
        aw_textbuf_puts (text, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=");
        aw_textbuf_fixed (text, share / 10., 1);
        aw_textbuf_putc (text, '\0');
    }
}

void aw_place_env_variables (const struct aw_place_env *place_env,
                             const struct aw_place *place,
                             struct aw_textbuf *text)
{
    aw_gpus_variables (place_env->gpus, place->gpus, text);
    if (place_env->order_needed) {
        aw_textbuf_puts (text, "CUDA_DEVICE_ORDER=PCI_BUS_ID");
        aw_textbuf_putc (text, '\0');
    }
    if (place->gpu_share > 0)
        put_share (place_env, place->gpu_share, text);
    if (!place_env->threads_given) {
        aw_textbuf_puts (text, "OMP_NUM_THREADS=");
        aw_textbuf_u64 (text, aw_idset_count (place->cpus));
        aw_textbuf_putc (text, '\0');
    }
    if (place->bound && !place->placed && !place_env->places_given)
        put_places (place_env, place->cpus, text);
}
