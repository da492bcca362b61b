/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/textbuf.h"

struct aw_step_plan *aw_step_plan_create (uint32_t n_parts, uint32_t ranks_per_node)
{
    struct aw_step_plan *step = calloc (1, sizeof (*step));

    if (!step)
        return NULL;
    step->ranks_per_node = ranks_per_node;
    step->parts = calloc (n_parts, sizeof (*step->parts));
    if (!step->parts) {
        aw_step_plan_destroy (step);
        return NULL;
    }
    step->n_parts = n_parts;
    for (uint32_t i = 0; i < n_parts; i++) {
        step->parts[i].ranks = calloc (ranks_per_node, sizeof (*step->parts[i].ranks));
        if (!step->parts[i].ranks) {
            aw_step_plan_destroy (step);
            return NULL;
        }
    }
    return step;
}

void aw_step_plan_destroy (struct aw_step_plan *step)
{
    int saved = errno;

    for (uint32_t i = 0; step && i < step->n_parts; i++) {
        for (uint32_t r = 0; step->parts[i].ranks && r < step->ranks_per_node; r++) {
            aw_idset_finish (&step->parts[i].ranks[r].cpus);
            aw_idset_finish (&step->parts[i].ranks[r].gpus);
        }
        free (step->parts[i].ranks);
        free (step->parts[i].node);
    }
    for (size_t i = 0; step && step->srun && step->srun[i]; i++)
        free (step->srun[i]);
    if (step) {
        free (step->srun);
        free (step->parts);
    }
    free (step);
    errno = saved;
}

char *aw_step_part_text (const struct aw_step_plan *step, uint32_t i)
{
    const struct aw_step_part *part = &step->parts[i];
    struct aw_textbuf text = { 0 };

    aw_textbuf_puts (&text, part->node);
    for (uint32_t r = 0; r < step->ranks_per_node; r++) {
        aw_textbuf_puts (&text, r > 0 ? "/" : part->unbound ? ":~" : ":");
        aw_textbuf_idset (&text, &part->ranks[r].cpus);
        aw_textbuf_putc (&text, '+');
        aw_textbuf_idset (&text, &part->ranks[r].gpus);
    }
    aw_textbuf_putc (&text, '\0');
    if (!text.failed)
        return text.data;
    aw_textbuf_finish (&text);
    errno = ENOMEM;
    return NULL;
}

bool aw_step_part_is_of (const char *text, const char *node)
{
    size_t n = strlen (node);

    return strncmp (text, node, n) == 0 && text[n] == ':';
}

/* The text up to END as a set. */
static int read_ids (struct aw_idset *ids, const char *text, const char *end)
{
    char *copy = strndup (text, (size_t)(end - text));
    int rc = copy ? aw_idset_parse (ids, copy) : -1;

    free (copy);
    return rc;
}

int aw_step_part_find (const char *text,
                       uint32_t rank,
                       struct aw_place_rank *mine,
                       bool *unbound,
                       struct aw_error *err)
{
    const char *entry = strchr (text, ':'), *plus, *end;

    *unbound = entry && entry[1] == '~';
    entry += *unbound;
    for (uint32_t i = 0; entry && i < rank; i++)
        entry = strchr (entry + 1, '/');
    if (!entry)
        return aw_error_set (err, "the plan has no local rank %u: %.100s", rank, text);
    entry++;
    end = entry + strcspn (entry, "/");
    plus = memchr (entry, '+', (size_t)(end - entry));
    if (!plus || read_ids (&mine->cpus, entry, plus) < 0
        || read_ids (&mine->gpus, plus + 1, end) < 0)
        return aw_error_set (err, "the plan is not NODE:CPUS+GPUS/...: %.100s", text);
    return 0;
}
