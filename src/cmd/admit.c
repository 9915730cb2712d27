// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order makes it safe to be killed anywhere:
 *
 *	lock; read what is promised; plan; put the promise, which holds while we live; unlock
 *	container_create
 *		... the groups are made, the first process is in them
 *		lock; put the promise with its group: it holds while somebody is in; unlock
 *		commit: from here on the container outlives us
 */
#include "cmd/admit.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strings.h"
#include "cmd/admit_plan.h"
#include "cmd/means.h"
#include "cmd/quota_check.h"
#include "promises/annotations.h"

struct admission {
	struct promise promise;
	bool done;
};

char *admit_state_root(const char *root)
{
	char cwd[PATH_MAX];

	if (*root == '/' || !getcwd(cwd, sizeof(cwd)))
		return strdup(root);
	return string_format("%s/%s", cwd, root);
}

static bool is_same(const struct promise *a, const struct promise *b)
{
	bool rooted = a->state_root && b->state_root;

	return strcmp(a->name, b->name) == 0 && !a->state_root == !b->state_root &&
	       (!rooted || strcmp(a->state_root, b->state_root) == 0);
}

/* Takes what PROMISE replaces out of what is promised. */
static void take_out(struct promise_list *list, const struct promise *promise, struct promise *old)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_same(&list->items[i], promise))
			continue;
		*old = list->items[i];
		list->items[i] = list->items[--list->n];
		return;
	}
}

/* Of what is in the register by now; a promise that is not there has no terms. */
static bool has_changed(const struct promise *now, const struct terms *was)
{
	return memcmp(&now->terms, was, sizeof(*was)) != 0;
}

/* WAS_FORCED: what it replaces. */
static int plan(const struct promise_list *list, struct promise *promise, enum admit_how how,
		bool was_forced, struct error *err)
{
	int r = admit_plan(list, promise, err);

	promise->forced = false;
	if (r != -EBUSY || how == ADMIT_WITH_ROOM)
		return r;
	promise->forced = how == ADMIT_FORCED || was_forced;
	if (how == ADMIT_FORCED)
		log_warning("%s; promised all the same", err->text);
	*err = (struct error){0};
	return 0;
}

int admit_promise(struct promise *promise, enum admit_how how, const struct terms *was,
		  struct promise *before, struct error *err)
{
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	_cleanup_(promise_clear) struct promise old = {0};
	_cleanup_close_ int dir = -EBADF;
	int r = promises_lock(&dir, err);

	if (r == 0)
		r = promises_read(dir, &list, err);
	if (r < 0)
		return r;
	take_out(&list, promise, &old);
	if (old.name && !before)
		return error_set(err, EEXIST, "container with given ID already exists: '%s'",
				 promise->name);
	if (was && has_changed(&old, was))
		return error_set(err, EAGAIN, "somebody else changes the terms of '%s'",
				 promise->name);
	r = plan(&list, promise, how, old.forced, err);
	if (r < 0)
		return r;
	r = promises_put(dir, promise, err);
	if (r == 0 && before) {
		*before = old;
		old = (struct promise){0};
	}
	return r;
}

/* A container without a network of its own has the host's, whatever nobody said. */
static void fill_path(struct terms *terms, const struct oci_config *config)
{
	if ((terms_have_network(terms) || terms->gate) && !*terms->path &&
	    !oci_config_namespace(config, CLONE_NEWNET))
		strcpy(terms->path, "host");
}

static int fill_cpus(struct promise *promise, const struct oci_config *config, struct error *err)
{
	const char *list = config->resources.cpu.cpus;

	if (!list || !*list)
		return 0;
	if (cpus_parse(list, &promise->cpus) < 0)
		return error_set(err, EINVAL,
				 "linux.resources.cpu.cpus: '%.64s' is no list of CPUs", list);
	promise->has_cpus = true;
	return 0;
}

/* Asks for means, and tells the runtime what limits to keep with them. */
static int use_means(struct oci_config *config, const struct terms *terms,
		     const struct cgroup_layout *layout, struct error *err)
{
	int r = means_check(terms, layout, err);

	if (r < 0)
		return r;
	if (annotations_check_limits(terms, &config->resources, err) < 0)
		return error_prefix(err, "config.json: linux.resources");
	annotations_apply_limits(terms, config);
	return 0;
}

static int fill_promise(struct promise *promise, const struct container_create_options *create,
			const struct oci_config *config, struct error *err)
{
	promise->kind = PROMISE_CONTAINER;
	promise->name = strdup(create->id);
	promise->state_root = admit_state_root(create->root);
	if (!promise->name || !promise->state_root)
		return error_oom(err);
	if (config->cgroups_path && *config->cgroups_path) {
		promise->intended = strdup(config->cgroups_path);
		if (!promise->intended)
			return error_oom(err);
	}
	return fill_cpus(promise, config, err);
}

/* Of container_create_options. */
static int note_groups(void *data, const struct cgroup *cgroup, struct error *err)
{
	struct admission *admission = data;
	_cleanup_close_ int dir = -EBADF;
	int r = promise_set_cgroup(&admission->promise, cgroup, err);

	if (r == 0)
		r = promises_lock(&dir, err);
	return r == 0 ? promises_put(dir, &admission->promise, err) : r;
}

/* How much it weighs is known when it is planned. */
static int admit_weighed(struct promise *promise, struct oci_config *config,
			 const struct cgroup_layout *layout, bool force, struct error *err)
{
	int r = admit_promise(promise, force ? ADMIT_FORCED : ADMIT_WITH_ROOM, NULL, NULL, err);

	if (r < 0)
		return r;
	r = annotations_apply_weight(promise_weighed_mcores(promise),
				     cgroup_layout_version(layout, CGROUP_CPU), config, err);
	if (r < 0)
		promises_remove(promise->state_root, promise->name, NULL);
	return r;
}

int admit_container(struct container_create_options *create, struct oci_config *config, bool force,
		    struct admission **admission, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_free_ struct admission *new = NULL;
	struct terms terms;
	bool any = false;
	int r = annotations_read_terms(config, &terms, &any, err);

	if (r < 0 || !any)
		return r;
	if (create->no_cgroup)
		return error_set(err, ENODEV,
				 "config.json: annotations: terms need a control group");
	new = calloc(1, sizeof(*new));
	if (!new)
		return error_oom(err);
	fill_path(&terms, config);
	new->promise.terms = terms;
	r = cgroup_layout_read(&layout, err);
	if (r == 0)
		r = use_means(config, &terms, layout, err);
	if (r == 0)
		r = fill_promise(&new->promise, create, config, err);
	if (r == 0)
		r = quota_check(&new->promise, layout, NULL, err);
	if (r == 0)
		r = promise_set_maker(&new->promise, err);
	if (r == 0)
		r = admit_weighed(&new->promise, config, layout, force, err);
	if (r < 0) {
		promise_clear(&new->promise);
		return r;
	}
	create->before_commit = note_groups;
	create->data = new;
	*admission = take_ptr(new);
	return 0;
}

void admission_warn(const struct admission *admission)
{
	if (admission)
		means_warn_without_keeper(admission->promise.name, &admission->promise.terms);
}

void admission_done(struct admission *admission)
{
	if (admission)
		admission->done = true;
}

void admission_free(struct admission *admission)
{
	if (!admission)
		return;
	/* What is left by a failure of this ends with our process. */
	if (!admission->done)
		promises_remove(admission->promise.state_root, admission->promise.name, NULL);
	promise_clear(&admission->promise);
	free(admission);
}

void cleanup_admission(struct admission **admission)
{
	admission_free(*admission);
}
