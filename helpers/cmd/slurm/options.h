/* SPDX-License-Identifier: Apache-2.0 */
/* Options as Slurm's commands read them, from tables that say what becomes of each. */
#ifndef AW_CMD_SLURM_OPTIONS_H
#define AW_CMD_SLURM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum aw_slurm_use {
    AW_SLURM_UNKNOWN, /* the command has no such option */
    AW_SLURM_TAKEN, /* its value counts */
    AW_SLURM_NOTED, /* accepted without effect, which is reported once in a run: the allocation, or
                       the site, decides it */
    AW_SLURM_NOTHING, /* accepted: what it asks for is so, or makes no difference, anyway */
    AW_SLURM_REFUSED, /* an error */
};

struct aw_slurm_option {
    const char *name; /* "job-name"; NULL: a short one alone */
    char letter; /* its short form; 0: none */
    char argument; /* '=' it has one, '?' it may have one, 0: none */
    enum aw_slurm_use use[2]; /* by sbatch and srun; other commands have the first */
    const char *variable; /* of the environment, which gives it too, after "SBATCH_" */
};

/* A row of a table of a command that is neither sbatch nor srun; USE without its prefix. */
#define AW_SLURM_OPTION(USE, name, letter, argument)     \
    {                                                    \
        name, letter, argument, { AW_SLURM_##USE }, NULL \
    }

enum { AW_SLURM_OPTIONS = 160 }; /* at most, in a table */

struct aw_slurm_options {
    const struct aw_slurm_option *table;
    size_t n;
    int command; /* index in `use` */
    int unknown; /* exit status for an unknown option */
    char joins; /* letter of the option whose values are joined by commas; 0: none */
    char *joined; /* these. The caller frees it */
    const char *values[AW_SLURM_OPTIONS]; /* by index in the table; "" for one without an argument;
                                             NULL: not given. Borrowed from what was parsed */
};

/* Reads ARGV (argv[0] is skipped) up to the first word that is not an option. PERMUTE: options
 * after such words too, which are moved to the end. A later value replaces an earlier one. Returns
 * the index of the first such word. Prints what is wrong, and exits: with `unknown` for an unknown
 * option, else with 1.
 */
int aw_slurm_parse (struct aw_slurm_options *options, int argc, char **argv, bool permute);

/* Takes the values of environment variables. */
void aw_slurm_parse_environment (struct aw_slurm_options *options);

/* Reports options in use that are noted, and those that are refused: 0, or -1 for the latter. */
int aw_slurm_check (const struct aw_slurm_options *options);

#endif /* AW_CMD_SLURM_OPTIONS_H */
