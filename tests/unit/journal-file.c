/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "io/journal/journal.h"
#include "journal-file.h"

int journal_file_set_up (void **state)
{
    struct journal_file *f = calloc (1, sizeof (*f));
    struct aw_set *set;

    assert_non_null (f);
    strcpy (f->dir, "/tmp/aw-journal.XXXXXX");
    assert_non_null (mkdtemp (f->dir));
    snprintf (f->path, sizeof (f->path), "%s/journal.jsonl", f->dir);
    f->graph = aw_graph_create ();
    assert_non_null (f->graph);
    set = aw_graph_add_set (f->graph, "simulate");
    assert_non_null (set);
    set->count = 20;
    set = aw_graph_add_set (f->graph, "tr\"ain");
    assert_non_null (set);
    f->graph->iterations = 3;
    f->graph->iterated = true;
    assert_int_equal (aw_graph_finalize (f->graph, NULL), 0);
    *state = f;
    return 0;
}

int journal_file_tear_down (void **state)
{
    struct journal_file *f = *state;

    unlink (f->path);
    rmdir (f->dir);
    aw_graph_destroy (f->graph);
    free (f);
    return 0;
}

char *journal_file_text (const char *path)
{
    FILE *file = fopen (path, "r");
    char *text = calloc (1, 1 << 16);

    assert_non_null (file);
    assert_non_null (text);
    assert_true (fread (text, 1, (1 << 16) - 1, file) > 0);
    fclose (file);
    return text;
}

int journal_file_count (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    (void)ev;
    (void)err;
    ++*(int *)arg;
    return 0;
}
