/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_UTIL_TOKEN_H
#define AW_UTIL_TOKEN_H

#include "util/error.h"
#include "util/packet.h"

/* Fills TOKEN with 128 bits that nobody can guess, as AW_PACKET_TOKEN_SIZE hexadecimal digits and a
 * NUL. 0, or -1 with text: the kernel gave no random numbers.
 */
int aw_token_make (char token[AW_PACKET_TOKEN_SIZE + 1], struct aw_error *err);

#endif /* AW_UTIL_TOKEN_H */
