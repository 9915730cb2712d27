// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits come as the JSON of --resources, as flags, or both: then a flag counts more than the file. All
 * of them become one JSON object, so that there is one reader, one check and one sentence for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/admit.h"
#include "cmd/apart.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/update_terms.h"
#include "runtime/container.h"

enum kind {
	NUMBER, /* a number, -1 for none where the specification has that */
	BYTES,	/* a size with an optional suffix, or -1 */
	TEXT,
	LEFT_OUT, /* of older runtimes; there is nothing left that it could set */
	L3_CACHE,
	MEM_BW,
};

/* The flags of runc and crun, and where each stands in linux.resources. */
static const struct flag {
	const char *name;
	enum kind kind;
	const char *section, *key;
} flags[] = {
	{"blkio-weight", NUMBER, "blockIO", "weight"},
	{"cpu-burst", NUMBER, "cpu", "burst"},
	{"cpu-idle", NUMBER, "cpu", "idle"},
	{"cpu-period", NUMBER, "cpu", "period"},
	{"cpu-quota", NUMBER, "cpu", "quota"},
	{"cpu-rt-period", NUMBER, "cpu", "realtimePeriod"},
	{"cpu-rt-runtime", NUMBER, "cpu", "realtimeRuntime"},
	{"cpu-share", NUMBER, "cpu", "shares"},
	{"cpu-shares", NUMBER, "cpu", "shares"},
	{"cpuset-cpus", TEXT, "cpu", "cpus"},
	{"cpuset-mems", TEXT, "cpu", "mems"},
	{"kernel-memory", LEFT_OUT, NULL, NULL},
	{"kernel-memory-tcp", BYTES, "memory", "kernelTCP"},
	{"memory", BYTES, "memory", "limit"},
	{"memory-reservation", BYTES, "memory", "reservation"},
	{"memory-swap", BYTES, "memory", "swap"},
	{"memory-swappiness", NUMBER, "memory", "swappiness"},
	{"pids-limit", NUMBER, "pids", "limit"},
	{"l3-cache-schema", L3_CACHE, NULL, NULL},
	{"mem-bw-schema", MEM_BW, NULL, NULL},
};

enum { OPT_TERM = 256, OPT_FORCE, FIRST_FLAG };

struct request {
	const char *path; /* --resources */
	const char *values[ARRAY_SIZE(flags)];
	char **terms; /* "NAME=VALUE" */
	bool force;
	bool any; /* flag */
	const char *l3_cache, *mem_bw;
};

static void clear_request(struct request *q)
{
	strv_free(q->terms);
}

static void print_help(void)
{
	puts("Usage: behalf update [OPTIONS] ID\n"
	     "Changes the limits of a container that is not stopped.\n"
	     "\n"
	     "  -r, --resources FILE           what is to change, as JSON (config-linux.md, \"Control\n"
	     "                                 groups\"); -: from standard input\n"
	     "      --term NAME=VALUE          what it is promised, behalf-terms(5); may be repeated\n"
	     "      --force                    promise it though it does not fit\n"
	     "      --blkio-weight N           share of disk time, 10 to 1000\n"
	     "      --cpu-burst US             CPU time above the quota that can be saved up\n"
	     "      --cpu-idle 0|1             1: run only when nothing else does\n"
	     "      --cpu-period US            how long a period of the quota is\n"
	     "      --cpu-quota US             CPU time in a period, -1: no limit\n"
	     "      --cpu-rt-period US         the same for real-time threads (cgroup v1)\n"
	     "      --cpu-rt-runtime US\n"
	     "      --cpu-share, --cpu-shares N  share of CPU time, 1024 is usual\n"
	     "      --cpuset-cpus LIST         CPUs to run on, such as 0-3,7\n"
	     "      --cpuset-mems LIST         memory nodes to use\n"
	     "      --memory BYTES             limit of memory; 512M and the like; -1: none\n"
	     "      --memory-reservation BYTES  what it keeps when memory is short\n"
	     "      --memory-swap BYTES        limit of memory and swap together, -1: none\n"
	     "      --memory-swappiness N      0 to 100 (cgroup v1)\n"
	     "      --kernel-memory-tcp BYTES  limit of TCP buffers (cgroup v1)\n"
	     "      --l3-cache-schema LINE     shares of the L3 caches, such as L3:0=ff;1=f, of a container\n"
	     "                                 with linux.intelRdt\n"
	     "      --mem-bw-schema LINE       shares of memory bandwidth, such as MB:0=20;1=70\n"
	     "      --pids-limit N             number of processes and threads, -1: no limit");
}

static int read_file(const char *path, char **text, size_t *size, struct error *err)
{
	if (strcmp(path, "-") == 0)
		return fd_read_all(STDIN_FILENO, "standard input", OCI_CONFIG_MAX_BYTES, text, size,
				   err);
	return file_read_at(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, text, size, err);
}

static struct json_object *parse_value(const struct flag *flag, const char *text, struct error *err)
{
	int64_t number;
	uint64_t bytes;

