// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the controllers live.
 *
 * A file system of type cgroup2 at /sys/fs/cgroup settles it with one statfs(2). Otherwise
 * /proc/self/mountinfo tells: a v1 hierarchy names its controllers among the options of its
 * superblock (co-mounted ones several: "rw,cpu,cpuacct"), a v2 one has cgroup.controllers in its
 * root. Symbolic links like /sys/fs/cgroup/cpu never matter, nor does where a mount point is.
 *
 * A mount can be hidden: by one on top of it, or by one higher up that came later. It is reached when
 * the mounts whose points lead to its own are just those that it is mounted on, by parent. Otherwise
 * statx(2) tells the id of the mount that the path leads to, at one system call each. The same
 * hierarchy mounted twice counts once.
 *
 * Paths of groups are relative to the root of the mount. In a cgroup namespace, and in a container
 * that was given only its own part of a hierarchy, that is what keeps things inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

#define STANDARD_MOUNT "/sys/fs/cgroup"
#define MOUNTINFO_MAX_BYTES (16u << 20)

static const struct {
	const char *v1, *v2;
} names[CGROUP_CONTROLLERS] = {
	[CGROUP_CORE] = {"cgroup", "cgroup"},
	[CGROUP_CPU] = {"cpu", "cpu"},
	[CGROUP_CPUACCT] = {"cpuacct", NULL},
	[CGROUP_CPUSET] = {"cpuset", "cpuset"},
	[CGROUP_MEMORY] = {"memory", "memory"},
	[CGROUP_IO] = {"blkio", "io"},
	[CGROUP_PIDS] = {"pids", "pids"},
	[CGROUP_DEVICES] = {"devices", NULL},
	[CGROUP_FREEZER] = {"freezer", NULL},
	[CGROUP_HUGETLB] = {"hugetlb", "hugetlb"},
	[CGROUP_NET_CLS] = {"net_cls", NULL},
	[CGROUP_NET_PRIO] = {"net_prio", NULL},
	[CGROUP_PERF_EVENT] = {"perf_event", "perf_event"},
	[CGROUP_RDMA] = {"rdma", "rdma"},
	[CGROUP_MISC] = {"misc", "misc"},
};

const char *cgroup_mode_name(enum cgroup_mode mode)
{
	switch (mode) {
	case CGROUP_LEGACY:
		return "legacy";
	case CGROUP_HYBRID:
		return "hybrid";
	case CGROUP_UNIFIED:
		return "unified";
	default:
		return "none";
	}
}

const char *cgroup_controller_name(enum cgroup_controller controller, int version)
{
	const char *name = version == 1 ? names[controller].v1 : names[controller].v2;

	return name ? name : names[controller].v1;
}

uint32_t cgroup_controllers_parse(const char *text, const char *separators, int version)
{
	uint32_t found = 0;

	while (*text) {
		size_t length = strcspn(text, separators);

		for (int c = CGROUP_CORE + 1; c < CGROUP_CONTROLLERS; c++) {
			const char *name = version == 1 ? names[c].v1 : names[c].v2;

			if (name && strlen(name) == length && !strncmp(name, text, length))
				found |= 1u << c;
		}
		text += length;
		text += *text != '\0';
	}
	return found;
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* A line of mountinfo; the strings point into it. */
struct mount_line {
	unsigned int id, parent;
	const char *point, *options; /* of the superblock */
	int version;		     /* of cgroup; 0: another file system */
};

struct mount_table {
	struct mount_line *lines;
	size_t n;
};

/* "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS", proc(5). */
static bool parse_line(char *line, struct mount_line *mount)
{
	char *tail = strstr(line, " - "), *at = line, *point, *save = NULL;
	const char *type;

	if (!tail)
		return false;
	*tail = '\0';
	mount->id = (unsigned int)strtoul(at, &at, 10);
	mount->parent = (unsigned int)strtoul(at, &at, 10);
	for (int skipped = 0; at && skipped < 2; skipped++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	point = at + 1;
	point[strcspn(point, " ")] = '\0';
	unescape(point);
	mount->point = point;
	mount->version = 0;
	if (strncmp(tail + 3, "cgroup", 6) != 0)
		return true;
	type = strtok_r(tail + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	mount->options = strtok_r(NULL, " ", &save);
	if (mount->options)
		mount->version = !strcmp(type, "cgroup2") ? 2 : !strcmp(type, "cgroup") ? 1 : 0;
	return true;
}

static int parse_lines(char *text, struct mount_table *table, struct error *err)
{
	char *line, *save = NULL;
	size_t capacity = 1;

	for (const char *at = text; *at; at++)
		capacity += *at == '\n';
	table->lines = calloc(capacity, sizeof(*table->lines));
	if (!table->lines)
		return error_oom(err);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		table->n += parse_line(line, &table->lines[table->n]);
	return 0;
}

static bool leads_to(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);

	/* The root's only slash is its last character. */
	length -= length == 1;
	return !strncmp(prefix, path, length) && (path[length] == '/' || !path[length]);
}

static const struct mount_line *mount_by_id(const struct mount_table *table, unsigned int id)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->lines[i].id == id)
			return &table->lines[i];
	return NULL;
}

