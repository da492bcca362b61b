/* SPDX-License-Identifier: Apache-2.0 */
/* What a task set waits for, as it is written: "set", "set[i]", "set[sample]",
 * "set@-1", "set[i]@-1", "set[sample,chromosome]@-1".
 */
#ifndef AW_IO_WORKFLOW_AFTER_H
#define AW_IO_WORKFLOW_AFTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct aw_after {
    size_t name_length; /* the name is how the text begins */
    const char *brackets; /* in the text: what is in "[]"; NULL: there are none */
    size_t brackets_length;
    bool each; /* that is "i" */
    uint32_t back; /* "@-N": N, else 0 */
};

/* Returns 0, or -1 with text, what is wrong and what to write. */
int aw_after_parse (const char *text, struct aw_after *after, struct aw_error *err);

#endif /* AW_IO_WORKFLOW_AFTER_H */
