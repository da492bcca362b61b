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
 *   void NAME_order (ITEM *heap, size_t n, ARG arg)
 *       makes a heap of N items in any order.
 *
 * BEFORE (arg, a, b) is true where item A comes before item B; it gets items by value. Equal items
 * come in no order, so make BEFORE a total order where decisions must be reproducible.
 */
#define AW_HEAP_DEFINE(NAME, ITEM, ARG, BEFORE) \
    AW_HEAP_DEFINE_PLACED (NAME, ITEM, ARG, BEFORE, AW_HEAP_NOT_PLACED)
#define AW_HEAP_NOT_PLACED(arg, item, place) ((void)0)

/* The same, and PLACED (arg, item, place) is called for each item that gets another place, and for
 * a new one: so an owner can know where its items are.
 */
#define AW_HEAP_DEFINE_PLACED(NAME, ITEM, ARG, BEFORE, PLACED)                                   \
    static inline void NAME##_set (ITEM *heap, size_t place, ITEM item, ARG arg)                 \
    {                                                                                            \
        (void)arg;                                                                               \
        heap[place] = item;                                                                      \
        PLACED (arg, item, place);                                                               \
    }                                                                                            \
    static inline void NAME##_sink (ITEM *heap, size_t n, size_t place, ITEM item, ARG arg)      \
    {                                                                                            \
        for (;;) {                                                                               \
            size_t child = 2 * place + 1;                                                        \
                                                                                                 \
            if (child + 1 < n && BEFORE (arg, heap[child + 1], heap[child]))                     \
                child++;                                                                         \
            if (child >= n || !BEFORE (arg, heap[child], item))                                  \
                break;                                                                           \
            NAME##_set (heap, place, heap[child], arg);                                          \
            place = child;                                                                       \
        }                                                                                        \
        NAME##_set (heap, place, item, arg);                                                     \
    }                                                                                            \
    static inline                                                                                \
        __attribute__ ((unused)) void NAME##_push (ITEM *heap, size_t n, ITEM item, ARG arg)     \
    {                                                                                            \
        for (; n > 0 && BEFORE (arg, item, heap[(n - 1) / 2]); n = (n - 1) / 2)                  \
            NAME##_set (heap, n, heap[(n - 1) / 2], arg);                                        \
        NAME##_set (heap, n, item, arg);                                                         \
    }                                                                                            \
    static inline void NAME##_put (ITEM *heap, size_t n, size_t place, ITEM item, ARG arg)       \
    {                                                                                            \
        if (place > 0 && BEFORE (arg, item, heap[(place - 1) / 2]))                              \
            NAME##_push (heap, place, item, arg);                                                \
        else                                                                                     \
            NAME##_sink (heap, n, place, item, arg);                                             \
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
    }                                                                                            \
    static inline __attribute__ ((unused)) void NAME##_order (ITEM *heap, size_t n, ARG arg)     \
    {                                                                                            \
        for (size_t place = n / 2; place-- > 0;)                                                 \
            NAME##_sink (heap, n, place, heap[place], arg);                                      \
    }

#endif /* AW_UTIL_HEAP_H */
