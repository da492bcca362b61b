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
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail-calls.h"

enum caller { OWN = 1, LIBS = 2, LIBC = 4 };
enum { MAX_FRAMES = 12, MAX_RANGES = 64, MAX_FAILS = 50, MAX_CALLS = 200000 };

struct range {
    uintptr_t from, to;
    enum caller caller;
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
static __thread int inside; /* calls are ours: none fails */

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

void *look_up (struct call *call, const char *name)
{
    if (call->member)
        look_up (&alloc, NULL);
    if (!call->looked_up) {
        call->looked_up = true;
        call->selected = shim.function
                         && (strcmp (shim.function, call->name) == 0
                             || (!call->member && strcmp (shim.function, "*") == 0));
        call->next = calls;
        calls = call;
    }
    if (!call->real && name && !inside) {
        inside++;
        call->real = dlsym (RTLD_NEXT, name);
        inside--;
    }
    return call->real;
}

/* Whether this call fails by itself, or CALL is the group that allocates memory. */
static int fails_alone (struct call *call, const void *caller)
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

int fails (struct call *call, const void *caller)
{
    int how = call->member ? fails_alone (&alloc, caller) : 0;

    return how ? how : fails_alone (call, caller);
}

/*
 * The start
 */

void start_anew (void)
{
    if (!shim.ready)
        return;
    shim.depth++;
    shim.active = process_matches ();
    if (strchr (shim.process, '*'))
        return;
    for (struct call *call = calls; call; call = call->next)
        call->count = 0;
}

bool fails_short (void)
{
    return shim.how == SHORT;
}

bool hides_crash (int number)
{
    return shim.ready && is_crash (number);
}

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

    free (malloc (1)); /* so that the C library's own are known before others are looked up */
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
