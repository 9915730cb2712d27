// SPDX-License-Identifier: GPL-2.0-or-later
#include "promises/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

static const char *const kinds[] = {
	[PROMISE_CONTAINER] = "container",
	[PROMISE_CGROUP] = "cgroup",
};

struct json_object *promise_to_json(const struct promise *promise)
{
	struct json_object *json = json_object_new_object(), *object;

	json_add_string(json, "kind", kinds[promise->kind]);
	json_add_string(json, "name", promise->name);
	json_add_string(json, "root", promise->state_root);
	json_add_string(json, "since", promise->since);
	object = json_add_object(json, "maker");
	json_add_i64(object, "pid", promise->maker);
	json_add_u64(object, "start", promise->maker_start);
	object = json_add_object(json, "terms");
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *text = terms_format(&promise->terms, kind);

		json_add_string(object, kind->annotation, text);
	}
	if (promise->has_cpus) {
		_cleanup_free_ char *list = cpus_format(&promise->cpus);

		json_add_string(json, "cpus", list);
	}
	if (promise->io_mcores) {
		object = json_add_object(json, "io");
		json_add_u64(object, "own_mcores", promise->io_own_mcores);
		json_add_u64(object, "mcores", promise->io_mcores);
	}
	json_add_string(json, "intended", promise->intended);
	if (promise->forced)
		json_add_bool(json, "forced", true);
	if (promise->cgroup) {
		json_object_object_add(json, "cgroup", cgroup_to_json(promise->cgroup));
		json_add_u64(json, "inode", promise->inode);
	}
	return json;
}

static const char *string_of(struct json_object *json, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static struct json_object *object_of(struct json_object *json, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_object))
		return NULL;
	return value;
}

static uint64_t number_of(struct json_object *json, const char *key)
{
	struct json_object *value;

	if (!json || !json_object_object_get_ex(json, key, &value))
		return 0;
	return json_object_get_uint64(value);
}

static int copy_string(struct json_object *json, const char *key, char **out, struct error *err)
{
	const char *text = string_of(json, key);

	*out = text ? strdup(text) : NULL;
	return text && !*out ? error_oom(err) : 0;
}

static int read_terms(struct json_object *json, struct promise *promise, struct error *err)
{
	struct json_object *terms = object_of(json, "terms");
	int r = 0;

	if (!terms)
		return error_set(err, EINVAL, "terms: an object is wanted");
	json_object_object_foreach(terms, key, value) {
		const struct term_kind *kind = terms_find_annotation(key);

		if (!kind || !json_object_is_type(value, json_type_string))
			return error_set(err, EINVAL, "terms: '%.64s' is no term", key);
		r = terms_set(&promise->terms, kind, key, json_object_get_string(value), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_kind(struct json_object *json, struct promise *promise, struct error *err)
{
	const char *kind = string_of(json, "kind");

	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i], kind) == 0) {
			promise->kind = (enum promise_kind)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "kind: container or cgroup is wanted");
}

static int read_cpus(struct json_object *json, struct promise *promise, struct error *err)
{
	const char *list = string_of(json, "cpus");

	promise->has_cpus = list != NULL;
	if (list && cpus_parse(list, &promise->cpus) < 0)
		return error_set(err, EINVAL, "cpus '%.64s': a list of CPUs is wanted", list);
	return 0;
}

static int read_cgroup(struct json_object *json, struct promise *promise, struct error *err)
{
	struct json_object *cgroup = object_of(json, "cgroup");

	promise->inode = number_of(json, "inode");
	return cgroup ? cgroup_from_json(cgroup, &promise->cgroup, err) : 0;
}

int promise_from_json(struct json_object *json, struct promise *promise, struct error *err)
{
	struct json_object *maker, *forced, *io;
	int r;

	if (!json_object_is_type(json, json_type_object) || !string_of(json, "name"))
		return error_set(err, EINVAL, "not a promise");
	r = copy_string(json, "name", &promise->name, err);
	if (r == 0)
		r = copy_string(json, "root", &promise->state_root, err);
	if (r == 0)
		r = copy_string(json, "since", &promise->since, err);
	if (r == 0)
		r = copy_string(json, "intended", &promise->intended, err);
	if (r == 0)
		r = read_kind(json, promise, err);
	if (r == 0)
		r = read_terms(json, promise, err);
	if (r == 0)
		r = read_cpus(json, promise, err);
	if (r == 0)
		r = read_cgroup(json, promise, err);
	if (r < 0)
		return r;
	maker = object_of(json, "maker");
	promise->maker = (pid_t)number_of(maker, "pid");
	promise->maker_start = number_of(maker, "start");
	io = object_of(json, "io");
	promise->io_own_mcores = (uint32_t)number_of(io, "own_mcores");
	promise->io_mcores = (uint32_t)number_of(io, "mcores");
	promise->forced = json_object_object_get_ex(json, "forced", &forced) &&
			  json_object_get_boolean(forced);
	return 0;
}
