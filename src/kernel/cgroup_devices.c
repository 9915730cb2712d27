// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules about devices, to the kernel.
 *
 * Rules are read in order and the last one that matches counts, for each of read, write and mknod by
 * itself; what no rule matches is denied. So nothing before the last rule about everything matters,
 * and it alone says what the default is.
 *
 * v2: a BPF program that looks at the rules from the last to the first. R1 holds the kinds of access
 * that are asked for and not yet decided. A matching rule that denies any of them ends in a refusal,
 * one that allows takes those it allows away; with none left the answer is yes.
 *
 * v1: a group holds a default and exceptions to it (security/device_cgroup.c). "a" to devices.deny
 * or devices.allow sets the default and forgets the exceptions. An exception is forgotten only by a
 * rule for exactly the same devices, so a rule that takes a part away from an earlier wider one
 * cannot be said; it is refused, since a rule that is silently without effect would be worse.
 */
#include "kernel/cgroup_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/cgroup_internal.h"

#define ACCESS_ALL (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD)

static bool is_about_everything(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       rule->access == ACCESS_ALL;
}

/* Skips what a later rule about everything makes irrelevant. Returns what the default is. */
static bool settle_default(const struct cgroup_device_rule **rules, size_t *n)
{
	for (size_t i = *n; i-- > 0;) {
		bool allow = (*rules)[i].allow;

		if (!is_about_everything(&(*rules)[i]))
			continue;
		*rules += i + 1;
		*n -= i + 1;
		return allow;
	}
	return false;
}

/* v2: the program. */

/* Type, major, minor, access, verdict: at most 9 instructions a rule, and 7 around them. */
#define RULE_INSNS 9
#define AROUND_INSNS 9

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off,
		 int32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

/* R2 type, R3 undecided access, R4 major, R5 minor. */
static void emit_prologue(struct program *p)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static void emit_return(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int32_t bpf_access(unsigned int access)
{
	int32_t mask = 0;

	if (access & CGROUP_DEVICE_MKNOD)
		mask |= BPF_DEVCG_ACC_MKNOD;
	if (access & CGROUP_DEVICE_READ)
		mask |= BPF_DEVCG_ACC_READ;
	if (access & CGROUP_DEVICE_WRITE)
		mask |= BPF_DEVCG_ACC_WRITE;
	return mask;
}

static void emit_rule(struct program *p, const struct cgroup_device_rule *rule)
{
	int32_t mask = bpf_access(rule->access);
	size_t start = p->n;

	/* Offsets of these jumps are set when the end of the rule is known. */
	if (rule->type != 'a')
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0,
		     rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int32_t)rule->major);
	if (rule->minor >= 0)
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int32_t)rule->minor);
	if (rule->allow) {
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, ~mask);
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_3, 0, 2, 0);
		emit_return(p, true);
	} else {
		emit(p, BPF_JMP | BPF_JSET | BPF_K, BPF_REG_3, 0, 1, mask);
		emit(p, BPF_JMP | BPF_JA, 0, 0, 2, 0);
		emit_return(p, false);
	}
	for (size_t i = start; i < start + 3 && i < p->n; i++)
		if (p->insns[i].code == (BPF_JMP | BPF_JNE | BPF_K) &&
		    p->insns[i].dst_reg != BPF_REG_3)
			p->insns[i].off = (int16_t)(p->n - i - 1);
}

int cgroup_devices_program(const struct cgroup_device_rule *rules, size_t n,
			   struct bpf_insn **insns, size_t *n_insns)
{
	struct program p = {0};
	bool allow;

	allow = settle_default(&rules, &n);
	p.insns = calloc(n * RULE_INSNS + AROUND_INSNS, sizeof(*p.insns));
	if (!p.insns)
		return -ENOMEM;
	emit_prologue(&p);
	for (size_t i = n; i-- > 0;)
		emit_rule(&p, &rules[i]);
	emit_return(&p, allow);
	*insns = p.insns;
	*n_insns = p.n;
	return 0;
}

