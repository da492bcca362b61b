/* SPDX-License-Identifier: Apache-2.0 */
/* replan D: the coordinator's planner. It reads the run directory of a run that is under way,
 * predicts the run's end, and searches for a better order if that has moved. It answers on stdout
 * (io/plan_answer.h). No command for people: --help of async-workflow does not list it.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cmd/arguments.h"
#include "cmd/command.h"
#include "cmd/explain/replay.h"
#include "io/plan_answer.h"
#include "model/learn.h"
#include "model/replan.h"
#include "util/processes.h"

enum { NICE = 19 };

enum { SIMULATIONS = 50 }; /* of the shortest search, with what follows it */

/* A search takes at most this part of the run, as it is expected then. */
#define PART_OF_RUN 0.005

struct arguments {
    const char *dir;
    double seconds, promised;
    uint32_t evaluations, parent;
    bool always;
};

#define OF(member) offsetof (struct arguments, member)

static const struct aw_argument options[] = {
    { "parent", "PID", "end with the process PID", AW_VALUE_COUNT, .offset = OF (parent), .min = 1,
      .max = UINT32_MAX },
    { "seconds", "S", "CPU time at most", AW_VALUE_NUMBER, .offset = OF (seconds), .max = 1e9 },
    { "evaluations", "N", "simulations at most", AW_VALUE_COUNT, .offset = OF (evaluations),
      .min = 1, .max = UINT32_MAX },
    { "promised", "T", "search if the end has moved from there", AW_VALUE_NUMBER,
      .offset = OF (promised), .max = 1e12 },
    { "always", NULL, "search in any case", AW_VALUE_FLAG, .offset = OF (always) },
};

static const struct aw_arguments line = {
    .options = options,
    .n_options = sizeof (options) / sizeof (options[0]),
    .offset = OF (dir),
    .words = "DIR",
    .doc = "Plan the rest of the run in run directory DIR. For the coordinator.",
    .missing = "no run directory given",
};

static double cpu_seconds (void)
{
    struct timespec t = { 0 };

    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Time for the search, by CPU time: on a busy machine it gets little of it. */
struct watch {
    double begin, seconds;
};

static bool search_on (void *arg, double part)
{
    const struct watch *watch = arg;

    return cpu_seconds () - watch->begin < part * watch->seconds;
}

static bool look_on (void *arg)
{
    return search_on (arg, 1);
}

/* SIMULATION: seconds of one. */
static int search (const struct arguments *args,
                   const struct aw_conditions *conditions,
                   double simulation,
                   struct aw_plan_answer *answer,
                   struct aw_error *err)
{
    struct watch watch = { cpu_seconds (), fmin (args->seconds, PART_OF_RUN * answer->end) };
    struct aw_replan_limits limits = { UINT32_MAX, search_on, &watch };
    struct aw_replan replan;

    if (!args->evaluations && SIMULATIONS * simulation > watch.seconds)
        return 0;
    if (args->evaluations)
        limits = (struct aw_replan_limits){ args->evaluations, NULL, NULL };
    if (aw_replan (&replan, conditions, answer->end, &limits, err) < 0)
        return -1;
    answer->searched = true;
    if (replan.gain > 0) {
        answer->order = aw_plan_text (aw_sched_graph (conditions->from), replan.plan.places,
                                      &replan.plan.holds);
        answer->gain = replan.gain;
        answer->end = replan.end;
    }
    aw_replan_finish (&replan);
    return answer->gain > 0 && !answer->order ? aw_error_set (err, "out of memory") : 0;
}

static int answer_for (const struct arguments *args,
                       const struct aw_report *report,
                       const struct aw_sched *sched,
                       struct aw_plan_answer *answer,
                       struct aw_error *err)
{
    struct aw_samples samples = { 0 };
    struct aw_spread spread = { 0 };
    struct watch watch = { cpu_seconds (), args->evaluations ? INFINITY : args->seconds };
    struct aw_conditions conditions = {
        .spread = &spread, .from = sched, .go_on = look_on, .arg = &watch
    };
    double end = NAN, simulation;
    int rc = aw_learn (&samples, &report->history);

    if (rc < 0)
        aw_error_set (err, "out of memory");
    else
        rc = aw_spread_init (&spread, report->workflow->graph, &samples, NAN, err);
    simulation = cpu_seconds ();
    errno = 0;
    if (rc == 0)
        rc = aw_replan_look (&end, &conditions, err);
    simulation = cpu_seconds () - simulation;
    if (rc == 0 && end > 0) {
        answer->end = end;
        if (args->always || aw_replan_departed (end, args->promised, aw_sched_now (sched)))
            rc = search (args, &conditions, simulation, answer, err);
    }
    if (rc < 0 && errno == ECANCELED) /* a simulation takes too long: the order stays */
        rc = 0;
    aw_spread_finish (&spread);
    aw_samples_finish (&samples);
    return rc;
}

static int plan (const struct arguments *args,
                 struct aw_report *report,
                 struct aw_replay *replay,
                 struct aw_error *err)
{
    struct aw_plan_answer answer = { 0 };
    struct aw_textbuf out = { 0 };
    int rc = aw_replay_now (replay, report, err);

    if (rc == 0)
        rc = answer_for (args, report, replay->sched, &answer, err);
    if (rc == 0) {
        answer.cpu = cpu_seconds ();
        aw_plan_answer_put (&answer, &out);
        rc = out.failed ? aw_error_set (err, "out of memory")
                        : aw_report_write (&out, STDOUT_FILENO);
    }
    aw_textbuf_finish (&out);
    aw_plan_answer_finish (&answer);
    return rc;
}

/* Takes no more of the machine than is left, and ends with the coordinator. */
static void step_back (const struct arguments *args)
{
    if (args->parent && prctl (PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid () != (pid_t)args->parent)
        _exit (AW_EXIT_INPUT);
    setpriority (PRIO_PROCESS, 0, NICE);
    aw_process_offer_to_oom ();
}

static int run (int argc, char **argv)
{
    struct arguments args = { .seconds = INFINITY, .promised = NAN };
    struct aw_replay replay = { 0 };
    struct aw_problems problems;
    struct aw_report report;
    struct aw_error err = { "" };
    int rc;

    aw_arguments_parse (&line, argc, argv, &args);
    step_back (&args);
    aw_problems_init (&problems);
    rc = aw_report_load_by (&report, args.dir, aw_replay_event, &replay, &problems);
    if (rc == 0) {
        rc = plan (&args, &report, &replay, &err);
        aw_replay_finish (&replay);
        aw_report_finish (&report);
    }
    if (err.text[0])
        aw_problems_add (&problems, false, "%s: %s", args.dir, err.text);
    if (rc < 0)
        aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    return rc < 0 ? AW_EXIT_INPUT : AW_EXIT_OK;
}

const struct aw_command aw_command_replan = { .name = "replan", .run = run };
