// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits, shares and caps of disks, as the controllers have them. See standing.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "keeper/disk_weight.h"
#include "keeper/standing_setting.h"
#include "kernel/topology.h"

/* The whole disk that DEVICE names, as the controllers want it; the caller's to free. */
static char *resolve(const struct topology *topology, const char *device)
{
	char number[32] = "";
	struct stat st;

	if (device[0] == '\0' && stat("/", &st) == 0)
		snprintf(number, sizeof(number), "%u:%u", major(st.st_dev), minor(st.st_dev));
	else if (device[0] == '/' && stat(device, &st) == 0 && S_ISBLK(st.st_mode))
		snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	else if (device[0] != '/')
		snprintf(number, sizeof(number), "%.31s", device);
	for (size_t i = 0; i < topology->n_disks; i++) {
		if (strcmp(topology->disks[i].device, number) == 0)
			return strdup(topology->disks[i].whole);
	}
	return NULL;
}

/* The four limits of a disk: on v1 a file each, on v2 values of a line, of which others' stay as they are. */
static const struct field {
	const char *file, *key;
	enum terms_access access;
	bool iops;
} fields[] = {
	{"blkio.throttle.read_bps_device", "rbps", TERMS_READ, false},
	{"blkio.throttle.read_iops_device", "riops", TERMS_READ, true},
	{"blkio.throttle.write_bps_device", "wbps", TERMS_WRITE, false},
	{"blkio.throttle.write_iops_device", "wiops", TERMS_WRITE, true},
};

#define MAX_FILE "io.max"

static uint64_t limit_of(const struct terms_disk *terms, const struct field *field)
{
	const struct terms_disk_flow *flow = &terms->flow[field->access];

	if (field->access == TERMS_WRITE && flow->buffered)
		return 0;
	return field->iops ? flow->limit_iops : flow->limit_bytes;
}

enum { TAKE_BACK = 0 };

/* VALUE UINT64_MAX: none for a while, though there is one to come back to. */
static int set_field(struct writer *writer, const char *name, const struct standing *standing,
		     const char *means, const char *disk, const struct field *field, uint64_t value,
		     struct error *err)
{
	const bool v1 = standing->io.version == 1;
	_cleanup_free_ char *none = v1 ? string_format("%s 0", disk)
				       : string_format("%s %s=max", disk, field->key);
	_cleanup_free_ char *text = v1 ? string_format("%s %" PRIu64, disk, value)
				       : string_format("%s %s=%" PRIu64, disk, field->key, value);
	struct standing_setting s = {.directory = standing->io.directory,
				     .file = v1 ? field->file : MAX_FILE,
				     .disk = disk,
				     .key = v1 ? NULL : field->key,
				     .text = value == UINT64_MAX ? none : text,
				     .none = none,
				     .means = means};

	if (!none || !text)
		return error_oom(err);
	return value == TAKE_BACK ? standing_take_back(writer, &s, err)
				  : standing_set_one(writer, name, &s, err);
}

static int set_limits(struct writer *writer, const char *name, const struct standing *standing,
		      const char *disk, const struct terms_disk *terms,
		      const struct terms_disk *before, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		uint64_t limit = limit_of(terms, &fields[i]);

		if (standing_is_due(standing, limit, limit_of(before, &fields[i])))
			r = set_field(writer, name, standing, NULL, disk, &fields[i], limit, err);
	}
	return r;
}

/* One weight for both, as the kernel has it: the higher one. */
static uint32_t share_of(const struct terms_disk *terms)
{
	uint32_t read = terms->flow[TERMS_READ].share, write = terms->flow[TERMS_WRITE].share;

	return read > write ? read : write;
}

static int set_share(struct writer *writer, const char *name, const struct standing *standing,
		     const char *disk, uint32_t share, struct error *err)
{
	_cleanup_free_ char *none = string_format("%s default", disk), *text = NULL;
	struct standing_setting s = {
		.directory = standing->io.directory, .disk = disk, .none = none};
	int r = disk_weight_file(disk, standing->io.version, &s.file, err);

	/* it was switched off meanwhile: there is nothing to take back */
	if (r < 0)
		return share ? r : 0;
	if (none)
		text = string_format("%s %u", disk, disk_weight_of_share(s.file, share));
	if (!text)
		return error_oom(err);
	s.text = text;
	return share ? standing_set_one(writer, name, &s, err)
		     : standing_take_back(writer, &s, err);
}

static int set_disk(struct writer *writer, const char *name, const struct standing *standing,
		    const struct topology *topology, const struct terms_disk *terms,
		    const struct terms_disk *before, struct error *err)
{
	_cleanup_free_ char *disk = NULL;
	int r;

	if (standing->begun && memcmp(terms, before, sizeof(*terms)) == 0)
		return 0;
	if (!standing->io.directory)
		return error_set(err, ENODEV, "there is no controller for disks");
	disk = resolve(topology, terms->device);
	if (!disk)
		return error_set(err, ENODEV, "'%s' is no disk of this host",
				 terms->device[0] ? terms->device : "/");
	r = set_limits(writer, name, standing, disk, terms, before, err);
	if (r < 0 || !standing_is_due(standing, share_of(terms), share_of(before)))
		return r;
	return set_share(writer, name, standing, disk, share_of(terms), err);
}

