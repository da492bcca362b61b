/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/python_path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_file (const char *directory, const char *file)
{
    char *path;
    bool found;

    if (asprintf (&path, "%s/%s", directory, file) < 0)
        return false;
    found = access (path, R_OK) == 0;
    free (path);
    return found;
}

/* The directory NAME next to this program if it has FILE, as in a build tree; else INSTALLED if
 * that has it. The caller frees it. NULL: neither has.
 */
static char *find_directory (const char *name, const char *file, const char *installed)
{
    char self[PATH_MAX + 1], *directory = NULL, *slash;
    ssize_t length = readlink ("/proc/self/exe", self, PATH_MAX);

    if (length > 0) {
        self[length] = '\0';
        slash = strrchr (self, '/');
        if (asprintf (&directory, "%.*s/%s", (int)(slash ? slash - self : 0), self, name) < 0)
            return NULL;
        if (has_file (directory, file))
            return directory;
        free (directory);
    }
    return has_file (installed, file) ? strdup (installed) : NULL;
}

char *aw_python_directory (void)
{
    return find_directory ("client", "asyncworkflow.py", AW_PYTHONDIR);
}

char *aw_commands_directory (void)
{
    return find_directory ("slurm", "sbatch", AW_LIBEXECDIR "/slurm");
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

char *aw_commands_path (const char *paths, const char *directory)
{
    static const char usual[] = "/usr/local/bin:/usr/bin:/bin";
    size_t n = strlen (directory);
    char *all;

    if (!paths || !*paths)
        paths = usual;
    if (strncmp (paths, directory, n) == 0 && (paths[n] == ':' || !paths[n]))
        return strdup (paths);
    if (asprintf (&all, "%s:%s", directory, paths) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    return all;
}
