/* SPDX-License-Identifier: Apache-2.0 */
/* Machines as hwloc describes them (written by hand here, and recorded in tests/topologies), and
 * the memory that cgroups leave a process. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/place/memory.h"
#include "agent/place/topology.h"

static char dir[] = "/tmp/aw-machine.XXXXXX";

static void write_file (const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", dir, name);
    file = fopen (path, "w");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static int set_up (void **state)
{
    char command[256];

    (void)state;
    assert_non_null (mkdtemp (dir));
    snprintf (command, sizeof (command),
              "cd %s && mkdir -p proc/self sys/fs/cgroup/a/b sys/fs/cgroup/memory/a/b", dir);
    return system (command);
}

static int tear_down (void **state)
{
    char command[64];

    (void)state;
    snprintf (command, sizeof (command), "rm -rf '%s'", dir);
    return system (command);
}

/* The text of the machine with GPUS ("0-3") as ENV calls them. */
static char *read_machine (char *const *env, const char *gpus)
{
    struct aw_idset ids = { 0 };
    struct aw_machine machine;
    struct aw_error err = { "" };
    struct aw_gpus *names;
    char *text;

    assert_int_equal (aw_idset_parse (&ids, gpus), 0);
    names = aw_gpus_create (env, &ids, NULL);
    assert_non_null (names);
    if (aw_machine_read (&machine, names, &ids, NULL, &err) < 0)
        fail_msg ("%s", err.text);
    text = aw_topology_format (&machine.topology);
    assert_non_null (text);
    assert_false (machine.is_here);
    aw_machine_finish (&machine);
    aw_machine_finish (&machine);
    aw_gpus_destroy (names);
    aw_idset_finish (&ids);
    return text;
}

static void the_topology_of_a_synthetic_machine_is_read (void **state)
{
    static const struct {
        const char *machine, *text;
    } table[] = {
        { "pack:1 core:2 pu:1", "core 0|1;numa 0-1;package 0-1" },
        { "pack:2 numa:1 l3:1 core:2 pu:2",
          "core 0-1|2-3|4-5|6-7;cache 0-3|4-7;numa 0-3|4-7;package 0-3|4-7" },
        /* the larger cache divides no NUMA node, the smaller does */
        { "pack:1 numa:1 l3:1 l2:2 core:1 pu:1", "core 0|1;cache 0|1;numa 0-1;package 0-1" },
        { "pack:2 numa:2 l3:2 core:2 pu:1",
          "core 0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15;cache 0-1|2-3|4-5|6-7|8-9|10-11|12-13|14-15;"
          "numa 0-3|4-7|8-11|12-15;package 0-7|8-15" },
        /* threads numbered last, packages by turns */
        { "pack:2 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)",
          "core 0,4|1,5|2,6|3,7;numa 0-7;package 0,2,4,6|1,3,5,7" },
    };
    char *none[] = { NULL };

    (void)state;
    unsetenv ("HWLOC_XMLFILE");
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *text;

        setenv ("HWLOC_SYNTHETIC", table[i].machine, 1);
        text = read_machine (none, "");
        assert_string_equal (text, table[i].text);
        free (text);
        text = read_machine (none, "0-3"); /* nothing is known of GPUs */
        assert_string_equal (text, table[i].text);
        free (text);
    }
    unsetenv ("HWLOC_SYNTHETIC");
}

/* Two packages of one core; a bus under each. FIRST and SECOND: what hangs there. */
#define XML_HEAD                                                                               \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"  \
    "<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\" cpuset=\"0x3\" "        \
    "complete_cpuset=\"0x3\" allowed_cpuset=\"0x3\" nodeset=\"0x3\" complete_nodeset=\"0x3\" " \
    "allowed_nodeset=\"0x3\" gp_index=\"1\">"
