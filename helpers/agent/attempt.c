/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/staging/stager.h"
#include "io/logs/log_tidy.h"

/* A mark is the agent's process id, then the number of the attempt. */
enum { NUMBER_BITS = 40 };

static uint64_t key_of (uint32_t task, uint32_t attempt)
{
    return (uint64_t)task << 32 | attempt;
}

struct aw_agent_attempt *aw_attempts_add (struct aw_attempts *attempts,
                                          uint32_t task,
                                          uint32_t attempt)
{
    struct aw_agent_attempt *new = attempts->ended ? attempts->ended : calloc (1, sizeof (*new));

    if (!new)
        return NULL;
    attempts->ended = new->next;
    memset (new, 0, sizeof (*new));
    aw_launch_init (&new->launch);
    new->task = task;
    new->attempt = attempt;
    new->mark = (uint64_t)getpid () << NUMBER_BITS | ++attempts->n;
    if (aw_table_set (&attempts->by_number, key_of (task, attempt), new) < 0) {
        new->next = attempts->ended;
        attempts->ended = new;
        errno = ENOMEM;
        return NULL;
    }
    new->next = attempts->first;
    new->link = &attempts->first;
    if (new->next)
        new->next->link = &new->next;
    attempts->first = new;
    return new;
}

struct aw_agent_attempt *aw_attempts_find (const struct aw_attempts *attempts,
                                           uint32_t task,
                                           uint32_t attempt)
{
    return aw_table_get (&attempts->by_number, key_of (task, attempt));
}

struct aw_agent_attempt *aw_attempts_by_pid (const struct aw_attempts *attempts, pid_t pid)
{
    return aw_table_get (&attempts->by_pid, (uint64_t)pid);
}

bool aw_attempts_by_mark (const struct aw_attempts *attempts,
                          uint64_t mark,
                          struct aw_agent_attempt **attempt)
{
    *attempt = attempts->first;
    while (*attempt && (*attempt)->mark != mark)
        *attempt = (*attempt)->next;
    return mark >> NUMBER_BITS == (uint64_t)getpid ();
}

void aw_attempts_assign (struct aw_attempts *attempts, struct aw_agent_attempt *attempt)
{
    if (!attempts->first_assigned)
        attempts->last_assigned = &attempts->first_assigned;
    attempt->state = AW_ATTEMPT_ASSIGNED;
    attempt->next_assigned = NULL;
    attempt->link_assigned = attempts->last_assigned;
    *attempts->last_assigned = attempt;
    attempts->last_assigned = &attempt->next_assigned;
    attempts->filled_to = ++attempts->n_assigned;
}

void aw_attempts_unassign (struct aw_attempts *attempts, struct aw_agent_attempt *attempt)
{
    if (attempt->state != AW_ATTEMPT_ASSIGNED)
        return;
    attempt->state = AW_ATTEMPT_ENDED;
    attempts->n_assigned--;
    *attempt->link_assigned = attempt->next_assigned;
    if (attempt->next_assigned)
        attempt->next_assigned->link_assigned = attempt->link_assigned;
    else
        attempts->last_assigned = attempt->link_assigned;
}

struct aw_agent_attempt *aw_attempts_assigned (const struct aw_attempts *attempts, uint32_t place)
{
    struct aw_agent_attempt *attempt = attempts->first_assigned;

    while (attempt && attempt->launch.place != place)
        attempt = attempt->next_assigned;
    return attempt;
}

int aw_attempts_set_pid (struct aw_attempts *attempts, struct aw_agent_attempt *attempt, pid_t pid)
{
    if (aw_table_set (&attempts->by_pid, (uint64_t)pid, attempt) < 0) {
        errno = ENOMEM;
        return -1;
    }
    attempt->pid = pid;
    return 0;
}

/* Its memory is for another one. */
static void recycle (struct aw_attempts *attempts, struct aw_agent_attempt *attempt)
{
    for (int i = 0; i < 2; i++)
        free (attempt->tidy[i]);
    attempt->next = attempts->ended;
    attempts->ended = attempt;
}

void aw_attempts_tidy (struct aw_attempts *attempts)
{
    struct aw_agent_attempt *attempt;

    while ((attempt = attempts->untidy)) {
        attempts->untidy = attempt->next;
        for (int i = 0; i < 2; i++)
            if (attempt->tidy[i])
                aw_log_remove_empty (attempt->tidy[i]);
        recycle (attempts, attempt);
    }
}

static void free_event (struct event **event)
{
    if (*event)
        event_free (*event);
    *event = NULL;
}

void aw_attempts_drop_pid (struct aw_attempts *attempts, struct aw_agent_attempt *attempt)
{
    if (attempt->pid)
        aw_table_remove (&attempts->by_pid, (uint64_t)attempt->pid);
    attempt->pid = 0;
    free_event (&attempt->timer);
    free_event (&attempt->notice);
    free_event (&attempt->serving.timer);
    free (attempt->serving.topic);
    attempt->serving.topic = NULL;
    aw_gpu_usage_end (&attempt->gpu_usage);
}

void aw_attempt_release_copies (struct aw_agent_attempt *attempt)
{
    aw_stager_release (attempt->out);
    aw_stager_release (attempt->in);
    attempt->in = attempt->out = NULL;
}

void aw_attempt_close_log (struct aw_agent_attempt *attempt)
{
    for (int i = 0; i < 2; i++) {
        if (attempt->log_to[i] > 0)
            close (attempt->log_to[i]);
        attempt->log_to[i] = 0;
    }
}

void aw_attempts_remove (struct aw_attempts *attempts, struct aw_agent_attempt *attempt)
{
    if (attempt->next)
        attempt->next->link = attempt->link;
    *attempt->link = attempt->next;
    aw_table_remove (&attempts->by_number, key_of (attempt->task, attempt->attempt));
    aw_attempts_unassign (attempts, attempt);
    aw_attempts_drop_pid (attempts, attempt);
    attempt->state = AW_ATTEMPT_ENDED;
    aw_attempt_release_copies (attempt);
    aw_launch_finish (&attempt->launch);
    aw_attempt_close_log (attempt);
    free (attempt->error);
    free (attempt->why_lost);
    if (attempt->tidy[0] || attempt->tidy[1]) {
        attempt->next = attempts->untidy;
        attempts->untidy = attempt;
    }
    else
        recycle (attempts, attempt);
}

void aw_attempts_finish (struct aw_attempts *attempts)
{
    struct aw_agent_attempt *attempt;

    aw_attempts_tidy (attempts);
    while (attempts->first)
        aw_attempts_remove (attempts, attempts->first);
    while ((attempt = attempts->untidy)) { /* these may still write */
        attempts->untidy = attempt->next;
        recycle (attempts, attempt);
    }
    while ((attempt = attempts->ended)) {
        attempts->ended = attempt->next;
        free (attempt);
    }
    aw_table_finish (&attempts->by_number);
    aw_table_finish (&attempts->by_pid);
}
