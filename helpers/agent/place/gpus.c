/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm sets the variables for the type of GPU in its gres.conf (CUDA_VISIBLE_DEVICES,
 * ROCR_VISIBLE_DEVICES, ZE_AFFINITY_MASK, GPU_DEVICE_ORDINAL). Each one that the agent has is
 * narrowed for its tasks.
 *
 * CUDA_VISIBLE_DEVICES is always set, so that a task without GPUs sees none. HIP reads it too, as
 * indices into the devices of ROCR_VISIBLE_DEVICES. So if the agent has only ROCm's variable, it
 * counts from 0; if it has both (Slurm's default for GPUs of unknown type), HIP_VISIBLE_DEVICES
 * does. An empty ZE_AFFINITY_MASK means all devices to Level Zero, so a task without GPUs gets a
 * number that no device has.
 */
#include "config.h"

#include "agent/place/gpus.h"
#include "util/strings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CUDA, ROCR, ZE, OPENCL, N_VARIABLES };

static const char *const variable_names[N_VARIABLES] = {
    [CUDA] = "CUDA_VISIBLE_DEVICES",
    [ROCR] = "ROCR_VISIBLE_DEVICES",
    [ZE] = "ZE_AFFINITY_MASK",
    [OPENCL] = "GPU_DEVICE_ORDINAL",
};

struct variable {
    bool given;
    char *list; /* the value, commas made NUL */
    const char **names; /* by the id's place in gpus->ids; NULL: the list has another length */
};

struct aw_gpus {
    struct aw_idset ids;
    struct aw_idset step; /* SLURM_STEP_GPUS where it has as many numbers, else empty */
    struct variable variables[N_VARIABLES];
};

/* The number of the next entry, -1 if it is not a number. *LIST moves past it, to NULL at the end.
 */
static long next_number (const char **list)
{
    size_t n = strcspn (*list, ",");
    char *end;
    long number;

    errno = 0;
    number = n > 0 && n < 8 && **list >= '0' && **list <= '9' ? strtol (*list, &end, 10) : -1;
    if (number >= 0 && (end != *list + n || number >= AW_IDSET_MAX))
        number = -1;
    *list = (*list)[n] ? *list + n + 1 : NULL;
    return number;
}

static uint32_t count_entries (const char *list)
{
    uint32_t n = *list != '\0';

    for (; *list; list++)
        n += *list == ',';
    return n;
}

/* As aw_gpus_ids; BY_NUMBER: the ids are the entries themselves. */
static int ids_of (const char *list, struct aw_idset *set, bool *by_number)
{
    struct aw_idset ids;
    uint32_t n = list ? count_entries (list) : 0;

    *by_number = true;
    aw_idset_init (&ids);
    for (const char *p = list; n > 0 && p;) {
        long number = next_number (&p);

        if (number < 0 || aw_idset_has (&ids, (uint32_t)number)) {
            aw_idset_finish (&ids); /* names, not numbers */
            *by_number = false;
            if (aw_idset_add (&ids, 0, n - 1) < 0)
                return -1;
            break;
        }
        if (aw_idset_add (&ids, (uint32_t)number, (uint32_t)number) < 0) {
            aw_idset_finish (&ids);
            return -1;
        }
    }
    aw_idset_finish (set);
    *set = ids;
    return 0;
}

int aw_gpus_ids (const char *list, struct aw_idset *set)
{
    bool by_number;

    return ids_of (list, set, &by_number);
}

/* The place of ID among the ids. */
static uint32_t place_of (const struct aw_idset *ids, uint32_t id)
{
    uint32_t place = 0;

    for (uint32_t i = aw_idset_next (ids, 0); i != AW_IDSET_NONE && i < id;
         i = aw_idset_next (ids, i + 1))
        place++;
    return place;
}

/* Entries that are the ids themselves are assigned by number, others in their order. */
static int learn (struct variable *variable, const struct aw_idset *ids, const char *value)
{
    uint32_t n = aw_idset_count (ids);
    struct aw_idset theirs = { 0 };
    const char *at = value;
    bool by_number;
    char *p;

    variable->given = true;
    if (n == 0 || count_entries (value) != n)
        return 0;
    variable->list = strdup (value);
    variable->names = calloc (n, sizeof (char *));
    if (!variable->list || !variable->names || ids_of (value, &theirs, &by_number) < 0)
        return -1;
    by_number = by_number && aw_idset_equal (&theirs, ids);
    aw_idset_finish (&theirs);
    p = variable->list;
    for (uint32_t i = 0; i < n; i++) {
        long number = next_number (&at);
        size_t length = strcspn (p, ",");

        variable->names[by_number ? place_of (ids, (uint32_t)number) : i] = p;
        p[length] = '\0';
        p += length + 1;
    }
    return 0;
}

/* If Slurm shows a job only its own devices, it numbers them from 0. Their numbers outside the job
 * are in this variable.
 */
static int learn_step (struct aw_gpus *gpus, char *const *env)
{
    bool by_number;

    if (ids_of (aw_env_get (env, "SLURM_STEP_GPUS"), &gpus->step, &by_number) < 0)
        return -1;
    if (!by_number || aw_idset_count (&gpus->step) != aw_idset_count (&gpus->ids))
        aw_idset_finish (&gpus->step);
    return 0;
}

struct aw_gpus *aw_gpus_create (char *const *env, const struct aw_idset *ids, struct aw_error *err)
{
    struct aw_gpus *gpus = calloc (1, sizeof (*gpus));

    if (!gpus || aw_idset_copy (&gpus->ids, ids) < 0 || learn_step (gpus, env) < 0) {
        aw_gpus_destroy (gpus);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    for (int v = 0; v < N_VARIABLES; v++) {
        const char *value = aw_env_get (env, variable_names[v]);
        if (value && learn (&gpus->variables[v], ids, value) < 0) {
            aw_gpus_destroy (gpus);
            aw_error_set (err, "out of memory");
            return NULL;
        }
    }
    return gpus;
}

void aw_gpus_destroy (struct aw_gpus *gpus)
{
    int saved = errno;

    if (gpus) {
        for (int v = 0; v < N_VARIABLES; v++) {
            free (gpus->variables[v].list);
            free (gpus->variables[v].names);
        }
        aw_idset_finish (&gpus->ids);
        aw_idset_finish (&gpus->step);
        free (gpus);
    }
    errno = saved;
}

const char *aw_gpus_entry (const struct aw_gpus *gpus, uint32_t id)
{
    for (int v = 0; v < N_VARIABLES; v++)
        if (gpus->variables[v].names && aw_idset_has (&gpus->ids, id))
            return gpus->variables[v].names[place_of (&gpus->ids, id)];
    return NULL;
}

long aw_gpus_index (const struct aw_gpus *gpus, uint32_t id)
{
    const char *entry = aw_gpus_entry (gpus, id);

    if (aw_idset_next (&gpus->step, 0) != AW_IDSET_NONE && aw_idset_has (&gpus->ids, id)) {
        uint32_t index = aw_idset_next (&gpus->step, 0);

        for (uint32_t place = place_of (&gpus->ids, id); place > 0; place--)
            index = aw_idset_next (&gpus->step, index + 1);
        return (long)index;
    }
    return entry ? next_number (&entry) : (long)id;
}

enum aw_gpu_vendor aw_gpus_vendor (const struct aw_gpus *gpus)
{
    if (gpus->variables[CUDA].given)
        return gpus->variables[ROCR].given ? AW_GPU_ANY : AW_GPU_NVIDIA;
    if (gpus->variables[ROCR].given)
        return AW_GPU_AMD;
    return gpus->variables[ZE].given ? AW_GPU_INTEL : AW_GPU_ANY;
}

/* HIP prefers this variable to CUDA_VISIBLE_DEVICES, which must keep CUDA's numbers here. */
static void put_hip (uint32_t n, struct aw_textbuf *text)
{
    aw_textbuf_puts (text, n ? "HIP_VISIBLE_DEVICES=0" : "HIP_VISIBLE_DEVICES=-1");
    for (uint32_t i = 1; i < n; i++)
        aw_textbuf_printf (text, ",%u", i);
    aw_textbuf_putc (text, '\0');
}

void aw_gpus_variables (const struct aw_gpus *gpus,
                        const struct aw_idset *mine,
                        struct aw_textbuf *text)
{
    bool relative = gpus->variables[ROCR].given && !gpus->variables[CUDA].given;
    bool none = aw_idset_next (mine, 0) == AW_IDSET_NONE;

    for (int v = 0; v < N_VARIABLES; v++) {
        const struct variable *variable = &gpus->variables[v];
        uint32_t n = 0;

        if (!variable->given && v != CUDA)
            continue;
        aw_textbuf_puts (text, variable_names[v]);
        aw_textbuf_putc (text, '=');
        if (none && v == ZE)
            aw_textbuf_puts (text, "65535");
        for (uint32_t id = aw_idset_next (mine, 0); id != AW_IDSET_NONE;
             id = aw_idset_next (mine, id + 1), n++) {
            uint32_t place = place_of (&gpus->ids, id);

            if (n > 0)
                aw_textbuf_putc (text, ',');
            if (variable->names && aw_idset_has (&gpus->ids, id))
                aw_textbuf_puts (text, variable->names[place]);
            else
                aw_textbuf_u64 (text, v == CUDA && relative ? n : id);
        }
        aw_textbuf_putc (text, '\0');
    }
    if (gpus->variables[ROCR].given && !relative)
        put_hip (aw_idset_count (mine), text);
}
