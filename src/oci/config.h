/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * config.json of the OCI runtime specification (1.3) as structs. Pure: text in, structs out.
 * Every string and array lives as long as the oci_config that holds it. Optional things are NULL,
 * empty, or have a has_ flag; nothing here is a kernel object yet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* 16 MiB: larger configurations are refused (the sum of all that is known stays under 1 MiB). */
#define OCI_CONFIG_MAX_BYTES (16u << 20)

/* The newest specification whose fields are all known (honoured, or refused by name). */
#define OCI_VERSION_MAX "1.3.0"

struct json_object;

/* Annotations of crun that change something here; the others of its own: oci/annotations.c. */
#define OCI_ANNOTATION_HOOKS_STDERR "run.oci.hooks.stderr"
#define OCI_ANNOTATION_HOOKS_STDOUT "run.oci.hooks.stdout"
#define OCI_ANNOTATION_KEEP_GROUPS "run.oci.keep_original_groups"
#define OCI_ANNOTATION_MOUNT_CONTEXT "run.oci.mount_context_type"
#define OCI_ANNOTATION_PIDFD_RECEIVER "run.oci.pidfd_receiver"

/* Newer than the C library of Debian 12 (include/uapi/linux/sched.h). */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* A name of the specification and the kernel's number for it. */
struct oci_name {
	const char *name; /* NULL: the end of a table */
	uint32_t value;
};

struct oci_pair {
	const char *key;
	const char *value;
};

struct oci_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct oci_user {
	uid_t uid;
	gid_t gid;
	bool has_umask;
	mode_t umask;
	gid_t *additional_gids;
	size_t n_additional_gids;
	const char *username; /* Windows' field; kept for spawn, which resolves it itself */
};

