/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program, it makes the n-th call of a function fail. Its environment:
 *
 * FAILCALLS         a function ("write"), "alloc" for all that allocate memory, "*" for every one
 * FAILCALLS_N       which call, from 1; 0: none fails, each is logged with the calls it came by
 * FAILCALLS_ALWAYS  set: that call and all later ones
 * FAILCALLS_HOW     an error's number; "short": as little as possible is read or written
 * FAILCALLS_PROCESS which process: its program or, of async-workflow, its command, and how often
 *                   it has forked since exec: "run.0" coordinator, "run.2" its local agent,
 *                   "async-workflow-agent.1" an agent. "t-frame.*": all processes of a program
 * FAILCALLS_CALLERS whose calls: "own" code [default], "libs" (libevent, json-c ...), "libc"
 * FAILCALLS_LOG     a file that lines are appended to:
 *                       call PROCESS FUNCTION N ADDRESS...
 *                       fail PROCESS FUNCTION N ADDRESS...
 *                       crash PROCESS SIGNAL 0 ADDRESS...
 *                   An address is an offset in the program; "-" stands for one of a library.
 *
 * A process that crashes says so in the log even where it would have caught the signal.
 * Calls that the C library makes itself, or that _FORTIFY_SOURCE has renamed, are not seen.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Header files may have these as macros, or name what they return null "nonnull". */
#undef strdup
#undef strndup

enum caller { OWN = 1, LIBS = 2, LIBC = 4 };
enum { MAX_FRAMES = 12, MAX_RANGES = 64, MAX_FAILS = 50, MAX_CALLS = 200000, SHORT = -1 };

struct range {
    uintptr_t from, to;
    enum caller caller;
};

/* One function, or one group that is counted together. */
struct call {
    const char *name;
    void *real;
    bool member; /* of the group that allocates memory, by which it is counted */
    bool looked_up, selected;
    unsigned long count;
    struct call *next; /* of those looked up */
};

static struct {
    const char *function, *process, *log;
    unsigned long n;
    bool always;
    int how;
    int callers;
    char program[64];
    int depth;
    bool active; /* this process is meant */
    bool ready;
    uintptr_t base; /* of the program */
    struct range ranges[MAX_RANGES];
    int n_ranges;
} shim;

static struct call *calls; /* to count again after a fork */
static struct call alloc = { .name = "alloc" };
static __thread int inside;

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

/*
 * What the environment says, and who calls
 */

static bool process_matches (void)
{
    const char *dot = strrchr (shim.process, '.');
    char depth[16];

    if (!dot || strlen (shim.program) != (size_t)(dot - shim.process)
        || strncmp (shim.program, shim.process, (size_t)(dot - shim.process)) != 0)
        return false;
    snprintf (depth, sizeof (depth), "%d", shim.depth);
    return strcmp (dot + 1, "*") == 0 || strcmp (dot + 1, depth) == 0;
}

static enum caller library_caller (const char *name)
{
    static const char *const libc[] = { "/libc.",      "/libc-", "/ld-",  "/libgcc",
                                        "/libpthread", "/libdl", "/libm." };

    for (size_t i = 0; i < sizeof (libc) / sizeof (libc[0]); i++)
        if (strstr (name, libc[i]))
            return LIBC;
    return strstr (name, "libasyncworkflow") ? OWN : LIBS;
}

static int add_ranges (struct dl_phdr_info *info, size_t size, void *arg)
{
    bool *is_program = arg;

    (void)size;
    if (*is_program)
        shim.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum && shim.n_ranges < MAX_RANGES; i++) {
        const ElfW (Phdr) *phdr = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + phdr->p_vaddr;

        if (phdr->p_type == PT_LOAD && phdr->p_flags & PF_X)
            shim.ranges[shim.n_ranges++] =
                (struct range){ from, from + phdr->p_memsz,
                                *is_program ? OWN : library_caller (info->dlpi_name) };
    }
    *is_program = false;
    return 0;
}

static enum caller caller_of (const void *address)
{
    uintptr_t at = (uintptr_t)address;

    for (int i = 0; i < shim.n_ranges; i++)
        if (at >= shim.ranges[i].from && at < shim.ranges[i].to)
            return shim.ranges[i].caller;
    return LIBS; /* loaded later */
}

