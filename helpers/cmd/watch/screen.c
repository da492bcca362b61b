/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/watch/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coord/display/terminal.h"
#include "util/utf8.h"
#include "util/write.h"

/* Set by signals. */
static volatile sig_atomic_t asked_to_end, asked_to_stop;

static void on_signal (int signal)
{
    if (signal == SIGTSTP)
        asked_to_stop = 1;
    else if (signal != SIGWINCH)
        asked_to_end = 1;
}

void aw_page_clear (struct aw_page *page)
{
    aw_textbuf_clear (&page->head);
    aw_textbuf_clear (&page->body);
    aw_textbuf_clear (&page->foot);
}

void aw_page_finish (struct aw_page *page)
{
    aw_textbuf_finish (&page->head);
    aw_textbuf_finish (&page->body);
    aw_textbuf_finish (&page->foot);
}

bool aw_screen_possible (void)
{
    return isatty (STDIN_FILENO) && aw_terminal_is_tty (STDOUT_FILENO);
}

static void put (const char *text)
{
    aw_write_all (STDOUT_FILENO, text, strlen (text));
}

/* Keys come one by one and unseen; signals of the keyboard stay. The second screen, no cursor. */
int aw_screen_reopen (struct aw_screen *screen)
{
    struct termios raw;

    if (tcgetattr (STDIN_FILENO, &screen->before) < 0)
        return -1;
    raw = screen->before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr (STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return -1;
    put ("\033[?1049h\033[?25l");
    screen->open = true;
    return 0;
}

int aw_screen_open (struct aw_screen *screen)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH };
    struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: poll returns */

    *screen = (struct aw_screen){ .columns = 80, .rows = 24 };
    asked_to_end = asked_to_stop = 0;
    for (size_t i = 0; i < sizeof (signals) / sizeof (signals[0]); i++)
        sigaction (signals[i], &action, NULL);
    return aw_screen_reopen (screen);
}

void aw_screen_close (struct aw_screen *screen)
{
    int saved = errno;

    if (screen->open) {
        put ("\033[?25h\033[?1049l");
        tcsetattr (STDIN_FILENO, TCSADRAIN, &screen->before);
    }
    screen->open = false;
    errno = saved;
}

/* The bytes of LINE, LEN of them, that take at most COLUMNS columns. */
static size_t fitting (const char *line, size_t len, int columns)
{
    size_t at = 0;

    for (int n = 0; at < len && n < columns; n++) {
        size_t bytes = aw_utf8_length (line + at, len - at);

        at += bytes ? bytes : 1;
    }
    return at;
}

static uint32_t count_lines (const struct aw_textbuf *text)
{
    uint32_t n = 0;

    for (size_t i = 0; i < text->len; i++)
        n += text->data[i] == '\n';
    return n;
}

/* Adds at most ROWS of TEXT's lines from number FROM on, and empty ones after the last if FILL. */
static void put_lines (struct aw_textbuf *out,
                       const struct aw_textbuf *text,
                       uint32_t from,
                       int rows,
                       int columns,
                       int64_t marked,
                       bool fill)
{
    size_t at = 0;
    uint32_t n = 0;

    while (rows > 0 && at < text->len) {
        const char *line = text->data + at;
        const char *end = memchr (line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) : text->len - at;

        if (n >= from) {
            if (n == marked)
                aw_textbuf_puts (out, "\033[7m");
            aw_textbuf_put (out, line, fitting (line, len, columns));
            aw_textbuf_puts (out, n == marked ? "\033[K\033[0m\r\n" : "\033[K\r\n");
            rows--;
        }
        at += len + 1;
        n++;
    }
    for (; fill && rows > 0; rows--)
        aw_textbuf_puts (out, "\033[K\r\n");
}

/* TEXT with its lines broken at COLUMNS. */
static void wrap (struct aw_textbuf *out, const struct aw_textbuf *text, int columns)
{
    for (size_t at = 0; at < text->len;) {
        const char *line = text->data + at;
        const char *end = memchr (line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) : text->len - at;
        size_t fits = fitting (line, len, columns);

        aw_textbuf_put (out, line, fits);
        aw_textbuf_putc (out, '\n');
        at += fits + (fits == len);
    }
}

static void scroll (struct aw_page *page, uint32_t n_lines, uint32_t rows)
{
    if (page->selected >= n_lines)
        page->selected = n_lines ? n_lines - 1 : 0;
    if (page->selects && page->selected < page->top)
        page->top = page->selected;
    if (page->selects && page->selected >= page->top + rows)
        page->top = page->selected - rows + 1;
    if (page->top + rows > n_lines)
        page->top = n_lines > rows ? n_lines - rows : 0;
}

static int body_rows (const struct aw_screen *screen, const struct aw_page *page)
{
    int rows = screen->rows - (int)count_lines (&page->head) - (int)count_lines (&page->foot);

    return rows < 1 ? 1 : rows;
}

