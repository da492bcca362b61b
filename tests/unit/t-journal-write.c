/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as it is written: its text stays the same, and a full disk loses nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/graph/graph.h"
#include "io/journal/journal.h"
#include "io/textbuf.h"
#include "journal-file.h"

static const struct aw_resume other_backlog = { .epoch = 5, .backlog = 1.5 };

/* Events of every type with every member. */
static const struct aw_event samples[] = {
    { .type = AW_EVENT_NODE, .t = 0.151, .node = 0, .name = "n\"1", .mem = 1ull << 40 },
    { .type = AW_EVENT_NODE, .t = 0.151, .node = 1, .name = "n2" },
    { .type = AW_EVENT_READY, .t = 0.152, .task = 25, .attempt = 1 },
    { .type = AW_EVENT_ASSIGN, .t = 0.152, .task = 25, .attempt = 1, .node = 1 },
    { .type = AW_EVENT_START, .t = 0.152001, .task = 25, .attempt = 1, .node = 1 },
    { .type = AW_EVENT_KILL,
      .t = 1,
      .task = 25,
      .attempt = 1,
      .reason = "time limit\n\x1b[1m\xff" },
    { .type = AW_EVENT_FINISH,
      .t = 123456789.654321,
      .task = 25,
      .attempt = 1,
      .node = 1,
      .status = AW_STATUS_TIMEOUT,
      .code = 3,
      .signal = 15,
      .seconds = 9.718,
      .cpu_seconds = 9.6,
      .max_rss = 1048576,
      .gpu_known = true,
      .gpu_util = 0.875,
      .gpu_mem = UINT64_C (1) << 35 },
    { .type = AW_EVENT_SKIP, .t = 123456789.654321, .task = 20 },
    { .type = AW_EVENT_NODE_LOST, .t = 2e8, .node = 0, .reason = "gone" },
    { .type = AW_EVENT_STOP, .t = 2e8, .reason = "SIGINT" },
    { .type = AW_EVENT_END, .t = 2e8, .code = 3 },
    { .type = AW_EVENT_RESUME, .t = 2e8, .resume = &other_backlog },
};

