/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls fail (fail-calls.c), for those that fail (wrapped.c). */
#ifndef AW_TESTS_FAIL_CALLS_H
#define AW_TESTS_FAIL_CALLS_H

#include <stdbool.h>

enum { SHORT = -1 };

/* One function, or one group that is counted together. */
struct call {
    const char *name;
    void *real;
    bool member; /* of the group that allocates memory, by which it is counted */
    bool looked_up, selected;
    unsigned long count;
    struct call *next; /* of those looked up */
};

/* No program may find these instead of its own. */
#pragma GCC visibility push(hidden)

/* The function NAME of the C library, whose calls CALL counts. NULL: it is not known yet while
 * others are looked up, or NAME is NULL.
 */
void *look_up (struct call *call, const char *name);

/* Whether this call of CALL fails: 0, or the error's number, then also in errno, or SHORT. CALLER
 * is the address to which it returns.
 */
int fails (struct call *call, const void *caller);

/* Do calls read or write less, rather than fail? */
bool fails_short (void);

/* After a fork, in the child: counts begin again. */
void start_anew (void);

/* Is NUMBER a signal of a crash, whose handler must stay ours? */
bool hides_crash (int number);

#pragma GCC visibility pop

#endif /* AW_TESTS_FAIL_CALLS_H */
