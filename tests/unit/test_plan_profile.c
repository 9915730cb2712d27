// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plan/profile.h"

/* A measured one, with something in every member. */
static struct profile *example(void)
{
	struct profile *profile = profile_new();
	struct profile_operation *operation;
	struct profile_point point = {1000, 64000, 10, {2500000.5, 1000, 20}};
	struct profile_disk *disk;

	profile->source = PROFILE_CALIBRATED;
	profile->host = (struct profile_host){"node1", "6.18.0", "A CPU @ 2 GHz", 2};
	strcpy(profile->version, "0.1.0");
	profile->created_s = 1767225600;
	profile->took_s = 55.5;
	profile->quick = true;
	profile->distrust = strdup("another program used 0.4 CPU");
	profile->quantile = 0.95;
	profile->base = (struct profile_base){1e6, 4e5, 3e6, 12345, 0.0125};
	operation = profile_add_operation(profile);
	operation->kind = PROFILE_SEND;
	operation->mode = PROFILE_TCP;
	strcpy(operation->target, "bridge");
	operation->cost[PROFILE_OWN] = (struct profile_cost){700, 0.25, 21000, 900, 5000, 300, 450};
	operation->cost[PROFILE_NET_RX] = (struct profile_cost){.unit_ns = 800};
	operation->cost[PROFILE_UNATTRIBUTED] = (struct profile_cost){.byte_ns = 0.001};
	operation->gap_ns = 20000;
	operation->host_gap_ns = 40000;
	operation->awake_per_s = 1000;
	operation->asleep_share = 0.25;
	operation->connection_threads_ns = 750;
	operation->byte_threads_ns = 0.0625;
	operation->busy_share = 0.6;
	operation->busy = 0.125;
	operation->busy_most = 0.375;
	operation->fit[PROFILE_PAYER_WORKSPACE] = (struct profile_fit){1.25, 0.99, 0.04, 0.3};
	operation->size_least_bytes = 64;
	operation->size_most_bytes = 1514;
	operation->units_most = 2e5;
	profile_add_point(operation, &point);
	disk = profile_add_disk(profile);
	strcpy(disk->target, "8:0");
	strcpy(disk->name, "/dev/sda");
	disk->bytes_per_s[1] = 123456789;
	disk->requests_per_s[0] = 4000;
	return profile;
}

static struct profile *parse(const char *text)
{
	struct profile *profile = NULL;
	struct error err = {0};

	ok(profile_parse("p.json", text, strlen(text), &profile, &err) == 0, "%s", err.text);
	return profile;
}

TEST(a_profile_is_the_same_after_writing_and_reading)
{
	_cleanup_(cleanup_profile) struct profile *profile = example(), *back = NULL;
	_cleanup_free_ char *text = profile_format(profile), *again = NULL;
	const struct profile_operation *operation;

	back = parse(text);
	must(back);
	again = profile_format(back);
	is_str(again, text);
	is_uint(back->n_operations, 1);
	operation = &back->operations[0];
	ok(operation->busy_share > 0.59 && operation->busy > 0.12 && operation->busy_most > 0.37);
	ok(back->base.programs_share > 0.012);
	is_int(operation->kind, PROFILE_SEND);
	is_int(operation->mode, PROFILE_TCP);
	is_str(operation->target, "bridge");
	ok(memcmp(operation->cost, profile->operations[0].cost, sizeof(operation->cost)) == 0);
	ok(memcmp(operation->fit, profile->operations[0].fit, sizeof(operation->fit)) == 0);
	is_uint(operation->n_points, 1);
	is_uint((uint64_t)(operation->points[0].cost_ns[0]), 2500000);
	ok(memcmp(&back->disks[0], &profile->disks[0], sizeof(back->disks[0])) == 0);
	ok(memcmp(&back->base, &profile->base, sizeof(back->base)) == 0);
	is_int(back->created_s, 1767225600);
	is_str(back->distrust, "another program used 0.4 CPU");
	is_str(back->host.cpu_model, "A CPU @ 2 GHz");
	ok(back->quick && !back->trusted);
}

TEST(the_built_in_profile_is_a_profile)
{
	_cleanup_(cleanup_profile) struct profile *profile = profile_built_in(), *back = NULL;
	_cleanup_free_ char *text = profile_format(profile), *again = NULL;

	back = parse(text);
	must(back);
	again = profile_format(back);
	is_str(again, text);
	is_int(back->source, PROFILE_BUILT_IN);
	has_str(text, "\"source\":\"built-in\"");
}

/* Whatever a workspace may be promised has a price. */
TEST(the_built_in_profile_has_every_operation)
{
	static const char *const paths[] = {"bridge", "macvlan", "host", "device"};
	_cleanup_(cleanup_profile) struct profile *empty = profile_new();
	bool borrowed;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		bool disk = kind >= PROFILE_READ;

		for (int mode = 0; mode < PROFILE_MODES; mode++) {
			for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
				const struct profile_operation *found = profile_find(
					empty, kind, mode, disk ? "8:0" : paths[i], &borrowed);

				note("%s %s %s", profile_kind_name(kind), profile_mode_name(mode),
				     paths[i]);
				is_int(found != NULL, profile_belongs(kind, mode));
				if (found)
					ok(found->fit[PROFILE_PAYER_WORKSPACE].upper > 1);
			}
		}
	}
}

TEST(what_was_not_measured_is_borrowed)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	bool borrowed = true;

	ok(profile_find(profile, PROFILE_SEND, PROFILE_TCP, "bridge", &borrowed) ==
	   &profile->operations[0]);
	ok(!borrowed);
	ok(profile_find(profile, PROFILE_SEND, PROFILE_TCP, "macvlan", &borrowed) ==
	   profile_built_in_find(PROFILE_SEND, PROFILE_TCP, "macvlan"));
	ok(borrowed);
	ok(profile_find_disk(profile, "8:0") == &profile->disks[0]);
	ok(profile_find_disk(profile, "8:1") == NULL);
}

