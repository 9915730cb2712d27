// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the specification and the kernel's numbers for them. */
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "oci/config.h"
#include "oci/rlimit.h"

/* linux/capability.h, in the order of their numbers */
const char *const oci_capability_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
	NULL,
};

int oci_capability_number(const char *name)
{
	for (int i = 0; oci_capability_names[i]; i++)
		if (strcmp(oci_capability_names[i], name) == 0)
			return i;
	return -1;
}

static const struct {
	const char *name, *file;
	int type;
} namespaces[] = {
	{"cgroup", "cgroup", CLONE_NEWCGROUP}, {"ipc", "ipc", CLONE_NEWIPC},
	{"mount", "mnt", CLONE_NEWNS},	       {"network", "net", CLONE_NEWNET},
	{"pid", "pid", CLONE_NEWPID},	       {"time", "time", CLONE_NEWTIME},
	{"user", "user", CLONE_NEWUSER},       {"uts", "uts", CLONE_NEWUTS},
};

const char *const oci_namespace_names[] = {
	"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL,
};

int oci_namespace_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (strcmp(namespaces[i].name, name) == 0)
			return namespaces[i].type;
	return 0;
}

const char *oci_namespace_name(int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (namespaces[i].type == type)
			return namespaces[i].name;
	return NULL;
}

const char *oci_namespace_file(int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		if (namespaces[i].type == type)
			return namespaces[i].file;
	return NULL;
}

static const char *const rlimit_names[RLIM_NLIMITS] = {
	[RLIMIT_AS] = "RLIMIT_AS",
	[RLIMIT_CORE] = "RLIMIT_CORE",
	[RLIMIT_CPU] = "RLIMIT_CPU",
	[RLIMIT_DATA] = "RLIMIT_DATA",
	[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
	[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
	[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
	[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
	[RLIMIT_NICE] = "RLIMIT_NICE",
	[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
	[RLIMIT_NPROC] = "RLIMIT_NPROC",
	[RLIMIT_RSS] = "RLIMIT_RSS",
	[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
	[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
	[RLIMIT_STACK] = "RLIMIT_STACK",
};

int oci_rlimit_resource(const char *name)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (rlimit_names[i] && strcmp(rlimit_names[i], name) == 0)
			return i;
	return -1;
}

const char *oci_rlimit_name(int resource)
{
	return resource >= 0 && resource < RLIM_NLIMITS ? rlimit_names[resource] : NULL;
}
