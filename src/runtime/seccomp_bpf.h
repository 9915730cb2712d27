/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From rules per system call number to instructions of classic BPF (seccomp(2), socket(7)). */
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_bpf_condition {
	unsigned int arg; /* 0 to 5 */
	enum seccomp_bpf_operator {
		SECCOMP_BPF_EQ,
		SECCOMP_BPF_NE,
		SECCOMP_BPF_LT,
		SECCOMP_BPF_LE,
		SECCOMP_BPF_GT,
		SECCOMP_BPF_GE,
		SECCOMP_BPF_MASKED_EQ,
	} op;
	uint64_t value;
	uint64_t mask; /* SECCOMP_BPF_MASKED_EQ: arg & mask == value */
};

/* All conditions hold: RETURNS (SECCOMP_RET_*). No conditions: always. */
struct seccomp_bpf_rule {
	uint32_t returns;
	unsigned int n_conditions;
	const struct seccomp_bpf_condition *conditions;
	struct seccomp_bpf_rule *next; /* tried when this one does not hold; NULL: the default */
};

/* One system call: NUMBER, and the first of its rules. */
struct seccomp_bpf_call {
	uint32_t number;
	const struct seccomp_bpf_rule *rules;
};

/* The system calls of one ABI. Its numbers are those from FIRST to LAST. */
struct seccomp_bpf_abi {
	uint32_t audit_arch; /* AUDIT_ARCH_* */
	uint32_t first,
		last; /* the numbers that belong to this ABI; ABIs may share an audit_arch */
	bool wide;    /* arguments have 64 bits */
	uint32_t unknown_from;		      /* numbers from here return ENOSYS; 0: none */
	const struct seccomp_bpf_call *calls; /* by number, ascending, each number once */
	size_t n_calls;
};

struct seccomp_bpf {
	struct sock_filter *code; /* the caller's to free */
	size_t size, capacity;
	bool failed; /* memory was out, or a jump too far; CODE is of no use */
};

/*
 * Appends the whole program: dispatch by ABI (ascending by audit_arch, then first), a tree of
 * comparisons over the numbers of each, DEFAULT_RETURNS for what no rule names, BAD_RETURNS for
 * other ABIs. Returns 0, -ENOMEM, or -E2BIG above the kernel's 4096 instructions.
 */
int seccomp_bpf_generate(struct seccomp_bpf *bpf, const struct seccomp_bpf_abi *abis, size_t n_abis,
			 uint32_t default_returns, uint32_t bad_returns);
