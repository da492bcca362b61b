/* SPDX-License-Identifier: Apache-2.0 */
/* hostlist_t is a pointer until 23.02 and a structure afterwards: __auto_type fits both. Of the
 * functions that format a list only slurm_hostlist_ranged_string is in all releases and gives what
 * free() may take.
 */
#include "config.h"

#include "coord/slurm/hostlist.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_SLURM
#include <slurm/slurm.h>

/* 22.05 takes "n[1-2" for a host "n]". */
static bool has_open_bracket (const char *list)
{
    bool open = false;

    for (const char *c = list; *c; c++) {
        if (*c == '[' || *c == ']')
            open = *c == '[';
    }
    return open;
}

int aw_hostlist_expand (struct aw_strings *names, const char *list, struct aw_error *err)
{
    __auto_type hosts = has_open_bracket (list) ? NULL : slurm_hostlist_create (list);
    size_t before = names->n;
    char *name;

    while (hosts && (name = slurm_hostlist_shift (hosts))) {
        aw_strings_add (names, name);
        free (name);
    }
    if (hosts)
        slurm_hostlist_destroy (hosts);
    if (names->failed)
        return aw_error_set (err, "%s", strerror (ENOMEM));
    if (names->n == before) {
        errno = EINVAL;
        return aw_error_set (err, "\"%s\": not a list of nodes", list);
    }
    return 0;
}

char *aw_hostlist_join (const struct aw_strings *names, struct aw_error *err)
{
    __auto_type hosts = slurm_hostlist_create (NULL);
    size_t size = 64;
    char *text = NULL;

    for (size_t i = 0; hosts && i < names->n; i++) {
        /* At worst each name has brackets of its own. */
        size += strlen (names->v[i]) + sizeof ("[],") - 1;
        if (slurm_hostlist_push_host (hosts, names->v[i]) != 1) {
            slurm_hostlist_destroy (hosts);
            hosts = NULL;
        }
    }
    if (hosts)
        text = malloc (size);
    if (text && slurm_hostlist_ranged_string (hosts, size, text) < 0) {
        free (text);
        text = NULL;
    }
    if (hosts)
        slurm_hostlist_destroy (hosts);
    if (!text)
        aw_error_set (err, "%s", strerror (ENOMEM));
    return text;
}
#else

/* There is no Slurm here, so nobody has a list of its nodes. */
static int fail (struct aw_error *err)
{
    errno = ENOSYS;
    return aw_error_set (err, "built without Slurm (configure --without-slurm): use --local");
}

int aw_hostlist_expand (struct aw_strings *names, const char *list, struct aw_error *err)
{
    (void)names;
    (void)list;
    return fail (err);
}

char *aw_hostlist_join (const struct aw_strings *names, struct aw_error *err)
{
    (void)names;
    fail (err);
    return NULL;
}
#endif
