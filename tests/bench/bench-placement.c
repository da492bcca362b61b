/* SPDX-License-Identifier: Apache-2.0 */
/* How well and how fast tasks are placed on one machine: random tasks come and go on a node that is
 * kept full, once placed by its topology and once on the lowest free ids, as a scheduler would that
 * knows none.
 *
 *     bench-placement FILE.topology CPUS GPUS [TASKS]     prints a line of the table
 *     bench-placement --svg FILE.topology CPUS GPUS       prints a picture of some tasks' places
 *
 * CPUS and GPUS: those that the job has, "0-83,88-171" and "0-5".
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "graphs.h"

enum { SLOTS = 256, MOST_CPUS = 1024 };

/* What each counts, of all tasks that were placed. */
struct score {
    uint32_t n, with_gpu, local, missed; /* missed: not local, and it could have been */
    uint32_t several, split, avoidable; /* of more than one CPU: over NUMA nodes, needlessly */
};

struct held {
    bool used;
    struct aw_demand demand;
    struct aw_idset cpus, gpus;
};

struct run {
    struct aw_pool pool;
    struct held held[SLOTS];
    struct score score;
};

static struct aw_topology topology;
static struct aw_idset all_cpus, all_gpus;

static void fail (const char *what)
{
    fprintf (stderr, "bench-placement: %s\n", what);
    exit (2);
}

static uint32_t common (const struct aw_idset *a, const struct aw_idset *b)
{
    uint32_t n = 0;

    for (uint32_t w = 0; w < a->n_words && w < b->n_words; w++)
        n += (uint32_t)__builtin_popcountll (a->words[w] & b->words[w]);
    return n;
}

static const struct aw_idset *beside (uint32_t gpu)
{
    for (uint32_t i = 0; i < topology.n_gpus; i++)
        if (topology.gpus[i].id == gpu)
            return &topology.gpus[i].cpus;
    fail ("a GPU that the topology lacks");
    return NULL;
}

static bool is_local (const struct aw_idset *cpus, const struct aw_idset *gpus)
{
    for (uint32_t id = aw_idset_next (cpus, 0); id != AW_IDSET_NONE;
         id = aw_idset_next (cpus, id + 1)) {
        bool near = false;

        for (uint32_t g = aw_idset_next (gpus, 0); g != AW_IDSET_NONE;
             g = aw_idset_next (gpus, g + 1))
            near = near || aw_idset_has (beside (g), id);
        if (!near)
            return false;
    }
    return true;
}

/* Is there a GPU for it beside which as many CPUs are free? For tasks on one GPU. */
static bool could_be_local (const struct aw_node *node, const struct aw_demand *demand)
{
    for (uint32_t g = 0; g < node->layout->n_gpus; g++)
        if (node->gpu_used[g] + aw_demand_part (demand) <= AW_GPU_WHOLE
            && common (&node->free_cpus, beside (node->layout->gpus[g].id)) >= demand->cpus)
            return true;
    return false;
}

static uint32_t count_numas (const struct aw_idset *cpus)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < topology.n_groups[AW_LEVEL_NUMA]; i++)
        n += aw_idset_intersects (cpus, &topology.groups[AW_LEVEL_NUMA][i]);
    return n;
}

static bool one_numa_holds (const struct aw_node *node, const struct aw_demand *demand)
{
    for (uint32_t i = 0; i < topology.n_groups[AW_LEVEL_NUMA]; i++)
        if (common (&node->free_cpus, &topology.groups[AW_LEVEL_NUMA][i]) >= demand->cpus)
            return true;
    return false;
}

static void judge (struct score *score, const struct held *h, bool near, bool one)
{
    bool gpu = aw_demand_gpus (&h->demand) > 0, local = gpu && is_local (&h->cpus, &h->gpus);

    score->n++;
    score->with_gpu += gpu;
    score->local += local;
    score->missed += gpu && !local && near;
    if (h->demand.cpus < 2)
        return;
    score->several++;
    score->split += count_numas (&h->cpus) > 1;
    score->avoidable += count_numas (&h->cpus) > 1 && one;
}

/* What a workflow has of tasks: most on one GPU with some CPUs, some on a part or on two, and tasks
 * on CPUs alone of all sizes up to a NUMA node and more. */
static struct aw_demand random_demand (uint64_t *seed)
{
    struct aw_demand d = { .ranks_per_node = 1, .nodes = 1 };
    uint32_t n_gpus = aw_idset_count (&all_gpus), n_cpus = aw_idset_count (&all_cpus);
    uint32_t kind = n_gpus ? graphs_below (seed, 8) : 7;
    uint32_t each = n_gpus ? n_cpus / n_gpus / 2 : 1;

