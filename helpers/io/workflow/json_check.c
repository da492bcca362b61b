/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent over the grammar of RFC 8259, as deep as the caller allows. The keys of the
 * objects that are open lie on one stack; where an object closes, its own are sorted and equal
 * neighbours reported, so that time grows as n log n.
 */
#include "io/workflow/json_check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_string.h"
#include "io/textbuf.h"
#include "util/array.h"
#include "util/utf8.h"

/* A key as it is meant, escapes resolved. */
struct key {
    const char *name; /* within the text, or owned */
    size_t size;
    const char *at; /* where it stands */
    char *owned;
};

/* An object or array that is open, the innermost first. */
struct frame {
    const struct frame *up;
    const char *opened;
    const char *key; /* of the member that is being read; NULL in an array */
    size_t key_size;
    size_t index;
};

struct check {
    const char *text;
    const char *p;
    const char *end;
    unsigned depth; /* how many more may open */
    unsigned max_depth;
    const char *label;
    struct aw_problems *problems;
    const struct frame *top;
    struct key *keys;
    size_t n_keys;
    size_t room;
};

static int value (struct check *c);

static void find_line (const struct check *c,
                       const char *at,
                       unsigned long *line,
                       unsigned long *column)
{
    const char *begin = c->text;

    *line = 1;
    *column = 1;
    for (const char *p = c->text; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            begin = p + 1;
        }
    }
    for (const char *p = begin; p < at; p++)
        *column += ((unsigned char)*p & 0xc0) != 0x80; /* every byte that begins a character */
}

__attribute__ ((format (printf, 3, 4))) static int fail (const struct check *c,
                                                         const char *at,
                                                         const char *fmt,
                                                         ...)
{
    unsigned long line, column;
    char text[256];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    find_line (c, at, &line, &column);
    aw_problems_add (c->problems, false, "%s: line %lu, column %lu: %s", c->label, line, column,
                     text);
    return -1;
}

/* The file ends where something should follow. */
static int fail_at_end (const struct check *c)
{
    unsigned long line, column;

    if (!c->top)
        return fail (c, c->end, "the file ends where a value is expected");
    find_line (c, c->top->opened, &line, &column);
    return fail (c, c->end, "the file ends inside what opens in line %lu, column %lu: add \"%c\"",
                 line, column, *c->top->opened == '{' ? '}' : ']');
}

/* Something else stands where EXPECTED should. */
static int fail_here (const struct check *c, const char *expected)
{
    unsigned char byte = (unsigned char)*c->p;
    size_t n = aw_utf8_length (c->p, (size_t)(c->end - c->p));

    if (c->p == c->end)
        return fail_at_end (c);
    if (!n)
        return fail (c, c->p, "byte 0x%02x is not UTF-8: save the file as UTF-8", byte);
    if (byte == '\0')
        return fail (c, c->p, "a NUL byte: %s is expected", expected);
    if (byte < 0x20 || byte == 0x7f)
        return fail (c, c->p, "control character 0x%02x: %s is expected", byte, expected);
    if (byte == '/' || byte == '#')
        return fail (c, c->p, "JSON has no comments: remove it");
    if (byte == '\'')
        return fail (c, c->p, "single quotes: write \"text\" in double quotes");
    if (byte == '"')
        return fail (c, c->p, "text where %s is expected", expected);
    return fail (c, c->p, "\"%.*s\" where %s is expected", (int)n, c->p, expected);
}

static void skip_blanks (struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool is_word (char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9')
           || ch == '_';
}

/* A word that is none of JSON's. */
static int fail_word (const struct check *c, const char *from)
{
    static const struct {
        const char *word;
        const char *hint;
    } known[] = {
        { "NaN", "JSON has no such number" },
        { "nan", "JSON has no such number" },
        { "Infinity", "JSON has no such number" },
        { "inf", "JSON has no such number" },
        { "True", "write true" },
        { "False", "write false" },
        { "None", "leave the key out" },
        { "undefined", "leave the key out" },
    };
    const char *to = from;
    int length;

    while (to < c->end && is_word (*to) && to - from < 40)
        to++;
    length = (int)(to - from);
    for (size_t i = 0; i < sizeof (known) / sizeof (known[0]); i++)
        if (strlen (known[i].word) == (size_t)length
            && !memcmp (from, known[i].word, (size_t)length))
            return fail (c, from, "%s: %s", known[i].word, known[i].hint);
    return fail (c, from, "%.*s is not a JSON value: write text in double quotes", length, from);
}

static int literal (struct check *c)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen (words[i]);

        if ((size_t)(c->end - c->p) >= n && !memcmp (c->p, words[i], n)
            && (c->p + n == c->end || !is_word (c->p[n]))) {
            c->p += n;
            return 0;
        }
    }
    return fail_word (c, c->p);
}

