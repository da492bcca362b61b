/* SPDX-License-Identifier: Apache-2.0 */
/* A full screen of text with a list that scrolls: drawn on the terminal's second screen, so that
 * the first comes back unchanged.
 */
#ifndef AW_CMD_WATCH_SCREEN_H
#define AW_CMD_WATCH_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "io/textbuf.h"

enum aw_keystroke {
    AW_KEY_NONE = 0, /* the time is over, or the window has another size; else a character, or: */
    AW_KEY_UP = 0x100,
    AW_KEY_DOWN,
    AW_KEY_PAGE_UP,
    AW_KEY_PAGE_DOWN,
    AW_KEY_HOME,
    AW_KEY_END,
    AW_KEY_BACK, /* Escape, backspace, left */
    AW_KEY_ENTER, /* or right */
    AW_KEY_END_OF_INPUT, /* the terminal is gone, or a signal asks to end */
};

struct aw_screen {
    struct termios before; /* private */
    bool open;
    int columns, rows; /* set by draw */
};

/* What is shown: lines that end in newlines, already harmless for a terminal. */
struct aw_page {
    struct aw_textbuf head, body, foot;
    bool selects; /* one line of the body is marked */
    uint32_t selected; /* of the body, from 0; draw keeps it among its lines */
    uint32_t top; /* the first line of the body that is shown; draw scrolls it */
};
void aw_page_clear (struct aw_page *page); /* the texts alone */
void aw_page_finish (struct aw_page *page);

/* Can standard input and output be used so? */
bool aw_screen_possible (void);

/* 0, or -1 with errno. close gives the terminal back as it was; twice is fine. */
int aw_screen_open (struct aw_screen *screen);
void aw_screen_close (struct aw_screen *screen);

/* After close: takes the terminal again. */
int aw_screen_reopen (struct aw_screen *screen);

/* Draws PAGE. Lines that are too long are cut; those of a page that selects nothing are
 * wrapped. */
void aw_screen_draw (struct aw_screen *screen, struct aw_page *page);

/* The next key, after at most SECONDS. Stops the process for Ctrl-Z, and continues it. */
enum aw_keystroke aw_screen_key (struct aw_screen *screen, double seconds);

/* Moves the selection, or the page where nothing is selected. False: KEY does not do that. */
bool aw_page_move (struct aw_page *page, const struct aw_screen *screen, enum aw_keystroke key);

#endif /* AW_CMD_WATCH_SCREEN_H */
