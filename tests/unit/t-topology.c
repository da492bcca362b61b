/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/resources/topology.h"
#include "graphs.h"

static void wrong_arguments_are_refused (void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "core", "not a level" },
        { "core ", "without CPUs" },
        { ";", "not a level" },
        { "core 0;", "not a level" },
        { "cores 0", "no such level" },
        { "core 0|", "without CPUs" },
        { "core |0", "without CPUs" },
        { "core 0-3|3-4", "in two groups" },
        { "core 0;core 1", "given twice" },
        { "core 0 ", "not a list" },
        { "core 0-", "not a list" },
        { "core 1048576", "not a list" },
        { "core 5-3", "not a list" },
        { "core -1", "not a list" },
        { " core 0", "no such level" },
        { "gpu 0", "not a GPU" },
        { "gpu =0", "not the number" },
        { "gpu 0-1=0", "not the number" },
        { "gpu 0,0=0", "not the number" },
        { "gpu x=0", "not the number" },
        { "gpu 99999999999=0", "not the number" },
        { "gpu 0=0:", "name of a type" },
        { "gpu 0=0:a b", "name of a type" },
        { "gpu 0=0:a:b", "name of a type" },
        { "gpu 0=a", "not a list" },
        { "gpu 0=0|0=1", "is there twice" },
        { "gpu 0=0|", "not a GPU" },
        { "gpu 0=0;gpu 1=1", "given twice" },
        { "gpu 0=0:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "of a type" },
    };
    struct aw_topology t = { 0 };
    struct aw_error err;

    (void)state;
    assert_int_equal (aw_topology_parse (&t, NULL, &err), -1);
    assert_int_equal (aw_topology_parse (NULL, "", &err), -1);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        static const struct aw_topology empty;

        err.text[0] = '\0';
        assert_int_equal (aw_topology_parse (&t, bad[i].text, &err), -1);
        assert_non_null (strstr (err.text, bad[i].says));
        assert_memory_equal (&t, &empty, sizeof (t));
        assert_int_equal (aw_topology_parse (&t, bad[i].text, NULL), -1);
    }
    aw_topology_finish (&t);
}

static void text_is_read_and_written_back (void **state)
{
    static const struct {
        const char *in, *out;
    } table[] = {
        { "", "" },
        { "numa 0", "numa 0" },
        { "core 0,4|1,5|2,6|3,7;cache 0-1,4-5|2-3,6-7;numa 0-7;package 0-7;"
          "gpu 0=0-1,4-5:a100|1=2-3,6-7",
          "core 0,4|1,5|2,6|3,7;cache 0-1,4-5|2-3,6-7;numa 0-7;package 0-7;"
          "gpu 0=0-1,4-5:a100|1=2-3,6-7" },
        { "numa 8-15|0-7;core 9,8", "core 8-9;numa 0-7|8-15" },
        { "gpu 3=|1=0-3:v100-sxm2_16g.1", "gpu 1=0-3:v100-sxm2_16g.1|3=" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_topology t;
        struct aw_error err;
        char *out;

        assert_int_equal (aw_topology_parse (&t, table[i].in, &err), 0);
        out = aw_topology_format (&t);
        assert_string_equal (out, table[i].out);
        free (out);
        aw_topology_finish (&t);
    }
}

static void a_part_of_a_node_has_part_of_its_topology (void **state)
{
    struct aw_topology t;

    (void)state;
    assert_int_equal (aw_topology_parse (&t, "core 2-3|0-1;gpu 7=0-1:mi250|4=2", NULL), 0);
    assert_int_equal (t.n_groups[AW_LEVEL_CORE], 2);
    assert_true (aw_idset_has (&t.groups[AW_LEVEL_CORE][0], 0)); /* the lowest first */
    assert_int_equal (t.n_groups[AW_LEVEL_NUMA], 0);
    assert_int_equal (t.n_gpus, 2);
    assert_int_equal (t.gpus[0].id, 4);
    assert_string_equal (t.gpus[0].type, "");
    assert_string_equal (t.gpus[1].type, "mi250");
    aw_topology_finish (&t);
    aw_topology_finish (&t);
}

/* A text that would make us allocate far more than its own size. */
static void a_small_text_cannot_ask_for_much_memory (void **state)
{
    enum { GROUPS = 2000 };
    static char buf[GROUPS * 16];
    struct aw_topology t;
    struct aw_error err;
    size_t len = 0;

    (void)state;
    for (int i = 0; i < GROUPS; i++)
        len += (size_t)snprintf (buf + len, sizeof (buf) - len, "%s%d", i ? "|" : "core ",
                                 AW_IDSET_MAX - 1 - i);
    assert_int_equal (aw_topology_parse (&t, buf, &err), -1);
    assert_non_null (strstr (err.text, "more than any node has"));
}

/* Texts that someone has damaged: taken and then the same again, or refused with a reason. */
static void damaged_texts_are_refused_with_a_reason (void **state)
{
    static const char whole[] = "core 0,4|1,5|2,6|3,7;cache 0-1,4-5|2-3,6-7;numa 0-7;package 0-7;"
                                "gpu 0=0-1,4-5:a100|1=2-3,6-7";
    uint64_t seed = 20260728;
    uint32_t n_taken = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char buf[sizeof (whole)], *again;
        struct aw_topology t;
        struct aw_error err = { "" };

        memcpy (buf, whole, sizeof (whole));
        for (uint32_t n = 1 + graphs_below (&seed, 3); n > 0; n--)
            buf[graphs_below (&seed, sizeof (whole) - 1)] =
                "01234567,-|;= :ag\x01\xff"[graphs_below (&seed, 19)];
        if (aw_topology_parse (&t, buf, &err) < 0) {
            assert_true (err.text[0] != '\0');
            continue;
        }
        n_taken++;
        again = aw_topology_format (&t);
        assert_non_null (again);
        aw_topology_finish (&t);
        assert_int_equal (aw_topology_parse (&t, again, &err), 0);
        aw_topology_finish (&t);
        free (again);
    }
    assert_in_range (n_taken, 100, 19000); /* both ways are gone */
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_arguments_are_refused),
        cmocka_unit_test (text_is_read_and_written_back),
        cmocka_unit_test (a_part_of_a_node_has_part_of_its_topology),
        cmocka_unit_test (a_small_text_cannot_ask_for_much_memory),
        cmocka_unit_test (damaged_texts_are_refused_with_a_reason),
    };

    return cmocka_run_group_tests_name ("topology", tests, NULL, NULL);
}
