/* SPDX-License-Identifier: Apache-2.0 */
/* What of a node is the job's: Slurm's numbers into the machine's, and what an agent said against
 * what Slurm says. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "coord/slurm/node_allocation.h"
#include "coord/slurm/slurm_site.h"

/* Two packages of two cores of two threads. Linux often numbers first threads first. */
#define PLAIN "core 0-1|2-3|4-5|6-7;numa 0-3|4-7;package 0-3|4-7"
#define THREADS_LAST "core 0,4|1,5|2,6|3,7;numa 0-1,4-5|2-3,6-7;package 0-1,4-5|2-3,6-7"
/* Even CPUs on the first package, odd on the second. */
#define INTERLEAVED "core 0,4|1,5|2,6|3,7;numa 0,2,4,6|1,3,5,7;package 0,2,4,6|1,3,5,7"
#define BARE "core 0|1|2|3"

/* Records name their nodes by lists, which only libslurm reads. */
static void needs_slurm (void)
{
#ifndef HAVE_SLURM
    skip ();
#endif
}

static void ids_of_slurm_become_those_of_the_kernel (void **state)
{
    static const struct {
        const char *topology, *abstract;
        uint32_t threads;
        const char *cpus; /* NULL: there are no such */
    } table[] = {
        { PLAIN, "", 2, "" },
        { PLAIN, "0-7", 2, "0-7" },
        { PLAIN, "2-5", 2, "2-5" },
        { THREADS_LAST, "0-7", 2, "0-7" },
        { THREADS_LAST, "0-1", 2, "0,4" },
        { THREADS_LAST, "2-5", 2, "1-2,5-6" },
        { THREADS_LAST, "3", 2, "5" },
        { INTERLEAVED, "0-3", 2, "0,2,4,6" },
        { INTERLEAVED, "4-5", 2, "1,5" },
        { INTERLEAVED, "2-5", 2, "1-2,5-6" },
        { INTERLEAVED, "0-1", 1, "0,2" }, /* declared with one thread a core: its first */
        { INTERLEAVED, "3", 1, "3" },
        { THREADS_LAST, "1", 1, "1" },
        { BARE, "1,3", 1, "1,3" },
        { BARE, "4", 1, NULL },
        { BARE, "0-3", 2, NULL }, /* declared with threads that are not there */
        { PLAIN, "8", 2, NULL },
        { "numa 0-3", "0", 1, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_topology topology = { 0 };
        struct aw_idset abstract = { 0 }, cpus = { 0 };
        char text[64];
        int rc;

        assert_int_equal (aw_topology_parse (&topology, table[i].topology, NULL), 0);
        assert_int_equal (aw_idset_parse (&abstract, table[i].abstract), 0);
        rc = aw_node_allocation_translate (&cpus, &topology, &abstract, table[i].threads);
        if (!table[i].cpus) {
            assert_int_equal (rc, -1);
            assert_int_equal (errno, ERANGE);
            assert_int_equal (aw_idset_count (&cpus), 0);
        }
        else {
            assert_int_equal (rc, 0);
            aw_idset_format (&cpus, text, sizeof (text));
            assert_string_equal (text, table[i].cpus);
        }
        aw_topology_finish (&topology);
        aw_idset_finish (&abstract);
        aw_idset_finish (&cpus);
    }
}

/* On any machine: all of Slurm's numbers are all of its CPUs, different ones are different ones. */
static void all_numbers_of_slurm_are_all_cpus_once_each (void **state)
{
    unsigned seed = (unsigned)getpid ();

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    for (int round = 0; round < 200; round++) {
        uint32_t threads = 1 + (uint32_t)rand () % 4, cores = 1 + (uint32_t)rand () % 16;
        uint32_t n = threads * cores, packages = cores % 2 ? 1 : 2, at = 0;
        uint32_t ids[64];
        char text[1024] = "core ", level[512] = ";package ", *to = text + 5;
        struct aw_topology topology = { 0 };
        struct aw_idset all = { 0 }, seen = { 0 };

        for (uint32_t i = 0; i < n; i++)
            ids[i] = i;
        for (uint32_t i = n; i-- > 1;) {
            uint32_t j = (uint32_t)rand () % (i + 1), id = ids[i];

            ids[i] = ids[j];
            ids[j] = id;
        }
        for (uint32_t i = 0; i < n; i++)
            to += sprintf (to, "%s%u", i == 0 ? "" : i % threads ? "," : "|", ids[i]);
        to = level + strlen (level);
        for (uint32_t i = 0; i < n; i++)
            to += sprintf (to, "%s%u", i == 0 ? "" : i % (n / packages) ? "," : "|", ids[i]);
        strcat (text, level);
        assert_int_equal (aw_topology_parse (&topology, text, NULL), 0);
        for (; at < n; at++) {
            struct aw_idset one = { 0 }, cpu = { 0 };

            assert_int_equal (aw_idset_add (&one, at, at), 0);
            assert_int_equal (aw_node_allocation_translate (&cpu, &topology, &one, threads), 0);
            assert_int_equal (aw_idset_count (&cpu), 1);
            assert_false (aw_idset_intersects (&seen, &cpu));
            assert_int_equal (aw_idset_add_all (&seen, &cpu), 0);
            aw_idset_finish (&one);
            aw_idset_finish (&cpu);
        }
        assert_int_equal (aw_idset_add (&all, 0, n - 1), 0);
        assert_true (aw_idset_equal (&all, &seen));
        aw_topology_finish (&topology);
        aw_idset_finish (&all);
        aw_idset_finish (&seen);
    }
}

static void an_allocation_is_made_from_the_job (void **state)
{
    static const struct {
        const char *what;
        const char *seen; /* by the agent */
        bool unbound;
        const char *topology;
        const char *held; /* Slurm's numbers */
        uint32_t threads;
        const char *cpus;
        bool is_unbound;
        const char *cut; /* the topology of that */
    } table[] = {
        { "the whole machine", "0-7", false, INTERLEAVED, "0-7", 2, "0-7", false, INTERLEAVED },
        { "a part, not confined", "0-7", false, INTERLEAVED, "0-3", 2, "0,2,4,6", false,
          "core 0,4|2,6;numa 0,2,4,6;package 0,2,4,6" },
        { "threads guessed", "0-7", false, INTERLEAVED, "4-5", 0, "1,5", false,
          "core 1,5;numa 1,5;package 1,5" },
        { "one thread declared", "0-7", false, INTERLEAVED, "0-3", 1, "0-3", false,
          "core 0|1|2|3;numa 0,2|1,3;package 0,2|1,3" },
        { "confined", "1,5", false, INTERLEAVED, "0-1", 2, "1,5", false,
          "core 1,5;numa 1,5;package 1,5" },
        { "no topology, confined as far as known", "3-4", false, NULL, "0-1", 1, "3-4", false,
          NULL },
        { "fewer than held: that is reported elsewhere", "0-1", false, BARE, "0-3", 1, "0-1", false,
          "core 0|1" },
        { "others than declared", "0-3", false, BARE, "6-7", 1, "6-7", true, NULL },
        { "outside of what may be used", "0-2", false, BARE, "2-3", 1, "2-3", true, "core 2|3" },
        { "no topology, wider", "0-3", false, NULL, "1", 1, "1", true, NULL },
        { "declared CPUs", "0-1", true, NULL, "8-9", 1, "8-9", true, NULL },
        { "a declared machine", "0-7", true, INTERLEAVED, "4-7", 2, "1,3,5,7", true,
          "core 1,5|3,7;numa 1,3,5,7;package 1,3,5,7" },
        { "no word from Slurm", "0-7", false, BARE, "", 0, "0-7", false, BARE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_event hello = { .type = AW_EVENT_NODE,
                                  .name = "n1",
                                  .unbound = table[i].unbound,
                                  .topology = table[i].topology };
        struct aw_slurm_node slurm = { .threads_per_core = table[i].threads };
        struct aw_node_allocation holding;
        char text[64];

        assert_int_equal (aw_idset_parse (&hello.cpus, table[i].seen), 0);
        assert_int_equal (aw_idset_parse (&slurm.cpus, table[i].held), 0);
        assert_int_equal (aw_node_allocation_make (&holding, &hello, &slurm), 0);
        aw_idset_format (&holding.node.cpus, text, sizeof (text));
        if (strcmp (text, table[i].cpus) != 0)
            fail_msg ("%s: %s, not %s", table[i].what, text, table[i].cpus);
        if (holding.node.unbound != table[i].is_unbound)
            fail_msg ("%s: unbound is %d", table[i].what, holding.node.unbound);
        assert_int_equal (holding.node.reason != NULL, table[i].is_unbound && !table[i].unbound);
        if (table[i].cut)
            assert_string_equal (holding.node.topology, table[i].cut);
        else
            assert_null (holding.node.topology);
        aw_node_allocation_finish (&holding);
        aw_idset_finish (&hello.cpus);
        aw_idset_finish (&slurm.cpus);
    }
}

/* Two jobs on one node, whatever it is: nothing is both's. */
static void nodes_have_parts_of_their_own (void **state)
{
    static const char *const machines[] = { PLAIN, THREADS_LAST, INTERLEAVED };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t cut = 1; cut < 4; cut++) {
            struct aw_event hello = { .type = AW_EVENT_NODE, .name = "n", .topology = machines[i] };
            struct aw_slurm_node a = { .threads_per_core = 2 }, b = { .threads_per_core = 2 };
            struct aw_node_allocation x, y;

            assert_int_equal (aw_idset_parse (&hello.cpus, "0-7"), 0);
            assert_int_equal (aw_idset_add (&a.cpus, 0, 2 * cut - 1), 0);
            assert_int_equal (aw_idset_add (&b.cpus, 2 * cut, 7), 0);
            assert_int_equal (aw_node_allocation_make (&x, &hello, &a), 0);
            assert_int_equal (aw_node_allocation_make (&y, &hello, &b), 0);
            assert_false (x.node.unbound || y.node.unbound);
            assert_int_equal (aw_idset_count (&x.node.cpus), 2 * cut);
            assert_int_equal (aw_idset_count (&y.node.cpus), 8 - 2 * cut);
            assert_false (aw_idset_intersects (&x.node.cpus, &y.node.cpus));
            aw_node_allocation_finish (&x);
            aw_node_allocation_finish (&y);
            aw_idset_finish (&hello.cpus);
            aw_idset_finish (&a.cpus);
            aw_idset_finish (&b.cpus);
        }
    }
}

