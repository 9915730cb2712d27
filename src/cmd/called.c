// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/called.h"

#include <string.h>

#include "base/log.h"

struct ledger_engines *called_engines(void)
{
	struct ledger_engines *engines = NULL;
	struct error err = {0};

	if (ledger_engines_of_host(&engines, &err) < 0)
		log_debug("%s", err.text);
	return engines;
}

char *called_promise(struct ledger_engines *engines, const struct promise *promise)
{
	char *name = engines && promise->cgroup
			     ? ledger_engines_name(engines, cgroup_path(promise->cgroup))
			     : NULL;

	return name ? name : strdup(promise->name);
}
