/* SPDX-License-Identifier: Apache-2.0 */
/* A log in the user's pager: "async-workflow logs" writes it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/watch/watch.h"
#include "util/child.h"

enum { MAX_WORDS = 16 };

/* The child, which does not return. */
static void exec_logs (const int pipe[2], const char *dir, const char *task)
{
    dup2 (pipe[1], STDOUT_FILENO);
    dup2 (pipe[1], STDERR_FILENO);
    execl ("/proc/self/exe", "async-workflow", "logs", "--", dir, task, (char *)NULL);
    _exit (127);
}

/* The words of $PAGER, without a shell. */
static void exec_pager (const int pipe[2])
{
    const char *pager = getenv ("PAGER");
    char *words[MAX_WORDS + 1] = { NULL }, *rest = pager ? strdup (pager) : NULL, *word;
    int n = 0;

    dup2 (pipe[0], STDIN_FILENO);
    if (!getenv ("LESS"))
        setenv ("LESS", "R", 1);
    while (n < MAX_WORDS && (word = strsep (&rest, " ")))
        if (*word)
            words[n++] = word;
    if (n > 0)
        execvp (words[0], words);
    execlp ("less", "less", (char *)NULL);
    execlp ("more", "more", (char *)NULL);
    execlp ("cat", "cat", (char *)NULL);
    _exit (127);
}

static void restore_signals (void)
{
    signal (SIGINT, SIG_DFL);
    signal (SIGTERM, SIG_DFL);
    signal (SIGHUP, SIG_DFL);
    signal (SIGTSTP, SIG_DFL);
    signal (SIGWINCH, SIG_DFL);
}

void aw_watch_log (struct aw_screen *screen, const char *dir, const char *task)
{
    pid_t logs, pager;
    int pipe[2];

    if (aw_child_pipe (pipe) < 0)
        return;
    aw_screen_close (screen);
    logs = fork ();
    if (logs == 0) {
        restore_signals ();
        exec_logs (pipe, dir, task);
    }
    pager = logs < 0 ? -1 : fork ();
    if (pager == 0) {
        restore_signals ();
        exec_pager (pipe);
    }
    close (pipe[0]);
    close (pipe[1]);
    while (pager > 0 && waitpid (pager, NULL, 0) < 0 && errno == EINTR)
        ;
    if (logs > 0) { /* the pager may have been left early */
        kill (logs, SIGTERM);
        while (waitpid (logs, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    aw_screen_reopen (screen);
}
