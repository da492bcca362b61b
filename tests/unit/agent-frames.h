/* SPDX-License-Identifier: Apache-2.0 */
/* An agent in local mode, with real processes, to which a test speaks as the coordinator does: by
 * frames. All that is sent before the loop runs arrives together.
 */
#ifndef AW_TESTS_AGENT_FRAMES_H
#define AW_TESTS_AGENT_FRAMES_H

#include "io/wire/frame.h"
#include "io/wire/link.h"
#include "rig.h"

struct agent_frames_end {
    struct aw_event event; /* without texts */
    char reason[512]; /* "" for none */
    double t; /* when it was heard (aw_clock_wall) */
};

struct agent_frames {
    struct rig rig; /* its directory and loop; without a row */
    char logs[80]; /* in that directory, for the log store */
    pid_t pid;
    struct aw_link *link; /* NULL once the agent has closed the connection */
    struct aw_frame_reader *reader;
    struct agent_frames_end ends[256]; /* in the order of their FINISH */
    size_t n_ends;
    uint32_t cpu; /* a CPU that tasks may use */
    uint32_t mem; /* MiB of the node */
    char farewell[256]; /* of LEAVE; "" for none */
    uint32_t published_by; /* task of the last message; UINT32_MAX: there was none */
    size_t ends_before; /* of FINISH, when it came */
    uint32_t n_looks; /* answers to LOOK */
    bool only_waits; /* the last one */
    /* For the next launches: */
    double limit; /* seconds; 0: none */
    double notice; /* seconds, after which SIGUSR1 comes; 0: it does not */
    bool notice_cancels;
    uint32_t mem_wanted; /* MiB */
    struct aw_codes success;
    uint32_t batch; /* 1 at first */
    bool store; /* output goes to the log store, and is durable; else to TASK.out */
    char *const *argv; /* instead of a script; NULL: the script */
};

/* Of cmocka. In the end no process may be left. */
int agent_frames_set_up (void **state);
int agent_frames_tear_down (void **state);

/* Sends a START or an ASSIGN of attempt 0 of TASK, /bin/sh -c SCRIPT. A start is on the CPU, and on
 * GPU if that is not negative.
 */
void agent_frames_start (
    struct agent_frames *f, uint32_t task, uint32_t place, int gpu, const char *script);
void agent_frames_assign (struct agent_frames *f,
                          uint32_t task,
                          uint32_t place,
                          const char *script);

/* A START of a call to a worker of set 1, which notes its process id in "worker" and answers. */
void agent_frames_call (struct agent_frames *f, uint32_t task, uint32_t mem);

void agent_frames_unassign (struct agent_frames *f, uint32_t task, uint32_t attempt);
void agent_frames_kill (struct agent_frames *f, uint32_t task, double grace);
void agent_frames_quit (struct agent_frames *f, bool now);
void agent_frames_look (struct agent_frames *f);

void agent_frames_until_ends (struct agent_frames *f, size_t n);
void agent_frames_until_closed (struct agent_frames *f);

/* Makes the file NAME in the directory of the tasks; is it there? */
void agent_frames_make (const struct agent_frames *f, const char *name);
bool agent_frames_has (const struct agent_frames *f, const char *name);

/* The end of TASK, of which there must be one. */
const struct agent_frames_end *agent_frames_end_of (const struct agent_frames *f, uint32_t task);

/* Has TASK succeeded, and NEXT followed it? NEXT -1: nothing has. */
void agent_frames_expect_success (const struct agent_frames *f, uint32_t task, int next);

/* TASK was cancelled before it had started. */
void agent_frames_expect_not_started (const struct agent_frames *f, uint32_t task);

#endif /* AW_TESTS_AGENT_FRAMES_H */
