/* SPDX-License-Identifier: Apache-2.0 */
/* async-workflow: messages between the tasks of a running workflow, by topic.
 *
 *     struct aw_connection *aw = aw_open ();
 *     aw_publish (aw, "frames", data, size, 0);
 *
 *     struct aw_message message;
 *     while (aw_receive (aw, "frames", "trainers", -1, &message) == 0)
 *         use (message.data, message.size);
 *     aw_close (aw);
 *
 * A topic keeps all messages of the run: a task that receives later gets the earlier ones too. Each
 * group of receivers gets each message once. A task that names no group is a group of its own, and
 * gets all messages. Messages of one sender arrive in the order in which it sent them. Delivery is
 * at least once: after a failure a message may arrive again, with the same sender, attempt and
 * number.
 *
 * Functions of type int return 0, or -1 with errno; aw_error_text then describes the error. Use a
 * connection in one thread of one process. Timeouts are in seconds; a negative one never expires.
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
    AW_NOWAIT = 1, /* publish: fail with EAGAIN instead of waiting */
    AW_RELEASE = 2, /* cancel: successors of the tasks run as if the tasks had succeeded */
    AW_RESTART = 4, /* cancel: running tasks end and start again; others are as before */
};

/* What has become of a submitted task. The first three have not ended. */
enum aw_state {
    AW_WAITING = 'W', /* for tasks that it depends on */
    AW_PENDING = 'P', /* for CPUs and GPUs, or for its next attempt */
    AW_RUNNING = 'R',
    AW_SUCCESS = 'S',
    AW_FAILED = 'F',
    AW_CANCELLED = 'C',
    AW_SKIPPED = 'D', /* a task that it depends on has failed */
};

struct aw_connection;

/* The library owns the strings and the data. They are valid until the next call with this
 * connection that returns a message.
 */
struct aw_message {
    const char *topic; /* "" in an answer */
    const char *sender; /* the task that sent it: "simulate@2[17]" */
    unsigned attempt; /* of the sender, from 0 */
    unsigned long long number; /* counts the messages of this attempt on this topic, from 1 */
    unsigned long long request; /* not 0: the sender waits for an answer, see aw_reply */
    const void *data;
    size_t size;
};

/* Connects to the pool that runs this task. NULL with errno: ENOTCONN if this process is not a task
 * of a running workflow, EACCES if the pool rejects it.
 */
struct aw_connection *aw_open (void);

/* Acknowledges all received messages and closes the connection. Published messages still arrive.
 * AW may be NULL.
 */
void aw_close (struct aw_connection *aw);

/* Describes the last error of AW; or, with NULL, the last error of aw_open. */
const char *aw_error_text (const struct aw_connection *aw);

/* Sends a message and returns at once. While 1024 messages or 1 MiB of this connection are not yet
 * written, and the socket is full, it waits; with AW_NOWAIT it fails with EAGAIN instead. EMSGSIZE:
 * the message is too large. EINVAL: TOPIC is not a valid name.
 */
int aw_publish (
    struct aw_connection *aw, const char *topic, const void *data, size_t size, int flags);

/* Waits until all published messages are written: they survive the end of this task, and a restart
 * of the run. ETIMEDOUT: not within TIMEOUT.
 */
int aw_flush (struct aw_connection *aw, double timeout);

/* Waits for the next message on TOPIC for GROUP; NULL is the task's own group. The call
 * acknowledges the previous message of that topic and group. If a task ends without acknowledging a
 * message, another task of the group gets it. ETIMEDOUT: no message within TIMEOUT. EDEADLK: nobody
 * is left who could send one, as all running tasks wait without a timeout and no other can start.
 */
int aw_receive (struct aw_connection *aw,
                const char *topic,
                const char *group,
                double timeout,
                struct aw_message *message);

/* Publishes a request and waits for its answer. ETIMEDOUT: no answer within TIMEOUT. EDEADLK: as
 * aw_receive. */
int aw_request (struct aw_connection *aw,
                const char *topic,
                const void *data,
                size_t size,
                double timeout,
                struct aw_message *answer);

/* Answers REQUEST, a received message whose `request` is not 0, and returns at once. The sender
 * gets the first answer only. EINVAL: REQUEST expects none.
 */
int aw_reply (struct aw_connection *aw,
              const struct aw_message *request,
              const void *data,
              size_t size);

