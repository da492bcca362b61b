/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fake-joining.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRY_SECONDS = 15 }; /* as io/wire/connect.c: for the coordinator to answer */

static void watch (struct fake_process *p, struct fake_node *node, uint32_t events, int how)
{
    struct epoll_event event = { .events = events, .data.ptr = node };

    if (epoll_ctl (p->epoll, how, node->fd, &event) < 0)
        fake_die ("epoll_ctl");
}

/* A loop with jitter, as io/wire/connect.c. */
void fake_try_later (struct fake_process *p, struct fake_node *node)
{
    (void)p;
    close (node->fd);
    node->state = AWAY;
    node->in_size = node->out.len = 0;
    node->since = fake_now () + node->pause * (0.5 + drand48 ());
    node->pause = node->pause < 2 ? 2 * node->pause : node->pause;
}

static void begin (struct fake_process *p, struct fake_node *node)
{
    const int yes = 1;

    node->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (node->fd < 0)
        fake_die ("socket");
    (void)setsockopt (node->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof (yes));
    p->part->n_connects++;
    node->since = fake_now ();
    node->state = CONNECTING;
    if (connect (node->fd, (struct sockaddr *)&p->address, sizeof (p->address)) < 0
        && errno != EINPROGRESS)
        fake_die ("connect");
    watch (p, node, EPOLLIN, EPOLL_CTL_ADD);
}

static void prove (struct fake_process *p, struct fake_node *node)
{
    const struct aw_auth_claim ours = { AW_AUTH_FROM_AGENT, p->job, node->place, node->nonce,
                                        node->own_nonce };
    struct aw_error err;
    char *credential = aw_auth_prove (&ours, &err);

    if (!credential) {
        fprintf (stderr, "fake-agents: %s\n", err.text);
        exit (1);
    }
    fake_put_frame (p, node,
                    &(struct aw_frame){ .type = AW_FRAME_PROOF,
                                        .credential = credential,
                                        .nonce = node->own_nonce });
    free (credential);
}

/* Two packages, each with half of the cores. */
static void describe (struct fake_process *p, struct fake_node *node)
{
    struct aw_textbuf topology = { 0 };
    char name[16];
    uint32_t half = (p->n_slots + 1) / 2;
    struct aw_event hello = { .name = name, .mem = UINT64_C (256) << 30 };

    snprintf (name, sizeof (name), "n%u", node->number);
    aw_textbuf_puts (&topology, "core ");
    for (uint32_t i = 0; i < p->n_slots; i++)
        aw_textbuf_printf (&topology, "%s%u", i ? "|" : "", i);
    if (half < p->n_slots)
        for (int i = 0; i < 2; i++)
            aw_textbuf_printf (&topology, ";%s 0-%u|%u-%u", i ? "package" : "numa", half - 1, half,
                               p->n_slots - 1);
    aw_textbuf_putc (&topology, '\0');
    hello.topology = topology.data;
    if (topology.failed || aw_idset_add (&hello.cpus, 0, p->n_slots - 1) < 0)
        fake_die ("a topology");
    fake_put_frame (p, node, &(struct aw_frame){ .type = AW_FRAME_HELLO, .event = hello });
    aw_idset_finish (&hello.cpus);
    aw_textbuf_finish (&topology);
}

void fake_join (struct fake_process *p, struct fake_node *node, const struct aw_frame *frame)
{
    const struct aw_auth_claim theirs = { AW_AUTH_FROM_COORDINATOR, p->job, node->place,
                                          node->own_nonce, node->nonce };
    struct aw_error err;

    if (frame->type == AW_FRAME_CHALLENGE && strlen (frame->nonce) == AW_NONCE_SIZE - 1
        && aw_auth_place (node->fd, AW_AUTH_CONNECTED, node->place, NULL) == 0
        && aw_auth_nonce (node->own_nonce, NULL) == 0) {
        strcpy (node->nonce, frame->nonce);
        prove (p, node);
        node->state = PROVED;
        return;
    }
    if (frame->type != AW_FRAME_PROOF || aw_auth_check (frame->credential, &theirs, &err) < 0)
        fake_die ("not the coordinator");
    node->state = WORKING;
    describe (p, node);
    p->part->n_joined++;
    p->part->last_hello = fake_now ();
}

/* Those that wait to try again, or for an answer that does not come. */
void fake_look_at_waiting (struct fake_process *p)
{
    double t = fake_now ();

    for (uint32_t i = 0; p->part->n_joined < p->n_nodes && i < p->n_nodes; i++) {
        struct fake_node *node = &p->nodes[i];

        if (node->state == AWAY && node->since <= t)
            begin (p, node);
        else if (node->state > AWAY && node->state < WORKING && t - node->since > TRY_SECONDS)
            fake_try_later (p, node);
    }
}
