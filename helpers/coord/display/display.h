/* SPDX-License-Identifier: Apache-2.0 */
/* The display of a running workflow. On a terminal: a line a task set, redrawn in place; elsewhere:
 * a line now and then. It knows no scheduler and no clock. The coordinator gives it events and
 * plain numbers, and asks when to call it next:
 *
 *     aw_display_event (d, &ev)      for every event that goes to the journal (cheap)
 *     aw_display_next (d, t)         at the end of a turn of the loop: the time for its timer
 *     aw_display_update (d, &state)  when that timer fires
 *
 * It never waits for a slow terminal: text that cannot be written now is written later or left out.
 * Functions take NULL for a display and do nothing then.
 */
#ifndef AW_COORD_DISPLAY_DISPLAY_H
#define AW_COORD_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/graph/graph.h"
#include "util/error.h"

enum aw_display_mode {
    AW_DISPLAY_AUTO, /* TTY where FD is a terminal that can move its cursor, else PLAIN */
    AW_DISPLAY_TTY,
    AW_DISPLAY_PLAIN,
    AW_DISPLAY_NONE, /* messages alone */
};

/* Tasks of one set, all iterations together; the rest waits for predecessors. DONE: completed.
 * FAILED: whether or not that is ignored. */
struct aw_display_set {
    uint32_t ready, running, done, failed, skipped;
};

struct aw_display_state {
    double t; /* seconds since the run's start */
    const struct aw_display_set *sets; /* one per set of the graph, in its order. Borrowed */
    uint32_t nodes;
    uint32_t cpus, busy_cpus; /* of the pool */
    uint32_t gpus, busy_gpus;
    double left; /* seconds to the end, by the model; NAN: not known */
    const char *note; /* "waiting for 3 of 4 nodes", "stopping", or NULL. Borrowed for the call */
};

struct aw_display;
struct aw_workflow; /* io/workflow/workflow.h */

/* A display of GRAPH (borrowed) on FD (borrowed, not closed). The environment is read here: TERM,
 * NO_COLOR, the locale's character set (call setlocale (LC_CTYPE, "") before). NULL with text. */
struct aw_display *aw_display_create (const struct aw_graph *graph,
                                      int fd,
                                      enum aw_display_mode mode,
                                      struct aw_error *err);

/* The graph has grown. Takes NULL. 0, or -1 with ENOMEM. */
int aw_display_grow (struct aw_display *display);

/* The run directory, for messages of failed tasks: "see DIR/logs", or with a log STORE, the command
 * that prints their output. Copied; may fail silently.
 */
void aw_display_set_directory (struct aw_display *display, const char *dir, bool store);

/* Names of tasks have the values of WORKFLOW (borrowed), whose graph is the display's. */
void aw_display_set_workflow (struct aw_display *display, const struct aw_workflow *workflow);

/* Takes an event. Failures are reported at once, above the display; of very many, a part. */
void aw_display_event (struct aw_display *display, const struct aw_event *ev);

/* Seconds from T until update wants to be called; INFINITY: not before another event. */
double aw_display_next (const struct aw_display *display, double t);

/* Draws, if it is time to. */
void aw_display_update (struct aw_display *display, const struct aw_display_state *state);

/* A line of its own above the display; the newline is added, control characters are replaced. */
void aw_display_message (struct aw_display *display, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Removes the lines from the terminal, before the process stops itself for Ctrl-Z or something else
 * prints. The next update draws them again. */
void aw_display_clear (struct aw_display *display);

/* Clears, reports what was left out, frees. Takes NULL, keeps errno. */
void aw_display_finish (struct aw_display *display);

#endif /* AW_COORD_DISPLAY_DISPLAY_H */