	if (flag->kind == TEXT)
		return json_object_new_string(text);
	if (flag->kind == BYTES && string_to_bytes(text, &bytes) == 0 && bytes <= INT64_MAX)
		return json_object_new_int64((int64_t)bytes);
	if (string_to_i64(text, 10, &number) == 0 && (flag->kind == NUMBER || number == -1))
		return json_object_new_int64(number);
	error_set(err, EINVAL, "--%s '%s': %s", flag->name, text,
		  flag->kind == BYTES ? "a size such as 512M, or -1" : "a number is needed");
	return NULL;
}

static int add_flags(const struct request *q, struct json_object *resources, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct json_object *section, *value;

		if (!q->values[i])
			continue;
		value = parse_value(&flags[i], q->values[i], err);
		if (!value)
			return -EINVAL;
		if (!json_object_object_get_ex(resources, flags[i].section, &section) ||
		    !json_object_is_type(section, json_type_object))
			section = json_add_object(resources, flags[i].section);
		json_object_object_add(section, flags[i].key, value);
	}
	return 0;
}

static int read_resources(const struct request *q, struct oci_config **holder, struct error *err)
{
	_cleanup_json_ struct json_object *resources = NULL;
	_cleanup_free_ char *text = NULL;
	const char *name = !q->path		       ? "update"
			   : strcmp(q->path, "-") == 0 ? "standard input"
						       : q->path;
	size_t size = 0;
	int r = q->path ? read_file(q->path, &text, &size, err) : 0;

	if (r < 0)
		return r;
	if (text && !q->any)
		return oci_resources_parse(name, text, size, holder, err);
	if (text)
		r = json_parse(name, text, size, &resources, err);
	else
		resources = json_object_new_object();
	if (r == 0 && !json_object_is_type(resources, json_type_object))
		return error_set(err, EINVAL, "%s: not an object", name);
	if (r == 0)
		r = add_flags(q, resources, err);
	if (r < 0)
		return r;
	return oci_resources_parse(name, json_text(resources, false),
				   strlen(json_text(resources, false)), holder, err);
}

static int update(const struct cmd_context *ctx, const char *id, const struct request *q,
		  bool *refused, struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	struct terms_update terms = {.changes = q->terms, .force = q->force, .refused = refused};
	bool resources = q->path || q->any || q->terms;
	bool rdt = q->l3_cache || q->mem_bw;
	int r = container_load(ctx->root, id, &container, err);

	/* With nothing to change it is only asked whether it could be, as runc has it. */
	if (r == 0 && !resources && !rdt)
		return container_check_alive(container, err);
	if (r == 0 && container_is_apart(container))
		return apart_execute(APART_FULL, ctx->argv, err);
	if (r == 0 && resources)
		r = read_resources(q, &holder, err);
	if (r == 0 && rdt)
		r = container_update_rdt(container, q->l3_cache, q->mem_bw, err);
	return r == 0 && resources ? update_terms(ctx->root, container, &terms, holder, err) : r;
}

static int take_flag(struct request *q, size_t i, const char *value)
{
	if (flags[i].kind == L3_CACHE || flags[i].kind == MEM_BW) {
		if (*value)
			*(flags[i].kind == L3_CACHE ? &q->l3_cache : &q->mem_bw) = value;
		return 0;
	}
	if (flags[i].kind == LEFT_OUT) {
		log_warning("--%s: left out, the kernel no longer has this limit", flags[i].name);
		q->any = true;
		return 0;
	}
	/* Empty is what scripts pass for "not set", and runc reads it so. */
	if (*value)
		q->values[i] = value;
	q->any = true;
	return 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct request *q)
{
	struct option options[ARRAY_SIZE(flags) + 5] = {
		{"resources", required_argument, NULL, 'r'},
		{"term", required_argument, NULL, OPT_TERM},
		{"force", no_argument, NULL, OPT_FORCE},
		{"help", no_argument, NULL, 'h'},
	};
	int opt;

	for (int i = 0; i < (int)ARRAY_SIZE(flags); i++)
		options[i + 4] =
			(struct option){flags[i].name, required_argument, NULL, FIRST_FLAG + i};
	while ((opt = options_next(argc, argv, "r:h", options)) != -1) {
		if (opt == 'h') {
			print_help();
			return EXIT_SUCCESS;
		}
		if (opt == 'r')
			q->path = optarg;
		else if (opt == OPT_FORCE)
			q->force = true;
		else if (opt == OPT_TERM && strv_append(&q->terms, optarg) == 0)
			continue;
		else if (opt < FIRST_FLAG || take_flag(q, (size_t)(opt - FIRST_FLAG), optarg) < 0)
			return EXIT_FAILURE;
	}
	if (optind != argc - 1) {
		log_error("update: exactly one container id is needed, see behalf update --help");
		return EXIT_FAILURE;
	}
	return -1;
}

int cmd_update(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(clear_request) struct request q = {0};
	struct error err = {0};
	bool refused = false;
	int status = parse(argc, argv, &q);

	if (status >= 0)
		return status;
	if (update(ctx, argv[optind], &q, &refused, &err) < 0) {
		log_error("%s", err.text);
		return refused ? EXIT_REFUSED : EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
