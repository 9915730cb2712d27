// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate's programs, run on packets of our own making (bpf_prog_test_run). */
#include "tap.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/gate.h"
#include "keeper/gate.h"
#include "kernel/netlink_bridge.h"

/* NULL: the test is skipped, or has failed */
static struct gates *open_gates(void)
{
	struct gates *gates = NULL;
	struct error err = {0};
	int r = gates_open(&gates, &err);

	if (r == -EPERM)
		tap_skip("needs root");
	else
		ok(r == 0, "%s", err.text);
	return gates;
}

/* ---- what a test run cannot be told of a packet ---- */

struct before {
	uint32_t index;		 /* its tc_index */
	uint32_t vlan, protocol; /* its tag; 0: none */
};

#define REGISTER(to, from)                                                                         \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)            \
	}
#define VALUE(to, value)                                                                           \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (int)(value)          \
	}
#define CALL(function)                                                                             \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (function)                                      \
	}
#define STORE(to, offset, from)                                                                    \
	{                                                                                          \
		.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = (from),             \
		.off = (offset)                                                                    \
	}
#define MAP(to, map)                                                                               \
	{.code = BPF_LD | BPF_DW | BPF_IMM,                                                        \
	 .dst_reg = (to),                                                                          \
	 .src_reg = BPF_PSEUDO_MAP_FD,                                                             \
	 .imm = (map)},                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

/* A program that sets that, and goes on as PROGRAM; -1 and a failed test. *MAP is the caller's, too. */
static int prefix(const struct gates *gates, enum gate_program program, const struct before *before,
		  int *map)
{
	const int key = 0, goes_on = gates_program(gates, program);
	int made;

	*map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "goes_on", 4, 4, 1, NULL);
	if (!ok(*map >= 0) || !ok(bpf_map_update_elem(*map, &key, &goes_on, BPF_ANY) == 0))
		return -1;
	const struct bpf_insn all[] = {
		REGISTER(6, 1),
		VALUE(2, before->index),
		STORE(6, offsetof(struct __sk_buff, tc_index), 2),
		VALUE(3, before->vlan),
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 3, .imm = 0, .off = 3},
		REGISTER(1, 6),
		VALUE(2, htons((uint16_t)before->protocol)),
		CALL(BPF_FUNC_skb_vlan_push),
		REGISTER(1, 6),
		MAP(2, *map),
		VALUE(3, 0),
		CALL(BPF_FUNC_tail_call),
		VALUE(0, 99),
		{.code = BPF_JMP | BPF_EXIT},
	};
	made = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "prefix", "GPL", all, ARRAY_SIZE(all), NULL);
	ok(made >= 0, "%s", strerror(errno));
	return made;
}

/* SKB, as it was and as it is then; NULL: of no matter. Returns what PROGRAM says. */
static uint32_t run_after(const struct gates *gates, enum gate_program program,
			  const struct before *before, const void *frame, size_t size,
			  struct __sk_buff *skb)
{
	_cleanup_close_ int map = -EBADF, prefixed = prefix(gates, program, before, &map);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)size,
		    .ctx_in = skb, .ctx_size_in = skb ? sizeof(*skb) : 0, .ctx_out = skb,
		    .ctx_size_out = skb ? sizeof(*skb) : 0);

	ok(prefixed >= 0 && bpf_prog_test_run_opts(prefixed, &opts) == 0, "%s", strerror(errno));
	return opts.retval;
}

static uint32_t mark_of(int number)
{
	return ((uint32_t)number + 1) << GATE_MARK_SHIFT;
}

static struct before signed_by(int number)
{
	return (struct before){.index = GATE_INDEX((uint32_t)number + 1)};
}

/* ---- gates ---- */

/* Test runs are by lo, whose index is 1. */
#define LINK 1
#define PASS ((uint32_t)TC_ACT_UNSPEC)

/* What the gate says of a frame of 64 bytes, the last of N times. */
static uint32_t verdict(const struct gates *gates, int n)
{
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = n);

	ok(bpf_prog_test_run_opts(gates_program(gates, GATE_LINK), &opts) == 0);
	return opts.retval;
}

TEST(an_open_gate_lets_everything_pass)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;

	if (number < 0)
		return;
	is_int(gates_bind_link(gates, LINK, number), 0);
	is_uint(verdict(gates, 1000), PASS);
	is_uint(gates_counts(gates, number).dropped, 0);
}

