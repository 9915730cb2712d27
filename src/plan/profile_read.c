// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The profile from a file, behalf-profile(5). Reading is strict: a key that is not known, or a number that
 * no measurement gives, would make promises that cannot be kept. The sentence of an error is made from
 * inside out: "profile.json: operations[3]: cost: own: unit_ns: must be a number".
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plan/profile.h"
#include "plan/profile_numbers.h"

static int get(struct json_object *object, const char *key, enum json_type type,
	       struct json_object **value, struct error *err)
{
	static const char *const names[] = {
		[json_type_boolean] = "true or false", [json_type_object] = "an object",
		[json_type_array] = "an array",	       [json_type_string] = "a string",
		[json_type_int] = "a whole number",
	};

	if (!json_object_object_get_ex(object, key, value))
		return error_set(err, EINVAL, "%s: is missing", key);
	if (!json_object_is_type(*value, type))
		return error_set(err, EINVAL, "%s: must be %s", key, names[type]);
	return 0;
}

/* Copies a string that has room in SIZE bytes. */
static int get_text(struct json_object *object, const char *key, char *text, size_t size,
		    struct error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_string, &value, err);

	if (r < 0)
		return r;
	if ((size_t)json_object_get_string_len(value) >= size ||
	    strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
		return error_set(err, EINVAL, "%s: longer than %zu characters", key, size - 1);
	memcpy(text, json_object_get_string(value), strlen(json_object_get_string(value)) + 1);
	return 0;
}

static int get_bool(struct json_object *object, const char *key, bool *flag, struct error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_boolean, &value, err);

	if (r == 0)
		*flag = json_object_get_boolean(value);
	return r;
}

/* A string that is one of N names. */
static int get_name(struct json_object *object, const char *key,
		    const char *(*name_of)(unsigned int), unsigned int n, unsigned int *found,
		    struct error *err)
{
	char text[32];
	int r = get_text(object, key, text, sizeof(text), err);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(text, name_of(i)) == 0) {
			*found = i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "%s: '%s' is not known", key, text);
}

static int to_double(struct json_object *value, const char *key, double *number, struct error *err)
{
	double got = json_object_get_double(value);

	if (!json_object_is_type(value, json_type_double) &&
	    !json_object_is_type(value, json_type_int))
		return error_set(err, EINVAL, "%s: must be a number", key);
	/* what costs more than a day for one, or comes oftener than that, was not measured */
	if (!isfinite(got) || got < 0 || got > 1e15)
		return error_set(err, ERANGE, "%s: must be a number of at least 0, and below 1e15",
				 key);
	*number = got;
	return 0;
}

static int to_number(struct json_object *value, const struct profile_number *number, void *to,
		     struct error *err)
{
	const uint64_t most = number->kind == PROFILE_U32 ? UINT32_MAX : INT64_MAX;
	void *at = (char *)to + number->offset;
	int64_t got;

	if (number->kind == PROFILE_DOUBLE)
		return to_double(value, number->key, at, err);
	if (!json_object_is_type(value, json_type_int))
		return error_set(err, EINVAL, "%s: must be a whole number", number->key);
	got = json_object_get_int64(value);
	if (got < 0 || (uint64_t)got > most)
		return error_set(err, ERANGE, "%s: must be from 0 to %" PRIu64, number->key, most);
	if (number->kind == PROFILE_U32)
		*(uint32_t *)at = (uint32_t)got;
	else
		*(uint64_t *)at = (uint64_t)got;
	return 0;
}

/* All of the numbers, each of which must be there, unless it is optional. */
static int get_numbers(struct json_object *object, const struct profile_number *numbers, void *to,
		       struct error *err)
{
	struct json_object *value;
	int r = 0;

	for (; r == 0 && numbers->key; numbers++) {
		if (json_object_object_get_ex(object, numbers->key, &value))
			r = to_number(value, numbers, to, err);
		else if (!numbers->optional)
			r = error_set(err, EINVAL, "%s: is missing", numbers->key);
	}
	return r;
}

