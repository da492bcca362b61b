/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment of a task says of its CPUs and GPUs. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/environment.h"
#include "util/strings.h"
#include "agent/place/gpus.h"
#include "variables.h"

static void a_number_of_threads_that_is_given_stays (void **state)
{
    char *base[] = { "OMP_NUM_THREADS=3", NULL };
    char *given[] = { "OMP_NUM_THREADS=5", NULL };
    struct aw_idset none = { 0 };
    struct aw_environment *environment;
    struct aw_launch launch;

    (void)state;
    aw_launch_init (&launch);
    assert_int_equal (aw_idset_add (&launch.cpus, 0, 7), 0);
    environment = aw_environment_create (base, &none, NULL,
                                         NULL); /* the user's own wins over the number of CPUs */
    assert_int_equal (variables_count (aw_environment_make (environment, &launch, false, NULL),
                                       "OMP_NUM_THREADS=3"),
                      1);
    assert_int_equal (variables_count_name (aw_environment_make (environment, &launch, false, NULL),
                                            "OMP_NUM_THREADS"),
                      1);
    launch.env = given; /* and the workflow's over both */
    assert_int_equal (variables_count (aw_environment_make (environment, &launch, false, NULL),
                                       "OMP_NUM_THREADS=5"),
                      1);
    assert_int_equal (variables_count_name (aw_environment_make (environment, &launch, false, NULL),
                                            "OMP_NUM_THREADS"),
                      1);
    aw_environment_destroy (environment);
    environment = aw_environment_create (base + 1, &none, NULL, NULL);
    assert_int_equal (variables_count (aw_environment_make (environment, &launch, false, NULL),
                                       "OMP_NUM_THREADS=5"),
                      1);
    assert_int_equal (variables_count_name (aw_environment_make (environment, &launch, false, NULL),
                                            "OMP_NUM_THREADS"),
                      1);
    aw_environment_destroy (environment);
    aw_idset_finish (&launch.cpus);
}

/* What a launch of CPUs, SHARE and environment GIVEN makes of VARIABLE; "" where it is not there.
 */
static void place (char *const *base,
                   const char *cpus,
                   uint32_t share,
                   char **given,
                   bool bound,
                   const char *name,
                   char *value,
                   size_t size)
{
    const char *topology = "core 0,4|1,5|2,6|3,7;numa 0-7";
    struct aw_idset gpus = { 0 };
    struct aw_environment *environment;
    struct aw_launch launch;
    const char *found;

    environment = aw_environment_create (base, &gpus, topology, NULL);
    assert_non_null (environment);
    aw_launch_init (&launch);
    launch.env = given;
    launch.gpu_share = share;
    assert_int_equal (aw_idset_parse (&launch.cpus, cpus), 0);
    found = aw_env_get (aw_environment_make (environment, &launch, bound, NULL), name);
    snprintf (value, size, "%s", found ? found : "");
    aw_idset_finish (&launch.cpus);
    aw_environment_destroy (environment);
}

