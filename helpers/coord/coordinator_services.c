/* SPDX-License-Identifier: Apache-2.0 */
/* Where services listen, and how the tasks that use them find them. */
#include "coord/coordinator_state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coord/task_launch.h"
#include "util/array.h"

/* Ports to choose from: those that no kernel gives to connections by default. */
enum { FIRST_PORT = 15000, LAST_PORT = 32000, TRIES = 64 };

void aw_coordinator_keep_host (struct aw_coordinator *c, const struct aw_event *node)
{
    size_t n = c->n_hosts;

    if (node->node < n || aw_array_reserve (&c->hosts, &c->host_room, node->node + (size_t)1) < 0)
        return; /* its name will do */
    for (; c->n_hosts <= node->node; c->n_hosts++)
        c->hosts[c->n_hosts] = NULL;
    c->hosts[node->node] = node->host ? strdup (node->host) : NULL;
}

void aw_coordinator_drop_hosts (struct aw_coordinator *c)
{
    for (size_t i = 0; i < c->n_hosts; i++)
        free (c->hosts[i]);
    free (c->hosts);
    c->hosts = NULL;
    c->n_hosts = c->host_room = 0;
}

static const char *host_of (const struct aw_coordinator *c, uint32_t node)
{
    const char *host = node < c->n_hosts ? c->hosts[node] : NULL;

    return host ? host : aw_sched_pool (c->sched)->nodes[node].name;
}

/* Is the port free on this machine? The service's node is another, perhaps, where it is likely to
 * be. */
static bool is_free (uint32_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t)port) };
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    bool is = fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof (one)) == 0
              && bind (fd, (struct sockaddr *)&address, sizeof (address)) == 0;

    if (fd >= 0)
        close (fd);
    return is;
}

/* Another one for each attempt in each run on a node. */
static uint32_t choose_port (const struct aw_event *start)
{
    uint32_t port = 0, seed = (uint32_t)getpid () * 7919 + start->task * 101 + start->attempt * 13;

    for (uint32_t i = 0; i < TRIES; i++) {
        port = FIRST_PORT + (seed + i * 17) % (LAST_PORT - FIRST_PORT);
        if (is_free (port))
            break;
    }
    return port;
}

uint32_t aw_coordinator_service_port (const struct aw_coordinator *c, const struct aw_event *start)
{
    struct aw_task at = aw_graph_task (c->config.workflow->graph, start->task);
    uint32_t port = c->config.workflow->recipes[at.set].service.port;

    if (!c->config.workflow->graph->sets[at.set].service || port == AW_NO_PORT)
        return 0;
    return port ? port : choose_port (start);
}

uint32_t aw_coordinator_services (const struct aw_coordinator *c,
                                  const struct aw_event *start,
                                  struct aw_task_service *services,
                                  uint32_t room)
{
    const struct aw_graph *graph = c->config.workflow->graph;
    struct aw_task at = aw_graph_task (graph, start->task);
    const struct aw_set *set = &graph->sets[at.set];
    uint32_t n = 0;

    for (uint32_t e = 0; set->served && e < set->n_after && n < room; e++) {
        uint32_t used = set->after[e].set, node, port;
        uint32_t it = used < graph->n_iterated ? at.iteration : 0;

        if (!graph->sets[used].service
            || !aw_sched_service_at (c->sched, aw_graph_first_task (graph, it, used), &node, &port))
            continue;
        services[n++] = (struct aw_task_service){
            .set = graph->sets[used].name,
            .host = node == start->node && start->n_more == 0 ? "localhost" : host_of (c, node),
            .port = port,
        };
    }
    return n;
}
