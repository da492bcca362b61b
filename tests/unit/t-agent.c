/* SPDX-License-Identifier: Apache-2.0 */
/* An agent in local mode, with real processes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/logs/log_writer.h"
#include "rig.h"
#include "util/clock.h"

static void each_end_of_a_task_is_reported (void **state)
{
    static const struct {
        const char *script;
        enum aw_status status;
        int code, signal;
    } table[] = {
        { "exit 0", AW_STATUS_COMPLETED, 0, 0 },      { "exit 3", AW_STATUS_FAILED, 3, 0 },
        { "exit 255", AW_STATUS_FAILED, 255, 0 },     { "kill -9 $$", AW_STATUS_FAILED, 0, 9 },
        { "kill -SEGV $$", AW_STATUS_FAILED, 0, 11 }, { "kill -PIPE $$", AW_STATUS_FAILED, 0, 13 },
        { "kill -HUP $$", AW_STATUS_FAILED, 0, 1 },   { "kill -INT $$", AW_STATUS_FAILED, 0, 2 },
    };
    const uint32_t n = sizeof (table) / sizeof (table[0]);
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    for (uint32_t i = 0; i < n; i++)
        rig_start (rig, 0, i, table[i].script);
    rig_until_ends (rig, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct rig_end *end = rig_end_of (rig, i);
        assert_int_equal (end->status, table[i].status);
        assert_int_equal (end->code, table[i].code);
        assert_int_equal (end->signal, table[i].signal);
        assert_true (end->seconds > 0 && end->seconds < RIG_SECONDS);
        assert_true (end->max_rss > 0);
        assert_string_equal (end->reason, end->signal == SIGKILL
                                              ? "killed from outside, perhaps for lack of memory"
                                              : "");
    }
}

static void what_cannot_start_is_reported (void **state)
{
    struct rig *rig = *state;
    char *argv[] = { "/no/such/program", NULL };
    struct aw_launch launch;
    struct aw_error err = { "" };

    aw_launch_init (&launch);
    launch.argv = argv;
    launch.directory = "/";
    launch.out = launch.err = "/dev/null";
    assert_int_equal (rig->exec->ops->start (rig->exec, 0, &launch, &err), -1); /* not joined */
    assert_non_null (strstr (err.text, "no node 0"));
    rig_until_nodes (rig, 1);
    assert_int_equal (rig->exec->ops->start (rig->exec, 1, &launch, &err), -1);
    rig->exec->ops->kill (rig->exec, 0, 77, 0, 1); /* of what does not run: nothing happens */
    rig->exec->ops->kill (rig->exec, 5, 77, 0, 1);
    assert_int_equal (rig->exec->ops->start (rig->exec, 0, &launch, &err), 0);
    rig_until_ends (rig, 1);
    assert_int_equal (rig->ends[0].status, AW_STATUS_FAILED);
    assert_int_equal (rig->ends[0].code, 127);
    assert_string_equal (rig->ends[0].reason,
                         "cannot start /no/such/program: No such file or directory");
}

static void output_is_kept_and_usage_reported (void **state)
{
    struct rig *rig = *state;
    char *out, *errors;

    rig_until_nodes (rig, 1);
    rig_start (
        rig, 0, 1,
        "echo to stdout; echo to stderr >&2; i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done");
    rig_until_ends (rig, 1);
    out = rig_read (rig, "1.out");
    errors = rig_read (rig, "1.err");
    assert_string_equal (out, "to stdout\n");
    assert_string_equal (errors, "to stderr\n");
    assert_true (rig->ends[0].cpu_seconds > 0);
    assert_true (rig->ends[0].cpu_seconds <= rig->ends[0].seconds * 1.5 + 0.05);
    free (out);
    free (errors);
}

/* A chain, each started by the end of the one before, and a wide run: all come back, each once. */
static void many_tasks_run_at_once (void **state)
{
    struct rig *rig = *state;
    char seen[300] = "";

    rig_until_nodes (rig, 1);
    for (uint32_t i = 0; i < 50; i++) {
        rig_start (rig, 0, i, ":");
        rig_until_ends (rig, i + 1);
    }
    for (uint32_t i = 50; i < 300; i++)
        rig_start (rig, 0, i, ":");
    rig_until_ends (rig, 300);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal (rig->ends[i].status, AW_STATUS_COMPLETED);
        assert_int_equal (seen[rig->ends[i].task]++, 0);
    }
}

