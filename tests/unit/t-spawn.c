/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one process: what it finds, and how failures are told. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/spawn.h"
#include "util/processes.h"

static char dir[] = "/tmp/aw-spawn.XXXXXX";
static struct aw_spawner *spawner;
static char *plain_env[] = { "PATH=/usr/bin:/bin", NULL };

static char *path_of (const char *name)
{
    static char path[4][128];
    static int next;

    next = (next + 1) % 4;
    snprintf (path[next], sizeof (path[0]), "%s/%s", dir, name);
    return path[next];
}

static void write_file (const char *name, const char *text, mode_t mode)
{
    int fd = open (path_of (name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, strlen (text)), (ssize_t)strlen (text));
    assert_int_equal (fchmod (fd, mode), 0);
    close (fd);
}

static int oom_score_of (pid_t pid)
{
    char path[64];
    int score = -1001;
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/oom_score_adj", (int)pid);
    file = fopen (path, "re");
    if (file) {
        if (fscanf (file, "%d", &score) != 1)
            score = -1001;
        fclose (file);
    }
    return score;
}

static int oom_score_of_this_process (void)
{
    return oom_score_of (getpid ());
}

static int own_oom_score;

static int set_up (void **state)
{
    struct aw_error err = { "" };

    (void)state;
    assert_non_null (mkdtemp (dir));
    own_oom_score = oom_score_of_this_process ();
    spawner = aw_spawner_create (&err);
    assert_non_null (spawner);
    write_file ("text", "no program\n", 0644);
    write_file ("unknown", "no program\n", 0755);
    write_file ("lost", "#!/no/such/interpreter\n", 0755);
    write_file ("good", "#!/bin/sh\nexit 6\n", 0755);
    assert_int_equal (mkdir (path_of ("sub"), 0755), 0);
    assert_int_equal (mkfifo (path_of ("fifo"), 0600), 0);
    return 0;
}

static int tear_down (void **state)
{
    char command[64];

    (void)state;
    aw_spawner_destroy (spawner);
    aw_spawner_destroy (NULL);
    snprintf (command, sizeof (command), "rm -rf '%s'", dir);
    return system (command);
}

/* Nothing is left behind: no process, no descriptor. */
static void assert_clean (void)
{
    int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
    assert_int_equal (errno, ECHILD);
    assert_true (fd >= 0 && fd < 20);
    close (fd);
}

static bool under_valgrind (void)
{
    const char *preload = getenv ("LD_PRELOAD");

    return preload && strstr (preload, "vgpreload");
}

