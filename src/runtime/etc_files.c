// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/etc_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/paths.h"
#include "base/strings.h"

#define FILE_MAX_BYTES (1u << 20)

/* A root without /etc is no reason to fail: -ENOENT, with nothing said. */
static int open_etc(int root)
{
	return path_open_in_root(root, "etc", O_PATH | O_DIRECTORY, 0);
}

/* Replaces the name, so that a link is not followed to wherever it leads. */
static int replace(int etc, const char *file, const char *text, struct error *err)
{
	int r = file_replace_at(etc, file, text, 0644, false, err);

	return r < 0 ? error_prefix(err, "the workspace's /etc") : 0;
}

int etc_files_write(int root, const char *name, struct error *err)
{
	_cleanup_close_ int etc = open_etc(root);
	_cleanup_free_ char *hostname = NULL, *resolver = NULL;
	struct stat st;
	int r;

	if (etc < 0)
		return 0;
	hostname = string_format("%.64s\n", name);
	if (!hostname)
		return error_oom(err);
	r = replace(etc, "hostname", hostname, err);
	if (r < 0 || fstatat(etc, "resolv.conf", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISLNK(st.st_mode))
		return r;
	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", FILE_MAX_BYTES, &resolver, NULL, NULL) < 0)
		return 0;
	return replace(etc, "resolv.conf", resolver, err);
}

int etc_hosts_write(int root, const char *name, const char *address, bool keep, struct error *err)
{
	_cleanup_close_ int etc = open_etc(root);
	_cleanup_free_ char *before = NULL, *text = NULL;

	if (etc < 0)
		return 0;
	if (keep)
		file_read_at(AT_FDCWD, "/etc/hosts", FILE_MAX_BYTES, &before, NULL, NULL);
	text = string_format(
		"%s\n%s\t%.64s\n",
		before ? before : "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback",
		address, name);
	return text ? replace(etc, "hosts", text, err) : error_oom(err);
}
