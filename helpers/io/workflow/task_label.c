/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/task_label.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "io/json_string.h"
#include "io/workflow/values.h"

static const struct aw_values *values_of (const struct aw_workflow *workflow,
                                          uint32_t task,
                                          uint32_t *index)
{
    struct aw_task at = aw_graph_task (workflow->graph, task);

    *index = at.index;
    return workflow->recipes[at.set].values;
}

/* Copies TEXT to BUF, cut between characters, with "..." at the end then. */
static void copy_cut (char *buf, size_t size, const char *text, size_t length)
{
    bool cut = length >= size;

    if (cut)
        length = size > 4 ? size - 4 : 0;
    while (cut && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    snprintf (buf, size, "%.*s%s", (int)length, text, cut ? "..." : "");
}

const char *aw_task_label (const struct aw_workflow *workflow,
                           uint32_t task,
                           char *buf,
                           size_t size)
{
    uint32_t index;
    const struct aw_values *values = values_of (workflow, task, &index);
    struct aw_textbuf text = { 0 };

    aw_graph_task_name (workflow->graph, task, buf, size);
    if (!values)
        return buf;
    aw_textbuf_puts (&text, buf);
    for (uint32_t v = 0; v < aw_values_n_variables (values) && text.len < size; v++) {
        const char *value = aw_values_text (values, index, v);

        aw_textbuf_printf (&text, "%s%s=", v ? ", " : " (", aw_values_name (values, v));
        aw_textbuf_plain (&text, value, strlen (value));
    }
    aw_textbuf_putc (&text, ')');
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n')
            text.data[i] = '?';
    if (!text.failed)
        copy_cut (buf, size, text.data, text.len);
    aw_textbuf_finish (&text);
    return buf;
}

void aw_task_put_values (const struct aw_workflow *workflow,
                         uint32_t task,
                         const char *before,
                         struct aw_textbuf *out)
{
    uint32_t index;
    const struct aw_values *values = values_of (workflow, task, &index);

    if (!values)
        return;
    aw_textbuf_puts (out, before);
    for (uint32_t v = 0; v < aw_values_n_variables (values); v++) {
        aw_textbuf_putc (out, v ? ',' : '{');
        aw_json_put_string (out, aw_values_name (values, v));
        aw_textbuf_putc (out, ':');
        aw_json_put_string (out, aw_values_text (values, index, v));
    }
    aw_textbuf_putc (out, '}');
}
