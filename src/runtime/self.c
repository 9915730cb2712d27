// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/mounts.h"

/* Since Linux 6.3 a memfd says whether it may be executed. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* No variable or argument says that this is the second round: the file itself does. */
static bool is_protected(int exe)
{
	struct statvfs fs;
	int seals;

	if (fstatvfs(exe, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return true;
	seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & F_SEAL_WRITE);
}

/*
 * A detached mount: in no namespace anybody could enter, and gone with its last user. Whoever opens
 * /proc/PID/exe gets a file on this mount, and writing needs a writable mount whatever the file's mode.
 */
static int readonly_mount(int exe)
{
	_cleanup_close_ int mount = mount_clone(exe, "", false, NULL);
	int r;

	if (mount < 0)
		return mount;
	r = mount_change(mount, false, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE);
	return r < 0 ? r : take_fd(&mount);
}

static int sealed_copy(int exe)
{
	_cleanup_close_ int memory =
		memfd_create("behalf", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	ssize_t n;

	if (memory < 0 && errno == EINVAL)
		memory = memfd_create("behalf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return -errno;
	do
		n = sendfile(memory, exe, NULL, 1 << 20);
	while (n > 0);
	if (n < 0 || fcntl(memory, F_ADD_SEALS, ALL_SEALS) < 0)
		return -errno;
	return take_fd(&memory);
}

int self_protect(char **argv, struct error *err)
{
	_cleanup_close_ int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int copy = -EBADF;

	if (exe < 0)
		return error_errno(err, errno, "open '/proc/self/exe'");
	if (is_protected(exe)) {
		/* The name was lost when the exec was by descriptor. */
		prctl(PR_SET_NAME, "behalf", 0, 0, 0);
		return 0;
	}
	copy = readonly_mount(exe);
	if (copy < 0)
		copy = sealed_copy(exe);
	if (copy < 0)
		return error_errno(err, copy, "protect the program from its containers");
	execveat(copy, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, errno, "execute the protected program");
}
