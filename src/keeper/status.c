// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever connects is handed the descriptor of a file in memory that has the status, so that neither side
 * waits for the other however long the status is.
 */
#include "keeper/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "keeper/ask.h"

static const char *state_name(enum control_state state)
{
	return state == CONTROL_BROKEN ? "broken" : "kept";
}

static void add_unknown(struct json_object *object, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_object_add(object, keys[i], NULL);
}

static void add_state(struct json_object *o, const struct control_truth *t,
		      const struct keeper_figures *f)
{
	json_add_double(o, "got", t->got);
	json_add_double(o, "wanted", t->wanted);
	json_add_double(o, "ratio", t->ratio);
	json_add_string(o, "state", state_name(t->state));
	json_add_double(o, "for_s",
			f->now_ns > t->since_ns ? (double)(f->now_ns - t->since_ns) / 1e9 : 0);
	json_add_string(o, "by", truth_culprit(f->sources.roster, t->by));
}

/*
 * With the ledger off nobody knows what was charged: what was known last is no answer, and a term that was never judged
 * is promised all the same.
 */
static void add_unjudged(struct json_object *object, size_t i, enum truth_kind kind,
			 const struct keeper_figures *f)
{
	static const char *const unknown[] = {"got", "wanted", "ratio", "for_s", "by"};
	const struct control_workspace *w = &f->sources.roster->control.workspaces[i];
	bool reserve = kind == TRUTH_CPU_RESERVE;
	const struct control_truth *t = reserve ? &w->reserve : &w->limit;
	uint32_t mcores = reserve ? w->terms.reserve_mcores : w->terms.limit_mcores;
	struct json_object *o;

	if (!mcores)
		return;
	o = json_add_object(object, truth_name(kind));
	json_add_string(o, "unit", truth_unit(kind));
	json_add_double(o, "promised", mcores / 1000.0);
	json_add_double(o, "violation_s", (double)t->violation_ns / 1e9);
	json_add_string(o, "state", "unknown");
	add_unknown(o, unknown, ARRAY_SIZE(unknown));
}

static void add_truth(struct json_object *object, size_t i, enum truth_kind kind,
		      const struct keeper_figures *f)
{
	const struct control_truth *t = truth_of(&f->sources, i, kind);
	struct json_object *o;

	if (!f->ledger_on && kind < TRUTHS_CPU) {
		add_unjudged(object, i, kind, f);
		return;
	}
	if (!t)
		return;
	o = json_add_object(object, truth_name(kind));
	json_add_string(o, "unit", truth_unit(kind));
	json_add_double(o, "promised", t->promised);
	json_add_double(o, "violation_s", (double)t->violation_ns / 1e9);
	add_state(o, t, f);
}

static void add_counts(struct json_object *object, const char *key,
		       const struct qdisc_counts *counts)
{
	struct json_object *o = json_add_object(object, key);

	json_add_u64(o, "bytes", counts->bytes);
	json_add_u64(o, "packets", counts->packets);
	json_add_u64(o, "drops", counts->drops);
}

static void add_network(struct json_object *object, const struct network *network,
			const struct roster_entry *e)
{
	struct network_counts counts;
	struct json_object *o, *gate;

	if (!network || !network_counts(network, e->directory, &counts))
		return;
	o = json_add_object(object, "network");
	if (e->terms.net[TERMS_INGRESS].limit_bps)
		add_counts(o, "ingress_limited", &counts.limited[TERMS_INGRESS]);
	if (e->terms.net[TERMS_EGRESS].limit_bps)
		add_counts(o, "egress_limited", &counts.limited[TERMS_EGRESS]);
	if (e->terms.net[TERMS_INGRESS].reserve_bps)
		add_counts(o, "ingress_reserved", &counts.reserved[TERMS_INGRESS]);
	if (e->terms.net[TERMS_EGRESS].reserve_bps)
		add_counts(o, "egress_reserved", &counts.reserved[TERMS_EGRESS]);
	if (e->terms.gate != TERMS_GATE_DROP)
		return;
	gate = json_add_object(o, "gate");
	json_add_bool(gate, "shut", counts.gate_shut);
	json_add_u64(gate, "passed", counts.gate.passed);
	json_add_u64(gate, "dropped", counts.gate.dropped);
	json_add_u64(gate, "dropped_bytes", counts.gate.dropped_bytes);
}

