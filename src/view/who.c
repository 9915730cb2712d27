// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/who.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "view/figure.h"
#include "view/rows.h"

/* Who spends less is no heavy payer. */
#define HEAVY_SHARE 100
/* One CPU is named when it did so much of a class. */
#define ONE_CPU_PERCENT 60
/* A victim is named when so much of the work is known to have come in its time. */
#define VICTIM_PERCENT 10

/* What a class is, in a sentence; those without words have their names. */
static const char *const words[WIRE_CLASSES] = {
	[WIRE_NET_RX] = "receiving packets",
	[WIRE_NET_TX] = "sending packets",
	[WIRE_BLOCK] = "completing block I/O",
	[WIRE_TIMER] = "timers",
	[WIRE_TASKLET] = "tasklets",
	[WIRE_SCHED] = "balancing run queues",
	[WIRE_RCU] = "RCU callbacks",
	[WIRE_WORK] = "work items of kworkers",
	[WIRE_WRITEBACK] = "writing back dirty pages",
	[WIRE_IRQ] = "device interrupts",
};

static void put_cpus(FILE *file, uint64_t ns, uint64_t wall_ns)
{
	const double cpus = wall_ns ? (double)ns / (double)wall_ns : 0;

	fprintf(file, "%.*f", cpus >= 0.0995 || ns == 0 ? 2 : 3, cpus);
}

static size_t largest_class(const struct ledger_account *account)
{
	size_t largest = 0;

	for (size_t i = 1; i < WIRE_CLASSES; i++) {
		if (account->behalf_ns[i] > account->behalf_ns[largest])
			largest = i;
	}
	return largest;
}

/* The CPU that did most of the account's work of CLASS; -1 when none did or it is not known. */
static int cpu_of(const struct ledger_snapshot *s, const struct ledger_account *account,
		  size_t class)
{
	size_t largest = 0;

	if (!account->parts || s->n_parts < 2 || s->cpus < 2)
		return -1;
	for (size_t i = 1; i + 1 < s->n_parts; i++) {
		if (account->parts[i].behalf_ns[class] > account->parts[largest].behalf_ns[class])
			largest = i;
	}
	return account->parts[largest].behalf_ns[class] >=
			       account->behalf_ns[class] / 100 * ONE_CPU_PERCENT
		       ? (int)largest
		       : -1;
}

/* What interrupts and softirqs of a CPU did for all but VICTIM. */
static uint64_t interrupts_ns(const struct ledger_snapshot *s, const struct ledger_account *victim,
			      size_t cpu)
{
	uint64_t sum_ns = s->unattributed_parts ? s->unattributed_parts[cpu].interrupt_ns : 0;

	for (size_t i = 0; i < s->n_accounts; i++) {
		if (&s->accounts[i] != victim && s->accounts[i].parts)
			sum_ns += s->accounts[i].parts[cpu].interrupt_ns;
	}
	return sum_ns;
}

uint64_t view_who_imposed_ns(const struct ledger_snapshot *s, const struct ledger_account *payer,
			     const struct ledger_account *victim, int cpu)
{
	uint64_t sum_ns = 0;

	if (payer == victim || !payer->parts || !victim->parts)
		return 0;
	for (size_t i = 0; i + 1 < s->n_parts; i++) {
		uint64_t both_ns = payer->parts[i].interrupt_ns + victim->parts[i].imposed_ns;
		uint64_t room_ns = interrupts_ns(s, victim, i);

		if ((cpu < 0 || cpu == (int)i) && both_ns > room_ns)
			sum_ns += both_ns - room_ns;
	}
	return sum_ns;
}

static int put_victim(FILE *file, const struct ledger_snapshot *s,
		      const struct ledger_account *payer, int cpu, struct error *err)
{
	const struct ledger_account *victim = NULL;
	_cleanup_free_ char *name = NULL;
	uint64_t most_ns = 0;

	for (size_t i = 0; i < s->n_accounts; i++) {
		uint64_t ns = view_who_imposed_ns(s, payer, &s->accounts[i], cpu);

		if (ns > most_ns) {
			most_ns = ns;
			victim = &s->accounts[i];
		}
	}
	if (!victim || most_ns < ledger_account_behalf_ns(payer) / 100 * VICTIM_PERCENT)
		return 0;
	name = view_name_text(victim->name);
	if (!name)
		return error_oom(err);
	fputs(", at least ", file);
	put_cpus(file, most_ns, s->wall_ns);
	fprintf(file, s->irq_time ? " while %s was interrupted" : " in time billed to %s", name);
	return 0;
}

static int put_payer(FILE *file, const struct ledger_snapshot *s,
		     const struct ledger_account *account, struct error *err)
{
	_cleanup_free_ char *name = view_name_text(account->name);
	const uint64_t behalf_ns = ledger_account_behalf_ns(account);
	const size_t class = largest_class(account);
	const int cpu = cpu_of(s, account, class);
	int r = 0;

	if (!name)
		return error_oom(err);
	fprintf(file, "%s spends ", name);
	put_cpus(file, ledger_account_own_ns(account), s->wall_ns);
	fputs(" CPU in its threads and ", file);
	put_cpus(file, behalf_ns, s->wall_ns);
	fputs(" CPU of kernel work elsewhere", file);
	if (behalf_ns >= s->wall_ns / 1000 && behalf_ns > 0) {
		fputs(", ", file);
		put_cpus(file, account->behalf_ns[class], s->wall_ns);
		fprintf(file, " of it %s",
			words[class] ? words[class] : ledger_class_name((enum wire_class) class));
		if (cpu >= 0)
			fprintf(file, " on CPU %d", cpu);
		r = put_victim(file, s, account, cpu, err);
	}
	fputs(".\n", file);
	return r;
}

static void put_rest(FILE *file, const struct ledger_snapshot *s, size_t n,
		     const struct ledger_account *sum)
{
	struct view_books books;

	view_books_make(s, &books);
	if (n > 0) {
		fprintf(file, "%zu other account%s spend%s ", n, n == 1 ? "" : "s",
			n == 1 ? "s" : "");
		put_cpus(file, ledger_account_charge_ns(sum), s->wall_ns);
		fputs(" CPU. ", file);
	}
	put_cpus(file, books.unattributed_ns, s->wall_ns);
	fputs(" CPU of kernel work has no known owner, ", file);
	put_cpus(file, books.idle_ns, s->wall_ns);
	fprintf(file, " of %u CPU%s %s idle.\n", s->cpus, s->cpus == 1 ? "" : "s",
		s->cpus == 1 ? "is" : "are");
}

int view_who(FILE *file, const struct ledger_snapshot *snapshot, const struct ledger_account *only,
	     struct error *err)
{
	_cleanup_(view_rows_free) struct view_rows rows = {0};
	struct ledger_account others = {0};
	struct view_choice choice;
	size_t n_others = 0;
	int r;

	view_choice_default(&choice, VIEW_CPUS);
	choice.all = true;
	r = view_rows_make(snapshot, &choice, only, &rows, err);
	for (size_t i = 0; r == 0 && i < rows.n_shown; i++) {
		const struct ledger_account *account = rows.shown[i];

		if (only || ledger_account_charge_ns(account) >= snapshot->wall_ns / HEAVY_SHARE) {
			r = put_payer(file, snapshot, account, err);
		} else {
			n_others++;
			view_account_add(&others, account);
		}
	}
	if (r < 0)
		return r;
	if (!only)
		put_rest(file, snapshot, n_others, &others);
	if (fflush(file) == EOF || ferror(file))
		return error_errno(err, errno ? errno : EIO, "the sentences could not be written");
	return 0;
}
