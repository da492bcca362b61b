/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of small graphs, driven by hand: what is ready and what is skipped after each end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/graph/depend.h"
#include "graphs.h"

/* The groups of tasks, a digit each: "{0112}". Returns their number. */
static uint32_t read_groups (const char *text, uint32_t *groups, uint32_t *n_groups)
{
    uint32_t n = 0;

    for (; text[n + 1] != '}'; n++) {
        groups[n] = (uint32_t)(text[n + 1] - '0');
        *n_groups = groups[n] >= *n_groups ? groups[n] + 1 : *n_groups;
    }
    return n;
}

static void add_keyed_edge (struct aw_graph *g, const char *word, struct aw_edge edge)
{
    uint32_t after[10], before[10], n_groups = 0;
    uint32_t n_after = read_groups (strchr (word, '{'), after, &n_groups);
    uint32_t n_before = read_groups (strchr (strchr (word, '<'), '{'), before, &n_groups);
    struct aw_edge_key key;

    assert_int_equal (aw_edge_key_init (&key, "sample", n_groups, before, n_before, after, n_after),
                      0);
    edge.set = (uint32_t)(strchr (word, '<')[1] - 'a');
    assert_int_equal (aw_graph_add_keyed_edge (g, (uint32_t)(word[0] - 'a'), edge, &key), 0);
    assert_null (key.name);
}

/* "a2 b2 c1 | b[i]<a[i] c<b a<c@1 b{01}<a{01}" is: sets with their counts, then edges: successor,
 * predecessor, iterations back; by key, with the groups of their tasks. */
static void add_edge (struct aw_graph *g, char *word)
{
    char *pred = strchr (word, '<') + 1, *back = strchr (pred, '@');
    struct aw_edge edge = { .back = back ? (uint32_t)atoi (back + 1) : 0 };
    int each = strstr (pred, "[i]") != NULL;

    if (strchr (word, '{')) {
        add_keyed_edge (g, word, edge);
        return;
    }
    word[strcspn (word, "<[")] = '\0';
    pred[strcspn (pred, "@[")] = '\0';
    graphs_edge (g, word, pred, edge.back, each);
}

static struct aw_graph *parse (const char *text, uint32_t iterations)
{
    struct aw_graph *g = aw_graph_create ();
    char *copy = strdup (text), *rest = copy, *word;
    int edges = 0;

    g->iterations = iterations;
    g->iterated = iterations > 1;
    while ((word = strsep (&rest, " "))) {
        if (*word == '|')
            edges = 1;
        else if (edges)
            add_edge (g, word);
        else {
            uint32_t count = (uint32_t)atoi (word + 1);
            word[1] = '\0';
            graphs_set (g, word, count, 1, 0, 1);
        }
    }
    free (copy);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    return g;
}

static void put_names (const struct aw_graph *g, struct aw_ranges *ranges, char sign, char *out)
{
    while (!aw_ranges_empty (ranges)) {
        char *end = out + strlen (out);

        if (end != out)
            *end++ = ' ';
        *end++ = sign;
        aw_graph_task_name (g, aw_ranges_pop (ranges), end, 64);
    }
}

/* "+a[0] -b[1]": what became ready, then what is skipped. */
static void check_step (const struct aw_graph *g,
                        struct aw_released *out,
                        const char *step,
                        const char *want)
{
    char text[1024] = "";

    put_names (g, &out->ready, '+', text);
    put_names (g, &out->skipped, '-', text);
    if (strcmp (text, want) != 0)
        fail_msg ("after %s: \"%s\", not \"%s\"", step, text, want);
}

struct step {
    const char *what; /* "a[0]" is done, "!a[0]" failed */
    const char *then;
};

struct row {
    const char *graph;
    uint32_t iterations;
    bool sequential;
    const char *first; /* ready at the beginning */
    struct step steps[12];
};

