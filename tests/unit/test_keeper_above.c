// SPDX-License-Identifier: GPL-2.0-or-later
/* Weights of groups above those with a reserve, in folders that look like control groups. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/above.h"
#include "keeper/means_cpu.h"

static void put(int dir, const char *weight)
{
	ok(file_replace_at(dir, "cpu.weight", weight, 0600, false, NULL) == 0);
}

static void weighs(int dir, const char *weight)
{
	_cleanup_free_ char *now = NULL;

	file_read_at(dir, "cpu.weight", 4096, &now, NULL, NULL);
	/* unlike the kernel's, this file keeps the end of what was longer before */
	if (now)
		now[strcspn(now, "\n")] = '\0';
	is_str(now, weight);
}

/* On v2 the file of a controller that was switched off and on is another, and says what it says of a new group. */
TEST(a_group_is_raised_again_when_its_controller_was_off)
{
	char path[] = "/tmp/behalf-above-XXXXXX", inner[64];
	struct roster_entry entry = {
		.directory = inner, .means = &means_cpu_v2, .weighed_mcores = 200};
	struct control_workspace workspace = {.reserve = {.wanted = 0.2}};
	struct roster roster = {
		.items = &entry, .control = {.workspaces = &workspace, .n = 1}, .generation = 1};
	_cleanup_free_ char *clean = NULL;
	struct above above = {0};
	struct writer writer = {0};
	_cleanup_close_ int dir = -EBADF;

	if (!ok(mkdtemp(path) != NULL))
		return;
	clean = string_format("rm -rf %s", path);
	snprintf(inner, sizeof(inner), "%s/inner", path);
	is_int(mkdir(inner, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "100\n");
	above_round(&above, &writer, &roster);
	weighs(dir, "600");
	/* its inode is not to come again */
	is_int(renameat(dir, "cpu.weight", dir, "off"), 0);
	above_round(&above, &writer, &roster);
	put(dir, "100\n");
	above_round(&above, &writer, &roster);
	weighs(dir, "600");
	above_clear(&above);
	ok(system(clean) == 0);
}
