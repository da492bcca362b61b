/* SPDX-License-Identifier: Apache-2.0 */
/* What agent and coordinator say to each other about messages (util/packet.h), as frames: JSON
 * objects, one a line, that begin with {"message":"KIND", and have what is not 0 or empty:
 *
 *   {"message":"publish","conn":3,"task":17,"attempt":0,"topic":"frames","data":"..."}
 *
 * They come thousands a second, so they are read without a tree, and the coordinator passes data on
 * as it is written, escaped. Data is any bytes: those from 0x80 up stand as they are.
 */
#ifndef AW_IO_MESSAGE_FRAME_H
#define AW_IO_MESSAGE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "io/textbuf.h"
#include "util/error.h"
#include "util/packet.h"

/* Does the line look like one of them, rather than like another frame? */
bool aw_message_frame_is (const char *line, size_t size);

/* Appends a frame with its newline. ESCAPED: its data are already escaped as in a JSON string.
 * 0, or -1 with ENOMEM and TEXT as it was.
 */
int aw_message_frame_put (struct aw_textbuf *text, const struct aw_packet *packet, bool escaped);

/* The same but for the data's closing: a frame whose members from "sender" on are those of the
 * object REST, SIZE bytes of it with both braces. */
int aw_message_frame_put_rest (struct aw_textbuf *text,
                               const struct aw_packet *packet,
                               const char *rest,
                               size_t size);

/* Reads a line, without its newline. PACKET borrows from it; its data is escaped. 0, or -1 with
 * text. Nothing beyond the line is read. */
int aw_message_frame_read (struct aw_packet *packet,
                           const char *line,
                           size_t size,
                           struct aw_error *err);

/* Reads an object with the same members but without "message": the kind is MESSAGE. */
int aw_message_frame_read_rest (struct aw_packet *packet,
                                const char *text,
                                size_t size,
                                struct aw_error *err);

#endif /* AW_IO_MESSAGE_FRAME_H */
