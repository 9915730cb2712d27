// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/workspaces.h"

#define _cleanup_workspaces_ _cleanup_(workspaces_clear)

static int parse(const char *text, struct workspaces *workspaces, struct error *err)
{
	return workspaces_parse("web.yaml", text, strlen(text), workspaces, err);
}

static const char yaml[] =
	"# two kinds of servers\n"
	"workspaces:\n"
	"  - name: web\n"
	"    count: 3\n"
	"    cpus: 0-1\n"
	"    path: bridge\n"
	"    cpu: {reserve: 0.5, limit: 2, share: 200}\n"
	"    memory:\n"
	"      reserve: 1GiB\n"
	"      limit: 2GiB\n"
	"    net:\n"
	"      strict: drop\n"
	"      egress: {reserve: 200mbit, packet-size: {expected: 1400, worst: 64}}\n"
	"      ingress: {packet-size-worst: 128, connections: 1k/s}\n"
	"    disk:\n"
	"      - device: /dev/vda\n"
	"        read: {reserve: 50MB/s, reserve-iops: 2000iops}\n"
	"      - write: {limit: 25MiB/s, request-size: 4k, buffered: true}\n"
	"        device: '8:16'\n"
	"  - name: db\n"
	"    disk: {read: {reserve: 1MB/s}}\n";

static const char json[] =
	"{\"workspaces\": [\n"
	"\t{\"name\": \"web\", \"count\": 3, \"cpus\": \"0-1\", \"path\": \"bridge\",\n"
	"\t \"cpu\": {\"reserve\": 0.5, \"limit\": 2, \"share\": 200},\n"
	"\t \"memory\": {\"reserve\": \"1GiB\", \"limit\": \"2GiB\"},\n"
	"\t \"net\": {\"strict\": \"drop\", \"egress\": {\"reserve\": \"200mbit\",\n"
	"\t\t\"packet-size\": 1400, \"packet-size-worst\": 64},\n"
	"\t\t\"ingress\": {\"packet-size\": {\"worst\": 128}, \"connections\": 1000}},\n"
	"\t \"disk\": [{\"device\": \"/dev/vda\", \"read\": {\"reserve\": \"50MB\\/s\",\n"
	"\t\t\"reserve-iops\": 2000}}, {\"device\": \"8:16\", \"write\": {\"limit\":\n"
	"\t\t\"25MiB/s\", \"request-size\": 4096, \"buffered\": true}}]},\n"
	"\t{\"name\": \"db\", \"disk\": {\"read\": {\"reserve\": \"1MB/s\"}}}]}\n";

static void check_example(const char *text)
{
	_cleanup_workspaces_ struct workspaces read = {0};
	const struct workspace *web, *db;
	struct error err = {0};

	must(parse(text, &read, &err) == 0, "%s", err.text);
	must(read.n == 2);
	web = &read.list[0];
	is_str(web->name, "web");
	is_uint(web->count, 3);
	ok(web->has_cpus && cpus_count(&web->cpus) == 2);
	is_uint(web->terms.cpu.reserve_mcores, 500);
	is_uint(web->terms.cpu.limit_mcores, 2000);
	is_uint(web->terms.cpu.share, 200);
	is_uint(web->terms.memory.limit_bytes, 2ull << 30);
	is_str(web->terms.path, "bridge");
	is_int(web->terms.gate, TERMS_GATE_DROP);
	is_uint(web->terms.net[TERMS_EGRESS].reserve_bps, 200000000);
	is_uint(web->terms.net[TERMS_EGRESS].packet_bytes, 1400);
	is_uint(web->terms.net[TERMS_EGRESS].packet_worst_bytes, 64);
	is_uint(web->terms.net[TERMS_INGRESS].packet_worst_bytes, 128);
	is_uint(web->terms.net[TERMS_INGRESS].connections, 1000);
	is_uint(web->terms.n_disks, 2);
	is_str(web->terms.disks[0].device, "/dev/vda");
	is_uint(web->terms.disks[0].flow[TERMS_READ].reserve_bytes, 50000000);
	is_uint(web->terms.disks[0].flow[TERMS_READ].reserve_iops, 2000);
	is_str(web->terms.disks[1].device, "8:16");
	is_uint(web->terms.disks[1].flow[TERMS_WRITE].limit_bytes, 25 << 20);
	is_uint(web->terms.disks[1].flow[TERMS_WRITE].request_bytes, 4096);
	ok(web->terms.disks[1].flow[TERMS_WRITE].buffered);
	db = &read.list[1];
	is_str(db->name, "db");
	is_uint(db->count, 1);
	ok(!db->has_cpus);
	is_str(db->terms.disks[0].device, "");
	is_uint(db->terms.disks[0].flow[TERMS_READ].reserve_bytes, 1000000);
}

