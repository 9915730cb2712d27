// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What callers of crun ask for by annotations. One that nobody knows is to be passed over (config.md,
 * "Annotations"); these are known. Where a container would be another than was asked for without it, it is
 * refused, where it would lack something a warning tells.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "oci/parse.h"

/* Of mount(8): what a label is the label of. */
static const char *const mount_contexts[] = {"context", "fscontext", "defcontext", "rootcontext",
					     NULL};

static const struct left_out {
	const char *key;
	bool refused;
	const char *why;
} left_out[] = {
	{"run.oci.delegate-cgroup", false, "no group is made below the container's"},
	{"run.oci.handler", true, "there are no other ways than the kernel's to run a program"},
	{"run.oci.seccomp.plugins", false, "use linux.seccomp.listenerPath"},
	{"run.oci.seccomp.receiver", false, "use linux.seccomp.listenerPath"},
	{"run.oci.seccomp_bpf_data", true, "filters are made of linux.seccomp alone"},
	{"run.oci.systemd.force_cgroup_v1", false, "the groups are those that the host has"},
	{"run.oci.systemd.subgroup", false, "no group is made below the scope"},
	{"run.oci.timens_offset", false, "use linux.timeOffsets"},
	{0},
};

static int read_mount_context(const struct oci_reader *r, const struct oci_node *at,
			      const char **context, const char *value)
{
	for (const char *const *c = mount_contexts; *c; c++) {
		if (strcmp(*c, value) != 0)
			continue;
		*context = *c;
		return 0;
	}
	return oci_fail(r, at, "'%s' is not one of context, fscontext, defcontext and rootcontext",
			oci_quote(value).text);
}

static int make_mount_option(const struct oci_reader *r, struct oci_config *config,
			     const char *context)
{
	_cleanup_free_ char *text = string_format("%s=%s", context, config->mount_label);

	config->mount_option = text ? oci_config_strdup(config, text) : NULL;
	return config->mount_option ? 0 : error_oom(r->err);
}

static int read_path(const struct oci_reader *r, const struct oci_node *at, const char **path,
		     const char *value)
{
	if (*value != '/')
		return oci_fail(r, at, "'%s' is not an absolute path", oci_quote(value).text);
	*path = value;
	return 0;
}

static int tell_left_out(const struct oci_reader *r, const struct oci_node *at, const char *value)
{
	/* Empty is how one is switched off. */
	for (const struct left_out *l = left_out; *value && l->key; l++) {
		if (strcmp(l->key, at->key) != 0)
			continue;
		return l->refused ? oci_fail(r, at, "not supported: %s", l->why)
				  : oci_warn(r, at, "left out: %s", l->why);
	}
	return 0;
}

int oci_read_known_annotations(const struct oci_reader *r, const struct oci_node *root,
			       struct oci_config *config)
{
	const struct oci_node annotations = {.parent = root, .key = "annotations"};
	const char *context = mount_contexts[0];
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < config->n_annotations; i++) {
		const char *key = config->annotations[i].key, *value = config->annotations[i].value;
		const struct oci_node at = {.parent = &annotations, .key = key};

		if (strncmp(key, "run.oci.", strlen("run.oci.")) != 0)
			continue;
		if (strcmp(key, OCI_ANNOTATION_MOUNT_CONTEXT) == 0)
			ret = read_mount_context(r, &at, &context, value);
		else if (strcmp(key, OCI_ANNOTATION_HOOKS_STDOUT) == 0)
			ret = read_path(r, &at, &config->hooks.stdout_path, value);
		else if (strcmp(key, OCI_ANNOTATION_HOOKS_STDERR) == 0)
			ret = read_path(r, &at, &config->hooks.stderr_path, value);
		else if (strcmp(key, OCI_ANNOTATION_PIDFD_RECEIVER) == 0)
			ret = read_path(r, &at, &config->pidfd_receiver, value);
		else
			ret = tell_left_out(r, &at, value);
	}
	return ret == 0 && config->mount_label ? make_mount_option(r, config, context) : ret;
}
