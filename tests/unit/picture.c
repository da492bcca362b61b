/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

double picture_number (const char *p, const char *attribute)
{
    const char *at = strstr (p, attribute);

    assert_non_null (at);
    assert_true (at < strchr (p, '>'));
    return strtod (at + strlen (attribute), NULL);
}

void picture_check_xml (const char *p)
{
    char names[16][32];
    int depth = 0;

    assert_memory_equal (p, "<?xml ", 6);
    p = strchr (p, '>') + 1;
    for (; *p; p++) {
        const char *stop;
        size_t len;
        if (*p == '&') {
            assert_true (!strncmp (p, "&lt;", 4) || !strncmp (p, "&gt;", 4)
                         || !strncmp (p, "&amp;", 5) || !strncmp (p, "&quot;", 6));
            continue;
        }
        assert_true ((unsigned char)*p >= 0x20 || *p == '\n');
        if (*p != '<')
            continue;
        stop = strchr (p, '>');
        assert_non_null (stop);
        if (p[1] == '/') {
            assert_true (depth > 0);
            len = strlen (names[--depth]);
            assert_memory_equal (p + 2, names[depth], len);
            assert_int_equal (p[2 + len], '>');
        }
        else if (stop[-1] != '/') {
            len = strcspn (p + 1, " >");
            assert_true (depth < 16 && len < 32);
            memcpy (names[depth], p + 1, len);
            names[depth++][len] = '\0';
        }
        for (int quotes = 0; p < stop; p++) {
            quotes ^= *p == '"';
            assert_true (*p != '<' || !quotes);
            assert_true (p + 1 < stop || !quotes);
        }
    }
    assert_int_equal (depth, 0);
}

struct aw_box picture_frame (const char *svg, int i)
{
    const char *p = svg;
    struct aw_box box;
    double x2, y2;

    for (;; i--) {
        p = strstr (p + 1, "<path class=\"axis\"");
        assert_non_null (p);
        if (i == 0)
            break;
    }
    assert_int_equal (
        sscanf (strstr (p, " d=\""), " d=\"M%lf %lfV%lfH%lf", &box.x, &box.y, &y2, &x2), 4);
    box.width = x2 - box.x;
    box.height = y2 - box.y;
    return box;
}

static void check_inside (const struct aw_box *outer, double x, double y)
{
    if (x < outer->x - 0.06 || x > outer->x + outer->width + 0.06 || y < outer->y - 0.06
        || y > outer->y + outer->height + 0.06)
        fail_msg ("%f %f is not within %f %f %f %f", x, y, outer->x, outer->y, outer->width,
                  outer->height);
}

double picture_rectangles (const char *svg, const struct aw_box *panel, size_t *n)
{
    double area = 0;
    const char *end = strstr (svg, "<g class=\"failed\"");

    *n = 0;
    for (const char *p = svg; (p = strstr (p, "<rect ")) && p < end; p++, ++*n) {
        double x = picture_number (p, " x=\""), y = picture_number (p, " y=\"");
        double width = picture_number (p, " width=\""), height = picture_number (p, " height=\"");
        assert_true (width >= 0 && height > 0);
        check_inside (panel, x, y);
        check_inside (panel, x + width, y + height);
        area += width * height;
    }
    return area;
}

/* Area (by the shoelace formula) of a path of M, V, H and Z; each point within PANEL. */
static double area_of_path (const char *p, const struct aw_box *panel)
{
    double area = 0, x = 0, y = 0, x0 = 0, y0 = 0;

    for (; *p != '"';) {
        char command = *p++;
        double old_x = x, old_y = y;
        if (command == 'M') {
            x = x0 = strtod (p, (char **)(uintptr_t)&p);
            y = y0 = strtod (p, (char **)(uintptr_t)&p);
            check_inside (panel, x, y);
            continue;
        }
        if (command == 'H')
            x = strtod (p, (char **)(uintptr_t)&p);
        else if (command == 'V')
            y = strtod (p, (char **)(uintptr_t)&p);
        else {
            assert_int_equal (command, 'Z');
            x = x0;
            y = y0;
        }
        check_inside (panel, x, y);
        area += old_x * y - x * old_y;
    }
    return fabs (area) / 2;
}

double picture_group (const char *p, const struct aw_box *panel)
{
    const char *end = strstr (p, "</g>");
    double area = 0;

    assert_non_null (end);
    while ((p = strstr (p, "<path class=\"area\"")) && p < end) {
        p = strstr (p, " d=\"") + 4;
        area += area_of_path (p, panel);
    }
    return area;
}
