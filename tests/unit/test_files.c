// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/paths.h"

/* A directory of its own for each test, removed at its end. */
struct place {
	char path[64];
	int fd;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void place_leave(struct place *p)
{
	cleanup_close(&p->fd);
	if (p->path[0])
		nftw(p->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool place_enter(struct place *p)
{
	snprintf(p->path, sizeof(p->path), "/tmp/test-files-XXXXXX");
	if (!mkdtemp(p->path)) {
		p->path[0] = '\0';
		return false;
	}
	p->fd = open(p->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return p->fd >= 0;
}

#define PLACE(name)                                                                                \
	__attribute__((cleanup(place_leave))) struct place name = {.fd = -EBADF};                  \
	must(place_enter(&(name)))

TEST(a_file_reads_back_whole)
{
	PLACE(p);
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	size_t size = 0;

	must(file_replace_at(p.fd, "f", "hello", 0640, true, &err) == 0, "%s", err.text);
	must(file_read_at(p.fd, "f", 5, &text, &size, &err) == 0, "%s", err.text);
	is_uint(size, 5);
	is_str(text, "hello");
}

TEST(a_replaced_file_has_its_mode_and_no_remains)
{
	PLACE(p);
	struct error err = {0};
	struct stat st;

	umask(0);
	must(file_replace_at(p.fd, "f", "one", 0600, false, &err) == 0, "%s", err.text);
	must(file_replace_at(p.fd, "f", "two", 0640, false, &err) == 0, "%s", err.text);
	must(fstatat(p.fd, "f", &st, 0) == 0);
	is_uint(st.st_mode & 07777, 0640);
	ok(unlinkat(p.fd, "f", 0) == 0);
	/* only an empty directory can be removed */
	ok(rmdir(p.path) == 0, "something else is left: %s", strerror(errno));
}

TEST(limits_and_absence_are_told)
{
	PLACE(p);
	char *text = (char *)&p;
	struct error err = {0};

	is_int(file_read_at(p.fd, "none", 10, &text, NULL, &err), -ENOENT);
	has_str(err.text, "none");
	must(file_replace_at(p.fd, "f", "hello", 0600, false, NULL) == 0);
	is_int(file_read_at(p.fd, "f", 4, &text, NULL, &err), -EFBIG);
	has_str(err.text, "'f'");
	ok(text == (char *)&p, "the out-parameter was touched");
	is_int(file_write_at(p.fd, "none", "x", &err), -ENOENT);
	ok(faccessat(p.fd, "none", F_OK, 0) < 0, "file_write_at must not create");
}

TEST(descriptors_are_sent_and_close_on_exec)
{
	int pair[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char name[16] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {name, sizeof(name)};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct error err = {0};

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	must(fd_send(pair[0], null, "null", &err) == 0, "%s", err.text);
	must(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) > 0);
	must(CMSG_FIRSTHDR(&message));
	has_str(name, "null");
	is_int(fd_set_cloexec(null, false), 0);
	is_int(fcntl(null, F_GETFD) & FD_CLOEXEC, 0);
	is_int(fd_set_cloexec(null, true), 0);
	is_int(fcntl(null, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(paths_stay_inside_their_root)
{
	needs_call(openat2);
	PLACE(p);
	_cleanup_close_ int inside = -EBADF, up = -EBADF;
	struct stat wanted, got;

	must(mkdirat(p.fd, "etc", 0755) == 0);
	must(symlinkat("/etc", p.fd, "absolute") == 0);
	must(symlinkat("../../../../etc", p.fd, "relative") == 0);
	must(fstatat(p.fd, "etc", &wanted, 0) == 0);
	inside = path_open_in_root(p.fd, "/absolute", O_PATH, 0);
	must(inside >= 0);
	must(fstat(inside, &got) == 0);
	is_uint(got.st_ino, wanted.st_ino);
	up = path_open_in_root(p.fd, "relative", O_PATH, 0);
	must(up >= 0);
	must(fstat(up, &got) == 0);
	is_uint(got.st_ino, wanted.st_ino);
	ok(fcntl(up, F_GETFD) & FD_CLOEXEC);
	is_int(path_open_in_root(p.fd, "none", O_PATH, 0), -ENOENT);
}

TEST(directories_are_made_through_links_inside)
{
	needs_call(openat2);
	PLACE(p);
	struct stat st;

	must(mkdirat(p.fd, "real", 0755) == 0);
	must(symlinkat("/real", p.fd, "link") == 0);
	is_int(path_make_directories_in_root(p.fd, "/link/../link/a//b/", 0755), 0);
	ok(fstatat(p.fd, "real/a/b", &st, 0) == 0 && S_ISDIR(st.st_mode));
	is_int(path_make_directories_in_root(p.fd, "link/a/b", 0755), 0);
	must(file_replace_at(p.fd, "file", "", 0600, false, NULL) == 0);
	is_int(path_make_directories_in_root(p.fd, "file/a", 0755), -ENOTDIR);
}

TEST(links_to_nowhere_make_nothing_outside)
{
	needs_call(openat2);
	PLACE(p);
	struct stat st;

	must(symlinkat("/tmp/../nowhere", p.fd, "link") == 0);
	is_int(path_make_directories_in_root(p.fd, "link/a", 0755), 0);
	ok(fstatat(p.fd, "nowhere/a", &st, 0) == 0 && S_ISDIR(st.st_mode));
	ok(access("/nowhere", F_OK) < 0);
}

TEST(what_links_miss_is_made_where_they_lead)
{
	needs_call(openat2);
	PLACE(p);
	struct stat st;

	must(mkdirat(p.fd, "etc", 0755) == 0);
	must(symlinkat("../run/resolv/stub.conf", p.fd, "etc/resolv.conf") == 0);
	must(symlinkat("/etc/../../../../run2/file", p.fd, "etc/up") == 0);
	must(symlinkat("second", p.fd, "first") == 0);
	must(symlinkat("third/x", p.fd, "second") == 0);
	is_int(path_make_file_in_root(p.fd, "/etc/resolv.conf", 0644), 0);
	ok(fstatat(p.fd, "run/resolv/stub.conf", &st, 0) == 0 && S_ISREG(st.st_mode));
	is_int(path_make_file_in_root(p.fd, "/etc/up", 0644), 0);
	ok(fstatat(p.fd, "run2/file", &st, 0) == 0 && S_ISREG(st.st_mode));
	is_int(path_make_directories_in_root(p.fd, "first/y", 0755), 0);
	ok(fstatat(p.fd, "third/x/y", &st, 0) == 0 && S_ISDIR(st.st_mode));
	/* what is there is left as it is */
	is_int(path_make_file_in_root(p.fd, "/etc/resolv.conf", 0644), 0);
	is_int(path_make_file_in_root(p.fd, "/first", 0644), 0);
}

TEST(links_in_a_circle)
{
	needs_call(openat2);
	PLACE(p);

	must(symlinkat("two", p.fd, "one") == 0);
	must(symlinkat("one", p.fd, "two") == 0);
	is_int(path_make_directories_in_root(p.fd, "one/x", 0755), -ELOOP);
	is_int(path_make_file_in_root(p.fd, "one", 0644), -ELOOP);
	must(symlinkat("grows/x", p.fd, "grows") == 0);
	is_int(path_make_directories_in_root(p.fd, "grows", 0755), -ELOOP);
}

TEST(components)
{
	ok(path_is_component("a"));
	ok(path_is_component("..a"));
	ok(!path_is_component(""));
	ok(!path_is_component("."));
	ok(!path_is_component(".."));
	ok(!path_is_component("a/b"));
	ok(!path_is_component("/"));
}
