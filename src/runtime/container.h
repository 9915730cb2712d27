/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One container, from the outside: the operations of the OCI runtime specification (runtime.md)
 * on a record under the state directory. All functions return 0 or a negative errno with a
 * sentence in ERR; a failed create leaves nothing behind.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

struct cgroup;
struct container;

/* Where records live: ROOT/ID/state.json. Default: $XDG_RUNTIME_DIR/behalf, for root /run/behalf. */
const char *container_default_root(void);

struct container_create_options {
	const char *root; /* state directory */
	const char *id;
	const char *bundle;	    /* absolute path, recorded in the state */
	const char *pid_file;	    /* NULL: none */
	const char *console_socket; /* NULL: none */
	int *console_master;	    /* when not NULL and process.terminal: takes the pty master */
	unsigned int preserve_fds;  /* descriptors 3 .. 3+n-1 are passed on */
	bool no_pivot;		    /* MS_MOVE + chroot instead of pivot_root */
	bool no_new_keyring;
	bool systemd_cgroup; /* cgroups are made by systemd (scope.h) */
	bool no_cgroup;	 /* stay in the caller's groups; limits of the configuration do not hold */
	bool reaper;	 /* the program gets an init that dies with the caller */
	bool start_here; /* the caller itself will start it, not another process */
	/*
	 * When not NULL: told of the groups (NULL: there are none) once all is made and while the container
	 * would still end with the caller. A failure of it is a failure to create.
	 */
	int (*before_commit)(void *data, const struct cgroup *cgroup, struct error *err);
	void *data;
};

/*
 * Creates the container up to the point where only start is missing. CONFIG stays the caller's.
 * *CONTAINER is the caller's to free with container_free (the container itself goes on).
 */
int container_create(const struct container_create_options *options, struct oci_config *config,
		     struct container **container, struct error *err);

/* Reads the record of an existing container: -ENOENT "container does not exist: 'x'". */
int container_load(const char *root, const char *id, struct container **container,
		   struct error *err);

int container_start(struct container *container, struct error *err);

/*
 * The two halves of it: the word to begin, and to hear of the program that it has begun, or why not. In
 * between are the hooks poststart and the hand-over of a seccomp listener; where there are neither the
 * second may wait until the container has ended.
 */
int container_start_unseen(struct container *container, struct error *err);
int container_await_start(struct container *container, struct error *err);

/* Signals init, or with ALL every process of the container. */
int container_kill(struct container *container, int signal, bool all, struct error *err);

/*
 * Stops all processes of a created or running container where they are (FROZEN), or lets those of a
 * paused one go on; any other status is -EINVAL.
 */
int container_freeze(struct container *container, bool frozen, struct error *err);

/* -EINVAL: it is stopped, or not made yet. */
int container_check_alive(const struct container *container, struct error *err);

/* Changes the limits of a container that is not stopped: only those that RESOURCES has. */
int container_update(struct container *container, const struct oci_resources *resources,
		     struct error *err);

/* Changes its shares of caches and memory bandwidth (linux.intelRdt); either may be NULL. */
int container_update_rdt(struct container *container, const char *l3_cache_schema,
			 const char *mem_bw_schema, struct error *err);

/*
 * Adds the mounts of HOLDER, bind mounts all of them, to a container that is not stopped, or takes away
 * what is mounted at their destinations. All of them are added, or none. Root of the host only; the
 * caller is protected (self_protect).
 */
int container_add_mounts(struct container *container, const struct oci_config *holder,
			 struct error *err);
int container_remove_mounts(struct container *container, const struct oci_config *holder,
			    struct error *err);

/* All of its processes, as pids of our pid namespace; *PIDS is the caller's to free. */
int container_processes(const struct container *container, pid_t **pids, size_t *n,
			struct error *err);

/* The configuration as it was at create; the caller's to oci_config_free. */
int container_config(const struct container *container, struct oci_config **config,
		     struct error *err);

struct container_exec_options {
	const struct oci_process *process;
	const char *pid_file;	    /* NULL: none */
	const char *console_socket; /* NULL: none */
	int *console_master;	    /* when not NULL and process->terminal: takes the pty master */
	unsigned int preserve_fds;
	char *const *cgroups; /* groups below the container's (cgroup_open_below); NULL: its own */
	bool ignore_paused;   /* a paused container is one too: waits until it is resumed */
};

/*
 * Starts one more process in the namespaces and cgroups of a created or running container. It is the
 * caller's child; *PIDFD is the caller's to close.
 */
int container_exec(struct container *container, const struct container_exec_options *options,
		   pid_t *pid, int *pidfd, struct error *err);

/*
 * Removes a stopped container; with FORCE kills a living one first and clears whatever a killed
 * `create` left, in whatever state. -ENOENT when there is nothing under that id (0 with FORCE), -ENOEXEC
 * when container_is_apart says so.
 */
int container_delete(const char *root, const char *id, bool force, struct error *err);

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED
};

/*
 * As container_delete with FORCE, of a container that the caller has made (start_here), whoever may have
 * removed it meanwhile.
 */
int container_end(struct container *container, struct error *err);

/* Only the program that can speak with systemd may change or remove it (systemd_is_apart). */
bool container_is_apart(const struct container *container);

enum container_status container_status(const struct container *container);
const char *container_status_name(enum container_status status);
const char *container_id(const struct container *container);
const char *container_bundle(const struct container *container);
/* 0 when it is not running. */
pid_t container_pid(const struct container *container);
const char *container_cgroup(const struct container *container);
/* ISO 8601 with nanoseconds. */
const char *container_created(const struct container *container);

/* The state as runtime.md defines it, as JSON: the caller's to json_object_put. */
struct json_object *container_state_json(const struct container *container);

/* Adds an annotation to the record (io.behalf.address); written at once. */
int container_annotate(struct container *container, const char *key, const char *value,
		       struct error *err);

/* Adds all of PAIRS to what the record says by now; one without a value is taken away. */
struct oci_pair;
int container_annotate_all(struct container *container, const struct oci_pair *pairs, size_t n,
			   struct error *err);

/* A pidfd of init, owned by CONTAINER; -EBADF when it is not running. */
int container_pidfd(const struct container *container);

/* Ids under ROOT, sorted; the caller's to strv_free. An absent ROOT is an empty list. */
int container_list(const char *root, char ***ids, struct error *err);

void container_free(struct container *container);
void cleanup_container(struct container **container);
