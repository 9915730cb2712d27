// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: what a monitoring system is to see, and how it is kept sound there.
 *
 * Such a system takes any counter that falls for one that began anew, and counts all of it again. Four
 * things could make one of ours fall or leap, and are kept from it:
 *
 * - An interval that was open at one reading may be settled on another account by the next: steps
 *   back of microseconds. A counter that is less than a second below the page before stays where it was,
 *   unless its label is another cgroup's now, whose counter does begin anew.
 * - The ledger gives the total of a removed cgroup to its parent, where it would look like time spent in
 *   that moment. What accounts inherited is taken out of them, into behalf_removed_seconds_total.
 * - Accounts beyond the bound are added up as "other". One that has series of its own keeps them while it
 *   is there; one that gets them leaves "other", which then stands still until it has caught up.
 * - The split of own time into user and kernel is an estimate that is corrected: it is not shown.
 *
 * What was on the page before is read from that page, so that a program that runs once a minute can do
 * with the file it replaces.
 */
#include "view/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/parts.h"
#include "view/rows.h"

#define NS_PER_S UINT64_C(1000000000)
/* Of a label, in bytes. */
#define LABEL_MAX 128

/* How far a count may be below the page before and be taken for a correction: what is open on all CPUs. */
#define COUNT_SLACK 10000

/* One series of the page before: "name{labels}" and its value, a count or seconds. */
struct series {
	const char *key;
	size_t length;
	uint64_t whole;
	uint64_t fraction_ns;
};

/* One account as it is exposed: without what it inherited. */
struct exposed {
	const struct ledger_account *account; /* NULL: "other" */
	char *label;			      /* escaped */
	struct ledger_part sum;
	uint64_t kernel_says_ns;
	char *info;	 /* the series that tells which cgroup it is */
	bool was_shown;	 /* its label was on the page before, */
	bool is_another; /* for another cgroup */
};

struct metrics {
	const struct ledger_snapshot *snapshot;
	const struct view_metrics_choice *choice;
	struct series *before;
	size_t n_before;
	struct exposed *exposed;
	size_t n_exposed;
	struct exposed other;
	size_t n_other;
	struct ledger_part removed;
	const char *family; /* the running one */
	bool is_another;    /* what is printed is of such an account */
	FILE *file;
};

static void free_exposed(const struct exposed *e)
{
	free(e->label);
	free(e->info);
}

static void cleanup_metrics(struct metrics *m)
{
	for (size_t i = 0; i < m->n_exposed; i++)
		free_exposed(&m->exposed[i]);
	free(m->exposed);
	free(m->before);
	if (m->file)
		fclose(m->file);
}

/* ---- the page before ---- */

static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	size_t length = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->key, y->key, length);

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* "12.000000345" or "12"; only what we print ourselves is read. */
static bool parse_value(const char *text, struct series *series)
{
	char *end;

	series->whole = strtoull(text, &end, 10);
	series->fraction_ns = 0;
	if (end == text)
		return false;
	if (*end == '.') {
		const char *digits = end + 1;

		series->fraction_ns = strtoull(digits, &end, 10);
		if (end - digits != 9)
			return false;
	}
	return true;
}

static uint64_t series_ns(const struct series *series)
{
	return series->whole * NS_PER_S + series->fraction_ns;
}

static int read_before(struct metrics *m)
{
	size_t n = 1;

	for (const char *c = m->choice->previous; c && *c; c++)
		n += *c == '\n';
	m->before = calloc(n, sizeof(*m->before));
	if (!m->before)
		return -ENOMEM;
	for (const char *line = m->choice->previous; line && *line;) {
		size_t length = strcspn(line, "\n");
		const char *space = memrchr(line, ' ', length);
		struct series *series = &m->before[m->n_before];

		if (*line != '#' && space && parse_value(space + 1, series)) {
			series->key = line;
			series->length = (size_t)(space - line);
			m->n_before++;
		}
		line += length + (line[length] == '\n');
	}
	qsort(m->before, m->n_before, sizeof(*m->before), compare_series);
	return 0;
}

