/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of values share. Nobody else includes it. */
#ifndef AW_IO_WORKFLOW_VALUES_PRIVATE_H
#define AW_IO_WORKFLOW_VALUES_PRIVATE_H

#include "io/workflow/values.h"

struct aw_values_column {
    char *name;
    char *bytes; /* all texts, each with its NUL */
    size_t n_bytes, byte_room;
    size_t *starts; /* of each text in bytes */
    uint32_t n_texts;
    size_t start_room;
    uint32_t *cells; /* the number of a text: before combine one for each that was appended, then
                        one for each task */
    size_t n_cells, cell_room;
    uint32_t *slots; /* by hash: number of a text + 1; 0: free. A power of two, at most half full */
    size_t n_slots;
    size_t
        newline_at; /* line of the source where the first text with a newline stands; 0: unknown */
};

struct aw_values {
    struct aw_values_column *columns;
    uint32_t n_columns;
    size_t column_room;
    uint32_t count;
    uint8_t *missing; /* by task: 1: see aw_values_is_missing; NULL: none is */
    char *source;
};

/* Stores the NUMBER of the text in the column, which gets it if it has not. 0, or -1 with ENOMEM.
 */
int aw_values_intern (struct aw_values_column *column,
                      const char *text,
                      size_t length,
                      uint32_t *number);

/* Gives back the memory that was needed to build the column. */
void aw_values_seal (struct aw_values_column *column);

#endif /* AW_IO_WORKFLOW_VALUES_PRIVATE_H */
