/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as json-c's tree, all of it or nothing: json-c drops keys and elements silently where memory
 * runs out. Everything in the project that needs a tree gets it here.
 */
#ifndef AW_IO_JSON_TREE_H
#define AW_IO_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct json_object;

/* Parses the SIZE bytes at TEXT, which hold one value and nothing else: valid UTF-8, at most DEPTH
 * levels. The caller frees the tree with json_object_put. NULL with text where it is not JSON
 * ("unexpected end of data") or memory runs out ("out of memory"). The value null is not accepted,
 * nor is an object that has a key twice unless DUPLICATES: then the last one counts. aw_json_check
 * has found TEXT to be JSON: json-c's own strictness would refuse numbers beyond 64 bits from 0.18
 * on, without their place.
 */
struct json_object *aw_json_tree_load (
    const char *text, size_t size, int depth, bool duplicates, struct aw_error *err);

/* VALUE as it is written. Borrowed from VALUE. NULL with ENOMEM. */
const char *aw_json_tree_text (struct json_object *value);

#endif /* AW_IO_JSON_TREE_H */
