/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs are found, in this order: by their PCI place from NVML; by hwloc's devices of a GPU runtime
 * (nvml0, rsmi1, ...); by counting the GPUs on the PCI bus, which is how drivers and Slurm's
 * gres.conf number them by default. A GPU that none of these finds has no place.
 */
#include "config.h"

#include "agent/place/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/place/nvml.h"

#ifndef HAVE_HWLOC_TOPOLOGY_SET_COMPONENTS /* hwloc 2.0: another name, the same value */
#define HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED HWLOC_TOPOLOGY_FLAG_WHOLE_SYSTEM
#endif

enum { MOST_GPUS = 64 };

/* Components of hwloc that are slow and give no more than Linux or NVML. Some make a context on
 * each GPU, one reads the names of all known PCI devices, and x86 runs on each CPU in turn, also on
 * those of other jobs.
 */
static const char *const unused_components[] = { "cuda", "nvml", "opencl", "gl", "pci", "x86" };

static int out_of_memory (struct aw_error *err)
{
    errno = ENOMEM;
    return aw_error_set (err, "the node's topology: out of memory");
}

static int copy_cpus (struct aw_idset *set, hwloc_const_cpuset_t cpus)
{
    int first = cpus ? hwloc_bitmap_first (cpus) : -1;

    for (; first >= 0; first = hwloc_bitmap_next (cpus, first))
        if (aw_idset_add (set, (uint32_t)first, (uint32_t)first) < 0)
            return -1;
    return 0;
}

/*
 * CPUs
 */

static int compare_groups (const void *a, const void *b)
{
    uint32_t first = aw_idset_next (a, 0), second = aw_idset_next (b, 0);

    return first < second ? -1 : first > second;
}

/* Adds objects of TYPE as groups of LEVEL. Those without CPUs of their own are left out: memory of
 * GPUs, or a second kind of memory next to the same CPUs.
 */
static int add_level (struct aw_topology *topology,
                      enum aw_level level,
                      hwloc_topology_t hwloc,
                      hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type (hwloc, type);
    struct aw_idset seen = { 0 };
    int rc = 0;

    if (n <= 0)
        return 0;
    topology->groups[level] = calloc ((size_t)n, sizeof (struct aw_idset));
    if (!topology->groups[level])
        return -1;
    for (int i = 0; rc == 0 && i < n; i++) {
        struct aw_idset cpus = { 0 };

        rc = copy_cpus (&cpus, hwloc_get_obj_by_type (hwloc, type, (unsigned)i)->cpuset);
        if (rc == 0 && aw_idset_count (&cpus) > 0 && !aw_idset_intersects (&seen, &cpus)) {
            rc = aw_idset_add_all (&seen, &cpus);
            topology->groups[level][topology->n_groups[level]++] = cpus;
        }
        else {
            aw_idset_finish (&cpus);
        }
    }
    aw_idset_finish (&seen);
    qsort (topology->groups[level], topology->n_groups[level], sizeof (struct aw_idset),
           compare_groups);
    return rc;
}

/* Is there a NUMA node with several caches of TYPE? */
static bool divides (hwloc_topology_t hwloc, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type (hwloc, HWLOC_OBJ_NUMANODE);

    for (int i = 0; i < n; i++) {
        hwloc_obj_t node = hwloc_get_obj_by_type (hwloc, HWLOC_OBJ_NUMANODE, (unsigned)i);

        if (hwloc_get_nbobjs_inside_cpuset_by_type (hwloc, node->cpuset, type) > 1)
            return true;
    }
    return false;
}

static int add_cache (struct aw_topology *topology, hwloc_topology_t hwloc)
{
    static const hwloc_obj_type_t caches[] = { HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE,
                                               HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE };
    const hwloc_obj_type_t *last = NULL;

    for (size_t i = 0; i < sizeof (caches) / sizeof (caches[0]); i++) {
        if (hwloc_get_nbobjs_by_type (hwloc, caches[i]) <= 0)
            continue;
        if (!last)
            last = &caches[i];
        if (divides (hwloc, caches[i])) {
            last = &caches[i];
            break;
        }
    }
    return last ? add_level (topology, AW_LEVEL_CACHE, hwloc, *last) : 0;
}

static int add_cpus (struct aw_topology *topology, hwloc_topology_t hwloc)
{
    bool cores = hwloc_get_nbobjs_by_type (hwloc, HWLOC_OBJ_CORE) > 0;

    if (add_level (topology, AW_LEVEL_CORE, hwloc, cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU) < 0
        || add_cache (topology, hwloc) < 0
        || add_level (topology, AW_LEVEL_NUMA, hwloc, HWLOC_OBJ_NUMANODE) < 0)
        return -1;
    return add_level (topology, AW_LEVEL_PACKAGE, hwloc, HWLOC_OBJ_PACKAGE);
}

