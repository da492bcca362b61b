/* SPDX-License-Identifier: Apache-2.0 */
/* What the user gave for the options that we add to srun (util/run_options.h).
 *
 * Each is recorded with its place on srun's line. So they can be taken out of the line without
 * knowledge of srun's options: which of them need a value, and what getopt_long accepts as an
 * abbreviation.
 */
#ifndef AW_PLUGIN_OPTIONS_H
#define AW_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/run_options.h"
#include "util/strings.h"

struct aw_error;

struct aw_options {
    char *value[AW_OPTION_SRUN_COUNT]; /* the last one given, owned; NULL where none was */
    struct aw_strings list[AW_OPTION_SRUN_COUNT]; /* all values, of those that are lists */
    bool *ours; /* whether the word of that index is one of ours, owned */
    size_t words, room; /* length of ours, and room in it */
};

void aw_options_init (struct aw_options *options);
void aw_options_finish (struct aw_options *options);

/* Records value as the last one of option; "" for a flag. Returns -1 with text in err on a bad
 * option (EINVAL), an empty value (EINVAL), no memory (ENOMEM).
 */
int aw_options_set (struct aw_options *options,
                    int option,
                    const char *value,
                    struct aw_error *err);

/* Marks the words of an option whose value getopt_long has just handed out. next is its optind.
 * The word before it ends in the value: where it is the value, "--option value" was written, else
 * "--option=value", or with the value "" the flag "--option". Returns -1 with text in err when the
 * line does not look like that (EINVAL), on lack of memory (ENOMEM).
 */
int aw_options_mark (struct aw_options *options,
                     const struct aw_strings *line,
                     size_t next,
                     const char *value,
                     struct aw_error *err);

/* Is there a workflow to run: a file, or the run directory of one that continues? */
bool aw_options_has_run (const struct aw_options *options);

/* The first option that was given, other than the workflow file; -1 where none was. */
int aw_options_first_extra (const struct aw_options *options);

#endif /* AW_PLUGIN_OPTIONS_H */
