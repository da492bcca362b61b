/* SPDX-License-Identifier: Apache-2.0 */
/* vfork: the child runs in the agent's memory while the agent waits, so the cost of a start does
 * not depend on the agent's size. The child only makes system calls. It reports a failure in the
 * agent's memory. Where vfork is a fork (valgrind, some sandboxes) and the child's memory is not
 * ours, it does so through a pipe, which a successful exec closes.
 */
#include "config.h"

#include "agent/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/place/binding.h"
#include "util/array.h"
#include "util/descriptors.h"
#include "util/parents.h"
#include "util/processes.h"
#include "util/strings.h"

enum { CALL_FD = 3 };

enum stage {
    STAGE_NONE, /* started */
    STAGE_SESSION,
    STAGE_OUT,
    STAGE_ERR,
    STAGE_DIRECTORY,
    STAGE_CPUS,
    STAGE_EXEC,
};

/* The child's report of a failure. */
struct report {
    int stage;
    int error;
};

struct aw_spawner {
    char *paths; /* where the program may be: strings one after the other, the last one empty */
    size_t paths_capacity;
    struct aw_numa numa;
    struct aw_binding binding;
    struct aw_oom_offer oom_offer;
    bool shares; /* a child of vfork has our memory until it executes its program */
};

/* The parameters of the child, all of them prepared before. */
struct child {
    const struct aw_spawn *spawn;
    const char *paths;
    const struct aw_binding *binding;
    const struct aw_oom_offer *oom_offer;
    struct report *told; /* in memory that the child shares; NULL: it does not */
    int report; /* else to write a struct report to; close-on-exec */
    pid_t parent;
    bool same; /* out and err */
};

/*
 * The child: system calls alone
 */

__attribute__ ((noreturn)) static void fail (const struct child *child, enum stage stage)
{
    const struct report report = { stage, errno };

    if (child->told)
        *child->told = report;
    else
        (void)!write (child->report, &report, sizeof (report)); /* the exit code reports it, too */
    _exit (127);
}

/* O_NONBLOCK keeps a FIFO that nobody reads from holding up the agent: it fails instead. */
static int open_output (const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK;
    int fd = open (path, flags, 0666);

    if (fd < 0 && errno == ENOENT && aw_make_parents (path) == 0)
        fd = open (path, flags, 0666);
    if (fd >= 0)
        fcntl (fd, F_SETFL, 0);
    return fd;
}

/* All but standard streams is closed later. */
static void open_outputs (const struct child *child)
{
    const struct aw_spawn *spawn = child->spawn;
    int fd = spawn->out ? open_output (spawn->out) : spawn->out_fd;

    if (fd < 0 || dup2 (fd, STDOUT_FILENO) < 0)
        fail (child, STAGE_OUT);
    if (spawn->out && fd > STDERR_FILENO)
        close (fd);
    fd = child->same ? STDOUT_FILENO : spawn->err ? open_output (spawn->err) : spawn->err_fd;
    if (fd < 0 || dup2 (fd, STDERR_FILENO) < 0)
        fail (child, STAGE_ERR);
    if (spawn->err && fd > STDERR_FILENO)
        close (fd);
}

/* As execvp does it: skips files that do not exist or may not be executed, and reports the most
 * helpful error.
 */
__attribute__ ((noreturn)) static void execute (const struct child *child)
{
    int denied = 0;

    errno = ENOENT;
    for (const char *path = child->paths; *path; path += strlen (path) + 1) {
        execve (path, child->spawn->argv, child->spawn->env);
        if (errno == EACCES)
            denied = 1;
        else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV
                 && errno != ETIMEDOUT)
            fail (child, STAGE_EXEC);
    }
    if (denied)
        errno = EACCES;
    fail (child, STAGE_EXEC);
}

/* The descriptor for calls. The child needs no other that has its number: the pipe for reports has
 * another one. */
static int give_calls (int fd)
{
    return fd == CALL_FD ? fcntl (fd, F_SETFD, 0) : dup2 (fd, CALL_FD);
}

