/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "agent/local.h"
#include "coord/agents/exec_agents.h"
#include "util/clock.h"

static pid_t munged_pid;

static void on_node (void *arg, const struct aw_event *ev)
{
    struct rig *rig = arg;

    assert_int_equal (ev->type, AW_EVENT_NODE);
    assert_true (ev->node < 16);
    assert_int_equal (ev->node, rig->n_nodes);
    snprintf (rig->nodes[ev->node], sizeof (rig->nodes[0]), "%s", ev->name);
    rig->node_cpus[ev->node] = aw_idset_count (&ev->cpus);
    rig->n_nodes++;
}

static void on_lost (void *arg, const struct aw_event *ev)
{
    struct rig *rig = arg;

    assert_int_equal (ev->type, AW_EVENT_NODE_LOST);
    assert_true (rig->n_lost < 16);
    rig->lost[rig->n_lost++] = ev->node;
    snprintf (rig->lost_reason, sizeof (rig->lost_reason), "%s", ev->reason);
}

static void on_finish (void *arg, const struct aw_event *ev)
{
    struct rig *rig = arg;
    struct rig_end *end;

    assert_int_equal (ev->type, AW_EVENT_FINISH);
    rig->ends = realloc (rig->ends, (rig->n_ends + 1) * sizeof (*rig->ends));
    assert_non_null (rig->ends);
    end = &rig->ends[rig->n_ends++];
    memset (end, 0, sizeof (*end));
    end->node = ev->node;
    end->task = ev->task;
    end->attempt = ev->attempt;
    end->status = ev->status;
    end->code = ev->code;
    end->signal = ev->signal;
    end->seconds = ev->seconds;
    end->cpu_seconds = ev->cpu_seconds;
    end->max_rss = ev->max_rss;
    snprintf (end->reason, sizeof (end->reason), "%s", ev->reason ? ev->reason : "");
}

static void on_broken (void *arg, const struct aw_error *why)
{
    struct rig *rig = arg;

    rig->n_broken++;
    snprintf (rig->broken, sizeof (rig->broken), "%s", why->text);
}

static void on_note (void *arg, const char *text)
{
    struct rig *rig = arg;

    snprintf (rig->note, sizeof (rig->note), "%s", text);
}

static void on_awaited (void *arg, uint32_t n)
{
    struct rig *rig = arg;

    rig->n_awaited = n;
}

void rig_init (struct rig *rig)
{
    memset (rig, 0, sizeof (*rig));
    rig->n_awaited = UINT32_MAX;
    strcpy (rig->dir, "/tmp/aw-rig.XXXXXX");
    assert_non_null (mkdtemp (rig->dir));
    rig->base = event_base_new ();
    assert_non_null (rig->base);
    rig->callbacks = (struct aw_exec_callbacks){
        .node_joined = on_node,
        .node_lost = on_lost,
        .task_finished = on_finish,
        .broken = on_broken,
        .note = on_note,
        .awaited = on_awaited,
        .arg = rig,
    };
}

void rig_finish (struct rig *rig)
{
    char command[128];

    if (rig->exec)
        rig->exec->ops->destroy (rig->exec);
    event_base_free (rig->base);
    free (rig->ends);
    snprintf (command, sizeof (command), "rm -rf '%s'", rig->dir);
    assert_int_equal (system (command), 0);
}

int rig_local_set_up (void **state)
{
    static struct rig rig;
    struct aw_agent_local local = { NULL, NULL };
    struct aw_error err = { "" };

    rig_init (&rig);
    rig.exec =
        aw_exec_local_create (rig.base, &rig.callbacks, aw_agent_serve_local, &local, -1, &err);
    if (!rig.exec)
        fail_msg ("%s", err.text);
    *state = &rig;
    return 0;
}

