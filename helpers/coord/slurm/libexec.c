/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/libexec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The length of what the directories of programs have in common, with its last '/'. */
static size_t common_length (void)
{
    const char *bin = AW_BINDIR, *libexec = AW_LIBEXECDIR;
    size_t length = 0;

    for (size_t i = 0; bin[i] && bin[i] == libexec[i]; i++)
        if (bin[i] == '/')
            length = i + 1;
    return length;
}

/* DIRECTORY/NAME, or NULL if it cannot be executed. */
static char *in_directory (const char *directory, size_t length, const char *more, const char *name)
{
    char *path;

    if (asprintf (&path, "%.*s%s/%s", (int)length, directory, more, name) < 0)
        return NULL;
    if (access (path, X_OK) == 0)
        return path;
    free (path);
    return NULL;
}

/* NAME next to the program in directory SELF, or where an installation that was moved has it. */
static char *near_program (const char *self, const char *name)
{
    const char *bin = &AW_BINDIR[common_length ()];
    size_t length = strlen (self), tail = strlen (bin);
    char *path = in_directory (self, length, "", name);

    if (path || length < tail || strcmp (self + length - tail, bin) != 0)
        return path;
    return in_directory (self, length - tail, &AW_LIBEXECDIR[common_length ()], name);
}

char *aw_libexec (const char *name, struct aw_error *err)
{
    char self[PATH_MAX + 1], *path = NULL, *slash;
    ssize_t len = readlink ("/proc/self/exe", self, PATH_MAX);

    if (len > 0) {
        self[len] = '\0';
        slash = strrchr (self, '/');
        if (slash)
            *slash = '\0';
        path = near_program (self, name);
    }
    if (!path)
        path = in_directory (AW_LIBEXECDIR, sizeof (AW_LIBEXECDIR) - 1, "", name);
    if (!path)
        aw_error_set (err, "%s/%s: %s: is the installation complete?", AW_LIBEXECDIR, name,
                      strerror (errno));
    return path;
}
