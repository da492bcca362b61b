/* SPDX-License-Identifier: Apache-2.0 */
#include "util/parents.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int aw_make_parents (const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen (path);

    if (n >= sizeof (part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy (part, path, n + 1);
    for (char *slash = strchr (part + (*part == '/'), '/'); slash;
         slash = strchr (slash + 1, '/')) {
        *slash = '\0';
        if (mkdir (part, 0777) < 0 && errno != EEXIST && errno != EISDIR && errno != EROFS
            && errno != EACCES)
            return -1;
        *slash = '/';
    }
    return 0;
}
