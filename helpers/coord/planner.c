/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/planner.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coord/slurm/line_process.h"
#include "io/plan_answer.h"
#include "util/clock.h"
#include "util/strings.h"
#include "util/units.h"

extern char **environ;

enum {
    FAILURES_MOST = 3, /* in a row: then no look follows */
    DEADLINE =
        10, /* seconds for an answer, and as many looks' time; where simulations are given: */
    LONG_DEADLINE = 600,
    SEARCH = 2, /* seconds of a search, at most */
};

static const double part = 0.01; /* of the run, for all looks */
static const double cost_of_start = 0.03, cost_of_task = 40e-6; /* seconds of a first look, about */
static const double least_distance = 0.2; /* seconds between two looks */

/* Why a search is due whether or not the end has moved; the first that is set is named. */
enum reason { NODE_LOST, NODE_JOINED, TASKS_ADDED, TASKS_CANCELLED, TASK_FAILED, RESUMED, REASONS };

static const char *const reasons[REASONS] = {
    [NODE_LOST] = "a node takes no more tasks",
    [NODE_JOINED] = "a node joined",
    [TASKS_ADDED] = "tasks were added",
    [TASKS_CANCELLED] = "tasks were cancelled",
    [TASK_FAILED] = "a task failed",
    [RESUMED] = "the run was resumed",
};

struct aw_planner {
    struct aw_planner_config config;
    struct event_base *base; /* borrowed */
    struct event *deadline; /* timer */
    struct aw_line_process *look; /* the process; NULL: none is under way */
    struct aw_plan_answer answer; /* so far */
    double began, began_at; /* the look: monotonic, and t */
    double next; /* t of the next look at the earliest */
    double promised; /* t of the end by the present order; NAN: not known */
    double end; /* by the last look; NAN: not known */
    double cost; /* CPU seconds of the last look, or of the next as far as is known */
    uint32_t n_events, seen; /* starts and ends of attempts; at the last look */
    uint32_t changes, looked_for; /* bits of enum reason: since the last look; of the present one */
    int failures; /* in a row */
    bool started; /* the first attempt has */
    bool late; /* the look is being ended */
};

static void on_deadline (evutil_socket_t fd, short what, void *arg)
{
    struct aw_planner *planner = arg;

    (void)fd;
    (void)what;
    planner->late = true;
    aw_line_process_signal (planner->look, SIGKILL);
}

struct aw_planner *aw_planner_create (struct event_base *base,
                                      const struct aw_planner_config *config)
{
    struct aw_planner *planner = calloc (1, sizeof (*planner));

    if (!planner)
        return NULL;
    planner->config = *config;
    planner->base = base;
    planner->promised = planner->end = NAN;
    planner->changes = config->resumed ? 1U << RESUMED : 0;
    planner->cost = cost_of_start + cost_of_task * config->n_tasks;
    planner->next = config->evaluations ? 0 : planner->cost / part;
    planner->deadline = event_new (base, -1, 0, on_deadline, planner);
    if (planner->deadline)
        return planner;
    free (planner);
    errno = ENOMEM;
    return NULL;
}

/* It holds nothing that needs cleaning up. */
static void end_look (struct aw_planner *planner)
{
    event_del (planner->deadline);
    if (planner->look)
        aw_line_process_signal (planner->look, SIGKILL);
    aw_line_process_destroy (planner->look);
    planner->look = NULL;
    aw_plan_answer_finish (&planner->answer);
}

void aw_planner_destroy (struct aw_planner *planner)
{
    int saved = errno;

    if (!planner)
        return;
    end_look (planner);
    event_free (planner->deadline);
    free (planner);
    errno = saved;
}

void aw_planner_event (struct aw_planner *planner, const struct aw_event *ev)
{
    if (!planner || ev->returned)
        return;
    if (ev->type == AW_EVENT_START || ev->type == AW_EVENT_FINISH)
        planner->n_events++;
    if (ev->type == AW_EVENT_START && !planner->started) {
        planner->started = true;
        if (planner->config.makespan > 0)
            planner->promised = ev->t + planner->config.makespan;
    }
    else if (ev->type == AW_EVENT_NODE_LOST || ev->type == AW_EVENT_NODE_DRAIN)
        planner->changes |= 1U << NODE_LOST;
    else if (ev->type == AW_EVENT_NODE && planner->started)
        planner->changes |= 1U << NODE_JOINED;
    else if (ev->type == AW_EVENT_ADD)
        planner->changes |= 1U << TASKS_ADDED;
    else if (ev->type == AW_EVENT_CANCEL)
        planner->changes |= 1U << TASKS_CANCELLED;
    else if (ev->type == AW_EVENT_FINISH && ev->status != AW_STATUS_COMPLETED)
        planner->changes |= 1U << TASK_FAILED;
}