static void a_killed_task_ends_by_sigterm (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo x >started; exec sleep 1000");
    rig_until_file (rig, "started");
    rig->exec->ops->kill (rig->exec, 0, 1, 1, 1000); /* another attempt */
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 1000);
    rig_until_ends (rig, 1);
    assert_int_equal (rig->ends[0].status, AW_STATUS_CANCELLED);
    assert_int_equal (rig->ends[0].signal, SIGTERM);
}

/* SIGTERM reaches all of the session, other process groups and stopped processes too; what ignores
 * it is killed.
 */
static void a_task_that_ignores_sigterm_is_killed_after_its_grace (void **state)
{
    struct rig *rig = *state;
    pid_t child;
    double start;

    rig_until_nodes (rig, 1);
    rig_start (
        rig, 0, 1,
        "trap '' TERM; sh -c 'echo $$ >child; kill -STOP $$; exec sleep 1000' & echo x >started; "
        "while :; do sleep 0.1; done");
    rig_until_file (rig, "child");
    rig_until_file (rig, "started");
    child = rig_read_pid (rig, "child");
    start = aw_clock_monotonic ();
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 0.3);
    rig_until_ends (rig, 1);
    assert_true (aw_clock_monotonic () - start >= 0.28); /* libevent's clock is a coarse one */
    assert_int_equal (rig->ends[0].status, AW_STATUS_CANCELLED);
    assert_int_equal (rig->ends[0].signal, SIGKILL);
    rig_until_gone (rig, child);
}

/* A second, more urgent word takes the first one's grace away. */
static void a_second_kill_shortens_the_grace (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "trap '' TERM; echo x >started; while :; do sleep 0.1; done");
    rig_until_file (rig, "started");
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 1000);
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 0);
    rig_until_ends (rig, 1);
    assert_int_equal (rig->ends[0].status, AW_STATUS_CANCELLED);
    assert_int_equal (rig->ends[0].signal, SIGKILL);
}

static void a_task_ends_at_its_time_limit (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start_limited (rig, 0, 1, "sleep 1000", 0.2);
    rig_start_limited (rig, 0, 2, "trap 'exit 7' TERM; while :; do sleep 0.05; done", 0.3);
    rig_start_limited (rig, 0, 3, "exit 0", 1000);
    rig->grace = 0.1;
    rig_start_limited (rig, 0, 4, "trap '' TERM; while :; do sleep 0.05; done", 0.3);
    rig_until_ends (rig, 4);
    assert_int_equal (rig_end_of (rig, 4)->status, AW_STATUS_TIMEOUT);
    assert_int_equal (rig_end_of (rig, 4)->signal, SIGKILL);
    assert_true (rig_end_of (rig, 4)->seconds < RIG_GRACE);
    assert_int_equal (rig_end_of (rig, 1)->status, AW_STATUS_TIMEOUT);
    assert_int_equal (rig_end_of (rig, 1)->signal, SIGTERM);
    assert_true (rig_end_of (rig, 1)->seconds >= 0.18);
    assert_int_equal (rig_end_of (rig, 2)->status, AW_STATUS_TIMEOUT);
    assert_int_equal (rig_end_of (rig, 2)->code, 7);
    assert_int_equal (rig_end_of (rig, 3)->status, AW_STATUS_COMPLETED);
}

/* What a task leaves behind ends with it, whether it stays in the task's group, its session, or has
 * gone off as a daemon, with or without its environment.
 */
