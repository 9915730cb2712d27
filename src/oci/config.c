// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the text of config.json to struct oci_config.
 *
 * The text is parsed into json-c's tree, and the tree is read once, by tables (reader.h), into
 * structs. Strings are not copied: they point into the tree, which the configuration keeps. Arrays
 * and structs come from a few large blocks that are freed together, so a configuration with hundreds
 * of system calls costs a handful of allocations of ours.
 *
 * Each value is checked where it is read, so that a sentence can name its key; what depends on
 * several values (a hostname needs a UTS namespace) is checked at the end, in check.c.
 */
#include "oci/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "oci/parse.h"

/* ---- memory ---- */

#define BLOCK_BYTES (16u << 10)

struct oci_allocation {
	struct oci_allocation *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct oci_config *oci_config_new(void)
{
	return calloc(1, sizeof(struct oci_config));
}

void oci_config_free(struct oci_config *config)
{
	if (!config)
		return;
	while (config->allocations) {
		struct oci_allocation *next = config->allocations->next;

		free(config->allocations);
		config->allocations = next;
	}
	json_object_put(config->json);
	free(config->text);
	free(config);
}

void cleanup_oci_config(struct oci_config **config)
{
	oci_config_free(*config);
}

/* Blocks come zeroed and are handed out once, so what is allocated is zero. */
void *oci_config_allocate(struct oci_config *config, size_t count, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct oci_allocation *block = config->allocations;
	size_t bytes, capacity;
	char *start;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + align - 1) & ~(align - 1);
	if (!block || block->size - block->used < bytes) {
		capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		block = calloc(1, sizeof(*block) + capacity);
		if (!block)
			return NULL;
		block->size = capacity;
		block->next = config->allocations;
		config->allocations = block;
	}
	start = block->data + block->used;
	block->used += bytes;
	return start;
}

char *oci_config_strdup(struct oci_config *config, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = oci_config_allocate(config, size, 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* ---- the top of the tree ---- */

/* SemVer of the major version 1: "1.0.2", "1.1.0-rc.2", "1.0.2-dev". */
static int read_version(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *version, *p;
	int ret = oci_read_string(r, at, &version);

	if (ret < 0)
		return ret;
	p = version;
	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(p, "0123456789");

		if (digits == 0 || (part < 2 && p[digits] != '.'))
			return oci_fail(r, at, "'%s' is not a version such as 1.0.2",
					oci_quote(version).text);
		p += digits + (part < 2);
	}
	if (*p && *p != '-' && *p != '+')
		return oci_fail(r, at, "'%s' is not a version such as 1.0.2",
				oci_quote(version).text);
	if (strncmp(version, "1.", 2) != 0)
		return oci_fail(r, at, "version '%s' is not supported, only 1.x is",
				oci_quote(version).text);
	*(const char **)into = version;
	return 0;
}

static int read_non_empty_string(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int ret = oci_read_string(r, at, into);

	if (ret == 0 && !**(const char **)into)
		return oci_fail(r, at, "the string is empty");
	return ret;
}

static int read_root(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("path", read_non_empty_string, oci_config, root_path),
		OCI_FIELD("readonly", oci_read_bool, oci_config, root_readonly),
		{0},
	};
	struct oci_config *config = into;
	int ret = oci_read_object(r, at, fields, config);

	if (ret == 0 && !config->root_path)
		return oci_fail_member(r, at, "path", "missing");
	return ret;
}

static int read_annotations(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_pairs(r, at, NULL, &config->annotations, &config->n_annotations);
}

static const struct oci_field config_fields[] = {
	OCI_FIELD("ociVersion", read_version, oci_config, version),
	OCI_FIELD_SELF("root", read_root),
	OCI_FIELD("process", oci_read_process, oci_config, process),
	OCI_FIELD("hostname", oci_read_string_or_null, oci_config, hostname),
	OCI_FIELD("domainname", oci_read_string_or_null, oci_config, domainname),
	OCI_FIELD_SELF("mounts", oci_read_mounts),
	OCI_FIELD("hooks", oci_read_hooks, oci_config, hooks),
	OCI_FIELD_SELF("annotations", read_annotations),
	OCI_FIELD_SELF("linux", oci_read_linux),
	OCI_FIELD_REFUSED("vm"),
	OCI_FIELD_REFUSED("windows"),
	OCI_FIELD_REFUSED("solaris"),
	OCI_FIELD_REFUSED("zos"),
	OCI_FIELD_REFUSED("freebsd"),
	{0},
};

