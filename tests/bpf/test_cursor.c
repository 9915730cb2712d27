// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cursor's books balance for every sequence of events. The code under test is the one that runs
 * in the kernel; here it is driven by a made-up clock, and hard interrupts strike wherever the code
 * reads it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "tap.h"

#define SLOTS 12
#define CPU_NS_START 1000000

static struct wire_totals rows[SLOTS];
static uint64_t now_ns;
static uint64_t random_state;
static bool strikes; /* interrupts come at any time */
static unsigned int striking;
static unsigned int mistaken; /* how often a cursor looked whole that was not */

static void strike(struct wire_cpu *c);

static uint64_t random_below(uint64_t n)
{
	/* xorshift64: the same sequence everywhere */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static void pass(uint64_t most_ns)
{
	now_ns += random_below(most_ns) + 1;
}

/* As a reader on another CPU would see it. */
static bool looks_whole(const struct wire_cpu *c)
{
	return c->begun == c->ended && !c->moving[WIRE_TASK] && !c->moving[WIRE_SOFT] &&
	       !c->moving[WIRE_HARD];
}

/* Asked in the middle of a boundary. */
static uint64_t cursor_now(const struct wire_cpu *c)
{
	uint64_t read_ns = now_ns;
	bool is_hard = c->moving[WIRE_HARD]; /* which no other interrupts, but here */

	if (!strikes || striking || c->frame[WIRE_HARD].active || random_below(4))
		return now_ns;
	strike((struct wire_cpu *)c);
	mistaken += !is_hard && looks_whole(c);
	/* the interrupt came after the clock was read, or before */
	return random_below(2) ? read_ns : now_ns;
}

static struct wire_totals *cursor_totals(const struct wire_cpu *c, uint32_t slot)
{
	return slot < SLOTS ? &rows[slot] : NULL;
}

#include "bpf/cursor.h"

static void strike(struct wire_cpu *c)
{
	striking++;
	pass(50);
	cursor_enter(c, WIRE_HARD, WIRE_SLOT_UNATTRIBUTED, WIRE_IRQ);
	pass(400);
	if (random_below(3) == 0)
		cursor_repoint(c, WIRE_HARD, (uint32_t)random_below(SLOTS), WIRE_BLOCK);
	else if (random_below(2) == 0)
		cursor_adopt(c, WIRE_HARD, (uint32_t)random_below(SLOTS), WIRE_BLOCK);
	else
		cursor_turn(c, WIRE_HARD, (uint32_t)random_below(SLOTS), WIRE_BLOCK);
	pass(400);
	cursor_exit(c, WIRE_HARD);
	pass(50);
	striking--;
}

static uint64_t row_sum(const struct wire_totals *row)
{
	uint64_t sum_ns = row->own_ns;

	for (int i = 0; i < WIRE_LEVELS * WIRE_CLASSES; i++)
		sum_ns += row->behalf_ns[i];
	return sum_ns;
}

/* No figure is beyond the time there was, in either direction: a sum that is right hides that. */
static bool figures_are_sane(void)
{
	int64_t most_ns = (int64_t)(now_ns - CPU_NS_START);
	bool sane = true;

	for (int slot = 0; slot < SLOTS; slot++) {
		for (int i = 0; i < WIRE_LEVELS * WIRE_CLASSES; i++) {
			int64_t ns = (int64_t)rows[slot].behalf_ns[i];

			sane = sane && ns <= most_ns && ns >= -most_ns;
		}
	}
	return sane;
}

/* What the books say now, as a reader sees them. */
static uint64_t books(const struct wire_cpu *c)
{
	struct wire_totals kept[SLOTS];
	struct wire_cpu copy = *c;
	uint64_t sum_ns;

	memcpy(kept, rows, sizeof(rows));
	striking++;
	cursor_close_copy(&copy);
	striking--;
	sum_ns = copy.idle_ns;
	for (int i = 0; i < SLOTS; i++)
		sum_ns += row_sum(&rows[i]);
	memcpy(rows, kept, sizeof(rows));
	return sum_ns;
}

static void begin(struct wire_cpu *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	memset(rows, 0, sizeof(rows));
	random_state = seed * 0x9e3779b97f4a7c15u + 1;
	now_ns = CPU_NS_START;
	striking = 0;
	cursor_start(c, now_ns, WIRE_SLOT_HOST, WIRE_OWN, WIRE_SLOT_HOST);
}

static uint32_t any_slot(void)
{
	return WIRE_SLOT_FIRST + (uint32_t)random_below(SLOTS - WIRE_SLOT_FIRST);
}

static void any_packet(struct wire_cpu *c)
{
	uint32_t slot = random_below(3) ? any_slot() : (uint32_t)WIRE_SLOT_PACKET;
	uint64_t packet = random_below(6);

	if (slot != WIRE_SLOT_PACKET && c->handed_tail != c->handed_head)
		cursor_packet_handed(c, slot, packet);
	cursor_packet(c, slot, 1 + (uint32_t)random_below(40), packet, random_below(2));
	if (slot == WIRE_SLOT_PACKET && random_below(2))
		cursor_packet_again(c);
}

/* A tasklet that receives packets: its softirq goes on as one of receiving. */
static void tasklet_receives(struct wire_cpu *c)
{
	cursor_enter(c, WIRE_SOFT, WIRE_SLOT_UNATTRIBUTED, WIRE_TASKLET);
	pass(100);
	cursor_repoint(c, WIRE_SOFT, any_slot(), WIRE_TASKLET);
	pass(100);
	cursor_repoint(c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	any_packet(c);
}

/* A kernel thread polls, which another softirq may be seen to interrupt if something was missed. */
static void thread_polls(struct wire_cpu *c)
{
	cursor_poll_enter(c);
	for (uint64_t packets = random_below(4); packets; packets--) {
		any_packet(c);
		pass(100);
	}
	if (c->frame[WIRE_SOFT].active && random_below(8))
		cursor_poll_leave(c);
}

/* What a cursor sees that has missed something. */
static void impossible_event(struct wire_cpu *c)
{
	switch (random_below(5)) {
	case 0:
		cursor_enter(c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
		break;
	case 1:
		cursor_exit(c, WIRE_SOFT);
		break;
	case 2:
		cursor_enter(c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
		break;
	case 3:
		cursor_exit(c, WIRE_HARD);
		break;
	default:
		cursor_switch(c, any_slot(), WIRE_OWN, WIRE_SLOT_HOST);
	}
}

/* An event that can happen in the context the CPU is in; if BROKEN, now and then one that cannot. */
static void any_event(struct wire_cpu *c, bool broken)
{
	enum wire_level level = cursor_level(c);
	uint32_t slot = any_slot();

	if (broken && random_below(8) == 0) {
		impossible_event(c);
		return;
	}
	if (level == WIRE_HARD) {
		if (random_below(3) == 0)
			cursor_repoint(c, WIRE_HARD, slot, WIRE_BLOCK);
		else if (random_below(3) == 0)
			cursor_adopt(c, WIRE_HARD, slot, WIRE_BLOCK);
		else if (random_below(3) == 0)
			cursor_turn(c, WIRE_HARD, slot, WIRE_TIMER);
		else
			cursor_exit(c, WIRE_HARD);
		return;
	}
	if (random_below(4) == 0) {
		cursor_enter(c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
		return;
	}
	if (level == WIRE_SOFT) {
		switch (random_below(6)) {
		case 0:
			cursor_exit(c, WIRE_SOFT);
			break;
		case 1:
			cursor_poll_end(c, random_below(2) ? any_slot()
							   : (uint32_t)WIRE_SLOT_UNATTRIBUTED);
			break;
		case 2:
			cursor_packet_settle(c, slot);
			break;
		default:
			any_packet(c);
		}
		return;
	}
	switch (random_below(8)) {
	case 0:
		cursor_enter(c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
		break;
	case 6:
		thread_polls(c);
		break;
	case 7:
		tasklet_receives(c);
		break;
	case 1:
		cursor_enter(c, WIRE_SOFT, WIRE_SLOT_HOST, WIRE_RCU);
		cursor_exit(c, WIRE_SOFT);
		break;
	case 5:
		cursor_enter(c, WIRE_SOFT, WIRE_SLOT_UNATTRIBUTED, WIRE_BLOCK);
		pass(100);
		cursor_adopt(c, WIRE_SOFT, slot, WIRE_BLOCK);
		pass(100);
		cursor_adopt(c, WIRE_SOFT, any_slot(), WIRE_BLOCK);
		cursor_exit(c, WIRE_SOFT);
		break;
	case 2:
		cursor_switch(c, WIRE_SLOT_HOST, WIRE_IDLE, WIRE_SLOT_HOST);
		break;
	case 3:
		cursor_repoint(c, WIRE_TASK, slot, WIRE_WORK);
		break;
	default:
		cursor_switch(c, slot, WIRE_OWN, random_below(4) ? slot : WIRE_SLOT_HOST);
	}
}

static void random_run(bool with_strikes, bool broken)
{
	static struct wire_cpu c;
	unsigned int wrong = 0;

	for (uint64_t seed = 1; seed <= 2000; seed++) {
		begin(&c, seed);
		strikes = with_strikes;
		for (int i = 0; i < 300; i++) {
			pass(1000);
			any_event(&c, broken);
			wrong += books(&c) != now_ns - CPU_NS_START || !figures_are_sane();
		}
		if (wrong) {
			note("seed %llu", (unsigned long long)seed);
			break;
		}
	}
	strikes = false;
	is_uint(wrong, 0);
	is_uint(mistaken, 0);
}

TEST(books_balance_for_every_sequence)
{
	random_run(false, false);
}

TEST(books_balance_with_interrupts_in_boundaries)
{
	random_run(true, false);
}

TEST(books_balance_with_events_that_cannot_be)
{
	random_run(true, true);
}

TEST(nested_contexts_are_told_apart)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_switch(&c, 3, WIRE_OWN, 3);
	now_ns += 100;
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_HOST, WIRE_TIMER);
	now_ns += 10;
	cursor_enter(&c, WIRE_HARD, WIRE_SLOT_UNATTRIBUTED, WIRE_IRQ);
	now_ns += 5;
	cursor_exit(&c, WIRE_HARD);
	now_ns += 20;
	cursor_exit(&c, WIRE_SOFT);
	now_ns += 50;
	cursor_switch(&c, WIRE_SLOT_HOST, WIRE_IDLE, WIRE_SLOT_HOST);
	now_ns += 1000;
	cursor_switch(&c, 4, WIRE_OWN, 4);

	is_uint(rows[3].own_ns, 150);
	is_uint(rows[WIRE_SLOT_HOST].behalf_ns[WIRE_SOFT * WIRE_CLASSES + WIRE_TIMER], 30);
	is_uint(rows[WIRE_SLOT_UNATTRIBUTED].behalf_ns[WIRE_HARD * WIRE_CLASSES + WIRE_IRQ], 5);
	is_uint(rows[3].imposed_soft_ns, 30);
	is_uint(rows[3].imposed_hard_ns, 5);
	is_uint(c.idle_ns, 1000);
}

static uint64_t received(uint32_t slot)
{
	return rows[slot].behalf_ns[WIRE_SOFT * WIRE_CLASSES + WIRE_NET_RX];
}

TEST(poll_cost_is_split_by_segments)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 400; /* the poll */
	cursor_packet(&c, 3, 1, 1, false);
	now_ns += 10;
	cursor_packet(&c, 4, 3, 2, false);
	now_ns += 20;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	is_uint(received(3), 10 + 100);
	is_uint(received(4), 20 + 300);
	now_ns += 7; /* the rest of the softirq */
	cursor_exit(&c, WIRE_SOFT);
	is_uint(received(4), 20 + 300 + 7);
}

TEST(poll_without_packets_is_nobodys)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 400;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	cursor_exit(&c, WIRE_SOFT);
	is_uint(received(WIRE_SLOT_UNATTRIBUTED), 400);
	is_uint(c.counters[WIRE_FALLBACK_POLL], 1);
}

TEST(backlog_packet_pays_its_way)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_switch(&c, 3, WIRE_OWN, 3);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 40;
	cursor_packet(&c, 3, 1, 1, true);
	now_ns += 60;
	cursor_packet(&c, 4, 1, 1, true);
	now_ns += 70;
	cursor_exit(&c, WIRE_SOFT);
	is_uint(received(3), 100);
	is_uint(received(4), 70);
	is_uint(rows[3].imposed_soft_ns, 70);
	is_uint(rows[4].imposed_soft_ns, 0);
}

TEST(packet_of_the_host_takes_its_cost_to_the_container)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 200;
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 11, false);
	now_ns += 30;
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 22, false);
	now_ns += 40;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	is_uint(received(WIRE_SLOT_HOST), 270);
	now_ns += 5;
	ok(cursor_packet_handed(&c, 5, 22));
	cursor_packet(&c, 5, 1, 22, true);
	now_ns += 10;
	cursor_exit(&c, WIRE_SOFT);
	is_uint(received(WIRE_SLOT_HOST), 130);
	is_uint(received(5), 155);
	is_uint(c.counters[WIRE_RULE_HOST_PACKET], 2);
}

