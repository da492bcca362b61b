/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow file, version 1: JSON in, a graph of task sets and the recipe of each set's tasks out. All errors
 * are found in one pass, each with its place and a hint.
 */
#ifndef AW_IO_WORKFLOW_H
#define AW_IO_WORKFLOW_H

#include <stddef.h>
#include <stdint.h>

#include "core/graph.h"
#include "io/problems.h"

/* A variable of a task's environment; VALUE may hold placeholders. */
struct aw_variable {
    char *name;
    char *value;
};

/* How the tasks of one set are launched: all texts as in the file, placeholders of parameters already replaced,
 * those that differ by task ({index}, {iteration}, {task}, {run}) not yet. All owned.
 */
struct aw_recipe {
    char **command; /* argv, NULL-terminated; NULL where script is given */
    char *script; /* for /bin/sh -c; NULL where command is given */
    char *directory; /* NULL: the directory where the run was started */
    char *out; /* "stdout"; NULL: the default in logs/ */
    char *err; /* "stderr" */
    struct aw_variable *environment;
    size_t n_environment;
};

struct aw_workflow {
    char *name; /* "name", else the file's base name without .json */
    struct aw_graph *graph; /* finalized */
    struct aw_recipe *recipes; /* one a set, the same order as graph->sets */
    char *text; /* the file as read, for the copy in the run directory; NUL-terminated */
    size_t text_size; /* without the NUL */
};

enum { AW_WORKFLOW_MAX_BYTES = 64 << 20, AW_WORKFLOW_MAX_DEPTH = 64 };

/* Reads and checks the file at PATH. Returns the workflow, or NULL with at least one problem in PROBLEMS (which name the file as given).
 * Warnings may come with a workflow too.
 */
struct aw_workflow *aw_workflow_load (const char *path, struct aw_problems *problems);

/* The same from memory; LABEL stands for the file's name in problems. */
struct aw_workflow *aw_workflow_parse (const char *text, size_t size, const char *label, struct aw_problems *problems);

/* Takes NULL, keeps errno. */
void aw_workflow_destroy (struct aw_workflow *workflow);

/* Replaces the placeholders that differ by task in TEMPLATE ("{{" and "}}" stand for braces). RUN is the run directory.
 * Returns a string for the caller to free, or NULL with ENOMEM. Templates out of aw_workflow_load have no unknown ones.
 */
char *aw_recipe_expand (const char *template, const struct aw_graph *graph, uint32_t task, const char *run);

#endif /* AW_IO_WORKFLOW_H */