    d.cpus = 1 + graphs_below (seed, each);
    if (kind < 3)
        d.gpus = 1;
    else if (kind == 3 && n_gpus > 1)
        d.gpus = 2;
    else if (kind == 4)
        d.gpu_share = 250;
    else
        d.cpus = 1
                 + graphs_below (seed, graphs_below (seed, 4)   ? 8
                                       : graphs_below (seed, 4) ? n_cpus / 8
                                                                : n_cpus / 3);
    return d;
}

static void start (struct run *run, struct held *h, const struct aw_demand *demand)
{
    const struct aw_node *node = &run->pool.nodes[0];
    bool near, one;

    h->demand = *demand;
    if (!aw_node_can_hold (node, demand))
        return;
    near = aw_demand_gpus (demand) == 1 && could_be_local (node, demand);
    one = aw_demand_gpus (demand) <= 1 && one_numa_holds (node, demand);
    if (aw_pool_take (&run->pool, 0, demand, &h->cpus, &h->gpus) < 0)
        fail ("out of memory");
    h->used = true;
    judge (&run->score, h, near, one);
}

static void end (struct run *run, struct held *h)
{
    aw_pool_give (&run->pool, 0, &h->demand, &h->cpus, &h->gpus);
    h->used = false;
}

/* The same tasks come to both; where one has no room it goes without. */
static void drive (struct run runs[2], uint32_t n_tasks)
{
    uint64_t seed = 1;

    for (uint32_t n = 0; n < n_tasks;) {
        uint32_t slot = graphs_below (&seed, SLOTS);
        struct aw_demand demand = random_demand (&seed);

        for (int r = 0; r < 2; r++)
            if (runs[r].held[slot].used)
                end (&runs[r], &runs[r].held[slot]);
            else {
                start (&runs[r], &runs[r].held[slot], &demand);
                n += r == 0 && runs[r].held[slot].used;
            }
    }
}

static void make_pool (struct aw_pool *pool, const struct aw_graph *graph, const char *text)
{
    struct aw_error err;

    aw_pool_init (pool);
    aw_pool_set_graph (pool, graph);
    if (aw_pool_add_node (pool, "n", &all_cpus, &all_gpus, 0, text, &err) < 0)
        fail (err.text);
}

static double percent (uint32_t part, uint32_t of)
{
    return of ? 100. * part / of : 0;
}

/* What the pool knows of the tasks: as many CPUs beside a GPU as they want on the mean. */
static struct aw_graph *make_graph (void)
{
    struct aw_graph *graph = aw_graph_create ();
    uint32_t n = aw_idset_count (&all_gpus);

    graphs_set (graph, "a", 1, n ? aw_idset_count (&all_cpus) / n / 4 + 1 : 1, n > 0, 1);
    if (aw_graph_finalize (graph, NULL) < 0)
        fail ("no graph");
    return graph;
}

/* "/x/summit.topology": "summit" */
static void print_name (const char *path)
{
    const char *name = strrchr (path, '/') ? strrchr (path, '/') + 1 : path;

    printf ("%-10.*s", (int)strcspn (name, "."), name);
}

/* CPU time in nanoseconds of placing one task and giving its place back, all that comes and finds
 * no room included. */
static double time_one (const struct aw_graph *graph, const char *text, uint32_t n_tasks)
{
    static struct run run;
    uint64_t seed = 1;
    clock_t from;
    double spent;

    make_pool (&run.pool, graph, text);
    from = clock ();
    for (uint32_t n = 0; n < n_tasks;) {
        struct held *h = &run.held[graphs_below (&seed, SLOTS)];

        h->demand = h->used ? h->demand : random_demand (&seed);
        if (h->used)
            end (&run, h);
        else if (aw_node_can_hold (&run.pool.nodes[0], &h->demand)) {
            if (aw_pool_take (&run.pool, 0, &h->demand, &h->cpus, &h->gpus) < 0)
                fail ("out of memory");
            h->used = true;
            n++;
        }
    }
    spent = (double)(clock () - from) / CLOCKS_PER_SEC;
    for (int s = 0; s < SLOTS; s++) {
        aw_idset_finish (&run.held[s].cpus);
        aw_idset_finish (&run.held[s].gpus);
    }
    aw_pool_finish (&run.pool);
    return 1e9 * spent / n_tasks;
}

