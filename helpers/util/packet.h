/* SPDX-License-Identifier: Apache-2.0 */
/* What a task and the agent of its node say to each other about messages: one packet of a Unix
 * socket that keeps packets apart (SOCK_SEQPACKET), a head and four texts behind it. It never
 * leaves the node, so numbers are as the machine has them. t: the task sends it, a: the agent.
 *
 *   t HELLO     number: task, attempt; data: the token
 *   a DONE      number 0: it may speak; with an error it may not, and the agent closes
 *   t PUBLISH   topic, data
 *   t REQUEST   number, topic, data          answered by ANSWER of that number
 *   t RECEIVE   number, topic, group, seq    seq more messages for the receiver of that number;
 *                                            0: none at all for now
 *   t ACK       number, seq                  all that it got up to its seq-th is done with
 *   t REPLY     reply, data
 *   t SYNC      number                       answered by DONE when all before it is accepted
 *   t ADD       number, data, more           a workflow, in parts; answered by DONE
 *   t CANCEL    number, data: tasks, flags   answered by DONE
 *   t SUBMIT    number, data, more           a task, in parts (below); answered by DONE, whose seq
 *                                            is its id
 *   t STATES    number, data: ids            answered by ANSWER: a letter for each id, in their
 *                                            order (enum aw_packet_state). An unknown id: DONE with
 *                                            an error
 *   t AWAIT     number, data: ids            the same, when all of them have ended. Without data:
 *                                            the one of that number is withdrawn, not answered
 *   t LIST      number, data                 "LETTERS FIRST LAST": submitted tasks in one of these
 *                                            states with ids from FIRST to LAST; " details" after
 *                                            it: with their comments and directories. Answered by
 *                                            ANSWER: seq is the id to continue with, 0: none; data,
 *                                            a line for each run of ids that differ in nothing else
 *                                            (coord/messages/submission_list.h)
 *   t WAIT      number, seq                  it does nothing but wait for that receiver, from which
 *                                            it has got seq messages, or for the answer to that
 *                                            request, and has no time limit
 *   a MESSAGE   number: receiver's, topic, sender, attempt, seq, reply, data
 *   a ANSWER    number, sender, data
 *   a DONE      number, error: data is the text of what is wrong
 *
 * The parts of SUBMIT together are texts, each with its NUL: the task as a JSON object
 * (aw_submit(3)), the working directory, and the environment, "NAME=value" each. Ids are decimal,
 * with a blank or newline between them.
 *
 * Between agent and coordinator the same goes as frames (io/message_frame.h), with the connection
 * and the task that it belongs to, and more kinds:
 *
 *   agent        CLOSE     the connection is gone
 *   coordinator  ACCEPTED  number: this many of the connection's messages are written
 *   coordinator  ADMIT     task, attempt, data: a token, by which ranks of a job step may speak
 *   coordinator  DISMISS   task, attempt: no longer; what they have said is passed on first
 *   agent        DONE      task, attempt, no connection: an ADMIT or DISMISS is done
 *   agent        RESULT    task, attempt, data: of a call to a worker
 *   coordinator  LOOK      number: what do the tasks on this node do?
 *   agent        LOOK      number; seq 1: all their processes do nothing but wait; 0: perhaps more
 */
#ifndef AW_UTIL_PACKET_H
#define AW_UTIL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AW_MESSAGE_MAX = 65536, /* bytes of data in one message */
    AW_TOPIC_MAX = 64, /* of the name of a topic or a group */
    AW_SENDER_MAX = 160, /* of the name of a task: set, iteration, index */
    AW_TASKS_MAX = 4096, /* of what names tasks: also by their values */
    AW_ADD_MAX = 4 << 20, /* of a workflow that a task adds */
    AW_PACKET_HEAD = 40,
    AW_PACKET_MAX = AW_PACKET_HEAD + 2 * AW_TOPIC_MAX + AW_SENDER_MAX + AW_MESSAGE_MAX,
};

/* What a task finds in its environment: who it is ("TASK.ATTEMPT"), the socket's path, and what
 * proves that it knows it. */
#define AW_PACKET_LAUNCH "ASYNC_WORKFLOW_LAUNCH"
#define AW_PACKET_SOCKET "ASYNC_WORKFLOW_SOCKET"
#define AW_PACKET_TOKEN "ASYNC_WORKFLOW_TOKEN"
/* The directory of the commands that look like Slurm's, which is first in the task's PATH; and the
 * id of a submitted task. Not set for others. */