static const struct row rows[] = {
    { "a2 b2 | b<a", 1, false, "+a[0] +a[1]", { { "a[1]", "" }, { "a[0]", "+b[0] +b[1]" } } },
    { "a2 b2 | b[i]<a[i]", 1, false, "+a[0] +a[1]", { { "a[1]", "+b[1]" }, { "a[0]", "+b[0]" } } },
    { "a1 b2 c2 | c<a c[i]<b[i]",
      1,
      false,
      "+a[0] +b[0] +b[1]",
      { { "b[1]", "" }, { "a[0]", "+c[1]" }, { "b[0]", "+c[0]" } } },
    { "a2 b2 | b[i]<a[i] b[i]<a[i] b<a",
      1,
      false,
      "+a[0] +a[1]",
      { { "a[0]", "" }, { "a[1]", "+b[0] +b[1]" } } },
    /* failures: one index, the whole set, each task once */
    { "a2 b2 c1 | b[i]<a[i] c<b",
      1,
      false,
      "+a[0] +a[1]",
      { { "!a[0]", "-b[0] -c[0]" }, { "a[1]", "+b[1]" }, { "b[1]", "" } } },
    { "a2 b2 | b<a", 1, false, "+a[0] +a[1]", { { "!a[0]", "-b[0] -b[1]" }, { "!a[1]", "" } } },
    { "a2 b2 | b<a", 1, false, "+a[0] +a[1]", { { "a[0]", "" }, { "!a[1]", "-b[0] -b[1]" } } },
    { "a2 b2 c2 d1 | b[i]<a[i] c[i]<a[i] c[i]<b[i] d<a",
      1,
      false,
      "+a[0] +a[1]",
      { { "!a[1]", "-b[1] -c[1] -d[0]" }, { "a[0]", "+b[0]" }, { "b[0]", "+c[0]" } } },
    /* iterations */
    { "a1 b1 | b<a a<a@1",
      3,
      false,
      "+a@0[0]",
      { { "a@0[0]", "+a@1[0] +b@0[0]" },
        { "a@1[0]", "+a@2[0] +b@1[0]" },
        { "b@1[0]", "" },
        { "!b@0[0]", "" } } },
    { "a2 | a[i]<a[i]@1",
      3,
      false,
      "+a@0[0] +a@0[1]",
      { { "a@0[1]", "+a@1[1]" },
        { "!a@1[1]", "-a@2[1]" },
        { "a@0[0]", "+a@1[0]" },
        { "a@1[0]", "+a@2[0]" } } },
    { "a1 b1 | a<b@2",
      4,
      false,
      "+a@0[0] +b@0[0] +a@1[0] +b@1[0] +b@2[0] +b@3[0]",
      { { "b@1[0]", "+a@3[0]" }, { "!b@0[0]", "-a@2[0]" } } },
    /* stage after stage */
    { "a1 b1 c1 | b<a",
      2,
      true,
      "+a@0[0] +c@0[0]",
      { { "a@0[0]", "" },
        { "c@0[0]", "+b@0[0]" },
        { "b@0[0]", "+a@1[0] +c@1[0]" },
        { "c@1[0]", "" },
        { "a@1[0]", "+b@1[0]" } } },
    { "a2 b2 c1 | b[i]<a[i] c<b",
      1,
      true,
      "+a[0] +a[1]",
      { { "!a[0]", "-b[0] -c[0]" }, { "a[1]", "+b[1]" }, { "b[1]", "" } } },
    /* whole stages skipped: the gate goes on over them */
    { "a1 b1 c1 d1 | b<a c<b d<d@1",
      2,
      true,
      "+a@0[0] +d@0[0]",
      { { "d@0[0]", "" },
        { "!a@0[0]", "+a@1[0] +d@1[0] -b@0[0] -c@0[0]" },
        { "a@1[0]", "" },
        { "d@1[0]", "+b@1[0]" } } },
    { "a1 b1 | b<a a<b@1",
      3,
      true,
      "+a@0[0]",
      { { "!a@0[0]", "-b@0[0] -a@1[0] -b@1[0] -a@2[0] -b@2[0]" } } },
};

