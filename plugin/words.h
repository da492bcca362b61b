/* SPDX-License-Identifier: Apache-2.0 */
/* A list of words as exec takes it, read from the NUL-separated files of /proc: what srun was
 * started with, before srun or another plugin changed it.
 */
#ifndef AW_PLUGIN_WORDS_H
#define AW_PLUGIN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct aw_error;

struct aw_words {
    char **word; /* count words, owned, then NULL */
    size_t count;
};

/* An empty list. Needs no finish while nothing was appended. */
void aw_words_init (struct aw_words *words);
void aw_words_finish (struct aw_words *words);

/* Appends the words of a file such as /proc/self/cmdline; empty words are words too.
 * Returns -1 with errno and text in err when it cannot be read or there is no memory.
 */
int aw_words_read (struct aw_words *words, const char *path, struct aw_error *err);

/* Appends a copy of text, or of what printf's rules make of fmt. Returns -1, errno ENOMEM, on
 * failure.
 */
int aw_words_append (struct aw_words *words, const char *text);
int aw_words_appendf (struct aw_words *words, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Takes out every word that begins with prefix. */
void aw_words_remove_prefix (struct aw_words *words, const char *prefix);

#endif /* AW_PLUGIN_WORDS_H */
