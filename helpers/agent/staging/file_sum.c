/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/file_sum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

static const char NAME[] = "user.async-workflow.crc32";
static const char DAMAGED[] = "damaged"; /* instead of the sum */

enum {
    DIGITS = 8, /* hexadecimal */
    CHUNK = 1 << 20,
};

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
    if (strcmp (text, DAMAGED) == 0) {
        errno = EBADMSG;
        return -1;
    }
    *sum = (uint32_t)strtoul (text, &end, 16);
    if (n == DIGITS && end == text + DIGITS)
        return 0;
    errno = EINVAL;
    return -1;
}

void aw_file_sum_check (int fd)
{
    unsigned char *buffer = malloc (CHUNK);
    uint32_t want, sum = 0;
    off_t at = 0;
    ssize_t n = -1;

    if (buffer && aw_file_sum_get (fd, &want) == 0)
        while ((n = pread (fd, buffer, CHUNK, at)) > 0) {
            sum = (uint32_t)crc32 (sum, buffer, (unsigned)n);
            at += n;
        }
    if (n == 0 && sum != want)
        (void)fsetxattr (fd, NAME, DAMAGED, sizeof (DAMAGED) - 1, 0);
    free (buffer);
}
