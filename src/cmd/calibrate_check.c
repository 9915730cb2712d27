// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/calibrate_check.h"

#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"

static const char *name_of(size_t path)
{
	return path == SITE_PATHS ? "disk" : site_path_name((enum site_path)path);
}

bool check_report_holds(const struct check_report *report)
{
	return !report->not_used && !report->busy && check_holds(report->check);
}

/* ---- as JSON ---- */

static void add_path(struct json_object *paths, const char *name, const struct check_path *path)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "path", name);
	json_add_u64(o, "loads", path->loads);
	json_add_double(o, "measured_ns", path->measured_ns);
	json_add_double(o, "expected_ns", path->expected_ns);
	json_add_double(o, "drift", check_drift(path));
	json_add_bool(o, "holds", check_path_holds(path));
	json_object_array_add(paths, o);
}

static void add_unknown(struct json_object *unknown, const char *name, size_t loads)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "path", name);
	json_add_u64(o, "loads", loads);
	json_object_array_add(unknown, o);
}

static void print_json(const struct check_report *report)
{
	const struct check *check = report->check;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *paths, *unknown, *left_out;

	json_add_bool(o, "holds", check_report_holds(report));
	json_add_string(o, "busy", report->busy);
	json_add_string(o, "not_used", report->not_used);
	json_add_double(o, "drift", check_drift(&check->all));
	paths = json_add_array(o, "paths");
	unknown = json_add_array(o, "unknown");
	for (size_t i = 0; i < CHECK_PATHS; i++) {
		const struct check_path *path = &check->paths[i];

		if (path->loads)
			add_path(paths, name_of(i), path);
		if (path->unknown)
			add_unknown(unknown, name_of(i), path->unknown);
	}
	left_out = json_add_array(o, "left_out");
	for (char **sentence = report->left_out; sentence && *sentence; sentence++)
		json_object_array_add(left_out, json_object_new_string(*sentence));
	printf("%s\n", json_text(o, true));
}

/* ---- for people ---- */

static void print_row(const char *name, const struct check_path *path, const char *holds)
{
	printf("%-9s %5zu %9.4f %9.4f %+6.1f%% %5s\n", name, path->loads, path->measured_ns / 1e9,
	       path->expected_ns / 1e9, 100 * check_drift(path), holds);
}

static void print_table(const struct check *check)
{
	printf("%-9s %5s %9s %9s %7s %5s\n", "PATH", "LOADS", "MEASURED", "FORECAST", "DRIFT",
	       "HOLDS");
	for (size_t i = 0; i < CHECK_PATHS; i++) {
		const struct check_path *path = &check->paths[i];
		const char *holds = check_path_holds(path) ? "yes" : "no";

		if (path->loads)
			print_row(name_of(i), path, path->loads < CHECK_PATH_LOADS ? "-" : holds);
	}
	print_row("all", &check->all, check_sum_holds(check) ? "yes" : "no");
}

static void print_unknown(const struct check *check)
{
	const char *before = "the profile has nothing of";

	for (size_t i = 0; i < CHECK_PATHS; i++) {
		size_t loads = check->paths[i].unknown;

		if (!loads)
			continue;
		printf("%s %zu load%s of %s", before, loads, loads == 1 ? "" : "s", name_of(i));
		before = ",";
	}
	if (check->all.unknown)
		printf("\n");
}

static void print_off(const char *name, const struct check_path *path)
{
	double drift = check_drift(path);

	printf("; %s costs %.0f%% %s than it says", name, 100 * fabs(drift),
	       drift < 0 ? "less" : "more");
}

static void print_what_is_off(const struct check *check)
{
	if (!check_sum_holds(check))
		print_off("all I/O together", &check->all);
	for (size_t i = 0; i < CHECK_PATHS; i++) {
		if (!check_path_holds(&check->paths[i]))
			print_off(name_of(i), &check->paths[i]);
	}
}

static void print_text(const struct check_report *report)
{
	const struct check *check = report->check;
	bool all = !check->all.unknown && !report->left_out;

	if (report->not_used) {
		printf("%s\n", report->not_used);
		return;
	}
	print_table(check);
	print_unknown(check);
	if (report->busy) {
		printf("the host was busy, so this tells nothing of the profile: %s\n",
		       report->busy);
	} else if (check_holds(check)) {
		printf("the profile holds%s: %s\n", all ? "" : ", as far as was looked",
		       report->from);
	} else {
		printf("the profile does not hold any more: %s", report->from);
		print_what_is_off(check);
		printf("; calibrate anew (behalf calibrate)\n");
	}
}

void check_report_print(const struct check_report *report, bool json)
{
	if (json)
		print_json(report);
	else
		print_text(report);
}
