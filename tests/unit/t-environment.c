/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a task: what is hidden, and what describes the task. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/environment.h"
#include "util/packet.h"
#include "util/strings.h"
#include "agent/python_path.h"
#include "agent/node.h"
#include "variables.h"

static void variables_of_the_step_are_hidden (void **state)
{
    static const struct {
        const char *variable;
        bool hides;
    } table[] = {
        { "PATH=/bin", false },
        { "HOME=/root", false },
        { "SLURM_JOB_ID=1", false },
        { "SLURM_JOBID=1", false },
        { "SLURM_JOB_NODELIST=n[1-4]", true },
        { "SLURM_NODELIST=n[1-4]", true },
        { "SLURM_JOB_CPUS_PER_NODE=16(x4)", true },
        { "SLURM_JOB_GPUS=0,1", true },
        { "SLURM_SUBMIT_DIR=/tmp", false },
        { "SLURM_ARRAY_TASK_ID=7", false },
        { "SLURM_CONF=/etc/slurm.conf", false },
        { "SLURMD_NODENAME=n1", false },
        { "SLURM_TMPDIR=/scratch", false },
        { "OMP_NUM_THREADS=4", false },
        { "OMPI_MCA_btl=self", false },
        { "PMIXED=1", false },
        { "SLURM_PROCID=0", true },
        { "SLURM_PROCID", true },
        { "SLURM_PROCIDX=0", false },
        { "SLURM_NTASKS=4", true },
        { "SLURM_NTASKS_PER_NODE=1", true },
        { "SLURM_STEP_ID=0", true },
        { "SLURM_STEPID=0", true },
        { "SLURM_STEP_GPUS=0", true },
        { "SLURM_LOCALID=0", true },
        { "SLURM_CPUS_PER_TASK=4", true },
        { "SLURM_CPU_BIND=quiet", true },
        { "SLURM_MEM_PER_CPU=1", true },
        { "SLURM_OOM_KILL_STEP=0", true },
        { "SLURM_GPUS=4", true },
        { "SLURM_GPUS_ON_NODE=4", true },
        { "PMI_RANK=0", true },
        { "PMIX_RANK=0", true },
        { "SLURM_PMIX_MAPPING=x", true },
        { "ASYNC_WORKFLOW_MUNGE_SOCKET=/x", true },
        { "ASYNC_WORKFLOW=x", false },
        { "HIP_VISIBLE_DEVICES=0", true },
        { "PWD=/", true },
        { "PWDX=/", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        if (aw_environment_hides (table[i].variable) != table[i].hides)
            fail_msg ("%s is %s", table[i].variable, table[i].hides ? "shown" : "hidden");
}

static void a_variable_is_found_by_its_name (void **state)
{
    char *env[] = { "A=1", "AB=2", "C", "D=", NULL };

    (void)state;
    assert_string_equal (aw_env_get (env, "A"), "1");
    assert_string_equal (aw_env_get (env, "AB"), "2");
    assert_string_equal (aw_env_get (env, "D"), "");
    assert_null (aw_env_get (env, "C"));
    assert_null (aw_env_get (env, "B"));
    assert_null (aw_env_get (NULL, "A"));
}

static void a_task_gets_the_variables_that_describe_it (void **state)
{
    char *base[] = { "Z=26",    "PATH=/bin",      "A=1",     "AB=12",
                     "NOVALUE", "SLURM_PROCID=3", "A=again", "ASYNC_WORKFLOW_TASK=outer",
                     NULL };
    char *given[] = { "A=new", "Z", "NEW=", "NEW=2", "ASYNC_WORKFLOW_TASK=t[3]", "UNKNOWN", NULL };
    struct aw_idset gpus = { 0 };
    struct aw_error err = { "" };
    struct aw_environment *environment = aw_environment_create (base, &gpus, NULL, &err);
    struct aw_launch launch;
    char **env;

    (void)state;
    assert_non_null (environment);
    aw_launch_init (&launch);
    launch.task = 17;
    launch.attempt = 2;
    launch.env = given;
    assert_int_equal (aw_idset_add (&launch.cpus, 4, 7), 0);
    for (int round = 0; round < 2; round++) {
        env = aw_environment_make (environment, &launch, false, NULL);
        assert_non_null (env);
        assert_int_equal (variables_count (env, "A=new"), 1);
        assert_int_equal (variables_count_name (env, "A"), 1);
        assert_int_equal (variables_count (env, "AB=12"), 1);
        assert_int_equal (variables_count (env, "PATH=/bin"), 1);
        assert_int_equal (variables_count_name (env, "Z"), 0); /* removed */
        assert_int_equal (variables_count (env, "NEW=2"), 1);
        assert_int_equal (variables_count_name (env, "NEW"), 1);
        assert_int_equal (variables_count (env, "ASYNC_WORKFLOW_TASK=t[3]"), 1);
        assert_int_equal (variables_count_name (env, "ASYNC_WORKFLOW_TASK"), 1);
        assert_int_equal (variables_count_name (env, "SLURM_PROCID"), 0);
        assert_int_equal (variables_count (env, "OMP_NUM_THREADS=4"), 1);
        assert_int_equal (variables_count (env, "CUDA_VISIBLE_DEVICES="),
                          1); /* it asked for none: it sees none */
        assert_int_equal (variables_count (env, AW_PACKET_LAUNCH "=17.2"), 1);
        for (char **p = env; *p; p++)
            assert_non_null (strchr (*p, '='));
    }
    /* The next launch has nothing of the one before. */
    launch.env = NULL;
    env = aw_environment_make (environment, &launch, false, NULL);
    assert_int_equal (variables_count (env, "Z=26"), 1);
    assert_int_equal (variables_count_name (env, "NEW"), 0);
    aw_idset_finish (&launch.cpus);
    aw_environment_destroy (environment);
    aw_environment_destroy (NULL);
}

static void the_python_module_comes_last (void **state)
{
    static const struct {
        const char *paths, *all;
    } table[] = {
        { NULL, "/m" },        { "", "/m" },          { ":", "/m" },
        { "::", "/m" },        { "/a", "/a:/m" },     { "/a:/b", "/a:/b:/m" },
        { "/a::", "/a:/m" },   { ":/a", ":/a:/m" },   { "/m", "/m" },
        { "/a:/m", "/a:/m" },  { "/m:/a:", "/m:/a" }, { "/mm", "/mm:/m" },
        { "/a/m", "/a/m:/m" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *all = aw_python_path (table[i].paths, "/m");

        assert_string_equal (all, table[i].all);
        free (all);
    }
}

static void a_task_finds_the_python_module (void **state)
{
    char *base[] = { "PYTHONPATH=/base", "PYTHONPATHS=x", NULL };
    char *given[] = { "PYTHONPATH=/first", "PYTHONPATH=/given:", NULL },
         *removed[] = { "PYTHONPATH", NULL };
    struct {
        char **env;
        const char *before, *after;
    } table[] = { { NULL, "PYTHONPATH=/base", "PYTHONPATH=/base:/m" },
                  { given, "PYTHONPATH=/given:", "PYTHONPATH=/given:/m" },
                  { removed, NULL, "PYTHONPATH=/base:/m" } };
    struct aw_idset gpus = { 0 };
    struct aw_error err = { "" };
    struct aw_environment *environment = aw_environment_create (base, &gpus, NULL, &err);
    struct aw_launch launch;

    (void)state;
    assert_non_null (environment);
    aw_launch_init (&launch);
    assert_int_equal (aw_idset_add (&launch.cpus, 0, 0), 0);
    for (int python = 0; python < 2; python++) {
        for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
            const char *want = python ? table[i].after : table[i].before;
            char **env;

            launch.env = table[i].env;
            env = aw_environment_make (environment, &launch, false, NULL);
            assert_non_null (env);
            assert_int_equal (variables_count_name (env, "PYTHONPATH"), want != NULL);
            if (want)
                assert_int_equal (variables_count (env, want), 1);
            assert_int_equal (variables_count (env, "PYTHONPATHS=x"), 1);
        }
        assert_int_equal (aw_environment_add_python (environment, "/m"), 0);
    }
    launch.env = NULL;
    aw_launch_finish (&launch);
    aw_environment_destroy (environment);
}

static void commands_like_slurms_come_first (void **state)
{
    static const struct {
        const char *paths, *all;
    } table[] = {
        { NULL, "/s:/usr/local/bin:/usr/bin:/bin" },
        { "", "/s:/usr/local/bin:/usr/bin:/bin" },
        { "/a:/b", "/s:/a:/b" },
        { "/s", "/s" },
        { "/s:/a", "/s:/a" },
        { "/ss:/a", "/s:/ss:/a" },
        { "/a:/s", "/s:/a:/s" },
        { ":/a", "/s::/a" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *all = aw_commands_path (table[i].paths, "/s");

        assert_string_equal (all, table[i].all);
        free (all);
    }
}

/* A srun in a task must not wait for the pool's step; outside a job there is none to wait for. */
static void srun_in_a_task_sees_the_job (void **state)
{
    char *in_job[] = { "SLURM_JOB_ID=7", "SLURM_OVERLAP=0", NULL };
    char *outside[] = { "PATH=/bin", NULL };
    struct aw_idset none = { 0 };
    struct aw_environment *environment;
    struct aw_launch launch;

    (void)state;
    aw_launch_init (&launch);
    environment = aw_environment_create (in_job, &none, NULL, NULL);
    assert_int_equal (variables_count (aw_environment_make (environment, &launch, false, NULL),
                                       "SLURM_OVERLAP=1"),
                      1);
    assert_int_equal (variables_count_name (aw_environment_make (environment, &launch, false, NULL),
                                            "SLURM_OVERLAP"),
                      1);
    aw_environment_destroy (environment);
    environment = aw_environment_create (outside, &none, NULL, NULL);
    assert_int_equal (variables_count_name (aw_environment_make (environment, &launch, false, NULL),
                                            "SLURM_OVERLAP"),
                      0);
    aw_environment_destroy (environment);
}

/* A node, CPUs and GPUs of a job of 4 nodes, 16 CPUs and 4 GPUs each. */
static void the_job_is_as_large_as_the_task (void **state)
{
    char *base[] = { "SLURM_JOB_ID=7",
                     "SLURMD_NODENAME=n3",
                     "SLURM_JOB_NODELIST=n[1-4]",
                     "SLURM_NNODES=4",
                     "SLURM_TASKS_PER_NODE=1(x4)",
                     "SLURM_CPUS_ON_NODE=16",
                     "SLURM_JOB_CPUS_PER_NODE=16(x4)",
                     "SLURM_JOB_GPUS=0,1,2,3",
                     "SLURM_STEP_GPUS=0,1,2,3",
                     "SLURM_GPUS=16",
                     "CUDA_VISIBLE_DEVICES=0,1,2,3",
                     "OMPI_MCA_ras_slurm_use_entire_allocation=0",
                     NULL };
    static const char *const expected[] = {
        "ASYNC_WORKFLOW_JOB=7",
        "SLURM_JOB_ID=7",
        "SLURMD_NODENAME=n3",
        "SLURM_JOB_NODELIST=n3",
        "SLURM_NODELIST=n3",
        "SLURM_JOB_NUM_NODES=1",
        "SLURM_NNODES=1",
        "SLURM_TASKS_PER_NODE=1",
        "SLURM_CPUS_ON_NODE=3",
        "SLURM_CPUS_PER_TASK=3",
        "SLURM_JOB_CPUS_PER_NODE=3",
        "SLURM_GPUS=2",
        "SLURM_GPUS_ON_NODE=2",
        "SLURM_JOB_GPUS=1,3",
        "CUDA_VISIBLE_DEVICES=1,3",
        "OMPI_MCA_ras_slurm_use_entire_allocation=0", /* the user's own */
        "PRTE_MCA_ras_slurm_use_entire_allocation=1",
    };
    struct aw_idset gpus = { 0 };
    struct aw_environment *environment;
    struct aw_launch launch;
    char **env;

    (void)state;
    aw_launch_init (&launch);
    assert_int_equal (aw_idset_parse (&gpus, "0-3"), 0);
    assert_int_equal (aw_idset_parse (&launch.cpus, "4-6"), 0);
    assert_int_equal (aw_idset_parse (&launch.gpus, "1,3"), 0);
    environment = aw_environment_create (base, &gpus, NULL, NULL);
    env = aw_environment_make (environment, &launch, false, NULL);
    for (size_t i = 0; i < sizeof (expected) / sizeof (expected[0]); i++)
        if (variables_count (env, expected[i]) != 1)
            fail_msg ("%s is there %d times", expected[i], variables_count (env, expected[i]));
    assert_int_equal (variables_count_name (env, "SLURM_STEP_GPUS"), 0);
    aw_idset_finish (&launch.gpus);
    env = aw_environment_make (environment, &launch, false, NULL);
    assert_int_equal (variables_count_name (env, "SLURM_GPUS"), 0);
    assert_int_equal (variables_count_name (env, "SLURM_JOB_GPUS"), 0);
    aw_idset_finish (&launch.cpus);
    aw_idset_finish (&gpus);
    aw_environment_destroy (environment);
}

/* What the node offers by Slurm's word. */
static void a_task_knows_its_node (void **state)
{
    char *slurm[] = { "SLURM_CPUS_ON_NODE=4096", "CUDA_VISIBLE_DEVICES=0,1", "SLURM_STEP_GPUS=4,5",
                      "SLURM_MEM_PER_NODE=2000", NULL };
    char *nothing[] = { "CUDA_VISIBLE_DEVICES=NoDevFiles", NULL };
    char *wrong[] = { "SLURM_CPUS_ON_NODE=99999999999", NULL };
    struct aw_agent_config config = { .fd = -1 };
    struct aw_error err = { "" };
    uint32_t here;

    (void)state;
    assert_int_equal (aw_node_discover (&config, nothing, &err),
                      0); /* what this process may use, all of it bindable */
    here = aw_idset_count (&config.cpus);
    assert_true (here > 0);
    assert_true (config.bind);
    assert_null (config.note);
    assert_int_equal (aw_idset_count (&config.gpus), 0);
    assert_true (config.mem > 0); /* the machine's */
    assert_non_null (config.topology);
    assert_non_null (strstr (config.topology, "core "));
    aw_node_finish (&config);
    assert_int_equal (aw_node_discover (&config, slurm, &err), 0);
    assert_int_equal (aw_idset_count (&config.cpus), 4096);
    assert_false (config.bind);
    assert_non_null (strstr (config.note, "run unbound"));
    assert_int_equal (aw_idset_count (&config.gpus), 2);
    assert_true (aw_idset_has (&config.gpus, 0));
    assert_int_equal (config.mem, UINT64_C (2000) << 20);
    aw_node_finish (&config);
    assert_int_equal (aw_node_discover (&config, slurm + 2, &err), 0);
    assert_true (aw_idset_has (&config.gpus, 5));
    aw_node_finish (&config);
    assert_int_equal (aw_node_discover (&config, wrong, &err), -1);
}

/* A submitted task: what its submission had, but for what is ours, of a step, or of the node. */
static void the_environment_of_a_submission_takes_the_place_of_the_agents (void **state)
{
    static const char text[] =
        "PATH=/p\0SLURMD_NODENAME=n1\0HOSTNAME=n1\0ASYNC_WORKFLOW_TOKEN=x\0SLURM_PROCID=3\0"
        "OMP_NUM_THREADS=7\0A=submitted\0B=\0";
    char *own[] = { "PATH=/own", "A=own", "C=own", "SLURMD_NODENAME=n2", NULL };
    char *given[] = { "B=given", NULL };
    char path[] = "/tmp/aw-environment.XXXXXX";
    struct aw_environment *environment;
    struct aw_launch launch;
    struct aw_error err;
    char **env;
    int fd = mkstemp (path);

    (void)state;
    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, sizeof (text) - 1), sizeof (text) - 1);
    close (fd);
    environment = aw_environment_create (own, &(struct aw_idset){ 0 }, NULL, &err);
    assert_non_null (environment);
    aw_launch_init (&launch);
    launch.base = path;
    launch.env = given;
    for (int i = 0; i < 2; i++) { /* the second time it is known */
        env = aw_environment_make (environment, &launch, false, &err);
        assert_non_null (env);
        assert_string_equal (aw_env_get (env, "PATH"), "/p");
        assert_string_equal (aw_env_get (env, "A"), "submitted");
        assert_string_equal (aw_env_get (env, "B"), "given");
        assert_null (aw_env_get (env, "C"));
        assert_string_equal (aw_env_get (env, "SLURMD_NODENAME"), "n2");
        assert_null (aw_env_get (env, "HOSTNAME"));
        assert_null (aw_env_get (env, "ASYNC_WORKFLOW_TOKEN"));
        assert_null (aw_env_get (env, "SLURM_PROCID"));
        assert_string_equal (aw_env_get (env, "OMP_NUM_THREADS"), "0"); /* its own CPUs */
        unlink (path);
    }
    launch.base = "/nowhere/at all";
    assert_null (aw_environment_make (environment, &launch, false, &err));
    assert_non_null (strstr (err.text, "the environment of its submission"));
    launch.base = NULL;
    env = aw_environment_make (environment, &launch, false, &err);
    assert_string_equal (aw_env_get (env, "C"), "own");
    aw_environment_destroy (environment);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (variables_of_the_step_are_hidden),
        cmocka_unit_test (a_variable_is_found_by_its_name),
        cmocka_unit_test (a_task_gets_the_variables_that_describe_it),
        cmocka_unit_test (the_python_module_comes_last),
        cmocka_unit_test (a_task_finds_the_python_module),
        cmocka_unit_test (commands_like_slurms_come_first),
        cmocka_unit_test (srun_in_a_task_sees_the_job),
        cmocka_unit_test (the_job_is_as_large_as_the_task),
        cmocka_unit_test (a_task_knows_its_node),
        cmocka_unit_test (the_environment_of_a_submission_takes_the_place_of_the_agents),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
