// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/host_marks.h"

#include <stddef.h>

#include "base/fd.h"
#include "base/log.h"
#include "ledger/host_time.h"
#include "promises/marks.h"

/* Threads that have begun since are not known before: to look at all of /proc is not for every few seconds. */
#define REOPEN_NS 300000000000ull

struct lately_mark host_marks_of(const struct ledger_host_time *time)
{
	return (struct lately_mark){
		.ledger = time->ledger,
		.at_ns = time->at_ns,
		.threads_set = time->threads_set,
		.threads_ns = time->threads_ns,
		.own_ns = time->own_ns,
		.work_ns = time->work_ns,
		.rest_ns = time->rest_ns,
	};
}

static int note(const struct ledger_host *host, struct error *err)
{
	struct ledger_host_time time;
	struct lately_mark mark;

	ledger_host_read(host, &time);
	mark = host_marks_of(&time);
	return marks_add(&mark, err);
}

void host_marks_close(struct host_marks *marks)
{
	ledger_host_close(marks->host);
	*marks = (struct host_marks){0};
}

/* Who plans without marks goes by the profile: a failure is not worth more than a word. */
void host_marks_round(struct host_marks *marks, bool on, uint64_t now_ns)
{
	struct error err = {0};

	if (!on || now_ns >= marks->reopen_ns) {
		ledger_host_close(marks->host);
		marks->host = NULL;
	}
	if (!on || now_ns < marks->due_ns)
		return;
	marks->due_ns = now_ns + LATELY_PERIOD_NS;
	if (!marks->host) {
		marks->reopen_ns = now_ns + REOPEN_NS;
		if (ledger_host_open(&marks->host, &err) < 0) {
			log_debug("what the host does is not noted: %s", err.text);
			return;
		}
	}
	if (note(marks->host, &err) < 0)
		log_debug("what the host does is not noted: %s", err.text);
}

int host_marks_now(struct error *err)
{
	struct ledger_host *host = NULL;
	int r;

	/* one for each thread of the kernel's, of which there are some on each CPU */
	fd_raise_limit();
	r = ledger_host_open(&host, err);
	if (r == 0)
		r = note(host, err);
	ledger_host_close(host);
	return r;
}
