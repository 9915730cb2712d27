// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terminal of a container. Its devpts may be anything by the time we look, so the master is
 * checked to be one before it leaves (a plain file passed on as a console let a container write to the
 * host: CVE-2025-52565 and its relatives), and the slave is never opened by path: TIOCGPTPEER hands it
 * out (Linux 4.13).
 */
#include "runtime/console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "kernel/mounts.h"
#include "runtime/mounts.h"
#include "runtime/sync.h"

static int open_master(struct launch *l, struct error *err)
{
	_cleanup_close_ int fd =
		path_open_in_root(l->rootfs, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return error_errno(err, fd, "process.terminal: open '/dev/pts/ptmx'");
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return error_errno(err, errno, "look at '/dev/pts/ptmx'");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return error_set(err, ENOTTY, "'/dev/pts/ptmx' is not the multiplexer of a devpts");
	return take_fd(&fd);
}

/* A link there would have the terminal cover any file of the container (CVE-2025-52565). */
static int open_console(struct launch *l, struct error *err)
{
	_cleanup_close_ int fd =
		path_open_in_root(l->rootfs, "/dev/console", O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (fd == -ENOENT)
		return mounts_open_target(l, "/dev/console", true, err);
	if (fd < 0)
		return error_errno(err, fd, "open '/dev/console'");
	if (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		return error_set(err, EINVAL, "'/dev/console': a link or a directory, refused");
	return take_fd(&fd);
}

static int bind_console(struct launch *l, int slave, struct error *err)
{
	_cleanup_close_ int mount = mount_clone(slave, "", false, err);
	_cleanup_close_ int target = -EBADF;
	int r;

	if (mount < 0)
		return error_prefix(err, "/dev/console");
	target = open_console(l, err);
	if (target < 0)
		return target;
	r = mount_attach(mount, target);
	return r < 0 ? error_errno(err, r, "bind the terminal to '/dev/console'") : 0;
}

int console_make(struct launch *l, bool bind, struct error *err)
{
	const struct oci_process *p = l->process;
	_cleanup_close_ int master = -EBADF, slave = -EBADF;
	struct winsize size = {.ws_row = p->console_height, .ws_col = p->console_width};
	int unlock = 0, r;

	master = open_master(l, err);
	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, errno, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, errno, "open the terminal");
	if ((size.ws_row || size.ws_col) && ioctl(slave, TIOCSWINSZ, &size) < 0)
		return error_errno(err, errno, "process.consoleSize");
	if (p->user.uid && fchown(slave, p->user.uid, (gid_t)-1) < 0)
		return error_errno(err, errno, "give the terminal to the user");
	if (bind) {
		r = bind_console(l, slave, err);
		if (r < 0)
			return r;
	}
	r = sync_send(l->sync, SYNC_CONSOLE, master);
	if (r < 0)
		return error_errno(err, r, "pass the terminal on");
	l->console = take_fd(&slave);
	return 0;
}

int console_take(struct launch *l, struct error *err)
{
	if (ioctl(l->console, TIOCSCTTY, 0) < 0)
		return error_errno(err, errno, "take the terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(l->console, fd) < 0)
			return error_errno(err, errno, "use the terminal");
	return 0;
}