#define XML_PACKAGE(n, set, inner)                                                               \
    "<object type=\"Package\" os_index=\"" #n "\" cpuset=\"" set "\" complete_cpuset=\"" set     \
    "\" nodeset=\"" set "\" complete_nodeset=\"" set "\" gp_index=\"1" #n                        \
    "\"><object type=\"NUMANode\" os_index=\"" #n "\" cpuset=\"" set "\" complete_cpuset=\"" set \
    "\" nodeset=\"" set "\" complete_nodeset=\"" set "\" gp_index=\"2" #n                        \
    "\" local_memory=\"1073741824\"/><object type=\"Core\" os_index=\"" #n "\" cpuset=\"" set    \
    "\" complete_cpuset=\"" set "\" nodeset=\"" set "\" complete_nodeset=\"" set                 \
    "\" gp_index=\"3" #n "\"><object type=\"PU\" os_index=\"" #n "\" cpuset=\"" set              \
    "\" complete_cpuset=\"" set "\" nodeset=\"" set "\" complete_nodeset=\"" set                 \
    "\" gp_index=\"4" #n "\"/></object>" inner "</object>"
#define XML_BRIDGE(bus, inner)                                                       \
    "<object type=\"Bridge\" gp_index=\"5" bus "\" bridge_type=\"0-1\" depth=\"0\" " \
    "bridge_pci=\"0000:[" bus "-" bus "]\">" inner "</object>"
#define XML_PCI(bus, class, ids, inner)                                                     \
    "<object type=\"PCIDev\" gp_index=\"6" bus "\" pci_busid=\"0000:" bus                   \
    ":00.0\" pci_type=\"" class " [" ids "] [0000:0000] 00\" pci_link_speed=\"0.0\">" inner \
                                "</object>"
#define XML_DEVICE(index, name, info)                                                         \
    "<object type=\"OSDev\" gp_index=\"7" index "\" name=\"" name "\" osdev_type=\"5\">" info \
    "</object>"
#define XML_TAIL "</object></topology>\n"

static char *machine_of (const char *xml, char *const *env, const char *gpus)
{
    char path[256];
    char *text;

    write_file ("machine.xml", xml);
    snprintf (path, sizeof (path), "%s/machine.xml", dir);
    setenv ("HWLOC_XMLFILE", path, 1);
    text = read_machine (env, gpus);
    unsetenv ("HWLOC_XMLFILE");
    return text;
}

/* Counted on the bus, whose order is not that of the packages; consoles do not count. */
static void gpus_are_found_on_the_bus (void **state)
{
    static const char xml[] =
        XML_HEAD XML_PACKAGE (0, "0x1",
                              XML_BRIDGE ("40", XML_PCI ("40", "0302", "10de:20b0", ""))
                                  XML_BRIDGE ("01", XML_PCI ("01", "0300", "1a03:2000", "")))
            XML_PACKAGE (1, "0x2", XML_BRIDGE ("20", XML_PCI ("20", "0302", "10de:20b0", "")))
                XML_TAIL;
    char *both[] = { "CUDA_VISIBLE_DEVICES=0,1", NULL };
    char *second[] = { "CUDA_VISIBLE_DEVICES=0", "SLURM_STEP_GPUS=1", NULL };
    char *more[] = { "CUDA_VISIBLE_DEVICES=0,1,2", NULL };
    char *names[] = { "CUDA_VISIBLE_DEVICES=GPU-x,GPU-y", NULL };
    char *amd[] = { "ROCR_VISIBLE_DEVICES=1", NULL }; /* has none: then what there is */
    static const char cpus[] = "core 0|1;numa 0|1;package 0|1";
    static const struct {
        int env;
        const char *ids, *gpus;
    } table[] = {
        { 0, "0-1", ";gpu 0=1|1=0" }, { 0, "1", ";gpu 1=0" },          { 1, "0", ";gpu 0=0" },
        { 2, "0-2", ";gpu 0=1|1=0" }, { 3, "0-1", "" /* no place */ }, { 4, "1", ";gpu 1=0" },
    };
    char **envs[] = { both, second, more, names, amd };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *text = machine_of (xml, envs[table[i].env], table[i].ids);
        char expected[128];

        snprintf (expected, sizeof (expected), "%s%s", cpus, table[i].gpus);
        assert_string_equal (text, expected);
        free (text);
    }
}

