// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/one_id.h"
#include "runtime/container.h"

int cmd_state(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_json_ struct json_object *state = NULL;
	struct error err = {0};
	const char *id;
	int status = one_id_parse(argc, argv,
				  "Prints the state of a container (runtime.md) as JSON.", &id);

	if (status >= 0)
		return status;
	if (container_load(ctx->root, id, &container, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	state = container_state_json(container);
	puts(json_text(state, true));
	return EXIT_SUCCESS;
}
