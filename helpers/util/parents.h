/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_UTIL_PARENTS_H
#define AW_UTIL_PARENTS_H

/* Makes the directories that are missing above the file PATH, as mkdir -p. Async-signal-safe. 0, or
 * -1 with errno.
 */
int aw_make_parents (const char *path);

#endif /* AW_UTIL_PARENTS_H */
