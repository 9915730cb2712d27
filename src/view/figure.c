// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "base/table.h"

const char *view_unit_name(enum view_unit unit)
{
	switch (unit) {
	case VIEW_SECONDS:
		return "CPU-seconds";
	case VIEW_CPUS:
		return "CPUs";
	case VIEW_PERCENT:
		return "percent of one CPU";
	case VIEW_UNITS:
		break;
	}
	return "";
}

void view_figure_time(char text[static VIEW_FIGURE_MAX], uint64_t ns, uint64_t wall_ns,
		      enum view_unit unit)
{
	double value = (double)ns / 1e9;
	int decimals = 3;

	if (ns == 0) {
		strcpy(text, "0");
		return;
	}
	if (unit != VIEW_SECONDS) {
		value = wall_ns ? (double)ns / (double)wall_ns : 0;
		if (unit == VIEW_PERCENT) {
			value *= 100;
			decimals = value < 999.95 ? 1 : 0;
		} else if (value >= 9.9995) {
			decimals = value < 99.995 ? 2 : 1;
		}
	}
	snprintf(text, VIEW_FIGURE_MAX, "%.*f", decimals, value);
}

void view_figure_seconds(char text[static VIEW_FIGURE_MAX], uint64_t ns)
{
	double seconds = (double)ns / 1e9;
	int decimals = seconds >= 99.95 ? 1 : seconds >= 0.0995 ? 2 : 3;

	if (ns == 0)
		strcpy(text, "0");
	else
		snprintf(text, VIEW_FIGURE_MAX, "%.*f", decimals, seconds);
}

static char *join(char *const *words)
{
	char *text = strdup("");

	for (size_t i = 0; text && words && words[i]; i++) {
		char *longer = string_format("%s%s%s", text, i ? "," : "", words[i]);

		free(text);
		text = longer;
	}
	return text;
}

static char *printable(char *text)
{
	char *clean = text ? text_printable(text) : NULL;

	free(text);
	return clean;
}

char *view_figure_text(const struct view_field *field, const struct ledger_account *account)
{
	switch (field->kind) {
	case VIEW_TEXT:
		return text_printable(view_field_text(field, account));
	case VIEW_LIST:
		return printable(join(view_field_list(field, account)));
	case VIEW_NUMBER:
	case VIEW_COUNT:
		return string_format("%" PRIu64, view_field_number(field, account));
	case VIEW_TIME:
		break;
	}
	return NULL;
}

#define ENGINE_ID_DIGITS 64
#define ENGINE_ID_SHOWN 12

char *view_name_text(const char *name)
{
	if (strlen(name) == ENGINE_ID_DIGITS &&
	    strspn(name, "0123456789abcdef") == ENGINE_ID_DIGITS)
		return strndup(name, ENGINE_ID_SHOWN);
	return text_printable(name);
}