/* What is said of the last of N frames, which are cut into segments of so many bytes, or not (0). */
static uint32_t held_of(const struct gates *gates, enum gate_program program, int n,
			uint32_t segment)
{
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};
	struct __sk_buff about = {.gso_size = segment};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &about, .ctx_size_in = sizeof(about), .repeat = n);

	ok(bpf_prog_test_run_opts(gates_program(gates, program), &opts) == 0);
	return opts.retval;
}

static uint32_t held(const struct gates *gates, enum gate_program program, int n)
{
	return held_of(gates, program, n, 0);
}

TEST(what_is_below_a_rate_passes_and_what_is_above_is_held)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	uint64_t bytes, packets;

	if (!gates)
		return;
	/* of a link of which nothing is known, all is held */
	is_uint(held(gates, LINK_HOLD, 1), PASS);
	/* so little that nothing comes into the bucket in the time of this test: 131,072 bytes are in it */
	is_int(gates_hold_link(gates, LINK, 1000), 0);
	is_uint(held(gates, LINK_HOLD, 2000), TC_ACT_OK);
	gates_hold_counts(gates, LINK, &bytes, &packets);
	is_uint(bytes, 2000 * 64);
	is_uint(packets, 2000);
	is_uint(held(gates, LINK_HOLD, 200), PASS);
	is_uint(held(gates, UPLINK_HOLD, 1), PASS);
	is_int(gates_hold_link(gates, LINK, 0), 0);
	is_int(gates_hold_link(gates, LINK, 0), 0);
	is_uint(held(gates, LINK_HOLD, 1), PASS);
	gates_hold_counts(gates, LINK, &bytes, &packets);
	is_uint(bytes, 0);
}

/* 8 segments of 100 bytes with headers of 54, and one that is no segment: as the wire has them. */
TEST(what_is_counted_is_what_the_wire_has)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	unsigned char frame[54 + 800] = {[12] = ETH_P_IP >> 8, [14] = 0x45, [23] = 6, [46] = 0x50};
	int number = gates ? gates_new(gates) : -1;
	const struct before before = signed_by(number);
	uint64_t bytes, packets;

	if (number < 0)
		return;
	is_int(gates_hold_link(gates, LINK, 1000), 0);
	for (int cut = 0; cut <= 1; cut++) {
		const struct __sk_buff about = {.mark = mark_of(number),
						.gso_size = cut ? 100 : 0,
						.gso_segs = cut ? 8 : 0};
		struct __sk_buff skb = about;

		run_after(gates, UPLINK_COUNT, &before, frame, sizeof(frame), &skb);
		skb = about;
		run_after(gates, LINK_HOLD, &before, frame, sizeof(frame), &skb);
	}
	gates_hold_counts(gates, LINK, &bytes, &packets);
	is_uint(bytes, 2 * sizeof(frame) + 7 * 54);
	is_uint(packets, 9);
	is_uint(gates_counts(gates, number).sent_bytes, bytes);
	is_uint(gates_counts(gates, number).sent, packets);
}

TEST(headers_of_segments_count)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();

	if (!gates)
		return;
	is_int(gates_hold_link(gates, LINK, 1000), 0);
	is_uint(held_of(gates, LINK_HOLD, 1500, 1), PASS);
}

TEST(what_waits_is_a_debt)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();

	if (!gates)
		return;
	/* a bucket of 131,072 bytes, in a tenth of a second; twenty of them are sent at once, and wait */
	is_int(gates_hold_link(gates, LINK, 1310720), 0);
	is_uint(held(gates, LINK_HOLD, 20 * 2048), PASS);
	usleep(500000);
	is_uint(held(gates, LINK_HOLD, 1), PASS);
	/* with a higher rate it is over sooner */
	is_int(gates_hold_link(gates, LINK, 131072000), 0);
	usleep(100000);
	is_uint(held(gates, LINK_HOLD, 1), TC_ACT_OK);
}

