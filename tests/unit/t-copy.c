/* SPDX-License-Identifier: Apache-2.0 */
/* Copies for staging, on real files: what arrives, under which names, and what is said when it
 * cannot.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/staging/copy.h"

static char scratch[256];

static int make_scratch (void **state)
{
    const char *tmp = getenv ("TMPDIR");

    (void)state;
    snprintf (scratch, sizeof (scratch), "%s/t-copy.XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp (scratch) ? 0 : -1;
}

static int remove_scratch (void **state)
{
    (void)state;
    return aw_copy_remove (scratch);
}

/* A path within the scratch directory; four at a time. */
static const char *at (const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf (path, sizeof (paths[0]), "%s/%s", scratch, name);
    return path;
}

static void put (const char *name, const char *text)
{
    FILE *file = fopen (at (name), "w");

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

static void assert_holds (const char *name, const char *text)
{
    char buffer[256] = "";
    FILE *file = fopen (at (name), "r");

    if (!file)
        fail_msg ("%s is not there", name);
    buffer[fread (buffer, 1, sizeof (buffer) - 1, file)] = '\0';
    fclose (file);
    assert_string_equal (buffer, text);
}

static int copy (const char *from, const char *to, struct aw_copied *copied, struct aw_error *err)
{
    char a[512], b[512];
    struct aw_copy c = { .from = a, .to = b };

    snprintf (a, sizeof (a), "%s", at (from));
    snprintf (b, sizeof (b), "%s", at (to));
    memset (copied, 0, sizeof (*copied));
    err->text[0] = '\0';
    return aw_copy (&c, copied, err);
}

static void wrong_copies_are_refused (void **state)
{
    struct aw_copy table[] = {
        { .from = NULL, .to = "/tmp/x" },
        { .from = "/etc/hostname", .to = NULL },
        { .from = "relative", .to = "/tmp/x" },
        { .from = "/etc/hostname", .to = "relative" },
    };
    struct aw_copied copied = { 0 };
    struct aw_error err = { "" };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_int_equal (aw_copy (&table[i], &copied, &err), -1);
        assert_int_equal (errno, EINVAL);
    }
    assert_int_equal (copy ("none", "x", &copied, &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (err.text, "/none: No such file"));
    assert_int_equal (copy ("none*", "x", &copied, &err), -1);
    assert_non_null (strstr (err.text, "/none*: nothing matches"));
    put ("file", "x");
    assert_int_equal (copy ("file", "file/below", &copied, &err), -1);
    assert_non_null (strstr (err.text, "/file"));
    assert_int_equal (mkfifo (at ("fifo"), 0600), 0);
    assert_int_equal (copy ("fifo", "y", &copied, &err), -1);
    assert_non_null (strstr (err.text, "/fifo: neither a file nor a directory"));
    assert_int_not_equal (access (at ("y"), F_OK), 0);
}

static void files_are_copied_whole (void **state)
{
    struct aw_copied copied;
    struct aw_error err;
    struct stat st;

    (void)state;
    put ("model", "weights");
    assert_int_equal (chmod (at ("model"), 0750), 0);
    assert_int_equal (copy ("model", "a/b/copy", &copied, &err), 0);
    assert_holds ("a/b/copy", "weights");
    assert_int_equal (copied.bytes, 7);
    assert_int_equal (copied.files, 1);
    assert_int_equal (stat (at ("a/b/copy"), &st), 0);
    assert_int_equal (st.st_mode & 0777, 0750);
    /* Again, over what is there; and into a directory. */
    put ("model", "others");
    assert_int_equal (copy ("model", "a/b/copy", &copied, &err), 0);
    assert_holds ("a/b/copy", "others");
    assert_int_equal (copy ("model", "a/c/", &copied, &err), 0);
    assert_holds ("a/c/model", "others");
    /* Nothing of nothing, and what has no size. */
    put ("empty", "");
    assert_int_equal (copy ("empty", "a/empty", &copied, &err), 0);
    assert_holds ("a/empty", "");
}

static void patterns_name_several_files (void **state)
{
    struct aw_copied copied;
    struct aw_error err;

    (void)state;
    put ("p-1.frames", "one");
    put ("p-2.frames", "two");
    put ("p-3.other", "three");
    put ("set[1]", "brackets");
    assert_int_equal (copy ("p-*.frames", "all", &copied, &err), 0);
    assert_int_equal (copied.files, 2);
    assert_holds ("all/p-1.frames", "one");
    assert_holds ("all/p-2.frames", "two");
    assert_int_not_equal (access (at ("all/p-3.other"), F_OK), 0);
    assert_int_equal (copy ("set[1]", "taken", &copied, &err), 0);
    assert_holds ("taken", "brackets");
}

static void directories_are_copied_with_all_below (void **state)
{
    struct aw_copied copied;
    struct aw_error err;
    char target[64] = "";

    (void)state;
    assert_int_equal (mkdir (at ("tree"), 0700), 0);
    assert_int_equal (mkdir (at ("tree/sub"), 0700), 0);
    put ("tree/one", "1");
    put ("tree/sub/two", "22");
    assert_int_equal (symlink ("one", at ("tree/link")), 0);
    assert_int_equal (copy ("tree", "leaf", &copied, &err), 0);
    assert_holds ("leaf/one", "1");
    assert_holds ("leaf/sub/two", "22");
    assert_int_equal (readlink (at ("leaf/link"), target, sizeof (target)), 3);
    assert_int_equal (copied.files, 2);
    assert_int_equal (copied.bytes, 3);
    /* Into what is there: files are added and replaced, none is taken away. */
    put ("leaf/mine", "m");
    put ("tree/one", "new");
    assert_int_equal (copy ("tree", "leaf", &copied, &err), 0);
    assert_holds ("leaf/one", "new");
    assert_holds ("leaf/mine", "m");
    assert_int_equal (copy ("tree/", "more/", &copied, &err), 0);
    assert_holds ("more/tree/sub/two", "22");
}

/* A large file, with its sum checked and without: the same bytes. */
static void a_wrong_checksum_is_found (void **state)
{
    enum { SIZE = 3 << 20 };
    char *data = malloc (SIZE), *back = malloc (SIZE);
    struct aw_error err = { "" };
    FILE *file = fopen (at ("large"), "w");

    (void)state;
    assert_non_null (data);
    assert_non_null (back);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal (fwrite (data, 1, SIZE, file), SIZE);
    assert_int_equal (fclose (file), 0);
    for (int i = 0; i < 4; i++) {
        char from[512], to[512];
        struct aw_copy c = { .from = from, .to = to, .checksum = i & 1, .sync = i & 2 };
        struct aw_copied copied = { 0 };

        snprintf (from, sizeof (from), "%s", at ("large"));
        snprintf (to, sizeof (to), "%s", at ("large-copy"));
        assert_int_equal (aw_copy (&c, &copied, &err), 0);
        assert_int_equal (copied.bytes, SIZE);
        file = fopen (to, "r");
        assert_int_equal (fread (back, 1, SIZE, file), SIZE);
        fclose (file);
        assert_memory_equal (data, back, SIZE);
    }
    free (data);
    free (back);
}

/* The disk is full: the cause is named, and no part of the file is left. */
static void a_full_disk_is_told (void **state)
{
    struct aw_copy c = { .from = "/dev/zero", .to = "/dev/full" };
    struct aw_copied copied = { 0 };
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (aw_copy (&c, &copied, &err), -1); /* no regular file */
    if (access ("/dev/full", W_OK) < 0 || geteuid () != 0)
        skip ();
    assert_int_equal (mkdir (at ("small"), 0700), 0);
    {
        char command[1024];

        snprintf (command, sizeof (command), "mount -t tmpfs -o size=64k none '%s' 2>/dev/null",
                  at ("small"));
        if (system (command) != 0)
            skip ();
    }
    {
        static char text[200000];
        char from[512], to[512];
        int rc;

        memset (text, 'x', sizeof (text) - 1);
        put ("big", text);
        snprintf (from, sizeof (from), "%s", at ("big"));
        snprintf (to, sizeof (to), "%s", at ("small/big"));
        c = (struct aw_copy){ .from = from, .to = to };
        rc = aw_copy (&c, &copied, &err);
        assert_int_not_equal (access (to, F_OK), 0);
        assert_int_equal (rmdir (at ("small/none")), -1);
        {
            char command[1024];

            snprintf (command, sizeof (command),
                      "ls -A '%s' | grep -q . ; r=$?; umount '%s'; exit $r", at ("small"),
                      at ("small"));
            assert_int_not_equal (system (command), 0); /* nothing was left there */
        }
        assert_int_equal (rc, -1);
        assert_non_null (strstr (err.text, "No space left"));
    }
}

static void a_survey_counts_files_and_bytes (void **state)
{
    struct aw_copied found;
    struct aw_error err = { "" };
    uint64_t first, second;

    (void)state;
    assert_int_equal (aw_copy_survey (at ("nowhere"), &found, &first, &err), -1);
    assert_int_equal (mkdir (at ("data"), 0700), 0);
    put ("data/a", "12345");
    put ("data/b", "678");
    assert_int_equal (aw_copy_survey (at ("data"), &found, &first, &err), 0);
    assert_int_equal (found.bytes, 8);
    assert_int_equal (found.files, 2);
    assert_int_equal (aw_copy_survey (at ("data"), &found, &second, &err), 0);
    assert_true (first == second);
    put ("data/b", "6789");
    assert_int_equal (aw_copy_survey (at ("data"), &found, &second, &err), 0);
    assert_true (first != second);
}

/* Of a user for whom modes count. */
static int remove_read_only (void)
{
    char dir[] = "/tmp/t-copy.XXXXXX", path[64];
    bool made;

    if (geteuid () == 0 && setuid (65534) < 0)
        return 1;
    made = mkdtemp (dir) != NULL;
    for (int i = 0; i < 3; i++) {
        snprintf (path, sizeof (path), "%s/%d", dir, i);
        made = made && mkdir (path, 0700) == 0;
        snprintf (path, sizeof (path), "%s/%d/link", dir, i);
        made = made && symlink ("/etc/passwd", path) == 0;
        snprintf (path, sizeof (path), "%s/%d", dir, i);
        made = made && chmod (path, i == 1 ? 0 : 0500) == 0;
    }
    if (!made)
        return 2;
    return aw_copy_remove (dir) == 0 && access (dir, F_OK) < 0 ? 0 : 3;
}

static void all_below_a_directory_is_removed (void **state)
{
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal (aw_copy_remove (at ("not-there")), 0);
    pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0)
        _exit (remove_read_only ());
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (status, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (wrong_copies_are_refused),
        cmocka_unit_test (files_are_copied_whole),
        cmocka_unit_test (patterns_name_several_files),
        cmocka_unit_test (a_wrong_checksum_is_found),
        cmocka_unit_test (directories_are_copied_with_all_below),
        cmocka_unit_test (a_full_disk_is_told),
        cmocka_unit_test (a_survey_counts_files_and_bytes),
        cmocka_unit_test (all_below_a_directory_is_removed),
    };

    return cmocka_run_group_tests (tests, make_scratch, remove_scratch);
}
