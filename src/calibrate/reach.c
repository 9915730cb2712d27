// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/reach.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define PROBE_MS 30
#define TRIES 10 /* the first of them may find a busy machine, and links that were just made */
#define DEVICE_TRIES 60 /* a network card takes some seconds to find its partner */

/* "" where a few units arrive, else why not. */
static int try_load(struct measure *measure, const struct flow_spec *spec, unsigned int tries,
		    const volatile int *stop, struct error *why)
{
	const struct measure_plan plan = {
		.specs = spec, .n_specs = 1, .window_ms = PROBE_MS, .windows = 1};

	while (tries--) {
		struct measure_figures figures = {0};
		int r;

		*why = (struct error){0};
		r = measure_run(measure, &plan, stop, &figures, why);
		if (r == -EINTR)
			return r;
		if (r == 0 && figures.flows[0].received > 0)
			return 0;
		if (r == 0)
			error_set(why, ENETUNREACH, "nothing gets through; is there a firewall?");
	}
	return 0;
}

static const char *way_name(enum site_path path, enum schedule_way way)
{
	if (!schedule_has_way(path, SCHEDULE_BACK))
		return "";
	return way == SCHEDULE_FORTH ? " from the container" : " to the container";
}

/* What was tried of a path: sentences by way and protocol, empty where it gets through. */
struct attempt {
	struct error why[SCHEDULE_WAYS][SCHEDULE_PROTOCOLS];
	unsigned int tried, silent;
	const struct error *first;
};

static int try_path(struct measure *measure, enum site_path path, const struct reach_wish *wish,
		    struct attempt *attempt)
{
	unsigned int tries = path == SITE_DEVICE && wish->real_devices ? DEVICE_TRIES : TRIES;
	int r = 0;

	for (enum schedule_way way = 0; way < SCHEDULE_WAYS; way++) {
		for (int p = 0; r == 0 && schedule_has_way(path, way) && p < SCHEDULE_PROTOCOLS;
		     p++) {
			const struct flow_spec spec =
				schedule_probe(path, way, (enum schedule_protocol)p);
			struct error *why = &attempt->why[way][p];

			r = try_load(measure, &spec, tries, wish->stop, why);
			/* it had its time */
			tries = TRIES;
			attempt->tried++;
			attempt->silent += why->code != 0;
			if (why->code && !attempt->first)
				attempt->first = why;
		}
	}
	return r;
}

static int say(enum site_path path, enum schedule_way way, enum schedule_protocol protocol,
	       const char *why, char ***left_out)
{
	_cleanup_free_ char *sentence =
		string_format("%s (%s%s) is left out: %s", site_path_name(path),
			      protocol == SCHEDULE_TCP ? "tcp" : "udp", way_name(path, way), why);

	return sentence ? strv_append(left_out, sentence) : -ENOMEM;
}

/* A path of which all is silent is the site's to tell of, one that nobody asked for is nobody's. */
static int note(struct site *site, enum site_path path, bool wanted, const struct attempt *attempt,
		struct schedule_silence *silence, char ***left_out)
{
	int r = 0;

	if (attempt->silent == attempt->tried)
		site_miss_path(site, path, attempt->first->text);
	for (enum schedule_way way = 0; way < SCHEDULE_WAYS; way++) {
		for (int p = 0; r == 0 && p < SCHEDULE_PROTOCOLS; p++) {
			const struct error *why = &attempt->why[way][p];

			silence->silent[path][way][p] = why->code != 0;
			if (why->code && wanted && attempt->silent < attempt->tried)
				r = say(path, way, (enum schedule_protocol)p, why->text, left_out);
		}
	}
	return r;
}

static void silence_path(enum site_path path, struct schedule_silence *silence)
{
	for (enum schedule_way way = 0; way < SCHEDULE_WAYS; way++) {
		for (int p = 0; p < SCHEDULE_PROTOCOLS; p++)
			silence->silent[path][way][p] = true;
	}
}

int reach_find(struct measure *measure, struct site *site, const struct reach_wish *wish,
	       struct schedule_silence *silence, char ***left_out)
{
	int r = 0;

	*silence = (struct schedule_silence){0};
	for (enum site_path path = 0; r == 0 && path < SITE_PATHS; path++) {
		_cleanup_free_ struct attempt *attempt = calloc(1, sizeof(*attempt));
		bool wanted = wish->what & 1u << path;

		if (!attempt)
			return -ENOMEM;
		if (!wanted && !(SCHEDULE_COMPANY & 1u << path))
			continue;
		if (!site_has_path(site, path)) {
			silence_path(path, silence);
			continue;
		}
		r = try_path(measure, path, wish, attempt);
		if (r == 0)
			r = note(site, path, wanted, attempt, silence, left_out);
	}
	return r;
}