/* Bit n is capability number n (linux/capability.h). */
struct oci_capabilities {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

/* A set of small numbers, as of CPUs: bit N of WORDS; NULL when the configuration has none. */
struct oci_number_set {
	uint64_t *words;
	unsigned int bits; /* how many WORDS has room for, a multiple of 64 */
};

/* More than CONFIG_NR_CPUS can be (arch/x86/Kconfig). */
#define OCI_CPUS_MAX 8192

/* In the kernel's numbers, as sched_setattr(2) takes them. */
struct oci_scheduler {
	bool has_policy;
	uint32_t policy;
	int32_t nice;
	uint32_t priority;
	uint32_t flags;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct oci_io_priority {
	uint32_t class, level; /* IOPRIO_CLASS_*; 0 is the most urgent level of 7 */
};

/* Of processes that are executed in a container, before and after they enter its cgroups. */
struct oci_exec_affinity {
	struct oci_number_set initial, final;
};

struct oci_process {
	bool terminal;
	unsigned short console_height, console_width; /* 0: as they come */
	struct oci_user user;
	char **args; /* NULL-terminated; may be NULL for create-only configs */
	char **env;  /* NULL-terminated "KEY=value" */
	const char *cwd;
	bool has_capabilities;
	struct oci_capabilities capabilities;
	struct oci_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor_profile;
	const char *selinux_label;
	struct oci_scheduler *scheduler; /* NULL: as it is inherited */
	bool has_io_priority;
	struct oci_io_priority io_priority;
	struct oci_exec_affinity exec_affinity;
};

struct oci_id_map {
	uint32_t container_id, host_id, size;
	bool of_container; /* of a mount: host_id is an id of the container's user namespace */
};

struct oci_mount {
	const char *destination;
	const char *type;    /* NULL: none */
	const char *source;  /* NULL: none; relative ones are relative to the bundle */
	bool bind;	     /* an option said bind or rbind */
	unsigned long flags; /* MS_* to set, without propagation */
	unsigned long
		clear_flags; /* MS_* that an option turned off explicitly (rw, dev, suid...) */
	unsigned long propagation;		 /* MS_PRIVATE | MS_REC ..., 0: none asked */
	uint64_t recursive_set, recursive_clear; /* MOUNT_ATTR_* of rro, rnosuid, ... */
	bool tmpcopyup;
	bool idmap; /* owners are mapped: by the maps below, else the container's own */
	bool idmap_recursive;
	struct oci_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	bool copy_symlink; /* "copy-symlink" of podman: bind a symlink as a symlink */
	const char *data;  /* what is left, comma separated; NULL: none */
};

struct oci_namespace {
	int type;	  /* CLONE_NEW* */
	const char *path; /* NULL: a new one */
};

/* More than MAX_NUMNODES is (include/linux/numa.h). */
#define OCI_NODES_MAX 1024

/* As set_mempolicy(2) takes it. */
struct oci_memory_policy {
	bool has_mode;
	uint32_t mode, flags;
	struct oci_number_set nodes;
};

/* An interface of the host that is the container's while it lives. */
struct oci_net_device {
	const char *host_name, *name;
};

/* What a clock of a new time namespace is ahead of the host's (time_namespaces(7)). */
struct oci_time_offset {
	const char *clock; /* "monotonic", "boottime" */
	int64_t seconds;
	uint32_t nanoseconds;
};

struct oci_device {
	const char *path;
	char type; /* 'c', 'b', 'p' ('u' is 'c') */
	int64_t major, minor;
	bool has_mode, has_uid, has_gid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct oci_device_rule {
	bool allow;
	char type;	      /* 'a', 'c', 'b' */
	int64_t major, minor; /* -1: all */
	const char *access;   /* of "rwm" */
};

struct oci_cpu {
	bool has_shares, has_quota, has_period, has_burst, has_idle;
	bool has_realtime_period, has_realtime_runtime;
	uint64_t shares, period_us, burst_us, realtime_period_us;
	int64_t quota_us, realtime_runtime_us, idle; /* quota -1: none */
	const char *cpus, *mems;
};

struct oci_memory {
	bool has_limit, has_reservation, has_swap, has_kernel, has_kernel_tcp, has_swappiness;
	int64_t limit_bytes, reservation_bytes, swap_bytes, kernel_bytes, kernel_tcp_bytes;
	uint64_t swappiness;
	bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct oci_block_limit {
	int64_t major, minor;
	uint64_t rate;
};

struct oci_block_weight {
	int64_t major, minor;
	bool has_weight, has_leaf_weight;
	uint16_t weight, leaf_weight;
};

struct oci_block_io {
	bool has_weight, has_leaf_weight;
	uint16_t weight, leaf_weight;
	struct oci_block_weight *weights;
	size_t n_weights;
	struct oci_block_limit *read_bps, *write_bps, *read_iops, *write_iops;
	size_t n_read_bps, n_write_bps, n_read_iops, n_write_iops;
};

struct oci_hugepage_limit {
	const char *page_size; /* "2MB" */
	uint64_t limit_bytes;
};

/* Of one device that speaks RDMA; the kernel's numbers are ints (kernel/cgroup/rdma.c). */
struct oci_rdma_limit {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct oci_resources {
	struct oci_cpu cpu;
	struct oci_memory memory;
	bool has_pids_limit;
	int64_t pids_limit; /* -1, or 0 or less: unlimited, as runc and crun read it */
	struct oci_device_rule *devices;
	size_t n_devices;
	struct oci_block_io block_io;
	struct oci_hugepage_limit *hugepages;
	size_t n_hugepages;
	bool has_network_class;
	uint32_t network_class;
	struct oci_pair *network_priorities; /* interface, number */
	size_t n_network_priorities;
	struct oci_rdma_limit *rdma;
	size_t n_rdma;
	struct oci_pair *unified; /* cgroup v2 file, content */
	size_t n_unified;
};

struct oci_seccomp_arg {
	unsigned int index;
	uint64_t value, value_two;
	const char *op; /* SCMP_CMP_* */
};

struct oci_seccomp_rule {
	char **names;
	const char *action; /* SCMP_ACT_* */
	bool has_errno;
	uint32_t errno_value;
	struct oci_seccomp_arg *args;
	size_t n_args;
};

struct oci_seccomp {
	const char *default_action;
	bool has_default_errno;
	uint32_t default_errno;
	char **architectures; /* SCMP_ARCH_* */
	char **flags;	      /* SECCOMP_FILTER_FLAG_* */
	const char *listener_path, *listener_metadata;
	struct oci_seccomp_rule *rules;
	size_t n_rules;
};

/* Shares of caches and of memory bandwidth, by the resctrl file system. */
struct oci_intel_rdt {
	const char *clos_id; /* NULL: the container's id; "/": the machine's default class */
	char **schemata;     /* lines, NULL-terminated; NULL: none */
	const char *l3_cache_schema, *mem_bw_schema;
	bool enable_monitoring;
	bool enable_cmt, enable_mbm; /* what older specifications call it (1.2) */
};

struct oci_hook {
	const char *path;
	char **args; /* NULL-terminated; NULL: just the path */
	char **env;
	unsigned int timeout_s; /* 0: none */
};

struct oci_hooks {
	struct oci_hook *prestart, *create_runtime, *create_container, *start_container, *poststart,
		*poststop;
	size_t n_prestart, n_create_runtime, n_create_container, n_start_container, n_poststart,
		n_poststop;
	const char *stdout_path, *stderr_path; /* NULL: what they say is kept for a sentence */
};

struct oci_config {
	const char *version;
	const char *root_path;
	bool root_readonly;
	struct oci_process *process; /* may be NULL: then the container can be created, not run */
	const char *hostname, *domainname;
	struct oci_mount *mounts;
	size_t n_mounts;
	struct oci_hooks hooks;
	struct oci_pair *annotations;
	size_t n_annotations;