static void threads_get_the_places_of_the_cpus (void **state)
{
    static char *none[] = { NULL };
    static char *bind[] = { "OMP_PROC_BIND=close", NULL };
    static char *own[] = { "OMP_PLACES=threads", NULL };
    static char *intel[] = { "KMP_AFFINITY=compact", NULL };
    static const struct {
        char **base;
        char **given;
        const char *cpus;
        bool bound;
        const char *places, *bind;
    } table[] = {
        { none, none, "0-3", true, "{0},{1},{2},{3}", "false" },
        { none, none, "0-1,4-5", true, "{0,4},{1,5}", "false" },
        { none, none, "2,4-6", true, "{2,6},{4},{5}", "false" },
        { none, none, "7-9", true, "{7},{8},{9}", "false" }, /* some not in the topology */
        { none, none, "0-3", false, "", "" },
        { bind, none, "1,5", true, "{1,5}", "close" },
        { none, bind, "1,5", true, "{1,5}", "close" },
        { own, none, "1,5", true, "threads", "" },
        { none, own, "1,5", true, "threads", "" },
        { intel, none, "1,5", true, "", "" },
        { none, intel, "1,5", true, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char value[64];

        place (table[i].base, table[i].cpus, 0, table[i].given, table[i].bound, "OMP_PLACES", value,
               sizeof (value));
        assert_string_equal (value, table[i].places);
        place (table[i].base, table[i].cpus, 0, table[i].given, table[i].bound, "OMP_PROC_BIND",
               value, sizeof (value));
        assert_string_equal (value, table[i].bind);
    }
}

static void gpus_are_numbered_as_the_task_sees_them (void **state)
{
    char *none[] = { NULL };
    char *numbers[] = { "CUDA_VISIBLE_DEVICES=0,1", NULL };
    char *names[] = { "CUDA_VISIBLE_DEVICES=GPU-0,1", NULL };
    char *given[] = { "CUDA_VISIBLE_DEVICES=0,1", "CUDA_DEVICE_ORDER=FASTEST_FIRST", NULL };
    const struct {
        char **base, **launch;
        const char *order;
    } table[] = {
        { none, none, "" },
        { numbers, none, "PCI_BUS_ID" },
        { numbers, given + 1, "FASTEST_FIRST" },
        { names, none, "" },
        { given, none, "FASTEST_FIRST" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char value[64];

        place (table[i].base, "0", 0, table[i].launch, true, "CUDA_DEVICE_ORDER", value,
               sizeof (value));
        assert_string_equal (value, table[i].order);
    }
}

static void a_share_of_a_gpu_is_told (void **state)
{
    char *none[] = { NULL };
    char *given[] = { "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=80", NULL };
    char value[64];

    (void)state;
    place (none, "0", 250, none, true, "ASYNC_WORKFLOW_GPU_SHARE", value, sizeof (value));
    assert_string_equal (value, "0.25");
    place (none, "0", 125, none, true, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", value, sizeof (value));
    assert_string_equal (value, "12.5");
    place (given, "0", 125, none, true, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", value, sizeof (value));
    assert_string_equal (value, "80");
    place (none, "0", 125, given, true, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", value, sizeof (value));
    assert_string_equal (value, "80");
    place (none, "0", 0, none, true, "ASYNC_WORKFLOW_GPU_SHARE", value, sizeof (value));
    assert_string_equal (value, "");
    place (none, "0", 0, none, true, "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", value, sizeof (value));
    assert_string_equal (value, "");
}

static void lists_of_gpus_become_ids (void **state)
{
    static const struct {
        const char *list, *ids;
    } table[] = {
        { NULL, "" },
        { "", "" },
        { "0", "0" },
        { "0,1,2,3", "0-3" },
        { "3,1", "1,3" },
        { "2,3", "2-3" },
        { "0,0", "0-1" }, /* no numbers of devices */
        { "GPU-8f2c,GPU-11aa,GPU-0", "0-2" },
        { "MIG-x", "0" },
        { "0,GPU-1", "0-1" },
        { "1.0,1.1", "0-1" }, /* tiles */
        { "00000000000000001,1", "0-1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_idset set = { 0 };
        char text[64];

        assert_int_equal (aw_gpus_ids (table[i].list, &set), 0);
        aw_idset_format (&set, text, sizeof (text));
        assert_string_equal (text, table[i].ids);
        aw_idset_finish (&set);
    }
}

static void each_vendor_has_its_variable (void **state)
{
    static const struct {
        const char *cuda, *rocr, *ze; /* of the agent; NULL: not set */
        const char *ids; /* of the node */
        const char *mine; /* of the task */
        const char *expected; /* the variables, a blank between */
    } table[] = {
        { NULL, NULL, NULL, "", "", "CUDA_VISIBLE_DEVICES=" },
        { "0,1,2,3", NULL, NULL, "0-3", "", "CUDA_VISIBLE_DEVICES=" },
        { "0,1,2,3", NULL, NULL, "0-3", "2", "CUDA_VISIBLE_DEVICES=2" },
        { "0,1,2,3", NULL, NULL, "0-3", "1,3", "CUDA_VISIBLE_DEVICES=1,3" },
        { "3,1", NULL, NULL, "1,3", "3", "CUDA_VISIBLE_DEVICES=3" },
        { "GPU-a,GPU-b,GPU-c", NULL, NULL, "0-2", "0,2", "CUDA_VISIBLE_DEVICES=GPU-a,GPU-c" },
        { NULL, NULL, NULL, "4-7", "5", "CUDA_VISIBLE_DEVICES=5" }, /* from SLURM_STEP_GPUS */
        { "0,1", "0,1", NULL, "0-1", "1",
          "CUDA_VISIBLE_DEVICES=1 ROCR_VISIBLE_DEVICES=1 HIP_VISIBLE_DEVICES=0" },
        { "0,1", "0,1", NULL, "0-1", "",
          "CUDA_VISIBLE_DEVICES= ROCR_VISIBLE_DEVICES= HIP_VISIBLE_DEVICES=-1" },
        { "0,1,2", "0,1,2", NULL, "0-2", "1-2",
          "CUDA_VISIBLE_DEVICES=1,2 ROCR_VISIBLE_DEVICES=1,2 HIP_VISIBLE_DEVICES=0,1" },
        { NULL, "0,1,2", NULL, "0-2", "1,2", "CUDA_VISIBLE_DEVICES=0,1 ROCR_VISIBLE_DEVICES=1,2" },
        { NULL, NULL, "0,1", "0-1", "1", "CUDA_VISIBLE_DEVICES=1 ZE_AFFINITY_MASK=1" },
        { NULL, NULL, "0.0,0.1,1", "0-2", "1", "CUDA_VISIBLE_DEVICES=1 ZE_AFFINITY_MASK=0.1" },
        { NULL, NULL, "0,1", "0-1", "",
          "CUDA_VISIBLE_DEVICES= ZE_AFFINITY_MASK=65535" }, /* empty would be all */
        { "MIG-a,MIG-b", NULL, NULL, "0-1", "1", "CUDA_VISIBLE_DEVICES=MIG-b" },
        { "0,1,2", "GPU-x,GPU-y", NULL, "0-2", "1",
          "CUDA_VISIBLE_DEVICES=1 ROCR_VISIBLE_DEVICES=1 HIP_VISIBLE_DEVICES=0" }, /* does not fit
                                                                                    */
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char cuda[64], rocr[64], ze[64], text[256];
        char *env[4] = { NULL };
        struct aw_idset ids = { 0 }, mine = { 0 };
        struct aw_textbuf out = { 0 };
        struct aw_gpus *gpus;
        int n = 0;

        snprintf (cuda, sizeof (cuda), "CUDA_VISIBLE_DEVICES=%s",
                  table[i].cuda ? table[i].cuda : "");
        snprintf (rocr, sizeof (rocr), "ROCR_VISIBLE_DEVICES=%s",
                  table[i].rocr ? table[i].rocr : "");
        snprintf (ze, sizeof (ze), "ZE_AFFINITY_MASK=%s", table[i].ze ? table[i].ze : "");
        if (table[i].cuda)
            env[n++] = cuda;
        if (table[i].rocr)
            env[n++] = rocr;
        if (table[i].ze)
            env[n++] = ze;
        assert_int_equal (aw_idset_parse (&ids, table[i].ids), 0);
        assert_int_equal (aw_idset_parse (&mine, table[i].mine), 0);
        gpus = aw_gpus_create (env, &ids, NULL);
        assert_non_null (gpus);
        aw_gpus_variables (gpus, &mine, &out);
        assert_true (out.len > 0 && out.len < sizeof (text));
        for (size_t c = 0; c < out.len; c++)
            text[c] = out.data[c] ? out.data[c] : ' ';
        text[out.len - 1] = '\0';
        assert_string_equal (text, table[i].expected);
        aw_textbuf_finish (&out);
        aw_gpus_destroy (gpus);
        aw_idset_finish (&ids);
        aw_idset_finish (&mine);
    }
    aw_gpus_destroy (NULL);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_number_of_threads_that_is_given_stays),
        cmocka_unit_test (threads_get_the_places_of_the_cpus),
        cmocka_unit_test (a_share_of_a_gpu_is_told),
        cmocka_unit_test (gpus_are_numbered_as_the_task_sees_them),
        cmocka_unit_test (lists_of_gpus_become_ids),
        cmocka_unit_test (each_vendor_has_its_variable),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