TEST(packet_seen_again_takes_all_of_its_way)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 100;
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 11, false); /* another one, which is dropped */
	now_ns += 7;
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 11, false);
	now_ns += 30;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 11, true); /* out of the tunnel */
	ok(cursor_packet_again(&c));
	now_ns += 20;
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 12, true);
	ok(!cursor_packet_again(&c), "a new one");
	now_ns += 5;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	is_uint(received(WIRE_SLOT_HOST), 100 + 7 + 30 + 20 + 5);
	is_uint(books(&c), now_ns - CPU_NS_START);
	/* 30 of its own and half of the poll below, 20 above */
	ok(cursor_packet_handed(&c, 5, 11), "the dropped one's note is older");
	is_uint(received(5), 50 + 7);
	ok(cursor_packet_handed(&c, 5, 11));
	is_uint(received(5), 50 + 7 + 30 + 50 + 20);
	cursor_exit(&c, WIRE_SOFT);
}

TEST(poll_of_a_thread_is_its_packets)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_switch(&c, WIRE_SLOT_HOST, WIRE_OWN, WIRE_SLOT_HOST);
	now_ns += 300; /* the driver */
	cursor_poll_enter(&c);
	cursor_packet(&c, 3, 1, 1, false);
	now_ns += 10;
	cursor_packet(&c, 4, 2, 2, false);
	now_ns += 20;
	is_uint(cursor_poll_leave(&c), 4);
	is_uint(received(3), 10 + 100);
	is_uint(received(4), 20 + 200);
	now_ns += 50;
	cursor_switch(&c, 5, WIRE_OWN, 5);
	is_uint(rows[4].behalf_ns[WIRE_TASK * WIRE_CLASSES + WIRE_NET_RX], 50);
	is_uint(rows[WIRE_SLOT_HOST].own_ns, 0);
	is_uint(books(&c), now_ns - CPU_NS_START);
}

