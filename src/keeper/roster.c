// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/roster.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "ledger/engines.h"

#define QUOTA_LEAST_US 1000.0 /* the kernel takes none that is lower */
#define QUOTA_ODD 0.01

static void entry_clear(struct roster_entry *e)
{
	free(e->name);
	free(e->state_root);
	free(e->called);
	free(e->path);
	free(e->directory);
	strv_free(e->places);
	gauge_close(&e->gauge);
	standing_clear(&e->standing);
	*e = (struct roster_entry){.gauge = GAUGE_CLOSED};
}

static int all_cpus(const struct roster *roster, struct cpus *cpus)
{
	*cpus = (struct cpus){0};
	for (unsigned int cpu = 0; cpu < roster->n_cpus && cpu < CPUS_MAX; cpu++)
		cpus_add(cpus, cpu);
	return 0;
}

static double number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_double(value) : 0;
}

/* What the keeper before this one knew of it. */
static void resume(struct writer *writer, const struct roster_entry *e, struct control_workspace *w)
{
	struct json_object *carried = writer->book ? book_carried(writer->book, e->path) : NULL;

	if (carried && number(carried, "inode") == (double)e->inode)
		control_resume(w, (struct control_carried){.debt_s = number(carried, "debt_s"),
							   .gain = number(carried, "gain"),
							   .squeeze = number(carried, "squeeze")});
}

static void take_terms(const struct roster *roster, const struct promise *promise,
		       struct roster_entry *e, struct control_workspace *w)
{
	e->terms = promise->terms;
	e->of_container = e->standing.of_container = promise->kind == PROMISE_CONTAINER;
	w->terms = promise->terms.cpu;
	w->io_own_mcores = promise->io_own_mcores;
	w->io_mcores = promise->io_mcores;
	e->weighed_mcores = promise_weighed_mcores(promise);
	if (promise->has_cpus)
		w->cpus = promise->cpus;
	else
		all_cpus(roster, &w->cpus);
}

static int list_places(const struct cgroup *cgroup, char ***places)
{
	static const enum cgroup_controller all[] = {CGROUP_CPU, CGROUP_CPUACCT, CGROUP_CORE};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++) {
		const char *path = cgroup_directory(cgroup, all[i]);
		bool known = !path;

		for (char **at = *places; !known && at && *at; at++)
			known = strcmp(*at, path) == 0;
		r = known ? 0 : strv_append(places, path);
	}
	return r;
}

/* ---- what others have set ---- */

static bool is_limit(const struct roster_entry *e, double cores)
{
	double limit = e->terms.cpu.limit_mcores / 1000.0;

	return limit > 0 && fabs(cores - limit) < 0.002 * limit;
}

/* The period is the term's with it: a quota is as much of a CPU as its period makes of it. */
static void hold_quota(const struct roster_entry *e, struct writer *writer)
{
	const struct means_cpu *means = e->means;
	_cleanup_free_ char *text = means->quota_text(e->terms.cpu.limit_mcores);
	_cleanup_free_ char *none = means->quota_text(0);
	_cleanup_free_ char *period = string_format("%d", TERMS_CPU_PERIOD_US);

	if (!writer->book || !text || !none || !period)
		return;
	book_set_term(writer->book, e->directory, means->quota_file, text, none);
	if (means->period_file)
		book_set_term(writer->book, e->directory, means->period_file, period, period);
}

/*
 * A quota that was found, and is not the limit itself as the container's maker has set it, is somebody else's. Who
 * changes the limit of a container sets it, too: by then nothing else that was found is there any more.
 */
static void take_found_quota(struct roster_entry *e, struct writer *writer, bool changed)
{
	bool term = false;
	double found = writer->book ? e->means->found_quota(writer->book, e->directory, &term)
				    : e->applied.quota_cores;

	if (e->of_container &&
	    (term || changed || is_limit(e, found) || (found == 0 && e->terms.cpu.limit_mcores))) {
		hold_quota(e, writer);
		term = true;
	}
	/* with what was found before lost, it may be what a keeper has left there */
	e->others_quota = term || writer->lost ? 0 : found;
}

static bool is_same_weight(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	return fabs(x - y) < 0.02 * y;
}

