// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of scopes and slices, and properties, without systemd. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/systemd.h"
#include "tap.h"

TEST(names_from_a_path)
{
	static const struct {
		const char *path;
		bool user;
		const char *slice, *unit;
	} cases[] = {
		{NULL, false, "system.slice", "behalf-x.scope"},
		{"", true, "user.slice", "behalf-x.scope"},
		{"::", false, "system.slice", "behalf-x.scope"},
		{"machine.slice:libpod:abc", false, "machine.slice", "libpod-abc.scope"},
		{":runc:abc", true, "user.slice", "runc-abc.scope"},
		{"a-b.slice::abc", false, "a-b.slice", "behalf-abc.scope"},
		{"a.slice:p:", false, "a.slice", "p-x.scope"},
		{"/k8s.io/abc", false, NULL, "slice:prefix:name"},
		{"a.slice:p", false, NULL, "slice:prefix:name"},
		{"a.slice:p:n:o", false, NULL, "slice:prefix:name"},
		{"a.slice:p:n/o", false, NULL, "it has a '/'"},
		{"a.slice:p:n+o", false, NULL, "it has a '+'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *slice = NULL, *unit = NULL;
		struct error err = {0};
		int r = systemd_names_of(cases[i].path, "x", cases[i].user, &slice, &unit, &err);

		note("%s", cases[i].path ? cases[i].path : "(none)");
		if (!cases[i].slice) {
			ok(r < 0 && strstr(err.text, cases[i].unit), "refused: %s", err.text);
			continue;
		}
		is_int(r, 0);
		is_str(slice, cases[i].slice);
		is_str(unit, cases[i].unit);
	}
}

TEST(a_name_that_is_too_long)
{
	_cleanup_free_ char *slice = NULL, *unit = NULL;
	struct error err = {0};
	char path[400];

	snprintf(path, sizeof(path), "a.slice:p:%0300d", 1);
	is_int(systemd_names_of(path, "x", false, &slice, &unit, &err), -ENAMETOOLONG);
}

TEST(slices_and_their_paths)
{
	static const char *const cases[][2] = {
		{"a.slice", "/a.slice"},
		{"a-b.slice", "/a.slice/a-b.slice"},
		{"a-b-cd.slice", "/a.slice/a-b.slice/a-b-cd.slice"},
		{"kubepods-besteffort-pod1_2.slice",
		 "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice"},
		{"-.slice", ""},
		{"", NULL},
		{".slice", NULL},
		{"a", NULL},
		{"a.scope", NULL},
		{"-a.slice", NULL},
		{"a-.slice", NULL},
		{"a--b.slice", NULL},
		{"a/b.slice", NULL},
		{"../a.slice", NULL},
		{"--.slice", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;
		struct error err = {0};
		int r = systemd_slice_path(cases[i][0], &path, &err);

		note("%s", cases[i][0]);
		if (cases[i][1]) {
			is_int(r, 0);
			is_str(path, cases[i][1]);
		} else {
			ok(r == -EINVAL && err.text[0], "refused: %s", err.text);
		}
	}
}

/* "TYPE VALUE" of the one property that TEXT becomes, or "refused". */
static char *parsed(const char *name, const char *text)
{
	struct systemd_properties p = {0};
	struct error err = {0};
	char *result;

	if (systemd_add_parsed(&p, name, text, &err) < 0)
		result = string_format("%s", err.text[0] ? "refused" : "refused in silence");
	else if (!strcmp(p.items[0].type, "s"))
		result = string_format("%s s %s", p.items[0].name, p.items[0].text);
	else if (!strcmp(p.items[0].type, "as"))
		result = string_format("%s as %zu %s", p.items[0].name,
				       strv_length(p.items[0].list),
				       p.items[0].list ? p.items[0].list[0] : "");
	else
		result = string_format("%s %s %lld", p.items[0].name, p.items[0].type,
				       (long long)p.items[0].number);
	systemd_properties_free(&p);
	return result;
}

TEST(properties_as_text)
{
	static const char *const cases[][3] = {
		{"CollectMode", "'inactive'", "CollectMode s inactive"},
		{"Description", "\"it\\'s\"", "Description s it's"},
		{"SendSIGHUP", "true", "SendSIGHUP b 1"},
		{"SendSIGHUP", " false ", "SendSIGHUP b 0"},
		{"Before", "['a.service', 'b.service']", "Before as 2 a.service"},
		{"Before", "[]", "Before as 0 "},
		{"CPUWeight", "uint64 50", "CPUWeight t 50"},
		{"CPUWeight", "uint64 18446744073709551615", "CPUWeight t -1"},
		{"KillSignal", "2", "KillSignal i 2"},
		{"Nice", "int32 -5", "Nice i -5"},
		{"Byte", "byte 255", "Byte y 255"},
		{"TimeoutStopUSec", "uint64 1000", "TimeoutStopUSec t 1000"},
		{"TimeoutStopSec", "uint64 3", "TimeoutStopUSec t 3000000"},
		{"TimeoutStopSec", "3", "TimeoutStopUSec t 3000000"},
		{"TimeoutStopSec", "-3", "refused"},
		{"Byte", "byte 256", "refused"},
		{"KillSignal", "2147483648", "refused"},
		{"Nice", "uint64 -5", "refused"},
		{"Nice", "five", "refused"},
		{"Nice", "", "refused"},
		{"Before", "['a.service'", "refused"},
		{"Before", "['a' 'b']", "refused"},
		{"Before", "['a'] x", "refused"},
		{"Description", "'open", "refused"},
		{"Description", "'a' b", "refused"},
		{"X", "true", "refused"},
		{"Bad_Name", "true", "refused"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *result = parsed(cases[i][0], cases[i][1]);

		note("%s=%s", cases[i][0], cases[i][1]);
		is_str(result, cases[i][2]);
	}
}

TEST(lists_of_cpus_as_bits)
{
	static const struct {
		const char *list;
		const char *bytes;
		size_t n;
	} cases[] = {
		{"0", "\x01", 1},
		{"0-3,7", "\x8f", 1},
		{"8", "\x00\x01", 2},
		{"9,1", "\x02\x02", 2},
	};
	static const char *const bad[] = {"a", "3-1", "1-", "1;2", "99999999", "-1", "1,,2"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct systemd_properties p = {0};

		note("%s", cases[i].list);
		is_int(systemd_add_cpu_list(&p, "AllowedCPUs", cases[i].list), 0);
		is_uint(p.items[0].n_bytes, cases[i].n);
		ok(!memcmp(p.items[0].bytes, cases[i].bytes, cases[i].n), "the bits");
		systemd_properties_free(&p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct systemd_properties p = {0};

		is_int(systemd_add_cpu_list(&p, "AllowedCPUs", bad[i]), -EINVAL);
		is_uint(p.n, 0);
	}
}

TEST(without_systemd_a_sentence)
{
	struct systemd *systemd = NULL;
	struct error err = {0};
	int r;

	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	r = systemd_open(true, &systemd, &err);
	ok(r < 0 && strstr(err.text, "systemd"), "%s", err.text);
	systemd_close(systemd);
}