TEST(poll_without_packets_is_the_fallbacks)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 400;
	ok(cursor_poll_is_empty(&c));
	cursor_poll_end(&c, 3);
	now_ns += 10;
	cursor_packet(&c, 4, 1, 1, false);
	ok(!cursor_poll_is_empty(&c));
	cursor_exit(&c, WIRE_SOFT);
	is_uint(received(3), 400);
	is_uint(received(4), 10);
}

TEST(packets_are_counted_for_their_owners)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 100;
	cursor_packet(&c, 3, 1, 1, false);
	cursor_packet(&c, 3, 4, 2, false);
	cursor_packet(&c, WIRE_SLOT_PACKET, 2, 3, false);
	cursor_packet(&c, WIRE_SLOT_PACKET, 7, 4, false);
	cursor_packet_settle(&c, 4);
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	now_ns += 50; /* a poll without packets */
	cursor_exit(&c, WIRE_SOFT);
	is_uint(rows[3].rx_packets, 5);
	is_uint(rows[WIRE_SLOT_HOST].rx_packets, 2);
	is_uint(rows[4].rx_packets, 7);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_TX);
	cursor_packet(&c, 3, 1, 5, false);
	cursor_exit(&c, WIRE_SOFT);
	is_uint(rows[3].tx_packets, 1);
	is_uint(rows[3].rx_packets, 5);
	is_uint(rows[WIRE_SLOT_UNATTRIBUTED].rx_packets, 0);
}