TEST(a_shut_gate_drops_what_is_not_paid_for)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1, other = gates ? gates_new(gates) : -1;
	struct gate_counts counts;

	if (number < 0)
		return;
	is_int(gates_bind_link(gates, LINK, number), 0);
	/* a packet each 100 s: none in the time of this test */
	gates_shut(gates, number, &(struct gate_terms){.rate = 10, .packet_ns = 1000});
	ok(gates_is_shut(gates, number));
	is_uint(verdict(gates, 1500), TC_ACT_SHOT);
	counts = gates_counts(gates, number);
	is_uint(counts.dropped, 1500);
	is_uint(counts.dropped_bytes, 1500 * 64);
	is_uint(counts.passed, 0);
	/* others' packets are none of its business */
	is_int(gates_bind_link(gates, LINK, other), 0);
	is_uint(verdict(gates, 1000), PASS);
	is_int(gates_bind_link(gates, LINK, number), 0);
	gates_open_wide(gates, number);
	ok(!gates_is_shut(gates, number));
	is_uint(verdict(gates, 1000), PASS);
	/* another gets the number, and nothing of what was bound to it */
	gates_free(gates, number);
	is_int(gates_new(gates), number);
	gates_shut(gates, number, &(struct gate_terms){.rate = 10, .packet_ns = 1000});
	is_uint(verdict(gates, 10), PASS);
	is_uint(gates_counts(gates, number).dropped, 0);
}

TEST(a_bucket_fills_at_its_rate)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	uint64_t passed;

	if (number < 0)
		return;
	is_int(gates_bind_link(gates, LINK, number), 0);
	/* 1% of a CPU, 100 us a packet: 100 packets a second, and a bucket of 2 */
	gates_shut(gates, number, &(struct gate_terms){.rate = 10000000, .packet_ns = 100000});
	/* whoever comes as soon as there is anything in it may go into debt */
	verdict(gates, 1000);
	ok(gates_counts(gates, number).passed <= 2);
	usleep(300000);
	verdict(gates, 1000);
	passed = gates_counts(gates, number).passed;
	/* what did not fit into the bucket is lost */
	ok(passed >= 1 && passed <= 6, "%llu passed", (unsigned long long)passed);
}

TEST(a_gate_that_nobody_renews_opens)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;

	if (number < 0)
		return;
	is_int(gates_bind_link(gates, LINK, number), 0);
	gates_shut(gates, number, &(struct gate_terms){.rate = 10, .packet_ns = 1000});
	is_uint(verdict(gates, 1), TC_ACT_SHOT);
	usleep(2100000);
	is_uint(verdict(gates, 1), PASS);
	ok(!gates_is_shut(gates, number));
}

TEST(packets_of_the_uplink_are_classified_by_their_mark)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	struct __sk_buff skb = {0};
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb));
	int first = gates ? gates_new(gates) : -1, second = gates ? gates_new(gates) : -1;
	struct before before = signed_by(second);

	if (second < 0)
		return;
	gates_set_class(gates, TERMS_EGRESS, second, 0xbe0022);
	is_int(gates_bind_link(gates, LINK, second), 0);
	skb.mark = 0x80042;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_MARK), &opts) == 0);
	is_uint(skb.mark, 0x80042 | mark_of(second));
	is_uint(run_after(gates, UPLINK_CLASSIFY, &before, frame, sizeof(frame), &skb), 0xbe0022);
	before = signed_by(first);
	skb = (struct __sk_buff){.mark = mark_of(first)};
	is_uint(run_after(gates, UPLINK_CLASSIFY, &before, frame, sizeof(frame), &skb), 0);
	before = (struct before){0};
	skb = (struct __sk_buff){.mark = 0x80042};
	is_uint(run_after(gates, UPLINK_CLASSIFY, &before, frame, sizeof(frame), &skb), 0);
}

/* A host may use all bits of marks for itself, and a container can set the tc_index of what it sends. */
TEST(a_mark_of_somebody_else_is_no_number)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1, other = gates ? gates_new(gates) : -1;
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};
	const struct before all[] = {{0}, signed_by(other), {.index = (uint32_t)number + 1}};
	struct before right = signed_by(number);
	struct __sk_buff skb;

	if (other < 0)
		return;
	gates_set_class(gates, TERMS_EGRESS, number, 0xbe0022);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		skb = (struct __sk_buff){.mark = mark_of(number)};
		is_uint(run_after(gates, UPLINK_CLASSIFY, &all[i], frame, sizeof(frame), &skb), 0);
	}
	gates_set_class(gates, TERMS_EGRESS, number, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		skb = (struct __sk_buff){.mark = mark_of(number)};
		run_after(gates, UPLINK_COUNT, &all[i], frame, sizeof(frame), &skb);
	}
	skb = (struct __sk_buff){0};
	run_after(gates, UPLINK_COUNT, &right, frame, sizeof(frame), &skb);
	is_uint(gates_counts(gates, number).sent, 0);
	skb = (struct __sk_buff){.mark = mark_of(number)};
	run_after(gates, UPLINK_COUNT, &right, frame, sizeof(frame), &skb);
	is_uint(gates_counts(gates, number).sent, 1);
}