/* A runtime's devices have numbers and names of their own. */
static void gpus_are_found_by_their_runtime (void **state)
{
    static const char xml[] = XML_HEAD XML_PACKAGE (
        0, "0x1",
        XML_BRIDGE ("40", XML_PCI ("40", "0380", "1002:7408",
                                   XML_DEVICE ("1", "rsmi0",
                                               "<info name=\"AMDUUID\" value=\"GPU-aa11\"/>"))))
        XML_PACKAGE (1, "0x2",
                     XML_BRIDGE ("20", XML_PCI ("20", "0380", "1002:7408",
                                                XML_DEVICE ("2", "rsmi1",
                                                            "<info name=\"AMDUUID\" "
                                                            "value=\"GPU-bb22\"/>")))) XML_TAIL;
    char *numbers[] = { "ROCR_VISIBLE_DEVICES=0,1", NULL };
    char *names[] = { "ROCR_VISIBLE_DEVICES=GPU-bb22,GPU-aa11", NULL };
    char *text = machine_of (xml, numbers, "0-1");

    (void)state;
    assert_non_null (strstr (text, ";gpu 0=0|1=1"));
    free (text);
    text = machine_of (xml, names, "0-1");
    assert_non_null (strstr (text, ";gpu 0=1|1=0"));
    free (text);
}

static void this_machine_has_a_topology (void **state)
{
    struct aw_idset none = { 0 };
    struct aw_machine machine;
    char *env[] = { NULL };
    struct aw_gpus *gpus = aw_gpus_create (env, &none, NULL);
    struct aw_error err = { "" };
    char **before = environ;

    (void)state;
    environ = env; /* setenv would replace an array that is not its own */
    assert_int_equal (aw_machine_read (&machine, gpus, &none, NULL, &err), 0);
    assert_ptr_equal (environ, env); /* callers may hold it */
    environ = before;
    assert_true (machine.is_here);
    assert_true (machine.mem > 0);
    assert_true (machine.topology.n_groups[AW_LEVEL_CORE] > 0);
    aw_machine_finish (&machine);
    aw_gpus_destroy (gpus);
}

static void memory_is_that_of_the_cgroup (void **state)
{
    static const struct {
        const char *groups, *v2_leaf, *v2_top, *v1_leaf;
        uint64_t limit;
    } table[] = {
        { "", "1000", "1000", "1000", 0 },
        { "0::/a/b\n", "max", "max", "", 0 },
        { "0::/a/b\n", "4096\n", "max", "", 4096 },
        { "0::/a/b\n", "4096\n", "2048\n", "", 2048 },
        { "0::/a/b\n", "max\n", "2048\n", "", 2048 },
        { "0::/elsewhere\n", "4096", "2048", "", 0 },
        { "9:cpu,cpuacct:/a/b\n7:memory:/a/b\n0::/\n", "1", "1", "8192\n", 8192 },
        { "9:cpu:/a/b\n", "1", "1", "8192\n", 0 },
        { "7:memory:/a/b\n", "1", "1", "9223372036854771712\n", 0 }, /* version 1's "none" */
        { "nonsense\n:\n::\n", "1", "1", "1", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        write_file ("proc/self/cgroup", table[i].groups);
        write_file ("sys/fs/cgroup/a/b/memory.max", table[i].v2_leaf);
        write_file ("sys/fs/cgroup/a/memory.max", table[i].v2_top);
        write_file ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", table[i].v1_leaf);
        assert_int_equal (aw_memory_limit (dir), table[i].limit);
    }
    assert_int_equal (aw_memory_limit ("/no/such"), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_topology_of_a_synthetic_machine_is_read),
        cmocka_unit_test (gpus_are_found_on_the_bus),
        cmocka_unit_test (gpus_are_found_by_their_runtime),
        cmocka_unit_test (this_machine_has_a_topology),
        cmocka_unit_test (memory_is_that_of_the_cgroup),
    };

    return cmocka_run_group_tests (tests, set_up, tear_down);
}