void aw_screen_draw (struct aw_screen *screen, struct aw_page *page)
{
    struct aw_terminal terminal = { .fd = STDOUT_FILENO };
    struct aw_textbuf out = { 0 }, wrapped = { 0 };
    const struct aw_textbuf *body = &page->body;
    int rows;

    if (!screen->open)
        return;
    aw_terminal_size (&terminal, &screen->columns, &screen->rows);
    rows = body_rows (screen, page);
    if (!page->selects) {
        wrap (&wrapped, body, screen->columns);
        body = &wrapped;
    }
    scroll (page, count_lines (body), (uint32_t)rows);
    aw_textbuf_puts (&out, "\033[H");
    put_lines (&out, &page->head, 0, screen->rows, screen->columns, -1, false);
    put_lines (&out, body, page->top, rows, screen->columns,
               page->selects ? (int64_t)page->selected : -1, true);
    put_lines (&out, &page->foot, 0, screen->rows, screen->columns, -1, false);
    if (out.len >= 2 && !out.failed) /* without the last line's end: the screen must not scroll */
        aw_write_all (STDOUT_FILENO, out.data, out.len - 2);
    aw_textbuf_finish (&out);
    aw_textbuf_finish (&wrapped);
}

static void stop (struct aw_screen *screen)
{
    struct sigaction action = { .sa_handler = SIG_DFL }, before;

    asked_to_stop = 0;
    aw_screen_close (screen);
    sigaction (SIGTSTP, &action, &before);
    raise (SIGTSTP);
    sigaction (SIGTSTP, &before, NULL);
    aw_screen_reopen (screen);
}

/* What follows an Escape: a key's sequence, if it comes at once. */
static enum aw_keystroke read_sequence (void)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char text[8] = "";
    size_t n = 0;

    while (n < sizeof (text) - 1 && poll (&in, 1, 25) == 1
           && read (STDIN_FILENO, text + n, 1) == 1) {
        n++;
        if (n > 1 && (text[n - 1] == '~' || (text[n - 1] >= 'A' && text[n - 1] <= 'Z')))
            break;
    }
    if (n < 2)
        return AW_KEY_BACK;
    switch (text[1]) {
    case 'A':
        return AW_KEY_UP;
    case 'B':
        return AW_KEY_DOWN;
    case 'C':
        return AW_KEY_ENTER;
    case 'D':
        return AW_KEY_BACK;
    case 'H':
    case '1':
        return AW_KEY_HOME;
    case 'F':
    case '4':
        return AW_KEY_END;
    case '5':
        return AW_KEY_PAGE_UP;
    case '6':
        return AW_KEY_PAGE_DOWN;
    default:
        return AW_KEY_NONE;
    }
}

static enum aw_keystroke read_key (void)
{
    unsigned char c;
    ssize_t n = read (STDIN_FILENO, &c, 1);

    if (n < 0 && errno == EINTR)
        return AW_KEY_NONE;
    if (n <= 0)
        return AW_KEY_END_OF_INPUT;
    switch (c) {
    case 033:
        return read_sequence ();
    case '\n':
    case '\r':
        return AW_KEY_ENTER;
    case 0177:
    case '\b':
        return AW_KEY_BACK;
    case 'k':
        return AW_KEY_UP;
    case 'j':
        return AW_KEY_DOWN;
    case 'b':
        return AW_KEY_PAGE_UP;
    case ' ':
        return AW_KEY_PAGE_DOWN;
    case 'g':
        return AW_KEY_HOME;
    case 'G':
        return AW_KEY_END;
    default:
        return (enum aw_keystroke)c;
    }
}

enum aw_keystroke aw_screen_key (struct aw_screen *screen, double seconds)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    int rc = poll (&in, 1, (int)(seconds * 1000));

    if (asked_to_stop)
        stop (screen);
    if (asked_to_end)
        return AW_KEY_END_OF_INPUT;
    return rc > 0 ? read_key () : AW_KEY_NONE;
}

bool aw_page_move (struct aw_page *page, const struct aw_screen *screen, enum aw_keystroke key)
{
    uint32_t *at = page->selects ? &page->selected : &page->top;
    uint32_t rows = (uint32_t)body_rows (screen, page);

    switch (key) {
    case AW_KEY_UP:
        *at -= *at > 0;
        return true;
    case AW_KEY_DOWN:
        ++*at;
        return true;
    case AW_KEY_PAGE_UP:
        *at = *at > rows ? *at - rows : 0;
        return true;
    case AW_KEY_PAGE_DOWN:
        *at += rows;
        return true;
    case AW_KEY_HOME:
        *at = 0;
        return true;
    case AW_KEY_END:
        *at = UINT32_MAX / 2;
        return true;
    default:
        return false;
    }
}
