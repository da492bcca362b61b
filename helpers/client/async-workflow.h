/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow: messages between the tasks of a workflow while it runs, by topic.
 *
 *     struct aw_connection *aw = aw_open ();
 *     aw_publish (aw, "frames", data, size, 0);
 *
 *     struct aw_message message;
 *     while (aw_receive (aw, "frames", "trainers", -1, &message) == 0)
 *         use (message.data, message.size);
 *     aw_close (aw);
 *
 * A topic keeps all messages of the run, so who receives later gets them too. Each group of
 * receivers gets each message once; without a group a task is one of its own and gets them all.
 * Messages of one sender come in the order in which it sent them. Delivery is at least once: after
 * a failure a message may come again, and has the same sender, attempt and number then.
 *
 * All functions that return int return 0, or -1 with errno, and aw_error_text tells more. A
 * connection is for one thread of one process. Times are in seconds; below 0: without end.
 */
#ifndef ASYNC_WORKFLOW_H
#define ASYNC_WORKFLOW_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    AW_MAX_MESSAGE = 65536, /* bytes of data in a message */
    AW_MAX_TOPIC = 64, /* characters of a topic or group: letters, digits, "_", "-", "." */
    AW_MAX_ADDITION = 4194304, /* bytes of a workflow that is added */
};

enum {
    AW_NOWAIT = 1, /* rather fail with EAGAIN than wait */
    AW_RELEASE = 2, /* cancel: what waits for the tasks goes on as if they had succeeded */
};

struct aw_connection;

/* All texts and data are the library's: valid until the next call for this connection that gives a
 * message. */
struct aw_message {
    const char *topic; /* "" for an answer */
    const char *sender; /* task: "simulate@2[17]" */
    unsigned attempt; /* its attempt, from 0 */
    unsigned long long number; /* among those of this attempt on this topic, from 1 */
    unsigned long long request; /* not 0: somebody waits for aw_reply */
    const void *data;
    size_t size;
};

/* Connects to the pool that runs this task. NULL with errno: ENOTCONN where this is no task of a
 * workflow, EACCES where it is not let in.
 */
struct aw_connection *aw_open (void);

/* Tells that all messages that were received are done with, and closes. What was published is on
 * its way and will arrive. Takes NULL.
 */
void aw_close (struct aw_connection *aw);

/* What went wrong last, in words. AW may be NULL: of aw_open. */
const char *aw_error_text (const struct aw_connection *aw);

/* Sends, and returns at once; where more is under way than the pool takes up (1024 messages or 1
 * MiB that are not yet written, and what the socket holds), it waits, or with AW_NOWAIT fails with
 * EAGAIN. EMSGSIZE: too large; EINVAL: no name of a topic.
 */
int aw_publish (
    struct aw_connection *aw, const char *topic, const void *data, size_t size, int flags);

/* Waits until all that was published is written: it outlives this task, and a restart. ETIMEDOUT.
 */
int aw_flush (struct aw_connection *aw, double timeout);

/* Waits for the next message on TOPIC for GROUP; NULL: the task's own. The one before it on that
 * topic is told to be done with: one that is not comes again to another of the group. ETIMEDOUT.
 */
int aw_receive (struct aw_connection *aw,
                const char *topic,
                const char *group,
                double timeout,
                struct aw_message *message);

/* Publishes a request and waits for its answer. ETIMEDOUT: nobody answered in time. */
int aw_request (struct aw_connection *aw,
                const char *topic,
                const void *data,
                size_t size,
                double timeout,
                struct aw_message *answer);

/* Answers REQUEST, a message that came with request not 0. Returns at once. The first answer
 * counts.
 */
int aw_reply (struct aw_connection *aw,
              const struct aw_message *request,
              const void *data,
              size_t size);

/* Adds the task sets of a workflow file, TEXT of SIZE bytes, to the workflow that runs: all of
 * them, or none. Their "after" may name sets of both; their names must be new. 0 when it stands in
 * the journal; a text that was added before, byte for byte, changes nothing. EINVAL: it is wrong,
 * and aw_error_text tells all that is, a line each; EMSGSIZE: more than AW_MAX_ADDITION. */
int aw_add (struct aw_connection *aw, const char *text, size_t size, double timeout);

/* Cancels TASKS: "simulate", "simulate@2", "simulate[17]" or "simulate@2[17]". Those that run are
 * told to end, those that wait will not start; what waits for them will not either, unless FLAGS
 * has AW_RELEASE. 0 when it stands in the journal. */
int aw_cancel (struct aw_connection *aw, const char *tasks, int flags, double timeout);

#ifdef __cplusplus
}
#endif

#endif /* ASYNC_WORKFLOW_H */
