/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/task_call.h"

#include <errno.h>
#include <stdlib.h>

#include "io/json_string.h"
#include "io/textbuf.h"
#include "io/workflow/values.h"

static void put_number (struct aw_textbuf *out, const char *key, uint64_t value)
{
    aw_textbuf_puts (out, key);
    aw_textbuf_u64 (out, value);
}

static void put_values (struct aw_textbuf *out, const struct aw_values *values, uint32_t index)
{
    const char *before = ",\"values\":{";

    for (uint32_t v = 0; values && v < aw_values_n_variables (values); v++) {
        aw_textbuf_puts (out, before);
        aw_json_put_string (out, aw_values_name (values, v));
        aw_textbuf_putc (out, ':');
        aw_json_put_string (out, aw_values_text (values, index, v));
        before = ",";
    }
    if (*before == ',' && before[1] == '\0')
        aw_textbuf_putc (out, '}');
}

/* Of each, "host:port" under its name. */
static void put_services (struct aw_textbuf *out,
                          const struct aw_task_service *services,
                          uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        aw_textbuf_puts (out, i ? ",\"" : ",\"services\":{\"");
        aw_textbuf_puts (out, services[i].set);
        aw_textbuf_puts (out, "\":\"");
        aw_textbuf_puts (out, services[i].host);
        if (services[i].port)
            put_number (out, ":", services[i].port);
        aw_textbuf_puts (out, i + 1 < n ? "\"" : "\"}");
    }
}

/* "launch" is what the library of tasks calls itself by when it sends messages. */
static void put_names (struct aw_textbuf *out,
                       const struct aw_graph *graph,
                       const struct aw_event *start)
{
    struct aw_task at = aw_graph_task (graph, start->task);
    char name[160];

    aw_graph_task_name (graph, start->task, name, sizeof (name));
    aw_textbuf_puts (out, "{\"task\":\"");
    aw_textbuf_puts (out, name);
    put_number (out, "\",\"index\":", at.index);
    put_number (out, ",\"iteration\":", at.iteration);
    put_number (out, ",\"attempt\":", start->attempt);
    put_number (out, ",\"launch\":\"", start->task);
    put_number (out, ".", start->attempt);
    aw_textbuf_putc (out, '"');
}

char *aw_task_call (const struct aw_workflow *workflow,
                    const struct aw_event *start,
                    const char *run_dir,
                    const char *scratch,
                    const struct aw_task_service *services,
                    uint32_t n_services)
{
    struct aw_task at = aw_graph_task (workflow->graph, start->task);
    const struct aw_recipe *recipe = &workflow->recipes[at.set];
    struct aw_expanding how = { run_dir, scratch, 0, AW_EXPAND_JSON };
    struct aw_textbuf out = { 0 };
    char *input = NULL;

    put_names (&out, workflow->graph, start);
    put_services (&out, services, n_services);
    put_values (&out, recipe->values, at.index);
    if (recipe->input) {
        input = aw_recipe_expand_on (recipe->input, workflow, start->task, &how);
        aw_textbuf_puts (&out, ",\"input\":");
        aw_textbuf_puts (&out, input ? input : "");
    }
    aw_textbuf_put (&out, "}", 2);
    if (out.failed || (recipe->input && !input)) {
        aw_textbuf_finish (&out);
        errno = ENOMEM;
    }
    free (input);
    return out.data;
}