TEST(yaml_and_json_say_the_same)
{
	check_example(yaml);
	check_example(json);
}

#define ONE "workspaces:\n- name: web\n"

TEST(nonsense_is_refused_with_file_line_and_key)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"", "web.yaml: there are no workspaces"},
		{"# nothing\n", "web.yaml: there are no workspaces"},
		{"[1]", "web.yaml:1: the key 'workspaces'"},
		{"{}", "web.yaml:1: the key 'workspaces'"},
		{"workspaces: 1\n", "web.yaml:1: workspaces: a list is wanted"},
		{"workspace: []\n", "web.yaml:1: workspace: there is no such key"},
		{"workspaces: [1]\n", "web.yaml:1: workspaces[0]: a workspace with its terms"},
		{"workspaces:\n- cpu: {reserve: 1}\n", "web.yaml:2: workspaces[0]: it has no name"},
		{"workspaces:\n- name: a/b\n", "web.yaml:2: workspaces[0].name: 'a/b'"},
		{"workspaces:\n- name: [a]\n", "web.yaml:2: workspaces[0].name: one value"},
		{"workspaces:\n- name: \"a\\0b\"\n", "workspaces[0].name: the value has a NUL"},
		{ONE "- name: db\n- name: web\n",
		 "web.yaml:4: workspaces[2].name 'web': the one of line 2"},
		{ONE "  name: db\n", "web.yaml:3: workspaces[0].name: is there already"},
		{ONE "  count: 0\n", "web.yaml:3: workspaces[0].count: '0'"},
		{ONE "  count: many\n", "web.yaml:3: workspaces[0].count: 'many'"},
		{ONE "  cpus: 1-\n", "web.yaml:3: workspaces[0].cpus: '1-'"},
		{ONE "  cpu: 2\n", "web.yaml:3: workspaces[0].cpu: keys with values are wanted"},
		{ONE "  cpu: [2]\n", "web.yaml:3: workspaces[0].cpu: keys with values are wanted"},
		{ONE "  luck: 2\n", "web.yaml:3: workspaces[0].luck: there is no such term"},
		{ONE "  cpu.reserve: 2\n",
		 "web.yaml:3: workspaces[0].cpu.reserve: there is no such"},
		{ONE "  disk[0]: {}\n", "web.yaml:3: workspaces[0].disk[0]: there is no such key"},
		{ONE "  cpu:\n    reserve: x\n",
		 "web.yaml:4: workspaces[0].cpu.reserve 'x': a number"},
		{ONE "  cpu: {reserve: }\n", "web.yaml:3: workspaces[0].cpu.reserve '': a number"},
		{ONE "  cpu: {reserve: {much: 1}}\n", "workspaces[0].cpu.reserve: one value"},
		{ONE "  cpu: {reserved: 1}\n", "workspaces[0].cpu.reserved: there is no such term"},
		{ONE "  cpu: {reserve: 2, limit: 1}\n",
		 "web.yaml:2: workspaces[0]: cpu.reserve 2 is more than cpu.limit 1"},
		{ONE "  net: {egress: {reserve: 50MB/s}}\n",
		 "web.yaml:3: workspaces[0].net.egress.reserve '50MB/s': a rate in bits"},
		{ONE "  net: {sideways: {reserve: 1mbit}}\n",
		 "net.sideways: there is no such term"},
		{ONE "  path: wire\n", "web.yaml:3: workspaces[0].path 'wire': bridge"},
		{ONE "  disk: [1]\n", "web.yaml:3: workspaces[0].disk[0]: a disk with its terms"},
		{ONE "  disk:\n  - device: vda\n    read: {reserve: 1MB/s}\n",
		 "web.yaml:5: workspaces[0].disk[0].read.reserve: 'vda' is no device"},
		{ONE "  disk:\n  - {device: '8:0', read: {reserve: 1mbit}}\n",
		 "web.yaml:4: workspaces[0].disk[0].read.reserve '1mbit': a rate in bytes"},
		{ONE "  {[1]: 2}\n", "web.yaml:4: "},
		{"workspaces:\n- {? [a] : 1}\n", "web.yaml:2: workspaces[0]: one value is wanted"},
		{ONE "  cpu: {reserve: 1\n", "web.yaml:"},
		{"workspaces: [{\"name\": \"a\"}\n", "web.yaml:2: "},
		{ONE "\tcpu: 1\n", "web.yaml:3: "},
		{ONE "---\n" ONE, "web.yaml:4: a second document"},
		{"workspaces:\n- &a {name: a}\n- *a\n", "workspaces[1]: is used again by an alias"},
		{"workspaces: &a [*a]\n", "alias"},
		{"workspaces:\n- *nobody\n", "web.yaml:2: "},
		{"\xff\xfe\xff", "web.yaml:"},
		{ONE "  a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}\n", "web.yaml:3: "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_workspaces_ struct workspaces read = {0};
		struct error err = {0};

		note("%s", cases[i].text);
		must(parse(cases[i].text, &read, &err) < 0);
		is_ptr(read.list, NULL);
		has_str(err.text, cases[i].said);
	}
}

