/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the journal share. Nobody else includes it. */
#ifndef AW_IO_JOURNAL_PRIVATE_H
#define AW_IO_JOURNAL_PRIVATE_H

#include "io/journal.h"

/* Takes the journal's first LINE apart, which is changed, into HEADER. 0, or -1 with text. */
int aw_journal_read_header (struct aw_journal_header *header, char *line, struct aw_error *err);

#endif /* AW_IO_JOURNAL_PRIVATE_H */