/* Journals are read by earlier and later versions: lines stay as they are, byte for byte. */
static void lines_stay_the_same (void **state)
{
    static const struct aw_part more = { .node = 1 };
    static const struct aw_resume resume = { .epoch = 1.5, .job = "7", .mode = "async" };
    static const struct aw_resume changed = { .policy = "fifo",
                                              .workflow = "d\"",
                                              .backlog = 0.25 };
    static const struct aw_indexes gone[] = { { 0, 0, 3 }, { 0, 8, 8 }, { 1, 2, 2 } };
    static const struct aw_resume dropped = { .workflow = "d", .dropped = gone, .n_dropped = 3 };
    static const struct {
        struct aw_event event;
        const char *line;
    } table[] = {
        { { .type = AW_EVENT_NODE, .t = 0.5, .name = "n\"1", .mem = 7, .topology = "T" },
          "{\"t\":0.5,\"event\":\"node\",\"node\":\"n\\\"1\",\"cpus\":\"\",\"gpus\":\"\",\"mem\":7,"
          "\"topology\":\"T\"}" },
        { { .type = AW_EVENT_NODE, .t = 0.5, .node = 1, .name = "n2" },
          "{\"t\":0.5,\"event\":\"node\",\"node\":\"n2\",\"cpus\":\"\",\"gpus\":\"\",\"mem\":0}" },
        { { .type = AW_EVENT_READY, .t = 1, .task = 25, .attempt = 2 },
          "{\"t\":1,\"event\":\"ready\",\"task\":\"simulate@1[4]\",\"attempt\":2}" },
        { { .type = AW_EVENT_STAGE, .t = 1, .task = 25, .node = 1 },
          "{\"t\":1,\"event\":\"stage\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n2\"}" },
        { { .type = AW_EVENT_ASSIGN, .t = 1, .task = 25, .attempt = 3, .node = 1 },
          "{\"t\":1,\"event\":\"assign\",\"task\":\"simulate@1[4]\",\"attempt\":3,\"node\":"
          "\"n2\"}" },
        { { .type = AW_EVENT_STAGED, .t = 1, .task = 25, .node = 1, .seconds = 0.25, .bytes = 9 },
          "{\"t\":1,\"event\":\"staged\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":\"n2\","
          "\"seconds\":0.25,\"bytes\":9}" },
        { { .type = AW_EVENT_START, .t = 1, .task = 25, .more = &more, .n_more = 1 },
          "{\"t\":1,\"event\":\"start\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"cpus\":\"\",\"gpus\":\"\",\"more\":[{\"node\":\"n2\",\"cpus\":\"\","
          "\"gpus\":\"\"}]}" },
        { { .type = AW_EVENT_KILL, .t = 1, .task = 25, .reason = "\t\xff" },
          "{\"t\":1,\"event\":\"kill\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"reason\":"
          "\"\\t\xef\xbf\xbd\"}" },
        { { .type = AW_EVENT_RELEASE, .t = 1, .task = 25, .seconds = 2 },
          "{\"t\":1,\"event\":\"release\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"seconds\":2}" },
        { { .type = AW_EVENT_FINISH,
            .t = 1,
            .task = 25,
            .status = AW_STATUS_FAILED,
            .code = 3,
            .signal = 9,
            .seconds = 1,
            .cpu_seconds = 2,
            .max_rss = 3,
            .reason = "r" },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@1[4]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"failed\",\"code\":3,\"signal\":9,\"seconds\":1,\"cpu_seconds\":"
          "2,\"max_rss\":3,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_FINISH, .t = 1, .gpu_known = true, .gpu_util = 0.5, .gpu_mem = 4 },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":0,\"cpu_"
          "seconds\":0,\"max_rss\":0,\"gpu_util\":0.5,\"gpu_mem\":4}" },
        { { .type = AW_EVENT_FINISH, .t = 1, .gpu_known = true, .gpu_util = -1 },
          "{\"t\":1,\"event\":\"finish\",\"task\":\"simulate@0[0]\",\"attempt\":0,\"node\":"
          "\"n\\\"1\",\"status\":\"completed\",\"code\":0,\"signal\":0,\"seconds\":0,\"cpu_"
          "seconds\":0,\"max_rss\":0,\"gpu_mem\":0}" },
        { { .type = AW_EVENT_SKIP, .t = 1, .task = 25, .attempt = 2 },
          "{\"t\":1,\"event\":\"skip\",\"task\":\"simulate@1[4]\"}" },
        { { .type = AW_EVENT_MESSAGE, .t = 1, .name = "topic", .count = 12 },
          "{\"t\":1,\"event\":\"message\",\"topic\":\"topic\",\"count\":12}" },
        { { .type = AW_EVENT_CANCEL, .t = 1, .task = 20, .count = 5 },
          "{\"t\":1,\"event\":\"cancel\",\"task\":\"tr\\\"ain@0[0]\",\"count\":5}" },
        { { .type = AW_EVENT_CANCEL, .t = 1, .task = 20, .count = 5, .code = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"cancel\",\"task\":\"tr\\\"ain@0[0]\",\"code\":1,\"count\":5,"
          "\"reason\":\"r\"}" },
        { { .type = AW_EVENT_ADD, .t = 1, .task = 25, .attempt = 1, .text = "{\n}" },
          "{\"t\":1,\"event\":\"add\",\"task\":\"simulate@1[4]\",\"attempt\":1,\"workflow\":\"{\\n}"
          "\"}" },
        { { .type = AW_EVENT_STALL, .t = 1, .task = 20, .name = "t", .count = 2, .reason = "r" },
          "{\"t\":1,\"event\":\"stall\",\"task\":\"tr\\\"ain@0[0]\",\"attempt\":0,\"topic\":\"t\","
          "\"count\":2,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_NODE_DRAIN, .t = 1, .node = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"node_aside\",\"node\":\"n2\",\"reason\":\"r\"}" },
        { { .type = AW_EVENT_NODE_DRAIN, .t = 1, .node = 1, .code = 1 },
          "{\"t\":1,\"event\":\"node_aside\",\"node\":\"n2\",\"code\":1}" },
        { { .type = AW_EVENT_LIMIT, .t = 1, .seconds = 60, .reason = "r" },
          "{\"t\":1,\"event\":\"limit\",\"seconds\":60,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_WAKE, .t = 1 }, "{\"t\":1,\"event\":\"wake\"}" },
        { { .type = AW_EVENT_NODE_LOST, .t = 1, .node = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"node_lost\",\"node\":\"n2\",\"reason\":\"r\"}" },
        { { .type = AW_EVENT_STOP, .t = 1 }, "{\"t\":1,\"event\":\"stop\"}" },
        { { .type = AW_EVENT_STOP, .t = 1, .code = 1, .reason = "r" },
          "{\"t\":1,\"event\":\"stop\",\"code\":1,\"reason\":\"r\"}" },
        { { .type = AW_EVENT_END, .t = 0.5, .code = -1 },
          "{\"t\":1,\"event\":\"end\",\"code\":-1}" },
        { { .type = AW_EVENT_END, .t = 1 }, "{\"t\":1,\"event\":\"end\",\"code\":0}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &resume },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":1.5,\"job\":\"7\",\"mode\":\"async\"}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &changed, .reason = "r" },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":0,\"policy\":\"fifo\",\"backlog\":0.25,"
          "\"workflow\":\"d\\\"\","
          "\"again\":[],\"reason\":\"r\"}" },
        { { .type = AW_EVENT_RESUME, .t = 1, .resume = &dropped },
          "{\"t\":1,\"event\":\"resume\",\"epoch\":0,\"workflow\":\"d\",\"again\":[],"
          "\"dropped\":[\"simulate[0-3,8]\",\"tr\\\"ain[2]\"]}" },
    };
    struct aw_journal_header header = { .epoch = 1 };
    struct journal_file *f = *state;
    struct aw_journal *journal = aw_journal_create (f->path, f->graph, &header, NULL);
    char line[256];
    FILE *file;

    assert_non_null (journal);
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
        assert_int_equal (aw_journal_append (journal, &table[i].event, NULL), 0);
    assert_int_equal (aw_journal_close (journal, NULL), 0);
    file = fopen (f->path, "r");
    assert_non_null (file);
    assert_non_null (fgets (line, sizeof (line), file)); /* the header */
    for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++) {
        assert_non_null (fgets (line, sizeof (line), file));
        line[strcspn (line, "\n")] = '\0';
        assert_string_equal (line, table[i].line);
    }
    assert_null (fgets (line, sizeof (line), file));
    fclose (file);
}

static int compare (void *arg, const struct aw_event *ev, struct aw_error *err)
{
    const struct aw_event *want = &samples[(*(int *)arg)++];
    struct aw_idset cpus = { 0 };

    (void)err;
    assert_int_equal (ev->type, want->type);
    assert_float_equal (ev->t, want->t, 1e-7);
    assert_int_equal (ev->task, want->task);
    assert_int_equal (ev->attempt, want->attempt);
    assert_int_equal (ev->node, want->node);
    assert_int_equal (ev->status, want->status);
    assert_int_equal (ev->code, want->code);
    assert_int_equal (ev->signal, want->signal);
    assert_float_equal (ev->seconds, want->seconds, 1e-7);
    assert_float_equal (ev->cpu_seconds, want->cpu_seconds, 1e-7);
    assert_int_equal (ev->max_rss, want->max_rss);
    assert_int_equal (ev->gpu_known, want->gpu_known);
    assert_float_equal (ev->gpu_util, want->gpu_known ? want->gpu_util : -1, 1e-7);
    assert_int_equal (ev->gpu_mem, want->gpu_mem);
    assert_int_equal (ev->mem, want->mem);
    if (want->name)
        assert_string_equal (ev->name, want->name);
    if (want->type == AW_EVENT_KILL)
        assert_string_equal (
            ev->reason, "time limit\n\x1b[1m\xef\xbf\xbd"); /* escaped and back; bad UTF-8 is not */
    else if (want->reason)
        assert_string_equal (ev->reason, want->reason);
    else
        assert_null (ev->reason);
    if (want->resume)
        assert_float_equal (ev->resume->backlog, want->resume->backlog, 0);
    if (want->type == AW_EVENT_NODE || want->type == AW_EVENT_START)
        assert_int_equal (aw_idset_parse (&cpus, "0-3,8"), 0);
    assert_true (aw_idset_equal (&ev->cpus, &cpus));
    aw_idset_finish (&cpus);
    return 0;
}

static struct aw_journal *create (const struct journal_file *f)
{
    struct aw_journal_header header = {
        .epoch = 1763800000.123, .name = "d\"d", .mode = "async", .policy = "fifo", .backlog = 0.25
    };
    struct aw_error err;
    struct aw_journal *journal = aw_journal_create (f->path, f->graph, &header, &err);

    if (!journal)
        fail_msg ("%s", err.text);
    return journal;
}

static void events_are_read_as_they_were_written (void **state)
{
    struct journal_file *f = *state;
    struct aw_journal *journal = create (f);
    struct aw_journal_header header;
    struct aw_error err;
    int n = 0;
    struct aw_journal_reading reading = { .fn = compare, .arg = &n, .torn = true };

    for (size_t i = 0; i < sizeof (samples) / sizeof (samples[0]); i++) {
        struct aw_event ev = samples[i];
        if (ev.type == AW_EVENT_NODE || ev.type == AW_EVENT_START)
            assert_int_equal (aw_idset_parse (&ev.cpus, "0-3,8"), 0);
        if (aw_journal_append (journal, &ev, &err) < 0)
            fail_msg ("%s", err.text);
        aw_idset_finish (&ev.cpus);
    }
    assert_int_equal (aw_journal_close (journal, &err), 0);
    if (aw_journal_read (f->path, f->graph, &reading, &header, &err) < 0)
        fail_msg ("%s", err.text);
    assert_int_equal (n, sizeof (samples) / sizeof (samples[0]));
    assert_false (reading.torn);
    assert_int_equal (header.version, 1);
    assert_float_equal (header.epoch, 1763800000.123, 1e-6);
    assert_string_equal (header.name, "d\"d");
    assert_string_equal (header.policy, "fifo");
    assert_float_equal (header.backlog, 0.25, 0);
    assert_null (header.job);
    aw_journal_header_finish (&header);
}

/* The very text: others read these files too. */
static void the_text_of_the_file_stays_the_same (void **state)
{
    static const char start[] = "{\"t\":0.152,\"event\":\"start\",\"task\":\"simulate@2[17]\","
                                "\"attempt\":0,\"node\":\"n1\",\"cpus\":\"0-3\",\"gpus\":\"\"}\n";
    static const char finish[] =
        "{\"t\":9.871,\"event\":\"finish\",\"task\":\"simulate@2[17]\",\"attempt\":0,\"node\":"
        "\"n1\",\"status\":\"completed\","
        "\"code\":0,\"signal\":0,\"seconds\":9.718,\"cpu_seconds\":9.6,\"max_rss\":1048576}\n";
    struct journal_file *f = *state;
    struct aw_journal *journal = create (f);
    struct aw_event node = { .type = AW_EVENT_NODE, .t = 0.1, .name = "n1" };
    struct aw_event ev = { .type = AW_EVENT_START, .t = 0.152, .task = 2 * 21 + 17 };
    struct stat st;
    char *all;

    assert_int_equal (aw_idset_parse (&ev.cpus, "0-3"), 0);
    assert_int_equal (aw_journal_append (journal, &node, NULL), 0);
    assert_int_equal (aw_journal_append (journal, &ev, NULL), 0);
    aw_idset_finish (&ev.cpus);
    ev = (struct aw_event){ .type = AW_EVENT_FINISH,
                            .t = 9.871,
                            .task = 2 * 21 + 17,
                            .seconds = 9.718,
                            .cpu_seconds = 9.6,
                            .max_rss = 1048576 };
    assert_int_equal (aw_journal_append (journal, &ev, NULL), 0);
    assert_int_equal (aw_journal_close (journal, NULL), 0);
    assert_int_equal (stat (f->path, &st), 0);
    assert_int_equal (st.st_mode & 07777, 0600);
    all = journal_file_text (f->path);
    assert_non_null (strstr (all, "{\"async-workflow-journal\":1,\"epoch\":1763800000.123,\"name\":"
                                  "\"d\\\"d\",\"mode\":\"async\",\"policy\":\"fifo\","
                                  "\"backlog\":0.25,"));
    assert_non_null (strstr (all, start));
    assert_non_null (strstr (all, finish));
    free (all);
}

static void what_cannot_be_written_is_refused (void **state)
{
    struct journal_file *f = *state;
    struct aw_journal_header header = { 0 };
    struct aw_journal *journal;
    struct aw_event ev = { .type = AW_EVENT_START };
    struct aw_error err;

    assert_null (aw_journal_create ("/nonexistent/j", f->graph, &header, &err));
    journal = create (f);
    assert_null (aw_journal_create (f->path, f->graph, &header, &err)); /* never overwritten */
    assert_non_null (strstr (err.text, "File exists"));
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1); /* no node yet */
    ev = (struct aw_event){ .type = AW_EVENT_NODE, .node = 1, .name = "n2" };
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1); /* out of order */
    ev = (struct aw_event){ .type = AW_EVENT_SKIP, .task = 63 };
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    ev.type = AW_EVENT_TYPES;
    assert_int_equal (aw_journal_append (journal, &ev, &err), -1);
    ev = (struct aw_event){ .type = AW_EVENT_STOP, .t = 5 };
    assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    ev.t = 4; /* a clock that falls: the journal's does not */
    assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    assert_int_equal (aw_journal_close (journal, &err), 0);
    assert_int_equal (aw_journal_read (f->path, f->graph, NULL, &header, &err), 0);
    aw_journal_header_finish (&header);
    assert_int_equal (aw_journal_close (NULL, NULL), 0);
}

