// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The places that crun calls backends, and the sockets of those that are daemons. */
enum place { PLACE_FILE, PLACE_SYSLOG, PLACE_JOURNAL };

static const struct {
	const char *prefix, *socket;
} places[] = {
	[PLACE_FILE] = {"file:", NULL},
	[PLACE_SYSLOG] = {"syslog:", "/dev/log"},
	[PLACE_JOURNAL] = {"journald:", "/run/systemd/journal/socket"},
};

static int log_fd = -EBADF;
static enum place place_chosen = PLACE_FILE;
static const char *identifier;
static enum log_format format_chosen = LOG_TEXT;
static bool debug_wanted;

/* What is behind the prefix of *PLACE in DESTINATION. */
static const char *split(const char *destination, enum place *place)
{
	*place = PLACE_FILE;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t length = strlen(places[i].prefix);

		if (strncmp(destination, places[i].prefix, length) == 0) {
			*place = (enum place)i;
			return destination + length;
		}
	}
	return destination;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

int log_open(const char *destination, enum log_format format, bool debug, struct error *err)
{
	format_chosen = format;
	debug_wanted = debug;
	if (!destination || !*destination)
		return 0;
	identifier = split(destination, &place_chosen);
	if (place_chosen == PLACE_FILE)
		log_fd = open(identifier, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
			      0600);
	else
		log_fd = connect_to(places[place_chosen].socket);
	if (log_fd < 0)
		return error_errno(err, errno, "open the log '%s'",
				   place_chosen == PLACE_FILE ? identifier : destination);
	return 0;
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

/* One datagram for each message: syslog(3) and systemd's journal each with its own protocol. */
static void send_to_daemon(enum log_level level, const char *text)
{
	static const int severities[] = {LOG_ERR, LOG_WARNING, LOG_DEBUG};
	const char *name = *identifier ? identifier : "behalf";
	char message[2000];

	if (place_chosen == PLACE_SYSLOG)
		snprintf(message, sizeof(message), "<%d>%.255s[%d]: %s",
			 LOG_USER | severities[level], name, getpid(), text);
	else
		snprintf(message, sizeof(message),
			 "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.255s\nMESSAGE=%s\n", severities[level],
			 name, text);
	/* one that does not listen any more, or not now, has to do without */
	send(log_fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What a hook said may have several lines, of which the journal would make fields. */
static void join_lines(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
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
	if (log_fd >= 0 && place_chosen == PLACE_FILE)
		write_line(log_fd, level, text);
	if (log_fd < 0 || level == LOG_LEVEL_ERROR)
		write_line(STDERR_FILENO, level, text);
	if (log_fd >= 0 && place_chosen != PLACE_FILE) {
		join_lines(text);
		send_to_daemon(level, text);
	}
}
