// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms, as lines of NAME=VALUE: read, checked, and written back, which must be read again. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct terms terms = {0};
	struct error err = {0};
	char *rest = text, *line;
	int r;

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (value)
			*value++ = '\0';
		r = terms_set(&terms, line, value ? value : "", &err);
		fuzz_check_error(r, &err);
	}
	r = terms_check(&terms, &err);
	fuzz_check_error(r, &err);
	return 0;
}