static void what_a_task_leaves_behind_ends_with_it (void **state)
{
    struct rig *rig = *state;
    pid_t group, daemon, deep, bare;
    double ended;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 2, "sleep 1000"); /* another one runs on */
    rig_start (rig, 0, 1,
               "sleep 1000 & echo $! >group; "
               "setsid sh -c 'echo $$ >daemon; sleep 1000 & echo $! >deep; wait' & "
               "env -i setsid sh -c '(sleep 1000 & echo $! >bare)'; "
               "while ! [ -s daemon ] || ! [ -s deep ]; do sleep 0.01; done; exit 4");
    rig_until_ends (rig, 1);
    ended = aw_clock_monotonic ();
    assert_int_equal (rig_end_of (rig, 1)->code, 4);
    group = rig_read_pid (rig, "group");
    daemon = rig_read_pid (rig, "daemon");
    deep = rig_read_pid (rig, "deep");
    bare = rig_read_pid (rig, "bare");
    rig_until_gone (rig, group);
    rig_until_gone (rig, daemon);
    rig_until_gone (rig, deep);
    rig_until_gone (rig, bare);
    assert_true (aw_clock_monotonic () - ended < 5); /* a second, on a machine that is not busy */
    assert_int_equal (rig->n_ends, 1);
}

/* A daemon of a task that runs on is its own affair, though the agent inherits it, and others end
 * meanwhile.
 */
static void a_daemon_of_a_running_task_lives (void **state)
{
    struct rig *rig = *state;
    double start;
    pid_t daemon, bare;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1,
               "env -i setsid sh -c 'sleep 1000 & echo $! >bare'; "
               "setsid sh -c '(echo x >ready; sleep 1000) & echo $! >daemon'; exec sleep 1000");
    rig_until_file (rig, "bare");
    rig_until_file (rig, "daemon");
    rig_until_file (rig, "ready");
    daemon = rig_read_pid (rig, "daemon");
    start = aw_clock_monotonic ();
    for (uint32_t i = 2; aw_clock_monotonic () - start < 1; i++) { /* several sweeps go by */
        rig_start (rig, 0, i, ":");
        rig_until_ends (rig, i - 1);
    }
    bare = rig_read_pid (rig, "bare");
    assert_true (rig_alive (daemon));
    assert_true (rig_alive (bare));
    rig->exec->ops->kill (rig->exec, 0, 1, 0, 10);
    rig_until_gone (rig, daemon);
    rig_until_gone (rig, bare);
}

/* The coordinator goes away without a word. */
static void tasks_end_when_the_connection_is_lost (void **state)
{
    struct rig *rig = *state;
    pid_t task, agent;
    char *text;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo $$ $PPID >pid; exec sleep 1000");
    rig_until_file (rig, "pid");
    text = rig_read (rig, "pid");
    assert_int_equal (sscanf (text, "%d %d", &task, &agent), 2);
    free (text);
    rig->exec->ops->destroy (rig->exec);
    rig->exec = NULL;
    assert_false (rig_alive (task));
    assert_false (rig_alive (agent));
}

/* The agent is killed: its tasks do not outlive it, and the row tells. */
static void tasks_end_when_the_agent_is_killed (void **state)
{
    struct rig *rig = *state;
    struct aw_error err = { "" };
    struct aw_launch launch;
    pid_t task, agent;
    char *text;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo $$ $PPID >pid; exec sleep 1000");
    rig_until_file (rig, "pid");
    text = rig_read (rig, "pid");
    assert_int_equal (sscanf (text, "%d %d", &task, &agent), 2);
    free (text);
    kill (agent, SIGKILL);
    rig_until_lost (rig, 1);
    assert_int_equal (rig->lost[0], 0);
    assert_string_equal (rig->lost_reason, "its agent ended");
    rig_until_gone (rig, task);
    aw_launch_init (&launch);
    assert_int_equal (rig->exec->ops->start (rig->exec, 0, &launch, &err), -1);
    assert_string_equal (err.text, "node 0 is lost");
}

/* scancel, or the job's time limit: tasks end as cancelled, then the agent goes and says why. */
static void an_agent_told_to_end_ends_its_tasks (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo $PPID >agent; exec sleep 1000");
    rig_until_file (rig, "agent");
    kill (rig_read_pid (rig, "agent"), SIGHUP); /* does no harm */
    kill (rig_read_pid (rig, "agent"), SIGINT);
    kill (rig_read_pid (rig, "agent"), SIGPIPE);
    kill (rig_read_pid (rig, "agent"), SIGTERM);
    rig_until_lost (rig, 1);
    assert_int_equal (rig_end_of (rig, 1)->status, AW_STATUS_CANCELLED);
    assert_int_equal (rig_end_of (rig, 1)->signal, SIGTERM);
    assert_string_equal (rig->lost_reason,
                         "its agent left: SIGTERM, by scancel or at the job's time limit");
}

