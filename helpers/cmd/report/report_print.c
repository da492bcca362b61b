/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/report/report.h"
#include "util/write.h"

int aw_report_write (const struct aw_textbuf *text, int fd)
{
    return aw_write_all (fd, text->data, text->len);
}

int aw_report_write_out (struct aw_textbuf *text, struct aw_problems *problems)
{
    int rc = 0;

    if (text->failed)
        errno = ENOMEM;
    if (text->failed || aw_report_write (text, STDOUT_FILENO) < 0) {
        aw_problems_add (problems, false, "standard output: %s", strerror (errno));
        rc = -1;
    }
    aw_textbuf_finish (text);
    return rc;
}

int aw_report_print (const char *dir, int fd, struct aw_error *err)
{
    struct aw_problems problems;
    struct aw_report report;
    struct aw_textbuf text = { 0 };
    int rc = 0;

    aw_problems_init (&problems);
    if (aw_report_load (&report, dir, &problems) < 0) {
        rc = aw_error_set (err, "%s", problems.n_items ? problems.items[0].text : "out of memory");
    }
    else {
        aw_report_text (&report, &text);
        if (text.failed || aw_report_write (&text, fd) < 0)
            rc = aw_error_set (err, "report: %s", text.failed ? "out of memory" : strerror (errno));
        aw_report_finish (&report);
    }
    aw_textbuf_finish (&text);
    aw_problems_finish (&problems);
    return rc;
}
