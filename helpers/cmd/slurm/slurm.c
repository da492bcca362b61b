/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "cmd/slurm/slurm.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/async-workflow.h"
#include "io/journal/run_dir.h"
#include "util/packet.h"
#include "util/stdout.h"

bool aw_slurm_inside (void)
{
    const char *job;

    return getenv (AW_PACKET_SOCKET) && getenv (AW_PACKET_TOKEN) && getenv (AW_PACKET_LAUNCH)
           && !aw_packet_other_job (&job);
}

int aw_slurm_error (const char *fmt, ...)
{
    va_list ap;

    fprintf (stderr, "%s: error: ", program_invocation_short_name);
    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    putc ('\n', stderr);
    return -1;
}

/* Is it the first time that KEY is noted in this run? The run directory remembers it. */
static bool is_first (const char *key)
{
    const char *run = getenv ("ASYNC_WORKFLOW_RUN");
    char *path;
    int fd;

    if (!run || asprintf (&path, "%s/" AW_RUN_SUBMITTED "/noted-%s", run, key) < 0)
        return true;
    fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    free (path);
    if (fd >= 0)
        close (fd);
    return fd >= 0 || errno != EEXIST;
}

void aw_slurm_note (const char *key, const char *fmt, ...)
{
    va_list ap;

    if (!is_first (key))
        return;
    fprintf (stderr, "%s: ", program_invocation_short_name);
    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    putc ('\n', stderr);
}

struct aw_connection *aw_slurm_open (void)
{
    struct aw_connection *aw = aw_open ();

    if (!aw)
        aw_slurm_error ("Unable to contact the pool: %s", aw_error_text (NULL));
    return aw;
}

int aw_slurm_end (int status)
{
    if (aw_stdout_flush () == 0)
        return status;
    aw_slurm_error ("standard output: %s", strerror (errno));
    return 1;
}

const char *aw_slurm_user (void)
{
    static char name[64];
    const struct passwd *user = *name ? NULL : getpwuid (geteuid ());

    if (user)
        snprintf (name, sizeof (name), "%s", user->pw_name);
    else if (!*name)
        snprintf (name, sizeof (name), "%u", (unsigned)geteuid ());
    return name;
}

/*
 * The real command
 */

/* Becomes PATH unless that is this program. */
static void become (const char *path, const struct stat *self, char **argv)
{
    struct stat there;

    if (stat (path, &there) == 0 && (there.st_dev != self->st_dev || there.st_ino != self->st_ino))
        execv (path, argv);
}

int aw_slurm_real (char **argv)
{
    const char *dirs = getenv ("PATH");
    char *paths = strdup (dirs ? dirs : ""), *rest = NULL, *path;
    struct stat self = { 0 };

    if (stat ("/proc/self/exe", &self) < 0)
        aw_slurm_error ("/proc/self/exe: %s", strerror (errno));
#ifdef AW_SLURM_BINDIR
    if (asprintf (&path, AW_SLURM_BINDIR "/%s", argv[0]) >= 0)
        become (path, &self, argv);
#endif
    for (char *part = strtok_r (paths, ":", &rest); part; part = strtok_r (NULL, ":", &rest))
        if (asprintf (&path, "%s/%s", part, argv[0]) >= 0) {
            become (path, &self, argv);
            free (path);
        }
    free (paths);
    aw_slurm_error ("Slurm's %s is not in PATH", argv[0]);
    return 127;
}
