/* SPDX-License-Identifier: Apache-2.0 */
/* Agents over TCP with munge, several on this machine under different names. */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/agent.h"
#include "io/wire/connect.h"
#include "coord/agents/exec_agents.h"
#include "rig.h"

static struct rig rig;
static struct rig munge_rig;
static bool with_munge;
static pid_t agents[8];

static int start_munged (void **state)
{
    (void)state;
    rig_init (&munge_rig);
    with_munge = rig_munged_start (&munge_rig);
    return 0;
}

static int stop_munged (void **state)
{
    (void)state;
    rig_munged_stop ();
    rig_finish (&munge_rig);
    return 0;
}

static int set_up (void **state)
{
    (void)state;
    memset (agents, 0, sizeof (agents));
    rig_init (&rig);
    return 0;
}

static int tear_down (void **state)
{
    (void)state;
    rig_finish (&rig);
    for (int i = 0; i < 8; i++) {
        if (agents[i] > 0) {
            kill (agents[i], SIGTERM);
            waitpid (agents[i], NULL, 0);
        }
    }
    return 0;
}

static void create_with (uint32_t n_nodes, uint32_t min_nodes, double deadline)
{
    struct aw_error err = { "" };
    const struct aw_exec_agents_config config = {
        .job = "55", .n_nodes = n_nodes, .min_nodes = min_nodes, .deadline = deadline
    };

    rig.exec = aw_exec_agents_create (rig.base, &rig.callbacks, &config, &err);
    if (!rig.exec)
        fail_msg ("%s", err.text);
}

static void create (uint32_t n_nodes, double deadline)
{
    create_with (n_nodes, 0, deadline);
}

/* An agent process with N CPUs that do not exist, so unbound. */
__attribute__ ((noreturn)) static void run_agent (const char *name,
                                                  const char *job,
                                                  uint32_t n,
                                                  const char *note)
{
    struct aw_agent_config config = {
        .fd = -1,
        .hosts = "127.0.0.1",
        .port = aw_exec_agents_port (rig.exec),
        .job = job,
        .node = name,
        .note = note,
    };
    int rc;

    aw_idset_add (&config.cpus, 0, n - 1);
    if (!freopen ("/dev/null", "w", stderr))
        _exit (9);
    rc = aw_agent_run (&config, NULL);
    aw_idset_finish (&config.cpus);
    _exit (rc < 0);
}

static void start_agent (int i, const char *name, uint32_t n, const char *note)
{
    agents[i] = fork ();
    assert_true (agents[i] >= 0);
    if (agents[i] == 0)
        run_agent (name, "55", n, note);
}

