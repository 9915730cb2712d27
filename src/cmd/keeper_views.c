// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/keeper_views.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/kept_terms.h"
#include "cmd/sample.h"

/* ---- metrics ---- */

static void print_label(FILE *file, const char *value)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', file);
		if (*value == '\n')
			fputs("\\n", file);
		else
			fputc(*value, file);
	}
}

struct family {
	FILE *file;
	const char *name, *head; /* the lines of HELP and TYPE */
	double (*value)(const struct kept_term *term);
	bool of_charges; /* there is none while the ledger is off */
};

static double ratio(const struct kept_term *term)
{
	return term->ratio;
}

static double violation(const struct kept_term *term)
{
	return term->violation_s;
}

static double promised(const struct kept_term *term)
{
	return term->promised;
}

static double got(const struct kept_term *term)
{
	return term->got;
}

static const struct family families[] = {
	{.name = "behalf_kept_ratio",
	 .head = "# HELP behalf_kept_ratio Of a reserve what was got of what was wanted of it, over "
		 "the last second; of a limit the charge by the limit, over ten seconds.\n"
		 "# TYPE behalf_kept_ratio gauge\n",
	 .value = ratio,
	 .of_charges = true},
	{.name = "behalf_violation_seconds_total",
	 .head = "# HELP behalf_violation_seconds Time in which a term was broken, since the keeper "
		 "runs.\n"
		 "# TYPE behalf_violation_seconds counter\n",
	 .value = violation},
	{.name = "behalf_promised",
	 .head = "# HELP behalf_promised A term, in what it is counted in: CPUs, bits or bytes per "
		 "second, requests per second.\n"
		 "# TYPE behalf_promised gauge\n",
	 .value = promised},
	{.name = "behalf_got",
	 .head = "# HELP behalf_got What was had of it of late, in the same.\n"
		 "# TYPE behalf_got gauge\n",
	 .value = got,
	 .of_charges = true},
};

static void print_sample(void *data, const struct kept_term *term)
{
	const struct family *family = data;

	if (family->of_charges && !term->known)
		return;
	fprintf(family->file, "%s{workspace=\"", family->name);
	print_label(family->file, term->called);
	/* names are of a --root each */
	fprintf(family->file, "\",cgroup=\"");
	print_label(family->file, term->cgroup);
	fprintf(family->file, "\",term=\"%s\"} %.6g\n", term->term, family->value(term));
}

char *keeper_metrics(void)
{
	_cleanup_json_ struct json_object *status = NULL;
	char *text = NULL;
	size_t size;
	FILE *file;

	if (kept_terms_ask(&status, NULL) < 0)
		return strdup("");
	file = open_memstream(&text, &size);
	if (!file)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct family family = families[i];

		family.file = file;
		fputs(family.head, file);
		kept_terms_each(status, print_sample, &family, NULL);
	}
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- watching ---- */

struct watch {
	const char *name; /* NULL: all */
	bool first, json;
	int broken;
};

static void tell(const struct kept_term *term, bool json)
{
	const char *state = !term->known ? "unknown" : term->broken ? "broken" : "kept";

	if (json) {
		_cleanup_json_ struct json_object *line = json_object_new_object();

		json_add_string(line, "workspace", term->called);
		json_add_string(line, "term", term->term);
		json_add_string(line, "unit", term->unit);
		json_add_string(line, "state", state);
		json_add_double(line, "promised", term->promised);
		if (term->known) {
			json_add_double(line, "got", term->got);
			json_add_double(line, "ratio", term->ratio);
		}
		json_add_string(line, "by", term->by);
		printf("%s\n", json_text(line, false));
	} else if (!term->known) {
		printf("%s: whether %s is kept is not known: the ledger is off\n", term->called,
		       term->term);
	} else if (strcmp(term->unit, "CPU") == 0) {
		printf("%s: %s is %s: %.2f of %.2f CPU%s%s\n", term->called, term->term, state,
		       term->got, term->promised, term->by ? ", by " : "",
		       term->by ? term->by : "");
	} else {
		printf("%s: %s is %s: %s of %s%s%s\n", term->called, term->term, state,
		       kept_amount(term->got, term->unit).text,
		       kept_amount(term->promised, term->unit).text, term->by ? ", by " : "",
		       term->by ? term->by : "");
	}
	fflush(stdout);
}

static void see(void *data, const struct kept_term *term)
{
	struct watch *watch = data;

	if (watch->name && !kept_term_is_of(term, watch->name))
		return;
	watch->broken += term->broken;
	if (watch->first || term->broken)
		tell(term, watch->json);
}

/* Tells what is broken; the first time all that is looked at. */
static int look(struct watch *watch, struct error *err)
{
	_cleanup_json_ struct json_object *status = NULL;
	int r = kept_terms_ask(&status, err);

	watch->broken = 0;
	if (r == 0)
		r = kept_terms_each(status, see, watch, err);
	if (r == 0 && watch->name && !kept_terms_has(status, watch->name))
		return error_set(err, ENOENT, "the keeper keeps no terms of '%s'", watch->name);
	watch->first = false;
	return r < 0 ? r : watch->broken > 0;
}

int keeper_watch(const char *name, uint64_t interval_ns, bool json, struct error *err)
{
	struct watch watch = {.name = name, .first = true, .json = json};
	uint64_t due_ns = clock_monotonic_ns();
	int r;

	while ((r = look(&watch, err)) == 0) {
		due_ns += interval_ns;
		sample_sleep_until(due_ns);
	}
	return r;
}
