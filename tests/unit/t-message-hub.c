/* SPDX-License-Identifier: Apache-2.0 */
/* The hub: what it writes, counts and hands out. What it sends is recorded as short lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "coord/messages/message_hub.h"
#include "io/message_frame.h"
#include "util/table.h"

static char dir[64];
static struct aw_hub *hub;
static char said[1 << 16]; /* what was sent, a line each; taken by `told` */
static char counts[256];

static void on_send (
    void *arg, uint32_t node, const struct aw_packet *packet, const char *rest, size_t size)
{
    struct aw_packet all = { .kind = packet->kind };
    struct aw_error err;
    size_t n = strlen (said);

    (void)arg;
    if (rest)
        assert_int_equal (aw_message_frame_read_rest (&all, rest, size, &err), 0);
    else
        all = *packet;
    switch (packet->kind) {
    case AW_PACKET_MESSAGE:
        snprintf (said + n, sizeof (said) - n, "%u.%u#%u %.*s.%u:%llu%s %.*s\n", node, packet->conn,
                  packet->number, (int)all.sender.size, all.sender.text, all.attempt,
                  (unsigned long long)all.seq, all.reply ? "?" : "",
                  (int)(all.data.size < 40 ? all.data.size : 40), all.data.text);
        break;
    case AW_PACKET_ANSWER:
        snprintf (said + n, sizeof (said) - n, "%u.%u#%u answer %.*s\n", node, packet->conn,
                  packet->number, (int)all.data.size, all.data.text);
        break;
    case AW_PACKET_ACCEPTED:
        snprintf (said + n, sizeof (said) - n, "%u.%u accepted %u\n", node, packet->conn,
                  packet->number);
        break;
    case AW_PACKET_DONE:
        snprintf (said + n, sizeof (said) - n, "%u.%u#%u %s%.*s\n", node, packet->conn,
                  packet->number, all.flags & AW_PACKET_ERROR ? "error " : "done",
                  (int)all.data.size, all.data.text);
        break;
    default:
        fail_msg ("sent kind %d", (int)packet->kind);
    }
}

static void on_counted (void *arg, const char *topic, uint64_t count)
{
    size_t n = strlen (counts);

    (void)arg;
    snprintf (counts + n, sizeof (counts) - n, "%s=%llu ", topic, (unsigned long long)count);
}

static void open_hub (void)
{
    const struct aw_hub_callbacks callbacks = { on_send, on_counted, NULL };
    char messages[80];
    struct aw_error err = { "" };

    snprintf (messages, sizeof (messages), "%s/messages", dir);
    hub = aw_hub_create (messages, &callbacks, &err);
    if (!hub)
        fail_msg ("%s", err.text);
    said[0] = counts[0] = '\0';
}

static int set_up (void **state)
{
    (void)state;
    strcpy (dir, "/tmp/aw-hub.XXXXXX");
    assert_non_null (mkdtemp (dir));
    open_hub ();
    return 0;
}

static int tear_down (void **state)
{
    char command[100];

    (void)state;
    aw_hub_destroy (hub);
    snprintf (command, sizeof (command), "rm -rf '%s'", dir);
    return system (command);
}

/* Conn is the task's number too; its name is "t[CONN]". */
static void take (enum aw_packet_kind kind,
                  uint32_t conn,
                  uint32_t attempt,
                  uint32_t number,
                  uint64_t seq,
                  const char *topic,
                  const char *group,
                  const char *data)
{
    struct aw_packet packet = {
        .kind = kind,
        .conn = conn,
        .task = conn,
        .attempt = attempt,
        .number = number,
        .seq = kind == AW_PACKET_REPLY ? 0 : seq,
        .reply = kind == AW_PACKET_REPLY ? seq : 0,
        .topic = aw_piece_of (topic),
        .group = aw_piece_of (group),
        .data = aw_piece_of (data),
    };
    char sender[32];

    snprintf (sender, sizeof (sender), "t[%u]", conn);
    aw_hub_take (hub, 1, &packet, sender, 0.5);
}