static const struct series *find_before(const struct metrics *m, const char *key)
{
	const struct series wanted = {.key = key, .length = strlen(key)};

	return m->n_before
		       ? bsearch(&wanted, m->before, m->n_before, sizeof(wanted), compare_series)
		       : NULL;
}

/* Another ledger: what was before is nothing to hold on to. */
static void forget_other_ledger(struct metrics *m)
{
	const struct series *wall = find_before(m, "behalf_ledger_seconds_total");

	if (!wall || series_ns(wall) > m->snapshot->wall_ns)
		m->n_before = 0;
}

/* ---- labels ---- */

/* A name as the value of a label: printable UTF-8, escaped, of bounded length. */
static char *label_of(const char *name)
{
	char label[2 * LABEL_MAX + 8];
	size_t n = 0;

	for (const char *c = name; *c && n < LABEL_MAX;) {
		size_t length = utf8_length(c);

		if (*c == '"' || *c == '\\')
			label[n++] = '\\';
		if (length > 1) {
			memcpy(label + n, c, length);
			n += length;
		} else {
			label[n++] = length == 0 || (unsigned char)*c < ' ' || *c == 0x7f ? '?'
											  : *c;
		}
		c += length ? length : 1;
	}
	label[n] = '\0';
	return strdup(label);
}

static int compare_labels(const void *a, const void *b)
{
	const struct exposed *x = a, *y = b;
	int order = strcmp(x->label, y->label);

	return order ? order
		     : (x->account->id > y->account->id) - (x->account->id < y->account->id);
}

/*
 * Accounts of one name get their numbers behind it; so does what looks like such a one, since a series
 * that is there twice spoils the page. None is called "other" but the others.
 */
static int make_labels_unique(struct metrics *m)
{
	bool same_as_next = false;

	qsort(m->exposed, m->n_exposed, sizeof(*m->exposed), compare_labels);
	for (size_t i = 0; i < m->n_exposed; i++) {
		bool same_as_last = same_as_next;
		char *label = m->exposed[i].label, *longer;

		same_as_next = i + 1 < m->n_exposed && strcmp(label, m->exposed[i + 1].label) == 0;
		if (!same_as_last && !same_as_next && strcmp(label, "other") != 0 &&
		    !strchr(label, '#'))
			continue;
		longer = string_format("%s#%" PRIu64, label, m->exposed[i].account->id);
		if (!longer)
			return -ENOMEM;
		/* the next one is compared with this one's label no more */
		free(label);
		m->exposed[i].label = longer;
	}
	return 0;
}

/* ---- accounts ---- */

static void add_part(struct ledger_part *to, const struct ledger_part *from)
{
	to->own_ns += from->own_ns;
	to->imposed_ns += from->imposed_ns;
	to->interrupt_ns += from->interrupt_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		to->behalf_ns[i] += from->behalf_ns[i];
	ledger_evidence_add(&to->evidence, &from->evidence);
}

static void expose_account(struct metrics *m, const struct ledger_account *account)
{
	struct exposed *e = &m->exposed[m->n_exposed++];
	const size_t n = m->snapshot->n_parts;
	_cleanup_free_ char *key = NULL;

	e->account = account;
	e->kernel_says_ns = account->kernel_says_ns;
	e->label = label_of(account->name);
	if (account->parts && n) {
		for (size_t i = 0; i + 1 < n; i++)
			add_part(&e->sum, &account->parts[i]);
		add_part(&m->removed, &account->parts[n - 1]);
		return;
	}
	e->sum.own_ns = ledger_account_own_ns(account);
	e->sum.imposed_ns = account->imposed_ns;
	memcpy(e->sum.behalf_ns, account->behalf_ns, sizeof(e->sum.behalf_ns));
	e->sum.evidence = account->evidence;
}

