/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner for JSON that stands on one line, as journals have it: strict, without allocation, many
 * times faster than a tree. It works in place: strings are decoded where they stand, so the text is
 * changed.
 *
 * Each function takes a pointer into NUL-terminated text, moves it behind what it has read and
 * returns 0; or returns -1 with errno EINVAL where the text is something else, the pointer then
 * showing the place.
 */
#ifndef AW_IO_SCAN_H
#define AW_IO_SCAN_H

/* Moves over blanks. */
void aw_scan_space (char **p);

/* Blanks, then the character C. */
int aw_scan_char (char **p, char c);

/* A string; TEXT becomes its content, NUL-terminated, within the line. A NUL within it is an error.
 */
int aw_scan_string (char **p, char **text);

/* A number. The decimal point is "." in every locale. */
int aw_scan_number (char **p, double *value);

/* Any value; objects and arrays down to 32 levels. */
int aw_scan_skip (char **p);

#endif /* AW_IO_SCAN_H */
