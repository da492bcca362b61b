/* SPDX-License-Identifier: Apache-2.0 */

#include "philox.h"

#include "philox_rounds.h"

void ddmd_philox (uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    ddmd_philox_rounds (key, counter, out);
}

uint64_t ddmd_philox_key (uint64_t seed, uint32_t iteration, uint32_t index)
{
    uint32_t counter[4] = { iteration, index, 0, DDMD_PHILOX_KEY };
    uint32_t out[4];

    ddmd_philox (seed, counter, out);
    return out[0] | (uint64_t)out[1] << 32;
}

void ddmd_philox_normal (
    uint64_t key, uint64_t step, enum ddmd_philox_use use, double *out, size_t count)
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t counter[4] = { (uint32_t)step, (uint32_t)(step >> 32), (uint32_t)(i / 4), use };
        uint32_t word[4];
        double normal[4];

        ddmd_philox (key, counter, word);
        ddmd_box_muller (word[0], word[1], &normal[0], &normal[1]);
        ddmd_box_muller (word[2], word[3], &normal[2], &normal[3]);
        for (size_t k = 0; k < 4 && i + k < count; k++)
            out[i + k] = normal[k];
    }
}