static void what_cannot_be_started_is_told (void **state)
{
    struct {
        const char *program, *directory, *out, *err, *path;
        int error;
        const char *text; /* part of it */
    } table[] = {
        { "/no/such", "/", "/dev/null", "/dev/null", NULL, ENOENT,
          "cannot start /no/such: No such file or directory" },
        { "no-such-program", "/", "/dev/null", "/dev/null", NULL, ENOENT,
          "cannot start no-such-program: there is no such program in PATH" },
        { "", "/", "/dev/null", "/dev/null", NULL, ENOENT, "there is no such program" },
        { "no-such-program", "/", "/dev/null", "/dev/null", "PATH=", ENOENT,
          "there is no such program in PATH" },
        { path_of ("text"), "/", "/dev/null", "/dev/null", NULL, EACCES,
          "text: Permission denied" },
        { path_of ("sub"), "/", "/dev/null", "/dev/null", NULL, EACCES, "sub: Permission denied" },
        { path_of ("unknown"), "/", "/dev/null", "/dev/null", NULL, ENOEXEC,
          "a script needs a first line" },
        { path_of ("lost"), "/", "/dev/null", "/dev/null", NULL, ENOENT,
          "the interpreter in its first line does not exist" },
        { "true", "/no/dir", "/dev/null", "/dev/null", NULL, ENOENT,
          "cannot start true: its directory /no/dir: No such file or directory" },
        { "true", "/etc/passwd", "/dev/null", "/dev/null", NULL, ENOTDIR,
          "its directory /etc/passwd: Not a directory" },
        { "true", "/", "/proc/no/dir/out", "/dev/null", NULL, ENOENT,
          "its stdout /proc/no/dir/out cannot be opened: No such file" },
        { "true", "/", "/dev/null", "/proc/no/dir/err", NULL, ENOENT,
          "its stderr /proc/no/dir/err cannot be opened: No such file" },
        { "true", "/", "/", "/dev/null", NULL, EISDIR,
          "its stdout / cannot be opened: Is a directory" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *argv[] = { (char *)table[i].program, NULL };
        char *env[] = { (char *)table[i].path, NULL };
        struct aw_spawn spawn = {
            .argv = argv,
            .env = table[i].path ? env : plain_env,
            .directory = table[i].directory,
            .out = table[i].out,
            .err = table[i].err,
        };
        struct aw_error err = { "" };

        if ((table[i].error == ENOEXEC || strstr (table[i].text, "interpreter"))
            && under_valgrind ())
            continue; /* it looks at scripts itself, and differs */
        assert_int_equal (aw_spawn (spawner, &spawn, &err), -1);
        assert_int_equal (errno, table[i].error);
        if (!strstr (err.text, table[i].text))
            fail_msg ("\"%s\", not \"%s\"", err.text, table[i].text);
        assert_clean ();
    }
}

/* Nobody reads from it: an open that waits would hold up the agent. */
static void a_fifo_does_not_block_the_start (void **state)
{
    char *argv[] = { "true", NULL };
    struct aw_spawn spawn = { argv, plain_env, "/", path_of ("fifo"), "/dev/null", -1, -1,
                              NULL, 0,         0 };
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (aw_spawn (spawner, &spawn, &err), -1);
    assert_int_equal (errno, ENXIO);
    assert_clean ();
}

static void cpus_that_are_not_there_are_told (void **state)
{
    char *argv[] = { "true", NULL };
    struct aw_idset cpus = { 0 };
    struct aw_spawn spawn = { argv, plain_env, "/", "/dev/null", "/dev/null", -1, -1, &cpus, 0, 0 };
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (aw_idset_add (&cpus, 5000, 5001), 0);
    assert_int_equal (aw_spawn (spawner, &spawn, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_non_null (strstr (err.text, "cannot be bound to its CPUs: Invalid argument"));
    aw_idset_finish (&cpus);
    assert_clean ();
}

static char *slurp (const char *name)
{
    static char text[65536];
    FILE *file = fopen (path_of (name), "re");
    size_t n;

    assert_non_null (file);
    n = fread (text, 1, sizeof (text) - 1, file);
    text[n] = '\0';
    fclose (file);
    return text;
}

/* Runs ARGV to its end; returns its exit code. What it writes is in "out" and "err". */
static int run (char **argv, char *const *env, const struct aw_idset *cpus)
{
    struct aw_spawn spawn = {
        argv, env, dir, path_of ("out"), path_of ("err"), -1, -1, cpus, 0, 0
    };
    struct aw_error err = { "" };
    int status;
    pid_t pid = aw_spawn (spawner, &spawn, &err);

    if (pid < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    return WEXITSTATUS (status);
}

static int run_script (const char *script)
{
    char *argv[] = { "sh", "-c", (char *)script, NULL };

    return run (argv, plain_env, NULL);
}

static void the_kernel_kills_a_task_before_the_agent_when_memory_runs_out (void **state)
{
    (void)state;
    assert_int_not_equal (own_oom_score, -1001);
    if (own_oom_score >= 500)
        skip ();
    assert_int_equal (run_script ("cat /proc/self/oom_score_adj"), 0);
    assert_string_equal (slurp ("out"), "500\n");
    assert_int_equal (oom_score_of_this_process (), own_oom_score);
}

/* Has a lease on PROGRAM, so that it is not executed before this process has ended. Sends whether
 * it has the lease, and, when PROGRAM is to be executed, the score of the parent.
 */
__attribute__ ((noreturn)) static void send_score_at_exec (const char *program, int to)
{
    int fd = open (program, O_RDONLY | O_CLOEXEC), score;
    pid_t parent = getppid ();
    sigset_t io;

    sigemptyset (&io);
    sigaddset (&io, SIGIO);
    sigprocmask (SIG_BLOCK, &io, NULL);
    score = fcntl (fd, F_SETLEASE, F_WRLCK);
    if (write (to, &score, sizeof (score)) < 0 || score < 0)
        _exit (1);
    alarm (30);
    sigwaitinfo (&io, NULL);
    score = oom_score_of (parent);
    _exit (write (to, &score, sizeof (score)) < 0);
}

/* Executing a program needs memory; the kernel spares the child then. */
static void the_agent_has_its_own_oom_score_while_a_program_is_executed (void **state)
{
    char *program = path_of ("good"), *argv[] = { program, NULL };
    int fds[2], answer, status;
    pid_t pid;

    (void)state;
    if (own_oom_score >= 500)
        skip ();
    assert_int_equal (pipe2 (fds, O_CLOEXEC), 0);
    pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0)
        send_score_at_exec (program, fds[1]);
    close (fds[1]);
    assert_int_equal (read (fds[0], &answer, sizeof (answer)), sizeof (answer));
    if (answer == 0) {
        assert_int_equal (run (argv, plain_env, NULL), 6);
        assert_int_equal (read (fds[0], &answer, sizeof (answer)), sizeof (answer));
        assert_int_equal (answer, own_oom_score);
    }
    else
        print_message ("# no leases on this file system\n");
    close (fds[0]);
    assert_int_equal (waitpid (pid, &status, 0), pid);
}

static int raise_own_oom_score_by_one (void)
{
    int score = oom_score_of_this_process () + 1;
    FILE *file = fopen ("/proc/self/oom_score_adj", "w");

    if (!file)
        return -1;
    fprintf (file, "%d", score);
    fclose (file);
    return score;
}

/* In a process of its own: 0, or the number of the check that failed. */
static int raise_and_lower_without_privileges (void)
{
    struct aw_oom_offer offer;
    int own = raise_own_oom_score_by_one (), rc = 0;

    aw_oom_offer_init (&offer);
    if (geteuid () == 0 && setresuid (65534, 65534, 65534) < 0)
        return 1;
    aw_oom_offer_begin (&offer);
    if (oom_score_of_this_process () != 500)
        rc = 2;
    aw_oom_offer_end (&offer);
    if (rc == 0 && oom_score_of_this_process () != own)
        rc = 3;
    aw_oom_offer_finish (&offer);
    return rc;
}

static void the_agent_gets_its_own_oom_score_back_without_privileges (void **state)
{
    int status;
    pid_t pid;

    (void)state;
    if (oom_score_of_this_process () >= 499)
        skip ();
    pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0)
        _exit (raise_and_lower_without_privileges ());
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 0);
}

static void a_program_is_found_by_the_path_of_the_task (void **state)
{
    static const struct {
        const char *program, *path;
        int code;
    } table[] = {
        { "good", "PATH=/no/dir:%s:/bin", 6 },
        { "good", "PATH=/etc/passwd:%s", 6 }, /* not a directory: passed over */
        { "good", "PATH=", 6 }, /* the working directory, as execvp has it */
        { "good", "PATH=/bin::", 6 },
        { "./good", "PATH=/no/dir", 6 },
        { "sub/../good", "PATH=/no/dir", 6 },
        { "true", NULL, 0 }, /* no PATH at all */
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char path[256];
        char *env[] = { path, NULL };
        char *argv[] = { (char *)table[i].program, NULL };

        if (table[i].path)
            snprintf (path, sizeof (path), i < 2 ? "PATH=/no/dir:%s:/bin" : "%s",
                      i < 2 ? dir : table[i].path);
        else
            env[0] = NULL;
        assert_int_equal (run (argv, env, NULL), table[i].code);
    }
    assert_clean ();
}

static void a_task_has_its_own_session_and_files (void **state)
{
    char expected[PATH_MAX + 16], real[PATH_MAX];
    char *text;

    (void)state;
    assert_non_null (realpath (dir, real));
    assert_int_equal (
        run_script ("set -- $(cat /proc/self/stat); echo \"$(($5 == $$)) $(($6 == $$)) $7\"; pwd; "
                    "readlink /proc/self/fd/0; echo problem >&2"),
        0);
    snprintf (expected, sizeof (expected), "1 1 0\n%s\n",
              real); /* leader of group and session, no terminal */
    text = slurp ("out");
    assert_int_equal (strncmp (text, expected, strlen (expected)), 0);
    assert_string_equal (slurp ("err"), "problem\n");
    /* Written again each time, in one description where both are the same. */
    {
        char *argv[] = { "sh", "-c", "echo a; echo b >&2; echo c", NULL };
        struct aw_spawn spawn = { argv, plain_env, "/", path_of ("out"), path_of ("out"), -1, -1,
                                  NULL, 0,         0 };
        struct aw_error err = { "" };
        pid_t pid = aw_spawn (spawner, &spawn, &err);

        assert_int_equal (waitpid (pid, NULL, 0), pid);
        assert_string_equal (slurp ("out"), "a\nb\nc\n");
    }
    assert_clean ();
}

/* Nothing but 0 to 2, whatever we have open, close-on-exec or not. */
static void a_task_has_no_descriptors_of_ours (void **state)
{
    int leaky = open ("/dev/null", O_RDONLY);
    int high = fcntl (leaky, F_DUPFD, 200);

    (void)state;
    assert_true (leaky >= 0 && high >= 200);
    assert_int_equal (run_script ("ls /proc/$$/fd"), 0);
    assert_string_equal (slurp ("out"), "0\n1\n2\n");
    close (leaky);
    close (high);
}

static void do_nothing (int number)
{
    (void)number;
}

static void a_task_has_default_signals (void **state)
{
    struct sigaction quiet = { .sa_handler = do_nothing };
    sigset_t set, saved;

    (void)state;
    for (int number = 1; number < 32; number++) /* as the agent does: what is caught, exec resets */
        sigaction (number, &quiet, NULL);
    sigfillset (&set);
    sigprocmask (SIG_SETMASK, &set, &saved);
    {
        char *argv[] = { "cat", "/proc/self/status", NULL };
        int code = run (argv, plain_env, NULL);

        sigprocmask (SIG_SETMASK, &saved, NULL);
        assert_int_equal (code, 0);
    }
    /* Signals 32 and 33 are the C library's own, and a caller may have left them ignored (GNU make
     * does). */
    assert_non_null (strstr (slurp ("out"), "\nSigBlk:\t0000000000000000\n"));
    assert_int_equal (
        strtoull (strstr (slurp ("out"), "SigIgn:\t") + 8, NULL, 16) & ~UINT64_C (0x180000000), 0);
    assert_non_null (strstr (slurp ("out"), "\nSigCgt:\t0000000000000000\n"));
    signal (SIGINT, SIG_DFL);
    signal (SIGPIPE, SIG_DFL);
}

static void a_task_gets_its_environment_and_arguments (void **state)
{
    char *argv[] = { "sh",     "-c", "echo \"$0|$1|$2|$A\"; env | wc -l", "", "two words",
                     "\xff\n", NULL };
    char *env[] = { "A=b c", NULL };

    (void)state;
    argv[0] = "/bin/sh";
    assert_int_equal (run (argv, env, NULL), 0);
    assert_int_equal (strncmp (slurp ("out"), "|two words|\xff\n|b c\n", 18), 0);
}

static void a_task_is_bound_to_its_cpus (void **state)
{
    struct aw_idset cpus = { 0 };
    char expected[64];
    cpu_set_t mask;
    uint32_t cpu = 0;

    (void)state;
    assert_int_equal (sched_getaffinity (0, sizeof (mask), &mask), 0);
    while (!CPU_ISSET (cpu, &mask))
        cpu++;
    assert_int_equal (aw_idset_add (&cpus, cpu, cpu), 0);
    {
        char *argv[] = { "grep", "Cpus_allowed_list", "/proc/self/status", NULL };

        assert_int_equal (run (argv, plain_env, &cpus), 0);
    }
    snprintf (expected, sizeof (expected), "Cpus_allowed_list:\t%u\n", cpu);
    assert_string_equal (slurp ("out"), expected);
    aw_idset_finish (&cpus);
}

/* A task does not outlive whoever started it, killed without a chance to clean up. */
static void a_task_ends_when_its_parent_dies (void **state)
{
    int fds[2];
    pid_t parent, task = 0;

    (void)state;
    assert_int_equal (pipe (fds), 0);
    parent = fork ();
    if (parent == 0) {
        char *argv[] = { "sleep", "1000", NULL };
        struct aw_spawn spawn = {
            argv, plain_env, "/", "/dev/null", "/dev/null", -1, -1, NULL, 0, 0
        };

        task = aw_spawn (spawner, &spawn, NULL);
        (void)!write (fds[1], &task, sizeof (task));
        pause ();
        _exit (0);
    }
    assert_int_equal (read (fds[0], &task, sizeof (task)), sizeof (task));
    assert_int_equal (kill (task, 0), 0);
    kill (parent, SIGKILL);
    assert_int_equal (waitpid (parent, NULL, 0), parent);
    for (int i = 0; i < 2000; i++) {
        char path[64], line[128] = "";
        FILE *file;

        snprintf (path, sizeof (path), "/proc/%d/stat", (int)task);
        file = fopen (path, "re");
        if (!file)
            break;
        (void)!fgets (line, sizeof (line), file);
        fclose (file);
        if (strstr (line, ") Z"))
            break;
        assert_true (i < 1999);
        usleep (5000);
    }
    close (fds[0]);
    close (fds[1]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_cannot_be_started_is_told),
        cmocka_unit_test (a_fifo_does_not_block_the_start),
        cmocka_unit_test (cpus_that_are_not_there_are_told),
        cmocka_unit_test (the_kernel_kills_a_task_before_the_agent_when_memory_runs_out),
        cmocka_unit_test (the_agent_has_its_own_oom_score_while_a_program_is_executed),
        cmocka_unit_test (the_agent_gets_its_own_oom_score_back_without_privileges),
        cmocka_unit_test (a_program_is_found_by_the_path_of_the_task),
        cmocka_unit_test (a_task_has_its_own_session_and_files),
        cmocka_unit_test (a_task_has_no_descriptors_of_ours),
        cmocka_unit_test (a_task_has_default_signals),
        cmocka_unit_test (a_task_gets_its_environment_and_arguments),
        cmocka_unit_test (a_task_is_bound_to_its_cpus),
        cmocka_unit_test (a_task_ends_when_its_parent_dies),
    };

    return cmocka_run_group_tests (tests, set_up, tear_down);
}
