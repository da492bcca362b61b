/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are a step of their own: the plan as text, srun's line, and what srun says. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coord/steps/step_end.h"
#include "coord/steps/token_grants.h"
#include "coord/steps/step_line.h"
#include "io/workflow/workflow_step.h"

static void ids (struct aw_idset *set, const char *text)
{
    assert_int_equal (aw_idset_parse (set, text), 0);
}

/* Two nodes, n1 with ranks on 0-1+0 and 2-3+1, n2 with 4-7+ and 12+3. */
static struct aw_step_plan *make_plan (void)
{
    static const char *const cpus[] = { "0-1", "2-3", "4-7", "12" };
    static const char *const gpus[] = { "0", "1", "2", "3" };
    struct aw_step_plan *plan = aw_step_plan_create (2, 2);

    assert_non_null (plan);
    for (uint32_t i = 0; i < 2; i++) {
        struct aw_step_part *part = &plan->parts[i];

        part->node = strdup (i ? "n2" : "n1");
        part->n_gpus = 4 + i;
        for (uint32_t r = 0; r < 2; r++) {
            ids (&part->ranks[r].cpus, cpus[2 * i + r]);
            ids (&part->ranks[r].gpus, gpus[2 * i + r]);
        }
    }
    plan->parts[1].unbound = true;
    plan->srun = calloc (2, sizeof (*plan->srun));
    plan->srun[0] = strdup ("--mpi=pmi2");
    return plan;
}

static void a_plan_is_written_and_read_back (void **state)
{
    struct aw_step_plan *plan = make_plan ();
    struct aw_place_rank mine = { 0 };
    char *n1 = aw_step_part_text (plan, 0), *n2 = aw_step_part_text (plan, 1);
    struct aw_error err;
    char text[32];
    bool unbound;

    (void)state;
    assert_string_equal (n1, "n1:0-1+0/2-3+1");
    assert_string_equal (n2, "n2:~4-7+2/12+3");
    assert_true (aw_step_part_is_of (n1, "n1"));
    assert_false (aw_step_part_is_of (n1, "n"));
    assert_false (aw_step_part_is_of (n1, "n11"));
    assert_int_equal (aw_step_part_find (n1, 1, &mine, &unbound, &err), 0);
    assert_false (unbound);
    aw_idset_format (&mine.cpus, text, sizeof (text));
    assert_string_equal (text, "2-3");
    aw_idset_format (&mine.gpus, text, sizeof (text));
    assert_string_equal (text, "1");
    assert_int_equal (aw_step_part_find (n2, 0, &mine, &unbound, &err), 0);
    assert_true (unbound);
    aw_idset_format (&mine.cpus, text, sizeof (text));
    assert_string_equal (text, "4-7");
    assert_int_equal (aw_step_part_find (n1, 2, &mine, &unbound, &err), -1);
    assert_non_null (strstr (err.text, "no local rank 2"));
    assert_int_equal (aw_step_part_find ("n1", 0, &mine, &unbound, &err), -1);
    assert_int_equal (aw_step_part_find ("n1:0-1", 0, &mine, &unbound, &err), -1);
    assert_int_equal (aw_step_part_find ("n1:x+0", 0, &mine, &unbound, &err), -1);
    assert_non_null (strstr (err.text, "the plan is not NODE:CPUS+GPUS"));
    aw_idset_finish (&mine.cpus);
    aw_idset_finish (&mine.gpus);
    free (n1);
    free (n2);
    aw_step_plan_destroy (plan);
    aw_step_plan_destroy (NULL);
}

static size_t find (const struct aw_strings *line, const char *word)
{
    for (size_t i = 0; i < line->n; i++)
        if (strcmp (line->v[i], word) == 0)
            return i;
    fail_msg ("no %s", word);
    return 0;
}

