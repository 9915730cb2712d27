// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules about devices: the program for v2, run by a small interpreter, and both kernels' answers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_devices.h"
#include "tap.h"

#define R CGROUP_DEVICE_READ
#define W CGROUP_DEVICE_WRITE
#define M CGROUP_DEVICE_MKNOD
#define RWM (R | W | M)

/* The instructions that the programs are made of; anything else, or no end, is -1. */
static int run_program(const struct bpf_insn *insns, size_t n, struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = {0};

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &insns[pc];
		uint64_t *dst = &reg[i->dst_reg], k = (uint64_t)(int64_t)i->imm;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			*dst = *(uint32_t *)((char *)ctx + i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = k;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= k;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= k;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			pc += *dst != k ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += *dst & k ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JA:
			pc += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[0];
		default:
			return -1;
		}
	}
	return -1;
}

static uint32_t kernel_access(unsigned int access)
{
	return (access & R ? BPF_DEVCG_ACC_READ : 0) | (access & W ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & M ? BPF_DEVCG_ACC_MKNOD : 0);
}

static bool allows(const struct cgroup_device_rule *rules, size_t n, char type, uint32_t major,
		   uint32_t minor, unsigned int access)
{
	_cleanup_free_ struct bpf_insn *insns = NULL;
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = kernel_access(access) << 16 |
			       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	size_t n_insns;
	int r;

	ok(cgroup_devices_program(rules, n, &insns, &n_insns) == 0);
	r = run_program(insns, n_insns, &ctx);
	ok(r == 0 || r == 1);
	return r == 1;
}

/* The rule itself, bit by bit, as plainly as it can be said. */
static bool should_allow(const struct cgroup_device_rule *rules, size_t n, char type,
			 uint32_t major, uint32_t minor, unsigned int access)
{
	for (unsigned int bit = 1; bit <= M; bit <<= 1) {
		bool allow = false;

		if (!(access & bit))
			continue;
		for (size_t i = 0; i < n; i++)
			if ((rules[i].type == 'a' || rules[i].type == type) &&
			    (rules[i].major < 0 || rules[i].major == major) &&
			    (rules[i].minor < 0 || rules[i].minor == minor) &&
			    rules[i].access & bit)
				allow = rules[i].allow;
		if (!allow)
			return false;
	}
	return true;
}

TEST(no_rule_denies)
{
	ok(!allows(NULL, 0, 'c', 1, 3, R));
}

TEST(rules_in_order)
{
	static const struct cgroup_device_rule rules[] = {
		{true, 'c', 1, 3, RWM}, {false, 'a', -1, -1, RWM}, {true, 'c', -1, -1, M},
		{true, 'c', 1, 5, R},	{true, 'b', 8, -1, R | W}, {false, 'b', 8, 1, W},
	};
	size_t n = ARRAY_SIZE(rules);

	ok(!allows(rules, n, 'c', 1, 3, R), "what comes before a rule about everything is void");
	ok(allows(rules, n, 'c', 1, 3, M));
	ok(allows(rules, n, 'c', 1, 5, R | M), "two rules together");
	ok(!allows(rules, n, 'c', 1, 5, R | W));
	ok(!allows(rules, n, 'b', 1, 5, R));
	ok(allows(rules, n, 'b', 8, 0, R | W));
	ok(allows(rules, n, 'b', 8, 1, R));
	ok(!allows(rules, n, 'b', 8, 1, R | W));
}

TEST(all_allowed_but_one)
{
	static const struct cgroup_device_rule rules[] = {{true, 'a', -1, -1, RWM},
							  {false, 'c', 10, 200, RWM}};

	ok(allows(rules, 2, 'b', 259, 7, RWM));
	ok(!allows(rules, 2, 'c', 10, 200, R));
}

