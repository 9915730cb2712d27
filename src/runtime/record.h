/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The record of a container: ROOT/ID/, a directory that belongs to root alone.
 *
 *     state.json    what is known, replaced atomically; holds all that delete has to undo, and is
 *                   written before that is made
 *     config.json   the configuration as it was at create, for exec
 *     start         the socket on which init waits for `start`; its absence means started
 *
 * Whoever changes a container holds a lock on the directory (flock), which a killed process gives
 * back by itself.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "runtime/container.h"

#define RECORD_STATE "state.json"
#define RECORD_CONFIG "config.json"
#define RECORD_START "start"

struct container {
	char *root, *id;
	int dir;		  /* ROOT/ID, open for the lock */
	struct json_object *json; /* state.json */
	pid_t pid;		  /* 0: none known */
	uint64_t pid_start;	  /* its start time in clock ticks */
	int pidfd;		  /* -EBADF: not running */
	int netns;   /* of a container with lent interfaces, net_devices.h; else -EBADF */
	int starter; /* with start_here: init waits on it for its start */
	int written; /* with start_here: the state.json that JSON was written to; else -EBADF */
};

/* "." and "/" are no ids; letters, digits, "_", "+", "-", "." are what runc and crun allow. */
int record_check_id(const char *id, struct error *err);

/*
 * Opens the state directory PATH (O_PATH): -ENOENT when it is not there, -EPERM with a sentence when anybody
 * but us and root could have written what is in it: a record says what is killed and removed.
 */
int record_open_root(const char *path, struct error *err);

/*
 * Makes ROOT/ID and locks it: -EEXIST with a sentence when it is there. *CONTAINER is an empty record.
 */
int record_create(const char *root, const char *id, struct container **container,
		  struct error *err);

/* Opens ROOT/ID without reading: -ENOENT "container does not exist: 'x'". */
int record_open(const char *root, const char *id, struct container **container, struct error *err);

/* Takes the lock; without WAIT -EWOULDBLOCK when another process has it. */
int record_lock(struct container *container, bool wait, struct error *err);
void record_unlock(struct container *container);

/* Reads state.json, and opens a pidfd when init lives. */
int record_read(struct container *container, struct error *err);

/*
 * Writes the first state.json, not atomically: whoever finds a part of it knows that nothing was made
 * yet but the directory.
 */
int record_write_first(struct container *container, struct error *err);

/* Replaces state.json from container->json and ->pid. */
int record_write(struct container *container, struct error *err);

/* Removes ROOT/ID with all it holds; what is mounted below is detached first. */
int record_remove(struct container *container, struct error *err);

/* A member of state.json or NULL. */
const char *record_string(const struct container *container, const char *key);

/* The groups of a container; the caller's to cgroup_free. -ENODEV with a sentence: it has none. */
struct cgroup;
int container_open_cgroup(const struct container *container, struct cgroup **cg, struct error *err);

/*
 * Connects to the first process of a created container and begins with WHAT (enum sync_type). Returns the
 * connection; -EINVAL with a sentence when it does not wait any more.
 */
int container_reach_init(const struct container *container, int what, struct error *err);

/* An address for RECORD_START that fits into sun_path whatever the length of ROOT. */
struct sockaddr_un;
int record_start_address(const struct container *container, struct sockaddr_un *address);