static void the_line_of_a_step_has_its_ranks_and_options (void **state)
{
    char *argv[] = { (char[]){ "solver" }, (char[]){ "--nodes=9" }, NULL };
    char *env[] = { (char[]){ "A=mine" }, (char[]){ "ASYNC_WORKFLOW_TASK=t[0]" }, NULL };
    char *from[] = { (char[]){ "A=theirs" },
                     (char[]){ "B=b" },
                     (char[]){ "SLURM_NTASKS=7" },
                     (char[]){ "SLURM_GPUS_PER_NODE=1" },
                     (char[]){ "ASYNC_WORKFLOW_MODE=async" },
                     NULL };
    const struct aw_step_job job = { "7", true, 2205 };
    struct aw_launch launch;
    struct aw_strings words = { 0 };
    struct aw_error err;

    (void)state;
    aw_launch_init (&launch);
    launch.argv = argv;
    launch.env = env;
    launch.directory = (char[]){ "/d" };
    launch.out = (char[]){ "/o%t" };
    launch.err = (char[]){ "/e" };
    launch.step = make_plan ();
    launch.step->parts[1].socket = "/tmp/m/messages";
    assert_int_equal (aw_step_line (&words, &launch, &job, "/l/bind", &err), 0);
    assert_string_equal (words.v[0], "/l/bind"); /* which ends srun with us */
    assert_string_equal (words.v[3], "srun");
    assert_true (find (&words, "--mpi=pmi2") < find (&words, "--jobid=7"));
    find (&words, "--nodelist=n1,n2");
    find (&words, "--nodes=2");
    find (&words, "--ntasks=4");
    find (&words, "--ntasks-per-node=2");
    find (&words, "--overlap");
    find (&words, "--gpus-per-node=4"); /* what each of them has */
    find (&words, "--output=/o%%t");
    find (&words, "--kill-on-bad-exit=1");
    find (&words, "--error=/e");
    assert_true (find (&words, "--on=n1:0-1+0/2-3+1") < find (&words, "solver"));
    assert_true (find (&words, "--messages=n2:/tmp/m/messages") < find (&words, "solver"));
    assert_string_equal (words.v[words.n - 1], "--nodes=9");
    assert_string_equal (words.v[words.n - 3], "--");
    aw_strings_finish (&words);
    aw_codes_add (&launch.success, 3);
    assert_int_equal (aw_step_line (&words, &launch, &job, "/l/bind", &err), 0);
    find (&words, "--kill-on-bad-exit=0"); /* a rank may end with 3 */
    aw_strings_finish (&words);
    assert_int_equal (aw_step_env (&words, &launch, from, &err), 0);
    assert_int_equal (words.n, 3);
    assert_string_equal (aw_strings_getenv (&words, "A"), "mine");
    assert_string_equal (aw_strings_getenv (&words, "B"), "b");
    assert_null (aw_strings_getenv (&words, "ASYNC_WORKFLOW_MODE"));
    aw_strings_finish (&words);
    aw_step_plan_destroy (launch.step);
}

/* A step without GPUs says so in a job that was requested with some, unless the user has. */
static void a_step_without_gpus_says_so_in_a_job_with_gpus (void **state)
{
    static const struct {
        const char *option;
        bool has_gres, says;
    } table[] = {
        { "--mpi=pmi2", true, true },
        { "--mpi=pmi2", false, false },
        { "--gpus-per-task=1", true, false },
        { "--gres=gpu:1", true, false },
        { "-G1", true, false },
    };
    char *argv[] = { (char[]){ "solver" }, NULL };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const struct aw_step_job job = { "7", table[i].has_gres, 2205 };
        struct aw_launch launch;
        struct aw_strings words = { 0 };
        struct aw_error err;
        bool says = false;

        aw_launch_init (&launch);
        launch.argv = argv;
        launch.directory = launch.out = launch.err = (char[]){ "/d" };
        launch.step = make_plan ();
        for (uint32_t p = 0; p < 4; p++)
            aw_idset_finish (&launch.step->parts[p / 2].ranks[p % 2].gpus);
        free (launch.step->srun[0]);
        launch.step->srun[0] = strdup (table[i].option);
        assert_int_equal (aw_step_line (&words, &launch, &job, "/l/bind", &err), 0);
        for (size_t w = 0; w < words.n; w++)
            says |= strcmp (words.v[w], "--gres=none") == 0;
        assert_int_equal (says, table[i].says);
        aw_strings_finish (&words);
        aw_step_plan_destroy (launch.step);
    }
}

