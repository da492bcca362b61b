/* SPDX-License-Identifier: Apache-2.0 */
#include "model/degrees.h"

#include <errno.h>
#include <string.h>

#include "model/branches.h"
#include "model/closure.h"
#include "model/together.h"
#include "model/width.h"

static uint64_t less_one (uint64_t n)
{
    return n > 0 ? n - 1 : 0;
}

/* CLOSURE NULL: too many instances for one. */
static int fill (struct aw_degrees *d,
                 const struct aw_graph *graph,
                 const struct aw_closure *closure,
                 const struct aw_branches *branches,
                 const struct aw_allocation *allocation)
{
    int64_t width = closure ? aw_width (closure) : aw_width_bound (graph);
    struct aw_together together;

    if (width < 0)
        return -1;
    if (aw_together (graph, closure, branches, allocation, branches->n, &together) < 0)
        return -1;
    d->branches = branches->n;
    d->doa_dep = less_one (branches->n);
    d->doa_res = less_one (together.n);
    d->doa_res_most = less_one (together.most);
    d->doa_res_is_bound = together.is_bound;
    d->wla = d->doa_dep < d->doa_res ? d->doa_dep : d->doa_res;
    d->width = (uint64_t)width;
    d->width_is_bound = !closure;
    d->stages = graph->n_ranks;
    return 0;
}

int aw_degrees (const struct aw_graph *graph,
                const struct aw_allocation *allocation,
                struct aw_degrees *degrees,
                struct aw_error *err)
{
    struct aw_closure closure = { 0 };
    struct aw_branches branches = { 0 };
    int rc;

    memset (degrees, 0, sizeof (*degrees));
    if (!graph || graph->n_tasks == 0 || !allocation || allocation->n_nodes == 0) {
        errno = EINVAL;
        return aw_error_set (err, "the degrees need a finalized graph and an allocation");
    }
    rc = aw_closure_init (&closure, graph);
    if (rc == 0 || errno == E2BIG) {
        bool whole = rc == 0;

        rc = aw_branches_init (&branches, graph);
        if (rc == 0)
            rc = fill (degrees, graph, whole ? &closure : NULL, &branches, allocation);
    }
    aw_closure_finish (&closure);
    aw_branches_finish (&branches);
    return rc < 0 ? aw_error_set (err, "out of memory for the degrees of asynchronicity") : 0;
}