static void on_line (void *arg, const char *text)
{
    struct aw_planner *planner = arg;

    aw_plan_answer_take (&planner->answer, text);
}

/* "a node takes no more tasks: 12 s earlier", "tasks take longer than expected: ...". */
static void tell_why (const struct aw_planner *planner, char *text, size_t size)
{
    const char *why = planner->answer.end + planner->answer.gain > planner->promised
                          ? "the run takes longer than was planned"
                          : "the run takes less time than was planned";
    char gain[32];
    int i = 0;

    if (isnan (planner->promised))
        why = "durations are known now";
    while (i < REASONS && !(planner->looked_for & 1U << i))
        i++;
    if (i < REASONS)
        why = reasons[i];
    snprintf (text, size, "%s: a new order ends %s earlier", why,
              aw_format_seconds (gain, sizeof (gain), planner->answer.gain));
}

static void take_answer (struct aw_planner *planner)
{
    const struct aw_plan_answer *answer = &planner->answer;
    char why[160];

    planner->end = answer->end > 0 ? answer->end : NAN;
    if (answer->order) {
        tell_why (planner, why, sizeof (why));
        planner->config.plan (planner->config.arg, answer->order, why);
    }
    if (answer->searched)
        planner->promised = answer->end;
}

static void on_ended (void *arg, int status)
{
    struct aw_planner *planner = arg;
    double cost = planner->answer.cpu;
    bool good = !planner->late && WIFEXITED (status) && WEXITSTATUS (status) == 0
                && aw_plan_answer_is_good (&planner->answer);

    if (good) {
        planner->failures = 0;
        take_answer (planner);
    }
    else {
        planner->failures++;
        planner->changes |= planner->looked_for;
        cost = aw_clock_monotonic () - planner->began;
    }
    planner->cost = cost;
    planner->next = planner->began_at + aw_clock_monotonic () - planner->began
                    + fmax (least_distance, planner->config.evaluations ? 0 : cost / part);
    end_look (planner);
}

static void command_line (const struct aw_planner *planner, struct aw_strings *argv)
{
    const struct aw_planner_config *config = &planner->config;

    aw_strings_add (argv, "/proc/self/exe");
    aw_strings_add (argv, "replan");
    aw_strings_addf (argv, "--parent=%ld", (long)getpid ());
    if (config->evaluations)
        aw_strings_addf (argv, "--evaluations=%u", config->evaluations);
    aw_strings_addf (argv, "--seconds=%.6f", isnan (config->seconds) ? SEARCH : config->seconds);
    if (planner->promised >= 0)
        aw_strings_addf (argv, "--promised=%.6f", planner->promised);
    if (planner->changes)
        aw_strings_add (argv, "--always");
    aw_strings_add (argv, config->run_dir);
}

static void look (struct aw_planner *planner, double t)
{
    const struct aw_line_process_callbacks callbacks = { on_line, on_ended, planner };
    struct timeval limit = { planner->config.evaluations
                                 ? LONG_DEADLINE
                                 : DEADLINE + (time_t)(DEADLINE * planner->cost),
                             0 };
    struct aw_strings argv = { 0 };

    command_line (planner, &argv);
    planner->late = false;
    planner->began = aw_clock_monotonic ();
    planner->began_at = t;
    if (!argv.failed)
        planner->look = aw_line_process_create (planner->base, argv.v, environ, &callbacks, NULL);
    aw_strings_finish (&argv);
    planner->seen = planner->n_events;
    planner->looked_for = planner->changes;
    planner->changes = 0;
    if (planner->look)
        event_add (planner->deadline, &limit);
    else
        planner->failures++;
}

void aw_planner_turn (struct aw_planner *planner, double t)
{
    if (!planner)
        return;
    if (!planner->look && planner->started && planner->failures < FAILURES_MOST
        && t >= planner->next && planner->n_events != planner->seen)
        look (planner, t);
}

double aw_planner_end (const struct aw_planner *planner)
{
    return planner ? planner->end : NAN;
}
