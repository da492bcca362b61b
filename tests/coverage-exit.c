/* SPDX-License-Identifier: Apache-2.0 */
/* For tests/coverage alone: counts are written before _exit and exec, too. Not in a child of vfork,
 * whose memory is the parent's: there the process id is not the one that was last noted.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

extern void __gcov_dump (void) __attribute__ ((weak));
extern void __gcov_reset (void) __attribute__ ((weak));

void __real__exit (int status) __attribute__ ((noreturn));
void __wrap__exit (int status) __attribute__ ((noreturn));

static pid_t self;

static void note_self (void)
{
    self = getpid ();
}

__attribute__ ((constructor)) static void begin (void)
{
    note_self ();
    pthread_atfork (NULL, NULL, note_self);
}

static void dump (void)
{
    if (__gcov_dump && getpid () == self)
        __gcov_dump ();
}

/* An exec that failed: what has been written must not be written twice. */
static int goes_on (int rc)
{
    if (__gcov_reset && getpid () == self)
        __gcov_reset ();
    return rc;
}

void __wrap__exit (int status)
{
    dump ();
    __real__exit (status);
}

#define WRAP_EXEC(name, parameters, arguments)    \
    int __real_##name parameters;                 \
    int __wrap_##name parameters;                 \
    int __wrap_##name parameters                  \
    {                                             \
        dump ();                                  \
        return goes_on (__real_##name arguments); \
    }

WRAP_EXEC (execv, (const char *path, char *const argv[]), (path, argv))
WRAP_EXEC (execvp, (const char *file, char *const argv[]), (file, argv))
WRAP_EXEC (execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
WRAP_EXEC (execvpe, (const char *file, char *const argv[], char *const envp[]), (file, argv, envp))
