/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/steps/step_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/logs/log_tidy.h"
#include "util/write.h"

enum { FLAGS = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY };

static int open_one (struct aw_step_log *log, int i, char **path, struct aw_error *err)
{
    if (!strchr (*path, '\\'))
        return 0;
    log->fds[i] = open (*path, FLAGS | O_TRUNC, 0666);
    if (log->fds[i] < 0)
        return aw_error_set (err, "%s: %s", *path, strerror (errno));
    snprintf (log->names[i], sizeof (log->names[i]), "/proc/%ld/fd/%d", (long)getpid (),
              log->fds[i]);
    *path = log->names[i];
    return 0;
}

int aw_step_log_init (struct aw_step_log *log,
                      const struct aw_launch *launch,
                      struct aw_launch *line,
                      struct aw_error *err)
{
    *line = *launch;
    log->fds[0] = log->fds[1] = -1;
    log->err = strdup (launch->err);
    log->tidy[0] = launch->tidy & AW_TIDY_OUT ? strdup (launch->out) : NULL;
    log->tidy[1] = launch->tidy & AW_TIDY_ERR ? strdup (launch->err) : NULL;
    if (!log->err)
        return aw_error_set (err, "out of memory");
    if (open_one (log, 0, &line->out, err) < 0)
        return -1;
    if (strcmp (launch->out, launch->err) != 0)
        return open_one (log, 1, &line->err, err);
    line->err = line->out;
    return 0;
}

void aw_step_log_finish (struct aw_step_log *log)
{
    int saved = errno;

    free (log->err);
    log->err = NULL;
    for (int i = 0; i < 2; i++) {
        if (log->fds[i] >= 0)
            close (log->fds[i]);
        log->fds[i] = -1;
        if (log->tidy[i])
            aw_log_remove_empty (log->tidy[i]);
        free (log->tidy[i]);
        log->tidy[i] = NULL;
    }
    errno = saved;
}

void aw_step_log_append (const struct aw_step_log *log, const struct aw_strings *lines)
{
    int fd = lines->n ? open (log->err, FLAGS | O_APPEND | O_NONBLOCK, 0666) : -1;

    for (size_t i = 0; fd >= 0 && i < lines->n; i++)
        if (aw_write_all (fd, lines->v[i], strlen (lines->v[i])) < 0
            || aw_write_all (fd, "\n", 1) < 0)
            break;
    if (fd >= 0)
        close (fd);
}
