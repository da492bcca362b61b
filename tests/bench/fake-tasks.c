/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fake-tasks.h"

#include <stdlib.h>
#include <string.h>

#include "io/message_frame.h"

uint64_t fake_tick_of (double t)
{
    return (uint64_t)(t * 1000 / FAKE_TICK_MS) + 1;
}

/* The unsigned number after KEY in the line; UINT32_MAX: it is not there. */
static uint32_t number_after (const char *line, size_t size, const char *key)
{
    const char *at = memmem (line, size, key, strlen (key));

    return at ? (uint32_t)strtoul (at + strlen (key), NULL, 10) : UINT32_MAX;
}

/* A message of the task to a topic, and a question whether it is written: one at a time, from the
 * first node. */
static void probe (struct fake_process *p, const struct fake_task *task, double t)
{
    struct aw_packet packet = { .kind = AW_PACKET_PUBLISH,
                                .conn = ++p->probe,
                                .task = task->id,
                                .attempt = task->attempt,
                                .topic = aw_piece_of ("probe"),
                                .data = aw_piece_of ("x") };

    aw_message_frame_put (&task->node->out, &packet, false);
    packet.kind = AW_PACKET_SYNC;
    packet.number = p->probe;
    packet.topic = packet.data = (struct aw_piece){ 0 };
    aw_message_frame_put (&task->node->out, &packet, false);
    fake_touch (p, task->node);
    p->probed = t;
    p->prober = task->node;
}

void fake_take_message (struct fake_process *p,
                        struct fake_node *node,
                        const char *line,
                        size_t size)
{
    struct aw_packet packet, bye = { .kind = AW_PACKET_CLOSE };

    if (aw_message_frame_read (&packet, line, size, NULL) < 0 || packet.kind != AW_PACKET_DONE
        || node != p->prober || p->probed == 0)
        return;
    fake_bins_add (&p->part->acknowledged, fake_now () - p->probed);
    p->probed = 0;
    bye.conn = packet.conn;
    aw_message_frame_put (&node->out, &bye, false);
    fake_touch (p, node);
}

/* The same for a task in each run. */
static double seconds_of (const struct fake_process *p, uint32_t id)
{
    uint32_t mixed = (id + 1) * 2654435769u;

    mixed ^= mixed >> 15;
    mixed *= 2246822519u;
    return p->seconds * (1 + p->spread * (2 * ((mixed ^ mixed >> 13) * 0x1p-32) - 1));
}

/* A task of a frame with KEY, START or ASSIGN; its numbers stand in the last bytes of LINE. */
static struct fake_task *task_of (
    struct fake_process *p, struct fake_node *node, const char *line, size_t size, const char *key)
{
    const size_t tail = size < 160 ? size : 160;
    struct fake_task *task = p->spare ? p->spare : malloc (sizeof (*task));
    uint32_t place = number_after (line + size - tail, tail, "\"place\":");

    if (!task)
        fake_die ("a task");
    p->spare = p->spare ? p->spare->next : NULL;
    *task = (struct fake_task){ .node = node,
                                .id = number_after (line, size, key),
                                .attempt = number_after (line, size, "\"attempt\":"),
                                .place = place == UINT32_MAX ? 0 : place,
                                .slot = number_after (line + size - tail, tail, "\"cpus\":\"") };
    p->part->bytes_in += size + 1;
    return task;
}

static void drop (struct fake_process *p, struct fake_task *task)
{
    task->next = p->spare;
    p->spare = task;
}

