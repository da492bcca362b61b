/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/python_path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "asyncworkflow.py"

static bool has_module (const char *directory)
{
    char *path;
    bool found;

    if (asprintf (&path, "%s/" MODULE, directory) < 0)
        return false;
    found = access (path, R_OK) == 0;
    free (path);
    return found;
}

char *aw_python_directory (void)
{
    char self[PATH_MAX + 1], *directory = NULL, *slash;
    ssize_t length = readlink ("/proc/self/exe", self, PATH_MAX);

    if (length > 0) {
        self[length] = '\0';
        slash = strrchr (self, '/');
        if (asprintf (&directory, "%.*s/client", (int)(slash ? slash - self : 0), self) < 0)
            return NULL;
        if (has_module (directory))
            return directory;
        free (directory);
    }
    return has_module (AW_PYTHONDIR) ? strdup (AW_PYTHONDIR) : NULL;
}

/* Is DIRECTORY one of the first LENGTH bytes' elements? */
static bool has_element (const char *paths, size_t length, const char *directory)
{
    size_t n = strlen (directory);

    for (const char *p = paths, *end = paths + length; p < end;) {
        const char *colon = memchr (p, ':', (size_t)(end - p));
        size_t element = (size_t)((colon ? colon : end) - p);

        if (element == n && memcmp (p, directory, n) == 0)
            return true;
        p += element + 1;
    }
    return false;
}

char *aw_python_path (const char *paths, const char *directory)
{
    size_t length = paths ? strlen (paths) : 0;
    char *all;

    while (length > 0 && paths[length - 1] == ':')
        length--;
    if (length == 0)
        return strdup (directory);
    if (has_element (paths, length, directory))
        return strndup (paths, length);
    if (asprintf (&all, "%.*s:%s", (int)length, paths, directory) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    return all;
}
