/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/stop_signals.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/clock.h"

/* Seconds: a signal to the process group of srun reaches salloc and our parent, too, and both pass
 * it on. The same signal within this time counts once; people press keys more slowly. */
#define SAME_SIGNAL 0.2

static const struct {
    int number;
    const char *name;
} stopping[] = {
    { SIGINT, "Ctrl-C" },   { SIGTERM, "SIGTERM" },
    { SIGHUP, "SIGHUP" },   { SIGUSR1, "SIGUSR1" }, /* these two drain */
    { SIGUSR2, "SIGUSR2" },
};

enum { N_STOPPING = sizeof (stopping) / sizeof (stopping[0]) };

struct aw_stop_signals {
    struct aw_stop_signals_callbacks callbacks;
    struct event *events[N_STOPPING];
    double last[N_STOPPING]; /* monotonic: when the latest that counted came; 0: none did */
    struct event *suspend;
    int times;
};

/* What was ignored from the start stays so: SIGHUP under nohup, SIGINT in the background of a
 * script, and SIGTSTP under salloc, which would wait for a stopped command and never give the
 * terminal back to the shell.
 */
static bool is_ignored (int number)
{
    struct sigaction action;

    return (number == SIGHUP || number == SIGINT || number == SIGTSTP)
           && sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void on_stop (evutil_socket_t number, short what, void *arg)
{
    struct aw_stop_signals *s = arg;
    double now = aw_clock_monotonic ();

    (void)what;
    for (int i = 0; i < N_STOPPING; i++) {
        if (stopping[i].number != number)
            continue;
        if (s->last[i] > 0 && now - s->last[i] < SAME_SIGNAL)
            return;
        s->last[i] = now;
        if (number == SIGUSR1 || number == SIGUSR2)
            s->callbacks.drain (s->callbacks.arg, stopping[i].name);
        else
            s->callbacks.stop (s->callbacks.arg, ++s->times, stopping[i].name);
    }
}

/* Only this process stops; the tasks continue. */
static void on_suspend (evutil_socket_t number, short what, void *arg)
{
    struct aw_stop_signals *s = arg;

    (void)number;
    (void)what;
    s->callbacks.suspend (s->callbacks.arg);
    kill (getpid (), SIGSTOP);
}

struct aw_stop_signals *aw_stop_signals_create (struct event_base *base,
                                                const struct aw_stop_signals_callbacks *callbacks,
                                                struct aw_error *err)
{
    struct aw_stop_signals *s = calloc (1, sizeof (*s));
    int rc = 0;

    if (!s) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    s->callbacks = *callbacks;
    signal (SIGPIPE, SIG_IGN);
    for (int i = 0; i < N_STOPPING; i++) {
        if (is_ignored (stopping[i].number))
            continue;
        s->events[i] = evsignal_new (base, stopping[i].number, on_stop, s);
        if (!s->events[i] || event_add (s->events[i], NULL) < 0)
            rc = -1;
    }
    if (!is_ignored (SIGTSTP)) {
        s->suspend = evsignal_new (base, SIGTSTP, on_suspend, s);
        if (!s->suspend || event_add (s->suspend, NULL) < 0)
            rc = -1;
    }
    if (rc < 0) {
        aw_stop_signals_destroy (s);
        aw_error_set (err, "cannot handle signals");
        return NULL;
    }
    return s;
}

void aw_stop_signals_destroy (struct aw_stop_signals *s)
{
    int saved = errno;
    sigset_t set, before;

    if (!s)
        return;
    sigemptyset (&set);
    for (int i = 0; i < N_STOPPING; i++)
        sigaddset (&set, stopping[i].number);
    sigprocmask (SIG_BLOCK, &set, &before);
    for (int i = 0; i < N_STOPPING; i++) {
        if (s->events[i])
            event_free (s->events[i]);
        if (s->last[i] > 0 || stopping[i].number == SIGTERM)
            signal (stopping[i].number, SIG_IGN);
    }
    if (s->suspend)
        event_free (s->suspend);
    sigprocmask (SIG_SETMASK, &before, NULL);
    free (s);
    errno = saved;
}
