/* SPDX-License-Identifier: Apache-2.0 */

/* Philox4x32-10 with the constants of the paper (table 2 and section 4.3), and the normal numbers
 * made from it.
 */

#include <math.h>

#include "philox.h"

#define ROUNDS 10

void ddmd_philox (uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];

    for (int round = 0; round < ROUNDS; round++) {
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

uint64_t ddmd_philox_key (uint64_t seed, uint32_t iteration, uint32_t index)
{
    uint32_t counter[4] = { iteration, index, 0, DDMD_PHILOX_KEY };
    uint32_t out[4];

    ddmd_philox (seed, counter, out);
    return out[0] | (uint64_t)out[1] << 32;
}

/* Two normal numbers from two words; u is in (0, 1], so the logarithm is finite. */
static void box_muller (uint32_t a, uint32_t b, double *first, double *second)
{
    float u = ((float)a + 1.0F) * 0x1p-32F;
    float angle = (float)b * (0x1p-32F * 6.28318530718F);
    float radius = sqrtf (-2.0F * logf (u < 1.0F ? u : 1.0F));

    *first = (double)(radius * cosf (angle));
    *second = (double)(radius * sinf (angle));
}

void ddmd_philox_normal (uint64_t key,
                         uint64_t step,
                         enum ddmd_philox_use use,
                         double *out,
                         size_t count)
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t counter[4] = { (uint32_t)step, (uint32_t)(step >> 32), (uint32_t)(i / 4), use };
        uint32_t word[4];
        double normal[4];

        ddmd_philox (key, counter, word);
        box_muller (word[0], word[1], &normal[0], &normal[1]);
        box_muller (word[2], word[3], &normal[2], &normal[3]);
        for (size_t k = 0; k < 4 && i + k < count; k++)
            out[i + k] = normal[k];
    }
}
