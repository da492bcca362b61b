/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/journal/run_dir.h"

static struct aw_workflow *parse (const char *tasks)
{
    struct aw_workflow *workflow;
    struct aw_problems problems;
    char text[2048];

    snprintf (text, sizeof (text), "{ \"async-workflow\": 1, \"name\": \"t\", \"tasks\": %s }",
              tasks);
    aw_problems_init (&problems);
    workflow = aw_workflow_parse (text, strlen (text), "t.json", &problems);
    aw_problems_print (&problems, stderr);
    aw_problems_finish (&problems);
    assert_non_null (workflow);
    return workflow;
}

void coordinated_begin (struct coordinated *it)
{
    const struct aw_fake_config fake = {
        .n_nodes = it->nodes, .cpus = it->cpus, .plan = it->plan, .arg = it
    };
    struct aw_coordinator_config config = {
        .display = AW_DISPLAY_NONE, .start_dir = "/", .ask_job = it->ask_job, .arg = it
    };

    it->workflow = parse (it->tasks);
    strcpy (it->parent, "/tmp/aw-coordinated-XXXXXX");
    assert_non_null (mkdtemp (it->parent));
    it->dir = aw_run_dir_path (it->parent, "run");
    free (aw_run_dir_create (it->dir, "t", NULL, NULL));
    it->journal = aw_run_dir_path (it->dir, AW_RUN_JOURNAL);
    it->base = event_base_new ();
    config.workflow = it->workflow;
    config.run_dir = it->dir;
    config.n_nodes = it->nodes;
    it->coordinator = aw_coordinator_create (it->base, &config, &it->err);
    assert_non_null (it->coordinator);
    it->callbacks = aw_coordinator_callbacks (it->coordinator);
    it->exec = aw_exec_fake_create (it->base, it->callbacks, &fake, &it->err);
    assert_non_null (it->exec);
    it->ops = *it->exec->ops;
    it->ops.message = it->message;
    it->exec->ops = &it->ops;
}

int coordinated_run (struct coordinated *it)
{
    int code;

    alarm (60);
    code = aw_coordinator_run (it->coordinator, it->exec, &it->err);
    alarm (0);
    return code;
}

void coordinated_finish (struct coordinated *it)
{
    char command[128];

    it->exec->ops->destroy (it->exec);
    aw_coordinator_destroy (it->coordinator);
    event_base_free (it->base);
    aw_workflow_destroy (it->workflow);
    snprintf (command, sizeof (command), "rm -rf '%s'", it->parent);
    assert_int_equal (system (command), 0);
    free (it->dir);
    free (it->journal);
}

int coordinated_lines (const struct coordinated *it, const char *a, const char *b)
{
    FILE *file = fopen (it->journal, "r");
    char line[4096];
    int n = 0;

    assert_non_null (file);
    while (fgets (line, sizeof (line), file))
        n += strstr (line, a) && (!b || strstr (line, b));
    fclose (file);
    return n;
}

void coordinated_after (struct coordinated *it,
                        double seconds,
                        void (*fn) (evutil_socket_t fd, short what, void *arg),
                        void *arg)
{
    const struct timeval tv = { (time_t)seconds,
                                (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) };

    assert_int_equal (event_base_once (it->base, -1, EV_TIMEOUT, fn, arg, &tv), 0);
}
