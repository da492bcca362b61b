/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes belong to tasks is known by their marks. A process that has only the token of
 * tasks, say in a shell that was opened to look at one, may send as well.
 */
#include "agent/look.h"

#include <string.h>
#include <unistd.h>

#include "agent/agent_state.h"
#include "util/hash.h"
#include "util/process_wait.h"

/* Looks that must find the same. A process that waits for its children may start the next one
 * after the list was read, when the one in the list has ended: both would be missed. Then it has
 * run, which a later look sees; the child that ends during the second look is seen by the third. */
enum { LOOKS = 3 };

/* Does the process only wait? *SEEN becomes a hash of what was seen of this and of those before. */
static bool only_waits (const struct aw_agent *agent, pid_t pid, uint64_t *seen)
{
    uint64_t has[] = { (uint64_t)pid, 0 };
    bool waits = aw_process_only_waits (pid, aw_messages_waiting (agent->messages, pid), &has[1]);

    if (has[1] > 0)
        *seen = aw_hash64 (*seen, has, sizeof (has));
    return waits;
}

/* Has ATTEMPT a process with its mark? One that waits for the end of another needs none. */
static bool is_marked (const struct aw_agent_attempt *attempt)
{
    return attempt->state == AW_ATTEMPT_ASSIGNED
           || (attempt->pid && aw_process_mark_of (attempt->pid) == attempt->mark);
}

/* Where processes cannot be marked, those that a task has started are not all known. */
static bool all_marked (const struct aw_agent *agent)
{
    const struct aw_agent_attempt *attempt = agent->attempts.first;

    while (attempt && is_marked (attempt))
        attempt = attempt->next;
    return !attempt;
}

/* Does the process only wait, if it belongs to the agent's own tasks? A service that has never sent
 * anything is expected not to do so. */
static bool look_at (const struct aw_agent *agent, pid_t pid, uint64_t *seen)
{
    uint64_t mark = aw_process_mark_of (pid);
    struct aw_agent_attempt *attempt = NULL;
    bool marked;

    if (aw_workers_keep (agent, getsid (pid), mark))
        return true; /* an idle worker */
    marked = mark && aw_attempts_by_mark (&agent->attempts, mark, &attempt);
    if (attempt && attempt->service && !attempt->sends)
        return true;
    return !(marked
             || aw_process_may_have (pid, AW_PACKET_TOKEN, aw_messages_token (agent->messages)))
           || only_waits (agent, pid, seen);
}

/* Several nodes may share a machine, and a step runs on each of them: PID may be another node's. */
static bool is_elsewhere (const struct aw_agent *agent, pid_t pid)
{
    char socket[128];

    return aw_process_variable (pid, AW_PACKET_SOCKET, socket, sizeof (socket))
           && strcmp (socket, aw_messages_socket (agent->messages)) != 0;
}

/* Do all processes with the MARK of a job step only wait? Without one its ranks may be about to
 * start. */
static bool look_at_step (const struct aw_agent *agent, uint64_t mark, uint64_t *seen)
{
    const struct aw_processes *processes = &agent->processes;
    bool waits = true, any = false;

    for (size_t i = 0; waits && i < processes->n; i++) {
        pid_t pid = processes->pids[i];

        if (aw_process_mark_of (pid) != mark || is_elsewhere (agent, pid))
            continue;
        any = true;
        waits = only_waits (agent, pid, seen);
    }
    return waits && any;
}

static bool look (struct aw_agent *agent, uint64_t *seen)
{
    struct aw_processes *processes = &agent->processes;
    bool waits = all_marked (agent) && aw_processes_read (processes) == 0;
    uint64_t mark;
    size_t cursor = 0;

    *seen = AW_HASH64_BASIS;
    for (size_t i = 0; waits && i < processes->n; i++)
        waits = look_at (agent, processes->pids[i], seen);
    while (waits && (mark = aw_messages_next_step (agent->messages, &cursor)))
        waits = look_at_step (agent, mark, seen);
    return waits;
}

bool aw_agent_only_waits (struct aw_agent *agent)
{
    uint64_t first, seen;

    if (!look (agent, &first))
        return false;
    for (int i = 1; i < LOOKS; i++)
        if (!look (agent, &seen) || seen != first)
            return false;
    return true;
}