static uint64_t charge_of(const struct exposed *e)
{
	return e->sum.own_ns + ledger_part_behalf_ns(&e->sum);
}

/* Those that were shown, the host, then the heaviest. */
static int compare_exposed(const void *a, const void *b)
{
	const struct exposed *x = a, *y = b;
	uint64_t x_ns = charge_of(x), y_ns = charge_of(y);

	if (x->was_shown != y->was_shown)
		return x->was_shown ? -1 : 1;
	return x_ns == y_ns ? compare_labels(a, b) : x_ns < y_ns ? 1 : -1;
}

/* Which cgroup the account is; behind a label there may have been another one on the page before. */
static int identify(struct metrics *m, struct exposed *e)
{
	_cleanup_free_ char *cgroup = label_of(e->account->cgroup), *key = NULL;

	key = string_format("behalf_charge_seconds_total{account=\"%s\"}", e->label);
	e->info = string_format("behalf_account_info{account=\"%s\",id=\"%" PRIu64
				"\",cgroup=\"%s\"}",
				e->label, e->account->id, cgroup ? cgroup : "");
	if (!key || !e->info)
		return -ENOMEM;
	e->was_shown = find_before(m, key);
	e->is_another = e->was_shown && !find_before(m, e->info);
	return 0;
}

static int expose(struct metrics *m)
{
	const struct ledger_snapshot *s = m->snapshot;

	m->exposed = calloc(s->n_accounts + 1, sizeof(*m->exposed));
	if (!m->exposed)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_accounts; i++)
		expose_account(m, &s->accounts[i]);
	for (size_t i = 0; i < m->n_exposed; i++) {
		if (!m->exposed[i].label)
			return -ENOMEM;
	}
	if (make_labels_unique(m) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_exposed; i++) {
		if (identify(m, &m->exposed[i]) < 0)
			return -ENOMEM;
	}
	qsort(m->exposed, m->n_exposed, sizeof(*m->exposed), compare_exposed);
	while (m->n_exposed > m->choice->max_accounts) {
		struct exposed *last = &m->exposed[--m->n_exposed];

		add_part(&m->other.sum, &last->sum);
		m->other.kernel_says_ns += last->kernel_says_ns;
		m->n_other++;
		free_exposed(last);
	}
	m->other.label = (char *)"other";
	return 0;
}

/* ---- the text ---- */

/* OpenMetrics names the family, the older format each sample. */
static void put_family(struct metrics *m, const char *name, const char *type, const char *help)
{
	const bool counter = strcmp(type, "counter") == 0;
	const char *suffix = counter && !m->choice->openmetrics ? "_total" : "";

	m->family = name;
	fprintf(m->file, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
		type);
	if (m->choice->openmetrics && string_ends_with(name, "_seconds"))
		fprintf(m->file, "# UNIT %s seconds\n", name);
}

static bool is_of_other(const char *labels)
{
	return strstr(labels, "account=\"other\"");
}

/* A counter of seconds, at least what it was on the page before. */
static void put_seconds(struct metrics *m, uint64_t ns, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void put_seconds(struct metrics *m, uint64_t ns, const char *format, ...)
{
	_cleanup_free_ char *labels = NULL, *key = NULL;
	const struct series *before;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&labels, format, ap);
	va_end(ap);
	key = n < 0 ? NULL : string_format("%s_total%s", m->family, labels);
	if (!key)
		return;
	before = m->is_another ? NULL : find_before(m, key);
	if (before && series_ns(before) > ns &&
	    (series_ns(before) - ns < NS_PER_S || is_of_other(labels)))
		ns = series_ns(before);
	fprintf(m->file, "%s %" PRIu64 ".%09" PRIu64 "\n", key, ns / NS_PER_S, ns % NS_PER_S);
}