/* Whether what it is mounted on is all there is on the way. */
static bool is_plainly_visible(const struct mount_table *table, const struct mount_line *mount)
{
	size_t on_the_way = 0, below = 1;

	for (size_t i = 0; i < table->n; i++)
		on_the_way += leads_to(table->lines[i].point, mount->point);
	/* The parent of the topmost is not listed; bounded, should the kernel ever list a loop. */
	while (below <= on_the_way && (mount = mount_by_id(table, mount->parent)))
		below++;
	return below == on_the_way;
}

/* Whether the path leads to that mount. Kernels before 5.8 do not tell; they are believed. */
static bool is_visible(const struct mount_table *table, const struct mount_line *mount)
{
	struct statx st;

	if (is_plainly_visible(table, mount))
		return true;
	if (statx(AT_FDCWD, mount->point, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) <
	    0)
		return false;
	return !(st.stx_mask & STATX_MNT_ID) || st.stx_mnt_id == mount->id;
}

/* Named hierarchies are told apart by add_mount. */
static bool is_same_hierarchy(const struct cgroup_hierarchy *h, int version, uint32_t controllers)
{
	if (version == 2)
		return h->version == 2;
	return h->version == 1 && controllers && (h->controllers & controllers);
}

static int add_hierarchy(struct cgroup_layout *layout, int version, uint32_t controllers,
			 const char *point, struct error *err)
{
	struct cgroup_hierarchy *h;

	if (layout->n == CGROUP_MAX_HIERARCHIES)
		return error_set(err, E2BIG, "more than %d cgroup hierarchies are mounted",
				 CGROUP_MAX_HIERARCHIES);
	h = &layout->hierarchies[layout->n];
	h->version = version;
	h->controllers = controllers;
	h->mount = strdup(point);
	if (!h->mount)
		return error_oom(err);
	layout->n++;
	return 0;
}

