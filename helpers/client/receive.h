/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that a task receives. */
#ifndef AW_CLIENT_RECEIVE_H
#define AW_CLIENT_RECEIVE_H

#include "client/packets.h"

/* Is NAME valid for a topic, or a group (WHOSE)? 0, or -1 with EINVAL and text. */
int aw_client_check_name (struct aw_connection *aw, const char *name, const char *whose);

/* Reports to the pool that the caller is done with the messages that it has got from R. 0, or -1
 * with errno and text.
 */
int aw_client_acknowledge (struct aw_connection *aw, struct receiver *r);

/* Waits for a message for NUMBER, of which SEQ have come, at most TIMEOUT seconds; negative: no
 * limit. MESSAGE is valid until the next one. 0, or -1 with errno and text.
 */
int aw_client_wait_message (struct aw_connection *aw,
                            uint32_t number,
                            uint64_t seq,
                            double timeout,
                            struct aw_message *message);

#endif /* AW_CLIENT_RECEIVE_H */
