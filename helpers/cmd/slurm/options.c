/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/slurm/slurm.h"

enum { LONG = 256 }; /* what getopt_long returns for the option with index 0 in the table */

/* The tables of getopt_long for those options that the command has. */
static void fill (const struct aw_slurm_options *o, bool permute, struct option *all, char *letters)
{
    if (!permute)
        *letters++ = '+';
    for (size_t i = 0; i < o->n; i++) {
        const struct aw_slurm_option *option = &o->table[i];
        int argument = option->argument == '='   ? required_argument
                       : option->argument == '?' ? optional_argument
                                                 : no_argument;

        if (option->use[o->command] == AW_SLURM_UNKNOWN)
            continue;
        if (option->name)
            *all++ = (struct option){ option->name, argument, NULL, LONG + (int)i };
        if (!option->letter)
            continue;
        *letters++ = option->letter;
        for (int n = argument; n > 0; n--)
            *letters++ = ':';
    }
    *all = (struct option){ NULL, 0, NULL, 0 };
    *letters = '\0';
}

static size_t find (const struct aw_slurm_options *o, int got)
{
    for (size_t i = 0; got < LONG && i < o->n; i++)
        if (o->table[i].letter == got && o->table[i].use[o->command] != AW_SLURM_UNKNOWN)
            return i;
    return (size_t)(got - LONG);
}

/* Adds VALUE to those of the option with index I. */
static void join (struct aw_slurm_options *o, size_t i, const char *value)
{
    char *joined;

    if (asprintf (&joined, "%s,%s", o->joined ? o->joined : "", value) < 0) {
        aw_slurm_error ("out of memory");
        exit (1);
    }
    free (o->joined);
    o->values[i] = o->joined = joined;
}

int aw_slurm_parse (struct aw_slurm_options *o, int argc, char **argv, bool permute)
{
    struct option all[AW_SLURM_OPTIONS + 1];
    char letters[3 * AW_SLURM_OPTIONS + 2];
    size_t i;
    int got;

    fill (o, permute, all, letters);
    optind = 0; /* begin again */
    while ((got = getopt_long (argc, argv, letters, all, NULL)) != -1) {
        if (got == '?') {
            fprintf (stderr, "Try \"%s --help\" for more information\n", argv[0]);
            exit (o->unknown);
        }
        i = find (o, got);
        o->values[i] = optarg ? optarg : "";
        if (o->joins && o->table[i].letter == o->joins)
            join (o, i, o->values[i]);
    }
    return optind;
}

void aw_slurm_parse_environment (struct aw_slurm_options *o)
{
    for (size_t i = 0; i < o->n; i++) {
        char name[64];
        const char *value;

        if (!o->table[i].variable || o->table[i].use[o->command] == AW_SLURM_UNKNOWN)
            continue;
        snprintf (name, sizeof (name), "SBATCH_%s", o->table[i].variable);
        value = getenv (name);
        if (value)
            o->values[i] = value;
    }
}

int aw_slurm_check (const struct aw_slurm_options *o)
{
    int rc = 0;

    for (size_t i = 0; i < o->n; i++) {
        const struct aw_slurm_option *option = &o->table[i];
        char name[64];

        if (!o->values[i])
            continue;
        if (option->name)
            snprintf (name, sizeof (name), "--%s", option->name);
        else
            snprintf (name, sizeof (name), "-%c", option->letter);
        if (option->use[o->command] == AW_SLURM_NOTED)
            aw_slurm_note (
                name, "%s has no effect: the task runs in the allocation of its workflow", name);
        else if (option->use[o->command] == AW_SLURM_REFUSED)
            rc = aw_slurm_error ("%s is not possible in a task of async-workflow: leave it out",
                                 name);
    }
    return rc;
}
