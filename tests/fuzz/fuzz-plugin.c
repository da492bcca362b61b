/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin in srun: its arguments in plugstack.conf, srun's line, options in any order with any
 * value, and an environment that somebody else made. The first four bytes of the input say how the
 * words behind them, separated by NUL, are shared out.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "handover.h"
#include "options.h"
#include "process.h"
#include "restart.h"
#include "util/error.h"
#include "util/strings.h"

extern char **environ;

/* Words out of a file, as the plugin reads them from /proc. */
static void read_words (struct aw_strings *words, const uint8_t *data, size_t size)
{
    int fd = memfd_create ("words", MFD_CLOEXEC);
    struct aw_error err = { "" };
    char path[64];

    RULE (fd >= 0 && write (fd, data, size) == (ssize_t)size);
    snprintf (path, sizeof (path), "/proc/self/fd/%d", fd);
    aw_strings_init (words);
    RULE (aw_process_read (words, path, &err) == 0);
    close (fd);
}

static void check_arguments (struct aw_strings *words, size_t n)
{
    struct aw_error err = { "" };
    const char *command = aw_handover_command ((int)n, words->v, "/usr/bin/async-workflow", &err);

    RULE (command ? command[0] == '/' : err.text[0]);
}

/* The variables by which SPANK would set our options are gone, and all else is still there. */
static void check_environment (char **words, size_t n)
{
    static const char *const ours[] = {
        "SLURM_SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow",
        "_SLURM_SPANK_OPTION_async_workflow_async_workflow",
        "SPANK__SLURM_SPANK_OPTION_async_workflow_async_workflow",
    };
    char **saved = environ;
    char **mine = calloc (n + 1, sizeof (*mine));
    size_t kept = 0, expected = 0;

    RULE (mine);
    for (size_t i = 0; i < n; i++) {
        bool is_ours = false;

        mine[i] = words[i];
        for (int k = 0; k < 3; k++)
            is_ours |= strncmp (words[i], ours[k], strlen (ours[k])) == 0 && strchr (words[i], '=');
        expected += !is_ours;
    }
    environ = mine;
    aw_process_forget_options ();
    (void)aw_restart_is_done ();
    while (mine[kept])
        kept++;
    environ = saved;
    free (mine);
    RULE (kept == expected);
}

static void check_line (const struct aw_strings *line, const uint8_t how[4])
{
    struct aw_options options;
    struct aw_strings result;
    struct aw_error err = { "" };

    aw_options_init (&options);
    for (size_t i = 1; i < line->n; i++) {
        const char *value = strchr (line->v[i], '=');

        value = value ? value + 1 : line->v[i];
        if (aw_options_set (&options, (int)(how[1] + i) % (AW_OPTION_COUNT + 1), value, &err) == 0)
            (void)aw_options_mark (&options, line, i + 1 + how[2] % 3, value, &err);
    }
    (void)aw_options_first_extra (&options);
    err.text[0] = '\0';
    RULE (aw_handover_check (line, how[3], &err) == 0 || err.text[0]);
    aw_strings_init (&result);
    err.text[0] = '\0';
    if (aw_handover_line (&result, "/bin/c", &options, line, &err) == 0) {
        RULE (result.n >= 4 && strcmp (result.v[0], "/bin/c") == 0
              && strcmp (result.v[1], "run") == 0
              && (result.v[2][0] != '-' || options.value[AW_OPTION_RESUME]));
        RULE (!result.v[result.n]);
    }
    else
        RULE (err.text[0]);
    aw_strings_finish (&result);
    aw_options_finish (&options);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    struct aw_strings words;
    size_t n;

    if (size < 4)
        return 0;
    read_words (&words, data + 4, size - 4);
    n = words.n < data[0] ? words.n : data[0];
    check_arguments (&words, n);
    check_environment (words.v, words.n);
    check_line (&words, data);
    aw_strings_finish (&words);
    return 0;
}
