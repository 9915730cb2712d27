// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/roster_found.h"
#include "ledger/engines.h"

static void entry_clear(struct roster_entry *e)
{
	free(e->name);
	free(e->promise);
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
	/* no quota and no gate leaves room for what there was none for: others would have less than they were promised */
	w->io_mcores = promise->forced ? 0 : promise->io_mcores;
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

/* ---- the roster ---- */

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

/* Who it is, and where. */
static int know(struct roster_entry *e, const struct promise *promise,
		struct ledger_engines *engines, struct error *err)
{
	const char *directory = cgroup_directory(promise->cgroup, CGROUP_CPU);
	struct stat st;
	int r;

	e->means = means_cpu_of(cgroup_version(promise->cgroup, CGROUP_CPU));
	if (!directory || !e->means)
		return error_set(err, ENODEV, "it is in no hierarchy with the cpu controller");
	e->name = strdup(promise->name);
	e->promise = promise_file(promise->state_root, promise->name);
	e->path = strdup(cgroup_path(promise->cgroup));
	e->directory = strdup(directory);
	if (!e->name || !e->promise || !e->path || !e->directory ||
	    list_places(promise->cgroup, &e->places) < 0)
		return error_oom(err);
	r = call(e, engines, err);
	if (r < 0)
		return r;
	if (stat(directory, &st) < 0)
		return error_errno(err, errno, "look at '%s'", directory);
	e->inode = st.st_ino;
	return 0;
}

/* What is set there already, before anything of ours is. */
static int find(struct roster_entry *e, const struct promise *promise, struct writer *writer,
		struct error *err)
{
	int r = gauge_open(promise->cgroup, &e->gauge, err);

	if (r == 0)
		gauge_watch_quota(&e->gauge, e->means->quota_file, e->means->period_file);
	if (r == 0)
		r = standing_open(promise->cgroup, &e->standing, err);
	if (r == 0)
		r = e->means->find(writer, e->directory, e->weighed, &e->applied, err);
	if (r < 0)
		return r;
	found_take_quota(e, writer, false);
	found_take_weight(e, writer, false);
	return e->weighed ? 0 : weight_give_back(writer, e, err);
}

static int join(const struct roster *roster, const struct promise *promise, struct writer *writer,
		struct ledger_engines *engines, struct roster_entry *e, struct control_workspace *w,
		struct error *err)
{
	int r = know(e, promise, engines, err);

	if (r < 0)
		return r;
	take_terms(roster, promise, e, w);
	w->weight_of_core = e->means->weight_of_core;
	e->weighed = weight_is_wanted(e);
	writer->promise = e->promise;
	r = find(e, promise, writer, err);
	writer->promise = NULL;
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

/* KNOWN, of ROSTER, is NEXT's from now on. */
static struct roster_entry *move_entry(struct roster *roster, struct roster_entry *known,
				       struct roster *next)
{
	struct control_workspace *w = &roster->control.workspaces[known - roster->items];
	struct roster_entry *moved = &next->items[next->control.n];

	*moved = *known;
	next->control.workspaces[next->control.n++] = *w;
	*known = (struct roster_entry){.gauge = GAUGE_CLOSED};
	w->past = NULL;
	return moved;
}

/* What was promised to one that is known. */
struct roster_before {
	bool container;
	uint32_t limit_mcores, weighed_mcores;
};

static int take_changes(struct writer *writer, struct roster_entry *e,
			const struct roster_before *before, struct error *err)
{
	int r;

	if (e->of_container &&
	    (!before->container || before->limit_mcores != e->terms.cpu.limit_mcores))
		found_take_quota(e, writer, before->container);
	r = weight_retake(writer, e, err);
	if (r == 0 && e->of_container)
		found_take_weight(e, writer,
				  before->container && before->weighed_mcores != e->weighed_mcores);
	return r;
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

/* It may be promised by another file from now on. */
static int take_promise(struct writer *writer, struct roster_entry *e,
			const struct promise *promise, struct error *err)
{
	const char *places[] = {e->directory, e->standing.memory.directory,
				e->standing.pids.directory, e->standing.io.directory};
	char *file = promise_file(promise->state_root, promise->name);
	int r = 0;

	if (!file)
		return error_oom(err);
	if (strcmp(file, e->promise) == 0) {
		free(file);
		return 0;
	}
	free(e->promise);
	e->promise = file;
	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0 && writer->book; i++)
		r = places[i] ? book_set_promise(writer->book, places[i], file, err) : 0;
	return r;
}

/* One that is known stays as it is, but for what is promised. */
static int move_over(struct roster *roster, struct roster_entry *known, struct roster *next,
		     const struct promise *promise, struct writer *writer,
		     struct ledger_engines *engines, struct error *err)
{
	const struct roster_before before = {
		.container = known->of_container,
		.limit_mcores = known->terms.cpu.limit_mcores,
		.weighed_mcores = known->weighed_mcores,
	};
	struct roster_entry *e = move_entry(roster, known, next);
	int r;

	take_terms(next, promise, e, &next->control.workspaces[e - next->items]);
	r = call(e, engines, err);
	if (r == 0)
		r = take_promise(writer, e, promise, err);
	writer->promise = e->promise;
	if (r == 0)
		r = take_changes(writer, e, &before, err);
	writer->promise = NULL;
	if (r == 0 || r == -ENOMEM)
		return r;
	/* it has gone, or its controller is switched off */
	if (roster_is_there(e))
		return refuse(roster, next, promise->name, e->called, err);
	*err = (struct error){0};
	return 0;
}

static int take_up(const struct roster *roster, struct roster *next, const struct promise *promise,
		   struct writer *writer, struct ledger_engines *engines, struct error *err)
{
	struct roster_entry *e = &next->items[next->control.n];
	struct control_workspace *w = &next->control.workspaces[next->control.n];
	_cleanup_free_ char *called = NULL;
	bool there;

	*e = (struct roster_entry){.gauge = GAUGE_CLOSED};
	*w = (struct control_workspace){0};
	if (join(next, promise, writer, engines, e, w, err) == 0) {
		next->control.n++;
		return 0;
	}
	called = take_ptr(e->called);
	there = e->directory && roster_is_there(e);
	entry_clear(e);
	control_forget(w);
	if (err->code == ENOMEM)
		return -ENOMEM;
	if (err->code != ENOENT || there)
		return refuse(roster, next, promise->name, called, err);
	*err = (struct error){0};
	return 0;
}

static int add(struct roster *roster, struct roster *next, const struct promise *promise,
	       struct writer *writer, struct ledger_engines *engines, struct error *err)
{
	struct roster_entry *known = find_entry(roster, promise);

	return known ? move_over(roster, known, next, promise, writer, engines, err)
		     : take_up(roster, next, promise, writer, engines, err);
}

static void retain(struct roster *roster, struct roster *next, const struct promise_list *list)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		struct roster_entry *e = &roster->items[i];
		struct stat st;

		if (!e->directory || !promise_list_misses(list, e->promise) ||
		    stat(e->directory, &st) < 0 || st.st_ino != e->inode)
			continue;
		move_entry(roster, e, next);
	}
}

bool roster_is_gone(const struct promise_list *list, const char *where)
{
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
	for (char **file = list->unreadable; file && *file && r == 0; file++)
		r = strv_append(&next.unreadable, *file) < 0 ? error_oom(err) : 0;
	if (r == 0)
		retain(roster, &next, list);
	/* who was not come to is not gone */
	if (r == 0)
		part(roster, list, writer);
	for (size_t i = 0; i < next.control.n; i++)
		next.reserves |= next.control.workspaces[i].terms.reserve_mcores > 0;
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
	strv_free(roster->unreadable);
	roster->refused = roster->unreadable = NULL;
	roster->items = NULL;
	roster->control = (struct control){.n_cpus = roster->n_cpus};
}
