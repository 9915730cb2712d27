// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/terms.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define SHARE_MAX 10000
/* A packet has at least its Ethernet header, and in one piece at most what IP can carry behind it. */
#define PACKET_MIN_BYTES 14
#define PACKET_MAX_BYTES (65535 + 14)
/* What the block layer takes at once (BLK_DEF_MAX_SECTORS_CAP is less); a sector is the least. */
#define REQUEST_MIN_BYTES 512
/* HTB tells how long a bucket of the largest packet takes to fill in 32 bits of 64 ns (netlink_qdisc.c). */
#define NET_MIN_BPS 8000
#define REQUEST_MAX_BYTES (64u << 20)

static const char *const paths[] = {"bridge", "macvlan", "host", "device", "none"};
static const char *const gates[] = {
	[TERMS_GATE_NONE] = "debt",
	[TERMS_GATE_DROP] = "drop",
	[TERMS_GATE_THREADED] = "threaded",
};

static bool is_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '.' ? '-' : *a) != (*b == '.' ? '-' : *b))
			return false;
	return *a == *b;
}

const struct term_kind *terms_find(const char *name)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++)
		if (is_same_name(kind->name, name))
			return kind;
	return NULL;
}

const struct term_kind *terms_find_annotation(const char *key)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++)
		if (strcmp(kind->annotation, key) == 0)
			return kind;
	return NULL;
}

/* --- reading one value into a number */

