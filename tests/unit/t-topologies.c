/* SPDX-License-Identifier: Apache-2.0 */
/* The machines in tests/topologies: what the agent would read of each, through hwloc, is what
 * stands beside it as text. With AW_TEST_WRITE set it is written there instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/place/topology.h"

static const char *path_of (char path[4096], const char *name, const char *ending)
{
    const char *top = getenv ("top_srcdir");

    snprintf (path, 4096, "%s/tests/topologies/%s.%s", top ? top : "../..", name, ending);
    return path;
}

static char *read_by_hwloc (const char *name, const char *gpus)
{
    struct aw_idset ids = { 0 };
    struct aw_machine machine;
    struct aw_error err = { "" };
    struct aw_gpus *names;
    char path[4096], *text, *env[] = { NULL };

    setenv ("HWLOC_XMLFILE", path_of (path, name, "xml"), 1);
    assert_int_equal (aw_idset_parse (&ids, gpus), 0);
    names = aw_gpus_create (env, &ids, NULL);
    assert_non_null (names);
    if (aw_machine_read (&machine, names, &ids, NULL, &err) < 0)
        fail_msg ("%s", err.text);
    assert_false (machine.is_here);
    text = aw_topology_format (&machine.topology);
    assert_non_null (text);
    aw_machine_finish (&machine);
    aw_gpus_destroy (names);
    aw_idset_finish (&ids);
    unsetenv ("HWLOC_XMLFILE");
    return text;
}

static void recorded_machines_read_as_their_texts (void **state)
{
    static const struct {
        const char *name, *gpus;
    } table[] = {
        { "summit", "0-5" },
        { "frontier", "0-7" },
        { "dgx-a100", "0-7" },
        { "genoa", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        char *text = read_by_hwloc (table[i].name, table[i].gpus), path[4096];
        static char line[65536];
        bool write = getenv ("AW_TEST_WRITE") != NULL;
        FILE *file = fopen (path_of (path, table[i].name, "topology"), write ? "w" : "r");

        assert_non_null (file);
        if (write)
            fprintf (file, "%s\n", text);
        else {
            assert_non_null (fgets (line, sizeof (line), file));
            line[strcspn (line, "\n")] = '\0';
            assert_string_equal (line, text);
        }
        assert_int_equal (fclose (file), 0);
        free (text);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test (recorded_machines_read_as_their_texts) };

    return cmocka_run_group_tests_name ("topologies", tests, NULL, NULL);
}
