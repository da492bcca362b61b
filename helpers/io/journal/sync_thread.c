/* SPDX-License-Identifier: Apache-2.0 */
#include "io/journal/sync_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/array.h"

struct aw_sync_thread {
    pthread_t thread;
    pthread_mutex_t mutex; /* of list and end */
    pthread_cond_t begun;
    const struct aw_sync_list *list; /* to be synced; NULL: nothing to do */
    bool end;
    int fd; /* an eventfd: the result is there */
    int error; /* the result: written by the thread before it signals fd */
    const struct aw_sync_file *failed;
};

int aw_sync_list_add (struct aw_sync_list *list,
                      const struct aw_sync_file *file,
                      struct aw_error *err)
{
    if (aw_array_reserve (&list->files, &list->room, list->n + 1) < 0)
        return aw_error_set (err, "%s: out of memory", file->path);
    list->files[list->n++] = *file;
    return 0;
}

void aw_sync_list_finish (struct aw_sync_list *list)
{
    free (list->files);
    memset (list, 0, sizeof (*list));
}

/* 0, or the errno of the first failure, which is of FAILED. */
static int sync_all (const struct aw_sync_list *list, const struct aw_sync_file **failed)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct aw_sync_file *file = &list->files[i];

        *failed = file;
        if ((file->directory ? fsync (file->fd) : fdatasync (file->fd)) < 0 && errno != EINVAL
            && errno != EROFS)
            return errno;
    }
    return 0;
}

static int result (int error, const struct aw_sync_file *failed, struct aw_error *err)
{
    if (!error)
        return 0;
    return aw_error_set (err, "%s: %s: %s", failed->path, failed->directory ? "fsync" : "fdatasync",
                         strerror (error));
}

int aw_sync (const struct aw_sync_list *list, struct aw_error *err)
{
    const struct aw_sync_file *failed = NULL;
    int error = sync_all (list, &failed);

    return result (error, failed, err);
}

static void signal_result (struct aw_sync_thread *thread)
{
    const uint64_t one = 1;

    while (write (thread->fd, &one, sizeof (one)) < 0 && errno == EINTR)
        ;
}

static void *work (void *arg)
{
    struct aw_sync_thread *thread = arg;

    pthread_mutex_lock (&thread->mutex);
    while (!thread->end) {
        const struct aw_sync_list *list = thread->list;

        if (!list) {
            pthread_cond_wait (&thread->begun, &thread->mutex);
            continue;
        }
        thread->list = NULL;
        pthread_mutex_unlock (&thread->mutex);
        thread->error = sync_all (list, &thread->failed);
        signal_result (thread);
        pthread_mutex_lock (&thread->mutex);
    }
    pthread_mutex_unlock (&thread->mutex);
    return NULL;
}

/* Starts the thread with all signals blocked: they are for the loop. An errno. */
static int start (struct aw_sync_thread *thread)
{
    sigset_t all, old;
    int error;

    sigfillset (&all);
    error = pthread_sigmask (SIG_SETMASK, &all, &old);
    if (error)
        return error;
    error = pthread_create (&thread->thread, NULL, work, thread);
    pthread_sigmask (SIG_SETMASK, &old, NULL);
    return error;
}

struct aw_sync_thread *aw_sync_thread_create (struct aw_error *err)
{
    struct aw_sync_thread *thread = calloc (1, sizeof (*thread));
    int error;

    if (!thread) {
        aw_error_set (err, "out of memory");
        return NULL;
    }
    pthread_mutex_init (&thread->mutex, NULL);
    pthread_cond_init (&thread->begun, NULL);
    thread->fd = eventfd (0, EFD_CLOEXEC);
    error = thread->fd < 0 ? errno : start (thread);
    if (error == 0)
        return thread;
    aw_error_set (err, "cannot start a thread: %s", strerror (error));
    if (thread->fd >= 0)
        close (thread->fd);
    free (thread);
    return NULL;
}

void aw_sync_thread_destroy (struct aw_sync_thread *thread)
{
    int saved = errno;

    if (!thread)
        return;
    pthread_mutex_lock (&thread->mutex);
    thread->end = true;
    pthread_cond_signal (&thread->begun);
    pthread_mutex_unlock (&thread->mutex);
    pthread_join (thread->thread, NULL);
    pthread_cond_destroy (&thread->begun);
    pthread_mutex_destroy (&thread->mutex);
    close (thread->fd);
    free (thread);
    errno = saved;
}

int aw_sync_thread_fd (const struct aw_sync_thread *thread)
{
    return thread->fd;
}

void aw_sync_thread_begin (struct aw_sync_thread *thread, const struct aw_sync_list *list)
{
    pthread_mutex_lock (&thread->mutex);
    thread->list = list;
    pthread_cond_signal (&thread->begun);
    pthread_mutex_unlock (&thread->mutex);
}

int aw_sync_thread_result (struct aw_sync_thread *thread, struct aw_error *err)
{
    uint64_t count;

    while (read (thread->fd, &count, sizeof (count)) < 0)
        if (errno != EINTR)
            return aw_error_set (err, "eventfd: %s", strerror (errno));
    return result (thread->error, thread->failed, err);
}
