/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the scratch directory. To remove a file takes a file system some 0.2 s for each GiB,
 * and no task starts while the agent waits for that. So large files and directories only move to a
 * hidden directory, which frees their names at once; a process removes that. A few processes run at
 * a time, the other directories wait: where thousands of copies go, no thousands are forked.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/staging/child.h"
#include "agent/staging/stager_state.h"

enum {
    SMALL = 1 << 20, /* bytes; to remove a smaller file takes less time than to start a process */
    PROCESSES = 4, /* at a time */
};

/* In the list, those with a process come before those that wait for one. */
struct aw_stager_removal {
    struct aw_stager_removal *next;
    struct aw_stager *stager;
    char *path; /* of the hidden directory */
    uint64_t bytes; /* of room that this frees */
    struct event *event;
    int fd; /* at its end when the process has ended */
    pid_t pid; /* -1: it waits for its turn */
};

static void free_removal (struct aw_stager_removal *removal)
{
    if (removal->event)
        event_free (removal->event);
    if (removal->fd >= 0)
        close (removal->fd);
    free (removal->path);
    free (removal);
}

/* Takes REMOVAL off the list; its room is free. What is left of its files goes here and now. */
static void finish (struct aw_stager_removal *removal)
{
    struct aw_stager *s = removal->stager;
    struct aw_stager_removal **link = &s->removals;

    while (*link != removal)
        link = &(*link)->next;
    *link = removal->next;
    (void)aw_copy_remove (removal->path);
    s->taken -= removal->bytes;
    free_removal (removal);
    event_active (s->turn, EV_TIMEOUT, 0);
}

static int start_process (struct aw_stager_removal *removal);

static void on_end (evutil_socket_t fd, short what, void *arg)
{
    struct aw_stager_removal *removal = arg;
    struct aw_stager *s = removal->stager;
    struct aw_stager_removal *waiting;

    (void)fd;
    (void)what;
    finish (removal); /* nothing is left, unless the process was killed */
    waiting = s->removals;
    while (waiting && waiting->pid > 0)
        waiting = waiting->next;
    while (waiting && start_process (waiting) < 0) {
        struct aw_stager_removal *next = waiting->next;

        finish (waiting); /* else it could wait for ever */
        waiting = next;
    }
}

/* Forks the process. 0, or -1. */
static int start_process (struct aw_stager_removal *removal)
{
    struct event_base *base = removal->stager->base;
    pid_t parent = getpid ();
    int fds[2];

    if (pipe2 (fds, O_CLOEXEC) < 0)
        return -1;
    removal->fd = fds[0];
    removal->event = event_new (base, fds[0], EV_READ, on_end, removal);
    if (removal->event && event_add (removal->event, NULL) == 0)
        removal->pid = fork ();
    if (removal->pid == 0) {
        aw_child_begin (parent, NULL);
        (void)aw_copy_remove (removal->path);
        _exit (0);
    }
    close (fds[1]);
    return removal->pid < 0 ? -1 : 0;
}

/* A process removes PATH, now or later; it is owned by the removal then. 0, or -1: it is as before.
 */
static int begin (struct aw_stager *s, char *path, uint64_t bytes)
{
    struct aw_stager_removal *removal = calloc (1, sizeof (*removal)), **link = &s->removals;
    uint32_t n_running = 0;

    if (!removal)
        return -1;
    *removal = (struct aw_stager_removal){
        .stager = s, .path = path, .bytes = bytes, .fd = -1, .pid = -1
    };
    for (; *link; link = &(*link)->next)
        n_running += (*link)->pid > 0;
    if (n_running < PROCESSES && start_process (removal) < 0) {
        removal->path = NULL;
        free_removal (removal);
        return -1;
    }
    *link = removal;
    return 0;
}

static bool is_large (const char *path)
{
    struct stat st;

    return lstat (path, &st) == 0
           && (S_ISDIR (st.st_mode) || (S_ISREG (st.st_mode) && st.st_size >= SMALL));
}

/* Makes a hidden directory for what goes. The caller frees its path; NULL: there is none. */
static char *make_bin (struct aw_stager *s)
{
    char *path;

    if (s->ending || asprintf (&path, "%s/.aw-removed-%u", s->scratch, ++s->n_removals) < 0)
        return NULL;
    if (mkdir (path, 0700) == 0)
        return path;
    free (path);
    return NULL;
}

/* Moves PATH into BIN, under the name NUMBER. */
static bool move (const char *path, const char *bin, size_t number)
{
    char *to;
    int rc;

    if (asprintf (&to, "%s/%zu", bin, number) < 0)
        return false;
    rc = rename (path, to);
    if (rc < 0 && errno == EACCES && chmod (path, 0700) == 0) /* a task made it read-only */
        rc = rename (path, to);
    free (to);
    return rc == 0;
}

void aw_stager_discard (struct aw_stager *s, const struct aw_strings *paths, uint64_t bytes)
{
    char *bin = NULL;
    size_t n_moved = 0;

    for (size_t i = 0; i < paths->n; i++) {
        bool large = is_large (paths->v[i]);

        if (large && !bin)
            bin = make_bin (s);
        if (large && bin && move (paths->v[i], bin, i))
            n_moved++;
        else
            (void)aw_copy_remove (paths->v[i]);
    }
    if (n_moved > 0 && begin (s, bin, bytes) == 0)
        return;
    if (bin)
        (void)aw_copy_remove (bin);
    free (bin);
    s->taken -= bytes;
}

uint64_t aw_stager_room_to_come (const struct aw_stager *s)
{
    uint64_t bytes = 0;

    for (const struct aw_stager_removal *r = s->removals; r; r = r->next)
        bytes += r->bytes;
    return bytes;
}

/* Has its process ended? Then it may be reaped, and its number be that of another process. */
static bool has_ended (const struct aw_stager_removal *removal)
{
    struct pollfd pollfd = { .fd = removal->fd, .events = POLLIN };

    return poll (&pollfd, 1, 0) != 0;
}

void aw_stager_end_removals (struct aw_stager *s)
{
    while (s->removals) {
        struct aw_stager_removal *removal = s->removals;

        s->removals = removal->next;
        if (removal->pid > 0 && !has_ended (removal))
            kill (removal->pid, SIGTERM);
        free_removal (removal);
    }
}
