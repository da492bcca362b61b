/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's counts of processes killed for lack of memory, from files that look like its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "agent/oom.h"

static char dir[64];

static void write_file (const char *name, const char *text)
{
    char path[256], command[512];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", dir, name);
    snprintf (command, sizeof (command), "mkdir -p \"$(dirname '%s')\"", path);
    assert_int_equal (system (command), 0);
    file = fopen (path, "w");
    assert_non_null (file);
    fputs (text, file);
    assert_int_equal (fclose (file), 0);
}

static int set_up (void **state)
{
    (void)state;
    strcpy (dir, "/tmp/aw-oom-XXXXXX");
    return mkdtemp (dir) ? 0 : -1;
}

static int tear_down (void **state)
{
    char command[128];

    (void)state;
    snprintf (command, sizeof (command), "rm -rf '%s'", dir);
    return system (command);
}

static struct aw_oom init (const char *cgroups)
{
    struct aw_oom oom;
    char path[256];

    write_file ("cgroup", cgroups);
    snprintf (path, sizeof (path), "%s/cgroup", dir);
    aw_oom_init (&oom, path, dir);
    return oom;
}

static void without_counters_no_kill_is_seen (void **state)
{
    struct aw_oom oom;

    (void)state;
    aw_oom_init (&oom, "/no/such/file", dir);
    assert_false (aw_oom_take (&oom));
    aw_oom_finish (&oom);
    write_file ("a/memory.events", "low 0\nhigh 0\n"); /* no count */
    oom = init ("rubbish\n1\n2:\n\n0::/a\n4:memory:/nowhere\n");
    assert_null (oom.path);
    assert_false (aw_oom_take (&oom));
    aw_oom_finish (&oom);
}

/* Kills from before are not ours; each later one is put down once. */
static void counts (const char *cgroups, const char *file, const char *format)
{
    struct aw_oom oom;
    char text[128];

    snprintf (text, sizeof (text), format, 3);
    write_file (file, text);
    oom = init (cgroups);
    assert_non_null (oom.path);
    assert_false (aw_oom_take (&oom));
    snprintf (text, sizeof (text), format, 5);
    write_file (file, text);
    assert_true (aw_oom_take (&oom));
    assert_true (aw_oom_take (&oom));
    assert_false (aw_oom_take (&oom));
    aw_oom_finish (&oom);
}

static void a_kill_is_seen_in_both_versions_of_cgroups (void **state)
{
    (void)state;
    counts ("0::/job/step\n", "job/step/memory.events",
            "low 0\noom 1\noom_kill %d\noom_group_kill 0\n");
    counts ("12:pids:/x\n4:memory:/slurm/job_1\n0::/\n", "memory/slurm/job_1/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill %d\n");
    counts ("0::/u\n", "unified/u/memory.events", "oom_kill %d\n");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (without_counters_no_kill_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown (a_kill_is_seen_in_both_versions_of_cgroups, set_up,
                                         tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