/* SO_PRIORITY, which who may send raw packets may set to anything: HTB takes it for a class. */
TEST(a_class_that_a_workspace_gives_itself_is_not_believed)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	struct __sk_buff skb = {.priority = GATE_QDISC_MAJOR << 16 | 0x10};
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb));

	if (!gates)
		return;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_MARK), &opts) == 0);
	is_uint(skb.priority, 0);
	/* others' are others' business */
	skb.priority = 6;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_MARK), &opts) == 0);
	is_uint(skb.priority, 6);
}

TEST(what_the_uplink_sends_is_counted_where_no_class_does)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int a = gates ? gates_new(gates) : -1, b = gates ? gates_new(gates) : -1;
	unsigned char frame[64] = {[12] = ETH_P_IP >> 8, [13] = ETH_P_IP & 0xff, [14] = 0x45};

	if (b < 0)
		return;
	gates_set_class(gates, TERMS_EGRESS, b, 0xbe0011);
	for (int number = -1; number <= b + 1; number++) {
		const struct before before = signed_by(number);
		struct __sk_buff skb = {.mark = mark_of(number)};

		is_uint(run_after(gates, UPLINK_COUNT, &before, frame, sizeof(frame), &skb), PASS);
	}
	is_uint(gates_counts(gates, a).sent, 1);
	is_uint(gates_counts(gates, a).sent_bytes, 64);
	is_uint(gates_counts(gates, b).sent, 0);
	gates_add_sent(gates, b, 500, 5);
	is_uint(gates_counts(gates, b).sent_bytes, 500);
	is_uint(gates_counts(gates, b).sent, 5);
}

/* A datagram of IPv4 between 10.0.0.HOST and 192.0.2.1, with ports; or of IPv6. */
struct frame {
	unsigned char bytes[80];
	size_t size;
};

static struct frame frame_v4(int host, uint16_t port, bool sent)
{
	struct frame f = {.bytes = {[12] = 0x08, [14] = 0x45, [22] = 64, [23] = 17}, .size = 60};
	const unsigned char local[] = {10, 0, 0, (unsigned char)host}, remote[] = {192, 0, 2, 1};

	memcpy(&f.bytes[sent ? 26 : 30], local, 4);
	memcpy(&f.bytes[sent ? 30 : 26], remote, 4);
	f.bytes[sent ? 34 : 36] = (unsigned char)(port >> 8);
	f.bytes[sent ? 35 : 37] = (unsigned char)port;
	f.bytes[sent ? 37 : 35] = 53;
	return f;
}

static struct frame frame_v6(int host, bool sent)
{
	struct frame f = {.bytes = {[12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 17}, .size = 72};

	f.bytes[sent ? 22 : 38] = f.bytes[sent ? 38 : 22] = 0xfd;
	f.bytes[sent ? 37 : 53] = (unsigned char)host;
	f.bytes[sent ? 53 : 37] = 99;
	f.bytes[sent ? 55 : 57] = 80;
	f.bytes[sent ? 57 : 55] = 53;
	return f;
}

static void run_marked(const struct gates *gates, enum gate_program program,
		       const struct frame *frame, int number)
{
	const struct before before = signed_by(number);
	struct __sk_buff skb = {.mark = mark_of(number)};

	run_after(gates, program, &before, frame->bytes, frame->size, &skb);
}

static uint32_t run_program(const struct gates *gates, enum gate_program program,
			    const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
		    .data_size_in = (unsigned int)frame->size);

	ok(bpf_prog_test_run_opts(gates_program(gates, program), &opts) == 0);
	return opts.retval;
}

