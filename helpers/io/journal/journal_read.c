/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal, line by line through a window that moves over the file: it may be larger
 * than memory, and it may grow while we read. Unknown members of an event are passed over, so that
 * later versions can add some; all else is strict, for what is read decides what a resumed run
 * does.
 */
#include "io/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/journal/journal_private.h"
#include "util/names.h"
#include "io/scan.h"

enum {
    WINDOW = 1 << 18,
    /* A node of a million CPUs, every other one ours, needs 4 MB; what a task adds is 4 MiB, of
     * which escapes can make six bytes of one. */
    MAX_LINE = 32 << 20,
    MAX_NODES = 1 << 20,
};

/* Members of an event, in the order in which we write them: the next one is looked for first. */
enum key {
    KEY_T,
    KEY_EVENT,
    KEY_TASK,
    KEY_ATTEMPT,
    KEY_NODE,
    KEY_CPUS,
    KEY_GPUS,
    KEY_MORE,
    KEY_MEM,
    KEY_TOPOLOGY,
    KEY_STATUS,
    KEY_CODE,
    KEY_SIGNAL,
    KEY_SECONDS,
    KEY_CPU_SECONDS,
    KEY_MAX_RSS,
    KEY_GPU_UTIL,
    KEY_GPU_MEM,
    KEY_BYTES,
    KEY_REASON,
    KEY_EPOCH,
    KEY_JOB,
    KEY_MODE,
    KEY_POLICY,
    KEY_WORKFLOW,
    KEY_AGAIN,
    KEY_TOPIC,
    KEY_COUNT,
    KEYS
};

static const char *const key_names[KEYS] = {
    [KEY_T] = "t",
    [KEY_EVENT] = "event",
    [KEY_TASK] = "task",
    [KEY_ATTEMPT] = "attempt",
    [KEY_NODE] = "node",
    [KEY_CPUS] = "cpus",
    [KEY_GPUS] = "gpus",
    [KEY_MORE] = "more",
    [KEY_MEM] = "mem",
    [KEY_TOPOLOGY] = "topology",
    [KEY_STATUS] = "status",
    [KEY_CODE] = "code",
    [KEY_SIGNAL] = "signal",
    [KEY_SECONDS] = "seconds",
    [KEY_CPU_SECONDS] = "cpu_seconds",
    [KEY_MAX_RSS] = "max_rss",
    [KEY_GPU_UTIL] = "gpu_util",
    [KEY_GPU_MEM] = "gpu_mem",
    [KEY_BYTES] = "bytes",
    [KEY_REASON] = "reason",
    [KEY_EPOCH] = "epoch",
    [KEY_JOB] = "job",
    [KEY_MODE] = "mode",
    [KEY_POLICY] = "policy",
    [KEY_WORKFLOW] = "workflow",
    [KEY_AGAIN] = "again",
    [KEY_TOPIC] = "topic",
    [KEY_COUNT] = "count",
};

static const bool key_is_text[KEYS] = {
    [KEY_EVENT] = true, [KEY_TASK] = true,   [KEY_NODE] = true,   [KEY_CPUS] = true,
    [KEY_GPUS] = true,  [KEY_STATUS] = true, [KEY_REASON] = true, [KEY_TOPOLOGY] = true,
    [KEY_JOB] = true,   [KEY_MODE] = true,   [KEY_POLICY] = true, [KEY_WORKFLOW] = true,
    [KEY_TOPIC] = true,
};

/* Largest value of each number; the smallest is 0 but for codes. */
static const double key_max[KEYS] = {
    [KEY_T] = 1e10,      [KEY_ATTEMPT] = 1e6,  [KEY_MEM] = 9e18,         [KEY_CODE] = 1e6,
    [KEY_SIGNAL] = 1000, [KEY_SECONDS] = 1e10, [KEY_CPU_SECONDS] = 1e15, [KEY_MAX_RSS] = 9e18,
    [KEY_BYTES] = 9e18,  [KEY_EPOCH] = 1e11,   [KEY_GPU_UTIL] = 1,       [KEY_GPU_MEM] = 9e18,
    [KEY_COUNT] = 9e15,
};

#define BIT(key) (1u << (key))

