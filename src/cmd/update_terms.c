// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/update_terms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/admit.h"
#include "cmd/means.h"
#include "cmd/quota_check.h"
#include "promises/annotations.h"
#include "promises/promises.h"
#include "runtime/record.h"

static int apply_change(struct terms *terms, const char *change, struct error *err)
{
	const char *equals = strchr(change, '=');
	_cleanup_free_ char *name = strndup(change, equals ? (size_t)(equals - change) : 0);
	_cleanup_free_ char *where = string_format("--term %s", name ? name : "");
	const struct term_kind *kind;

	if (!name || !where)
		return error_oom(err);
	if (!equals)
		return error_set(err, EINVAL, "--term '%.64s': NAME=VALUE is wanted", change);
	kind = terms_find(name);
	if (!kind)
		return error_set(err, EINVAL, "--term '%.64s': there is no such term", name);
	return terms_set(terms, kind, where, equals + 1, err);
}

/* *PROMISE gets the one in the register, or else only name and root. The caller's to promise_clear. */
static int find_promise(const char *root, const struct container *container,
			struct promise *promise, struct error *err)
{
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	int r;

	promise->name = strdup(container_id(container));
	promise->state_root = admit_state_root(root);
	if (!promise->name || !promise->state_root)
		return error_oom(err);
	r = promises_read(-EBADF, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct promise *found = &list.items[i];

		if (!found->state_root || strcmp(found->name, promise->name) != 0 ||
		    strcmp(found->state_root, promise->state_root) != 0)
			continue;
		promise_clear(promise);
		*promise = *found;
		*found = (struct promise){0};
		break;
	}
	return r;
}

static int complete_promise(const struct container *container, struct promise *promise,
			    struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cgroup = NULL;
	int r = container_open_cgroup(container, &cgroup, err);

	if (r == 0)
		r = promise_set_cgroup(promise, cgroup, err);
	return r == 0 ? promise_set_maker(promise, err) : r;
}

static int take_cpus(struct promise *promise, const struct oci_resources *resources,
		     struct error *err)
{
	const char *list = resources->cpu.cpus;

	if (!list || !*list)
		return 0;
	if (cpus_parse(list, &promise->cpus) < 0)
		return error_set(err, EINVAL, "cpuset-cpus '%.64s': a list of CPUs is wanted",
				 list);
	promise->has_cpus = true;
	return 0;
}

static int prepare(const struct terms *before, struct promise *promise, struct oci_config *holder,
		   const struct cgroup_layout *layout, struct error *err)
{
	int r = terms_check(&promise->terms, err);

	if (r == 0)
		r = means_check(&promise->terms, layout, err);
	if (r < 0)
		return r;
	annotations_change_limits(before, &promise->terms, holder);
	r = annotations_check_limits(&promise->terms, &holder->resources, err);
	if (r == 0)
		r = quota_check(promise, layout, holder->resources.cpu.has_quota ? NULL : before,
				err);
	return r == 0 ? take_cpus(promise, &holder->resources, err) : r;
}

/* What the container's state tells of its terms. */
static int annotate(struct container *container, const struct terms *terms, struct error *err)
{
	struct oci_pair pairs[64];
	size_t n = 0;
	int r;

	for (const struct term_kind *kind = term_kinds; kind->name && n < ARRAY_SIZE(pairs); kind++)
		pairs[n++] = (struct oci_pair){
			.key = (char *)kind->annotation,
			.value = terms_format(terms, kind),
		};
	r = container_annotate_all(container, pairs, n, err);
	for (size_t i = 0; i < n; i++)
		free((char *)pairs[i].value);
	return r;
}

/* The container could not be changed, and so its promise is what it was. */
static void put_back(const struct promise *before, const struct promise *promise)
{
	_cleanup_close_ int dir = -EBADF;

	if (!before->name)
		promises_remove(promise->state_root, promise->name, NULL);
	else if (promises_lock(&dir, NULL) == 0)
		promises_put(dir, before, NULL);
}

/* How much it weighs is known when it is planned. */
static int update_resources(struct container *container, const struct promise *before,
			    const struct promise *promise, struct oci_config *holder,
			    const struct cgroup_layout *layout, struct error *err)
{
	int r = annotations_change_weight(promise_weighed_mcores(before),
					  promise_weighed_mcores(promise),
					  cgroup_layout_version(layout, CGROUP_CPU), holder, err);

	return r == 0 ? container_update(container, &holder->resources, err) : r;
}

static int update_promised(struct container *container, struct promise *promise,
			   const struct terms *was, const struct terms_update *update,
			   struct oci_config *holder, const struct cgroup_layout *layout,
			   struct error *err)
{
	_cleanup_(promise_clear) struct promise before = {0};
	int r = admit_promise(promise, update->force ? ADMIT_FORCED : ADMIT_WITH_ROOM, was, &before,
			      err);

	*update->refused = r == -EBUSY;
	if (r < 0)
		return r;
	r = update_resources(container, &before, promise, holder, layout, err);
	if (r < 0) {
		put_back(&before, promise);
		return r;
	}
	if (!terms_any(&promise->terms))
		promises_remove(promise->state_root, promise->name, NULL);
	return annotate(container, &promise->terms, err);
}

int update_terms(const char *root, struct container *container, const struct terms_update *update,
		 struct oci_config *holder, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	char *const *changes = update->changes;
	_cleanup_(promise_clear) struct promise promise = {0};
	struct terms before;
	int r;

	/* An ordinary user has no promises, and cannot look for them. */
	if (!changes && geteuid() != 0)
		return container_update(container, &holder->resources, err);
	r = find_promise(root, container, &promise, err);
	if (r < 0)
		return r;
	before = promise.terms;
	for (; r == 0 && changes && *changes; changes++)
		r = apply_change(&promise.terms, *changes, err);
	if (r < 0)
		return r;
	if (!terms_any(&before) && !terms_any(&promise.terms))
		return container_update(container, &holder->resources, err);
	r = complete_promise(container, &promise, err);
	if (r == 0)
		r = cgroup_layout_read(&layout, err);
	if (r == 0)
		r = prepare(&before, &promise, holder, layout, err);
	return r == 0 ? update_promised(container, &promise, &before, update, holder, layout, err)
		      : r;
}
