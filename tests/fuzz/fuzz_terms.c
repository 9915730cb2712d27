// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms, as lines of NAME=VALUE: read, checked, and written back, which must be read again. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/terms.h"

static void read_back(const struct terms *terms)
{
	struct terms again = {0};
	struct error err = {0};

	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *text = terms_format(terms, kind), *second = NULL;

		if (!text)
			continue;
		if (terms_set(&again, kind, kind->name, text, &err) < 0)
			abort();
		second = terms_format(&again, kind);
		if (!second || strcmp(text, second) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct terms terms = {0};
	struct error err = {0};
	char *rest = text, *line;
	int r;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');
		const struct term_kind *kind;

		if (value)
			*value++ = '\0';
		kind = terms_find(line);
		if (!kind)
			continue;
		r = terms_set(&terms, kind, line, value, &err);
		fuzz_check_error(r, &err);
	}
	read_back(&terms);
	r = terms_check(&terms, &err);
	fuzz_check_error(r, &err);
	return 0;
}
