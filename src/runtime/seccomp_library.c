// SPDX-License-Identifier: GPL-2.0-or-later
/* A profile compiled by libseccomp. */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/config.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_bpf.h"
#include "runtime/seccomp_names.h"

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static enum scmp_compare compare_of(const char *op)
{
	switch ((enum seccomp_bpf_operator)seccomp_names_operator(op)) {
	case SECCOMP_BPF_EQ:
		return SCMP_CMP_EQ;
	case SECCOMP_BPF_NE:
		return SCMP_CMP_NE;
	case SECCOMP_BPF_LT:
		return SCMP_CMP_LT;
	case SECCOMP_BPF_LE:
		return SCMP_CMP_LE;
	case SECCOMP_BPF_GT:
		return SCMP_CMP_GT;
	case SECCOMP_BPF_GE:
		return SCMP_CMP_GE;
	case SECCOMP_BPF_MASKED_EQ:
		return SCMP_CMP_MASKED_EQ;
	}
	return _SCMP_CMP_MIN;
}

/* The kernel's SECCOMP_RET_* and libseccomp's SCMP_ACT_* are the same numbers. */
static int add_rule(scmp_filter_ctx filter, const struct oci_seccomp_rule *rule, const char *name,
		    uint32_t action)
{
	struct scmp_arg_cmp args[6];
	unsigned int seen = 0;
	bool alternatives = false;
	int number = seccomp_syscall_resolve_name(name), r = 0;

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (rule->n_args == 0)
		return seccomp_rule_add_array(filter, action, number, 0, NULL);
	for (size_t i = 0; i < rule->n_args; i++) {
		alternatives |= seen & 1u << rule->args[i].index;
		seen |= 1u << rule->args[i].index;
	}
	for (size_t i = 0; r == 0 && i < rule->n_args; i++) {
		size_t at = alternatives ? 0 : i;

		args[at] = (struct scmp_arg_cmp){
			.arg = rule->args[i].index,
			.op = compare_of(rule->args[i].op),
			.datum_a = rule->args[i].value,
			.datum_b = rule->args[i].value_two,
		};
		if (alternatives)
			r = seccomp_rule_add_array(filter, action, number, 1, args);
	}
	if (!alternatives)
		r = seccomp_rule_add_array(filter, action, number, (unsigned int)rule->n_args,
					   args);
	return r == -EEXIST ? 0 : r;
}

static int add_rules(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
		     uint32_t default_action, struct error *err)
{
	for (size_t i = 0; i < seccomp->n_rules; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->rules[i];
		uint32_t action;
		int r = seccomp_names_returns(rule->action, rule->has_errno, rule->errno_value,
					      &action);

		for (char **name = rule->names; r == 0 && *name; name++)
			if (action != default_action)
				r = add_rule(filter, rule, *name, action);
		if (r < 0)
			return error_errno(err, r, "linux.seccomp.syscalls[%zu]", i);
	}
	return 0;
}

static int add_archs(scmp_filter_ctx filter, const struct oci_seccomp *seccomp, struct error *err)
{
	for (char **name = seccomp->architectures; name && *name; name++) {
		int r = seccomp_arch_add(filter, seccomp_names_arch(*name));

		if (r < 0 && r != -EEXIST)
			return error_errno(err, r, "linux.seccomp.architectures: %s", *name);
	}
	return 0;
}

static int export(scmp_filter_ctx filter, const struct oci_seccomp *seccomp,
		  struct seccomp_program **program, struct error *err)
{
	_cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct seccomp_program *made;
	char *code;
	size_t size;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "memfd_create");
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return error_errno(err, r, "linux.seccomp: compile the filter");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "memfd");
	r = fd_read_all(fd, "linux.seccomp", BPF_MAXINSNS * sizeof(struct sock_filter), &code,
			&size, err);
	if (r < 0)
		return r;
	made = calloc(1, sizeof(*made));
	if (!made) {
		free(code);
		return error_oom(err);
	}
	made->filter.filter = (struct sock_filter *)(void *)code;
	made->filter.len = (unsigned short)(size / sizeof(struct sock_filter));
	made->flags = seccomp_names_flags(seccomp);
	*program = made;
	return 0;
}

int seccomp_compile_with_library(const struct oci_seccomp *seccomp,
				 struct seccomp_program **program, struct error *err)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx filter = NULL;
	uint32_t action;
	int r = seccomp_names_returns(seccomp->default_action, seccomp->has_default_errno,
				      seccomp->default_errno, &action);

	if (r < 0)
		return error_set(err, EINVAL, "linux.seccomp.defaultAction: unknown action");
	filter = seccomp_init(action);
	if (!filter)
		return error_oom(err);
	r = add_archs(filter, seccomp, err);
	if (r == 0)
		r = add_rules(filter, seccomp, action, err);
	if (r == 0)
		r = export(filter, seccomp, program, err);
	return r;
}
