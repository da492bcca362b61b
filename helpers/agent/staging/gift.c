/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "agent/staging/gift.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/staging/file_sum.h"
#include "agent/staging/stager.h"
#include "io/wire/frame.h"
#include "util/clock.h"
#include "util/write.h"

enum {
    CHUNK = 1 << 20,
    NUMBER = 9, /* characters of a number, with its newline */
    MOMENT_MS = 10, /* between looks at a copy that is under way */
};

/* A file on its way to another node. */
struct gift {
    const struct aw_stager *stager;
    const struct aw_take *take;
    int fd; /* -1: not there yet */
    int out;
    bool sums; /* the copy keeps no sum, so one is computed of what is sent */
    uint32_t sum;
    double beaten; /* when the other node heard of it last */
};

/* Waits for more of the copy. -1: the other node does not wait, for it has nothing to say now. */
static int wait_a_moment (struct gift *gift)
{
    struct pollfd pfd = { .fd = gift->out, .events = POLLIN };
    double now = aw_clock_monotonic ();

    if (poll (&pfd, 1, MOMENT_MS) != 0)
        return -1;
    if (now - gift->beaten < 1)
        return 0;
    gift->beaten = now;
    return aw_write_all (gift->out, ".", 1);
}

static bool is_damaged (int fd)
{
    uint32_t sum;

    return aw_file_sum_get (fd, &sum) < 0 && errno == EBADMSG;
}

/* Opens it, unless it is known to be damaged. */
static int open_file (struct gift *gift)
{
    bool copies;

    do {
        copies = aw_stager_has (gift->stager, gift->take, -1) == AW_HAS_PART;
        gift->fd = aw_stager_open (gift->stager, gift->take);
    } while (gift->fd < 0 && copies && wait_a_moment (gift) == 0);
    if (gift->fd < 0 || !is_damaged (gift->fd))
        return gift->fd < 0 ? -1 : 0;
    close (gift->fd);
    return -1;
}

/* Another node says that the file came damaged: it may be so here, or on the way. */
static void check (struct gift *gift)
{
    if (open_file (gift) < 0)
        return;
    if (aw_stager_has (gift->stager, gift->take, gift->fd) == AW_HAS_ALL)
        aw_file_sum_check (gift->fd);
    close (gift->fd);
}

/* The next block of the content, of up to LEFT bytes. Its size; 0: it has not come; -1: it cannot
 * come any more.
 */
static ssize_t read_block (const struct gift *gift, char *buffer, uint64_t left)
{
    size_t most = left < CHUNK ? (size_t)left : CHUNK;
    ssize_t n = read (gift->fd, buffer, most);
    enum aw_has has;

    if (n != 0)
        return n;
    has = aw_stager_has (gift->stager, gift->take, gift->fd);
    if (has == AW_HAS_PART)
        return 0;
    n = has == AW_HAS_ALL ? read (gift->fd, buffer, most) : -1; /* it was completed just now */
    return n > 0 ? n : -1;
}

static void put_number (char to[NUMBER], uint32_t number)
{
    char text[NUMBER + 1];

    snprintf (text, sizeof (text), "%08x\n", number);
    memcpy (to, text, NUMBER);
}

/* Waits until the copy is known to be right. */
static int wait_for_all (struct gift *gift)
{
    enum aw_has has;

    while ((has = aw_stager_has (gift->stager, gift->take, gift->fd)) == AW_HAS_PART)
        if (wait_a_moment (gift) < 0)
            return -1;
    return has == AW_HAS_ALL ? 0 : -1;
}

/* The content of the file, block by block. */
static int send_content (struct gift *gift)
{
    static char buffer[NUMBER + CHUNK];
    char *const block = buffer + NUMBER;
    uint64_t left = gift->take->bytes;

    while (left > 0) {
        ssize_t n = read_block (gift, block, left);

        if (n < 0 || (n == 0 && wait_a_moment (gift) < 0))
            return -1;
        if (n == 0)
            continue;
        if (gift->sums)
            gift->sum = (uint32_t)crc32 (gift->sum, (const unsigned char *)block, (unsigned)n);
        put_number (buffer, (uint32_t)n);
        if (aw_write_all (gift->out, buffer, NUMBER + (size_t)n) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    return 0;
}

/* A copy that is under way gets its sum at its end. */
static bool has_no_sum (const struct gift *gift)
{
    uint32_t sum;

    return aw_file_sum_get (gift->fd, &sum) < 0 && errno != EBADMSG
           && (errno != ENODATA
               || aw_stager_has (gift->stager, gift->take, gift->fd) == AW_HAS_ALL);
}

/* The content and its sum. */
static int send_file (struct gift *gift)
{
    char end[2 * NUMBER];

    gift->sums = has_no_sum (gift);
    if (send_content (gift) < 0 || wait_for_all (gift) < 0
        || (!gift->sums && aw_file_sum_get (gift->fd, &gift->sum) < 0))
        return -1;
    put_number (end, 0);
    put_number (end + NUMBER, gift->sum);
    return aw_write_all (gift->out, end, sizeof (end));
}

/* Reads the next TAKE, which nothing follows. Its size; 0: there is none. */
static size_t next_line (int fd, char line[AW_GIFT_LINE])
{
    size_t size = 0;
    ssize_t n;

    while ((n = read (fd, line + size, AW_GIFT_LINE - size)) > 0) {
        size += (size_t)n;
        if (line[size - 1] == '\n')
            return size;
    }
    return 0;
}

void aw_gift_send (const struct aw_stager *stager,
                   struct aw_frame_reader *reader,
                   int out,
                   char line[AW_GIFT_LINE],
                   size_t size)
{
    struct aw_frame frame;

    for (; size > 0; size = next_line (out, line)) {
        struct gift gift = { stager, &frame.take, -1, out, false, 0, 0 };
        int rc;

        if (aw_frame_read (reader, line, size - 1, &frame, NULL) < 0 || frame.type != AW_FRAME_TAKE
            || aw_stager_gives (stager, &frame.take) != AW_GIVES_NOW)
            return;
        if (frame.take.damaged)
            check (&gift);
        if (frame.take.damaged || open_file (&gift) < 0)
            return;
        rc = send_file (&gift);
        close (gift.fd);
        if (rc < 0)
            return;
    }
}
