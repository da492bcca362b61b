/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "words.h"

struct description {
    const char *name;
    const char *argument;
    const char *usage;
    const char *run_name;
};

static const struct description descriptions[AW_OPTION_COUNT] = {
    [AW_OPTION_FILE] = { "async-workflow", "file",
                         "run the tasks of this workflow file; no command is given then", NULL },
    [AW_OPTION_MODE] = { "async-workflow-mode", "async|sequential",
                         "start tasks when they can, or stage after stage", "mode" },
    [AW_OPTION_POLICY] = { "async-workflow-policy", "policy", "the order of tasks that could start",
                           "policy" },
    [AW_OPTION_DIR] = { "async-workflow-dir", "directory", "the run directory to create", "dir" },
    [AW_OPTION_RESUME] = { "async-workflow-resume", "directory",
                           "continue the run of this run directory", "resume" },
    [AW_OPTION_PROGRESS] = { "async-workflow-progress", "auto|tty|plain|none",
                             "how to show the progress", "progress" },
    [AW_OPTION_GRACE] = { "async-workflow-grace", "time",
                          "between SIGTERM and SIGKILL of tasks when the run is stopped", "grace" },
    [AW_OPTION_TIME_LIMIT] = { "async-workflow-time-limit", "time",
                               "end within so long, as if the job did", "time-limit" },
    [AW_OPTION_NODE_TIMEOUT] = { "async-workflow-node-timeout", "time",
                                 "take a node that is silent for so long for lost",
                                 "node-timeout" },
    [AW_OPTION_MAX_STEPS] = { "async-workflow-max-steps", "n",
                              "so many sruns at once for tasks that are a step of their own",
                              "max-steps" },
    [AW_OPTION_SCRATCH] = { "async-workflow-scratch", "directory",
                            "where each node's scratch directory is made", "scratch" },
    [AW_OPTION_SCRATCH_SIZE] = { "async-workflow-scratch-size", "size",
                                 "so much of it may staged data take", "scratch-size" },
    [AW_OPTION_STAGE_STREAMS] = { "async-workflow-stage-streams", "n",
                                  "copies at a time to and from each node", "stage-streams" },
    [AW_OPTION_DURABILITY] = { "async-workflow-durability", "process|node",
                               "what completions survive: the end of srun, or the loss of its node",
                               "durability" },
};

static const struct description *describe (int option)
{
    return option >= 0 && option < AW_OPTION_COUNT ? &descriptions[option] : NULL;
}

const char *aw_option_name (int option)
{
    return describe (option) ? describe (option)->name : NULL;
}

const char *aw_option_argument (int option)
{
    return describe (option) ? describe (option)->argument : NULL;
}

const char *aw_option_usage (int option)
{
    return describe (option) ? describe (option)->usage : NULL;
}

const char *aw_option_run_name (int option)
{
    return describe (option) ? describe (option)->run_name : NULL;
}

void aw_options_init (struct aw_options *options)
{
    memset (options, 0, sizeof (*options));
}

void aw_options_finish (struct aw_options *options)
{
    int saved = errno;

    for (int i = 0; i < AW_OPTION_COUNT; i++)
        free (options->value[i]);
    free (options->ours);
    aw_options_init (options);
    errno = saved;
}

int aw_options_set (struct aw_options *options, int option, const char *value, struct aw_error *err)
{
    char *copy;

    if (!describe (option) || !value) {
        errno = EINVAL;
        return aw_error_set (err, "option %d is not known", option);
    }
    if (!*value) {
        errno = EINVAL;
        return aw_error_set (err, "--%s: empty: wants %s", describe (option)->name,
                             describe (option)->argument);
    }
    copy = strdup (value);
    if (!copy)
        return aw_error_set (err, "%s", strerror (errno));
    free (options->value[option]);
    options->value[option] = copy;
    return 0;
}

static int make_room (struct aw_options *options, size_t words)
{
    bool *bigger;

    if (words <= options->words)
        return 0;
    bigger = realloc (options->ours, words * sizeof (*bigger));
    if (!bigger)
        return -1;
    memset (bigger + options->words, 0, (words - options->words) * sizeof (*bigger));
    options->ours = bigger;
    options->words = words;
    return 0;
}

int aw_options_mark (struct aw_options *options,
                     const struct aw_words *line,
                     size_t next,
                     const char *value,
                     struct aw_error *err)
{
    size_t last;
    size_t first;
    size_t length;

    if (next < 2 || next > line->count || !value)
        goto unexpected;
    last = next - 1;
    length = strlen (line->word[last]);
    if (length < strlen (value) || strcmp (line->word[last] + length - strlen (value), value) != 0)
        goto unexpected;
    first = length == strlen (value) ? last - 1 : last;
    if (first < 1 || strncmp (line->word[first], "--", 2) != 0)
        goto unexpected;
    if (make_room (options, line->count) < 0)
        return aw_error_set (err, "%s", strerror (errno));
    options->ours[first] = true;
    options->ours[last] = true;
    return 0;
unexpected:
    errno = EINVAL;
    return aw_error_set (err, "srun's line does not look as expected near word %zu", next);
}

int aw_options_first_extra (const struct aw_options *options)
{
    for (int i = 0; i < AW_OPTION_COUNT; i++) {
        if (i != AW_OPTION_FILE && options->value[i])
            return i;
    }
    return -1;
}
