/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for submitted tasks: which are over, and which a closed connection takes along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "coord/messages/awaits.h"

enum { MANY = 100000 };

static bool ended[8];
static unsigned n_over;
static struct aw_asker last;
static uint32_t last_n;

static bool has_ended (void *arg, uint32_t task)
{
    (void)arg;
    return task < 8 && ended[task];
}

static void over (void *arg, const struct aw_asker *asker, const uint32_t *tasks, uint32_t n)
{
    (void)arg;
    (void)tasks;
    n_over++;
    last = *asker;
    last_n = n;
}

static void begin (struct aw_awaits *awaits)
{
    const struct aw_awaits_user user = { has_ended, over, NULL };

    memset (ended, 0, sizeof (ended));
    n_over = 0;
    aw_awaits_init (awaits, &user);
}

static void add (
    struct aw_awaits *awaits, uint32_t node, uint32_t conn, uint32_t number, uint32_t task)
{
    const struct aw_asker asker = { node, conn, number };
    const uint32_t tasks[] = { task, 7 };

    assert_int_equal (aw_awaits_add (awaits, &asker, tasks, 2), 0);
}

static void end (struct aw_awaits *awaits, uint32_t task)
{
    ended[task] = true;
    aw_awaits_ended (awaits, task);
}

/* A wait is over when the last of its tasks has ended, in any order; at once if all have. */
static void test_ends (void **state)
{
    struct aw_awaits awaits;

    (void)state;
    begin (&awaits);
    add (&awaits, 0, 1, 1, 1);
    add (&awaits, 0, 2, 1, 2);
    aw_awaits_ended (&awaits, 1); /* it has not */
    end (&awaits, 7);
    assert_int_equal (n_over, 0);
    end (&awaits, 2);
    assert_int_equal (n_over, 1);
    assert_int_equal (last.conn, 2);
    assert_int_equal (last_n, 2);
    ended[1] = true;
    aw_awaits_look (&awaits);
    assert_int_equal (n_over, 2);
    add (&awaits, 3, 9, 4, 1);
    assert_int_equal (n_over, 3);
    assert_int_equal (last.node, 3);
    aw_awaits_finish (&awaits);
}

/* What is removed: one wait, those of a connection, those of a node; the others are left. */
static void test_removes (void **state)
{
    static const struct {
        struct aw_asker asker;
        unsigned left;
    } rows[] = { { { 0, 1, 2 }, 5 }, { { 0, 1, 9 }, 6 }, { { 0, 1, 0 }, 3 }, { { 0, 3, 0 }, 6 },
                 { { 0, 0, 0 }, 2 }, { { 1, 0, 0 }, 4 }, { { 2, 0, 0 }, 6 } };

    (void)state;
    for (size_t i = 0; i < sizeof (rows) / sizeof (rows[0]); i++) {
        struct aw_awaits awaits;

        begin (&awaits);
        for (uint32_t number = 1; number <= 3; number++)
            add (&awaits, 0, 1, number, 1 + number % 2);
        add (&awaits, 0, 2, 1, 1);
        add (&awaits, 1, 1, 1, 1);
        add (&awaits, 1, 2, 1, 2);
        aw_awaits_remove (&awaits, &rows[i].asker);
        ended[7] = ended[2] = true;
        end (&awaits, 1);
        aw_awaits_look (&awaits);
        assert_int_equal (n_over, rows[i].left);
        aw_awaits_finish (&awaits);
    }
}

/* Connections close one by one while many wait for one task: each in constant time, or this would
 * take minutes. */
static void test_many (void **state)
{
    struct aw_awaits awaits;

    (void)state;
    begin (&awaits);
    for (uint32_t conn = 1; conn <= MANY; conn++)
        add (&awaits, conn % 4, conn, 1, 1);
    for (uint32_t conn = 1; conn < MANY; conn++) {
        const struct aw_asker gone = { .node = conn % 4, .conn = conn };

        aw_awaits_remove (&awaits, &gone);
    }
    ended[7] = true;
    end (&awaits, 1);
    assert_int_equal (n_over, 1);
    assert_int_equal (last.conn, MANY);
    add (&awaits, 0, 1, 1, 2); /* what waits is freed */
    aw_awaits_finish (&awaits);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_ends),
        cmocka_unit_test (test_removes),
        cmocka_unit_test (test_many),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
