/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "util/hash.h"

/* FNV-1a as its authors publish it. */
static const struct {
    const char *text;
    uint32_t hash32;
    uint64_t hash64;
} vectors[] = {
    { "", UINT32_C (0x811c9dc5), UINT64_C (0xcbf29ce484222325) },
    { "a", UINT32_C (0xe40c292c), UINT64_C (0xaf63dc4c8601ec8c) },
    { "foobar", UINT32_C (0xbf9cf968), UINT64_C (0x85944171f73967e8) },
};

static void known_hashes_come_out (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof (vectors) / sizeof (vectors[0]); i++) {
        const char *text = vectors[i].text;

        assert_int_equal (aw_hash32 (AW_HASH32_BASIS, text, strlen (text)), vectors[i].hash32);
        assert_true (aw_hash64 (AW_HASH64_BASIS, text, strlen (text)) == vectors[i].hash64);
    }
}

static void pieces_hash_as_the_whole (void **state)
{
    (void)state;
    assert_int_equal (aw_hash32 (aw_hash32 (AW_HASH32_BASIS, "foo", 3), "bar", 3),
                      vectors[2].hash32);
    assert_true (aw_hash64 (aw_hash64 (AW_HASH64_BASIS, "foo", 3), "bar", 3) == vectors[2].hash64);
}

/* A byte above 127 counts as what it is, whether char has a sign or not. */
static void bytes_above_127_count (void **state)
{
    (void)state;
    assert_int_equal (aw_hash32 (AW_HASH32_BASIS, "\xff", 1),
                      (uint32_t)((AW_HASH32_BASIS ^ 0xffu) * UINT32_C (16777619)));
}

int main (void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test (known_hashes_come_out),
        cmocka_unit_test (pieces_hash_as_the_whole),
        cmocka_unit_test (bytes_above_127_count),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
