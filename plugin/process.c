/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/descriptors.h"
#include "util/error.h"
#include "util/strings.h"

extern char **environ;

/* How SPANK names the variable of an option, here and on its way to job and step: the plugin's
 * name, then the option's, each character that is no letter or digit as "_".
 */
static const char *const option_variables[] = {
    "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow",
    "_SLURM_SPANK_OPTION_async_workflow_async_workflow",
    "SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow",
};

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

/* The whole file with a NUL after it, *size without that; NULL with errno. Files of /proc have no
 * size to ask for.
 */
static char *read_all (int fd, size_t *size)
{
    char *data = NULL;
    size_t room = 0;
    ssize_t n = -1;

    *size = 0;
    while (aw_array_reserve (&data, &room, *size + 4096) == 0
           && ((n = read (fd, data + *size, room - *size - 1)) > 0 || (n < 0 && errno == EINTR)))
        *size += n > 0 ? (size_t)n : 0;
    if (n == 0) {
        data[*size] = '\0';
        return data;
    }
    free (data);
    return NULL;
}

int aw_process_read (struct aw_strings *words, const char *path, struct aw_error *err)
{
    size_t size = 0;
    char *data = NULL;
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    int saved;

    if (fd >= 0)
        data = read_all (fd, &size);
    saved = errno;
    if (fd >= 0)
        close (fd);
    for (size_t at = 0; data && at < size; at += strlen (data + at) + 1)
        aw_strings_add (words, data + at);
    free (data);
    errno = data ? ENOMEM : saved;
    if (!data || words->failed)
        return aw_error_set (err, "%s: %s%s", path, strerror (errno),
                             fd < 0 ? ": a mounted /proc is needed" : "");
    return 0;
}

/* Takes out every word that begins with PREFIX. */
static void remove_prefix (struct aw_strings *words, const char *prefix)
{
    for (size_t i = words->n; i-- > 0;)
        if (strncmp (words->v[i], prefix, strlen (prefix)) == 0)
            aw_strings_remove (words, i);
}

int aw_process_environment (struct aw_strings *environment, struct aw_error *err)
{
    if (aw_process_read (environment, "/proc/self/environ", err) < 0)
        return -1;
    remove_prefix (environment, AW_PROCESS_GUARD);
    for (size_t i = 0; i < COUNT (option_variables); i++)
        remove_prefix (environment, option_variables[i]);
    return 0;
}

/* By prefix as well, since each option has a variable. unsetenv moves the rest up: look at the
 * same place again.
 */
void aw_process_forget_options (void)
{
    for (char **at = environ; at && *at;) {
        char *end = strchr (*at, '=');
        char *name = NULL;

        for (size_t i = 0; i < COUNT (option_variables) && end && !name; i++) {
            if (strncmp (*at, option_variables[i], strlen (option_variables[i])) == 0)
                name = strndup (*at, (size_t)(end - *at));
        }
        if (!name || unsetenv (name) < 0)
            at++;
        free (name);
    }
}

static void reset_signals (void)
{
    struct sigaction action;
    sigset_t none;

    for (int i = 1; i <= SIGRTMAX; i++) {
        if ((i == SIGHUP || i == SIGINT || i == SIGQUIT) && sigaction (i, NULL, &action) == 0
            && action.sa_handler == SIG_IGN)
            continue; /* under nohup, or in the background of a script */
        memset (&action, 0, sizeof (action));
        action.sa_handler = SIG_DFL;
        /* Fails for SIGKILL, SIGSTOP and those of the C library. */
        (void)sigaction (i, &action, NULL);
    }
    /* Last, so that a signal held back until now has its default effect. */
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
}

/* Marked, not closed: if exec fails, srun uses them until it ends. */
static int mark_descriptors (struct aw_error *err)
{
    struct dirent *entry;
    DIR *dir = opendir ("/proc/self/fd");

    if (!dir)
        return aw_error_set (err, "/proc/self/fd: %s: a mounted /proc is needed", strerror (errno));
    while ((entry = readdir (dir))) {
        int fd = atoi (entry->d_name);
        if (fd > STDERR_FILENO)
            (void)fcntl (fd, F_SETFD, FD_CLOEXEC);
    }
    closedir (dir);
    return 0;
}

int aw_process_become (const char *path,
                       const struct aw_strings *line,
                       const struct aw_strings *environment,
                       struct aw_error *err)
{
    static char *nothing[] = { NULL };

    if (mark_descriptors (err) < 0)
        return -1;
    if (aw_open_standard () < 0)
        return aw_error_set (err, "/dev/null: %s", strerror (errno));
    fflush (stdout);
    reset_signals ();
    execve (path, line->v, environment->v ? environment->v : nothing);
    return aw_error_set (err, "%s: cannot be executed: %s", path, strerror (errno));
}