/* What an event of each type must have beside t and event. */
static const unsigned required[AW_EVENT_TYPES] = {
    [AW_EVENT_NODE] = BIT (KEY_NODE) | BIT (KEY_CPUS),
    [AW_EVENT_NODE_LOST] = BIT (KEY_NODE),
    [AW_EVENT_READY] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT),
    [AW_EVENT_START] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_NODE) | BIT (KEY_CPUS),
    [AW_EVENT_KILL] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT),
    [AW_EVENT_FINISH] =
        BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_NODE) | BIT (KEY_STATUS) | BIT (KEY_SECONDS),
    [AW_EVENT_SKIP] = BIT (KEY_TASK),
    [AW_EVENT_STAGE] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_NODE),
    [AW_EVENT_STAGED] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_NODE),
    [AW_EVENT_RELEASE] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_NODE),
    [AW_EVENT_STOP] = 0,
    [AW_EVENT_WAKE] = 0,
    [AW_EVENT_NODE_DRAIN] = BIT (KEY_NODE),
    [AW_EVENT_LIMIT] = BIT (KEY_SECONDS),
    [AW_EVENT_END] = BIT (KEY_CODE),
    [AW_EVENT_RESUME] = BIT (KEY_EPOCH),
    [AW_EVENT_CANCEL] = BIT (KEY_TASK) | BIT (KEY_COUNT),
    [AW_EVENT_ADD] = BIT (KEY_TASK) | BIT (KEY_ATTEMPT) | BIT (KEY_WORKFLOW),
    [AW_EVENT_MESSAGE] = BIT (KEY_TOPIC) | BIT (KEY_COUNT),
};

/* One line taken apart: texts within the line. */
struct line {
    unsigned seen; /* BITs */
    char *text[KEYS];
    double number[KEYS];
    struct aw_journal_more more;
    char **again; /* the names in it; owned, used again and again */
    size_t n_again, room;
};

struct reader {
    const struct aw_graph *graph;
    const struct aw_journal_growth *growth; /* NULL: none */
    int fd;
    size_t n_lines; /* read so far */
    size_t changed_at; /* the last line that tells of a changed workflow; 0: none */
    bool changes_known; /* it has been looked for */
    struct aw_names nodes;
    uint32_t n_nodes;
    double t;
    struct aw_event ev; /* its sets are used again and again */
    struct aw_resume resume; /* likewise */
};

static int find_key (const char *name, int first)
{
    for (int i = 0; i < KEYS; i++) {
        int key = (first + i) % KEYS;
        if (strcmp (name, key_names[key]) == 0)
            return key;
    }
    return -1;
}

static int scan_again (struct line *line, char **p)
{
    char *name;

    line->n_again = 0;
    if (aw_scan_char (p, '[') < 0)
        return -1;
    if (aw_scan_char (p, ']') == 0)
        return 0;
    do {
        if (aw_scan_string (p, &name) < 0)
            return -1;
        if (line->n_again == line->room) {
            size_t room = line->room ? 2 * line->room : 16;
            char **again = realloc (line->again, room * sizeof (*again));
            if (!again)
                return -1;
            line->again = again;
            line->room = room;
        }
        line->again[line->n_again++] = name;
    } while (aw_scan_char (p, ',') == 0);
    return aw_scan_char (p, ']');
}

static int scan_member (
    struct line *line, char **p, const char *name, int key, struct aw_error *err)
{
    if (line->seen & BIT (key))
        return aw_error_set (err, "\"%s\" stands there twice", name);
    line->seen |= BIT (key);
    if (key == KEY_MORE)
        return aw_journal_scan_more (&line->more, p, err);
    if (key == KEY_AGAIN)
        return scan_again (line, p) < 0 ? aw_error_set (err, "\"%s\" must be a list of names", name)
                                        : 0;
    if (key_is_text[key]) {
        if (aw_scan_string (p, &line->text[key]) < 0)
            return aw_error_set (err, "\"%s\" must be a string", name);
        return 0;
    }
    if (aw_scan_number (p, &line->number[key]) < 0)
        return aw_error_set (err, "\"%s\" must be a number", name);
    if (!(line->number[key] <= key_max[key] && line->number[key] >= (key == KEY_CODE ? -1e6 : 0)))
        return aw_error_set (err, "\"%s\" is out of range", name);
    return 0;
}

