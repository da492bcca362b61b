/* SPDX-License-Identifier: Apache-2.0 */

/* Reading the protein, and measuring conformations: PDB files, RMSD, contact maps, random numbers.
 */

#include "ddmd.h"
#include "ddmd/contact_map.h"
#include "ddmd/kabsch.h"
#include "ddmd/philox.h"

#define N 28

/* A good ATOM record of a Calpha of residue 'i', 3.8 angstrom after the one before. */
static void append_calpha (char *text, int i)
{
    sprintf (text + strlen (text), "ATOM  %5d  CA  ALA A%4d    %8.3f%8.3f%8.3f  1.00  0.00\n", i, i,
             3.8 * i, 0.0, 0.0);
}

static struct ddmd_pdb *read_text (const char *text, struct aw_error *err)
{
    char *scratch = make_scratch ();
    char path[4096];
    struct ddmd_pdb *pdb;

    snprintf (path, sizeof (path), "%s/a.pdb", scratch);
    write_text (path, text);
    pdb = ddmd_pdb_read (path, err);
    remove_scratch (scratch);
    return pdb;
}

static void pdb_wrong_files (void **state)
{
    static const struct {
        const char *edit; /* what stands before six good residues */
        const char *says;
    } table[] = {
        { "ATOM      1  CA  ALA A   9    \n", "line 1: an ATOM record of 30 columns" },
        { "ATOM      1  CA  ALA A   0       x.000   0.000   0.000\n", "columns 31 to 38" },
        { "ATOM      1  CA  ALA A   0         nan   0.000   0.000\n", "columns 31 to 38" },
        { "ATOM      1  CA  ALA A   0       0.000           0.000\n", "columns 39 to 46" },
        { "ATOM      1  CA  ALA A   0      90.000   0.000   0.000\n", "the chain is broken" },
        { "ATOM      1  N   ALA A   0       0.000   0.000   0.000\n", "residue 1 has no CA" },
        { "ENDMDL\n", "0 residues" },
        { "HEADER  "
          "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
          "890123"
          "4567890123456789012345678901234567890123456789\n",
          "line 1: longer than" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        struct aw_error err = { "" };
        char text[4096] = "";

        strcat (text, table[i].edit);
        for (int k = 1; k <= 6; k++)
            append_calpha (text, k);
        assert_null (read_text (text, &err));
        if (!strstr (err.text, table[i].says))
            fail_msg ("\"%s\" lacks \"%s\"", err.text, table[i].says);
    }
}

static void pdb_too_many_or_none (void **state)
{
    struct aw_error err = { "" };
    char text[16384] = "";

    (void)state;
    assert_null (ddmd_pdb_read ("/nonexistent.pdb", &err));
    assert_non_null (strstr (err.text, "No such file"));
    assert_null (ddmd_pdb_read ("/", &err));
    assert_null (read_text ("", &err));
    for (int k = 1; k <= DDMD_RESIDUES_MAX + 1; k++)
        append_calpha (text, k);
    assert_null (read_text (text, &err));
    assert_non_null (strstr (err.text, "more than 64 residues"));
    ddmd_pdb_destroy (NULL);
}

static void pdb_what_counts (void **state)
{
    struct aw_error err = { "" };
    char text[4096] = "";
    struct ddmd_pdb *pdb;

    (void)state;
    for (int k = 1; k <= 6; k++)
        append_calpha (text, k);
    strcat (text,
            "ATOM      7  CA BALA A   6     500.000   0.000   0.000\n"); /* another location */
    strcat (text, "ATOM      8  HB1 ALA A   6      22.800   1.000   0.000\n"); /* hydrogen */
    strcat (text, "ATOM      9  CA  ALA B   7     500.000   0.000   0.000\n"); /* another chain */
    pdb = read_text (text, &err);
    assert_non_null (pdb);
    assert_int_equal (pdb->residues, 6);
    assert_int_equal (pdb->n_atoms, 6);
    assert_true (fabs (pdb->calpha[15] - 22.8) < 1e-9);
    ddmd_pdb_destroy (pdb);
}

static void pdb_the_protein (void **state)
{
    struct ddmd_go_model *model = load_model ();

    (void)state;
    assert_int_equal (model->n, N);
    assert_true (fabs (model->native[0] + 8.793)
                 < 1e-9); /* x of the first Calpha, line 2 of the file */
    assert_true (fabs (model->native[3 * N - 1] + 5.550) < 1e-9); /* z of the last */
    assert_int_equal (model->n_contacts, 38);
    assert_true (ddmd_go_model_native_share (model, model->native) == 1);
    ddmd_go_model_destroy (model);
    ddmd_go_model_destroy (NULL);
}

static void extended_chain (void **state)
{
    struct ddmd_go_model *model = load_model ();
    double x[3 * N];

    (void)state;
    ddmd_go_model_extended (model, x);
    for (size_t i = 0; i + 1 < N; i++)
        assert_true (fabs (hypot (x[i + 1] - x[i], x[N + i + 1] - x[N + i]) - model->bond[i])
                     < 1e-9);
    assert_true (x[N - 1] - x[0] > 80);
    assert_true (ddmd_go_model_native_share (model, x) == 0);
    assert_true (ddmd_kabsch_rmsd (N, x, model->native) > 15);
    ddmd_go_model_destroy (model);
}

/* b = R a + t, with R a rotation about (axis) by angle: Rodrigues' formula. */
static void rotate (size_t n, const double *a, const double axis[3], double angle, double *b)
{
    double c = cos (angle), s = sin (angle);

    for (size_t i = 0; i < n; i++) {
        double p[3] = { a[i], a[n + i], a[2 * n + i] };
        double dot = axis[0] * p[0] + axis[1] * p[1] + axis[2] * p[2];

        for (size_t k = 0; k < 3; k++) {
            size_t k1 = (k + 1) % 3, k2 = (k + 2) % 3;
            double cross = axis[k1] * p[k2] - axis[k2] * p[k1];

            b[k * n + i] = c * p[k] + s * cross + (1 - c) * dot * axis[k] + 10 * (double)(k + 1);
        }
    }
}

static void kabsch_rotation (void **state)
{
    struct ddmd_go_model *model = load_model ();
    const double axis[3] = { 2.0 / 7, 3.0 / 7, 6.0 / 7 };
    double extended[3 * N], b[3 * N];

    (void)state;
    ddmd_go_model_extended (model, extended); /* flat: the least singular value is 0 */
    for (int turn = 0; turn < 10; turn++) {
        double angle = 0.7 * turn, x[3 * N];

        rotate (N, model->native, axis, angle, b);
        assert_true (ddmd_kabsch_rmsd (N, model->native, b) < 1e-6);
        rotate (N, extended, axis, angle, b);
        assert_true (ddmd_kabsch_rmsd (N, extended, b) < 1e-5);
        /* a shift of one point of n by d costs d sqrt (1 / n) at most, and all but that for small d
         */
        rotate (N, model->native, axis, angle, x);
        x[5] += 0.01;
        assert_true (fabs (ddmd_kabsch_rmsd (N, model->native, x) - 0.01 / sqrt (N)) < 2e-4);
    }
    ddmd_go_model_destroy (model);
}

static double plain_deviation (size_t n, const double *a, const double *b)
{
    double sum = 0;

    for (size_t i = 0; i < 3 * n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt (sum / (double)n);
}

/* Four points of a corner with legs 1, 2, 3, around their centre, and their mirror image: no
 * rotation brings these together. The least deviation is compared with the best of many random
 * rotations.
 */
static void kabsch_reflection (void **state)
{
    double a[12] = { 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3 };
    double mirrored[12], turned[12];
    double best = 99, rmsd;

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        double centre = (a[4 * k] + a[4 * k + 1] + a[4 * k + 2] + a[4 * k + 3]) / 4;

        for (size_t i = 0; i < 4; i++)
            a[4 * k + i] -= centre;
    }
    memcpy (mirrored, a, sizeof (a));
    for (size_t i = 0; i < 4; i++)
        mirrored[i] = -a[i];
    rmsd = ddmd_kabsch_rmsd (4, a, mirrored);
    for (uint64_t trial = 0; trial < 100000; trial++) {
        double axis[4], length;

        ddmd_philox_normal (3, trial, DDMD_PHILOX_NOISE, axis, 4);
        length = sqrt (axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]);
        for (int k = 0; k < 3; k++)
            axis[k] /= length;
        rotate (4, mirrored, axis, axis[3] * 3, turned);
        for (size_t k = 0; k < 3; k++) {
            for (size_t i = 0; i < 4; i++)
                turned[4 * k + i] -= 10 * (double)(k + 1);
        }
        best = fmin (best, plain_deviation (4, a, turned));
    }
    assert_true (rmsd > 0.3);
    assert_true (rmsd <= best + 1e-9);
    assert_true (best < rmsd * 1.03);
    /* a flat figure's mirror image is a rotation of it */
    memset (a + 8, 0, 4 * sizeof (double));
    memcpy (mirrored, a, sizeof (a));
    for (size_t i = 0; i < 4; i++)
        mirrored[i] = -a[i];
    assert_true (ddmd_kabsch_rmsd (4, a, mirrored) < 1e-6);
}

