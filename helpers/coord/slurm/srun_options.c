/* SPDX-License-Identifier: Apache-2.0 */
/* The line has passed srun's own getopt before it comes here (or will pass salloc's), so this one
 * only has to see the same options in it: "--name=value", "--name value", unique beginnings of
 * names, "-N2", "-N 2" and bundles. A long option that is not in the table is one of another SPANK
 * plugin: it goes to the step, and a word after it that is no option is its value, since the line
 * holds nothing else.
 */
#include "coord/slurm/srun_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One option as found on the line. */
struct found {
    const struct aw_srun_option *option; /* NULL: not in the table */
    const char *name;
    size_t name_len;
    const char *value; /* NULL: none */
};

/* The state of the sorting. */
struct sorter {
    struct aw_srun_options *options;
    char *const *at; /* the next word */
    bool inside;
    struct aw_error *err;
};

static int fail_memory (struct aw_error *err)
{
    return aw_error_set (err, "%s", strerror (ENOMEM));
}

static int replace (char **text, const char *value, struct aw_error *err)
{
    char *copy = strdup (value ? value : "");

    if (!copy)
        return fail_memory (err);
    free (*text);
    *text = copy;
    return 0;
}

static void add (struct aw_strings *list, const struct found *found)
{
    if (found->value)
        aw_strings_addf (list, "--%.*s=%s", (int)found->name_len, found->name, found->value);
    else
        aw_strings_addf (list, "--%.*s", (int)found->name_len, found->name);
}

static void add_unused (struct aw_strings *list, const struct found *found)
{
    char *name;

    aw_strings_addf (list, "--%.*s", (int)found->name_len, found->name);
    if (list->failed)
        return;
    name = list->v[list->n - 1];
    for (size_t i = 0; i + 1 < list->n; i++) {
        if (strcmp (list->v[i], name) == 0) {
            aw_strings_remove (list, list->n - 1);
            return;
        }
    }
}

static bool is (const struct found *found, const char *name)
{
    return strcmp (found->name, name) == 0;
}

static int take_ours (struct sorter *s, const struct found *found)
{
    struct aw_srun_options *options = s->options;

    if (is (found, "test-only")) {
        options->test_only = true;
        return 0;
    }
    if (is (found, "quiet")) {
        options->quiet = true;
        if (!s->inside)
            add (&options->allocation, found);
        add (&options->step, found);
        return 0;
    }
    if (is (found, "chdir")) {
        add (&options->step, found);
        return replace (&options->directory, found->value, s->err);
    }
    if (is (found, "job-name"))
        return replace (&options->name, found->value, s->err);
    if (is (found, "jobid"))
        return replace (&options->job, found->value, s->err);
    if (!s->inside)
        return aw_error_set (s->err,
                             "--relative=%s: counts the nodes of an allocation, and there "
                             "is none",
                             found->value);
    return replace (&options->relative, found->value, s->err);
}

static int take_nodes (struct sorter *s, const struct found *found)
{
    if (!s->inside) {
        add (&s->options->allocation, found);
        return 0;
    }
    if (is (found, "nodes"))
        return replace (&s->options->nodes, found->value, s->err);
    if (is (found, "nodelist"))
        return replace (&s->options->node_list, found->value, s->err);
    if (is (found, "exclude"))
        return replace (&s->options->exclude, found->value, s->err);
    return aw_error_set (s->err, "--%s: inside an allocation give the nodes' names with --nodelist",
                         found->name);
}

static int take (struct sorter *s, const struct found *found)
{
    struct aw_srun_options *options = s->options;

    if (!found->option) {
        add (&options->step, found);
        return 0;
    }
    switch (found->option->class) {
    case AW_SRUN_OURS:
        return take_ours (s, found);
    case AW_SRUN_NODES:
        return take_nodes (s, found);
    case AW_SRUN_ALLOCATION:
        if (s->inside)
            add_unused (&options->unused, found);
        else
            add (&options->allocation, found);
        return 0;
    case AW_SRUN_BOTH:
        if (!s->inside)
            add (&options->allocation, found);
        add (&options->step, found);
        return 0;
    case AW_SRUN_STEP:
        add (&options->step, found);
        return 0;
    case AW_SRUN_NO_USE:
        add_unused (&options->unused, found);
        return 0;
    case AW_SRUN_REFUSED:
        break;
    }
    return aw_error_set (s->err, "--%s: cannot be given with a workflow: %s", found->name,
                         found->option->hint);
}

/* Finds the name of LEN bytes, or the one that begins so. 0 also where there is none: OPTION is
 * NULL then.
 */
