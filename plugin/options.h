/* SPDX-License-Identifier: Apache-2.0 */
/* The options that we add to srun, and what the user gave.
 *
 * Each is recorded with the place where it stood on srun's line, so that they can be taken out of
 * it again without knowing the options of srun: which of them want a value, what getopt_long
 * accepts as an abbreviation.
 */
#ifndef AW_PLUGIN_OPTIONS_H
#define AW_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct aw_error;
struct aw_words;

enum aw_option {
    AW_OPTION_FILE, /* --async-workflow */
    AW_OPTION_MODE,
    AW_OPTION_POLICY,
    AW_OPTION_DIR,
    AW_OPTION_RESUME,
    AW_OPTION_PROGRESS,
    AW_OPTION_GRACE,
    AW_OPTION_TIME_LIMIT,
    AW_OPTION_NODE_TIMEOUT,
    AW_OPTION_MAX_STEPS,
    AW_OPTION_SCRATCH,
    AW_OPTION_SCRATCH_SIZE,
    AW_OPTION_STAGE_STREAMS,
    AW_OPTION_DURABILITY,
    AW_OPTION_COUNT
};

struct aw_options {
    char *value[AW_OPTION_COUNT]; /* the last one given, owned; NULL where none was */
    bool *ours; /* whether the word of that index is one of ours, owned */
    size_t words; /* length of ours */
};

/* Name (as srun has it, without "--"), the word for its argument, and one line of help. NULL
 * beyond the last one.
 */
const char *aw_option_name (int option);
const char *aw_option_argument (int option);
const char *aw_option_usage (int option);

/* The same option as "async-workflow run" has it, without "--"; NULL for the workflow file, which
 * is an argument there.
 */
const char *aw_option_run_name (int option);

void aw_options_init (struct aw_options *options);
void aw_options_finish (struct aw_options *options);

/* Records value as the last one of option. Returns -1 with text in err on a bad option (EINVAL),
 * an empty value (EINVAL), no memory (ENOMEM).
 */
int aw_options_set (struct aw_options *options,
                    int option,
                    const char *value,
                    struct aw_error *err);

/* Marks the words of an option whose value getopt_long has just handed out. next is its optind.
 * The word before it ends in the value: where it is the value, "--option value" was written, else
 * "--option=value". Returns -1 with text in err when the line does not look like that (EINVAL),
 * on lack of memory (ENOMEM).
 */
int aw_options_mark (struct aw_options *options,
                     const struct aw_words *line,
                     size_t next,
                     const char *value,
                     struct aw_error *err);

/* The first option that was given, other than the workflow file; -1 where none was. */
int aw_options_first_extra (const struct aw_options *options);

#endif /* AW_PLUGIN_OPTIONS_H */
