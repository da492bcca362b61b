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

/* Ends the text at BUF, which was cut at SIZE, with "..." in place of its last character or more.
 */
static void mark_cut (char *buf, size_t size)
{
    size_t end = size > 4 ? size - 4 : 0;

    while (end > 0 && ((unsigned char)buf[end] & 0xc0) == 0x80)
        end--;
    snprintf (buf + end, size - end, "...");
}

const char *aw_task_label (const struct aw_workflow *workflow,
                           uint32_t task,
                           char *buf,
                           size_t size)
{
    uint32_t index;
    const struct aw_values *values = values_of (workflow, task, &index);
    int n = aw_graph_task_name (workflow->graph, task, buf, size);

    if (!values || n < 0)
        return buf;
    for (uint32_t v = 0; v < aw_values_n_variables (values) && (size_t)n < size; v++)
        n += snprintf (buf + n, size - (size_t)n, "%s%s=%s", v ? ", " : " (",
                       aw_values_name (values, v), aw_values_text (values, index, v));
    if ((size_t)n + 1 < size)
        strcpy (buf + n, ")");
    else
        mark_cut (buf, size);
    for (char *p = buf; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = '?';
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
