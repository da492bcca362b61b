/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that carries frames, over libevent. Lines come in through a callback. Frames go out
 * once per turn of the loop, or a little later, so that many frames need one system call. Without
 * traffic it costs nothing.
 */
#ifndef AW_IO_WIRE_LINK_H
#define AW_IO_WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "io/textbuf.h"
#include "util/error.h"

struct event_base;
struct aw_link;

struct aw_link_callbacks {
    /* A line without its newline, valid during the call. */
    void (*line) (void *arg, const char *line, size_t size);
    /* The peer has closed the connection (REASON NULL), or it is broken. Called once, as the last.
     */
    void (*closed) (void *arg, const char *reason);
    void *arg;
};

/* Takes over FD (on failure it is closed), and makes it non-blocking. BASE is borrowed. A line
 * longer than MAX_LINE breaks the connection. MANY: BASE has many links, so their events are
 * edge-triggered where BASE can do so: else each look of the loop at its sockets costs as much as
 * there are links that wait to be read. The callbacks may destroy the link. NULL with text.
 */
struct aw_link *aw_link_create (struct event_base *base,
                                int fd,
                                size_t max_line,
                                bool many,
                                const struct aw_link_callbacks *callbacks,
                                struct aw_error *err);

/* Where to append a frame. Then call send with the result of appending it: 0, and the frame is
 * sent, now or when the peer reads; or -1, and the connection breaks, because a peer that misses a
 * frame could wait for ever: `closed` is called by the loop, in the same turn. Without a new frame,
 * send has those that wait leave.
 */
struct aw_textbuf *aw_link_out (struct aw_link *link);
void aw_link_send (struct aw_link *link, int appended);

/* The same for a frame that may wait for the next one, for at most MILLISECONDS. */
void aw_link_send_late (struct aw_link *link, int appended, int milliseconds);

/* Sends the rest, shuts down the sending side and waits until the peer closes, for at most SECONDS.
 * Blocks, and calls no callbacks. Use it before destroy, so that no reset loses the last frames.
 */
void aw_link_drain (struct aw_link *link, double seconds);

/* Tries once to send the rest, then closes. Takes NULL, keeps errno. */
void aw_link_destroy (struct aw_link *link);

/* For a new TCP connection: frames are not delayed, and the kernel's probes notice within two
 * minutes that the other machine is gone.
 */
void aw_link_tune_tcp (int fd);

/* The same for a link, with SECONDS instead of two minutes. A process that is stopped on a machine
 * that is there does not break the connection.
 */
void aw_link_set_timeout (struct aw_link *link, double seconds);

#endif /* AW_IO_WIRE_LINK_H */
