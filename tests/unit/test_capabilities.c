// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/capabilities.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/config.h"
#include "tap.h"

#define BIT(capability) (UINT64_C(1) << (capability))

struct sets {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static bool read_sets(struct sets *sets)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/status", "re");
	unsigned int found = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long v;

		if (sscanf(line, "Cap%*3s: %llx", &v) != 1)
			continue;
		if (strncmp(line, "CapInh", 6) == 0)
			sets->inheritable = v;
		else if (strncmp(line, "CapPrm", 6) == 0)
			sets->permitted = v;
		else if (strncmp(line, "CapEff", 6) == 0)
			sets->effective = v;
		else if (strncmp(line, "CapBnd", 6) == 0)
			sets->bounding = v;
		else if (strncmp(line, "CapAmb", 6) == 0)
			sets->ambient = v;
		else
			continue;
		found++;
	}
	return found == 5;
}

/* Becomes UID with CAPS in this process, which is a test's own. */
static bool become(const struct oci_capabilities *caps, uid_t uid, struct sets *sets)
{
	struct error err = {0};

	return ok(capabilities_prepare(caps, &err) == 0, "%s", err.text) &&
	       ok(setgroups(0, NULL) == 0) && ok(setresgid(uid, uid, uid) == 0) &&
	       ok(setresuid(uid, uid, uid) == 0) &&
	       ok(capabilities_apply(caps, &err) == 0, "%s", err.text) && ok(read_sets(sets));
}

static bool can_test(void)
{
	struct sets have;
	const uint64_t needed = BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SETGID) |
				BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_NET_BIND_SERVICE);

	return read_sets(&have) && (have.effective & needed) == needed;
}

TEST(each_set_is_what_was_asked)
{
	const struct oci_capabilities caps = {
		.bounding = BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_NET_BIND_SERVICE),
		.permitted = BIT(CAP_KILL) | BIT(CAP_CHOWN),
		.effective = BIT(CAP_KILL),
		.inheritable = BIT(CAP_KILL),
		.ambient = BIT(CAP_KILL),
	};
	struct sets sets;

	if (!can_test())
		skip("needs root");
	must(become(&caps, 1000, &sets));
	is_uint(sets.bounding, caps.bounding);
	is_uint(sets.permitted, caps.permitted);
	is_uint(sets.effective, caps.effective);
	is_uint(sets.inheritable, caps.inheritable);
	is_uint(sets.ambient, caps.ambient);
}

TEST(root_is_cut_down_too)
{
	const struct oci_capabilities caps = {
		.bounding = BIT(CAP_KILL), .permitted = BIT(CAP_KILL), .effective = BIT(CAP_KILL)};
	struct sets sets;

	if (!can_test())
		skip("needs root");
	must(become(&caps, 0, &sets));
	is_uint(sets.bounding, BIT(CAP_KILL));
	is_uint(sets.permitted, BIT(CAP_KILL));
	is_uint(sets.effective, BIT(CAP_KILL));
	is_uint(sets.inheritable, 0);
	is_uint(sets.ambient, 0);
}

TEST(nothing_means_nothing)
{
	struct sets sets;

	if (!can_test())
		skip("needs root");
	must(become(NULL, 0, &sets));
	is_uint(sets.bounding, 0);
	is_uint(sets.permitted, 0);
	is_uint(sets.effective, 0);
}

/* What cannot be granted is left out, and what depends on it as well. */
TEST(what_is_not_there_is_left_out)
{
	const struct oci_capabilities without = {.bounding = ~BIT(CAP_CHOWN),
						 .permitted = ~BIT(CAP_CHOWN),
						 .effective = ~BIT(CAP_CHOWN)};
	const struct oci_capabilities caps = {
		.bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(60),
		.permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(60),
		.effective = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE),
		.inheritable = BIT(CAP_CHOWN) | BIT(CAP_KILL),
		.ambient = BIT(CAP_CHOWN) | BIT(CAP_KILL),
	};
	char names[256];
	struct sets sets;

	if (!can_test())
		skip("needs root");
	must(become(&without, 0, &sets));
	ok(!(sets.permitted & BIT(CAP_CHOWN)));
	is_uint(capabilities_missing(&caps), BIT(CAP_CHOWN) | BIT(60));
	capabilities_format(BIT(CAP_CHOWN) | BIT(CAP_KILL), names, sizeof(names));
	is_str(names, "CAP_CHOWN, CAP_KILL");
	must(become(&caps, 1000, &sets));
	is_uint(sets.bounding, BIT(CAP_KILL));
	is_uint(sets.permitted, BIT(CAP_KILL));
	is_uint(sets.effective, BIT(CAP_KILL));
	is_uint(sets.inheritable, BIT(CAP_KILL));
	is_uint(sets.ambient, BIT(CAP_KILL));
}

TEST(names_that_do_not_fit_are_cut)
{
	char names[8];

	capabilities_format(UINT64_MAX, names, sizeof(names));
	ok(strlen(names) < sizeof(names));
}

TEST(a_process_without_privilege_is_told)
{
	const struct oci_capabilities caps = {.bounding = BIT(CAP_KILL)};
	struct error err = {0};
	struct sets sets;

	if (!can_test())
		skip("needs root");
	must(setresuid(1000, 1000, 1000) == 0);
	must(read_sets(&sets));
	is_int(capabilities_prepare(&caps, &err), -EPERM);
	has_str(err.text, "process.capabilities.bounding: drop CAP_");
}
