// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/field.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define BIT(class) (1u << (class))
#define MEMBER(member) .offset = offsetof(struct ledger_account, member)

/* A class that is added needs a row below, and a place in one of NET, BLK, WORK and REST. */
static_assert(WIRE_CLASSES == 10, "a class of work has no field");

static uint64_t own_user_ns(const struct ledger_account *account)
{
	return account->own_user_ns;
}

static uint64_t own_kernel_ns(const struct ledger_account *account)
{
	return account->own_kernel_ns;
}

static uint64_t imposed_ns(const struct ledger_account *account)
{
	return account->imposed_ns;
}

static uint64_t kernel_says_ns(const struct ledger_account *account)
{
	return account->kernel_says_ns;
}

static uint64_t reserved_ns(const struct ledger_account *account)
{
	return account->reserved_ns;
}

/* clang-format off */
const struct view_field view_fields[] = {
	{"ID", "id", "the account's number: the inode of its cgroup",
	 VIEW_NUMBER, .width = 10, MEMBER(id)},
	{"NAME", "name", "who: a container, a unit, a cgroup's path, or host",
	 VIEW_TEXT, .key = 'N', .width = 16, .rank = 1, MEMBER(name)},
	{"CGROUP", "cgroup", "its cgroup, in the hierarchy that is accounted",
	 VIEW_TEXT, .width = 24, MEMBER(cgroup)},
	{"NETNS", "netns", "inode of its own network namespace, 0 when it has none",
	 VIEW_NUMBER, .width = 10, MEMBER(netns)},
	{"LINKS", "links", "the host's ends of its network links",
	 VIEW_LIST, .width = 16, MEMBER(links)},
	{"RESERVE", "reserved_ns", "what it is promised, if behalf promised it something",
	 VIEW_TIME, .key = 'e', .width = 7, .rank = 7, .only_of_accounts = true,
	 .only_in_top = true, .time_ns = reserved_ns},
	{"TERMS", "terms", "is what it is promised kept, since when, or who is in the way",
	 VIEW_TEXT, .width = 18, .rank = 6, .only_of_accounts = true, .only_if_any = true,
	 MEMBER(terms)},
	{"PROMISES", "promises", "the same of each term",
	 VIEW_LIST, .width = 16, .only_if_any = true, MEMBER(promises)},
	{"CHARGE", "charge_ns", "OWN + BEHALF: what it really costs",
	 VIEW_TIME, .key = 'c', .width = 6, .rank = 2, .time_ns = ledger_account_charge_ns},
	{"OWN", NULL, "its threads, in user mode and in their own system calls",
	 VIEW_TIME, .key = 'o', .width = 5, .rank = 3, .only_of_accounts = true,
	 .time_ns = ledger_account_own_ns},
	{"USER", "own_ns.user", "part of OWN: in user mode",
	 VIEW_TIME, .width = 6, .only_of_accounts = true, .time_ns = own_user_ns},
	{"KERNEL", "own_ns.kernel", "part of OWN: in the kernel, in system calls and faults",
	 VIEW_TIME, .width = 6, .only_of_accounts = true, .time_ns = own_kernel_ns},
	{"BEHALF", NULL, "kernel work for it elsewhere: NET + BLK + WORK + REST",
	 VIEW_TIME, .key = 'b', .width = 6, .rank = 4, .time_ns = ledger_account_behalf_ns},
	{"IMPOSED", "imposed_ns", "work for others while its threads were interrupted",
	 VIEW_TIME, .key = 'i', .width = 7, .rank = 5, .only_of_accounts = true,
	 .time_ns = imposed_ns},
	{"NET", NULL, "part of BEHALF: network, net_rx + net_tx",
	 VIEW_TIME, .key = 'n', .width = 5, .rank = 8,
	 .classes = BIT(WIRE_NET_RX) | BIT(WIRE_NET_TX)},
	{"BLK", NULL, "part of BEHALF: block devices, block + writeback",
	 VIEW_TIME, .key = 'd', .width = 5, .rank = 9,
	 .classes = BIT(WIRE_BLOCK) | BIT(WIRE_WRITEBACK)},
	{"WORK", "behalf_ns.work", "part of BEHALF: kworkers and other kernel threads",
	 VIEW_TIME, .key = 'w', .width = 5, .rank = 10, .classes = BIT(WIRE_WORK)},
	{"REST", NULL, "part of BEHALF: timer, tasklet, sched, rcu, irq",
	 VIEW_TIME, .key = 'r', .width = 6, .rank = 12,
	 .classes = BIT(WIRE_TIMER) | BIT(WIRE_TASKLET) | BIT(WIRE_SCHED) | BIT(WIRE_RCU) |
		    BIT(WIRE_IRQ)},
	{"NET_RX", "behalf_ns.net_rx", "receiving, bridging and forwarding included",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_NET_RX)},
	{"NET_TX", "behalf_ns.net_tx", "deferred transmission",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_NET_TX)},
	{"BLOCK", "behalf_ns.block", "completion of block I/O",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_BLOCK)},
	{"TIMER", "behalf_ns.timer", "timers and the local timer interrupt",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_TIMER)},
	{"TASKLET", "behalf_ns.tasklet", "tasklets",
	 VIEW_TIME, .width = 7, .classes = BIT(WIRE_TASKLET)},
	{"SCHED", "behalf_ns.sched", "balancing of run queues",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_SCHED)},
	{"RCU", "behalf_ns.rcu", "RCU callbacks",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_RCU)},
	{"WRITEBACK", "behalf_ns.writeback", "writeback of dirty pages",
	 VIEW_TIME, .width = 9, .classes = BIT(WIRE_WRITEBACK)},
	{"IRQ", "behalf_ns.irq", "hard interrupts without a class of their own",
	 VIEW_TIME, .width = 6, .classes = BIT(WIRE_IRQ)},
	{"KERNEL-SAYS", "kernel_says_ns", "the kernel's own usage figure for it",
	 VIEW_TIME, .key = 'k', .width = 11, .rank = 11, .only_of_accounts = true,
	 .time_ns = kernel_says_ns},
	{"RX-PACKETS", "evidence.rx_packets", "packets received for it, before the kernel merged them",
	 VIEW_COUNT, .width = 10, .only_of_accounts = true, MEMBER(evidence.rx_packets)},
	{"TX-PACKETS", "evidence.tx_packets", "packets of it whose sending was deferred",
	 VIEW_COUNT, .width = 10, .only_of_accounts = true, MEMBER(evidence.tx_packets)},
	{"REQUESTS", "evidence.requests", "block requests completed for it",
	 VIEW_COUNT, .width = 10, .only_of_accounts = true, MEMBER(evidence.requests)},
	{"ITEMS", "evidence.items", "work items done for it",
	 VIEW_COUNT, .width = 10, .only_of_accounts = true, MEMBER(evidence.items)},
};
/* clang-format on */

