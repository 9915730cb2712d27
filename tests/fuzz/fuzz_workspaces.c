// SPDX-License-Identifier: GPL-2.0-or-later
/* A file of workspaces. What is taken holds together and is told back as it was. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/workspaces.h"

static void check(const struct workspace *workspace)
{
	struct terms again = {0};
	struct error err = {0};

	if (!workspace->name || !workspace->count || !workspace->line ||
	    terms_check(&workspace->terms, &err) < 0)
		abort();
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *text = terms_format(&workspace->terms, kind);

		if (text && terms_set(&again, kind, kind->name, text, &err) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(workspaces_clear) struct workspaces workspaces = {0};
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct error err = {0};
	int r = workspaces_parse("workspaces", text, size, &workspaces, &err);

	fuzz_check_error(r, &err);
	for (size_t i = 0; i < workspaces.n; i++)
		check(&workspaces.list[i]);
	return 0;
}
