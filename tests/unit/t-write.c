/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/write.h"

enum { SIZE = 1 << 20 };

static void a_failed_write_is_told (void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal (aw_write_all (-1, "x", 1), -1);
    assert_int_equal (errno, EBADF);
    assert_int_equal (aw_write_all (-1, "x", 0), 0);
}

static volatile sig_atomic_t interrupted;

static void on_alarm (int number)
{
    (void)number;
    interrupted = 1;
}

/* More than a pipe takes at once, with signals in between that write is not resumed after. */
static void all_is_written_in_pieces_and_between_signals (void **state)
{
    const struct sigaction action = { .sa_handler = on_alarm };
    const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
    char *data = malloc (SIZE);
    int fds[2], status = -1;
    pid_t pid;

    (void)state;
    assert_non_null (data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 7 + i / 1000);
    assert_int_equal (pipe (fds), 0);
    pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        char part[20000];
        size_t at = 0;
        ssize_t n;

        close (fds[1]);
        usleep (20000); /* the pipe fills, and the writer is interrupted */
        while ((n = read (fds[0], part, sizeof (part))) > 0) {
            if (at + (size_t)n > SIZE || memcmp (data + at, part, (size_t)n) != 0)
                _exit (1);
            at += (size_t)n;
        }
        _exit (at == SIZE ? 0 : 2);
    }
    close (fds[0]);
    assert_int_equal (sigaction (SIGALRM, &action, NULL), 0);
    assert_int_equal (setitimer (ITIMER_REAL, &often, NULL), 0);
    while (!interrupted)
        pause ();
    assert_int_equal (aw_write_all (fds[1], data, SIZE), 0);
    assert_int_equal (setitimer (ITIMER_REAL, &never, NULL), 0);
    close (fds[1]);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (status, 0);
    free (data);
}

/* All or nothing more: a peer that does not read, and one that is gone, end it at once. */
static void sending_does_not_wait (void **state)
{
    char *data = calloc (1, SIZE), byte;
    int fds[2];

    (void)state;
    assert_non_null (data);
    assert_int_equal (aw_send_all (-1, "x", 1), -1);
    assert_int_equal (errno, EBADF);
    assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal (aw_send_all (fds[0], "x", 1), 0);
    assert_int_equal (read (fds[1], &byte, 1), 1);
    assert_int_equal (byte, 'x');
    assert_int_equal (aw_send_all (fds[0], data, SIZE), -1);
    assert_int_equal (errno, EAGAIN);
    close (fds[1]);
    assert_int_equal (aw_send_all (fds[0], "x", 1), -1);
    assert_int_equal (errno, EPIPE);
    close (fds[0]);
    free (data);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_failed_write_is_told),
        cmocka_unit_test (all_is_written_in_pieces_and_between_signals),
        cmocka_unit_test (sending_does_not_wait),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
