// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define MOUNTINFO_MAX_BYTES (16u << 20)
#define FILE_MAX_BYTES (1u << 20)

/* "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS", proc(5). */
static char *mount_point_of(char *line)
{
	char *tail = strstr(line, " - "), *at = line;

	if (!tail || !string_starts_with(tail, " - resctrl "))
		return NULL;
	for (int fields = 0; at && fields < 4; fields++)
		at = strchr(at + 1, ' ');
	return at && at < tail ? strndup(at + 1, strcspn(at + 1, " ")) : NULL;
}

static char *find_mount_point(char *mountinfo)
{
	char *save = NULL, *found = NULL;

	for (char *line = strtok_r(mountinfo, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save))
		found = mount_point_of(line);
	return found;
}

int resctrl_open(int root, char **point, struct error *err)
{
	_cleanup_free_ char *text = NULL, *found = NULL;
	bool host = root < 0;
	int dir, r;

	r = file_read_at(host ? AT_FDCWD : root,
			 host ? "/proc/self/mountinfo" : "proc/self/mountinfo", MOUNTINFO_MAX_BYTES,
			 &text, NULL, err);
	if (r < 0)
		return r;
	found = find_mount_point(text);
	if (!found)
		return error_set(err, ENODEV, "the resctrl file system is not mounted");
	dir = openat(host ? AT_FDCWD : root, host ? found : found + 1,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open '%s'", found);
	if (point)
		*point = take_ptr(found);
	return dir;
}

/* What the kernel says about the last failure is one line, "ok" when there was none. */
static int fail(int dir, int r, struct error *err, const char *what, const char *group)
{
	_cleanup_free_ char *why = NULL;

	if (!*group)
		group = "/";
	if (file_read_at(dir, "info/last_cmd_status", FILE_MAX_BYTES, &why, NULL, NULL) < 0)
		return error_errno(err, r, "%s the resctrl group '%s'", what, group);
	why[strcspn(why, "\n")] = '\0';
	if (!*why || strcmp(why, "ok") == 0)
		return error_errno(err, r, "%s the resctrl group '%s'", what, group);
	return error_set(err, abs(r), "%s the resctrl group '%s': %s (%s)", what, group, why,
			 strerror(abs(r)));
}

static char *path_of(const char *group, const char *file)
{
	return string_format("%s%s%s", group, *group ? "/" : "", file);
}

/* Recorded trees have no kernel that puts the files into a new directory: the first write makes them. */
static int write_file(int dir, const char *group, const char *file, const char *text)
{
	_cleanup_free_ char *path = path_of(group, file);
	_cleanup_close_ int fd = -EBADF;

	if (!path)
		return -ENOMEM;
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int read_file(int dir, const char *group, const char *file, char **text, struct error *err)
{
	_cleanup_free_ char *path = path_of(group, file);

	if (!path)
		return error_oom(err);
	return file_read_at(dir, path, FILE_MAX_BYTES, text, NULL, err);
}

bool resctrl_has_group(int dir, const char *group)
{
	struct stat st;

	return fstatat(dir, *group ? group : ".", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

int resctrl_make_group(int dir, const char *group, struct error *err)
{
	if (mkdirat(dir, group, 0755) == 0)
		return 1;
	return errno == EEXIST ? 0 : fail(dir, -errno, err, "make", group);
}

int resctrl_remove_group(int dir, const char *group, struct error *err)
{
	if (unlinkat(dir, group, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return fail(dir, -errno, err, "remove", group);
}

int resctrl_write_schemata(int dir, const char *group, const char *lines, struct error *err)
{
	int r = write_file(dir, group, "schemata", lines);

	return r < 0 ? fail(dir, r, err, "write the schemata of", group) : 0;
}

int resctrl_add_task(int dir, const char *group, pid_t task, struct error *err)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d\n", task);
	r = write_file(dir, group, "tasks", text);
	return r < 0 ? fail(dir, r, err, "put a task into", group) : 0;
}

int resctrl_has_tasks(int dir, const char *group, pid_t except, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = read_file(dir, group, "tasks", &text, err);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (atoi(line) != except)
			return 1;
	return 0;
}

/* The line of resource NAME (of LENGTH bytes) behind its colon, or NULL; the kernel indents lines. */
static const char *find_line(const char *schemata, const char *name, size_t length)
{
	for (const char *at = schemata; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		at += strspn(at, " \t");
		if (strncmp(at, name, length) == 0 && at[length] == ':')
			return at + length + 1;
	}
	return NULL;
}

/*
 * The share of domain ID in a line "0=7ff;1=7ff". Caches are masks in hexadecimal, bandwidths decimal
 * and padded; read as hexadecimal both, what is equal stays equal.
 */
static bool find_share(const char *line, unsigned long id, unsigned long long *share)
{
	const char *end = line + strcspn(line, "\n");

	while (line < end) {
		char *after;
		bool found = strtoul(line, &after, 10) == id;

		if (*after != '=')
			return false;
		*share = strtoull(after + 1, &after, 16);
		if (found)
			return true;
		line = after + (*after == ';');
		if (line == after)
			return false;
	}
	return false;
}

/* WANTED is the part behind the colon, up to the end of the line. */
static bool has_shares(const char *line, const char *wanted)
{
	const char *end = wanted + strcspn(wanted, "\n");

	while (wanted < end) {
		unsigned long long has = 0, wants;
		char *after;
		unsigned long id = strtoul(wanted, &after, 10);

		if (*after != '=')
			return false;
		wants = strtoull(after + 1, &after, 16);
		if (!find_share(line, id, &has) || has != wants)
			return false;
		wanted = after + (*after == ';');
		if (wanted == after)
			break;
	}
	return wanted >= end;
}

int resctrl_check_schemata(int dir, const char *group, const char *lines, struct error *err)
{
	_cleanup_free_ char *schemata = NULL;
	int r = read_file(dir, group, "schemata", &schemata, err);

	if (r < 0)
		return r;
	for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t name = strcspn(at, ":\n");
		const char *line = at[name] == ':' ? find_line(schemata, at, name) : NULL;

		if (!line || !has_shares(line, at + name + 1))
			return error_set(
				err, EINVAL,
				"the resctrl group '%s' is there with other shares than '%.*s'",
				*group ? group : "/", (int)strcspn(at, "\n"), at);
	}
	return 0;
}
