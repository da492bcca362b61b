/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of coordinator and agent: JSON objects, one a line, whose first key names the kind.
 * c: the coordinator sends it, a: the agent. "bring" and "fetch" are the copies of stage-in and
 * stage-out; "peers" are the nodes from which the former may come: HOST:PORT for each copy,
 * or several with spaces between them, to be asked in this order; "?" if none has it but others may
 * ask this node for it, or "" if it is not shared.
 *
 *   c {"challenge":NONCE}                 sent on accepting; a stranger gets nothing else
 *   a {"proof":CREDENTIAL,"nonce":NONCE}  before this, at most AW_FRAME_MAX_STRANGER bytes
 *   c {"proof":CREDENTIAL}
 *   a {"hello":5,"node":"n1","cpus":"0-15","gpus":"0-3","mem":0,"unbound":true,
 *      "topology":"...","socket":"...","host":"...","port":8000,"note":"..."}
 *   c {"start":TASK,"attempt":0,"argv":["..."],"env":["..."],"base":"...","dir":"...","out":"...",
 *      "err":"...","store":"...","tidy":3,"cpus":"0-3","gpus":"0","unbound":true,"share":250,
 *      "service":true,"port":8000,"topic":"...","within":60,"limit":60,"grace":5,
 *      "notice":30,"signal":10,"cancels":true,
 *      "bring":["from","to","checksum"],"peers":["n1:8000"],"fetch":[...],"release":true,"instance":7,
 *      "success":"0,3"}
 *      A start may have "place":3, and "batch":5 then.
 *   c {"assign":TASK,"attempt":0,"place":3,...}   as a start, without "cpus" and "gpus"
 *   c {"unassign":TASK,"attempt":0}       answered by a finish, "cancelled", if it has not started
 *   c {"stage":TASK,"attempt":0,"bring":[...],"peers":[...],"instance":7}
 *   a {"staged":TASK,"attempt":0,"seconds":1,"bytes":1,"from_nodes":1}
 *   a {"release":TASK,"attempt":0,"seconds":1}   its process has ended, stage-out follows
 *   a {"serving":TASK,"attempt":0,"seconds":1,"port":8000}   a service is ready
 *   c {"kill":TASK,"attempt":0,"grace":5}
 *   a {"finish":TASK,"attempt":0,"status":"failed","code":1,"signal":0,"seconds":1,"cpu":1,
 *      "rss":1,"gpu_util":0.5,"gpu_mem":1,"reason":"...","next":TASK,"next_attempt":0}
 *   c {"ping":60}                         the agent must answer within this many seconds
 *   a {"pong":true}
 *   a {"leave":"why"}                     it ends, but not because the coordinator said so
 *   c {"quit":false}                      end when no task is left; true: kill all and end now
 *
 * In local mode the first frame is "hello". Its number is the version of the protocol.
 *
 * One agent takes a copy from another. It proves who it is as to the coordinator, and then asks for
 * one file after the other (agent/staging/giver.h):
 *
 *   {"take":"from","to":"...","file":"...","bytes":1,"time":1}   "damaged":true: it came so
 */
#ifndef AW_IO_WIRE_FRAME_H
#define AW_IO_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "core/event.h"
#include "io/wire/launch.h"
#include "io/textbuf.h"
#include "util/error.h"

enum {
    AW_FRAME_MAX_STRANGER = 4096, /* bytes in total from a peer that is not authenticated */
    /* With the usual stack of 8 MiB, execve(2) takes 2 MiB of arguments and environment; an escape
     * needs six bytes for one. The largest workflow that a task can add (AW_ADD_MAX) needs up to
     * 24 MiB.
     */
    AW_FRAME_MAX = 32 << 20,
    AW_FRAME_VERSION = 5, /* another one for each change of frames, or of what they mean */
};

enum aw_frame_type {
    AW_FRAME_CHALLENGE, /* nonce */
    AW_FRAME_PROOF, /* credential, nonce (NULL where not given) */
    AW_FRAME_HELLO, /* event: name, cpus, gpus, mem, topology, socket, host, port (0: it gives no
                       copies), reason (a note); the texts from topology on may be NULL */
    AW_FRAME_START, /* launch */
    AW_FRAME_ASSIGN, /* launch, with place and assigned, without cpus and gpus */
    AW_FRAME_UNASSIGN, /* event: task, attempt */
    AW_FRAME_STAGE, /* launch: task, attempt, stage_in, peers, instance */
    AW_FRAME_STAGED, /* event: task, attempt, seconds, bytes, node_bytes, reason */
    AW_FRAME_RELEASE, /* event: task, attempt, seconds */
    AW_FRAME_SERVING, /* event: task, attempt, seconds, port */
    AW_FRAME_KILL, /* event: task, attempt; grace */
    AW_FRAME_FINISH, /* event, all of a FINISH but its node */
    AW_FRAME_LEAVE, /* event: reason */
    AW_FRAME_QUIT, /* now */
    AW_FRAME_PING, /* seconds */
    AW_FRAME_PONG,
    AW_FRAME_TAKE, /* take */
    AW_FRAME_TYPES /* their number */
};

/* A file of a copy that another node has. */
struct aw_take {
    const char *from; /* of the copy, absolute, as the launch has it */
    const char *to; /* of the copy, in the scratch directory */
    const char *file; /* in the scratch directory */
    uint64_t bytes; /* of its source */
    uint64_t time; /* when that was modified: nanoseconds since 1970 */
    bool damaged; /* what came had another sum than that which came with it; nothing is asked for */
};

struct aw_frame {
    enum aw_frame_type type;
    const char *nonce;
    const char *credential;
    struct aw_launch launch;
    struct aw_event event;
    struct aw_take take;
    double grace; /* seconds */
    double seconds;
    bool now;
};

/* Appends FRAME with its newline to TEXT: the members of its type, as listed above. 0, or -1 with
 * text ("too long") and TEXT unchanged.
 */
int aw_frame_put (struct aw_textbuf *text, const struct aw_frame *frame, struct aw_error *err);

/* Reads frames, and owns what they point to. NULL with ENOMEM. destroy takes NULL, keeps errno. */
struct aw_frame_reader;
struct aw_frame_reader *aw_frame_reader_create (void);
void aw_frame_reader_destroy (struct aw_frame_reader *reader);

/* Reads the SIZE bytes at LINE, a line without its newline. What FRAME points to belongs to READER
 * and is valid until it reads again. 0, or -1 with text.
 */
int aw_frame_read (struct aw_frame_reader *reader,
                   const char *line,
                   size_t size,
                   struct aw_frame *frame,
                   struct aw_error *err);

#endif /* AW_IO_WIRE_FRAME_H */
