// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "ledger/counters.h"
#include "view/json.h"

/* What precedes the classes in a row of "parts". */
enum { PART_CPU, PART_OWN, PART_IMPOSED, PART_INTERRUPT, PART_CLASSES };

/* More CPUs than any kernel has: a file is not believed. */
#define PARTS_MAX 65536
#define CLASSES_MAX 64

/* ---- writing ---- */

static int put_line(FILE *file, struct json_object *object, struct error *err)
{
	const char *text = json_text(object, false);

	if (!text)
		return error_oom(err);
	if (fprintf(file, "%s\n", text) < 0 || fflush(file) == EOF)
		return error_errno(err, errno, "the record could not be written");
	return 0;
}

int view_record_begin(FILE *file, struct error *err)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();
	struct json_object *classes;

	json_add_u64(object, "behalf_record", VIEW_RECORD_VERSION);
	json_add_string(object, "program", "behalf " BEHALF_VERSION);
	classes = json_add_array(object, "classes");
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		json_object_array_add(
			classes, json_object_new_string(ledger_class_name((enum wire_class)i)));
	return put_line(file, object, err);
}

static void add_number(struct json_object *array, uint64_t number)
{
	json_object_array_add(array, json_object_new_uint64(number));
}

static void add_parts(struct json_object *object, const struct ledger_part *parts, size_t n)
{
	struct json_object *array;

	if (!parts)
		return;
	array = json_add_array(object, "parts");
	for (size_t i = 0; i < n; i++) {
		static const struct ledger_part nothing;
		struct json_object *row;

		if (memcmp(&parts[i], &nothing, sizeof(nothing)) == 0)
			continue;
		row = json_object_new_array();
		add_number(row, i);
		add_number(row, parts[i].own_ns);
		add_number(row, parts[i].imposed_ns);
		add_number(row, parts[i].interrupt_ns);
		for (size_t c = 0; c < WIRE_CLASSES; c++)
			add_number(row, parts[i].behalf_ns[c]);
		add_number(row, parts[i].evidence.rx_packets);
		add_number(row, parts[i].evidence.tx_packets);
		add_number(row, parts[i].evidence.requests);
		add_number(row, parts[i].evidence.items);
		json_object_array_add(array, row);
	}
}

int view_record_add(FILE *file, const struct ledger_snapshot *snapshot, uint64_t realtime_ns,
		    struct error *err)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct json_object *accounts, *idle;
	int r = view_json(snapshot, NULL, &object, err);

	if (r < 0)
		return r;
	json_add_u64(object, "realtime_ns", realtime_ns);
	json_add_u64(object, "n_parts", snapshot->n_parts);
	add_parts(object, snapshot->unattributed_parts, snapshot->n_parts);
	idle = json_add_array(object, "idle_parts_ns");
	for (size_t i = 0; snapshot->idle_parts_ns && i < snapshot->n_parts; i++)
		add_number(idle, snapshot->idle_parts_ns[i]);
	if (json_object_object_get_ex(object, "accounts", &accounts)) {
		for (size_t i = 0; i < snapshot->n_accounts; i++)
			add_parts(json_object_array_get_idx(accounts, i),
				  snapshot->accounts[i].parts, snapshot->n_parts);
	}
	return put_line(file, object, err);
}

/* ---- reading ---- */

struct view_recording {
	FILE *file;
	char *path;
	char *line;
	size_t line_size;
	size_t number; /* of the line */
	size_t n_classes;
	size_t classes[CLASSES_MAX]; /* enum wire_class of each */
	char *class_names[CLASSES_MAX];
	char **counter_names; /* every name there was; snapshots point at them */
};

void view_recording_free(struct view_recording *recording)
{
	if (!recording)
		return;
	for (size_t i = 0; i < recording->n_classes; i++)
		free(recording->class_names[i]);
	strv_free(recording->counter_names);
	if (recording->file)
		fclose(recording->file);
	free(recording->path);
	free(recording->line);
	free(recording);
}

/* The next line as an object. -ENODATA at the end. */
static int next_line(struct view_recording *r, struct json_object **object, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	ssize_t n;

	errno = 0;
	n = getline(&r->line, &r->line_size, r->file);
	if (n < 0 && ferror(r->file))
		return error_errno(err, errno ? errno : EIO, "read '%s'", r->path);
	if (n <= 0 || r->line[n - 1] != '\n')
		return -ENODATA;
	r->number++;
	name = string_format("%s: line %zu", r->path, r->number);
	if (!name)
		return error_oom(err);
	return json_parse(name, r->line, (size_t)n - 1, object, err);
}

static uint64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

static char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return strdup(json_object_object_get_ex(object, key, &value) ? json_object_get_string(value)
								     : "");
}

