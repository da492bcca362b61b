/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the content of files from another node's agent (staging/giver.h) instead of the file
 * system that all nodes share. Everything here blocks, for a process of its own.
 */
#ifndef AW_AGENT_STAGING_TAKER_H
#define AW_AGENT_STAGING_TAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct aw_taker;

/* The copy that the other agent has, or makes. All borrowed. */
struct aw_taker_source {
    const char *peers; /* HOST:PORT, or several with spaces between them: the next one is asked for
                          what the first does not give */
    const char *job; /* for the credential */
    const char *from; /* of the copy, as the other agent got it */
    const char *to; /* likewise, but in SCRATCH */
    const char *scratch; /* this node's directory */
    unsigned patience; /* seconds without a byte from it; 0: 10 */
};

struct aw_taker_peer {
    const char *host; /* not terminated */
    int host_length;
    uint16_t port;
};

/* The peer NUMBER, from 1, of PEERS, which may be NULL. False: there is none. */
bool aw_taker_peer (const char *peers, unsigned number, struct aw_taker_peer *peer);

/* Connects, and proves who it is. NULL: it cannot, and files come from the file system. SILENT: the
 * number of the peer that did not answer, which took long; 0: none. destroy takes NULL.
 */
struct aw_taker *aw_taker_create (const struct aw_taker_source *source, unsigned *silent);
void aw_taker_destroy (struct aw_taker *taker);

/* Fills OUT, an empty file that will be TO, with what the other node has of the same file, whose
 * source here is ST; as it arrives there, where the other agent still makes its copy. SUM: CRC-32
 * of the content, which is the sum that the other agent has found, too. 1: the connection has ended
 * before that; it may be worth to ask again, with an empty file, as the other agent may have had to
 * begin again, or another agent gives it. -1: no other agent gives it, or not in time, and TAKER
 * asks for nothing more. In both cases what OUT has may be wrong.
 */
int aw_taker_take (
    struct aw_taker *taker, const char *to, const struct stat *st, int out, uint32_t *sum);

/* The number of the last peer of which a content has come whose sum was not that which came after
 * it; 0: none.
 */
unsigned aw_taker_got_damage (const struct aw_taker *taker);

/* Have A and B the same size and modification time? */
bool aw_same_file (const struct stat *a, const struct stat *b);

#endif /* AW_AGENT_STAGING_TAKER_H */
