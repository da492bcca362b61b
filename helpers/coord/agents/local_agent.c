/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "coord/agents/local_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/descriptors.h"

enum { END_SECONDS = 30 }; /* for it to end its tasks and clear its scratch directory */

/* The child has copies of all that the coordinator has open, the loop's own descriptors among them:
 * closing them here touches nothing of the coordinator's, and its loop is not used any more. Its
 * own process group keeps the terminal's signals off.
 */
__attribute__ ((noreturn)) static void local_child (int fd,
                                                    int keep,
                                                    int (*serve) (int fd, void *arg),
                                                    void *arg)
{
    setpgid (0, 0);
    keep = fcntl (keep, F_DUPFD, STDERR_FILENO + 3); /* out of the way; -1 stays -1 */
    if (dup2 (fd, STDERR_FILENO + 1) < 0)
        _exit (1);
    if (keep >= 0)
        dup2 (keep, STDERR_FILENO + 2);
    aw_close_from (STDERR_FILENO + (keep >= 0 ? 3 : 2));
    aw_cloexec_from (STDERR_FILENO + 1);
    _exit (serve (STDERR_FILENO + 1, arg));
}

pid_t aw_local_agent_start (
    int (*serve) (int fd, void *arg), void *arg, int keep, int *fd, struct aw_error *err)
{
    int fds[2];
    pid_t pid;

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return aw_error_set (err, "socketpair: %s", strerror (errno));
    pid = fork ();
    if (pid == 0)
        local_child (fds[1], keep, serve, arg);
    close (fds[1]);
    *fd = fds[0];
    if (pid < 0) {
        aw_error_set (err, "cannot fork the agent: %s", strerror (errno));
        close (fds[0]);
    }
    return pid;
}

void aw_local_agent_end (pid_t pid)
{
    double limit = aw_clock_monotonic () + END_SECONDS;

    while (waitpid (pid, NULL, WNOHANG) == 0) {
        if (aw_clock_monotonic () > limit) {
            kill (pid, SIGKILL); /* the agent and its tasks die with it: PR_SET_PDEATHSIG */
            while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
                ;
            return;
        }
        usleep (1000);
    }
}
