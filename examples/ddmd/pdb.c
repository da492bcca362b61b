/* SPDX-License-Identifier: Apache-2.0 */

/* A reader for the ATOM records of one chain. The file may be hostile: line
 * lengths, numbers and counts are checked before use, and what does not parse ends the reading with
 * the line's number.
 */

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pdb.h"

#define ATOMS_MAX (DDMD_RESIDUES_MAX * 32)
#define RESIDUES_MIN 5
#define BOND_MIN 2.5
#define BOND_MAX 4.5

struct reader {
    const char *path;
    unsigned int line;
    char chain;
    char residue_id[6]; /* number and insertion code of the residue being read */
    bool have_calpha[DDMD_RESIDUES_MAX];
    struct ddmd_pdb *pdb;
    struct aw_error *err;
};

/* Columns first..last (counted from 1, as in the format's description) as a finite number. */
static int parse_column (const char *line, int first, int last, double *value)
{
    char field[16];
    char *end;
    size_t length = (size_t)(last - first + 1);

    memcpy (field, line + first - 1, length);
    field[length] = '\0';
    *value = strtod (field, &end);
    if (end == field || !isfinite (*value))
        return -1;
    return end[strspn (end, " ")] == '\0' ? 0 : -1;
}

static bool atom_is_hydrogen (const char *line)
{
    const char *name = line + 12;

    /* The name's second column holds the element of one-letter elements; "1HB " and "HG21" are
     * hydrogens too.
     */
    return name[1] == 'H' || name[0] == 'H' || name[1] == 'D';
}

static int begin_residue (struct reader *r, const char *line)
{
    if (r->pdb->residues == DDMD_RESIDUES_MAX)
        return aw_error_set (r->err, "%s: line %u: more than %d residues: give a smaller protein",
                             r->path, r->line, DDMD_RESIDUES_MAX);
    memcpy (r->residue_id, line + 22, 5);
    r->pdb->residues++;
    return 0;
}

static int read_atom (struct reader *r, const char *line)
{
    struct ddmd_pdb *pdb = r->pdb;
    struct ddmd_atom *atom;

    if (atom_is_hydrogen (line) || (line[16] != ' ' && line[16] != 'A' && line[16] != '1'))
        return 0;
    if ((pdb->residues == 0 || memcmp (r->residue_id, line + 22, 5) != 0)
        && begin_residue (r, line) < 0)
        return -1;
    if (pdb->n_atoms == ATOMS_MAX)
        return aw_error_set (r->err, "%s: line %u: more than %d atoms", r->path, r->line,
                             ATOMS_MAX);
    atom = &pdb->atoms[pdb->n_atoms];
    atom->residue = pdb->residues - 1;
    for (int c = 0; c < 3; c++) {
        if (parse_column (line, 31 + 8 * c, 38 + 8 * c, &atom->r[c]) < 0)
            return aw_error_set (r->err, "%s: line %u: columns %d to %d: not a coordinate", r->path,
                                 r->line, 31 + 8 * c, 38 + 8 * c);
    }
    pdb->n_atoms++;
    if (memcmp (line + 12, " CA ", 4) == 0 && !r->have_calpha[atom->residue]) {
        memcpy (&pdb->calpha[3 * atom->residue], atom->r, sizeof (atom->r));
        r->have_calpha[atom->residue] = true;
    }
    return 0;
}

/* 1 at the end of what counts (ENDMDL, or another chain begins). */
static int read_line (struct reader *r, const char *line, size_t length)
{
    if (strncmp (line, "ENDMDL", 6) == 0)
        return 1;
    if (strncmp (line, "ATOM  ", 6) != 0)
        return 0;
    if (length < 54)
        return aw_error_set (r->err,
                             "%s: line %u: an ATOM record of %zu columns, at least 54 are needed",
                             r->path, r->line, length);
    if (r->pdb->n_atoms > 0 && line[21] != r->chain)
        return 1;
    r->chain = line[21];
    return read_atom (r, line);
}

static int check_chain (const struct reader *r)
{
    const struct ddmd_pdb *pdb = r->pdb;

    if (pdb->residues < RESIDUES_MIN)
        return aw_error_set (r->err,
                             "%s: %zu residues found, at least %d are needed: is it a PDB file?",
                             r->path, pdb->residues, RESIDUES_MIN);
    for (size_t i = 0; i < pdb->residues; i++) {
        double d2 = 0;

        if (!r->have_calpha[i])
            return aw_error_set (r->err, "%s: residue %zu has no CA atom", r->path, i + 1);
        for (int c = 0; i > 0 && c < 3; c++)
            d2 += pow (pdb->calpha[3 * i + c] - pdb->calpha[3 * i - 3 + c], 2);
        if (i > 0 && (d2 < BOND_MIN * BOND_MIN || d2 > BOND_MAX * BOND_MAX))
            return aw_error_set (r->err,
                                 "%s: the chain is broken: %.2f angstrom between the CA atoms of"
                                 " residues %zu and %zu",
                                 r->path, sqrt (d2), i, i + 1);
    }
    return 0;
}

static int read_lines (struct reader *r, FILE *file)
{
    char line[128];
    int rc = 0;

    while (rc == 0 && fgets (line, sizeof (line), file)) {
        size_t length = strcspn (line, "\r\n");

        r->line++;
        if (length == sizeof (line) - 1)
            return aw_error_set (r->err,
                                 "%s: line %u: longer than %zu characters: is it a PDB file?",
                                 r->path, r->line, sizeof (line) - 2);
        line[length] = '\0';
        rc = read_line (r, line, length);
    }
    if (rc < 0)
        return -1;
    if (ferror (file))
        return aw_error_set (r->err, "%s: cannot read: %s", r->path, strerror (errno));
    return check_chain (r);
}

struct ddmd_pdb *ddmd_pdb_read (const char *path, struct aw_error *err)
{
    struct reader r = { .path = path, .err = err };
    FILE *file = fopen (path, "re");
    int rc;

    if (!file) {
        aw_error_set (err, "%s: %s: the Debian package mustang-testdata has one", path,
                      strerror (errno));
        return NULL;
    }
    r.pdb = calloc (1, sizeof (*r.pdb));
    if (r.pdb) {
        r.pdb->calpha = calloc (DDMD_RESIDUES_MAX * 3, sizeof (double));
        r.pdb->atoms = calloc (ATOMS_MAX, sizeof (*r.pdb->atoms));
    }
    if (!r.pdb || !r.pdb->calpha || !r.pdb->atoms)
        rc = aw_error_set (err, "%s: %s", path, strerror (ENOMEM));
    else
        rc = read_lines (&r, file);
    fclose (file);
    if (rc < 0) {
        ddmd_pdb_destroy (r.pdb);
        return NULL;
    }
    return r.pdb;
}

void ddmd_pdb_destroy (struct ddmd_pdb *pdb)
{
    int saved_errno = errno;

    if (pdb) {
        free (pdb->calpha);
        free (pdb->atoms);
        free (pdb);
    }
    errno = saved_errno;
}
