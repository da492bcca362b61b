/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the backend "steps", for its own files. The phases of a step:
 *
 *   waiting -> admitting   it is its turn: the agents of its nodes let its ranks in
 *   admitting -> running   all agents have answered: its srun starts
 *   running -> dismissing  it has ended: the agents pass on the last messages of its ranks
 *   dismissing -> told     all agents have answered: its end is reported
 *
 * A step that has not come to running ends in the next state that does not wait.
 */
#ifndef AW_COORD_STEPS_EXEC_STEPS_STATE_H
#define AW_COORD_STEPS_EXEC_STEPS_STATE_H

#include <event2/event.h>

#include "coord/exec.h"
#include "coord/slurm/line_process.h"
#include "coord/steps/step_end.h"
#include "coord/steps/step_line.h"
#include "coord/steps/step_log.h"
#include "coord/steps/step_signal.h"
#include "coord/steps/token_grants.h"

/* What the timer is set for. */
enum aw_job_step_timer { AW_STEP_TIMER_LIMIT, AW_STEP_TIMER_GRACE, AW_STEP_TIMER_KILL };

enum aw_job_step_phase { AW_STEP_WAITING, AW_STEP_ADMITTING, AW_STEP_RUNNING, AW_STEP_DISMISSING };

struct aw_job_step {
    struct aw_exec_steps *backend;
    enum aw_job_step_phase phase;
    struct aw_token_grants guests;
    struct aw_job_step *next; /* in the order of the launches */
    uint32_t node, task, attempt;
    struct aw_strings line, env; /* until it is started */
    struct aw_line_process *srun; /* NULL before AW_STEP_RUNNING */
    struct aw_step_end end;
    struct aw_step_log log;
    struct aw_event finish; /* AW_STEP_DISMISSING: its end, to be reported */
    struct aw_error why; /* its reason */
    struct event *timer, *notice;
    enum aw_job_step_timer timer_for;
    double time_limit, limit_grace, notice_after, grace;
    int notice_signal;
    bool notice_cancels, noticed;
    double started;
    enum aw_status told; /* to end as; COMPLETED: it was not */
    bool over; /* before it was started */
    bool srun_kills; /* its ranks, when one has failed */
    int kills; /* how often it was killed */
};

struct aw_exec_steps {
    struct aw_exec exec; /* first */
    struct event_base *base;
    struct aw_exec *pool;
    bool (*unbound) (struct aw_exec *pool, uint32_t node);
    const char *(*socket) (struct aw_exec *pool, uint32_t node);
    struct aw_step_job job; /* its id is owned */
    char *bind;
    uint32_t max_steps;
    uint32_t n_started; /* steps from AW_STEP_ADMITTING on to the end of their srun */
    struct aw_job_step *steps;
    struct aw_step_signals signals;
    struct event *turn; /* made active when there is something to report or start */
};

/* job_step.c: the life of one step. */

/* A step for LAUNCH on NODE, which waits. It is not among those of BACKEND yet. NULL with text. */
struct aw_job_step *aw_job_step_create (struct aw_exec_steps *backend,
                                        uint32_t node,
                                        const struct aw_launch *launch,
                                        struct aw_error *err);

/* Kills and reaps its srun. No callback comes from here. */
void aw_job_step_destroy (struct aw_job_step *step);

/* The step has to end as AS, which is not COMPLETED: SIGTERM now, SIGKILL after GRACE seconds. If
 * it had to end before, a shorter grace counts from now. */
void aw_job_step_stop (struct aw_job_step *step, enum aw_status as, double grace);

/* Can it go to its next phase without waiting? Then continue takes it there. After the last phase
 * its end is reported, and it is destroyed. */
bool aw_job_step_can_continue (const struct aw_job_step *step);
void aw_job_step_continue (struct aw_job_step *step);

#endif /* AW_COORD_STEPS_EXEC_STEPS_STATE_H */
