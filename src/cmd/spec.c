// SPDX-License-Identifier: GPL-2.0-or-later
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
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/cgroup.h"
#include "oci/config.h"

static const struct option options[] = {
	{"bundle", required_argument, NULL, 'b'},
	{"file", required_argument, NULL, 'f'},
	{"rootless", no_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int write_spec(const char *bundle, const char *file, const char *text, struct error *err)
{
	_cleanup_close_ int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (dir < 0)
		return error_errno(err, errno, "open '%s'", bundle);
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST,
				 "'%s/%s' exists already, remove it to have it written anew",
				 bundle, file);
	if (fd < 0)
		return error_errno(err, errno, "create '%s/%s'", bundle, file);
	r = fd_write_all(fd, text, strlen(text));
	if (r < 0) {
		unlinkat(dir, file, 0);
		return error_errno(err, r, "write '%s/%s'", bundle, file);
	}
	return 0;
}

/*
 * On v2 a mount of the control groups shows the whole hierarchy to who has no cgroup namespace; on v1 the
 * container's own groups are bound, whatever its namespaces.
 */
static void add_cgroup_namespace(struct json_object *spec)
{
	struct json_object *linux_object = json_object_object_get(spec, "linux");
	struct json_object *name_space = json_object_new_object();

	json_add_string(name_space, "type", "cgroup");
	json_object_array_add(json_object_object_get(linux_object, "namespaces"), name_space);
}

static int write_changed_spec(const char *bundle, const char *file, bool rootless, bool v2,
			      struct error *err)
{
	_cleanup_json_ struct json_object *spec = NULL;
	_cleanup_free_ char *text = NULL;
	const char *plain = oci_spec_default();
	int r = rootless ? oci_spec_rootless(geteuid(), getegid(), &spec, err)
			 : json_parse("spec", plain, strlen(plain), &spec, err);

	if (r < 0)
		return r;
	if (v2)
		add_cgroup_namespace(spec);
	text = string_format("%s\n", json_text(spec, true));
	return text ? write_spec(bundle, file, text, err) : error_oom(err);
}

static int write_spec_for_host(const char *bundle, const char *file, bool rootless,
			       struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	bool v2;
	int r = cgroup_layout_read(&layout, err);

	if (r < 0)
		return r;
	v2 = cgroup_layout_mode(layout) == CGROUP_UNIFIED;
	return rootless || v2 ? write_changed_spec(bundle, file, rootless, v2, err)
			      : write_spec(bundle, file, oci_spec_default(), err);
}

int cmd_spec(const struct cmd_context *ctx, int argc, char **argv)
{
	const char *bundle = ".", *file = "config.json";
	bool rootless = false;
	struct error err = {0};
	int opt;

	(void)ctx;
	while ((opt = options_next(argc, argv, "b:f:h", options)) != -1) {
		switch (opt) {
		case 'b':
			bundle = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'r':
			rootless = true;
			break;
		case 'h':
			puts("Usage: behalf spec [--bundle DIR] [--file FILE] [--rootless]\n"
			     "Writes config.json, a configuration to begin with, which runs a shell in the\n"
			     "root file system DIR/rootfs.\n"
			     "\n"
			     "  -b, --bundle DIR   where to write it (default: the working directory)\n"
			     "  -f, --file FILE    its name there (default: config.json)\n"
			     "      --rootless     for the calling user, without root's rights");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind < argc) {
		log_error("spec: unexpected argument '%s'", argv[optind]);
		return EXIT_FAILURE;
	}
	if (write_spec_for_host(bundle, file, rootless, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
