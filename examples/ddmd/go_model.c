/* SPDX-License-Identifier: Apache-2.0 */

/* From a structure to the parameters of the model; the forces themselves are the backend's. */

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "go_model.h"
#include "vector.h"

static void measure_chain (struct ddmd_go_model *m)
{
    size_t n = m->n;
    double b[DDMD_RESIDUES_MAX][3];

    for (size_t i = 0; i + 1 < n; i++) {
        ddmd_vector_between (m->native, n, i, i + 1, b[i]);
        m->bond[i] = ddmd_vector_length (b[i]);
    }
    for (size_t i = 0; i + 2 < n; i++)
        m->angle[i] = acos (-ddmd_vector_dot (b[i], b[i + 1]) / (m->bond[i] * m->bond[i + 1]));
    for (size_t i = 0; i + 3 < n; i++) {
        double p[3], q[3];
        double phi;

        ddmd_vector_cross (b[i], b[i + 1], p);
        ddmd_vector_cross (b[i + 1], b[i + 2], q);
        phi = atan2 (m->bond[i + 1] * ddmd_vector_dot (b[i], q), ddmd_vector_dot (p, q));
        m->cos_phi[i] = cos (phi);
        m->sin_phi[i] = sin (phi);
    }
}

static void find_contacts (const struct ddmd_pdb *pdb, bool *contact)
{
    for (size_t a = 0; a < pdb->n_atoms; a++) {
        for (size_t b = a + 1; b < pdb->n_atoms; b++) {
            const struct ddmd_atom *p = &pdb->atoms[a];
            const struct ddmd_atom *q = &pdb->atoms[b];
            double d2 = 0;

            for (int c = 0; c < 3; c++)
                d2 += (p->r[c] - q->r[c]) * (p->r[c] - q->r[c]);
            if (q->residue >= p->residue + DDMD_PAIR_MIN
                && d2 < DDMD_NATIVE_CUTOFF * DDMD_NATIVE_CUTOFF)
                contact[p->residue * pdb->residues + q->residue] = true;
        }
    }
}

static void set_pairs (struct ddmd_go_model *m, const bool *contact)
{
    for (size_t i = 0; i < m->n; i++) {
        for (size_t j = i + DDMD_PAIR_MIN; j < m->n; j++) {
            size_t k = i * m->n + j;
            double d[3];

            if (contact[k]) {
                ddmd_vector_between (m->native, m->n, i, j, d);
                m->sigma2[k] = ddmd_vector_dot (d, d);
                m->repulsive[k] = 5.0;
                m->attractive[k] = 6.0;
                m->n_contacts++;
            }
            else {
                m->sigma2[k] = DDMD_SIGMA_REPULSIVE * DDMD_SIGMA_REPULSIVE;
                m->repulsive[k] = 1.0;
            }
        }
    }
}

static bool allocate (struct ddmd_go_model *m)
{
    size_t n = m->n;

    m->native = calloc (3 * n, sizeof (double));
    m->bond = calloc (n, sizeof (double));
    m->angle = calloc (n, sizeof (double));
    m->cos_phi = calloc (n, sizeof (double));
    m->sin_phi = calloc (n, sizeof (double));
    m->sigma2 = calloc (n * n, sizeof (double));
    m->repulsive = calloc (n * n, sizeof (double));
    m->attractive = calloc (n * n, sizeof (double));
    return m->native && m->bond && m->angle && m->cos_phi && m->sin_phi && m->sigma2 && m->repulsive
           && m->attractive;
}

struct ddmd_go_model *ddmd_go_model_create (const struct ddmd_pdb *pdb, struct aw_error *err)
{
    struct ddmd_go_model *m = calloc (1, sizeof (*m));
    bool *contact = calloc (pdb->residues * pdb->residues, sizeof (*contact));

    if (m)
        m->n = pdb->residues;
    if (!m || !contact || !allocate (m)) {
        aw_error_set (err, "the protein's model: %s", strerror (ENOMEM));
        ddmd_go_model_destroy (m);
        free (contact);
        return NULL;
    }
    for (size_t i = 0; i < m->n; i++) {
        for (size_t c = 0; c < 3; c++)
            m->native[c * m->n + i] = pdb->calpha[3 * i + c];
    }
    measure_chain (m);
    find_contacts (pdb, contact);
    set_pairs (m, contact);
    free (contact);
    return m;
}

void ddmd_go_model_destroy (struct ddmd_go_model *model)
{
    int saved_errno = errno;

    if (model) {
        free (model->native);
        free (model->bond);
        free (model->angle);
        free (model->cos_phi);
        free (model->sin_phi);
        free (model->sigma2);
        free (model->repulsive);
        free (model->attractive);
        free (model);
    }
    errno = saved_errno;
}

double ddmd_go_model_native_share (const struct ddmd_go_model *model, const double *x)
{
    size_t made = 0;

    for (size_t i = 0; i < model->n; i++) {
        for (size_t j = i + DDMD_PAIR_MIN; j < model->n; j++) {
            size_t k = i * model->n + j;
            double d[3];

            ddmd_vector_between (x, model->n, i, j, d);
            if (model->attractive[k] > 0 && ddmd_vector_dot (d, d) < 1.44 * model->sigma2[k])
                made++;
        }
    }
    return model->n_contacts > 0 ? (double)made / (double)model->n_contacts : 0;
}

void ddmd_go_model_extended (const struct ddmd_go_model *model, double *x)
{
    size_t n = model->n;

    memset (x, 0, 3 * n * sizeof (double));
    for (size_t i = 1; i < n; i++) {
        x[i] = x[i - 1] + model->bond[i - 1] * sqrt (0.75);
        x[n + i] = x[n + i - 1] + model->bond[i - 1] * (i % 2 == 1 ? 0.5 : -0.5);
    }
}
