/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/slurm/batch_options.h"
#include "cmd/slurm/slurm.h"

static const char *name_of (const struct aw_slurm_options *o, int option)
{
    return o->table[option].name;
}

/* The number that OPTION gives, at most a million; NUMBER stays where it is not given. 1: given. */
static int read_count (const struct aw_slurm_options *o, int option, uint32_t *number)
{
    const char *text = o->values[option];
    size_t n;

    if (!text)
        return 0;
    n = strspn (text, "0123456789");
    if (n == 0 || n > 6 || text[n] || strtoul (text, NULL, 10) == 0)
        return aw_slurm_error ("Invalid numeric value \"%s\" for --%s.", text, name_of (o, option));
    *number = (uint32_t)strtoul (text, NULL, 10);
    return 1;
}

/* "1", "1-1": one node. */
static int check_nodes (const char *text)
{
    char *end;
    long least, most;

    if (!text)
        return 0;
    least = most = strtol (text, &end, 10);
    if (*end == '-' && end > text)
        most = strtol (end + 1, &end, 10);
    if (end == text || *end || least < 1 || most < least)
        return aw_slurm_error ("invalid number of nodes (-N %s)", text);
    return least == 1
               ? 0
               : aw_slurm_error ("--nodes=%s: a submitted task runs on one node: for several "
                                 "give a task set of the workflow file \"nodes\"",
                                 text);
}

static int read_tasks (const struct aw_slurm_options *o, struct aw_batch_request *r)
{
    int per_node, all, cpus;

    r->ntasks = r->cpus_per_task = 1;
    if (check_nodes (o->values[AW_BATCH_NODES]) < 0)
        return -1;
    per_node = read_count (o, AW_BATCH_NTASKS_PER_NODE, &r->ntasks);
    all = read_count (o, AW_BATCH_NTASKS, &r->ntasks);
    cpus = read_count (o, AW_BATCH_CPUS, &r->cpus_per_task);
    r->ntasks_given = per_node > 0 || all > 0;
    r->cpus_given = cpus > 0;
    return per_node < 0 || all < 0 || cpus < 0 ? -1 : 0;
}

/* "2", "a100:2", "a100". */
static int read_gpus (const char *text,
                      const char *option,
                      struct aw_batch_request *r,
                      double times)
{
    const char *colon = strrchr (text, ':'), *count = colon ? colon + 1 : text;
    size_t n = strspn (count, "0123456789");
    const char *type = "";
    size_t length = 0;

    if (n > 0 && !count[n]) {
        type = text;
        length = colon ? (size_t)(colon - text) : 0;
        r->gpus = times * atoi (count);
    }
    else {
        type = text;
        length = strlen (text);
        r->gpus = times;
    }
    if (length >= sizeof (r->gpu_type) || memchr (type, ',', length) || memchr (type, ':', length))
        return aw_slurm_error ("--%s=%s: give one type of GPU, such as a100:2", option, text);
    snprintf (r->gpu_type, sizeof (r->gpu_type), "%.*s", (int)length, type);
    return 0;
}

/* "gpu", "gpu:2", "gpu:a100:2", "none". */
static int read_gres (const char *text, struct aw_batch_request *r)
{
    if (strncmp (text, "gres:", 5) == 0 || strncmp (text, "gres/", 5) == 0)
        text += 5;
    if (strcasecmp (text, "none") == 0 || !*text)
        return 0;
    if (strcmp (text, "gpu") == 0)
        return read_gpus ("1", "gres", r, 1);
    if (strncmp (text, "gpu:", 4) == 0)
        return read_gpus (text + 4, "gres", r, 1);
    return aw_slurm_error ("--gres=%s: a submitted task can have GPUs alone", text);
}

