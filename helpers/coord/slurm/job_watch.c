/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/slurm/job_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coord/slurm/slurm_job.h"
#include "coord/slurm/slurm_program.h"
#include "coord/slurm/line_process.h"
#include "util/strings.h"

enum { ANSWER_SECONDS = 20 };

struct aw_job_watch {
    struct event_base *base; /* borrowed, as the next */
    const char *id;
    void (*answered) (void *arg, const struct aw_job_answer *answer);
    void *arg;
    struct aw_line_process *query; /* scontrol; NULL: no question is under way */
    struct event *timeout; /* also made active for an answer without a query */
    struct aw_job_answer answer;
};

static const char *after (const char *text, const char *beginning)
{
    size_t n = strlen (beginning);

    return strncmp (text, beginning, n) == 0 ? text + n : NULL;
}

static enum aw_job_state state_of (const char *name)
{
    static const char *const running[] = { "RUNNING", "CONFIGURING", "RESIZING", "SIGNALING" };

    for (size_t i = 0; i < sizeof (running) / sizeof (running[0]); i++)
        if (strcmp (name, running[i]) == 0)
            return AW_JOB_RUNNING;
    if (strcmp (name, "SUSPENDED") == 0 || strcmp (name, "STOPPED") == 0)
        return AW_JOB_SUSPENDED;
    return *name ? AW_JOB_ENDING : AW_JOB_UNKNOWN;
}

static void set_state (struct aw_job_answer *answer, const char *name)
{
    size_t n = strcspn (name, " ");

    if (n >= sizeof (answer->name))
        n = sizeof (answer->name) - 1;
    memcpy (answer->name, name, n);
    answer->name[n] = '\0';
    answer->state = state_of (answer->name);
}

/* A line begins with its first key, so a job's name or command cannot be mistaken for another key.
 */
void aw_job_answer_line (struct aw_job_answer *answer, const char *id, const char *line)
{
    const char *value, *end;

    line += strspn (line, " ");
    if ((value = after (line, "JobId="))) {
        end = after (value, id);
        answer->in_record = end && (*end == ' ' || *end == '\0');
    }
    else if (strstr (line, "Invalid job id"))
        set_state (answer, "gone");
    else if (answer->in_record && (value = after (line, "JobState=")))
        set_state (answer, value);
    else if (answer->in_record && after (line, "StartTime=")
             && (value = strstr (line, " EndTime=")))
        answer->end_time = aw_slurm_time_parse (value + strlen (" EndTime="));
}

static void on_line (void *arg, const char *text)
{
    struct aw_job_watch *watch = arg;

    aw_job_answer_line (&watch->answer, watch->id, text);
}

static void end_question (struct aw_job_watch *watch)
{
    struct aw_job_answer answer = watch->answer;

    event_del (watch->timeout);
    aw_line_process_destroy (watch->query);
    watch->query = NULL;
    watch->answered (watch->arg, &answer);
}

static void on_ended (void *arg, int status)
{
    (void)status; /* what it printed is all that counts */
    end_question (arg);
}

static void on_timeout (evutil_socket_t fd, short what, void *arg)
{
    struct aw_job_watch *watch = arg;

    (void)fd;
    (void)what;
    watch->answer.state = AW_JOB_UNKNOWN;
    end_question (watch);
}

struct aw_job_watch *aw_job_watch_create (struct event_base *base,
                                          const char *id,
                                          void (*answered) (void *arg,
                                                            const struct aw_job_answer *answer),
                                          void *arg,
                                          struct aw_error *err)
{
    struct aw_job_watch *watch = calloc (1, sizeof (*watch));

    if (watch) {
        *watch = (struct aw_job_watch){ .base = base, .id = id, .answered = answered, .arg = arg };
        watch->timeout = event_new (base, -1, 0, on_timeout, watch);
    }
    if (watch && watch->timeout)
        return watch;
    free (watch);
    aw_error_set (err, "out of memory");
    return NULL;
}

void aw_job_watch_destroy (struct aw_job_watch *watch)
{
    int saved = errno;

    if (!watch)
        return;
    aw_line_process_destroy (watch->query);
    event_free (watch->timeout);
    free (watch);
    errno = saved;
}

void aw_job_watch_ask (struct aw_job_watch *watch)
{
    const struct aw_line_process_callbacks callbacks = { on_line, on_ended, watch };
    char *argv[] = { aw_slurm_program ("scontrol"), "show", "job", (char *)(uintptr_t)watch->id,
                     NULL };
    struct timeval limit = { ANSWER_SECONDS, 0 };
    struct aw_strings env;

    if (watch->query || event_pending (watch->timeout, EV_TIMEOUT, NULL))
        return;
    watch->answer = (struct aw_job_answer){ .end_time = INFINITY };
    if (aw_slurm_query_env (&env, NULL) == 0)
        watch->query = aw_line_process_create (watch->base, argv, env.v, &callbacks, NULL);
    aw_strings_finish (&env);
    if (!watch->query)
        limit.tv_sec = 0;
    event_add (watch->timeout, &limit);
}
