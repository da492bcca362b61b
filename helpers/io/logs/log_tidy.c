/* SPDX-License-Identifier: Apache-2.0 */
#include "io/logs/log_tidy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void aw_log_remove_empty (const char *path)
{
    const char *slash = strrchr (path, '/');
    int saved = errno, length = slash ? (int)(slash - path) : 0;
    struct stat st;
    char *mark = NULL;

    if (slash && lstat (path, &st) == 0 && S_ISREG (st.st_mode) && st.st_size == 0
        && asprintf (&mark, "%.*s/.empty", length, path) >= 0) {
        (void)rename (path, mark);
        free (mark);
    }
    errno = saved;
}
