// SPDX-License-Identifier: GPL-2.0-or-later
/* The file of `exec --process`, which is read by its name: a file in memory has one, too. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	_cleanup_close_ int fd = memfd_create("process.json", MFD_CLOEXEC);
	struct error err = {0};
	char path[64];
	int r;

	if (fd < 0 || fd_write_all(fd, data, size) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = oci_process_load(path, &config, &err);
	fuzz_check_error(r, &err);
	return 0;
}
