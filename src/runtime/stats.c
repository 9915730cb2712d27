// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a container's cgroups as the statistics document of runc's `events`, which other programs
 * read. Each controller is looked up on v1 or v2 by itself, for the hosts that have both.
 */
#include "runtime/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "runtime/container.h"

#define NS_PER_US 1000

/* The content of a file, or NULL. */
static char *read_text(struct cgroup *cg, enum cgroup_controller controller, const char *file)
{
	char *text = NULL;

	return cgroup_read(cg, controller, file, &text, NULL) == 0 ? text : NULL;
}

/* "max" is the largest number, as runc has it; a file that is not there is 0. */
static uint64_t read_number(struct cgroup *cg, enum cgroup_controller controller, const char *file)
{
	_cleanup_free_ char *text = read_text(cg, controller, file);
	uint64_t value = 0;

	if (text && strcmp(text, "max") == 0)
		return UINT64_MAX;
	return text && string_to_u64(text, 10, &value) == 0 ? value : 0;
}

/* The number behind KEY in lines of "KEY NUMBER". */
static uint64_t find_number(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (; text && *text; text = strchr(text, '\n'), text += text != NULL) {
		unsigned long long value;

		if (strncmp(text, key, length) == 0 && text[length] == ' ')
			return sscanf(text + length, " %llu", &value) == 1 ? value : 0;
	}
	return 0;
}

/* Pressure stall information: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
static void add_pressure(struct json_object *object, struct cgroup *cg, const char *file)
{
	_cleanup_free_ char *text = NULL;
	struct json_object *psi;
	char *line, *save = NULL;

	if (cgroup_version(cg, CGROUP_CORE) != 2)
		return;
	text = read_text(cg, CGROUP_CORE, file);
	if (!text)
		return;
	psi = json_add_object(object, "psi");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		double avg10, avg60, avg300;
		unsigned long long total;
		struct json_object *kind;
		char name[8];

		if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf total=%llu", name, &avg10,
			   &avg60, &avg300, &total) != 5)
			continue;
		kind = json_add_object(psi, name);
		json_add_double(kind, "avg10", avg10);
		json_add_double(kind, "avg60", avg60);
		json_add_double(kind, "avg300", avg300);
		json_add_u64(kind, "total", total);
	}
}

/* CPU. */

/* cpuacct.usage_all: a heading, and "CPU user system" of each. */
static void add_each_cpu(struct json_object *usage, struct cgroup *cg)
{
	_cleanup_free_ char *text = read_text(cg, CGROUP_CPUACCT, "cpuacct.usage_all");
	struct json_object *total, *kernel, *user;
	char *line, *save = NULL;

	if (!text)
		return;
	total = json_add_array(usage, "percpu");
	kernel = json_add_array(usage, "percpu_kernel");
	user = json_add_array(usage, "percpu_user");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long u, s;

		if (sscanf(line, "%*u %llu %llu", &u, &s) != 2)
			continue;
		json_object_array_add(total, json_object_new_uint64(u + s));
		json_object_array_add(kernel, json_object_new_uint64(s));
		json_object_array_add(user, json_object_new_uint64(u));
	}
}

static void add_throttling(struct json_object *cpu, const char *stat, uint64_t throttled_ns)
{
	struct json_object *throttling = json_add_object(cpu, "throttling");

	json_add_u64(throttling, "periods", find_number(stat, "nr_periods"));
	json_add_u64(throttling, "throttledPeriods", find_number(stat, "nr_throttled"));
	json_add_u64(throttling, "throttledTime", throttled_ns);
}

static void add_cpu(struct json_object *data, struct cgroup *cg)
{
	struct json_object *cpu = json_add_object(data, "cpu");
	struct json_object *usage = json_add_object(cpu, "usage");
	bool v1_usage = cgroup_version(cg, CGROUP_CPUACCT) == 1;
	enum cgroup_controller holder =
		cgroup_version(cg, CGROUP_CPU) == 0 && !v1_usage ? CGROUP_CORE : CGROUP_CPU;
	_cleanup_free_ char *stat = read_text(cg, holder, "cpu.stat");

	if (v1_usage) {
		json_add_u64(usage, "total", read_number(cg, CGROUP_CPUACCT, "cpuacct.usage"));
		json_add_u64(usage, "kernel", read_number(cg, CGROUP_CPUACCT, "cpuacct.usage_sys"));
		json_add_u64(usage, "user", read_number(cg, CGROUP_CPUACCT, "cpuacct.usage_user"));
		add_each_cpu(usage, cg);
	} else {
		json_add_u64(usage, "total", find_number(stat, "usage_usec") * NS_PER_US);
		json_add_u64(usage, "kernel", find_number(stat, "system_usec") * NS_PER_US);
		json_add_u64(usage, "user", find_number(stat, "user_usec") * NS_PER_US);
	}
	add_throttling(cpu, stat,
		       cgroup_version(cg, holder) == 2
			       ? find_number(stat, "throttled_usec") * NS_PER_US
			       : find_number(stat, "throttled_time"));
	add_pressure(cpu, cg, "cpu.pressure");
}