int rig_local_tear_down (void **state)
{
    rig_finish (*state);
    return waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static void on_tick (evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* The tick is for conditions that the loop does not see, such as files. */
void rig_until (struct rig *rig, bool (*condition) (struct rig *rig, void *arg), void *arg)
{
    double limit = aw_clock_monotonic () + RIG_SECONDS;
    struct event *tick = event_new (rig->base, -1, EV_PERSIST, on_tick, NULL);
    struct timeval tv = { 0, 5000 };

    assert_non_null (tick);
    event_add (tick, &tv);
    while (!condition (rig, arg)) {
        if (aw_clock_monotonic () > limit)
            fail_msg ("not within %g s; broken \"%s\", lost \"%s\"", RIG_SECONDS, rig->broken,
                      rig->lost_reason);
        event_base_loop (rig->base, EVLOOP_ONCE);
    }
    event_free (tick);
}

static bool has_nodes (struct rig *rig, void *arg)
{
    return rig->n_nodes >= *(uint32_t *)arg;
}

static bool has_ends (struct rig *rig, void *arg)
{
    return rig->n_ends >= *(size_t *)arg;
}

static bool has_lost (struct rig *rig, void *arg)
{
    return rig->n_lost >= *(uint32_t *)arg;
}

static bool is_broken (struct rig *rig, void *arg)
{
    (void)arg;
    return rig->n_broken > 0;
}

static bool has_file (struct rig *rig, void *arg)
{
    char path[256];
    struct stat st;

    snprintf (path, sizeof (path), "%s/%s", rig->dir, (char *)arg);
    return stat (path, &st) == 0 && st.st_size > 0;
}

static bool is_gone (struct rig *rig, void *arg)
{
    (void)rig;
    return !rig_alive (*(pid_t *)arg);
}

void rig_until_nodes (struct rig *rig, uint32_t n)
{
    rig_until (rig, has_nodes, &n);
}

void rig_until_ends (struct rig *rig, size_t n)
{
    rig_until (rig, has_ends, &n);
}

void rig_until_lost (struct rig *rig, uint32_t n)
{
    rig_until (rig, has_lost, &n);
}

void rig_until_broken (struct rig *rig)
{
    rig_until (rig, is_broken, NULL);
}

void rig_until_file (struct rig *rig, const char *name)
{
    rig_until (rig, has_file, (char *)name);
}

void rig_until_gone (struct rig *rig, pid_t pid)
{
    rig_until (rig, is_gone, &pid);
}

static bool is_idle (struct rig *rig, void *arg)
{
    (void)arg;
    return event_base_get_num_events (rig->base, EVENT_BASE_COUNT_ADDED) <= 1; /* the tick */
}

void rig_until_idle (struct rig *rig)
{
    rig_until (rig, is_idle, NULL);
}

bool rig_alive (pid_t pid)
{
    char path[64], line[256] = "";
    FILE *file;
    const char *state;

    snprintf (path, sizeof (path), "/proc/%d/stat", (int)pid);
    file = fopen (path, "r");
    if (!file)
        return false;
    if (!fgets (line, sizeof (line), file))
        line[0] = '\0';
    fclose (file);
    state = strrchr (line, ')');
    return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

void rig_start_limited (
    struct rig *rig, uint32_t node, uint32_t task, const char *script, double limit)
{
    char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
    char out[128], errors[128];
    struct aw_launch launch;
    struct aw_error err = { "" };

    aw_launch_init (&launch);
    snprintf (out, sizeof (out), "%s/%u.out", rig->dir, task);
    snprintf (errors, sizeof (errors), "%s/%u.err", rig->dir, task);
    launch.task = task;
    launch.argv = argv;
    launch.directory = rig->dir;
    if (rig->store)
        launch.store = rig->dir;
    else {
        launch.out = out;
        launch.err = errors;
    }
    launch.tidy = rig->tidy;
    launch.time_limit = limit;
    launch.grace = rig->grace > 0 ? rig->grace : RIG_GRACE;
    if (rig->exec->ops->start (rig->exec, node, &launch, &err) < 0)
        fail_msg ("start: %s", err.text);
}

void rig_start (struct rig *rig, uint32_t node, uint32_t task, const char *script)
{
    rig_start_limited (rig, node, task, script, __builtin_inf ());
}

const struct rig_end *rig_end_of (const struct rig *rig, uint32_t task)
{
    for (size_t i = 0; i < rig->n_ends; i++)
        if (rig->ends[i].task == task)
            return &rig->ends[i];
    fail_msg ("task %u has not ended", task);
    return NULL;
}

char *rig_read (const struct rig *rig, const char *name)
{
    char path[256];
    char *text = calloc (1, 65536);
    FILE *file;
    size_t n;

    assert_non_null (text);
    snprintf (path, sizeof (path), "%s/%s", rig->dir, name);
    file = fopen (path, "r");
    assert_non_null (file);
    n = fread (text, 1, 65535, file);
    text[n] = '\0';
    fclose (file);
    return text;
}

pid_t rig_read_pid (const struct rig *rig, const char *name)
{
    char *text = rig_read (rig, name);
    pid_t pid = (pid_t)atoi (text);

    free (text);
    assert_true (pid > 1);
    return pid;
}

static void write_key (const char *path)
{
    unsigned char key[128];
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FILE *random = fopen ("/dev/urandom", "r");

    assert_true (fd >= 0 && random);
    assert_int_equal (fread (key, 1, sizeof (key), random), sizeof (key));
    assert_int_equal (write (fd, key, sizeof (key)), (ssize_t)sizeof (key));
    fclose (random);
    close (fd);
}

static void run_munged (const char *dir)
{
    static const char *const paths[] = { "/usr/sbin/munged", "/usr/local/sbin/munged",
                                         "/usr/bin/munged" };
    char socket[128], key[128], pid[128], seed[128], log[128];
    int fd;

    snprintf (socket, sizeof (socket), "--socket=%s/munge.socket", dir);
    snprintf (key, sizeof (key), "--key-file=%s/munge.key", dir);
    snprintf (pid, sizeof (pid), "--pid-file=%s/munged.pid", dir);
    snprintf (seed, sizeof (seed), "--seed-file=%s/munge.seed", dir);
    snprintf (log, sizeof (log), "%s/munged.log", dir);
    fd = open (log, O_WRONLY | O_CREAT, 0600);
    dup2 (fd, 1);
    dup2 (fd, 2);
    for (size_t i = 0; i < sizeof (paths) / sizeof (paths[0]); i++)
        execl (paths[i], "munged", "--foreground", "--force", "--num-threads=2", socket, key, pid,
               seed, (char *)NULL);
    _exit (127);
}

bool rig_munged_start (struct rig *rig)
{
    double limit = aw_clock_monotonic () + RIG_SECONDS;
    char path[128];

    if (access ("/usr/sbin/munged", X_OK) < 0 && access ("/usr/local/sbin/munged", X_OK) < 0
        && access ("/usr/bin/munged", X_OK) < 0)
        return false;
    snprintf (path, sizeof (path), "%s/munge.key", rig->dir);
    write_key (path);
    chmod (rig->dir, 0755); /* munged looks at it */
    munged_pid = fork ();
    assert_true (munged_pid >= 0);
    if (munged_pid == 0)
        run_munged (rig->dir);
    snprintf (path, sizeof (path), "%s/munge.socket", rig->dir);
    while (access (path, F_OK) < 0) {
        assert_int_equal (waitpid (munged_pid, NULL, WNOHANG), 0);
        assert_true (aw_clock_monotonic () < limit);
        usleep (5000);
    }
    setenv ("ASYNC_WORKFLOW_MUNGE_SOCKET", path, 1);
    return true;
}

void rig_munged_signal (int number)
{
    assert_int_equal (kill (munged_pid, number), 0);
}

void rig_munged_stop (void)
{
    if (munged_pid > 0) {
        kill (munged_pid, SIGTERM);
        waitpid (munged_pid, NULL, 0);
    }
    munged_pid = 0;
    unsetenv ("ASYNC_WORKFLOW_MUNGE_SOCKET");
}
