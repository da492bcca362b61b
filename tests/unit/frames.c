/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct aw_frame_reader *frames_reader;

int frames_set_up (void **state)
{
    (void)state;
    frames_reader = aw_frame_reader_create ();
    return frames_reader ? 0 : -1;
}

int frames_tear_down (void **state)
{
    (void)state;
    aw_frame_reader_destroy (frames_reader);
    aw_frame_reader_destroy (NULL);
    return 0;
}

void frames_read (const struct aw_textbuf *text, struct aw_frame *frame)
{
    struct aw_error err = { "" };

    assert_true (text->len > 0);
    assert_int_equal (text->data[text->len - 1], '\n');
    assert_ptr_equal (memchr (text->data, '\n', text->len), text->data + text->len - 1);
    if (aw_frame_read (frames_reader, text->data, text->len - 1, frame, &err) < 0)
        fail_msg ("%s: %.*s", err.text, (int)text->len, text->data);
}

void frames_pass (struct aw_textbuf *text, struct aw_frame frame, struct aw_frame *read)
{
    text->len = 0;
    assert_int_equal (aw_frame_put (text, &frame, NULL), 0);
    frames_read (text, read);
}

void frames_pass_start (struct aw_textbuf *text,
                        const struct aw_launch *launch,
                        struct aw_frame *read)
{
    frames_pass (text, (struct aw_frame){ .type = AW_FRAME_START, .launch = *launch }, read);
}

void frames_pass_finish (struct aw_textbuf *text,
                         const struct aw_event *finish,
                         struct aw_frame *read)
{
    frames_pass (text, (struct aw_frame){ .type = AW_FRAME_FINISH, .event = *finish }, read);
}

void frames_expect_refused (const char *line, const char *error)
{
    struct aw_error err = { "" };
    struct aw_frame frame;

    if (aw_frame_read (frames_reader, line, strlen (line), &frame, &err) != -1)
        fail_msg ("accepted: %s", line);
    if (!strstr (err.text, error))
        fail_msg ("%s: \"%s\", not \"%s\"", line, err.text, error);
}