static uint64_t held(uint64_t limit, const struct field *field, const struct standing_caps *caps)
{
	uint64_t cap = (uint64_t)caps->cap[field->access];

	if (limit && caps->drain > 0 && field->access == TERMS_WRITE) {
		if (field->iops)
			limit = UINT64_MAX;
		else if (limit < (uint64_t)caps->drain)
			limit = (uint64_t)caps->drain;
	}
	return cap && !field->iops && (!limit || cap < limit) ? cap : limit;
}

int standing_cap_disk(struct writer *writer, const char *name, const struct standing *standing,
		      const struct standing_disk *disk, const struct standing_caps *caps,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		uint64_t limit = limit_of(&disk->terms, &fields[i]);

		/* of requests there is nothing but the limit */
		if (fields[i].iops && !(limit && fields[i].access == TERMS_WRITE))
			continue;
		r = set_field(writer, name, standing, STANDING_CAP_MEANS, disk->number, &fields[i],
			      held(limit, &fields[i], caps), err);
	}
	return r;
}

/* "8:0" of "io.max 8:0 rbps" or "io.max 8:0"; false: it is of no disk. */
static bool disk_of(const char *what, char *disk, size_t size)
{
	const char *at = strchr(what, ' ');

	if (!at)
		return false;
	snprintf(disk, size, "%.*s", (int)strcspn(at + 1, " "), at + 1);
	return true;
}

static bool has_disk(const struct terms *terms, const struct topology *topology, const char *disk)
{
	for (unsigned int i = 0; i < terms->n_disks; i++) {
		_cleanup_free_ char *number = resolve(topology, terms->disks[i].device);

		if (number && strcmp(number, disk) == 0)
			return true;
	}
	return false;
}

/* Of disks that a keeper before this one has set something of, and nothing is promised of now. */
static int take_back_others(struct writer *writer, const struct standing *standing,
			    const struct topology *topology, const struct terms *terms,
			    struct error *err)
{
	int result = 0;

	for (size_t i = book_entries(writer->book); i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		char disk[24];
		int r;

		if (strcmp(found.means, STANDING_MEANS) != 0 ||
		    strcmp(found.where, standing->io.directory) != 0 ||
		    !disk_of(found.what, disk, sizeof(disk)) || has_disk(terms, topology, disk))
			continue;
		r = standing_undo_one(&found, err);
		if (r == 0)
			book_forget_at(writer->book, i);
		result = r < 0 ? r : result;
	}
	return result;
}

/* Those of TERMS, and those that were set before and are in TERMS no more. */
static int set_each_disk(struct writer *writer, const char *name, const struct standing *standing,
			 const struct topology *topology, const struct terms *terms,
			 struct error *err)
{
	int result = 0, r;

	for (unsigned int i = 0; i < terms->n_disks; i++) {
		const struct terms_disk nothing = {0}, *disk = &terms->disks[i];
		const struct terms_disk *before = terms_disk_of(&standing->set, disk->device);

		r = set_disk(writer, name, standing, topology, disk, before ? before : &nothing,
			     err);
		result = r < 0 ? r : result;
	}
	for (unsigned int i = 0; i < standing->set.n_disks; i++) {
		const struct terms_disk *before = &standing->set.disks[i];
		struct terms_disk nothing = {0};

		memcpy(nothing.device, before->device, sizeof(nothing.device));
		r = terms_disk_of(terms, before->device)
			    ? 0
			    : set_disk(writer, name, standing, topology, &nothing, before, err);
		result = r < 0 ? r : result;
	}
	if (standing->begun || !standing->io.directory || !writer->book)
		return result;
	r = take_back_others(writer, standing, topology, terms, err);
	return r < 0 ? r : result;
}

static int read_topology(struct topology *topology, struct error *err)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, errno, "open '/'");
	return topology_read(root, topology, err);
}

int standing_find_disk(const char *device, struct standing_disk *disk, struct error *err)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	_cleanup_free_ char *number = NULL;
	int r = read_topology(&topology, err);

	if (r < 0)
		return r;
	number = resolve(&topology, device);
	if (!number)
		return error_set(err, ENODEV, "'%s' is no disk of this host",
				 device[0] ? device : "/");
	*disk = (struct standing_disk){0};
	snprintf(disk->number, sizeof(disk->number), "%s", number);
	return 0;
}

static bool has_noted_disks(const struct writer *writer, const struct standing *standing)
{
	for (size_t i = 0; writer->book && standing->io.directory && i < book_entries(writer->book);
	     i++) {
		if (strcmp(book_entry(writer->book, i).where, standing->io.directory) == 0)
			return true;
	}
	return false;
}

int standing_set_disks(struct writer *writer, const char *name, struct standing *standing,
		       const struct terms *terms, struct error *err)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	int r;

	if (!terms->n_disks && !standing->set.n_disks &&
	    (standing->begun || !has_noted_disks(writer, standing)))
		return 0;
	r = read_topology(&topology, err);
	if (r == 0)
		r = set_each_disk(writer, name, standing, &topology, terms, err);
	if (r < 0)
		return r;
	standing->set.n_disks = terms->n_disks;
	memcpy(standing->set.disks, terms->disks, sizeof(terms->disks));
	return 0;
}
