/* SPDX-License-Identifier: Apache-2.0 */
/* Headers are those of tail(1) on several files. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/logs/logs.h"
#include "util/write.h"

enum { BUFFER = 64 << 10 };

int aw_logs_flush (struct aw_logs_printer *printer)
{
    struct aw_textbuf *text = &printer->text;

    if (text->failed)
        printer->error = ENOMEM;
    else if (!printer->error && text->len > 0
             && aw_write_all (STDOUT_FILENO, text->data, text->len) < 0)
        printer->error = errno;
    aw_textbuf_clear (text);
    return printer->error ? -1 : 0;
}

/* Bytes as they are, but for control characters: as cat -v shows them. Tabs and newlines stay. */
static void show (struct aw_textbuf *text, const char *data, size_t size)
{
    size_t from = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c >= 0x20 && c != 0x7f)
            continue;
        aw_textbuf_plain (text, data + from, i - from);
        if (c != '\n' && c != '\t')
            aw_textbuf_putc (text, '^');
        aw_textbuf_putc (text, (char)(c == '\n' || c == '\t' ? c : c ^ 0x40));
        from = i + 1;
    }
    aw_textbuf_plain (text, data + from, size - from);
}

/* How many bytes at the end of DATA begin a character that the next piece may complete. */
static size_t unfinished (const char *data, size_t size)
{
    for (size_t n = 1; n <= 3 && n <= size; n++) {
        unsigned char c = (unsigned char)data[size - n];

        if (c >= 0xc0)
            return n < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? n : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

static void print_part (struct aw_logs_printer *printer)
{
    show (&printer->text, printer->part, printer->n_part);
    printer->n_part = 0;
}

/* A character that two pieces share must not become two. */
static void print_plain (struct aw_logs_printer *printer, const char *data, size_t size)
{
    while (printer->n_part > 0 && size > 0) {
        unsigned char c = (unsigned char)*data;

        if ((c & 0xc0) == 0x80 && printer->n_part < sizeof (printer->part)) {
            printer->part[printer->n_part++] = *data++;
            size--;
        }
        if ((c & 0xc0) != 0x80 || unfinished (printer->part, printer->n_part) == 0)
            print_part (printer);
    }
    if (size > 0) {
        size_t rest = unfinished (data, size);

        show (&printer->text, data, size - rest);
        memcpy (printer->part, data + size - rest, rest);
        printer->n_part = rest;
    }
}

static void print_header (struct aw_logs_printer *printer, const char *name)
{
    print_part (printer);
    aw_textbuf_puts (&printer->text, printer->last ? "\n==> " : "==> ");
    aw_textbuf_puts (&printer->text, name);
    aw_textbuf_puts (&printer->text, " <==\n");
    strncpy (printer->last_name, name, sizeof (printer->last_name) - 1);
    printer->last = printer->last_name;
}

int aw_logs_print (struct aw_logs_printer *printer, const char *name, const char *data, size_t size)
{
    if (size == 0)
        return printer->error ? -1 : 0;
    if (printer->headers && (!printer->last || strcmp (printer->last, name) != 0))
        print_header (printer, name);
    if (printer->plain)
        print_plain (printer, data, size);
    else
        aw_textbuf_put (&printer->text, data, size);
    return printer->text.len >= BUFFER ? aw_logs_flush (printer) : printer->error ? -1 : 0;
}

void aw_logs_printer_finish (struct aw_logs_printer *printer)
{
    print_part (printer);
    (void)aw_logs_flush (printer);
    aw_textbuf_finish (&printer->text);
}