/* The same of a count. */
static void put_count(struct metrics *m, uint64_t count, const char *labels)
{
	_cleanup_free_ char *key = string_format("%s_total%s", m->family, labels);
	const struct series *before;

	if (!key)
		return;
	before = m->is_another ? NULL : find_before(m, key);
	if (before && before->whole > count &&
	    (before->whole - count < COUNT_SLACK || is_of_other(labels)))
		count = before->whole;
	fprintf(m->file, "%s %" PRIu64 "\n", key, count);
}

static void put_of_each(struct metrics *m, uint64_t (*figure)(const struct exposed *))
{
	for (size_t i = 0; i < m->n_exposed; i++) {
		m->is_another = m->exposed[i].is_another;
		put_seconds(m, figure(&m->exposed[i]), "{account=\"%s\"}", m->exposed[i].label);
	}
	m->is_another = false;
	if (m->n_other)
		put_seconds(m, figure(&m->other), "{account=\"other\"}");
}

static uint64_t own_of(const struct exposed *e)
{
	return e->sum.own_ns;
}

static uint64_t imposed_of(const struct exposed *e)
{
	return e->sum.imposed_ns;
}

static uint64_t says_of(const struct exposed *e)
{
	return e->kernel_says_ns;
}

/* Classes that an account has nothing of are left out: most have few. */
static void put_classes(struct metrics *m, const struct exposed *e)
{
	m->is_another = e->is_another;
	for (size_t i = 0; i < WIRE_CLASSES; i++) {
		if (e->sum.behalf_ns[i])
			put_seconds(m, e->sum.behalf_ns[i], "{account=\"%s\",class=\"%s\"}",
				    e->label, ledger_class_name((enum wire_class)i));
	}
	m->is_another = false;
}

/* LABEL is that of the account, with a comma behind it, or empty. What is zero is there too: a rate needs it. */
static void put_evidence(struct metrics *m, const char *label,
			 const struct ledger_evidence *evidence)
{
	const struct {
		const char *event;
		uint64_t count;
	} events[] = {
		{"rx_packets", evidence->rx_packets},
		{"tx_packets", evidence->tx_packets},
		{"requests", evidence->requests},
		{"items", evidence->items},
	};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		_cleanup_free_ char *labels =
			string_format("{%sevent=\"%s\"}", label, events[i].event);

		if (labels)
			put_count(m, events[i].count, labels);
	}
}

static void put_evidence_of(struct metrics *m, const struct exposed *e)
{
	_cleanup_free_ char *label = string_format("account=\"%s\",", e->label);

	m->is_another = e->is_another;
	if (label)
		put_evidence(m, label, &e->sum.evidence);
	m->is_another = false;
}

static void put_all_evidence(struct metrics *m)
{
	put_family(m, "behalf_evidence", "counter",
		   "What the time on the account's behalf was spent for, as often as it came.");
	for (size_t i = 0; i < m->n_exposed; i++)
		put_evidence_of(m, &m->exposed[i]);
	if (m->n_other)
		put_evidence_of(m, &m->other);
	put_family(m, "behalf_removed_evidence", "counter", "The same of accounts that are gone.");
	put_evidence(m, "", &m->removed.evidence);
}