static void contact_maps (void **state)
{
    double x[12] = {
        0, 7.9, 16.0, 24.1, 0, 0, 0, 0, 0, 0, 0, 0
    }; /* 8.1 and 8.1 apart at the end */
    static const float expected[16] = { 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    uint8_t map[DDMD_CONTACT_BYTES (4) + 1];
    ddmd_real pixels[16];

    (void)state;
    map[sizeof (map) - 1] = 0xAA;
    ddmd_contact_map (4, x, map);
    assert_int_equal (map[sizeof (map) - 1], 0xAA);
    ddmd_contact_map_unpack (4, map, pixels);
    for (size_t i = 0; i < 16; i++)
        assert_true (pixels[i] == expected[i]);
}

/* The known answers that come with the algorithm's reference implementation (all zeros, all ones,
 * digits of pi).
 */
static void philox_known_answers (void **state)
{
    static const struct {
        uint64_t key;
        uint32_t in[4], out[4];
    } table[] = {
        { 0, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { UINT64_MAX,
          { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { 0x299f31d0a4093822,
          { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        uint32_t out[4];

        ddmd_philox (table[i].key, table[i].in, out);
        assert_memory_equal (out, table[i].out, sizeof (out));
    }
}

static void normal_numbers (void **state)
{
    double sum = 0, square = 0, fourth = 0;
    enum { COUNT = 100000 };
    double x[10], y[7];

    (void)state;
    for (uint64_t step = 0; step < COUNT / 10; step++) {
        ddmd_philox_normal (7, step, DDMD_PHILOX_NOISE, x, 10);
        for (int i = 0; i < 10; i++) {
            sum += x[i];
            square += x[i] * x[i];
            fourth += x[i] * x[i] * x[i] * x[i];
        }
    }
    /* moments 0, 1, 3; bounds are five standard errors: sqrt (1, 2, 96 / count) */
    assert_true (fabs (sum / COUNT) < 5 * sqrt (1.0 / COUNT));
    assert_true (fabs (square / COUNT - 1) < 5 * sqrt (2.0 / COUNT));
    assert_true (fabs (fourth / COUNT - 3) < 5 * sqrt (96.0 / COUNT));
    ddmd_philox_normal (7, COUNT / 10 - 1, DDMD_PHILOX_NOISE, y, 7);
    assert_memory_equal (x, y, sizeof (y));
    ddmd_philox_normal (7, COUNT / 10 - 1, DDMD_PHILOX_LATENT, y, 7);
    assert_memory_not_equal (x, y, sizeof (y));
    assert_true (ddmd_philox_key (1, 0, 1) != ddmd_philox_key (1, 1, 0));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (pdb_wrong_files),      cmocka_unit_test (pdb_too_many_or_none),
        cmocka_unit_test (pdb_what_counts),      cmocka_unit_test (pdb_the_protein),
        cmocka_unit_test (extended_chain),       cmocka_unit_test (kabsch_rotation),
        cmocka_unit_test (kabsch_reflection),    cmocka_unit_test (contact_maps),
        cmocka_unit_test (philox_known_answers), cmocka_unit_test (normal_numbers),
    };

    return cmocka_run_group_tests_name ("ddmd-structure", tests, NULL, NULL);
}
