// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strings.h"
#include "view/field.h"

/* Names of cgroups are bytes, JSON is UTF-8: what is no character becomes U+FFFD. */
static struct json_object *json_of_text(const char *text)
{
	_cleanup_free_ char *copy = malloc(3 * strlen(text) + 1);
	char *to = copy;

	if (!copy)
		return NULL;
	while (*text) {
		size_t length = utf8_length(text);

		to = length ? mempcpy(to, text, length) : mempcpy(to, "\xef\xbf\xbd", 3);
		text += length ? length : 1;
	}
	*to = '\0';
	return json_object_new_string(copy);
}

static struct json_object *json_of_list(char *const *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; list && list[i]; i++)
		json_object_array_add(array, json_of_text(list[i]));
	return array;
}

static struct json_object *json_of_field(const struct view_field *field,
					 const struct ledger_account *account)
{
	switch (field->kind) {
	case VIEW_TEXT:
		return json_of_text(view_field_text(field, account));
	case VIEW_LIST:
		return json_of_list(view_field_list(field, account));
	case VIEW_NUMBER:
		return json_object_new_uint64(view_field_number(field, account));
	case VIEW_COUNT:
		return json_object_new_uint64(view_field_number(field, account));
	case VIEW_TIME:
		break;
	}
	return json_object_new_uint64(view_field_ns(field, account));
}

/* "own_ns.user" is the member user of the object own_ns. */
static void add_by_path(struct json_object *object, const char *path, struct json_object *value)
{
	const char *dot = strchr(path, '.');
	struct json_object *inner = NULL;
	char key[32];

	if (!dot) {
		json_object_object_add(object, path, value);
		return;
	}
	memcpy(key, path, (size_t)(dot - path));
	key[dot - path] = '\0';
	if (!json_object_object_get_ex(object, key, &inner))
		inner = json_add_object(object, key);
	json_object_object_add(inner, dot + 1, value);
}

static struct json_object *json_of_account(const struct ledger_account *account)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < n_view_fields; i++) {
		const struct view_field *field = &view_fields[i];

		if (field->json && (!field->only_if_any || view_field_has(field, account)))
			add_by_path(object, field->json, json_of_field(field, account));
	}
	return object;
}

int view_json(const struct ledger_snapshot *snapshot, const struct ledger_account *only,
	      struct json_object **object, struct error *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *classes, *accounts, *counters;

	if (!o)
		return error_oom(err);
	json_add_u64(o, "cpus", snapshot->cpus);
	json_add_u64(o, "at_ns", snapshot->at_ns);
	json_add_u64(o, "wall_ns", snapshot->wall_ns);
	json_add_u64(o, "sum_ns", snapshot->sum_ns);
	json_add_u64(o, "idle_ns", snapshot->idle_ns);
	json_add_bool(o, "irq_time", snapshot->irq_time);
	classes = json_add_object(o, "unattributed_ns");
	for (unsigned int i = 0; i < WIRE_CLASSES; i++)
		json_add_u64(classes, ledger_class_name((enum wire_class)i),
			     snapshot->unattributed_ns[i]);
	accounts = json_add_array(o, "accounts");
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		if (!only || only == &snapshot->accounts[i])
			json_object_array_add(accounts, json_of_account(&snapshot->accounts[i]));
	}
	counters = json_add_object(o, "counters");
	for (size_t i = 0; i < snapshot->n_counters; i++)
		json_add_u64(counters, snapshot->counters[i].name, snapshot->counters[i].count);
	*object = o;
	return 0;
}
