// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the book, of the link's end here: WHAT "tso" with what it was, and WHAT the path of a group of the root with the
 * numbers of the threads that are to go back there.
 */
#include "keeper/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/link_place.h"
#include "kernel/napi.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

#define TSO "tso"

static int note(struct writer *writer, const struct netlink_peer *link, const char *what,
		const char *text, struct error *err)
{
	const struct link_place where = link_place_of_index(link->index);
	struct found found = {.means = THREADS_MEANS,
			      .where = where.text,
			      .what = what,
			      .text = text,
			      .inode = (uint64_t)link->index};

	return writer_note_link(writer, &found, err);
}

/* On v1 a single thread goes by "tasks"; on v2 a thread of the kernel's is a process. */
static int move(const char *group, pid_t pid, struct error *err)
{
	_cleanup_free_ char *path = string_format("%s/tasks", group), *text = NULL;
	int r;

	text = string_format("%d", pid);
	if (!path || !text)
		return error_oom(err);
	r = file_write_at(AT_FDCWD, path, text, NULL);
	if (r == -ENOENT) {
		free(path);
		path = string_format("%s/cgroup.procs", group);
		r = path ? file_write_at(AT_FDCWD, path, text, NULL) : -ENOMEM;
	}
	return r < 0 && r != -ESRCH
		       ? error_errno(err, r, "move the kernel's thread %d to '%s'", pid, group)
		       : 0;
}

/* The root of the hierarchy that GROUP is in: the last directory of its file system. */
static char *root_of(const char *group)
{
	_cleanup_free_ char *path = strdup(group);
	struct stat below, st;

	if (!path || stat(path, &below) < 0)
		return NULL;
	for (;;) {
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			break;
		*slash = '\0';
		if (stat(path, &st) < 0 || st.st_dev != below.st_dev) {
			*slash = '/';
			break;
		}
	}
	return take_ptr(path);
}

static char *numbers(const pid_t *pids, size_t n)
{
	char *text = strdup("");

	for (size_t i = 0; i < n && text; i++) {
		char *more = string_format("%s%s%d", text, i ? " " : "", pids[i]);

		free(text);
		text = more;
	}
	return text;
}

/* Whose promise it was noted for, too, stays; those threads of before are no more. */
static int note_threads(struct writer *writer, const struct netlink_peer *link, const char *root,
			const char *text, struct error *err)
{
	int r = note(writer, link, root, text, err);

	if (!writer->book)
		return r;
	if (r == 0)
		r = book_set_text(writer->book, link_place_of_index(link->index).text, root, text,
				  err);
	return r == 0 ? book_flush(writer->book, err) : r;
}

static int place_threads(struct writer *writer, const struct netlink_peer *link, const pid_t *pids,
			 size_t n, const char *group, struct error *err)
{
	_cleanup_free_ char *root = root_of(group), *text = numbers(pids, n);
	int r;

	if (!root || !text)
		return error_oom(err);
	r = note_threads(writer, link, root, text, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = move(group, pids[i], err);
	return r;
}

static int stop_tso(struct writer *writer, const struct netlink_peer *link, struct error *err)
{
	const struct link_place where = link_place_of_index(link->index);
	struct found found;
	bool on = false;
	int r = napi_read_tso(link->name, &on, err);

	/* also when a killed keeper has stopped it: from now on it is this one's */
	if (r == 0 && (on || (writer->book && book_find(writer->book, where.text, TSO, &found))))
		r = note(writer, link, TSO, "1", err);
	return r == 0 && on ? napi_set_tso(link->name, false, err) : r;
}

int threads_start(struct writer *writer, const char *name, const struct netlink_peer *link,
		  int netns_fd, char *const *places, struct error *err)
{
	pid_t pids[NAPI_THREADS_MAX];
	size_t n = 0;
	int r;

	if (writer->dry) {
		writer_tell(writer, name, link->name, "net.strict", "threaded");
		return 0;
	}
	writer->writes++;
	r = napi_start_threads(netns_fd, link->peer_index, pids, &n, err);
	for (; *places && r == 0; places++)
		r = place_threads(writer, link, pids, n, *places, err);
	return r == 0 ? stop_tso(writer, link, err) : r;
}

/* Whoever has such a number may be another one by now. */
static int take_out(const char *root, const char *text, struct error *err)
{
	int r = 0;

	for (const char *at = text; *at && r == 0; at += strspn(at, " ")) {
		pid_t pid = atoi(at);

		at += strcspn(at, " ");
		if (napi_is_thread(pid))
			r = move(root, pid, err);
	}
	return r;
}

static int start_tso(const struct found *found, struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;
	int r = netlink_open(&netlink, err);

	if (r == 0)
		r = link_place_find(netlink, found, &link, err);
	if (r == 0)
		r = napi_set_tso(link.name, true, err);
	/* gone */
	return r == -ENODEV ? 0 : r;
}

int threads_undo(const struct found *found, struct error *err)
{
	return strcmp(found->what, TSO) == 0 ? start_tso(found, err)
					     : take_out(found->what, found->text, err);
}

int threads_let_go(struct writer *writer, const struct netlink_peer *link, char *const *spared,
		   struct error *err)
{
	const struct link_place where = link_place_of_index(link->index);
	int result = 0;

	for (size_t i = writer->book ? book_entries(writer->book) : 0; i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		int r;

		if (strcmp(found.means, THREADS_MEANS) != 0 ||
		    strcmp(found.where, where.text) != 0 || book_may_be_for(&found, spared))
			continue;
		r = threads_undo(&found, err);
		result = r < 0 ? r : result;
		if (r == 0)
			book_forget_at(writer->book, i);
	}
	return result;
}
