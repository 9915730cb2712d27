// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/one_id.h"
#include "runtime/container.h"

int cmd_resume(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	struct error err = {0};
	const char *id;
	int status =
		one_id_parse(argc, argv, "Lets the processes of a paused container go on.", &id);

	if (status >= 0)
		return status;
	if (container_load(ctx->root, id, &container, &err) < 0 ||
	    container_freeze(container, false, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