/* The controllers of a v2 hierarchy; none when that cannot be read, which is no failure here. */
static uint32_t read_controllers(int root, const char *point)
{
	_cleanup_free_ char *path =
		string_format("%s%s/cgroup.controllers", root < 0 ? "" : ".", point);
	_cleanup_close_ int fd = -EBADF;
	char text[512];
	ssize_t n;

	if (!path)
		return 0;
	fd = openat(root < 0 ? AT_FDCWD : root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	return cgroup_controllers_parse(text, " \n", 2);
}

/* The value of "name=" among the options, or NULL. */
static const char *hierarchy_name(const char *options)
{
	const char *name = strstr(options, ",name=");

	return name ? name + strlen(",name=") : NULL;
}

static int add_mount(struct cgroup_layout *layout, int root, const struct mount_table *table,
		     const struct mount_line *mount, const char *named[], struct error *err)
{
	uint32_t controllers = 0;
	const char *name = NULL;

	if (mount->version == 1) {
		controllers = cgroup_controllers_parse(mount->options, ",", 1);
		name = hierarchy_name(mount->options);
	}
	for (size_t i = 0; i < layout->n; i++) {
		if (is_same_hierarchy(&layout->hierarchies[i], mount->version, controllers))
			return 0;
		if (name && named[i] && !strcmp(name, named[i]))
			return 0;
	}
	/* Neither controllers that have a use here nor a name: "debug", or one yet unheard of. */
	if (mount->version == 1 && !controllers && !name)
		return 0;
	if (root < 0 && !is_visible(table, mount))
		return 0;
	if (mount->version == 2)
		controllers = read_controllers(root, mount->point);
	named[layout->n] = name;
	return add_hierarchy(layout, mount->version, controllers, mount->point, err);
}

/* A v2 hierarchy comes first: who enters it is counted there before anywhere else. */
static void settle_order(struct cgroup_layout *layout)
{
	uint32_t v1 = 0;
	bool has_v2 = false;

	for (size_t i = 0; i < layout->n; i++) {
		struct cgroup_hierarchy h = layout->hierarchies[i];

		if (h.version == 1) {
			v1 |= h.controllers;
			continue;
		}
		has_v2 = true;
		memmove(&layout->hierarchies[1], &layout->hierarchies[0],
			i * sizeof(layout->hierarchies[0]));
		layout->hierarchies[0] = h;
	}
	if (!layout->n)
		layout->mode = CGROUP_NONE;
	else if (!has_v2)
		layout->mode = CGROUP_LEGACY;
	else
		layout->mode = layout->n > 1 ? CGROUP_HYBRID : CGROUP_UNIFIED;
	/* A controller is in one hierarchy; a list read while it moved may say otherwise. */
	if (has_v2)
		layout->hierarchies[0].controllers &= ~v1;
}

static int read_mountinfo(struct cgroup_layout *layout, int root, struct error *err)
{
	const char *named[CGROUP_MAX_HIERARCHIES] = {0};
	_cleanup_free_ char *text = NULL;
	struct mount_table table = {0};
	int r;

	r = file_read_at(root < 0 ? AT_FDCWD : root,
			 root < 0 ? "/proc/self/mountinfo" : "proc/self/mountinfo",
			 MOUNTINFO_MAX_BYTES, &text, NULL, err);
	if (r == 0)
		r = parse_lines(text, &table, err);
	for (size_t i = 0; r == 0 && i < table.n; i++)
		if (table.lines[i].version)
			r = add_mount(layout, root, &table, &table.lines[i], named, err);
	free(table.lines);
	if (r == 0)
		settle_order(layout);
	return r;
}

static int read_layout(int root, struct cgroup_layout **layout, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = calloc(1, sizeof(*l));
	struct statfs fs;
	int r;

	if (!l)
		return error_oom(err);
	if (root < 0 && statfs(STANDARD_MOUNT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
		l->mode = CGROUP_UNIFIED;
		r = add_hierarchy(l, 2, read_controllers(root, STANDARD_MOUNT), STANDARD_MOUNT,
				  err);
	} else {
		r = read_mountinfo(l, root, err);
	}
	if (r < 0)
		return r;
	*layout = take_ptr(l);
	return 0;
}

int cgroup_layout_read(struct cgroup_layout **layout, struct error *err)
{
	return read_layout(-EBADF, layout, err);
}

int cgroup_layout_read_at(int root, struct cgroup_layout **layout, struct error *err)
{
	return read_layout(root, layout, err);
}

enum cgroup_mode cgroup_layout_mode(const struct cgroup_layout *layout)
{
	return layout->mode;
}

static const struct cgroup_hierarchy *find(const struct cgroup_layout *layout,
					   enum cgroup_controller controller)
{
	if (controller == CGROUP_CORE)
		return layout->n ? &layout->hierarchies[0] : NULL;
	for (size_t i = 0; i < layout->n; i++)
		if (layout->hierarchies[i].controllers & 1u << controller)
			return &layout->hierarchies[i];
	return NULL;
}

int cgroup_layout_version(const struct cgroup_layout *layout, enum cgroup_controller controller)
{
	const struct cgroup_hierarchy *h = find(layout, controller);

	return h ? h->version : 0;
}

const char *cgroup_layout_mount(const struct cgroup_layout *layout,
				enum cgroup_controller controller)
{
	const struct cgroup_hierarchy *h = find(layout, controller);

	return h ? h->mount : NULL;
}

void cgroup_layout_free(struct cgroup_layout *layout)
{
	if (!layout)
		return;
	for (size_t i = 0; i < layout->n; i++)
		free(layout->hierarchies[i].mount);
	free(layout);
}

void cleanup_cgroup_layout(struct cgroup_layout **layout)
{
	cgroup_layout_free(*layout);
}
