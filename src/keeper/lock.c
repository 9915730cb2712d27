// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/paths.h"
#include "keeper/ask.h"
#include "keeper/keeper.h"
#include "kernel/locks.h"
#include "kernel/pidfd.h"

#define LISTEN_MS 5000	  /* within this one that begins listens, */
#define TAKE_OVER_MS 5000 /* and one that is asked to has left */
#define PAUSE_MS 20
#define CLAIM_PAUSE_US 50000

static int try_lock(int lock)
{
	int r;

	do
		r = flock(lock, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static bool is_beside(struct json_object *status)
{
	struct json_object *kind;

	return json_object_object_get_ex(status, "kind", &kind) &&
	       strcmp(json_object_get_string(kind), "beside") == 0;
}

/*
 * Many may wait beside their workspaces, and each would be as fast as whoever takes over. A lock of the other kind on
 * the same file tells them that somebody does; it ends with the descriptor. That another has it already is as good.
 */
static void claim(int lock)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	fcntl(lock, F_OFD_SETLK, &all);
}

static bool is_claimed(int lock)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(lock, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
}

static int wait_for_turn(int lock)
{
	for (;;) {
		if (flock(lock, LOCK_EX) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (!is_claimed(lock))
			return 0;
		flock(lock, LOCK_UN);
		usleep(CLAIM_PAUSE_US);
	}
}

/* One that has just begun has the lock and does not listen yet, and one that ends has it and listens no more. */
static bool may_answer_later(int r)
{
	return r == -ENOENT || r == -ECONNRESET;
}

/*
 * Until it answers, for LISTEN_MS at most; *LOCKED: it has gone meanwhile, and the lock is ours. -EBUSY with a sentence
 * that names who has it.
 */
static int ask_patiently(int lock, const char *socket_path, struct json_object **status, int *pid,
			 bool *locked, struct error *err)
{
	struct error why = {0};
	int r = -ENOENT;

	for (int ms = 0; may_answer_later(r) && ms < LISTEN_MS; ms += PAUSE_MS) {
		if (ms)
			usleep(PAUSE_MS * 1000);
		*locked = try_lock(lock) == 0;
		if (*locked)
			return 0;
		why = (struct error){0};
		r = keeper_ask(socket_path, status, pid, &why);
	}
	if (r == 0 && *pid > 0)
		return 0;
	if (may_answer_later(r))
		return error_set(err, EBUSY,
				 "another keeper runs already (process %d), and it does not listen "
				 "at '%s'",
				 flock_holder(lock), socket_path);
	return error_set(err, EBUSY, "another keeper runs already (process %d): %s",
			 flock_holder(lock), why.text);
}

/* Asks the one beside a workspace to leave things to us. */
static int take_over(int lock, const char *socket_path, struct error *err)
{
	_cleanup_json_ struct json_object *status = NULL;
	_cleanup_close_ int pidfd = -EBADF;
	bool locked = false;
	int pid = 0, r;

	/* before it is asked: who waits beside a workspace would be as fast when it goes */
	claim(lock);
	r = ask_patiently(lock, socket_path, &status, &pid, &locked, err);
	if (r < 0 || locked)
		return r;
	if (!is_beside(status))
		return error_set(err, EBUSY, "another keeper runs already (process %d)", pid);
	pidfd = pidfd_open_process(pid);
	if (pidfd >= 0)
		pidfd_signal(pidfd, SIGUSR1);
	for (int ms = 0; ms < TAKE_OVER_MS; ms += PAUSE_MS) {
		if (try_lock(lock) == 0)
			return 0;
		usleep(PAUSE_MS * 1000);
	}
	return error_set(err, EBUSY, "the keeper that runs (process %d) does not leave", pid);
}

int keeper_lock(int dir, const char *socket_path, enum keeper_kind kind, int *lock,
		struct error *err)
{
	_cleanup_close_ int fd =
		openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = 0;

	if (fd < 0)
		return error_errno(err, errno, "open '%s/lock'", keeper_directory());
	if (try_lock(fd) < 0 && kind == KEEPER_SERVICE)
		r = take_over(fd, socket_path, err);
	/* signals still end us here: nothing has been touched */
	if (kind == KEEPER_BESIDE) {
		r = wait_for_turn(fd);
		if (r < 0)
			error_errno(err, r, "lock '%s/lock'", keeper_directory());
	}
	if (r == 0)
		*lock = take_fd(&fd);
	return r;
}

int keeper_open_directory(struct error *err)
{
	const char *path = keeper_directory();
	int dir, r = path_make_directories(path, 0700);

	if (r < 0)
		return error_errno(err, -r, "make the keeper's directory '%s'", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open the keeper's directory '%s'", path);
	return dir;
}
