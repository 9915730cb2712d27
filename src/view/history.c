// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/history.h"

#include <langinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define LEVELS 9

static const char *const blocks[LEVELS] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const characters[LEVELS] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};

struct line {
	uint64_t id;
	unsigned char level[VIEW_HISTORY_SAMPLES]; /* the newest last */
};

struct view_history {
	struct line *lines; /* by id */
	size_t n;
};

struct view_history *view_history_new(void)
{
	return calloc(1, sizeof(struct view_history));
}

void view_history_free(struct view_history *history)
{
	if (!history)
		return;
	free(history->lines);
	free(history);
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static const struct line *find(const struct view_history *history, uint64_t id)
{
	const struct line key = {.id = id};

	return history->n ? bsearch(&key, history->lines, history->n, sizeof(key), compare_lines)
			  : NULL;
}

/* Anything is a mark, one CPU is the highest. */
static unsigned char level_of(uint64_t ns, uint64_t wall_ns)
{
	if (ns < wall_ns / 1000 || wall_ns == 0)
		return 0;
	if (ns >= wall_ns)
		return LEVELS - 1;
	return (unsigned char)(1 + ns * (LEVELS - 1) / wall_ns);
}

void view_history_add(struct view_history *history, const struct ledger_snapshot *sample)
{
	struct line *lines = calloc(sample->n_accounts + 1, sizeof(*lines));

	if (!history || !lines) {
		free(lines);
		return;
	}
	for (size_t i = 0; i < sample->n_accounts; i++) {
		const struct ledger_account *account = &sample->accounts[i];
		const struct line *before = find(history, account->id);

		lines[i].id = account->id;
		if (before)
			memcpy(lines[i].level, before->level + 1, VIEW_HISTORY_SAMPLES - 1);
		lines[i].level[VIEW_HISTORY_SAMPLES - 1] =
			level_of(ledger_account_charge_ns(account), sample->wall_ns);
		if (lines[i].level[VIEW_HISTORY_SAMPLES - 1] >= LEVELS)
			lines[i].level[VIEW_HISTORY_SAMPLES - 1] = LEVELS - 1;
	}
	qsort(lines, sample->n_accounts, sizeof(*lines), compare_lines);
	free(history->lines);
	history->lines = lines;
	history->n = sample->n_accounts;
}

char *view_history_marks(const struct view_history *history, uint64_t id)
{
	const bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const struct line *line = history ? find(history, id) : NULL;
	char text[VIEW_HISTORY_SAMPLES * 4 + 1], *to = text;

	for (size_t i = 0; line && i < VIEW_HISTORY_SAMPLES; i++)
		to = stpcpy(to, (utf8 ? blocks : characters)[line->level[i]]);
	*to = '\0';
	return strdup(text);
}
