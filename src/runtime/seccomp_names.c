// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/seccomp_names.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/config.h"
#include "runtime/seccomp_bpf.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

struct name {
	const char *name;
	uint32_t value;
};

static const struct name actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
};

static const struct name archs[] = {
	{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
	{"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
	{"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
	{"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
	{"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
	{"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
	{"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
	{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
	{"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
	{"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
	{"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
	{"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
	{"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
	{"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
	{"SCMP_ARCH_S390", SCMP_ARCH_S390},
	{"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
	{"SCMP_ARCH_X32", SCMP_ARCH_X32},
	{"SCMP_ARCH_X86", SCMP_ARCH_X86},
	{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
};

static const struct name operators[] = {
	{"SCMP_CMP_EQ", SECCOMP_BPF_EQ}, {"SCMP_CMP_GE", SECCOMP_BPF_GE},
	{"SCMP_CMP_GT", SECCOMP_BPF_GT}, {"SCMP_CMP_LE", SECCOMP_BPF_LE},
	{"SCMP_CMP_LT", SECCOMP_BPF_LT}, {"SCMP_CMP_MASKED_EQ", SECCOMP_BPF_MASKED_EQ},
	{"SCMP_CMP_NE", SECCOMP_BPF_NE},
};

static const struct name flags[] = {
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static const struct name *find(const struct name *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

int seccomp_names_returns(const char *action, bool has_errno, uint32_t errno_value,
			  uint32_t *returns)
{
	const struct name *found = find(actions, ARRAY_SIZE(actions), action);
	uint32_t data = 0;

	if (!found)
		return -EINVAL;
	if (found->value == SECCOMP_RET_ERRNO || found->value == SECCOMP_RET_TRACE)
		data = has_errno ? errno_value & SECCOMP_RET_DATA : EPERM;
	*returns = found->value | data;
	return 0;
}

uint32_t seccomp_names_arch(const char *name)
{
	const struct name *found = find(archs, ARRAY_SIZE(archs), name);

	return found ? found->value : 0;
}

int seccomp_names_operator(const char *name)
{
	const struct name *found = find(operators, ARRAY_SIZE(operators), name);

	return found ? (int)found->value : -EINVAL;
}

static bool notifies(const struct oci_seccomp *seccomp)
{
	for (size_t i = 0; i < seccomp->n_rules; i++)
		if (strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") == 0)
			return true;
	return false;
}

/*
 * There is one thread, so nothing is lost without TSYNC, which the kernel refuses beside a listener; and
 * WAIT_KILLABLE_RECV it refuses without one (kernel/seccomp.c, seccomp_set_mode_filter).
 */
unsigned int seccomp_names_flags(const struct oci_seccomp *seccomp)
{
	unsigned int set = 0;

	for (char **flag = seccomp->flags; flag && *flag; flag++)
		set |= seccomp_names_flag(*flag);
	if (!notifies(seccomp))
		return set & ~(unsigned int)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	set &= ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC;
	return set | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

unsigned int seccomp_names_flag(const char *name)
{
	const struct name *found = find(flags, ARRAY_SIZE(flags), name);

	return found ? found->value : 0;
}

/*
 * The kernel looks at the flags before it looks at the program (kernel/seccomp.c, seccomp_set_mode_filter):
 * no program is EFAULT beside a flag that it knows, and EINVAL beside one that it does not.
 */
bool seccomp_names_has_flag(const char *name)
{
	unsigned long flag = seccomp_names_flag(name);

	/* Refused without a listener. */
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return flag && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 &&
	       errno == EFAULT;
}