static void add_workspace(struct json_object *list, size_t i, const struct keeper_figures *f)
{
	const struct roster *roster = f->sources.roster;
	const struct roster_entry *e = &roster->items[i];
	const struct control_workspace *w = &roster->control.workspaces[i];
	struct control_carried carried = control_carry(w);
	struct json_object *o = json_object_new_object();

	json_add_string(o, "name", e->name);
	json_add_string(o, "called", e->called);
	json_add_string(o, "cgroup", e->path);
	for (enum truth_kind kind = 0; kind < TRUTHS; kind++)
		add_truth(o, i, kind, f);
	json_add_double(o, "quota", e->applied.quota_cores);
	json_add_double(o, "weight", e->applied.weight);
	json_add_double(o, "debt_s", carried.debt_s);
	json_add_double(o, "gain", carried.gain);
	json_add_bool(o, "squeezed", carried.squeeze > 0);
	json_add_bool(o, "fails", e->fails);
	add_network(o, f->sources.network, e);
	json_object_array_add(list, o);
}

/* "capped": all together are held, for the host to have its part. */
static void add_host(struct json_object *object, const struct keeper_figures *f)
{
	static const char *const unknown[] = {"got", "starved"};
	const struct control *control = &f->sources.roster->control;
	struct json_object *o = json_add_object(object, "host");

	json_add_double(o, "promised", control->host_reserve > 0 ? control->host_reserve : 0);
	json_add_bool(o, "capped", control->host_rest > 0);
	/* they are looked at while the workspaces are charged something, and without a ledger that is not known */
	if (!f->ledger_on) {
		add_unknown(o, unknown, ARRAY_SIZE(unknown));
		return;
	}
	json_add_double(o, "got", control->host_got);
	json_add_bool(o, "starved", f->host_starved);
}

struct json_object *keeper_status(const struct keeper_figures *f)
{
	struct json_object *o = json_object_new_object(), *list;
	struct timespec cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	json_add_i64(o, "pid", getpid());
	json_add_string(o, "kind", f->service ? "service" : "beside");
	json_add_bool(o, "ledger", f->ledger_on);
	json_add_double(o, "period_s", (double)f->period_ns / 1e9);
	json_add_u64(o, "rounds", f->rounds);
	json_add_u64(o, "writes", f->writes);
	json_add_double(o, "cpu_s", (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	add_host(o, f);
	burst_round_tell(f->bursts, f->writer, json_add_array(o, "disks"));
	list = json_add_array(o, "workspaces");
	for (size_t i = 0; i < f->sources.roster->control.n; i++)
		add_workspace(list, i, f);
	json_object_object_add(o, "events", json_object_get(f->events));
	return o;
}

int keeper_listen(const char *path, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	struct stat st;
	mode_t mask;
	int r = keeper_address(path, &address, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	/* we hold the lock: whoever listened there does not any more */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, 16) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "listen at '%s'", path);
	return take_fd(&fd);
}

/* Each its own: descriptors of one file would share the offset. */
static void answer_one(int client, const char *text)
{
	_cleanup_close_ int memory = memfd_create("behalf-keeper", MFD_CLOEXEC);

	if (memory >= 0 && fd_write_all(memory, text, strlen(text)) == 0)
		fd_send(client, memory, "status", NULL);
}

void keeper_answer(int listening, struct json_object *status)
{
	const char *text = json_text(status, false);
	int client;

	while ((client = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		answer_one(client, text);
		close(client);
	}
}
