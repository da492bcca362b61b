/* SPDX-License-Identifier: Apache-2.0 */

/* Files: what is written comes back, what is damaged is refused with a reason, and the newest
 * complete iteration is found.
 */

#include <sys/stat.h>

#include "ddmd.h"
#include "ddmd/file.h"
#include "ddmd/frames.h"
#include "ddmd/maps.h"
#include "ddmd/restart.h"
#include "ddmd/rundir.h"
#include "ddmd/vae_file.h"

static char *scratch;

static int make_directory (void **state)
{
    (void)state;
    scratch = make_scratch ();
    return 0;
}

static int remove_directory (void **state)
{
    (void)state;
    remove_scratch (scratch);
    return 0;
}

static const char *in_scratch (const char *name)
{
    static char path[4096];

    snprintf (path, sizeof (path), "%s/%s", scratch, name);
    return path;
}

static void put_bytes (const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen (path, "w");

    assert_non_null (file);
    assert_int_equal (fwrite (bytes, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
}

/* 'count' frames with a number in each that tells them apart. */
static struct ddmd_frame *make_frames (size_t count, double mark)
{
    struct ddmd_frame *frame = calloc (count, sizeof (*frame));

    assert_non_null (frame);
    for (size_t i = 0; i < count; i++) {
        frame[i].index = (uint32_t)i;
        frame[i].rmsd = mark + (double)i;
        frame[i].score = 1;
        frame[i].x[0] = mark;
        frame[i].map[0] = (uint8_t)i;
    }
    return frame;
}

static void write_product (
    enum ddmd_product product, uint32_t iteration, uint32_t part, uint32_t parts, double mark)
{
    struct ddmd_frames frames = { .iteration = iteration,
                                  .part = part,
                                  .parts = parts,
                                  .count = 3,
                                  .frame = make_frames (3, mark) };
    struct aw_error err = { "" };
    char path[DDMD_PATH_MAX];

    assert_int_equal (ddmd_rundir_path (scratch, product, iteration, part, path, &err), 0);
    assert_int_equal (ddmd_frames_write (path, &frames, &err), 0);
    ddmd_frames_finish (&frames);
}

static void round_trip (void **state)
{
    struct ddmd_frames frames = {
        .iteration = 4, .part = 2, .parts = 9, .count = 5, .frame = make_frames (5, 7)
    };
    struct ddmd_frames read = { 0 };
    struct aw_error err = { "" };
    struct stat st;

    (void)state;
    put_bytes (in_scratch ("f"), "something older", 15);
    assert_int_equal (ddmd_frames_write (in_scratch ("f"), &frames, &err), 0);
    assert_int_equal (stat (in_scratch ("f"), &st), 0);
    assert_int_equal (st.st_size, 56 + 5 * 1496);
    assert_int_equal (ddmd_frames_read (in_scratch ("f"), &read, &err), 0);
    assert_int_equal (read.iteration, 4);
    assert_int_equal (read.part, 2);
    assert_int_equal (read.parts, 9);
    assert_int_equal (read.count, 5);
    assert_memory_equal (read.frame, frames.frame, 5 * sizeof (*read.frame));
    ddmd_frames_finish (&read);
    ddmd_frames_finish (&read);
    frames.count = 0;
    assert_int_equal (ddmd_frames_write (in_scratch ("f"), &frames, &err), 0);
    assert_int_equal (ddmd_frames_read (in_scratch ("f"), &read, &err), 0);
    assert_int_equal (read.count, 0);
    ddmd_frames_finish (&read);
    ddmd_frames_finish (&frames);
}

/* A failed write leaves nothing behind, neither the file nor its temporary. */
static void failed_writes (void **state)
{
    struct ddmd_frames frames = { .parts = 1, .count = 1, .frame = make_frames (1, 0) };
    struct aw_error err = { "" };
    char name[5000], long_path[DDMD_PATH_MAX];

    (void)state;
    assert_int_equal (ddmd_frames_write (in_scratch ("none/f"), &frames, &err), -1);
    assert_non_null (strstr (err.text, "cannot create"));
    assert_int_equal (mkdir (in_scratch ("full"), 0777), 0);
    put_bytes (in_scratch ("full/f"), "x", 1);
    assert_int_equal (ddmd_frames_write (in_scratch ("full"), &frames, &err),
                      -1); /* a directory that isn't empty */
    assert_non_null (strstr (err.text, "cannot write"));
    snprintf (name, sizeof (name), "%s.tmp-%ld", in_scratch ("full"), (long)getpid ());
    assert_int_equal (access (name, F_OK), -1);
    memset (name, 'a', sizeof (name) - 1);
    name[sizeof (name) - 1] = '\0';
    assert_int_equal (ddmd_frames_write (name, &frames, &err), -1);
    assert_int_equal (ddmd_rundir_path (name, DDMD_MAPS, 0, 0, long_path, &err), -1);
    ddmd_frames_finish (&frames);
}

static void not_files (void **state)
{
    struct ddmd_frames read;
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (ddmd_frames_read (in_scratch ("nothing"), &read, &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_int_equal (ddmd_frames_read (scratch, &read, &err), -1);
    assert_non_null (strstr (err.text, "not a regular file"));
    assert_int_equal (mkfifo (in_scratch ("fifo"), 0666), 0);
    assert_int_equal (ddmd_frames_read (in_scratch ("fifo"), &read, &err),
                      -1); /* and does not wait for a writer */
    assert_non_null (strstr (err.text, "not a regular file"));
    put_bytes (in_scratch ("empty"), "", 0);
    assert_int_equal (ddmd_frames_read (in_scratch ("empty"), &read, &err), -1);
    assert_non_null (strstr (err.text, "not a file of this example"));
}

/* One good file, one change to it at a time. */
static void damaged_files (void **state)
{
    static const uint32_t u0 = 0, u1 = 1, u2 = 2, huge = UINT32_MAX, swapped = 0x04030201;
    static const uint64_t many = UINT64_MAX / 1496 + 1, three = 3, zero = 0, wide = 1497;
    static const double nan_value = NAN, big = 1e300, negative = -1;
    static const struct {
        size_t offset;
        const void *value;
        size_t size;
        const char *says;
    } table[] = {
        { 0, "DMDD", 4, "not a file of this example" },
        { 4, "MAPS", 4, "of kind \"MAPS\"" },
        { 4, "\0\0\0\0", 4, "of kind \"\"" },
        { 8, &swapped, 4, "another byte order" },
        { 12, &u0, 4, "version 0" },
        { 12, &u2, 4, "version 2" },
        { 16, &u1, 4, "1 residues, not 28" },
        { 16, &huge, 4, "makes no sense" },
        { 24, &huge, 4, "makes no sense" },
        { 28, &u0, 4, "makes no sense" },
        { 36, &u1, 4, "makes no sense" },
        { 40, &many, 8, "cut or damaged" },
        { 40, &three, 8, "cut or damaged" },
        { 48, &zero, 8, "makes no sense" },
        { 48, &wide, 8, "cut or damaged" },
        { 56 + 24, &nan_value, 8, "out of range" },
        { 56 + 24, &negative, 8, "out of range" },
        { 56 + 1496 + 48, &big, 8, "frame 1: a number out of range" },
        { 56 + 1496 + 48 + 2 * 672 - 8, &nan_value, 8, "frame 1: a number out of range" },
    };
    struct ddmd_frames frames = { .parts = 1, .count = 2, .frame = make_frames (2, 0) };
    struct ddmd_frames read;
    struct aw_error err = { "" };
    const size_t size = 56 + 2 * 1496;
    char good[56 + 2 * 1496 + 1] = "", bad[56 + 2 * 1496];
    FILE *file;

    (void)state;
    assert_int_equal (ddmd_frames_write (in_scratch ("g"), &frames, &err), 0);
    file = fopen (in_scratch ("g"), "r");
    assert_non_null (file);
    assert_int_equal (fread (good, 1, size, file), size);
    fclose (file);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        memcpy (bad, good, size);
        memcpy (bad + table[i].offset, table[i].value, table[i].size);
        put_bytes (in_scratch ("b"), bad, size);
        assert_int_equal (ddmd_frames_read (in_scratch ("b"), &read, &err), -1);
        assert_int_equal (errno, EINVAL);
        if (!strstr (err.text, table[i].says))
            fail_msg ("change %zu: \"%s\" lacks \"%s\"", i, err.text, table[i].says);
    }
    for (size_t cut = 0; cut < size; cut += cut < 64 ? 1 : 97) {
        put_bytes (in_scratch ("b"), good, cut);
        assert_int_equal (ddmd_frames_read (in_scratch ("b"), &read, &err), -1);
    }
    put_bytes (in_scratch ("b"), good, size + 1);
    assert_int_equal (ddmd_frames_read (in_scratch ("b"), &read, &err), -1);
    put_bytes (in_scratch ("b"), good, size);
    assert_int_equal (ddmd_frames_read (in_scratch ("b"), &read, &err), 0);
    ddmd_frames_finish (&read);
    ddmd_frames_finish (&frames);
}

static void damaged_maps_and_networks (void **state)
{
    struct ddmd_file_header header = {
        .residues = 28, .parts = 1, .detail = 3, .count = 2, .record_bytes = 128
    };
    struct ddmd_map map[2] = { 0 };
    struct ddmd_maps maps = { 0 };
    struct aw_error err = { "" };
    float parameters[2] = { 0 };

    (void)state;
    memcpy (header.kind, DDMD_FILE_MAPS, 4);
    map[1].rmsd = NAN;
    assert_int_equal (ddmd_file_write (in_scratch ("m"), &header, map, &err), 0);
    assert_int_equal (ddmd_maps_append (in_scratch ("m"), &maps, &err), -1);
    assert_non_null (strstr (err.text, "map 1: an RMSD out of range"));
    assert_int_equal (maps.count, 0);
    map[1].rmsd = 0;
    header.residues = 27;
    assert_int_equal (ddmd_file_write (in_scratch ("m"), &header, map, &err), 0);
    assert_int_equal (ddmd_maps_append (in_scratch ("m"), &maps, &err), -1);
    header.record_bytes = 64;
    assert_int_equal (ddmd_file_write (in_scratch ("m"), &header, map, &err), 0);
    assert_int_equal (ddmd_maps_append (in_scratch ("m"), &maps, &err), -1);
    assert_non_null (strstr (err.text, "records of 64 bytes"));

    memcpy (header.kind, DDMD_FILE_MODEL, 4);
    header.record_bytes = 4;
    assert_int_equal (ddmd_file_write (in_scratch ("n"), &header, parameters, &err), 0);
    assert_null (ddmd_vae_read (&ddmd_backend_cpu, in_scratch ("n"), 8, &err));
    assert_non_null (strstr (err.text, "27 residues"));
    header.residues = 28;
    assert_int_equal (ddmd_file_write (in_scratch ("n"), &header, parameters, &err), 0);
    assert_null (ddmd_vae_read (&ddmd_backend_cpu, in_scratch ("n"), 8, &err));
    assert_non_null (strstr (err.text, "2 parameters"));
    header.detail = 1000000;
    assert_int_equal (ddmd_file_write (in_scratch ("n"), &header, parameters, &err), 0);
    assert_null (ddmd_vae_read (&ddmd_backend_cpu, in_scratch ("n"), 8, &err));
    assert_non_null (strstr (err.text, "1000000 latent"));
}

static void maps_gather (void **state)
{
    struct ddmd_map map[2] = { { .rmsd = 1 }, { .rmsd = 2 } };
    struct ddmd_maps two = { 2, map }, all = { 0 };
    struct aw_error err = { "" };
    char path[DDMD_PATH_MAX];

    (void)state;
    /* iteration 10 whole, 11 lacks part 1, 12 whole in two parts */
    for (uint32_t i = 10; i <= 12; i++) {
        for (uint32_t part = 0; part < (i == 12 ? 2U : 1U); part++) {
            assert_int_equal (ddmd_rundir_path (scratch, DDMD_MAPS, i, part, path, &err), 0);
            assert_int_equal (ddmd_maps_write (path, i, part, i == 10 ? 1 : 2, &two, &err), 0);
        }
    }
    assert_int_equal (ddmd_maps_gather (scratch, 9, 12, &all, &err), 0);
    assert_int_equal (all.count, 6);
    ddmd_maps_finish (&all);
    assert_int_equal (ddmd_maps_gather (scratch, 10, 11, &all, &err), -1);
    assert_non_null (strstr (err.text, "run ddmd-aggregate first"));
    ddmd_maps_finish (&all);
}

static void newest (void **state)
{
    struct aw_error err = { "" };
    uint32_t iteration, parts;

    (void)state;
    assert_int_equal (ddmd_rundir_newest (scratch, DDMD_RESTART, 0, 9, &iteration, &parts, &err),
                      0);
    write_product (DDMD_RESTART, 1, 0, 1, 5);
    write_product (DDMD_RESTART, 3, 0, 2, 7);
    assert_int_equal (ddmd_rundir_newest (scratch, DDMD_RESTART, 0, 9, &iteration, &parts, &err),
                      1);
    assert_int_equal (iteration, 1); /* 3 is not complete */
    write_product (DDMD_RESTART, 3, 1, 2, 6);
    assert_int_equal (ddmd_rundir_newest (scratch, DDMD_RESTART, 0, 9, &iteration, &parts, &err),
                      1);
    assert_int_equal (iteration, 3);
    assert_int_equal (parts, 2);
    assert_int_equal (ddmd_rundir_newest (scratch, DDMD_RESTART, 0, 3, &iteration, &parts, &err),
                      1);
    assert_int_equal (iteration, 1);
    assert_int_equal (ddmd_rundir_newest (scratch, DDMD_RESTART, 2, 3, &iteration, &parts, &err),
                      0);
}

/* Iteration 3 of the test above: RMSDs 7 8 9 in part 0, 6 7 8 in part 1. Ranked: 6 7 7 8 8 9. */
static void choose (void **state)
{
    static const double rmsd[] = { 6, 7, 7, 8, 8, 9, 6 };
    struct ddmd_frame frame;
    struct aw_error err = { "" };

    (void)state;
    assert_int_equal (ddmd_restart_choose (scratch, 1, 0, 99, 6, &frame, &err), 0);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal (ddmd_restart_choose (scratch, 4, i, 99, 6, &frame, &err), 1);
        assert_true (frame.rmsd == rmsd[i]);
    }
    assert_int_equal (ddmd_restart_choose (scratch, 4, 5, 99, 2, &frame, &err), 1);
    assert_true (frame.rmsd == 7); /* 5 modulo 2 */
    assert_int_equal (ddmd_restart_choose (scratch, 2, 0, 99, 6, &frame, &err), 1);
    assert_true (frame.rmsd == 5); /* iteration 1's */
    put_bytes (in_scratch ("restart-0005-00000.frames"), "rubbish", 7);
    assert_int_equal (ddmd_restart_choose (scratch, 6, 0, 99, 6, &frame, &err), -1);
    assert_non_null (strstr (err.text, "restart-0005-00000.frames: not a file of this example"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (not_files),
        cmocka_unit_test (failed_writes),
        cmocka_unit_test (round_trip),
        cmocka_unit_test (damaged_files),
        cmocka_unit_test (damaged_maps_and_networks),
        cmocka_unit_test (maps_gather),
        cmocka_unit_test (newest),
        cmocka_unit_test (choose),
    };

    return cmocka_run_group_tests_name ("ddmd-files", tests, make_directory, remove_directory);
}
