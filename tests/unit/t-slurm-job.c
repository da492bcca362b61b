/* SPDX-License-Identifier: Apache-2.0 */
/* On what scontrol of 22.05.8 printed on private clusters (tests/data/slurm), and on made-up lines
 * for hardware that such a cluster cannot have.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coord/slurm/job_watch.h"
#include "coord/slurm/pool_nodes.h"
#include "coord/slurm/slurm_site.h"

static struct aw_error err;

static char *read_data (const char *name)
{
    const char *srcdir = getenv ("srcdir");
    static char text[65536];
    char path[512];
    FILE *file;
    size_t len;

    snprintf (path, sizeof (path), "%s/data/slurm/%s", srcdir ? srcdir : ".", name);
    file = fopen (path, "r");
    assert_non_null (file);
    len = fread (text, 1, sizeof (text) - 1, file);
    fclose (file);
    text[len] = '\0';
    return text;
}

/* "n1:0-15:16000:4 ..." */
static char *describe (const struct aw_slurm_job *job)
{
    static char text[4096];
    char cpus[256];
    int len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < job->n_nodes; i++) {
        const struct aw_slurm_node *node = &job->nodes[i];

        aw_idset_format (&node->cpus, cpus, sizeof (cpus));
        len += snprintf (text + len, sizeof (text) - (size_t)len, "%s%s:%s:%" PRIu64 ":%" PRIu32,
                         i ? " " : "", node->name, cpus, node->mem >> 20, node->n_gpus);
        if (aw_idset_count (&node->gpus) > 0) {
            aw_idset_format (&node->gpus, cpus, sizeof (cpus));
            len += snprintf (text + len, sizeof (text) - (size_t)len, "(%s)", cpus);
        }
    }
    return text;
}