/* The same of the weight that the maker of a container has set for what its threads are promised. */
static void take_found_weight(const struct roster_entry *e, struct writer *writer, bool changed)
{
	_cleanup_free_ char *text = e->means->weight_text(e->weighed_mcores);
	struct found found;

	if (!e->of_container || !e->weighed || !writer->book || !text ||
	    !book_find(writer->book, e->directory, e->means->weight_file, &found))
		return;
	if (found.term || changed || (e->weighed_mcores && is_same_weight(found.text, text)))
		book_set_term(writer->book, e->directory, e->means->weight_file, text,
			      e->means->weight_default);
}

static double as_it_is_set(double cores)
{
	double us = round(cores * TERMS_CPU_PERIOD_US);

	return cores > 0 ? fmax(us, QUOTA_LEAST_US) / TERMS_CPU_PERIOD_US : 0;
}

/* Nothing is forgotten before it is known that there is something to be noted instead. */
static int note_anew(struct roster_entry *e, struct writer *writer, struct error *err)
{
	struct writer reader = {0};
	struct control_setting now;
	int r = e->means->find(&reader, e->directory, false, &now, err);

	if (r < 0)
		return r;
	book_forget_one(writer->book, e->directory, e->means->quota_file);
	if (e->means->period_file)
		book_forget_one(writer->book, e->directory, e->means->period_file);
	r = e->means->find(writer, e->directory, false, &now, err);
	if (r < 0)
		return r;
	e->applied.quota_cores = now.quota_cores;
	take_found_quota(e, writer, false);
	return book_flush(writer->book, err);
}

int roster_look_at_quota(struct roster *roster, size_t i, struct writer *writer, struct error *err)
{
	struct roster_entry *e = &roster->items[i];
	double now = e->means->quota(e->directory), ours = as_it_is_set(e->applied.quota_cores);
	bool odd = now >= 0 && fabs(now - ours) > QUOTA_ODD * fmax(now, ours);
	bool again = odd && e->odd_quota && now == e->odd_cores;
	int r;

	e->odd_quota = odd;
	e->odd_cores = now;
	if (!again || !writer->book)
		return 0;
	r = note_anew(e, writer, err);
	e->odd_quota = r < 0;
	return r;
}

/* ---- the roster ---- */

static bool is_to_be_weighed(const struct roster_entry *e)
{
	return e->weighed_mcores || e->terms.cpu.share;
}

/* Of one that is promised neither CPU nor a share of it any more. */
static int give_weight_back(struct writer *writer, struct roster_entry *e, struct error *err)
{
	bool ours = e->weighed;
	struct found found;
	int r;

	e->weighed = false;
	e->applied.weight = 0;
	if (!writer->book || !book_find(writer->book, e->directory, e->means->weight_file, &found))
		return 0;
	/* of one that had this name before */
	if (found.inode != e->inode) {
		book_forget_one(writer->book, e->directory, e->means->weight_file);
		return 0;
	}
	/* raised for those below it (above.c), and going on to be */
	if (!ours && strcmp(found.means, "cgroup") != 0)
		return 0;
	r = writer_set_file(writer, e->called, e->directory, e->means->weight_file,
			    found.term ? e->means->weight_default : found.text, err);
	/* one that is raised for those below it (above.c) stays in the book */
	if (r == 0 && strcmp(found.means, "cgroup") == 0)
		book_forget_one(writer->book, e->directory, e->means->weight_file);
	return r;
}

/* An engine may give another name to a container that is there. */
static int call(struct roster_entry *e, struct ledger_engines *engines, struct error *err)
{
	char *name = engines ? ledger_engines_name(engines, e->path) : NULL;

	if (!name)
		name = strdup(e->name);
	if (!name)
		return error_oom(err);
	free(e->called);
	e->called = name;
	return 0;
}

static int join(const struct roster *roster, const struct promise *promise, struct writer *writer,
		struct ledger_engines *engines, struct roster_entry *e, struct control_workspace *w,
		struct error *err)
{
	const char *directory = cgroup_directory(promise->cgroup, CGROUP_CPU);
	struct stat st;
	int r;

