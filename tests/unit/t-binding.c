/* SPDX-License-Identifier: Apache-2.0 */
/* Binding a process to CPUs and the memory beside them: what the kernel then says of it. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/place/binding.h"

static char root[] = "/tmp/aw-binding.XXXXXX";

static void write_file (const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf (path, sizeof (path), "%s/sys/devices/system/node/%s", root, name);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static int set_up (void **state)
{
    char command[256];

    (void)state;
    assert_non_null (mkdtemp (root));
    snprintf (command, sizeof (command),
              "cd %s && mkdir -p sys/devices/system/node && cd sys/devices/system/node && mkdir "
              "node0 node1 node8",
              root);
    return system (command);
}

static int tear_down (void **state)
{
    char command[64];

    (void)state;
    snprintf (command, sizeof (command), "rm -rf '%s'", root);
    return system (command);
}

/* Numbers with gaps, a node of memory alone, one that has no list. */
static void memory_nodes_follow_the_cpus (void **state)
{
    struct aw_numa numa;
    char text[64];

    (void)state;
    assert_int_equal (aw_numa_read (&numa, "/no/such"), -1);
    assert_int_equal (errno, ENOENT);
    assert_int_equal (numa.n, 0);
    write_file ("online", "0-2,8\n");
    write_file ("node0/cpulist", "0-3,8-11\n");
    write_file ("node1/cpulist", "4-7,12-15\n");
    write_file ("node8/cpulist", "\n");
    assert_int_equal (aw_numa_read (&numa, root), 0);
    assert_int_equal (numa.n, 9);
    aw_idset_format (&numa.cpus[0], text, sizeof (text));
    assert_string_equal (text, "0-3,8-11");
    aw_idset_format (&numa.cpus[1], text, sizeof (text));
    assert_string_equal (text, "4-7,12-15");
    assert_int_equal (aw_idset_count (&numa.cpus[2]), 0);
    assert_int_equal (aw_idset_count (&numa.cpus[8]), 0);
    aw_numa_finish (&numa);
    aw_numa_finish (&numa);
    write_file ("online", "nonsense\n");
    assert_int_equal (aw_numa_read (&numa, root), -1);
    assert_int_equal (numa.n, 0);
}

static void write_core (uint32_t cpu, const char *siblings)
{
    char name[64], command[256];

    snprintf (command, sizeof (command), "mkdir -p %s/sys/devices/system/cpu/cpu%u/topology", root,
              cpu);
    assert_int_equal (system (command), 0);
    snprintf (name, sizeof (name), "../cpu/cpu%u/topology/thread_siblings_list", cpu);
    write_file (name, siblings);
}

static void cpus_are_bound_by_cores (void **state)
{
    static const struct {
        const char *cpus, *text;
    } table[] = {
        { "0-7", "core 0,4|1,5|2,6|3,7" },
        { "1,4-5", "core 1,5|4" },
        { "", "" },
        { "7-8", NULL },
    };

    (void)state;
    for (uint32_t cpu = 0; cpu < 8; cpu++) {
        char siblings[16];

        snprintf (siblings, sizeof (siblings), "%u,%u\n", cpu % 4, cpu % 4 + 4);
        write_core (cpu, siblings);
    }
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_idset cpus = { 0 };
        char *text;

        assert_int_equal (aw_idset_parse (&cpus, table[i].cpus), 0);
        text = aw_cores_read (root, &cpus);
        if (table[i].text)
            assert_string_equal (text, table[i].text);
        else
            assert_null (text);
        free (text);
        aw_idset_finish (&cpus);
    }
}

/* Runs in a child, bound to CPUS: its mask and policy come back. */
struct told {
    int rc, error;
    cpu_set_t mask;
    int policy_rc;
    int policy;
    unsigned long nodes[16];
};

static struct told bind_child (const char *cpus, const struct aw_numa *numa)
{
    struct aw_binding binding = { 0 };
    struct aw_idset set = { 0 };
    struct told told = { 0 };
    int fds[2];
    pid_t pid;
    int status;

    assert_int_equal (aw_idset_parse (&set, cpus), 0);
    assert_int_equal (aw_binding_prepare (&binding, numa, &set), 0);
    assert_int_equal (pipe (fds), 0);
    pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        told.rc = aw_binding_apply (&binding);
        told.error = errno;
        sched_getaffinity (0, sizeof (told.mask), &told.mask);
        told.policy_rc = (int)syscall (SYS_get_mempolicy, &told.policy, told.nodes,
                                       8 * sizeof (told.nodes), NULL, 0);
        _exit (write (fds[1], &told, sizeof (told)) != (ssize_t)sizeof (told));
    }
    close (fds[1]);
    assert_int_equal (read (fds[0], &told, sizeof (told)), (ssize_t)sizeof (told));
    close (fds[0]);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (status, 0);
    aw_binding_finish (&binding);
    aw_binding_finish (&binding);
    aw_idset_finish (&set);
    return told;
}

