/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/logs/logs.h"
#include "util/read.h"

void aw_logs_task_init (struct aw_logs_task *task,
                        const struct aw_logs_run *run,
                        uint32_t id,
                        uint32_t attempt)
{
    memset (task, 0, sizeof (*task));
    task->id = id;
    task->place.wanted = attempt;
    for (int i = 0; i < AW_STREAMS; i++)
        task->stored[i] = aw_report_is_stored (&run->report, id, (enum aw_stream)i);
    aw_graph_task_name (run->report.workflow->graph, id, task->place.name,
                        sizeof (task->place.name));
}

bool aw_logs_task_is_stored (const struct aw_logs_task *task)
{
    return task->stored[AW_STREAM_STDOUT] || task->stored[AW_STREAM_STDERR];
}

/* By the journal, where it was read. */
static void find_in_history (struct aw_logs_run *run, struct aw_logs_task *task)
{
    const struct aw_attempt *last = aw_history_last (&run->report.history, task->id);
    uint32_t wanted = task->place.wanted;

    if (!last || (wanted != AW_LOG_LAST && wanted > last->attempt))
        return;
    wanted = wanted == AW_LOG_LAST ? last->attempt : wanted;
    if (!task->known || task->attempt != wanted)
        memset (task->at, 0, sizeof (task->at));
    task->known = true;
    task->attempt = wanted;
}

static int find_in_store (struct aw_logs_run *run,
                          struct aw_logs_task *tasks,
                          size_t n,
                          struct aw_error *err)
{
    struct aw_log_place *places = calloc (n, sizeof (*places));
    int rc;

    if (!places)
        return aw_error_set (err, "out of memory");
    for (size_t i = 0; i < n; i++)
        places[i] = tasks[i].place;
    rc = aw_log_store_find (run->store, places, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        tasks[i].place = places[i];
        tasks[i].known |= aw_logs_task_is_stored (&tasks[i]) && places[i].found;
    }
    free (places);
    return rc;
}

int aw_logs_find (struct aw_logs_run *run,
                  struct aw_logs_task *tasks,
                  size_t n,
                  struct aw_error *err)
{
    bool stored = false;

    for (size_t i = 0; i < n; i++) {
        stored |= aw_logs_task_is_stored (&tasks[i]);
        if (run->loaded)
            find_in_history (run, &tasks[i]);
    }
    return stored ? find_in_store (run, tasks, n, err) : 0;
}

struct output {
    const struct aw_logs_task *task;
    struct aw_logs_printer *printer;
};

static int on_piece (void *arg, enum aw_log_kind kind, const char *data, size_t size)
{
    const struct output *output = arg;
    enum aw_stream stream = kind == AW_LOG_STDOUT ? AW_STREAM_STDOUT : AW_STREAM_STDERR;

    if (!output->printer->streams[stream])
        return 0;
    return aw_logs_print (output->printer, output->task->place.name, data, size);
}

/* Regular files of the run directory's owner alone: the path may lead anywhere. -1: none. */
static int open_file (const char *path, const char *dir)
{
    struct stat st, owner;
    int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0 && stat (dir, &owner) == 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode)
        && st.st_uid == owner.st_uid)
        return fd;
    if (fd >= 0)
        close (fd);
    return -1;
}

static int print_file (struct aw_logs_run *run,
                       struct aw_logs_task *task,
                       enum aw_stream stream,
                       struct aw_logs_printer *printer,
                       struct aw_error *err)
{
    char *path = aw_report_stream_path (&run->report, task->id, task->attempt, stream);
    int fd = path ? open_file (path, run->report.dir) : -1, rc = 0;
    char data[16 << 10];
    ssize_t n;

    while (fd >= 0 && rc == 0
           && (n = aw_read_at (fd, data, sizeof (data), (off_t)task->at[stream])) != 0) {
        if (n < 0)
            rc = aw_error_set (err, "%s: %s", path, strerror (errno));
        else if ((rc = aw_logs_print (printer, task->place.name, data, (size_t)n)) == 0)
            task->at[stream] += (uint64_t)n;
    }
    if (fd >= 0)
        close (fd);
    free (path);
    return rc;
}

int aw_logs_task_print (struct aw_logs_run *run,
                        struct aw_logs_task *task,
                        struct aw_logs_printer *printer,
                        struct aw_error *err)
{
    struct output output = { task, printer };

    err->text[0] = '\0';
    if (aw_logs_task_is_stored (task) && task->place.found
        && aw_log_store_read (run->store, &task->place, on_piece, &output, err) < 0)
        return -1;
    for (int i = 0; i < AW_STREAMS; i++)
        if (task->known && !task->stored[i] && printer->streams[i]
            && print_file (run, task, (enum aw_stream)i, printer, err) < 0)
            return -1;
    return 0;
}
