/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the journal taken apart. Unknown members are skipped, so that later versions can add
 * some; all else is strict, because it decides what a resumed run does.
 */
#include <stdlib.h>
#include <string.h>

#include "io/journal/journal_members.h"
#include "io/journal/journal_private.h"
#include "io/scan.h"
#include "util/array.h"

void aw_journal_line_finish (struct aw_journal_line *line)
{
    free (line->again.texts);
    free (line->dropped.texts);
    aw_journal_more_finish (&line->more);
}

/* The member with KEY. Members come in order mostly, so FIRST is looked at first. */
static int find_member (const char *key, int first)
{
    for (int i = 0; i < AW_MEMBERS; i++) {
        int member = (first + i) % AW_MEMBERS;

        if (strcmp (key, aw_journal_members[member].key) == 0)
            return member;
    }
    return -1;
}

static int scan_list (struct aw_journal_list *list, char **p)
{
    char *text;

    list->n = 0;
    if (aw_scan_char (p, '[') < 0)
        return -1;
    if (aw_scan_char (p, ']') == 0)
        return 0;
    do {
        if (aw_scan_string (p, &text) < 0
            || aw_array_reserve (&list->texts, &list->room, list->n + 1) < 0)
            return -1;
        list->texts[list->n++] = text;
    } while (aw_scan_char (p, ',') == 0);
    return aw_scan_char (p, ']');
}

static int scan_number (double *number,
                        char **p,
                        const struct aw_journal_member *m,
                        struct aw_error *err)
{
    if (aw_scan_number (p, number) < 0)
        return aw_error_set (err, "\"%s\" must be a number", m->key);
    if (!(*number <= m->max && *number >= (m->form == AW_JOURNAL_INT ? -m->max : 0)))
        return aw_error_set (err, "\"%s\" is out of range", m->key);
    return 0;
}

static int scan_member (struct aw_journal_line *line, char **p, int member, struct aw_error *err)
{
    const struct aw_journal_member *m = &aw_journal_members[member];

    if (line->seen & AW_MEMBER_BIT (member))
        return aw_error_set (err, "\"%s\" is given twice", m->key);
    line->seen |= AW_MEMBER_BIT (member);
    if (m->form == AW_JOURNAL_MORE)
        return aw_journal_scan_more (&line->more, p, err);
    if ((m->form == AW_JOURNAL_SETS && scan_list (&line->again, p) < 0)
        || (m->form == AW_JOURNAL_INDEXES && scan_list (&line->dropped, p) < 0))
        return aw_error_set (err, "\"%s\" must be a list of names", m->key);
    if (m->form <= AW_JOURNAL_TEXTS && aw_scan_string (p, &line->text[member]) < 0)
        return aw_error_set (err, "\"%s\" must be a string", m->key);
    return m->form > AW_JOURNAL_TEXTS && m->form < AW_JOURNAL_MORE
               ? scan_number (&line->number[member], p, m, err)
               : 0;
}

static int not_json (const char *text, const char *p, struct aw_error *err)
{
    return aw_error_set (err, "not valid JSON at column %zu", (size_t)(p - text) + 1);
}

int aw_journal_scan_line (struct aw_journal_line *line, char *text, struct aw_error *err)
{
    char *p = text, *key;
    int next = 0;

    line->seen = 0;
    if (aw_scan_char (&p, '{') < 0)
        return aw_error_set (err, "not a JSON object");
    do {
        int member;

        if (aw_scan_string (&p, &key) < 0 || aw_scan_char (&p, ':') < 0)
            return not_json (text, p, err);
        member = find_member (key, next);
        if (member < 0 && aw_scan_skip (&p) < 0)
            return not_json (text, p, err);
        if (member >= 0 && scan_member (line, &p, member, err) < 0)
            return -1;
        next = member >= 0 ? member + 1 : next;
    } while (aw_scan_char (&p, ',') == 0);
    if (aw_scan_char (&p, '}') < 0 || (aw_scan_space (&p), *p))
        return not_json (text, p, err);
    return 0;
}
