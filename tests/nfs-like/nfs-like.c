/* SPDX-License-Identifier: Apache-2.0 */
/* nfs-like SERVER DIRECTORY [cache=SECONDS] [delay=SECONDS] [flock=all|client|none] [stale=SECONDS]
 *     [meter=FILE] [rate=MIB]
 * Mounts the directory SERVER on DIRECTORY (see nfs-like.h) and returns; as root. The process that
 * stays serves until SIGTERM, or until it is unmounted. After SIGUSR1, all files are stale for the
 * given time. Each read adds its number of bytes to FILE, a line each. A large one waits while
 * somebody has locked FILE, and all mounts with this FILE together read this many MiB a second.
 * Exit status 77: it cannot be done here.
 */
#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "nfs-like.h"

enum { SKIP = 77, PATH_SIZE = 64, LARGE = 1 << 16 };

static struct {
    struct fuse_session *session;
    double cache, delay, stale, rate;
    int meter; /* 0: none */
    enum { LOCK_ALL, LOCK_CLIENT, LOCK_NONE } flock;
} mount_;

static struct entry root = { .lookups = 2, .hidden_in = -1 };

static struct entry *entry_of (fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? &root : (struct entry *)(uintptr_t)ino;
}

/* A path to what the entry is, whatever its name is by now. */
static const char *path_of (const struct entry *entry, char *path)
{
    snprintf (path, PATH_SIZE, "/proc/self/fd/%d", entry->fd);
    return path;
}

static void reply_rc (fuse_req_t req, int rc)
{
    fuse_reply_err (req, rc < 0 ? errno : 0);
}

static void on_init (void *arg, struct fuse_conn_info *conn)
{
    (void)arg;
    conn->want &= ~(unsigned)FUSE_CAP_ATOMIC_O_TRUNC;
    if (mount_.flock == LOCK_CLIENT) /* the kernel's own locks, which no other mount sees */
        conn->want &= ~(unsigned)FUSE_CAP_FLOCK_LOCKS;
}

/* 0, or -1 with errno. */
static int fill (struct entry *dir, const char *name, struct fuse_entry_param *param)
{
    struct entry *entry;

    memset (param, 0, sizeof (*param));
    param->attr_timeout = param->entry_timeout = mount_.cache;
    entry = entry_get (dir, name, &param->attr);
    param->ino = (fuse_ino_t)(uintptr_t)entry;
    return entry ? 0 : -1;
}

static void reply_entry (fuse_req_t req, fuse_ino_t dir, const char *name)
{
    struct fuse_entry_param param;

    if (fill (entry_of (dir), name, &param) < 0)
        fuse_reply_err (req, errno);
    else
        fuse_reply_entry (req, &param);
}

static void on_lookup (fuse_req_t req, fuse_ino_t dir, const char *name)
{
    struct fuse_entry_param param;
    struct stat st;

    if (entry_stat (entry_of (dir), &st) < 0)
        fuse_reply_err (req, errno);
    else if (fill (entry_of (dir), name, &param) == 0 || errno == ENOENT)
        fuse_reply_entry (req, &param); /* that there is no such name is cached, too */
    else
        fuse_reply_err (req, errno);
}

static void on_forget (fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
    if (ino != FUSE_ROOT_ID)
        entry_forget (entry_of (ino), n);
    fuse_reply_none (req);
}

static void on_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct stat st;

    (void)file;
    if (entry_stat (entry_of (ino), &st) < 0)
        fuse_reply_err (req, errno);
    else
        fuse_reply_attr (req, &st, mount_.cache);
}