TEST(ring_of_handed_packets_wraps)
{
	struct wire_cpu c;

	begin(&c, 1);
	c.handed_head = c.handed_tail = c.handed_poll = UINT32_MAX - 3;
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	for (uint64_t packet = 1; packet <= WIRE_HANDED + 9; packet++) {
		now_ns += 10;
		cursor_packet(&c, WIRE_SLOT_PACKET, 1, packet, false);
	}
	now_ns += 10;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	ok(!cursor_packet_handed(&c, 5, 9), "overwritten");
	ok(cursor_packet_handed(&c, 5, 10), "the oldest");
	ok(!cursor_packet_handed(&c, 5, 10), "moved once");
	ok(cursor_packet_handed(&c, 5, WIRE_HANDED + 9), "the newest");
	is_uint(books(&c), now_ns - CPU_NS_START);
}

TEST(tick_splits_own_time)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_switch(&c, 3, WIRE_OWN, 3);
	for (int i = 0; i < 4; i++) {
		now_ns += 100;
		cursor_enter(&c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
		now_ns += 7;
		cursor_tick(&c, i != 1);
		cursor_exit(&c, WIRE_HARD);
	}
	is_uint(rows[3].own_ns, 400);
	is_uint(rows[3].own_user_ns, 300);
	is_uint(rows[3].own_kernel_ns, 100);
	is_uint(books(&c), now_ns - CPU_NS_START);
}

