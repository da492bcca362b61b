/* SPDX-License-Identifier: Apache-2.0 */

/* Philox4x32-10 with the constants of the paper (table 2 and section 4.3), and the normal numbers
 * made from it, for every device; see philox.h.
 */

#ifndef DDMD_PHILOX_ROUNDS_H
#define DDMD_PHILOX_ROUNDS_H

#include <math.h>
#include <stdint.h>

#include "device.h"

enum { DDMD_PHILOX_ROUNDS = 10 };

static inline DDMD_DEVICE void ddmd_philox_rounds (uint64_t key,
                                                   const uint32_t counter[4],
                                                   uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];

    for (int round = 0; round < DDMD_PHILOX_ROUNDS; round++) {
        uint64_t a = (uint64_t)x0 * 0xD2511F53U;
        uint64_t b = (uint64_t)x2 * 0xCD9E8D57U;

        x0 = (uint32_t)(b >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)b;
        x2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)a;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

/* Two normal numbers from two words; u is in (0, 1], so the logarithm is finite. */
static inline DDMD_DEVICE void ddmd_box_muller (uint32_t a,
                                                uint32_t b,
                                                double *first,
                                                double *second)
{
    float u = ((float)a + 1.0F) * 0x1p-32F;
    float angle = (float)b * (0x1p-32F * 6.28318530718F);
    float radius = sqrtf (-2.0F * logf (u < 1.0F ? u : 1.0F));

    *first = (double)(radius * cosf (angle));
    *second = (double)(radius * sinf (angle));
}

#endif /* !DDMD_PHILOX_ROUNDS_H */
