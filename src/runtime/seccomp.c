// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation
 *
 * The profile engines send by default names 430 system calls for three ABIs; libseccomp takes 11 ms
 * to make a program of it, more than all the rest of a container's start. So libseccomp is asked for
 * what only it knows, the numbers of the names, and the program is generated here (seccomp_bpf.c) in
 * a hundredth of the time. Where a machine's ABIs are not in the table below, libseccomp compiles.
 *
 * What a profile means is kept as libseccomp has it, and a test compares the two programs on every
 * number:
 * - a rule without conditions beats those with conditions; of several, the first holds;
 * - rules with conditions are tried in the order of the profile;
 * - a rule that does what is done by default anyway is left out;
 * - an ABI that is not listed is not let through: its calls kill the thread.
 *
 * And two things are as runc has them:
 * - several conditions on one argument are alternatives (libseccomp refuses them);
 * - where the default is an error other than ENOSYS, numbers above all that the profile knows return
 *   ENOSYS, so that a C library newer than the profile falls back to the older call.
 *
 * i386 has two ways to the same socket and System V IPC calls: directly, or through socketcall(2) and
 * ipc(2) with the call as the first argument. A rule is applied to both; the arguments of the second
 * way lie in memory where no filter can look, so a rule with conditions is applied to it only when it
 * is stricter than the default, and then to every call.
 */
#include "runtime/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/config.h"
#include "runtime/seccomp_bpf.h"
#include "runtime/seccomp_names.h"

#define X32_BIT 0x40000000u

/* ---- ABIs ---- */

static const struct abi {
	uint32_t native; /* SCMP_ARCH_* of the kernel that has it */
	uint32_t arch;	 /* SCMP_ARCH_* */
	uint32_t audit_arch;
	uint32_t first, last;
	bool wide;
	bool multiplexed;
} abis[] = {
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0, X32_BIT - 1, true, false},
	{SCMP_ARCH_X86_64, SCMP_ARCH_X32, AUDIT_ARCH_X86_64, X32_BIT, UINT32_MAX - 1, false, false},
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86, AUDIT_ARCH_I386, 0, UINT32_MAX, false, true},
	{SCMP_ARCH_X86, SCMP_ARCH_X86, AUDIT_ARCH_I386, 0, UINT32_MAX, false, true},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 0, UINT32_MAX, true, false},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0, UINT32_MAX, false, false},
	{SCMP_ARCH_ARM, SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0, UINT32_MAX, false, false},
};

#define ABIS_MAX 3

static bool wants_arch(const struct oci_seccomp *seccomp, uint32_t arch)
{
	for (char **name = seccomp->architectures; name && *name; name++)
		if (seccomp_names_arch(*name) == arch)
			return true;
	return arch == seccomp_arch_native();
}

/* ---- i386's second way to some calls ---- */

#define I386_SOCKETCALL 102
#define I386_IPC 117

/*
 * libseccomp gives these names numbers of its own: -100 and -200 minus the call. Numbers of the direct
 * way: arch/x86/entry/syscalls/syscall_32.tbl; 0: there is none.
 */
static const uint16_t i386_socket_direct[] = {
	[1] = 359,  [2] = 361,	[3] = 362,  [4] = 363,	[6] = 367,  [7] = 368,
	[8] = 360,  [11] = 369, [12] = 371, [13] = 373, [14] = 366, [15] = 365,
	[16] = 370, [17] = 372, [18] = 364, [19] = 337, [20] = 345,
};
static const uint16_t i386_ipc_direct[] = {
	[2] = 393,  [3] = 394,	[11] = 400, [12] = 401, [13] = 399,
	[14] = 402, [21] = 397, [22] = 398, [23] = 395, [24] = 396,
};

struct multiplexed {
	uint32_t by;	 /* the number of socketcall or ipc */
	uint32_t call;	 /* its first argument */
	uint32_t direct; /* 0: none */
};

static bool is_multiplexed(int pseudo, struct multiplexed *m)
{
	unsigned int call;

	if (pseudo <= -200 && pseudo > -300) {
		call = (unsigned int)-pseudo - 200;
		m->by = I386_IPC;
		m->direct = call < ARRAY_SIZE(i386_ipc_direct) ? i386_ipc_direct[call] : 0;
	} else if (pseudo <= -100 && pseudo > -200) {
		call = (unsigned int)-pseudo - 100;
		m->by = I386_SOCKETCALL;
		m->direct = call < ARRAY_SIZE(i386_socket_direct) ? i386_socket_direct[call] : 0;
	} else {
		return false;
	}
	m->call = call;
	return true;
}

/* ---- rules per number ---- */

