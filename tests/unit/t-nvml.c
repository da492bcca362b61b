/* SPDX-License-Identifier: Apache-2.0 */
/* What NVML tells, from a fake of it (tests/fake-nvml) that knows two GPUs and a part of one. */
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

#include "agent/place/nvml.h"
#include "agent/place/topology.h"

static char path[] = "/tmp/aw-nvml.XXXXXX";
static struct aw_nvml *nvml;

static int set_up (void **state)
{
    int fd = mkstemp (path);

    (void)state;
    assert_true (fd >= 0);
    close (fd);
    nvml = aw_nvml_open ();
    assert_non_null (nvml);
    return 0;
}

static int tear_down (void **state)
{
    (void)state;
    aw_nvml_close (nvml);
    aw_nvml_close (NULL);
    return unlink (path);
}

static void a_library_that_does_not_answer_is_none (void **state)
{
    (void)state;
    setenv ("FAKE_NVML_BROKEN", "1", 1);
    assert_null (aw_nvml_open ());
    unsetenv ("FAKE_NVML_BROKEN");
}

static void devices_are_listed (void **state)
{
    static const struct {
        const char *entry, *name;
        unsigned bus;
        double load;
        uint64_t memory;
    } table[] = {
        { "0", "fake_a100__no_gpu_", 0x40, 0.5, UINT64_C (1) << 30 },
        { "1", "fake_a100__no_gpu_", 0x20, 1, UINT64_C (3) << 30 },
        { "GPU-fake-1", "fake_a100__no_gpu_", 0x20, 1, UINT64_C (3) << 30 },
        { "MIG-fake-1", "fake_a100__no_gpu__mig_1g.5gb", 0x20, -1, UINT64_C (1) << 20 },
        { "2", NULL, 0, 0, 0 },
        { "GPU-fake-2", NULL, 0, 0, 0 },
        { "", NULL, 0, 0, 0 },
        { "1x", NULL, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        void *device = aw_nvml_device (nvml, table[i].entry);
        struct aw_pci_place place = { 0 };
        char name[64], small[8];
        uint64_t memory;
        double load = -1;

        if (!table[i].name) {
            assert_null (device);
            continue;
        }
        assert_non_null (device);
        assert_int_equal (aw_nvml_name (nvml, device, name, sizeof (name)), 0);
        assert_string_equal (name, table[i].name);
        assert_int_equal (aw_nvml_name (nvml, device, small, sizeof (small)), -1);
        assert_int_equal (aw_nvml_place (nvml, device, &place), 0);
        assert_int_equal (place.bus, table[i].bus);
        assert_int_equal (aw_nvml_load (nvml, device, &load), table[i].load < 0 ? -1 : 0);
        assert_true (load == table[i].load);
        assert_int_equal (aw_nvml_memory (nvml, device, &memory), 0);
        assert_true (memory == table[i].memory);
    }
}

static void memory_of_processes_is_told (void **state)
{
    struct aw_gpu_process list[4];
    void *device = aw_nvml_device (nvml, "1");
    FILE *file;

    (void)state;
    assert_int_equal (aw_nvml_processes (nvml, device, list, 4), -1);
    setenv ("FAKE_NVML", path, 1);
    assert_int_equal (aw_nvml_processes (nvml, device, list, 4), 0);
    file = fopen (path, "w");
    assert_non_null (file);
    fprintf (file, "1 101 5000 40\n0 102 1 1\n1 103 18446744073709551615 -\n1 104 7 60\n");
    assert_int_equal (fclose (file), 0);
    assert_int_equal (aw_nvml_processes (nvml, device, list, 4), 3);
    assert_int_equal (list[0].pid, 101);
    assert_int_equal (list[0].memory, 5000);
    assert_true (list[0].load == 0.4); /* the newest sample */
    assert_int_equal (list[1].pid, 103);
    assert_int_equal (list[1].memory, 0); /* not available */
    assert_true (list[1].load == 0); /* others have computed, it has not */
    assert_true (list[2].load == 0.6);
    assert_int_equal (aw_nvml_processes (nvml, device, list, 2), 2);
    unsetenv ("FAKE_NVML");
}

/* Names of GPUs that the machine's topology does not know where to put. */
static void names_of_gpus_become_types (void **state)
{
    char *env[] = { "CUDA_VISIBLE_DEVICES=MIG-fake-1,GPU-fake-0,GPU-other", NULL };
    struct aw_idset ids = { 0 };
    struct aw_machine machine;
    struct aw_gpus *gpus;

    (void)state;
    assert_int_equal (aw_idset_add (&ids, 0, 2), 0);
    gpus = aw_gpus_create (env, &ids, NULL);
    assert_non_null (gpus);
    assert_int_equal (aw_machine_read (&machine, gpus, &ids, nvml, NULL), 0);
    assert_int_equal (machine.topology.n_gpus, 2);
    assert_int_equal (machine.topology.gpus[0].id, 0);
    assert_string_equal (machine.topology.gpus[0].type, "fake_a100__no_gpu__mig_1g.5gb");
    assert_string_equal (machine.topology.gpus[1].type, "fake_a100__no_gpu_");
    aw_machine_finish (&machine);
    aw_gpus_destroy (gpus);
    aw_idset_finish (&ids);
}

/* The loader looks for the fake where it is told to when a program starts. */
static int start_again (char **argv)
{
    const char *builddir = getenv ("builddir");
    char directory[512];

    snprintf (directory, sizeof (directory), "%s/fake-nvml/.libs", builddir ? builddir : ".");
    setenv ("LD_LIBRARY_PATH", directory, 1);
    setenv ("FAKE_NVML_READY", "1", 1);
    execv ("/proc/self/exe", argv);
    return 1;
}

int main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_library_that_does_not_answer_is_none),
        cmocka_unit_test (devices_are_listed),
        cmocka_unit_test (memory_of_processes_is_told),
        cmocka_unit_test (names_of_gpus_become_types),
    };

    (void)argc;
    if (!getenv ("FAKE_NVML_READY"))
        return start_again (argv);
    return cmocka_run_group_tests (tests, set_up, tear_down);
}