TEST(first_completion_pays_for_the_interrupt)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_HARD, WIRE_SLOT_UNATTRIBUTED, WIRE_IRQ);
	now_ns += 30;
	cursor_adopt(&c, WIRE_HARD, 3, WIRE_BLOCK);
	now_ns += 20;
	cursor_adopt(&c, WIRE_HARD, 4, WIRE_BLOCK);
	now_ns += 10;
	cursor_exit(&c, WIRE_HARD);
	is_uint(rows[3].behalf_ns[WIRE_HARD * WIRE_CLASSES + WIRE_BLOCK], 50);
	is_uint(rows[4].behalf_ns[WIRE_HARD * WIRE_CLASSES + WIRE_BLOCK], 10);
	is_uint(row_sum(&rows[WIRE_SLOT_UNATTRIBUTED]), 0);
}

TEST(first_timer_pays_for_the_interrupt)
{
	const size_t timer = WIRE_HARD * WIRE_CLASSES + WIRE_TIMER;
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
	now_ns += 30;
	cursor_turn(&c, WIRE_HARD, 3, WIRE_TIMER);
	now_ns += 20;
	cursor_turn(&c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
	now_ns += 10;
	cursor_turn(&c, WIRE_HARD, 4, WIRE_TIMER);
	now_ns += 5;
	cursor_exit(&c, WIRE_HARD);
	is_uint(rows[3].behalf_ns[timer], 50);
	is_uint(rows[4].behalf_ns[timer], 5);
	is_uint(rows[WIRE_SLOT_HOST].behalf_ns[timer], 10);
	/* where the host's comes first, the way there is the host's */
	cursor_enter(&c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
	now_ns += 30;
	cursor_turn(&c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
	now_ns += 20;
	cursor_turn(&c, WIRE_HARD, 3, WIRE_TIMER);
	now_ns += 10;
	cursor_exit(&c, WIRE_HARD);
	is_uint(rows[3].behalf_ns[timer], 60);
	is_uint(rows[WIRE_SLOT_HOST].behalf_ns[timer], 60);
}

TEST(socket_tells_a_waiting_packets_owner)
{
	struct wire_cpu c;

	begin(&c, 1);
	cursor_enter(&c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	now_ns += 200; /* the poll */
	cursor_packet(&c, WIRE_SLOT_PACKET, 1, 1, false);
	now_ns += 30;
	ok(cursor_packet_settle(&c, 3));
	now_ns += 10;
	cursor_packet(&c, WIRE_SLOT_PACKET, 3, 2, false);
	ok(cursor_packet_settle(&c, 4));
	ok(!cursor_packet_settle(&c, 5), "it has an owner");
	now_ns += 20;
	cursor_poll_end(&c, WIRE_SLOT_UNATTRIBUTED);
	is_uint(received(3), 40 + 50);
	is_uint(received(4), 20 + 150);
	is_uint(received(WIRE_SLOT_HOST), 0);
	cursor_exit(&c, WIRE_SOFT);
}
