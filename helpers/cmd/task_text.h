/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the members of a task that is to be submitted (aw_submit(3)), each with its comma. */
#ifndef AW_CMD_TASK_TEXT_H
#define AW_CMD_TASK_TEXT_H

#include <stddef.h>

#include "io/textbuf.h"

/* "KEY":"TEXT", or nothing where TEXT is NULL. */
void aw_task_put_text (struct aw_textbuf *out, const char *key, const char *text);

/* "KEY":["FIRST","WORD",...] with N WORDS. */
void aw_task_put_words (
    struct aw_textbuf *out, const char *key, const char *first, char *const *words, size_t n);

#endif /* AW_CMD_TASK_TEXT_H */
