// SPDX-License-Identifier: GPL-2.0-or-later
/* config.json, and its seccomp profile compiled. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "oci/config.h"
#include "runtime/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct seccomp_program *program = NULL;
	struct error err = {0};
	int r = oci_config_parse("config.json", text, size, &config, &err);

	fuzz_check_error(r, &err);
	if (r == 0 && config->seccomp) {
		r = seccomp_compile(config->seccomp, &program, &err);
		fuzz_check_error(r, &err);
		seccomp_free(program);
	}
	return 0;
}
