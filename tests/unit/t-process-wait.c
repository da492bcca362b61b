/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes do nothing but wait. Each is a child that is on its way to do something. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/process_wait.h"
#include "util/processes.h"

static int no_pipe[2], sockets[2];
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void reads_pipe (void)
{
    char byte;

    (void)!read (no_pipe[0], &byte, 1);
}

static void reads_socket (void)
{
    char byte;

    (void)!read (sockets[0], &byte, 1);
}

static void reads_fifo (void)
{
    char path[64], byte;
    FILE *file;

    snprintf (path, sizeof (path), "/tmp/aw-fifo.%d", (int)getpid ());
    mkfifo (path, 0600);
    file = fopen (path, "r+");
    unlink (path);
    (void)!read (fileno (file), &byte, 1);
}

static void waits_for_child (void)
{
    pid_t pid = fork ();

    if (pid == 0) {
        reads_pipe ();
        _exit (0);
    }
    waitpid (pid, NULL, 0);
}

static void suspends (void)
{
    sigset_t none;

    sigemptyset (&none);
    sigsuspend (&none);
}

static void sleeps (void)
{
    sleep (1000);
}

static void polls (void)
{
    poll (NULL, 0, -1);
}

static void epolls (void)
{
    struct epoll_event ev;

    epoll_wait (epoll_create1 (0), &ev, 1, -1);
}

static void spins (void)
{
    volatile bool forever = true;

    while (forever)
        ;
}

static void waits_for_thread (void)
{
    pthread_mutex_lock (&held);
    pthread_cond_wait (&never, &held);
}

static void waits_a_while (void)
{
    struct timespec end;

    clock_gettime (CLOCK_REALTIME, &end);
    end.tv_sec += 1000;
    pthread_mutex_lock (&held);
    pthread_cond_timedwait (&never, &held, &end);
}

static void *as_thread (void *arg)
{
    void (*const *what) (void) = arg;

    (*what) ();
    return NULL;
}

static void two_threads (void (*one) (void), void (*other) (void))
{
    pthread_t thread;

    pthread_create (&thread, NULL, as_thread, &other);
    one ();
}

static void polls_and_waits (void)
{
    two_threads (polls, waits_for_thread);
}

static void polls_and_sleeps (void)
{
    two_threads (polls, sleeps);
}

static void polls_twice (void)
{
    two_threads (polls, polls);
}

static void on_alarm (int number)
{
    (void)number;
}

static void has_alarm (void)
{
    signal (SIGALRM, on_alarm);
    alarm (1000);
    reads_pipe ();
}

static void has_timer (void)
{
    struct itimerspec in = { { 0, 0 }, { 1000, 0 } };
    timer_t timer;

    timer_create (CLOCK_REALTIME, NULL, &timer);
    timer_settime (timer, 0, &in, NULL);
    waits_for_child ();
}

static void ends (void)
{
}

/* Whether PID only waits, asked until the answer is WANTED, or for half a minute. */
static bool seen (pid_t pid, unsigned pollers, bool wanted)
{
    const struct timespec tick = { 0, 5000000 };
    uint64_t switches = 0;
    bool is = !wanted;

    for (int i = 0; is != wanted && i < 6000; i++) {
        nanosleep (&tick, NULL);
        is = aw_process_only_waits (pid, pollers, &switches);
    }
    return is;
}

