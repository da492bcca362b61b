/* SPDX-License-Identifier: Apache-2.0 */
/* A journal from anybody, in a run directory whose workflow is known: what it says is refused or
 * makes sense. All formats of the report can be made of it; their figures add up; and the text is
 * harmless for a terminal. And the run can go on from it: what is not done runs, each task once.
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report/report.h"
#include "core/history/resume_state.h"
#include "core/sched/sched.h"
#include "fuzz.h"
#include "model/simulate.h"

static const char workflow[] =
    "{ \"async-workflow\": 1, \"name\": \"w\", \"iterations\": 3, \"defaults\": { \"retries\": 1 },"
    "  \"tasks\": { \"a\": { \"count\": 4, \"command\": [\"x\"], \"after\": [\"c@-1\"] },"
    "    \"b\": { \"count\": 4, \"gpus\": 1, \"after\": [\"a[i]\"], \"command\": [\"x\"] },"
    "    \"c\": { \"cpus\": 2, \"after\": [\"b\"], \"script\": \"y\" } } }";

enum { MOST_TASKS = 4096 }; /* that are simulated */

static char dir[64];
static char journal[96];

static void clean_up (void)
{
    char path[96];

    unlink (journal);
    snprintf (path, sizeof (path), "%s/workflow.json", dir);
    unlink (path);
    rmdir (dir);
}

static void write_file (const char *path, const void *data, size_t size)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    RULE (fd >= 0);
    RULE (write (fd, data, size) == (ssize_t)size);
    close (fd);
}

static void prepare (void)
{
    char path[96];

    snprintf (dir, sizeof (dir), "%s/aw-fuzz.XXXXXX",
              access ("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    RULE (mkdtemp (dir));
    snprintf (journal, sizeof (journal), "%s/journal.jsonl", dir);
    snprintf (path, sizeof (path), "%s/workflow.json", dir);
    write_file (path, workflow, sizeof (workflow) - 1);
    atexit (clean_up);
}

static void check_figures (const struct aw_report *report)
{
    const struct aw_summary *sum = &report->summary;

    RULE (sum->completed + sum->failed + sum->cancelled + sum->skipped + sum->running
              + sum->unstarted
          == report->workflow->graph->n_tasks);
    RULE (isnan (sum->makespan) || sum->makespan >= 0);
    RULE (isnan (sum->cpu_share) || (sum->cpu_share >= 0 && sum->cpu_share <= 1 + 1e-9));
    RULE (isnan (sum->gpu_share) || (sum->gpu_share >= 0 && sum->gpu_share <= 1 + 1e-9));
    RULE (isnan (sum->gap_mean) || sum->gap_mean >= 0);
    RULE (sum->assigned <= sum->started);
}

/* What is left of it for a terminal is all of it. */
static void check_plain (const struct aw_textbuf *text)
{
    struct aw_textbuf plain = { 0 };

    aw_textbuf_plain (&plain, text->data, text->len);
    RULE (plain.len == text->len && memcmp (plain.data, text->data, text->len) == 0);
    aw_textbuf_finish (&plain);
}

static void tell (const struct aw_report *report)
{
    static void (*const formats[]) (const struct aw_report *report,
                                    struct aw_textbuf *out) = { aw_report_text, aw_report_json,
                                                                aw_report_svg, aw_report_trace };

    for (size_t i = 0; i < sizeof (formats) / sizeof (formats[0]); i++) {
        struct aw_textbuf text = { 0 };

        formats[i](report, &text);
        RULE (!text.failed);
        for (size_t c = 0; c < text.len; c++)
            RULE ((unsigned char)text.data[c] >= 0x20 || text.data[c] == '\n'
                  || (text.data[c] == '\t' && formats[i] == aw_report_svg));
        if (formats[i] == aw_report_text)
            check_plain (&text);
        aw_textbuf_finish (&text);
    }
}

static void count_start (void *arg, const struct aw_event *ev)
{
    uint8_t *starts = arg;

    if (ev->type == AW_EVENT_START)
        starts[ev->task]++;
}

static void add_node (struct aw_sched *sched, double t)
{
    struct aw_event node = { .type = AW_EVENT_NODE, .t = t, .name = "n" };
    struct aw_error err = { "" };

    RULE (aw_idset_add (&node.cpus, 0, 3) == 0 && aw_idset_add (&node.gpus, 0, 1) == 0);
    RULE (aw_sched_handle (sched, &node, &err) == 0);
    aw_idset_finish (&node.cpus);
    aw_idset_finish (&node.gpus);
}

/* What a journal adds to the workflow may be large, may want more than the node has, and messages.
 */
static bool can_go_on (struct aw_sched *sched)
{
    const struct aw_graph *graph = aw_sched_graph (sched);
    struct aw_error err;

    for (uint32_t s = 0; s < graph->n_sets; s++)
        if (graph->sets[s].n_message_dependencies > 0)
            return false;
    return graph->n_tasks <= MOST_TASKS && aw_sched_check (sched, &err) == 0;
}

/* Is the task cancelled by what came before: by a CANCEL, or with the attempt that submitted it? */
static bool is_cancelled (const struct aw_resume_state *earlier, uint32_t task)
{
    for (uint32_t i = 0; i < earlier->n_cancelled; i++)
        if (task - earlier->cancelled[i].task < earlier->cancelled[i].count)
            return true;
    return false;
}

/* What is done or cancelled stays so, all else is done after it, on a node that is good enough. */
static void go_on (struct aw_report *report)
{
    const struct aw_graph *graph = report->workflow->graph;
    struct aw_resume resume = { .epoch = 1 };
    struct aw_event ev = { .type = AW_EVENT_RESUME, .t = report->history.now, .resume = &resume };
    struct aw_sched_config config = { 0 };
    uint8_t *starts = calloc (graph->n_tasks + (size_t)1, 1);
    struct aw_simulation simulation = { .observe = count_start, .arg = starts };
    struct aw_simulated result = { 0 };
    struct aw_resume_state earlier = { 0 };
    struct aw_error err = { "" };
    struct aw_sched *sched = aw_sched_create (graph, &config, &err);
    struct aw_counts counts;
    uint32_t n = 0;

    RULE (sched && starts);
    RULE (aw_history_handle (&report->history, &ev, &err) == 0);
    RULE (aw_resume_state_init (&earlier, &report->history, &err) == 0);
    RULE (aw_sched_resume (sched, &earlier, &err) == 0);
    add_node (sched, report->history.now);
    if (can_go_on (sched)) {
        RULE (aw_simulate (sched, &simulation, &result, &err) == 0);
        for (uint32_t t = 0; t < graph->n_tasks; n += starts[t++])
            RULE (starts[t] == (!earlier.done[t] && !is_cancelled (&earlier, t)));
        counts = aw_sched_counts (sched, AW_NONE);
        RULE (counts.done >= n && counts.done + counts.failed + counts.skipped == graph->n_tasks);
    }
    free (starts);
    aw_resume_state_finish (&earlier);
    aw_sched_destroy (sched);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    struct aw_problems problems;
    struct aw_report report;

    if (!dir[0])
        prepare ();
    write_file (journal, data, size);
    aw_problems_init (&problems);
    if (aw_report_load (&report, dir, &problems) == 0) {
        check_figures (&report);
        tell (&report);
        go_on (&report);
        aw_report_finish (&report);
    }
    else
        RULE (problems.n_errors > 0);
    aw_problems_finish (&problems);
    return 0;
}