#define AW_PACKET_COMMANDS "ASYNC_WORKFLOW_SLURM"
#define AW_PACKET_ID "ASYNC_WORKFLOW_ID"
/* The Slurm job that these are for; not set outside a job. sbatch hands them on to other jobs. */
#define AW_PACKET_JOB "ASYNC_WORKFLOW_JOB"
enum { AW_PACKET_TOKEN_SIZE = 32 }; /* characters of it */

enum aw_packet_kind {
    AW_PACKET_HELLO = 1,
    AW_PACKET_PUBLISH,
    AW_PACKET_REQUEST,
    AW_PACKET_RECEIVE,
    AW_PACKET_ACK,
    AW_PACKET_REPLY,
    AW_PACKET_SYNC,
    AW_PACKET_ADD,
    AW_PACKET_CANCEL,
    AW_PACKET_MESSAGE,
    AW_PACKET_ANSWER,
    AW_PACKET_DONE,
    AW_PACKET_CLOSE,
    AW_PACKET_ACCEPTED,
    AW_PACKET_ADMIT,
    AW_PACKET_DISMISS,
    AW_PACKET_WAIT,
    AW_PACKET_LOOK,
    AW_PACKET_SUBMIT,
    AW_PACKET_STATES,
    AW_PACKET_AWAIT,
    AW_PACKET_RESULT,
    AW_PACKET_LIST,
    AW_PACKET_KINDS /* one more than the last */
};

enum aw_packet_flags {
    AW_PACKET_ERROR = 1, /* DONE, ANSWER: data is the text of an error */
    AW_PACKET_MORE = 2, /* ADD, SUBMIT: another part follows */
    AW_PACKET_RELEASE = 4, /* CANCEL: successors of the tasks run */
    AW_PACKET_STUCK = 8, /* DONE with an error: nobody is left who could send */
    AW_PACKET_RESTART = 16, /* CANCEL: running tasks start again */
};

/* What has become of a submitted task. The first three have not ended. */
enum aw_packet_state {
    AW_STATE_WAITING = 'W', /* for the tasks that it depends on */
    AW_STATE_PENDING = 'P', /* for CPUs and GPUs, or for its next attempt */
    AW_STATE_RUNNING = 'R',
    AW_STATE_SUCCESS = 'S',
    AW_STATE_FAILED = 'F',
    AW_STATE_CANCELLED = 'C',
    AW_STATE_SKIPPED = 'D', /* a task that it depends on has failed */
};

/* A piece of text that ends by its size. */
struct aw_piece {
    const char *text;
    size_t size;
};

struct aw_packet {
    enum aw_packet_kind kind;
    unsigned flags;
    uint32_t conn; /* between agent and coordinator: the agent's number of the connection */
    uint32_t task; /* likewise: the id of the task that it belongs to */
    uint32_t attempt; /* the sender's */
    uint32_t number;
    uint64_t seq; /* MESSAGE: place among those of this sender on this topic, from 1 */
    uint64_t reply; /* the request's id; 0: no answer is asked for */
    uint64_t at; /* in logs: when it was published, in microseconds of the run's time */
    struct aw_piece topic, group, sender; /* borrowed, as data */
    struct aw_piece data;
};

/* Writes head and texts, all but the data, which follows as it is. Returns the size, or 0 where a
 * text is too long. conn and task are left out. BUF has room for AW_PACKET_MAX - AW_MESSAGE_MAX.
 */
size_t aw_packet_put_head (const struct aw_packet *packet, char *buf);

/* Takes a packet of SIZE bytes apart; PACKET borrows from it. 0, or -1 with errno EPROTO. Nothing
 * beyond SIZE is read. */
int aw_packet_read (struct aw_packet *packet, const char *buf, size_t size);

/* Are the variables above, and others of the task, for another job than this process's? JOB: set to
 * that one.
 */
bool aw_packet_other_job (const char **job);

/* Can TEXT name a topic or a group? As sets are named: letters, digits, "_", "-" and ".", the first
 * a letter, a digit or "_"; for the topic of the results of a set's calls AW_TOPIC_RESULTS follows.
 * At most AW_TOPIC_MAX characters. */
bool aw_topic_is_good (const char *text, size_t size);

/* Does TEXT name the topic of results? Tasks can receive there, but not send. */
#define AW_TOPIC_RESULTS ":results"
bool aw_topic_is_results (const char *text, size_t size);

struct aw_piece aw_piece_of (const char *text); /* NULL: an empty one */

#endif /* AW_UTIL_PACKET_H */
