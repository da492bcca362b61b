/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of an object of the workflow file as a table: how the value of each is read, its limits,
 * and its place in the struct that the object is read to.
 */
#ifndef AW_IO_WORKFLOW_READER_KEYS_H
#define AW_IO_WORKFLOW_READER_KEYS_H

#include "io/workflow/reader.h"
#include "io/workflow/template.h"

enum aw_key_form {
    AW_KEY_OTHER, /* read by the key's function */
    AW_KEY_U32, /* uint32_t, from min to max */
    AW_KEY_SECONDS, /* double */
    AW_KEY_LIMIT, /* double, seconds above 0 */
    AW_KEY_BYTES, /* uint64_t */
    AW_KEY_FLAG, /* bool */
    AW_KEY_CHOICE, /* an enum: min for the first of the words */
    AW_KEY_TEXT, /* char *, owned: a template that is not empty */
};

struct aw_key {
    const char *name;
    enum aw_key_form form;
    size_t offset;
    uint32_t min, max;
    const char *words[4]; /* those to choose from, ended by NULL */
    /* OBJECT is what the offset counts from. */
    void (*read) (struct aw_reader *reader, struct json_object *value, void *object);
    bool own; /* of a task set: cannot stand in "defaults" */
};

/* A text that must not be empty, compiled; replaces what *TEXT held. */
bool aw_reader_template (struct aw_reader *reader,
                         struct json_object *value,
                         enum aw_template_kind kind,
                         char **text);

/* The key of that name among N, or NULL. */
const struct aw_key *aw_key_find (const struct aw_key *keys, size_t n, const char *name);

/* Reads VALUE, the value of KEY, where the reader has entered it. */
void aw_key_read (struct aw_reader *reader,
                  const struct aw_key *key,
                  struct json_object *value,
                  void *object);

/* Reports that NAME is none of N keys: HINT where none is like it. */
void aw_key_unknown (struct aw_reader *reader,
                     const struct aw_key *keys,
                     size_t n,
                     const char *name,
                     const char *hint);

/* Reads all members of VALUE, an object, to OBJECT. */
void aw_keys_read (struct aw_reader *reader,
                   const struct aw_key *keys,
                   size_t n,
                   const char *hint,
                   struct json_object *value,
                   void *object);

#endif /* AW_IO_WORKFLOW_READER_KEYS_H */