static int scan_line (struct line *line, char *text, struct aw_error *err)
{
    char *p = text, *name;
    int next = 0;

    line->seen = 0;
    if (aw_scan_char (&p, '{') < 0)
        return aw_error_set (err, "not a JSON object");
    do {
        int key;
        if (aw_scan_string (&p, &name) < 0 || aw_scan_char (&p, ':') < 0)
            return aw_error_set (err, "not valid JSON at column %zu", (size_t)(p - text) + 1);
        key = find_key (name, next);
        if (key >= 0) {
            if (scan_member (line, &p, name, key, err) < 0)
                return -1;
            next = key + 1;
        }
        else if (aw_scan_skip (&p) < 0)
            return aw_error_set (err, "not valid JSON at column %zu", (size_t)(p - text) + 1);
    } while (aw_scan_char (&p, ',') == 0);
    if (aw_scan_char (&p, '}') < 0 || (aw_scan_space (&p), *p))
        return aw_error_set (err, "not valid JSON at column %zu", (size_t)(p - text) + 1);
    return 0;
}

static int read_node (struct reader *reader, const char *name, struct aw_error *err)
{
    struct aw_event *ev = &reader->ev;

    if (ev->type == AW_EVENT_NODE) {
        if (reader->n_nodes >= MAX_NODES)
            return aw_error_set (err, "more than %d nodes", MAX_NODES);
        ev->node = reader->n_nodes++;
        ev->name = name;
        if (aw_names_set (&reader->nodes, name, ev->node) < 0)
            return aw_error_set (err, "out of memory");
        return 0;
    }
    ev->node = aw_names_get (&reader->nodes, name, strlen (name));
    if (ev->node == AW_NAMES_NONE)
        return aw_error_set (err, "no node of the name \"%.64s\" has joined", name);
    return 0;
}

static int read_ids (struct aw_idset *ids, const char *key, const char *text, struct aw_error *err)
{
    if (aw_idset_parse (ids, text) < 0)
        return aw_error_set (err, "\"%s\": \"%.64s\" is no list of numbers", key, text);
    return 0;
}

static int read_type (struct reader *reader, const struct line *line, struct aw_error *err)
{
    int type;

    if (!(line->seen & BIT (KEY_T)) || !(line->seen & BIT (KEY_EVENT)))
        return aw_error_set (err, "\"%s\" is missing", line->seen & BIT (KEY_T) ? "event" : "t");
    type = aw_event_type_parse (line->text[KEY_EVENT]);
    if (type < 0)
        return aw_error_set (err, "unknown event \"%.64s\"", line->text[KEY_EVENT]);
    for (int key = 0; key < KEYS; key++)
        if (required[type] & ~line->seen & BIT (key))
            return aw_error_set (err, "\"%s\" is missing", key_names[key]);
    reader->ev.type = (enum aw_event_type)type;
    return 0;
}

static double number (const struct line *line, enum key key)
{
    return line->seen & BIT (key) ? line->number[key] : 0;
}

static const char *text (const struct line *line, enum key key)
{
    return line->seen & BIT (key) ? line->text[key] : NULL;
}

static int read_resume (struct reader *reader, const struct line *line, struct aw_error *err)
{
    struct aw_resume *resume = &reader->resume;

    resume->epoch = line->number[KEY_EPOCH];
    resume->job = text (line, KEY_JOB);
    resume->mode = text (line, KEY_MODE);
    resume->policy = text (line, KEY_POLICY);
    resume->workflow = text (line, KEY_WORKFLOW);
    aw_idset_finish (&resume->again);
    for (size_t i = 0; line->seen & BIT (KEY_AGAIN) && i < line->n_again; i++) {
        uint32_t set = aw_graph_find (reader->graph, line->again[i]);

        if (set != AW_NONE && aw_idset_add (&resume->again, set, set) < 0)
            return aw_error_set (err, "out of memory");
    }
    aw_names_finish (&reader->nodes);
    reader->n_nodes = 0;
    reader->ev.resume = resume;
    return 0;
}

/* What is added grows the graph. */
static int read_add (struct reader *reader, const char *added, struct aw_error *err)
{
    if (!reader->growth || !reader->growth->add)
        return aw_error_set (err, "tasks are added here, and the workflow is not at hand");
    reader->ev.text = added;
    return reader->growth->add (reader->growth->arg, added, err);
}

/* Was the workflow changed after the line at hand? Then that may name tasks that are no more. */
static bool superseded (struct reader *reader)
{
    if (!reader->changes_known)
        reader->changed_at = aw_journal_last_change (reader->fd, NULL, 0);
    reader->changes_known = true;
    return reader->n_lines < reader->changed_at;
}

