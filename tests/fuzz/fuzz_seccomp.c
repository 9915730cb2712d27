// SPDX-License-Identifier: GPL-2.0-or-later
/* A seccomp profile alone, so that all of the input goes into it. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "oci/config.h"
#include "runtime/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	_cleanup_free_ char *profile = fuzz_text(data, size);
	_cleanup_free_ char *text = string_format(
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":%s}}",
		profile);
	struct seccomp_program *program = NULL;
	struct error err = {0};
	int r;

	if (!text)
		return 0;
	r = oci_config_parse("config.json", text, strlen(text), &config, &err);
	fuzz_check_error(r, &err);
	if (r < 0 || !config->seccomp)
		return 0;
	r = seccomp_compile(config->seccomp, &program, &err);
	fuzz_check_error(r, &err);
	seccomp_free(program);
	return 0;
}