/*
 * The log
 */

static void put_addresses (char *line, size_t size, void *const *frames, int n_frames)
{
    size_t used = strlen (line);

    for (int i = 0; i < n_frames && used + 24 < size; i++) {
        if (caller_of (frames[i]) == OWN)
            used += (size_t)snprintf (line + used, size - used, " %lx",
                                      (unsigned long)((uintptr_t)frames[i] - shim.base));
        else
            used += (size_t)snprintf (line + used, size - used, " -");
    }
    line[used] = '\n';
    line[used + 1] = '\0';
}

/* Opened each time, with system calls of its own: programs close what they do not know. */
static void write_line (const char *line)
{
    long fd =
        syscall (SYS_openat, AT_FDCWD, shim.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (fd < 0)
        return;
    if (syscall (SYS_write, fd, line, strlen (line)) < 0)
        shim.log = "/dev/null";
    syscall (SYS_close, fd);
}

static void log_event (const char *what, const char *name, unsigned long n)
{
    void *frames[MAX_FRAMES];
    char line[512];
    int n_frames;

    if (!shim.log)
        return;
    inside++;
    n_frames = backtrace (frames, MAX_FRAMES);
    snprintf (line, sizeof (line), "%s %s.%d %s %lu", what, shim.program, shim.depth, name, n);
    put_addresses (line, sizeof (line), frames, n_frames);
    write_line (line);
    inside--;
}

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static bool is_crash (int number)
{
    for (size_t i = 0; i < sizeof (crash_signals) / sizeof (crash_signals[0]); i++)
        if (crash_signals[i] == number)
            return true;
    return false;
}

static void on_crash (int number)
{
    char name[16];

    snprintf (name, sizeof (name), "%d", number);
    log_event ("crash", name, 0);
    raise (number); /* its handler is the default one again */
}

/*
 * Which call fails
 */

static void *look_up (struct call *call, const char *name)
{
    if (!call->looked_up) {
        call->looked_up = true;
        call->selected = shim.function
                         && (strcmp (shim.function, call->name) == 0
                             || (!call->member && strcmp (shim.function, "*") == 0));
        call->next = calls;
        calls = call;
    }
    if (!call->real && name) {
        inside++;
        call->real = dlsym (RTLD_NEXT, name);
        inside--;
    }
    return call->real;
}

/* Whether this call of CALL fails; then errno is set, but for SHORT. */
static int fails (struct call *call, const void *caller)
{
    unsigned long n;

    if (!shim.active || inside || !call->selected || !(caller_of (caller) & shim.callers))
        return 0;
    n = __atomic_add_fetch (&call->count, 1, __ATOMIC_RELAXED);
    if (shim.n == 0 && n <= MAX_CALLS)
        log_event ("call", call->name, n);
    if (shim.n == 0 || n < shim.n || (n > shim.n && !shim.always))
        return 0;
    if (n < shim.n + MAX_FAILS)
        log_event ("fail", call->name, n);
    if (shim.how != SHORT)
        errno = shim.how;
    return shim.how;
}

#define CALLER __builtin_return_address (0)

/* A function that is as it is but for its failing. */
#define WRAP(type, function, params, args, failed)                         \
    type function params                                                   \
    {                                                                      \
        static struct call call = { .name = #function };                   \
        type (*real) params = (type (*) params)look_up (&call, #function); \
                                                                           \
        if (fails (&call, CALLER))                                         \
            return failed;                                                 \
        return real args;                                                  \
    }

/* One that allocates memory. */
#define WRAP_ALLOC(type, function, params, args, failed)                   \
    type function params                                                   \
    {                                                                      \
        static struct call call = { .name = #function, .member = true };   \
        type (*real) params = (type (*) params)look_up (&call, #function); \
                                                                           \
        look_up (&alloc, NULL);                                            \
        if (fails (&alloc, CALLER) || fails (&call, CALLER))               \
            return failed;                                                 \
        return real args;                                                  \
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
    bool legal = !call->selected || (shim.how == SHORT ? may_be_short (fd) : type_of (fd) != 0);

    errno = saved;
    return legal ? fails (call, caller) : 0;
}

/* One that may do less than it was asked to: SIZE is how much that is. */
#define WRAP_SHORT(function, params, args, fd, size)                             \
    ssize_t function params                                                      \
    {                                                                            \
        static struct call call = { .name = #function };                         \
        ssize_t (*real) params = (ssize_t (*) params)look_up (&call, #function); \
        int how = fails_on (&call, fd, CALLER);                                  \
                                                                                 \
        if (how && how != SHORT)                                                 \
            return -1;                                                           \
        if (how == SHORT && size > 1)                                            \
            size = 1;                                                            \
        return real args;                                                        \
    }

/* Memory. strdup and its like call the C library's own malloc, which is not ours to count. */
void *calloc (size_t n, size_t size)
{
    static struct call call = { .name = "calloc", .member = true };
    void *(*real) (size_t, size_t);

    if (!call.real && inside)
        return early_alloc (n * size);
    real = (void *(*)(size_t, size_t))look_up (&call, "calloc");
    look_up (&alloc, NULL);
    if (fails (&alloc, CALLER) || fails (&call, CALLER))
        return NULL;
    return real (n, size);
}

void *malloc (size_t size)
{
    static struct call call = { .name = "malloc", .member = true };
    void *(*real) (size_t);

    if (!call.real && inside)
        return early_alloc (size);
    real = (void *(*)(size_t))look_up (&call, "malloc");
    look_up (&alloc, NULL);
    if (fails (&alloc, CALLER) || fails (&call, CALLER))
        return NULL;
    return real (size);
}

void free (void *p)
{
    static struct call call = { .name = "free" };
    void (*real) (void *) = (void (*) (void *))look_up (&call, "free");

    if (real && !is_early (p))
        real (p);
}

WRAP_ALLOC (void *, realloc, (void *p, size_t size), (p, size), NULL)
WRAP_ALLOC (void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL)
WRAP_ALLOC (char *, strdup, (const char *s), (s), NULL)
WRAP_ALLOC (char *, strndup, (const char *s, size_t n), (s, n), NULL)
WRAP_ALLOC (ssize_t, getline, (char **line, size_t *size, FILE *file), (line, size, file), -1)
WRAP_ALLOC (ssize_t,
            getdelim,
            (char **line, size_t *size, int end, FILE *file),
            (line, size, end, file),
            -1)

static int allocation_fails (const void *caller)
{
    look_up (&alloc, NULL);
    return fails (&alloc, caller);
}

int vasprintf (char **text, const char *format, va_list args)
{
    static struct call call = { .name = "vasprintf", .member = true };
    int (*real) (char **, const char *, va_list) =
        (int (*) (char **, const char *, va_list))look_up (&call, "vasprintf");

    return allocation_fails (CALLER) ? -1 : real (text, format, args);
}

int asprintf (char **text, const char *format, ...)
{
    va_list args;
    int rc;

    if (allocation_fails (CALLER))
        return -1;
    inside++;
    va_start (args, format);
    rc = vasprintf (text, format, args);
    va_end (args);
    inside--;
    return rc;
}

/* Files. */
static mode_t mode_of (int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg (args, mode_t) : 0;
}

#define WRAP_OPEN(function, params, args)                                \
    int function params                                                  \
    {                                                                    \
        static struct call call = { .name = #function };                 \
        int (*real) params = (int (*) params)look_up (&call, #function); \
        va_list rest;                                                    \
        mode_t mode;                                                     \
                                                                         \
        if (fails (&call, CALLER))                                       \
            return -1;                                                   \
        va_start (rest, flags);                                          \
        mode = mode_of (flags, rest);                                    \
        va_end (rest);                                                   \
        return real args;                                                \
    }

WRAP_OPEN (open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN (open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN (openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
WRAP_OPEN (openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))

#define WRAP_CONTROL(function)                                                             \
    int function (int fd, int command, ...)                                                \
    {                                                                                      \
        static struct call call = { .name = #function };                                   \
        int (*real) (int, int, ...) = (int (*) (int, int, ...))look_up (&call, #function); \
        va_list rest;                                                                      \
        long arg;                                                                          \
                                                                                           \
        if (fails (&call, CALLER))                                                         \
            return -1;                                                                     \
        va_start (rest, command);                                                          \
        arg = va_arg (rest, long);                                                         \
        va_end (rest);                                                                     \
        return real (fd, command, arg);                                                    \
    }

WRAP_CONTROL (fcntl)
WRAP_CONTROL (fcntl64)

WRAP_SHORT (read, (int fd, void *data, size_t size), (fd, data, size), fd, size)
WRAP_SHORT (pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), fd, size)
WRAP_SHORT (pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at), fd, size)
WRAP_SHORT (write, (int fd, const void *data, size_t size), (fd, data, size), fd, size)
WRAP_SHORT (
    pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), fd, size)
WRAP_SHORT (
    pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), fd, size)
WRAP_SHORT (readv, (int fd, const struct iovec *vector, int n), (fd, vector, n), fd, n)
WRAP_SHORT (writev, (int fd, const struct iovec *vector, int n), (fd, vector, n), fd, n)
WRAP_SHORT (copy_file_range,
            (int in, off64_t *from, int out, off64_t *to, size_t size, unsigned int flags),
            (in, from, out, to, size, flags),
            in,
            size)
WRAP_SHORT (
    send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), fd, size)
WRAP_SHORT (recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), fd, size)
WRAP (ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), -1)
WRAP (ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), -1)

WRAP (FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
WRAP (FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)
WRAP (FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
WRAP (int, fflush, (FILE * file), (file), EOF)
WRAP (int, fsync, (int fd), (fd), -1)
WRAP (int, fdatasync, (int fd), (fd), -1)
WRAP (int, ftruncate, (int fd, off_t size), (fd, size), -1)
WRAP (int, ftruncate64, (int fd, off64_t size), (fd, size), -1)
WRAP (off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), -1)
WRAP (off64_t, lseek64, (int fd, off64_t at, int whence), (fd, at, whence), -1)
WRAP (int, flock, (int fd, int operation), (fd, operation), -1)
WRAP (int, rename, (const char *from, const char *to), (from, to), -1)
WRAP (int, unlink, (const char *path), (path), -1)
WRAP (int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), -1)
WRAP (int, link, (const char *from, const char *to), (from, to), -1)
WRAP (int, symlink, (const char *to, const char *path), (to, path), -1)
WRAP (int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP (int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), -1)
WRAP (char *, mkdtemp, (char *path), (path), NULL)
WRAP (int, rmdir, (const char *path), (path), -1)
WRAP (int, chmod, (const char *path, mode_t mode), (path, mode), -1)
WRAP (int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP (int, chdir, (const char *path), (path), -1)
WRAP (char *, getcwd, (char *path, size_t size), (path, size), NULL)
WRAP (char *, realpath, (const char *path, char *to), (path, to), NULL)
WRAP (ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size), -1)
WRAP (int, stat, (const char *path, struct stat *st), (path, st), -1)
WRAP (int, lstat, (const char *path, struct stat *st), (path, st), -1)
WRAP (int, fstat, (int fd, struct stat *st), (fd, st), -1)
WRAP (int,
      fstatat,
      (int dir, const char *path, struct stat *st, int flags),
      (dir, path, st, flags),
      -1)
WRAP (int, access, (const char *path, int mode), (path, mode), -1)
WRAP (int, statvfs, (const char *path, struct statvfs *fs), (path, fs), -1)
WRAP (DIR *, opendir, (const char *path), (path), NULL)
WRAP (DIR *, fdopendir, (int fd), (fd), NULL)
WRAP (struct dirent *, readdir, (DIR * dir), (dir), NULL)
WRAP (int, dup2, (int from, int to), (from, to), -1)

/* They close even where they fail. */
int close (int fd)
{
    static struct call call = { .name = "close" };
    int (*real) (int) = (int (*) (int))look_up (&call, "close");
    int how = fails (&call, CALLER);
    int rc = real (fd);

    errno = how ? how : errno;
    return how ? -1 : rc;
}

int fclose (FILE *file)
{
    static struct call call = { .name = "fclose" };
    int (*real) (FILE *) = (int (*) (FILE *))look_up (&call, "fclose");
    int how = fails (&call, CALLER);
    int rc = real (file);

    errno = how ? how : errno;
    return how ? EOF : rc;
}

/* Network and events. */
WRAP (int, socket, (int family, int type, int protocol), (family, type, protocol), -1)
WRAP (int, socketpair, (int family, int type, int p, int fd[2]), (family, type, p, fd), -1)
WRAP (int, bind, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), -1)
WRAP (int, listen, (int fd, int backlog), (fd, backlog), -1)
WRAP (int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), -1)
WRAP (int,
      accept4,
      (int fd, struct sockaddr *from, socklen_t *size, int flags),
      (fd, from, size, flags),
      -1)
WRAP (int, getsockname, (int fd, struct sockaddr *to, socklen_t *size), (fd, to, size), -1)
WRAP (int, getpeername, (int fd, struct sockaddr *to, socklen_t *size), (fd, to, size), -1)
WRAP (int,
      getsockopt,
      (int fd, int level, int name, void *value, socklen_t *size),
      (fd, level, name, value, size),
      -1)
WRAP (int,
      setsockopt,
      (int fd, int level, int name, const void *value, socklen_t size),
      (fd, level, name, value, size),
      -1)
WRAP (int, getifaddrs, (struct ifaddrs * *list), (list), -1)
WRAP (int,
      getaddrinfo,
      (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list),
      (node, service, hints, list),
      EAI_SYSTEM)
WRAP (int, pipe2, (int fd[2], int flags), (fd, flags), -1)
WRAP (int, epoll_create1, (int flags), (flags), -1)
WRAP (int,
      epoll_ctl,
      (int epoll, int operation, int fd, struct epoll_event *event),
      (epoll, operation, fd, event),
      -1)
WRAP (int,
      epoll_wait,
      (int epoll, struct epoll_event *events, int n, int timeout),
      (epoll, events, n, timeout),
      -1)
WRAP (int, eventfd, (unsigned int value, int flags), (value, flags), -1)
WRAP (int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags), -1)
WRAP (int, timerfd_create, (int clock, int flags), (clock, flags), -1)
WRAP (int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout), -1)

/* Processes. */
static void count_anew (void)
{
    shim.depth++;
    shim.active = process_matches ();
    if (strchr (shim.process, '*'))
        return;
    for (struct call *call = calls; call; call = call->next)
        call->count = 0;
}

pid_t fork (void)
{
    static struct call call = { .name = "fork" };
    pid_t (*real) (void) = (pid_t (*) (void))look_up (&call, "fork");
    pid_t pid;

    if (fails (&call, CALLER))
        return -1;
    pid = real ();
    if (pid == 0 && shim.ready)
        count_anew ();
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

#define WRAP_SPAWN(function)                                                               \
    int function (pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, \
                  const posix_spawnattr_t *attr, char *const argv[], char *const env[])    \
    {                                                                                      \
        static struct call call = { .name = #function };                                   \
        int (*real) (pid_t *, const char *, const posix_spawn_file_actions_t *,            \
                     const posix_spawnattr_t *, char *const *, char *const *) =            \
            (int (*) (pid_t *, const char *, const posix_spawn_file_actions_t *,           \
                      const posix_spawnattr_t *, char *const *,                            \
                      char *const *))look_up (&call, #function);                           \
        int how = fails (&call, CALLER);                                                   \
                                                                                           \
        return how ? how : real (pid, path, actions, attr, argv, env);                     \
    }

WRAP_SPAWN (posix_spawn)
WRAP_SPAWN (posix_spawnp)
WRAP (int, execve, (const char *path, char *const *argv, char *const *env), (path, argv, env), -1)
WRAP (int, execvp, (const char *path, char *const *argv), (path, argv), -1)
WRAP (int, execvpe, (const char *path, char *const *argv, char *const *env), (path, argv, env), -1)
WRAP (pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1)
WRAP (int,
      waitid,
      (idtype_t type, id_t id, siginfo_t *info, int options),
      (type, id, info, options),
      -1)
WRAP (pid_t, wait4, (pid_t p, int *status, int how, struct rusage *u), (p, status, how, u), -1)
WRAP (pid_t, setsid, (void), (), -1)
WRAP (int, setpgid, (pid_t pid, pid_t group), (pid, group), -1)
WRAP (int, sched_setaffinity, (pid_t p, size_t n, const cpu_set_t *set), (p, n, set), -1)
WRAP (int, sched_getaffinity, (pid_t p, size_t n, cpu_set_t *set), (p, n, set), -1)
WRAP (int, gethostname, (char *name, size_t size), (name, size), -1)
WRAP (ssize_t, getrandom, (void *to, size_t size, unsigned int flags), (to, size, flags), -1)

int prctl (int option, ...)
{
    static struct call call = { .name = "prctl" };
    int (*real) (int, ...) = (int (*) (int, ...))look_up (&call, "prctl");
    unsigned long arg[4];
    va_list rest;

    if (fails (&call, CALLER))
        return -1;
    va_start (rest, option);
    for (int i = 0; i < 4; i++)
        arg[i] = va_arg (rest, unsigned long);
    va_end (rest);
    return real (option, arg[0], arg[1], arg[2], arg[3]);
}

/* Who would catch a crash leaves that to us: it is to be seen. */
int sigaction (int number, const struct sigaction *action, struct sigaction *old)
{
    static struct call call = { .name = "sigaction" };
    int (*real) (int, const struct sigaction *, struct sigaction *) =
        (int (*) (int, const struct sigaction *, struct sigaction *))look_up (&call, "sigaction");

    if (shim.ready && action && is_crash (number))
        action = NULL;
    return real (number, action, old);
}

__sighandler_t signal (int number, __sighandler_t handler)
{
    static struct call call = { .name = "signal" };
    __sighandler_t (*real) (int, __sighandler_t) =
        (__sighandler_t (*) (int, __sighandler_t))look_up (&call, "signal");

    return shim.ready && is_crash (number) ? SIG_DFL : real (number, handler);
}

/*
 * The start
 */

static const char *base_name (const char *path)
{
    const char *slash = strrchr (path, '/');

    return slash ? slash + 1 : path;
}

static void set_callers (const char *text)
{
    shim.callers = (strstr (text, "own") ? OWN : 0) | (strstr (text, "libs") ? LIBS : 0)
                   | (strstr (text, "libc") ? LIBC : 0);
}

static void catch_crashes (void)
{
    for (size_t i = 0; i < sizeof (crash_signals) / sizeof (crash_signals[0]); i++) {
        struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };

        sigaction (crash_signals[i], &action, NULL);
    }
}

__attribute__ ((constructor)) static void start (int argc, char **argv)
{
    const char *n = getenv ("FAILCALLS_N"), *how = getenv ("FAILCALLS_HOW");
    const char *callers = getenv ("FAILCALLS_CALLERS");
    void *frames[2];
    bool is_program = true;

    free (malloc (1)); /* so that the C library's own are known before asprintf needs them */
    free (calloc (1, 1));
    shim.function = getenv ("FAILCALLS");
    shim.process = getenv ("FAILCALLS_PROCESS");
    shim.log = getenv ("FAILCALLS_LOG");
    if (!shim.function || !shim.process || argc < 1)
        return;
    snprintf (shim.program, sizeof (shim.program), "%s", base_name (argv[0]));
    if (strcmp (shim.program, "async-workflow") == 0 && argc > 1)
        snprintf (shim.program, sizeof (shim.program), "%s", argv[1]);
    shim.n = n ? strtoul (n, NULL, 10) : 0;
    shim.always = getenv ("FAILCALLS_ALWAYS") != NULL;
    shim.how = how && strcmp (how, "short") == 0 ? SHORT : how ? atoi (how) : ENOMEM;
    set_callers (callers ? callers : "own");
    dl_iterate_phdr (add_ranges, &is_program);
    inside++;
    backtrace (frames, 2); /* it loads a library the first time */
    inside--;
    for (struct call *call = calls; call; call = call->next)
        call->looked_up = false; /* looked up before the environment was known */
    calls = NULL;
    if (strncmp (shim.process, shim.program, strlen (shim.program)) == 0
        && shim.process[strlen (shim.program)] == '.')
        catch_crashes ();
    shim.active = process_matches ();
    shim.ready = true;
}
