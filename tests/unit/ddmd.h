/* SPDX-License-Identifier: Apache-2.0 */

/* What the tests of the DeepDriveMD example share: cmocka, the protein, a scratch directory. */

#ifndef TEST_DDMD_H
#define TEST_DDMD_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ddmd/go_model.h"
#include "ddmd/pdb.h"

/* The model of the example's protein; the test fails if it cannot be made. */
static inline struct ddmd_go_model *load_model (void)
{
    struct aw_error err = { "" };
    struct ddmd_pdb *pdb = ddmd_pdb_read (DDMD_PDB, &err);
    struct ddmd_go_model *model;

    if (!pdb)
        fail_msg ("%s", err.text);
    model = ddmd_go_model_create (pdb, &err);
    assert_non_null (model);
    ddmd_pdb_destroy (pdb);
    return model;
}

/* A fresh directory, to be removed with remove_scratch. */
static inline char *make_scratch (void)
{
    const char *tmp = getenv ("TMPDIR");
    char *path = NULL;

    assert_true (asprintf (&path, "%s/t-ddmd.XXXXXX", tmp ? tmp : "/tmp") > 0);
    assert_non_null (mkdtemp (path));
    return path;
}

static inline void remove_scratch (char *path)
{
    char command[4096];

    snprintf (command, sizeof (command), "rm -rf '%s'", path);
    assert_int_equal (system (command), 0);
    free (path);
}

static inline void write_text (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");

    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
}

#endif /* !TEST_DDMD_H */