/* Numbers are small, so calls are found by index; the few of ARM that are not have a list. */
#define SLOTS 1024
#define FAR_MAX 16

struct slot {
	const struct seccomp_bpf_rule *first; /* without conditions: a template itself */
	struct seccomp_bpf_rule *last;	      /* of those with conditions */
};

struct collection {
	const struct oci_seccomp *seccomp;
	uint32_t default_returns;
	struct seccomp_bpf_rule *templates;	  /* one per rule of the profile */
	struct seccomp_bpf_condition *conditions; /* of all rules, as templates point into it */
	struct seccomp_bpf_rule *nodes;		  /* rules with conditions, linked into slots */
	size_t n_nodes, nodes_capacity;

	/* of the ABI that is worked on */
	uint32_t base;
	struct slot slots[SLOTS];
	struct slot far[FAR_MAX];
	uint32_t far_numbers[FAR_MAX];
	size_t n_far;
};

static void collection_free(struct collection *c)
{
	free(c->templates);
	free(c->conditions);
	free(c->nodes);
}

static struct slot *find_slot(struct collection *c, uint32_t number)
{
	size_t i;

	if (number - c->base < SLOTS)
		return &c->slots[number - c->base];
	for (i = 0; i < c->n_far; i++)
		if (c->far_numbers[i] >= number)
			break;
	if (i < c->n_far && c->far_numbers[i] == number)
		return &c->far[i];
	if (c->n_far == FAR_MAX)
		return NULL;
	memmove(&c->far[i + 1], &c->far[i], (c->n_far - i) * sizeof(c->far[0]));
	memmove(&c->far_numbers[i + 1], &c->far_numbers[i],
		(c->n_far - i) * sizeof(c->far_numbers[0]));
	c->far[i] = (struct slot){0};
	c->far_numbers[i] = number;
	c->n_far++;
	return &c->far[i];
}

static struct seccomp_bpf_rule *new_node(struct collection *c, const struct seccomp_bpf_rule *rule)
{
	struct seccomp_bpf_rule *node;

	if (c->n_nodes == c->nodes_capacity)
		return NULL;
	node = &c->nodes[c->n_nodes++];
	*node = *rule;
	node->next = NULL;
	return node;
}

/*
 * Adds RULE to NUMBER. A rule without conditions must live as long as the collection. Returns 0, or
 * -ENOSPC: more than was counted, which is a bug.
 */
static int add_rule(struct collection *c, uint32_t number, const struct seccomp_bpf_rule *rule)
{
	struct slot *slot = find_slot(c, number);
	struct seccomp_bpf_rule *node;

	if (!slot)
		return -ENOSPC;
	if (slot->first && slot->first->n_conditions == 0)
		return 0;
	if (rule->n_conditions == 0) {
		slot->first = rule;
		return 0;
	}
	node = new_node(c, rule);
	if (!node)
		return -ENOSPC;
	if (slot->first)
		slot->last->next = node;
	else
		slot->first = node;
	slot->last = node;
	return 0;
}

/* The kernel's order of actions: what is less is stricter (include/uapi/linux/seccomp.h). */
static bool is_stricter(uint32_t returns, uint32_t than)
{
	return (int32_t)(returns & SECCOMP_RET_ACTION_FULL) <
	       (int32_t)(than & SECCOMP_RET_ACTION_FULL);
}

/* static: the generator reads them after the function that made the rule has returned */
#define SECOND_WAY_CALLS 32
static const struct seccomp_bpf_condition *second_way(uint32_t call)
{
	static struct seccomp_bpf_condition conditions[SECOND_WAY_CALLS];

	if (call >= SECOND_WAY_CALLS)
		return NULL;
	conditions[call] = (struct seccomp_bpf_condition){.op = SECCOMP_BPF_EQ, .value = call};
	return &conditions[call];
}

static int add_multiplexed(struct collection *c, const struct multiplexed *m,
			   const struct seccomp_bpf_rule *rule)
{
	struct seccomp_bpf_rule indirect = {
		.returns = rule->returns,
		.n_conditions = 1,
		.conditions = second_way(m->call),
	};
	int r = m->direct ? add_rule(c, m->direct, rule) : 0;

	if (r < 0 || !indirect.conditions)
		return r;
	if (rule->n_conditions && !is_stricter(rule->returns, c->default_returns))
		return 0;
	return add_rule(c, m->by, &indirect);
}

static int add_name(struct collection *c, const struct abi *abi, const char *name,
		    const struct seccomp_bpf_rule *rule)
{
	int number = seccomp_syscall_resolve_name_arch(abi->arch, name);
	struct multiplexed m;

	if (number >= 0)
		return add_rule(c, (uint32_t)number, rule);
	if (abi->multiplexed && is_multiplexed(number, &m))
		return add_multiplexed(c, &m, rule);
	return 0; /* unknown, or of other machines only */
}