/* The line as an event in READER->ev. 1: it is of a task that is no more; 0, or -1 with text. */
static int read_event (struct reader *reader, struct line *line, struct aw_error *err)
{
    struct aw_event *ev = &reader->ev;

    if (read_type (reader, line, err) < 0)
        return -1;
    if (line->number[KEY_T] < reader->t)
        return aw_error_set (err, "time goes back from %.6f to %.6f", reader->t,
                             line->number[KEY_T]);
    ev->t = reader->t = line->number[KEY_T];
    ev->task = ev->node = 0;
    ev->name = text (line, KEY_TOPIC);
    ev->count = (uint64_t)number (line, KEY_COUNT);
    if (text (line, KEY_TASK)) {
        ev->task = aw_graph_task_parse (reader->graph, line->text[KEY_TASK]);
        if (ev->task == AW_NONE && ev->type != AW_EVENT_ADD && superseded (reader))
            return 1;
        if (ev->task == AW_NONE && !superseded (reader))
            return aw_error_set (err, "the workflow has no task \"%.64s\"", line->text[KEY_TASK]);
    }
    ev->attempt = (uint32_t)number (line, KEY_ATTEMPT);
    ev->mem = (uint64_t)number (line, KEY_MEM);
    ev->code = (int)number (line, KEY_CODE);
    ev->signal = (int)number (line, KEY_SIGNAL);
    ev->seconds = number (line, KEY_SECONDS);
    ev->cpu_seconds = number (line, KEY_CPU_SECONDS);
    ev->max_rss = (uint64_t)number (line, KEY_MAX_RSS);
    ev->gpu_known = line->seen & BIT (KEY_GPU_MEM);
    ev->gpu_util = line->seen & BIT (KEY_GPU_UTIL) ? number (line, KEY_GPU_UTIL) : -1;
    ev->gpu_mem = (uint64_t)number (line, KEY_GPU_MEM);
    ev->bytes = (uint64_t)number (line, KEY_BYTES);
    ev->reason = text (line, KEY_REASON);
    ev->topology = text (line, KEY_TOPOLOGY);
    ev->more = NULL;
    ev->n_more = 0;
    if (ev->type == AW_EVENT_START && line->seen & BIT (KEY_MORE)) {
        if (aw_journal_read_more (&line->more, &reader->nodes, err) < 0)
            return -1;
        ev->more = line->more.read;
        ev->n_more = line->more.n;
    }
    ev->text = NULL;
    if (ev->type == AW_EVENT_ADD && read_add (reader, line->text[KEY_WORKFLOW], err) < 0)
        return -1;
    ev->resume = NULL;
    if (ev->type == AW_EVENT_RESUME && read_resume (reader, line, err) < 0)
        return -1;
    ev->status = AW_STATUS_COMPLETED;
    if (text (line, KEY_STATUS)) {
        int status = aw_status_parse (line->text[KEY_STATUS]);
        if (status < 0)
            return aw_error_set (err, "unknown status \"%.64s\"", line->text[KEY_STATUS]);
        ev->status = (enum aw_status)status;
    }
    if (text (line, KEY_NODE) && read_node (reader, line->text[KEY_NODE], err) < 0)
        return -1;
    if (read_ids (&ev->cpus, "cpus", text (line, KEY_CPUS) ? line->text[KEY_CPUS] : "", err) < 0)
        return -1;
    return read_ids (&ev->gpus, "gpus", text (line, KEY_GPUS) ? line->text[KEY_GPUS] : "", err);
}

/* Lines out of a file. */
struct window {
    int fd;
    char *data;
    size_t size;
    size_t from, to; /* what has been read and not yet handed out */
    bool torn;
};

/* The next whole line, its newline replaced by a NUL; NULL at the end (errno 0) or with errno. */
static char *next_line (struct window *win)
{
    size_t seen = 0; /* of win->from..to */

    for (;;) {
        char *line = win->data + win->from;
        char *end = memchr (line + seen, '\n', win->to - win->from - seen);
        ssize_t n;

        if (end) {
            *end = '\0';
            win->from = (size_t)(end + 1 - win->data);
            errno = strlen (line) == (size_t)(end - line) ? 0 : EILSEQ;
            return errno ? NULL : line;
        }
        seen = win->to - win->from;
        memmove (win->data, line, seen);
        win->from = 0;
        win->to = seen;
        if (seen == win->size) {
            char *data = win->size < MAX_LINE ? realloc (win->data, win->size * 2) : NULL;
            if (!data) {
                errno = win->size < MAX_LINE ? ENOMEM : EMSGSIZE;
                return NULL;
            }
            win->data = data;
            win->size *= 2;
        }
        do
            n = read (win->fd, win->data + win->to, win->size - win->to);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return NULL;
        if (n == 0) {
            win->torn = seen > 0;
            errno = 0;
            return NULL;
        }
        win->to += (size_t)n;
    }
}

