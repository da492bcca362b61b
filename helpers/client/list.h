/* SPDX-License-Identifier: Apache-2.0 */
/* The list of submitted tasks, for our own commands: it is not part of the library. */
#ifndef AW_CLIENT_LIST_H
#define AW_CLIENT_LIST_H

#include "client/async-workflow.h"

/* Asks with REQUEST (LIST in util/packet.h). Returns the lines, which the caller frees, and NEXT;
 * NULL with errno and text.
 */
char *aw_list (struct aw_connection *aw, const char *request, unsigned long long *next);

#endif /* AW_CLIENT_LIST_H */
