/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output that cannot be written, on a full disk for example, is an error. Nobody would
 * notice it else: stdio writes most of what is printed only when the program ends.
 */
#ifndef AW_UTIL_STDOUT_H
#define AW_UTIL_STDOUT_H

/* When the program exits, stdout is closed. If something that was printed could not be written, one
 * line on stderr says why, and the exit status becomes CODE. A second call changes CODE.
 */
void aw_stdout_check_at_exit (int code);

/* Writes what was printed to stdout up to now. 0, or -1 with errno: it, or what was printed before,
 * cannot be written. What exit does stays the same.
 */
int aw_stdout_flush (void);

#endif /* AW_UTIL_STDOUT_H */
