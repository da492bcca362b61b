/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/task_text.h"

#include <string.h>

#include "io/json_string.h"

void aw_task_put_text (struct aw_textbuf *out, const char *key, const char *text)
{
    if (!text)
        return;
    aw_textbuf_printf (out, "\"%s\":\"", key);
    aw_json_put_bytes (out, text, strlen (text));
    aw_textbuf_puts (out, "\",");
}

static void put_word (struct aw_textbuf *out, const char *before, const char *word)
{
    aw_textbuf_puts (out, before);
    aw_json_put_bytes (out, word, strlen (word));
    aw_textbuf_putc (out, '"');
}

void aw_task_put_words (
    struct aw_textbuf *out, const char *key, const char *first, char *const *words, size_t n)
{
    aw_textbuf_printf (out, "\"%s\":[", key);
    put_word (out, "\"", first);
    for (size_t i = 0; i < n; i++)
        put_word (out, ",\"", words[i]);
    aw_textbuf_puts (out, "],");
}
