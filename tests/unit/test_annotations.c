// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms of a configuration's annotations, and what the runtime is told because of them. */
#include "tap.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "promises/annotations.h"

static struct oci_config *config_of(const char *annotations, const char *resources)
{
	struct oci_config *config = NULL;
	struct error err = {0};
	char text[2048];

	snprintf(text, sizeof(text),
		 "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}, \"annotations\": {%s}, "
		 "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}], \"resources\": {%s}}}",
		 annotations, resources);
	ok(oci_config_parse("config.json", text, strlen(text), &config, &err) == 0, "%s", err.text);
	return config;
}

#define _cleanup_config_ _cleanup_(cleanup_oci_config)

TEST(terms_are_read_from_annotations)
{
	_cleanup_config_ struct oci_config *config =
		config_of("\"io.behalf.cpu.reserve\": \"0.5\", \"org.example\": \"x\", "
			  "\"io.behalf.net\": \"private\", \"io.behalf.workspace\": \"spawn\", "
			  "\"io.behalf.net.egress.reserve\": \"200mbit\"",
			  "");
	struct terms terms = {0};
	struct error err = {0};
	bool any = false;

	must(config);
	is_int(annotations_read_terms(config, &terms, &any, &err), 0);
	ok(any);
	is_uint(terms.cpu.reserve_mcores, 500);
	is_uint(terms.net[TERMS_EGRESS].reserve_bps, 200000000);
}

TEST(without_terms_there_are_none)
{
	_cleanup_config_ struct oci_config *config =
		config_of("\"io.behalf.net\": \"private\", \"org.example\": \"x\"", "");
	struct terms terms = {.cpu.share = 7};
	struct error err = {0};
	bool any = true;

	must(config);
	is_int(annotations_read_terms(config, &terms, &any, &err), 0);
	ok(!any);
	is_uint(terms.cpu.share, 7);
}

TEST(nonsense_names_its_annotation)
{
	static const char *const cases[][2] = {
		{"\"io.behalf.cpu.reserve\": \"lots\"",
		 "annotations: io.behalf.cpu.reserve 'lots'"},
		{"\"io.behalf.cpu.reserved\": \"1\"",
		 "annotations: io.behalf.cpu.reserved: there is no"},
		{"\"io.behalf.cpu.reserve\": \"2\", \"io.behalf.cpu.limit\": \"1\"",
		 "annotations: cpu.reserve 2 is more"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_config_ struct oci_config *config = config_of(cases[i][0], "");
		struct terms terms = {0};
		struct error err = {0};
		bool any;

		must(config);
		ok(annotations_read_terms(config, &terms, &any, &err) < 0);
		has_str(err.text, cases[i][1]);
	}
}

static const struct terms all = {
	.cpu = {.reserve_mcores = 500, .limit_mcores = 1500},
	.memory.limit_bytes = 64 << 20,
	.pids_limit = 50,
};

TEST(terms_become_resources)
{
	_cleanup_config_ struct oci_config *v1 = config_of("", ""), *v2 = config_of("", "");
	struct error err = {0};

	must(v1 && v2);
	annotations_apply_limits(&all, v1);
	is_int(annotations_apply_weight(500, 1, v1, &err), 0);
	is_int(v1->resources.cpu.quota_us, 150000);
	is_uint(v1->resources.cpu.period_us, 100000);
	is_uint(v1->resources.cpu.shares, 32768);
	is_int(v1->resources.memory.limit_bytes, 64 << 20);
	is_int(v1->resources.memory.swap_bytes, 64 << 20);
	is_int(v1->resources.pids_limit, 50);
	is_int(annotations_apply_weight(500, 2, v2, &err), 0);
	ok(!v2->resources.cpu.has_shares);
	must(v2->resources.n_unified == 1);
	is_str(v2->resources.unified[0].key, "cpu.weight");
	is_str(v2->resources.unified[0].value, "1250");
}

TEST(nobody_is_weighed_who_is_promised_no_cpu)
{
	_cleanup_config_ struct oci_config *config = config_of("", "\"cpu\": {\"shares\": 2}");
	struct error err = {0};

	must(config);
	is_int(annotations_apply_weight(0, 1, config, &err), 0);
	is_uint(config->resources.cpu.shares, 2);
}

TEST(the_lower_limit_holds)
{
	_cleanup_config_ struct oci_config *lower =
		config_of("", "\"cpu\": {\"quota\": 10000, \"period\": 50000}, "
			      "\"memory\": {\"limit\": 1048576}, \"pids\": {\"limit\": 7}");
	_cleanup_config_ struct oci_config *higher =
		config_of("", "\"cpu\": {\"quota\": 400000, \"period\": 50000, \"shares\": 2}, "
			      "\"memory\": {\"limit\": -1}, \"pids\": {\"limit\": 700}, "
			      "\"unified\": {\"cpu.weight\": \"1\", \"memory.high\": \"max\"}");
	struct error err = {0};

	must(lower && higher);
	annotations_apply_limits(&all, lower);
	is_int(lower->resources.cpu.quota_us, 10000);
	is_int(lower->resources.memory.limit_bytes, 1048576);
	is_int(lower->resources.pids_limit, 7);
	annotations_apply_limits(&all, higher);
	is_int(annotations_apply_weight(500, 2, higher, &err), 0);
	is_int(higher->resources.cpu.quota_us, 150000);
	is_int(higher->resources.memory.limit_bytes, 64 << 20);
	is_int(higher->resources.pids_limit, 50);
	ok(!higher->resources.cpu.has_shares);
	must(higher->resources.n_unified == 2);
	is_str(higher->resources.unified[0].key, "memory.high");
	is_str(higher->resources.unified[1].value, "1250");
}

TEST(only_what_changes_is_set)
{
	_cleanup_config_ struct oci_config *holder = oci_config_new();
	struct terms now = all;
	struct error err = {0};

	must(holder);
	annotations_change_limits(&all, &now, holder);
	is_int(annotations_change_weight(500, 500, 1, holder, &err), 0);
	ok(!holder->resources.cpu.has_quota && !holder->resources.cpu.has_shares &&
	   !holder->resources.memory.has_limit && !holder->resources.has_pids_limit);
	now.cpu.limit_mcores = 0;
	now.pids_limit = 0;
	now.memory.limit_bytes = 0;
	annotations_change_limits(&all, &now, holder);
	is_int(annotations_change_weight(500, 0, 1, holder, &err), 0);
	is_int(holder->resources.cpu.quota_us, -1);
	is_uint(holder->resources.cpu.shares, 1024);
	is_int(holder->resources.memory.limit_bytes, -1);
	is_int(holder->resources.pids_limit, -1);
}

TEST(an_update_is_held_to_the_terms)
{
	_cleanup_config_ struct oci_config *holder =
		config_of("", "\"cpu\": {\"quota\": -1, \"shares\": 2}, "
			      "\"memory\": {\"limit\": 1073741824}");
	struct error err = {0};

	must(holder);
	annotations_change_limits(&all, &all, holder);
	is_int(annotations_change_weight(500, 500, 1, holder, &err), 0);
	is_int(holder->resources.cpu.quota_us, 150000);
	is_uint(holder->resources.cpu.shares, 32768);
	is_int(holder->resources.memory.limit_bytes, 64 << 20);
	ok(!holder->resources.has_pids_limit);
}