TEST(any_rules_do_what_they_say)
{
	unsigned int seed = 1;
	int wrong = 0;

	for (int round = 0; round < 20000; round++) {
		struct cgroup_device_rule rules[6];
		size_t n = (size_t)rand_r(&seed) % 7;
		char type = rand_r(&seed) % 2 ? 'b' : 'c';
		uint32_t major = (uint32_t)rand_r(&seed) % 3, minor = (uint32_t)rand_r(&seed) % 3;
		unsigned int access = 1 + (unsigned int)rand_r(&seed) % RWM;

		for (size_t i = 0; i < n; i++)
			rules[i] = (struct cgroup_device_rule){
				rand_r(&seed) % 2, "abc"[rand_r(&seed) % 3], rand_r(&seed) % 4 - 1,
				rand_r(&seed) % 4 - 1, (unsigned int)rand_r(&seed) % (RWM + 1)};
		wrong += allows(rules, n, type, major, minor, access) !=
			 should_allow(rules, n, type, major, minor, access);
	}
	is_int(wrong, 0);
}

/* In a group with these rules: what open() and mknod() say. */
static int try_device(struct cgroup *cg, const char *path, int flags)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		if (cgroup_enter_self(cg, false, NULL) < 0)
			_exit(255);
		fd = open(path, flags | O_CLOEXEC);
		_exit(fd < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static void live(struct cgroup *cg)
{
	static const struct cgroup_device_rule some[] = {
		{true, 'a', -1, -1, RWM},
		{false, 'a', -1, -1, RWM},
		{true, 'c', 1, 3, RWM},
		{true, 'c', 1, 5, R},
	};
	static const struct cgroup_device_rule others[] = {{true, 'a', -1, -1, RWM},
							   {false, 'c', 1, 3, W}};
	struct error err = {0};

	must(cgroup_devices_set(cg, some, ARRAY_SIZE(some), &err) == 0, "%s", err.text);
	is_int(try_device(cg, "/dev/null", O_RDWR), 0);
	is_int(try_device(cg, "/dev/zero", O_RDONLY), 0);
	is_int(try_device(cg, "/dev/zero", O_RDWR), EPERM);
	is_int(try_device(cg, "/dev/full", O_RDONLY), EPERM);
	must(cgroup_devices_set(cg, others, ARRAY_SIZE(others), &err) == 0, "%s", err.text);
	is_int(try_device(cg, "/dev/null", O_RDONLY), 0);
	is_int(try_device(cg, "/dev/null", O_WRONLY), EPERM);
	is_int(try_device(cg, "/dev/full", O_RDONLY), 0);
}

static void live_in_layout(void)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct error err = {0};
	char path[64];

	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	snprintf(path, sizeof(path), "/behalf-test-devices-%d", getpid());
	if (cgroup_create(l, path, &cg, &err) < 0)
		skip("%s", err.text);
	live(cg);
	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}

TEST(the_kernel_keeps_to_them)
{
	if (geteuid() != 0)
		skip("needs root");
	live_in_layout();
}

TEST(the_kernel_keeps_to_them_on_v2)
{
	if (geteuid() != 0)
		skip("needs root");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    /* EBUSY: it is what is there */
	    (mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 && errno != EBUSY))
		skip("no cgroup v2: %s", strerror(errno));
	live_in_layout();
}

TEST(v1_refuses_what_it_cannot_say)
{
	static const struct cgroup_device_rule rules[] = {
		{false, 'a', -1, -1, RWM}, {true, 'b', 8, -1, RWM}, {false, 'b', 8, 1, W}};
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct error err = {0};

	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	if (cgroup_layout_version(l, CGROUP_DEVICES) != 1)
		skip("no v1 devices controller");
	must(cgroup_plan(l, "/behalf-test-devices-none", &cg, &err) == 0, "%s", err.text);
	ok(cgroup_devices_set(cg, rules, ARRAY_SIZE(rules), &err) == -ENOTSUP);
	is_str(err.text, "'b 8:1 w' is a part of what an earlier rule allows, and cgroup v1 "
			 "cannot take a part back");
}
