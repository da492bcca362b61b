/* SPDX-License-Identifier: Apache-2.0 */
#include "core/idset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

static uint64_t range_mask (uint32_t first, uint32_t last)
{
    uint64_t from = ~UINT64_C (0) << first;
    uint64_t to = ~UINT64_C (0) >> (WORD_BITS - 1 - last);

    return from & to;
}

static int grow (struct aw_idset *set, uint32_t n_words)
{
    uint64_t *words;

    if (n_words <= set->n_words)
        return 0;
    words = realloc (set->words, n_words * sizeof (*words));
    if (!words)
        return -1;
    memset (words + set->n_words, 0, (n_words - set->n_words) * sizeof (*words));
    set->words = words;
    set->n_words = n_words;
    return 0;
}

static int check_range (uint32_t first, uint32_t last)
{
    if (last < first || last >= AW_IDSET_MAX) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

void aw_idset_init (struct aw_idset *set)
{
    memset (set, 0, sizeof (*set));
}

void aw_idset_finish (struct aw_idset *set)
{
    int saved = errno;

    free (set->words);
    aw_idset_init (set);
    errno = saved;
}

int aw_idset_add (struct aw_idset *set, uint32_t first, uint32_t last)
{
    if (check_range (first, last) < 0 || grow (set, last / WORD_BITS + 1) < 0)
        return -1;
    for (uint32_t w = first / WORD_BITS; w <= last / WORD_BITS; w++) {
        uint32_t lo = w == first / WORD_BITS ? first % WORD_BITS : 0;
        uint32_t hi = w == last / WORD_BITS ? last % WORD_BITS : WORD_BITS - 1;

        set->words[w] |= range_mask (lo, hi);
    }
    return 0;
}

int aw_idset_copy (struct aw_idset *set, const struct aw_idset *from)
{
    if (set == from)
        return 0;
    if (grow (set, from->n_words) < 0)
        return -1;
    for (uint32_t w = 0; w < set->n_words; w++)
        set->words[w] = w < from->n_words ? from->words[w] : 0;
    return 0;
}

int aw_idset_add_all (struct aw_idset *set, const struct aw_idset *other)
{
    if (grow (set, other->n_words) < 0)
        return -1;
    for (uint32_t w = 0; w < other->n_words; w++)
        set->words[w] |= other->words[w];
    return 0;
}

void aw_idset_remove_all (struct aw_idset *set, const struct aw_idset *other)
{
    for (uint32_t w = 0; w < set->n_words && w < other->n_words; w++)
        set->words[w] &= ~other->words[w];
}

bool aw_idset_has (const struct aw_idset *set, uint32_t id)
{
    uint32_t w = id / WORD_BITS;

    return w < set->n_words && (set->words[w] >> (id % WORD_BITS) & 1);
}

bool aw_idset_intersects (const struct aw_idset *set, const struct aw_idset *other)
{
    for (uint32_t w = 0; w < set->n_words && w < other->n_words; w++)
        if (set->words[w] & other->words[w])
            return true;
    return false;
}

bool aw_idset_equal (const struct aw_idset *set, const struct aw_idset *other)
{
    uint32_t n = set->n_words > other->n_words ? set->n_words : other->n_words;

    for (uint32_t w = 0; w < n; w++) {
        uint64_t a = w < set->n_words ? set->words[w] : 0;
        uint64_t b = w < other->n_words ? other->words[w] : 0;
        if (a != b)
            return false;
    }
    return true;
}

uint32_t aw_idset_count (const struct aw_idset *set)
{
    uint32_t n = 0;

    for (uint32_t w = 0; w < set->n_words; w++)
        n += (uint32_t)__builtin_popcountll (set->words[w]);
    return n;
}

/* The N lowest bits of WORD, which has more. */
static uint64_t lowest_bits (uint64_t word, uint32_t n)
{
    uint64_t rest = word;

    for (; n > 0; n--)
        rest &= rest - 1;
    return word ^ rest;
}

int aw_idset_add_lowest (struct aw_idset *set, const struct aw_idset *from, uint32_t n)
{
    uint32_t words = 0, left = n;

    for (; left > 0 && words < from->n_words; words++) {
        uint32_t bits = (uint32_t)__builtin_popcountll (from->words[words]);

        left -= bits < left ? bits : left;
    }
    if (left > 0) {
        errno = ENOSPC;
        return -1;
    }
    if (grow (set, words) < 0)
        return -1;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t word = from->words[w];
        uint32_t bits = (uint32_t)__builtin_popcountll (word);

        set->words[w] |= bits <= n ? word : lowest_bits (word, n);
        n -= bits < n ? bits : n;
    }
    return 0;
}

uint32_t aw_idset_next (const struct aw_idset *set, uint32_t from)
{
    for (uint32_t w = from / WORD_BITS; w < set->n_words; w++) {
        uint64_t word = set->words[w];

        if (w == from / WORD_BITS)
            word &= ~UINT64_C (0) << (from % WORD_BITS);
        if (word)
            return w * WORD_BITS + (uint32_t)__builtin_ctzll (word);
    }
    return AW_IDSET_NONE;
}

size_t aw_idset_format (const struct aw_idset *set, char *buf, size_t size)
{
    size_t len = 0;

    if (size)
        buf[0] = '\0';
    for (uint32_t id = aw_idset_next (set, 0); id != AW_IDSET_NONE;) {
        uint32_t last = id;
        int n;

        while (aw_idset_has (set, last + 1))
            last++;
        n = snprintf (len < size ? buf + len : NULL, len < size ? size - len : 0,
                      last > id ? "%s%u-%u" : "%s%u", len ? "," : "", id, last);
        len += n > 0 ? (size_t)n : 0;
        id = aw_idset_next (set, last + 1);
    }
    return len;
}

/* Reads one number below AW_IDSET_MAX at *TEXT and moves *TEXT to its end. */
static int parse_id (const char **text, uint32_t *id)
{
    uint32_t value = 0;
    const char *p = *text;

    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (uint32_t)(*p - '0');
        if (value >= AW_IDSET_MAX)
            return -1;
    }
    *text = p;
    *id = value;
    return 0;
}

static int parse_into (struct aw_idset *set, const char *text)
{
    uint32_t first, last;

    if (!*text)
        return 0;
    for (;;) {
        if (parse_id (&text, &first) < 0)
            break;
        last = first;
        if (*text == '-' && (text++, parse_id (&text, &last) < 0))
            break;
        if (aw_idset_add (set, first, last) < 0)
            return -1;
        if (!*text)
            return 0;
        if (*text++ != ',')
            break;
    }
    errno = EINVAL;
    return -1;
}

int aw_idset_parse (struct aw_idset *set, const char *text)
{
    struct aw_idset new;

    aw_idset_init (&new);
    if (!text) {
        errno = EINVAL;
        return -1;
    }
    if (parse_into (&new, text) < 0) {
        aw_idset_finish (&new);
        return -1;
    }
    aw_idset_finish (set);
    *set = new;
    return 0;
}
