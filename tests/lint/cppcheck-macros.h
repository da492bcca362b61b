/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of libraries that cppcheck cannot read by itself. */
#define SPANK_PLUGIN(name, version)
#define json_object_object_foreach(object, key, value) \
    char *key = next_key (object);                     \
    struct json_object *value = next_value (object);   \
    for (; key; key = next_key (object), value = next_value (object))