/* "0-2,5" -> [0,1,2,5] */
static void add_list(struct json_object *object, const char *key, const char *text)
{
	struct json_object *array;
	char *end;

	if (!text || !*text)
		return;
	array = json_add_array(object, key);
	while (*text) {
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < 65536; first++)
			json_object_array_add(array, json_object_new_int((int)first));
		text = *end == ',' ? end + 1 : end;
	}
}

static void add_cpuset(struct json_object *data, struct cgroup *cg)
{
	static const char *const flags[] = {
		"cpu_exclusive",      "mem_hardwall",	    "mem_exclusive",   "memory_migrate",
		"memory_spread_page", "memory_spread_slab", "memory_pressure", "sched_load_balance",
	};
	bool v2 = cgroup_version(cg, CGROUP_CPUSET) == 2;
	struct json_object *cpuset = json_add_object(data, "cpuset");
	_cleanup_free_ char *cpus =
		read_text(cg, CGROUP_CPUSET, v2 ? "cpuset.cpus.effective" : "cpuset.cpus");
	_cleanup_free_ char *mems =
		read_text(cg, CGROUP_CPUSET, v2 ? "cpuset.mems.effective" : "cpuset.mems");
	_cleanup_free_ char *level = NULL;
	int64_t domain = 0;

	add_list(cpuset, "cpus", cpus);
	add_list(cpuset, "mems", mems);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		char file[64];

		snprintf(file, sizeof(file), "cpuset.%s", flags[i]);
		json_add_u64(cpuset, flags[i], v2 ? 0 : read_number(cg, CGROUP_CPUSET, file));
	}
	if (!v2)
		level = read_text(cg, CGROUP_CPUSET, "cpuset.sched_relax_domain_level");
	if (level && string_to_i64(level, 10, &domain) < 0)
		domain = 0;
	json_add_i64(cpuset, "sched_relax_domain_level", domain);
}

/* Memory. */

static void add_memory_entry(struct json_object *memory, const char *key, uint64_t limit,
			     uint64_t usage, uint64_t max, uint64_t failures)
{
	struct json_object *entry = json_add_object(memory, key);

	json_add_u64(entry, "limit", limit);
	json_add_u64(entry, "usage", usage);
	json_add_u64(entry, "max", max);
	json_add_u64(entry, "failcnt", failures);
}

/* PREFIX: "memory", "memory.memsw", ... */
static void add_memory_v1(struct json_object *memory, struct cgroup *cg, const char *key,
			  const char *prefix)
{
	static const char *const files[] = {"limit_in_bytes", "usage_in_bytes",
					    "max_usage_in_bytes", "failcnt"};
	uint64_t values[ARRAY_SIZE(files)];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char file[64];

		snprintf(file, sizeof(file), "%s.%s", prefix, files[i]);
		values[i] = read_number(cg, CGROUP_MEMORY, file);
	}
	add_memory_entry(memory, key, values[0], values[1], values[2], values[3]);
}

/* Swap is told together with memory, as v1 counts it. */
static void add_memory_v2(struct json_object *memory, struct cgroup *cg)
{
	static const char *const counted[] = {"low", "high",	 "max",
					      "oom", "oom_kill", "oom_group_kill"};
	_cleanup_free_ char *events = read_text(cg, CGROUP_MEMORY, "memory.events");
	uint64_t limit = read_number(cg, CGROUP_MEMORY, "memory.max");
	uint64_t usage = read_number(cg, CGROUP_MEMORY, "memory.current");
	uint64_t swap_limit = read_number(cg, CGROUP_MEMORY, "memory.swap.max");
	struct json_object *count;

	if (swap_limit != UINT64_MAX)
		swap_limit = limit == UINT64_MAX ? UINT64_MAX : swap_limit + limit;
	add_memory_entry(memory, "usage", limit, usage,
			 read_number(cg, CGROUP_MEMORY, "memory.peak"), find_number(events, "max"));
	add_memory_entry(memory, "swap", swap_limit,
			 usage + read_number(cg, CGROUP_MEMORY, "memory.swap.current"), 0, 0);
	add_memory_entry(memory, "kernel", 0, 0, 0, 0);
	add_memory_entry(memory, "kernelTCP", 0, 0, 0, 0);
	count = json_add_object(memory, "event_count");
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		json_add_u64(count, counted[i], find_number(events, counted[i]));
}

