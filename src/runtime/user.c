// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"

/* An absent file is an empty one; so is one that is no file, as in a hostile root a FIFO could be. */
static FILE *open_database(int root, const char *path)
{
	_cleanup_close_ int fd = path_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	file = fdopen(fd, "re");
	if (file)
		take_fd(&fd);
	return file;
}

/* The highest id is what the kernel means by "none" (-1). */
static bool is_id(const char *text, uint32_t *id)
{
	uint64_t value;

	if (string_to_u64(text, 10, &value) < 0 || value >= UINT32_MAX)
		return false;
	*id = (uint32_t)value;
	return true;
}

/* A name is looked for first, then the number: a user may be called "1000". */
static int find_user(int root, const char *who, struct user *user, char **name, struct error *err)
{
	_cleanup_fclose_ FILE *file = open_database(root, "etc/passwd");
	struct passwd *entry;
	uint32_t uid = 0;
	bool number = is_id(who, &uid), found = false;

	while (file && !found && (entry = fgetpwent(file))) {
		if (strcmp(entry->pw_name, who) != 0 && !(number && entry->pw_uid == uid))
			continue;
		found = true;
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
		*name = strdup(entry->pw_name);
		if (!*name)
			return error_oom(err);
	}
	if (!found && !number)
		return error_set(err, ENOENT, "--user: the workspace's /etc/passwd has no '%s'",
				 who);
	if (!found)
		user->uid = uid;
	return 0;
}

static int find_group(int root, const char *which, struct user *user, struct error *err)
{
	_cleanup_fclose_ FILE *file = open_database(root, "etc/group");
	struct group *entry;
	uint32_t gid;

	while (file && (entry = fgetgrent(file))) {
		if (strcmp(entry->gr_name, which) == 0) {
			user->gid = entry->gr_gid;
			return 0;
		}
	}
	if (!is_id(which, &gid))
		return error_set(err, ENOENT, "--user: the workspace's /etc/group has no '%s'",
				 which);
	user->gid = gid;
	return 0;
}

static int find_supplementary(int root, const char *name, struct user *user)
{
	_cleanup_fclose_ FILE *file = open_database(root, "etc/group");
	struct group *entry;

	while (file && (entry = fgetgrent(file))) {
		for (char **member = entry->gr_mem; *member; member++) {
			gid_t *grown;

			if (strcmp(*member, name) != 0 || entry->gr_gid == user->gid)
				continue;
			grown = reallocarray(user->groups, user->n_groups + 1, sizeof(gid_t));
			if (!grown)
				return -ENOMEM;
			user->groups = grown;
			grown[user->n_groups++] = entry->gr_gid;
			break;
		}
	}
	return 0;
}

int user_resolve(int root, const char *text, struct user *user, struct error *err)
{
	_cleanup_free_ char *who = strdup(text), *name = NULL;
	struct user found = {0};
	char *group;
	int r;

	if (!who)
		return error_oom(err);
	group = strchr(who, ':');
	if (group)
		*group++ = '\0';
	if (!*who || (group && !*group))
		return error_set(err, EINVAL, "--user '%s': NAME, UID, NAME:GROUP or UID:GID",
				 text);
	r = find_user(root, who, &found, &name, err);
	if (r == 0 && group)
		r = find_group(root, group, &found, err);
	else if (r == 0 && name && find_supplementary(root, name, &found) < 0)
		r = error_oom(err);
	if (r < 0) {
		user_clear(&found);
		return r;
	}
	*user = found;
	return 0;
}

void user_clear(struct user *user)
{
	free(user->groups);
	user->groups = NULL;
	user->n_groups = 0;
}