__attribute__ ((noreturn)) static void run_child (const struct child *child)
{
    sigset_t none;

    /* The child has the score by now. With memory at its limit, exec needs some: without this, the
     * kernel would end the agent, whose score is high, and not the child, which it spares. */
    aw_oom_offer_end (child->oom_offer);
    if (setsid () < 0 || prctl (PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail (child, STAGE_SESSION);
    if (getppid () != child->parent)
        _exit (127); /* the agent died in between */
    open_outputs (child);
    if (chdir (child->spawn->directory) < 0)
        fail (child, STAGE_DIRECTORY);
    if (aw_binding_apply (child->binding) < 0)
        fail (child, STAGE_CPUS);
    aw_cloexec_from (STDERR_FILENO + 1);
    if (child->spawn->call_fd && give_calls (child->spawn->call_fd) < 0)
        fail (child, STAGE_SESSION);
    aw_descriptors_restore ();
    if (child->spawn->mark)
        aw_process_mark_set (child->spawn->mark);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    execute (child);
}

/* A function of its own, so that the child cannot change values that the compiler keeps for the
 * caller.
 */
__attribute__ ((noinline)) static pid_t start_child (const struct child *child)
{
    pid_t pid = vfork ();

    if (pid == 0)
        run_child (child);
    return pid;
}

/*
 * The agent's side
 */

static bool shares_memory (void)
{
    volatile bool shares = false;
    pid_t pid = vfork ();

    if (pid == 0) {
        shares = true;
        _exit (0);
    }
    while (pid > 0 && waitpid (pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return shares;
}

struct aw_spawner *aw_spawner_create (struct aw_error *err)
{
    struct aw_spawner *spawner = calloc (1, sizeof (*spawner));

    if (spawner) {
        aw_oom_offer_init (&spawner->oom_offer);
        spawner->shares = shares_memory ();
    }
    if (!spawner || (aw_numa_read (&spawner->numa, "") < 0 && errno == ENOMEM)) {
        aw_spawner_destroy (spawner);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    return spawner;
}

void aw_spawner_destroy (struct aw_spawner *spawner)
{
    int saved = errno;

    if (spawner) {
        free (spawner->paths);
        aw_binding_finish (&spawner->binding);
        aw_numa_finish (&spawner->numa);
        aw_oom_offer_finish (&spawner->oom_offer);
        free (spawner);
    }
    errno = saved;
}

/* Lists what the program may be. */
static int list_paths (struct aw_spawner *spawner, const char *program, char *const *env)
{
    const char *path = aw_env_get (env, "PATH");
    size_t length = strlen (program);
    size_t n_dirs = 1;
    char *to;

    if (!path)
        path = "/bin:/usr/bin"; /* execvp's default */
    for (const char *p = path; *p; p++)
        n_dirs += *p == ':';
    if (aw_array_reserve (&spawner->paths, &spawner->paths_capacity,
                          strlen (path) + n_dirs * (length + 3) + 1)
        < 0)
        return -1;
    to = spawner->paths;
    if (strchr (program, '/')) {
        to = stpcpy (to, program) + 1;
    }
    else if (length > 0) {
        for (size_t i = 0; i < n_dirs; i++) {
            size_t n = strcspn (path, ":");

            /* An empty entry is the working directory: of the task, which is there by then. */
            memcpy (to, n ? path : ".", n ? n : 1);
            to += n ? n : 1;
            *to++ = '/';
            to = stpcpy (to, program) + 1;
            path += n + (path[n] == ':');
        }
    }
    *to = '\0';
    return 0;
}

static const char *path_of (const char *path)
{
    return path ? path : "(a pipe)";
}

static void describe (const struct aw_spawn *spawn, int stage, int error, struct aw_error *err)
{
    const char *program = spawn->argv[0];
    const char *why = strerror (error);

    switch (stage) {
    case STAGE_OUT:
    case STAGE_ERR:
        aw_error_set (err, "cannot start %s: its %s %s cannot be opened: %s", program,
                      stage == STAGE_OUT ? "stdout" : "stderr",
                      stage == STAGE_OUT ? path_of (spawn->out) : path_of (spawn->err), why);
        break;
    case STAGE_DIRECTORY:
        aw_error_set (err, "cannot start %s: its directory %s: %s", program, spawn->directory, why);
        break;
    case STAGE_CPUS:
        aw_error_set (err, "cannot start %s: it cannot be bound to its CPUs: %s", program, why);
        break;
    case STAGE_EXEC:
        if (error == ENOENT && !strchr (program, '/'))
            aw_error_set (err, "cannot start %s: there is no such program in PATH", program);
        else if (error == ENOENT && access (program, F_OK) == 0)
            aw_error_set (err, "cannot start %s: the interpreter in its first line does not exist",
                          program);
        else if (error == ENOEXEC)
            aw_error_set (err, "cannot start %s: %s: a script needs a first line such as #!/bin/sh",
                          program, why);
        else
            aw_error_set (err, "cannot start %s: %s", program, why);
        break;
    default:
        aw_error_set (err, "cannot start %s: no new process can be made: %s", program, why);
    }
}

/* Starts the child, which ends the offer. Its number, or -1 and REPORT. */
static pid_t start_offered (const struct child *child, struct report *report)
{
    pid_t pid;

    aw_oom_offer_begin (child->oom_offer);
    pid = start_child (child);
    if (pid < 0) {
        *report = (struct report){ STAGE_SESSION, errno };
        aw_oom_offer_end (child->oom_offer);
    }
    return pid;
}

/* Reads what the child reports, if it does. 0, or -1 with errno: it is not known how it fares. */
static int read_report (int fd, struct report *report)
{
    size_t got = 0;
    ssize_t n = 1;

    while (got < sizeof (*report) && n != 0) {
        n = read (fd, (char *)report + got, sizeof (*report) - got);
        if (n < 0 && errno != EINTR)
            return -1;
        got += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The same for a child that reports by a pipe. */
static pid_t start_and_listen (struct child *child, struct report *report)
{
    int fds[2];
    pid_t pid;

    if (pipe2 (fds, O_CLOEXEC) < 0) {
        *report = (struct report){ STAGE_SESSION, errno };
        return -1;
    }
    if (child->spawn->call_fd && fds[1] == CALL_FD) {
        fds[1] = fcntl (CALL_FD, F_DUPFD_CLOEXEC, CALL_FD + 1);
        close (CALL_FD);
    }
    child->report = fds[1];
    pid = start_offered (child, report);
    close (fds[1]);
    if (pid > 0 && read_report (fds[0], report) < 0) {
        *report = (struct report){ STAGE_SESSION, errno };
        kill (pid, SIGKILL);
    }
    close (fds[0]);
    return pid;
}

pid_t aw_spawn (struct aw_spawner *spawner, const struct aw_spawn *spawn, struct aw_error *err)
{
    struct child child = {
        .spawn = spawn,
        .parent = getpid (),
        .same = spawn->out && spawn->err && strcmp (spawn->out, spawn->err) == 0,
    };
    struct report report = { STAGE_NONE, 0 };
    pid_t pid;

    if (list_paths (spawner, spawn->argv[0], spawn->env) < 0
        || aw_binding_prepare (&spawner->binding, &spawner->numa, spawn->cpus) < 0) {
        errno = ENOMEM;
        return aw_error_set (err, "out of memory");
    }
    child.paths = spawner->paths;
    child.binding = &spawner->binding;
    child.oom_offer = &spawner->oom_offer;
    if (spawner->shares) {
        child.told = &report;
        pid = start_offered (&child, &report);
    }
    else
        pid = start_and_listen (&child, &report);
    if (report.stage == STAGE_NONE)
        return pid;
    while (pid > 0 && waitpid (pid, NULL, 0) < 0 && errno == EINTR)
        ;
    describe (spawn, report.stage, report.error, err);
    errno = report.error;
    return -1;
}
