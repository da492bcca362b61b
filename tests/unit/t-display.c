/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a run on a pipe and on a terminal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "coord/display/display.h"
#include "util/clock.h"
#include "display-graph.h"

static void a_display_that_is_null_does_nothing (void **state)
{
    struct aw_event ev = { .type = AW_EVENT_STOP };
    struct aw_display_state now = { 0 };

    (void)state;
    aw_display_event (NULL, &ev);
    aw_display_update (NULL, &now);
    aw_display_message (NULL, "%s", "x");
    aw_display_set_directory (NULL, "x", false);
    aw_display_clear (NULL);
    aw_display_finish (NULL);
    assert_true (isinf (aw_display_next (NULL, 0)));
}

static void a_display_that_cannot_write_gives_up (void **state)
{
    struct aw_graph *graph = display_graph (1, 1, 1);
    struct aw_display_set set = { 0 };
    struct aw_display_state now = { .sets = &set, .left = NAN };
    struct aw_display *d = aw_display_create (graph, 987, AW_DISPLAY_AUTO, NULL);

    (void)state;
    assert_non_null (d);
    aw_display_update (d, &now);
    aw_display_message (d, "lost");
    assert_true (isinf (aw_display_next (d, 100))); /* given up */
    aw_display_finish (d);
    aw_graph_destroy (graph);
}

