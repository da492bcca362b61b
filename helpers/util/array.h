/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow. The owner keeps a pointer, a count and the room in items; items are added at
 * amortised constant cost, because the room grows by half.
 */
#ifndef AW_UTIL_ARRAY_H
#define AW_UTIL_ARRAY_H

#include <stddef.h>

/* Makes room for N items in the array at *ARRAY, which has room for *ROOM (uint32_t or size_t).
 * Existing items keep their values; new room is not initialised. 0, or -1 with ENOMEM and nothing
 * changed. The arguments are evaluated once.
 */
#define aw_array_reserve(array, room, n)                                                         \
    (__extension__({                                                                             \
        __typeof__ (room) aw_room_ = (room);                                                     \
        size_t aw_wanted_ = (n), aw_new_room_ = *aw_room_;                                       \
        int aw_result_ = 0;                                                                      \
        if (aw_wanted_ > aw_new_room_) {                                                         \
            aw_result_ = aw_array_grow ((array), sizeof (**(array)), &aw_new_room_, aw_wanted_); \
            *aw_room_ = (__typeof__ (*aw_room_))aw_new_room_;                                    \
        }                                                                                        \
        aw_result_;                                                                              \
    }))

/* The room that an array with room ROOM gets where it must hold N items: ROOM if that is enough. */
size_t aw_array_room (size_t room, size_t n);

/* The function behind aw_array_reserve. ARRAY is the address of a pointer to items of SIZE bytes.
 */
int aw_array_grow (void *array, size_t size, size_t *room, size_t n);

#endif /* AW_UTIL_ARRAY_H */
