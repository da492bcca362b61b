/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow file, version 1: JSON in, a graph of task sets and the recipe of each set's tasks
 * out. All errors are found in one pass, each with its place and a hint.
 */
#ifndef AW_IO_WORKFLOW_WORKFLOW_H
#define AW_IO_WORKFLOW_WORKFLOW_H

#include <stddef.h>
#include <stdint.h>

#include "core/graph/graph.h"
#include "core/resources/pool.h"
#include "util/names.h"
#include "util/packet.h"
#include "util/strings.h"
#include "io/problems.h"

/* A variable of a task's environment; VALUE may hold placeholders. */
struct aw_variable {
    char *name;
    char *value;
};

/* One entry of "stage_in" or "stage_out"; the paths are templates, too. */
struct aw_copy_recipe {
    char *from; /* stage_in: a relative one is in the task's directory; stage_out: in its scratch */
    char *to; /* the other way round */
    bool checksum;
    bool shared; /* all tasks of an instance copy the same */
};

/* All of them. Owned by its holder; {0} is nothing. */
struct aw_staging_recipe {
    enum aw_staging_mode mode;
    double seconds; /* expected for one copy of all */
    bool shared; /* all tasks of an instance copy the same */
    struct aw_copy_recipe *copies;
    size_t n;
};

#define AW_NO_PORT UINT32_MAX

/* When a service is ready: its process listens on PORT (0: one that is chosen for it), or publishes
 * on TOPIC, or, where neither is given, has started.
 */
struct aw_service_recipe {
    uint32_t port; /* AW_NO_PORT: not given */
    char topic[AW_TOPIC_MAX + 1]; /* "": not given */
    double timeout; /* seconds after which it fails if it is not ready */
};

/* "ASYNC_WORKFLOW_SERVICE_NAME", which "_HOST" and "_PORT" follow, for the service SET. */
enum { AW_SERVICE_NAME_SIZE = 23 + 64 + 1 };
void aw_service_variable (const char *set, char name[AW_SERVICE_NAME_SIZE]);

/* How the tasks of one set are launched. All texts are templates for aw_recipe_expand: parameters
 * are put in, what differs by task ({index}, {iteration}, {task}, {run}) is not yet, braces are
 * doubled. All owned.
 */
struct aw_recipe {
    char **command; /* argv, NULL-terminated; NULL where script is given */
    char *script; /* for the shell; NULL where command is given */
    char *input; /* of a call to a worker, whose argv COMMAND is: JSON; NULL: none */
    char **shell; /* that program and its options, which -c and the script follow; NULL-terminated;
                     NULL: /bin/sh, or the program that the script's first line names */
    char *directory; /* a relative one is in the directory where the run was started; NULL: that
                        itself */
    char *out; /* "stdout"; a relative one is in the task's directory; NULL: the default in logs/ */
    char *err; /* "stderr", likewise */
    char **srun; /* options of a step of its own, NULL-terminated; NULL: none */
    struct aw_variable *environment;
    size_t n_environment;
    struct aw_staging_recipe stage_in;
    struct aw_staging_recipe stage_out;
    struct aw_service_recipe service; /* where the set is a service */
    struct aw_values *values; /* of the tasks' variables; NULL: "foreach" is not given */
    char *base; /* digest of the environment that the task was submitted with; NULL: the agent's */
    char *comment; /* of a submission: what its submitter wants to have back with its state; NULL:
                      nothing */
    bool slurm_commands; /* tasks find our commands that look like Slurm's first in their PATH */
    bool cpus_given; /* "cpus" stands in the file, for the set or in the defaults */
};

/* "logs": where the output of tasks goes that have no "stdout" and "stderr". */
enum aw_logs {
    AW_LOGS_AUTO, /* it is not given: by the number of tasks */
    AW_LOGS_FILES, /* a file a task and stream */
    AW_LOGS_STORE, /* the log store (io/logs/log_record.h) */
};
#define AW_LOGS_FILES_NAME "files"
#define AW_LOGS_STORE_NAME "store"

struct aw_workflow {
    char *name; /* "name", else the file's base name without .json */
    struct aw_graph *graph; /* finalized */
    enum aw_logs logs;
    struct aw_recipe *recipes; /* one a set, the same order as graph->sets */
    char *text; /* the file as read, with what came from outside, for the copy in the run directory;
                   NUL-terminated */
    size_t text_size; /* without the NUL */
    struct aw_strings given; /* parameters from outside, "name=value" */
    bool rewritten; /* the text is not that of the file: it has other values from outside */
    struct aw_added *added; /* what was added since, in that order */
    uint32_t n_added;
    uint32_t added_room; /* private */
    struct aw_names added_names; /* private: by digest */
    uint32_t recipe_room; /* private */
    uint32_t *submitted; /* the sets of submitted tasks, by id (io/workflow/submission.h). Owned */
    uint32_t n_submitted;
    uint32_t submitted_room; /* private */
    struct aw_names labels; /* private: the first set of each name of a submission */
};

/* A workflow that was added to another. */
struct aw_added {
    char *text; /* NUL-terminated. Owned */
    size_t size; /* without the NUL */
    struct aw_graph_size before; /* what the graph was before it */
};

enum {
    AW_WORKFLOW_MAX_BYTES = 64 << 20,
    AW_WORKFLOW_MAX_DEPTH = 64, /* objects and arrays within each other */
    AW_CALL_MAX = 64 << 10, /* bytes of a call to a worker, as JSON */
    AW_WORKFLOW_MAX_NAME = 64, /* bytes of the name of a workflow, set or parameter */
};

