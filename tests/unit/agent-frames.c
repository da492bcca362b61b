/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent-frames.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/local.h"
#include "coord/agents/local_agent.h"
#include "io/message_frame.h"
#include "util/clock.h"

static const char worker[] = "while read -r call; do echo $$ >worker; echo '{}' >&3; done <&3";

static void take_end (struct agent_frames *f, const struct aw_event *ev)
{
    struct agent_frames_end *end = &f->ends[f->n_ends];

    assert_true (f->n_ends < sizeof (f->ends) / sizeof (f->ends[0]));
    f->n_ends++;
    end->event = *ev;
    end->event.reason = NULL;
    end->t = aw_clock_wall ();
    snprintf (end->reason, sizeof (end->reason), "%s", ev->reason ? ev->reason : "");
}

static void take_hello (struct agent_frames *f, const struct aw_event *ev)
{
    f->cpu = aw_idset_next (&ev->cpus, 0);
    f->mem = (uint32_t)(ev->mem >> 20);
}

static void take_message (struct agent_frames *f, const char *line, size_t size)
{
    struct aw_packet packet;
    struct aw_error err = { "" };

    if (aw_message_frame_read (&packet, line, size, &err) < 0)
        fail_msg ("%s", err.text);
    if (packet.kind == AW_PACKET_PUBLISH) {
        f->published_by = packet.task;
        f->ends_before = f->n_ends;
    }
    else if (packet.kind == AW_PACKET_LOOK) {
        f->n_looks++;
        f->only_waits = packet.seq;
    }
}

static void on_line (void *arg, const char *line, size_t size)
{
    struct agent_frames *f = arg;
    struct aw_error err = { "" };
    struct aw_frame frame;

    if (aw_message_frame_is (line, size)) {
        take_message (f, line, size);
        return;
    }
    if (aw_frame_read (f->reader, line, size, &frame, &err) < 0)
        fail_msg ("%s", err.text);
    if (frame.type == AW_FRAME_HELLO)
        take_hello (f, &frame.event);
    else if (frame.type == AW_FRAME_FINISH)
        take_end (f, &frame.event);
    else if (frame.type == AW_FRAME_LEAVE)
        snprintf (f->farewell, sizeof (f->farewell), "%s", frame.event.reason);
    else
        fail_msg ("a frame of type %d", frame.type);
}

static void on_closed (void *arg, const char *reason)
{
    struct agent_frames *f = arg;

    (void)reason;
    aw_link_destroy (f->link);
    f->link = NULL;
}

static bool has_joined (struct rig *rig, void *arg)
{
    const struct agent_frames *f = arg;

    (void)rig;
    return f->cpu != AW_IDSET_NONE;
}

int agent_frames_set_up (void **state)
{
    static struct agent_frames frames;
    struct agent_frames *f = &frames;
    const struct aw_link_callbacks callbacks = { on_line, on_closed, f };
    struct aw_idset gpus = { 0 };
    struct aw_agent_local local = { NULL, &gpus };
    struct aw_error err = { "" };
    int fd;

    memset (f, 0, sizeof (*f));
    rig_init (&f->rig);
    snprintf (f->logs, sizeof (f->logs), "%.63s/logs", f->rig.dir);
    assert_int_equal (mkdir (f->logs, 0700), 0);
    f->cpu = AW_IDSET_NONE;
    f->published_by = UINT32_MAX;
    f->batch = 1;
    f->reader = aw_frame_reader_create ();
    assert_non_null (f->reader);
    assert_int_equal (aw_idset_add (&gpus, 0, 3), 0);
    f->pid = aw_local_agent_start (aw_agent_serve_local, &local, -1, &fd, &err);
    aw_idset_finish (&gpus);
    if (f->pid < 0)
        fail_msg ("%s", err.text);
    f->link = aw_link_create (f->rig.base, fd, AW_FRAME_MAX, false, &callbacks, &err);
    assert_non_null (f->link);
    rig_until (&f->rig, has_joined, f);
    *state = f;
    return 0;
}

