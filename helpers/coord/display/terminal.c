/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/display/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum {
    MAX_PENDING = 1 << 16,
    PIECE =
        512, /* a pipe that polls as writable takes at least 4 KiB, a terminal's line buffer less */
};

void aw_terminal_init (struct aw_terminal *terminal, int fd)
{
    struct stat st;
    char path[64];

    *terminal = (struct aw_terminal){ .fd = fd, .own = -1, .kind = AW_TERMINAL_STREAM };
    if (fstat (fd, &st) < 0)
        return;
    if (S_ISREG (st.st_mode))
        terminal->kind = AW_TERMINAL_FILE;
    else if (S_ISSOCK (st.st_mode))
        terminal->kind = AW_TERMINAL_SOCKET;
    else if (S_ISCHR (st.st_mode) || S_ISFIFO (st.st_mode)) {
        snprintf (path, sizeof (path), "/proc/self/fd/%d", fd);
        terminal->own = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
}

void aw_terminal_finish (struct aw_terminal *terminal)
{
    int saved = errno;

    aw_terminal_flush (terminal);
    if (terminal->own >= 0)
        close (terminal->own);
    terminal->own = -1;
    aw_textbuf_finish (&terminal->pending);
    errno = saved;
}

bool aw_terminal_is_tty (int fd)
{
    const char *term = getenv ("TERM");

    return isatty (fd) && term && *term && strcmp (term, "dumb") != 0;
}

bool aw_terminal_allows (const struct aw_terminal *terminal, bool draw)
{
    struct termios settings;
    pid_t front;

    if (!isatty (terminal->fd))
        return true;
    front = tcgetpgrp (terminal->fd);
    if (front < 0 || front == getpgrp ())
        return true; /* in front, or not our controlling terminal */
    return !draw && tcgetattr (terminal->fd, &settings) == 0 && !(settings.c_lflag & TOSTOP);
}

void aw_terminal_size (const struct aw_terminal *terminal, int *columns, int *rows)
{
    struct winsize size;

    *columns = 80;
    *rows = 24;
    if (ioctl (terminal->fd, TIOCGWINSZ, &size) == 0) {
        if (size.ws_col)
            *columns = size.ws_col;
        if (size.ws_row)
            *rows = size.ws_row;
    }
}

/* Writes some of TEXT or nothing, at once. Bytes, 0: not now, -1: never. */
static ssize_t write_some (const struct aw_terminal *terminal, const char *text, size_t len)
{
    struct pollfd ready = { .fd = terminal->fd, .events = POLLOUT };
    ssize_t n;

    if (terminal->kind == AW_TERMINAL_SOCKET)
        n = send (terminal->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (terminal->kind == AW_TERMINAL_FILE)
        n = write (terminal->fd, text, len);
    else if (terminal->own >= 0)
        n = write (terminal->own, text, len);
    else if (poll (&ready, 1, 0) == 1)
        n = write (terminal->fd, text, len < PIECE ? len : PIECE);
    else
        return 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return n;
}

bool aw_terminal_flush (struct aw_terminal *terminal)
{
    struct aw_textbuf *pending = &terminal->pending;
    size_t done = 0;

    while (done < pending->len && !terminal->broken) {
        ssize_t n = write_some (terminal, pending->data + done, pending->len - done);
        if (n == 0)
            break;
        if (n < 0)
            terminal->broken = true;
        else
            done += (size_t)n;
    }
    if (terminal->broken)
        done = pending->len;
    if (done)
        memmove (pending->data, pending->data + done, pending->len - done);
    pending->len -= done;
    return pending->len == 0;
}

bool aw_terminal_put (struct aw_terminal *terminal, const char *text, size_t len)
{
    if (!aw_terminal_flush (terminal) && terminal->pending.len + len > MAX_PENDING)
        return false;
    aw_textbuf_put (&terminal->pending, text, len);
    if (terminal->pending.failed) {
        terminal->pending.failed = false; /* no memory: as if the terminal were slow */
        return false;
    }
    aw_terminal_flush (terminal);
    return true;
}