const size_t n_view_fields = ARRAY_SIZE(view_fields);

const struct view_field *view_field_find(const char *heading)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		if (strcasecmp(view_fields[i].heading, heading) == 0)
			return &view_fields[i];
	}
	return NULL;
}

const struct view_field *view_field_name(void)
{
	return view_field_find("NAME");
}

const struct view_field *view_field_charge(void)
{
	return view_field_find("CHARGE");
}

const struct view_field *view_field_reserve(void)
{
	return view_field_find("RESERVE");
}

bool view_field_is_figure(const struct view_field *field)
{
	return field->kind == VIEW_TIME || field->kind == VIEW_NUMBER || field->kind == VIEW_COUNT;
}

const struct view_field *view_field_of_key(int key)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		if (key && view_fields[i].key == key)
			return &view_fields[i];
	}
	return NULL;
}

uint64_t view_field_ns(const struct view_field *field, const struct ledger_account *account)
{
	uint64_t sum_ns = 0;

	if (field->time_ns)
		return field->time_ns(account);
	for (unsigned int i = 0; i < WIRE_CLASSES; i++) {
		if (field->classes & BIT(i))
			sum_ns += account->behalf_ns[i];
	}
	return sum_ns;
}

static const void *member(const struct view_field *field, const struct ledger_account *account)
{
	return (const char *)account + field->offset;
}

uint64_t view_field_number(const struct view_field *field, const struct ledger_account *account)
{
	return *(const uint64_t *)member(field, account);
}

const char *view_field_text(const struct view_field *field, const struct ledger_account *account)
{
	const char *text = *(char *const *)member(field, account);

	return text ? text : "";
}

char **view_field_list(const struct view_field *field, const struct ledger_account *account)
{
	return *(char **const *)member(field, account);
}

bool view_field_has(const struct view_field *field, const struct ledger_account *account)
{
	if (field->kind == VIEW_TEXT)
		return *view_field_text(field, account) != '\0';
	return field->kind != VIEW_LIST || view_field_list(field, account) != NULL;
}

int view_field_compare(const struct view_field *field, const struct ledger_account *a,
		       const struct ledger_account *b)
{
	uint64_t x, y;

	switch (field->kind) {
	case VIEW_TEXT:
		return strcmp(view_field_text(field, a), view_field_text(field, b));
	case VIEW_NUMBER:
	case VIEW_COUNT:
		x = view_field_number(field, a);
		y = view_field_number(field, b);
		return (x > y) - (x < y);
	case VIEW_TIME:
		x = view_field_ns(field, a);
		y = view_field_ns(field, b);
		return (x > y) - (x < y);
	case VIEW_LIST:
		break;
	}
	return 0;
}

static void choose_columns(struct view_columns *columns, bool top)
{
	columns->n = 0;
	columns->asked_for = false;
	for (size_t i = 0; i < n_view_fields; i++) {
		if (view_fields[i].rank > 0 && (top || !view_fields[i].only_in_top))
			columns->fields[columns->n++] = &view_fields[i];
	}
}

static bool somebody_has(const struct view_field *field, const struct ledger_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		if (view_field_has(field, &snapshot->accounts[i]))
			return true;
	}
	return false;
}

void view_columns_drop_empty(struct view_columns *columns, const struct ledger_snapshot *snapshot)
{
	size_t kept = 0;

	if (columns->asked_for)
		return;
	for (size_t i = 0; i < columns->n; i++) {
		const struct view_field *field = columns->fields[i];

		if (!field->only_if_any || somebody_has(field, snapshot))
			columns->fields[kept++] = field;
	}
	columns->n = kept;
}

void view_columns_default(struct view_columns *columns)
{
	choose_columns(columns, false);
}

void view_columns_top(struct view_columns *columns)
{
	choose_columns(columns, true);
}

int view_columns_parse(const char *list, struct view_columns *columns, struct error *err)
{
	_cleanup_free_ char *copy = strdup(list);
	struct view_columns parsed = {.n = 0};
	char *rest = copy, *heading;

	if (!copy)
		return error_oom(err);
	while ((heading = strsep(&rest, ","))) {
		const struct view_field *field = view_field_find(heading);

		if (!field)
			return error_set(err, EINVAL, "there is no column '%s'", heading);
		if (parsed.n == VIEW_COLUMNS_MAX)
			return error_set(err, EINVAL, "more than %d columns", VIEW_COLUMNS_MAX);
		parsed.fields[parsed.n++] = field;
	}
	parsed.asked_for = true;
	*columns = parsed;
	return 0;
}