int agent_frames_tear_down (void **state)
{
    struct agent_frames *f = *state;

    if (f->link)
        agent_frames_quit (f, true);
    aw_link_destroy (f->link);
    aw_local_agent_end (f->pid);
    aw_frame_reader_destroy (f->reader);
    rig_finish (&f->rig);
    return waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static void send_frame (struct agent_frames *f, const struct aw_frame *frame)
{
    struct aw_error err = { "" };

    assert_non_null (f->link);
    if (aw_frame_put (aw_link_out (f->link), frame, &err) < 0)
        fail_msg ("%s", err.text);
    aw_link_send (f->link, 0);
}

/* What starts and assignments have. ARGV and OUT are borrowed. */
static void fill (struct agent_frames *f, struct aw_launch *launch, char **argv, char *out)
{
    if (f->store) {
        launch->store = f->logs;
        launch->durable = true;
    }
    else
        launch->out = launch->err = out;
    launch->argv = f->argv ? (char **)f->argv : argv;
    launch->directory = f->rig.dir;
    launch->success = f->success;
    launch->batch = f->batch;
    launch->mem = f->mem_wanted;
    launch->grace = RIG_GRACE;
    if (f->limit > 0)
        launch->time_limit = f->limit;
    if (f->notice > 0)
        launch->notice = f->notice;
    launch->notice_signal = SIGUSR1;
    launch->notice_cancels = f->notice_cancels;
}

void agent_frames_start (
    struct agent_frames *f, uint32_t task, uint32_t place, int gpu, const char *script)
{
    char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
    char out[128], name[32];
    struct aw_launch launch;

    aw_launch_init (&launch);
    snprintf (out, sizeof (out), "%s/%u.out", f->rig.dir, task);
    snprintf (name, sizeof (name), "set[%u]", task);
    fill (f, &launch, argv, out);
    launch.task = task;
    launch.name = name;
    launch.place = place;
    assert_int_equal (aw_idset_add (&launch.cpus, f->cpu, f->cpu), 0);
    if (gpu >= 0)
        assert_int_equal (aw_idset_add (&launch.gpus, (uint32_t)gpu, (uint32_t)gpu), 0);
    send_frame (f, &(struct aw_frame){ .type = AW_FRAME_START, .launch = launch });
    aw_idset_finish (&launch.cpus);
    aw_idset_finish (&launch.gpus);
}

void agent_frames_assign (struct agent_frames *f, uint32_t task, uint32_t place, const char *script)
{
    char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
    char out[128], name[32];
    struct aw_launch launch;

    aw_launch_init (&launch);
    snprintf (out, sizeof (out), "%s/%u.out", f->rig.dir, task);
    snprintf (name, sizeof (name), "set[%u]", task);
    fill (f, &launch, argv, out);
    launch.task = task;
    launch.name = name;
    launch.place = place;
    launch.assigned = true;
    send_frame (f, &(struct aw_frame){ .type = AW_FRAME_ASSIGN, .launch = launch });
}

void agent_frames_call (struct agent_frames *f, uint32_t task, uint32_t mem)
{
    char *argv[] = { "/bin/sh", "-c", (char *)worker, NULL };
    struct aw_launch launch;

    aw_launch_init (&launch);
    launch.task = task;
    launch.argv = argv;
    launch.directory = f->rig.dir;
    launch.store = f->logs;
    launch.worker = 1;
    launch.call = "{}";
    launch.name = "call";
    launch.unbound = true;
    launch.mem = mem;
    assert_int_equal (aw_idset_add (&launch.cpus, f->cpu + 1, f->cpu + 1), 0);
    send_frame (f, &(struct aw_frame){ .type = AW_FRAME_START, .launch = launch });
    aw_idset_finish (&launch.cpus);
}

void agent_frames_unassign (struct agent_frames *f, uint32_t task, uint32_t attempt)
{
    send_frame (f, &(struct aw_frame){ .type = AW_FRAME_UNASSIGN,
                                       .event = { .task = task, .attempt = attempt } });
}

void agent_frames_kill (struct agent_frames *f, uint32_t task, double grace)
{
    send_frame (
        f, &(struct aw_frame){ .type = AW_FRAME_KILL, .event = { .task = task }, .grace = grace });
}

void agent_frames_quit (struct agent_frames *f, bool now)
{
    send_frame (f, &(struct aw_frame){ .type = AW_FRAME_QUIT, .now = now });
}

void agent_frames_look (struct agent_frames *f)
{
    const struct aw_packet look = { .kind = AW_PACKET_LOOK, .number = 1 };

    aw_link_send (f->link, aw_message_frame_put (aw_link_out (f->link), &look, true));
}

static bool has_ends (struct rig *rig, void *arg)
{
    const struct agent_frames *f = (const struct agent_frames *)rig;

    return f->n_ends >= *(size_t *)arg;
}

void agent_frames_until_ends (struct agent_frames *f, size_t n)
{
    rig_until (&f->rig, has_ends, &n);
}

static bool is_closed (struct rig *rig, void *arg)
{
    const struct agent_frames *f = arg;

    (void)rig;
    return !f->link;
}

void agent_frames_until_closed (struct agent_frames *f)
{
    rig_until (&f->rig, is_closed, f);
}

void agent_frames_make (const struct agent_frames *f, const char *name)
{
    char path[256];
    FILE *file;

    snprintf (path, sizeof (path), "%s/%s", f->rig.dir, name);
    file = fopen (path, "w");
    assert_non_null (file);
    fclose (file);
}

bool agent_frames_has (const struct agent_frames *f, const char *name)
{
    char path[256];

    snprintf (path, sizeof (path), "%s/%s", f->rig.dir, name);
    return access (path, F_OK) == 0;
}

const struct agent_frames_end *agent_frames_end_of (const struct agent_frames *f, uint32_t task)
{
    const struct agent_frames_end *found = NULL;

    for (size_t i = 0; i < f->n_ends; i++)
        if (f->ends[i].event.task == task) {
            assert_null (found);
            found = &f->ends[i];
        }
    if (!found)
        fail_msg ("task %u has not ended", task);
    return found;
}

void agent_frames_expect_success (const struct agent_frames *f, uint32_t task, int next)
{
    const struct aw_event *ev = &agent_frames_end_of (f, task)->event;

    assert_int_equal (ev->status, AW_STATUS_COMPLETED);
    assert_int_equal (ev->continued, next >= 0);
    assert_int_equal (ev->next, next >= 0 ? next : 0);
    assert_int_equal (ev->next_attempt, 0);
}

void agent_frames_expect_not_started (const struct agent_frames *f, uint32_t task)
{
    const struct agent_frames_end *end = agent_frames_end_of (f, task);
    char name[32];

    snprintf (name, sizeof (name), "%u.out", task);
    assert_int_equal (end->event.status, AW_STATUS_CANCELLED);
    assert_int_equal (end->event.code, 0);
    assert_int_equal (end->event.signal, 0);
    assert_true (end->event.seconds == 0);
    assert_false (end->event.continued);
    assert_string_equal (end->reason, "");
    assert_false (agent_frames_has (f, name));
}
