/* SPDX-License-Identifier: Apache-2.0 */
/* One list of keys: the parser's, the schema's and the manual's must be the same. */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "io/workflow/workflow_task.h"
#include "io/workflow/workflow_top.h"

enum { MAX_KEYS = 64 };

struct names {
    char *names[MAX_KEYS];
    size_t n;
};

static void add_name (struct names *names, const char *name, size_t length)
{
    assert_true (names->n < MAX_KEYS);
    names->names[names->n] = strndup (name, length);
    assert_non_null (names->names[names->n]);
    names->n++;
}

static int compare (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/* Both are freed. */
static void expect_equal (struct names *a, struct names *b)
{
    qsort (a->names, a->n, sizeof (a->names[0]), compare);
    qsort (b->names, b->n, sizeof (b->names[0]), compare);
    for (size_t i = 0; i < a->n && i < b->n; i++)
        assert_string_equal (a->names[i], b->names[i]);
    assert_int_equal (a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        free (a->names[i]);
        free (b->names[i]);
    }
}

static struct names parser_keys (bool defaults)
{
    struct names names = { .n = 0 };

    for (size_t i = 0; i < aw_task_keys (); i++) {
        enum aw_key_use use;
        const char *name = aw_task_key (i, &use);

        if (!defaults || use == AW_KEY_ANYWHERE)
            add_name (&names, name, strlen (name));
    }
    return names;
}

static struct names parser_top_keys (void)
{
    struct names names = { .n = 0 };

    for (size_t i = 0; i < AW_TOP_KEYS; i++)
        add_name (&names, aw_top_keys[i], strlen (aw_top_keys[i]));
    return names;
}

static const char *document (char path[4096], const char *name)
{
    const char *srcdir = getenv ("srcdir");

    snprintf (path, 4096, "%s/../docs/%s", srcdir ? srcdir : "tests", name);
    return path;
}

static struct json_object *member (struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    assert_true (json_object_object_get_ex (object, name, &value));
    return value;
}

/* Of the schema's object; each has a description, its own or that of the definition it refers to.
 */
static struct names schema_keys (struct json_object *schema, struct json_object *object)
{
    struct names names = { .n = 0 };

    assert_false (json_object_get_boolean (member (object, "additionalProperties")));
    json_object_object_foreach (member (object, "properties"), name, value)
    {
        struct json_object *ref;

        add_name (&names, name, strlen (name));
        if (json_object_object_get_ex (value, "$ref", &ref)) {
            const char *path = json_object_get_string (ref);

            assert_memory_equal (path, "#/definitions/", 14);
            value = member (member (schema, "definitions"), path + 14);
        }
        assert_true (json_object_get_string_len (member (value, "description")) > 10);
    }
    return names;
}

static void the_schema_has_every_key (void **state)
{
    char path[4096];
    struct json_object *root = json_object_from_file (document (path, "workflow.schema.json"));
    struct names parser, found;

    (void)state;
    assert_non_null (root);
    parser = parser_top_keys ();
    found = schema_keys (root, root);
    expect_equal (&parser, &found);
    parser = parser_keys (true);
    found = schema_keys (root, member (member (root, "properties"), "defaults"));
    expect_equal (&parser, &found);
    parser = parser_keys (false);
    found = schema_keys (root, member (member (root, "definitions"), "task"));
    expect_equal (&parser, &found);
    assert_int_equal (json_object_put (root), 1);
}

/* "maximum" of the first alternative of a value. */
static int64_t maximum (struct json_object *value)
{
    return json_object_get_int64 (
        member (json_object_array_get_idx (member (value, "anyOf"), 0), "maximum"));
}

static void the_schema_has_the_limits_of_the_parser (void **state)
{
    char path[4096];
    struct json_object *root = json_object_from_file (document (path, "workflow.schema.json"));
    struct json_object *definitions;

    (void)state;
    assert_non_null (root);
    definitions = member (root, "definitions");
    assert_int_equal (maximum (member (member (root, "properties"), "iterations")), AW_MAX_TASKS);
    assert_int_equal (maximum (member (definitions, "count")), AW_MAX_TASKS);
    assert_int_equal (maximum (member (definitions, "cpus")), AW_IDSET_MAX);
    assert_int_equal (maximum (member (definitions, "gpus")), AW_IDSET_MAX);
    assert_int_equal (json_object_get_int (member (member (definitions, "text"), "maxLength")),
                      AW_MAX_TEXT);
    assert_int_equal (json_object_put (root), 1);
}

/* The tags of a section that are keys: ".BR name " (type...)"". */
static struct names manual_keys (FILE *manual, const char *section)
{
    struct names names = { .n = 0 };
    char line[4096];
    bool inside = false;

    rewind (manual);
    while (fgets (line, sizeof (line), manual)) {
        if (!strncmp (line, ".SH ", 4))
            inside = !strncmp (line + 4, section, strlen (section));
        if (inside && !strncmp (line, ".BR ", 4) && strstr (line, " \" ("))
            add_name (&names, line + 4, strcspn (line + 4, " "));
    }
    return names;
}

static void the_manual_has_every_key (void **state)
{
    char path[4096];
    FILE *file = fopen (document (path, "man/async-workflow-file.5"), "r");
    struct names parser, found;

    (void)state;
    assert_non_null (file);
    parser = parser_top_keys ();
    found = manual_keys (file, "TOP LEVEL");
    expect_equal (&parser, &found);
    parser = parser_keys (false);
    found = manual_keys (file, "TASK SETS");
    expect_equal (&parser, &found);
    fclose (file);
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_schema_has_every_key),
        cmocka_unit_test (the_schema_has_the_limits_of_the_parser),
        cmocka_unit_test (the_manual_has_every_key),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