static int word_index(const char *const *words, size_t n, const char *text, uint64_t *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_switch(const char *text, uint64_t *value)
{
	static const char *const words[] = {"false", "true", "no", "yes"};
	int r = word_index(words, ARRAY_SIZE(words), text, value);

	if (r == 0)
		*value %= 2;
	return r;
}

static const char *wanted(const struct term_kind *kind)
{
	switch (kind->type) {
	case TERM_SHARE:
		return "a number from 1 to 10000 is wanted";
	case TERM_SWITCH:
		return "true or false is wanted";
	case TERM_PATH:
		return "bridge, macvlan, host, device or none is wanted";
	case TERM_GATE:
		return "debt, drop or threaded is wanted";
	default:
		return unit_wanted(kind->unit);
	}
}

static int parse_value(const struct term_kind *kind, const char *text, uint64_t *value)
{
	switch (kind->type) {
	case TERM_SHARE:
		if (string_to_u64(text, 10, value) < 0)
			return -EINVAL;
		return *value < 1 || *value > SHARE_MAX ? -EINVAL : 0;
	case TERM_SWITCH:
		return parse_switch(text, value);
	case TERM_PATH:
		return word_index(paths, ARRAY_SIZE(paths), text, value);
	case TERM_GATE:
		return word_index(gates, ARRAY_SIZE(gates), text, value);
	default:
		return unit_parse(kind->unit, text, value);
	}
}

/* Bounds that belong to a term and not to its unit. */
static int check_bounds(const struct term_kind *kind, uint64_t value, const char **why)
{
	uint64_t least = 0, most = kind->size == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX;

	*why = "too large";
	if (kind->type != TERM_QUANTITY)
		return 0;
	if (strcmp(kind->name, "cpu-limit") == 0) {
		/* The kernel takes no quota under 1 ms (kernel/sched/core.c, min_cfs_quota_period). */
		least = 10;
		*why = "the kernel keeps no limit under 0.01";
	} else if (kind->unit == UNIT_BIT_RATE) {
		least = NET_MIN_BPS;
		*why = "the kernel keeps no rate under 8kbit";
	} else if (strstr(kind->name, "packet-size")) {
		least = PACKET_MIN_BYTES;
		most = PACKET_MAX_BYTES;
		*why = "a packet with its Ethernet header has 14 to 65549 bytes";
	} else if (string_ends_with(kind->name, "request-size")) {
		least = REQUEST_MIN_BYTES;
		most = REQUEST_MAX_BYTES;
		*why = "a request has 512 bytes to 64 MiB";
	}
	return value < least || value > most ? -ERANGE : 0;
}

/* --- where a term is */

static const struct terms_disk *find_disk(const struct terms *terms, const char *device)
{
	for (unsigned int i = 0; i < terms->n_disks; i++)
		if (strcmp(terms->disks[i].device, device) == 0)
			return &terms->disks[i];
	return NULL;
}

const struct terms_disk *terms_disk_of(const struct terms *terms, const char *device)
{
	return find_disk(terms, device);
}

static bool is_device_number(const char *text)
{
	unsigned int colons = 0;

	for (const char *at = text; *at; at++) {
		if (*at == ':' && at > text && at[1])
			colons++;
		else if (!isdigit((unsigned char)*at))
			return false;
	}
	return colons == 1;
}

static bool is_device(const char *text)
{
	size_t length = strlen(text);

	if (length >= TERMS_DEVICE_MAX)
		return false;
	if (*text != '/')
		return is_device_number(text);
	for (const char *at = text; *at; at++)
		if (!isprint((unsigned char)*at) || *at == ',' || *at == ':')
			return false;
	return length > 1 && text[length - 1] != '/';
}

static int add_disk(struct terms *terms, const char *device, const char *where,
		    struct terms_disk **disk, struct error *err)
{
	if (*device && !is_device(device))
		return error_set(err, EINVAL,
				 "%s: '%s' is no device: /dev/NAME or MAJOR:MINOR is wanted", where,
				 device);
	*disk = (struct terms_disk *)find_disk(terms, device);
	if (*disk)
		return 0;
	if (terms->n_disks == TERMS_DISKS_MAX)
		return error_set(err, E2BIG, "%s: terms for at most %d disks", where,
				 TERMS_DISKS_MAX);
	*disk = &terms->disks[terms->n_disks++];
	memset(*disk, 0, sizeof(**disk));
	memcpy((*disk)->device, device, strlen(device));
	return 0;
}

static uint64_t load(const struct term_kind *kind, const void *base)
{
	const void *at = (const char *)base + kind->offset;

	switch (kind->size) {
	case sizeof(uint64_t):
		return *(const uint64_t *)at;
	case sizeof(uint32_t):
		return *(const uint32_t *)at;
	default:
		return *(const bool *)at;
	}
}

static void store(const struct term_kind *kind, void *base, uint64_t value)
{
	void *at = (char *)base + kind->offset;

	if (kind->type == TERM_PATH)
		snprintf(at, kind->size, "%s", paths[value]);
	else if (kind->size == sizeof(uint64_t))
		*(uint64_t *)at = value;
	else if (kind->size == sizeof(uint32_t))
		*(uint32_t *)at = (uint32_t)value;
	else
		*(bool *)at = value != 0;
}

static void take_back(const struct term_kind *kind, void *base)
{
	memset((char *)base + kind->offset, 0, kind->size);
}

static int compare_disks(const void *a, const void *b)
{
	const struct terms_disk *x = a, *y = b;

	return strcmp(x->device, y->device);
}

/*
 * Equal terms have equal structs, whatever the order in which they were said: a disk of which nothing is
 * said any more goes, and the others are in order.
 */
static void tidy_disks(struct terms *terms)
{
	static const struct terms_disk_flow nothing[TERMS_ACCESSES];
	unsigned int kept = 0;

	for (unsigned int i = 0; i < terms->n_disks; i++)
		if (memcmp(terms->disks[i].flow, nothing, sizeof(nothing)) != 0)
			terms->disks[kept++] = terms->disks[i];
	memset(&terms->disks[kept], 0, (terms->n_disks - kept) * sizeof(*terms->disks));
	terms->n_disks = kept;
	qsort(terms->disks, kept, sizeof(*terms->disks), compare_disks);
}

static int set_one(struct terms *terms, const struct term_kind *kind, const char *where,
		   const char *device, const char *text, struct error *err)
{
	struct terms_disk *disk = NULL;
	const char *why = NULL;
	uint64_t value = 0;
	bool none = strcmp(text, "none") == 0 && kind->type != TERM_PATH;
	int r = none ? 0 : parse_value(kind, text, &value);

	if (r < 0)
		return error_set(err, r, "%s '%.64s': %s", where, text, wanted(kind));
	if (!none && check_bounds(kind, value, &why) < 0)
		return error_set(err, ERANGE, "%s '%.64s': %s", where, text, why);
	if (kind->per_device)
		r = add_disk(terms, device, where, &disk, err);
	if (r < 0)
		return r;
	if (none)
		take_back(kind, disk ? (void *)disk : terms);
	else
		store(kind, disk ? (void *)disk : terms, value);
	return 0;
}

int terms_set_on(struct terms *terms, const struct term_kind *kind, const char *where,
		 const char *device, const char *value, struct error *err)
{
	struct terms copy = *terms;
	int r = set_one(&copy, kind, where, device, value, err);

	if (r < 0)
		return r;
	tidy_disks(&copy);
	*terms = copy;
	return 0;
}

/* [DEVICE:]VALUE[,...]; a device number has a colon of its own, so it is the last that counts. */
static int set_list(struct terms *terms, const struct term_kind *kind, const char *where,
		    const char *list, struct error *err)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *item;
	int r = 0;

	if (!copy)
		return error_oom(err);
	while (r == 0 && (item = strsep(&rest, ","))) {
		char *colon = strrchr(item, ':');

		if (colon)
			*colon = '\0';
		if (colon == item)
			return error_set(err, EINVAL, "%s '%.64s': no device before the colon",
					 where, list);
		r = set_one(terms, kind, where, colon ? item : "", colon ? colon + 1 : item, err);
	}
	return r;
}

