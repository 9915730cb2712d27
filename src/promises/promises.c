// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a promise is: DIRECTORY/NAME-HASH.json, the hash being of root and name, since two roots may have
 * containers of one name. A file appears whole or not at all (a temporary file is renamed), so whoever is
 * killed while writing leaves at most that temporary file, and the next one who locks removes it.
 */
#include "promises/promises.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/locks.h"
#include "kernel/pidfd.h"
#include "promises/record.h"

#define DEFAULT_DIRECTORY "/run/behalf-promises"
#define FILE_MAX_BYTES (64u << 10)
#define NAME_SHOWN_MAX 64
#define LOCK_PAUSE_US 5000

const char *promises_directory(void)
{
	const char *path = secure_getenv("BEHALF_PROMISES");

	return path && *path ? path : DEFAULT_DIRECTORY;
}

/* FNV-1a. */
static uint64_t hash(uint64_t state, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < size; i++)
		state = (state ^ at[i]) * 0x100000001b3;
	return state;
}

#define HASH_START 0xcbf29ce484222325

static void file_name(const char *state_root, const char *name, char *out, size_t size)
{
	char shown[NAME_SHOWN_MAX + 1];
	uint64_t h = HASH_START;

	snprintf(shown, sizeof(shown), "%s", *name == '/' ? name + 1 : name);
	for (char *at = shown; *at; at++)
		if (*at == '/' || *at == '.' || (unsigned char)*at <= ' ')
			*at = '_';
	h = hash(h, state_root ? state_root : "", strlen(state_root ? state_root : "") + 1);
	h = hash(h, name, strlen(name));
	snprintf(out, size, "%s-%016" PRIx64 ".json", shown, h);
}

/* Not by a call that waits: whoever holds it may be stopped for ever. */
static int lock_patiently(int fd, struct error *err)
{
	uint64_t end_ns = clock_monotonic_ns() + PROMISES_PATIENCE_MS * 1000000ull;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, errno, "lock the register of promises '%s'",
					   promises_directory());
		if (clock_monotonic_ns() >= end_ns)
			return error_set(err, ETIMEDOUT,
					 "the register of promises '%s' is locked by process %d "
					 "for more than %d s",
					 promises_directory(), flock_holder(fd),
					 PROMISES_PATIENCE_MS / 1000);
		usleep(LOCK_PAUSE_US);
	}
	return 0;
}

int promises_lock(int *dir, struct error *err)
{
	const char *path = promises_directory();
	_cleanup_close_ int fd = -EBADF;
	int r = path_make_directories(path, 0700);

	if (r < 0)
		return error_errno(err, r, "make the register of promises '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open the register of promises '%s'", path);
	r = lock_patiently(fd, err);
	if (r == 0)
		*dir = take_fd(&fd);
	return r;
}

static bool maker_lives(const struct promise *promise)
{
	uint64_t start = 0;
	bool zombie = false;

	return promise->maker > 0 && process_start_time(promise->maker, &start, &zombie) == 0 &&
	       start == promise->maker_start && !zombie;
}

static bool group_is_there(const struct promise *promise)
{
	const char *path = cgroup_directory(promise->cgroup, CGROUP_CORE);
	struct stat st;

	return path && stat(path, &st) == 0 && st.st_ino == promise->inode;
}

/* What cannot be looked at is believed: a promise that is forgotten is broken. */
static bool somebody_is_in(const struct promise *promise)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	return cgroup_procs(promise->cgroup, &pids, &n, NULL) < 0 || n > 0;
}

static bool holds(const struct promise *promise)
{
	if (!promise->cgroup)
		return maker_lives(promise);
	return group_is_there(promise) &&
	       (promise->kind == PROMISE_CGROUP || somebody_is_in(promise));
}

static int append(struct promise_list *list, struct promise *promise)
{
	struct promise *grown = reallocarray(list->items, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->n++] = *promise;
	*promise = (struct promise){0};
	return 0;
}

static int read_one(int dir, const char *file, bool locked, struct promise_list *list,
		    struct error *err)
{
	_cleanup_(promise_clear) struct promise promise = {0};
	_cleanup_json_ struct json_object *json = NULL;
	int r = json_parse_file_at(dir, file, FILE_MAX_BYTES, &json, err);

	/* Removed while we read the directory. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = promise_from_json(json, &promise, err);
	if (r < 0)
		return error_prefix(err,
				    "what '%s/%s' promises is not known; removing that file would "
				    "forget it",
				    promises_directory(), file);
	if (!holds(&promise)) {
		if (locked)
			unlinkat(dir, file, 0);
		return 0;
	}
	return append(list, &promise) < 0 ? error_oom(err) : 0;
}

/* What cannot be read fails everything, or with DAMAGED is counted, and told of the first. */
struct damage {
	size_t n;
	struct error first;
};

static int pass_over(struct damage *damage, struct promise_list *list, const char *file,
		     struct error *err)
{
	if (damage->n++ == 0)
		damage->first = *err;
	*err = (struct error){0};
	return strv_append(&list->unreadable, file) < 0 ? error_oom(err) : 0;
}

static int read_all(int dir, bool locked, struct promise_list *list, struct damage *damage,
		    struct error *err)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *entry;