static bool is_number(const struct profile_number *numbers, const char *key)
{
	for (; numbers->key; numbers++) {
		if (strcmp(numbers->key, key) == 0)
			return true;
	}
	return false;
}

/* Every key of OBJECT is one of NUMBERS or of OTHERS, which ends with NULL. */
static int check_keys(struct json_object *object, const struct profile_number *numbers,
		      const char *const *others, struct error *err)
{
	json_object_object_foreach(object, key, value) {
		const char *const *other = others;

		(void)value;
		while (*other && strcmp(*other, key) != 0)
			other++;
		if (!*other && !is_number(numbers, key))
			return error_set(err, EINVAL, "%s: is not known", key);
	}
	return 0;
}

static const char *const no_others[] = {NULL};
static const struct profile_number no_numbers[] = {{0}};

static int get_group(struct json_object *object, const char *key,
		     const struct profile_number *numbers, void *to, struct error *err)
{
	struct json_object *group;
	int r = get(object, key, json_type_object, &group, err);

	if (r < 0)
		return r;
	r = check_keys(group, numbers, no_others, err);
	if (r == 0)
		r = get_numbers(group, numbers, to, err);
	return r < 0 ? error_prefix(err, "%s", key) : 0;
}

static int parse_costs(struct json_object *object, struct profile_operation *operation,
		       struct error *err)
{
	struct json_object *costs;
	const char *known[PROFILE_PARTS + 1] = {NULL};
	int r = get(object, "cost", json_type_object, &costs, err);

	if (r < 0)
		return r;
	for (int part = 0; r == 0 && part < PROFILE_PARTS; part++) {
		known[part] = profile_part_name(part);
		if (json_object_object_get_ex(costs, known[part], NULL))
			r = get_group(costs, known[part], profile_cost_numbers,
				      &operation->cost[part], err);
	}
	if (r == 0)
		r = check_keys(costs, no_numbers, known, err);
	return r < 0 ? error_prefix(err, "cost") : 0;
}

static int parse_fits(struct json_object *object, struct profile_operation *operation,
		      struct error *err)
{
	struct json_object *fits;
	int r = get(object, "fit", json_type_object, &fits, err);

	if (r < 0)
		return r;
	for (int payer = 0; r == 0 && payer < PROFILE_PAYERS; payer++) {
		struct profile_fit *fit = &operation->fit[payer];

		r = get_group(fits, profile_payer_name(payer), profile_fit_numbers, fit, err);
		if (r == 0 && fit->upper < 1)
			r = error_set(err, ERANGE, "%s: upper: must be at least 1",
				      profile_payer_name(payer));
	}
	return r < 0 ? error_prefix(err, "fit") : 0;
}

static int parse_point(struct json_object *row, struct profile_operation *operation,
		       struct error *err)
{
	struct profile_point point = {0};
	double *to[] = {&point.units,	   &point.bytes,      &point.connections,
			&point.cost_ns[0], &point.cost_ns[1], &point.cost_ns[2]};
	int r = 0;

	if (!json_object_is_type(row, json_type_array) ||
	    json_object_array_length(row) != ARRAY_SIZE(to))
		return error_set(err, EINVAL, "must be an array of %zu numbers", ARRAY_SIZE(to));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(to); i++)
		r = to_double(json_object_array_get_idx(row, i), "number", to[i], err);
	if (r == 0 && profile_add_point(operation, &point) < 0)
		return error_oom(err);
	return r;
}

static int parse_points(struct json_object *object, struct profile_operation *operation,
			struct error *err)
{
	struct json_object *points;
	int r;

	if (!json_object_object_get_ex(object, "points", NULL))
		return 0;
	r = get(object, "points", json_type_array, &points, err);
	for (size_t i = 0; r == 0 && i < json_object_array_length(points); i++) {
		r = parse_point(json_object_array_get_idx(points, i), operation, err);
		if (r < 0)
			error_prefix(err, "points[%zu]", i);
	}
	return r;
}

