/* SPDX-License-Identifier: Apache-2.0 */
/* The lines, the same in srun of 22.05 to 26.05:
 *
 *   srun: launching StepId=1.4 on host n1, 2 tasks: [0-1]
 *   srun: error: n2: task 2: Exited with exit code 3
 *   srun: error: n1: tasks 0-1: Terminated
 *   srun: error: n2: task 2: Segmentation fault (core dumped)
 *   srun: error: n2: task 2: Out Of Memory
 *   slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0. Some of ...    (22.05)
 *   slurmstepd-n2: error: Detected 1 oom_kill event in StepId=7.0. Some of ...    (24.11)
 *   srun: error: Unable to create step for job 7: Invalid generic resource (gres) specification
 *   srun: Job 7 step creation temporarily disabled, retrying (Requested nodes are busy)
 */
#include "coord/steps/step_end.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/failure.h"

enum { MAX_SIGNAL = 64, MAX_LINES = 100 };

static const char *after (const char *line, const char *beginning)
{
    size_t n = strlen (beginning);

    return strncmp (line, beginning, n) == 0 ? line + n : NULL;
}

/* Slurm's word for a rank that the kernel killed because of its cgroup's limit. */
static const char OUT_OF_MEMORY[] = "Out Of Memory";

/* The signal whose description TEXT begins with; 0: none. */
static int signal_of (const char *text)
{
    if (after (text, OUT_OF_MEMORY))
        return SIGKILL;
    for (int sig = 1; sig <= MAX_SIGNAL; sig++) {
        const char *rest = after (text, strsignal (sig));

        if (rest && (*rest == '\0' || *rest == ' '))
            return sig;
    }
    return 0;
}

/* "n2: task 2: Exited with exit code 3": how a rank ended. False: the line is about something else.
 */
static bool take_rank (struct aw_step_end *end, const char *text)
{
    const char *task = strstr (text, ": task"), *how, *code;
    const char *number;

    if (!task)
        return false;
    number = task + strlen (": task");
    number += *number == 's';
    how = *number == ' ' ? strstr (number, ": ") : NULL;
    if (!how)
        return false;
    how += 2;
    code = after (how, "Exited with exit code ");
    if (!code && signal_of (how) == 0)
        return false;
    if (code && aw_codes_has (&end->success, atoi (code))) {
        end->succeeded = true;
        return true;
    }
    /* Others are killed for the first. But srun may name those first that failed because one was
     * out of memory.
     */
    if (end->failed && (!after (how, OUT_OF_MEMORY) || end->out_of_memory))
        return true;
    end->failed = true;
    end->code = code ? atoi (code) : 0;
    end->signal = code ? 0 : signal_of (how);
    end->out_of_memory = end->out_of_memory || after (how, OUT_OF_MEMORY);
    aw_error_set (&end->who, "rank %.*s on %.*s", (int)strcspn (number + 1, ":,-"), number + 1,
                  (int)(task - text), text);
    return true;
}

bool aw_step_end_line (struct aw_step_end *end, const char *line)
{
    const char *text = after (line, "srun: ");
    const char *id = text ? after (text, "launching StepId=") : NULL;
    const char *error = text ? after (text, "error: ") : NULL;

    if (id && end->id[0] == '\0') {
        size_t n = strcspn (id, " ");

        if (n < sizeof (end->id)) {
            memcpy (end->id, id, n);
            end->id[n] = '\0';
        }
        return true;
    }
    if (strstr (line, ": Detected ") && (strstr (line, "oom-kill") || strstr (line, "oom_kill")))
        end->out_of_memory = true;
    if (text && strstr (text, "step creation temporarily disabled"))
        end->retries++;
    if (error && !take_rank (end, error) && *error != '*' && !strstr (error, "CANCELLED AT")) {
        if (!end->first.text[0])
            aw_error_set (&end->first, "%s", error);
        if (end->lines.n < MAX_LINES)
            aw_strings_add (&end->lines, line);
    }
    return false;
}

void aw_step_end_finish (struct aw_step_end *end)
{
    aw_strings_finish (&end->lines);
}

/* Did the kernel kill it, or the child of its shell? */
static bool out_of_memory (const struct aw_step_end *end, const struct aw_event *ev)
{
    return end->out_of_memory && (ev->signal == SIGKILL || ev->code == 128 + SIGKILL);
}

/* Have all ranks ended by themselves, none of them with a failure that srun names? */
static bool ended (const struct aw_step_end *end, int status)
{
    int code = WIFEXITED (status) ? WEXITSTATUS (status) : -1;

    return code == 0 || (end->succeeded && !end->failed && aw_codes_has (&end->success, code));
}

void aw_step_end_event (const struct aw_step_end *end,
                        int status,
                        struct aw_event *ev,
                        struct aw_error *text)
{
    int code = WIFEXITED (status) ? WEXITSTATUS (status) : 0;
    char name[32];

    ev->reason = NULL;
    ev->code = ev->signal = 0;
    ev->status = AW_STATUS_FAILED;
    if (ended (end, status)) {
        ev->code = code;
        ev->status = out_of_memory (end, ev) ? AW_STATUS_OUT_OF_MEMORY
                                             : aw_judge_end (ev, &end->success, AW_STATUS_FAILED);
        return;
    }
    if (end->failed) {
        ev->code = end->code;
        ev->signal = end->signal;
        if (out_of_memory (end, ev))
            ev->status = AW_STATUS_OUT_OF_MEMORY;
        aw_error_set (text, "%s", end->who.text);
    }
    else if (end->id[0] == '\0')
        aw_error_set (text, "its step could not be started: %s",
                      end->first.text[0] ? end->first.text
                      : WIFSIGNALED (status)
                          ? aw_signal_name (name, sizeof (name), WTERMSIG (status))
                          : "srun gave no reason");
    else if (WIFSIGNALED (status))
        aw_error_set (text, "its srun was killed by %s",
                      aw_signal_name (name, sizeof (name), WTERMSIG (status)));
    else {
        /* No rank was named: srun's code is 128 and the signal that ended them, as in a shell. */
        ev->signal = code > 128 && code <= 128 + MAX_SIGNAL ? code - 128 : 0;
        ev->code = ev->signal ? 0 : code;
        aw_error_set (text, "srun: %s",
                      end->first.text[0] ? end->first.text : "no reason was given");
    }
    ev->reason = text->text;
}
