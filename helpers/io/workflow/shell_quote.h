/* SPDX-License-Identifier: Apache-2.0 */
/* Text in a shell script, so that the shell sees one word and nothing in it has a meaning. */
#ifndef AW_IO_WORKFLOW_SHELL_QUOTE_H
#define AW_IO_WORKFLOW_SHELL_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "io/textbuf.h"

/* Appends the LENGTH bytes at TEXT with a backslash before each character but letters, digits,
 * _@%+:,./- and bytes from 0x80. ("=" begins an assignment, and for zsh, at the start of a word,
 * the name of a command.) No text at all becomes ''. A newline cannot be quoted like this: the
 * caller has ruled it out. Outside quotes, sh and all its relatives read the same text again.
 */
void aw_shell_quote (struct aw_textbuf *out, const char *text, size_t length);

/* The same for a line that people copy from a message, with any TEXT: it passes aw_textbuf_plain
 * first. */
void aw_shell_quote_shown (struct aw_textbuf *out, const char *text);

/* Would quoting change TEXT? */
bool aw_shell_needs_quotes (const char *text);

#endif /* AW_IO_WORKFLOW_SHELL_QUOTE_H */
