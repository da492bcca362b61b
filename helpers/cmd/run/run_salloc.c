/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

/* salloc stays in our process group, so that it and the shell see what they saw without us: it
 * takes the terminal, and when it stops we stop. The coordinator finds its end of the pipe as
 * /proc/PID/fd/N, even if salloc closes it, and nobody else inherits it. What it writes, a line
 * each: B      it has begun Ddir   its run directory Ecode  its exit status; without this it was
 * killed
 */
#include "cmd/run/run_salloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "coord/slurm/salloc.h"
#include "io/workflow/shell_quote.h"
#include "util/descriptors.h"
#include "util/error.h"
#include "util/compat.h"

static const char variable[] = "ASYNC_WORKFLOW_OUTER_PIPE";

static int outer = -1; /* the coordinator's end of the pipe */

void aw_run_salloc_begin (void)
{
    const char *path = getenv (variable);
    struct stat st;

    if (!path)
        return;
    outer = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (outer >= 0 && (fstat (outer, &st) < 0 || !S_ISFIFO (st.st_mode))) {
        close (outer);
        outer = -1;
    }
    unsetenv (variable);
    if (outer >= 0)
        dprintf (outer, "B\n");
}

void aw_run_salloc_print (const struct aw_problems *problems)
{
    if (outer < 0 || problems->n_errors > 0)
        aw_problems_print (problems, stderr);
}

/* The reader may have ended: SIGPIPE must be ignored by then, as the coordinator does. */
void aw_run_salloc_dir (const char *dir)
{
    if (outer >= 0)
        dprintf (outer, "D%s\n", dir);
}

void aw_run_salloc_end (int code)
{
    if (outer < 0)
        return;
    signal (SIGPIPE, SIG_IGN);
    dprintf (outer, "E%d\n", code);
    close (outer);
    outer = -1;
}

/* The end of the run, as far as it is known. */
struct outcome {
    bool begun;
    int code; /* -1: the coordinator wrote none */
    char dir[PATH_MAX]; /* "": none yet */
    int status; /* salloc's, of waitpid */
    int stopped_by; /* the last signal that asks for an end; 0: none */
};

/* Reads what the coordinator has written. */
static void read_outcome (struct outcome *outcome, int fd)
{
    char text[PATH_MAX + 64];
    size_t size = 0;
    ssize_t n;
    char *rest = text, *line;

    while (size < sizeof (text) - 1
           && ((n = read (fd, text + size, sizeof (text) - 1 - size)) > 0
               || (n < 0 && errno == EINTR)))
        size += n > 0 ? (size_t)n : 0;
    text[size] = '\0';
    outcome->code = -1;
    while ((line = strsep (&rest, "\n"))) {
        if (line[0] == 'B')
            outcome->begun = true;
        else if (line[0] == 'D')
            snprintf (outcome->dir, sizeof (outcome->dir), "%s", line + 1);
        else if (line[0] == 'E')
            outcome->code = atoi (line + 1);
    }
}

