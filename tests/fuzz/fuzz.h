/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. Each is a program of libFuzzer: it is given bytes, and fails where
 * the code under test crashes, leaks, or breaks a rule that holds for every input.
 */
#ifndef AW_FUZZ_H
#define AW_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A rule that no input may break. */
#define RULE(condition)                                                                   \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf (stderr, "%s:%d: rule broken: %s\n", __FILE__, __LINE__, #condition); \
            abort ();                                                                     \
        }                                                                                 \
    } while (0)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#endif /* AW_FUZZ_H */
