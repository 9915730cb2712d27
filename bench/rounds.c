// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rounds of a calibration as they were measured, and what is fitted to them, apart from each other: another fit can
 * be tried without measuring anew, and on the same rounds.
 *
 *	rounds measure ROUNDS > PROFILE     calibrates, as `behalf calibrate`, and keeps each round in the file ROUNDS
 *	rounds fit ROUNDS CPUS > PROFILE    fits what that has
 *
 * A round is a line of JSON: its loads, and all of struct measure_figures in its order, so both have to be of one version.
 * A profile of the second has no host and no disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "calibrate/calibrate.h"
#include "calibrate/operations.h"
#include "calibrate/schedule.h"

#define FIGURES (sizeof(struct measure_figures) / sizeof(double))
#define FIELDS 9 /* of a load */
#define QUANTILE 0.95

static volatile int stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

static void write_round(const struct operations_sample *round, void *data)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	const double *figures = (const double *)round->figures;
	struct json_object *loads, *array;

	/* what cannot be written is told at the end */
	json_add_string(o, "disk", round->disk);
	loads = json_add_array(o, "loads");
	for (size_t i = 0; i < round->n; i++) {
		const struct flow_spec *spec = &round->specs[i];
		const double fields[FIELDS] = {spec->kind,     spec->path,	 spec->from,
					       spec->to,       spec->size_bytes, spec->rate,
					       spec->buffered, spec->sequential, spec->synced};

		array = json_object_new_array();
		for (size_t f = 0; f < FIELDS; f++)
			json_object_array_add(array, json_object_new_double(fields[f]));
		json_object_array_add(loads, array);
	}
	array = json_add_array(o, "figures");
	for (size_t i = 0; i < FIGURES; i++)
		json_object_array_add(array, json_object_new_double(figures[i]));
	fprintf(data, "%s\n", json_text(o, false));
}

static void show_progress(const struct calibrate_progress *progress, void *data)
{
	(void)data;
	if (progress->done % 10 == 0)
		fprintf(stderr, "%zu of %zu\n", progress->done, progress->total);
}

static int measure(const char *path, struct profile **profile, struct error *err)
{
	_cleanup_fclose_ FILE *to = fopen(path, "we");
	_cleanup_strv_ char **left_out = NULL;
	const struct calibrate_options options = {
		.what = SCHEDULE_ALL,
		.scratch = "/var/tmp",
		.force = true,
		.stop = &stop_signal,
		.progress = show_progress,
		.measured = write_round,
		.data = to,
	};

	bool failed;
	int r;

	if (!to)
		return error_errno(err, errno, "open '%s'", path);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	r = calibrate(&options, profile, &left_out, err);
	failed = ferror(to);
	if ((fclose(take_ptr(to)) != 0 || failed) && r == 0)
		r = error_set(err, EIO, "'%s' could not be written", path);
	return r;
}

static double number(struct json_object *array, size_t i)
{
	return json_object_get_double(json_object_array_get_idx(array, i));
}

static int read_round(const char *line, struct operations *operations, struct error *err)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct flow_spec specs[SCHEDULE_LANES] = {0};
	struct measure_figures figures;
	struct operations_sample sample = {.specs = specs, .figures = &figures};
	struct json_object *loads, *array;
	int r = json_parse("rounds", line, strlen(line), &o, err);

	if (r < 0)
		return r;
	array = json_object_object_get(o, "figures");
	loads = json_object_object_get(o, "loads");
	sample.disk = json_object_get_string(json_object_object_get(o, "disk"));
	sample.n = loads ? json_object_array_length(loads) : 0;
	if (!array || json_object_array_length(array) != FIGURES || sample.n > SCHEDULE_LANES)
		return error_set(err, EINVAL, "rounds of another version");
	for (size_t i = 0; i < FIGURES; i++)
		((double *)&figures)[i] = number(array, i);
	for (size_t i = 0; i < sample.n; i++) {
		array = json_object_array_get_idx(loads, i);
		specs[i] = (struct flow_spec){
			.kind = (enum flow_kind)number(array, 0),
			.path = (enum site_path)number(array, 1),
			.from = (enum site_workspace)number(array, 2),
			.to = (enum site_workspace)number(array, 3),
			.size_bytes = (uint32_t)number(array, 4),
			.rate = number(array, 5),
			.buffered = number(array, 6) > 0,
			.sequential = number(array, 7) > 0,
			.synced = number(array, 8) > 0,
		};
	}
	return operations_add(operations, &sample) < 0 ? error_oom(err) : 0;
}

static int fit(const char *path, uint32_t cpus, struct profile **profile, struct error *err)
{
	_cleanup_fclose_ FILE *from = fopen(path, "re");
	struct operations operations = {0};
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!from)
		return error_errno(err, errno, "open '%s'", path);
	while (r == 0 && getline(&line, &size, from) > 0)
		r = read_round(line, &operations, err);
	*profile = profile_new();
	if (r == 0 && !*profile)
		r = error_oom(err);
	if (r == 0) {
		(*profile)->source = PROFILE_CALIBRATED;
		(*profile)->trusted = true;
		(*profile)->quantile = QUANTILE;
		(*profile)->host.cpus = cpus;
		if (operations_fit(&operations, SCHEDULE_ALL, *profile) < 0)
			r = error_oom(err);
	}
	operations_free(&operations);
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_(cleanup_profile) struct profile *profile = NULL;
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	int r = -EINVAL;

	if (argc == 3 && strcmp(argv[1], "measure") == 0)
		r = measure(argv[2], &profile, &err);
	else if (argc == 4 && strcmp(argv[1], "fit") == 0)
		r = fit(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &profile, &err);
	else
		error_set(&err, EINVAL, "Usage: rounds measure ROUNDS | rounds fit ROUNDS CPUS");
	if (r == 0 && (text = profile_format(profile)))
		fputs(text, stdout);
	else
		fprintf(stderr, "bench/rounds: %s\n", r == -EINTR ? "interrupted" : err.text);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