static void compare (const char *path, const char *text, uint32_t n_tasks)
{
    static struct run runs[2];
    struct aw_graph *graph = make_graph ();
    const struct score *ours = &runs[0].score, *naive = &runs[1].score;

    make_pool (&runs[0].pool, graph, text);
    make_pool (&runs[1].pool, graph, NULL);
    drive (runs, n_tasks);
    print_name (path);
    printf ("%5u %4u %8u ", aw_idset_count (&all_cpus), aw_idset_count (&all_gpus), ours->n);
    if (ours->with_gpu)
        printf ("%6.1f %6.1f %8u %8u ", percent (ours->local, ours->with_gpu),
                percent (naive->local, naive->with_gpu), ours->missed, naive->missed);
    else
        printf ("%6s %6s %8s %8s ", "-", "-", "-", "-");
    printf ("%6.1f %6.1f %8u %8u %8.0f\n", percent (ours->split, ours->several),
            percent (naive->split, naive->several), ours->avoidable, naive->avoidable,
            time_one (graph, text, n_tasks));
    for (int r = 0; r < 2; r++) {
        for (int s = 0; s < SLOTS; s++) {
            aw_idset_finish (&runs[r].held[s].cpus);
            aw_idset_finish (&runs[r].held[s].gpus);
        }
        aw_pool_finish (&runs[r].pool);
    }
    aw_graph_destroy (graph);
}

/*
 * The picture: NUMA nodes as boxes, in them caches, in those cores, a square a CPU, in the colour
 * of the task that has it; GPUs beside what is local to them.
 */

enum { SIDE = 11, GAP = 3, TASKS = 9 };

static const char *const colours[TASKS] = { "#0b6e4f", "#c0392b", "#2563b0", "#b8860b", "#7b3fa0",
                                            "#0f8b8d", "#d35400", "#5d4037", "#8e9aaf" };

struct shown {
    struct held held[TASKS];
    char label[TASKS][64];
    uint32_t n;
};

static void place (struct shown *shown, struct aw_pool *pool, struct aw_demand demand)
{
    struct held *h = &shown->held[shown->n];

    h->demand = demand;
    if (!aw_node_can_hold (&pool->nodes[0], &demand))
        return;
    if (aw_pool_take (pool, 0, &demand, &h->cpus, &h->gpus) < 0)
        fail ("out of memory");
    snprintf (shown->label[shown->n], sizeof (shown->label[0]), "%u CPUs", demand.cpus);
    if (demand.gpus || demand.gpu_share)
        snprintf (shown->label[shown->n], sizeof (shown->label[0]), "%u CPUs, %g GPU%s",
                  demand.cpus, aw_demand_gpu_amount (&demand), demand.gpus > 1 ? "s" : "");
    if (demand.threads_per_core)
        strcat (shown->label[shown->n], ", 1 a core");
    shown->n++;
}

static const char *colour_of (const struct shown *shown, uint32_t id, bool gpu)
{
    for (uint32_t t = 0; t < shown->n; t++)
        if (aw_idset_has (gpu ? &shown->held[t].gpus : &shown->held[t].cpus, id))
            return colours[t];
    return NULL;
}

static void square (uint32_t x, uint32_t y, const char *colour, bool mine)
{
    printf ("<rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"%s\" stroke=\"#999\" "
            "stroke-width=\"0.5\"/>\n",
            x, y, SIDE - 1, SIDE - 1,
            colour ? colour
            : mine ? "#fff"
                   : "#ddd");
}

/* The cores of a cache side by side, the CPUs of a core one below the other. Returns the width. */
static uint32_t draw_cache (const struct shown *shown,
                            const struct aw_idset *cache,
                            uint32_t x,
                            uint32_t y)
{
    uint32_t from = x;

    for (uint32_t c = 0; c < topology.n_groups[AW_LEVEL_CORE]; c++) {
        const struct aw_idset *core = &topology.groups[AW_LEVEL_CORE][c];
        uint32_t row = 0;

        if (!aw_idset_intersects (core, cache))
            continue;
        for (uint32_t id = aw_idset_next (core, 0); id != AW_IDSET_NONE;
             id = aw_idset_next (core, id + 1), row++)
            square (x, y + row * SIDE, colour_of (shown, id, false), aw_idset_has (&all_cpus, id));
        x += SIDE;
    }
    return x - from;
}

static void draw_numa (const struct shown *shown,
                       const struct aw_idset *numa,
                       uint32_t number,
                       uint32_t y,
                       uint32_t height)
{
    uint32_t x = 70;

    printf ("<text x=\"8\" y=\"%u\">NUMA %u</text>\n", y + height / 2 + 4, number);
    for (uint32_t c = 0; c < topology.n_groups[AW_LEVEL_CACHE]; c++)
        if (aw_idset_intersects (&topology.groups[AW_LEVEL_CACHE][c], numa))
            x += draw_cache (shown, &topology.groups[AW_LEVEL_CACHE][c], x, y) + GAP;
    x += 8;
    for (uint32_t g = 0; g < topology.n_gpus; g++) {
        const char *colour = colour_of (shown, topology.gpus[g].id, true);

        if (!aw_idset_intersects (&topology.gpus[g].cpus, numa))
            continue;
        printf ("<rect x=\"%u\" y=\"%u\" width=\"44\" height=\"%d\" rx=\"3\" fill=\"%s\" "
                "stroke=\"#666\"/><text x=\"%u\" y=\"%u\" fill=\"%s\">GPU %u</text>\n",
                x, y, 18, colour ? colour : "#fff", x + 5, y + 13, colour ? "#fff" : "#333",
                topology.gpus[g].id);
        x += 50;
    }
}

