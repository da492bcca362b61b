/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of an srun about its step, and why the step failed. srun's exit code is the largest
 * of all ranks', including those killed for another's failure; so the first failed rank that srun
 * names gives the reason.
 */
#ifndef AW_COORD_STEPS_STEP_END_H
#define AW_COORD_STEPS_STEP_END_H

#include <stdbool.h>

#include "core/event.h"
#include "core/retry.h"
#include "util/error.h"
#include "util/strings.h"

enum { AW_STEP_ID_SIZE = 64 };

struct aw_step_end {
    struct aw_codes success; /* exit codes that mean success, also of a rank; none: only 0 */
    char id[AW_STEP_ID_SIZE]; /* "123.4"; "": the step has not begun */
    bool out_of_memory; /* the kernel killed some process of the step for lack of memory */
    bool succeeded; /* a rank ended with another of these than 0 */
    bool failed; /* a rank failed, as reported by: */
    int code, signal;
    struct aw_error who; /* "rank 5 on n2" */
    struct aw_error first; /* srun's first complaint, which names the cause; "" */
    struct aw_strings lines; /* all that srun complained of */
    unsigned retries; /* how often Slurm put the step off */
};

/* Takes in a line of srun's. True: the step begins with it. */
bool aw_step_end_line (struct aw_step_end *end, const char *line);

/* Frees what it holds. A zeroed one is fine. */
void aw_step_end_finish (struct aw_step_end *end);

/* srun ended with STATUS, as of waitpid: fills status (COMPLETED, FAILED or OUT_OF_MEMORY), code,
 * signal and reason of EV; the reason is TEXT's or NULL.
 */
void aw_step_end_event (const struct aw_step_end *end,
                        int status,
                        struct aw_event *ev,
                        struct aw_error *text);

#endif /* AW_COORD_STEPS_STEP_END_H */
