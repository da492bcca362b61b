/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "documents.h"

struct aw_workflow *parse_document (const char *document, struct aw_problems *problems)
{
    struct aw_workflow *workflow;
    size_t size = strlen (document);
    char *text = strdup (document);

    assert_non_null (text);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    aw_problems_init (problems);
    workflow = aw_workflow_parse (text, size, "f.json", problems);
    free (text);
    assert_true ((workflow == NULL) == (problems->n_errors > 0));
    return workflow;
}

struct aw_workflow *parse_good (const char *document)
{
    struct aw_problems problems;
    struct aw_workflow *workflow = parse_document (document, &problems);

    for (size_t i = 0; i < problems.n_items && !workflow; i++)
        print_message ("# %s\n", problems.items[i].text);
    assert_non_null (workflow);
    aw_problems_finish (&problems);
    return workflow;
}

void expect_one (const char *document, bool warning, const char *text)
{
    struct aw_problems problems;
    struct aw_workflow *workflow = parse_document (document, &problems);

    if (problems.n_errors + problems.n_warnings != 1
        || strcmp (problems.items[0].text + 8, text) != 0) {
        print_message ("# %s\n# expected: %s\n", document, text);
        for (size_t i = 0; i < problems.n_items; i++)
            print_message ("# found:    %s\n", problems.items[i].text + 8);
        fail ();
    }
    assert_memory_equal (problems.items[0].text, "f.json: ", 8);
    assert_int_equal (problems.items[0].warning, warning);
    aw_workflow_destroy (workflow);
    aw_problems_finish (&problems);
}

void expect_each (const struct expected *table, size_t n, bool warning)
{
    for (size_t i = 0; i < n; i++)
        expect_one (table[i].document, warning, table[i].text);
}
