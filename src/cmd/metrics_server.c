// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * behalf-metrics: serves the metrics over HTTP. `behalf metrics` executes it with its own arguments.
 *
 * libmicrohttpd speaks HTTP in a thread per socket, while the main thread waits for a signal. Pages are
 * made one at a time, each with the one before at hand.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "cmd/metrics_options.h"

#define SOCKETS_MAX 8
#define FIRST_PASSED_FD 3 /* sd_listen_fds(3) */
#define CONNECTIONS_MAX 32
#define TIMEOUT_S 10

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct server {
	struct metrics_options options;
	pthread_mutex_t lock;
	char *page; /* the last one */
	struct MHD_Daemon *daemons[SOCKETS_MAX];
	size_t n_daemons;
	char *unix_path; /* to be removed at the end */
};

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_page(struct server *server, struct MHD_Connection *connection)
{
	enum MHD_Result result;
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
	struct error err = {0};
	char *page = NULL;

	pthread_mutex_lock(&server->lock);
	if (metrics_page(&server->options, openmetrics, server->page, &page, &err) < 0) {
		result = answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", err.text);
	} else {
		free(server->page);
		server->page = page;
		result = answer(connection, MHD_HTTP_OK,
				openmetrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE, page);
	}
	pthread_mutex_unlock(&server->lock);
	return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			      "GET or HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return answer_page(context, connection);
	if (strcmp(url, "/") == 0)
		return answer(connection, MHD_HTTP_OK, "text/plain",
			      "behalf " BEHALF_VERSION ": see /metrics\n");
	return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", "see /metrics\n");
}

/* ---- sockets ---- */

static int add_socket(struct server *server, int fd, struct error *err)
{
	struct MHD_Daemon *daemon;

	if (server->n_daemons == SOCKETS_MAX)
		return error_set(err, E2BIG, "more than %d sockets", SOCKETS_MAX);
	daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
				  handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
				  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_S,
				  MHD_OPTION_END);
	if (!daemon)
		return error_set(err, EINVAL, "descriptor %d cannot be served", fd);
	server->daemons[server->n_daemons++] = daemon;
	return 0;
}

/* "127.0.0.1:9725", "[::1]:9725" */
static int split_address(const char *text, char **host, char **port, struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']')
		*host = strndup(text + 1, length - 2);
	else if (length > 0 && !memchr(text, ':', length))
		*host = strndup(text, length);
	else
		return error_set(err, EINVAL, "--listen '%s': ADDRESS:PORT", text);
	*port = strdup(colon + 1);
	return *host && *port ? 0 : error_oom(err);
}

static void tell_address(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	printf("serving http://%s%s%s:%s/metrics\n", strchr(host, ':') ? "[" : "", host,
	       strchr(host, ':') ? "]" : "", port);
	fflush(stdout);
}

static int listen_at(struct server *server, const char *text, struct error *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	_cleanup_free_ char *host = NULL, *port = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct addrinfo *address;
	int r = split_address(text, &host, &port, err), one = 1;

	if (r < 0)
		return r;
	r = getaddrinfo(host, port, &hints, &address);
	if (r != 0)
		return error_set(err, EINVAL, "--listen '%s': %s", text, gai_strerror(r));
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r = fd < 0 ? -errno : 0;
	if (r == 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, 16) < 0)
			r = -errno;
	}
	freeaddrinfo(address);
	if (r < 0)
		return error_errno(err, -r, "listen at '%s'", text);
	r = add_socket(server, fd, err);
	if (r == 0)
		tell_address(take_fd(&fd));
	return r;
}

/* A socket that nobody listens at any more is one that was left behind. */
static void remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
}

static int listen_at_path(struct server *server, const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "--unix '%s': the path is too long", path);
	strcpy(address.sun_path, path);
	remove_stale(&address);
	mask = umask(0117); /* owner and group */
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0)
		server->unix_path = strdup(path);
	if (r == 0 && listen(fd, 16) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "listen at '%s'", path);
	r = add_socket(server, fd, err);
	if (r == 0) {
		take_fd(&fd);
		printf("serving %s\n", path);
		fflush(stdout);
	}
	return r;
}

/* How many sockets systemd handed over: sd_listen_fds(3). */
static size_t passed_sockets(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t value;

	if (!pid || string_to_u64(pid, 10, &value) < 0 || value != (uint64_t)getpid())
		return 0;
	return fds && string_to_u64(fds, 10, &value) == 0 && value < SOCKETS_MAX ? (size_t)value
										 : 0;
}

static int open_sockets(struct server *server, struct error *err)
{
	const size_t n_passed = passed_sockets();
	int r = 0;

	if (server->options.unix_path)
		return listen_at_path(server, server->options.unix_path, err);
	if (server->options.listen || n_passed == 0)
		return listen_at(server,
				 server->options.listen ? server->options.listen : METRICS_LISTEN,
				 err);
	for (int fd = FIRST_PASSED_FD; r == 0 && fd < FIRST_PASSED_FD + (int)n_passed; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
			return error_set(err, ENOTSOCK, "LISTEN_FDS: descriptor %d is no socket",
					 fd);
		fd_set_cloexec(fd, true);
		r = add_socket(server, fd, err);
	}
	return r;
}

static int serve(struct server *server, struct error *err)
{
	sigset_t ending;
	int signal, r;

	/* before there are threads, which inherit this */
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	r = open_sockets(server, err);
	if (r == 0)
		sigwait(&ending, &signal);
	for (size_t i = 0; i < server->n_daemons; i++)
		MHD_stop_daemon(server->daemons[i]);
	if (server->unix_path)
		unlink(server->unix_path);
	free(server->unix_path);
	free(server->page);
	return r;
}

int main(int argc, char **argv)
{
	struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct error err = {0};
	int r = metrics_options_parse(argc, argv, &server.options, &err);

	if (r == 0)
		r = serve(&server, &err);
	if (r < 0 && err.text[0])
		fprintf(stderr, "behalf: %s\n", err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
