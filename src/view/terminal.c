// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/terminal.h"

#include <curses.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "view/top.h"

static SCREEN *terminal;
static bool colours;

enum { PAIR_OWN = 1, PAIR_BEHALF, PAIR_UNATTRIBUTED, PAIR_WARNING };

static void open_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	colours = has_colors() && !(no_color && no_color[0]) && start_color() == OK;
	if (!colours)
		return;
	use_default_colors();
	init_pair(PAIR_OWN, COLOR_GREEN, -1);
	init_pair(PAIR_BEHALF, COLOR_CYAN, -1);
	init_pair(PAIR_UNATTRIBUTED, COLOR_MAGENTA, -1);
	init_pair(PAIR_WARNING, COLOR_RED, -1);
}

int view_terminal_open(struct error *err)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, ENOTTY,
				 "standard input and output are no terminal; -b prints figures "
				 "without one");
	set_escdelay(25);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return error_set(err, ENOTSUP,
				 "a terminal of type '%s' (TERM) cannot be driven; -b prints "
				 "figures without one",
				 term ? term : "");
	set_term(terminal);
	open_colours();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return 0;
}

void view_terminal_close(void)
{
	if (!terminal)
		return;
	curs_set(1);
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

void view_terminal_size(size_t *width, size_t *height)
{
	*width = (size_t)getmaxx(stdscr);
	*height = (size_t)getmaxy(stdscr);
}

/* Without colours the parts of the bar differ by their characters and by weight. */
static attr_t attributes_of(enum view_style style)
{
	const struct {
		attr_t plain;
		short pair;
	} looks[VIEW_STYLES] = {
		[STYLE_TITLE] = {A_BOLD, 0},
		[STYLE_HEADING] = {A_REVERSE, 0},
		[STYLE_SELECTED] = {A_REVERSE, 0},
		[STYLE_SORTED] = {A_REVERSE | A_BOLD | A_UNDERLINE, 0},
		[STYLE_WARNING] = {A_BOLD, PAIR_WARNING},
		[STYLE_OWN] = {A_BOLD, PAIR_OWN},
		[STYLE_BEHALF] = {A_BOLD, PAIR_BEHALF},
		[STYLE_UNATTRIBUTED] = {A_BOLD, PAIR_UNATTRIBUTED},
	};
	attr_t attributes = looks[style].plain;

	if (colours && looks[style].pair)
		attributes |= (attr_t)COLOR_PAIR(looks[style].pair);
	return attributes;
}

static void draw_span(const struct view_span *span, size_t width)
{
	size_t column = (size_t)getcurx(stdscr);
	_cleanup_free_ char *text = NULL;

	if (column >= width)
		return;
	/* a span that reaches the edge would go on in the next line */
	text = text_fit(span->text, width - column);
	if (!text)
		return;
	attrset((int)attributes_of(span->style));
	addstr(text);
}

void view_terminal_draw(const struct view_screen *screen)
{
	size_t n, width, height, line = SIZE_MAX;
	const struct view_span *spans = view_screen_spans(screen, &n);

	view_terminal_size(&width, &height);
	erase();
	for (size_t i = 0; i < n; i++) {
		if (spans[i].line >= height)
			break;
		if (spans[i].line != line) {
			line = spans[i].line;
			move((int)line, 0);
		} else if ((size_t)getcury(stdscr) != line) {
			continue; /* the line is full, and the cursor has gone on */
		}
		draw_span(&spans[i], width);
	}
	attrset(A_NORMAL);
	refresh();
}

void view_terminal_redraw(void)
{
	clearok(stdscr, TRUE);
}

int view_terminal_key(void)
{
	int key = getch();

	switch (key) {
	case ERR:
		return 0;
	case KEY_RESIZE:
		return VIEW_TERMINAL_RESIZED;
	case KEY_UP:
		return VIEW_KEY_UP;
	case KEY_DOWN:
		return VIEW_KEY_DOWN;
	case KEY_LEFT:
		return VIEW_KEY_LEFT;
	case KEY_RIGHT:
		return VIEW_KEY_RIGHT;
	case KEY_PPAGE:
		return VIEW_KEY_PAGE_UP;
	case KEY_NPAGE:
		return VIEW_KEY_PAGE_DOWN;
	case KEY_HOME:
		return VIEW_KEY_HOME;
	case KEY_END:
		return VIEW_KEY_END;
	case KEY_ENTER:
		return '\n';
	case KEY_BACKSPACE:
	case 0x7f:
	case 'H' - '@':
		return VIEW_KEY_BACKSPACE;
	case 0x1b:
		return VIEW_KEY_ESCAPE;
	case 'L' - '@':
		view_terminal_redraw();
		return VIEW_TERMINAL_RESIZED;
	default:
		return key;
	}
}