/* By key. */
static const struct row key_rows[] = {
    /* a group of several, of one, and one key for all */
    { "a5 b4 | b{0102}<a{01102}",
      1,
      false,
      "+a[0] +a[1] +a[2] +a[3] +a[4]",
      { { "a[2]", "" },
        { "a[4]", "+b[3]" },
        { "a[0]", "" },
        { "a[3]", "+b[0] +b[2]" },
        { "a[1]", "+b[1]" } } },
    { "a3 b2 | b{00}<a{000}",
      1,
      false,
      "+a[0] +a[1] +a[2]",
      { { "a[0]", "" }, { "a[2]", "" }, { "a[1]", "+b[0] +b[1]" } } },
    { "a3 b3 | b{201}<a{012}",
      1,
      false,
      "+a[0] +a[1] +a[2]",
      { { "a[0]", "+b[1]" }, { "a[2]", "+b[0]" }, { "a[1]", "+b[2]" } } },
    { "a2 b5 | b{01011}<a{10}",
      1,
      false,
      "+a[0] +a[1]",
      { { "a[0]", "+b[1] +b[3] +b[4]" }, { "a[1]", "+b[0] +b[2]" } } },
    /* with other edges */
    { "a3 b2 c1 | b{01}<a{001} b<c",
      1,
      false,
      "+a[0] +a[1] +a[2] +c[0]",
      { { "a[2]", "" }, { "c[0]", "+b[1]" }, { "a[0]", "" }, { "a[1]", "+b[0]" } } },
    { "a4 b2 | b{01}<a{0011} b{01}<a{0101}",
      1,
      false,
      "+a[0] +a[1] +a[2] +a[3]",
      { { "a[0]", "" }, { "a[1]", "" }, { "a[2]", "+b[0]" }, { "a[3]", "+b[1]" } } },
    /* a failure skips the tasks of its key, once, and what waits for them */
    { "a4 b2 c2 d1 | b{01}<a{0011} c{10}<b{01} d<b",
      1,
      false,
      "+a[0] +a[1] +a[2] +a[3]",
      { { "a[2]", "" },
        { "!a[0]", "-b[0] -c[1] -d[0]" },
        { "!a[1]", "" },
        { "a[3]", "+b[1]" },
        { "b[1]", "+c[0]" } } },
    { "a4 b2 | b{01}<a{0011}",
      1,
      false,
      "+a[0] +a[1] +a[2] +a[3]",
      { { "a[0]", "" }, { "!a[1]", "-b[0]" }, { "!a[2]", "-b[1]" }, { "a[3]", "" } } },
    /* a skipped task skips those of its key */
    { "a2 b4 c2 | b{0011}<a{01} c{01}<b{0101}",
      1,
      false,
      "+a[0] +a[1]",
      { { "!a[0]", "-b[0] -b[1] -c[0] -c[1]" }, { "a[1]", "+b[2] +b[3]" } } },
    /* iterations */
    { "a3 | a{001}<a{001}@1",
      3,
      false,
      "+a@0[0] +a@0[1] +a@0[2]",
      { { "a@0[2]", "+a@1[2]" },
        { "a@1[2]", "+a@2[2]" },
        { "a@0[0]", "" },
        { "a@0[1]", "+a@1[0] +a@1[1]" },
        { "!a@1[1]", "-a@2[0] -a@2[1]" },
        { "a@1[0]", "" } } },
    { "a2 b1 | b{0}<a{00} a{00}<b{0}@2",
      3,
      false,
      "+a@0[0] +a@0[1] +a@1[0] +a@1[1]",
      { { "a@0[0]", "" },
        { "a@1[0]", "" },
        { "a@1[1]", "+b@1[0]" },
        { "a@0[1]", "+b@0[0]" },
        { "b@1[0]", "" },
        { "b@0[0]", "+a@2[0] +a@2[1]" } } },
    /* stage after stage */
    { "a3 b2 c1 | b{01}<a{001}",
      2,
      true,
      "+a@0[0] +a@0[1] +a@0[2] +c@0[0]",
      { { "a@0[0]", "" },
        { "a@0[1]", "" },
        { "c@0[0]", "" },
        { "!a@0[2]", "+b@0[0] -b@0[1]" },
        { "b@0[0]", "+a@1[0] +a@1[1] +a@1[2] +c@1[0]" } } },
};

static void do_step (struct aw_depend *d, const struct step *step, struct aw_released *out)
{
    bool failed = step->what[0] == '!';
    uint32_t task = aw_graph_task_parse (d->graph, step->what + failed);

    assert_int_not_equal (task, AW_NONE);
    assert_int_equal (d->state[task], AW_DEPEND_READY);
    aw_depend_set_state (d, task, AW_DEPEND_RUNNING);
    assert_int_equal (failed ? aw_depend_fail (d, task, 1, out) : aw_depend_done (d, task, 1, out),
                      0);
}

