/* SPDX-License-Identifier: Apache-2.0 */
/* Packets on the connection of a task to the agent of its node (util/packet.h). A message that
 * arrives while the caller waits for another packet is queued.
 */
#ifndef AW_CLIENT_PACKETS_H
#define AW_CLIENT_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include "client/async-workflow.h"
#include "util/packet.h"

struct receiver {
    uint32_t number;
    uint64_t given; /* messages that the caller has got */
    uint64_t acked; /* of them */
    uint64_t credit; /* messages that were asked for and have not arrived */
    struct receiver *next;
    char topic[AW_TOPIC_MAX + 1];
    char group[AW_TOPIC_MAX + 1];
};

/* A packet, which lies in a queue while the caller waits for another. */
struct queued {
    struct queued *next;
    size_t size;
    char bytes[];
};

struct aw_connection {
    int fd;
    uint32_t last_number;
    struct receiver *receivers;
    struct queued *first, **last; /* the queue */
    struct queued *shown; /* the packet with the caller's message */
    char *packet; /* room for the largest */
    char names[AW_TOPIC_MAX + AW_SENDER_MAX + 2]; /* of the caller's message */
    char error[1024];
    char *long_error; /* from the pool, in place of `error`; NULL: there is none */
};

/* Sets errno to ERROR, and the text of AW's last error, or that of aw_open where AW is NULL.
 * Returns -1.
 */
__attribute__ ((format (printf, 3, 4))) int aw_client_fail (struct aw_connection *aw,
                                                            int error,
                                                            const char *fmt,
                                                            ...);

/* Sends PACKET. FLAGS is 0 or AW_NOWAIT, as for aw_publish. 0, or -1 with errno and text. */
int aw_client_send_packet (struct aw_connection *aw, const struct aw_packet *packet, int flags);

/* Sends SIZE bytes at TEXT as the data of several packets like PACKET. 0, or -1 with errno and
 * text.
 */
int aw_client_send_parts (struct aw_connection *aw,
                          const struct aw_packet *packet,
                          const char *text,
                          size_t size);

/* The first packet for NUMBER, queued or new, within TIMEOUT seconds (negative: no limit); NULL
 * with errno and text. PACKET points into it. The caller frees it.
 */
struct queued *aw_client_wait_packet (struct aw_connection *aw,
                                      uint32_t number,
                                      double timeout,
                                      struct aw_packet *packet);

/* The same. Where the pool rejects NUMBER: NULL with EINVAL and the pool's text. */
struct queued *aw_client_wait_answer (struct aw_connection *aw,
                                      uint32_t number,
                                      double timeout,
                                      struct aw_packet *packet);

/* Waits for the pool to report that NUMBER is done, as above. 0, or -1 with errno and text: EINVAL
 * with the pool's text where it rejects NUMBER.
 */
int aw_client_wait_done (struct aw_connection *aw, uint32_t number, double timeout);

#endif /* AW_CLIENT_PACKETS_H */
