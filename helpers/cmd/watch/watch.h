/* SPDX-License-Identifier: Apache-2.0 */
/* watch D: follows a run by its journal, from any host that sees its directory. Reads alone. */
#ifndef AW_CMD_WATCH_WATCH_H
#define AW_CMD_WATCH_WATCH_H

#include <stdbool.h>

#include "cmd/explain/explain.h"
#include "cmd/watch/screen.h"
#include "coord/time_left.h"

/* {0} at first. */
struct aw_watch {
    const char *dir; /* borrowed */
    struct aw_report report;
    struct aw_replay replay;
    /* Called with each event that comes after open. NULL: no call. */
    void (*tell) (const struct aw_watch *watch, const struct aw_event *ev);
    bool told; /* private: it has been opened */
    struct aw_time_left time_left;
    bool resumed; /* another coordinator continues the run: it is to be loaded again */
};

/* watch_follow.c: loads the run. 0, or -1 with problems. */
int aw_watch_open (struct aw_watch *watch, const char *dir, struct aw_problems *problems);
void aw_watch_close (struct aw_watch *watch);

/* Takes what has come since. 0, or -1 with problems: it cannot be read any more. */
int aw_watch_refresh (struct aw_watch *watch, struct aw_problems *problems);

/* Adds "running, 31 of 96 tasks done after 1m02s; 4 running on 12 of 16 CPUs ...". */
void aw_watch_put_state (struct aw_watch *watch, struct aw_textbuf *out);

/* watch_plain.c: prints a line now and then, until the run ends. Returns the exit status. */
int aw_watch_plain (struct aw_watch *watch);

/* watch_run.c: the run on SCREEN until a key ends that. True: by "q" or a signal. */
bool aw_watch_run (struct aw_watch *watch, struct aw_screen *screen);

/* watch_list.c: the runs in the working directory and in the user's running jobs: on a screen, or
 * printed once. Returns the exit status.
 */
int aw_watch_list (void);

/* watch_pager.c: shows the log of TASK (its name), or of the whole run (NULL), with the pager. */
void aw_watch_log (struct aw_screen *screen, const char *dir, const char *task);

#endif /* AW_CMD_WATCH_WATCH_H */