/* libbpf would first find out, with several system calls, what this needs to know only on failure. */
static int sys_bpf(int command, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static int load_program(const struct bpf_insn *insns, size_t n, struct error *err)
{
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)insns,
		.insn_cnt = (uint32_t)n,
		.license = (uintptr_t) "GPL",
		.prog_name = "behalf_devices",
		.expected_attach_type = BPF_CGROUP_DEVICE,
	};
	int fd = sys_bpf(BPF_PROG_LOAD, &attr);

	if (fd != -EINVAL && fd != -EACCES)
		return fd >= 0 ? fd : error_errno(err, fd, "load the program for devices");
	attr.log_level = 1;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	return fd >= 0 ? fd : error_errno(err, fd, "load the program for devices (%s)", log);
}

/* Takes away every program that was there before the one just attached. */
static void detach_others(int cgroup_fd, const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		union bpf_attr get = {.prog_id = ids[i]};
		_cleanup_close_ int fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &get);
		union bpf_attr detach = {
			.target_fd = (uint32_t)cgroup_fd,
			.attach_bpf_fd = (uint32_t)fd,
			.attach_type = BPF_CGROUP_DEVICE,
		};

		if (fd >= 0)
			sys_bpf(BPF_PROG_DETACH, &detach);
	}
}

static int set_v2(const struct cgroup_place *place, const struct cgroup_device_rule *rules,
		  size_t n, struct error *err)
{
	_cleanup_free_ struct bpf_insn *insns = NULL;
	_cleanup_close_ int program = -EBADF, directory = -EBADF;
	uint32_t ids[64];
	union bpf_attr query = {
		.query = {.attach_type = BPF_CGROUP_DEVICE,
			  .prog_ids = (uintptr_t)ids,
			  .prog_cnt = ARRAY_SIZE(ids)},
	};
	union bpf_attr attach = {
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	size_t n_insns;
	int r;

	directory = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_errno(err, errno, "open the cgroup '%s'", place->directory);
	if (cgroup_devices_program(rules, n, &insns, &n_insns) < 0)
		return error_oom(err);
	program = load_program(insns, n_insns, err);
	if (program < 0)
		return program;
	query.query.target_fd = attach.target_fd = (uint32_t)directory;
	attach.attach_bpf_fd = (uint32_t)program;
	/* All attached programs have to agree, so in between both sets of rules hold. */
	if (sys_bpf(BPF_PROG_QUERY, &query) < 0)
		query.query.prog_cnt = 0;
	r = sys_bpf(BPF_PROG_ATTACH, &attach);
	if (r < 0)
		return error_errno(err, r, "attach the program for devices to '%s'",
				   place->directory);
	detach_others(directory, ids, query.query.prog_cnt);
	return 0;
}

/* v1: the lines. */

#define RULE_LINE_BYTES 64

struct v1_files {
	const char *directory;
	int allow, deny; /* open when the first line needs them */
};

static int write_line(struct v1_files *files, bool allow, const char *line, struct error *err)
{
	const char *name = allow ? "devices.allow" : "devices.deny";
	int *fd = allow ? &files->allow : &files->deny;
	char path[PATH_MAX];

	if (*fd < 0) {
		snprintf(path, sizeof(path), "%s/%s", files->directory, name);
		*fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	if (*fd < 0 || write(*fd, line, strlen(line)) < 0)
		return error_errno(err, errno, "write '%s' to '%s/%s'", line, files->directory,
				   name);
	return 0;
}

static void format_number(char *text, size_t size, int64_t number)
{
	if (number < 0)
		snprintf(text, size, "*");
	else
		snprintf(text, size, "%lld", (long long)number);
}

static void format_rule(char line[static RULE_LINE_BYTES], const struct cgroup_device_rule *rule,
			char type)
{
	char major[24], minor[24];

	format_number(major, sizeof(major), rule->major);
	format_number(minor, sizeof(minor), rule->minor);
	snprintf(line, RULE_LINE_BYTES, "%c %s:%s %s%s%s", type, major, minor,
		 rule->access & CGROUP_DEVICE_READ ? "r" : "",
		 rule->access & CGROUP_DEVICE_WRITE ? "w" : "",
		 rule->access & CGROUP_DEVICE_MKNOD ? "m" : "");
}

/* The kernel takes "a" for everything whatever follows, so narrower rules of that type are two. */
static int write_rule(struct v1_files *files, const struct cgroup_device_rule *rule,
		      struct error *err)
{
	const char *types = rule->type == 'a' ? "bc" : rule->type == 'b' ? "b" : "c";
	char line[RULE_LINE_BYTES];
	int r = 0;

	for (; r == 0 && *types; types++) {
		format_rule(line, rule, *types);
		r = write_line(files, rule->allow, line, err);
	}
	return r;
}

static bool overlaps(int64_t a, int64_t b)
{
	return a < 0 || b < 0 || a == b;
}

/* Whether RULE takes from EARLIER, an exception to the default, a part that v1 cannot take away. */
static bool takes_a_part(const struct cgroup_device_rule *rule,
			 const struct cgroup_device_rule *earlier)
{
	if (rule->allow == earlier->allow || !(rule->access & earlier->access))
		return false;
	if (rule->type != 'a' && earlier->type != 'a' && rule->type != earlier->type)
		return false;
	if (!overlaps(rule->major, earlier->major) || !overlaps(rule->minor, earlier->minor))
		return false;
	return rule->major != earlier->major || rule->minor != earlier->minor ||
	       (earlier->type == 'a' && rule->type != 'a');
}

static int check_v1(const struct cgroup_device_rule *rules, size_t n, bool allow_default,
		    struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		char line[RULE_LINE_BYTES];

		/* Only exceptions are held; a rule that agrees with the default removes some. */
		if (rules[i].allow != allow_default)
			continue;
		format_rule(line, &rules[i], rules[i].type);
		for (size_t j = 0; j < i; j++)
			if (takes_a_part(&rules[i], &rules[j]))
				return error_set(err, ENOTSUP,
						 "'%s' is a part of what an earlier rule %s, and "
						 "cgroup v1 cannot take a part back",
						 line, allow_default ? "denies" : "allows");
	}
	return 0;
}

static int set_v1(const struct cgroup_place *place, const struct cgroup_device_rule *rules,
		  size_t n, struct error *err)
{
	struct v1_files files = {place->directory, -EBADF, -EBADF};
	bool allow;
	int r;

	allow = settle_default(&rules, &n);
	r = check_v1(rules, n, allow, err);
	if (r == 0)
		r = write_line(&files, allow, "a", err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		/* Without exceptions there is nothing that agreeing with the default could change. */
		bool matters = rules[i].allow != allow;

		for (size_t j = 0; !matters && j < i; j++)
			matters = rules[j].allow != allow;
		if (matters)
			r = write_rule(&files, &rules[i], err);
	}
	cleanup_close(&files.allow);
	cleanup_close(&files.deny);
	return r;
}

int cgroup_devices_set(struct cgroup *cg, const struct cgroup_device_rule *rules, size_t n,
		       struct error *err)
{
	const struct cgroup_place *place = cgroup_place_of(cg, CGROUP_DEVICES);
	int r;

	if (place)
		r = set_v1(place, rules, n, err);
	else if ((place = cgroup_place_of(cg, CGROUP_CORE)) && place->version == 2)
		r = set_v2(place, rules, n, err);
	else
		r = error_set(err, cg->denied ? EACCES : ENODEV,
			      "this host has no cgroup controller 'devices'");
	/*
	 * An ordinary user's container can make no device nodes, and opens those it is given with no
	 * more than that user's rights: nothing is lost.
	 */
	return (r == -EACCES || r == -EPERM) && cgroup_is_ordinary_user() ? 0 : r;
}
