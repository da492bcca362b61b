/* SPDX-License-Identifier: Apache-2.0 */
/* Error text handed up to the caller. Libraries never print or exit: they fill a struct aw_error
 * and return -1 or NULL; the command decides what the user sees.
 */
#ifndef AW_UTIL_ERROR_H
#define AW_UTIL_ERROR_H

struct aw_error {
    char text[512]; /* one line without newline; "" means no error; a longer text is cut and ends in
                       "..." */
};

/* Fills err->text by printf's rules. ERR may be NULL (the text is dropped). errno is kept.
 * Returns -1 always, so that failing is one line: return aw_error_set (err, "...");
 */
int aw_error_set (struct aw_error *err, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Puts "PREFIX: " before the text that stands in err already; cuts at the end as above. Returns -1.
 */
int aw_error_prefix (struct aw_error *err, const char *prefix);

/* Prints "async-workflow: TEXT\n" to stderr in one write. For commands alone, never for libraries.
 */
void aw_error_print (const struct aw_error *err);

#endif /* AW_UTIL_ERROR_H */
