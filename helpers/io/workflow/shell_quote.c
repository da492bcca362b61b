/* SPDX-License-Identifier: Apache-2.0 */
#include "io/workflow/shell_quote.h"

#include <string.h>

static bool is_plain (unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80
           || (c && strchr ("_@%+:,./-", c));
}

void aw_shell_quote (struct aw_textbuf *out, const char *text, size_t length)
{
    if (length == 0)
        aw_textbuf_puts (out, "''");
    for (size_t i = 0; i < length; i++) {
        if (!is_plain ((unsigned char)text[i]))
            aw_textbuf_putc (out, '\\');
        aw_textbuf_putc (out, text[i]);
    }
}

void aw_shell_quote_shown (struct aw_textbuf *out, const char *text)
{
    struct aw_textbuf plain = { 0 };

    aw_textbuf_plain (&plain, text, strlen (text));
    if (plain.failed)
        out->failed = true;
    else if (plain.len > 0)
        aw_shell_quote (out, plain.data, plain.len);
    aw_textbuf_finish (&plain);
}

bool aw_shell_needs_quotes (const char *text)
{
    if (!*text)
        return true;
    while (is_plain ((unsigned char)*text))
        text++;
    return *text != '\0';
}