static int read_config(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;
	int ret = oci_read_object(r, at, config_fields, config);

	if (ret == 0)
		ret = oci_read_known_annotations(r, at, config);
	return ret == 0 ? oci_check_config(r, at, config) : ret;
}

/* A process of its own, as `exec --process` gets it, is a configuration with nothing else. */
static int read_process_alone(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_process(r, at, &config->process);
}

static int read_resources_alone(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_resources(r, at, &config->resources);
}

static int read_hooks_alone(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_hooks(r, at, &config->hooks);
}

static int parse(const char *name, const char *text, size_t size, oci_read_fn *read,
		 struct oci_config **config, struct error *err)
{
	_cleanup_(cleanup_oci_config) struct oci_config *parsed = oci_config_new();
	const struct oci_reader reader = {.name = name, .config = parsed, .err = err};
	struct oci_node root = {0};
	int r;

	if (!parsed)
		return error_oom(err);
	if (size > OCI_CONFIG_MAX_BYTES)
		return error_set(err, EFBIG, "%s: larger than %u bytes", name,
				 OCI_CONFIG_MAX_BYTES);
	r = json_parse(name, text, size, &parsed->json, err);
	if (r < 0)
		return r;
	root.value = parsed->json;
	r = read(&reader, &root, parsed);
	if (r < 0)
		return r;
	*config = take_ptr(parsed);
	return 0;
}

/* ---- the public readers ---- */

int oci_config_parse(const char *name, const char *text, size_t size, struct oci_config **config,
		     struct error *err)
{
	return parse(name, text, size, read_config, config, err);
}

int oci_resources_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
			struct error *err)
{
	return parse(name, text, size, read_resources_alone, holder, err);
}

int oci_mounts_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
		     struct error *err)
{
	return parse(name, text, size, oci_read_mounts, holder, err);
}

int oci_hooks_parse(const char *name, const char *text, size_t size, struct oci_config **holder,
		    struct error *err)
{
	return parse(name, text, size, read_hooks_alone, holder, err);
}

/* Reads the text at PATH; REGULAR: nothing else than a file may be there. */
static int read_text(int dirfd, const char *path, const char *name, bool regular, char **text,
		     size_t *size, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* O_NONBLOCK: a FIFO of that name must not hang the opening */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
	if (fd < 0)
		return error_errno(err, errno, "open '%s'", name);
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "stat '%s'", name);
	if (S_ISDIR(st.st_mode) || (regular && !S_ISREG(st.st_mode)))
		return error_set(err, EINVAL, "%s: not a regular file", name);
	if (S_ISREG(st.st_mode) && st.st_size > OCI_CONFIG_MAX_BYTES)
		return error_set(err, EFBIG, "%s: larger than %u bytes", name,
				 OCI_CONFIG_MAX_BYTES);
	return fd_read_all(fd, name, OCI_CONFIG_MAX_BYTES, text, size, err);
}

int oci_config_load(int bundle_dirfd, const char *name, struct oci_config **config,
		    struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_text(bundle_dirfd, "config.json", name, true, &text, &size, err);

	if (r == 0)
		r = oci_config_parse(name, text, size, config, err);
	if (r == 0)
		(*config)->text = take_ptr(text);
	return r;
}

int oci_process_load(const char *path, struct oci_config **holder, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_text(AT_FDCWD, path, path, false, &text, &size, err);

	if (r < 0)
		return r;
	return parse(path, text, size, read_process_alone, holder, err);
}

/* ---- lookups ---- */

const char *oci_config_annotation(const struct oci_config *config, const char *key)
{
	for (size_t i = 0; i < config->n_annotations; i++)
		if (strcmp(config->annotations[i].key, key) == 0)
			return config->annotations[i].value;
	return NULL;
}

const struct oci_namespace *oci_config_namespace(const struct oci_config *config, int type)
{
	for (size_t i = 0; i < config->n_namespaces; i++)
		if (config->namespaces[i].type == type)
			return &config->namespaces[i];
	return NULL;
}
