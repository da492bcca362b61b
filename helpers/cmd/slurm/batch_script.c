/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/slurm/batch_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/slurm/slurm.h"
#include "io/journal/run_dir.h"
#include "io/textbuf.h"
#include "util/hash.h"

enum {
    SCRIPT_MAX = 4 << 20, /* bytes: Slurm's own limit unless a site has set another */
    SAME_MAX = 8, /* texts of one hash and size */
};

/*
 * Reading
 */

/* Reads all of FD, which NAME names. 0, or -1, printed. */
static int read_all (int fd, const char *name, struct aw_textbuf *text)
{
    char buf[65536];
    ssize_t n;

    while ((n = read (fd, buf, sizeof (buf))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return aw_slurm_error ("Unable to read file %s: %s", name, strerror (errno));
        aw_textbuf_put (text, buf, (size_t)n);
        if (text->failed || text->len > SCRIPT_MAX)
            return aw_slurm_error ("Job script size exceeds %d bytes", SCRIPT_MAX);
    }
    return 0;
}

/* Opens NAME as sbatch finds it: without a "/" in the working directory, then in PATH. */
static int open_script (const char *name)
{
    int fd = open (name, O_RDONLY | O_CLOEXEC);
    const char *dirs = getenv ("PATH");
    char *paths, *rest = NULL, *path;

    if (fd >= 0 || strchr (name, '/') || !dirs)
        return fd;
    paths = strdup (dirs);
    for (char *part = paths ? strtok_r (paths, ":", &rest) : NULL; part && fd < 0;
         part = strtok_r (NULL, ":", &rest))
        if (asprintf (&path, "%s/%s", part, name) >= 0) {
            fd = open (path, O_RDONLY | O_CLOEXEC);
            free (path);
        }
    free (paths);
    return fd;
}

static int check (const char *text, size_t size)
{
    const char *end = memchr (text, '\n', size);

    if (size == 0)
        return aw_slurm_error ("Batch script is empty!");
    if (memchr (text, '\0', size))
        return aw_slurm_error ("The Slurm controller does not allow scripts that\n"
                               "sbatch: error: contain a NULL character '\\0'.");
    if (end && end > text && end[-1] == '\r')
        return aw_slurm_error ("Batch script contains DOS line breaks (\\r\\n)\n"
                               "sbatch: error: instead of expected UNIX line breaks (\\n).");
    if (size < 3 || strncmp (text, "#!", 2) != 0)
        return aw_slurm_error ("This does not look like a batch script.  The first\n"
                               "sbatch: error: line must start with #! followed by the path to an "
                               "interpreter.\n"
                               "sbatch: error: For instance: #!/bin/sh");
    return 0;
}

char *aw_batch_script_read (const char *path, const char *wrap, size_t *size)
{
    struct aw_textbuf text = { 0 };
    int fd = wrap ? -1 : path ? open_script (path) : STDIN_FILENO, rc = 0;

    if (wrap)
        aw_textbuf_printf (&text, "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n%s\n",
                           wrap);
    else if (fd < 0)
        rc = aw_slurm_error ("Unable to open file %s", path);
    else
        rc = read_all (fd, path ? path : "standard input", &text);
    if (path && fd >= 0)
        close (fd);
    aw_textbuf_putc (&text, '\0');
    *size = text.len - 1;
    if (rc == 0 && text.failed)
        rc = aw_slurm_error ("out of memory");
    if (rc == 0 && check (text.data, *size) == 0)
        return text.data;
    aw_textbuf_finish (&text);
    return NULL;
}

/*
 * #SBATCH lines
 */

/* The next word of the line at *TEXT, without its quotes and backslashes; false: there is none. */
static bool take_word (const char **text, const char *end, struct aw_textbuf *word)
{
    const char *p = *text;
    char quote = 0;

    aw_textbuf_clear (word);
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p == '#')
        return false;
    for (; p < end && (quote || (*p != ' ' && *p != '\t')); p++) {
        if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else if (*p == '\\' && quote != '\'' && p + 1 < end)
            aw_textbuf_putc (word, *++p);
        else
            aw_textbuf_putc (word, *p);
    }
    *text = p;
    aw_textbuf_putc (word, '\0');
    return !word->failed;
}

static void add_words (struct aw_strings *words, const char *text, const char *end)
{
    struct aw_textbuf word = { 0 };

    while (take_word (&text, end, &word))
        aw_strings_add (words, word.data);
    aw_textbuf_finish (&word);
}

int aw_batch_script_options (const char *text,
                             struct aw_slurm_options *options,
                             struct aw_strings *words)
{
    static const char mark[] = "#SBATCH";
    const size_t n = sizeof (mark) - 1;
    int first;

    aw_strings_add (words, "sbatch");
    for (const char *end; *text; text = end + (*end != '\0')) {
        const char *begin = text + strspn (text, " \t");

        end = strchrnul (text, '\n');
        if (begin < end && *begin != '#')
            break; /* the first command */
        if (strncmp (text, mark, n) == 0 && (text[n] == ' ' || text[n] == '\t'))
            add_words (words, text + n, end);
    }
    if (words->failed)
        return aw_slurm_error ("out of memory");
    first = aw_slurm_parse (options, (int)words->n, words->v, false);
    return first == (int)words->n
               ? 0
               : aw_slurm_error ("the script's #SBATCH lines have \"%s\", which is no option",
                                 words->v[first]);
}

/*
 * Keeping
 */

/* Has the file at PATH this text? 1 or 0; -1: there is none. */
static int has (const char *path, const char *text, size_t size)
{
    struct aw_textbuf found = { 0 };
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = -1;

    if (fd >= 0)
        rc = read_all (fd, path, &found) == 0 && found.len == size
             && memcmp (found.data, text, size) == 0;
    if (fd >= 0)
        close (fd);
    aw_textbuf_finish (&found);
    return rc;
}

static char *keep (const char *directory, const char *text, size_t size)
{
    unsigned long long hash = aw_hash64 (AW_HASH64_BASIS, text, size);
    struct aw_error err;

    for (int i = 0; i < SAME_MAX; i++) {
        char name[80], *path;
        int rc;

        snprintf (name, sizeof (name), "script-%016llx-%zx-%d", hash, size, i);
        path = aw_run_dir_path (directory, name);
        rc = path ? has (path, text, size) : -1;
        if (rc > 0)
            return path;
        aw_error_set (&err, "out of memory");
        if (path && rc < 0 && aw_run_dir_write_file (directory, name, 0700, text, size, &err) == 0)
            return path;
        free (path);
        if (rc < 0) {
            aw_slurm_error ("%s", err.text);
            return NULL;
        }
    }
    aw_slurm_error ("the script cannot be kept in the run directory");
    return NULL;
}

char *aw_batch_script_keep (const char *text, size_t size)
{
    const char *run = getenv ("ASYNC_WORKFLOW_RUN");
    char *directory, *path;

    directory = run ? aw_run_dir_path (run, AW_RUN_SUBMITTED) : NULL;
    if (!directory) {
        aw_slurm_error (run ? "out of memory" : "ASYNC_WORKFLOW_RUN is not set");
        return NULL;
    }
    if (mkdir (directory, 0700) < 0 && errno != EEXIST)
        aw_slurm_error ("%s: %s", directory, strerror (errno));
    path = keep (directory, text, size);
    free (directory);
    return path;
}
