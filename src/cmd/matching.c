// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/matching.h"

#include <errno.h>
#include <regex.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "runtime/container.h"

int matching_ids(const char *root, const char *pattern, char ***ids, struct error *err)
{
	_cleanup_strv_ char **all = NULL, **found = NULL;
	char reason[128];
	regex_t regex;
	int r = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);

	if (r != 0) {
		regerror(r, &regex, reason, sizeof(reason));
		return error_set(err, EINVAL, "--regex '%s': %s", pattern, reason);
	}
	r = container_list(root, &all, err);
	for (char **id = all; r == 0 && id && *id; id++)
		if (regexec(&regex, *id, 0, NULL, 0) == 0 && strv_append(&found, *id) < 0)
			r = error_oom(err);
	regfree(&regex);
	if (r == 0)
		*ids = take_ptr(found);
	return r;
}
