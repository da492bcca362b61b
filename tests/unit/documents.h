/* SPDX-License-Identifier: Apache-2.0 */
/* Workflow files for tests, written with ' for " so that they can be read. */
#ifndef AW_TESTS_DOCUMENTS_H
#define AW_TESTS_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "io/workflow/workflow.h"

#define LENGTH(table) (sizeof (table) / sizeof ((table)[0]))

/* How each begins, and one of a task set "a" that has the keys too. */
#define HEAD "{'async-workflow': 1, "
#define ONE(keys) HEAD "'tasks': {'a': {'command': ['x'], " keys "}}}"

/* Parses as "f.json". The caller finishes PROBLEMS. */
struct aw_workflow *parse_document (const char *document, struct aw_problems *problems);

/* The same of a document that must be good; warnings are no matter. */
struct aw_workflow *parse_good (const char *document);

struct expected {
    const char *document;
    const char *text;
};

/* Fails the test where a document has not one problem alone, with this text behind "f.json: ". */
void expect_one (const char *document, bool warning, const char *text);
void expect_each (const struct expected *table, size_t n, bool warning);

#endif /* AW_TESTS_DOCUMENTS_H */