static const char *kind_name(unsigned int kind)
{
	return profile_kind_name(kind);
}

static const char *mode_name(unsigned int mode)
{
	return profile_mode_name(mode);
}

static int parse_operation(struct profile *profile, struct json_object *object, struct error *err)
{
	static const char *const others[] = {"kind", "mode",	 "target", "cost",
					     "fit",  "stand_in", "points", NULL};
	struct profile_operation *operation = profile_add_operation(profile);
	unsigned int kind = 0, mode = 0;
	int r;

	if (!operation)
		return error_oom(err);
	r = check_keys(object, profile_operation_numbers, others, err);
	if (r == 0)
		r = get_name(object, "kind", kind_name, PROFILE_KINDS, &kind, err);
	if (r == 0)
		r = get_name(object, "mode", mode_name, PROFILE_MODES, &mode, err);
	operation->kind = kind;
	operation->mode = mode;
	if (r == 0 && !profile_belongs(kind, mode))
		r = error_set(err, EINVAL, "mode: '%s' does not belong to '%s'", mode_name(mode),
			      kind_name(kind));
	if (r == 0)
		r = get_text(object, "target", operation->target, sizeof(operation->target), err);
	if (r == 0)
		r = parse_costs(object, operation, err);
	if (r == 0)
		r = parse_fits(object, operation, err);
	if (r == 0)
		r = get_numbers(object, profile_operation_numbers, operation, err);
	if (r == 0 && json_object_object_get_ex(object, "stand_in", NULL))
		r = get_bool(object, "stand_in", &operation->stand_in, err);
	if (r == 0)
		r = parse_points(object, operation, err);
	return r;
}

static int parse_disk(struct profile *profile, struct json_object *object, struct error *err)
{
	static const char *const others[] = {"target", "name", NULL};
	struct profile_disk *disk = profile_add_disk(profile);
	int r;

	if (!disk)
		return error_oom(err);
	r = check_keys(object, profile_disk_numbers, others, err);
	if (r == 0)
		r = get_text(object, "target", disk->target, sizeof(disk->target), err);
	if (r == 0)
		r = get_text(object, "name", disk->name, sizeof(disk->name), err);
	if (r == 0)
		r = get_numbers(object, profile_disk_numbers, disk, err);
	return r;
}

static int parse_list(struct profile *profile, struct json_object *object, const char *key,
		      int (*parse)(struct profile *, struct json_object *, struct error *),
		      struct error *err)
{
	struct json_object *list;
	int r = get(object, key, json_type_array, &list, err);

	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		struct json_object *element = json_object_array_get_idx(list, i);

		if (json_object_is_type(element, json_type_object))
			r = parse(profile, element, err);
		else
			r = error_set(err, EINVAL, "must be an object");
		if (r < 0)
			error_prefix(err, "%s[%zu]", key, i);
	}
	return r;
}

static int parse_time(struct json_object *object, int64_t *created_s, struct error *err)
{
	char text[32];
	const char *end;
	struct tm tm = {0};
	int r = get_text(object, "created", text, sizeof(text), err);

	if (r < 0)
		return r;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return error_set(err, EINVAL, "created: '%s' is no time like 2026-01-31T12:00:00Z",
				 text);
	*created_s = timegm(&tm);
	return 0;
}

static int parse_host(struct json_object *object, struct profile_host *host, struct error *err)
{
	static const char *const others[] = {"name", "kernel", "cpu_model", NULL};
	struct json_object *value;
	int r = get(object, "host", json_type_object, &value, err);

	if (r < 0)
		return r;
	r = check_keys(value, profile_host_numbers, others, err);
	if (r == 0)
		r = get_text(value, "name", host->name, sizeof(host->name), err);
	if (r == 0)
		r = get_text(value, "kernel", host->kernel, sizeof(host->kernel), err);
	if (r == 0)
		r = get_text(value, "cpu_model", host->cpu_model, sizeof(host->cpu_model), err);
	if (r == 0)
		r = get_numbers(value, profile_host_numbers, host, err);
	return r < 0 ? error_prefix(err, "host") : 0;
}

