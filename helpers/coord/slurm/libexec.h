/* SPDX-License-Identifier: Apache-2.0 */
/* Where our programs are that users do not call. */
#ifndef AW_COORD_SLURM_LIBEXEC_H
#define AW_COORD_SLURM_LIBEXEC_H

#include "util/error.h"

#define AW_AGENT "async-workflow-agent"
#define AW_BIND "async-workflow-bind"
#define AW_MAIN "async-workflow-main" /* all commands */

/* The path of NAME: next to the running program if it is there (a build tree), else where it was
 * installed, or where an installation that was moved as a whole has it. NULL with text if it is in
 * neither place. Free it. */
char *aw_libexec (const char *name, struct aw_error *err);

#endif /* AW_COORD_SLURM_LIBEXEC_H */
