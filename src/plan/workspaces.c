// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libyaml reads both: JSON is YAML, and so there is one reader, which knows lines. It makes a document of
 * nodes; what is here goes through them once. A node that is met twice is an alias: these are refused, since
 * a few lines of them can stand for more terms than there is memory.
 *
 * The keys from a workspace down to a value, with dots between them, are the name of its term. So terms are
 * told apart by plan/terms_table.c alone.
 */
#include "plan/workspaces.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"

#define DEPTH_MAX 8
#define KEYS_MAX 64
#define NAME_MAX_BYTES 64

struct reader {
	const char *file;
	yaml_document_t *document;
	bool *seen;	 /* by node */
	char path[256];	 /* "workspaces[0].net.egress" */
	size_t terms_at; /* in path: behind the workspace's own part */
	unsigned int depth;
	struct error *err;
};

static unsigned int line_of(const yaml_node_t *node)
{
	return (unsigned int)node->start_mark.line + 1;
}

/* "FILE:LINE: PATH: " and the sentence. */
__attribute__((format(printf, 3, 4))) static int refuse(struct reader *r, const yaml_node_t *node,
							const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(r->err, EINVAL, "%s:%u: %s%s%s", r->file, line_of(node), r->path,
			 *r->path ? ": " : "", text);
}

/* The node of an index, for the first time. */
static int get_node(struct reader *r, int index, const yaml_node_t **node)
{
	const yaml_node_t *found = yaml_document_get_node(r->document, index);

	if (r->seen[index - 1])
		return refuse(r, found, "is used again by an alias, which is not taken here");
	r->seen[index - 1] = true;
	*node = found;
	return 0;
}

static int scalar_text(struct reader *r, const yaml_node_t *node, const char **text)
{
	if (node->type != YAML_SCALAR_NODE)
		return refuse(r, node, "one value is wanted");
	*text = (const char *)node->data.scalar.value;
	if (strlen(*text) != node->data.scalar.length)
		return refuse(r, node, "the value has a NUL in it");
	return 0;
}

/* --- mappings: a function that gets each key with its value */

typedef int member_function(struct reader *r, const char *key, const yaml_node_t *value,
			    void *data);

static bool is_repeated(struct reader *r, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
			const char *key)
{
	for (const yaml_node_pair_t *at = mapping->data.mapping.pairs.start; at < pair; at++) {
		const yaml_node_t *other = yaml_document_get_node(r->document, at->key);

		if (strcmp((const char *)other->data.scalar.value, key) == 0)
			return true;
	}
	return false;
}

/* Visits the value of one key, whose name is part of the path meanwhile. */
static int visit_pair(struct reader *r, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
		      member_function *visit, void *data)
{
	size_t length = strlen(r->path);
	const yaml_node_t *key_node = NULL, *value = NULL;
	const char *key = NULL;
	int code = get_node(r, pair->key, &key_node);

	if (code == 0)
		code = scalar_text(r, key_node, &key);
	if (code < 0)
		return code;
	snprintf(r->path + length, sizeof(r->path) - length, "%s%.64s", length ? "." : "", key);
	if (strpbrk(key, ".[]"))
		return refuse(r, key_node, "there is no such key");
	if (is_repeated(r, mapping, pair, key))
		return refuse(r, key_node, "is there already");
	code = get_node(r, pair->value, &value);
	if (code == 0)
		code = visit(r, key, value, data);
	if (code == 0)
		r->path[length] = '\0';
	return code;
}

static int visit_mapping(struct reader *r, const yaml_node_t *mapping, member_function *visit,
			 void *data)
{
	const yaml_node_pair_t *start = mapping->data.mapping.pairs.start,
			       *top = mapping->data.mapping.pairs.top;
	int code = 0;

	if (top - start > KEYS_MAX)
		return refuse(r, mapping, "more than %d keys", KEYS_MAX);
	if (++r->depth > DEPTH_MAX)
		return refuse(r, mapping, "nested more than %d deep", DEPTH_MAX);
	for (const yaml_node_pair_t *pair = start; code == 0 && pair < top; pair++)
		code = visit_pair(r, mapping, pair, visit, data);
	r->depth--;
	return code;
}