static int set_times (const char *path, const struct stat *st, int what)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

    if (what & FUSE_SET_ATTR_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    else if (what & FUSE_SET_ATTR_ATIME)
        times[0] = st->st_atim;
    if (what & FUSE_SET_ATTR_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    else if (what & FUSE_SET_ATTR_MTIME)
        times[1] = st->st_mtim;
    return utimensat (AT_FDCWD, path, times, 0);
}

/* What was written goes to the server first. */
static void on_setattr (
    fuse_req_t req, fuse_ino_t ino, struct stat *st, int what, struct fuse_file_info *file)
{
    struct entry *entry = entry_of (ino);
    char path[PATH_SIZE];
    struct stat now;
    int rc = entry_stat (entry, &now) < 0 || pieces_hand_over (entry) < 0 ? -1 : 0;

    path_of (entry, path);
    if (rc == 0 && (what & FUSE_SET_ATTR_MODE))
        rc = chmod (path, st->st_mode);
    if (rc == 0 && (what & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        rc = fchownat (entry->fd, "", what & FUSE_SET_ATTR_UID ? st->st_uid : (uid_t)-1,
                       what & FUSE_SET_ATTR_GID ? st->st_gid : (gid_t)-1, AT_EMPTY_PATH);
    if (rc == 0 && (what & FUSE_SET_ATTR_SIZE))
        rc = truncate (path, st->st_size);
    if (rc == 0
        && (what
            & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW
               | FUSE_SET_ATTR_MTIME_NOW)))
        rc = set_times (path, st, what);
    if (rc < 0)
        fuse_reply_err (req, errno);
    else
        on_getattr (req, ino, file);
}

static void on_readlink (fuse_req_t req, fuse_ino_t ino)
{
    char target[4096];
    ssize_t n = readlinkat (entry_of (ino)->fd, "", target, sizeof (target) - 1);

    target[n < 0 ? 0 : n] = '\0';
    if (n < 0)
        fuse_reply_err (req, errno);
    else
        fuse_reply_readlink (req, target);
}

static void on_mkdir (fuse_req_t req, fuse_ino_t dir, const char *name, mode_t mode)
{
    if (mkdirat (entry_of (dir)->fd, name, mode) < 0)
        fuse_reply_err (req, errno);
    else
        reply_entry (req, dir, name);
}

static void on_symlink (fuse_req_t req, const char *target, fuse_ino_t dir, const char *name)
{
    if (symlinkat (target, entry_of (dir)->fd, name) < 0)
        fuse_reply_err (req, errno);
    else
        reply_entry (req, dir, name);
}

static void on_link (fuse_req_t req, fuse_ino_t ino, fuse_ino_t dir, const char *name)
{
    char path[PATH_SIZE];

    if (linkat (AT_FDCWD, path_of (entry_of (ino), path), entry_of (dir)->fd, name,
                AT_SYMLINK_FOLLOW)
        < 0)
        fuse_reply_err (req, errno);
    else
        reply_entry (req, dir, name);
}

/* A file that this client has open gets a .nfs name instead of NAME. 1: it has; 0: it is not open,
 * or not there; -1 with errno. */
static int hide_if_open (struct entry *dir, const char *name)
{
    static unsigned n;
    struct stat st;
    struct entry *entry;

    if (fstatat (dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    entry = entry_find (st.st_ino);
    if (!entry || entry->n_open == 0 || entry->hidden_in >= 0)
        return 0;
    snprintf (entry->hidden, sizeof (entry->hidden), ".nfs%016llx%08x",
              (unsigned long long)st.st_ino, n++);
    entry->hidden_in = openat (dir->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (entry->hidden_in < 0 || renameat (dir->fd, name, dir->fd, entry->hidden) < 0)
        return -1;
    return 1;
}

static void on_unlink (fuse_req_t req, fuse_ino_t dir, const char *name)
{
    int hidden = hide_if_open (entry_of (dir), name);

    reply_rc (req, hidden == 0 ? unlinkat (entry_of (dir)->fd, name, 0) : hidden);
}

static void on_rmdir (fuse_req_t req, fuse_ino_t dir, const char *name)
{
    reply_rc (req, unlinkat (entry_of (dir)->fd, name, AT_REMOVEDIR));
}

static void on_rename (fuse_req_t req,
                       fuse_ino_t from_dir,
                       const char *from,
                       fuse_ino_t to_dir,
                       const char *to,
                       unsigned flags)
{
    if (flags)
        fuse_reply_err (req, EINVAL);
    else if (hide_if_open (entry_of (to_dir), to) < 0)
        fuse_reply_err (req, errno);
    else
        reply_rc (req, renameat (entry_of (from_dir)->fd, from, entry_of (to_dir)->fd, to));
}

/* How the server's file is opened for a client that wants FLAGS. */
static int server_flags (int flags)
{
    return (flags & ~(O_APPEND | O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW)) | O_CLOEXEC;
}

/* Close-to-open: the kernel drops the data it has (not keep_cache), and here the attributes. */
static void on_open (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct entry *entry = entry_of (ino);
    char path[PATH_SIZE];
    struct stat st;
    int fd =
        entry_stat (entry, &st) < 0 ? -1 : open (path_of (entry, path), server_flags (file->flags));

    if (fd < 0) {
        fuse_reply_err (req, errno);
        return;
    }
    fuse_lowlevel_notify_inval_inode (mount_.session, ino, -1, 0);
    entry->n_open++;
    file->fh = (uint64_t)fd;
    fuse_reply_open (req, file);
}

static void on_create (
    fuse_req_t req, fuse_ino_t dir, const char *name, mode_t mode, struct fuse_file_info *file)
{
    struct fuse_entry_param param;
    int fd = openat (entry_of (dir)->fd, name,
                     server_flags (file->flags) | O_CREAT | (file->flags & O_EXCL), mode);

    if (fd >= 0 && fill (entry_of (dir), name, &param) == 0) {
        entry_of (param.ino)->n_open++;
        file->fh = (uint64_t)fd;
        fuse_reply_create (req, &param, file);
        return;
    }
    fuse_reply_err (req, errno);
    if (fd >= 0)
        close (fd);
}

/* SIZE bytes come from the server, after those that other mounts read now. */
static void meter (size_t size)
{
    if (!mount_.meter)
        return;
    if (size >= LARGE)
        flock (mount_.meter, LOCK_EX);
    dprintf (mount_.meter, "%zu\n", size);
    if (size >= LARGE && mount_.rate > 0)
        usleep ((useconds_t)((double)size / mount_.rate * 1e6 / (1 << 20)));
    flock (mount_.meter, LOCK_UN);
}

static void on_read (
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t place, struct fuse_file_info *file)
{
    struct stat st;
    char *data = malloc (size);
    ssize_t n = !data || entry_stat (entry_of (ino), &st) < 0
                    ? -1
                    : pieces_read (entry_of (ino), (int)file->fh, data, size, place);

    if (n < 0)
        fuse_reply_err (req, errno);
    else {
        meter ((size_t)n);
        fuse_reply_buf (req, data, (size_t)n);
    }
    free (data);
}

static void on_write (fuse_req_t req,
                      fuse_ino_t ino,
                      const char *data,
                      size_t size,
                      off_t place,
                      struct fuse_file_info *file)
{
    struct entry *entry = entry_of (ino);
    struct stat st;

    if (entry_stat (entry, &st) < 0 || pieces_add (entry, (int)file->fh, data, size, place) < 0
        || (mount_.delay <= 0 && pieces_hand_over (entry) < 0))
        fuse_reply_err (req, errno);
    else
        fuse_reply_write (req, size);
}

static bool writes (const struct fuse_file_info *file)
{
    return (fcntl ((int)file->fh, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

/* At each close. */
static void on_flush (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct stat st;

    if (!writes (file))
        fuse_reply_err (req, 0);
    else
        reply_rc (req,
                  entry_stat (entry_of (ino), &st) < 0 ? -1 : pieces_hand_over (entry_of (ino)));
}

static void on_fsync (fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
    (void)data_only;
    on_flush (req, ino, file);
}

static void on_release (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct entry *entry = entry_of (ino);

    if (writes (file))
        pieces_hand_over (entry);
    close ((int)file->fh);
    if (--entry->n_open == 0 && entry->hidden_in >= 0) {
        unlinkat (entry->hidden_in, entry->hidden, 0);
        close (entry->hidden_in);
        entry->hidden_in = -1;
    }
    fuse_reply_err (req, 0);
}

/* The server's own lock, which knows all clients. Who would wait is refused: one thread serves. */
static void on_flock (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file, int op)
{
    (void)ino;
    errno = ENOLCK;
    reply_rc (req, mount_.flock == LOCK_NONE ? -1 : flock ((int)file->fh, op | LOCK_NB));
}

static void on_opendir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    int fd = openat (entry_of (ino)->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir (fd);

    if (dir) {
        file->fh = (uint64_t)(uintptr_t)dir;
        fuse_reply_open (req, file);
        return;
    }
    fuse_reply_err (req, errno);
    if (fd >= 0)
        close (fd);
}

static void on_readdir (
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t place, struct fuse_file_info *file)
{
    DIR *dir = (DIR *)(uintptr_t)file->fh;
    char *data = malloc (size);
    size_t n = 0;
    struct dirent *name;

    (void)ino;
    if (place == 0)
        rewinddir (dir);
    else
        seekdir (dir, place);
    while (data && (name = readdir (dir))) {
        struct stat st = { .st_ino = name->d_ino, .st_mode = (mode_t)name->d_type << 12 };
        size_t needs =
            fuse_add_direntry (req, data + n, size - n, name->d_name, &st, telldir (dir));

        if (needs > size - n)
            break;
        n += needs;
    }
    if (data)
        fuse_reply_buf (req, data, n);
    else
        fuse_reply_err (req, ENOMEM);
    free (data);
}

static void on_releasedir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    closedir ((DIR *)(uintptr_t)file->fh);
    fuse_reply_err (req, 0);
}

static void on_statfs (fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs st;

    (void)ino;
    if (fstatvfs (root.fd, &st) < 0)
        fuse_reply_err (req, errno);
    else
        fuse_reply_statfs (req, &st);
}

static const struct fuse_lowlevel_ops operations = {
    .init = on_init,
    .lookup = on_lookup,
    .forget = on_forget,
    .getattr = on_getattr,
    .setattr = on_setattr,
    .readlink = on_readlink,
    .mkdir = on_mkdir,
    .unlink = on_unlink,
    .rmdir = on_rmdir,
    .symlink = on_symlink,
    .rename = on_rename,
    .link = on_link,
    .open = on_open,
    .create = on_create,
    .read = on_read,
    .write = on_write,
    .flush = on_flush,
    .release = on_release,
    .fsync = on_fsync,
    .flock = on_flock,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .releasedir = on_releasedir,
    .statfs = on_statfs,
};

static volatile sig_atomic_t wants_stale;

static void on_signal (int number)
{
    wants_stale = number;
}

static void serve (struct fuse_session *session)
{
    struct pollfd ready = { .fd = fuse_session_fd (session), .events = POLLIN };
    struct fuse_buf buf = { 0 };

    while (!fuse_session_exited (session)) {
        int n, rc = poll (&ready, 1, pieces_hand_over_old (mount_.delay));

        if (wants_stale)
            entries_go_stale (mount_.stale);
        wants_stale = 0;
        if (rc == 0 || (rc < 0 && errno == EINTR))
            continue;
        n = fuse_session_receive_buf (session, &buf);
        if (n > 0)
            fuse_session_process_buf (session, &buf);
        else if (n != -EINTR)
            break;
    }
    free (buf.mem);
}

static bool set_option (const char *text)
{
    if (sscanf (text, "cache=%lf", &mount_.cache) == 1
        || sscanf (text, "delay=%lf", &mount_.delay) == 1
        || sscanf (text, "stale=%lf", &mount_.stale) == 1
        || sscanf (text, "rate=%lf", &mount_.rate) == 1)
        return true;
    if (strncmp (text, "meter=", 6) == 0) {
        mount_.meter = open (text + 6, O_WRONLY | O_CREAT | O_APPEND, 0600);
        return mount_.meter > 0;
    }
    mount_.flock = strcmp (text, "flock=client") == 0 ? LOCK_CLIENT
                   : strcmp (text, "flock=none") == 0 ? LOCK_NONE
                                                      : LOCK_ALL;
    return mount_.flock != LOCK_ALL || strcmp (text, "flock=all") == 0;
}

/* Mounts, and returns in the process that serves. */
static int mount_on (const char *directory)
{
    char *words[] = { (char *)"nfs-like", (char *)"-o",
                      (char *)"allow_other,default_permissions,fsname=nfs-like" };
    struct fuse_args args = FUSE_ARGS_INIT (3, words);

    mount_.session = fuse_session_new (&args, &operations, sizeof (operations), NULL);
    fuse_opt_free_args (&args);
    if (!mount_.session || fuse_set_signal_handlers (mount_.session) < 0
        || fuse_session_mount (mount_.session, directory) < 0)
        return -1;
    return fuse_daemonize (0);
}

int main (int argc, char **argv)
{
    bool good = argc >= 3;

    for (int i = 3; i < argc; i++)
        good = good && set_option (argv[i]);
    if (!good) {
        fprintf (stderr, "Usage: nfs-like SERVER DIRECTORY [cache=SECONDS] [delay=SECONDS] "
                         "[flock=all|client|none] [stale=SECONDS] [meter=FILE] [rate=MIB]\n");
        return 2;
    }
    umask (0);
    signal (SIGUSR1, on_signal);
    root.fd = open (argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root.fd < 0) {
        fprintf (stderr, "nfs-like: %s: %s\n", argv[1], strerror (errno));
        return 2;
    }
    if (mount_on (argv[2]) < 0) {
        fprintf (stderr, "nfs-like: %s: cannot be mounted here\n", argv[2]);
        return SKIP;
    }
    serve (mount_.session);
    fuse_session_unmount (mount_.session);
    return 0;
}
