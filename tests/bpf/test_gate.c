// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate's programs, run on packets of our own making (bpf_prog_test_run). */
#include "tap.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/gate.h"
#include "keeper/gate.h"

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

	if (second < 0)
		return;
	gates_set_class(gates, second, 0xbe0022);
	is_int(gates_bind_link(gates, LINK, second), 0);
	skb.mark = 0x80042;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_MARK), &opts) == 0);
	is_uint(skb.mark, 0x80042 | ((unsigned int)second + 1) << GATE_MARK_SHIFT);
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_CLASSIFY), &opts) == 0);
	is_uint(opts.retval, 0xbe0022);
	skb.mark = ((unsigned int)first + 1) << GATE_MARK_SHIFT;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_CLASSIFY), &opts) == 0);
	is_uint(opts.retval, 0);
	skb.mark = 0x80042;
	must(bpf_prog_test_run_opts(gates_program(gates, UPLINK_CLASSIFY), &opts) == 0);
	is_uint(opts.retval, 0);
}
