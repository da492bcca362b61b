/* SPDX-License-Identifier: Apache-2.0 */

/* The binary files of this example: a header, then 'count' records of one size. Version 1.
 *
 *   offset  size
 *        0     4  "DDMD"
 *        4     4  kind: "FRAM" (frames.h), "MAPS" (maps.h) or "MODL" (vae_file.h)
 *        8     4  0x01020304 in the writer's byte order; a reader of the other order refuses it
 *       12     4  version, 1
 *       16     4  residues of the protein
 *       20     4  iteration that wrote it
 *       24     4  part: this file is number 'part' ...
 *       28     4  ... of 'parts'
 *       32     4  detail: the latent dimensions of a network, else 0
 *       36     4  0
 *       40     8  count
 *       48     8  bytes of a record
 *       56        the records
 *
 * A file is written under another name, flushed to disk and renamed, so a file that exists is
 * complete.
 */

#ifndef DDMD_FILE_H
#define DDMD_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define DDMD_FILE_FRAMES "FRAM"
#define DDMD_FILE_MAPS "MAPS"
#define DDMD_FILE_MODEL "MODL"

struct ddmd_file_header {
    char magic[4];
    char kind[4];
    uint32_t byte_order;
    uint32_t version;
    uint32_t residues;
    uint32_t iteration;
    uint32_t part;
    uint32_t parts;
    uint32_t detail;
    uint32_t zero;
    uint64_t count;
    uint64_t record_bytes;
};

/* Write header and records to 'path'. magic, byte_order, version, zero are filled in here; the
 * caller sets the rest. A file that is already there is replaced as a whole. -1 with the reason in
 * 'err', and nothing left behind.
 */
int ddmd_file_write (const char *path,
                     const struct ddmd_file_header *header,
                     const void *records,
                     struct aw_error *err);

/* Read 'path', which must be a whole file of 'kind' with records of 'record_bytes'. On success
 * fills 'header' and returns the records, which the caller frees (never NULL, even for none). NULL
 * with the reason in 'err', and errno ENOENT if there is no such file.
 */
void *ddmd_file_read (const char *path,
                      const char *kind,
                      size_t record_bytes,
                      struct ddmd_file_header *header,
                      struct aw_error *err);

/* The header alone, checked as above but for the record's size. 0 or -1. */
int ddmd_file_peek (const char *path,
                    const char *kind,
                    struct ddmd_file_header *header,
                    struct aw_error *err);

#endif /* !DDMD_FILE_H */