static void check_row (const struct row *row)
{
    struct aw_graph *g = parse (row->graph, row->iterations);
    struct aw_released out = { 0 };
    struct aw_depend d, copy;
    uint32_t sum = 0;

    assert_int_equal (aw_depend_init (&d, g, row->sequential), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    check_step (g, &out, row->graph, row->first);
    for (const struct step *step = row->steps; step->what; step++) {
        do_step (&d, step, &out);
        check_step (g, &out, step->what, step->then);
        assert_int_equal (aw_depend_clone (&copy, &d), 0);
        aw_depend_finish (&d);
        d = copy;
    }
    for (uint32_t s = 0; s < g->n_sets; s++)
        for (int state = 0; state < AW_DEPEND_STATES; state++)
            sum += d.counts[s][state];
    assert_int_equal (sum, g->n_tasks);
    aw_depend_finish (&d);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    aw_graph_destroy (g);
}

static void each_task_waits_for_what_the_tables_say (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof (rows) / sizeof (rows[0]); i++)
        check_row (&rows[i]);
    for (size_t i = 0; i < sizeof (key_rows) / sizeof (key_rows[0]); i++)
        check_row (&key_rows[i]);
}

/* A task that is not needed, as no message comes for it, is not waited for. */
static void a_group_without_a_needed_task_is_not_needed (void **state)
{
    struct aw_graph *g = parse ("a4 b2 c1 | b{01}<a{0011} c<b", 1);
    struct aw_released out = { 0 };
    bool failed = false;
    struct aw_depend d;

    (void)state;
    assert_int_equal (aw_graph_add_message_dependency (g, 0, "m", 1, true), 0);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_depend_init (&d, g, false), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    assert_int_equal (aw_depend_message (&d, 0, 1, 0, &out), 0);
    check_step (g, &out, "a message", "+a[0]");
    assert_int_equal (aw_depend_done (&d, 0, 0, &out), 0);
    assert_int_equal (aw_depend_starve (&d, 0, &out, &failed), 0);
    check_step (g, &out, "the last", "+b[0] -a[1] -a[2] -a[3] -b[1]");
    assert_false (failed);
    assert_int_equal (aw_depend_done (&d, 4, 0, &out), 0);
    check_step (g, &out, "b[0]", "+c[0]");
    aw_depend_finish (&d);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    aw_graph_destroy (g);
}