/* A SIGTERM from elsewhere is a failure of the task. Until that is certain the agent does other
 * work: of two tasks the one that ends second is reported first, unless the machine is too slow for
 * that.
 */
static void a_task_ended_from_outside_is_reported_so (void **state)
{
    struct rig *rig = *state;
    bool overtaken = false;

    rig_until_nodes (rig, 1);
    for (uint32_t i = 0; i < 20 && !overtaken; i++) {
        rig_start (rig, 0, 2 * i, "echo $$ >pid; kill -TERM $$; sleep 1000");
        rig_until_file (rig, "pid");
        rig_until_gone (rig, rig_read_pid (rig, "pid"));
        rig_start (rig, 0, 2 * i + 1, ": >pid");
        rig_until_ends (rig, 2 * i + 2);
        assert_int_equal (rig_end_of (rig, 2 * i)->status, AW_STATUS_FAILED);
        assert_int_equal (rig_end_of (rig, 2 * i)->signal, SIGTERM);
        overtaken = rig->ends[2 * i].task == 2 * i + 1;
    }
    assert_true (overtaken);
}

/* Slurm ends the whole step, and the task gets SIGTERM before the agent: it is cancelled. */
static void a_task_ended_just_before_the_agent_is_reported_so (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo $$ >pid; echo $PPID >agent; exec sleep 1000");
    rig_until_file (rig, "agent");
    kill (rig_read_pid (rig, "pid"), SIGTERM);
    rig_until_gone (rig, rig_read_pid (rig, "pid"));
    kill (rig_read_pid (rig, "agent"), SIGTERM);
    rig_until_lost (rig, 1);
    assert_int_equal (rig_end_of (rig, 1)->status, AW_STATUS_CANCELLED);
    assert_int_equal (rig_end_of (rig, 1)->signal, SIGTERM);
}

/* Slurm sends users' signals to the step's processes, which are agents. */
static void signals_reach_the_tasks (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "trap 'exit 9' USR1; echo $PPID >agent; while :; do sleep 0.05; done");
    rig_until_file (rig, "agent");
    kill (rig_read_pid (rig, "agent"), SIGUSR1);
    rig_until_ends (rig, 1);
    assert_int_equal (rig->ends[0].status, AW_STATUS_FAILED);
    assert_int_equal (rig->ends[0].code, 9);
}

static int waitid_error; /* of the agent that is forked next; 0: none */

/* In place of the C library's. */
int waitid (idtype_t type, id_t id, siginfo_t *info, int options)
{
    errno = waitid_error;
    return errno ? -1 : (int)syscall (SYS_waitid, type, id, info, options, NULL);
}

static int set_up_without_waitid (void **state)
{
    int rc;

    waitid_error = ENOSYS;
    rc = rig_local_set_up (state);
    waitid_error = 0;
    return rc;
}

/* It does not say that nothing has ended. */
static void an_agent_that_cannot_wait_for_processes_says_so_and_ends (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "exit 0");
    rig_until_lost (rig, 1);
    assert_string_equal (rig->lost_reason, "its agent left: cannot wait for the tasks' processes: "
                                           "Function not implemented");
}

static bool exists (const struct rig *rig, const char *name)
{
    char path[256];

    snprintf (path, sizeof (path), "%s/%s", rig->dir, name);
    return access (path, F_OK) == 0;
}

static void make_file (const char *path)
{
    FILE *file = fopen (path, "w");

    assert_non_null (file);
    fclose (file);
}

static void let_go (const struct rig *rig)
{
    char path[256];

    snprintf (path, sizeof (path), "%s/go", rig->dir);
    make_file (path);
}

/* In place of the C library's: an empty file is removed when there is a file "go". */
int rename (const char *from, const char *to)
{
    char go[256];
    const char *mark = strstr (to, "/.empty");

    if (mark) {
        snprintf (go, sizeof (go), "%.*s/go", (int)(mark - to), to);
        for (int i = 0; i < 100 * (int)RIG_SECONDS && access (go, F_OK) < 0; i++)
            usleep (10000);
    }
    return renameat (AT_FDCWD, from, AT_FDCWD, to);
}

