// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The features document (features.md, features-linux.md): what this build does, whatever the host has,
 * but the flags of seccomp that are supported, which the specification wants of this kernel. Each list is
 * the parser's own, so nothing can be told here that is refused there.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/systemd.h"
#include "oci/config.h"
#include "runtime/seccomp_names.h"

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void add_names(struct json_object *object, const char *key, const char *const *names)
{
	struct json_object *array = json_add_array(object, key);

	for (; *names; names++)
		json_object_array_add(array, json_object_new_string(*names));
}

static void add_mount_options(struct json_object *object)
{
	struct json_object *array = json_add_array(object, "mountOptions");
	const char *name;

	for (size_t i = 0; (name = oci_mount_option_name(i)); i++)
		json_object_array_add(array, json_object_new_string(name));
}

static void add_cgroup(struct json_object *linux_features)
{
	struct json_object *cgroup = json_add_object(linux_features, "cgroup");

	json_add_bool(cgroup, "v1", true);
	json_add_bool(cgroup, "v2", true);
	json_add_bool(cgroup, "systemd", systemd_is_built_in());
	json_add_bool(cgroup, "systemdUser", systemd_is_built_in());
	json_add_bool(cgroup, "rdma", true);
}

static void add_supported_flags(struct json_object *seccomp)
{
	struct json_object *array = json_add_array(seccomp, "supportedFlags");

	for (const char *const *name = oci_seccomp_flags; *name; name++)
		if (seccomp_names_has_flag(*name))
			json_object_array_add(array, json_object_new_string(*name));
}

static void add_seccomp(struct json_object *linux_features)
{
	struct json_object *seccomp = json_add_object(linux_features, "seccomp");

	json_add_bool(seccomp, "enabled", true);
	add_names(seccomp, "actions", oci_seccomp_actions);
	add_names(seccomp, "operators", oci_seccomp_operators);
	add_names(seccomp, "archs", oci_seccomp_archs);
	add_names(seccomp, "knownFlags", oci_seccomp_flags);
	add_supported_flags(seccomp);
}

static void add_values(struct json_object *object, const char *key, const struct oci_name *names)
{
	struct json_object *array = json_add_array(object, key);

	for (; names->name; names++)
		json_object_array_add(array, json_object_new_string(names->name));
}

static void add_linux(struct json_object *features)
{
	struct json_object *linux_features = json_add_object(features, "linux"), *extensions;
	struct json_object *policy, *rdt;

	add_names(linux_features, "namespaces", oci_namespace_names);
	add_names(linux_features, "capabilities", oci_capability_names);
	add_cgroup(linux_features);
	add_seccomp(linux_features);
	json_add_bool(json_add_object(linux_features, "apparmor"), "enabled", true);
	json_add_bool(json_add_object(linux_features, "selinux"), "enabled", true);
	rdt = json_add_object(linux_features, "intelRdt");
	json_add_bool(rdt, "enabled", true);
	json_add_bool(rdt, "schemata", true);
	json_add_bool(rdt, "monitoring", true);
	policy = json_add_object(linux_features, "memoryPolicy");
	add_values(policy, "modes", oci_memory_policy_modes);
	add_values(policy, "flags", oci_memory_policy_flags);
	extensions = json_add_object(linux_features, "mountExtensions");
	json_add_bool(json_add_object(extensions, "idmap"), "enabled", true);
	json_add_bool(json_add_object(linux_features, "netDevices"), "enabled", true);
}

/* What in config.json's annotations changes what we do: a dot at the end means all that begin so. */
static void add_unsafe_annotations(struct json_object *features)
{
	static const char *const names[] = {
		"io.behalf.",
		"org.systemd.property.",
		OCI_ANNOTATION_HOOKS_STDERR,
		OCI_ANNOTATION_HOOKS_STDOUT,
		OCI_ANNOTATION_KEEP_GROUPS,
		OCI_ANNOTATION_MOUNT_CONTEXT,
		OCI_ANNOTATION_PIDFD_RECEIVER,
		NULL,
	};

	add_names(features, "potentiallyUnsafeConfigAnnotations", names);
}

static void add_annotations(struct json_object *features)
{
	struct json_object *annotations = json_add_object(features, "annotations");
	const struct scmp_version *version = seccomp_version();
	_cleanup_free_ char *text = NULL;

	json_add_string(annotations, "io.behalf.version", BEHALF_VERSION);
	if (version)
		text = string_format("%u.%u.%u", version->major, version->minor, version->micro);
	json_add_string(annotations, "io.github.seccomp.libseccomp.version", text);
}

int cmd_features(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_json_ struct json_object *features = NULL;
	int opt;

	(void)ctx;
	while ((opt = options_next(argc, argv, "h", options)) != -1) {
		if (opt != 'h')
			return EXIT_FAILURE;
		puts("Usage: behalf features\n"
		     "Prints what this build can do, as the features document of the OCI runtime\n"
		     "specification.");
		return EXIT_SUCCESS;
	}
	if (optind < argc) {
		log_error("features: unexpected argument '%s'", argv[optind]);
		return EXIT_FAILURE;
	}
	features = json_object_new_object();
	json_add_string(features, "ociVersionMin", "1.0.0");
	json_add_string(features, "ociVersionMax", OCI_VERSION_MAX);
	add_names(features, "hooks", oci_hook_names);
	add_mount_options(features);
	add_linux(features);
	add_annotations(features);
	add_unsafe_annotations(features);
	puts(json_text(features, true));
	return EXIT_SUCCESS;
}