static void recorded_jobs_are_read (void **state)
{
    static const struct {
        const char *file, *id, *name, *list, *nodes;
        uint32_t cpus, gpus;
        double end;
    } table[] = {
        { "job-exclusive.txt", "1", "interactive", "n[1-2]",
          "n1:0-15:16000:4(0-3) n2:0-15:16000:4(0-3)", 32, 8, INFINITY },
        { "job-per-task.txt", "3", "interactive", "n[1-2]", "n1:0-2:3000:3(0-2) n2:0:1000:1(0)", 4,
          4, INFINITY },
        { "job-batch.txt", "12", "b1.sh", "n[1-2]", "n1:0-5:3000:2(0-1) n2:0-5:3000:2(0-1)", 12, 4,
          1795341838. },
        { "job-uneven.txt", "13", "interactive", "big,n[1-2]",
          "big:0:2000:2(0-1) n1:0-3:2000:6(0-5) n2:0-3:2000:1(0)", 9, 9, 1795348495. },
        { "job-smt.txt", "14", "interactive", "n1", "n1:0-15:16000:3(0-2)", 16, 3, 1795348495. },
        { "job-no-gpu.txt", "15", "a name JobState=PENDING NumNodes=9", "n1",
          "n1:0-15,84-99:32000:0", 32, 0, INFINITY },
        { "job-het.txt", "9", "interactive", "n1", "n1:0:1000:0", 1, 0, INFINITY },
        { "job-het.txt", "10", "interactive", "n[2-3]", "n2:0:1000:0 n3:0:1000:0", 2, 0, INFINITY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_slurm_job job;

        if (aw_slurm_job_parse (&job, table[i].id, read_data (table[i].file), &err) < 0)
            fail_msg ("%s: %s", table[i].file, err.text);
        assert_string_equal (job.id, table[i].id);
        assert_string_equal (job.name, table[i].name);
        assert_string_equal (job.node_list, table[i].list);
        assert_string_equal (describe (&job), table[i].nodes);
        assert_int_equal (job.n_cpus, table[i].cpus);
        assert_int_equal (job.n_gpus, table[i].gpus);
        assert_true (job.end_time == table[i].end);
        assert_false (job.is_part);
        assert_int_equal (job.is_het, strcmp (table[i].file, "job-het.txt") == 0);
        assert_int_equal (aw_slurm_job_check (&job, &err), job.is_het ? -1 : 0);
        aw_slurm_job_finish (&job);
    }
}

static char *made_up (const char *state, const char *count, const char *lines)
{
    static char text[4096];

    snprintf (text, sizeof (text),
              "JobId=7 JobName=x\n   JobState=%s Reason=None\n   EndTime=Unknown\n   NodeList=a\n"
              "   NumNodes=%s NumCPUs=1\n   JOB_GRES=x\n%s   WorkDir=/\n",
              state, count, lines);
    return text;
}

/* A job may be requested with GPUs and hold none, or hold some without a request. */
static void gpus_of_a_job_are_known (void **state)
{
    static const struct {
        const char *first, *second, *request;
        bool has_gres, is_mixed;
    } table[] = {
        { "", "", "", false, false },
        { "(null)", "gpu:4(IDX:0-3)", "", true, true },
        { "gpu:1(IDX:0)", "gpu:4(IDX:0-3)", "TresPerJob=gres:gpu:5", true, false },
        { "", "", "TresPerSocket=gres:gpu:2", true, false },
        { "", "", "TresPerNode=gres/gpu:2", true, false },
        { "", "", "TresPerTask=cpu=2,gres/gpu=1", true, false },
        { "", "", "TresPerTask=cpu=2", false, false },
        { "", "", "TresPerNode=gres:nic:1", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_slurm_job job;
        char lines[512];

        snprintf (lines, sizeof (lines),
                  "     Nodes=a CPU_IDs=0 Mem=1 GRES=%s\n     Nodes=b CPU_IDs=0 Mem=1 GRES=%s\n"
                  "   %s\n",
                  table[i].first, table[i].second, table[i].request);
        assert_int_equal (aw_slurm_job_parse (&job, "7", made_up ("RUNNING", "2", lines), &err), 0);
        assert_int_equal (job.has_gres, table[i].has_gres);
        assert_int_equal (job.is_mixed, table[i].is_mixed);
        aw_slurm_job_drop_gpus (&job);
        assert_int_equal (job.n_gpus + job.nodes[0].n_gpus + job.nodes[1].n_gpus, 0);
        aw_slurm_job_finish (&job);
    }
}

/* "HetJobId=" in a name is no heterogeneous job. */
static void a_name_makes_no_job_heterogeneous (void **state)
{
    static const char text[] =
        "JobId=7 JobName=a HetJobId=7 b\n   JobState=RUNNING\n   NodeList=a\n   NumNodes=1\n"
        "     Nodes=a CPU_IDs=0 Mem=1 GRES=\n";
    struct aw_slurm_job job;

    (void)state;
    assert_int_equal (aw_slurm_job_parse (&job, "7", text, &err), 0);
    assert_false (job.is_het);
    aw_slurm_job_finish (&job);
}

static void a_job_of_an_array_is_read (void **state)
{
    struct aw_slurm_job job;

    (void)state;
    assert_int_equal (aw_slurm_job_parse (&job, "17", read_data ("job-array.txt"), &err), 0);
    assert_string_equal (job.id, "17");
    aw_slurm_job_finish (&job);
    assert_int_equal (aw_slurm_job_parse (&job, "16", read_data ("job-array.txt"), &err), 0);
    assert_string_equal (job.id, "16");
    aw_slurm_job_finish (&job);
    assert_int_equal (aw_slurm_job_parse (&job, "1", read_data ("job-array.txt"), &err), -1);
    assert_string_equal (err.text, "job 1: scontrol does not know it");
}

static void gpus_are_read_from_gres (void **state)
{
    static const struct {
        const char *gres;
        const char *expected;
    } table[] = {
        { "", "0" },
        { "gpu:4(IDX:0-3)", "4(0-3)" },
        { "gpu:a100:4(IDX:0-1,6-7)", "4(0-1,6-7)" },
        { "gpu:a100:2(IDX:0-1),gpu:v100:1(IDX:4)", "3(0-1,4)" },
        { "gpu:v100:1(IDX:4),nic:3(IDX:0-2),mps:100(IDX:0)", "1(4)" },
        { "nic:2(IDX:0-1),gpu:1(IDX:3)", "1(3)" },
        { "gpumem:80", "0" },
        { "mps:50(IDX:0),shard:gpu:4(2/8,0/8)", "0" },
        { "gpu:2(CNT:2)", "2" },
        { "gpu:2", "2" },
        { "gpu:a100:1,gpu:1(IDX:0)", "2" }, /* one index for two: not to be trusted */
        { "gpu:4(IDX:", "4" },
        { "gpu", "0" },
        { "gpu:", "0" },
        { "gpu(IDX:0)", "0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_slurm_job job;
        char line[256];
        char expected[64];

        snprintf (line, sizeof (line), "     Nodes=a CPU_IDs=0 Mem=1 GRES=%s\n", table[i].gres);
        snprintf (expected, sizeof (expected), "a:0:1:%s", table[i].expected);
        assert_int_equal (aw_slurm_job_parse (&job, "7", made_up ("RUNNING", "1", line), &err), 0);
        assert_string_equal (describe (&job), expected);
        aw_slurm_job_finish (&job);
    }
}

static void many_nodes_are_read (void **state)
{
    struct aw_slurm_job job;

    (void)state;
    assert_int_equal (
        aw_slurm_job_parse (&job, "7",
                            made_up ("RUNNING", "1003",
                                     "     Nodes=r[1-2]c[01],x[001-999] CPU_IDs=0-127 "
                                     "Mem=2G GRES=gpu:8(IDX:0-7)\n"
                                     "     Nodes=r3c[01-02] CPU_IDs= Mem=0 GRES=\n"),
                            &err),
        0);
    assert_int_equal (job.n_nodes, 1003);
    assert_string_equal (job.nodes[2].name, "x001");
    assert_string_equal (job.nodes[1002].name, "r3c02");
    assert_int_equal (job.nodes[1000].mem, (uint64_t)2 << 30);
    assert_int_equal (job.n_cpus, 1001 * 128);
    assert_int_equal (job.n_gpus, 1001 * 8);
    aw_slurm_job_finish (&job);
}

static void jobs_that_do_not_run_are_refused (void **state)
{
    static const char line[] = "     Nodes=a CPU_IDs=0 Mem=1 GRES=\n";
    static const struct {
        const char *state, *count, *lines, *text;
    } table[] = {
        { "PENDING", "1", line, "job 7 is not running: its state is PENDING" },
        { "COMPLETING", "1", line, "job 7 is not running: its state is COMPLETING" },
        { "RUNNING", "1", "", "job 7: scontrol does not report its CPUs and GPUs by node" },
        { "RUNNING", "2", line, "job 7: scontrol reports 2 nodes and describes 1" },
        { "RUNNING", "1", "     Nodes=a CPU_IDs=0-x Mem=1 GRES=\n",
          "scontrol: \"Nodes=a CPU_IDs=0-x Mem=1 GRES=\": cannot be understood" },
    };
    struct aw_slurm_job job;

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const char *text = made_up (table[i].state, table[i].count, table[i].lines);

        assert_int_equal (aw_slurm_job_parse (&job, "7", text, &err), -1);
        assert_string_equal (err.text, table[i].text);
        assert_null (job.nodes);
    }
    assert_int_equal (aw_slurm_job_parse (&job, "", line, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (aw_slurm_job_parse (&job, NULL, line, &err), -1);
    assert_int_equal (aw_slurm_job_parse (&job, "7", NULL, &err), -1);
    assert_int_equal (aw_slurm_job_parse (&job, "7", "", &err), -1);
    assert_int_equal (aw_slurm_job_parse (&job, "7", "JobId=7", &err), -1);
    assert_int_equal (aw_slurm_job_parse (&job, "7", "JobId=7 ", &err), -1);
    assert_int_equal (aw_slurm_job_query (&job, "7_1", &err), -1);
    assert_string_equal (err.text, "\"7_1\": not a job id");
    assert_int_equal (aw_slurm_job_query (&job, NULL, &err), -1);
    aw_slurm_job_finish (&job);
}

/* Every beginning of a real answer is refused or read, never more. Under a sanitizer this tells. */
static void a_cut_answer_is_never_read_beyond_its_end (void **state)
{
    char *text = strdup (read_data ("job-uneven.txt"));

    (void)state;
    assert_non_null (text);
    for (size_t len = strlen (text); len-- > 0;) {
        char *part = strndup (text, len);
        struct aw_slurm_job job;

        assert_non_null (part);
        (void)aw_slurm_job_parse (&job, "13", part, &err);
        aw_slurm_job_finish (&job);
        free (part);
    }
    free (text);
}

static void the_range_of_ports_is_read (void **state)
{
    static const struct {
        const char *text;
        uint16_t first, last;
    } table[] = {
        { "SlurmctldPort           = 6817\nSrunPortRange           = 61001-61100\nX = 1\n", 61001,
          61100 },
        { "SrunPortRange           = 0-0\n", 0, 0 },
        { "XSrunPortRange = 1-2\n", 0, 0 },
        { "SrunPortRange = 5-4\n", 0, 0 },
        { "SrunPortRange = 60000-70000\n", 0, 0 },
        { "SrunPortRange = (null)\n", 0, 0 },
        { "", 0, 0 },
    };
    struct aw_slurm_job job = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        aw_slurm_config_parse (&job, table[i].text);
        assert_int_equal (job.port_first, table[i].first);
        assert_int_equal (job.port_last, table[i].last);
    }
    aw_slurm_config_parse (&job, read_data ("config.txt"));
    assert_int_equal (job.port_first, 0);
}

static void the_release_is_read (void **state)
{
    static const struct {
        const char *text;
        uint32_t release;
    } table[] = {
        { "SLURM_CONF              = /c\nSLURM_VERSION           = 22.05.8\nX = 1\n", 2205 },
        { "SLURM_VERSION           = 24.11.5\n", 2411 },
        { "SLURM_VERSION           = 26.05.0-0rc1\n", 2605 },
        { "SLURM_VERSION           = (null)\n", 0 },
        { "", 0 },
    };
    struct aw_slurm_job job = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        aw_slurm_config_parse (&job, table[i].text);
        assert_int_equal (job.release, table[i].release);
    }
}

static void nodes_are_selected_by_list_and_number (void **state)
{
    static const struct {
        const char *nodes, *list, *exclude, *relative;
        const char *expected; /* the nodes' list, or what is wrong */
    } table[] = {
        { NULL, NULL, NULL, NULL, "n[1-6]" },
        { "2", NULL, NULL, NULL, "n[1-2]" },
        { "6", NULL, NULL, NULL, "n[1-6]" },
        { "1-3", NULL, NULL, NULL, "n[1-3]" },
        { "2-10", NULL, NULL, NULL, "n[1-6]" },
        { NULL, "n3,n5", NULL, NULL, "n[3,5]" },
        { "3", "n[4-5]", NULL, NULL, "n[1,4-5]" },
        { NULL, NULL, "n1,n[5-9]", NULL, "n[2-4]" },
        { "2", NULL, "n1", NULL, "n[2-3]" },
        { "2", NULL, NULL, "3", "n[4-5]" },
        { NULL, NULL, NULL, "5", "n6" },
        { "7", NULL, NULL, NULL, "7 nodes are asked for, but 6 of job 7's 6 are available" },
        { "0", NULL, NULL, NULL, "0 nodes are asked for, but 6 of job 7's 6 are available" },
        { NULL, NULL, "n[1-6]", NULL, "1 node is asked for, but 0 of job 7's 6 are available" },
        { "1", "n[4-5]", NULL, NULL, "--nodelist names more nodes than --nodes=1" },
        { NULL, "n9", NULL, NULL, "--nodelist=n9: n9 is not a node of job 7, which has n[1-6]" },
        { NULL, "n2", "n[2-3]", NULL, "n2 is both in --nodelist and in --exclude" },
        { NULL, "./file", NULL, NULL,
          "--nodelist=./file: a file: inside an allocation give the nodes' names" },
        { "x", NULL, NULL, NULL, "--nodes=x: not a number of nodes" },
        { "3-2", NULL, NULL, NULL, "--nodes=3-2: not a number of nodes" },
        { "-1", NULL, NULL, NULL, "--nodes=-1: not a number of nodes" },
        { NULL, NULL, NULL, "-1", "--relative=-1: not a number" },
        { NULL, "n[", NULL, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const char *text = made_up ("RUNNING", "6",
                                    "     Nodes=n[1-4] CPU_IDs=0-3 Mem=1 GRES=gpu:2(IDX:0-1)\n"
                                    "     Nodes=n[5-6] CPU_IDs=0-1 Mem=1 GRES=gpu:1(IDX:0)\n");
        struct aw_srun_options options = { .nodes = (char *)table[i].nodes,
                                           .node_list = (char *)table[i].list,
                                           .exclude = (char *)table[i].exclude,
                                           .relative = (char *)table[i].relative };
        struct aw_slurm_job job;
        uint32_t cpus = 0, gpus = 0;

        assert_int_equal (aw_slurm_job_parse (&job, "7", text, &err), 0);
        free (job.node_list);
        job.node_list = strdup ("n[1-6]");
        if (aw_pool_nodes_select (&job, &options, &err) < 0) {
            if (table[i].expected)
                assert_string_equal (err.text, table[i].expected);
            aw_slurm_job_finish (&job);
            continue;
        }
        assert_string_equal (job.node_list, table[i].expected);
        assert_int_equal (job.is_part, job.n_nodes < 6);
        for (uint32_t n = 0; n < job.n_nodes; n++) {
            cpus += aw_idset_count (&job.nodes[n].cpus);
            gpus += job.nodes[n].n_gpus;
        }
        assert_int_equal (job.n_cpus, cpus);
        assert_int_equal (job.n_gpus, gpus);
        aw_slurm_job_finish (&job);
    }
}

/* Takes in LINES about job 7; the state's NAME and kind are these. */
static double answers (const char *lines, enum aw_job_state state, const char *name)
{
    struct aw_job_answer answer = { .end_time = INFINITY };
    char *copy = strdup (lines), *rest, *line;

    for (line = strtok_r (copy, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
        aw_job_answer_line (&answer, "7", line);
    free (copy);
    assert_int_equal (answer.state, state);
    assert_string_equal (answer.name, name);
    return answer.end_time;
}

static void the_state_of_a_job_is_read (void **state)
{
    (void)state;
    assert_true (isinf (answers ("", AW_JOB_UNKNOWN, "")));
    assert_true (
        answers (
            "JobId=7 JobName=JobState=FAILED\n   JobState=RUNNING Reason=None Dependency=(null)\n"
            "   StartTime=1970-01-01T00:00:01 EndTime=1970-01-01T00:02:00 Deadline=N/A\n",
            AW_JOB_RUNNING, "RUNNING")
        == 120);
    assert_true (isinf (answers ("JobId=7 JobName=x\n JobState=SUSPENDED Reason=None\n"
                                 " StartTime=1970-01-01T00:00:01 EndTime=Unknown Deadline=N/A\n",
                                 AW_JOB_SUSPENDED, "SUSPENDED")));
    answers ("JobId=7 JobName=x\n   JobState=COMPLETING Reason=None\n", AW_JOB_ENDING,
             "COMPLETING");
    answers ("JobId=7 JobName=x\n   JobState=PENDING Reason=BeginTime\n", AW_JOB_ENDING, "PENDING");
    answers ("slurm_load_jobs error: Invalid job id specified\n", AW_JOB_ENDING, "gone");
    answers ("slurm_load_jobs error: Unable to contact slurm controller\n", AW_JOB_UNKNOWN, "");
    /* other records of an array or a heterogeneous job */
    answers ("JobId=77 JobName=x\n   JobState=FAILED Reason=None\n\nJobId=7 ArrayJobId=6\n"
             "   JobState=RUNNING Reason=None\n\nJobId=8 JobName=x\n   JobState=CANCELLED\n",
             AW_JOB_RUNNING, "RUNNING");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (jobs_that_do_not_run_are_refused),
        cmocka_unit_test (recorded_jobs_are_read),
        cmocka_unit_test (gpus_of_a_job_are_known),
        cmocka_unit_test (a_name_makes_no_job_heterogeneous),
        cmocka_unit_test (a_job_of_an_array_is_read),
        cmocka_unit_test (gpus_are_read_from_gres),
        cmocka_unit_test (a_cut_answer_is_never_read_beyond_its_end),
        cmocka_unit_test (the_range_of_ports_is_read),
        cmocka_unit_test (the_release_is_read),
        cmocka_unit_test (many_nodes_are_read),
        cmocka_unit_test (nodes_are_selected_by_list_and_number),
        cmocka_unit_test (the_state_of_a_job_is_read),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
