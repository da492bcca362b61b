/* SPDX-License-Identifier: Apache-2.0 */
#include "util/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int aw_token_make (char token[AW_PACKET_TOKEN_SIZE + 1], struct aw_error *err)
{
    unsigned char bytes[AW_PACKET_TOKEN_SIZE / 2];

    if (getrandom (bytes, sizeof (bytes), 0) != (ssize_t)sizeof (bytes))
        return aw_error_set (err, "getrandom: %s", strerror (errno));
    for (size_t i = 0; i < sizeof (bytes); i++)
        snprintf (token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}