static void publish (uint32_t conn, uint32_t attempt, const char *topic, const char *data)
{
    take (AW_PACKET_PUBLISH, conn, attempt, 0, 0, topic, NULL, data);
}

static void receive (
    uint32_t conn, uint32_t number, uint64_t n, const char *topic, const char *group)
{
    take (AW_PACKET_RECEIVE, conn, 0, number, n, topic, group, NULL);
}

/* Flushes; what has been sent since is TEXT. */
static void told (const char *text)
{
    struct aw_error err = { "" };

    if (aw_hub_flush (hub, &err) < 0)
        fail_msg ("%s", err.text);
    assert_string_equal (said, text);
    said[0] = '\0';
}

static void a_late_receiver_gets_all_messages_in_order (void **state)
{
    (void)state;
    publish (1, 0, "a", "one");
    publish (2, 0, "a", "two");
    publish (1, 0, "a", "three");
    assert_true (aw_hub_is_due (hub));
    told ("1.1 accepted 2\n1.2 accepted 1\n");
    assert_string_equal (counts, "a=3 ");
    assert_false (aw_hub_is_due (hub));
    receive (3, 1, 2, "a", NULL);
    told ("1.3#1 t[1].0:1 one\n1.3#1 t[2].0:1 two\n");
    receive (3, 1, 1, "a", NULL);
    told ("1.3#1 t[1].0:2 three\n");
    receive (3, 1, 2, "a", NULL); /* waits */
    told ("");
    publish (2, 0, "a", "four");
    told ("1.3#1 t[2].0:2 four\n1.2 accepted 1\n");
    assert_int_equal (aw_hub_count (hub, "a"), 4);
    assert_int_equal (aw_hub_count (hub, "b"), 0);
}

static void each_message_goes_to_one_receiver_of_a_group (void **state)
{
    (void)state;
    receive (3, 1, 1, "a", "g");
    receive (4, 1, 1, "a", "g");
    receive (5, 1, 9, "a", "h");
    told ("");
    publish (1, 0, "a", "1");
    publish (1, 0, "a", "2");
    publish (1, 0, "a", "3");
    told ("1.3#1 t[1].0:1 1\n1.4#1 t[1].0:2 2\n"
          "1.5#1 t[1].0:1 1\n1.5#1 t[1].0:2 2\n1.5#1 t[1].0:3 3\n1.1 accepted 3\n");
    take (AW_PACKET_ACK, 3, 0, 1, 1, NULL, NULL, NULL);
    receive (3, 1, 1, "a", "g");
    told ("1.3#1 t[1].0:3 3\n");
    /* 4 goes without having acknowledged: the next one gets it. */
    take (AW_PACKET_CLOSE, 4, 0, 0, 0, NULL, NULL, NULL);
    receive (6, 7, 1, "a", "g");
    told ("1.6#7 t[1].0:2 2\n");
    /* So do all when their node is lost, in the order in which they came. */
    aw_hub_node_lost (hub, 1);
    receive (8, 1, 9, "a", "g");
    told ("1.8#1 t[1].0:2 2\n1.8#1 t[1].0:3 3\n");
    receive (9, 1, 9, "a", "g");
    publish (1, 0, "a", "4");
    told ("1.8#1 t[1].0:4 4\n1.1 accepted 1\n");
    receive (8, 1, 0, "a", "g"); /* for now it wants none */
    publish (1, 0, "a", "5");
    told ("1.9#1 t[1].0:5 5\n1.1 accepted 1\n");
}

/* A task goes on where it was, its next attempt begins again; messages that it sends again count
 * once. */