/* --- terms */

struct target {
	struct workspace *workspace;
	const char *device;
};

/*
 * The name of the term that the path is: without the numbers of a list, "disk[1].read.reserve". And
 * "packet-size: {expected: ...}" is packet-size.
 */
static void term_name(const struct reader *r, char *name)
{
	bool number = false;

	for (const char *at = r->path + r->terms_at; *at; at++) {
		number |= *at == '[';
		if (!number)
			*name++ = *at;
		number &= *at != ']';
	}
	*name = '\0';
}

/* Whether terms have names that begin so, and go on. */
static bool is_group(const char *name)
{
	size_t length = strlen(name);

	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		const char *key = kind->annotation + strlen("io.behalf.");

		if (strncmp(key, name, length) == 0 && (key[length] == '.' || key[length] == '-'))
			return true;
	}
	return false;
}

static int read_value(struct reader *r, const yaml_node_t *value, const char *name,
		      const struct target *target)
{
	const struct term_kind *kind = terms_find(name);
	char where[sizeof(r->path) + 256];
	const char *text = NULL;
	int code;

	if (!kind)
		return refuse(r, value,
			      is_group(name) ? "keys with values are wanted, not a value"
					     : "there is no such term");
	code = scalar_text(r, value, &text);
	if (code < 0)
		return code;
	snprintf(where, sizeof(where), "%.200s:%u: %s", r->file, line_of(value), r->path);
	return terms_set_on(&target->workspace->terms, kind, where,
			    kind->per_device ? target->device : "", text, r->err);
}

static int read_disks(struct reader *r, const yaml_node_t *list, struct workspace *workspace);

static int read_term(struct reader *r, const char *key, const yaml_node_t *value, void *data)
{
	struct target *target = data;
	char name[sizeof(r->path)];

	term_name(r, name);
	if (string_ends_with(name, ".expected"))
		*strrchr(name, '.') = '\0';
	if (strcmp(name, "disk.device") == 0)
		return 0; /* find_device */
	if (strcmp(name, "disk") == 0 && value->type == YAML_SEQUENCE_NODE)
		return read_disks(r, value, target->workspace);
	if (value->type == YAML_MAPPING_NODE && is_group(name))
		return visit_mapping(r, value, read_term, target);
	return read_value(r, value, name, target);
}

/* The device of a disk's mapping is wanted before its terms, wherever it stands. */
static int find_device(struct reader *r, const yaml_node_t *mapping, const char **device)
{
	const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

	for (; pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);

		if (key->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)key->data.scalar.value, "device") == 0)
			return scalar_text(r, yaml_document_get_node(r->document, pair->value),
					   device);
	}
	return 0;
}

static int read_disk(struct reader *r, const yaml_node_t *node, struct workspace *workspace)
{
	struct target target = {.workspace = workspace, .device = ""};
	int code;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(r, node, "a disk with its terms is wanted");
	code = find_device(r, node, &target.device);
	return code == 0 ? visit_mapping(r, node, read_term, &target) : code;
}

static int read_disks(struct reader *r, const yaml_node_t *list, struct workspace *workspace)
{
	const yaml_node_item_t *start = list->data.sequence.items.start;
	size_t length = strlen(r->path);
	int code = 0;

	for (const yaml_node_item_t *item = start;
	     code == 0 && item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = NULL;

		snprintf(r->path + length, sizeof(r->path) - length, "[%td]", item - start);
		code = get_node(r, *item, &node);
		if (code == 0)
			code = read_disk(r, node, workspace);
	}
	if (code == 0)
		r->path[length] = '\0';
	return code;
}

/* --- workspaces */

static int set_name(struct reader *r, const yaml_node_t *value, struct workspace *workspace)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";
	const char *text = NULL;
	int code = scalar_text(r, value, &text);

	if (code < 0)
		return code;
	if (!*text || strlen(text) > NAME_MAX_BYTES || text[strspn(text, allowed)])
		return refuse(r, value,
			      "'%.64s': 1 to %d letters, digits, '_', '+', '-' and '.' are wanted",
			      text, NAME_MAX_BYTES);
	if (strcmp(text, "host") == 0)
		return refuse(r, value, "'host' is what the host's own part is called");
	workspace->name = strdup(text);
	return workspace->name ? 0 : error_oom(r->err);
}