static const int ends[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
static const int others[] = { SIGUSR1, SIGUSR2, SIGTSTP };

enum { N_ENDS = sizeof (ends) / sizeof (ends[0]), N_OTHERS = sizeof (others) / sizeof (others[0]) };

/* What was ignored from the start stays so: under nohup, in a script's background. */
static void add_signal (sigset_t *set, int number)
{
    struct sigaction action;

    if (sigaction (number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset (set, number);
}

static void signals_of (sigset_t *set)
{
    sigemptyset (set);
    sigaddset (set, SIGCHLD);
    for (int i = 0; i < N_ENDS; i++)
        add_signal (set, ends[i]);
    for (int i = 0; i < N_OTHERS; i++)
        add_signal (set, others[i]);
}

static bool is_end (int number)
{
    for (int i = 0; i < N_ENDS; i++)
        if (ends[i] == number)
            return true;
    return false;
}

/* Waits until salloc, PID, has ended. SET is blocked. Signals of the terminal reach salloc
 * directly; others are passed on. The coordinator counts two at the same time as one.
 */
static int wait_salloc (pid_t pid, const sigset_t *set, struct outcome *outcome)
{
    for (;;) {
        siginfo_t info;
        pid_t who = waitpid (pid, &outcome->status, WNOHANG | WUNTRACED);
        int number;

        if (who < 0 && errno == EINTR)
            continue;
        if (who < 0)
            return -1;
        if (who == pid && !WIFSTOPPED (outcome->status))
            return 0;
        if (who == pid) {
            raise (SIGSTOP);
            kill (pid, SIGCONT); /* we have been continued, perhaps we alone */
            continue;
        }
        number = sigwaitinfo (set, &info);
        if (number < 0 || number == SIGCHLD)
            continue;
        if (is_end (number))
            outcome->stopped_by = number;
        if (info.si_code != SI_KERNEL)
            kill (pid, number);
    }
}

/* Prints what no other process has printed. Returns the exit status. */
static int conclude (const struct outcome *outcome)
{
    struct aw_textbuf dir = { 0 };
    struct aw_error err;

    if (outcome->code >= 0)
        return outcome->code;
    if (!outcome->begun && outcome->stopped_by) {
        aw_error_set (&err, "run: stopped by SIG%s before the job began: no task has run",
                      sigabbrev_np (outcome->stopped_by));
        aw_error_print (&err);
        return AW_EXIT_STOPPED;
    }
    if (WIFSIGNALED (outcome->status))
        aw_error_set (&err, "run: salloc was killed by SIG%s",
                      sigabbrev_np (WTERMSIG (outcome->status)));
    else if (!outcome->begun)
        return WEXITSTATUS (outcome->status); /* salloc has printed why */
    else if (outcome->dir[0]) {
        aw_shell_quote_shown (&dir, outcome->dir);
        aw_error_set (&err,
                      "run: the coordinator was killed: finished tasks are recorded: continue with "
                      "--resume=%.*s",
                      (int)dir.len, dir.data ? dir.data : "");
        aw_textbuf_finish (&dir);
    }
    else
        aw_error_set (&err, "run: the coordinator was killed before the run began: run it again");
    aw_error_print (&err);
    return AW_EXIT_POOL;
}

/* The child: becomes salloc, with the signals as MASK says, and ends when PARENT does. */
static void become_salloc (const struct aw_srun_options *options,
                           const char *name,
                           char *const *command,
                           const sigset_t *mask,
                           pid_t parent,
                           int fd)
{
    struct aw_error err;
    char path[64];

    snprintf (path, sizeof (path), "/proc/%ld/fd/%d", (long)parent, fd);
    sigprocmask (SIG_SETMASK, mask, NULL);
    aw_descriptors_restore ();
    if (prctl (PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid () != parent)
        _exit (AW_EXIT_POOL);
    if (setenv (variable, path, 1) < 0)
        aw_error_set (&err, "%s", strerror (errno));
    else
        aw_salloc_exec (options, name, command, &err);
    aw_error_print (&err);
    _exit (AW_EXIT_POOL);
}

int aw_run_salloc (const struct aw_srun_options *options, const char *name, char *const *command)
{
    struct outcome outcome = { 0 };
    struct aw_error err;
    sigset_t set, before;
    pid_t parent = getpid (), pid = -1;
    int fds[2] = { -1, -1 };
    int code = AW_EXIT_POOL;

    signals_of (&set);
    if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) == 0 && sigprocmask (SIG_BLOCK, &set, &before) == 0)
        pid = fork ();
    if (pid == 0)
        become_salloc (options, name, command, &before, parent, fds[1]);
    if (pid < 0 || wait_salloc (pid, &set, &outcome) < 0) {
        aw_error_set (&err, "run: cannot start salloc: %s", strerror (errno));
        aw_error_print (&err);
    }
    else {
        read_outcome (&outcome, fds[0]);
        code = conclude (&outcome);
    }
    if (fds[0] >= 0) {
        close (fds[0]);
        close (fds[1]);
    }
    return code;
}