static int look_up (const struct aw_srun_option **option,
                    const char *name,
                    size_t len,
                    struct aw_error *err)
{
    const struct aw_srun_option *other = NULL;

    *option = NULL;
    for (const struct aw_srun_option *o = aw_srun_option_table (); o->name; o++) {
        if (strncmp (o->name, name, len) != 0)
            continue;
        if (o->name[len] == '\0') {
            *option = o;
            return 0;
        }
        if (*option)
            other = o;
        else
            *option = o;
    }
    if (other)
        return aw_error_set (err, "--%.*s: could be --%s or --%s: write it out", (int)len, name,
                             (*option)->name, other->name);
    return 0;
}

const struct aw_srun_option *aw_srun_option_of (const char *word)
{
    size_t len = strncmp (word, "--", 2) == 0 ? strcspn (word + 2, "=") : 0;

    for (const struct aw_srun_option *o = aw_srun_option_table (); o->name; o++)
        if (len > 0 ? strlen (o->name) == len && strncmp (o->name, word + 2, len) == 0
                    : word[0] == '-' && word[1] && word[1] == o->letter)
            return o;
    return NULL;
}

static int sort_long (struct sorter *s, const char *word)
{
    const char *name = word + 2;
    const char *equals = strchr (name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen (name);
    struct found found = { NULL, name, len, equals ? equals + 1 : NULL };

    if (look_up (&found.option, name, len, s->err) < 0)
        return -1;
    if (found.option) {
        found.name = found.option->name;
        found.name_len = strlen (found.name);
        if (found.option->argument == AW_SRUN_NO_ARGUMENT && found.value)
            return aw_error_set (s->err, "--%s: takes no value", found.name);
        if (found.option->argument == AW_SRUN_REQUIRED && !found.value) {
            if (!*s->at)
                return aw_error_set (s->err, "--%s: wants a value", found.name);
            found.value = *s->at++;
        }
    }
    else if (!found.value && *s->at && **s->at != '-') {
        found.value = *s->at++;
    }
    return take (s, &found);
}

static int sort_letters (struct sorter *s, const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct aw_srun_option *o = aw_srun_option_table ();
        struct found found = { NULL, NULL, 0, NULL };

        while (o->name && o->letter != *letter)
            o++;
        if (!o->name)
            return aw_error_set (s->err, "\"%s\": srun has no option -%c", word, *letter);
        found.option = o;
        found.name = o->name;
        found.name_len = strlen (o->name);
        if (o->argument != AW_SRUN_NO_ARGUMENT && letter[1])
            found.value = letter + 1;
        else if (o->argument == AW_SRUN_REQUIRED && *s->at)
            found.value = *s->at++;
        if (o->argument == AW_SRUN_REQUIRED && !found.value)
            return aw_error_set (s->err, "-%c: wants a value", *letter);
        if (take (s, &found) < 0)
            return -1;
        if (found.value)
            break;
    }
    return 0;
}

static int sort (struct aw_srun_options *options,
                 char *const *argv,
                 bool inside,
                 struct aw_error *err)
{
    struct sorter s = { options, argv, inside, err };

    memset (options, 0, sizeof (*options));
    while (s.at && *s.at) {
        const char *word = *s.at++;

        if (strcmp (word, "--") == 0 && !*s.at)
            break;
        if (word[0] != '-' || word[1] == '\0' || strcmp (word, "--") == 0)
            return aw_error_set (err,
                                 "\"%s\": no command can be given: the workflow file has the "
                                 "commands",
                                 strcmp (word, "--") == 0 ? *s.at : word);
        if ((word[1] == '-' ? sort_long (&s, word) : sort_letters (&s, word)) < 0)
            return -1;
    }
    if (options->allocation.failed || options->step.failed || options->unused.failed)
        return fail_memory (err);
    return 0;
}

/* --jobid means an allocation, anywhere on the line. */
int aw_srun_options_sort (struct aw_srun_options *options,
                          char *const *argv,
                          bool inside,
                          struct aw_error *err)
{
    int rc = sort (options, argv, true, err);

    if (options->job || inside)
        return rc;
    aw_srun_options_finish (options);
    return sort (options, argv, false, err);
}

void aw_srun_options_finish (struct aw_srun_options *options)
{
    int saved = errno;

    aw_strings_finish (&options->allocation);
    aw_strings_finish (&options->step);
    aw_strings_finish (&options->unused);
    free (options->nodes);
    free (options->node_list);
    free (options->exclude);
    free (options->relative);
    free (options->job);
    free (options->name);
    free (options->directory);
    memset (options, 0, sizeof (*options));
    errno = saved;
}
