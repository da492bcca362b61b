/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "io/workflow/shapes.h"

#include <stdlib.h>
#include <string.h>

#include "io/json_compat.h"
#include "io/workflow/json_check.h"
#include "io/workflow/reader.h"
#include "io/json_tree.h"
#include "io/text_file.h"

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 8, MAX_NODES = 1 << 20 };

static const char *const keys[] = { "nodes", "cpus", "gpus", "mem" };
enum { KEY_NODES, KEY_CPUS, KEY_GPUS, KEY_MEM, N_KEYS };

static bool read_value (struct aw_reader *reader,
                        int key,
                        struct json_object *value,
                        struct aw_shape_entry *entry)
{
    uint64_t number = 0;

    switch (key) {
    case KEY_NODES:
        if (!aw_reader_integer (reader, value, 1, MAX_NODES, &number))
            return false;
        entry->nodes = (uint32_t)number;
        return true;
    case KEY_CPUS:
        if (!aw_reader_integer (reader, value, 1, AW_IDSET_MAX, &number))
            return false;
        entry->node.cpus = (uint32_t)number;
        return true;
    case KEY_GPUS:
        if (!aw_reader_integer (reader, value, 0, AW_IDSET_MAX, &number))
            return false;
        entry->node.gpus = (uint32_t)number;
        return true;
    default:
        return aw_reader_bytes (reader, value, &entry->node.mem);
    }
}

static void read_entry (struct aw_reader *reader,
                        struct json_object *object,
                        struct aw_shape_entry *entry)
{
    *entry = (struct aw_shape_entry){ .nodes = 1 };
    if (!aw_reader_object (reader, object))
        return;
    json_object_object_foreach (object, name, value)
    {
        size_t mark = 0;
        int key = 0;

        while (key < N_KEYS && strcmp (keys[key], name) != 0)
            key++;
        if (key == N_KEYS) {
            aw_reader_unknown (reader, "key", name, keys, N_KEYS,
                               "known keys: nodes, cpus, gpus, mem");
            continue;
        }
        mark = aw_reader_enter (reader, name);
        read_value (reader, key, value, entry);
        aw_reader_leave (reader, mark);
    }
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
    size_t before = problems->n_errors, size;
    struct json_object *root = NULL;
    struct aw_reader reader;
    struct aw_error err;
    char *text = aw_text_file_read (path, MAX_BYTES, &size, &err);

    if (!text) {
        aw_problems_add (problems, false, "%s: %s", path, err.text);
        return NULL;
    }
    aw_reader_init (&reader, path, problems);
    if (aw_json_check (text, size, MAX_DEPTH, path, problems) == 0) {
        root = aw_json_tree_load (text, size, MAX_DEPTH + 1, problems->n_errors > before, &err);
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
