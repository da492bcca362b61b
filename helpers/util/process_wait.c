/* SPDX-License-Identifier: Apache-2.0 */
#include "util/process_wait.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH = 96, ARGUMENTS = 4 };

enum how { ACTS, WAITS, POLLS, ENDED };

/* The file NAME of thread TID, a line of it. 0, or -1 with errno. */
static int read_line (pid_t pid, const char *tid, const char *name, char *line, int size)
{
    char path[PATH];
    FILE *file;
    int rc, saved;

    snprintf (path, sizeof (path), "/proc/%d/task/%.20s/%s", (int)pid, tid, name);
    file = fopen (path, "re");
    if (!file)
        return -1;
    errno = 0;
    rc = fgets (line, size, file) ? 0 : -1;
    saved = errno ? errno : ESRCH;
    fclose (file);
    errno = saved;
    return rc;
}

/* A pipe without a name joins relatives: its other end is in one of them. */
static bool is_pipe (pid_t pid, uint64_t fd)
{
    static const char begin[] = "pipe:[";
    char path[PATH], target[PATH];
    ssize_t n;

    snprintf (path, sizeof (path), "/proc/%d/fd/%llu", (int)pid, (unsigned long long)fd);
    n = readlink (path, target, sizeof (target));
    return n > (ssize_t)sizeof (begin) && memcmp (target, begin, sizeof (begin) - 1) == 0;
}

static bool waits_for_thread (const uint64_t *arguments)
{
    int op = (int)(arguments[1] & FUTEX_CMD_MASK);

    return (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI)
           && arguments[3] == 0; /* no time limit */
}

static enum how how_sleeps (pid_t pid, long number, const uint64_t *arguments)
{
    switch (number) {
    case SYS_wait4:
    case SYS_waitid:
    case SYS_rt_sigsuspend: /* a shell's "wait" */
        return WAITS;
    case SYS_futex:
        return waits_for_thread (arguments) ? WAITS : ACTS;
    case SYS_read:
        return is_pipe (pid, arguments[0]) ? WAITS : ACTS;
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
        return POLLS;
    default:
        return ACTS;
    }
}

static enum how gone_or_unknown (void)
{
    return errno == ENOENT || errno == ESRCH ? ENDED : ACTS;
}

/* How often the thread has left its CPU: as often as before, it has not run since. */
static uint64_t count_switches (pid_t pid, const char *tid)
{
    static const char counted[] = "voluntary_ctxt_switches:"; /* and nonvoluntary_… */
    char path[PATH], line[256];
    uint64_t n = 0;
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/task/%.20s/status", (int)pid, tid);
    file = fopen (path, "re");
    while (file && fgets (line, sizeof (line), file)) {
        const char *at = strstr (line, counted);

        n += at ? strtoull (at + sizeof (counted) - 1, NULL, 10) : 0;
    }
    if (file)
        fclose (file);
    return n;
}

/* "61 0xffffffff 0x7ffd885f9d7c 0x0 0x0 0x2 0x1 SP PC", "running", or "-1 SP PC" outside of a call
 */
static enum how look_at (pid_t pid, const char *tid)
{
    uint64_t arguments[ARGUMENTS] = { 0 };
    char line[512], *at = line, state;
    const char *name;
    long number;

    if (read_line (pid, tid, "stat", line, sizeof (line)) < 0)
        return gone_or_unknown ();
    name = strrchr (line, ')'); /* it may have any character */
    if (!name || sscanf (name, ") %c", &state) != 1)
        return ACTS;
    if (state == 'Z' || state == 'X')
        return ENDED;
    if (state != 'S')
        return ACTS;
    if (read_line (pid, tid, "syscall", line, sizeof (line)) < 0)
        return gone_or_unknown ();
    number = strtol (line, &at, 10);
    if (at == line)
        return ACTS;
    for (int i = 0; i < ARGUMENTS; i++)
        arguments[i] = strtoull (at, &at, 16);
    return how_sleeps (pid, number, arguments);
}

/* Could an alarm wake it up? A line of "timers", or a handler of SIGALRM. */
static bool has_alarm (pid_t pid)
{
    static const char caught[] = "SigCgt:";
    char path[PATH], line[256];
    uint64_t set = UINT64_MAX;
    FILE *file;
    bool timers;

    snprintf (path, sizeof (path), "/proc/%d/timers", (int)pid);
    file = fopen (path, "re");
    timers = file && fgets (line, sizeof (line), file);
    if (file)
        fclose (file);
    snprintf (path, sizeof (path), "/proc/%d/status", (int)pid);
    file = fopen (path, "re");
    while (file && fgets (line, sizeof (line), file))
        if (strncmp (line, caught, sizeof (caught) - 1) == 0)
            set = strtoull (line + sizeof (caught) - 1, NULL, 16);
    if (file)
        fclose (file);
    return timers || set & UINT64_C (1) << (SIGALRM - 1);
}

bool aw_process_only_waits (pid_t pid, unsigned pollers, uint64_t *switches)
{
    struct dirent *entry;
    char path[PATH];
    unsigned n = 0, alive = 0;
    bool waits = true;
    DIR *dir;

    snprintf (path, sizeof (path), "/proc/%d/task", (int)pid);
    dir = opendir (path);
    if (!dir)
        return errno == ENOENT;
    while (waits && (entry = readdir (dir))) {
        enum how how = entry->d_name[0] == '.' ? ENDED : look_at (pid, entry->d_name);

        n += how == POLLS;
        alive += how != ENDED;
        *switches += how != ENDED ? count_switches (pid, entry->d_name) : 0;
        waits = how != ACTS && n <= pollers;
    }
    closedir (dir);
    return waits && (alive == 0 || !has_alarm (pid));
}
