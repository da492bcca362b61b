/* SPDX-License-Identifier: Apache-2.0 */
/* Those who follow the scheduler of t-mix: the books, the history, a twin that hears all that
 * happens, and two that hear what comes from outside and must decide the same.
 */
#ifndef AW_TESTS_MIX_TWINS_H
#define AW_TESTS_MIX_TWINS_H

#include "mix-books.h"

/* EV has happened to the scheduler: all others hear of it. If it is the end of an attempt, what
 * that has submitted ends, too. */
void twins_hear (struct world *w, const struct aw_event *ev);

/* EV comes from outside: the scheduler hears of it, and then all others. */
void twins_tell (struct world *w, const struct aw_event *ev);

/* All are as the scheduler is. */
void twins_check (struct world *w);

#endif /* AW_TESTS_MIX_TWINS_H */