static void only_waits_without_a_limit_count (void **state)
{
    static const struct {
        void (*body) (void);
        unsigned pollers;
        bool waits;
    } table[] = {
        { reads_pipe, 0, true },
        { waits_for_child, 0, true },
        { suspends, 0, true },
        { waits_for_thread, 0, true },
        { polls, 1, true },
        { polls_and_waits, 1, true },
        { polls_twice, 2, true },
        { ends, 0, true },
        { polls, 0, false },
        { polls_twice, 1, false },
        { polls_and_sleeps, 1, false },
        { sleeps, 0, false },
        { spins, 0, false },
        { epolls, 1, false },
        { waits_a_while, 0, false },
        { reads_socket, 0, false },
        { reads_fifo, 0, false },
        { has_alarm, 0, false },
        { has_timer, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        const struct timespec settled = { 0, 50000000 };
        pid_t pid = fork ();
        bool waits;

        if (pid == 0) {
            setpgid (0, 0);
            table[i].body ();
            _exit (0);
        }
        setpgid (pid, pid); /* whichever of the two comes first */
        nanosleep (&settled, NULL);
        waits = seen (pid, table[i].pollers, table[i].waits);
        kill (-pid, SIGKILL);
        waitpid (pid, NULL, 0);
        if (waits != table[i].waits)
            fail_msg ("case %zu", i);
    }
}

static void a_stopped_process_does_not_wait (void **state)
{
    pid_t pid = fork ();
    uint64_t switches = 0;

    (void)state;
    if (pid == 0) {
        reads_pipe ();
        _exit (0);
    }
    assert_true (seen (pid, 0, true));
    kill (pid, SIGSTOP); /* it may be continued, and then do anything */
    assert_false (seen (pid, 0, false));
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    assert_true (aw_process_only_waits (pid, 0, &switches));
    assert_int_equal (switches, 0);
}

/* A child ends, and the next one starts. */
static void waits_for_children (void)
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork ();

        if (child == 0) {
            if (i == 0)
                reads_socket ();
            else
                reads_pipe ();
            _exit (0);
        }
        waitpid (child, NULL, 0);
    }
}

static void one_that_has_run_is_told_from_one_that_has_not (void **state)
{
    pid_t pid = fork ();
    const struct timespec tick = { 0, 5000000 };
    uint64_t before = 0, same = 0, after = 0;

    (void)state;
    if (pid == 0) {
        setpgid (0, 0);
        waits_for_children ();
        _exit (0);
    }
    setpgid (pid, pid);
    assert_true (seen (pid, 0, true));
    (void)aw_process_only_waits (pid, 0, &before);
    (void)aw_process_only_waits (pid, 0, &same);
    assert_int_equal (before, same);
    assert_true (before > 0);
    assert_int_equal (write (sockets[1], "x", 1), 1);
    for (int i = 0; (after == 0 || after == before) && i < 6000; i++) {
        nanosleep (&tick, NULL);
        after = 0;
        (void)aw_process_only_waits (pid, 0, &after);
    }
    assert_int_not_equal (after, before);
    kill (-pid, SIGKILL);
    waitpid (pid, NULL, 0);
}

/* At first the kernel shows nothing of the environment of a program. */
static void a_program_that_is_being_started_may_have_a_variable (void **state)
{
    char *argv[] = { "sleep", "1000", NULL }, *env[] = { "OURS=1", NULL };

    (void)state;
    for (int i = 0; i < 50; i++) {
        pid_t pid;
        int seen = 0;

        assert_int_equal (posix_spawn (&pid, "/bin/sleep", NULL, NULL, argv, env), 0);
        for (int look = 0; look < 100; look++)
            seen += aw_process_may_have (pid, "OURS", "1");
        kill (pid, SIGKILL);
        waitpid (pid, NULL, 0);
        assert_int_equal (seen, 100);
    }
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (only_waits_without_a_limit_count),
        cmocka_unit_test (a_stopped_process_does_not_wait),
        cmocka_unit_test (one_that_has_run_is_told_from_one_that_has_not),
        cmocka_unit_test (a_program_that_is_being_started_may_have_a_variable),
    };

    if (access ("/proc/self/syscall", R_OK) != 0) {
        puts ("1..0 # SKIP this kernel has no /proc/PID/syscall");
        return 0;
    }
    if (pipe (no_pipe) < 0 || socketpair (AF_UNIX, SOCK_STREAM, 0, sockets) < 0)
        return 1;
    return cmocka_run_group_tests_name ("process-wait", tests, NULL, NULL);
}
