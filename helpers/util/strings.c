/* SPDX-License-Identifier: Apache-2.0 */
#include "util/strings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

void aw_strings_init (struct aw_strings *list)
{
    memset (list, 0, sizeof (*list));
}

void aw_strings_finish (struct aw_strings *list)
{
    int saved = errno;

    for (size_t i = 0; i < list->n; i++)
        free (list->v[i]);
    free (list->v);
    aw_strings_init (list);
    errno = saved;
}

/* Takes TEXT over; NULL is a failed allocation. */
static void add_owned (struct aw_strings *list, char *text)
{
    if (!text || list->failed || aw_array_reserve (&list->v, &list->size, list->n + 2) < 0) {
        free (text);
        list->failed = true;
        return;
    }
    list->v[list->n++] = text;
    list->v[list->n] = NULL;
}

void aw_strings_add (struct aw_strings *list, const char *text)
{
    add_owned (list, strdup (text));
}

static char *format (const char *fmt, va_list ap)
{
    char *text = NULL;
    va_list again;
    int len;

    va_copy (again, ap);
    len = vsnprintf (NULL, 0, fmt, again);
    va_end (again);
    if (len >= 0 && (text = malloc ((size_t)len + 1)))
        vsnprintf (text, (size_t)len + 1, fmt, ap);
    return text;
}

void aw_strings_addf (struct aw_strings *list, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    add_owned (list, format (fmt, ap));
    va_end (ap);
}

void aw_strings_add_all (struct aw_strings *list, char *const *v)
{
    for (; v && *v; v++)
        aw_strings_add (list, *v);
}

static size_t find (const struct aw_strings *list, const char *name)
{
    size_t len = strlen (name);

    for (size_t i = 0; i < list->n; i++) {
        if (strncmp (list->v[i], name, len) == 0 && list->v[i][len] == '=')
            return i;
    }
    return SIZE_MAX;
}

void aw_strings_setenv (struct aw_strings *list, const char *name, const char *value)
{
    size_t i = find (list, name);
    char *last;

    aw_strings_addf (list, "%s=%s", name, value);
    if (i == SIZE_MAX || list->failed)
        return;
    last = list->v[--list->n];
    list->v[list->n] = NULL;
    free (list->v[i]);
    list->v[i] = last;
}

char **aw_strings_vector (const char *text, size_t size)
{
    size_t n = 0, i = 0;
    char **v, *copy;

    for (size_t at = 0; at < size; at += strlen (text + at) + 1)
        n++;
    v = malloc ((n + 1) * sizeof (*v) + size);
    if (!v)
        return NULL;
    copy = (char *)(v + n + 1);
    if (size)
        memcpy (copy, text, size);
    for (; i < n; copy += strlen (copy) + 1)
        v[i++] = copy;
    v[n] = NULL;
    return v;
}

const char *aw_env_get (char *const *env, const char *name)
{
    size_t n = strlen (name);

    for (; env && *env; env++)
        if (strncmp (*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

const char *aw_strings_getenv (const struct aw_strings *list, const char *name)
{
    return aw_env_get (list->v, name);
}

void aw_strings_remove (struct aw_strings *list, size_t i)
{
    if (i >= list->n)
        return;
    free (list->v[i]);
    memmove (list->v + i, list->v + i + 1, (list->n - i) * sizeof (*list->v));
    list->n--;
}
