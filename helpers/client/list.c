/* SPDX-License-Identifier: Apache-2.0 */
#include "client/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/packets.h"

char *aw_list (struct aw_connection *aw, const char *request, unsigned long long *next)
{
    const struct aw_packet packet = { .kind = AW_PACKET_LIST,
                                      .number = ++aw->last_number,
                                      .data = { request, strlen (request) } };
    struct aw_packet answer;
    struct queued *item = NULL;
    char *text;

    if (aw_client_send_packet (aw, &packet, 0) == 0)
        item = aw_client_wait_answer (aw, packet.number, -1, &answer);
    if (!item)
        return NULL;
    *next = answer.seq;
    text = strndup (answer.data.size ? answer.data.text : "", answer.data.size);
    free (item);
    if (!text)
        aw_client_fail (aw, ENOMEM, "out of memory");
    return text;
}
