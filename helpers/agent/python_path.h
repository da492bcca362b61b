/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks find the Python module asyncworkflow by PYTHONPATH: its directory comes last, so that
 * nothing of a user's is hidden by it. With "slurm_commands" they find commands that look like
 * Slurm's by PATH: their directory comes first, so that they hide Slurm's.
 */
#ifndef AW_AGENT_PYTHON_PATH_H
#define AW_AGENT_PYTHON_PATH_H

#define AW_PYTHON_PATH "PYTHONPATH"

/* The module's directory: next to the running program if it is there (a build tree), else where it
 * was installed. Caller frees. NULL: it is in neither place, or there is no memory.
 */
char *aw_python_directory (void);

/* PATHS, a value of PYTHONPATH (NULL: none), with DIRECTORY as its last element, unless it has it.
 * No element is left empty at the end, which would mean the working directory. Caller frees; NULL
 * with ENOMEM.
 */
char *aw_python_path (const char *paths, const char *directory);

/* The directory of the commands that look like Slurm's, likewise. */
char *aw_commands_directory (void);

/* PATHS, a value of PATH (NULL: a usual one), with DIRECTORY as its first element. Caller frees;
 * NULL with ENOMEM. */
char *aw_commands_path (const char *paths, const char *directory);

#endif /* AW_AGENT_PYTHON_PATH_H */
