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
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "runtime/container.h"
#include "runtime/self.h"

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* To take a mount away its destination is enough. */
static void complete(struct json_object *mounts)
{
	size_t n = json_object_is_type(mounts, json_type_array) ? json_object_array_length(mounts)
								: 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);

		if (json_object_is_type(mount, json_type_object) &&
		    !json_object_object_get_ex(mount, "type", NULL))
			json_add_string(mount, "type", "none");
	}
}

/* The array that stands under "mounts" in a configuration, alone or in an object with that key. */
static int read_mounts(const char *path, bool add, struct oci_config **holder, struct error *err)
{
	bool from_stdin = strcmp(path, "-") == 0;
	const char *name = from_stdin ? "standard input" : path, *array;
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *mounts;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (from_stdin)
		r = fd_read_all(STDIN_FILENO, name, OCI_CONFIG_MAX_BYTES, &text, &size, err);
	else
		r = file_read_at(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, &text, &size, err);
	if (r == 0)
		r = json_parse(name, text, size, &json, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "mounts", &mounts))
		mounts = json;
	if (!add)
		complete(mounts);
	array = json_text(mounts, false);
	return oci_mounts_parse(name, array, strlen(array), holder, err);
}

static int change(const struct cmd_context *ctx, bool add, const char *id, const char *path,
		  struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	int r = self_protect(ctx->argv, err);

	if (r == 0)
		r = container_load(ctx->root, id, &container, err);
	if (r == 0)
		r = read_mounts(path, add, &holder, err);
	if (r < 0)
		return r;
	return add ? container_add_mounts(container, holder, err)
		   : container_remove_mounts(container, holder, err);
}

int cmd_mounts(const struct cmd_context *ctx, int argc, char **argv)
{
	struct error err = {0};
	bool add;
	int opt;

	while ((opt = options_next(argc, argv, "h", options)) != -1) {
		if (opt != 'h')
			return EXIT_FAILURE;
		puts("Usage: behalf mounts add|remove ID FILE\n"
		     "Adds bind mounts to a container that runs, or takes away what is mounted at\n"
		     "their destinations. FILE has them as JSON, as config.json has its mounts\n"
		     "(config.md, \"Mounts\"); -: from standard input.");
		return EXIT_SUCCESS;
	}
	if (optind != argc - 3) {
		log_error("mounts: add or remove, a container id and a file are needed");
		return EXIT_FAILURE;
	}
	add = strcmp(argv[optind], "add") == 0;
	if (!add && strcmp(argv[optind], "remove") != 0) {
		log_error("mounts '%s': add or remove", argv[optind]);
		return EXIT_FAILURE;
	}
	if (change(ctx, add, argv[optind + 1], argv[optind + 2], &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
