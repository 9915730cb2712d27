/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Between the terminal of a container, of which we have the master, and our own standard input and output.
 * Nothing here waits for one side alone: a program that writes much before it reads what was typed, and an
 * output that nobody takes, hold up neither the other direction nor the signals that are handed on.
 */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* What was read and is not written yet. */
struct relay_stream {
	char bytes[4096]; /* a pipe that is ready takes as much at once (PIPE_BUF) */
	size_t from, to;
};

#define RELAY_POLLED 3

struct relay {
	int master;  /* negative: no terminal, or no longer */
	bool absent; /* nobody in the container has the terminal open */
	bool input_ended;
	struct relay_stream input, output;
	bool restore;
	struct termios before;
};

/* Takes *MASTER over, which may be negative. Our own terminal, where there is one, becomes raw. */
void relay_open(struct relay *relay, int *master);

/* What is waited for, and how long at most: the argument of poll(2). */
int relay_poll(const struct relay *relay, struct pollfd polled[RELAY_POLLED]);

/* After poll(2) has filled in what came. */
void relay_serve(struct relay *relay, const struct pollfd polled[RELAY_POLLED]);

void relay_copy_window_size(const struct relay *relay);

/* Everybody has ended: writes what is left, and gives our terminal back as it was. */
void relay_finish(struct relay *relay);

/* The same without the former. */
void relay_close(struct relay *relay);