static const char *window_error (int error)
{
    return error == EILSEQ     ? "a NUL byte stands there"
           : error == EMSGSIZE ? "the line is too long"
                               : strerror (error);
}

static int read_lines (struct reader *reader,
                       struct window *win,
                       const char *path,
                       struct aw_journal_header *header,
                       aw_journal_fn fn,
                       void *arg,
                       struct aw_error *err)
{
    struct line line = { 0 };
    size_t n = 0;
    char *text;
    int rc = 0;

    for (;;) {
        reader->n_lines = ++n;
        text = next_line (win);
        if (!text && !errno)
            break;
        if (!text)
            rc = aw_error_set (err, "%s", window_error (errno));
        else if (n == 1)
            rc = aw_journal_read_header (header, text, err);
        else if ((rc = scan_line (&line, text, err)) == 0
                 && (rc = read_event (reader, &line, err)) == 0)
            rc = fn ? fn (arg, &reader->ev, err) : 0;
        if (rc < 0) {
            struct aw_error why = err ? *err : (struct aw_error){ "" };

            free (line.again);
            aw_journal_more_finish (&line.more);
            return aw_error_set (err, "%s: line %zu: %s", path, n, why.text);
        }
    }
    free (line.again);
    aw_journal_more_finish (&line.more);
    if (n == 1)
        return aw_error_set (err,
                             "%s: its first line is not complete: the run has not begun, or "
                             "the file was cut off",
                             path);
    return 0;
}

static int open_file (const char *path, struct aw_error *err)
{
    struct stat st;
    /* A FIFO must not hold us up, nor a link lead to a device, which opening may set going. */
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

    if (fd < 0)
        return aw_error_set (err, "%s: %s", path,
                             errno == ELOOP ? "a symbolic link, not a regular file"
                                            : strerror (errno));
    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode)) {
        close (fd);
        return aw_error_set (err, "%s: not a regular file", path);
    }
    return fd;
}

static int read_all (const char *path,
                     struct reader *reader,
                     struct aw_journal_header *header,
                     aw_journal_fn fn,
                     void *arg,
                     bool *torn,
                     struct aw_error *err)
{
    struct window win = { .fd = open_file (path, err), .size = WINDOW };
    int rc = -1;

    reader->fd = win.fd;

    memset (header, 0, sizeof (*header));
    if (torn)
        *torn = false;
    if (win.fd < 0)
        return -1;
    win.data = malloc (win.size);
    if (!win.data)
        aw_error_set (err, "%s: out of memory", path);
    else
        rc = read_lines (reader, &win, path, header, fn, arg, err);
    if (torn)
        *torn = win.torn;
    close (win.fd);
    free (win.data);
    aw_names_finish (&reader->nodes);
    aw_idset_finish (&reader->ev.cpus);
    aw_idset_finish (&reader->ev.gpus);
    aw_idset_finish (&reader->resume.again);
    return rc;
}

int aw_journal_read_by (const char *path,
                        const struct aw_graph *graph,
                        const struct aw_journal_growth *growth,
                        struct aw_journal_header *header,
                        aw_journal_fn fn,
                        void *arg,
                        bool *torn,
                        struct aw_error *err)
{
    struct reader reader = { .graph = graph, .growth = growth };

    if (growth && growth->changed) {
        reader.changes_known = true;
        reader.changed_at = SIZE_MAX;
    }
    return read_all (path, &reader, header, fn, arg, torn, err);
}

int aw_journal_read (const char *path,
                     const struct aw_graph *graph,
                     struct aw_journal_header *header,
                     aw_journal_fn fn,
                     void *arg,
                     bool *torn,
                     struct aw_error *err)
{
    return aw_journal_read_by (path, graph, NULL, header, fn, arg, torn, err);
}

int aw_journal_read_changed (const char *path,
                             const struct aw_graph *graph,
                             struct aw_journal_header *header,
                             aw_journal_fn fn,
                             void *arg,
                             bool *torn,
                             struct aw_error *err)
{
    const struct aw_journal_growth growth = { .changed = true };

    return aw_journal_read_by (path, graph, &growth, header, fn, arg, torn, err);
}

int aw_journal_in_use (const char *path)
{
    int fd = open_file (path, NULL);
    int rc;

    if (fd < 0)
        return -1;
    rc = flock (fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -1;
    close (fd); /* and with it the lock */
    return rc;
}
