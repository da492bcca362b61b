/* SPDX-License-Identifier: Apache-2.0 */
/* The second phase: srun has read its options and allocated nothing yet; check its line and
 * become the coordinator.
 */
#ifndef AW_PLUGIN_HANDOVER_H
#define AW_PLUGIN_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

struct aw_error;
struct aw_options;
struct aw_strings;

/* The program to become: what the plugin's arguments (plugstack.conf) say with command=/path,
 * else fallback. Returns NULL with text in err for an argument that is not known or a path that
 * is not absolute.
 */
const char *aw_handover_command (int ac, char **av, const char *fallback, struct aw_error *err);

/* Checks that on srun's line, where its options end at word options_end, there is no command of
 * the user. Returns -1 with text in err.
 */
int aw_handover_check (const struct aw_strings *line, size_t options_end, struct aw_error *err);

/* Makes the coordinator's line of srun's: COMMAND run [FILE] [options] -- [srun's options less
 * ours]. Returns -1 with text in err.
 */
int aw_handover_line (struct aw_strings *result,
                      const char *command,
                      const struct aw_options *options,
                      const struct aw_strings *line,
                      struct aw_error *err);

/* All of it. Returns, -1 with text in err, only on failure. */
int aw_handover (const char *command,
                 const struct aw_options *options,
                 size_t options_end,
                 struct aw_error *err);

#endif /* AW_PLUGIN_HANDOVER_H */
