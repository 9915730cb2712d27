// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/labels.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"

bool labels_have_apparmor(void)
{
	_cleanup_close_ int fd =
		open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';
}

bool labels_have_selinux(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && (unsigned int)fs.f_type == SELINUX_MAGIC;
}

int labels_check(const struct oci_process *process, struct error *err)
{
	if (process && process->apparmor_profile && !labels_have_apparmor())
		return error_set(err, EOPNOTSUPP,
				 "config.json: process.apparmorProfile: AppArmor is not enabled on "
				 "this machine");
	if (process && process->selinux_label && !labels_have_selinux())
		return error_set(
			err, EOPNOTSUPP,
			"config.json: process.selinuxLabel: SELinux is not enabled on this "
			"machine");
	return 0;
}

int labels_check_mounts(const struct oci_config *config, struct error *err)
{
	if (config->mount_label && !labels_have_selinux())
		return error_set(
			err, EOPNOTSUPP,
			"config.json: linux.mountLabel: SELinux is not enabled on this machine");
	return 0;
}

int labels_set_file(int fd, const char *label, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (setxattr(path, "security.selinux", label, strlen(label), 0) < 0)
		return error_errno(err, errno, "linux.mountLabel: set '%s'", label);
	return 0;
}

static int write_attribute(int host_proc, const char *file, const char *text)
{
	_cleanup_close_ int fd = path_open_in_root(host_proc, file, O_WRONLY, 0);
	struct statfs fs;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return -EXDEV;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int set_profile(int host_proc, const char *profile, struct error *err)
{
	_cleanup_free_ char *text = string_format("exec %s", profile);
	int r;

	if (!text)
		return error_oom(err);
	/* Where several modules are active, each has a directory of its own (Linux 5.1). */
	r = write_attribute(host_proc, "self/attr/apparmor/exec", text);
	if (r == -ENOENT)
		r = write_attribute(host_proc, "self/attr/exec", text);
	return r < 0 ? error_errno(err, r, "process.apparmorProfile: set '%s'", profile) : 0;
}

int labels_apply(int host_proc, const struct oci_process *process, struct error *err)
{
	int r = process->apparmor_profile ? set_profile(host_proc, process->apparmor_profile, err)
					  : 0;

	if (r < 0 || !process->selinux_label)
		return r;
	r = write_attribute(host_proc, "self/attr/exec", process->selinux_label);
	return r < 0 ? error_errno(err, r, "process.selinuxLabel: set '%s'", process->selinux_label)
		     : 0;
}
