/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of a subcommand, from one table: names and help of its options for argp, and how
 * the value of each is read and stored.
 */
#ifndef AW_CMD_ARGUMENTS_H
#define AW_CMD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct argp_state;

enum aw_value_kind {
    AW_VALUE_FLAG, /* bool */
    AW_VALUE_TEXT, /* const char *, borrowed from argv */
    AW_VALUE_LIST, /* struct aw_strings, owned: a text each time that the option is given */
    AW_VALUE_COUNT, /* uint32_t, from min to max */
    AW_VALUE_POSITIVE, /* unsigned long long, above 0; the example says what it must be */
    AW_VALUE_NUMBER, /* double, from min to max */
    AW_VALUE_TIME, /* double, seconds */
    AW_VALUE_BYTES, /* uint64_t */
};

struct aw_argument {
    const char *name; /* NULL: HELP is a heading */
    const char *value; /* its value's name in the help; NULL for a flag */
    const char *help;
    enum aw_value_kind kind;
    size_t offset; /* of its place in the arguments */
    double min, max;
    const char *example; /* good values, for the message about a bad one; NULL: none is named */
    char letter; /* its short form; 0: none */
};

/* Words of the command line. Borrowed from argv. */
struct aw_words {
    char **words;
    int n;
};

struct aw_arguments {
    const struct aw_argument *options;
    int n_options; /* at most AW_OPTIONS_MAX */
    const char *words; /* in the usage: "FILE" */
    const char *doc;
    size_t offset; /* of the word, a const char *, in the arguments */
    const char *missing; /* the message where it is not given; NULL: it need not be */
    size_t more; /* offset of the struct aw_words that takes the words after the first; 0: there may
                    be none */
    bool in_order; /* options end with the first word: those after it belong to a command */
    const char *second; /* the message where it is given twice is: "WORD": a second SECOND.
                           NULL: unexpected argument "WORD" */
    /* What is wrong with the options together goes to argp_error. NULL: nothing can be. */
    void (*check) (void *arguments, struct argp_state *state);
};

/* The option --param, as that of a run. */
#define AW_ARGUMENT_PARAM(place)                                                      \
    {                                                                                 \
        "param", "NAME=VALUE",                                                        \
            "Give a parameter of the workflow file this value; repeat it for others", \
            AW_VALUE_LIST, .offset = (place)                                          \
    }

enum { AW_OPTIONS_MAX = 24 };

/* Is the word "-", for standard input? Then it becomes what messages call that. */
bool aw_argument_is_stdin (const char **word);

/* Parses ARGV into ARGUMENTS, which holds the defaults. Prints and exits as argp does. */
void aw_arguments_parse (const struct aw_arguments *line, int argc, char **argv, void *arguments);

#endif /* AW_CMD_ARGUMENTS_H */
