// SPDX-License-Identifier: GPL-2.0-or-later
/* A file of the register of promises. What is taken is written as JSON that is taken again. */
#include "fuzz.h"

#include "base/error.h"
#include "base/json.h"
#include "promises/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(promise_clear) struct promise promise = {0}, again = {0};
	_cleanup_json_ struct json_object *json = NULL, *written = NULL;
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct error err = {0};
	int r = json_parse("promise", text, size, &json, &err);

	if (r == 0)
		r = promise_from_json(json, &promise, &err);
	fuzz_check_error(r, &err);
	if (r < 0)
		return 0;
	written = promise_to_json(&promise);
	if (promise_from_json(written, &again, &err) < 0)
		abort();
	return 0;
}