static void the_memory_of_a_node_is_read (void **state)
{
    static const struct {
        uint64_t agent, slurm, pool;
    } table[] = { { 0, 0, 0 }, { 8, 0, 8 }, { 0, 4, 4 }, { 8, 4, 4 }, { 2, 4, 2 } };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_event hello = { .name = "n", .mem = table[i].agent };
        struct aw_slurm_node slurm = { .mem = table[i].slurm };
        struct aw_node_allocation holding;

        assert_int_equal (aw_node_allocation_make (&holding, &hello, &slurm), 0);
        assert_int_equal (holding.node.mem, table[i].pool);
        aw_node_allocation_finish (&holding);
    }
}

static void types_of_gpus_are_read (void **state)
{
    static const struct {
        const char *topology, *ids;
        const char *slurm; /* line of scontrol */
        const char *expected;
    } table[] = {
        { NULL, "0-1", "gpu:2(IDX:0-1)", NULL },
        { NULL, "0-1", "gpu:a100:2(IDX:0-1)", "gpu 0=:a100|1=:a100" },
        { NULL, "0-1", "gpu:a100:2(IDX:2-3)", "gpu 0=:a100|1=:a100" }, /* numbered again */
        { NULL, "0-2", "gpu:a100:1(IDX:0),gpu:v100:2(IDX:1-2)", "gpu 0=:a100|1=:v100|2=:v100" },
        { NULL, "0-2", "gpu:v100:2(IDX:1,3),gpu:a100:1(IDX:2)", "gpu 0=:v100|1=:a100|2=:v100" },
        { NULL, "0-1", "gpu:a100:2(CNT:2)", "gpu 0=:a100|1=:a100" },
        { NULL, "0-1", "gpu:a100:1(CNT:1),gpu:v100:1(CNT:1)", NULL },
        { "core 0|1;gpu 1=1:nvidia_a100", "0-1", "gpu:2(IDX:0-1)", "core 0|1;gpu 1=1:nvidia_a100" },
        { "core 0|1;gpu 1=1:nvidia_a100", "0-1", "gpu:a100:2(IDX:0-1)",
          "core 0|1;gpu 0=:a100|1=1:a100" },
        { "core 0|1;gpu 1=1", "1", "gpu:a100:1(IDX:1)", "core 0|1;gpu 1=1:a100" },
    };
    static const char record[] =
        "JobId=7 JobName=x\n   JobState=RUNNING NodeList=n1\n   NumNodes=1 \n"
        "     Nodes=n1 CPU_IDs=0-1 Mem=0 GRES=%s\n";

    (void)state;
    needs_slurm ();
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_event hello = { .name = "n1", .topology = table[i].topology };
        struct aw_node_allocation holding;
        struct aw_slurm_job job;
        char text[512];

        snprintf (text, sizeof (text), record, table[i].slurm);
        assert_int_equal (aw_slurm_job_parse (&job, "7", text, NULL), 0);
        assert_int_equal (aw_idset_parse (&hello.cpus, "0-1"), 0);
        assert_int_equal (aw_idset_parse (&hello.gpus, table[i].ids), 0);
        assert_int_equal (aw_node_allocation_make (&holding, &hello, &job.nodes[0]), 0);
        if (table[i].expected)
            assert_string_equal (holding.node.topology, table[i].expected);
        else
            assert_null (holding.node.topology);
        aw_node_allocation_finish (&holding);
        aw_slurm_job_finish (&job);
        aw_idset_finish (&hello.cpus);
        aw_idset_finish (&hello.gpus);
    }
}