/* By a total where 22.05 wants it, and by a number a node otherwise. */
static void the_gpus_of_a_step_are_requested_as_its_slurm_wants_them (void **state)
{
    static const struct {
        uint32_t release, n_parts;
        const char *option;
    } table[] = {
        { 2205, 1, "--gpus=4" },          { 2205, 2, "--gpus-per-node=4" },
        { 2411, 1, "--gpus-per-node=4" }, { 2411, 2, "--gpus-per-node=4" },
        { 2605, 1, "--gpus-per-node=4" }, { 0, 1, "--gpus=4" },
    };
    char *argv[] = { (char[]){ "solver" }, NULL };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const struct aw_step_job job = { "7", true, table[i].release };
        struct aw_launch launch;
        struct aw_strings words = { 0 };
        struct aw_error err;
        uint32_t n_parts;

        aw_launch_init (&launch);
        launch.argv = argv;
        launch.directory = launch.out = launch.err = (char[]){ "/d" };
        launch.step = make_plan ();
        n_parts = launch.step->n_parts;
        launch.step->n_parts = table[i].n_parts;
        assert_int_equal (aw_step_line (&words, &launch, &job, "/l/bind", &err), 0);
        find (&words, table[i].option);
        aw_strings_finish (&words);
        launch.step->n_parts = n_parts;
        aw_step_plan_destroy (launch.step);
    }
}

static uint32_t told[8], n_told;
static struct aw_packet said;
static char said_token[64];

static void take_message (struct aw_exec *exec,
                          uint32_t node,
                          const struct aw_packet *packet,
                          const char *rest,
                          size_t size)
{
    (void)exec;
    (void)rest;
    (void)size;
    assert_true (n_told < 8);
    told[n_told++] = node;
    said = *packet;
    snprintf (said_token, sizeof (said_token), "%.*s", (int)packet->data.size, packet->data.text);
}

/* Agents that have a socket are told, and waited for unless they are lost. */
static void agents_with_a_socket_admit_the_ranks_of_a_step (void **state)
{
    static const struct aw_exec_ops ops = { .message = take_message };
    struct aw_exec pool = { .ops = &ops };
    struct aw_launch launch = { .task = 7, .attempt = 2, .step = aw_step_plan_create (4, 1) };
    struct aw_token_grants one = { 0 }, other = { 0 };
    struct aw_strings env = { 0 };
    struct aw_error err;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        launch.step->parts[i].number = 10 + i;
        launch.step->parts[i].socket = i == 1 ? NULL : "/s";
    }
    assert_int_equal (aw_token_grants_init (&one, &launch, &err), 0);
    assert_int_equal (aw_token_grants_init (&other, &launch, &err), 0);
    assert_int_equal (strlen (one.token), AW_PACKET_TOKEN_SIZE);
    assert_string_not_equal (one.token, other.token);
    aw_token_grants_env (&one, &env);
    assert_string_equal (aw_strings_getenv (&env, AW_PACKET_LAUNCH), "7.2");
    assert_string_equal (aw_strings_getenv (&env, AW_PACKET_TOKEN), one.token);

    aw_token_grants_tell (&one, &pool, AW_PACKET_ADMIT);
    assert_int_equal (n_told, 3);
    assert_int_equal (told[0] + told[1] + told[2], 35);
    assert_int_equal (said.kind, AW_PACKET_ADMIT);
    assert_int_equal (said.task, 7);
    assert_int_equal (said.attempt, 2);
    assert_string_equal (said_token, one.token);
    assert_false (aw_token_grants_answered (&one, 10));
    assert_false (aw_token_grants_answered (&one, 10)); /* twice is once */
    assert_false (aw_token_grants_answered (&one, 11)); /* was not asked */
    assert_false (aw_token_grants_lost (&one, 12));
    assert_true (aw_token_grants_answered (&one, 13));
    assert_int_equal (one.n_waits, 0);

    n_told = 0;
    aw_token_grants_tell (&one, &pool, AW_PACKET_DISMISS);
    assert_int_equal (n_told, 2); /* without the one that is lost */
    assert_string_equal (said_token, "");
    assert_false (aw_token_grants_answered (&one, 13));
    assert_true (aw_token_grants_lost (&one, 10));
    assert_false (aw_token_grants_lost (&one, 10));
    aw_strings_finish (&env);
    aw_token_grants_finish (&one);
    aw_token_grants_finish (&other);
    aw_step_plan_destroy (launch.step);
}

