/* SPDX-License-Identifier: Apache-2.0 */
/* A list of strings as exec takes it: an argument vector or an environment under construction. A
 * failed allocation is remembered, so that callers check once at the end.
 */
#ifndef AW_UTIL_STRINGS_H
#define AW_UTIL_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct aw_strings {
    char **v; /* n strings, owned, then NULL; NULL while nothing was added */
    size_t n;
    size_t size; /* private */
    bool failed; /* out of memory: what came after is missing */
};

/* An empty list; finish frees what it holds and keeps errno. {0} is an empty list too. */
void aw_strings_init (struct aw_strings *list);
void aw_strings_finish (struct aw_strings *list);

/* Appends a copy of TEXT, or of what printf's rules make of FMT. */
void aw_strings_add (struct aw_strings *list, const char *text);
void aw_strings_addf (struct aw_strings *list, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Appends copies of all strings of V, which is NULL-terminated or NULL. */
void aw_strings_add_all (struct aw_strings *list, char *const *v);

/* In a list of "NAME=value": replaces the value of NAME or appends it. */
void aw_strings_setenv (struct aw_strings *list, const char *name, const char *value);

/* In a list of "NAME=value": the value of NAME (borrowed until the list changes), or NULL. */
const char *aw_strings_getenv (const struct aw_strings *list, const char *name);

/* A vector of strings as exec takes it, in one block of memory that free() frees. TEXT of SIZE
 * bytes holds them one after the other, each with its NUL. NULL with ENOMEM.
 */
char **aw_strings_vector (const char *text, size_t size);

/* The value of NAME in the vector ENV of "NAME=value" (NULL-terminated, or NULL), or NULL.
 * Borrowed.
 */
const char *aw_env_get (char *const *env, const char *name);

/* Takes string number I out; those behind it move up. */
void aw_strings_remove (struct aw_strings *list, size_t i);

#endif /* AW_UTIL_STRINGS_H */
