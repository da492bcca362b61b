/* SPDX-License-Identifier: Apache-2.0 */
/* Two versions of a workflow: what a run that did part of the first has to do again for the second.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_COMPARE_H
#define AW_IO_WORKFLOW_WORKFLOW_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/workflow/workflow.h"

/* What became of a set of the new version. */
struct aw_set_change {
    uint32_t old; /* its number in the old version; AW_NONE: it is new */
    bool again; /* what its tasks did does not count any more */
    const char *key; /* again, for this key has changed; static. NULL: for the next reason */
    uint32_t cause; /* again, for this set, which it waits for, runs again or has another count;
                       or iterations; AW_NONE: for `key`, or not again */
};

/* Fills CHANGES, one a set of NEW. What its tasks do (command, script, environment, directory,
 * stdout, stderr, what is staged), what they hold while they do it (CPUs, GPUs, nodes, ranks,
 * options of srun; not memory) and what they wait for make a set run again, and with it what waits
 * for it. Times, memory, retries and what follows from a failure do not; nor does count, but for
 * what waits for the whole set; nor the number of iterations, but for a once set after them.
 */
void aw_workflow_compare (const struct aw_workflow *old,
                          const struct aw_workflow *new,
                          struct aw_set_change *changes);

#endif /* AW_IO_WORKFLOW_WORKFLOW_COMPARE_H */