static void the_end_of_a_step_is_that_of_its_first_failed_rank (void **state)
{
    static const struct {
        const char *lines[5];
        int status; /* as of waitpid */
        int code, signal;
        const char *reason;
    } table[] = {
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]" }, 0, 0, 0, NULL },
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]",
            "srun: error: n2: task 2: Exited with exit code 3",
            "srun: error: n1: tasks 0-1: Terminated" },
          143 << 8,
          3,
          0,
          "rank 2 on n2" },
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]",
            "srun: error: node-17: tasks 8-11,13: Segmentation fault (core dumped)",
            "srun: error: n1: task 0: Exited with exit code 1" },
          139 << 8,
          0,
          SIGSEGV,
          "rank 8 on node-17" },
        { { "srun: error: Unable to create step for job 7: Invalid generic resource" },
          1 << 8,
          0,
          0,
          "its step could not be started: Unable to create step for job 7: Invalid generic "
          "resource" },
        { { NULL }, SIGKILL, 0, 0, "its step could not be started: SIGKILL" },
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]" },
          SIGKILL,
          0,
          0,
          "its srun was killed by SIGKILL" },
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]",
            "srun: error: Node failure on n1" },
          1 << 8,
          1,
          0,
          "srun: Node failure on n1" },
        { { "srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]",
            "srun: error: *** STEP 1.4 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***" },
          137 << 8,
          0,
          SIGKILL,
          "srun: no reason was given" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_step_end end = { .failed = false };
        struct aw_event ev = { 0 };
        struct aw_error text;

        for (int k = 0; k < 5 && table[i].lines[k]; k++)
            aw_step_end_line (&end, table[i].lines[k]);
        aw_step_end_event (&end, table[i].status, &ev, &text);
        assert_int_equal (ev.status, table[i].reason ? AW_STATUS_FAILED : AW_STATUS_COMPLETED);
        assert_int_equal (ev.code, table[i].code);
        assert_int_equal (ev.signal, table[i].signal);
        if (table[i].reason)
            assert_string_equal (ev.reason, table[i].reason);
        else
            assert_null (ev.reason);
        aw_step_end_finish (&end);
    }
}

/* A rank that ends with one of the codes has not failed. The code is then the largest of all, which
 * srun ends with. */
