/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into all processes of a test, it makes some of them late, so that a test fails which
 * takes something for done "by now". A process may sleep when it starts, when it ends, and before
 * it writes or renames a file. Its environment:
 *
 * AW_LATE   SEED or SEED:MILLISECONDS, the longest sleep [60]
 *
 * The seed, the command line and the name of the task alone decide who sleeps for how long.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util/hash.h"

enum { STARTS = 3, WRITES = 16 }; /* one of this many is late */

static uint64_t chance;
static uint32_t longest_ms; /* 0: nothing is late */

/* The next random number (xorshift). */
static uint32_t draw (void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 32);
}

static void sleep_once_in (uint32_t n)
{
    uint64_t ns = (uint64_t)longest_ms * 1000000;
    int saved = errno;

    if (ns == 0 || draw () % n != 0)
        return;
    ns = ns / 1000 * (draw () % 1000);
    syscall (SYS_nanosleep,
             &(struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) }, NULL);
    errno = saved;
}

ssize_t write (int fd, const void *data, size_t size)
{
    struct stat st;

    if (longest_ms > 0 && fstat (fd, &st) == 0 && (S_ISREG (st.st_mode) || S_ISFIFO (st.st_mode)))
        sleep_once_in (WRITES);
    return syscall (SYS_write, fd, data, size);
}

int rename (const char *from, const char *to)
{
    int (*real) (const char *, const char *) =
        (int (*) (const char *, const char *))dlsym (RTLD_NEXT, "rename");

    sleep_once_in (STARTS);
    return real (from, to);
}

__attribute__ ((constructor)) static void start (int argc, char **argv)
{
    const char *setting = getenv ("AW_LATE"), *task = getenv ("ASYNC_WORKFLOW_TASK");
    const char *colon = setting ? strchr (setting, ':') : NULL;

    if (!setting)
        return;
    chance = aw_hash64 (AW_HASH64_BASIS, setting, strlen (setting));
    for (int i = 0; i < argc; i++)
        chance = aw_hash64 (chance, argv[i], strlen (argv[i]) + 1);
    if (task)
        chance = aw_hash64 (chance, task, strlen (task));
    longest_ms = colon ? (uint32_t)atoi (colon + 1) : 60;
    sleep_once_in (STARTS);
}

__attribute__ ((destructor)) static void end (void)
{
    sleep_once_in (STARTS);
}
