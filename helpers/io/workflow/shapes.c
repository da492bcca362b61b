/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/workflow/shapes.h"

#include <stdlib.h>
#include <string.h>

#include "io/json_compat.h"
#include "io/workflow/json_check.h"
#include "io/workflow/reader_keys.h"
#include "io/json_tree.h"
#include "io/text_file.h"
#include "util/utf8.h"

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 8, MAX_NODES = 1 << 20 };

#define OF(member) .offset = offsetof (struct aw_shape_entry, member)

static const struct aw_key keys[] = {
    { "nodes", AW_KEY_U32, OF (nodes), .min = 1, .max = MAX_NODES },
    { "cpus", AW_KEY_U32, OF (node.cpus), .min = 1, .max = AW_IDSET_MAX },
    { "gpus", AW_KEY_U32, OF (node.gpus), .min = 0, .max = AW_IDSET_MAX },
    { "mem", AW_KEY_BYTES, OF (node.mem) },
};

static void read_entry (struct aw_reader *reader,
                        struct json_object *object,
                        struct aw_shape_entry *entry)
{
    *entry = (struct aw_shape_entry){ .nodes = 1 };
    if (!aw_reader_object (reader, object))
        return;
    aw_keys_read (reader, keys, sizeof (keys) / sizeof (keys[0]),
                  "known keys: nodes, cpus, gpus, mem", object, entry);
    if (!json_object_object_get_ex (object, "cpus", NULL))
        aw_reader_error (reader, "\"cpus\" is missing: give the number of CPUs of such a node");
}

static struct aw_shape_entry *read_all (struct aw_reader *reader,
                                        struct json_object *root,
                                        size_t *n)
{
    struct aw_shape_entry *entries;

    if (!aw_reader_array (reader, root))
        return NULL;
    *n = json_object_array_length (root);
    if (*n == 0) {
        aw_reader_error (reader, "has no nodes: write [{ \"nodes\": 4, \"cpus\": 64 }]");
        return NULL;
    }
    entries = calloc (*n, sizeof (*entries));
    if (!entries)
        aw_reader_no_memory (reader);
    for (size_t i = 0; entries && i < *n; i++) {
        size_t mark = aw_reader_enter_index (reader, i);

        read_entry (reader, json_object_array_get_idx (root, i), &entries[i]);
        aw_reader_leave (reader, mark);
    }
    return entries;
}

struct aw_shape_entry *aw_shapes_load (const char *path, size_t *n, struct aw_problems *problems)
{
    struct aw_shape_entry *entries = NULL;
    size_t before = problems->n_errors, size, mark;
    struct json_object *root = NULL;
    struct aw_reader reader;
    struct aw_error err;
    char *text = aw_text_file_read (path, MAX_BYTES, &size, &err);

    if (!text) {
        aw_problems_add (problems, false, "%s: %s", path, err.text);
        return NULL;
    }
    mark = aw_utf8_mark (text, size);
    size -= mark;
    aw_reader_init (&reader, path, problems);
    if (aw_json_check (text + mark, size, MAX_DEPTH, path, problems) == 0) {
        root =
            aw_json_tree_load (text + mark, size, MAX_DEPTH + 1, problems->n_errors > before, &err);
        if (root)
            entries = read_all (&reader, root, n);
        else
            aw_reader_error (&reader, "%s", err.text);
    }
    if (problems->n_errors > before) {
        free (entries);
        entries = NULL;
    }
    json_object_put (root);
    aw_reader_finish (&reader);
    free (text);
    return entries;
}
