/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the SVG picture of a report back, and fails the test where it is not well-formed. */
#ifndef AW_TESTS_PICTURE_H
#define AW_TESTS_PICTURE_H

#include <stddef.h>

#include "cmd/report/report_chart.h"

/* The value of ATTRIBUTE in the element at P, as a number. */
double picture_number (const char *p, const char *attribute);

/* Well-formed as far as elements and attributes go: every element is closed, by its name, in order.
 */
void picture_check_xml (const char *svg);

/* Frame I of the picture: 0 tasks, 1 CPUs, 2 GPUs; drawn as an axis M x y V y2 H x2. */
struct aw_box picture_frame (const char *svg, int i);

/* Area of all *N rectangles of tasks; each within PANEL. */
double picture_rectangles (const char *svg, const struct aw_box *panel, size_t *n);

/* All areas of the group that begins at P and ends at its </g>, each within PANEL. */
double picture_group (const char *p, const struct aw_box *panel);

#endif /* AW_TESTS_PICTURE_H */
