/* SPDX-License-Identifier: Apache-2.0 */
/* All runs in the working directory and in the working directories of the user's running jobs, a
 * line each.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/watch/watch.h"
#include "coord/slurm/slurm_program.h"
#include "io/journal/run_dir.h"
#include "util/array.h"
#include "util/capture.h"
#include "util/clock.h"

enum { MAX_SQUEUE = 1 << 20 };

static const double squeue_seconds = 5, refresh_seconds = 2;

/* A run directory, and what was last read there. */
struct run {
    char *dir;
    struct timespec changed; /* of its journal */
    char *line; /* NULL: it cannot be read */
    bool live;
};

struct list {
    struct run *runs;
    uint32_t n, room;
};

static int compare_runs (const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    if (x->live != y->live)
        return y->live - x->live;
    return strcmp (x->dir, y->dir);
}

static bool has (const struct list *list, const char *dir)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp (list->runs[i].dir, dir) == 0)
            return true;
    return false;
}

/* Takes DIR over, if it looks like a run directory. */
static void offer (struct list *list, char *dir)
{
    char *journal = dir ? aw_run_dir_path (dir, AW_RUN_JOURNAL) : NULL;

    if (journal && access (journal, F_OK) == 0 && !has (list, dir)
        && aw_array_reserve (&list->runs, &list->room, list->n + (size_t)1) == 0)
        list->runs[list->n++] = (struct run){ .dir = dir };
    else
        free (dir);
    free (journal);
}

/* The run directories in PATH; PREFIX stands before their names: "" or "PATH/". */
static void look_in (struct list *list, const char *path, const char *prefix)
{
    DIR *dir = opendir (path);
    struct dirent *entry;

    while (dir && (entry = readdir (dir))) {
        char *name;

        if (entry->d_name[0] == '.')
            continue;
        if (asprintf (&name, "%s%s", prefix, entry->d_name) < 0)
            break;
        offer (list, name);
    }
    if (dir)
        closedir (dir);
}

/* The working directories of the user's running jobs, one a line; NULL: no Slurm here. */
static char *ask_squeue (void)
{
    char *argv[] = { aw_slurm_program ("squeue"), "--me",        "--noheader",
                     "--states=running",          "--format=%Z", NULL };
    struct aw_capture capture = { 0 };
    struct aw_error err;
    char *out = NULL;

    if (aw_capture_start (&capture, argv, NULL, MAX_SQUEUE, &err) == 0
        && aw_capture_wait (&capture, 1, squeue_seconds, &err) == 0) {
        out = capture.out;
        capture.out = NULL;
    }
    aw_capture_finish (&capture);
    return out;
}

static void look_in_jobs (struct list *list)
{
    char *here = realpath (".", NULL), *out = ask_squeue (), *rest = out, *path;

    while (rest && (path = strsep (&rest, "\n"))) {
        char *prefix;

        if (*path != '/' || (here && strcmp (path, here) == 0))
            continue;
        if (asprintf (&prefix, "%s/", path) < 0)
            break;
        look_in (list, path, prefix);
        free (prefix);
    }
    free (here);
    free (out);
}

/* Has the journal changed since it was read? */
static bool has_changed (struct run *run)
{
    char *journal = aw_run_dir_path (run->dir, AW_RUN_JOURNAL);
    struct stat st;
    bool changed = false;

    if (journal && stat (journal, &st) == 0
        && (!run->line || st.st_mtim.tv_sec != run->changed.tv_sec
            || st.st_mtim.tv_nsec != run->changed.tv_nsec)) {
        run->changed = st.st_mtim;
        changed = true;
    }
    free (journal);
    return changed;
}

/* Reads the run again, unless nothing can have changed. */
static void read_run (struct run *run)
{
    struct aw_watch watch = { 0 };
    struct aw_textbuf line = { 0 };
    struct aw_problems problems;

    if (!has_changed (run) && !run->live)
        return;
    aw_problems_init (&problems);
    if (aw_watch_open (&watch, run->dir, &problems) == 0) {
        aw_watch_put_state (&watch, &line);
        run->live = watch.report.live;
    }
    else
        aw_textbuf_puts (&line, "cannot be read");
    aw_textbuf_putc (&line, '\0');
    if (!line.failed) {
        free (run->line);
        run->line = line.data;
        line.data = NULL;
    }
    aw_textbuf_finish (&line);
    aw_watch_close (&watch);
    aw_problems_finish (&problems);
}

static void put_runs (struct list *list, struct aw_textbuf *out)
{
    for (uint32_t i = 0; i < list->n; i++)
        read_run (&list->runs[i]);
    qsort (list->runs, list->n, sizeof (*list->runs), compare_runs);
    for (uint32_t i = 0; i < list->n; i++) {
        aw_textbuf_plain (out, list->runs[i].dir, strlen (list->runs[i].dir));
        aw_textbuf_printf (out, ": %s\n", list->runs[i].line ? list->runs[i].line : "");
    }
}

static void find_runs (struct list *list)
{
    look_in (list, ".", "");
    look_in_jobs (list);
}

static void finish (struct list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        free (list->runs[i].dir);
        free (list->runs[i].line);
    }
    free (list->runs);
}

/* The selected run, until a key ends that. True: by one that ends all. */
static bool open_run (const struct run *run, struct aw_screen *screen)
{
    struct aw_watch watch = { 0 };
    struct aw_problems problems;
    bool quit = false;

    aw_problems_init (&problems);
    if (aw_watch_open (&watch, run->dir, &problems) == 0)
        quit = aw_watch_run (&watch, screen);
    aw_watch_close (&watch);
    aw_problems_finish (&problems);
    return quit;
}

static void show (struct list *list, struct aw_screen *screen)
{
    struct aw_page page = { .selects = true };
    double next = 0;
    enum aw_keystroke key = AW_KEY_NONE;

    while (key != AW_KEY_END_OF_INPUT && key != 'q') {
        if (aw_clock_monotonic () >= next) {
            aw_page_clear (&page);
            aw_textbuf_puts (&page.head, "Runs in this directory and in your running jobs\n\n");
            put_runs (list, &page.body);
            aw_textbuf_puts (&page.foot, "\nq quit  Enter open\n");
            next = aw_clock_monotonic () + refresh_seconds;
        }
        aw_screen_draw (screen, &page);
        key = aw_screen_key (screen, refresh_seconds);
        if (key == AW_KEY_ENTER && page.selected < list->n
            && open_run (&list->runs[page.selected], screen))
            break;
        aw_page_move (&page, screen, key);
    }
    aw_page_finish (&page);
}

int aw_watch_list (void)
{
    struct list list = { 0 };
    struct aw_textbuf out = { 0 };
    struct aw_screen screen;
    int code = AW_EXIT_OK;

    find_runs (&list);
    if (list.n == 0) {
        fprintf (stderr, "async-workflow watch: no run in this directory or in a running job's: "
                         "give a run directory\n");
        code = AW_EXIT_INPUT;
    }
    else if (aw_screen_possible () && aw_screen_open (&screen) == 0) {
        show (&list, &screen);
        aw_screen_close (&screen);
    }
    else {
        put_runs (&list, &out);
        if (aw_report_write (&out, STDOUT_FILENO) < 0) {
            fprintf (stderr, "async-workflow: standard output: %s\n", strerror (errno));
            code = AW_EXIT_INPUT;
        }
    }
    aw_textbuf_finish (&out);
    finish (&list);
    return code;
}