/*
 * GPUs
 */

/* Vendors of GPUs on the PCI bus. Display devices of other vendors only draw consoles. */
static const struct {
    enum aw_gpu_vendor vendor;
    unsigned short id;
} vendors[] = {
    { AW_GPU_NVIDIA, 0x10de },
    { AW_GPU_AMD, 0x1002 },
    { AW_GPU_INTEL, 0x8086 },
};

static int compare_places (const void *a, const void *b)
{
    const struct hwloc_pcidev_attr_s *x = &(*(hwloc_obj_t const *)a)->attr->pcidev;
    const struct hwloc_pcidev_attr_s *y = &(*(hwloc_obj_t const *)b)->attr->pcidev;
    int order = (x->domain > y->domain) - (x->domain < y->domain);

    if (order == 0)
        order = (x->bus > y->bus) - (x->bus < y->bus);
    if (order == 0)
        order = (x->dev > y->dev) - (x->dev < y->dev);
    return order ? order : (x->func > y->func) - (x->func < y->func);
}

/* The GPUs of the vendor with ID on the bus, in the order of the bus. */
static size_t list_vendor (hwloc_topology_t hwloc, unsigned short id, hwloc_obj_t *found)
{
    size_t n = 0;

    for (hwloc_obj_t pci = hwloc_get_next_pcidev (hwloc, NULL); pci && n < MOST_GPUS;
         pci = hwloc_get_next_pcidev (hwloc, pci)) {
        unsigned base = pci->attr->pcidev.class_id >> 8;

        /* PCI's classes: display controllers, processing accelerators. */
        if (pci->attr->pcidev.vendor_id == id && (base == 0x03 || base == 0x12))
            found[n++] = pci;
    }
    qsort (found, n, sizeof (*found), compare_places);
    return n;
}

/* The GPUs of VENDOR; if it is ANY, or has none, those of the first vendor that has some. */
static size_t list_gpus (hwloc_topology_t hwloc, enum aw_gpu_vendor vendor, hwloc_obj_t *found)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof (vendors) / sizeof (vendors[0]) && n == 0; i++)
        if (vendors[i].vendor == vendor)
            n = list_vendor (hwloc, vendors[i].id, found);
    for (size_t i = 0; i < sizeof (vendors) / sizeof (vendors[0]) && n == 0; i++)
        n = list_vendor (hwloc, vendors[i].id, found);
    return n;
}

/* A device of a GPU runtime by its index ("nvml3") or by its name ("GPU-8f2c..."). */
static hwloc_obj_t find_device (hwloc_topology_t hwloc, const char *entry, long index)
{
    static const char *const runtimes[] = { "nvml%u%c", "rsmi%u%c", "ze%u%c", "cuda%u%c" };
    static const char *const names[] = { "NVIDIAUUID", "AMDUUID", "LevelZeroUUID" };

    for (size_t r = 0; index >= 0 && r < sizeof (runtimes) / sizeof (runtimes[0]); r++) {
        hwloc_obj_t device = NULL;
        unsigned number;
        char rest;

        while ((device = hwloc_get_next_osdev (hwloc, device)))
            if (device->name && sscanf (device->name, runtimes[r], &number, &rest) == 1
                && number == (unsigned long)index)
                return device;
    }
    for (size_t k = 0; index < 0 && entry && k < sizeof (names) / sizeof (names[0]); k++) {
        hwloc_obj_t device = NULL;

        while ((device = hwloc_get_next_osdev (hwloc, device))) {
            const char *name = hwloc_obj_get_info_by_name (device, names[k]);

            /* As for GPU runtimes, the beginning of a name is enough. */
            if (name && strncmp (name, entry, strlen (entry)) == 0)
                return device;
        }
    }
    return NULL;
}

/* The parameters of a search for GPUs. */
struct search {
    hwloc_topology_t hwloc;
    const struct aw_gpus *gpus;
    const struct aw_nvml *nvml; /* NULL where the topology is not this machine's */
    hwloc_obj_t on_bus[MOST_GPUS];
    size_t n_on_bus;
};

static hwloc_obj_t find_gpu (const struct search *search, uint32_t id, char *type, size_t size)
{
    const char *entry = aw_gpus_entry (search->gpus, id);
    long index = aw_gpus_index (search->gpus, id);
    void *handle = search->nvml ? aw_nvml_gpu (search->nvml, search->gpus, id) : NULL;
    hwloc_obj_t device = NULL;

    if (handle) {
        struct aw_pci_place place;

        if (aw_nvml_name (search->nvml, handle, type, size) < 0)
            type[0] = '\0';
        if (aw_nvml_place (search->nvml, handle, &place) == 0)
            device =
                hwloc_get_pcidev_by_busid (search->hwloc, place.domain, place.bus, place.device, 0);
    }
    if (!device)
        device = find_device (search->hwloc, entry, index);
    if (!device && index >= 0 && (size_t)index < search->n_on_bus)
        device = search->on_bus[index];
    return device;
}