static int last_cpu (void)
{
    cpu_set_t mask;
    int last = 0;

    assert_int_equal (sched_getaffinity (0, sizeof (mask), &mask), 0);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET (i, &mask))
            last = i;
    return last;
}

/* Does this kernel let a process choose its memory? */
static bool may_choose (void)
{
    pid_t pid = fork ();
    int status;

    assert_true (pid >= 0);
    if (pid == 0)
        _exit (syscall (SYS_set_mempolicy, 0, NULL, 0UL) != 0);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return status == 0;
}

static void a_binding_is_applied (void **state)
{
    struct aw_numa numa;
    int cpu = last_cpu ();
    char text[16];
    struct told told;

    (void)state;
    if (aw_numa_read (&numa, "") < 0)
        assert_int_equal (errno, ENOENT); /* a kernel without NUMA */
    snprintf (text, sizeof (text), "%d", cpu);
    told = bind_child (text, &numa);
    assert_int_equal (told.rc, 0);
    assert_int_equal (CPU_COUNT (&told.mask), 1);
    assert_true (CPU_ISSET (cpu, &told.mask));
    if (numa.n > 0 && may_choose ()) {
        struct aw_idset mine = { 0 };

        assert_int_equal (told.policy_rc, 0);
        assert_true (told.policy == 1 || told.policy == 5); /* preferred, preferred many */
        assert_int_equal (aw_idset_add (&mine, (uint32_t)cpu, (uint32_t)cpu), 0);
        for (uint32_t i = 0; i < numa.n; i++)
            assert_int_equal ((told.nodes[i / 64] >> (i % 64)) & 1,
                              aw_idset_intersects (&numa.cpus[i], &mine));
        aw_idset_finish (&mine);
    }
    else {
        print_message ("# this kernel lets no memory policy be set\n");
    }
    told = bind_child (text, NULL); /* memory is left alone */
    assert_int_equal (told.rc, 0);
    assert_int_equal (CPU_COUNT (&told.mask), 1);
    assert_int_equal (told.policy, 0);
    aw_numa_finish (&numa);
}

static void a_binding_that_is_refused_is_told (void **state)
{
    struct aw_binding nothing = { 0 };
    cpu_set_t before, after;
    struct told told;

    (void)state;
    assert_int_equal (sched_getaffinity (0, sizeof (before), &before), 0);
    assert_int_equal (aw_binding_apply (&nothing), 0);
    assert_int_equal (aw_binding_prepare (&nothing, NULL, NULL), 0);
    assert_int_equal (aw_binding_apply (&nothing), 0);
    aw_binding_finish (&nothing);
    assert_int_equal (sched_getaffinity (0, sizeof (after), &after), 0);
    assert_true (CPU_EQUAL (&before, &after));
    told = bind_child ("", NULL);
    assert_int_equal (told.rc, 0);
    assert_true (CPU_EQUAL (&before, &told.mask));
    told = bind_child ("8100-8101", NULL); /* no such CPUs */
    assert_int_equal (told.rc, -1);
    assert_int_equal (told.error, EINVAL);
}

/* Nodes of memory that this machine has not: the CPUs are bound all the same. */
static void memory_nodes_that_are_not_there_do_not_hinder (void **state)
{
    int cpu = last_cpu ();
    struct aw_idset sets[800] = { 0 };
    struct aw_numa numa = { sets, 800 };
    struct told told;
    char text[16];

    (void)state;
    assert_int_equal (aw_idset_add (&sets[777], (uint32_t)cpu, (uint32_t)cpu), 0);
    snprintf (text, sizeof (text), "%d", cpu);
    told = bind_child (text, &numa);
    assert_int_equal (told.rc, 0);
    assert_int_equal (CPU_COUNT (&told.mask), 1);
    assert_int_equal (told.policy, 0);
    aw_idset_finish (&sets[777]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (memory_nodes_follow_the_cpus),
        cmocka_unit_test (cpus_are_bound_by_cores),
        cmocka_unit_test (a_binding_is_applied),
        cmocka_unit_test (a_binding_that_is_refused_is_told),
        cmocka_unit_test (memory_nodes_that_are_not_there_do_not_hinder),
    };

    return cmocka_run_group_tests (tests, set_up, tear_down);
}
