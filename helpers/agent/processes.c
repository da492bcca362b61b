/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/environment.h"
#include "util/clock.h"

static int add (struct aw_processes *processes, pid_t pid)
{
    if (processes->n == processes->capacity) {
        size_t capacity = processes->capacity ? 2 * processes->capacity : 512;
        pid_t *pids = realloc (processes->pids, capacity * sizeof (*pids));

        if (!pids)
            return -1;
        processes->pids = pids;
        processes->capacity = capacity;
    }
    processes->pids[processes->n++] = pid;
    return 0;
}

int aw_processes_read (struct aw_processes *processes)
{
    DIR *dir = opendir ("/proc");
    struct dirent *entry;
    int rc = 0;

    processes->n = 0;
    if (!dir)
        return -1;
    while (rc == 0 && (entry = readdir (dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            rc = add (processes, (pid_t)strtol (entry->d_name, NULL, 10));
    closedir (dir);
    return rc;
}

void aw_processes_finish (struct aw_processes *processes)
{
    free (processes->pids);
    memset (processes, 0, sizeof (*processes));
}

bool aw_process_is_child (pid_t pid)
{
    siginfo_t info;

    return waitid (P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The mark is looked for in the whole environment, which the kernel shows as it was at exec. */
static bool find_mark (FILE *file, uint32_t *task, uint32_t *attempt)
{
    static const char mark[] = AW_ENVIRONMENT_MARK "=";
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    while (!found && getdelim (&line, &size, '\0', file) > 0)
        found = strncmp (line, mark, sizeof (mark) - 1) == 0
                && sscanf (line + sizeof (mark) - 1, "%u.%u", task, attempt) == 2;
    free (line);
    return found;
}

bool aw_process_launch (pid_t pid, uint32_t *task, uint32_t *attempt)
{
    char path[64];
    FILE *file;
    bool found;

    snprintf (path, sizeof (path), "/proc/%d/environ", (int)pid);
    file = fopen (path, "re");
    if (!file)
        return false;
    found = find_mark (file, task, attempt);
    fclose (file);
    return found;
}

void aw_processes_kill_children (struct aw_processes *processes, double seconds)
{
    const struct timespec pause = { 0, 2000000 };
    double limit = aw_clock_monotonic () + seconds;
    pid_t pid;

    for (;;) {
        while ((pid = waitpid (-1, NULL, WNOHANG)) > 0)
            ;
        if ((pid < 0 && errno == ECHILD) || aw_clock_monotonic () > limit)
            return;
        if (aw_processes_read (processes) < 0)
            return;
        for (size_t i = 0; i < processes->n; i++)
            if (aw_process_is_child (processes->pids[i]))
                kill (processes->pids[i], SIGKILL);
        nanosleep (&pause, NULL);
    }
}