	if (fd < 0)
		return error_errno(err, errno, "read the register of promises '%s'",
				   promises_directory());
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return error_oom(err);
	}
	while (r == 0 && (entry = readdir(d))) {
		if (*entry->d_name == '.')
			continue;
		if (string_ends_with(entry->d_name, ".json")) {
			r = read_one(dir, entry->d_name, locked, list, err);
			if (r < 0 && r != -ENOMEM && damage)
				r = pass_over(damage, list, entry->d_name, err);
		} else if (locked && string_ends_with(entry->d_name, ".tmp"))
			unlinkat(dir, entry->d_name, 0);
	}
	return r;
}

static int read_list(int dir, struct promise_list *list, struct damage *damage, struct error *err)
{
	_cleanup_(promise_list_clear) struct promise_list all = {0};
	_cleanup_close_ int own = -EBADF;
	int r;

	if (dir < 0) {
		own = open(promises_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (own < 0 && errno != ENOENT)
			return error_errno(err, errno, "open the register of promises '%s'",
					   promises_directory());
	}
	r = dir < 0 && own < 0 ? 0 : read_all(dir < 0 ? own : dir, dir >= 0, &all, damage, err);
	if (r < 0)
		return r;
	*list = all;
	all = (struct promise_list){0};
	return 0;
}

int promises_read(int dir, struct promise_list *list, struct error *err)
{
	return read_list(dir, list, NULL, err);
}

int promises_read_readable(struct promise_list *list, size_t *damaged, struct error *told,
			   struct error *err)
{
	struct damage damage = {0};
	int r = read_list(-EBADF, list, &damage, err);

	*damaged = damage.n;
	*told = damage.first;
	return r;
}

char *promise_file(const char *state_root, const char *name)
{
	char file[NAME_SHOWN_MAX + 32];

	file_name(state_root, name, file, sizeof(file));
	return strdup(file);
}

bool promise_list_misses(const struct promise_list *list, const char *file)
{
	return strv_has(list->unreadable, file);
}

int promises_put(int dir, const struct promise *promise, struct error *err)
{
	_cleanup_json_ struct json_object *json = promise_to_json(promise);
	char file[NAME_SHOWN_MAX + 32];

	file_name(promise->state_root, promise->name, file, sizeof(file));
	if (file_replace_at(dir, file, json_text(json, false), 0600, false, err) < 0)
		return error_prefix(err, "the register of promises '%s'", promises_directory());
	return 0;
}

int promises_remove(const char *state_root, const char *name, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	char file[NAME_SHOWN_MAX + 32];
	int r;

	if (access(promises_directory(), F_OK) < 0 && errno == ENOENT)
		return 0;
	r = promises_lock(&dir, err);
	if (r < 0)
		return r;
	file_name(state_root, name, file, sizeof(file));
	if (unlinkat(dir, file, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove '%s/%s'", promises_directory(), file);
	return 0;
}

/*
 * Not the time the directory changed: that is counted in ticks, and two changes fit into one. Each put makes
 * a new inode.
 */
uint64_t promises_stamp(void)
{
	_cleanup_closedir_ DIR *d = opendir(promises_directory());
	struct dirent *entry;
	uint64_t stamp = 0;

	while (d && (entry = readdir(d)))
		if (*entry->d_name != '.')
			stamp += hash(hash(HASH_START, &entry->d_ino, sizeof(entry->d_ino)),
				      entry->d_name, strlen(entry->d_name));
	return stamp;
}

int promise_set_cgroup(struct promise *promise, const struct cgroup *cgroup, struct error *err)
{
	const char *path = cgroup ? cgroup_directory(cgroup, CGROUP_CORE) : NULL;
	_cleanup_json_ struct json_object *record = NULL;
	struct cgroup *copy = NULL;
	struct stat st;
	int r;

	if (!path)
		return error_set(err, ENODEV, "'%s' has no control group to keep its terms with",
				 promise->name);
	if (stat(path, &st) < 0)
		return error_errno(err, errno, "look at the control group '%s'", path);
	record = cgroup_to_json(cgroup);
	r = cgroup_from_json(record, &copy, err);
	if (r < 0)
		return r;
	cgroup_free(promise->cgroup);
	promise->cgroup = copy;
	promise->inode = st.st_ino;
	return 0;
}

int promise_set_maker(struct promise *promise, struct error *err)
{
	struct timespec now;
	struct tm utc;
	char date[32];
	int r = process_start_time(getpid(), &promise->maker_start, NULL);

	if (r < 0)
		return error_errno(err, r, "look at process %d", getpid());
	promise->maker = getpid();
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	free(promise->since);
	promise->since = strdup(date);
	return promise->since ? 0 : error_oom(err);
}

void promise_clear(struct promise *promise)
{
	free(promise->name);
	free(promise->state_root);
	free(promise->since);
	free(promise->intended);
	cgroup_free(promise->cgroup);
	*promise = (struct promise){0};
}

void promise_list_clear(struct promise_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		promise_clear(&list->items[i]);
	free(list->items);
	strv_free(list->unreadable);
	*list = (struct promise_list){0};
}
