// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/plan_workspaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "base/table.h"
#include "cmd/called.h"
#include "kernel/cgroup.h"
#include "plan/workspaces.h"
#include "promises/foreign.h"
#include "promises/promises.h"

void plan_workspaces_clear(struct plan_workspaces *workspaces)
{
	free(workspaces->list);
	strv_free(workspaces->names);
	*workspaces = (struct plan_workspaces){0};
}

/* Room for N more. */
static int make_room(struct plan_workspaces *workspaces, size_t n, struct error *err)
{
	size_t all = workspaces->n + n + 1;
	struct plan_workspace *list = reallocarray(workspaces->list, all, sizeof(*list));
	char **names;

	if (!list)
		return error_oom(err);
	workspaces->list = list;
	names = reallocarray(workspaces->names, all, sizeof(*names));
	if (!names)
		return error_oom(err);
	names[workspaces->n] = NULL;
	workspaces->names = names;
	return 0;
}

/* Where there is room. */
static int add(struct plan_workspaces *workspaces, const char *name,
	       const struct plan_workspace *workspace, struct error *err)
{
	size_t at = workspaces->n;

	workspaces->names[at] = text_printable(name);
	if (!workspaces->names[at])
		return error_oom(err);
	workspaces->names[at + 1] = NULL;
	workspaces->list[at] = *workspace;
	workspaces->list[at].name = workspaces->names[at];
	workspaces->n++;
	return 0;
}

static int read_file(const char *path, char **text, size_t *size, struct error *err)
{
	if (strcmp(path, "-") == 0)
		return fd_read_all(STDIN_FILENO, "standard input", WORKSPACES_FILE_MAX_BYTES, text,
				   size, err);
	return file_read_at(AT_FDCWD, path, WORKSPACES_FILE_MAX_BYTES, text, size, err);
}

int plan_workspaces_add_file(struct plan_workspaces *workspaces, const char *path,
			     struct error *err)
{
	_cleanup_(workspaces_clear) struct workspaces parsed = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_file(path, &text, &size, err);

	if (r == 0)
		r = workspaces_parse(strcmp(path, "-") == 0 ? "standard input" : path, text, size,
				     &parsed, err);
	if (r == 0)
		r = make_room(workspaces, parsed.n, err);
	for (size_t i = 0; r == 0 && i < parsed.n; i++) {
		const struct workspace *from = &parsed.list[i];
		struct plan_workspace to = {.terms = from->terms,
					    .cpus = from->cpus,
					    .has_cpus = from->has_cpus,
					    .count = from->count};

		r = add(workspaces, from->name, &to, err);
	}
	return r;
}

static int add_claims(struct plan_workspaces *workspaces, const struct promise_list *promises,
		      struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	int r = cgroup_layout_read(&layout, err);

	if (r == 0)
		r = foreign_read(-EBADF, layout, promises, &claims, err);
	if (r == 0)
		r = make_room(workspaces, claims.n, err);
	for (size_t i = 0; r == 0 && i < claims.n; i++) {
		struct plan_workspace claim = foreign_workspace(&claims.items[i]);

		r = add(workspaces, claims.items[i].path, &claim, err);
	}
	return r;
}

/* What its engine calls it, unless somebody else in the plan is called so. */
static char *name_of(const struct plan_workspaces *workspaces, struct ledger_engines *engines,
		     const struct promise *promise)
{
	_cleanup_free_ char *called = called_promise(engines, promise);
	_cleanup_free_ char *name = called ? text_printable(called) : NULL;

	if (name && strv_has(workspaces->names, name))
		return strdup(promise->name);
	return take_ptr(name);
}

int plan_workspaces_add_running(struct plan_workspaces *workspaces, struct error *err)
{
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = called_engines();
	_cleanup_(promise_list_clear) struct promise_list promises = {0};
	int r = promises_read(-EBADF, &promises, err);

	if (r == 0)
		r = make_room(workspaces, promises.n, err);
	for (size_t i = 0; r == 0 && i < promises.n; i++) {
		const struct promise *from = &promises.items[i];
		struct plan_workspace to = {.terms = from->terms,
					    .cpus = from->cpus,
					    .has_cpus = from->has_cpus,
					    .count = 1};
		_cleanup_free_ char *name = name_of(workspaces, engines, from);

		r = name ? add(workspaces, name, &to, err) : error_oom(err);
	}
	return r == 0 ? add_claims(workspaces, &promises, err) : r;
}