static bool is_digit (const struct check *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static int digits (struct check *c)
{
    if (!is_digit (c))
        return fail_here (c, "a digit");
    while (is_digit (c))
        c->p++;
    return 0;
}

static int number (struct check *c)
{
    const char *from = c->p;

    if (*c->p == '-')
        c->p++;
    if (c->p < c->end && is_word (*c->p) && !is_digit (c))
        return fail_word (c, c->p); /* -Infinity */
    if (c->end - c->p > 1 && *c->p == '0' && c->p[1] >= '0' && c->p[1] <= '9')
        return fail (c, from, "a number does not begin with 0: leave out the zero");
    if (digits (c) < 0)
        return -1;
    if (c->p < c->end && *c->p == '.' && (c->p++, digits (c) < 0))
        return -1;
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        if (digits (c) < 0)
            return -1;
    }
    if (c->p < c->end && is_word (*c->p))
        return fail (c, from,
                     "letters after a number: write text in double quotes, as \"1h\" or \"4G\"");
    return 0;
}

/* An escape that is none, or half of one. */
static int fail_escape (const struct check *c)
{
    unsigned unit;
    char digits[5] = "";

    if (c->end - c->p < 6 || c->p[1] != 'u')
        return fail (c, c->p, "an escape that JSON does not have: write a backslash as \\\\");
    memcpy (digits, c->p + 2, 4);
    if (strspn (digits, "0123456789abcdefABCDEF") != 4)
        return fail (c, c->p, "\\u without four hexadecimal digits: write a backslash as \\\\");
    unit = (unsigned)strtoul (digits, NULL, 16);
    return fail (c, c->p, "\\u%s is %s: write the character itself", digits,
                 unit < 0xdc00 ? "half a character, and the other half does not follow"
                               : "half a character, and the other half is not before it");
}

/* Moves behind a string. */
static int string (struct check *c)
{
    const char *opened = c->p++;

    for (;;) {
        size_t n = aw_utf8_length (c->p, (size_t)(c->end - c->p));
        unsigned char byte = c->p < c->end ? (unsigned char)*c->p : 0;
        uint32_t character;

        if (c->p == c->end)
            return fail (c, opened, "a text without its closing double quote: add it");
        if (byte == '"') {
            c->p++;
            return 0;
        }
        if (byte == '\n' || byte == '\r')
            return fail (c, c->p,
                         "the line ends within a text: close the double quote, or write \\n");
        if (!n)
            return fail (c, c->p, "byte 0x%02x is not UTF-8: save the file as UTF-8", byte);
        if (byte == 0)
            return fail (c, c->p, "control character 0x00 within text: remove it");
        if (byte < 0x20)
            return fail (c, c->p, "control character 0x%02x within text: write \\u%04x", byte,
                         byte);
        if (byte == '\\') {
            n = aw_json_read_escape (c->p, (size_t)(c->end - c->p), &character);
            if (!n)
                return fail_escape (c);
        }
        c->p += n;
    }
}

/* Puts the key that stands between FROM and the current place on the stack. */
static int push_key (struct check *c, const char *from)
{
    struct key key = { .name = from + 1, .size = (size_t)(c->p - from) - 2, .at = from };

    if (memchr (key.name, '\\', key.size)) {
        key.owned = malloc (key.size + 1);
        if (!key.owned)
            return fail (c, from, "out of memory");
        key.size = aw_json_unescape (key.name, key.size, key.owned);
        key.name = key.owned;
        if (memchr (key.name, '\0', key.size)) {
            free (key.owned);
            return fail (c, from, "a key with \\u0000 in it: leave it out");
        }
    }
    if (aw_array_reserve (&c->keys, &c->room, c->n_keys + 1) < 0) {
        free (key.owned);
        return fail (c, from, "out of memory");
    }
    c->keys[c->n_keys++] = key;
    return 0;
}

static void pop_keys (struct check *c, size_t n)
{
    while (c->n_keys > n)
        free (c->keys[--c->n_keys].owned);
}

