// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation
 *
 * The numbers of an ABI are cut into ranges: neighbours with the same unconditional outcome are one
 * range, a call with conditions is a range of its own, and so is every gap. The ranges become a
 * balanced tree of "number >= start?" tests whose leaves return at once. A profile of 400 system
 * calls has some 60 ranges, so 6 tests decide, where a list would need hundreds.
 *
 * Code is generated depth first. A test jumps over the code of its left half; conditional jumps of
 * classic BPF reach 255 instructions, so above that the test is followed by an unconditional jump,
 * which reaches anywhere. All jumps are relative and forward: code can be moved once it is complete.
 *
 * Invariants: the accumulator holds the number when a tree is entered; every leaf ends in a return.
 */
#include "runtime/seccomp_bpf.h"

#include <endian.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

struct range {
	uint32_t first;
	uint32_t returns;		      /* when rules is NULL */
	const struct seccomp_bpf_rule *rules; /* with conditions */
};

/* ---- instructions ---- */

static void reserve(struct seccomp_bpf *bpf)
{
	struct sock_filter *grown;

	if (bpf->size < bpf->capacity)
		return;
	grown = realloc(bpf->code, (bpf->capacity + 512) * sizeof(*grown));
	if (!grown) {
		bpf->failed = true;
		bpf->size = 0; /* stay inside of what there is, the result is thrown away */
		return;
	}
	bpf->code = grown;
	bpf->capacity += 512;
}

static size_t emit(struct seccomp_bpf *bpf, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	reserve(bpf);
	if (!bpf->capacity)
		return 0;
	bpf->code[bpf->size] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
	return bpf->size++;
}

static void emit_return(struct seccomp_bpf *bpf, uint32_t returns)
{
	emit(bpf, BPF_RET | BPF_K, returns, 0, 0);
}