static int exit_status (int i)
{
    int status = -1;

    assert_int_equal (waitpid (agents[i], &status, 0), agents[i]);
    agents[i] = 0;
    return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void wrong_arguments_are_refused (void **state)
{
    const struct aw_exec_agents_config no_nodes = { .job = "1", .deadline = 1 },
                                       no_port = { "1", 1, 1, 1, 10, 9 };
    struct aw_error err = { "" };

    (void)state;
    assert_null (aw_exec_agents_create (rig.base, &rig.callbacks, &no_nodes, &err));
    assert_non_null (strstr (err.text, "no nodes"));
    assert_null (aw_exec_agents_create (rig.base, &rig.callbacks, &no_port, &err));
}

/* Whoever comes first, the numbers are those of the names' order. */
static void nodes_come_in_their_order (void **state)
{
    static const char *const names[] = { "n10", "n2", "n1", "m3" };

    (void)state;
    if (!with_munge)
        skip ();
    create (4, RIG_SECONDS);
    for (int i = 0; i < 3; i++)
        start_agent (i, names[i], (uint32_t)i + 1, "tasks run unbound");
    assert_int_equal (rig.n_nodes, 0);
    start_agent (3, names[3], 4, NULL);
    rig_until_nodes (&rig, 4);
    assert_string_equal (rig.nodes[0], "m3");
    assert_string_equal (rig.nodes[1], "n1");
    assert_string_equal (rig.nodes[2], "n2");
    assert_string_equal (rig.nodes[3], "n10");
    assert_int_equal (rig.node_cpus[0], 4);
    assert_int_equal (rig.node_cpus[3], 1);
    assert_string_equal (rig.note, "n1: tasks run unbound (and 2 more of 4 nodes)");
    for (uint32_t i = 0; i < 4; i++)
        rig_start (&rig, i, i, "exit 0");
    rig_until_ends (&rig, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal (rig_end_of (&rig, i)->node, i);
    rig.exec->ops->shutdown (rig.exec);
    rig_until_idle (&rig);
    for (int i = 0; i < 4; i++)
        assert_int_equal (exit_status (i), 0);
    assert_int_equal (rig.n_lost, 0);
}

/* Two of four are enough. Others join later; one that comes twice does not. */
static void a_pool_begins_with_the_nodes_that_are_there (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create_with (4, 2, RIG_SECONDS);
    start_agent (0, "n3", 1, NULL);
    start_agent (1, "n2", 1, NULL);
    rig_until_nodes (&rig, 2);
    assert_string_equal (rig.nodes[0], "n2");
    assert_string_equal (rig.nodes[1], "n3");
    assert_int_equal (rig.n_awaited, 2);
    rig_start (&rig, 1, 0, "exit 0");
    rig_until_ends (&rig, 1);
    start_agent (2, "n3", 1, NULL);
    start_agent (3, "n1", 3, "tasks run unbound");
    rig_until_nodes (&rig, 3);
    assert_string_equal (rig.nodes[2], "n1");
    assert_int_equal (rig.node_cpus[2], 3);
    assert_int_equal (rig.n_awaited, 1);
    assert_string_equal (rig.note, "n1: tasks run unbound");
    rig_start (&rig, 2, 1, "exit 0");
    rig_until_ends (&rig, 2);
    assert_int_equal (rig_end_of (&rig, 1)->node, 2);
    start_agent (4, "n4", 1, NULL);
    rig_until_nodes (&rig, 4);
    assert_string_equal (rig.nodes[3], "n4");
    assert_int_equal (rig.n_awaited, 0);
    kill (agents[3], SIGKILL);
    rig_until_lost (&rig, 1);
    assert_int_equal (rig.lost[0], 2);
    assert_int_equal (rig.n_broken, 0);
}

static bool awaits_none (struct rig *r, void *arg)
{
    (void)arg;
    return r->n_awaited == 0;
}

static void nodes_that_do_not_come_are_given_up (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create_with (2, 1, 3);
    start_agent (0, "n1", 1, NULL);
    rig_until (&rig, awaits_none, NULL);
    assert_int_equal (rig.n_nodes, 1);
    assert_string_equal (rig.note,
                         "1 of 2 agents connected within 3 s: the run continues with these");
    assert_int_equal (rig.n_broken, 0);
    rig_start (&rig, 0, 0, "exit 0");
    rig_until_ends (&rig, 1);
}

static void a_lost_agent_is_told (void **state)
{
    struct aw_launch launch;
    pid_t task;

    (void)state;
    if (!with_munge)
        skip ();
    create (2, RIG_SECONDS);
    start_agent (0, "n1", 1, NULL);
    start_agent (1, "n2", 1, NULL);
    rig_until_nodes (&rig, 2);
    rig_start (&rig, 1, 1, "echo $$ >pid; exec sleep 1000");
    rig_until_file (&rig, "pid");
    task = rig_read_pid (&rig, "pid");
    kill (agents[1], SIGKILL);
    rig_until_lost (&rig, 1);
    assert_int_equal (rig.lost[0], 1);
    rig_until_gone (&rig, task);
    aw_launch_init (&launch);
    assert_int_equal (rig.exec->ops->start (rig.exec, 1, &launch, NULL), -1);
    rig_start (&rig, 0, 2, "exit 0"); /* the other one goes on */
    rig_until_ends (&rig, 1);
    assert_int_equal (rig_end_of (&rig, 2)->status, AW_STATUS_COMPLETED);
}

static void an_agent_that_does_not_come_is_told (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create (3, 3);
    start_agent (0, "n2", 1, NULL);
    start_agent (1, "n1", 1, NULL);
    rig_until_broken (&rig);
    assert_string_equal (rig.broken, "2 of 3 agents connected within 3 s");
    assert_int_equal (rig.n_nodes, 0);
}

static void it_is_an_error_if_no_agent_comes (void **state)
{
    (void)state;
    create (2, 0.1);
    rig_until_broken (&rig);
    assert_string_equal (rig.broken, "0 of 2 agents connected within 0.1 s");
}

/* Agents of another job are turned away, and the message tells. */
static void an_agent_of_another_job_is_refused (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create (1, 2);
    agents[0] = fork ();
    if (agents[0] == 0)
        run_agent ("n1", "56", 1, NULL);
    rig_until_broken (&rig);
    assert_non_null (strstr (rig.broken, "0 of 1 agent connected within 2 s; "));
    assert_non_null (strstr (rig.broken, "another job"));
}

/* Of two agents of one node the later one is sent away. */
static void a_second_agent_of_a_node_is_refused (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create (2, RIG_SECONDS);
    start_agent (0, "n1", 1, NULL);
    start_agent (1, "n1", 1, NULL);
    start_agent (2, "n2", 1, NULL);
    rig_until_nodes (&rig, 2);
    assert_string_equal (rig.nodes[0], "n1");
    assert_string_equal (rig.nodes[1], "n2");
}

/* While a stranger is being looked at there are two events more, or none; with a connection there
 * is one.
 */
static bool is_connected (struct rig *r, void *before)
{
    return event_base_get_num_events (r->base, EVENT_BASE_COUNT_ADDED) == *(int *)before + 1;
}

/* Gone before all have joined: the others need not be waited for. */
static void an_agent_that_dies_early_is_told (void **state)
{
    int before;

    (void)state;
    if (!with_munge)
        skip ();
    create (2, RIG_SECONDS);
    before = event_base_get_num_events (rig.base, EVENT_BASE_COUNT_ADDED) + 1; /* with the tick */
    start_agent (0, "n1", 1, NULL);
    rig_until (&rig, is_connected, &before);
    kill (agents[0], SIGKILL);
    rig_until_broken (&rig);
    assert_non_null (strstr (rig.broken, " was lost before "));
}

/* An agent of another release, as after an upgrade of some nodes: it proves who it is, and greets
 * with another version of the protocol.
 */
__attribute__ ((noreturn)) static void run_newer_agent (void)
{
    static const char hello[] =
        "{\"hello\":1000,\"node\":\"n1\",\"cpus\":\"0\",\"gpus\":\"\",\"mem\":0}\n";
    int fd = aw_connect ("127.0.0.1", aw_exec_agents_port (rig.exec), "55", RIG_SECONDS, NULL);
    char c;

    if (fd < 0 || send (fd, hello, sizeof (hello) - 1, 0) != sizeof (hello) - 1)
        _exit (1);
    fcntl (fd, F_SETFL, 0);
    _exit (recv (fd, &c, 1, 0) > 0); /* no task comes */
}

static void an_agent_of_another_release_is_refused (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create (2, RIG_SECONDS);
    agents[0] = fork ();
    assert_true (agents[0] >= 0);
    if (agents[0] == 0)
        run_newer_agent ();
    rig_until_broken (&rig);
    assert_non_null (strstr (rig.broken, "node n1 has another release of async-workflow"));
    assert_non_null (strstr (rig.broken, "install the same release on all nodes"));
    assert_int_equal (exit_status (0), 0);
}

static void set_timeout (double seconds)
{
    struct aw_error err = { "" };

    if (aw_exec_agents_set_timeout (rig.exec, seconds, &err) < 0)
        fail_msg ("%s", err.text);
}

/* An agent that is stopped is lost, its task started elsewhere; when it wakes up it leaves, and
 * nothing that it says is heard.
 */
static void a_stopped_agent_is_lost_and_not_heard_again (void **state)
{
    pid_t task;

    (void)state;
    if (!with_munge)
        skip ();
    create (2, RIG_SECONDS);
    set_timeout (1.5);
    start_agent (0, "n1", 1, NULL);
    start_agent (1, "n2", 1, NULL);
    rig_until_nodes (&rig, 2);
    rig_start (&rig, 1, 1, "echo $$ >pid; until test -e go; do sleep 0.05; done");
    rig_until_file (&rig, "pid");
    task = rig_read_pid (&rig, "pid");
    kill (agents[1], SIGSTOP);
    rig_until_lost (&rig, 1);
    assert_int_equal (rig.lost[0], 1);
    assert_string_equal (rig.lost_reason, "no heartbeat for 1.5 s");
    rig_start (&rig, 0, 1, "touch go"); /* the stopped agent's one ends, too, and it cannot tell */
    rig_until_ends (&rig, 1);
    rig_until_gone (&rig, task);
    kill (agents[1], SIGCONT);
    assert_int_equal (exit_status (1), 1); /* it noticed that it had been left */
    rig.exec->ops->shutdown (rig.exec);
    rig_until_idle (&rig);
    assert_int_equal (exit_status (0), 0);
    assert_int_equal (rig.n_ends, 1);
    assert_int_equal (rig.n_lost, 1);
}

static struct {
    int n, first; /* calls; of them, for a silence that has just begun */
} silences;

static bool on_all_silent (void *arg, bool again)
{
    (void)arg;
    silences.n++;
    silences.first += !again;
    return false;
}

static bool silences_are (struct rig *r, void *arg)
{
    (void)r;
    return silences.n >= *(const int *)arg;
}

/* All nodes are suspended, twice, and wake up one after the other: none is lost. */
static void all_agents_are_stopped (void **state)
{
    const struct timespec beat = { 0, 260000000 };
    bool (*before) (void *arg, bool again) = rig.callbacks.all_silent;

    (void)state;
    if (!with_munge)
        skip ();
    rig.callbacks.all_silent = on_all_silent;
    create (2, RIG_SECONDS);
    rig.callbacks.all_silent = before;
    set_timeout (1.5);
    start_agent (0, "n1", 1, NULL);
    start_agent (1, "n2", 1, NULL);
    rig_until_nodes (&rig, 2);
    memset (&silences, 0, sizeof (silences));
    for (int i = 1; i <= 2; i++) {
        int wanted = silences.n + 2;

        kill (agents[0], SIGSTOP);
        kill (agents[1], SIGSTOP);
        rig_until (&rig, silences_are, &wanted);
        assert_int_equal (silences.first, i);
        kill (agents[0], SIGCONT);
        nanosleep (&beat, NULL); /* the next look finds one of them awake */
        rig_start (&rig, 0, (uint32_t)i, "true");
        rig_until_ends (&rig, (size_t)i);
        kill (agents[1], SIGCONT);
        rig_start (&rig, 1, (uint32_t)i + 10, "sleep 1");
        rig_until_ends (&rig, (size_t)i + 1);
        assert_int_equal (rig.n_lost, 0);
    }
    rig.exec->ops->shutdown (rig.exec);
    rig_until_idle (&rig);
}

/* While this process itself does not run nobody can be heard: that is no silence. */
static void a_pause_of_ours_is_no_silence (void **state)
{
    (void)state;
    if (!with_munge)
        skip ();
    create (1, RIG_SECONDS);
    start_agent (0, "n1", 1, NULL);
    rig_until_nodes (&rig, 1);
    set_timeout (1);
    usleep (2500000);
    rig_start (&rig, 0, 1, "sleep 1.5");
    rig_until_ends (&rig, 1);
    assert_int_equal (rig.n_lost, 0);
    set_timeout (0);
}

/* The agent in a network namespace of its own, behind a link that is cut: both sides notice, and
 * the agent has ended its tasks by the time the node is given up.
 */
static void cut_link (const char *link, pid_t other, int net)
{
    char command[1024];

    if (net < 0)
        snprintf (command, sizeof (command), "ip link set %sa down", link);
    else
        snprintf (command, sizeof (command),
                  "{ ip link add %sa type veth peer name %sb netns %d && ip addr add "
                  "10.213.%d.1/30 dev %sa && ip link set %sa up && nsenter -t %d -n ip addr add "
                  "10.213.%d.2/30 dev %sb && nsenter -t %d -n ip link set %sb up; } 2>/dev/null",
                  link, link, (int)other, net, link, link, (int)other, net, link, (int)other, link);
    if (system (command) != 0)
        skip ();
}

static void both_sides_notice_a_cut_network (void **state)
{
    int net = (int)getpid () % 250, ready[2], go[2];
    char link[16], hosts[32], byte;
    pid_t task;

    (void)state;
    if (!with_munge || geteuid () != 0)
        skip ();
    create (1, RIG_SECONDS);
    assert_int_equal (pipe (ready) | pipe (go), 0);
    snprintf (link, sizeof (link), "aw%d", (int)getpid () % 100000);
    snprintf (hosts, sizeof (hosts), "10.213.%d.1", net);
    agents[0] = fork ();
    if (agents[0] == 0) {
        struct aw_agent_config config = { .fd = -1, .hosts = hosts, .job = "55", .node = "n1" };

        if (unshare (CLONE_NEWNET) < 0 || write (ready[1], "", 1) != 1
            || read (go[0], &byte, 1) != 1)
            _exit (9);
        config.port = aw_exec_agents_port (rig.exec);
        aw_idset_add (&config.cpus, 0, 0);
        if (!freopen ("/dev/null", "w", stderr))
            _exit (9);
        _exit (aw_agent_run (&config, NULL) < 0);
    }
    close (ready[1]);
    if (read (ready[0], &byte, 1) != 1)
        skip (); /* no namespaces here */
    cut_link (link, agents[0], net);
    assert_int_equal (write (go[1], "", 1), 1);
    rig_until_nodes (&rig, 1);
    set_timeout (8);
    rig_start (&rig, 0, 1, "trap '' TERM; echo $$ >pid; while :; do sleep 0.05; done");
    rig_until_file (&rig, "pid");
    task = rig_read_pid (&rig, "pid");
    for (int i = 0; i < 30; i++) { /* it has been told of the timeout */
        event_base_loop (rig.base, EVLOOP_NONBLOCK);
        usleep (100000);
    }
    cut_link (link, 0, -1);
    rig_until_lost (&rig, 1);
    assert_string_equal (rig.lost_reason, "no heartbeat for 8 s");
    rig_until_gone (&rig, task);
    assert_int_equal (exit_status (0), 1);
    assert_int_equal (rig.n_ends, 0);
}

/* No coordinator: the agent gives up by itself, with a word about it. */
static void an_agent_without_coordinator_gives_up (void **state)
{
    struct aw_agent_config config = {
        .fd = -1, .hosts = "127.0.0.1", .port = 1, .job = "", .node = "n1"
    };
    struct aw_error err = { "" };
    int fds[2];
    char text[512] = "";

    (void)state;
    assert_int_equal (pipe (fds), 0);
    agents[0] = fork ();
    if (agents[0] == 0) {
        config.connect_seconds = 0.3;
        aw_agent_run (&config, &err);
        (void)!write (fds[1], err.text, strlen (err.text));
        _exit (0);
    }
    close (fds[1]);
    assert_true (read (fds[0], text, sizeof (text) - 1) > 0);
    close (fds[0]);
    assert_string_equal (text, "coordinator at 127.0.0.1 port 1: Connection refused");
    exit_status (0);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (wrong_arguments_are_refused),
        TEST (nodes_come_in_their_order),
        TEST (a_pool_begins_with_the_nodes_that_are_there),
        TEST (nodes_that_do_not_come_are_given_up),
        TEST (a_lost_agent_is_told),
        TEST (an_agent_that_does_not_come_is_told),
        TEST (it_is_an_error_if_no_agent_comes),
        TEST (an_agent_of_another_job_is_refused),
        TEST (a_second_agent_of_a_node_is_refused),
        TEST (an_agent_that_dies_early_is_told),
        TEST (an_agent_of_another_release_is_refused),
        TEST (an_agent_without_coordinator_gives_up),
        TEST (a_stopped_agent_is_lost_and_not_heard_again),
        TEST (all_agents_are_stopped),
        TEST (a_pause_of_ours_is_no_silence),
        TEST (both_sides_notice_a_cut_network),
    };

    return cmocka_run_group_tests (tests, start_munged, stop_munged);
}
