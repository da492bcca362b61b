/* SPDX-License-Identifier: Apache-2.0 */
/* The Gantt chart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "io/journal/journal.h"
#include "model/simulate.h"
#include "report-run.h"

static void strange_names_are_escaped_in_the_picture (void **state)
{
    struct report_run *f = *state;
    struct aw_report report;
    char *svg;

    report_run_begin (f, report_run_small);
    report_run_simulate (f, 1, 4, 0, "n<1>&\"\x02\xff");
    report_run_load (f, &report);
    report_run_check_svg (&report, true);
    svg = report_run_text (&report, aw_report_svg);
    assert_non_null (strstr (svg, ">n&lt;1&gt;&amp;&quot;\xef\xbf\xbd\xef\xbf\xbd<"));
    assert_null (strstr (svg, "busy GPUs"));
    free (svg);
    aw_report_finish (&report);
}

/* Workflows from a handful of tasks to many thousands. */
static void the_size_of_a_picture_is_bounded (void **state)
{
    static const struct {
        int sets, count, iterations;
        uint32_t nodes, cpus, gpus;
        bool each;
        size_t max; /* bytes */
    } table[] = {
        { 1, 1, 1, 1, 1, 0, true, 10000 },
        { 4, 20, 3, 4, 16, 4, true, 100000 },
        { 9, 50, 2, 8, 16, 4, true, 300000 },
        { 12, 500, 1, 3, 64, 0, true, 1000000 },
        { 3, 3000, 2, 60, 16, 4, false, 1500000 },
        { 5, 200, 3, 1000, 16, 4, false, 3000000 },
        { 30, 1000, 4, 1000, 16, 4, false, 4000000 },
    };
    char *workflow = malloc (1 << 16);

    assert_non_null (workflow);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct report_run *f;
        struct aw_report report;
        size_t size;
        int n = sprintf (
            workflow, "{ \"async-workflow\": 1, \"name\": \"p\", \"iterations\": %d, \"tasks\": {",
            table[i].iterations);

        for (int s = 0; s < table[i].sets; s++) {
            n += sprintf (
                workflow + n,
                "%s \"set%d\": { \"count\": %d, \"cpus\": %d, \"gpus\": %d, \"command\": [\"x\"]",
                s ? "," : "", s, table[i].count, s % 3 < (int)table[i].cpus ? 1 + s % 3 : 1,
                table[i].gpus ? s % 2 : 0);
            if (s)
                n += sprintf (workflow + n, ", \"after\": [\"set%d[i]\"]", s - 1);
            n += sprintf (workflow + n, " }");
        }
        sprintf (workflow + n, " } }");
        report_run_set_up ((void **)&f);
        report_run_begin (f, workflow);
        f->fail_every = 50;
        report_run_simulate (f, table[i].nodes, table[i].cpus, table[i].gpus, NULL);
        report_run_load (f, &report);
        size = report_run_check_svg (&report, table[i].each);
        if (size > table[i].max)
            fail_msg ("row %zu: %zu bytes", i, size);
        aw_report_finish (&report);
        report_run_tear_down ((void **)&f);
    }
    free (workflow);
    (void)state;
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (strange_names_are_escaped_in_the_picture,
                                         report_run_set_up, report_run_tear_down),
        cmocka_unit_test (the_size_of_a_picture_is_bounded),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
