// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/kept_terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "keeper/ask.h"
#include "ledger/names.h"

int kept_terms_ask(struct json_object **status, struct error *err)
{
	_cleanup_free_ char *path = string_format("%s/" KEEPER_SOCKET, keeper_directory());
	int pid;

	return path ? keeper_ask(path, status, &pid, err) : error_oom(err);
}

static const char *string(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value)
							      : NULL;
}

static double number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_double(value) : 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* Whatever of a workspace has a promise and a state is a term. */
static void each_of(struct json_object *workspace, kept_terms_take *take, void *data)
{
	json_object_object_foreach(workspace, key, value) {
		struct kept_term term = {
			.workspace = or_empty(string(workspace, "name")),
			.cgroup = or_empty(string(workspace, "cgroup")),
			.term = key,
			.called = or_empty(
				string(workspace, string(workspace, "called") ? "called" : "name")),
		};

		if (!json_object_is_type(value, json_type_object) || !string(value, "state"))
			continue;
		term.unit = string(value, "unit") ? string(value, "unit") : "CPU";
		term.known = strcmp(string(value, "state"), "unknown") != 0;
		term.broken = strcmp(string(value, "state"), "broken") == 0;
		term.by = string(value, "by");
		term.promised = number(value, "promised");
		term.got = number(value, "got");
		term.ratio = number(value, "ratio");
		term.for_s = number(value, "for_s");
		term.violation_s = number(value, "violation_s");
		take(data, &term);
	}
}

int kept_terms_each(struct json_object *status, kept_terms_take *take, void *data,
		    struct error *err)
{
	struct json_object *list;

	if (!json_object_object_get_ex(status, "workspaces", &list) ||
	    !json_object_is_type(list, json_type_array))
		return error_set(err, EPROTO, "the keeper that runs is of another version");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		each_of(json_object_array_get_idx(list, i), take, data);
	return 0;
}

/* By what it is called, in the register, or by the ledger's views, which have a plain group without its first slash. */
static bool is_called(const char *workspace, const char *called, const char *cgroup,
		      const char *name)
{
	_cleanup_free_ char *viewed = ledger_name_of_path(cgroup);

	return string_starts_with(workspace, name) || string_starts_with(called, name) ||
	       (viewed && *cgroup && string_starts_with(viewed, name));
}

bool kept_term_is_of(const struct kept_term *term, const char *name)
{
	return is_called(term->workspace, term->called, term->cgroup, name);
}

bool kept_terms_has(struct json_object *status, const char *name)
{
	struct json_object *list;

	if (!json_object_object_get_ex(status, "workspaces", &list))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (is_called(or_empty(string(one, "name")), or_empty(string(one, "called")),
			      or_empty(string(one, "cgroup")), name))
			return true;
	}
	return false;
}

struct kept_amount kept_amount(double value, const char *unit)
{
	static const char *const powers[] = {"", "k", "M", "G", "T"};
	struct kept_amount amount;
	size_t power = 0;

	if (strcmp(unit, "CPU") == 0) {
		snprintf(amount.text, sizeof(amount.text), "%.3f", value);
		return amount;
	}
	/* three digits are shown: what they round up to 1000 is the next power's, too */
	for (; value >= 999.5 && power + 1 < ARRAY_SIZE(powers); power++)
		value /= 1000;
	snprintf(amount.text, sizeof(amount.text), "%.3g%s%.8s", value, powers[power], unit);
	return amount;
}
