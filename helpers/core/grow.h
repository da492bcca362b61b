/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow with the graph. */
#ifndef AW_CORE_GROW_H
#define AW_CORE_GROW_H

#include <stdlib.h>
#include <string.h>

/* *ARRAY, of OLD items of SIZE bytes and perhaps more, becomes one of NEW and one to spare, those
 * behind the old ones filled with the byte FILL. 0, or -1 with ENOMEM and nothing lost. */
static inline int aw_grow (void *array, size_t old, size_t new, size_t size, int fill)
{
    void **pointer = array;
    char *grown = reallocarray (*pointer, new + 1, size);

    if (!grown)
        return -1;
    *pointer = grown;
    memset (grown + old * size, fill, (new + 1 - old) * size);
    return 0;
}

#endif /* AW_CORE_GROW_H */
