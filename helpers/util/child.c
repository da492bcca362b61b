/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "util/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "util/descriptors.h"

int aw_child_pipe (int fd[2])
{
    int made[2];
    int saved;

    if (pipe2 (made, O_CLOEXEC) < 0)
        return -1;
    if (made[0] > STDERR_FILENO && made[1] > STDERR_FILENO) {
        memcpy (fd, made, sizeof (made));
        return 0;
    }
    for (int i = 0; i < 2; i++)
        fd[i] = fcntl (made[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    saved = errno;
    close (made[0]);
    close (made[1]);
    if (fd[0] >= 0 && fd[1] >= 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        if (fd[i] >= 0)
            close (fd[i]);
        fd[i] = -1;
    }
    errno = saved;
    return -1;
}

/* Ours are marked close-on-exec everywhere; closing the rest covers what others left open, where
 * the C library can do that in a spawn (glibc 2.34).
 */
static int set_actions (posix_spawn_file_actions_t *actions, int out, int err)
{
    int rc;

    if ((rc = posix_spawn_file_actions_addopen (actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0))
        || (rc = posix_spawn_file_actions_adddup2 (actions, out, STDOUT_FILENO))
        || (rc = posix_spawn_file_actions_adddup2 (actions, err, STDERR_FILENO)))
        return rc;
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    rc = posix_spawn_file_actions_addclosefrom_np (actions, STDERR_FILENO + 1);
#endif
    return rc;
}

static int set_attributes (posix_spawnattr_t *attr)
{
    sigset_t all;
    sigset_t none;
    int rc;

    sigfillset (&all);
    sigemptyset (&none);
    if ((rc = posix_spawnattr_setsigdefault (attr, &all))
        || (rc = posix_spawnattr_setsigmask (attr, &none))
        || (rc = posix_spawnattr_setpgroup (attr, 0)))
        return rc;
    return posix_spawnattr_setflags (attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
                                               | POSIX_SPAWN_SETPGROUP);
}

/* A new process inherits the limit on descriptors, so it is restored for a moment. */
static int spawn_program (pid_t *pid,
                          char *const argv[],
                          char *const env[],
                          const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attr)
{
    bool restored = aw_descriptors_restore ();
    int rc = posix_spawnp (pid, argv[0], actions, attr, argv, env);

    if (restored)
        aw_descriptors_raise ();
    return rc;
}

int aw_child_spawn (pid_t *pid, char *const argv[], char *const env[], int out, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc;

    if ((rc = posix_spawn_file_actions_init (&actions)) == 0) {
        if ((rc = posix_spawnattr_init (&attr)) == 0) {
            if ((rc = set_actions (&actions, out, err)) == 0 && (rc = set_attributes (&attr)) == 0)
                rc = spawn_program (pid, argv, env, &actions, &attr);
            posix_spawnattr_destroy (&attr);
        }
        posix_spawn_file_actions_destroy (&actions);
    }
    errno = rc;
    return rc ? -1 : 0;
}
