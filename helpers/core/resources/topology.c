/* SPDX-License-Identifier: Apache-2.0 */
/* The text comes from another machine, so it is not trusted: what it can make us allocate is
 * bounded, and text that is not of the form is rejected with its place.
 */
#include "core/resources/topology.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Linux builds for at most 8192 CPUs, so a level of single CPUs takes 8192 sets of 128 words. */
enum { MAX_WORDS = 8192 * 128, MAX_SHOWN = 40 };

static const char *const level_names[AW_LEVELS] = {
    [AW_LEVEL_CORE] = "core",
    [AW_LEVEL_CACHE] = "cache",
    [AW_LEVEL_NUMA] = "numa",
    [AW_LEVEL_PACKAGE] = "package",
};

struct reader {
    struct aw_topology *topology;
    size_t n_words; /* of all sets read so far */
    struct aw_error *err;
};

void aw_topology_finish (struct aw_topology *topology)
{
    int saved = errno;

    for (int level = 0; level < AW_LEVELS; level++) {
        for (uint32_t i = 0; i < topology->n_groups[level]; i++)
            aw_idset_finish (&topology->groups[level][i]);
        free (topology->groups[level]);
    }
    for (uint32_t i = 0; i < topology->n_gpus; i++)
        aw_idset_finish (&topology->gpus[i].cpus);
    free (topology->gpus);
    memset (topology, 0, sizeof (*topology));
    errno = saved;
}

/* The part of *REST up to SEP, cut off; *REST becomes NULL after the last one. */
static char *cut (char **rest, char sep)
{
    char *part = *rest, *end = strchr (part, sep);

    if (end)
        *end++ = '\0';
    *rest = end;
    return part;
}

static uint32_t count_parts (const char *text, char sep)
{
    uint32_t n = 1;

    for (; (text = strchr (text, sep)); text++)
        n++;
    return n;
}

static int refuse (const struct reader *r, const char *text, const char *why)
{
    errno = EINVAL;
    return aw_error_set (r->err, "topology: \"%.*s%s\": %s", MAX_SHOWN, text,
                         strlen (text) > MAX_SHOWN ? "..." : "", why);
}

static int no_memory (const struct reader *r)
{
    errno = ENOMEM;
    return aw_error_set (r->err, "topology: out of memory");
}

static int read_ids (struct reader *r, struct aw_idset *set, const char *text)
{
    if (aw_idset_parse (set, text) < 0)
        return errno == ENOMEM ? no_memory (r) : refuse (r, text, "not a list of CPUs");
    r->n_words += set->n_words;
    return r->n_words > MAX_WORDS ? refuse (r, text, "more than any node has") : 0;
}

static int compare_sets (const void *a, const void *b)
{
    uint32_t first = aw_idset_next (a, 0), second = aw_idset_next (b, 0);

    return first < second ? -1 : first > second;
}

static int read_level (struct reader *r, enum aw_level level, char *text)
{
    struct aw_topology *t = r->topology;
    struct aw_idset seen = { 0 };
    int rc = 0;

    if (t->groups[level])
        return refuse (r, text, "a level given twice");
    t->groups[level] = calloc (count_parts (text, '|'), sizeof (*t->groups[level]));
    if (!t->groups[level])
        return no_memory (r);
    while (rc == 0 && text) {
        char *part = cut (&text, '|');
        struct aw_idset *group = &t->groups[level][t->n_groups[level]++];

        rc = read_ids (r, group, part);
        if (rc == 0 && aw_idset_next (group, 0) == AW_IDSET_NONE)
            rc = refuse (r, part, "a group without CPUs");
        if (rc == 0 && aw_idset_intersects (&seen, group))
            rc = refuse (r, part, "a CPU in two groups of a level");
        if (rc == 0 && aw_idset_add_all (&seen, group) < 0)
            rc = no_memory (r);
    }
    aw_idset_finish (&seen);
    qsort (t->groups[level], t->n_groups[level], sizeof (*t->groups[level]), compare_sets);
    return rc;
}

