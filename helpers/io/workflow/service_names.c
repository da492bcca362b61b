/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "io/workflow/workflow.h"

void aw_service_variable (const char *set, char name[AW_SERVICE_NAME_SIZE])
{
    snprintf (name, AW_SERVICE_NAME_SIZE, "ASYNC_WORKFLOW_SERVICE_%s", set);
    for (char *c = name; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
        else if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9'))
            *c = '_';
}