/* A cancelled task fails its key, or lets it go on. */
static void a_dropped_task_counts_in_its_group (void **state)
{
    struct aw_graph *g = parse ("a4 b2 | b{01}<a{0011}", 1);
    struct aw_released out = { 0 };
    struct aw_depend d, copy;

    (void)state;
    assert_int_equal (aw_depend_init (&d, g, false), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    aw_ranges_clear (&out.ready);
    assert_int_equal (aw_depend_drop (&d, 0, true, 0, &out), 0);
    check_step (g, &out, "a[0] released", "-a[0]");
    assert_int_equal (aw_depend_done (&d, 1, 0, &out), 0);
    check_step (g, &out, "a[1]", "+b[0]");
    assert_int_equal (aw_depend_clone (&copy, &d), 0);
    aw_depend_finish (&d);
    assert_int_equal (aw_depend_drop (&copy, 3, false, 0, &out), 0);
    check_step (g, &out, "a[3] dropped", "-a[3] -b[1]");
    assert_int_equal (aw_depend_drop (&copy, 2, false, 0, &out), 0);
    check_step (g, &out, "a[2] dropped", "-a[2]");
    aw_depend_finish (&copy);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    aw_graph_destroy (g);
}

/* Sets that come later, after tasks of both groups have ended in all ways. */
static void a_new_set_counts_what_its_groups_still_wait_for (void **state)
{
    static const uint32_t before[] = { 0, 0, 1, 1, 2, 2 }, after[] = { 2, 1, 0 };
    struct aw_graph *g = parse ("a6 |", 1);
    struct aw_released out = { 0 };
    struct aw_edge_key key;
    struct aw_graph_size old;
    struct aw_depend d;

    (void)state;
    assert_int_equal (aw_depend_init (&d, g, false), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    assert_int_equal (aw_depend_done (&d, 0, 0, &out), 0);
    assert_int_equal (aw_depend_done (&d, 1, 0, &out), 0);
    assert_int_equal (aw_depend_done (&d, 2, 0, &out), 0);
    assert_int_equal (aw_depend_fail (&d, 4, 0, &out), 0);
    aw_ranges_clear (&out.ready);
    old = aw_graph_size (g);
    graphs_set (g, "b", 3, 1, 0, 1);
    graphs_set (g, "c", 6, 1, 0, 1);
    assert_int_equal (aw_edge_key_init (&key, "k", 3, before, 6, after, 3), 0);
    assert_int_equal (aw_graph_add_keyed_edge (g, 1, (struct aw_edge){ .set = 0 }, &key), 0);
    assert_int_equal (aw_edge_key_init (&key, "k", 3, after, 3, before, 6), 0);
    assert_int_equal (aw_graph_add_keyed_edge (g, 2, (struct aw_edge){ .set = 1 }, &key), 0);
    assert_int_equal (aw_graph_grow (g, &old, NULL), 0);
    assert_int_equal (aw_depend_room (&d, &old), 0);
    assert_int_equal (aw_depend_grow (&d, &old, 1, &out), 0);
    check_step (g, &out, "b and c come", "+b[2] -b[0] -c[4] -c[5]");
    assert_int_equal (aw_depend_done (&d, 3, 1, &out), 0);
    check_step (g, &out, "a[3]", "+b[1]");
    assert_int_equal (aw_depend_done (&d, 7, 1, &out), 0);
    check_step (g, &out, "b[1]", "+c[2] +c[3]");
    aw_depend_finish (&d);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    aw_graph_destroy (g);
}

/* As many failures in a group as it has tasks, each with as many successors: no pairs are looked
 * at, or this takes hours.
 */
static void a_failed_group_is_skipped_once (void **state)
{
    enum { TASKS = 1000000 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_released out = { 0 };
    uint64_t seed = 1;
    struct aw_depend d;

    (void)state;
    graphs_set (g, "a", TASKS, 1, 0, 1);
    graphs_set (g, "b", TASKS, 1, 0, 1);
    graphs_keyed_edge (g, 1, (struct aw_edge){ .set = 0 }, 2, &seed);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_depend_init (&d, g, false), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    for (uint32_t task = 0; task < TASKS; task++)
        assert_int_equal (aw_depend_fail (&d, task, 1, &out), 0);
    assert_int_equal (d.counts[1][AW_DEPEND_SKIPPED], TASKS);
    aw_depend_finish (&d);
    aw_ranges_finish (&out.ready);
    aw_ranges_finish (&out.skipped);
    aw_graph_destroy (g);
}

/* What ends the whole run skips nothing. */
static void what_ends_the_whole_run_skips_nothing (void **state)
{
    struct aw_graph *g = parse ("a1 b1 | b<a", 1);
    struct aw_released out = { 0 };
    struct aw_depend d;

    (void)state;
    assert_int_equal (aw_depend_init (&d, g, true), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    aw_ranges_clear (&out.ready);
    aw_depend_fail_alone (&d, 0);
    assert_int_equal (d.state[0], AW_DEPEND_FAILED);
    assert_int_equal (d.state[1], AW_DEPEND_WAITING);
    assert_true (aw_ranges_empty (&out.skipped));
    aw_depend_finish (&d);
    aw_depend_finish (&d); /* a second time: nothing */
    aw_ranges_finish (&out.ready);
    aw_graph_destroy (g);
}

/* More edges than 16 bits count. */
static void a_task_may_have_more_edges_than_16_bits_count (void **state)
{
    enum { EDGES = 65536 };
    struct aw_graph *g = aw_graph_create ();
    struct aw_released out = { 0 };
    struct aw_depend d;

    (void)state;
    graphs_set (g, "a", 1, 1, 0, 1);
    graphs_set (g, "b", 1, 1, 0, 1);
    for (int i = 0; i < EDGES; i++)
        graphs_edge (g, "b", "a", 0, 1);
    assert_int_equal (aw_graph_finalize (g, NULL), 0);
    assert_int_equal (aw_depend_init (&d, g, false), 0);
    assert_int_equal (aw_depend_begin (&d, 0, &out), 0);
    check_step (g, &out, "the beginning", "+a[0]");
    assert_int_equal (aw_depend_done (&d, 0, 1, &out), 0);
    check_step (g, &out, "a[0]", "+b[0]");
    aw_depend_finish (&d);
    aw_ranges_finish (&out.ready);
    aw_graph_destroy (g);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_task_waits_for_what_the_tables_say),
        cmocka_unit_test (what_ends_the_whole_run_skips_nothing),
        cmocka_unit_test (a_group_without_a_needed_task_is_not_needed),
        cmocka_unit_test (a_dropped_task_counts_in_its_group),
        cmocka_unit_test (a_new_set_counts_what_its_groups_still_wait_for),
        cmocka_unit_test (a_failed_group_is_skipped_once),
        cmocka_unit_test (a_task_may_have_more_edges_than_16_bits_count),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
