/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/command.h"
#include "coord/slurm/salloc.h"
#include "coord/slurm/srun_env.h"

static struct aw_error err;

static void an_empty_environment_stays_empty (void **state)
{
    struct aw_strings out = { 0 };
    char *none[] = { NULL };

    (void)state;
    assert_int_equal (aw_srun_env (&out, NULL, &err), 0);
    assert_int_equal (aw_srun_env (&out, none, &err), 0);
    assert_int_equal (aw_salloc_env (&out, none, &err), 0);
    assert_int_equal (out.n, 0);
    aw_strings_finish (&out);
}

static void variables_that_shape_the_step_are_removed (void **state)
{
    static const char *const names[] = {
        "SLURM_NTASKS",
        "SLURM_NPROCS",
        "SLURM_NTASKS_PER_NODE",
        "SLURM_CPUS_PER_TASK",
        "SRUN_CPUS_PER_TASK",
        "SLURM_MEM_PER_CPU",
        "SLURM_MEM_PER_NODE",
        "SLURM_MEM_PER_GPU",
        "SLURM_GPUS",
        "SLURM_GPUS_PER_NODE",
        "SLURM_GPUS_PER_TASK",
        "SLURM_GPUS_PER_SOCKET",
        "SLURM_TRES_PER_TASK",
        "SLURM_EXACT",
        "SLURM_EXPORT_ENV",
        "SLURM_STDOUTMODE",
        "SLURM_WORKING_DIR",
        "SLURM_DISTRIBUTION",
        "SLURM_THREADS_PER_CORE",
        "SLURM_WAIT",
        "SLURM_CPU_BIND",
        "SLURM_CPU_BIND_TYPE",
        "SLURM_MEM_BIND_LIST",
        "SLURM_UMASK",
        "SLURM_GRES",
        "SLURM_HINT",
        "SLURM_HOSTFILE",
        "SLURM_OVERCOMMIT",
        "SRUN_EXPORT_ENV",
        "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow_mode",
    };
    static const char *const kept[] = {
        "SLURM_JOB_ID",
        "SLURM_JOBID",
        "SLURM_JOB_NAME",
        "SLURM_SUBMIT_DIR",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_JOB_NODELIST",
        "SLURM_JOB_NUM_NODES",
        "SLURM_CONF",
        "SLURM_CLUSTERS",
        "SLURM_GPUSX",
        "SLURM_JOB_GPUS",
        "SLURM_CPUS_ON_NODE",
        "SLURM_HET_SIZE",
        "SLURM_DEBUG",
        "PATH",
        "SLURM",
        "SLURM_GPU",
        "SRUN",
        "OMP_NUM_THREADS",
        "SALLOC_PARTITION",
        "SLURM_SPANK__SLURM_SPANK_OPTION_pyxis_container_image",
    };

    (void)state;
    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++) {
        struct aw_strings out = { 0 };
        char variable[128];
        char *env[] = { "A=1", variable, "B=2", NULL };

        snprintf (variable, sizeof (variable), "%s=7", names[i]);
        assert_true (aw_srun_env_removes (names[i]));
        assert_int_equal (aw_srun_env (&out, env, &err), 0);
        assert_int_equal (out.n, 2);
        assert_string_equal (out.v[1], "B=2");
        aw_strings_finish (&out);
    }
    for (size_t i = 0; i < sizeof (kept) / sizeof (kept[0]); i++)
        assert_false (aw_srun_env_removes (kept[i]));
}

static void variables_of_srun_become_those_of_salloc (void **state)
{
    char *env[] = { "A=1",
                    "SLURM_PARTITION=gpu",
                    "SALLOC_PARTITION=other",
                    "SALLOC_ACCOUNT=mine",
                    "SLURM_MEM_PER_NODE=4G",
                    "SLURM_NTASKS=3",
                    "SLURM_CLUSTERS=east",
                    "SRUN_CONTAINER=/bundle",
                    NULL };
    struct aw_strings out = { 0 };

    (void)state;
    assert_int_equal (aw_salloc_env (&out, env, &err), 0);
    assert_string_equal (aw_strings_getenv (&out, "A"), "1");
    assert_string_equal (aw_strings_getenv (&out, "SALLOC_PARTITION"), "gpu");
    assert_string_equal (aw_strings_getenv (&out, "SALLOC_MEM_PER_NODE"), "4G");
    assert_string_equal (aw_strings_getenv (&out, "SALLOC_CLUSTERS"), "east");
    assert_string_equal (aw_strings_getenv (&out, "SALLOC_CONTAINER"), "/bundle");
    assert_null (aw_strings_getenv (&out, "SALLOC_ACCOUNT"));
    assert_null (aw_strings_getenv (&out, "SALLOC_NTASKS"));
    assert_int_equal (out.n, 10);
    aw_strings_finish (&out);
}

static char *joined (const struct aw_strings *line)
{
    static char text[2048];

    text[0] = '\0';
    for (size_t i = 0; i < line->n; i++) {
        strcat (text, i ? " " : "");
        strcat (text, line->v[i]);
    }
    return text;
}

static void options_of_the_allocation_go_to_salloc (void **state)
{
    char *command[] = { "/bin/async-workflow", "run", "f.json", NULL };
    char *argv[] = { "-n8", "-c4", "--gpus-per-node=2", "-v", "--export=A", "-K", NULL };
    char *named[] = { "-J", "mine", NULL };
    struct aw_srun_options options;
    struct aw_strings line = { 0 };

    (void)state;
    assert_int_equal (aw_srun_options_sort (&options, argv, false, &err), 0);
    assert_int_equal (aw_salloc_line (&line, &options, "ddmd", NULL, &err), -1);
    assert_int_equal (aw_salloc_line (&line, &options, "ddmd", command, &err), 0);
    assert_string_equal (joined (&line),
                         "salloc --job-name=ddmd --kill-command=TERM --ntasks=8 --cpus-per-task=4 "
                         "--gpus-per-node=2 --verbose /bin/async-workflow run f.json -- --verbose "
                         "--export=A");
    aw_strings_finish (&line);
    aw_srun_options_finish (&options);

    assert_int_equal (aw_srun_options_sort (&options, named, false, &err), 0);
    setenv ("SLURM_NTASKS", "5", 1);
    assert_int_equal (aw_salloc_line (&line, &options, "ddmd", command, &err), 0);
    unsetenv ("SLURM_NTASKS");
    assert_string_equal (joined (&line), "salloc --job-name=mine --kill-command=TERM --ntasks=5 "
                                         "/bin/async-workflow run f.json --");
    aw_strings_finish (&line);
    aw_srun_options_finish (&options);
}

static void a_missing_salloc_is_reported (void **state)
{
    char *command[] = { "true", NULL };
    struct aw_srun_options options = { 0 };
    const char *usual = getenv ("PATH");
    char *path = strdup (usual ? usual : "");

    (void)state;
    assert_int_equal (AW_EXIT_POOL, 4); /* as salloc.c has it */
    setenv ("PATH", "/nonexistent", 1);
    assert_int_equal (aw_salloc_exec (&options, NULL, command, &err), -1);
    assert_string_equal (err.text, "salloc cannot be started: No such file or directory");
    setenv ("PATH", path, 1);
    free (path);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (an_empty_environment_stays_empty),
        cmocka_unit_test (variables_that_shape_the_step_are_removed),
        cmocka_unit_test (variables_of_srun_become_those_of_salloc),
        cmocka_unit_test (options_of_the_allocation_go_to_salloc),
        cmocka_unit_test (a_missing_salloc_is_reported),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