	e->means = means_cpu_of(cgroup_version(promise->cgroup, CGROUP_CPU));
	if (!directory || !e->means)
		return error_set(err, ENODEV, "it is in no hierarchy with the cpu controller");
	e->name = strdup(promise->name);
	e->state_root = promise->state_root ? strdup(promise->state_root) : NULL;
	e->path = strdup(cgroup_path(promise->cgroup));
	e->directory = strdup(directory);
	if (!e->name || (promise->state_root && !e->state_root) || !e->path || !e->directory ||
	    list_places(promise->cgroup, &e->places) < 0)
		return error_oom(err);
	r = call(e, engines, err);
	if (r < 0)
		return r;
	if (stat(directory, &st) < 0)
		return error_errno(err, errno, "look at '%s'", directory);
	e->inode = st.st_ino;
	take_terms(roster, promise, e, w);
	w->weight_of_core = e->means->weight_of_core;
	e->weighed = is_to_be_weighed(e);
	r = gauge_open(promise->cgroup, &e->gauge, err);
	if (r == 0)
		r = standing_open(promise->cgroup, &e->standing, err);
	if (r == 0)
		r = e->means->find(writer, directory, e->weighed, &e->applied, err);
	if (r == 0) {
		take_found_quota(e, writer, false);
		take_found_weight(e, writer, false);
	}
	if (r == 0 && !e->weighed)
		r = give_weight_back(writer, e, err);
	if (r == 0 && control_admit(w, roster->n_cpus) < 0)
		r = error_oom(err);
	if (r == 0)
		resume(writer, e, w);
	return r;
}

static struct roster_entry *find_entry(struct roster *roster, const struct promise *promise)
{
	const char *directory = cgroup_directory(promise->cgroup, CGROUP_CPU);
	struct stat st;

	if (!directory || stat(directory, &st) < 0)
		return NULL;
	for (size_t i = 0; i < roster->control.n; i++) {
		struct roster_entry *e = &roster->items[i];

		if (e->directory && strcmp(e->directory, directory) == 0 && e->inode == st.st_ino)
			return e;
	}
	return NULL;
}

/* Two promises for one group: `terms set` has the last word. */
static bool is_overruled(const struct promise_list *list, const struct promise *promise)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct promise *p = &list->items[i];

		if (p != promise && p->cgroup && p->kind == PROMISE_CGROUP &&
		    promise->kind != PROMISE_CGROUP &&
		    strcmp(cgroup_path(p->cgroup), cgroup_path(promise->cgroup)) == 0)
			return true;
	}
	return false;
}

/* A weight that was not ours becomes so when CPU or a share of it is promised later, and the other way round. */
static int retake(struct writer *writer, struct roster_entry *e, struct error *err)
{
	bool weighed = is_to_be_weighed(e);

	if (e->weighed == weighed)
		return 0;
	if (!weighed)
		return give_weight_back(writer, e, err);
	e->weighed = true;
	return e->means->find(writer, e->directory, true, &e->applied, err);
}

/* What was promised to one that is known. */
struct roster_before {
	bool container;
	uint32_t limit_mcores, weighed_mcores;
};

static int take_changes(struct writer *writer, struct roster_entry *e,
			const struct roster_before *before, struct error *err)
{
	int r = retake(writer, e, err);

	if (r < 0 || !e->of_container)
		return r;
	if (!before->container || before->limit_mcores != e->terms.cpu.limit_mcores)
		take_found_quota(e, writer, before->container);
	take_found_weight(e, writer,
			  before->container && before->weighed_mcores != e->weighed_mcores);
	return 0;
}

/* WHY is told once. */
static int refuse(const struct roster *before, struct roster *next, const char *name,
		  const char *called, struct error *why)
{
	if (!strv_has(before->refused, name))
		log_warning("the terms of '%s' are not kept: %s", called ? called : name,
			    why->text);
	*why = (struct error){0};
	return strv_append(&next->refused, name) < 0 ? error_oom(why) : 0;
}

static int add(struct roster *roster, struct roster *next, const struct promise *promise,
	       struct writer *writer, struct ledger_engines *engines, struct error *err)
{
	struct roster_entry *e = &next->items[next->control.n];
	struct control_workspace *w = &next->control.workspaces[next->control.n];
	struct roster_entry *known = find_entry(roster, promise);
	_cleanup_free_ char *called = NULL;

