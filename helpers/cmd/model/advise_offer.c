/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition has: sinfo prints a line for each group of like nodes in like state,
 *     partition|nodes|CPUs|MB|GRES|time limit|nodes of a job|state
 *     main*|4|16|16000|gpu:a100:4(S:0-1)|1-00:00:00|1-infinite|idle
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/model/advise.h"
#include "util/array.h"
#include "util/capture.h"
#include "coord/slurm/slurm_program.h"

enum { FIELDS = 8, SINFO_BYTES = 64 << 20 };

static const double sinfo_deadline = 20; /* seconds */

/* "gpu:a100:4(S:0-1),gpu:2,tmp:1": 6. */
static uint32_t count_gpus (char *gres)
{
    uint32_t sum = 0;
    int depth = 0;
    char *rest;

    for (char *p = gres; *p; p++) { /* a comma within parentheses parts no entries */
        depth += (*p == '(') - (*p == ')');
        if (*p == ',' && depth == 0)
            *p = ';';
    }
    for (char *entry = strtok_r (gres, ";", &rest); entry; entry = strtok_r (NULL, ";", &rest)) {
        char *number;

        entry[strcspn (entry, "(")] = '\0';
        if (strcmp (entry, "gpu") != 0 && strncmp (entry, "gpu:", 4) != 0)
            continue;
        number = strrchr (entry, ':');
        sum += number && isdigit ((unsigned char)number[1])
                   ? (uint32_t)strtoul (number + 1, NULL, 10)
                   : 1;
    }
    return sum;
}

/* Slurm's "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours[:minutes[:seconds]]".
 */
static double parse_limit (const char *text)
{
    const char *dash = strchr (text, '-');
    double days = 0, part[3] = { 0 };
    int n;

    if (!isdigit ((unsigned char)*text))
        return INFINITY; /* "infinite", "n/a" */
    if (dash)
        days = strtod (text, NULL);
    n = sscanf (dash ? dash + 1 : text, "%lf:%lf:%lf", &part[0], &part[1], &part[2]);
    if (dash || n == 3)
        return days * 86400 + part[0] * 3600 + part[1] * 60 + part[2];
    return part[0] * 60 + part[1];
}

/* "1-infinite", "1-4", "4": the second number. 0: no limit. */
static uint32_t parse_job_nodes (const char *text)
{
    const char *dash = strchr (text, '-');

    return (uint32_t)strtoul (dash ? dash + 1 : text, NULL, 10);
}

/* Nodes that jobs are started on, now or when what runs there ends. */
static bool in_service (const char *state)
{
    static const char *const states[] = { "idle",    "alloc",    "mix",     "comp",
                                          "resv",    "reserved", "planned", "powering",
                                          "powered", "pow_",     "plnd" };

    if (state[0] && state[strlen (state) - 1] == '*')
        return false; /* does not respond */
    for (size_t i = 0; i < sizeof (states) / sizeof (states[0]); i++)
        if (strncmp (state, states[i], strlen (states[i])) == 0)
            return true;
    return false;
}

static int add_kind (struct aw_offer *offer, struct aw_node_shape node, struct aw_error *err)
{
    for (uint32_t i = 0; i < offer->n_kinds; i++) {
        struct aw_node_shape *k = &offer->kinds[i];

        if (k->cpus == node.cpus && k->gpus == node.gpus && k->mem == node.mem) {
            k->nodes += node.nodes;
            return 0;
        }
    }
    if (aw_array_reserve (&offer->kinds, &offer->room, offer->n_kinds + (size_t)1) < 0)
        return aw_error_set (err, "out of memory");
    offer->kinds[offer->n_kinds++] = node;
    return 0;
}

static int parse_line (struct aw_offer *offer,
                       const char *partition,
                       char *line,
                       struct aw_error *err)
{
    char *field[FIELDS];
    struct aw_node_shape node;
    size_t n = 0, len;
    bool is_default;

    while (n < FIELDS && (field[n] = strsep (&line, "|")))
        n++;
    if (n < FIELDS)
        return aw_error_set (err, "sinfo: unexpected line");
    len = strlen (field[0]);
    is_default = len > 0 && field[0][len - 1] == '*';
    if (is_default)
        field[0][--len] = '\0';
    if ((partition ? strcmp (field[0], partition) != 0 : !is_default)
        || len >= sizeof (offer->partition))
        return 0;
    memcpy (offer->partition, field[0], len + 1);
    offer->job_seconds = parse_limit (field[5]);
    offer->job_nodes = parse_job_nodes (field[6]);
    node = (struct aw_node_shape){ (uint32_t)strtoul (field[1], NULL, 10),
                                   (uint32_t)strtoul (field[2], NULL, 10), count_gpus (field[4]),
                                   strtoull (field[3], NULL, 10) << 20 };
    if (!in_service (field[7]) || node.nodes == 0 || node.cpus == 0)
        return 0;
    return add_kind (offer, node, err);
}

/* Parses the output of sinfo. The partition is the one given, or the default where PARTITION is
 * NULL. 0, or -1 with text.
 */
static int parse (struct aw_offer *offer,
                  const char *partition,
                  const char *text,
                  struct aw_error *err)
{
    char *copy = strdup (text), *rest = copy, *line;
    int rc = copy ? 0 : aw_error_set (err, "out of memory");

    while (rc == 0 && (line = strsep (&rest, "\n")))
        if (*line)
            rc = parse_line (offer, partition, line, err);
    free (copy);
    if (rc < 0)
        return -1;
    if (!*offer->partition)
        return partition ? aw_error_set (err, "unknown partition \"%s\": see sinfo", partition)
                         : aw_error_set (err, "Slurm has no default partition: give --partition");
    if (offer->n_kinds == 0)
        return aw_error_set (err, "partition \"%s\" has no node in service", offer->partition);
    return 0;
}

static int ask_slurm (struct aw_offer *offer, const char *partition, struct aw_error *err)
{
    char *argv[] = { aw_slurm_program ("sinfo"),         "--noheader", "--all", "--exact",
                     "--format=%P|%D|%c|%m|%G|%l|%s|%T", NULL };
    struct aw_capture sinfo = { 0 };
    int rc = -1;

    if (aw_capture_start (&sinfo, argv, NULL, SINFO_BYTES, err) == 0
        && aw_capture_wait (&sinfo, 1, sinfo_deadline, err) == 0)
        rc = 0;
    if (rc < 0)
        aw_error_prefix (err, "the nodes are unknown: give --cpus and --gpus");
    else
        rc = parse (offer, partition, sinfo.out, err);
    aw_capture_finish (&sinfo);
    return rc;
}

int aw_offer_init (struct aw_offer *offer,
                   const struct aw_advise_args *args,
                   struct aw_problems *problems)
{
    struct aw_error err;
    int rc;

    *offer = (struct aw_offer){ .job_seconds = INFINITY };
    if (args->node.cpus)
        rc = add_kind (offer, args->node, &err);
    else
        rc = ask_slurm (offer, args->partition, &err);
    if (rc < 0)
        aw_problems_add (problems, false, "%s", err.text);
    return rc;
}

void aw_offer_finish (struct aw_offer *offer)
{
    free (offer->kinds);
    *offer = (struct aw_offer){ .job_seconds = INFINITY };
}
