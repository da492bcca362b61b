/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a terminal, pipe or file that others may share, without ever waiting for it and without
 * changing its behaviour for the others (O_NONBLOCK belongs to the open file, which is the shell's
 * too).
 */
#ifndef AW_COORD_DISPLAY_TERMINAL_H
#define AW_COORD_DISPLAY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "io/textbuf.h"

struct aw_terminal {
    int fd; /* borrowed */
    /* Private. */
    int own; /* the same file, opened a second time for us alone; -1: not possible */
    enum { AW_TERMINAL_FILE, AW_TERMINAL_SOCKET, AW_TERMINAL_STREAM } kind;
    bool broken; /* nobody reads it any more */
    struct aw_textbuf pending; /* what could not be written yet */
};

void aw_terminal_init (struct aw_terminal *terminal, int fd);
void aw_terminal_finish (struct aw_terminal *terminal); /* writes what it can at once */

/* Is it a terminal whose cursor can be moved? Looks at TERM. */
bool aw_terminal_is_tty (int fd);

/* May this process write there now: is it in the terminal's foreground (DRAW), or at least not to
 * be stopped for writing? True for what is no terminal.
 */
bool aw_terminal_allows (const struct aw_terminal *terminal, bool draw);

/* Its present size; 80 x 24 where that is not to be known. */
void aw_terminal_size (const struct aw_terminal *terminal, int *columns, int *rows);

/* Appends TEXT to what is to be written, and writes what goes at once. False: too much is waiting
 * already, TEXT was left out.
 */
bool aw_terminal_put (struct aw_terminal *terminal, const char *text, size_t len);

/* Writes what goes at once. Is all of it out? */
bool aw_terminal_flush (struct aw_terminal *terminal);

#endif /* AW_COORD_DISPLAY_TERMINAL_H */