/* TASK begins at T, and runs when the node has started it, after others. */
static void begin (struct fake_process *p, struct fake_task *task, double t)
{
    struct fake_node *node = task->node;
    uint64_t tick;

    if (node->spawner_free < t)
        node->spawner_free = t;
    node->spawner_free += p->spawn;
    task->start = node->spawner_free;
    task->seconds = seconds_of (p, task->id);
    tick = fake_tick_of (task->start + task->seconds);
    if (tick - p->tick >= FAKE_WHEEL || task->slot >= p->n_slots)
        fake_die ("a task that is too long, or without a CPU");
    task->next = p->wheel[tick % FAKE_WHEEL];
    p->wheel[tick % FAKE_WHEEL] = task;
    if (node->ended[task->slot] > 0 && fake_figures_steady (p->figures))
        fake_bins_add (&p->part->gaps, task->start - node->ended[task->slot]);
    if (p->part->first_start == 0)
        p->part->first_start = t;
    p->part->n_started++;
    node->n_running++;
    if (p->probed == 0 && node == p->nodes && p->seconds >= 0.05)
        probe (p, task, t);
}

void fake_start (
    struct fake_process *p, struct fake_node *node, const char *line, size_t size, double t)
{
    begin (p, task_of (p, node, line, size, "\"start\":"), t);
}

void fake_assign (struct fake_process *p, struct fake_node *node, const char *line, size_t size)
{
    struct fake_task *task = task_of (p, node, line, size, "\"assign\":");

    if (!node->assigned)
        node->last_assigned = &node->assigned;
    *node->last_assigned = task;
    node->last_assigned = &task->next;
    node->filled_to = ++node->n_assigned;
}

/* The task at *AT leaves the node's list. */
static struct fake_task *take (struct fake_node *node, struct fake_task **at)
{
    struct fake_task *task = *at;

    *at = task->next;
    node->n_assigned--;
    if (!task->next)
        node->last_assigned = at;
    return task;
}

/* What has started is not taken back. */
void fake_unassign (struct fake_process *p, struct fake_node *node, const struct aw_event *ev)
{
    struct fake_task **at = &node->assigned;

    while (*at && ((*at)->id != ev->task || (*at)->attempt != ev->attempt))
        at = &(*at)->next;
    if (!*at)
        return;
    drop (p, take (node, at));
    fake_put_frame (p, node,
                    &(struct aw_frame){ .type = AW_FRAME_FINISH,
                                        .event = { .task = ev->task,
                                                   .attempt = ev->attempt,
                                                   .status = AW_STATUS_CANCELLED,
                                                   .gpu_util = -1 } });
}

/* The first assigned task with TASK's place, taken out of the list; NULL: there is none. */
static struct fake_task *next_of (const struct fake_task *task)
{
    struct fake_node *node = task->node;
    struct fake_task **at = &node->assigned;

    if (!task->place || node->quits)
        return NULL;
    while (*at && (*at)->place != task->place)
        at = &(*at)->next;
    return *at ? take (node, at) : NULL;
}

static void finish (struct fake_process *p, struct fake_task *task, double t)
{
    struct fake_task *next = next_of (task);
    struct fake_node *node = task->node;
    const struct aw_frame frame = {
        .type = AW_FRAME_FINISH,
        .event = { .task = task->id,
                   .attempt = task->attempt,
                   .status = AW_STATUS_COMPLETED,
                   .seconds = task->seconds + 0.0005,
                   .cpu_seconds = 0.00123,
                   .max_rss = 1572864,
                   .gpu_util = -1,
                   .continued = next,
                   .next = next ? next->id : 0,
                   .next_attempt = next ? next->attempt : 0 },
    };

    /* As agent/end.c does: there is one instance. */
    if (next && node->n_assigned > 2 && node->n_assigned > node->filled_to / 4)
        fake_put_late (p, node, &frame);
    else
        fake_put_frame (p, node, &frame);
    node->ended[task->slot] = t;
    node->n_running--;
    p->part->n_ended++;
    p->part->last_end = t;
    if (next) {
        next->slot = task->slot;
        p->part->n_continued++;
        begin (p, next, t);
    }
    drop (p, task);
}

void fake_end_tasks (struct fake_process *p)
{
    struct fake_task **slot = &p->wheel[(p->tick + 1) % FAKE_WHEEL], *task = *slot;
    double t = fake_now ();

    *slot = NULL;
    for (struct fake_task *next; task; task = next) {
        next = task->next;
        finish (p, task, t);
    }
}