/* Adds the task sets of a workflow file, TEXT of SIZE bytes, to the running workflow: all of them,
 * or none. Names of added sets must be new; their "after" may name old and new sets. Returns 0 when
 * the addition is in the journal. Adding the same text again changes nothing. EINVAL: TEXT is
 * wrong; aw_error_text lists all errors, one per line. EMSGSIZE: more than AW_MAX_ADDITION.
 * ETIMEDOUT: no confirmation within TIMEOUT.
 */
int aw_add (struct aw_connection *aw, const char *text, size_t size, double timeout);

/* Cancels TASKS: "simulate", "simulate@2", "simulate[17]", "simulate@2[17]" or, by the values of
 * variables, "align[sample=a]". Running ones get SIGTERM, waiting ones do not start. Their
 * successors do not start either, unless FLAGS has AW_RELEASE. With AW_RESTART running ones start
 * again after SIGTERM, which is no failure. Returns 0 when the cancellation is in the journal.
 * EINVAL: there are no such tasks. ETIMEDOUT: no confirmation within TIMEOUT.
 */
int aw_cancel (struct aw_connection *aw, const char *tasks, int flags, double timeout);

/* Submits TASK to the pool, a JSON object of SIZE bytes with keys of a task set, such as
 *
 *     {"name": "align", "command": ["./align.sh", "a"], "cpus": 4, "after_ok": [1000000001]}
 *
 * aw_submit(3) lists them; nothing in it is a placeholder. The task has the caller's working
 * directory and ENVIRONMENT ("NAME=value", NULL-terminated; NULL: that of the process), both as
 * they are now. It belongs to the calling attempt: if that fails, what has not ended is cancelled.
 * Returns 0 when the task is in the journal; ID is then its number, from 1000000000. EINVAL: TASK
 * is wrong, or the run has stopped. EMSGSIZE: more than AW_MAX_ADDITION with its environment.
 * ETIMEDOUT: no confirmation within TIMEOUT.
 */
int aw_submit (struct aw_connection *aw,
               const char *task,
               size_t size,
               char *const *environment,
               double timeout,
               unsigned long long *id);

/* Waits until the N tasks with these IDS have ended. STATES, N of enum aw_state, may be NULL.
 * Returns how many have not ended well (at most INT_MAX), or -1. EINVAL: no submitted task has one
 * of the ids. ETIMEDOUT: not all have ended within TIMEOUT.
 */
int aw_wait (struct aw_connection *aw,
             const unsigned long long *ids,
             size_t n,
             double timeout,
             char *states);

/* Fills STATES, N of enum aw_state, as they are now. 0, or -1 as aw_wait. */
int aw_states (struct aw_connection *aw, const unsigned long long *ids, size_t n, char *states);

/* A call to this process, which is a worker: one task of its set. The library owns the strings,
 * which are valid until the next call of aw_worker_next.
 */
struct aw_call {
    const char *task; /* its name: "predict@2[17]" */
    unsigned index, iteration, attempt;
    const char *values; /* of its variables: a JSON object of texts, "{}" where there are none */
    const char *input; /* JSON; NULL where the workflow gives none */
    const char *services; /* that its set uses: "host:port" of each, {"web":"n1:8000"} */
};

/* Waits for the next call. Returns 1; or 0 after the last one: then the process should end
 * soon; or -1 with errno: ENOTCONN if it is not a worker. A call that has not been answered counts
 * as done. From now on aw_open, in this process and those that it starts, speaks for that task;
 * ASYNC_WORKFLOW_TASK and the like in the environment are its own.
 */
int aw_worker_next (struct aw_call *call);

/* Answers the call: with code 0 it has succeeded, with another one, up to 255, it has failed, as
 * with that exit code. RESULT is JSON on one line, at most AW_MAX_MESSAGE bytes, or NULL: a message
 * on the topic SET:results. ERROR says why it has failed, or is NULL. Connections of aw_open must
 * be closed before; stdout is flushed. Returns 0, or -1 with errno: EINVAL for a wrong CODE or a
 * newline in RESULT, EMSGSIZE for a long RESULT.
 */
int aw_worker_done (int code, const char *result, const char *error);

#ifdef __cplusplus
}
#endif

#endif /* ASYNC_WORKFLOW_H */
