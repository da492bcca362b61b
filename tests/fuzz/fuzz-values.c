/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and values files from anybody. Rows of a table are fields of its text that do not overlap,
 * and quotes put around them give the same rows again; a values file is read or is an error, and
 * merging its values with themselves changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "io/textbuf.h"
#include "io/workflow/csv.h"
#include "io/workflow/shell_quote.h"
#include "io/workflow/values.h"
#include "io/workflow/values_file.h"

/* All fields of all rows of the SIZE bytes at TEXT, by RFC 4180, into OUT. The last result. */
static int rewrite (
    const uint8_t *text, size_t size, bool tab, struct aw_textbuf *out, size_t *rows)
{
    char *copy = malloc (size + 1);
    struct aw_csv csv = { .text = copy, .end = copy + size, .tab = tab };
    struct aw_error err;
    int rc;

    RULE (copy);
    memcpy (copy, text, size);
    for (*rows = 0; (rc = aw_csv_next (&csv, &err)) > 0; ++*rows) {
        RULE (csv.n_fields > 0);
        for (size_t i = 0; i < csv.n_fields; i++) {
            const struct aw_csv_field *field = &csv.fields[i];

            RULE (field->text >= copy && field->text + field->length <= copy + size);
            RULE (i == 0 || field->text > csv.fields[i - 1].text + csv.fields[i - 1].length);
            aw_textbuf_puts (out, i ? ",\"" : "\"");
            for (size_t k = 0; k < field->length; k++) {
                if (field->text[k] == '"')
                    aw_textbuf_putc (out, '"');
                aw_textbuf_putc (out, field->text[k]);
            }
            aw_textbuf_putc (out, '"');
        }
        aw_textbuf_putc (out, '\n');
    }
    aw_csv_finish (&csv);
    free (copy);
    return rc;
}

static void look_at_table (const uint8_t *data, size_t size, bool tab)
{
    struct aw_textbuf once = { 0 }, twice = { 0 };
    size_t rows, again;

    if (rewrite (data, size, tab, &once, &rows) == 0 && once.len > 0) {
        RULE (rewrite ((const uint8_t *)once.data, once.len, false, &twice, &again) == 0);
        RULE (rows == again && once.len == twice.len
              && memcmp (once.data, twice.data, once.len) == 0);
    }
    aw_textbuf_finish (&once);
    aw_textbuf_finish (&twice);
}

/* Values of the set "a", the only one that a sample has. */
static void look_at_values (struct aw_values *values)
{
    uint32_t count = aw_values_count (values);
    struct aw_textbuf out = { 0 };

    for (uint32_t i = 0; i < count; i++)
        for (uint32_t v = 0; v < aw_values_n_variables (values); v++) {
            const char *text = aw_values_text (values, i, v);

            RULE (aw_values_number (values, i, v) < aw_values_n_texts (values, v));
            aw_textbuf_clear (&out);
            aw_shell_quote (&out, text, strlen (text));
            RULE (aw_shell_needs_quotes (text)
                  == (out.len != strlen (text) || memcmp (out.data, text, out.len) != 0));
        }
    aw_textbuf_finish (&out);
}

static void look_at_file (const uint8_t *data, size_t size)
{
    static char path[64];
    struct aw_kept_values *kept, *same;
    struct aw_values *values, *other;
    struct aw_error err;
    FILE *file;

    snprintf (path, sizeof (path), "/dev/shm/fuzz-values.%d", (int)getpid ());
    file = fopen (path, "w");
    RULE (file && fwrite (data, 1, size, file) == size && fclose (file) == 0);
    kept = aw_kept_values_read (path, &err);
    same = aw_kept_values_read (path, &err);
    unlink (path);
    RULE (!kept == !same);
    values = aw_kept_values_take (kept, "a");
    other = aw_kept_values_take (same, "a");
    RULE (!values == !other);
    if (values) {
        uint32_t count = aw_values_count (values);

        look_at_values (values);
        RULE (aw_values_merge (values, other, AW_VALUES_NONE) >= 0);
        RULE (aw_values_count (values) == count);
        for (uint32_t i = 0; i < count; i++)
            RULE (!aw_values_is_missing (values, i) || aw_values_n_variables (values) == 0);
    }
    aw_values_destroy (values);
    aw_values_destroy (other);
    aw_kept_values_destroy (kept);
    aw_kept_values_destroy (same);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    look_at_table (data, size, false);
    look_at_table (data, size, true);
    look_at_file (data, size);
    return 0;
}
