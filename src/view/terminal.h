/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A terminal in full-screen mode, by ncurses. There is one at a time. */
#include <stddef.h>

#include "base/error.h"
#include "view/screen.h"

/*
 * Takes over the terminal on standard input and output. Handlers of signals must be in place before;
 * ncurses brings its own for those that are at their default (SIGTSTP, SIGWINCH among them). Colours
 * are used when the terminal has them and NO_COLOR is unset or empty (no-color.org). -ENOTTY, -ENOTSUP.
 */
int view_terminal_open(struct error *err);

/* Gives it back as it was. May be called when it is not open. */
void view_terminal_close(void);

/* Its size now. */
void view_terminal_size(size_t *width, size_t *height);

void view_terminal_draw(const struct view_screen *screen);

/* Draws everything anew at the next view_terminal_draw. */
void view_terminal_redraw(void);

/*
 * The next key, a character or an enum view_special_key; 0 when none waits; VIEW_TERMINAL_RESIZED when
 * the size has changed.
 */
#define VIEW_TERMINAL_RESIZED (-1)
int view_terminal_key(void);
