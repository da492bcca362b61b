/* SPDX-License-Identifier: Apache-2.0 */
/* Entries, and the data that waits in them. One thread uses them. */
#include "nfs-like.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 4096 };

static struct entry *buckets[BUCKETS];
static double stale_until;

static double now (void)
{
    struct timespec ts;

    clock_gettime (CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct entry *entry_find (ino_t ino)
{
    struct entry *entry = buckets[ino % BUCKETS];

    while (entry && entry->ino != ino)
        entry = entry->next;
    return entry;
}

struct entry *entry_get (struct entry *dir, const char *name, struct stat *st)
{
    int fd = openat (dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct entry *entry;

    if (fd < 0)
        return NULL;
    if (fstat (fd, st) < 0) {
        close (fd);
        return NULL;
    }
    entry = entry_find (st->st_ino);
    if (entry)
        close (fd);
    else if ((entry = calloc (1, sizeof (*entry)))) {
        entry->fd = fd;
        entry->ino = st->st_ino;
        entry->hidden_in = -1;
        entry->next = buckets[st->st_ino % BUCKETS];
        buckets[st->st_ino % BUCKETS] = entry;
    }
    else
        close (fd);
    if (!entry || entry_stat (entry, st) < 0)
        return NULL;
    entry->lookups++;
    return entry;
}

void entry_forget (struct entry *entry, uint64_t n)
{
    struct entry **at = &buckets[entry->ino % BUCKETS];

    entry->lookups -= n < entry->lookups ? n : entry->lookups;
    if (entry->lookups > 0)
        return;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    close (entry->fd);
    free (entry);
}

int entry_stat (const struct entry *entry, struct stat *st)
{
    if (fstat (entry->fd, st) < 0)
        return -1;
    if (st->st_nlink == 0 || now () < stale_until) {
        errno = ESTALE;
        return -1;
    }
    for (const struct piece *p = entry->first; p; p = p->next)
        if (p->place + (off_t)p->size > st->st_size)
            st->st_size = p->place + (off_t)p->size;
    return 0;
}

void entries_go_stale (double seconds)
{
    stale_until = now () + seconds;
}

int pieces_add (struct entry *entry, int fd, const char *data, size_t size, off_t place)
{
    struct piece *piece = malloc (sizeof (*piece) + size);

    if (!piece)
        return -1;
    piece->next = NULL;
    piece->place = place;
    piece->size = size;
    piece->fd = fd;
    memcpy (piece->data, data, size);
    if (entry->first)
        entry->last->next = piece;
    else {
        entry->first = piece;
        entry->since = now ();
    }
    entry->last = piece;
    return 0;
}

int pieces_hand_over (struct entry *entry)
{
    struct piece *piece;
    int error = 0;

    while ((piece = entry->first)) {
        ssize_t n = pwrite (piece->fd, piece->data, piece->size, piece->place);

        if (n != (ssize_t)piece->size && !error)
            error = n < 0 ? errno : ENOSPC;
        entry->first = piece->next;
        free (piece);
    }
    errno = error;
    return error ? -1 : 0;
}

int pieces_hand_over_old (double delay)
{
    double t = now (), next = -1;

    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = buckets[i]; entry; entry = entry->next) {
            double rest = entry->since + delay - t;

            if (entry->first && rest <= 0)
                pieces_hand_over (entry); /* as on NFS, the next fsync tells of a failure */
            else if (entry->first && (next < 0 || rest < next))
                next = rest;
        }
    return next < 0 ? -1 : (int)(next * 1000) + 1;
}

ssize_t pieces_read (const struct entry *entry, int fd, char *data, size_t size, off_t place)
{
    ssize_t n = pread (fd, data, size, place);
    off_t end = place + (off_t)size;

    for (const struct piece *p = entry->first; n >= 0 && p; p = p->next) {
        off_t from = p->place > place ? p->place : place;
        off_t to = p->place + (off_t)p->size < end ? p->place + (off_t)p->size : end;

        if (from >= to)
            continue;
        if (from > place + n)
            memset (data + n, 0, (size_t)(from - place - n));
        memcpy (data + (from - place), p->data + (from - p->place), (size_t)(to - from));
        if (to > place + n)
            n = to - place;
    }
    return n;
}