static int set_count(struct reader *r, const yaml_node_t *value, struct workspace *workspace)
{
	uint64_t count;
	const char *text = NULL;
	int code = scalar_text(r, value, &text);

	if (code < 0)
		return code;
	if (string_to_u64(text, 10, &count) < 0 || count < 1 || count > WORKSPACES_COUNT_MAX)
		return refuse(r, value, "'%.64s': a number from 1 to %d is wanted", text,
			      WORKSPACES_COUNT_MAX);
	workspace->count = (uint32_t)count;
	return 0;
}

static int set_cpus(struct reader *r, const yaml_node_t *value, struct workspace *workspace)
{
	const char *text = NULL;
	int code = scalar_text(r, value, &text);

	if (code < 0)
		return code;
	if (cpus_parse(text, &workspace->cpus) < 0 || !cpus_count(&workspace->cpus))
		return refuse(r, value, "'%.64s': a list of CPUs is wanted, as 0-3,5", text);
	workspace->has_cpus = true;
	return 0;
}

static int read_member(struct reader *r, const char *key, const yaml_node_t *value, void *data)
{
	struct workspace *workspace = data;
	struct target target = {.workspace = workspace, .device = ""};

	if (strcmp(key, "name") == 0)
		return set_name(r, value, workspace);
	if (strcmp(key, "count") == 0)
		return set_count(r, value, workspace);
	if (strcmp(key, "cpus") == 0)
		return set_cpus(r, value, workspace);
	if (strcmp(key, "path") == 0)
		return read_value(r, value, "net.path", &target);
	return read_term(r, key, value, &target);
}

static int read_workspace(struct reader *r, const yaml_node_t *node, struct workspace *workspace)
{
	int code;

	if (node->type != YAML_MAPPING_NODE)
		return refuse(r, node, "a workspace with its terms is wanted");
	workspace->line = line_of(node);
	workspace->count = 1;
	r->terms_at = strlen(r->path) + 1;
	code = visit_mapping(r, node, read_member, workspace);
	if (code < 0)
		return code;
	if (!workspace->name)
		return refuse(r, node, "it has no name");
	code = terms_check(&workspace->terms, r->err);
	return code < 0 ? error_prefix(r->err, "%s:%u: %s", r->file, workspace->line, r->path) : 0;
}

static int read_list(struct reader *r, const char *key, const yaml_node_t *value, void *data)
{
	struct workspaces *workspaces = data;
	const yaml_node_item_t *start, *top;
	size_t length = strlen(r->path);
	int code = 0;

	if (strcmp(key, "workspaces") != 0)
		return refuse(r, value, "there is no such key");
	if (value->type != YAML_SEQUENCE_NODE)
		return refuse(r, value, "a list is wanted");
	start = value->data.sequence.items.start;
	top = value->data.sequence.items.top;
	if (top - start > WORKSPACES_COUNT_MAX)
		return refuse(r, value, "more than %d workspaces", WORKSPACES_COUNT_MAX);
	workspaces->list = calloc((size_t)(top - start) + 1, sizeof(*workspaces->list));
	if (!workspaces->list)
		return error_oom(r->err);
	for (const yaml_node_item_t *item = start; code == 0 && item < top; item++) {
		const yaml_node_t *node = NULL;

		snprintf(r->path + length, sizeof(r->path) - length, "[%td]", item - start);
		code = get_node(r, *item, &node);
		if (code == 0)
			code = read_workspace(r, node, &workspaces->list[workspaces->n++]);
	}
	if (code == 0)
		r->path[length] = '\0';
	return code;
}

static int compare_names(const void *a, const void *b)
{
	const struct workspace *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x > *y) - (*x < *y);
}