/* WHAT in the text of the example by WITH. */
static char *replaced(const char *what, const char *with)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	_cleanup_free_ char *text = profile_format(profile);
	char *at = strstr(text, what), *changed = NULL;

	if (!ok(at != NULL, "'%s' is in the file", what))
		return strdup("");
	if (asprintf(&changed, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what)) < 0)
		return NULL;
	return changed;
}

TEST(a_wrong_profile_is_refused_by_key)
{
	static const struct {
		const char *what, *with, *sentence;
	} cases[] = {
		{"\"behalf_profile\":2", "\"behalf_profile\":1",
		 "p.json: behalf_profile: format 1, this behalf reads format 2: calibrate anew "
		 "(behalf calibrate)"},
		{"\"behalf_profile\"", "\"other\"", "p.json: behalf_profile: is missing"},
		{"\"calibrated\"", "\"guessed\"",
		 "p.json: source: must be 'calibrated' or 'built-in'"},
		{"\"quick\"", "\"quack\"", "p.json: quack: is not known"},
		{"\"trusted\":false", "\"trusted\":0", "p.json: trusted: must be true or false"},
		{"2026-01-01T00:00:00Z", "yesterday",
		 "p.json: created: 'yesterday' is no time like 2026-01-31T12:00:00Z"},
		{"\"quantile\":0.95", "\"quantile\":1.5",
		 "p.json: quantile: must be between 0 and 1"},
		{"\"unit_ns\":700", "\"unit_ns\":-700",
		 "p.json: operations[0]: cost: own: unit_ns: must be a number of at least 0, and below "
		 "1e15"},
		{"\"unit_ns\":700", "\"unit_ns\":1e300",
		 "p.json: operations[0]: cost: own: unit_ns: must be a number of at least 0, and below "
		 "1e15"},
		{"\"unit_ns\":700", "\"unit_ns\":\"700\"",
		 "p.json: operations[0]: cost: own: unit_ns: must be a number"},
		{"\"unit_ns\":700", "\"unit_ms\":700",
		 "p.json: operations[0]: cost: own: unit_ms: is not known"},
		{"\"net_rx\"", "\"net_xx\"", "p.json: operations[0]: cost: net_xx: is not known"},
		{"\"upper\":1.25", "\"upper\":0.9",
		 "p.json: operations[0]: fit: workspace: upper: must be at least 1"},
		{"\"mode\":\"tcp\"", "\"mode\":\"synced\"",
		 "p.json: operations[0]: mode: 'synced' does not belong to 'send'"},
		{"\"mode\":\"tcp\"", "\"mode\":\"direct\"",
		 "p.json: operations[0]: mode: 'direct' does not belong to 'send'"},
		{"\"kind\":\"send\"", "\"kind\":\"think\"",
		 "p.json: operations[0]: kind: 'think' is not known"},
		{"\"size_least_bytes\":64", "\"size_least_bytes\":5000000000",
		 "p.json: operations[0]: size_least_bytes: must be from 0 to 4294967295"},
		{"\"target\":\"8:0\"", "\"target\":8",
		 "p.json: disks[0]: target: must be a string"},
		{"\"disks\":", "\"disks\":7,\"x\":", "p.json: x: is not known"},
		{"\"cpus\":2", "\"cpus\":2.5", "p.json: host: cpus: must be a whole number"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = replaced(cases[i].what, cases[i].with);
		struct profile *profile = NULL;
		struct error err = {0};

		ok(profile_parse("p.json", text, strlen(text), &profile, &err) < 0);
		is_str(err.text, cases[i].sentence);
		ok(!profile);
	}
}

static enum profile_standing standing(const struct profile *profile, int64_t now_s, char *why)
{
	static const struct profile_host here = {"other", "6.18.0", "A CPU @ 2 GHz", 2};

	return profile_check(profile, &here, now_s, why, 256);
}

TEST(a_profile_is_held_to_the_host_and_the_day)
{
	_cleanup_(cleanup_profile) struct profile *profile = example(), *none = profile_built_in();
	int64_t then = profile->created_s;
	char why[256];

	is_int(standing(none, then, why), PROFILE_IS_BUILT_IN);
	is_int(standing(profile, then, why), PROFILE_UNTRUSTED);
	is_str(why, "it does not trust itself: another program used 0.4 CPU");
	profile->trusted = true;
	is_int(standing(profile, then, why), PROFILE_FITS);
	is_str(why, "");
	is_int(standing(profile, then + PROFILE_AGE_MAX_S, why), PROFILE_FITS);
	is_int(standing(profile, then + PROFILE_AGE_MAX_S + 86400, why), PROFILE_STALE);
	is_str(why, "it was measured 91 days ago");
	is_int(standing(profile, then - 3 * 86400, why), PROFILE_STALE);
	is_str(why, "it was measured 3 days in the future");
	profile->host.cpus = 4;
	is_int(standing(profile, then, why), PROFILE_FOREIGN);
	is_str(why, "it was measured with 4 CPUs, here are 2");
	strcpy(profile->host.cpu_model, "Another");
	is_int(standing(profile, then, why), PROFILE_FOREIGN);
	is_str(why, "it was measured on a CPU 'Another', this is 'A CPU @ 2 GHz'");
	strcpy(profile->host.kernel, "6.1.0");
	is_int(standing(profile, then, why), PROFILE_FOREIGN);
	is_str(why, "it was measured with kernel 6.1.0, this is 6.18.0");
}