static int add_gpu (struct aw_topology *topology, const struct search *search, uint32_t id)
{
    struct aw_topology_gpu gpu = { .id = id };
    hwloc_obj_t device = find_gpu (search, id, gpu.type, sizeof (gpu.type));
    hwloc_obj_t around = device ? hwloc_get_non_io_ancestor_obj (search->hwloc, device) : NULL;

    /* A device at the root is near to all CPUs, or its place is not known. */
    if (around && around->parent && copy_cpus (&gpu.cpus, around->cpuset) < 0) {
        aw_idset_finish (&gpu.cpus);
        return -1;
    }
    if (gpu.type[0] || aw_idset_count (&gpu.cpus) > 0)
        topology->gpus[topology->n_gpus++] = gpu;
    return 0;
}

static int add_gpus (struct aw_topology *topology,
                     struct search *search,
                     const struct aw_idset *gpu_ids)
{
    uint32_t n = aw_idset_count (gpu_ids);
    int rc = 0;

    if (n == 0)
        return 0;
    topology->gpus = calloc (n, sizeof (*topology->gpus));
    if (!topology->gpus)
        return -1;
    search->n_on_bus = list_gpus (search->hwloc, aw_gpus_vendor (search->gpus), search->on_bus);
    for (uint32_t id = aw_idset_next (gpu_ids, 0); rc == 0 && id != AW_IDSET_NONE;
         id = aw_idset_next (gpu_ids, id + 1))
        rc = add_gpu (topology, search, id);
    return rc;
}

/*
 * All
 */

/* Hides hwloc's warnings about inconsistent firmware. The variable must not reach tasks. It is in a
 * copy of the environment for this time: setenv would free the array that callers have of environ.
 */
static int load_quietly (hwloc_topology_t hwloc)
{
    static char quiet[] = "HWLOC_HIDE_ERRORS=2";
    char **before = environ, **copy;
    size_t n = 0;
    int rc, error;

    while (before && before[n])
        n++;
    copy = calloc (n + 2, sizeof (*copy));
    if (copy && !getenv ("HWLOC_HIDE_ERRORS")) {
        if (n > 0)
            memcpy (copy, before, n * sizeof (*copy));
        copy[n] = quiet;
        environ = copy;
    }
    rc = hwloc_topology_load (hwloc);
    error = errno;
    environ = before;
    free (copy);
    errno = error;
    return rc;
}

static int load (hwloc_topology_t *hwloc, struct aw_error *err)
{
    if (hwloc_topology_init (hwloc) < 0)
        return out_of_memory (err);
    hwloc_topology_set_flags (*hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_set_io_types_filter (*hwloc, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
#ifdef HAVE_HWLOC_TOPOLOGY_SET_COMPONENTS
    for (size_t i = 0; !getenv ("HWLOC_COMPONENTS")
                       && i < sizeof (unused_components) / sizeof (unused_components[0]);
         i++)
        hwloc_topology_set_components (*hwloc, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
                                       unused_components[i]);
#else
    (void)unused_components;
#endif
    if (load_quietly (*hwloc) < 0) {
        int error = errno;

        hwloc_topology_destroy (*hwloc);
        return aw_error_set (err, "the node's topology: hwloc: %s%s", strerror (error),
                             getenv ("HWLOC_XMLFILE") ? ": is HWLOC_XMLFILE such a file?" : "");
    }
    return 0;
}

int aw_machine_read (struct aw_machine *machine,
                     const struct aw_gpus *gpus,
                     const struct aw_idset *gpu_ids,
                     const struct aw_nvml *nvml,
                     struct aw_error *err)
{
    struct search search = { .gpus = gpus };
    int rc;

    memset (machine, 0, sizeof (*machine));
    if (load (&search.hwloc, err) < 0)
        return -1;
    machine->is_here = hwloc_topology_is_thissystem (search.hwloc);
    machine->mem = hwloc_get_root_obj (search.hwloc)->total_memory;
    search.nvml = machine->is_here ? nvml : NULL;
    rc = add_cpus (&machine->topology, search.hwloc);
    if (rc == 0)
        rc = add_gpus (&machine->topology, &search, gpu_ids);
    hwloc_topology_destroy (search.hwloc);
    if (rc < 0) {
        aw_machine_finish (machine);
        return out_of_memory (err);
    }
    return 0;
}

void aw_machine_finish (struct aw_machine *machine)
{
    int saved = errno;

    aw_topology_finish (&machine->topology);
    memset (machine, 0, sizeof (*machine));
    errno = saved;
}
