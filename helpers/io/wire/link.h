/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that carries frames, over libevent: lines come in through a callback, what is put
 * out is sent once a turn of the loop, so that a burst of frames is one system call. Without
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
    /* The peer has closed (REASON NULL), or the connection is broken. Comes once and is the last.
     */
    void (*closed) (void *arg, const char *reason);
    void *arg;
};

/* Takes FD over (also on failure; it is closed then), makes it non-blocking. BASE is borrowed. A
 * longer line than MAX_LINE breaks the connection. The callbacks may destroy the link. NULL with
 * text.
 */
struct aw_link *aw_link_create (struct event_base *base,
                                int fd,
                                size_t max_line,
                                const struct aw_link_callbacks *callbacks,
                                struct aw_error *err);

/* Where to append a frame. Then call send with the result of appending it: 0, and the frame is
 * sent, now or when the peer reads; or -1, and the connection breaks, because a peer that misses a
 * frame could wait for ever: `closed` is called by the loop, in the same turn.
 */
struct aw_textbuf *aw_link_out (struct aw_link *link);
void aw_link_send (struct aw_link *link, int appended);

/* Sends what is left, says that no more will come and waits until the peer closes too, all within
 * SECONDS, blocking and without callbacks: what was sent last is not lost to a reset. Destroy it
 * then.
 */
void aw_link_drain (struct aw_link *link, double seconds);

/* Tries once to send what is left, closes. Takes NULL, keeps errno. */
void aw_link_destroy (struct aw_link *link);

/* For a fresh TCP connection: no delay, and a peer that vanished without a word is noticed by the
 * kernel's probes in two minutes.
 */
void aw_link_tune_tcp (int fd);

/* The same for a connected link, with SECONDS in place of the two minutes: so soon the kernel
 * breaks it when the other machine gives no sign. A process there that is merely stopped does not
 * count.
 */
void aw_link_set_timeout (struct aw_link *link, double seconds);

#endif /* AW_IO_WIRE_LINK_H */
