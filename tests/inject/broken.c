/* SPDX-License-Identifier: Apache-2.0 */
/* Does wrong what can be done wrong when a call fails: what call-failures must see. Prints "done".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails (const char *how)
{
    if (strcmp (how, "silent") == 0)
        return 1;
    if (strcmp (how, "success") == 0)
        return 0;
    if (strcmp (how, "vague") == 0) {
        fputs ("it did not work\n", stderr);
        return 1;
    }
    if (strcmp (how, "left") == 0 && fork () == 0)
        sleep (60);
    while (strcmp (how, "hang") == 0)
        sleep (1);
    fprintf (stderr, "broken: %s\n", strerror (ENOMEM));
    return 1;
}

int main (int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    char *volatile text = malloc (16);
    int fd[2];

    if (!text && strcmp (how, "crash") != 0)
        return fails (how);
    strcpy (text, "done\n");
    if (strcmp (how, "interrupted") == 0
        && (pipe (fd) < 0 || write (fd[1], "", 1) < 0 || read (fd[0], text + 6, 1) < 0)) {
        perror ("broken");
        return 1;
    }
    fputs (text, stdout);
    free (text);
    return 0;
}