static int check_names(const struct reader *r, const struct workspaces *workspaces)
{
	_cleanup_free_ const struct workspace **sorted =
		calloc(workspaces->n + 1, sizeof(const struct workspace *));

	if (!sorted)
		return error_oom(r->err);
	for (size_t i = 0; i < workspaces->n; i++)
		sorted[i] = &workspaces->list[i];
	qsort(sorted, workspaces->n, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < workspaces->n; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return error_set(r->err, EINVAL,
					 "%s:%u: workspaces[%td].name '%s': the one of line %u has "
					 "that name",
					 r->file, sorted[i]->line, sorted[i] - workspaces->list,
					 sorted[i]->name, sorted[i - 1]->line);
	return 0;
}

static int read_document(struct reader *r, struct workspaces *workspaces)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->document);
	int code;

	if (!root)
		return error_set(r->err, EINVAL, "%s: there are no workspaces in it", r->file);
	r->seen = calloc((size_t)(r->document->nodes.top - r->document->nodes.start),
			 sizeof(*r->seen));
	if (!r->seen)
		return error_oom(r->err);
	r->seen[0] = true;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(r, root, "the key 'workspaces' with a list is wanted");
	code = visit_mapping(r, root, read_list, workspaces);
	if (code == 0 && !workspaces->list)
		return refuse(r, root, "the key 'workspaces' with a list is wanted");
	return code == 0 ? check_names(r, workspaces) : code;
}

/* Each document is the caller's to yaml_document_delete. */
static int load_document(yaml_parser_t *yaml, const char *file, yaml_document_t *document,
			 struct error *err)
{
	if (yaml_parser_load(yaml, document))
		return 0;
	if (yaml->error == YAML_MEMORY_ERROR)
		return error_oom(err);
	return error_set(err, EINVAL, "%s:%zu: %s", file, yaml->problem_mark.line + 1,
			 yaml->problem ? yaml->problem : "neither YAML nor JSON");
}

static int check_end(yaml_parser_t *yaml, const char *file, struct error *err)
{
	yaml_document_t next;
	const yaml_node_t *root;
	int code = load_document(yaml, file, &next, err);

	if (code < 0)
		return code;
	root = yaml_document_get_root_node(&next);
	if (root)
		code = error_set(err, EINVAL, "%s:%u: a second document, one is wanted", file,
				 line_of(root));
	yaml_document_delete(&next);
	return code;
}

static int parse(yaml_parser_t *yaml, const char *file, struct workspaces *workspaces,
		 struct error *err)
{
	yaml_document_t document;
	struct reader reader = {.file = file, .document = &document, .err = err};
	int code = load_document(yaml, file, &document, err);

	if (code < 0)
		return code;
	code = read_document(&reader, workspaces);
	free(reader.seen);
	yaml_document_delete(&document);
	return code == 0 ? check_end(yaml, file, err) : code;
}

/* Who calls it JSON wants it to be: YAML takes a comma too much, and much else. */
static int check_json(const char *name, const char *text, size_t size, struct error *err)
{
	_cleanup_json_ struct json_object *value = NULL;

	return string_ends_with(name, ".json") ? json_parse(name, text, size, &value, err) : 0;
}

int workspaces_parse(const char *name, const char *text, size_t size, struct workspaces *workspaces,
		     struct error *err)
{
	struct workspaces read = {0};
	yaml_parser_t yaml;
	int code;

	if (size > WORKSPACES_FILE_MAX_BYTES)
		return error_set(err, EFBIG, "%s: more than %u bytes", name,
				 WORKSPACES_FILE_MAX_BYTES);
	code = check_json(name, text, size, err);
	if (code < 0)
		return code;
	if (!yaml_parser_initialize(&yaml))
		return error_oom(err);
	yaml_parser_set_input_string(&yaml, (const unsigned char *)text, size);
	code = parse(&yaml, name, &read, err);
	yaml_parser_delete(&yaml);
	if (code < 0) {
		workspaces_clear(&read);
		return code;
	}
	*workspaces = read;
	return 0;
}

void workspaces_clear(struct workspaces *workspaces)
{
	for (size_t i = 0; i < workspaces->n; i++)
		free(workspaces->list[i].name);
	free(workspaces->list);
	*workspaces = (struct workspaces){0};
}