static void the_next_attempt_starts_again_and_repeated_messages_count_once (void **state)
{
    (void)state;
    publish (1, 0, "a", "1");
    publish (1, 0, "a", "2");
    receive (3, 1, 1, "a", NULL);
    told ("1.3#1 t[1].0:1 1\n1.1 accepted 2\n");
    take (AW_PACKET_ACK, 3, 0, 1, 1, NULL, NULL, NULL);
    take (AW_PACKET_CLOSE, 3, 0, 0, 0, NULL, NULL, NULL);
    receive (3, 1, 1, "a", NULL);
    told ("1.3#1 t[1].0:2 2\n");
    take (AW_PACKET_CLOSE, 3, 0, 0, 0, NULL, NULL, NULL);
    aw_hub_task_ended (hub, 3, 0);
    take (AW_PACKET_RECEIVE, 3, 1, 1, 1, "a", NULL, NULL);
    told ("1.3#1 t[1].0:1 1\n");
    counts[0] = '\0';
    publish (1, 1, "a", "1");
    told ("1.1 accepted 1\n");
    assert_string_equal (counts, "");
    publish (1, 1, "a", "2");
    publish (1, 1, "a", "3");
    told ("1.1 accepted 2\n");
    assert_string_equal (counts, "a=3 ");
}

static void an_answer_goes_to_the_one_who_asked (void **state)
{
    (void)state;
    receive (3, 1, 1, "ask", "servers");
    take (AW_PACKET_REQUEST, 1, 0, 41, 0, "ask", NULL, "why");
    take (AW_PACKET_REQUEST, 2, 0, 42, 0, "ask", NULL, "how");
    told ("1.3#1 t[1].0:1? why\n1.1 accepted 1\n1.2 accepted 1\n");
    take (AW_PACKET_REPLY, 3, 0, 0, 1, NULL, NULL, "so");
    told ("1.1#41 answer so\n");
    take (AW_PACKET_REPLY, 3, 0, 0, 1, NULL, NULL, "again"); /* the first one counts */
    take (AW_PACKET_REPLY, 3, 0, 0, 99, NULL, NULL, "what"); /* never asked */
    told ("");
    take (AW_PACKET_CLOSE, 2, 0, 0, 0, NULL, NULL, NULL); /* nobody waits for the second any more */
    publish (1, 0, "ask", "no request");
    receive (3, 1, 1, "ask", "servers");
    told ("1.3#1 t[1].0:2 no request\n1.1 accepted 1\n");
}

static void wrong_packets_are_answered_with_an_error (void **state)
{
    char topic[16];

    (void)state;
    publish (1, 0, "a/b", "1");
    assert_true (strstr (said, "1.1#0 error the name of a topic"));
    said[0] = '\0';
    receive (1, 5, 1, "-", NULL);
    assert_true (strstr (said, "1.1#5 error the name of a topic"));
    said[0] = '\0';
    receive (1, 5, 1, "a", "b/c");
    assert_true (strstr (said, "1.1#5 error the name of a group"));
    said[0] = '\0';
    take (AW_PACKET_REQUEST, 1, 0, 6, 0, "", NULL, "1");
    assert_true (strstr (said, "1.1#6 error the name of a topic"));
    take (AW_PACKET_ACK, 1, 0, 77, 1, NULL, NULL, NULL); /* of no receiver */
    take (AW_PACKET_CLOSE, 55, 0, 0, 0, NULL, NULL, NULL); /* of no connection */
    for (int i = 0; i <= AW_HUB_TOPICS; i++) {
        said[0] = '\0';
        snprintf (topic, sizeof (topic), "t%d", i);
        publish (1, 0, topic, "1");
    }
    assert_true (strstr (said, "at most 512 topics"));
}

/* A run that goes on: what was written is there, named groups stand where they were, and a torn
 * line has never been. */
