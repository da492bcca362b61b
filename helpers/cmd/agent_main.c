/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow-agent: the agent as a program. The pool step starts one on each node; users do not
 * call it.
 */
#include "config.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/supervisor.h"
#include "agent/node.h"
#include "agent/staging/scratch.h"
#include "io/wire/auth.h"
#include "util/descriptors.h"

struct arguments {
    char *hosts;
    uint16_t port;
};

static const struct argp_option options[] = {
    { "coordinator", 'c', "HOST[,HOST...]:PORT", 0,
      "address of the coordinator; hosts are tried in turn", 0 },
    { "munge-socket", 'm', "FILE", 0, "socket of munged, if it is not the usual one", 0 },
    { 0 },
};

/* HOST:PORT. An IPv6 address contains colons, so the port follows the last one. */
static int split_address (char *text, struct arguments *arguments)
{
    char *colon = strrchr (text, ':');
    unsigned long port;
    char *end;

    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return -1;
    port = strtoul (colon + 1, &end, 10);
    if (*end || port == 0 || port > UINT16_MAX)
        return -1;
    *colon = '\0';
    arguments->hosts = text;
    arguments->port = (uint16_t)port;
    return 0;
}

static error_t parse_option (int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        if (split_address (value, arguments) < 0)
            argp_error (state, "--coordinator: \"%s\" is not HOST[,HOST...]:PORT", value);
        return 0;
    case 'm':
        setenv (AW_AUTH_SOCKET, value, 1);
        return 0;
    case ARGP_KEY_ARG:
        argp_error (state, "unexpected argument \"%s\"", value);
        return 0;
    case ARGP_KEY_END:
        if (!arguments->hosts)
            argp_error (state,
                        "--coordinator is missing: this program is started by async-workflow");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse_option,
    NULL,
    "Runs tasks on its node for async-workflow, which starts one on each node of the pool.",
    NULL,
    NULL,
    NULL,
};

/* Prints one line with the node's name, because there may be many agents. */
static int complain (const char *node, const struct aw_error *err)
{
    fprintf (stderr, "async-workflow-agent: %s: %s\n", node, err->text);
    return EXIT_FAILURE;
}

int main (int argc, char **argv)
{
    struct arguments arguments = { 0 };
    struct aw_agent_config config = { .fd = -1 };
    const char *job = getenv ("SLURM_JOB_ID");
    const char *node = getenv ("SLURMD_NODENAME");
    char host[256] = "unknown";
    struct aw_error err;
    int status = EXIT_SUCCESS;

    if (aw_open_standard () < 0)
        return EXIT_FAILURE;
    argp_program_version = PACKAGE_STRING;
    argp_err_exit_status = 2;
    argp_parse (&parser, argc, argv, 0, NULL, &arguments);
    gethostname (host, sizeof (host) - 1);
    config.hosts = arguments.hosts;
    config.port = arguments.port;
    config.job = job ? job : "";
    config.node = node && *node ? node : host;
    if (aw_scratch_configure (&config.scratch, config.node, &err) < 0
        || aw_supervisor_start (config.scratch.path, &err) < 0)
        return complain (config.node, &err);
    if (aw_node_discover (&config, environ, &err) < 0)
        return complain (config.node, &err);
    if (aw_agent_run (&config, &err) < 0)
        status = complain (config.node, &err);
    aw_node_finish (&config);
    return status;
}