static int read_type (const struct reader *r, char type[AW_GPU_TYPE_SIZE], const char *text)
{
    size_t n = strlen (text);

    if (n == 0 || n >= AW_GPU_TYPE_SIZE
        || strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") != n)
        return refuse (r, text, "not the name of a type");
    memcpy (type, text, n + 1);
    return 0;
}

static int read_gpu (struct reader *r, struct aw_topology_gpu *gpu, char *text)
{
    char *cpus = strchr (text, '='), *type;
    struct aw_idset id = { 0 };

    if (!cpus)
        return refuse (r, text, "not a GPU, ID=CPUS or ID=CPUS:TYPE");
    *cpus++ = '\0';
    if (aw_idset_parse (&id, text) < 0)
        return errno == ENOMEM ? no_memory (r) : refuse (r, text, "not the number of a GPU");
    gpu->id = aw_idset_next (&id, 0);
    if (aw_idset_count (&id) != 1 || strspn (text, "0123456789") != strlen (text)) {
        aw_idset_finish (&id);
        return refuse (r, text, "not the number of a GPU");
    }
    aw_idset_finish (&id);
    type = strchr (cpus, ':');
    if (type) {
        *type++ = '\0';
        if (read_type (r, gpu->type, type) < 0)
            return -1;
    }
    return read_ids (r, &gpu->cpus, cpus);
}

static int compare_gpus (const void *pa, const void *pb)
{
    const struct aw_topology_gpu *a = pa, *b = pb;

    return a->id < b->id ? -1 : a->id > b->id;
}

static int read_gpus (struct reader *r, char *text)
{
    struct aw_topology *t = r->topology;
    uint32_t n = count_parts (text, '|');

    if (t->gpus)
        return refuse (r, text, "the GPUs given twice");
    if (n > MAX_WORDS / sizeof (*t->gpus))
        return refuse (r, text, "more GPUs than any node has");
    t->gpus = calloc (n, sizeof (*t->gpus));
    if (!t->gpus)
        return no_memory (r);
    while (text)
        if (read_gpu (r, &t->gpus[t->n_gpus++], cut (&text, '|')) < 0)
            return -1;
    qsort (t->gpus, t->n_gpus, sizeof (*t->gpus), compare_gpus);
    for (uint32_t i = 1; i < t->n_gpus; i++)
        if (t->gpus[i].id == t->gpus[i - 1].id) {
            errno = EINVAL;
            return aw_error_set (r->err, "topology: GPU %u is there twice", t->gpus[i].id);
        }
    return 0;
}

static int read_part (struct reader *r, char *text)
{
    char *groups = text;
    const char *name = cut (&groups, ' ');

    if (!groups)
        return refuse (r, text, "not a level and its groups");
    for (int level = 0; level < AW_LEVELS; level++)
        if (strcmp (name, level_names[level]) == 0)
            return read_level (r, level, groups);
    if (strcmp (name, "gpu") == 0)
        return read_gpus (r, groups);
    return refuse (r, name, "no such level");
}

int aw_topology_parse (struct aw_topology *topology, const char *text, struct aw_error *err)
{
    struct reader r = { .topology = topology, .err = err };
    char *copy, *rest;
    int rc = 0;

    if (!topology || !text) {
        errno = EINVAL;
        return aw_error_set (err, "topology: no text");
    }
    memset (topology, 0, sizeof (*topology));
    copy = strdup (text);
    if (!copy)
        return no_memory (&r);
    rest = *copy ? copy : NULL;
    while (rc == 0 && rest)
        rc = read_part (&r, cut (&rest, ';'));
    if (rc < 0)
        aw_topology_finish (topology);
    free (copy);
    return rc;
}

/* What snprintf would write, cut at SIZE: so the same code measures and writes. */
struct writer {
    char *buf;
    size_t len, size;
};

static void put (struct writer *w, const char *text)
{
    size_t n = strlen (text);

    if (w->len + n < w->size)
        memcpy (w->buf + w->len, text, n + 1);
    w->len += n;
}

static void put_ids (struct writer *w, const struct aw_idset *set)
{
    bool room = w->len < w->size;

    w->len += aw_idset_format (set, room ? w->buf + w->len : NULL, room ? w->size - w->len : 0);
}

static void put_gpu (struct writer *w, const struct aw_topology_gpu *gpu)
{
    char id[16];

    snprintf (id, sizeof (id), "%u=", gpu->id);
    put (w, id);
    put_ids (w, &gpu->cpus);
    if (gpu->type[0]) {
        put (w, ":");
        put (w, gpu->type);
    }
}

static void put_all (struct writer *w, const struct aw_topology *t)
{
    for (int level = 0; level < AW_LEVELS; level++)
        for (uint32_t i = 0; i < t->n_groups[level]; i++) {
            if (i == 0) {
                put (w, w->len ? ";" : "");
                put (w, level_names[level]);
            }
            put (w, i ? "|" : " ");
            put_ids (w, &t->groups[level][i]);
        }
    for (uint32_t i = 0; i < t->n_gpus; i++) {
        if (i == 0)
            put (w, w->len ? ";gpu" : "gpu");
        put (w, i ? "|" : " ");
        put_gpu (w, &t->gpus[i]);
    }
}

char *aw_topology_format (const struct aw_topology *topology)
{
    struct writer w = { 0 };

    put_all (&w, topology);
    w.size = w.len + 1;
    w.buf = calloc (1, w.size);
    if (!w.buf)
        return NULL;
    w.len = 0;
    put_all (&w, topology);
    return w.buf;
}

/* SET without the ids that are not in KEPT. */
static int intersect (struct aw_idset *set, const struct aw_idset *kept)
{
    struct aw_idset others = { 0 };

    if (aw_idset_copy (&others, set) < 0)
        return -1;
    aw_idset_remove_all (&others, kept);
    aw_idset_remove_all (set, &others);
    aw_idset_finish (&others);
    return 0;
}

int aw_topology_restrict (struct aw_topology *topology, const struct aw_idset *cpus)
{
    for (int level = 0; level < AW_LEVELS; level++) {
        struct aw_idset *groups = topology->groups[level];
        uint32_t n = 0;

        for (uint32_t i = 0; i < topology->n_groups[level]; i++) {
            if (intersect (&groups[i], cpus) < 0)
                return -1;
        }
        for (uint32_t i = 0; i < topology->n_groups[level]; i++) {
            struct aw_idset group = groups[i];

            if (aw_idset_next (&group, 0) == AW_IDSET_NONE)
                aw_idset_finish (&group);
            else
                groups[n++] = group;
        }
        topology->n_groups[level] = n;
        if (n > 0)
            qsort (groups, n, sizeof (*groups), compare_sets);
        else {
            free (groups);
            topology->groups[level] = NULL;
        }
    }
    return 0;
}
