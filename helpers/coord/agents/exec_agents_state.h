/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the backend "agents", for its own files. */
#ifndef AW_COORD_AGENTS_EXEC_AGENTS_STATE_H
#define AW_COORD_AGENTS_EXEC_AGENTS_STATE_H

#include <sys/types.h>

#include <event2/event.h>

#include "coord/agents/agent_link.h"
#include "coord/agents/broadcast.h"
#include "io/wire/listener.h"
#include "coord/exec.h"
#include "coord/slurm/node_allocation.h"
#include "io/wire/link.h"
#include "util/names.h"

struct aw_exec_agents {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_frame_reader *reader;
    struct aw_listener *listener; /* NULL once all are there, and in local mode */
    uint16_t port;
    struct event *deadline;
    struct event *report; /* timer: tells how many are there; NULL once none is awaited */
    struct event *beat; /* timer: asks all for a sign of life; NULL: not wanted */
    double timeout; /* seconds without one after which a node is lost */
    double beaten; /* when it last went off */
    bool all_silent; /* then: all nodes were, for too long */
    double deadline_seconds;
    uint32_t n_nodes, min_nodes;
    struct aw_agent_link **agents; /* with hello; by number once complete. NULL: lost */
    uint32_t n_agents;
    struct aw_names names; /* of those that have sent their hello */
    const struct aw_slurm_job *job; /* NULL: the pool is what the agents see */
    const struct aw_error *line; /* the last of their step; NULL: not known */
    struct aw_node_allocation *allocations; /* by number, once complete */
    struct aw_names places; /* of the job's nodes, once complete */
    struct aw_agent_link **quiet; /* connected, hello not received yet */
    uint32_t n_quiet;
    uint32_t quiet_capacity;
    struct aw_broadcast broadcast; /* who copies from whom */
    bool awaits; /* agents are missing and may still come */
    bool complete; /* the pool has begun: min_nodes have been reported, or more */
    bool noted; /* a remark on a node has been reported */
    bool closing; /* shutdown was called, or it is broken */
    pid_t pid; /* of the forked agent; 0: none */
};

#endif /* AW_COORD_AGENTS_EXEC_AGENTS_STATE_H */
