/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/file_sum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

static const char NAME[] = "user.async-workflow.crc32";

enum { DIGITS = 8 }; /* hexadecimal */

void aw_file_sum_keep (int fd, uint32_t sum)
{
    char text[DIGITS + 1];

    snprintf (text, sizeof (text), "%08x", sum);
    if (fsetxattr (fd, NAME, text, DIGITS, 0) < 0)
        (void)fremovexattr (fd, NAME); /* an old one would be wrong */
}

int aw_file_sum_get (int fd, uint32_t *sum)
{
    char text[DIGITS + 1] = "", *end;
    ssize_t n = fgetxattr (fd, NAME, text, DIGITS);

    if (n < 0)
        return -1;
    *sum = (uint32_t)strtoul (text, &end, 16);
    if (n == DIGITS && end == text + DIGITS)
        return 0;
    errno = EINVAL;
    return -1;
}
