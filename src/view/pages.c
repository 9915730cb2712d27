// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "base/table.h"
#include "view/figure.h"

#define NAME_WIDTH 20
#define FIGURE_WIDTH 8

/* A table of figures: a name, a column per CPU as far as they fit, and the sum. */
struct matrix {
	struct view_screen *screen;
	const struct ledger_snapshot *snapshot;
	enum view_unit unit;
	size_t n_cpus; /* columns */
};

static struct matrix matrix_of(const struct view_top *top, const struct ledger_snapshot *snapshot,
			       struct view_screen *screen)
{
	const size_t n_cpus = snapshot->n_parts ? snapshot->n_parts - 1 : 0;
	const size_t width = top->width ? top->width : SIZE_MAX / 2;
	size_t room = width > NAME_WIDTH + FIGURE_WIDTH + 1
			      ? (width - NAME_WIDTH - FIGURE_WIDTH - 1) / (FIGURE_WIDTH + 1)
			      : 0;

	return (struct matrix){.screen = screen,
			       .snapshot = snapshot,
			       .unit = top->choice.unit,
			       .n_cpus = n_cpus < room ? n_cpus : room};
}

static void put_name(const struct matrix *m, const char *name, enum view_style style)
{
	_cleanup_free_ char *clean = view_name_text(name);
	_cleanup_free_ char *text = clean ? text_fit(clean, NAME_WIDTH) : NULL;
	const char *shown = text ? text : "";

	view_screen_put(m->screen, style, "%s%*s", shown, (int)(NAME_WIDTH - text_width(shown)),
			"");
}

static void put_figure(const struct matrix *m, uint64_t ns)
{
	char figure[VIEW_FIGURE_MAX];

	view_figure_time(figure, ns, m->snapshot->wall_ns, m->unit);
	view_screen_put(m->screen, STYLE_PLAIN, " %*s", FIGURE_WIDTH, figure);
}

static void put_heading(const struct matrix *m, const char *name)
{
	put_name(m, name, STYLE_HEADING);
	for (size_t i = 0; i < m->n_cpus; i++)
		view_screen_put(m->screen, STYLE_HEADING, "    CPU%-2zu", i);
	view_screen_put(m->screen, STYLE_HEADING, " %*s", FIGURE_WIDTH, "total");
	view_screen_end_line(m->screen);
}

/* What FIGURE says of each part. */
static void put_row(const struct matrix *m, const char *name, const struct ledger_part *parts,
		    uint64_t (*figure)(const struct ledger_part *, size_t), size_t arg,
		    uint64_t total_ns)
{
	put_name(m, name, STYLE_PLAIN);
	for (size_t i = 0; i < m->n_cpus; i++) {
		if (parts)
			put_figure(m, figure(&parts[i], arg));
		else
			view_screen_put(m->screen, STYLE_PLAIN, " %*s", FIGURE_WIDTH, "-");
	}
	put_figure(m, total_ns);
	view_screen_end_line(m->screen);
}

static uint64_t own_of(const struct ledger_part *part, size_t unused)
{
	return part->own_ns;
}

static uint64_t class_of(const struct ledger_part *part, size_t class)
{
	return part->behalf_ns[class];
}

static uint64_t charge_of(const struct ledger_part *part, size_t unused)
{
	return part->own_ns + ledger_part_behalf_ns(part);
}

static uint64_t event_of(const struct ledger_part *part, size_t offset)
{
	return *(const uint64_t *)((const char *)&part->evidence + offset);
}

static uint64_t imposed_of(const struct ledger_part *part, size_t unused)
{
	return part->imposed_ns;
}

static bool has_room(const struct view_top *top, const struct view_screen *screen, size_t below)
{
	return !top->height || view_screen_lines(screen) + below < top->height;
}

static void put_end(const struct view_top *top, struct view_screen *screen, const char *text)
{
	while (has_room(top, screen, 1) && top->height)
		view_screen_end_line(screen);
	view_screen_put(screen, STYLE_DIM, "%s", text);
	view_screen_end_line(screen);
}

/* One kind of evidence, CPU by CPU, and what one of them took of the classes that it is evidence of. */
static void put_events(const struct matrix *m, const char *name,
		       const struct ledger_account *account, size_t offset, uint64_t ns)
{
	const uint64_t total = *(const uint64_t *)((const char *)&account->evidence + offset);

	if (total == 0)
		return;
	put_name(m, name, STYLE_PLAIN);
	for (size_t i = 0; i < m->n_cpus; i++) {
		if (account->parts)
			view_screen_put(m->screen, STYLE_PLAIN, " %*" PRIu64, FIGURE_WIDTH,
					event_of(&account->parts[i], offset));
		else
			view_screen_put(m->screen, STYLE_PLAIN, " %*s", FIGURE_WIDTH, "-");
	}
	view_screen_put(m->screen, STYLE_PLAIN, " %*" PRIu64, FIGURE_WIDTH, total);
	if (ns)
		view_screen_put(m->screen, STYLE_DIM, "  %.2f us each",
				(double)ns / 1e3 / (double)total);
	view_screen_end_line(m->screen);
}