static void put_accounts(struct metrics *m)
{
	put_family(m, "behalf_charge_seconds", "counter",
		   "What the account really costs: own and on its behalf.");
	put_of_each(m, charge_of);
	put_family(m, "behalf_own_seconds", "counter",
		   "CPU time of the account's threads, in user mode and in their system calls.");
	put_of_each(m, own_of);
	put_family(m, "behalf_on_behalf_seconds", "counter",
		   "CPU time that the kernel spent elsewhere for the account, by class of work.");
	for (size_t i = 0; i < m->n_exposed; i++)
		put_classes(m, &m->exposed[i]);
	if (m->n_other)
		put_classes(m, &m->other);
	put_family(m, "behalf_imposed_seconds", "counter",
		   "CPU time spent for others while a thread of the account was interrupted.");
	put_of_each(m, imposed_of);
	put_family(m, "behalf_kernel_says_seconds", "counter",
		   "The kernel's own usage figure for the account, without accounts below.");
	put_of_each(m, says_of);
	put_family(m, "behalf_removed_seconds", "counter",
		   "Charge of accounts that are gone, by class of work.");
	put_seconds(m, m->removed.own_ns, "{class=\"own\"}");
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		put_seconds(m, m->removed.behalf_ns[i], "{class=\"%s\"}",
			    ledger_class_name((enum wire_class)i));
	put_all_evidence(m);
	put_family(m, "behalf_account_info", "gauge", "Which cgroup an account is.");
	for (size_t i = 0; i < m->n_exposed; i++)
		fprintf(m->file, "%s 1\n", m->exposed[i].info);
}

static void put_gauge(struct metrics *m, const char *name, const char *help, double value)
{
	put_family(m, name, "gauge", help);
	fprintf(m->file, "%s %.9g\n", name, value);
}

static void put_books(struct metrics *m)
{
	const struct ledger_snapshot *s = m->snapshot;
	struct view_books books;

	view_books_make(s, &books);
	put_family(m, "behalf_unattributed_seconds", "counter",
		   "Kernel work on somebody's behalf without a known owner, by class of work.");
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		put_seconds(m, s->unattributed_ns[i], "{class=\"%s\"}",
			    ledger_class_name((enum wire_class)i));
	put_family(m, "behalf_idle_seconds", "counter", "CPU time of the idle tasks.");
	put_seconds(m, books.idle_ns, "%s", "");
	put_family(m, "behalf_posted_seconds", "counter",
		   "All that the CPUs posted: accounts, unattributed and idle.");
	put_seconds(m, books.sum_ns, "%s", "");
	put_family(m, "behalf_cpu_seconds", "counter",
		   "All that the CPUs had: their number by the time the ledger is on.");
	put_seconds(m, books.due_ns, "%s", "");
	put_family(m, "behalf_ledger_seconds", "counter", "Since the ledger was switched on.");
	put_seconds(m, s->wall_ns, "%s", "");
	put_gauge(m, "behalf_books_ratio",
		  "Posted over what the CPUs had; 1 when the books balance.", books.ratio);
	put_gauge(m, "behalf_cpus", "CPUs that are accounted.", s->cpus);
	put_gauge(m, "behalf_accounts", "Accounts that are open.", (double)s->n_accounts);
	put_family(m, "behalf_events", "counter",
		   "How often each rule found an owner, or did not; behalf-stat(1) has them too.");
	for (size_t i = 0; i < s->n_counters; i++)
		fprintf(m->file, "behalf_events_total{event=\"%s\"} %" PRIu64 "\n",
			s->counters[i].name, s->counters[i].count);
}

static int make_page(struct metrics *m)
{
	if (m->snapshot) {
		if (read_before(m) < 0)
			return -ENOMEM;
		forget_other_ledger(m);
		if (expose(m) < 0)
			return -ENOMEM;
		put_accounts(m);
		put_books(m);
	}
	put_gauge(m, "behalf_ledger_on", "Whether the ledger is on.", m->snapshot ? 1 : 0);
	if (m->choice->openmetrics)
		fputs("# EOF\n", m->file);
	return fflush(m->file) == EOF || ferror(m->file) ? -ENOMEM : 0;
}

int view_metrics(const struct ledger_snapshot *snapshot, const struct view_metrics_choice *choice,
		 char **page, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	{
		_cleanup_(cleanup_metrics) struct metrics m = {
			.snapshot = snapshot,
			.choice = choice,
			.file = open_memstream(&text, &size),
		};

		r = m.file ? make_page(&m) : -ENOMEM;
	}
	if (r < 0 || !text)
		return error_oom(err);
	*page = take_ptr(text);
	return 0;
}