static size_t class_of(const char *name)
{
	for (size_t i = 0; i < WIRE_CLASSES; i++) {
		if (strcmp(name, ledger_class_name((enum wire_class)i)) == 0)
			return i;
	}
	return WIRE_IRQ;
}

static int read_head(struct view_recording *r, struct error *err)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct json_object *classes;
	int code = next_line(r, &object, err);

	if (code == -ENODATA || (code == 0 && number_of(object, "behalf_record") == 0))
		return error_set(err, EINVAL, "'%s' is no record of behalf", r->path);
	if (code < 0)
		return code;
	if (number_of(object, "behalf_record") != VIEW_RECORD_VERSION)
		return error_set(err, EINVAL, "'%s': a record of version %llu, this reads %d",
				 r->path, (unsigned long long)number_of(object, "behalf_record"),
				 VIEW_RECORD_VERSION);
	if (!json_object_object_get_ex(object, "classes", &classes) ||
	    !json_object_is_type(classes, json_type_array) ||
	    json_object_array_length(classes) > CLASSES_MAX)
		return error_set(err, EINVAL, "'%s': no classes in the first line", r->path);
	for (size_t i = 0; i < json_object_array_length(classes); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(classes, i));

		r->class_names[r->n_classes] = strdup(name ? name : "");
		if (!r->class_names[r->n_classes])
			return error_oom(err);
		r->classes[r->n_classes++] = class_of(name ? name : "");
	}
	return 0;
}

int view_recording_open(const char *path, struct view_recording **recording, struct error *err)
{
	struct view_recording *r = calloc(1, sizeof(*r));
	int code;

	if (!r)
		return error_oom(err);
	r->path = strdup(path);
	r->file = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "re") : fopen(path, "re");
	if (!r->file)
		code = error_errno(err, errno, "open '%s'", path);
	else
		code = r->path ? read_head(r, err) : error_oom(err);
	if (code < 0) {
		view_recording_free(r);
		return code;
	}
	*recording = r;
	return 0;
}

static void read_classes(const struct view_recording *r, struct json_object *object,
			 const char *key, uint64_t *behalf_ns)
{
	struct json_object *classes;

	if (!json_object_object_get_ex(object, key, &classes) ||
	    !json_object_is_type(classes, json_type_object))
		return;
	for (size_t i = 0; i < r->n_classes; i++)
		behalf_ns[r->classes[i]] += number_of(classes, r->class_names[i]);
}

/* Behind the classes; earlier records end there. */
static void read_part_evidence(struct json_object *row, size_t at, struct ledger_evidence *evidence)
{
	uint64_t *const members[] = {&evidence->rx_packets, &evidence->tx_packets,
				     &evidence->requests, &evidence->items};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		*members[i] = json_object_get_uint64(json_object_array_get_idx(row, at + i));
}