static void put_evidence(const struct matrix *m, const struct ledger_account *account)
{
	const uint64_t *ns = account->behalf_ns;

	put_events(m, "packets received", account, offsetof(struct ledger_evidence, rx_packets),
		   ns[WIRE_NET_RX]);
	put_events(m, "packets sent later", account, offsetof(struct ledger_evidence, tx_packets),
		   ns[WIRE_NET_TX]);
	put_events(m, "block requests", account, offsetof(struct ledger_evidence, requests),
		   ns[WIRE_BLOCK]);
	put_events(m, "work items", account, offsetof(struct ledger_evidence, items),
		   ns[WIRE_WORK] + ns[WIRE_WRITEBACK]);
}

/*
 * "cpu.reserve 0.500: got 0.412, broken for 3 s by NAME": what stands between the first comma after what was got and
 * " for". NAME is anybody's choice, so it is not looked for anywhere.
 */
static bool is_broken(const char *promise)
{
	const char *got = strstr(promise, ": got "), *state = got ? strchr(got, ',') : NULL;

	return state && string_starts_with(state, ", broken for ");
}

/* Term by term; what is not kept is seen. */
static void put_promises(const struct ledger_account *account, struct view_screen *screen)
{
	for (size_t i = 0; account->promises && account->promises[i]; i++) {
		_cleanup_free_ char *text = text_printable(account->promises[i]);
		bool broken = is_broken(account->promises[i]);

		view_screen_put(screen, broken ? STYLE_WARNING : STYLE_PLAIN, "%s",
				text ? text : "");
		view_screen_end_line(screen);
	}
	if (account->promises)
		view_screen_end_line(screen);
}

/* Of all accounts: the ledger does not count for each. */
static void put_counters(const struct view_top *top, const struct ledger_snapshot *snapshot,
			 struct view_screen *screen)
{
	for (size_t i = 0; i < snapshot->n_counters; i++) {
		const struct ledger_counter *counter = &snapshot->counters[i];

		if (counter->count == 0)
			continue;
		if (!has_room(top, screen, 2))
			return;
		view_screen_put(screen, STYLE_PLAIN, "%-20s %10" PRIu64 "  %s", counter->name,
				counter->count, counter->meaning ? counter->meaning : "");
		view_screen_end_line(screen);
	}
}

/* Who it is, in one line. */
static void put_account(const struct view_top *top, const struct ledger_account *account,
			struct view_screen *screen)
{
	const char *unit = view_unit_name(top->choice.unit);
	_cleanup_free_ char *name = view_name_text(account->name);
	_cleanup_free_ char *cgroup = text_printable(account->cgroup ? account->cgroup : "");
	const size_t taken = (name ? text_width(name) : 0) + strlen(unit) + 4;
	_cleanup_free_ char *fitting = NULL;

	if (cgroup && top->width)
		fitting = text_fit(cgroup, top->width > taken ? top->width - taken : 1);
	view_screen_put(screen, STYLE_TITLE, "%s", name ? name : "");
	view_screen_put(screen, STYLE_DIM, "  %s  %s",
			fitting	 ? fitting
			: cgroup ? cgroup
				 : "",
			unit);
	view_screen_end_line(screen);
}

void view_page_account(const struct view_top *top, const struct ledger_snapshot *snapshot,
		       const struct ledger_account *account, struct view_screen *screen)
{
	const struct matrix m = matrix_of(top, snapshot, screen);

	put_account(top, account, screen);
	view_screen_end_line(screen);
	put_promises(account, screen);
	put_heading(&m, "class");
	put_row(&m, "own", account->parts, own_of, 0, ledger_account_own_ns(account));
	for (size_t i = 0; i < WIRE_CLASSES; i++) {
		if (account->behalf_ns[i])
			put_row(&m, ledger_class_name((enum wire_class)i), account->parts, class_of,
				i, account->behalf_ns[i]);
	}
	put_row(&m, "charge", account->parts, charge_of, 0, ledger_account_charge_ns(account));
	put_row(&m, "(imposed on it)", account->parts, imposed_of, 0, account->imposed_ns);
	put_evidence(&m, account);
	view_screen_end_line(screen);
	view_screen_put(screen, STYLE_TITLE, "How owners were found, of all accounts:");
	view_screen_end_line(screen);
	put_counters(top, snapshot, screen);
	put_end(top, screen, "Enter or Esc leads back; Up and Down show the accounts beside.");
}

void view_page_cpus(const struct view_top *top, const struct view_rows *rows,
		    struct view_screen *screen)
{
	const struct ledger_snapshot *s = rows->snapshot;
	const struct matrix m = matrix_of(top, s, screen);

	put_heading(&m, "CHARGE by CPU");
	for (size_t i = top->first; i < rows->n_shown && has_room(top, screen, 4); i++)
		put_row(&m, rows->shown[i]->name, rows->shown[i]->parts, charge_of, 0,
			ledger_account_charge_ns(rows->shown[i]));
	put_row(&m, "unattributed", s->unattributed_parts, charge_of, 0,
		ledger_account_charge_ns(&rows->unattributed));
	put_name(&m, "idle", STYLE_PLAIN);
	for (size_t i = 0; i < m.n_cpus; i++)
		put_figure(&m, s->idle_parts_ns ? s->idle_parts_ns[i] : 0);
	put_figure(&m, s->idle_ns);
	view_screen_end_line(screen);
	put_end(top, screen,
		m.n_cpus + 1 < s->n_parts ? "Further CPUs do not fit. C leads back."
					  : "C leads back.");
}
