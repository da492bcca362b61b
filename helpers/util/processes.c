/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "util/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/array.h"
#include "util/clock.h"
#include "util/packet.h"

/* Searches for processes that fork during the search before. */
enum { KILL_ROUNDS = 20 };

static int add (struct aw_processes *processes, pid_t pid)
{
    if (aw_array_reserve (&processes->pids, &processes->capacity, processes->n + 1) < 0)
        return -1;
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
    while (rc == 0 && (errno = 0, entry = readdir (dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            rc = add (processes, (pid_t)strtol (entry->d_name, NULL, 10));
    rc = rc == 0 && errno ? -1 : rc;
    closedir (dir);
    return rc;
}

void aw_processes_finish (struct aw_processes *processes)
{
    free (processes->pids);
    memset (processes, 0, sizeof (*processes));
}

static bool is_child (pid_t pid)
{
    siginfo_t info;

    return waitid (P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* By a question about each process of the machine. */
static int search_children (struct aw_processes *processes)
{
    size_t n = 0;

    if (aw_processes_read (processes) < 0)
        return -1;
    for (size_t i = 0; i < processes->n; i++)
        if (is_child (processes->pids[i]))
            processes->pids[n++] = processes->pids[i];
    processes->n = n;
    return 0;
}

static int add_children_of (struct aw_processes *processes, const char *thread)
{
    char path[64];
    FILE *file;
    int pid, rc = 0;

    snprintf (path, sizeof (path), "/proc/self/task/%.20s/children", thread);
    file = fopen (path, "re");
    if (!file)
        return -1;
    while (rc == 0 && fscanf (file, "%d", &pid) == 1)
        rc = add (processes, pid);
    fclose (file);
    return rc;
}

int aw_processes_read_children (struct aw_processes *processes)
{
    DIR *dir = opendir ("/proc/self/task");
    struct dirent *entry;
    int rc = dir ? 0 : -1;

    processes->n = 0;
    while (rc == 0 && (errno = 0, entry = readdir (dir)))
        if (entry->d_name[0] != '.')
            rc = add_children_of (processes, entry->d_name);
    rc = rc == 0 && errno ? -1 : rc;
    if (dir)
        closedir (dir);
    return rc == 0 ? 0 : search_children (processes);
}

/* A process has a score of up to 1,000, its part of the memory in thousandths, plus this number. */
static const char oom_score_path[] = "/proc/self/oom_score_adj";
static const char raised_oom_score[] = "500";

static void write_oom_score (int fd, const char *score)
{
    ssize_t rc = pwrite (fd, score, strlen (score), 0);

    (void)rc; /* a site may have given this user more already, and lowering needs a privilege */
}

void aw_process_offer_to_oom (void)
{
    int fd = open (oom_score_path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    write_oom_score (fd, raised_oom_score);
    close (fd);
}

void aw_oom_offer_init (struct aw_oom_offer *offer)
{
    ssize_t n;

    memset (offer, 0, sizeof (*offer));
    offer->fd = open (oom_score_path, O_RDWR | O_CLOEXEC);
    n = offer->fd < 0 ? -1 : pread (offer->fd, offer->own, sizeof (offer->own) - 1, 0);
    if (n <= 0 || atoi (offer->own) >= atoi (raised_oom_score))
        aw_oom_offer_finish (offer);
}

void aw_oom_offer_begin (const struct aw_oom_offer *offer)
{
    if (offer->fd >= 0)
        write_oom_score (offer->fd, raised_oom_score);
}

/* Nobody needs a privilege to go back: the kernel keeps the lowest score that was given with one.
 */
void aw_oom_offer_end (const struct aw_oom_offer *offer)
{
    if (offer->fd >= 0)
        write_oom_score (offer->fd, offer->own);
}

void aw_oom_offer_finish (struct aw_oom_offer *offer)
{
    if (offer->fd >= 0)
        close (offer->fd);
    offer->fd = -1;
}

void aw_process_mark_set (uint64_t mark)
{
    struct rlimit limit;

    if (getrlimit (RLIMIT_LOCKS, &limit) < 0)
        return;
    limit.rlim_cur = mark;
    (void)setrlimit (RLIMIT_LOCKS, &limit);
}

uint64_t aw_process_mark_of (pid_t pid)
{
    struct rlimit limit;

    if (prlimit (pid, RLIMIT_LOCKS, NULL, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return limit.rlim_cur;
}

uint64_t aw_process_mark_for (const char *token)
{
    char digits[16];

    snprintf (digits, sizeof (digits), "%s", token); /* 60 bits: never RLIM_INFINITY */
    return strtoull (digits, NULL, 16) | (uint64_t)1 << 63;
}

/* Goes through the environment of PID, which the kernel shows as it was at exec, until WANTED says
 * yes. False also where it cannot be seen; errno is ENODATA where it is empty.
 */
static bool search_environment (pid_t pid,
                                bool (*wanted) (const char *variable, void *arg),
                                void *arg)
{
    char path[64], *variable = NULL;
    size_t size = 0;
    bool found = false, any = false;
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/environ", (int)pid);
    file = fopen (path, "re");
    if (!file)
        return false;
    while (!found && getdelim (&variable, &size, '\0', file) > 0) {
        any = true;
        found = wanted (variable, arg);
    }
    free (variable);
    fclose (file);
    errno = any ? 0 : ENODATA;
    return found;
}

struct wanted {
    const char *name;
    char *value;
    size_t size;
};

static bool take_value (const char *variable, void *arg)
{
    const struct wanted *wanted = arg;
    size_t n = strlen (wanted->name);

    if (strncmp (variable, wanted->name, n) != 0 || variable[n] != '=')
        return false;
    snprintf (wanted->value, wanted->size, "%s", variable + n + 1);
    return true;
}

bool aw_process_variable (pid_t pid, const char *name, char *value, size_t size)
{
    struct wanted wanted = { name, value, size };

    return search_environment (pid, take_value, &wanted);
}

/* Is a program being started in PID? Then the kernel does not show its arguments yet, either. */
static bool is_starting (pid_t pid)
{
    char path[64], byte;
    bool empty;
    FILE *file;

    snprintf (path, sizeof (path), "/proc/%d/cmdline", (int)pid);
    file = fopen (path, "re");
    if (!file)
        return false;
    empty = fgetc (file) == EOF;
    fclose (file);
    snprintf (path, sizeof (path), "/proc/%d/exe", (int)pid);
    return empty && readlink (path, &byte, 1) > 0; /* kernel threads and zombies have none */
}

bool aw_process_may_have (pid_t pid, const char *name, const char *value)
{
    char text[128];

    for (int i = 0; i < 2; i++) {
        if (aw_process_variable (pid, name, text, sizeof (text)))
            return strcmp (text, value) == 0;
        if (errno != ENODATA)
            return false;
        if (is_starting (pid))
            return true;
    }
    return false;
}

bool aw_process_launch (pid_t pid, uint32_t *task, uint32_t *attempt)
{
    char launch[32];

    return aw_process_variable (pid, AW_PACKET_LAUNCH, launch, sizeof (launch))
           && sscanf (launch, "%u.%u", task, attempt) == 2;
}

struct holder {
    const char *variable;
    const char *job; /* ours; NULL: none */
    bool holds, elsewhere;
};

static bool look_at (const char *variable, void *arg)
{
    static const char job[] = "SLURM_JOB_ID=";
    struct holder *holder = arg;

    holder->holds = holder->holds || strcmp (variable, holder->variable) == 0;
    if (holder->job && strncmp (variable, job, sizeof (job) - 1) == 0)
        holder->elsewhere = strcmp (variable + sizeof (job) - 1, holder->job) != 0;
    return false;
}

/* A job that was submitted from such a process has the variable too, but must not be killed. */
static bool holds (pid_t pid, const char *variable)
{
    struct holder holder = { .variable = variable, .job = getenv ("SLURM_JOB_ID") };

    search_environment (pid, look_at, &holder);
    return holder.holds && !holder.elsewhere;
}

void aw_processes_kill_holders (const char *variable, uint64_t mark)
{
    struct aw_processes processes = { 0 };
    bool any = true;

    for (int round = 0; any && round < KILL_ROUNDS; round++) {
        any = false;
        if (aw_processes_read (&processes) < 0)
            break;
        for (size_t i = 0; i < processes.n; i++)
            if (processes.pids[i] != getpid ()
                && (aw_process_mark_of (processes.pids[i]) == mark
                    || holds (processes.pids[i], variable)))
                any |= kill (processes.pids[i], SIGKILL) == 0;
    }
    aw_processes_finish (&processes);
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
        if (aw_processes_read_children (processes) < 0)
            return;
        for (size_t i = 0; i < processes->n; i++)
            kill (processes->pids[i], SIGKILL);
        nanosleep (&pause, NULL);
    }
}