static int read_all_gpus (const struct aw_slurm_options *o, struct aw_batch_request *r)
{
    static const enum aw_batch_option one[] = { AW_BATCH_GPUS_PER_NODE, AW_BATCH_GPUS };
    uint32_t per_gpu = 0;

    if (o->values[AW_BATCH_GRES] && read_gres (o->values[AW_BATCH_GRES], r) < 0)
        return -1;
    for (size_t i = 0; i < sizeof (one) / sizeof (one[0]); i++)
        if (o->values[one[i]] && read_gpus (o->values[one[i]], name_of (o, one[i]), r, 1) < 0)
            return -1;
    if (o->values[AW_BATCH_GPUS_PER_TASK]
        && read_gpus (o->values[AW_BATCH_GPUS_PER_TASK], "gpus-per-task", r, r->ntasks) < 0)
        return -1;
    if (read_count (o, AW_BATCH_CPUS_PER_GPU, &per_gpu) < 0)
        return -1;
    r->cpus = r->ntasks * r->cpus_per_task;
    if (per_gpu && !r->cpus_given && r->gpus > 0)
        r->cpus = per_gpu * (uint32_t)r->gpus;
    return 0;
}

/* MiB, as Slurm reads sizes: "2G", "500" and "500M". 0, or -1, printed. */
static int read_memory (const char *text, const char *option, uint64_t *mib)
{
    char *end;
    double number = strtod (text, &end), factor = 1;

    switch (*end) {
    case 'k':
    case 'K':
        factor = 1. / 1024;
        break;
    case 'g':
    case 'G':
        factor = 1024;
        break;
    case 't':
    case 'T':
        factor = 1024. * 1024;
        break;
    default:
        break;
    }
    if (*end && strchr ("kKmMgGtT", *end))
        end++;
    if (end == text || (*end && strcasecmp (end, "b") != 0) || !(number >= 0) || number > 1e9)
        return aw_slurm_error ("Invalid --%s specification: %s", option, text);
    *mib = (uint64_t)ceil (number * factor);
    return 0;
}

static int read_all_memory (const struct aw_slurm_options *o, struct aw_batch_request *r)
{
    static const enum aw_batch_option each[] = { AW_BATCH_MEM, AW_BATCH_MEM_PER_CPU,
                                                 AW_BATCH_MEM_PER_GPU };
    const uint64_t times[] = { 1, r->cpus, (uint64_t)r->gpus };
    int given = 0;

    for (size_t i = 0; i < sizeof (each) / sizeof (each[0]); i++) {
        if (!o->values[each[i]])
            continue;
        if (given++)
            return aw_slurm_error (
                "--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.");
        if (read_memory (o->values[each[i]], name_of (o, each[i]), &r->mem) < 0)
            return -1;
        r->mem *= times[i];
    }
    return 0;
}

/* "30", "30:00", "1:30:00", "2-12", "2-12:30", "2-12:30:00", or UNLIMITED. 0, or -1, printed. */
static int read_time (const char *text, double *seconds)
{
    static const char *const never[] = { "-1", "UNLIMITED", "INFINITE", "0" };
    const char *dash = strchr (text, '-'), *rest = dash ? dash + 1 : text;
    unsigned parts[3] = { 0 }, days = 0;
    int n, used = 0;
    char extra;

    *seconds = 0;
    for (size_t i = 0; i < sizeof (never) / sizeof (never[0]); i++)
        if (strcasecmp (text, never[i]) == 0)
            return 0;
    n = sscanf (rest, "%u:%u:%u%c", &parts[0], &parts[1], &parts[2], &extra);
    if (strspn (rest, "0123456789:") != strlen (rest) || n < 1 || n > 3
        || (dash && (sscanf (text, "%u-%n", &days, &used) != 1 || text + used != rest)))
        return aw_slurm_error ("Invalid --time specification: %s", text);
    if (dash) /* begins with hours */
        *seconds = 86400. * days + 3600. * parts[0] + 60. * parts[1] + parts[2];
    else if (n == 3)
        *seconds = 3600. * parts[0] + 60. * parts[1] + parts[2];
    else
        *seconds = 60. * parts[0] + parts[1];
    return 0;
}

int aw_batch_request (const struct aw_slurm_options *o, struct aw_batch_request *r)
{
    *r = (struct aw_batch_request){ 0 };
    if (read_tasks (o, r) < 0 || read_all_gpus (o, r) < 0 || read_all_memory (o, r) < 0)
        return -1;
    return o->values[AW_BATCH_TIME] ? read_time (o->values[AW_BATCH_TIME], &r->time_limit) : 0;
}
