// SPDX-License-Identifier: GPL-2.0-or-later
#include "oci/config.h"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "tap.h"

static struct oci_config *parse(const char *text, struct error *err)
{
	struct oci_config *config = NULL;

	if (oci_config_parse("config.json", text, strlen(text), &config, err) < 0)
		return NULL;
	return config;
}

TEST(default_spec)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = parse(oci_spec_default(), &err);

	must(config != NULL, "%s", err.text);
	is_str(config->root_path, "rootfs");
	ok(config->root_readonly);
	is_str(config->process->args[0], "sh");
	is_ptr(config->process->args[1], NULL);
	is_str(config->process->cwd, "/");
	is_uint(config->process->capabilities.bounding, 1u << 5 | 1u << 10 | 1u << 29);
	is_uint(config->process->capabilities.inheritable, 0);
	is_uint(config->process->n_rlimits, 1);
	is_int(config->process->rlimits[0].resource, RLIMIT_NOFILE);
	is_uint(config->process->rlimits[0].soft, 1024);
	ok(config->process->no_new_privileges);
	is_str(config->hostname, "behalf");
	is_uint(config->n_namespaces, 5);
	is_uint(config->n_mounts, 7);
	is_str(config->mounts[1].data, "mode=755,size=65536k");
	is_uint(config->mounts[1].flags, MS_NOSUID | MS_STRICTATIME);
	is_uint(config->resources.n_devices, 1);
	is_int(config->resources.devices[0].type, 'a');
	is_int(config->resources.devices[0].major, -1);
	is_uint(config->n_warnings, 0);
}