TEST(what_arrives_is_known_by_what_was_sent)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int a = gates ? gates_new(gates) : -1, b = gates ? gates_new(gates) : -1;
	struct frame sent_a = frame_v4(1, 5000, true), sent_b = frame_v4(1, 5001, true);
	struct frame in_a = frame_v4(1, 5000, false), in_b = frame_v4(1, 5001, false);
	struct frame other = frame_v4(1, 5002, false);
	struct frame sent_v6 = frame_v6(7, true), in_v6 = frame_v6(7, false);

	if (b < 0)
		return;
	gates_set_class(gates, TERMS_INGRESS, a, 0xbe0011);
	gates_set_class(gates, TERMS_INGRESS, b, 0xbe0012);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_a), 0);
	/* two behind one address, as where addresses are translated */
	run_marked(gates, UPLINK_LEARN, &sent_a, a);
	run_marked(gates, UPLINK_LEARN, &sent_b, b);
	run_marked(gates, UPLINK_LEARN, &sent_v6, b);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_a), 0xbe0011);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_b), 0xbe0012);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_v6), 0xbe0012);
	is_uint(run_program(gates, UPLINK_ARRIVES, &other), 0);
	/* what the host sends is nobody's */
	run_program(gates, UPLINK_LEARN, &other);
	is_uint(run_program(gates, UPLINK_ARRIVES, &other), 0);
	gates_free(gates, b);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_b), 0);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_a), 0xbe0011);
}

TEST(what_arrives_is_known_by_the_address_of_a_link)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	struct frame in = frame_v4(2, 5000, false), later = frame_v4(2, 6000, false);

	if (number < 0)
		return;
	gates_set_class(gates, TERMS_INGRESS, number, 0xbe0013);
	is_int(gates_bind_link(gates, LINK, number), 0);
	run_program(gates, LINK_LEARN, &in);
	is_uint(run_program(gates, UPLINK_ARRIVES, &later), 0xbe0013);
	gates_free(gates, number);
	is_uint(run_program(gates, UPLINK_ARRIVES, &later), 0);
	/* who has the number next has nothing of what was learned, */
	is_int(gates_new(gates), number);
	gates_set_class(gates, TERMS_INGRESS, number, 0xbe0014);
	is_uint(run_program(gates, UPLINK_ARRIVES, &later), 0);
	/* and learns it anew */
	is_int(gates_bind_link(gates, LINK, number), 0);
	run_program(gates, LINK_LEARN, &in);
	is_uint(run_program(gates, UPLINK_ARRIVES, &later), 0xbe0014);
}

TEST(what_arrives_is_dropped_at_the_uplink_by_its_address)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	struct frame in = frame_v4(2, 5000, false), other = frame_v4(3, 5000, false);

	if (number < 0)
		return;
	is_int(gates_bind_link(gates, LINK, number), 0);
	gates_shut(gates, number, &(struct gate_terms){.rate = 0, .packet_ns = 1000});
	is_uint(run_program(gates, GATE_UPLINK, &in), PASS);
	run_program(gates, LINK_LEARN, &in);
	is_uint(run_program(gates, GATE_UPLINK, &in), TC_ACT_SHOT);
	is_uint(run_program(gates, GATE_UPLINK, &other), PASS);
	is_uint(gates_counts(gates, number).dropped, 1);
	gates_open_wide(gates, number);
	is_uint(run_program(gates, GATE_UPLINK, &in), PASS);
	/* with something to spend it passes, and pays at the link */
	gates_shut(gates, number, &(struct gate_terms){.rate = 1000000000, .packet_ns = 1000});
	usleep(2000);
	is_uint(run_program(gates, GATE_UPLINK, &in), PASS);
	is_uint(gates_counts(gates, number).passed, 0);
}

TEST(what_arrives_is_known_by_the_hardware_address_behind_a_bridge)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	const struct netlink_station station = {.address = {2, 0xbe, 0, 0, 0, 7}};
	struct frame in = frame_v4(5, 5000, false), other = frame_v4(5, 5000, false);
	struct frame in_v6 = frame_v6(9, false);

	if (number < 0)
		return;
	memcpy(in.bytes, station.address, sizeof(station.address));
	memcpy(in_v6.bytes, station.address, sizeof(station.address));
	other.bytes[0] = 2;
	gates_set_class(gates, TERMS_INGRESS, number, 0xbe0015);
	gates_shut(gates, number, &(struct gate_terms){.rate = 0, .packet_ns = 1000});
	is_uint(run_program(gates, UPLINK_ARRIVES, &in), 0);
	is_int(gates_set_station(gates, &station, number), 0);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in), 0xbe0015);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in_v6), 0xbe0015);
	is_uint(run_program(gates, UPLINK_ARRIVES, &other), 0);
	is_uint(run_program(gates, GATE_UPLINK, &in), TC_ACT_SHOT);
	is_uint(run_program(gates, GATE_UPLINK, &other), PASS);
	gates_forget_station(gates, &station);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in), 0);
	is_int(gates_set_station(gates, &station, number), 0);
	gates_free(gates, number);
	is_uint(run_program(gates, UPLINK_ARRIVES, &in), 0);
}

