/* SPDX-License-Identifier: Apache-2.0 */
/* How often a variable stands in an environment. */
#ifndef AW_TESTS_VARIABLES_H
#define AW_TESTS_VARIABLES_H

/* How often VARIABLE stands in ENV. */
int variables_count (char *const *env, const char *variable);

/* How often a variable of that NAME does. */
int variables_count_name (char *const *env, const char *name);

#endif /* AW_TESTS_VARIABLES_H */
