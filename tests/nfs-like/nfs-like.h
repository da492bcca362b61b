/* SPDX-License-Identifier: Apache-2.0 */
/* A file system that behaves like an NFS client, for tests. The server is a directory; each mount
 * is a client. What a client sees of the others' work is as late as on NFS:
 *
 *   attributes and names  as old as the cache time; fresh at open (close-to-open consistency)
 *   written data          on the server at fsync, close or truncate, else after the delay
 *   a removed file        ESTALE for those who have it open; if its own client removes it, it
 *                         becomes a .nfs file until it is closed
 *   O_APPEND              at the end that the client knows of
 *   flock                 between all clients, within the client, or not at all (ENOLCK)
 *
 * An entry is a file or directory of the server that the kernel knows; a handle is an open file.
 */
#ifndef NFS_LIKE_H
#define NFS_LIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Data that was written and is not yet on the server. */
struct piece {
    struct piece *next;
    off_t place;
    size_t size;
    int fd; /* of the handle that wrote it; borrowed, hand_over comes before its close */
    char data[];
};

struct entry {
    struct entry *next; /* in its bucket */
    int fd; /* O_PATH */
    ino_t ino;
    uint64_t lookups; /* of the kernel; it is forgotten with the last one */
    unsigned n_open;
    struct piece *first, *last; /* oldest first */
    double since; /* when the first piece was written */
    int hidden_in; /* the directory of its .nfs name; -1: it has none */
    char hidden[32];
};

/* The entry for NAME in DIR: found or new, with one lookup more. NULL with errno. */
struct entry *entry_get (struct entry *dir, const char *name, struct stat *st);
/* The entry with this inode number, or NULL. */
struct entry *entry_find (ino_t ino);
/* N lookups fewer. */
void entry_forget (struct entry *entry, uint64_t n);
/* The attributes as this client has them. 0, or -1 with errno: ESTALE if it was removed. */
int entry_stat (const struct entry *entry, struct stat *st);
/* For this number of seconds every entry is as if it was removed: the server is away. */
void entries_go_stale (double seconds);

/* Keeps what is written. 0, or -1 with errno. */
int pieces_add (struct entry *entry, int fd, const char *data, size_t size, off_t place);
/* Writes all pieces to the server. 0, or -1 with errno of the first that failed. */
int pieces_hand_over (struct entry *entry);
/* The same for all entries whose oldest piece has waited for DELAY seconds; until when the next
 * one has, in milliseconds, -1 if there is none. */
int pieces_hand_over_old (double delay);
/* Reads as pread does, from the server and from the pieces. */
ssize_t pieces_read (const struct entry *entry, int fd, char *data, size_t size, off_t place);

#endif /* NFS_LIKE_H */
