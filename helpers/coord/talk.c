/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/talk.h"

#include <errno.h>
#include <stdlib.h>

#include "coord/message_hub.h"
#include "io/run_dir.h"

struct aw_talk {
    const struct aw_workflow *workflow; /* borrowed */
    struct aw_exec *exec; /* borrowed */
    struct aw_talk_user user;
    struct aw_hub *hub;
};

static void on_send (
    void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size)
{
    struct aw_talk *talk = arg;

    if (talk->exec->ops->message)
        talk->exec->ops->message (talk->exec, node, packet, rest, size);
}

static void on_counted (void *arg, const char *topic, uint64_t count)
{
    struct aw_talk *talk = arg;

    talk->user.counted (talk->user.arg, topic, count);
}

struct aw_talk *aw_talk_create (const char *run_dir,
                                const struct aw_workflow *workflow,
                                struct aw_exec *exec,
                                const struct aw_talk_user *user,
                                struct aw_error *err)
{
    struct aw_talk *talk = calloc (1, sizeof (*talk));
    const struct aw_hub_callbacks callbacks = { on_send, on_counted, talk };
    char *dir = aw_run_dir_path (run_dir, AW_RUN_MESSAGES);

    if (talk && dir) {
        talk->workflow = workflow;
        talk->exec = exec;
        talk->user = *user;
        talk->hub = aw_hub_create (dir, &callbacks, err);
    }
    else
        aw_error_set (err, "out of memory");
    free (dir);
    if (talk && talk->hub) {
        const char *topic;
        uint64_t count;
        size_t cursor = 0;

        while ((topic = aw_hub_next_topic (talk->hub, &cursor, &count)))
            user->counted (user->arg, topic, count);
        return talk;
    }
    free (talk);
    return NULL;
}

void aw_talk_destroy (struct aw_talk *talk)
{
    int saved = errno;

    if (talk)
        aw_hub_destroy (talk->hub);
    free (talk);
    errno = saved;
}

void aw_talk_take (struct aw_talk *talk, uint32_t node, const struct aw_packet *packet, double t)
{
    const struct aw_graph *graph = talk->workflow->graph;
    char sender[AW_SENDER_MAX + 1];

    if (packet->task >= graph->n_tasks)
        return;
    aw_graph_task_name (graph, packet->task, sender, sizeof (sender));
    aw_hub_take (talk->hub, node, packet, sender, t);
}

int aw_talk_flush (struct aw_talk *talk, struct aw_error *err)
{
    return aw_hub_is_due (talk->hub) ? aw_hub_flush (talk->hub, err) : 0;
}

void aw_talk_event (struct aw_talk *talk, const struct aw_event *ev)
{
    if (ev->type == AW_EVENT_FINISH)
        aw_hub_task_ended (talk->hub, ev->task, ev->attempt);
    else if (ev->type == AW_EVENT_NODE_LOST)
        aw_hub_node_lost (talk->hub, ev->node);
}