static void a_resumed_run_has_its_messages_and_positions (void **state)
{
    char path[100];
    FILE *log;

    (void)state;
    publish (1, 0, "a", "1");
    publish (1, 0, "a", "2");
    publish (1, 0, "a", "3");
    take (AW_PACKET_REQUEST, 1, 0, 4, 0, "a", NULL, "?");
    receive (3, 1, 2, "a", "g");
    told ("1.3#1 t[1].0:1 1\n1.3#1 t[1].0:2 2\n1.1 accepted 4\n");
    take (AW_PACKET_ACK, 3, 0, 1, 1, NULL, NULL, NULL);
    told ("");
    aw_hub_destroy (hub);
    snprintf (path, sizeof (path), "%s/messages/a.jsonl", dir);
    log = fopen (path, "a");
    fputs ("{\"sender\":\"t[1]\",\"attempt\":0,\"se", log);
    fclose (log);
    open_hub ();
    assert_int_equal (aw_hub_count (hub, "a"), 4);
    publish (1, 1, "a", "1"); /* tried again */
    publish (2, 0, "a", "new");
    receive (3, 1, 9, "a", "g");
    receive (4, 1, 1, "a", NULL);
    told ("1.3#1 t[1].0:2 2\n1.3#1 t[1].0:3 3\n1.3#1 t[1].1:1 1\n1.3#1 t[2].0:1 new\n"
          "1.4#1 t[1].0:1 1\n1.1 accepted 1\n1.2 accepted 1\n");
    assert_string_equal (counts, "a=5 ");
    /* A request's number is never used again. */
    take (AW_PACKET_REQUEST, 1, 1, 5, 0, "a", NULL, "?");
    take (AW_PACKET_REPLY, 3, 0, 0, 2, NULL, NULL, "!");
    assert_string_equal (said, "1.1#5 answer !\n");
}

static void a_damaged_topic_file_is_rejected (void **state)
{
    const struct aw_hub_callbacks callbacks = { on_send, on_counted, NULL };
    char path[100], messages[80];
    struct aw_hub *other;
    struct aw_error err;
    FILE *log;

    (void)state;
    publish (1, 0, "a", "1");
    told ("1.1 accepted 1\n");
    snprintf (path, sizeof (path), "%s/messages/a.jsonl", dir);
    log = fopen (path, "a");
    fputs ("boo\n", log);
    fclose (log);
    snprintf (messages, sizeof (messages), "%s/messages", dir);
    other = aw_hub_create (messages, &callbacks, &err);
    assert_null (other);
    assert_true (strstr (err.text, "a.jsonl: byte "));
}

/* A receiver that does not keep up holds back those who send to it. */
static void a_slow_receiver_holds_up_its_senders (void **state)
{
    char one[AW_MESSAGE_MAX / 2];
    int n = 0;

    (void)state;
    memset (one, 'x', sizeof (one) - 1);
    one[sizeof (one) - 1] = '\0';
    receive (3, 1, 1, "a", "slow");
    publish (1, 0, "a", "first");
    told ("1.3#1 t[1].0:1 first\n1.1 accepted 1\n");
    for (n = 0; n < 3 * AW_HUB_LAG / (int)sizeof (one); n++) {
        publish (1, 0, "a", one);
        assert_int_equal (aw_hub_flush (hub, NULL), 0);
        if (!said[0])
            break;
        said[0] = '\0';
    }
    assert_in_range (n, AW_HUB_LAG / (int)sizeof (one) - 10, AW_HUB_LAG / (int)sizeof (one) + 10);
    publish (2, 0, "b", "another topic");
    told ("1.2 accepted 1\n");
    /* It catches up. */
    take (AW_PACKET_ACK, 3, 0, 1, 1, NULL, NULL, NULL);
    receive (3, 1, 200, "a", "slow");
    assert_int_equal (aw_hub_flush (hub, NULL), 0);
    assert_non_null (strstr (said, "1.1 accepted 1\n"));
}

static void random_keys_are_found_in_the_table (void **state)
{
    enum { N = 5000 };
    static int values[N];
    struct aw_table table = { 0 };
    unsigned seed = (unsigned)time (NULL);
    size_t cursor = 0, n = 0;

    (void)state;
    print_message ("# seed %u\n", seed);
    srand (seed);
    assert_null (aw_table_get (&table, 1));
    assert_null (aw_table_remove (&table, 1));
    for (int i = 0; i < 20 * N; i++) {
        uint64_t key = (uint64_t)rand () % N;
        void *is = aw_table_get (&table, key * 0x100000001u);

        assert_ptr_equal (is, values[key] ? &values[key] : NULL);
        if (values[key] && rand () % 2) {
            assert_ptr_equal (aw_table_remove (&table, key * 0x100000001u), &values[key]);
            values[key] = 0;
        }
        else {
            assert_int_equal (aw_table_set (&table, key * 0x100000001u, &values[key]), 0);
            values[key] = 1;
        }
    }
    for (int i = 0; i < N; i++)
        n += values[i] != 0;
    assert_int_equal (table.n_used, n);
    for (; aw_table_next (&table, &cursor); n--)
        ;
    assert_int_equal (n, 0);
    aw_table_finish (&table);
}

