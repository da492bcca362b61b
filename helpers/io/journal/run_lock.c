/* SPDX-License-Identifier: Apache-2.0 */
#include "io/journal/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/journal.h"
#include "io/journal/run_dir.h"
#include "io/scan.h"
#include "util/clock.h"

enum { MARK_SIZE = 768, NAME_SIZE = 256 };
static const unsigned long long UNKNOWN = 1ULL << 52; /* a double holds it */

/* What the file says. */
struct mark {
    char host[NAME_SIZE];
    char boot[64]; /* of the kernel: a pid of an earlier one means nothing */
    long pid;
    unsigned long long start; /* of the process, in the kernel's ticks: pids come again */
    char job[64];
    char nonce[20];
    unsigned long long beat;
};

struct aw_run_lock {
    char *path;
    int fd;
    struct mark mine;
};

/* The first line of a small file; "" with errno if it cannot be opened. */
static void read_line (const char *path, char *line, size_t size)
{
    FILE *file = fopen (path, "re");

    if (!file || !fgets (line, (int)size, file))
        line[0] = '\0';
    line[strcspn (line, "\n")] = '\0';
    if (file)
        fclose (file);
}

/* When the process started; 0: it is not there, or a zombie; UNKNOWN: its file cannot be opened. */
static unsigned long long start_of (long pid)
{
    char path[64], line[1024], state = 'Z';
    unsigned long long start = 0;
    const char *p;

    snprintf (path, sizeof (path), "/proc/%ld/stat", pid);
    errno = 0;
    read_line (path, line, sizeof (line));
    if (!line[0] && errno && errno != ENOENT && errno != ESRCH)
        return UNKNOWN;
    p = strrchr (line, ')'); /* the name may hold anything; behind it stand state and 18 numbers */
    if (!p
        || sscanf (p + 1,
                   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                   "%llu",
                   &state, &start)
               != 2)
        return 0;
    return state == 'Z' || state == 'X' ? 0 : start;
}

