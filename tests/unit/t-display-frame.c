/* SPDX-License-Identifier: Apache-2.0 */
/* A frame of the display, as text: it fits every terminal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "coord/display/display.h"
#include "coord/display/display_frame.h"
#include "display-graph.h"

/* The text of a frame without its escape sequences. */
static void draw_plainly (const struct aw_graph *graph,
                          const struct aw_display_state *now,
                          int columns,
                          int rows,
                          bool utf8,
                          char *buf)
{
    struct aw_display_frame_style style = {
        .colour = false, .utf8 = utf8, .columns = columns, .rows = rows
    };
    struct aw_display_frame frame = { 0 };
    size_t n = 0;

    assert_int_equal (aw_display_frame_draw (&frame, graph, now, &style), 0);
    assert_true (frame.n <= rows - 1 || frame.n == 1);
    for (int i = 0; i < frame.n; i++)
        assert_true (frame.widths[i] <= columns - 1);
    for (size_t i = 0; i < frame.text.len; i++) {
        if (strncmp (frame.text.data + i, "\x1b[K", 3) == 0)
            i += 2;
        else
            buf[n++] = frame.text.data[i];
    }
    buf[n] = '\0';
    aw_display_frame_finish (&frame);
}

static void a_frame_fits_the_terminal (void **state)
{
    static const struct aw_display_set sets[] = {
        { .ready = 0, .running = 48, .done = 120, .failed = 2 },
        { .ready = 4, .running = 0, .done = 96 },
        { .done = 288 },
        { 0 },
    };
    static const struct {
        int columns, rows;
        bool utf8;
        const char *text;
    } table[] = {
        { 80, 24, false,
          "simulate   ###############!=====................ 120/288   48 running  2 failed\n"
          "aggregate  ############.........................  96/288    4 ready\n" },
        { 80, 24, true, "simulate   \xe2\x96\x88\xe2\x96\x88" },
        { 50, 24, false,
          "simulate   120/288   48 running  2 failed\n"
          "aggregate   96/288    4 ready\n"
          "train      288/288\n"
          "infer        0/288\n"
          "CPUs 40/64  GPUs 16/16  on 4 nodes   3m20s\n" },
        { 12, 24, false, "simulate   \n" },
        { 80, 5, false, /* two sets and the rest */
          "simulate " },
        { 50, 4, false,
          "simulate   120/288   48 running  2 failed\n"
          "and 3 more sets: 384 of 864 tasks done\n"
          "CPUs 40/64  GPUs 16/16  on 4 nodes   3m20s\n" },
        { 50, 2, false, "CPUs 40/64  GPUs 16/16  on 4 nodes   3m20s\n" },
        { 1, 1, false, "\n" },
    };
    struct aw_graph *graph = display_graph (4, 96, 3);
    struct aw_display_state now = { .t = 200.7,
                                    .sets = sets,
                                    .nodes = 4,
                                    .cpus = 64,
                                    .busy_cpus = 40,
                                    .gpus = 16,
                                    .busy_gpus = 16,
                                    .left = 479.5,
                                    .note = "stopping" };
    char buf[8192];

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        draw_plainly (graph, &now, table[i].columns, table[i].rows, table[i].utf8, buf);
        if (strncmp (buf, table[i].text, strlen (table[i].text)) != 0)
            fail_msg ("row %zu:\n%s\nis not\n%s", i, buf, table[i].text);
    }
    draw_plainly (graph, &now, 120, 24, false, buf);
    assert_non_null (strstr (buf, "about 8m00s left   stopping\n"));
    aw_graph_destroy (graph);
}

/* Names have the room that there is; where it is short, both their ends are kept. */
static void both_ends_of_a_long_name_are_kept (void **state)
{
    static const struct {
        int columns;
        const char *text;
    } table[] = {
        { 120, "preparation-of-the-structures-for-chain-a  !!!!!!!!" },
        { 80, "preparation-of...s-for-chain-a  !!!!!!!!  0/10  4 failed  6 skipped\n" },
        { 60, "preparation...or-chain-a   0/10  4 failed  6 skipped\n" },
    };
    struct aw_graph *graph = aw_graph_create ();
    const struct aw_display_set sets[] = { { .failed = 4, .skipped = 6 }, { .done = 10 } };
    struct aw_display_state now = { .sets = sets, .left = NAN };
    char buf[4096];

    (void)state;
    aw_graph_add_set (graph, "preparation-of-the-structures-for-chain-a")->count = 10;
    aw_graph_add_set (graph, "preparation-of-the-structures-for-chain-b")->count = 10;
    assert_int_equal (aw_graph_finalize (graph, NULL), 0);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        draw_plainly (graph, &now, table[i].columns, 24, false, buf);
        if (strncmp (buf, table[i].text, strlen (table[i].text)) != 0)
            fail_msg ("%d columns:\n%s\nis not\n%s", table[i].columns, buf, table[i].text);
    }
    aw_graph_destroy (graph);
}

/* Every size, many sets: within bounds (draw_plainly checks), and whole characters only. */
static void every_size_of_a_terminal_is_kept_to (void **state)
{
    struct aw_graph *graph = display_graph (300, 7, 1);
    struct aw_display_set *sets = calloc (300, sizeof (*sets));
    struct aw_display_state now = { .sets = sets, .left = INFINITY };
    char *buf = malloc (1 << 20);

    (void)state;
    assert_non_null (sets);
    assert_non_null (buf);
    for (int i = 0; i < 300; i++)
        sets[i] = (struct aw_display_set){
            .ready = i % 2, .running = i % 3, .done = i % 4, .failed = i % 5 == 0
        };
    for (int columns = 1; columns < 140; columns += 3) {
        for (int rows = 1; rows < 60; rows += 7) {
            draw_plainly (graph, &now, columns, rows, true, buf);
            assert_true (mbstowcs (NULL, buf, 0) != (size_t)-1 || MB_CUR_MAX == 1);
        }
    }
    free (buf);
    free (sets);
    aw_graph_destroy (graph);
}

/* A bar is full when all is done and not before, and shows that something runs. */
static void a_bar_is_full_only_when_all_is_done (void **state)
{
    static const struct {
        struct aw_display_set set;
        const char *bar;
    } table[] = {
        { { .done = 999 }, "#######################################." },
        { { .done = 1000 }, "########################################" },
        { { .running = 1 }, "=......................................." },
        { { .done = 999, .running = 1 }, "#######################################=" },
        { { .failed = 1 }, "!......................................." },
        { { .ready = 1000 }, "----------------------------------------" },
        { { .done = 250, .running = 250, .ready = 250 },
          "##########==========----------.........." },
    };
    struct aw_graph *graph = display_graph (1, 1000, 1);
    char buf[1024];

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_display_state now = { .sets = &table[i].set, .left = NAN };
        draw_plainly (graph, &now, 100, 24, false, buf);
        if (strncmp (buf + 10, table[i].bar, 40) != 0)
            fail_msg ("row %zu: %.60s", i, buf);
    }
    aw_graph_destroy (graph);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_frame_fits_the_terminal),
        cmocka_unit_test (both_ends_of_a_long_name_are_kept),
        cmocka_unit_test (every_size_of_a_terminal_is_kept_to),
        cmocka_unit_test (a_bar_is_full_only_when_all_is_done),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