	/* linux */
	struct oci_namespace *namespaces;
	size_t n_namespaces;
	struct oci_time_offset *time_offsets;
	size_t n_time_offsets;
	struct oci_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	struct oci_device *devices;
	size_t n_devices;
	bool has_memory_policy;
	struct oci_memory_policy memory_policy;
	struct oci_net_device *net_devices;
	size_t n_net_devices;
	const char *cgroups_path; /* NULL: the runtime chooses */
	struct oci_resources resources;
	unsigned long rootfs_propagation; /* MS_* | MS_REC, 0: none asked */
	struct oci_seccomp *seccomp;	  /* NULL: none */
	char **masked_paths, **readonly_paths;
	struct oci_pair *sysctl;
	size_t n_sysctl;
	const char *mount_label;
	const char *mount_option;   /* the same as mount(8) has it: "context=LABEL" */
	const char *pidfd_receiver; /* a socket; NULL: none */
	bool has_intel_rdt;
	struct oci_intel_rdt intel_rdt;
	bool has_personality;
	uint32_t personality; /* PER_* */

	/*
	 * Sentences about what the specification wants logged, not refused: capabilities nobody
	 * knows. The caller logs them.
	 */
	const char **warnings;
	size_t n_warnings;

	struct oci_allocation *allocations; /* what the pointers above point into */
	struct json_object *json;
	char *text; /* of the file it was loaded from; NULL: of no file */
};

/*
 * Parses TEXT. NAME (the file's path) begins every sentence:
 * "config.json: linux.namespaces[2].type: unknown namespace 'nett'".
 * Fields this build does not honour are refused, not skipped; unknown fields are skipped, as the
 * specification asks (config.md, "Extensibility"). Returns 0 or a negative errno.
 */
int oci_config_parse(const char *name, const char *text, size_t size, struct oci_config **config,
		     struct error *err);

/* Reads PATH/config.json of a bundle directory. */
int oci_config_load(int bundle_dirfd, const char *name, struct oci_config **config,
		    struct error *err);

/*
 * Parses a process object alone (`exec --process FILE`). The process lives in *HOLDER, which is
 * otherwise empty.
 */
int oci_process_load(const char *path, struct oci_config **holder, struct error *err);

/* Parses the resources object alone (`update --resources FILE`); it lives in *HOLDER. */
int oci_resources_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
			struct error *err);

/* Parses the array of mounts alone (`mounts add`); they live in *HOLDER. */
int oci_mounts_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
		     struct error *err);

/* Parses the hooks object alone, as a container's record keeps it; they live in *HOLDER. */
int oci_hooks_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
		    struct error *err);

/*
 * Memory that lives as long as CONFIG, zeroed; for who builds a configuration without JSON.
 * NULL when memory is out.
 */
void *oci_config_allocate(struct oci_config *config, size_t count, size_t size);
char *oci_config_strdup(struct oci_config *config, const char *text);

/* An empty configuration; NULL when memory is out. */
struct oci_config *oci_config_new(void);
void oci_config_free(struct oci_config *config);
void cleanup_oci_config(struct oci_config **config);

/* The value of an annotation, or NULL. */
const char *oci_config_annotation(const struct oci_config *config, const char *key);

/* Whether CONFIG has a namespace of TYPE (CLONE_NEW*), new or joined; NULL: no. */
const struct oci_namespace *oci_config_namespace(const struct oci_config *config, int type);

/* The default configuration that `spec` prints, as JSON text (static). */
const char *oci_spec_default(void);

/*
 * The same for a user without root's rights: in a user namespace where UID and GID of the host are 0,
 * the only ids; with the host's network and no limits. *SPEC is the caller's to put.
 */
int oci_spec_rootless(unsigned int uid, unsigned int gid, struct json_object **spec,
		      struct error *err);

/* The names the parser knows, NULL-terminated, in the order `features` prints them. */
extern const char *const oci_seccomp_actions[];
extern const char *const oci_seccomp_operators[];
extern const char *const oci_seccomp_archs[];
extern const char *const oci_seccomp_flags[];
extern const char *const oci_hook_names[];
extern const struct oci_name *const oci_memory_policy_modes;
extern const struct oci_name *const oci_memory_policy_flags;
extern const char *const oci_namespace_names[];
extern const char *const oci_capability_names[]; /* by number */
/* The NTH known mount option (of those that are not the file system's), or NULL after the last. */
const char *oci_mount_option_name(size_t nth);

/* The number of "CAP_CHOWN", ... or -1. */
int oci_capability_number(const char *name);

/* CLONE_NEW* of "mount", "network", ... and back; 0 or NULL when unknown. */
int oci_namespace_type(const char *name);
const char *oci_namespace_name(int type);
/* CLONE_NEW* of the namespace that a kernel parameter belongs to; 0: none, it is the host's. */
int oci_sysctl_namespace(const char *key);
/* The name under /proc/PID/ns: "mnt", "net", ... */
const char *oci_namespace_file(int type);