int terms_set(struct terms *terms, const struct term_kind *kind, const char *where,
	      const char *value, struct error *err)
{
	struct terms copy = *terms;
	int r;

	if (!value)
		value = "true";
	if (!kind->per_device)
		return terms_set_on(terms, kind, where, "", value, err);
	r = set_list(&copy, kind, where, value, err);
	if (r < 0)
		return r;
	tidy_disks(&copy);
	*terms = copy;
	return 0;
}

/* --- writing */

/* Of a choice 0 is a value like others, but also what holds where nobody says. */
static bool is_set(const struct term_kind *kind, const void *base)
{
	if (kind->type == TERM_PATH)
		return *((const char *)base + kind->offset) != '\0';
	return load(kind, base) != 0;
}

static struct unit_text format_value(const struct term_kind *kind, const void *base)
{
	struct unit_text text;
	uint64_t value;

	if (kind->type == TERM_PATH) {
		snprintf(text.text, sizeof(text.text), "%s", (const char *)base + kind->offset);
		return text;
	}
	value = load(kind, base);
	switch (kind->type) {
	case TERM_SWITCH:
		snprintf(text.text, sizeof(text.text), "%s", value ? "true" : "false");
		return text;
	case TERM_GATE:
		snprintf(text.text, sizeof(text.text), "%s", gates[value]);
		return text;
	case TERM_SHARE:
		return unit_format(UNIT_COUNT, value);
	default:
		return unit_format(kind->unit, value);
	}
}

bool terms_has(const struct terms *terms, const struct term_kind *kind)
{
	if (!kind->per_device)
		return is_set(kind, terms);
	for (unsigned int i = 0; i < terms->n_disks; i++)
		if (is_set(kind, &terms->disks[i]))
			return true;
	return false;
}

bool terms_any(const struct terms *terms)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++)
		if (terms_has(terms, kind))
			return true;
	return false;
}

bool terms_have_network(const struct terms *terms)
{
	static const struct terms_net nothing[TERMS_DIRECTIONS];

	return memcmp(terms->net, nothing, sizeof(nothing)) != 0;
}

static char *format_list(const struct terms *terms, const struct term_kind *kind)
{
	_cleanup_fclose_ FILE *out = NULL;
	const char *comma = "";
	char *text = NULL;
	size_t size;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (unsigned int i = 0; i < terms->n_disks; i++) {
		const struct terms_disk *disk = &terms->disks[i];

		if (!is_set(kind, disk))
			continue;
		fprintf(out, "%s%s%s%s", comma, disk->device, *disk->device ? ":" : "",
			format_value(kind, disk).text);
		comma = ",";
	}
	if (fclose(take_ptr(out)) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *terms_format(const struct terms *terms, const struct term_kind *kind)
{
	if (!terms_has(terms, kind))
		return NULL;
	if (kind->per_device)
		return format_list(terms, kind);
	return strdup(format_value(kind, terms).text);
}