static void threads_of_a_core_are_read (void **state)
{
    static const char job_text[] =
        "JobId=7 JobName=x\n   JobState=RUNNING NodeList=n[1-3]\n   NumNodes=3 \n"
        "     Nodes=n[1-3] CPU_IDs=0-1 Mem=0 GRES=\n";
    struct aw_slurm_job job;

    (void)state;
    needs_slurm ();
    assert_int_equal (aw_slurm_job_parse (&job, "7", job_text, NULL), 0);
    assert_int_equal (job.nodes[0].threads_per_core, 0);
    aw_slurm_threads_parse (&job, "");
    aw_slurm_threads_parse (&job, "nonsense\nn1|\nn2|x\n|\n[|3\n");
    assert_int_equal (job.nodes[0].threads_per_core, 0);
    aw_slurm_threads_parse (&job, "m[1-9]|1\nn[2-3,7]|4\nn1|2");
    assert_int_equal (job.nodes[0].threads_per_core, 2);
    assert_int_equal (job.nodes[1].threads_per_core, 4);
    assert_int_equal (job.nodes[2].threads_per_core, 4);
    aw_slurm_job_finish (&job);
}

/* Without Slurm's word, and with a topology that is none, the agent's holds. */
static void without_a_topology_ids_stay_as_they_are (void **state)
{
    struct aw_event hello = { .name = "n", .topology = "nonsense", .mem = 5 };
    struct aw_slurm_node slurm = { .mem = 3 };
    struct aw_node_allocation holding;

    (void)state;
    assert_int_equal (aw_node_allocation_make (&holding, &hello, NULL), 0);
    assert_int_equal (holding.node.mem, 5);
    assert_string_equal (holding.node.topology, "nonsense");
    aw_node_allocation_finish (&holding);
    assert_int_equal (aw_node_allocation_make (&holding, &hello, &slurm), 0);
    assert_string_equal (holding.node.topology, "nonsense");
    aw_node_allocation_finish (&holding);
    aw_node_allocation_finish (&holding);
}