/* By name, equal names by where they stand. */
static int compare_keys (const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = memcmp (x->name, y->name, x->size < y->size ? x->size : y->size);

    if (order)
        return order;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void write_place (const struct frame *frame, struct aw_textbuf *place)
{
    if (!frame)
        return;
    write_place (frame->up, place);
    if (frame->key) {
        if (place->len)
            aw_textbuf_putc (place, '.');
        aw_textbuf_put (place, frame->key, frame->key_size < 64 ? frame->key_size : 64);
    }
    else {
        aw_textbuf_printf (place, "[%zu]", frame->index);
    }
}

static void report_duplicate (struct check *c,
                              struct frame *frame,
                              const struct key *first,
                              const struct key *second)
{
    unsigned long line, column, first_line, first_column;
    struct aw_textbuf place;

    frame->key = second->name;
    frame->key_size = second->size;
    aw_textbuf_init (&place);
    if (c->problems->n_items < AW_PROBLEMS_MAX) { /* else only counted: lines cost */
        find_line (c, first->at, &first_line, &first_column);
        find_line (c, second->at, &line, &column);
        write_place (frame, &place);
        aw_problems_add (c->problems, false,
                         "%s: %.*s: given twice, in line %lu, column %lu and in line %lu, column "
                         "%lu: remove one",
                         c->label, (int)place.len, place.data, first_line, first_column, line,
                         column);
    }
    else {
        aw_problems_add (c->problems, false, "duplicate");
    }
    aw_textbuf_finish (&place);
}

/* Of the object that FRAME is, whose keys begin at FIRST. */
static void check_duplicates (struct check *c, struct frame *frame, size_t first)
{
    size_t n = c->n_keys - first;
    struct key *keys = n ? c->keys + first : NULL;

    if (n < 2)
        return;
    qsort (keys, n, sizeof (*keys), compare_keys);
    for (size_t i = 1; i < n; i++)
        if (keys[i].size == keys[i - 1].size
            && !memcmp (keys[i].name, keys[i - 1].name, keys[i].size))
            report_duplicate (c, frame, &keys[i - 1], &keys[i]);
}

/* Behind a member or element: true where another follows. -1 on error, 0 where CLOSE stood there.
 */
static int next_member (struct check *c, char close)
{
    const char *comma;

    skip_blanks (c);
    if (c->p < c->end && *c->p == close) {
        c->p++;
        return 0;
    }
    if (c->p == c->end || *c->p != ',')
        return fail_here (c, close == '}' ? "\",\" or \"}\"" : "\",\" or \"]\"");
    comma = c->p++;
    skip_blanks (c);
    if (c->p < c->end && *c->p == close)
        return fail (c, comma, "a comma before \"%c\": remove it", close);
    return 1;
}

static int members (struct check *c, struct frame *frame)
{
    int more;

    do {
        const char *key = c->p;

        frame->key = NULL;
        if (c->p == c->end || *c->p != '"') {
            if (c->p < c->end && is_word (*c->p))
                return fail (c, c->p, "a key without quotes: write it in double quotes");
            return fail_here (c, "a key in double quotes");
        }
        if (string (c) < 0 || push_key (c, key) < 0)
            return -1;
        frame->key = c->keys[c->n_keys - 1].name;
        frame->key_size = c->keys[c->n_keys - 1].size;
        skip_blanks (c);
        if (c->p == c->end || *c->p != ':')
            return fail_here (c, "\":\" after a key");
        c->p++;
        if (value (c) < 0)
            return -1;
    } while ((more = next_member (c, '}')) > 0);
    return more;
}

static int elements (struct check *c, struct frame *frame)
{
    int more;

    do {
        if (value (c) < 0)
            return -1;
        frame->index++;
    } while ((more = next_member (c, ']')) > 0);
    return more;
}

static int container (struct check *c)
{
    bool object = *c->p == '{';
    struct frame frame = { .up = c->top, .opened = c->p };
    size_t first = c->n_keys;
    int rc = 0;

    if (!c->depth)
        return fail (c, c->p, "nested too deeply: at most %u levels are allowed", c->max_depth);
    c->depth--;
    c->top = &frame;
    c->p++;
    skip_blanks (c);
    if (c->p < c->end && *c->p == (object ? '}' : ']'))
        c->p++;
    else
        rc = object ? members (c, &frame) : elements (c, &frame);
    if (rc == 0 && object)
        check_duplicates (c, &frame, first);
    pop_keys (c, first);
    c->top = frame.up;
    c->depth++;
    return rc;
}

static int value (struct check *c)
{
    skip_blanks (c);
    if (c->p == c->end)
        return fail_at_end (c);
    switch (*c->p) {
    case '{':
    case '[':
        return container (c);
    case '"':
        return string (c);
    case '-':
    case '0' ... '9':
        return number (c);
    default:
        return is_word (*c->p) ? literal (c) : fail_here (c, "a value");
    }
}

int aw_json_check (
    const char *text, size_t size, unsigned depth, const char *label, struct aw_problems *problems)
{
    struct check c = {
        .text = text,
        .p = text,
        .end = text + size,
        .depth = depth,
        .max_depth = depth,
        .label = label,
        .problems = problems,
    };
    int rc;

    if (size >= 3 && !memcmp (text, "\xef\xbb\xbf", 3)) {
        rc = fail (&c, text, "a byte order mark: save the file as UTF-8 without one");
    }
    else {
        rc = value (&c);
        skip_blanks (&c);
        if (rc == 0 && c.p < c.end)
            rc = fail_here (&c, "the end of the file");
    }
    pop_keys (&c, 0);
    free (c.keys);
    return rc;
}
