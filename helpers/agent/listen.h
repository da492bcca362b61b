/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes listen on a TCP port of this machine, as /proc has it. */
#ifndef AW_AGENT_LISTEN_H
#define AW_AGENT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { AW_LISTENERS_MAX = 16 };

/* The sockets that listen on PORT, by inode, of IPv4 and IPv6. Fills INODES; returns their number,
 * 0 also where the kernel does not tell. */
size_t aw_listeners (uint32_t port, uint64_t inodes[AW_LISTENERS_MAX]);

/* Does PID hold one of these N sockets? */
bool aw_holds_socket (pid_t pid, const uint64_t *inodes, size_t n);

#endif /* AW_AGENT_LISTEN_H */