/* The class of what arrives for one address with that tag. */
static uint32_t arrives_in(const struct gates *gates, const struct frame *in, uint32_t vlan,
			   uint32_t protocol)
{
	const struct before before = {.vlan = vlan, .protocol = protocol};

	return run_after(gates, UPLINK_ARRIVES, &before, in->bytes, in->size, NULL);
}

TEST(an_address_is_another_one_in_another_vlan)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int a = gates ? gates_new(gates) : -1, b = gates ? gates_new(gates) : -1;
	struct netlink_bridge_vlans vlans = {
		.filters = true, .protocol = ETH_P_8021Q, .untagged = 20};
	struct netlink_station station = {.address = {2, 0xbe, 0, 0, 0, 7}, .vlan = 10};
	struct frame in = frame_v4(5, 5000, false);

	if (b < 0)
		return;
	memcpy(in.bytes, station.address, sizeof(station.address));
	gates_set_class(gates, TERMS_INGRESS, a, 0xbe0015);
	gates_set_class(gates, TERMS_INGRESS, b, 0xbe0016);
	gates_set_vlans(gates, &vlans);
	is_int(gates_set_station(gates, &station, a), 0);
	station.vlan = 20;
	is_int(gates_set_station(gates, &station, b), 0);
	is_uint(arrives_in(gates, &in, 10, ETH_P_8021Q), 0xbe0015);
	is_uint(arrives_in(gates, &in, 20, ETH_P_8021Q), 0xbe0016);
	is_uint(arrives_in(gates, &in, 30, ETH_P_8021Q), 0);
	/* without a tag, or with one that is none to this bridge */
	is_uint(arrives_in(gates, &in, 0, 0), 0xbe0016);
	is_uint(arrives_in(gates, &in, 10, ETH_P_8021AD), 0xbe0016);
	vlans.untagged = 0;
	gates_set_vlans(gates, &vlans);
	is_uint(arrives_in(gates, &in, 0, 0), 0);
	/* a bridge that does not filter sends by the address alone */
	gates_set_vlans(gates, &(struct netlink_bridge_vlans){0});
	is_uint(arrives_in(gates, &in, 10, ETH_P_8021Q), 0);
	station.vlan = 0;
	is_int(gates_set_station(gates, &station, b), 0);
	is_uint(arrives_in(gates, &in, 10, ETH_P_8021Q), 0xbe0016);
}

TEST(what_somebody_else_sends_on_a_connection_takes_it_from_the_workspace)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	struct frame sent = frame_v4(4, 5001, true), in = frame_v4(4, 5001, false);

	if (number < 0)
		return;
	gates_shut(gates, number, &(struct gate_terms){.rate = 0, .packet_ns = 1000});
	run_marked(gates, UPLINK_LEARN, &sent, number);
	is_uint(run_program(gates, GATE_UPLINK, &in), TC_ACT_SHOT);
	run_program(gates, UPLINK_LEARN, &sent);
	is_uint(run_program(gates, GATE_UPLINK, &in), PASS);
}

/* A flood from many addresses fills the maps; that a workspace goes costs no walk over them. */
TEST(a_number_is_given_up_at_once_whatever_was_learned)
{
	_cleanup_(cleanup_gates) struct gates *gates = open_gates();
	int number = gates ? gates_new(gates) : -1;
	const struct before before = signed_by(number);
	_cleanup_close_ int map = -EBADF, prefixed = -EBADF;
	uint64_t began_ns, took_ns;

	if (number < 0)
		return;
	prefixed = prefix(gates, UPLINK_LEARN, &before, &map);
	for (int i = 0; i < 20000; i++) {
		struct frame sent = frame_v4(i / 60000, (uint16_t)(i % 60000 + 1), true);
		struct __sk_buff skb = {.mark = mark_of(number)};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = sent.bytes,
			    .data_size_in = (unsigned int)sent.size, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb));

		if (bpf_prog_test_run_opts(prefixed, &opts) < 0)
			break;
	}
	began_ns = clock_monotonic_ns();
	for (int i = 0; i < 100; i++) {
		gates_free(gates, number);
		is_int(gates_new(gates), number);
	}
	took_ns = clock_monotonic_ns() - began_ns;
	/* a walk over 20,000 takes 10 ms and more, each time */
	ok(took_ns < 200000000, "%llu us", (unsigned long long)took_ns / 1000);
}
