/* SPDX-License-Identifier: Apache-2.0 */
/* Binary heaps in arrays that their owners keep (see util/array.h): the first item is the one that
 * comes before all others. The order is compiled in, because the scheduler asks for it millions of
 * times.
 */
#ifndef AW_UTIL_HEAP_H
#define AW_UTIL_HEAP_H

#include <stddef.h>

/* Defines, for items of type ITEM:
 *
 *   void NAME_push (ITEM *heap, size_t n, ITEM item, ARG arg)
 *       adds ITEM to a heap of N items; there must be room for one more.
 *   ITEM NAME_remove (ITEM *heap, size_t n, size_t place, ARG arg)
 *       removes and returns the item at PLACE (0: the first) of a heap of N, at least one, items.
 *   void NAME_moved (ITEM *heap, size_t n, size_t place, ARG arg)
 *       restores the order after the item at PLACE of a heap of N items has changed.
 *
 * BEFORE (arg, a, b) is true where item A comes before item B; it gets items by value. Equal items
 * come in no order, so make BEFORE a total order where decisions must be reproducible.
 */
#define AW_HEAP_DEFINE(NAME, ITEM, ARG, BEFORE)                                                  \
    static inline void NAME##_put (ITEM *heap, size_t n, size_t place, ITEM item, ARG arg)       \
    {                                                                                            \
        for (; place > 0 && BEFORE (arg, item, heap[(place - 1) / 2]); place = (place - 1) / 2)  \
            heap[place] = heap[(place - 1) / 2];                                                 \
        for (;;) {                                                                               \
            size_t child = 2 * place + 1;                                                        \
                                                                                                 \
            if (child + 1 < n && BEFORE (arg, heap[child + 1], heap[child]))                     \
                child++;                                                                         \
            if (child >= n || !BEFORE (arg, heap[child], item))                                  \
                break;                                                                           \
            heap[place] = heap[child];                                                           \
            place = child;                                                                       \
        }                                                                                        \
        heap[place] = item;                                                                      \
    }                                                                                            \
    static inline                                                                                \
        __attribute__ ((unused)) void NAME##_push (ITEM *heap, size_t n, ITEM item, ARG arg)     \
    {                                                                                            \
        NAME##_put (heap, n + 1, n, item, arg);                                                  \
    }                                                                                            \
    static inline __attribute__ ((unused))                                                       \
    ITEM NAME##_remove (ITEM *heap, size_t n, size_t place, ARG arg)                             \
    {                                                                                            \
        ITEM removed = heap[place];                                                              \
                                                                                                 \
        if (place < n - 1)                                                                       \
            NAME##_put (heap, n - 1, place, heap[n - 1], arg);                                   \
        return removed;                                                                          \
    }                                                                                            \
    static inline                                                                                \
        __attribute__ ((unused)) void NAME##_moved (ITEM *heap, size_t n, size_t place, ARG arg) \
    {                                                                                            \
        NAME##_put (heap, n, place, heap[place], arg);                                           \
    }

#endif /* AW_UTIL_HEAP_H */
