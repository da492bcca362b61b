/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through a parsed workflow file: it knows where it is, what is wrong goes to the problems
 * with that place in front, and values are read as what their key asks for, parameters resolved.
 * Readers return false where they have reported a problem.
 */
#ifndef AW_IO_WORKFLOW_READER_H
#define AW_IO_WORKFLOW_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/json_compat.h"
#include "util/names.h"
#include "io/problems.h"

/* Longest text that is passed to a program: Linux allows 128 KiB with the NUL (execve(2),
 * MAX_ARG_STRLEN). */
enum { AW_MAX_TEXT = 131071 };

/* All texts of a workflow together, with parameters put in. More is a parameter used a million
 * times over. */
enum { AW_MAX_EXPANDED = 256 << 20 };

struct aw_kept_values; /* io/workflow/values_file.h */
struct aw_values; /* io/workflow/values.h */

struct aw_parameter {
    const char *name; /* borrowed from the tree */
    char *text; /* owned */
    bool used;
    bool outside; /* its text does not come from the file: a script gets it as one word */
    bool in_script; /* the script that was compiled last uses it */
};

struct aw_outside;
struct aw_task_list;

struct aw_reader {
    const char *label; /* the file's name in problems */
    struct aw_problems *problems;
    char place[256];
    size_t place_length; /* may exceed what place holds */
    struct aw_parameter *parameters;
    size_t n_parameters, parameter_room;
    struct aw_names parameter_numbers;
    const struct aw_task_list *list; /* that the workflow is made from. Borrowed; NULL: from none */
    struct aw_outside *outside; /* values for them. Borrowed; NULL: an added workflow */
    size_t expanded; /* bytes of texts so far */
    bool no_memory; /* reported */
    bool adding; /* the file is added to a workflow: it reads no other file */
    bool literal; /* texts have no placeholders: the task is submitted */
    const char *directory; /* sources of values are relative to it; NULL: to the working directory.
                              Borrowed */
    struct aw_kept_values *kept; /* of the run directory; NULL: none. Borrowed */
    bool kept_alone; /* sources are not read: the values of a run that is only looked at */
    bool read_again; /* sources are read even where kept values are from the same ones */
    bool in_defaults; /* what is read holds for sets that have variables: names that are not known
                         may be theirs */
    bool has_port; /* {port} is a placeholder of the set that is read */
    bool values_unknown; /* the set has variables, which could not be read: a problem is reported */
    const struct aw_values
        *values; /* the variables of the set that is read; NULL: none. Borrowed */
};

void aw_reader_init (struct aw_reader *reader, const char *label, struct aw_problems *problems);
void aw_reader_finish (struct aw_reader *reader);

/* Goes to a member or an element of where it is; leave, with what enter returned, goes back. */
size_t aw_reader_enter (struct aw_reader *reader, const char *key);
size_t aw_reader_enter_index (struct aw_reader *reader, size_t index);
void aw_reader_leave (struct aw_reader *reader, size_t mark);

/* Add "LABEL: PLACE: TEXT" to the problems. error returns false. */
bool aw_reader_error (struct aw_reader *reader, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));
void aw_reader_warn (struct aw_reader *reader, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Reports that there is no memory, once. Returns false. */
bool aw_reader_no_memory (struct aw_reader *reader);

/* WORD is no known name of its kind: "unknown KIND "WORD": did you mean "X"?" or else HINT. Returns
 * false. */
bool aw_reader_unknown (struct aw_reader *reader,
                        const char *kind,
                        const char *word,
                        const char *const names[],
                        size_t n,
                        const char *hint);

/* Takes up a parameter, NAME borrowed, TEXT copied. */
bool aw_reader_add_parameter (struct aw_reader *reader,
                              const char *name,
                              const char *text,
                              bool outside);

/* The parameter of that name, now used, or NULL. */
struct aw_parameter *aw_reader_parameter (struct aw_reader *reader,
                                          const char *name,
                                          size_t length);

/* Counts SIZE bytes of text. False (reported) beyond AW_MAX_EXPANDED. */
bool aw_reader_spend (struct aw_reader *reader, size_t size);

/* The value as it is written, cut where long, for messages. Returns BUF. */
enum { AW_SHOWN_SIZE = 64 };
const char *aw_reader_show (char buf[AW_SHOWN_SIZE], struct json_object *value);

/* "an object", "text", "a number", "null" and so on. */
const char *aw_reader_type (struct json_object *value);

bool aw_reader_object (struct aw_reader *reader, struct json_object *value);
bool aw_reader_array (struct aw_reader *reader, struct json_object *value);

/* Text without NULs, not too long to be passed on; borrowed from the tree. */
bool aw_reader_text (struct aw_reader *reader, struct json_object *value, const char **text);

/* A number, or text that is one parameter, "{simulations}", which must be a number then. */
bool aw_reader_number (struct aw_reader *reader, struct json_object *value, double *number);

/* A number as it is put into texts: as it is written, but a whole one without point and exponent.
 */
bool aw_reader_number_text (struct aw_reader *reader,
                            struct json_object *value,
                            char buf[AW_SHOWN_SIZE]);

/* A whole number between MIN and MAX, as aw_reader_number. */
bool aw_reader_integer (struct aw_reader *reader,
                        struct json_object *value,
                        uint64_t min,
                        uint64_t max,
                        uint64_t *number);

/* A time in seconds, or text as aw_parse_seconds reads it, parameters put in. At least 0. */
bool aw_reader_seconds (struct aw_reader *reader, struct json_object *value, double *seconds);

/* A size in bytes, or text as aw_parse_bytes reads it, parameters put in. */
bool aw_reader_bytes (struct aw_reader *reader, struct json_object *value, uint64_t *bytes);

/* One of N words. Stores its index. */
bool aw_reader_choice (struct aw_reader *reader,
                       struct json_object *value,
                       const char *const words[],
                       size_t n,
                       size_t *index);

#endif /* AW_IO_WORKFLOW_READER_H */
