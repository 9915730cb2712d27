// SPDX-License-Identifier: GPL-2.0-or-later
/* hooks (config.md, "POSIX-platform Hooks"). */
#include <limits.h>

#include "base/json.h"
#include "oci/parse.h"

const char *const oci_hook_names[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	NULL,
};

/* "timeout is the number of seconds before aborting the hook. If set, MUST be greater than zero." */
static int read_timeout(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int64_t seconds;
	int ret = oci_read_integer(r, at, 1, INT_MAX / 1000, &seconds);

	if (ret == 0)
		*(unsigned int *)into = (unsigned int)seconds;
	return ret;
}

static int read_hook(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("path", oci_read_absolute_path, oci_hook, path),
		OCI_FIELD("args", oci_read_strings, oci_hook, args),
		OCI_FIELD("env", oci_read_strings, oci_hook, env),
		OCI_FIELD("timeout", read_timeout, oci_hook, timeout_s),
		{0},
	};
	struct oci_hook *hook = into;
	int ret = oci_read_object(r, at, fields, hook);

	if (ret == 0 && !hook->path)
		return oci_fail_member(r, at, "path", "missing");
	return ret;
}

#define DEFINE_HOOKS(member)                                                                       \
	static int read_##member(const struct oci_reader *r, const struct oci_node *at,            \
				 void *into)                                                       \
	{                                                                                          \
		struct oci_hooks *hooks = into;                                                    \
                                                                                                   \
		return oci_read_array(r, at, sizeof(*hooks->member), read_hook, &hooks->member,    \
				      &hooks->n_##member);                                         \
	}

DEFINE_HOOKS(prestart)
DEFINE_HOOKS(create_runtime)
DEFINE_HOOKS(create_container)
DEFINE_HOOKS(start_container)
DEFINE_HOOKS(poststart)
DEFINE_HOOKS(poststop)

int oci_read_hooks(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_SELF("prestart", read_prestart),
		OCI_FIELD_SELF("createRuntime", read_create_runtime),
		OCI_FIELD_SELF("createContainer", read_create_container),
		OCI_FIELD_SELF("startContainer", read_start_container),
		OCI_FIELD_SELF("poststart", read_poststart),
		OCI_FIELD_SELF("poststop", read_poststop),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}
