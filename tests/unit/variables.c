/* SPDX-License-Identifier: Apache-2.0 */
#include "variables.h"

#include <string.h>

int variables_count (char *const *env, const char *variable)
{
    int n = 0;

    for (; *env; env++)
        n += strcmp (*env, variable) == 0;
    return n;
}

int variables_count_name (char *const *env, const char *name)
{
    int n = 0;

    for (; *env; env++)
        n += strncmp (*env, name, strlen (name)) == 0 && (*env)[strlen (name)] == '=';
    return n;
}
