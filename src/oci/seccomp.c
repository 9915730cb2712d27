// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.seccomp (config-linux.md, "Seccomp"), as names; runtime/seccomp.c makes a program of it. */
#include <string.h>

#include "base/json.h"
#include "oci/parse.h"

const char *const oci_seccomp_actions[] = {
	"SCMP_ACT_ALLOW",	"SCMP_ACT_ERRNO",
	"SCMP_ACT_KILL",	"SCMP_ACT_KILL_PROCESS",
	"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",	"SCMP_ACT_TRACE",
	"SCMP_ACT_TRAP",	NULL,
};

const char *const oci_seccomp_operators[] = {
	"SCMP_CMP_EQ", "SCMP_CMP_GE",	     "SCMP_CMP_GT", "SCMP_CMP_LE",
	"SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE", NULL,
};

/* runtime/seccomp.c knows the number of each, in this order. */
const char *const oci_seccomp_archs[] = {
	"SCMP_ARCH_AARCH64",   "SCMP_ARCH_ARM",	     "SCMP_ARCH_MIPS",	   "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",   "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PARISC",    "SCMP_ARCH_PARISC64", "SCMP_ARCH_PPC",	   "SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE",   "SCMP_ARCH_RISCV64",  "SCMP_ARCH_S390",	   "SCMP_ARCH_S390X",
	"SCMP_ARCH_X32",       "SCMP_ARCH_X86",	     "SCMP_ARCH_X86_64",   NULL,
};

const char *const oci_seccomp_flags[] = {
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	NULL,
};

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static int read_name_of(const struct oci_reader *r, const struct oci_node *at, void *into,
			const char *const *names, const char *what)
{
	const char *name;
	int ret = oci_read_string(r, at, &name);

	if (ret < 0)
		return ret;
	if (!is_one_of(name, names))
		return oci_fail(r, at, "unknown %s '%s'", what, oci_quote(name).text);
	*(const char **)into = name;
	return 0;
}

static int read_action(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return read_name_of(r, at, into, oci_seccomp_actions, "seccomp action");
}

static int read_operator(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return read_name_of(r, at, into, oci_seccomp_operators, "seccomp operator");
}

static int check_names(const struct oci_reader *r, const struct oci_node *at, void *into,
		       const char *const *names, const char *what)
{
	char **v;
	int ret = oci_read_strings(r, at, &v);

	if (ret < 0)
		return ret;
	for (size_t i = 0; v && v[i]; i++)
		if (!is_one_of(v[i], names))
			return oci_fail_element(r, at, i, "unknown %s '%s'", what,
						oci_quote(v[i]).text);
	*(char ***)into = v;
	return 0;
}

static int read_archs(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return check_names(r, at, into, oci_seccomp_archs, "seccomp architecture");
}

static int read_flags(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return check_names(r, at, into, oci_seccomp_flags, "seccomp flag");
}

/* The kernel keeps 16 bits of data; for errors it stops at MAX_ERRNO (include/linux/err.h). */
static int check_errno(const struct oci_reader *r, const struct oci_node *at, const char *key,
		       const char *action, uint32_t value)
{
	uint32_t max = strcmp(action, "SCMP_ACT_ERRNO") == 0   ? 4095
		       : strcmp(action, "SCMP_ACT_TRACE") == 0 ? UINT16_MAX
							       : 0;

	if (max == 0)
		return oci_fail_member(r, at, key, "%s takes no error number", action);
	if (value > max)
		return oci_fail_member(r, at, key, "%u is out of range (0 to %u)", value, max);
	return 0;
}

static int read_index(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, 5, &n);

	if (ret == 0)
		*(unsigned int *)into = (unsigned int)n;
	return ret;
}

static int read_arg(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_seccomp_arg arg;
		bool has_index, has_value;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("index", read_index, seen, arg.index, has_index),
		OCI_FIELD_HAS("value", oci_read_u64, seen, arg.value, has_value),
		OCI_FIELD("valueTwo", oci_read_u64, seen, arg.value_two),
		OCI_FIELD("op", read_operator, seen, arg.op),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_index || !seen.has_value || !seen.arg.op)
		return oci_fail_member(r, at,
				       !seen.has_index	 ? "index"
				       : !seen.has_value ? "value"
							 : "op",
				       "missing");
	*(struct oci_seccomp_arg *)into = seen.arg;
	return 0;
}

