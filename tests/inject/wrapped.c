/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that fail-calls.c makes fail, each in front of the C library's own. */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail-calls.h"

/* For calls before the C library's own are known: dlsym's alone. */
static char early[16384];
static size_t early_used;

static void *early_alloc (size_t size)
{
    void *p = early + early_used;

    early_used += (size + 15) & ~(size_t)15;
    return early_used <= sizeof (early) ? p : NULL;
}

static bool is_early (const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof (early);
}

/* What kind of file it is: packets come whole, signals and timers without errors. */
static int type_of (int fd)
{
    struct stat st;

    return syscall (SYS_fstat, fd, &st) == 0 ? (int)(st.st_mode & S_IFMT) : 0;
}

static bool may_be_short (int fd)
{
    int type = 0;
    socklen_t size = sizeof (type);

    return type_of (fd) == S_IFREG
           || (syscall (SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0
               && type == SOCK_STREAM);
}

static int fails_on (struct call *call, int fd, const void *caller)
{
    int saved = errno;
    bool legal = !call->selected || (fails_short () ? may_be_short (fd) : type_of (fd) != 0);

    errno = saved;
    return legal ? fails (call, caller) : 0;
}

/*
 * The functions. Their arguments and results are whole numbers and pointers, at most six. Linux
 * passes all of these in the same way, those of "..." too, so one form serves all functions. Its
 * name in C is another one, because headers declare the function with the types of its own.
 */

#define CALLER __builtin_return_address (0)
#define ARGS a, b, c, d, e, f
#define PARAMS long a, long b, long c, long d, long e, long f

typedef int64_t real_function (long, ...);

#define FORM(function, of_alloc, body)                                         \
    int64_t form_of_##function (PARAMS) __asm__(#function);                    \
    int64_t form_of_##function (PARAMS)                                        \
    {                                                                          \
        static struct call call = { .name = #function, .member = (of_alloc) }; \
        real_function *real = (real_function *)look_up (&call, #function);     \
                                                                               \
        body                                                                   \
    }

/* FAILED is what it returns when it fails. */
#define WRAP_FORM(function, of_alloc, failed) \
    FORM (function, of_alloc, {               \
        int how = fails (&call, CALLER);      \
                                              \
        return how ? (failed) : real (ARGS);  \
    })

#define WRAP(function) WRAP_FORM (function, false, -1)
#define WRAP_POINTER(function) WRAP_FORM (function, false, 0)
#define WRAP_ALLOC(function, failed) WRAP_FORM (function, true, failed)
/* One that returns the error's number. */
#define WRAP_ERROR(function) WRAP_FORM (function, false, how)
/* One that closes even where it fails. */
#define WRAP_CLOSE(function) WRAP_FORM (function, false, (real (a), errno = how, -1))

/* One that may do less than it was asked to: SIZE is the argument that says how much that is. */
#define WRAP_SHORT(function, size)                  \
    FORM (function, false, {                        \
        int how = fails_on (&call, (int)a, CALLER); \
                                                    \
        if (how && how != SHORT)                    \
            return -1;                              \
        if (how == SHORT && (size) > 1)             \
            (size) = 1;                             \
        return real (ARGS);                         \
    })

/* One that is called while others are looked up. */
#define WRAP_EARLY(function, size)                      \
    FORM (function, true, {                             \
        if (!real)                                      \
            return (intptr_t)early_alloc (size);        \
        return fails (&call, CALLER) ? 0 : real (ARGS); \
    })

/* Memory. strdup and its like call the C library's own malloc, which is not ours to count. */
WRAP_EARLY (calloc, (size_t)(a *b))
WRAP_EARLY (malloc, (size_t)a)
WRAP_ALLOC (realloc, 0)
WRAP_ALLOC (reallocarray, 0)
WRAP_ALLOC (strdup, 0)
WRAP_ALLOC (strndup, 0)
WRAP_ALLOC (getline, -1)
WRAP_ALLOC (getdelim, -1)
WRAP_ALLOC (vasprintf, -1)

/* Its arguments may be floating point, too. */
int asprintf (char **text, const char *format, ...)
{
    static struct call call = { .name = "asprintf", .member = true };
    int (*real) (char **, const char *, va_list) =
        (int (*) (char **, const char *, va_list))look_up (&call, "vasprintf");
    va_list args;
    int rc;

    if (fails (&call, CALLER))
        return -1;
    va_start (args, format);
    rc = real (text, format, args);
    va_end (args);
    return rc;
}

void free (void *p)
{
    static struct call call = { .name = "free" };
    void (*real) (void *) = (void (*) (void *))look_up (&call, "free");

    if (real && !is_early (p))
        real (p);
}

/* Files. */
WRAP (open)
WRAP (open64)
WRAP (openat)
WRAP (openat64)
WRAP (fcntl)
WRAP (fcntl64)
WRAP_SHORT (read, c)
WRAP_SHORT (pread, c)
WRAP_SHORT (pread64, c)
WRAP_SHORT (write, c)
WRAP_SHORT (pwrite, c)
WRAP_SHORT (pwrite64, c)
WRAP_SHORT (readv, c)
WRAP_SHORT (writev, c)
WRAP_SHORT (send, c)
WRAP_SHORT (recv, c)
WRAP_SHORT (copy_file_range, e)
WRAP (sendmsg)
WRAP (recvmsg)
WRAP_POINTER (fopen)
WRAP_POINTER (fopen64)
WRAP_POINTER (fdopen)
WRAP (fflush)
WRAP (fsync)
WRAP (fdatasync)
WRAP (ftruncate)
WRAP (ftruncate64)
WRAP (lseek)
WRAP (lseek64)
WRAP (flock)
WRAP (rename)
WRAP (unlink)
WRAP (unlinkat)
WRAP (link)
WRAP (symlink)
WRAP (mkdir)
WRAP (mkdirat)
WRAP_POINTER (mkdtemp)
WRAP (rmdir)
WRAP (chmod)
WRAP (fchmod)
WRAP (chdir)
WRAP_POINTER (getcwd)
WRAP_POINTER (realpath)
WRAP (readlink)
WRAP (stat)
WRAP (lstat)
WRAP (fstat)
WRAP (fstatat)
WRAP (access)
WRAP (statvfs)
WRAP_POINTER (opendir)
WRAP_POINTER (fdopendir)
WRAP_POINTER (readdir)
WRAP (dup2)
WRAP_CLOSE (close)
WRAP_CLOSE (fclose)

/* Network and events. */
WRAP (socket)
WRAP (socketpair)
WRAP (bind)
WRAP (listen)
WRAP (connect)
WRAP (accept4)
WRAP (getsockname)
WRAP (getpeername)
WRAP (getsockopt)
WRAP (setsockopt)
WRAP (getifaddrs)
WRAP_FORM (getaddrinfo, false, EAI_SYSTEM)
WRAP (pipe2)
WRAP (epoll_create1)
WRAP (epoll_ctl)
WRAP (epoll_wait)
WRAP (eventfd)
WRAP (signalfd)
WRAP (timerfd_create)
WRAP (poll)

/* Processes. */
pid_t fork (void)
{
    static struct call call = { .name = "fork" };
    pid_t (*real) (void) = (pid_t (*) (void))look_up (&call, "fork");
    pid_t pid;

    if (fails (&call, CALLER))
        return -1;
    pid = real ();
    if (pid == 0)
        start_anew ();
    return pid;
}

/* vfork returns twice, so nothing of ours may be on the stack when it is entered. */
#if defined(__x86_64__) || defined(__aarch64__)
extern void *fail_calls_vfork_real;
extern int fail_calls_vfork_fails (const void *caller);
void *fail_calls_vfork_real;

int fail_calls_vfork_fails (const void *caller)
{
    static struct call call = { .name = "vfork" };

    fail_calls_vfork_real = look_up (&call, "vfork");
    return fails (&call, caller);
}

__asm__(".globl vfork\n"
        ".type vfork, %function\n"
        "vfork:\n"
#ifdef __x86_64__
        "    mov (%rsp), %rdi\n"
        "    sub $8, %rsp\n"
        "    call fail_calls_vfork_fails@PLT\n"
        "    add $8, %rsp\n"
        "    test %eax, %eax\n"
        "    jne 1f\n"
        "    mov fail_calls_vfork_real@GOTPCREL(%rip), %rax\n"
        "    jmp *(%rax)\n"
        "1:  mov $-1, %eax\n"
        "    ret\n"
#else
        "    stp x29, x30, [sp, #-16]!\n"
        "    mov x0, x30\n"
        "    bl fail_calls_vfork_fails\n"
        "    ldp x29, x30, [sp], #16\n"
        "    cbnz w0, 1f\n"
        "    adrp x16, :got:fail_calls_vfork_real\n"
        "    ldr x16, [x16, #:got_lo12:fail_calls_vfork_real]\n"
        "    ldr x16, [x16]\n"
        "    br x16\n"
        "1:  mov w0, #-1\n"
        "    ret\n"
#endif
        ".size vfork, . - vfork\n");
#endif

WRAP_ERROR (posix_spawn)
WRAP_ERROR (posix_spawnp)
WRAP (execve)
WRAP (execvp)
WRAP (execvpe)
WRAP (waitpid)
WRAP (waitid)
WRAP (wait4)
WRAP (setsid)
WRAP (setpgid)
WRAP (sched_setaffinity)
WRAP (sched_getaffinity)
WRAP (gethostname)
WRAP (getrandom)
WRAP (prctl)

/* Who would catch a crash leaves that to us: it is to be seen. */
int sigaction (int number, const struct sigaction *action, struct sigaction *old)
{
    static struct call call = { .name = "sigaction" };
    int (*real) (int, const struct sigaction *, struct sigaction *) =
        (int (*) (int, const struct sigaction *, struct sigaction *))look_up (&call, "sigaction");

    if (action && hides_crash (number))
        action = NULL;
    return real (number, action, old);
}

__sighandler_t signal (int number, __sighandler_t handler)
{
    static struct call call = { .name = "signal" };
    __sighandler_t (*real) (int, __sighandler_t) =
        (__sighandler_t (*) (int, __sighandler_t))look_up (&call, "signal");

    return hides_crash (number) ? SIG_DFL : real (number, handler);
}
