// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of properties, and properties that come as text. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/systemd.h"

/* More CPUs than any kernel has. */
#define CPU_LIST_MAX 16384

/* NULL: no memory, which is noted. */
static struct systemd_property *add(struct systemd_properties *p, const char *name,
				    const char *type)
{
	struct systemd_property *grown = realloc(p->items, (p->n + 1) * sizeof(*grown)), *item;

	if (grown)
		p->items = grown;
	item = grown ? &p->items[p->n] : NULL;
	if (item) {
		*item = (struct systemd_property){.name = strdup(name)};
		snprintf(item->type, sizeof(item->type), "%s", type);
	}
	if (!item || !item->name) {
		p->out_of_memory = true;
		return NULL;
	}
	p->n++;
	return item;
}

void systemd_add_number(struct systemd_properties *p, const char *name, const char *type,
			uint64_t number)
{
	struct systemd_property *item = add(p, name, type);

	if (item)
		item->number = number;
}

void systemd_add_bool(struct systemd_properties *p, const char *name, bool value)
{
	systemd_add_number(p, name, "b", value);
}

void systemd_add_text(struct systemd_properties *p, const char *name, const char *text)
{
	struct systemd_property *item = add(p, name, "s");

	if (!item)
		return;
	item->text = strdup(text);
	if (!item->text)
		p->out_of_memory = true;
}

void systemd_add_list(struct systemd_properties *p, const char *name, const char *type,
		      char *const *list)
{
	struct systemd_property *item = add(p, name, type);

	for (; item && list && *list; list++)
		if (strv_append(&item->list, *list) < 0)
			p->out_of_memory = true;
}

void systemd_add_bytes(struct systemd_properties *p, const char *name, const char *type,
		       const void *bytes, size_t n)
{
	struct systemd_property *item = add(p, name, type);

	if (!item)
		return;
	item->bytes = malloc(n + 1);
	if (!item->bytes) {
		p->out_of_memory = true;
		return;
	}
	if (n)
		memcpy(item->bytes, bytes, n);
	item->n_bytes = n;
}

void systemd_properties_free(struct systemd_properties *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].text);
		strv_free(p->items[i].list);
		free(p->items[i].bytes);
	}
	free(p->items);
	*p = (struct systemd_properties){0};
}

int systemd_add_cpu_list(struct systemd_properties *p, const char *name, const char *list)
{
	uint8_t bits[CPU_LIST_MAX / 8] = {0};
	size_t used = 0;

	while (*list) {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*list))
			return -EINVAL;
		first = last = strtoul(list, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last >= CPU_LIST_MAX || first > last || (*end && *end != ','))
			return -EINVAL;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			bits[cpu / 8] |= (uint8_t)(1u << cpu % 8);
		used = used > last / 8 + 1 ? used : last / 8 + 1;
		list = *end ? end + 1 : end;
	}
	systemd_add_bytes(p, name, "ay", bits, used);
	return 0;
}

/* Text. */

/* Reads a text in quotes at *AT, into itself, with its backslashes taken out. NULL: there is none. */
static char *read_quoted(char **at)
{
	char quote = **at, *from = *at + 1, *to = from, *text = from;

	if (quote != '\'' && quote != '"')
		return NULL;
	for (; *from && *from != quote; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	if (!*from)
		return NULL;
	*at = from + 1;
	*to = '\0';
	return text;
}

static char *skip_blanks(char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

static bool add_text_list(struct systemd_properties *p, const char *name, char *at)
{
	_cleanup_strv_ char **list = NULL;

	at = skip_blanks(at + 1);
	while (*at && *at != ']') {
		char *text = read_quoted(&at);

		if (!text)
			return false;
		if (strv_append(&list, text) < 0)
			p->out_of_memory = true;
		at = skip_blanks(at);
		if (*at == ',')
			at = skip_blanks(at + 1);
		else if (*at != ']')
			return false;
	}
	if (*at != ']' || *skip_blanks(at + 1))
		return false;
	systemd_add_list(p, name, "as", list);
	return true;
}

static const struct number_type {
	const char *name, *type;
	unsigned int bits;
	bool is_signed;
} number_types[] = {
	{"uint64", "t", 64, false}, {"int64", "x", 64, true},	{"uint32", "u", 32, false},
	{"int32", "i", 32, true},   {"uint16", "q", 16, false}, {"int16", "n", 16, true},
	{"byte", "y", 8, false},
};

static bool number_fits(const struct number_type *type, const char *text, uint64_t *number)
{
	int64_t value;

	if (!type->is_signed)
		return string_to_u64(text, 10, number) == 0 &&
		       (type->bits == 64 || !(*number >> type->bits));
	if (string_to_i64(text, 10, &value) < 0)
		return false;
	*number = (uint64_t)value;
	return type->bits == 64 ||
	       (value >= -(1ll << (type->bits - 1)) && value < 1ll << (type->bits - 1));
}

/* FACTOR 0: it is no time. Times are uint64 on the bus, whatever they are written as. */
static bool add_number(struct systemd_properties *p, const char *name, char *text, uint64_t factor)
{
	const struct number_type *type = &number_types[3];
	size_t length = strcspn(text, " ");
	uint64_t number;

	for (size_t i = 0; text[length] && i < ARRAY_SIZE(number_types); i++) {
		if (strlen(number_types[i].name) != length ||
		    strncmp(text, number_types[i].name, length) != 0)
			continue;
		type = &number_types[i];
		text = skip_blanks(text + length);
		break;
	}
	if (!number_fits(type, text, &number))
		return false;
	if (factor && (type->is_signed && (int64_t)number < 0))
		return false;
	if (factor && __builtin_mul_overflow(number, factor, &number))
		number = UINT64_MAX;
	systemd_add_number(p, name, factor ? "t" : type->type, number);
	return true;
}

static bool add_value(struct systemd_properties *p, const char *name, char *text, uint64_t factor)
{
	char *end, *quoted;

	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		systemd_add_bool(p, name, text[0] == 't');
		return true;
	}
	if (*text == '[')
		return add_text_list(p, name, text);
	if (*text != '\'' && *text != '"')
		return add_number(p, name, text, factor);
	end = text;
	quoted = read_quoted(&end);
	if (!quoted || *end)
		return false;
	systemd_add_text(p, name, quoted);
	return true;
}

int systemd_add_parsed(struct systemd_properties *p, const char *name, const char *text,
		       struct error *err)
{
	_cleanup_free_ char *copy = strdup(text), *on_bus = NULL;
	bool seconds = string_ends_with(name, "Sec") && !string_ends_with(name, "USec");
	char *value;

	on_bus = seconds ? string_format("%.*sUSec", (int)strlen(name) - 3, name) : strdup(name);
	if (!copy || !on_bus)
		return error_oom(err);
	if (strlen(name) < 3)
		return error_set(err, EINVAL, "'%s' is not the name of a property", name);
	for (const char *at = name; *at; at++)
		if (!isalpha((unsigned char)*at))
			return error_set(err, EINVAL, "'%s' is not the name of a property", name);
	value = skip_blanks(copy);
	for (size_t n = strlen(value); n && isspace((unsigned char)value[n - 1]); n--)
		value[n - 1] = '\0';
	if (!add_value(p, on_bus, value, seconds ? 1000000 : 0))
		return error_set(err, EINVAL,
				 "'%s' is not true, false, 'text', ['text', ...] or a number of a "
				 "type like uint64",
				 text);
	return 0;
}