static int read_args(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_seccomp_rule *rule = into;

	return oci_read_array(r, at, sizeof(*rule->args), read_arg, &rule->args, &rule->n_args);
}

static int read_rule(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("names", oci_read_strings, oci_seccomp_rule, names),
		OCI_FIELD("action", read_action, oci_seccomp_rule, action),
		OCI_FIELD_HAS("errnoRet", oci_read_u32, oci_seccomp_rule, errno_value, has_errno),
		OCI_FIELD_SELF("args", read_args),
		{0},
	};
	struct oci_seccomp_rule *rule = into;
	int ret = oci_read_object(r, at, fields, rule);

	if (ret < 0)
		return ret;
	if (!rule->names || !rule->action)
		return oci_fail_member(r, at, rule->names ? "action" : "names", "missing");
	if (rule->has_errno)
		return check_errno(r, at, "errnoRet", rule->action, rule->errno_value);
	return 0;
}

static int read_rules(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_seccomp *seccomp = into;

	return oci_read_array(r, at, sizeof(*seccomp->rules), read_rule, &seccomp->rules,
			      &seccomp->n_rules);
}

static const struct oci_field seccomp_fields[] = {
	OCI_FIELD("defaultAction", read_action, oci_seccomp, default_action),
	OCI_FIELD_HAS("defaultErrnoRet", oci_read_u32, oci_seccomp, default_errno,
		      has_default_errno),
	OCI_FIELD("architectures", read_archs, oci_seccomp, architectures),
	OCI_FIELD("flags", read_flags, oci_seccomp, flags),
	OCI_FIELD("listenerPath", oci_read_absolute_path_or_null, oci_seccomp, listener_path),
	OCI_FIELD("listenerMetadata", oci_read_string_or_null, oci_seccomp, listener_metadata),
	OCI_FIELD_SELF("syscalls", read_rules),
	{0},
};

static bool names_call(char **names, const char *call)
{
	for (; *names; names++)
		if (strcmp(*names, call) == 0)
			return true;
	return false;
}

/* The one who would be asked must be known, and must be told before the first question. */
static int check_listener(const struct oci_reader *r, const struct oci_node *at,
			  const struct oci_seccomp *seccomp)
{
	const struct oci_node node = {.parent = at, .key = "syscalls"};

	if (seccomp->listener_metadata && !seccomp->listener_path)
		return oci_fail_member(r, at, "listenerMetadata", "needs listenerPath");
	if (strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0)
		return oci_fail_member(r, at, "defaultAction",
				       "SCMP_ACT_NOTIFY cannot be the action of all system calls");
	for (size_t i = 0; i < seccomp->n_rules; i++) {
		if (strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") != 0)
			continue;
		if (!seccomp->listener_path)
			return oci_fail_element(r, &node, i, "SCMP_ACT_NOTIFY needs listenerPath");
		if (names_call(seccomp->rules[i].names, "sendmsg"))
			return oci_fail_element(r, &node, i,
						"SCMP_ACT_NOTIFY of sendmsg, by which the listener "
						"is handed over, is not supported");
	}
	return 0;
}

int oci_read_seccomp(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_seccomp *seccomp = oci_config_allocate(r->config, 1, sizeof(*seccomp));
	int ret;

	if (!seccomp)
		return error_oom(r->err);
	ret = oci_read_object(r, at, seccomp_fields, seccomp);
	if (ret < 0)
		return ret;
	if (!seccomp->default_action)
		return oci_fail_member(r, at, "defaultAction", "missing");
	if (seccomp->has_default_errno) {
		ret = check_errno(r, at, "defaultErrnoRet", seccomp->default_action,
				  seccomp->default_errno);
		if (ret < 0)
			return ret;
	}
	ret = check_listener(r, at, seccomp);
	if (ret == 0)
		*(struct oci_seccomp **)into = seccomp;
	return ret;
}
