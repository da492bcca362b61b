/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/local.h"

#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/node.h"
#include "agent/staging/scratch.h"
#include "agent/supervisor.h"

int aw_agent_serve_local (int fd, void *local)
{
    const struct aw_agent_local *what = local;
    const struct aw_idset none = { 0 };
    struct aw_agent_config config = { .fd = fd, .job = "" };
    char host[256] = "localhost";
    struct aw_error err;
    int rc;

    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    config.node = host;
    rc = aw_node_local (&config, what->cpus ? what->cpus : &none, what->gpus ? what->gpus : &none,
                        &err);
    if (rc == 0)
        rc = aw_scratch_configure (&config.scratch, host, &err);
    if (rc == 0)
        rc = aw_supervisor_start (config.scratch.path, &err);
    if (rc == 0)
        rc = aw_agent_run (&config, &err);
    if (rc < 0) {
        aw_error_prefix (&err, "agent");
        aw_error_print (&err);
    }
    aw_node_finish (&config);
    return rc < 0;
}
