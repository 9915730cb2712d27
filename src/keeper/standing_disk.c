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

/* ---- what stands ---- */

enum { SHARE = ARRAY_SIZE(fields), VALUES };

/* What is wanted of a disk, by its number: two names may be of the same one. */
struct standing_disk_values {
	char number[24];
	bool promised;
	uint64_t wanted[VALUES];
	struct standing_value values[VALUES];
};

static struct standing_disk_values *find_disk(const struct standing *standing, const char *number)
{
	for (size_t i = 0; i < standing->n_disks; i++) {
		if (strcmp(standing->disks[i].number, number) == 0)
			return &standing->disks[i];
	}
	return NULL;
}

static struct standing_disk_values *need_disk(struct standing *standing, const char *number)
{
	struct standing_disk_values *known = find_disk(standing, number), *more;

	if (known)
		return known;
	more = realloc(standing->disks, (standing->n_disks + 1) * sizeof(*more));
	if (!more)
		return NULL;
	standing->disks = more;
	more[standing->n_disks] = (struct standing_disk_values){0};
	snprintf(more[standing->n_disks].number, sizeof(more->number), "%s", number);
	return &more[standing->n_disks++];
}

/* Of two limits the lower one holds, of two shares the higher one. */
static void want(struct standing_disk_values *disk, const struct terms_disk *terms)
{
	disk->promised = true;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t limit = limit_of(terms, &fields[i]);

		if (limit && (!disk->wanted[i] || limit < disk->wanted[i]))
			disk->wanted[i] = limit;
	}
	if (share_of(terms) > disk->wanted[SHARE])
		disk->wanted[SHARE] = share_of(terms);
}

static int want_one(struct standing *standing, const struct topology *topology,
		    const struct terms_disk *terms, struct error *err)
{
	struct standing_disk_values *disk;
	_cleanup_free_ char *number = NULL;

	if (!standing->io.directory)
		return error_set(err, ENODEV, "there is no controller for disks");
	number = resolve(topology, terms->device);
	if (!number)
		return error_set(err, ENODEV, "'%s' is no disk of this host",
				 terms->device[0] ? terms->device : "/");
	disk = need_disk(standing, number);
	if (!disk)
		return error_oom(err);
	want(disk, terms);
	return 0;
}

static int want_all(struct standing *standing, const struct topology *topology,
		    const struct terms *terms, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < standing->n_disks; i++) {
		standing->disks[i].promised = false;
		memset(standing->disks[i].wanted, 0, sizeof(standing->disks[i].wanted));
	}
	for (unsigned int i = 0; i < terms->n_disks; i++) {
		struct error why = {0};
		int r = want_one(standing, topology, &terms->disks[i], &why);

		result = standing_first(result, r, &why, err);
	}
	return result;
}

/* Each value that differs, whatever becomes of the others. */
static int set_disk(struct writer *writer, const char *name, struct standing *standing,
		    struct standing_disk_values *disk, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < VALUES; i++) {
		uint64_t wanted = disk->wanted[i];
		struct error why = {0};
		int r;

		if (!standing_is_due(&disk->values[i], wanted))
			continue;
		r = i == SHARE ? set_share(writer, name, standing, disk->number, (uint32_t)wanted,
					   &why)
			       : set_field(writer, name, standing, NULL, disk->number, &fields[i],
					   wanted, &why);
		if (r == 0) {
			disk->values[i] = (struct standing_value){.now = wanted, .known = true};
			standing->disk_writes++;
		}
		result = standing_first(result, r, &why, err);
	}
	return result;
}

/* Of a disk that is promised no more there is nothing to be known once it is taken back. */
static int set_each_disk(struct writer *writer, const char *name, struct standing *standing,
			 struct error *err)
{
	size_t kept = 0;
	int result = 0;

	for (size_t i = 0; i < standing->n_disks; i++) {
		struct standing_disk_values *disk = &standing->disks[i];
		struct error why = {0};
		int r = set_disk(writer, name, standing, disk, &why);

		result = standing_first(result, r, &why, err);
		if (r < 0 || disk->promised)
			standing->disks[kept++] = *disk;
	}
	standing->n_disks = kept;
	return result;
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

/* Disks that a keeper before this one has set something of, to have that taken back if it is promised no more. */
static int take_over_noted(const struct writer *writer, struct standing *standing,
			   struct error *err)
{
	for (size_t i = writer->book ? book_entries(writer->book) : 0; i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		char disk[24];

		if (strcmp(found.means, STANDING_MEANS) == 0 &&
		    strcmp(found.where, standing->io.directory) == 0 &&
		    disk_of(found.what, disk, sizeof(disk)) && !need_disk(standing, disk))
			return error_oom(err);
	}
	return 0;
}

void standing_forget_disks(struct standing *standing)
{
	for (size_t i = 0; i < standing->n_disks; i++)
		memset(standing->disks[i].values, 0, sizeof(standing->disks[i].values));
}

int standing_set_disks(struct writer *writer, const char *name, struct standing *standing,
		       const struct terms *terms, struct error *err)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	struct error why = {0};
	int result = 0, r;

	if (!standing->asked && standing->io.directory)
		result = take_over_noted(writer, standing, err);
	if (result < 0 || (!terms->n_disks && !standing->n_disks))
		return result;
	result = read_topology(&topology, err);
	if (result < 0)
		return result;
	result = want_all(standing, &topology, terms, err);
	r = set_each_disk(writer, name, standing, &why);
	return standing_first(result, r, &why, err);
}