static void add_memory(struct json_object *data, struct cgroup *cg)
{
	struct json_object *memory = json_add_object(data, "memory"), *raw;
	_cleanup_free_ char *stat = read_text(cg, CGROUP_MEMORY, "memory.stat");
	bool v2 = cgroup_version(cg, CGROUP_MEMORY) == 2;
	char *line, *save = NULL;

	json_add_u64(memory, "cache", find_number(stat, v2 ? "file" : "cache"));
	if (v2) {
		add_memory_v2(memory, cg);
	} else {
		add_memory_v1(memory, cg, "usage", "memory");
		add_memory_v1(memory, cg, "swap", "memory.memsw");
		add_memory_v1(memory, cg, "kernel", "memory.kmem");
		add_memory_v1(memory, cg, "kernelTCP", "memory.kmem.tcp");
	}
	add_pressure(memory, cg, "memory.pressure");
	if (!stat)
		return;
	raw = json_add_object(memory, "raw");
	for (line = strtok_r(stat, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long value;
		char name[64];

		if (sscanf(line, "%63s %llu", name, &value) == 2)
			json_add_u64(raw, name, value);
	}
}

/* Block I/O. */

static void add_block_entry(struct json_object *array, unsigned int major, unsigned int minor,
			    const char *op, uint64_t value)
{
	struct json_object *entry = json_object_new_object();

	json_add_u64(entry, "major", major);
	json_add_u64(entry, "minor", minor);
	json_add_string(entry, "op", op);
	json_add_u64(entry, "value", value);
	json_object_array_add(array, entry);
}

/* Lines of "MAJOR:MINOR Operation NUMBER"; the sum at the end has no device. 0: there were none. */
static bool add_block_file(struct json_object *blkio, struct cgroup *cg, const char *key,
			   const char *file)
{
	_cleanup_free_ char *text = read_text(cg, CGROUP_IO, file);
	struct json_object *array = NULL;
	char *line, *save = NULL;

	if (!text)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned int major, minor;
		unsigned long long value;
		char op[16];

		if (sscanf(line, "%u:%u %15s %llu", &major, &minor, op, &value) != 4)
			continue;
		if (!array)
			array = json_add_array(blkio, key);
		add_block_entry(array, major, minor, op, value);
	}
	return array;
}

/* The scheduler's count where there is one, else that of the throttling. */
static void add_block_v1(struct json_object *blkio, struct cgroup *cg)
{
	static const char *const names[][2] = {
		{"ioServiceBytesRecursive", "io_service_bytes_recursive"},
		{"ioServicedRecursive", "io_serviced_recursive"},
		{"ioQueueRecursive", "io_queued_recursive"},
		{"ioServiceTimeRecursive", "io_service_time_recursive"},
		{"ioWaitTimeRecursive", "io_wait_time_recursive"},
		{"ioMergedRecursive", "io_merged_recursive"},
		{"ioTimeRecursive", "time_recursive"},
		{"sectorsRecursive", "sectors_recursive"},
	};
	static const char *const prefixes[] = {"blkio.bfq.", "blkio.", "blkio.throttle."};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++) {
			char file[80];

			snprintf(file, sizeof(file), "%s%s", prefixes[p], names[i][1]);
			if (add_block_file(blkio, cg, names[i][0], file))
				break;
		}
	}
}

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void add_block_v2(struct json_object *blkio, struct cgroup *cg)
{
	static const struct {
		const char *name, *op;
		bool bytes;
	} fields[] = {
		{"rbytes", "Read", true}, {"wbytes", "Write", true}, {"dbytes", "Discard", true},
		{"rios", "Read", false},  {"wios", "Write", false},  {"dios", "Discard", false},
	};
	_cleanup_free_ char *text = read_text(cg, CGROUP_IO, "io.stat");
	struct json_object *bytes, *requests;
	char *line, *save = NULL;

	if (!text || !*text)
		return;
	bytes = json_add_array(blkio, "ioServiceBytesRecursive");
	requests = json_add_array(blkio, "ioServicedRecursive");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *word, *rest = NULL;
		unsigned int major, minor;

		if (sscanf(line, "%u:%u", &major, &minor) != 2)
			continue;
		for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
			char *value = strchr(word, '=');

			if (!value)
				continue;
			*value++ = '\0';
			for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
				if (strcmp(word, fields[i].name) == 0)
					add_block_entry(fields[i].bytes ? bytes : requests, major,
							minor, fields[i].op,
							strtoull(value, NULL, 10));
		}
	}
}

