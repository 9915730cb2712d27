// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/keeper_views.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/sample.h"
#include "keeper/keeper.h"
#include "keeper/status.h"

static const char *const terms[] = {"cpu.reserve", "cpu.limit"};

static int ask(struct json_object **workspaces, struct json_object **status, struct error *err)
{
	_cleanup_free_ char *path = string_format("%s/" KEEPER_SOCKET, keeper_directory());
	int pid, r = path ? keeper_ask(path, status, &pid, err) : error_oom(err);

	if (r < 0)
		return r;
	if (!json_object_object_get_ex(*status, "workspaces", workspaces) ||
	    !json_object_is_type(*workspaces, json_type_array))
		return error_set(err, EPROTO, "the keeper that runs is of another version");
	return 0;
}

static const char *string(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static double number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_double(value) : 0;
}

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

static void print_family(FILE *file, struct json_object *workspaces, const char *name,
			 const char *suffix, const char *key)
{
	for (size_t i = 0; i < json_object_array_length(workspaces); i++) {
		struct json_object *w = json_object_array_get_idx(workspaces, i), *truth;

		for (size_t t = 0; t < ARRAY_SIZE(terms); t++) {
			if (!json_object_object_get_ex(w, terms[t], &truth))
				continue;
			fprintf(file, "%s%s{workspace=\"", name, suffix);
			print_label(file, string(w, "name"));
			fprintf(file, "\",term=\"%s\"} %.6g\n", terms[t], number(truth, key));
		}
	}
}

char *keeper_metrics(void)
{
	_cleanup_json_ struct json_object *status = NULL;
	struct json_object *workspaces;
	char *text = NULL;
	size_t size;
	FILE *file;

	if (ask(&workspaces, &status, NULL) < 0)
		return strdup("");
	file = open_memstream(&text, &size);
	if (!file)
		return NULL;
	fputs("# HELP behalf_kept_ratio Of a reserve what was got of what was wanted of it, over the "
	      "last second; of a limit the charge by the limit, over ten seconds.\n"
	      "# TYPE behalf_kept_ratio gauge\n",
	      file);
	print_family(file, workspaces, "behalf_kept_ratio", "", "ratio");
	fputs("# HELP behalf_violation_seconds Time in which a term was broken, since the keeper "
	      "runs.\n"
	      "# TYPE behalf_violation_seconds counter\n",
	      file);
	print_family(file, workspaces, "behalf_violation_seconds", "_total", "violation_s");
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- watching ---- */

static void tell(struct json_object *workspace, const char *term, struct json_object *truth,
		 bool json)
{
	const char *by = string(truth, "by");

	if (json) {
		_cleanup_json_ struct json_object *line = json_object_new_object();

		json_add_string(line, "workspace", string(workspace, "name"));
		json_add_string(line, "term", term);
		json_add_string(line, "state", string(truth, "state"));
		json_add_double(line, "promised", number(truth, "promised"));
		json_add_double(line, "got", number(truth, "got"));
		json_add_double(line, "ratio", number(truth, "ratio"));
		json_add_string(line, "by", *by ? by : NULL);
		printf("%s\n", json_text(line, false));
	} else {
		printf("%s: %s is %s: %.2f of %.2f CPU%s%s\n", string(workspace, "name"), term,
		       string(truth, "state"), number(truth, "got"), number(truth, "promised"),
		       *by ? ", by " : "", by);
	}
	fflush(stdout);
}

/* Tells what is broken; with FIRST all that is looked at. */
static int look(const char *name, bool first, bool json, struct error *err)
{
	_cleanup_json_ struct json_object *status = NULL;
	struct json_object *workspaces, *truth;
	int r = ask(&workspaces, &status, err), broken = 0, seen = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(workspaces); i++) {
		struct json_object *w = json_object_array_get_idx(workspaces, i);

		if (name && !string_starts_with(string(w, "name"), name))
			continue;
		seen++;
		for (size_t t = 0; t < ARRAY_SIZE(terms); t++) {
			bool is_broken;

			if (!json_object_object_get_ex(w, terms[t], &truth))
				continue;
			is_broken = strcmp(string(truth, "state"), "broken") == 0;
			if (first || is_broken)
				tell(w, terms[t], truth, json);
			broken += is_broken;
		}
	}
	if (r == 0 && name && !seen)
		return error_set(err, ENOENT, "the keeper keeps no terms of '%s'", name);
	return r < 0 ? r : broken > 0;
}

int keeper_watch(const char *name, uint64_t interval_ns, bool json, struct error *err)
{
	uint64_t due_ns = clock_monotonic_ns();
	bool first = true;
	int r;

	while ((r = look(name, first, json, err)) == 0) {
		first = false;
		due_ns += interval_ns;
		sample_sleep_until(due_ns);
	}
	return r;
}
