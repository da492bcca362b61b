/* SPDX-License-Identifier: Apache-2.0 */
#include "adding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct aw_workflow *adding_parse (const char *text)
{
    struct aw_problems problems;
    struct aw_workflow *w;

    aw_problems_init (&problems);
    w = aw_workflow_parse (text, strlen (text), "base.json", &problems);
    if (!w)
        fail_msg ("%s", problems.items[0].text);
    aw_problems_finish (&problems);
    return w;
}

int adding_add (struct aw_workflow *w, const char *text)
{
    struct aw_problems problems;
    int rc;

    aw_problems_init (&problems);
    rc = add_text (w, text, &problems);
    if (rc < 0 && problems.n_items)
        print_message ("# %s\n", problems.items[0].text);
    assert_int_equal (rc<0, problems.n_errors> 0);
    aw_problems_finish (&problems);
    return rc;
}

void adding_make_files (struct adding_files *f)
{
    strcpy (f->dir, "/tmp/aw-add-XXXXXX");
    assert_non_null (mkdtemp (f->dir));
    snprintf (f->path, sizeof (f->path), "%s/journal.jsonl", f->dir);
}

void adding_remove_files (struct adding_files *f)
{
    unlink (f->path);
    rmdir (f->dir);
}

struct aw_journal *adding_create (const struct adding_files *f, const struct aw_graph *graph)
{
    struct aw_journal_header header = { .epoch = 1, .mode = (char *)"async" };
    struct aw_error err = { "" };
    struct aw_journal *journal = aw_journal_create (f->path, graph, &header, &err);

    if (!journal)
        fail_msg ("%s", err.text);
    return journal;
}

void adding_append (struct aw_journal *journal, const struct aw_event *ev)
{
    struct aw_error err = { "" };

    if (aw_journal_append (journal, ev, &err) < 0)
        fail_msg ("%s", err.text);
}

void adding_assert_same (const struct aw_graph *a, const struct aw_graph *b)
{
    assert_int_equal (a->n_sets, b->n_sets);
    assert_int_equal (a->n_base, b->n_base);
    assert_int_equal (a->n_tasks, b->n_tasks);
    assert_int_equal (a->n_topics, b->n_topics);
    assert_int_equal (a->n_gpu_types, b->n_gpu_types);
    for (uint32_t s = 0; s < a->n_sets; s++) {
        const struct aw_set *x = &a->sets[s], *y = &b->sets[s];

        assert_string_equal (x->name, y->name);
        assert_int_equal (x->count, y->count);
        assert_int_equal (x->first, y->first);
        assert_int_equal (x->cpus, y->cpus);
        assert_int_equal (x->n_after, y->n_after);
        assert_int_equal (x->n_message_dependencies, y->n_message_dependencies);
        assert_int_equal (a->order[s], b->order[s]);
        for (uint32_t e = 0; e < x->n_after; e++)
            assert_memory_equal (&x->after[e], &y->after[e], sizeof (x->after[e]));
        assert_int_equal (aw_graph_find (a, x->name), s);
    }
}

int adding_read (const struct adding_files *f,
                 struct aw_workflow *w,
                 bool changed,
                 aw_journal_fn fn,
                 void *arg,
                 struct aw_error *err)
{
    struct aw_journal_reading reading = { .fn = fn, .arg = arg, .changed = changed };
    struct aw_journal_header header;
    int rc = aw_journal_read_workflow (f->path, w, &reading, &header, err);

    aw_journal_header_finish (&header);
    return rc;
}