static void add_block_io(struct json_object *data, struct cgroup *cg)
{
	struct json_object *blkio = json_add_object(data, "blkio");

	if (cgroup_version(cg, CGROUP_IO) == 2)
		add_block_v2(blkio, cg);
	else
		add_block_v1(blkio, cg);
	add_pressure(blkio, cg, "io.pressure");
}

/* The rest. */

static void add_pids(struct json_object *data, struct cgroup *cg)
{
	struct json_object *pids = json_add_object(data, "pids");
	uint64_t limit = read_number(cg, CGROUP_PIDS, "pids.max");

	json_add_u64(pids, "current", read_number(cg, CGROUP_PIDS, "pids.current"));
	json_add_u64(pids, "limit", limit == UINT64_MAX ? 0 : limit);
}

/* KB pages as the controller writes them: "64KB", "2MB", "1GB". */
static void format_page_size(unsigned int size_kb, char text[static 16])
{
	if (size_kb >= 1u << 20)
		snprintf(text, 16, "%uGB", size_kb >> 20);
	else if (size_kb >= 1u << 10)
		snprintf(text, 16, "%uMB", size_kb >> 10);
	else
		snprintf(text, 16, "%uKB", size_kb);
}

static void add_hugetlb_size(struct json_object *hugetlb, struct cgroup *cg, const char *size)
{
	bool v2 = cgroup_version(cg, CGROUP_HUGETLB) == 2;
	struct json_object *entry;
	_cleanup_free_ char *events = NULL;
	char file[64];

	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, v2 ? "events" : "failcnt");
	events = read_text(cg, CGROUP_HUGETLB, file);
	if (!events)
		return;
	entry = json_add_object(hugetlb, size);
	json_add_u64(entry, "failcnt",
		     v2 ? find_number(events, "max") : strtoull(events, NULL, 10));
	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, v2 ? "current" : "usage_in_bytes");
	json_add_u64(entry, "usage", read_number(cg, CGROUP_HUGETLB, file));
	if (v2)
		return;
	snprintf(file, sizeof(file), "hugetlb.%s.max_usage_in_bytes", size);
	json_add_u64(entry, "max", read_number(cg, CGROUP_HUGETLB, file));
}

static void add_hugetlb(struct json_object *data, struct cgroup *cg)
{
	struct json_object *hugetlb = json_add_object(data, "hugetlb");
	_cleanup_closedir_ DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		unsigned int size_kb;
		char size[16];

		if (sscanf(entry->d_name, "hugepages-%ukB", &size_kb) != 1)
			continue;
		format_page_size(size_kb, size);
		add_hugetlb_size(hugetlb, cg, size);
	}
}

static void add_interface(struct json_object *array, const char *line)
{
	static const char *const keys[] = {
		"RxBytes", "RxPackets", "RxErrors", "RxDropped", NULL,	     NULL,
		NULL,	   NULL,	"TxBytes",  "TxPackets", "TxErrors", "TxDropped",
	};
	const char *colon = strchr(line, ':');
	_cleanup_free_ char *name = NULL;
	struct json_object *link;
	char *cursor;

	if (!colon)
		return;
	line += strspn(line, " ");
	name = strndup(line, (size_t)(colon - line));
	link = json_object_new_object();
	json_add_string(link, "Name", name);
	cursor = (char *)colon + 1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		uint64_t value = strtoull(cursor, &cursor, 10);

		if (keys[i])
			json_add_u64(link, keys[i], value);
	}
	json_object_array_add(array, link);
}

/* Whether the container has a network of its own, not the one we are in. */
static bool has_own_network(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return pid && stat("/proc/self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino != theirs.st_ino;
}

/* runc tells of links that it made itself; here it is those in the container, as it sees them. */
static void add_network(struct json_object *data, const struct container *container)
{
	pid_t pid = container_pid(container);
	struct json_object *array = NULL;
	_cleanup_free_ char *text = NULL;
	char path[64], *line, *save = NULL;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", pid);
	if (has_own_network(pid) && file_read_at(AT_FDCWD, path, 1u << 20, &text, NULL, NULL) == 0)
		array = json_object_new_array();
	json_object_object_add(data, "network_interfaces", array);
	if (!array)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add_interface(array, line);
}

struct json_object *container_stats(const struct container *container, struct cgroup *cg)
{
	struct json_object *data = json_object_new_object();

	add_cpu(data, cg);
	add_cpuset(data, cg);
	add_memory(data, cg);
	add_pids(data, cg);
	add_block_io(data, cg);
	add_hugetlb(data, cg);
	json_add_object(data, "intel_rdt");
	add_network(data, container);
	return data;
}