/* Which attempts only wait: whose connections all do, for what has not come and is not on its way.
 */
static void an_attempt_waits_if_all_its_connections_do (void **state)
{
    struct aw_hub_waits is;

    (void)state;
    assert_false (aw_hub_all_wait (hub, NULL, &is)); /* nobody is there */
    receive (3, 1, 1, "a", "g");
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_WAIT, 3, 0, 2, 0, NULL, NULL, NULL); /* for nothing that it has asked for */
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_WAIT, 3, 0, 1, 0, NULL, NULL, NULL);
    assert_true (aw_hub_all_wait (hub, NULL, &is));
    assert_true (is.n == 1 && is.task == 3 && is.attempt == 0);
    assert_string_equal (is.topic, "a");
    take (AW_PACKET_REQUEST, 2, 0, 5, 0, "b", NULL, "x");
    told ("1.2 accepted 1\n");
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_WAIT, 2, 0, 5, 0, NULL, NULL, NULL);
    assert_true (aw_hub_all_wait (hub, NULL, &is));
    assert_true (is.n == 2 && is.task == 2);
    assert_string_equal (is.topic, "b");
    /* A message comes: 3 has its hands full. So it has if it says so before it has got it. */
    publish (1, 0, "a", "1");
    take (AW_PACKET_CLOSE, 1, 0, 0, 0, NULL, NULL, NULL);
    told ("1.3#1 t[1].0:1 1\n");
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_WAIT, 3, 0, 1, 0, NULL, NULL, NULL);
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_ACK, 3, 0, 1, 1, NULL, NULL, NULL);
    receive (3, 1, 1, "a", "g");
    take (AW_PACKET_WAIT, 3, 0, 1, 1, NULL, NULL, NULL);
    assert_true (aw_hub_all_wait (hub, NULL, &is));
    /* All ends with the error, once; then they do not wait. */
    told ("");
    aw_hub_end_waits (hub, "nobody");
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    aw_hub_end_waits (hub, "nobody");
    assert_true (strcmp (said, "1.2#5 error nobody\n1.3#1 error nobody\n") == 0
                 || strcmp (said, "1.3#1 error nobody\n1.2#5 error nobody\n") == 0);
    said[0] = '\0';
    /* An answer that has come is none that is waited for. */
    take (AW_PACKET_REPLY, 3, 0, 0, 1, NULL, NULL, "yes");
    told ("1.2#5 answer yes\n");
    take (AW_PACKET_WAIT, 2, 0, 5, 0, NULL, NULL, NULL);
    take (AW_PACKET_WAIT, 3, 0, 1, 1, NULL, NULL, NULL);
    assert_false (aw_hub_all_wait (hub, NULL, &is));
    take (AW_PACKET_CLOSE, 2, 0, 0, 0, NULL, NULL, NULL);
    assert_true (aw_hub_all_wait (hub, NULL, &is) && is.n == 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (random_keys_are_found_in_the_table),
#define HUB_TEST(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)
        HUB_TEST (wrong_packets_are_answered_with_an_error),
        HUB_TEST (a_late_receiver_gets_all_messages_in_order),
        HUB_TEST (each_message_goes_to_one_receiver_of_a_group),
        HUB_TEST (the_next_attempt_starts_again_and_repeated_messages_count_once),
        HUB_TEST (an_answer_goes_to_the_one_who_asked),
        HUB_TEST (a_resumed_run_has_its_messages_and_positions),
        HUB_TEST (a_damaged_topic_file_is_rejected),
        HUB_TEST (a_slow_receiver_holds_up_its_senders),
        HUB_TEST (an_attempt_waits_if_all_its_connections_do),
    };

    return cmocka_run_group_tests_name ("message-hub", tests, NULL, NULL);
}