/* Every rule of the profile on one argument more than once is as many rules. */
static bool has_alternatives(const struct oci_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->n_args; i++) {
		if (seen & 1u << rule->args[i].index)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

static int add_profile_rule(struct collection *c, const struct abi *abi, size_t index)
{
	const struct oci_seccomp_rule *from = &c->seccomp->rules[index];
	const struct seccomp_bpf_rule *rule = &c->templates[index];
	const size_t alternatives = has_alternatives(from) ? rule->n_conditions : 0;

	if (rule->returns == c->default_returns)
		return 0;
	for (char **name = from->names; *name; name++) {
		int r = alternatives ? 0 : add_name(c, abi, *name, rule);

		for (size_t i = 0; r == 0 && i < alternatives; i++) {
			const struct seccomp_bpf_rule one = {
				.returns = rule->returns,
				.n_conditions = 1,
				.conditions = &rule->conditions[i],
			};

			r = add_name(c, abi, *name, &one);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- from the profile ---- */

static int translate_condition(const struct oci_seccomp_arg *arg, struct seccomp_bpf_condition *to)
{
	int op = seccomp_names_operator(arg->op);

	if (op < 0)
		return op;
	*to = (struct seccomp_bpf_condition){
		.arg = arg->index, .op = (enum seccomp_bpf_operator)op, .value = arg->value};
	if (to->op == SECCOMP_BPF_MASKED_EQ) {
		to->mask = arg->value;
		to->value = arg->value_two & arg->value;
	}
	return 0;
}

/*
 * Room for the worst case: each condition of each name an alternative, and the second way of i386. What
 * is not used is never touched.
 */
static int allocate(struct collection *c, struct error *err)
{
	size_t n_conditions = 0, n_nodes = 0;

	for (size_t i = 0; i < c->seccomp->n_rules; i++) {
		const struct oci_seccomp_rule *rule = &c->seccomp->rules[i];
		size_t names = 0;

		while (rule->names[names])
			names++;
		n_conditions += rule->n_args;
		n_nodes += 2 * names * (rule->n_args + 1);
	}
	c->nodes_capacity = n_nodes * ABIS_MAX;
	c->templates = calloc(c->seccomp->n_rules + 1, sizeof(*c->templates));
	c->conditions = calloc(n_conditions + 1, sizeof(*c->conditions));
	c->nodes = malloc((c->nodes_capacity + 1) * sizeof(*c->nodes));
	if (!c->templates || !c->conditions || !c->nodes)
		return error_oom(err);
	return 0;
}

static int translate_rules(struct collection *c, struct error *err)
{
	struct seccomp_bpf_condition *next = c->conditions;
	int r;

	for (size_t i = 0; i < c->seccomp->n_rules; i++) {
		const struct oci_seccomp_rule *from = &c->seccomp->rules[i];
		struct seccomp_bpf_rule *rule = &c->templates[i];

		r = seccomp_names_returns(from->action, from->has_errno, from->errno_value,
					  &rule->returns);
		rule->conditions = next;
		rule->n_conditions = (unsigned int)from->n_args;
		for (size_t j = 0; r == 0 && j < from->n_args; j++)
			r = translate_condition(&from->args[j], next++);
		if (r < 0)
			return error_set(err, EINVAL,
					 "linux.seccomp.syscalls[%zu]: unknown action or operator",
					 i);
	}
	return 0;
}

/* ---- the program ---- */

/* Takes the calls of the ABI out of the slots, which are empty afterwards. */
static size_t take_calls(struct collection *c, struct seccomp_bpf_call *calls)
{
	size_t n = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		if (c->slots[i].first)
			calls[n++] = (struct seccomp_bpf_call){c->base + i, c->slots[i].first};
	for (size_t i = 0; i < c->n_far; i++)
		calls[n++] = (struct seccomp_bpf_call){c->far_numbers[i], c->far[i].first};
	memset(c->slots, 0, sizeof(c->slots));
	c->n_far = 0;
	return n;
}

/* See the theory of operation. 0: the default is to be used. */
static uint32_t unknown_from(const struct collection *c, const struct seccomp_bpf_call *calls,
			     size_t n)
{
	uint32_t action = c->default_returns & SECCOMP_RET_ACTION_FULL;

	if (action != SECCOMP_RET_ERRNO || c->default_returns == (SECCOMP_RET_ERRNO | ENOSYS))
		return 0;
	return n ? calls[n - 1].number + 1 : 0;
}

static int collect_abi(struct collection *c, const struct abi *abi, struct seccomp_bpf_call *calls,
		       struct seccomp_bpf_abi *to, struct error *err)
{
	c->base = abi->first;
	for (size_t i = 0; i < c->seccomp->n_rules; i++) {
		int r = add_profile_rule(c, abi, i);

		if (r < 0)
			return error_errno(err, r, "linux.seccomp.syscalls[%zu]", i);
	}
	*to = (struct seccomp_bpf_abi){
		.audit_arch = abi->audit_arch,
		.first = abi->first,
		.last = abi->last,
		.wide = abi->wide,
		.calls = calls,
		.n_calls = take_calls(c, calls),
	};
	to->unknown_from = unknown_from(c, calls, to->n_calls);
	return 0;
}

static int compile(struct collection *c, struct seccomp_bpf *bpf, struct error *err)
{
	static const size_t calls_max = SLOTS + FAR_MAX;
	_cleanup_free_ struct seccomp_bpf_call *calls = NULL;
	struct seccomp_bpf_abi known[ABIS_MAX];
	size_t n = 0;
	int r = allocate(c, err);

	calls = malloc(ABIS_MAX * calls_max * sizeof(*calls));
	if (!calls)
		return error_oom(err);
	if (r == 0)
		r = translate_rules(c, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(abis); i++) {
		if (abis[i].native != seccomp_arch_native() ||
		    !wants_arch(c->seccomp, abis[i].arch))
			continue;
		r = collect_abi(c, &abis[i], calls + n * calls_max, &known[n], err);
		n++;
	}
	if (r < 0)
		return r;
	r = seccomp_bpf_generate(bpf, known, n, c->default_returns, SECCOMP_RET_KILL_THREAD);
	if (r == -E2BIG)
		return error_set(err, E2BIG,
				 "linux.seccomp: the filter has %zu instructions, the "
				 "kernel takes at most %d",
				 bpf->size, BPF_MAXINSNS);
	return r < 0 ? error_oom(err) : 0;
}

static bool knows_machine(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(abis); i++)
		if (abis[i].native == seccomp_arch_native())
			return true;
	return false;
}

static int wrap(struct sock_filter *code, size_t size, const struct oci_seccomp *seccomp,
		struct seccomp_program **program, struct error *err)
{
	struct seccomp_program *made = calloc(1, sizeof(*made));

	if (!made) {
		free(code);
		return error_oom(err);
	}
	made->filter.len = (unsigned short)size;
	made->filter.filter = code;
	made->flags = seccomp_names_flags(seccomp);
	*program = made;
	return 0;
}

int seccomp_compile(const struct oci_seccomp *seccomp, struct seccomp_program **program,
		    struct error *err)
{
	_cleanup_free_ struct collection *c = NULL;
	struct seccomp_bpf bpf = {0};
	int r;

	if (!knows_machine())
		return seccomp_compile_with_library(seccomp, program, err);
	c = calloc(1, sizeof(*c));
	if (!c)
		return error_oom(err);
	c->seccomp = seccomp;
	r = seccomp_names_returns(seccomp->default_action, seccomp->has_default_errno,
				  seccomp->default_errno, &c->default_returns);
	if (r < 0)
		return error_set(err, EINVAL, "linux.seccomp.defaultAction: unknown action");
	r = compile(c, &bpf, err);
	collection_free(c);
	if (r < 0) {
		free(bpf.code);
		return r;
	}
	return wrap(bpf.code, bpf.size, seccomp, program, err);
}

int seccomp_install(const struct seccomp_program *program, struct error *err)
{
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &program->filter);

	if (r >= 0 && (program->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return (int)r;
	if (r == 0)
		return 0;
	if (r > 0) /* SECCOMP_FILTER_FLAG_TSYNC: the thread that could not be brought along */
		return error_set(err, ESRCH, "linux.seccomp: thread %ld cannot be synchronized", r);
	if (errno == EACCES)
		return error_set(err, EACCES,
				 "linux.seccomp: a filter needs process.noNewPrivileges "
				 "or CAP_SYS_ADMIN");
	if (errno == EBUSY)
		return error_set(
			err, EBUSY,
			"linux.seccomp: SCMP_ACT_NOTIFY: there is a filter with a listener "
			"around us already");
	if (errno == EINVAL && program->flags)
		return error_set(err, EINVAL,
				 "linux.seccomp: the kernel refuses the filter or one of "
				 "linux.seccomp.flags");
	return error_errno(err, errno, "linux.seccomp: load the filter");
}

void seccomp_free(struct seccomp_program *program)
{
	if (!program)
		return;
	free(program->filter.filter);
	free(program);
}