/* What the names of workflows and sets are made of; the first is a letter, a digit or "_". */
#define AW_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

/* What is known when a workflow is loaded. {0}: nothing. */
struct aw_workflow_input {
    const struct aw_demand *node; /* the largest node there is: what it cannot hold is a problem;
                                     members that are UINT32_MAX or UINT64_MAX are not known. NULL:
                                     no node is known */
    const char *directory; /* sources of values are relative to it; NULL: to the working directory
                            */
    const char *values; /* path of the values file of a run: a set whose sources are named as they
                           were has the values in it, others are merged with them; NULL: sources
                           are read */
    bool start; /* a run is to start: the environment is read; else parameters have the values that
                   the file records */
    const struct aw_strings *parameters; /* their values for a start, "name=value": the last one of
                                            a name counts; NULL: none is given */
    const struct aw_strings *kept; /* the same from an earlier start, for names that are not given
                                      now; dropped where the file does not have the name; NULL: none
                                    */
    bool new_values; /* sources are read even where the values file has values from the same ones;
                        see aw_values_merge */
    bool standard_input; /* the text is that of standard input; PATH is AW_WORKFLOW_STDIN */
    bool values_alone; /* no file with values is read: a set that needs one, and has no values in
                          the values file, is a problem */
};

/* Standard input in problems. Its workflow is named "stdin" unless it has a name. */
#define AW_WORKFLOW_STDIN "<stdin>"

/* Reads and checks the file at PATH. Returns the workflow, or NULL with at least one error in
 * PROBLEMS (which name the file as given). Warnings may come with a workflow too.
 */
struct aw_workflow *aw_workflow_load_with (const char *path,
                                           const struct aw_workflow_input *input,
                                           struct aw_problems *problems);

/* The same where nothing more is known. */
struct aw_workflow *aw_workflow_load (const char *path, struct aw_problems *problems);

/* The same from memory; LABEL stands for the file's name in problems. */
struct aw_workflow *aw_workflow_parse_with (const char *text,
                                            size_t size,
                                            const char *label,
                                            const struct aw_workflow_input *input,
                                            struct aw_problems *problems);
struct aw_workflow *aw_workflow_parse (const char *text,
                                       size_t size,
                                       const char *label,
                                       struct aw_problems *problems);

/* Can there be tasks of SET, which has come with what is added, and is launched by RECIPE? 0, or -1
 * with text that begins with its place, "tasks.x: ". */
typedef int aw_workflow_fits_fn (void *arg,
                                 uint32_t set,
                                 const struct aw_recipe *recipe,
                                 struct aw_error *err);

/* What is added to a workflow; all is borrowed. */
struct aw_addition {
    const char *text; /* a workflow file, */
    size_t size; /* and its bytes */
    const char *label; /* what problems name it */
    bool submitted; /* it may be what a task has submitted (io/workflow/submission.h), as in a
                       journal */
    aw_workflow_fits_fn *fits; /* checks each set; NULL: none does */
    void *arg;
};

/* Adds the sets of ADDITION to WORKFLOW, which may be running: checked as a file is. "after" may
 * name sets of both; a set's name must be new; there are no iterations. 1: the graph has grown and
 * knows how much in the last of `added`; 0: the same text was added before, and nothing is changed,
 * nor is where it is -1, with problems.
 */
int aw_workflow_add (struct aw_workflow *workflow,
                     const struct aw_addition *addition,
                     struct aw_problems *problems);

/* Undoes the last add, of which nobody has made anything yet. */
void aw_workflow_take_back (struct aw_workflow *workflow);

/* Adds to WORKFLOW what FROM has got beside its file. 0, or -1 with problems: so far it was added.
 */
int aw_workflow_add_all (struct aw_workflow *workflow,
                         const struct aw_workflow *from,
                         struct aw_problems *problems);

/* The name of the workflow in the file at PATH, which may have errors, for the caller to free.
 * NULL: it cannot be read. */
char *aw_workflow_read_name (const char *path);

/* Takes NULL, keeps errno. */
void aw_workflow_destroy (struct aw_workflow *workflow);

/* Makes the text of one task of a recipe's TEMPLATE: {scratch} stays as it is, for it differs by
 * node (aw_recipe_expand_on fills it in); {index} and {iteration} (0 where there are
 * none) become numbers, {task} its name as aw_graph_task_name, {run} RUN, the run directory;
 * {cpus}, {gpus} and {mem} (MiB; 0: not given) those of a rank, a variable its text; "{{" and "}}"
 * become single braces. Returns a string for the caller to free, or NULL with ENOMEM.
 */
char *aw_recipe_expand (const char *template,
                        const struct aw_workflow *workflow,
                        uint32_t task,
                        const char *run);

/* Where an attempt runs, and what the text is for. */
struct aw_expanding {
    const char *run; /* the run directory */
    const char *scratch; /* of its node */
    uint32_t port; /* on which a service listens */
    enum {
        AW_EXPAND_PLAIN,
        AW_EXPAND_SHELL, /* a script: texts of variables are quoted */
        AW_EXPAND_JSON, /* what is filled in is escaped for a string */
    } into;
};

/* The same for an attempt. */
char *aw_recipe_expand_on (const char *template,
                           const struct aw_workflow *workflow,
                           uint32_t task,
                           const struct aw_expanding *how);

/* Do its tasks need a scratch directory: is anything staged, or {scratch} used? */
bool aw_recipe_uses_scratch (const struct aw_recipe *recipe);
bool aw_workflow_uses_scratch (const struct aw_workflow *workflow);

#endif /* AW_IO_WORKFLOW_WORKFLOW_H */