static void emit_load(struct seccomp_bpf *bpf, size_t offset)
{
	emit(bpf, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/*
 * Completes a test at AT, whose "true" goes behind the code that was emitted since, and whose
 * "false" goes into it.
 */
static void jump_over(struct seccomp_bpf *bpf, size_t at)
{
	size_t length;

	if (bpf->failed)
		return;
	length = bpf->size - at - 1;
	if (length <= UINT8_MAX) {
		bpf->code[at].jt = (uint8_t)length;
		return;
	}
	/* true: the unconditional jump that follows; false: over it */
	emit(bpf, BPF_RET | BPF_K, 0, 0, 0);
	if (bpf->failed)
		return;
	memmove(bpf->code + at + 2, bpf->code + at + 1, length * sizeof(*bpf->code));
	bpf->code[at].jf = 1;
	bpf->code[at + 1] = (struct sock_filter){.code = BPF_JMP | BPF_JA, .k = (uint32_t)length};
}

/* ---- conditions ---- */

/* Where a test may go besides on: 6 arguments with at most 3 tests each. */
#define JUMPS_MAX 18

struct jumps {
	struct {
		size_t at;
		bool when; /* the jump is taken when the test is true, or when it is false */
	} jump[JUMPS_MAX];
	unsigned int n;
};

/* A test that jumps to a place not known yet when its result is WHEN, and else goes on. */
static void emit_test(struct seccomp_bpf *bpf, struct jumps *jumps, uint16_t test, uint32_t k,
		      bool when)
{
	jumps->jump[jumps->n].at = emit(bpf, BPF_JMP | BPF_K | test, k, 0, 0);
	jumps->jump[jumps->n].when = when;
	jumps->n++;
}

static void land(struct seccomp_bpf *bpf, const struct jumps *jumps)
{
	for (unsigned int i = 0; i < jumps->n && !bpf->failed; i++) {
		struct sock_filter *test = &bpf->code[jumps->jump[i].at];
		uint8_t length = (uint8_t)(bpf->size - jumps->jump[i].at - 1);

		if (jumps->jump[i].when)
			test->jt = length;
		else
			test->jf = length;
	}
}

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW_OFFSET 0u
#define HIGH_OFFSET 4u
#else
#define LOW_OFFSET 4u
#define HIGH_OFFSET 0u
#endif

static size_t argument(unsigned int n)
{
	return offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);
}

static void emit_masked(struct seccomp_bpf *bpf, struct jumps *fails, size_t offset, uint32_t mask,
			uint32_t value)
{
	if (mask == 0 && value == 0)
		return;
	emit_load(bpf, offset);
	if (mask != UINT32_MAX)
		emit(bpf, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit_test(bpf, fails, BPF_JEQ, value, false);
}

/* One condition; goes on when it holds, through FAILS when not. */
static void emit_condition(struct seccomp_bpf *bpf, struct jumps *fails,
			   const struct seccomp_bpf_condition *c, bool wide)
{
	/* greater or less in the high half: the low half does not matter */
	const bool holds_above = c->op == SECCOMP_BPF_GE || c->op == SECCOMP_BPF_GT;
	const size_t low_at = argument(c->arg) + LOW_OFFSET,
		     high_at = argument(c->arg) + HIGH_OFFSET;
	const uint32_t low = (uint32_t)c->value, high = (uint32_t)(c->value >> 32);
	struct jumps holds = {.n = 0};

	switch (c->op) {
	case SECCOMP_BPF_EQ:
		if (wide)
			emit_masked(bpf, fails, high_at, UINT32_MAX, high);
		emit_masked(bpf, fails, low_at, UINT32_MAX, low);
		return;
	case SECCOMP_BPF_MASKED_EQ:
		if (wide)
			emit_masked(bpf, fails, high_at, (uint32_t)(c->mask >> 32), high);
		emit_masked(bpf, fails, low_at, (uint32_t)c->mask, low);
		return;
	case SECCOMP_BPF_NE:
		if (wide) {
			emit_load(bpf, high_at);
			emit_test(bpf, &holds, BPF_JEQ, high, false);
		}
		emit_load(bpf, low_at);
		emit_test(bpf, fails, BPF_JEQ, low, true);
		break;
	case SECCOMP_BPF_LT:
	case SECCOMP_BPF_LE:
	case SECCOMP_BPF_GT:
	case SECCOMP_BPF_GE:
		if (wide) {
			emit_load(bpf, high_at);
			emit_test(bpf, holds_above ? &holds : fails, BPF_JGT, high, true);
			emit_test(bpf, holds_above ? fails : &holds, BPF_JEQ, high, false);
		}
		emit_load(bpf, low_at);
		emit_test(bpf, fails,
			  c->op == SECCOMP_BPF_LE || c->op == SECCOMP_BPF_GT ? BPF_JGT : BPF_JGE,
			  low, !holds_above);
		break;
	}
	land(bpf, &holds);
}

static void emit_rules(struct seccomp_bpf *bpf, const struct seccomp_bpf_rule *rule, bool wide,
		       uint32_t default_returns)
{
	for (; rule; rule = rule->next) {
		struct jumps fails = {.n = 0};

		for (unsigned int i = 0; i < rule->n_conditions; i++)
			emit_condition(bpf, &fails, &rule->conditions[i], wide);
		emit_return(bpf, rule->returns);
		land(bpf, &fails);
		if (rule->n_conditions == 0)
			return; /* nothing comes behind what always holds */
	}
	emit_return(bpf, default_returns);
}

/* ---- the tree of an ABI ---- */

static void emit_tree(struct seccomp_bpf *bpf, const struct range *ranges, size_t n, bool wide,
		      uint32_t default_returns)
{
	size_t half = n / 2, test;

	if (n == 1) {
		if (ranges->rules)
			emit_rules(bpf, ranges->rules, wide, default_returns);
		else
			emit_return(bpf, ranges->returns);
		return;
	}
	test = emit(bpf, BPF_JMP | BPF_JGE | BPF_K, ranges[half].first, 0, 0);
	emit_tree(bpf, ranges, half, wide, default_returns);
	jump_over(bpf, test);
	emit_tree(bpf, ranges + half, n - half, wide, default_returns);
}

static void add_range(struct range *ranges, size_t *n, uint32_t first, uint32_t returns,
		      const struct seccomp_bpf_rule *rules)
{
	struct range *last = *n ? &ranges[*n - 1] : NULL;

	if (last && !last->rules && !rules && last->returns == returns)
		return;
	if (last && last->first == first)
		(*n)--;
	ranges[(*n)++] = (struct range){.first = first, .returns = returns, .rules = rules};
}

/* At most three ranges for each call (the call, and the gaps around it), and the ends. */
static size_t make_ranges(const struct seccomp_bpf_abi *abi, uint32_t default_returns,
			  struct range *ranges)
{
	uint32_t next = abi->first;
	size_t n = 0;

	for (size_t i = 0; i < abi->n_calls; i++) {
		const struct seccomp_bpf_call *call = &abi->calls[i];
		bool always = call->rules->n_conditions == 0;

		if (call->number > next)
			add_range(ranges, &n, next, default_returns, NULL);
		add_range(ranges, &n, call->number, call->rules->returns,
			  always ? NULL : call->rules);
		next = call->number + 1;
	}
	if (abi->unknown_from >= next && abi->unknown_from) {
		if (abi->unknown_from > next)
			add_range(ranges, &n, next, default_returns, NULL);
		add_range(ranges, &n, abi->unknown_from, SECCOMP_RET_ERRNO | ENOSYS, NULL);
	} else {
		add_range(ranges, &n, next, default_returns, NULL);
	}
	return n;
}

static void emit_abi(struct seccomp_bpf *bpf, const struct seccomp_bpf_abi *abi,
		     uint32_t default_returns)
{
	struct range *ranges = calloc(3 * abi->n_calls + 3, sizeof(*ranges));
	size_t n;

	if (!ranges) {
		bpf->failed = true;
		return;
	}
	n = make_ranges(abi, default_returns, ranges);
	emit_tree(bpf, ranges, n, abi->wide, default_returns);
	free(ranges);
}

/* ---- the program ---- */

/* Those of one architecture: which ABI the number belongs to, then its tree. */
static void emit_abis(struct seccomp_bpf *bpf, const struct seccomp_bpf_abi *abis, size_t n,
		      uint32_t default_returns, uint32_t bad_returns)
{
	emit_load(bpf, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n; i++) {
		bool ends = abis[i].last < UINT32_MAX;
		size_t test = 0;

		if (ends)
			test = emit(bpf, BPF_JMP | BPF_JGT | BPF_K, abis[i].last, 0, 0);
		emit_abi(bpf, &abis[i], default_returns);
		if (!ends)
			return;
		jump_over(bpf, test);
	}
	/*
	 * No ABI has the number -1; a tracer sets it to have a call skipped (seccomp(2) would not see
	 * it, but the kernel of another time might).
	 */
	emit(bpf, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 0, 1);
	emit_return(bpf, default_returns);
	emit_return(bpf, bad_returns);
}

int seccomp_bpf_generate(struct seccomp_bpf *bpf, const struct seccomp_bpf_abi *abis, size_t n_abis,
			 uint32_t default_returns, uint32_t bad_returns)
{
	size_t test, same;

	emit_load(bpf, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < n_abis; i += same) {
		for (same = 1; i + same < n_abis; same++)
			if (abis[i + same].audit_arch != abis[i].audit_arch)
				break;
		/* equal: over the jump, into the code; else: over the code */
		emit(bpf, BPF_JMP | BPF_JEQ | BPF_K, abis[i].audit_arch, 1, 0);
		test = emit(bpf, BPF_JMP | BPF_JA, 0, 0, 0);
		emit_abis(bpf, abis + i, same, default_returns, bad_returns);
		if (!bpf->failed)
			bpf->code[test].k = (uint32_t)(bpf->size - test - 1);
	}
	emit_return(bpf, bad_returns);
	if (bpf->failed)
		return -ENOMEM;
	return bpf->size > BPF_MAXINSNS ? -E2BIG : 0;
}