static void a_rank_that_ends_with_a_code_of_success_has_not_failed (void **state)
{
    static const struct {
        const char *lines[3];
        int status; /* as of waitpid */
        enum aw_status ends;
        int code;
        const char *reason;
    } table[] = {
        { { NULL }, 0, AW_STATUS_FAILED, 0, NULL }, /* 0 is none of them */
        { { "srun: error: n1: tasks 0-1: Exited with exit code 3",
            "srun: error: n2: task 2: Exited with exit code 5" },
          5 << 8,
          AW_STATUS_COMPLETED,
          5,
          NULL },
        { { "srun: error: n1: tasks 0-1: Exited with exit code 3",
            "srun: error: n2: task 2: Exited with exit code 4" },
          4 << 8,
          AW_STATUS_FAILED,
          4,
          "rank 2 on n2" },
        { { "srun: error: n2: task 2: Exited with exit code 3",
            "srun: error: n1: task 0: Segmentation fault" },
          139 << 8,
          AW_STATUS_FAILED,
          0,
          "rank 0 on n1" },
        { { "srun: error: n1: task 0: Exited with exit code 137" },
          137 << 8,
          AW_STATUS_COMPLETED,
          137,
          NULL },
        { { "srun: error: n1: task 0: Exited with exit code 137",
            "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.4." },
          137 << 8,
          AW_STATUS_OUT_OF_MEMORY,
          137,
          NULL },
        /* These are codes of srun's own. */
        { { "srun: error: Node failure on n1" },
          3 << 8,
          AW_STATUS_FAILED,
          3,
          "srun: Node failure on n1" },
        { { "srun: error: n1: task 0: Exited with exit code 3", "srun: error: Node failure on n2" },
          1 << 8,
          AW_STATUS_FAILED,
          1,
          "srun: Node failure on n2" },
        { { "srun: error: n1: task 0: Exited with exit code 3" },
          SIGKILL,
          AW_STATUS_FAILED,
          0,
          "its srun was killed by SIGKILL" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_step_end end = { .failed = false };
        struct aw_event ev = { 0 };
        struct aw_error text;

        aw_codes_add (&end.success, 3);
        aw_codes_add (&end.success, 5);
        aw_codes_add (&end.success, 137);
        aw_step_end_line (&end, "srun: launching StepId=1.4 on host n1, 3 tasks: [0-2]");
        for (int k = 0; k < 3 && table[i].lines[k]; k++)
            aw_step_end_line (&end, table[i].lines[k]);
        aw_step_end_event (&end, table[i].status, &ev, &text);
        assert_int_equal (ev.status, table[i].ends);
        assert_int_equal (ev.code, table[i].code);
        if (table[i].reason)
            assert_string_equal (ev.reason, table[i].reason);
        else
            assert_null (ev.reason);
        aw_step_end_finish (&end);
    }
}

/* srun prints several lines where a step cannot start; the first one names the cause. */
static void the_first_line_names_the_cause (void **state)
{
    struct aw_step_end end = { .failed = false };
    struct aw_event ev = { 0 };
    struct aw_error text;

    (void)state;
    aw_step_end_line (&end, "srun: error: mpi/pmix_v4: can not load PMIx library");
    aw_step_end_line (&end, "srun: error: cannot create mpi context for mpi/pmix");
    aw_step_end_event (&end, 1 << 8, &ev, &text);
    assert_string_equal (ev.reason, "its step could not be started: mpi/pmix_v4: can not load PMIx "
                                    "library");
    assert_int_equal (end.lines.n, 2);
    assert_string_equal (end.lines.v[1], "srun: error: cannot create mpi context for mpi/pmix");
    aw_step_end_finish (&end);
}

/* A rank that the kernel has killed, by srun's word or by that of slurmstepd. */
static void a_rank_that_the_kernel_killed_ends_out_of_memory (void **state)
{
    static const struct {
        const char *lines[3];
        enum aw_status status;
        int code, signal;
    } table[] = {
        { { "srun: error: n1: task 1: Exited with exit code 1", /* because its peer is gone */
            "srun: error: n1: task 0: Out Of Memory", "srun: error: n1: task 2: Out Of Memory" },
          AW_STATUS_OUT_OF_MEMORY,
          0,
          SIGKILL },
        { { "slurmstepd-n1: error: Detected 1 oom_kill event in StepId=1.4. Some of the step "
            "tasks have been OOM Killed.",
            "srun: error: n1: task 0: Killed" },
          AW_STATUS_OUT_OF_MEMORY,
          0,
          SIGKILL },
        { { "srun: error: n1: task 0: Exited with exit code 137",
            "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.4. Some of your "
            "processes may have been killed by the cgroup out-of-memory handler." },
          AW_STATUS_OUT_OF_MEMORY,
          137,
          0 },
        { { "srun: error: n1: task 0: Exited with exit code 3", /* it has survived its child */
            "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.4." },
          AW_STATUS_FAILED,
          3,
          0 },
        { { "srun: error: n1: task 0: Killed" }, AW_STATUS_FAILED, 0, SIGKILL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_step_end end = { .failed = false };
        struct aw_event ev = { 0 };
        struct aw_error text;

        aw_step_end_line (&end, "srun: launching StepId=1.4 on host n1, 3 tasks: [0-2]");
        for (int k = 0; k < 3 && table[i].lines[k]; k++)
            aw_step_end_line (&end, table[i].lines[k]);
        aw_step_end_event (&end, 1 << 8, &ev, &text);
        assert_int_equal (ev.status, table[i].status);
        assert_int_equal (ev.code, table[i].code);
        assert_int_equal (ev.signal, table[i].signal);
        assert_string_equal (ev.reason, "rank 0 on n1");
        aw_step_end_finish (&end);
    }
}

static void the_first_launch_line_starts_the_step (void **state)
{
    struct aw_step_end end = { .failed = false };

    (void)state;
    assert_false (aw_step_end_line (&end, "srun: Job 7 step creation temporarily disabled, "
                                          "retrying (Requested nodes are busy)"));
    assert_int_equal (end.retries, 1);
    assert_false (aw_step_end_line (&end, "launching StepId=1.4 on host n1"));
    assert_true (aw_step_end_line (&end, "srun: launching StepId=17.123 on host n1, 2 tasks"));
    assert_string_equal (end.id, "17.123");
    assert_false (aw_step_end_line (&end, "srun: launching StepId=17.124 on host n2, 2 tasks"));
    assert_string_equal (end.id, "17.123");
}

static void options_that_place_a_step_are_rejected (void **state)
{
    static const char *const good[] = { "--mpi=pmix",       "--container-image=a/b:c",
                                        "--export=ALL,A=1", "--label",
                                        "--job-name=x",     "--distribution=cyclic" };
    static const char *const bad[] = { "--nodes=2",
                                       "--node",
                                       "--gpus",
                                       "--cpu-bind=none",
                                       "-n2",
                                       "mpi",
                                       "--",
                                       "--=x",
                                       "--async-workflow-policy=fifo",
                                       "--mem" };

    (void)state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++)
        if (aw_srun_refusal (good[i]))
            fail_msg ("%s", good[i]);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        if (!aw_srun_refusal (bad[i]))
            fail_msg ("%s", bad[i]);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_plan_is_written_and_read_back),
        cmocka_unit_test (the_line_of_a_step_has_its_ranks_and_options),
        cmocka_unit_test (a_step_without_gpus_says_so_in_a_job_with_gpus),
        cmocka_unit_test (the_gpus_of_a_step_are_requested_as_its_slurm_wants_them),
        cmocka_unit_test (the_end_of_a_step_is_that_of_its_first_failed_rank),
        cmocka_unit_test (a_rank_that_ends_with_a_code_of_success_has_not_failed),
        cmocka_unit_test (the_first_line_names_the_cause),
        cmocka_unit_test (a_rank_that_the_kernel_killed_ends_out_of_memory),
        cmocka_unit_test (the_first_launch_line_starts_the_step),
        cmocka_unit_test (options_that_place_a_step_are_rejected),
        cmocka_unit_test (agents_with_a_socket_admit_the_ranks_of_a_step),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
