/* SPDX-License-Identifier: Apache-2.0 */
/* The first phase. srun refuses a line without a command before any hook but an option's
 * callback; so that callback starts srun once more with words in the command's place.
 */
#ifndef AW_PLUGIN_RESTART_H
#define AW_PLUGIN_RESTART_H

#include <stdbool.h>
#include <stddef.h>

struct aw_error;
struct aw_strings;

/* Whether this srun is the one started again. */
bool aw_restart_is_done (void);

/* Starts this srun again. Returns, -1 with text in err, only on failure. */
int aw_restart (struct aw_error *err);

/* Where in the line of the srun started again what we appended begins; line->n if it is not
 * there.
 */
size_t aw_restart_find (const struct aw_strings *line);

#endif /* AW_PLUGIN_RESTART_H */
