/* SPDX-License-Identifier: Apache-2.0 */

#include "work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/async-workflow.h"
#include "rundir.h"
#include "vae_file.h"

static double wall_clock (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static int do_once (const struct ddmd_program *program,
                    const struct ddmd_work *work,
                    struct aw_error *err)
{
    const char *task = getenv ("ASYNC_WORKFLOW_TASK");
    double from;

    if (work->load && work->load (err) < 0)
        return -1;
    from = wall_clock ();
    if (work->compute (err) < 0)
        return -1;
    printf ("%s: computed from %.6f to %.6f\n", task ? task : program->name, from, wall_clock ());
    return 0;
}

/* Answer all calls. One that fails does not end the worker. */
static int answer_calls (const struct ddmd_program *program,
                         const struct ddmd_work *work,
                         uint64_t *iteration,
                         struct aw_error *err)
{
    struct aw_call call;
    int rc;

    while ((rc = aw_worker_next (&call)) > 0) {
        *iteration = call.index;
        rc = do_once (program, work, err);
        if (aw_worker_done (rc < 0, NULL, rc < 0 ? err->text : NULL) < 0)
            break;
    }
    return rc == 0 ? 0 : aw_error_set (err, "calls of a workflow: %s", strerror (errno));
}

int ddmd_work_run (const struct ddmd_program *program,
                   const struct ddmd_work *work,
                   bool worker,
                   uint64_t *iteration)
{
    struct aw_error err = { "" };
    int rc = worker ? answer_calls (program, work, iteration, &err) : do_once (program, work, &err);

    return ddmd_program_end (program, rc < 0 ? 1 : 0, &err);
}

void ddmd_network_set (struct ddmd_network *network, struct ddmd_vae *vae)
{
    ddmd_vae_destroy (network->vae);
    *network = (struct ddmd_network){ vae, UINT32_MAX };
}

int ddmd_network_load (struct ddmd_network *network,
                       const struct ddmd_backend *backend,
                       const char *directory,
                       uint32_t end,
                       size_t batch,
                       struct aw_error *err)
{
    char path[DDMD_PATH_MAX];
    uint32_t newest, parts;
    int rc = ddmd_rundir_newest (directory, DDMD_NETWORK, 0, end, &newest, &parts, err);

    if (rc <= 0 || (network->vae && network->iteration == newest))
        return rc;
    ddmd_network_set (network, NULL);
    if (ddmd_rundir_path (directory, DDMD_NETWORK, newest, 0, path, err) < 0)
        return -1;
    network->vae = ddmd_vae_read (backend, path, batch, err);
    network->iteration = newest;
    return network->vae ? 1 : -1;
}
