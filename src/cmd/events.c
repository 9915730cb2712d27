// SPDX-License-Identifier: GPL-2.0-or-later
/* runc's events: figures at intervals, and each time memory runs out, one JSON object per line. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_oom.h"
#include "runtime/container.h"
#include "runtime/record.h"
#include "runtime/stats.h"

enum { OPT_STATS = 256, OPT_INTERVAL };

static const struct option options[] = {
	{"stats", no_argument, NULL, OPT_STATS},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_help(void)
{
	puts("Usage: behalf events [--stats] [--interval TIME] ID\n"
	     "Prints what a container uses at intervals, and when it runs out of memory, as JSON\n"
	     "objects, one per line, until it ends.\n"
	     "\n"
	     "      --stats           once, and nothing else\n"
	     "      --interval TIME   how often, such as 500ms, 5s (default) or 1m");
}

/* A duration as Go writes it, "1m30s"; a number alone is seconds. 0: it is none. */
static uint64_t parse_interval(const char *text)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	double sum_ns = 0;

	while (*text) {
		char *end;
		double value = strtod(text, &end), unit_ns = *end ? 0 : 1e9;
		size_t length = strspn(end, "nusmh");

		if (end == text || value < 0)
			return 0;
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (strlen(units[i].name) == length && !strncmp(end, units[i].name, length))
				unit_ns = units[i].ns;
		if (unit_ns == 0)
			return 0;
		sum_ns += value * unit_ns;
		text = end + length;
	}
	return sum_ns >= 1e6 && sum_ns < 1e15 ? (uint64_t)sum_ns : 0;
}

static int print_event(const char *type, const struct container *container,
		       struct json_object *data, struct error *err)
{
	_cleanup_json_ struct json_object *event = json_object_new_object();

	json_add_string(event, "type", type);
	json_add_string(event, "id", container_id(container));
	if (data)
		json_object_object_add(event, "data", data);
	if (puts(json_text(event, false)) < 0 || fflush(stdout) != 0)
		return error_errno(err, errno, "write to standard output");
	return 0;
}

static int print_stats(const struct container *container, struct cgroup *cg, struct error *err)
{
	return print_event("stats", container, container_stats(container, cg), err);
}

static int print_ooms(const struct container *container, struct cgroup_oom *oom, struct error *err)
{
	uint64_t n = oom->fd >= 0 ? cgroup_oom_take(oom) : 0;
	int r = 0;

	for (; r == 0 && n; n--)
		r = print_event("oom", container, NULL, err);
	return r;
}

/* Until the container's first process ends; what killed it may have been the lack of memory. */
static int watch(const struct container *container, struct cgroup *cg, uint64_t interval_ns,
		 struct error *err)
{
	_cleanup_(cleanup_cgroup_oom) struct cgroup_oom oom = CGROUP_OOM_NONE;
	struct pollfd fds[] = {{container_pidfd(container), POLLIN, 0}, {-1, POLLIN, 0}};
	uint64_t next_ns = clock_monotonic_ns() + interval_ns;
	int r = cgroup_oom_watch(cg, &oom, err);

	if (r < 0) {
		log_warning("out of memory will not be told: %s", err->text);
		cleanup_cgroup_oom(&oom);
		oom = (struct cgroup_oom)CGROUP_OOM_NONE;
	}
	fds[1].fd = oom.fd;
	for (;;) {
		uint64_t now_ns = clock_monotonic_ns();
		int wait_ms = now_ns >= next_ns ? 0 : (int)((next_ns - now_ns) / 1000000) + 1;

		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
			return error_errno(err, errno, "poll");
		r = print_ooms(container, &oom, err);
		if (r < 0 || fds[0].revents)
			return r;
		if (clock_monotonic_ns() < next_ns)
			continue;
		r = print_stats(container, cg, err);
		if (r < 0)
			return r;
		next_ns += interval_ns;
	}
}

static int events(const struct cmd_context *ctx, const char *id, bool once, uint64_t interval_ns,
		  struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	int r = container_load(ctx->root, id, &container, err);

	if (r < 0)
		return r;
	if (container_pidfd(container) < 0)
		return error_set(err, ESRCH, "container not running: '%s'", id);
	r = container_open_cgroup(container, &cg, err);
	if (r < 0)
		return r;
	return once ? print_stats(container, cg, err) : watch(container, cg, interval_ns, err);
}

int cmd_events(const struct cmd_context *ctx, int argc, char **argv)
{
	uint64_t interval_ns = 5000000000;
	struct error err = {0};
	bool once = false;
	int opt;

	while ((opt = options_next(argc, argv, "h", options)) != -1) {
		switch (opt) {
		case OPT_STATS:
			once = true;
			break;
		case OPT_INTERVAL:
			interval_ns = parse_interval(optarg);
			if (interval_ns)
				break;
			log_error("--interval '%s': a time such as 500ms, 5s or 1m", optarg);
			return EXIT_FAILURE;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind != argc - 1) {
		log_error("events: exactly one container id is needed");
		return EXIT_FAILURE;
	}
	if (events(ctx, argv[optind], once, interval_ns, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