static struct ledger_part *read_parts(const struct view_recording *r, struct json_object *object,
				      size_t n)
{
	struct ledger_part *parts = NULL;
	struct json_object *rows;

	if (!n || !json_object_object_get_ex(object, "parts", &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return NULL;
	parts = calloc(n, sizeof(*parts));
	for (size_t i = 0; parts && i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct ledger_part *part;
		uint64_t cpu;

		if (!json_object_is_type(row, json_type_array))
			continue;
		cpu = json_object_get_uint64(json_object_array_get_idx(row, PART_CPU));
		if (cpu >= n)
			continue;
		part = &parts[cpu];
		part->own_ns = json_object_get_uint64(json_object_array_get_idx(row, PART_OWN));
		part->imposed_ns =
			json_object_get_uint64(json_object_array_get_idx(row, PART_IMPOSED));
		part->interrupt_ns =
			json_object_get_uint64(json_object_array_get_idx(row, PART_INTERRUPT));
		for (size_t c = 0; c < r->n_classes; c++)
			part->behalf_ns[r->classes[c]] += json_object_get_uint64(
				json_object_array_get_idx(row, PART_CLASSES + c));
		read_part_evidence(row, PART_CLASSES + r->n_classes, &part->evidence);
	}
	return parts;
}

static int read_list(struct json_object *object, const char *key, char ***list)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(value, i));

		if (strv_append(list, text ? text : "") < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_account(const struct view_recording *r, struct json_object *object,
			struct ledger_account *account, size_t n_parts)
{
	struct json_object *value;

	account->id = number_of(object, "id");
	account->name = text_of(object, "name");
	account->cgroup = text_of(object, "cgroup");
	account->netns = number_of(object, "netns");
	if (read_list(object, "links", &account->links) < 0 ||
	    read_list(object, "promises", &account->promises) < 0)
		return -ENOMEM;
	if (json_object_object_get_ex(object, "terms", NULL))
		account->terms = text_of(object, "terms");
	if (json_object_object_get_ex(object, "own_ns", &value)) {
		account->own_user_ns = number_of(value, "user");
		account->own_kernel_ns = number_of(value, "kernel");
	}
	read_classes(r, object, "behalf_ns", account->behalf_ns);
	account->imposed_ns = number_of(object, "imposed_ns");
	account->kernel_says_ns = number_of(object, "kernel_says_ns");
	account->reserved_ns = number_of(object, "reserved_ns");
	if (json_object_object_get_ex(object, "evidence", &value)) {
		account->evidence.rx_packets = number_of(value, "rx_packets");
		account->evidence.tx_packets = number_of(value, "tx_packets");
		account->evidence.requests = number_of(value, "requests");
		account->evidence.items = number_of(value, "items");
	}
	account->parts = read_parts(r, object, n_parts);
	return account->name && account->cgroup ? 0 : -ENOMEM;
}

static int read_accounts(const struct view_recording *r, struct json_object *object,
			 struct ledger_snapshot *s)
{
	struct json_object *accounts;
	size_t n;

	if (!json_object_object_get_ex(object, "accounts", &accounts) ||
	    !json_object_is_type(accounts, json_type_array))
		return 0;
	n = json_object_array_length(accounts);
	s->accounts = calloc(n + 1, sizeof(*s->accounts));
	if (!s->accounts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (read_account(r, json_object_array_get_idx(accounts, i),
				 &s->accounts[s->n_accounts++], s->n_parts) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Names live as long as the recording. */
static const char *keep_name(struct view_recording *r, const char *name)
{
	size_t n = strv_length(r->counter_names);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(r->counter_names[i], name) == 0)
			return r->counter_names[i];
	}
	return strv_append(&r->counter_names, name) < 0 ? "" : r->counter_names[n];
}

static int read_counters(struct view_recording *r, struct json_object *object,
			 struct ledger_snapshot *s)
{
	struct json_object *counters;

	if (!json_object_object_get_ex(object, "counters", &counters) ||
	    !json_object_is_type(counters, json_type_object))
		return 0;
	s->counters = calloc((size_t)json_object_object_length(counters) + 1, sizeof(*s->counters));
	if (!s->counters)
		return -ENOMEM;
	json_object_object_foreach(counters, key, value) {
		s->counters[s->n_counters++] =
			(struct ledger_counter){.name = keep_name(r, key),
						.meaning = ledger_counter_meaning(key),
						.count = json_object_get_uint64(value)};
	}
	return 0;
}

static int read_snapshot(struct view_recording *r, struct json_object *object,
			 struct ledger_snapshot *s)
{
	struct json_object *value;

	s->cpus = (unsigned int)number_of(object, "cpus");
	s->at_ns = number_of(object, "at_ns");
	s->wall_ns = number_of(object, "wall_ns");
	s->sum_ns = number_of(object, "sum_ns");
	s->idle_ns = number_of(object, "idle_ns");
	s->n_parts = number_of(object, "n_parts");
	if (s->n_parts > PARTS_MAX)
		s->n_parts = 0;
	if (json_object_object_get_ex(object, "irq_time", &value))
		s->irq_time = json_object_get_boolean(value);
	read_classes(r, object, "unattributed_ns", s->unattributed_ns);
	s->unattributed_parts = read_parts(r, object, s->n_parts);
	s->idle_parts_ns = calloc(s->n_parts + 1, sizeof(*s->idle_parts_ns));
	if (!s->idle_parts_ns)
		return -ENOMEM;
	if (json_object_object_get_ex(object, "idle_parts_ns", &value) &&
	    json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < s->n_parts && i < json_object_array_length(value); i++)
			s->idle_parts_ns[i] =
				json_object_get_uint64(json_object_array_get_idx(value, i));
	}
	return read_accounts(r, object, s) < 0 ? -ENOMEM : read_counters(r, object, s);
}

int view_recording_next(struct view_recording *recording, struct ledger_snapshot **snapshot,
			uint64_t *realtime_ns, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = NULL;
	_cleanup_json_ struct json_object *object = NULL;
	int r = next_line(recording, &object, err);

	if (r < 0)
		return r;
	if (!json_object_is_type(object, json_type_object) || number_of(object, "cpus") == 0)
		return error_set(err, EINVAL, "%s: line %zu is no snapshot", recording->path,
				 recording->number);
	s = calloc(1, sizeof(*s));
	if (!s || read_snapshot(recording, object, s) < 0)
		return error_oom(err);
	*realtime_ns = number_of(object, "realtime_ns");
	*snapshot = take_ptr(s);
	return 0;
}