static void what_cannot_be_translated_is_noted (void **state)
{
    struct aw_node_allocation holdings[3] = { { .node.name = "a" },
                                              { .node.name = "b" },
                                              { .node.name = "c" } };
    struct aw_error line = { "" };

    (void)state;
    assert_false (aw_node_allocations_note (holdings, 3, &line));
    holdings[1].node.reason = "odd";
    assert_true (aw_node_allocations_note (holdings, 3, &line));
    assert_string_equal (line.text, "b: odd");
    holdings[2].node.reason = "even";
    assert_true (aw_node_allocations_note (holdings, 3, &line));
    assert_string_equal (line.text, "b: odd (and 1 more of 3 nodes)");
    assert_false (aw_node_allocations_note (holdings, 0, &line));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (ids_of_slurm_become_those_of_the_kernel),
        cmocka_unit_test (all_numbers_of_slurm_are_all_cpus_once_each),
        cmocka_unit_test (an_allocation_is_made_from_the_job),
        cmocka_unit_test (nodes_have_parts_of_their_own),
        cmocka_unit_test (the_memory_of_a_node_is_read),
        cmocka_unit_test (types_of_gpus_are_read),
        cmocka_unit_test (threads_of_a_core_are_read),
        cmocka_unit_test (without_a_topology_ids_stay_as_they_are),
        cmocka_unit_test (what_cannot_be_translated_is_noted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
