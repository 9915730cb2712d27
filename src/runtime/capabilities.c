// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why in this order (capabilities(7)):
 * 1. the bounding set is cut while CAP_SETPCAP is effective;
 * 2. PR_SET_KEEPCAPS, because setresuid() from 0 to another user clears the permitted set otherwise
 *    (the effective set is cleared in any case);
 * 3. the change of user, by the caller;
 * 4. inheritable, permitted and effective in one capset(2). The kernel allows what is a subset: new
 *    permitted of old permitted, new effective of new permitted, new inheritable of the old
 *    inheritable and permitted, and of the bounding set. So each set is cut to what will be allowed;
 * 5. ambient last: it must be permitted and inheritable already.
 * execve(2) clears PR_SET_KEEPCAPS itself.
 */
#include "runtime/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/config.h"

#define BITS 64

struct sets {
	uint64_t effective, permitted, inheritable;
};

static const struct oci_capabilities nothing;

static int get(struct sets *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int set(const struct sets *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[2] = {
		{(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
		{(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32),
		 (uint32_t)(sets->inheritable >> 32)},
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static const char *name_of(int capability)
{
	int n = 0;

	while (oci_capability_names[n])
		n++;
	return capability < n ? oci_capability_names[capability] : "a capability";
}

/*
 * Goes up to the kernel's last capability, which may be above all we know the names of: what is
 * unknown must be dropped just the same.
 */
static int drop_bounding(uint64_t keep, struct error *err)
{
	for (int i = 0; i < BITS; i++) {
		if (keep & UINT64_C(1) << i)
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* beyond the last one */
		if (errno == EPERM && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 0)
			continue; /* was not there */
		return error_errno(err, errno, "process.capabilities.bounding: drop %s",
				   name_of(i));
	}
	return 0;
}

int capabilities_prepare(const struct oci_capabilities *caps, struct error *err)
{
	int r = drop_bounding(caps ? caps->bounding : 0, err);

	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.capabilities: keep them for the user");
	return 0;
}

static int raise_ambient(uint64_t ambient, struct error *err)
{
	/* EINVAL: a kernel before 4.3 has no ambient set */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return error_errno(err, errno, "process.capabilities.ambient");
	for (int i = 0; i < BITS; i++) {
		if (!(ambient & UINT64_C(1) << i))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return error_errno(err, errno, "process.capabilities.ambient: raise %s",
					   name_of(i));
	}
	return 0;
}

int capabilities_apply(const struct oci_capabilities *caps, struct error *err)
{
	struct sets have, want;
	int r = get(&have);

	if (r < 0)
		return error_errno(err, r, "read the capabilities");
	if (!caps)
		caps = &nothing;
	want.permitted = caps->permitted & have.permitted;
	want.effective = caps->effective & want.permitted;
	want.inheritable = caps->inheritable & (have.inheritable | have.permitted) &
			   (have.inheritable | caps->bounding);
	r = set(&want);
	if (r < 0)
		return error_errno(err, r, "process.capabilities: set them");
	return raise_ambient(caps->ambient & want.permitted & want.inheritable, err);
}

uint64_t capabilities_missing(const struct oci_capabilities *caps)
{
	uint64_t asked = caps->bounding | caps->effective | caps->permitted | caps->inheritable |
			 caps->ambient;
	struct sets have;

	if (get(&have) < 0)
		return 0;
	return asked & ~have.permitted;
}

void capabilities_format(uint64_t set_of, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < BITS && used < size; i++) {
		int n;

		if (!(set_of & UINT64_C(1) << i))
			continue;
		n = snprintf(text + used, size - used, "%s%s", used ? ", " : "", name_of(i));
		used += n > 0 ? (size_t)n : 0;
	}
}