static void draw (const struct shown *shown)
{
    uint32_t threads = 1, n_numas = topology.n_groups[AW_LEVEL_NUMA], row, width = 0;

    for (uint32_t c = 0; c < topology.n_groups[AW_LEVEL_CORE]; c++)
        if (aw_idset_count (&topology.groups[AW_LEVEL_CORE][c]) > threads)
            threads = aw_idset_count (&topology.groups[AW_LEVEL_CORE][c]);
    row = (threads * SIDE > 20 ? threads * SIDE : 20) + 10;
    width = 70 + topology.n_groups[AW_LEVEL_CORE] / n_numas * SIDE
            + topology.n_groups[AW_LEVEL_CACHE] / n_numas * GAP + 20
            + 50 * (topology.n_gpus > 3 ? 3 : topology.n_gpus);
    width = width < 620 ? 620 : width;
    printf ("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fafafa\"/>\n",
            width, 16 + n_numas * row + 20 * ((shown->n + 2) / 3) + 8);
    for (uint32_t i = 0; i < n_numas; i++)
        draw_numa (shown, &topology.groups[AW_LEVEL_NUMA][i], i, 12 + i * row, row - 10);
    for (uint32_t t = 0; t < shown->n; t++) {
        uint32_t x = 12 + t % 3 * 200, y = 16 + n_numas * row + 20 * (t / 3);

        square (x, y, colours[t], true);
        printf ("<text x=\"%u\" y=\"%u\">%s</text>\n", x + 16, y + 9, shown->label[t]);
    }
    printf ("</svg>\n");
}

static void picture (const char *text)
{
    struct aw_graph *graph = make_graph ();
    struct shown shown = { .n = 0 };
    struct aw_pool pool;
    uint32_t n = aw_idset_count (&all_gpus), cpus = aw_idset_count (&all_cpus);

    make_pool (&pool, graph, text);
    if (n > 0) {
        place (&shown, &pool, (struct aw_demand){ .cpus = cpus / n / 3, .gpus = 1 });
        place (&shown, &pool, (struct aw_demand){ .cpus = cpus / n / 2, .gpus = 2 });
        place (&shown, &pool, (struct aw_demand){ .cpus = 2, .gpu_share = 250 });
        place (&shown, &pool, (struct aw_demand){ .cpus = 2, .gpu_share = 500 });
    }
    else
        place (&shown, &pool, (struct aw_demand){ .cpus = cpus / 2 - 40 });
    place (&shown, &pool, (struct aw_demand){ .cpus = 1 });
    place (&shown, &pool, (struct aw_demand){ .cpus = 8 });
    place (&shown, &pool, (struct aw_demand){ .cpus = 20 });
    place (&shown, &pool, (struct aw_demand){ .cpus = 3, .threads_per_core = 1 });
    place (&shown, &pool, (struct aw_demand){ .cpus = cpus / 6 });
    draw (&shown);
    for (int t = 0; t < TASKS; t++) {
        aw_idset_finish (&shown.held[t].cpus);
        aw_idset_finish (&shown.held[t].gpus);
    }
    aw_pool_finish (&pool);
    aw_graph_destroy (graph);
}

int main (int argc, char **argv)
{
    static char text[1 << 16];
    bool svg = argc > 1 && strcmp (argv[1], "--svg") == 0;
    struct aw_error err;
    FILE *file;

    argv += svg;
    argc -= svg;
    if (argc < 4)
        fail ("usage: bench-placement [--svg] FILE.topology CPUS GPUS [TASKS]");
    file = fopen (argv[1], "r");
    if (!file || !fgets (text, sizeof (text), file))
        fail ("cannot read the topology");
    fclose (file);
    text[strcspn (text, "\n")] = '\0';
    if (aw_topology_parse (&topology, text, &err) < 0)
        fail (err.text);
    if (aw_idset_parse (&all_cpus, argv[2]) < 0 || aw_idset_parse (&all_gpus, argv[3]) < 0)
        fail ("CPUs and GPUs are lists as 0-3,8");
    if (svg)
        picture (text);
    else
        compare (argv[1], text, argc > 4 ? (uint32_t)strtoul (argv[4], NULL, 10) : 200000);
    aw_topology_finish (&topology);
    aw_idset_finish (&all_cpus);
    aw_idset_finish (&all_gpus);
    return 0;
}