	if (known) {
		const struct roster_before before = {
			.container = known->of_container,
			.limit_mcores = known->terms.cpu.limit_mcores,
			.weighed_mcores = known->weighed_mcores,
		};

		*e = *known;
		*w = roster->control.workspaces[known - roster->items];
		*known = (struct roster_entry){.gauge = GAUGE_CLOSED};
		roster->control.workspaces[known - roster->items].past = NULL;
		take_terms(next, promise, e, w);
		next->control.n++;
		return call(e, engines, err) < 0 ? -err->code
						 : take_changes(writer, e, &before, err);
	}
	*e = (struct roster_entry){.gauge = GAUGE_CLOSED};
	*w = (struct control_workspace){0};
	if (join(next, promise, writer, engines, e, w, err) == 0) {
		next->control.n++;
		return 0;
	}
	called = take_ptr(e->called);
	entry_clear(e);
	control_forget(w);
	if (err->code == ENOMEM)
		return -ENOMEM;
	if (err->code != ENOENT)
		return refuse(roster, next, promise->name, called, err);
	*err = (struct error){0};
	return 0;
}

static void retain(struct roster *roster, struct roster *next, const struct promise_list *list)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		struct roster_entry *e = &roster->items[i];
		struct stat st;

		if (!e->directory || !promise_list_misses(list, e->state_root, e->name) ||
		    stat(e->directory, &st) < 0 || st.st_ino != e->inode)
			continue;
		next->items[next->control.n] = *e;
		next->control.workspaces[next->control.n++] = roster->control.workspaces[i];
		*e = (struct roster_entry){.gauge = GAUGE_CLOSED};
		roster->control.workspaces[i].past = NULL;
	}
}

bool roster_is_gone(const struct promise_list *list, const char *where)
{
	if (list->partial)
		return false;
	for (size_t i = 0; i < list->n; i++) {
		const struct cgroup *cgroup = list->items[i].cgroup;

		for (enum cgroup_controller c = 0; cgroup && c < CGROUP_CONTROLLERS; c++) {
			const char *directory = cgroup_directory(cgroup, c);

			if (directory && strcmp(directory, where) == 0)
				return false;
		}
	}
	return true;
}

static void part(struct roster *roster, const struct promise_list *list, struct writer *writer)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		struct roster_entry *e = &roster->items[i];
		bool gone = e->directory && roster_is_gone(list, e->directory);
		struct error err = {0};

		if (e->directory && writer->book &&
		    writer_undo(writer, e->directory, gone, &err) < 0)
			log_warning("%s", err.text);
		if (standing_undo(writer, &e->standing, gone, &err) < 0)
			log_warning("%s", err.text);
	}
}

int roster_update(struct roster *roster, const struct promise_list *list, struct writer *writer,
		  struct error *err)
{
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = NULL;
	struct roster next = {.n_cpus = roster->n_cpus, .generation = roster->generation + 1};
	const size_t room = list->n + roster->control.n + 1;
	struct error told = {0};
	int r = 0;

	next.items = calloc(room, sizeof(*next.items));
	next.control.workspaces = calloc(room, sizeof(*next.control.workspaces));
	next.control.n_cpus = roster->n_cpus;
	next.control.host_reserve = roster->control.host_reserve;
	next.control.host_got = roster->control.host_got;
	next.control.host_rest = roster->control.host_rest;
	if (!next.items || !next.control.workspaces) {
		free(next.items);
		free(next.control.workspaces);
		return error_oom(err);
	}
	/* without them everybody has the name that the register has */
	if (ledger_engines_of_host(&engines, &told) < 0)
		log_debug("%s", told.text);
	for (size_t i = 0; i < list->n && r == 0; i++) {
		if (list->items[i].cgroup && !is_overruled(list, &list->items[i]))
			r = add(roster, &next, &list->items[i], writer, engines, err);
	}
	if (r == 0)
		retain(roster, &next, list);
	/* who was not come to is not gone */
	if (r == 0)
		part(roster, list, writer);
	if (next.control.n)
		next.control.weight_max = next.items[0].means->weight_max;
	roster_end(roster);
	*roster = next;
	return r;
}

void roster_end(struct roster *roster)
{
	for (size_t i = 0; i < roster->control.n; i++)
		entry_clear(&roster->items[i]);
	control_end(&roster->control);
	free(roster->items);
	free(roster->control.workspaces);
	strv_free(roster->refused);
	roster->refused = NULL;
	roster->items = NULL;
	roster->control = (struct control){.n_cpus = roster->n_cpus};
}
