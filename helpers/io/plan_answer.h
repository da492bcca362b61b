/* SPDX-License-Identifier: Apache-2.0 */
/* What the planner, a process of its own, answers to the coordinator. A few lines, of which "cpu"
 * is the last:
 *
 *     end 123.456
 *     gain 2.5
 *     order 2 0 1 1:0.5
 *     cpu 0.031
 *
 * A long order has several lines. An answer that breaks off, or has any other line, is not used.
 */
#ifndef AW_IO_PLAN_ANSWER_H
#define AW_IO_PLAN_ANSWER_H

#include <stdbool.h>

#include "io/textbuf.h"

struct aw_plan_answer {
    double end; /* t at which the run is expected to end; 0: not known */
    bool searched; /* for a better order */
    double gain; /* seconds that it saves; 0: none was found */
    char *order; /* it, as the text of a PLAN event; NULL: none was found. Owned */
    double cpu; /* seconds of CPU time that the planner has used */
    bool whole, wrong; /* private: the last line has come; a line made no sense */
};

/* Appends ANSWER to OUT. */
void aw_plan_answer_put (const struct aw_plan_answer *answer, struct aw_textbuf *out);

/* Takes a LINE, without newline, into ANSWER, which was {0} at first. */
void aw_plan_answer_take (struct aw_plan_answer *answer, const char *line);

/* Is it a whole answer? */
bool aw_plan_answer_is_good (const struct aw_plan_answer *answer);

void aw_plan_answer_finish (struct aw_plan_answer *answer);

#endif /* AW_IO_PLAN_ANSWER_H */