/* All that can be read from FD within a short time. */
static char *drain (int fd)
{
    static char buf[1 << 18];
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    size_t len = 0;

    while (len < sizeof (buf) - 1 && poll (&ready, 1, 50) == 1 && ready.revents & POLLIN) {
        ssize_t n = read (fd, buf + len, sizeof (buf) - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    buf[len] = '\0';
    return buf;
}

static int count_lines (const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* A display whose output can be read from *OUT. */
static struct aw_display *on_pipe (const struct aw_graph *graph,
                                   enum aw_display_mode mode,
                                   int out[2])
{
    struct aw_display *d;

    assert_int_equal (pipe (out), 0);
    d = aw_display_create (graph, out[1], mode, NULL);
    assert_non_null (d);
    return d;
}

static void close_pipe (int out[2])
{
    close (out[0]);
    close (out[1]);
}

/* A set of which no task ran has not ended: it was skipped. */
static void a_skipped_set_has_not_ended (void **state)
{
    struct aw_graph *graph = display_graph (2, 1, 1);
    struct aw_display_set sets[2] = { { .failed = 1 }, { .skipped = 1 } };
    struct aw_display_state now = { .t = 1, .sets = sets, .cpus = 4, .nodes = 1, .left = NAN };
    struct aw_event ev = { .type = AW_EVENT_FINISH, .status = AW_STATUS_FAILED, .code = 1 };
    struct aw_display *d;
    int out[2];
    const char *text;

    (void)state;
    d = on_pipe (graph, AW_DISPLAY_PLAIN, out);
    aw_display_event (d, &ev);
    ev = (struct aw_event){ .type = AW_EVENT_SKIP, .task = 1 };
    aw_display_event (d, &ev);
    aw_display_update (d, &now);
    text = drain (out[0]);
    assert_non_null (strstr (text, "ended: simulate; 0 of 2 tasks done, 0 running, 1 failed, "
                                   "1 skipped;"));
    aw_display_finish (d);
    close_pipe (out);
    aw_graph_destroy (graph);
}

static void a_plain_line_is_printed_when_something_happens (void **state)
{
    struct aw_graph *graph = display_graph (2, 2, 2);
    struct aw_display_set sets[2] = { { .running = 2 } };
    struct aw_display_state now = {
        .sets = sets, .nodes = 1, .cpus = 4, .busy_cpus = 2, .left = NAN
    };
    struct aw_event ev = { .type = AW_EVENT_START };
    int out[2];
    struct aw_display *d = on_pipe (graph, AW_DISPLAY_AUTO, out);
    char *text;

    (void)state;
    assert_true (aw_display_next (d, 0) == 0); /* the first line at once */
    aw_display_event (d, &ev);
    aw_display_update (d, &now);
    assert_string_equal (drain (out[0]),
                         "async-workflow: 0 s: 0 of 8 tasks done, 2 running; CPUs 2/4\n");
    assert_true (isinf (aw_display_next (d, 0.5))); /* nothing happens, no timer */
    assert_true (isinf (aw_display_next (d, 5000)));
    ev = (struct aw_event){
        /* it was assigned to a node that is lost: neither an end nor a failure */
        .type = AW_EVENT_FINISH,
        .t = 0.2,
        .attempt = 9,
        .status = AW_STATUS_NODE_FAIL,
        .returned = true
    };
    aw_display_event (d, &ev);
    assert_string_equal (drain (out[0]), "");
    ev = (struct aw_event){ .type = AW_EVENT_FINISH, .t = 0.3 };
    aw_display_event (d, &ev);
    assert_true (aw_display_next (d, 0.3) > 5); /* mere progress is reported rarely */
    ev.task = 1;
    ev.t = 0.4;
    aw_display_event (d, &ev);
    assert_float_equal (aw_display_next (d, 0.4), 0.6,
                        1e-9); /* an instance is over: one line a second */
    now.t = 0.7;
    aw_display_update (d, &now); /* too early */
    assert_string_equal (drain (out[0]), "");
    now.t = 1;
    sets[0] = (struct aw_display_set){ .done = 2 };
    now.left = 100;
    aw_display_update (d, &now);
    text = drain (out[0]);
    assert_non_null (strstr (
        text,
        ": 1 s: ended: simulate@0; 2 of 8 tasks done, 0 running; CPUs 2/4; about 1m40s left\n"));
    assert_true (isinf (aw_display_next (d, 1)));
    aw_display_finish (d);
    close_pipe (out);
    aw_graph_destroy (graph);
}

/* A long run with much to tell: about one line a minute in the end. */
static void plain_lines_become_rare_in_a_long_run (void **state)
{
    struct aw_graph *graph = display_graph (1, 1, 20000);
    struct aw_display_set set = { 0 };
    struct aw_display_state now = { .sets = &set, .left = NAN };
    int out[2], lines;
    struct aw_display *d = on_pipe (graph, AW_DISPLAY_PLAIN, out);

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        struct aw_event ev = { .type = AW_EVENT_FINISH, .t = i * 0.1, .task = i };
        aw_display_event (d, &ev);
        now.t = ev.t;
        set.done = i + 1;
        aw_display_update (d, &now);
    }
    lines = count_lines (drain (out[0]));
    assert_in_range (lines, 30, 45); /* 2,000 s */
    aw_display_finish (d);
    close_pipe (out);
    aw_graph_destroy (graph);
}

static void failures_are_printed_but_not_a_thousand_of_them (void **state)
{
    struct aw_graph *graph = display_graph (1, 1000, 1);
    struct aw_display_set set = { 0 };
    struct aw_display_state now = { .sets = &set, .left = NAN };
    struct aw_event ev = { .type = AW_EVENT_NODE,
                           .name = "n\x1b"
                                   "1" };
    int out[2];
    struct aw_display *d = on_pipe (graph, AW_DISPLAY_NONE, out);
    char *text;

    (void)state;
    graph->sets[0].retry.count = 1;
    aw_display_set_directory (d, "/run", false);
    aw_display_event (d, &ev);
    ev = (struct aw_event){
        .type = AW_EVENT_FINISH, .status = AW_STATUS_FAILED, .code = 3, .seconds = 2.31, .t = 3
    };
    aw_display_event (d, &ev);
    assert_string_equal (
        drain (out[0]),
        "async-workflow: simulate[0]: exit code 3 after 2.31 s on n?1; will be retried\n");
    ev.attempt = 1;
    ev.code = 0;
    ev.signal = 9;
    aw_display_event (d, &ev);
    assert_string_equal (
        drain (out[0]),
        "async-workflow: simulate[0]: SIGKILL after 2.31 s on n?1; it was attempt 2; "
        "see /run/logs\n");
    ev.status = AW_STATUS_CANCELLED;
    aw_display_event (d, &ev);
    assert_string_equal (drain (out[0]), "");
    ev.status = AW_STATUS_TIMEOUT;
    for (uint32_t i = 0; i < 1000; i++) {
        ev.task = i;
        aw_display_event (d, &ev);
    }
    assert_in_range (count_lines (drain (out[0])), 5, 10);
    now.t = 10;
    aw_display_update (d, &now);
    aw_display_finish (d);
    text = drain (out[0]);
    assert_int_equal (count_lines (text), 1);
    assert_non_null (strstr (text, "more failed attempts"));
    close_pipe (out);
    aw_graph_destroy (graph);
}

static void notes_on_staged_data_are_printed_but_not_of_a_thousand_nodes (void **state)
{
    struct aw_graph *graph = display_graph (1, 1000, 1);
    struct aw_event ev = { .type = AW_EVENT_NODE, .name = "n1" };
    int out[2];
    struct aw_display *d = on_pipe (graph, AW_DISPLAY_NONE, out);
    char *text;

    (void)state;
    aw_display_event (d, &ev);
    ev = (struct aw_event){ .type = AW_EVENT_STAGED, .bytes = 1, .t = 1 };
    aw_display_event (d, &ev);
    assert_string_equal (drain (out[0]), "");
    ev.reason = "/data/a: the copy is damaged\x1b";
    aw_display_event (d, &ev);
    assert_string_equal (drain (out[0]),
                         "async-workflow: node n1: /data/a: the copy is damaged?\n");
    for (uint32_t i = 1; i < 10; i++)
        aw_display_event (d, &ev);
    text = drain (out[0]);
    assert_int_equal (count_lines (text), 9);
    assert_null (strstr (text, "further notes")); /* there may be none */
    for (uint32_t i = 10; i < 1000; i++)
        aw_display_event (d, &ev);
    text = drain (out[0]);
    assert_int_equal (count_lines (text), 1);
    assert_non_null (strstr (text, "further notes on staged data are in the journal"));
    aw_display_finish (d);
    close_pipe (out);
    aw_graph_destroy (graph);
}

/* A terminal, as far as the display uses one. */
struct screen {
    int columns, rows, x, y;
    char cell[64][200];
};

static void new_line (struct screen *s)
{
    if (++s->y < s->rows)
        return;
    memmove (s->cell[0], s->cell[1], sizeof (s->cell[0]) * (size_t)(s->rows - 1));
    memset (s->cell[s->rows - 1], ' ', sizeof (s->cell[0]));
    s->y = s->rows - 1;
}

static const char *escape (struct screen *s, const char *p)
{
    int n = (int)strtol (p, (char **)(uintptr_t)&p, 10);

    if (*p == 'A')
        s->y = s->y > n ? s->y - n : 0;
    else if (*p == 'K' || *p == 'J') {
        memset (s->cell[s->y] + s->x, ' ', (size_t)(s->columns - s->x));
        for (int y = s->y + 1; *p == 'J' && y < s->rows; y++)
            memset (s->cell[y], ' ', sizeof (s->cell[0]));
    }
    else
        assert_int_equal (*p, 'm');
    return p + 1;
}

static void show (struct screen *s, const char *text)
{
    for (const char *p = text; *p;) {
        if (p[0] == '\x1b' && p[1] == '[')
            p = escape (s, p + 2);
        else if (*p == '\r')
            s->x = 0, p++;
        else if (*p == '\n')
            new_line (s), p++;
        else {
            if (s->x == s->columns)
                s->x = 0, new_line (s);
            s->cell[s->y][s->x++] = *p++;
        }
    }
}

static struct screen *make_screen (int columns, int rows)
{
    struct screen *s = calloc (1, sizeof (*s));

    assert_non_null (s);
    s->columns = columns;
    s->rows = rows;
    memset (s->cell, ' ', sizeof (s->cell));
    return s;
}

/* Line Y of the screen without the blanks at its end. */
static const char *line (const struct screen *s, int y)
{
    static char buf[256];
    int n = s->columns;

    memcpy (buf, s->cell[y], (size_t)n);
    while (n > 0 && buf[n - 1] == ' ')
        n--;
    buf[n] = '\0';
    return buf;
}

static struct aw_display *on_terminal (const struct aw_graph *graph,
                                       int columns,
                                       int rows,
                                       int fds[2])
{
    struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
    struct aw_display *d;

    setenv ("TERM", "xterm", 1);
    assert_int_equal (openpty (&fds[0], &fds[1], NULL, NULL, &size), 0);
    d = aw_display_create (graph, fds[1], AW_DISPLAY_AUTO, NULL);
    assert_non_null (d);
    return d;
}

static void a_frame_replaces_the_one_before (void **state)
{
    struct aw_graph *graph = display_graph (4, 96, 1);
    struct aw_display_set sets[4] = { { .running = 5 } };
    struct aw_display_state now = { .sets = sets, .nodes = 1, .cpus = 4, .left = NAN };
    struct aw_event ev = { .type = AW_EVENT_READY };
    struct screen *s = make_screen (80, 12);
    int fds[2];
    struct aw_display *d = on_terminal (graph, 80, 12, fds);

    (void)state;
    show (s, "$ srun\r\n");
    for (int i = 0; i < 3; i++) {
        now.t = i;
        assert_true (aw_display_next (d, now.t) == 0);
        aw_display_update (d, &now);
        show (s, drain (fds[0]));
        assert_string_equal (line (s, 0), "$ srun");
        assert_memory_equal (line (s, 1), "simulate ", 9);
        assert_memory_equal (line (s, 5), "CPUs 0/4 ", 9);
        assert_string_equal (line (s, 6), "");
    }
    assert_float_equal (aw_display_next (d, 2.0), 1, 1e-9); /* the clock */
    aw_display_event (d, &ev);
    assert_float_equal (aw_display_next (d, 2.0), 0.2, 1e-9); /* five a second */
    now.t = 2.1;
    aw_display_update (d, &now);
    assert_string_equal (drain (fds[0]), "");
    aw_display_message (d, "one\nmessage\x1b[2J");
    show (s, drain (fds[0]));
    assert_string_equal (line (s, 1), "one message");
    assert_memory_equal (line (s, 2), "simulate ", 9);
    assert_string_equal (line (s, 7), "");
    for (int i = 0; i < 30; i++)
        aw_display_message (d, "message %d", i);
    show (s, drain (fds[0]));
    assert_string_equal (line (s, 5), "message 29"); /* scrolled; the frame below whole */
    assert_memory_equal (line (s, 6), "simulate ", 9);
    assert_memory_equal (line (s, 10), "CPUs 0/4 ", 9);
    aw_display_clear (d);
    show (s, drain (fds[0]));
    show (s, "[1]+ Stopped\r\n");
    now.t = 3;
    aw_display_update (d, &now);
    show (s, drain (fds[0]));
    assert_string_equal (line (s, 5), "[1]+ Stopped");
    aw_display_finish (d);
    show (s, drain (fds[0]));
    for (int y = 6; y < 12; y++)
        assert_string_equal (line (s, y), ""); /* clean */
    assert_int_equal (s->x, 0);
    close_pipe (fds);
    free (s);
    aw_graph_destroy (graph);
}

/* The window becomes narrow: lines drawn before take more rows now. Our screen does as terminals
 * that wrap again. */
static void a_narrower_terminal_is_cleared_whole (void **state)
{
    struct aw_graph *graph = display_graph (2, 96, 1);
    struct aw_display_set sets[2] = { { 0 } };
    struct aw_display_state now = { .sets = sets, .left = NAN };
    struct winsize size = { .ws_col = 40, .ws_row = 12 };
    int fds[2];
    struct aw_display *d = on_terminal (graph, 80, 12, fds);
    char *text;

    (void)state;
    aw_display_update (d, &now);
    drain (fds[0]);
    assert_int_equal (ioctl (fds[1], TIOCSWINSZ, &size), 0);
    now.t = 1;
    aw_display_update (d, &now);
    text = drain (fds[0]);
    assert_memory_equal (text, "\x1b[5A\r\x1b[J", 8); /* 2 + 2 + 1 */
    aw_display_finish (d);
    close_pipe (fds);
    aw_graph_destroy (graph);
}

static void a_dumb_terminal_gets_plain_lines (void **state)
{
    struct aw_graph *graph = display_graph (1, 1, 1);
    struct aw_display_set set = { 0 };
    struct aw_display_state now = { .sets = &set, .left = NAN };
    int fds[2];
    struct aw_display *d;

    (void)state;
    assert_int_equal (openpty (&fds[0], &fds[1], NULL, NULL, NULL), 0);
    setenv ("TERM", "dumb", 1);
    d = aw_display_create (graph, fds[1], AW_DISPLAY_AUTO, NULL);
    assert_non_null (d);
    aw_display_update (d, &now);
    assert_null (strchr (drain (fds[0]), '\x1b'));
    assert_true (isinf (aw_display_next (d, 1)));
    aw_display_finish (d);
    close_pipe (fds);
    aw_graph_destroy (graph);
}

static void NO_COLOR_turns_colours_off (void **state)
{
    struct aw_graph *graph = display_graph (1, 9, 1);
    struct aw_display_set set = { .done = 3, .failed = 1 };
    struct aw_display_state now = { .sets = &set, .left = NAN };

    (void)state;
    for (int i = 0; i < 2; i++) {
        int fds[2];
        struct aw_display *d;
        const char *text;
        if (i)
            setenv ("NO_COLOR", "1", 1);
        else
            unsetenv ("NO_COLOR");
        d = on_terminal (graph, 80, 24, fds);
        aw_display_update (d, &now);
        text = drain (fds[0]);
        assert_true ((strstr (text, "\x1b[32m") != NULL) == !i);
        aw_display_finish (d);
        close_pipe (fds);
    }
    unsetenv ("NO_COLOR");
    aw_graph_destroy (graph);
}

/* Nobody reads: neither does the display wait, nor grow, nor leave half a frame behind when they
 * read again; and the descriptor stays as it was for others.
 */
static void a_reader_that_does_not_read_never_blocks_the_display (void **state)
{
    struct aw_graph *graph = display_graph (4, 9, 1);
    struct aw_display_set sets[4] = { { .done = 3 } };
    struct aw_display_state now = { .sets = sets, .left = NAN };
    struct screen *s = make_screen (80, 60);
    double begin = aw_clock_monotonic ();
    int fds[2];
    struct aw_display *d = on_terminal (graph, 80, 60, fds);
    char *text;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        now.t = i;
        aw_display_update (d, &now);
        aw_display_message (d, "message");
    }
    assert_true (aw_clock_monotonic () - begin < 5);
    assert_false (fcntl (fds[1], F_GETFL) & O_NONBLOCK);
    for (int i = 0; i < 1000 && *(text = drain (fds[0])); i++) {
        show (s, text);
        now.t += 1;
        if (i < 100)
            aw_display_update (d, &now);
    }
    now.t += 10;
    aw_display_update (d, &now);
    show (s, drain (fds[0]));
    assert_memory_equal (line (s, s->y - 1), "CPUs 0/0", 8);
    assert_memory_equal (line (s, s->y - 5), "simulate", 8);
    assert_string_equal (line (s, s->y), "");
    aw_display_finish (d);
    close_pipe (fds);
    free (s);
    aw_graph_destroy (graph);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_display_that_is_null_does_nothing),
        cmocka_unit_test (a_display_that_cannot_write_gives_up),
        cmocka_unit_test (a_skipped_set_has_not_ended),
        cmocka_unit_test (a_plain_line_is_printed_when_something_happens),
        cmocka_unit_test (plain_lines_become_rare_in_a_long_run),
        cmocka_unit_test (failures_are_printed_but_not_a_thousand_of_them),
        cmocka_unit_test (notes_on_staged_data_are_printed_but_not_of_a_thousand_nodes),
        cmocka_unit_test (a_frame_replaces_the_one_before),
        cmocka_unit_test (a_narrower_terminal_is_cleared_whole),
        cmocka_unit_test (a_dumb_terminal_gets_plain_lines),
        cmocka_unit_test (NO_COLOR_turns_colours_off),
        cmocka_unit_test (a_reader_that_does_not_read_never_blocks_the_display),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
