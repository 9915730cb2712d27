// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/parts.h"

#include <stdlib.h>
#include <string.h>

/* All members are words that count alike. */
#define WORDS (sizeof(struct ledger_part) / sizeof(uint64_t))

struct ledger_part *ledger_parts_new(const struct ledger_books *books, uint32_t slot)
{
	struct ledger_part *parts = calloc(books->n_rows, sizeof(*parts));

	for (uint32_t row = 0; parts && row < books->n_rows; row++) {
		const struct wire_totals *totals = &books->rows[(size_t)slot * books->n_rows + row];

		parts[row].own_ns = totals->own_ns;
		parts[row].imposed_ns = totals->imposed_soft_ns + totals->imposed_hard_ns;
		parts[row].evidence = (struct ledger_evidence){
			.rx_packets = totals->rx_packets,
			.tx_packets = totals->tx_packets,
			.requests = totals->requests,
			.items = totals->items,
		};
		for (size_t i = 0; i < (size_t)WIRE_LEVELS * WIRE_CLASSES; i++) {
			parts[row].behalf_ns[i % WIRE_CLASSES] += totals->behalf_ns[i];
			if (i / WIRE_CLASSES != WIRE_TASK)
				parts[row].interrupt_ns += totals->behalf_ns[i];
		}
	}
	return parts;
}

struct ledger_part *ledger_parts_copy(const struct ledger_part *parts, size_t n)
{
	struct ledger_part *copy = calloc(n + 1, sizeof(*copy));

	return copy && n ? memcpy(copy, parts, n * sizeof(*copy)) : copy;
}

void ledger_parts_take_off(struct ledger_part *later, const struct ledger_part *earlier, size_t n,
			   bool inherited)
{
	for (size_t i = 0; later && earlier && i < n; i++) {
		uint64_t *to = (uint64_t *)&later[inherited ? n - 1 : i];
		const uint64_t *from = (const uint64_t *)&earlier[i];

		for (size_t w = 0; w < WORDS; w++)
			to[w] -= from[w];
	}
}

void ledger_parts_settle(struct ledger_part *parts, size_t n)
{
	for (size_t i = 0; parts && i < n * WORDS; i++) {
		uint64_t *word = (uint64_t *)parts + i;

		if ((int64_t)*word < 0)
			*word = 0;
	}
}

void ledger_evidence_add(struct ledger_evidence *to, const struct ledger_evidence *from)
{
	to->rx_packets += from->rx_packets;
	to->tx_packets += from->tx_packets;
	to->requests += from->requests;
	to->items += from->items;
}

void ledger_evidence_take_off(struct ledger_evidence *later, const struct ledger_evidence *earlier)
{
	later->rx_packets -= earlier->rx_packets;
	later->tx_packets -= earlier->tx_packets;
	later->requests -= earlier->requests;
	later->items -= earlier->items;
}

uint64_t ledger_part_behalf_ns(const struct ledger_part *part)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < WIRE_CLASSES; i++)
		sum_ns += part->behalf_ns[i];
	return sum_ns;
}
