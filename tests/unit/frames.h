/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of frames: a reader, and frames as they are written and read back. */
#ifndef AW_TESTS_FRAMES_H
#define AW_TESTS_FRAMES_H

#include "io/wire/frame.h"

extern struct aw_frame_reader *frames_reader;

/* Of cmocka, for a group: make and destroy the reader. */
int frames_set_up (void **state);
int frames_tear_down (void **state);

/* Reads the one frame that TEXT holds. It is valid until the reader is used again. */
void frames_read (const struct aw_textbuf *text, struct aw_frame *frame);

/* FRAME is written to TEXT, which has nothing else then, and READ from there. */
void frames_pass (struct aw_textbuf *text, struct aw_frame frame, struct aw_frame *read);
void frames_pass_start (struct aw_textbuf *text,
                        const struct aw_launch *launch,
                        struct aw_frame *read);
void frames_pass_finish (struct aw_textbuf *text,
                         const struct aw_event *finish,
                         struct aw_frame *read);

/* LINE is refused with a text that has ERROR in it. */
void frames_expect_refused (const char *line, const char *error);

#endif /* AW_TESTS_FRAMES_H */
