/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/libexec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *aw_libexec (const char *name, struct aw_error *err)
{
    char self[PATH_MAX + 1], *path = NULL, *slash;
    ssize_t len = readlink ("/proc/self/exe", self, PATH_MAX);

    if (len > 0) {
        self[len] = '\0';
        slash = strrchr (self, '/');
        if (asprintf (&path, "%.*s/%s", (int)(slash ? slash - self : 0), self, name) < 0)
            path = NULL;
        if (path && access (path, X_OK) == 0)
            return path;
        free (path);
    }
    if (asprintf (&path, "%s/%s", AW_LIBEXECDIR, name) < 0) {
        aw_error_set (err, "%s", strerror (ENOMEM));
        return NULL;
    }
    if (access (path, X_OK) == 0)
        return path;
    aw_error_set (err, "%s: %s: is the installation complete?", path, strerror (errno));
    free (path);
    return NULL;
}
