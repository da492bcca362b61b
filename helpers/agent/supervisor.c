/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/messages/messages.h"
#include "agent/oom.h"
#include "util/processes.h"
#include "agent/staging/scratch.h"

enum { HELPER_PAUSES = 100 }; /* of 10 ms */
static const double REST_SECONDS = 5; /* for killed processes to end */

/* Slurm may signal only this process of the step, depending on how it tracks processes. */
static const int passed_on[] = { SIGTERM, SIGUSR1, SIGUSR2 };

/* Waits for CHILD. Returns its status. One that cannot be waited for is killed. */
static int wait_for (pid_t child)
{
    sigset_t set;
    int status, number;
    pid_t ended;

    sigemptyset (&set);
    sigaddset (&set, SIGCHLD);
    for (size_t i = 0; i < sizeof (passed_on) / sizeof (passed_on[0]); i++)
        sigaddset (&set, passed_on[i]);
    while ((ended = waitpid (child, &status, WNOHANG)) != child) {
        if (ended < 0 && errno == EINTR)
            continue;
        if (ended < 0) {
            fprintf (stderr, "async-workflow-agent: cannot wait for the agent: %s\n",
                     strerror (errno));
            kill (child, SIGKILL);
            return SIGKILL;
        }
        number = sigwaitinfo (&set, NULL);
        if (number > 0 && number != SIGCHLD)
            kill (child, number);
    }
    return status;
}

/* Some processes end by themselves when the agent does: those that copy remove half written files,
 * the one that writes logs writes what tasks have printed. Waits a moment for that.
 */
static void let_helpers_end (void)
{
    const struct timespec pause = { 0, 10000000 };

    for (int i = 0; i < HELPER_PAUSES; i++) {
        while (waitpid (-1, NULL, WNOHANG) > 0)
            ;
        if (waitpid (-1, NULL, WNOHANG) < 0)
            return; /* there are no children */
        nanosleep (&pause, NULL);
    }
}

__attribute__ ((noreturn)) static void supervise (pid_t child, const char *scratch)
{
    struct aw_processes processes = { 0 };
    struct aw_oom oom;
    int status;

    aw_oom_init (&oom, "/proc/self/cgroup", "/sys/fs/cgroup");
    status = wait_for (child);
    if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL && aw_oom_take (&oom))
        fprintf (stderr, "async-workflow-agent: the kernel killed the agent for lack of memory\n");
    let_helpers_end ();
    aw_processes_kill_children (&processes, REST_SECONDS);
    if (WIFSIGNALED (status))
        aw_messages_clean (child);
    /* Made first, so that a directory of another user is left alone. */
    if (WIFSIGNALED (status) && scratch && aw_scratch_make (scratch, NULL) == 0)
        aw_scratch_remove (scratch);
    _exit (WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status));
}

int aw_supervisor_start (const char *scratch, struct aw_error *err)
{
    sigset_t all, before;
    pid_t self = getpid (), child;
    char name[16];

    if (prctl (PR_SET_CHILD_SUBREAPER, 1) < 0)
        return aw_error_set (err, "prctl: %s", strerror (errno));
    sigfillset (&all);
    sigprocmask (SIG_SETMASK, &all, &before);
    prctl (PR_GET_NAME, name);
    prctl (PR_SET_NAME, "aw-supervisor"); /* before there is an agent, so that it is found by it */
    child = fork ();
    if (child > 0)
        supervise (child, scratch);
    prctl (PR_SET_NAME, name);
    sigprocmask (SIG_SETMASK, &before, NULL);
    if (child < 0)
        return aw_error_set (err, "cannot fork: %s", strerror (errno));
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != self)
        _exit (1); /* it was killed meanwhile */
    return 0;
}
