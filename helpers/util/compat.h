/* SPDX-License-Identifier: Apache-2.0 */
/* Replacements for functions of the C library that glibc 2.28 lacks. Include config.h first. */
#ifndef AW_UTIL_COMPAT_H
#define AW_UTIL_COMPAT_H

#include <string.h>

#ifndef HAVE_SIGABBREV_NP
/* The name of SIGNAL without "SIG": "KILL". NULL for a number without a name. In glibc since 2.32;
 * the text is constant.
 */
const char *sigabbrev_np (int signal);
#endif

#endif /* AW_UTIL_COMPAT_H */