static void fill_mine (struct mark *mine, const char *job)
{
    uint64_t random = 0;

    memset (mine, 0, sizeof (*mine));
    gethostname (mine->host, sizeof (mine->host) - 1);
    for (char *p = mine->host; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
            *p = '_';
    read_line ("/proc/sys/kernel/random/boot_id", mine->boot, sizeof (mine->boot));
    mine->pid = (long)getpid ();
    mine->start = start_of (mine->pid);
    for (size_t i = 0; job && job[i] && i < sizeof (mine->job) - 1; i++)
        mine->job[i] =
            job[i] == '"' || job[i] == '\\' || (unsigned char)job[i] < ' ' ? '_' : job[i];
    if (getrandom (&random, sizeof (random), 0) != (ssize_t)sizeof (random))
        random = (uint64_t)(aw_clock_wall () * 1e6) ^ (uint64_t)mine->pid << 40;
    snprintf (mine->nonce, sizeof (mine->nonce), "%016llx", (unsigned long long)random);
}

static int write_mark (int fd, const struct mark *mark)
{
    char text[MARK_SIZE];
    int n = snprintf (text, sizeof (text),
                      "{\"host\":\"%s\",\"boot\":\"%s\",\"pid\":%ld,\"start\":%llu,\"job\":\"%s\","
                      "\"nonce\":\"%s\",\"beat\":%llu}\n",
                      mark->host, mark->boot, mark->pid, mark->start, mark->job, mark->nonce,
                      mark->beat);

    if (n < 0 || (size_t)n >= sizeof (text)) {
        errno = EOVERFLOW;
        return -1;
    }
    for (int done = 0; done < n;) {
        ssize_t written = pwrite (fd, text + done, (size_t)(n - done), done);

        if (written < 0 && errno != EINTR)
            return -1;
        done += written > 0 ? (int)written : 0;
    }
    return ftruncate (fd, n);
}

static bool copy (char *to, size_t size, char **p)
{
    char *text;

    if (aw_scan_string (p, &text) < 0)
        return false;
    snprintf (to, size, "%s", text);
    for (char *c = to; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?'; /* it is shown to people */
    return true;
}

static bool scan_member (struct mark *mark, char **p, const char *name)
{
    double number = 0;

    if (strcmp (name, "host") == 0)
        return copy (mark->host, sizeof (mark->host), p);
    if (strcmp (name, "boot") == 0)
        return copy (mark->boot, sizeof (mark->boot), p);
    if (strcmp (name, "job") == 0)
        return copy (mark->job, sizeof (mark->job), p);
    if (strcmp (name, "nonce") == 0)
        return copy (mark->nonce, sizeof (mark->nonce), p);
    if (aw_scan_number (p, &number) < 0 || !(number >= 0 && number < 9e15))
        return false;
    if (strcmp (name, "pid") == 0)
        mark->pid = (long)number;
    else if (strcmp (name, "start") == 0)
        mark->start = (unsigned long long)number;
    else if (strcmp (name, "beat") == 0)
        mark->beat = (unsigned long long)number;
    return true;
}

/* False: TEXT (it is modified) is no mark. */
static bool parse_mark (char *text, struct mark *mark)
{
    char *p = text, *name;

    if (aw_scan_char (&p, '{') < 0)
        return false;
    do {
        if (aw_scan_string (&p, &name) < 0 || aw_scan_char (&p, ':') < 0
            || !scan_member (mark, &p, name))
            return false;
    } while (aw_scan_char (&p, ',') == 0);
    return mark->nonce[0] != '\0';
}

/* 1: there is a mark; 0: the file is empty, or its text is no mark; -1 with errno. */
static int read_mark (int fd, struct mark *mark)
{
    char text[MARK_SIZE];
    ssize_t n;

    memset (mark, 0, sizeof (*mark));
    do
        n = pread (fd, text, sizeof (text) - 1, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return (int)n;
    text[n] = '\0';
    return parse_mark (text, mark);
}

static bool of_this_node (const struct mark *mark, const struct mark *mine)
{
    return strcmp (mark->host, mine->host) == 0 && strcmp (mark->boot, mine->boot) == 0;
}

/* For a mark of this node. 1 or 0; -1 with errno: this cannot be found out. */
static int lives (const struct mark *mark)
{
    unsigned long long start = start_of (mark->pid);

    if (!mark->start || !start)
        return 0;
    return start == mark->start ? 1 : start == UNKNOWN || mark->start == UNKNOWN ? -1 : 0;
}

static int in_use (const char *dir, const struct mark *by, struct aw_error *err)
{
    return aw_error_set (err, "%s: another coordinator runs it: process %ld on %s%s%s", dir,
                         by->pid, by->host[0] ? by->host : "an unknown node",
                         by->job[0] ? ", job " : "", by->job);
}

static void wait_a_moment (void)
{
    usleep (200 * 1000);
}

/* Reads the mark at PATH, and when it was written. The file is opened again each time: a network
 * file system then has its new content. 1: there is one; 0: there is none; -1 with errno: unknown.
 */
static int look_when (const char *path, struct mark *mark, double *written)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int there, saved;
    struct stat st;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    there = read_mark (fd, mark);
    if (fstat (fd, &st) < 0)
        there = -1;
    else
        *written = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
    saved = errno;
    close (fd);
    errno = saved;
    return there;
}

static int look (const char *path, struct mark *mark)
{
    double written;

    return look_when (path, mark, &written);
}

/* Somebody has the lock. It is what a dead coordinator of this node left behind, which ends by
 * itself, or it lives.
 */
static int wait_for_lock (struct aw_run_lock *lock,
                          const char *dir,
                          void (*say) (const char *),
                          struct aw_error *err)
{
    double until = aw_clock_monotonic () + AW_RUN_LOCK_WAIT;
    bool said = false;
    struct mark by;

    for (;;) {
        bool known = read_mark (lock->fd, &by) > 0;
        bool dead = known && of_this_node (&by, &lock->mine) && lives (&by) == 0;

        if (flock (lock->fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (known && !dead)
            return in_use (dir, &by, err);
        if (aw_clock_monotonic () > until)
            return aw_error_set (
                err, "%s: its coordinator has ended, but some of its tasks have not", dir);
        if (say && !said && dead)
            say ("the previous coordinator has ended: waiting for its tasks to end");
        said = dead;
        wait_a_moment ();
    }
}

static int cannot_read (const struct aw_run_lock *lock, struct aw_error *err)
{
    return aw_error_set (err, "%s: cannot be read: %s", lock->path, strerror (errno));
}

/* The lock is ours, or there are none here. Does who stands in the file still live? */
static int check_mark (struct aw_run_lock *lock,
                       const char *dir,
                       void (*say) (const char *),
                       struct aw_error *err)
{
    double until = aw_clock_monotonic () + AW_RUN_LOCK_WATCH;
    struct mark by, now;
    char line[NAME_SIZE + 128];
    int there = look (lock->path, &by), alive;

    if (there < 0)
        return cannot_read (lock, err);
    if (there == 0)
        return 0;
    if (of_this_node (&by, &lock->mine)) {
        alive = lives (&by);
        if (alive < 0)
            return aw_error_set (err, "%s: is process %ld its coordinator? %s", lock->path, by.pid,
                                 strerror (errno));
        return alive ? in_use (dir, &by, err) : 0;
    }
    snprintf (line, sizeof (line),
              "its last coordinator was on node %s: waiting %.0f s to see whether it still runs",
              by.host, AW_RUN_LOCK_WATCH);
    if (say)
        say (line);
    while (aw_clock_monotonic () < until) {
        wait_a_moment ();
        there = look (lock->path, &now);
        if (there > 0 && (now.beat != by.beat || strcmp (now.nonce, by.nonce) != 0))
            return in_use (dir, &now, err);
    }
    return there < 0 ? cannot_read (lock, err) : 0;
}

/* Opens and locks the file, which may be removed at the same time by who had it before. */
static int open_locked (struct aw_run_lock *lock,
                        const char *dir,
                        void (*say) (const char *),
                        struct aw_error *err)
{
    for (;;) {
        struct stat mine, there = { 0 }; /* no file has inode 0 */

        lock->fd = open (lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock->fd < 0)
            return aw_error_set (err, "%s: %s%s", lock->path, strerror (errno),
                                 aw_run_dir_hint (errno));
        if (flock (lock->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK
            && wait_for_lock (lock, dir, say, err) < 0)
            return -1;
        if (fstat (lock->fd, &mine) < 0 || (stat (lock->path, &there) < 0 && errno != ENOENT))
            return aw_error_set (err, "%s: %s", lock->path, strerror (errno));
        if (mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
            return 0;
        close (lock->fd);
    }
}

struct aw_run_lock *aw_run_lock_take (const char *dir,
                                      const char *job,
                                      void (*say) (const char *text),
                                      struct aw_error *err)
{
    struct aw_run_lock *lock = calloc (1, sizeof (*lock));
    struct mark now;

    if (!lock || !(lock->path = aw_run_dir_path (dir, AW_RUN_COORDINATOR))) {
        free (lock);
        aw_error_set (err, "out of memory");
        return NULL;
    }
    lock->fd = -1;
    fill_mine (&lock->mine, job);
    if (open_locked (lock, dir, say, err) < 0 || check_mark (lock, dir, say, err) < 0)
        goto fail;
    if (write_mark (lock->fd, &lock->mine) < 0) {
        aw_error_set (err, "%s: %s%s", lock->path, strerror (errno), aw_run_dir_hint (errno));
        if (look (lock->path, &now) <= 0)
            unlink (lock->path); /* it is ours, and empty */
        goto fail;
    }
    return lock;
fail:
    if (lock->fd >= 0)
        close (lock->fd); /* the file is another's, or tells of one who is gone */
    free (lock->path);
    free (lock);
    return NULL;
}

int aw_run_lock_beat (struct aw_run_lock *lock, struct aw_error *err)
{
    struct mark now;

    if (look (lock->path, &now) > 0 && strcmp (now.nonce, lock->mine.nonce) != 0)
        return aw_error_set (err, "%s: another coordinator, process %ld on %s, has taken over",
                             lock->path, now.pid, now.host);
    lock->mine.beat++;
    write_mark (lock->fd, &lock->mine); /* a full disk is the journal's to tell */
    return 0;
}

bool aw_run_lock_is_gone (const struct aw_run_lock *lock)
{
    return aw_run_dir_file_is_gone (lock->fd, lock->path);
}

int aw_run_lock_fd (const struct aw_run_lock *lock)
{
    return lock->fd;
}

bool aw_run_lock_of_job (const char *dir, const char *job)
{
    char *path = aw_run_dir_path (dir, AW_RUN_COORDINATOR);
    struct mark mark;
    bool same = path && look (path, &mark) > 0 && strcmp (mark.job, job) == 0;

    free (path);
    return same;
}

static bool journal_is_locked (const char *dir)
{
    char *path = aw_run_dir_path (dir, AW_RUN_JOURNAL);
    bool locked = path && aw_journal_in_use (path) == 1;

    free (path);
    return locked;
}

/* A lock that is free, or none, says nothing of other nodes on some network file systems. */
bool aw_run_lock_is_held (const char *dir)
{
    char *path = aw_run_dir_path (dir, AW_RUN_COORDINATOR);
    struct mark by, mine;
    double written = 0;
    bool held = journal_is_locked (dir);

    fill_mine (&mine, NULL);
    if (!held && path && look_when (path, &by, &written) > 0)
        held = of_this_node (&by, &mine) ? lives (&by) != 0
                                         : fabs (aw_clock_wall () - written) < AW_RUN_LOCK_FRESH;
    free (path);
    return held;
}

void aw_run_lock_release (struct aw_run_lock *lock)
{
    int saved = errno;
    struct mark now;

    if (!lock)
        return;
    if (look (lock->path, &now) > 0 && strcmp (now.nonce, lock->mine.nonce) == 0)
        unlink (lock->path);
    close (lock->fd);
    free (lock->path);
    free (lock);
    errno = saved;
}
