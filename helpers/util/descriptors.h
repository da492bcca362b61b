/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that a process did not ask for: inherited ones must reach no task. */
#ifndef AW_UTIL_DESCRIPTORS_H
#define AW_UTIL_DESCRIPTORS_H

/* Both may be called in a child of vfork. */

/* Closes all from FIRST up. 0, or -1 with errno. */
int aw_close_from (int first);

/* Sets close-on-exec on all from FIRST up. 0, or -1 with errno. */
int aw_cloexec_from (int first);

#endif /* AW_UTIL_DESCRIPTORS_H */
