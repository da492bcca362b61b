/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that stop a run, while it runs and after its end. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "coord/stop_signals.h"

static int stops, drains;

static void on_stop (void *arg, int times, const char *name)
{
    (void)arg;
    (void)name;
    stops = times;
}

static void on_drain (void *arg, const char *name)
{
    (void)arg;
    (void)name;
    drains++;
}

static void on_suspend (void *arg)
{
    (void)arg;
}

/* NUMBER comes while a run is there, if it is not 0; then the run ends. */
static void run (int number)
{
    const struct aw_stop_signals_callbacks callbacks = { on_stop, on_drain, on_suspend, NULL };
    struct event_base *base = event_base_new ();
    struct aw_stop_signals *signals;
    static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };

    stops = drains = 0;
    for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++)
        signal (all[i], SIG_DFL);
    signals = aw_stop_signals_create (base, &callbacks, NULL);
    assert_non_null (signals);
    if (number) {
        raise (number);
        event_base_loop (base, EVLOOP_ONCE);
    }
    aw_stop_signals_destroy (signals);
    event_base_free (base);
}

static bool is_ignored (int number)
{
    struct sigaction action;

    assert_int_equal (sigaction (number, NULL, &action), 0);
    return action.sa_handler == SIG_IGN;
}

static void each_signal_does_what_it_is_for (void **state)
{
    (void)state;
    run (SIGINT);
    assert_int_equal (stops, 1);
    run (SIGHUP);
    assert_int_equal (stops, 1);
    run (SIGUSR1);
    assert_int_equal (stops, 0);
    assert_int_equal (drains, 1);
}

/* A second Ctrl-C that comes when the tasks have just ended does not end a run that writes its
 * report. */
static void what_has_come_is_ignored_after_the_end (void **state)
{
    (void)state;
    run (SIGINT);
    assert_true (is_ignored (SIGINT));
    assert_true (is_ignored (SIGTERM)); /* it may come late */
    assert_false (is_ignored (SIGHUP));
    run (SIGUSR1);
    assert_true (is_ignored (SIGUSR1));
    assert_false (is_ignored (SIGINT));
    run (0);
    assert_false (is_ignored (SIGINT));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_signal_does_what_it_is_for),
        cmocka_unit_test (what_has_come_is_ignored_after_the_end),
    };

    return cmocka_run_group_tests_name ("stop-signals", tests, NULL, NULL);
}