/* What cannot be written stays buffered and goes out when there is room again. */
static void what_a_full_disk_refuses_goes_out_later (void **state)
{
    struct journal_file *f = *state;
    struct aw_journal_header header = { 0 };
    struct aw_journal *journal = create (f);
    struct rlimit old, tight = { .rlim_cur = 1000 };
    struct aw_event ev = { .type = AW_EVENT_SKIP };
    struct aw_error err;
    int n = 0;

    assert_int_equal (getrlimit (RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &tight), 0);
    for (int i = 0; i < 50; i++, ev.t += 0.1)
        assert_int_equal (aw_journal_append (journal, &ev, &err), 0);
    assert_int_equal (aw_journal_flush (journal, &err), -1);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &old), 0);
    assert_non_null (strstr (err.text, "File too large"));
    assert_int_equal (aw_journal_close (journal, &err), 0);
    assert_int_equal (
        aw_journal_read (f->path, f->graph,
                         &(struct aw_journal_reading){ .fn = journal_file_count, .arg = &n },
                         &header, &err),
        0);
    assert_int_equal (n, 50);
    aw_journal_header_finish (&header);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (what_cannot_be_written_is_refused, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (what_a_full_disk_refuses_goes_out_later,
                                         journal_file_set_up, journal_file_tear_down),
        cmocka_unit_test_setup_teardown (lines_stay_the_same, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (events_are_read_as_they_were_written, journal_file_set_up,
                                         journal_file_tear_down),
        cmocka_unit_test_setup_teardown (the_text_of_the_file_stays_the_same, journal_file_set_up,
                                         journal_file_tear_down),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