static bool is_tidy (struct rig *rig, void *arg)
{
    (void)arg;
    return !exists (rig, "1.out");
}

/* Successors do not wait for the removal. */
static void an_end_is_reported_before_empty_files_are_removed (void **state)
{
    struct rig *rig = *state;

    rig_until_nodes (rig, 1);
    rig->tidy = AW_TIDY_OUT;
    rig_start (rig, 0, 1, "exit 0");
    rig_until_ends (rig, 1);
    assert_true (exists (rig, "1.out"));
    let_go (rig);
    rig_until (rig, is_tidy, NULL);
}

/* In place of the log store's: its process takes a while to close its files. */
void __real_aw_log_writer_destroy (struct aw_log_writer *writer);
void __wrap_aw_log_writer_destroy (struct aw_log_writer *writer);

void __wrap_aw_log_writer_destroy (struct aw_log_writer *writer)
{
    char path[256] = "";

    if (writer)
        snprintf (path, sizeof (path), "%s.closed", aw_log_writer_path (writer));
    usleep (300000);
    __real_aw_log_writer_destroy (writer);
    if (writer)
        make_file (path);
}

/* On NFS, others see what is in the files only then. */
static void the_log_store_is_closed_before_the_agent_has_ended (void **state)
{
    struct rig *rig = *state;
    char closed[128];

    rig_until_nodes (rig, 1);
    rig->store = true;
    rig_start (rig, 0, 1, "echo x");
    rig_until_ends (rig, 1);
    assert_int_equal (rig_end_of (rig, 1)->status, AW_STATUS_COMPLETED);
    snprintf (closed, sizeof (closed), "%s.log.closed", rig->nodes[0]);
    assert_false (exists (rig, closed));
    rig->exec->ops->destroy (rig->exec);
    rig->exec = NULL;
    assert_true (exists (rig, closed));
}

/* Shut down: what runs may end, nothing starts, and then there is nothing to wait for. */
static void a_shut_down_ends_all_tasks (void **state)
{
    struct rig *rig = *state;
    struct aw_launch launch;

    rig_until_nodes (rig, 1);
    rig_start (rig, 0, 1, "echo x >started; while ! [ -e go ]; do sleep 0.02; done; exit 5");
    rig_until_file (rig, "started");
    rig->exec->ops->shutdown (rig->exec);
    aw_launch_init (&launch);
    assert_int_equal (rig->exec->ops->start (rig->exec, 0, &launch, NULL), -1);
    let_go (rig);
    rig_until_idle (rig);
    assert_int_equal (rig->n_ends, 1);
    assert_int_equal (rig->ends[0].code, 5);
    assert_int_equal (rig->n_lost, 0);
    assert_int_equal (rig->n_broken, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, rig_local_set_up, rig_local_tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (what_cannot_start_is_reported),
        TEST (each_end_of_a_task_is_reported),
        TEST (output_is_kept_and_usage_reported),
        TEST (many_tasks_run_at_once),
        TEST (a_killed_task_ends_by_sigterm),
        TEST (a_task_that_ignores_sigterm_is_killed_after_its_grace),
        TEST (a_second_kill_shortens_the_grace),
        TEST (a_task_ends_at_its_time_limit),
        TEST (what_a_task_leaves_behind_ends_with_it),
        TEST (a_daemon_of_a_running_task_lives),
        TEST (tasks_end_when_the_connection_is_lost),
        TEST (tasks_end_when_the_agent_is_killed),
        TEST (an_agent_told_to_end_ends_its_tasks),
        TEST (a_task_ended_from_outside_is_reported_so),
        TEST (a_task_ended_just_before_the_agent_is_reported_so),
        TEST (signals_reach_the_tasks),
        TEST (an_end_is_reported_before_empty_files_are_removed),
        TEST (the_log_store_is_closed_before_the_agent_has_ended),
        TEST (a_shut_down_ends_all_tasks),
        cmocka_unit_test_setup_teardown (an_agent_that_cannot_wait_for_processes_says_so_and_ends,
                                         set_up_without_waitid, rig_local_tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
