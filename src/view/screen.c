// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/screen.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/table.h"

struct view_screen {
	struct view_span *spans;
	size_t n;
	size_t n_max;
	size_t line;
	size_t column;
	bool out_of_memory;
};

struct view_screen *view_screen_new(void)
{
	return calloc(1, sizeof(struct view_screen));
}

void view_screen_free(struct view_screen *screen)
{
	if (!screen)
		return;
	for (size_t i = 0; i < screen->n; i++)
		free(screen->spans[i].text);
	free(screen->spans);
	free(screen);
}

void cleanup_view_screen(struct view_screen **screen)
{
	view_screen_free(*screen);
}

/* Takes TEXT over. */
static void add_span(struct view_screen *screen, enum view_style style, char *text)
{
	if (screen->n == screen->n_max) {
		size_t n = screen->n_max ? 2 * screen->n_max : 64;
		struct view_span *grown = reallocarray(screen->spans, n, sizeof(*grown));

		if (!grown) {
			screen->out_of_memory = true;
			free(text);
			return;
		}
		screen->spans = grown;
		screen->n_max = n;
	}
	screen->column += text_width(text);
	screen->spans[screen->n++] =
		(struct view_span){.line = screen->line, .style = style, .text = text};
}

void view_screen_put(struct view_screen *screen, enum view_style style, const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (!screen)
		return;
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		screen->out_of_memory = true;
	else
		add_span(screen, style, text);
}

void view_screen_end_line(struct view_screen *screen)
{
	if (!screen)
		return;
	screen->line++;
	screen->column = 0;
}

size_t view_screen_column(const struct view_screen *screen)
{
	return screen ? screen->column : 0;
}

size_t view_screen_lines(const struct view_screen *screen)
{
	return screen ? screen->line : 0;
}

int view_screen_check(const struct view_screen *screen, struct error *err)
{
	return screen && !screen->out_of_memory ? 0 : error_oom(err);
}

const struct view_span *view_screen_spans(const struct view_screen *screen, size_t *n)
{
	*n = screen ? screen->n : 0;
	return screen ? screen->spans : NULL;
}

void view_screen_print(const struct view_screen *screen, FILE *file)
{
	size_t line = 0;

	for (size_t i = 0; screen && i < screen->n; i++) {
		for (; line < screen->spans[i].line; line++)
			fputc('\n', file);
		fputs(screen->spans[i].text, file);
	}
	for (; screen && line < screen->line; line++)
		fputc('\n', file);
}