/* What only a measurement has. */
static int parse_origin(struct json_object *object, struct profile *profile, struct error *err)
{
	char source[16], distrust[512];
	int r = get_text(object, "source", source, sizeof(source), err);

	if (r < 0)
		return r;
	if (strcmp(source, "built-in") == 0)
		return 0;
	if (strcmp(source, "calibrated") != 0)
		return error_set(err, EINVAL, "source: must be 'calibrated' or 'built-in'");
	profile->source = PROFILE_CALIBRATED;
	r = parse_time(object, &profile->created_s, err);
	if (r == 0)
		r = parse_host(object, &profile->host, err);
	if (r == 0)
		r = get_bool(object, "quick", &profile->quick, err);
	if (r < 0 || !json_object_object_get_ex(object, "distrust", NULL))
		return r;
	r = get_text(object, "distrust", distrust, sizeof(distrust), err);
	if (r == 0 && !(profile->distrust = strdup(distrust)))
		r = error_oom(err);
	return r;
}

/* Older ones had the same keys, or fewer, for other figures: of I/O through the page cache, and of the host. */
static int check_number(struct json_object *object, struct error *err)
{
	struct json_object *value;
	int r = get(object, "behalf_profile", json_type_int, &value, err);

	if (r < 0 || json_object_get_int64(value) == PROFILE_FORMAT)
		return r;
	return error_set(err, EINVAL,
			 "behalf_profile: format %" PRId64
			 ", this behalf reads format %d: calibrate anew (behalf calibrate)",
			 json_object_get_int64(value), PROFILE_FORMAT);
}

static int check_format(struct json_object *object, struct error *err)
{
	static const char *const others[] = {"behalf_profile", "source",     "version", "created",
					     "host",	       "quick",	     "trusted", "distrust",
					     "base",	       "operations", "disks",	NULL};
	int r;

	if (!json_object_is_type(object, json_type_object))
		return error_set(err, EINVAL, "must be an object");
	r = check_number(object, err);
	return r < 0 ? r : check_keys(object, profile_own_numbers, others, err);
}

static int parse_profile(struct json_object *object, struct profile *profile, struct error *err)
{
	int r = check_format(object, err);

	if (r == 0)
		r = parse_origin(object, profile, err);
	if (r == 0)
		r = get_text(object, "version", profile->version, sizeof(profile->version), err);
	if (r == 0)
		r = get_bool(object, "trusted", &profile->trusted, err);
	if (r == 0)
		r = get_numbers(object, profile_own_numbers, profile, err);
	if (r == 0 && (profile->quantile <= 0 || profile->quantile >= 1))
		r = error_set(err, ERANGE, "quantile: must be between 0 and 1");
	if (r == 0)
		r = get_group(object, "base", profile_base_numbers, &profile->base, err);
	if (r == 0)
		r = parse_list(profile, object, "operations", parse_operation, err);
	if (r == 0)
		r = parse_list(profile, object, "disks", parse_disk, err);
	return r;
}

int profile_parse(const char *name, const char *text, size_t size, struct profile **profile,
		  struct error *err)
{
	_cleanup_(cleanup_profile) struct profile *parsed = profile_new();
	_cleanup_json_ struct json_object *object = NULL;
	int r;

	if (!parsed)
		return error_oom(err);
	r = json_parse(name, text, size, &object, err);
	if (r < 0)
		return r;
	r = parse_profile(object, parsed, err);
	if (r < 0)
		return error_prefix(err, "%s", name);
	*profile = take_ptr(parsed);
	return 0;
}
