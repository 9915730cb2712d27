// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/reserves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "cmd/kept_terms.h"
#include "cmd/means.h"
#include "promises/promises.h"

/* How long a keeper that has not answered is left alone. */
#define SILENCE_NS UINT64_C(10000000000)

static struct ledger_account *account_of(struct ledger_snapshot *snapshot,
					 const struct promise *promise)
{
	const char *directory = promise->cgroup ? cgroup_directory(promise->cgroup, CGROUP_CPU)
						: NULL;
	struct stat st;

	if (!directory || stat(directory, &st) < 0)
		return NULL;
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		/* the id of a group is the number of its inode, see ledger/snapshot.h */
		if (snapshot->accounts[i].id == st.st_ino)
			return &snapshot->accounts[i];
	}
	return NULL;
}

/* ---- how it is kept ---- */

/* What the keeper says of one workspace; the worst of it is what is said of all. */
struct words {
	const struct promise *promise;
	struct ledger_account *account;
	bool broken, any, unknown;
	double for_s; /* of a broken one how long it is, else since the last was broken */
	const char *by;
};

static void add_promise(void *data, const struct kept_term *term)
{
	struct words *words = data;
	_cleanup_free_ char *text = NULL;

	if (strcmp(term->workspace, words->promise->name) != 0 ||
	    strcmp(term->cgroup, cgroup_path(words->promise->cgroup)) != 0)
		return;
	if (!term->known) {
		text = string_format("%s %s: whether it is kept is not known", term->term,
				     kept_amount(term->promised, term->unit).text);
		if (text)
			strv_append(&words->account->promises, text);
		words->unknown = true;
		return;
	}
	text = string_format("%s %s: got %s, %s for %.0f s%s%s", term->term,
			     kept_amount(term->promised, term->unit).text,
			     kept_amount(term->got, term->unit).text,
			     term->broken ? "broken" : "kept", term->for_s, term->by ? " by " : "",
			     term->by ? term->by : "");
	if (text)
		strv_append(&words->account->promises, text);
	if ((term->broken && !words->broken) || !words->any ||
	    (term->broken == words->broken && term->for_s < words->for_s)) {
		words->for_s = term->for_s;
		words->by = term->by;
	}
	words->broken |= term->broken;
	words->any = true;
}

/* SILENCE: what is said of terms when STATUS is NULL. */
static void fill_words(struct ledger_account *account, const struct promise *promise,
		       struct json_object *status, const char *silence)
{
	struct words words = {.promise = promise, .account = account};

	if (status)
		kept_terms_each(status, add_promise, &words, NULL);
	free(account->terms);
	if (words.broken)
		account->terms = string_format("broken %.0fs%s%s", words.for_s,
					       words.by ? " by " : "", words.by ? words.by : "");
	else if (words.unknown)
		account->terms = strdup("unknown");
	else if (words.any)
		account->terms = string_format("kept %.0fs", words.for_s);
	else
		account->terms = strdup(status || !means_want_keeper(&promise->terms)
						? "kept by the kernel"
						: silence);
}

/* ---- all ---- */

static void fill_one(struct ledger_snapshot *snapshot, const struct promise *promise,
		     struct json_object *status, const char *silence)
{
	struct ledger_account *account = account_of(snapshot, promise);

	if (!account)
		return;
	account->reserved_ns +=
		(uint64_t)((double)snapshot->wall_ns * promise->terms.cpu.reserve_mcores / 1000);
	fill_words(account, promise, status, silence);
}

/*
 * A keeper that hangs is not waited for every time: who watches would see nothing else. Returns what to say where it
 * says nothing.
 */
static const char *ask_keeper(struct json_object **status)
{
	static uint64_t not_before_ns;
	int r;

	if (clock_monotonic_ns() < not_before_ns)
		return "keeper is silent";
	r = kept_terms_ask(status, NULL);
	if (r == -ENOENT)
		return "not kept: no keeper";
	if (r != -EAGAIN)
		return "keeper cannot be asked";
	not_before_ns = clock_monotonic_ns() + SILENCE_NS;
	return "keeper is silent";
}

void reserves_fill(struct ledger_snapshot *snapshot)
{
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	_cleanup_json_ struct json_object *status = NULL;
	const char *silence = "";
	struct error err = {0}, told;
	size_t damaged;

	if (promises_read_readable(&list, &damaged, &told, &err) < 0) {
		log_debug("%s", err.text);
		return;
	}
	if (list.n)
		silence = ask_keeper(&status);
	for (size_t i = 0; i < list.n; i++)
		fill_one(snapshot, &list.items[i], status, silence);
}