/* JSON with a comma too much is good YAML. */
TEST(what_is_called_json_is_held_to_it)
{
	static const char text[] = "{\"workspaces\": [\n{\"name\": \"web\"},\n]}\n";
	_cleanup_workspaces_ struct workspaces read = {0};
	struct error err = {0};

	ok(parse(text, &read, &err) == 0, "%s", err.text);
	is_int(workspaces_parse("web.json", text, strlen(text), &read, &err), -EINVAL);
	ok(strncmp(err.text, "web.json: line 3: ", 18) == 0, "%s", err.text);
}

TEST(nobody_is_called_as_the_host_is)
{
	_cleanup_workspaces_ struct workspaces read = {0};
	struct error err = {0};

	is_int(parse("workspaces:\n- name: hosts\n- name: host\n", &read, &err), -EINVAL);
	is_str(err.text,
	       "web.yaml:3: workspaces[1].name: 'host' is what the host's own part is called");
}

TEST(aliases_are_no_bomb)
{
	_cleanup_workspaces_ struct workspaces read = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	struct error err = {0};
	size_t size;

	out = open_memstream(&text, &size);
	must(out);
	fputs("workspaces:\n- name: a\n  disk: &d0 [{read: {limit: 1MB/s}}]\n", out);
	for (int i = 1; i < 20; i++) {
		fprintf(out, "- name: a%d\n  disk: &d%d [", i, i);
		for (int j = 0; j < 20; j++)
			fprintf(out, "%s*d%d", j ? ", " : "", i - 1);
		fputs("]\n", out);
	}
	fclose(take_ptr(out));
	is_int(parse(text, &read, &err), -EINVAL);
	has_str(err.text, "alias");
}

TEST(ten_thousand_workspaces)
{
	_cleanup_workspaces_ struct workspaces read = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	struct error err = {0};
	size_t size;

	out = open_memstream(&text, &size);
	must(out);
	fputs("workspaces:\n", out);
	for (int i = 0; i < 10000; i++)
		fprintf(out, "- name: w%d\n  cpu: {reserve: %dm}\n", i, i + 1);
	fclose(take_ptr(out));
	must(workspaces_parse("many", text, size, &read, &err) == 0, "%s", err.text);
	must(read.n == 10000);
	is_str(read.list[9999].name, "w9999");
	is_uint(read.list[9999].terms.cpu.reserve_mcores, 10000);
	is_uint(read.list[9999].line, 20000);
}

TEST(every_term_has_its_key)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_workspaces_ struct workspaces read = {0};
		_cleanup_free_ char *text = NULL, *nested = NULL, *back = NULL;
		_cleanup_fclose_ FILE *out = NULL;
		const char *value = kind->type == TERM_SWITCH	  ? "true"
				    : kind->type == TERM_PATH	  ? "host"
				    : kind->type == TERM_GATE	  ? "drop"
				    : kind->unit == UNIT_BIT_RATE ? "9600"
								  : "1000";
		char *rest, *key;
		struct error err = {0};
		unsigned int depth = 0;
		size_t size;

		nested = strdup(kind->annotation + strlen("io.behalf."));
		out = open_memstream(&text, &size);
		must(nested && out);
		fputs("workspaces: [{name: a", out);
		for (rest = nested; (key = strsep(&rest, ".")); depth++)
			fprintf(out, "%s%s: ", depth ? "{" : ", ", key);
		fputs(value, out);
		while (--depth)
			fputs("}", out);
		fputs("}]", out);
		fclose(take_ptr(out));
		must(parse(text, &read, &err) == 0, "%s", err.text);
		back = terms_format(&read.list[0].terms, kind);
		must(back, "%s", text);
	}
}
