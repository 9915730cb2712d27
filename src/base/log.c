// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int file_fd = -EBADF;
static enum log_format format_chosen = LOG_TEXT;
static bool debug_wanted;

int log_open(const char *path, enum log_format format, bool debug, struct error *err)
{
	format_chosen = format;
	debug_wanted = debug;
	if (!path || !*path)
		return 0;
	file_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (file_fd < 0)
		return error_errno(err, errno, "open the log '%s'", path);
	return 0;
}

int log_fd(void)
{
	return file_fd;
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {"error", "warning", "debug"};

	return names[level];
}

/* Escapes for a JSON string; what does not fit is cut. Control bytes become \u00XX. */
static void json_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 7 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			out[used++] = '\\';
			out[used++] = (char)c;
		} else if (c < 0x20) {
			used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
		} else {
			out[used++] = (char)c;
		}
	}
	out[used] = '\0';
}

static void write_json(int fd, enum log_level level, const char *text)
{
	struct timespec now;
	struct tm utc;
	char when[32], escaped[2400];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	json_escape(text, escaped, sizeof(escaped));
	dprintf(fd, "{\"level\":\"%s\",\"msg\":\"%s\",\"time\":\"%s.%09ldZ\"}\n", level_name(level),
		escaped, when, now.tv_nsec);
}

static void write_line(int fd, enum log_level level, const char *text)
{
	if (format_chosen == LOG_JSON)
		write_json(fd, level, text);
	else
		dprintf(fd, "behalf: %s%s%s\n", level == LOG_LEVEL_ERROR ? "" : level_name(level),
			level == LOG_LEVEL_ERROR ? "" : ": ", text);
}

void log_message(enum log_level level, const char *format, ...)
{
	char text[1200];
	va_list ap;

	if (level == LOG_LEVEL_DEBUG && !debug_wanted)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (file_fd >= 0)
		write_line(file_fd, level, text);
	if (file_fd < 0 || level == LOG_LEVEL_ERROR)
		write_line(STDERR_FILENO, level, text);
}
