// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/means_steer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define LINKS "/sys/class/net"
#define INTERRUPTS "/proc/irq"
#define MASK_BYTES (CPUS_MAX / 4 + CPUS_MAX / 32 + 2)

/* "f", "00000001,ffffffff": words of 32 CPUs, the highest first (lib/bitmap.c, bitmap_parse). */
static int parse_mask(const char *text, struct cpus *mask)
{
	unsigned int words = 1, word = 0;

	*mask = (struct cpus){0};
	for (const char *at = text; *at; at++)
		words += *at == ',';
	for (const char *at = text; words - word > 0; word++) {
		char *end;
		unsigned long bits = strtoul(at, &end, 16);
		unsigned int first = (words - 1 - word) * 32;

		if (end == at || (*end && *end != ','))
			return -EINVAL;
		for (unsigned int bit = 0; bit < 32 && first + bit < CPUS_MAX; bit++) {
			if (bits >> bit & 1)
				cpus_add(mask, first + bit);
		}
		at = *end ? end + 1 : end;
	}
	return 0;
}

static void format_mask(const struct cpus *mask, char *text, size_t size)
{
	unsigned int words = 1;
	size_t used = 0;

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(mask, cpu))
			words = cpu / 32 + 1;
	}
	for (unsigned int word = words; word-- > 0 && used < size;) {
		unsigned int bits = 0;

		for (unsigned int bit = 0; bit < 32; bit++)
			bits |= (unsigned int)cpus_has(mask, word * 32 + bit) << bit;
		used += (size_t)snprintf(text + used, size - used, "%s%08x", used ? "," : "", bits);
	}
}

static struct cpus but_for(const struct cpus *all, const struct cpus *avoid)
{
	struct cpus left = {0};

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(all, cpu) && !cpus_has(avoid, cpu))
			cpus_add(&left, cpu);
	}
	return left;
}

/* What was found is in the book, on the disk, before anything is written. */
static int set(struct writer *writer, const char *directory, const char *file, const char *text,
	       bool *changed, struct error *err)
{
	_cleanup_free_ char *found = NULL;
	int r = writer_note_file(writer, "steer", directory, file, &found, err);

	if (r == 0 && writer->book && !writer->dry)
		r = book_flush(writer->book, err);
	if (r == 0)
		r = writer_set_file(writer, "host", directory, file, text, err);
	if (r == 0)
		*changed = true;
	return r;
}

static int read_line(const char *directory, const char *file, char **text)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);
	int r = path ? file_read_at(AT_FDCWD, path, MASK_BYTES, text, NULL, NULL) : -ENOMEM;

	if (r == 0)
		(*text)[strcspn(*text, "\n")] = '\0';
	return r;
}

/* One that has gone, or cannot be steered, has nothing to change. */
static int steer_queue(struct writer *writer, const char *queue, const struct cpus *avoid,
		       bool *changed, struct error *err)
{
	_cleanup_free_ char *now = NULL;
	struct cpus mask, left;
	char text[MASK_BYTES];

	if (read_line(queue, "rps_cpus", &now) < 0 || parse_mask(now, &mask) < 0)
		return 0;
	left = but_for(&mask, avoid);
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	format_mask(&left, text, sizeof(text));
	return set(writer, queue, "rps_cpus", text, changed, err);
}

static int steer_link(struct writer *writer, const char *link, const struct cpus *avoid,
		      bool *changed, struct error *err)
{
	_cleanup_free_ char *queues = string_format("%s/%s/queues", LINKS, link);
	_cleanup_closedir_ DIR *dir = queues ? opendir(queues) : NULL;
	struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *queue = NULL;

		if (!string_starts_with(entry->d_name, "rx-"))
			continue;
		queue = string_format("%s/%s", queues, entry->d_name);
		r = queue ? steer_queue(writer, queue, avoid, changed, err) : error_oom(err);
	}
	return r;
}

/* ---- interrupts ---- */

static bool is_writable(const char *directory, const char *file)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);
	struct stat st;

	/* those that are the kernel's own can be read only; root may do all */
	return path && stat(path, &st) == 0 && st.st_mode & S_IWUSR;
}

static bool comes_to(const char *directory, const struct cpus *avoid)
{
	_cleanup_free_ char *now = NULL;
	struct cpus mask;

	if (read_line(directory, "effective_affinity", &now) < 0 || parse_mask(now, &mask) < 0)
		return false;
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(&mask, cpu) && cpus_has(avoid, cpu))
			return true;
	}
	return false;
}

static int steer_interrupt(struct writer *writer, const char *directory, const struct cpus *avoid,
			   bool *changed, struct error *err)
{
	_cleanup_free_ char *now = NULL, *usual = NULL;
	struct cpus mask, left;
	char text[MASK_BYTES];
	int r;

	if (!is_writable(directory, "smp_affinity") || !comes_to(directory, avoid) ||
	    read_line(directory, "smp_affinity", &now) < 0 || parse_mask(now, &mask) < 0)
		return 0;
	left = but_for(&mask, avoid);
	/* it will be elsewhere from its next time on */
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	if (cpus_count(&left) == 0) {
		if (read_line(INTERRUPTS, "default_smp_affinity", &usual) < 0 ||
		    parse_mask(usual, &mask) < 0)
			return 0;
		left = but_for(&mask, avoid);
	}
	if (cpus_count(&left) == 0)
		return 0;
	format_mask(&left, text, sizeof(text));
	r = set(writer, directory, "smp_affinity", text, changed, err);
	/* not to be moved after all, or nowhere is room for it */
	return r == -EIO || r == -EINVAL || r == -ENOSPC ? 0 : r;
}

/* ---- all ---- */

static int steer_one(struct writer *writer, bool link, const char *name, const struct cpus *avoid,
		     bool *changed, struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (link)
		return steer_link(writer, name, avoid, changed, err);
	directory = string_format(INTERRUPTS "/%s", name);
	return directory ? steer_interrupt(writer, directory, avoid, changed, err) : error_oom(err);
}

/* A failure with one is no reason to leave the others. */
static int steer_all(struct writer *writer, bool links, const struct cpus *avoid, bool *changed,
		     struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(links ? LINKS : INTERRUPTS);
	struct dirent *entry;
	int result = 0;

	while (dir && (entry = readdir(dir))) {
		struct error failed = {0};
		int r = entry->d_name[0] == '.'
				? 0
				: steer_one(writer, links, entry->d_name, avoid, changed, &failed);

		/* gone in this very moment */
		if (r >= 0 || r == -ENOENT || r == -ENODEV)
			continue;
		*err = failed;
		result = r;
	}
	return result;
}

int means_steer(struct writer *writer, const struct cpus *avoid, bool *changed, struct error *err)
{
	struct error told = {0};
	int links, interrupts;

	*changed = false;
	links = steer_all(writer, true, avoid, changed, err);
	interrupts = steer_all(writer, false, avoid, changed, links < 0 ? &told : err);
	return links < 0 ? links : interrupts;
}
