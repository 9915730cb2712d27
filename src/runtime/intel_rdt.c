// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the record: "intelRdt": {"mount", "group", "made", "monitor"}. "made": the group is ours to remove;
 * it says so before the group is there, so a class that somebody else makes in that very instant is told
 * apart only by mkdir(2), and is kept by its tasks should we be killed before the record is corrected.
 */
#include "runtime/intel_rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/resctrl.h"

static const char *member(struct json_object *rdt, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(rdt, key, &value) ? json_object_get_string(value) : NULL;
}

static int prefix(struct error *err, int r)
{
	return r < 0 ? error_prefix(err, "linux.intelRdt") : r;
}

/* Opens the mount that RECORD names: 1 with the group's object, 0 when there is none. */
static int open_recorded(struct json_object *record, struct json_object **rdt, int *dir,
			 struct error *err)
{
	if (!json_object_object_get_ex(record, "intelRdt", rdt))
		return 0;
	*dir = open(member(*rdt, "mount"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return error_errno(err, errno, "open '%s'", member(*rdt, "mount"));
	return 1;
}

static bool wants_shares(const struct oci_intel_rdt *rdt)
{
	return rdt->l3_cache_schema || rdt->mem_bw_schema || rdt->schemata;
}

static int record_monitor(int dir, struct json_object *out, const char *group, const char *id,
			  struct error *err)
{
	_cleanup_free_ char *path =
		string_format("%s%smon_groups/%s", group, *group ? "/" : "", id);

	if (!path)
		return error_oom(err);
	if (resctrl_has_group(dir, path))
		return error_set(err, EEXIST, "the resctrl group '%s' is there already", path);
	json_add_string(out, "monitor", path);
	return 0;
}

int intel_rdt_record(int root, struct json_object *record, const char *id,
		     const struct oci_config *config, struct error *err)
{
	const struct oci_intel_rdt *rdt = &config->intel_rdt;
	const char *group = !rdt->clos_id ? id : strcmp(rdt->clos_id, "/") == 0 ? "" : rdt->clos_id;
	_cleanup_json_ struct json_object *out = NULL;
	_cleanup_free_ char *point = NULL;
	_cleanup_close_ int dir = -EBADF;
	bool there;
	int r;

	if (!config->has_intel_rdt)
		return 0;
	dir = resctrl_open(root, &point, err);
	if (dir < 0)
		return prefix(err, dir);
	there = resctrl_has_group(dir, group);
	if (!there && rdt->clos_id && !wants_shares(rdt))
		return error_set(err, ENOENT,
				 "linux.intelRdt.closID: there is no resctrl group '%s', and no "
				 "shares are given to make one",
				 group);
	out = json_object_new_object();
	json_add_string(out, "mount", point);
	json_add_string(out, "group", group);
	json_add_bool(out, "made", !there);
	r = rdt->enable_monitoring || rdt->enable_cmt || rdt->enable_mbm
		    ? record_monitor(dir, out, group, id, err)
		    : 0;
	if (r < 0)
		return prefix(err, r);
	json_object_object_add(record, "intelRdt", json_object_get(out));
	return 0;
}

/*
 * The lines of l3CacheSchema and memBwSchema. Lines "MB:" of the first are left out when there is the
 * second, as the specification asks. NULL: no memory; empty: neither is given.
 */
static char *join_schemas(const char *l3, const char *bandwidth)
{
	char *text = strdup("");

	for (const char *at = l3 ? l3 : ""; text && *at;
	     at += strcspn(at, "\n"), at += *at == '\n') {
		char *before = text;

		if (bandwidth && string_starts_with(at, "MB:"))
			continue;
		text = string_format("%s%.*s\n", before, (int)strcspn(at, "\n"), at);
		free(before);
	}
	if (text && bandwidth) {
		char *before = text;

		text = string_format("%s%s%s", before, bandwidth,
				     string_ends_with(bandwidth, "\n") ? "" : "\n");
		free(before);
	}
	return text;
}

static char *join_lines(char *const *lines)
{
	char *text = strdup("");

	for (; text && lines && *lines; lines++) {
		char *before = text;

		text = string_format("%s%s\n", before, *lines);
		free(before);
	}
	return text;
}

/* What the newer field says is written last, and by itself: a resource may be in both. */
static int write_shares(int dir, const char *group, bool made, const struct oci_intel_rdt *rdt,
			struct error *err)
{
	_cleanup_free_ char *schemas = join_schemas(rdt->l3_cache_schema, rdt->mem_bw_schema);
	_cleanup_free_ char *schemata = join_lines(rdt->schemata);
	int r = 0;

	if (!schemas || !schemata)
		return error_oom(err);
	if (*schemas)
		r = made ? resctrl_write_schemata(dir, group, schemas, err)
			 : resctrl_check_schemata(dir, group, schemas, err);
	if (r == 0 && *schemata)
		r = resctrl_write_schemata(dir, group, schemata, err);
	return r;
}

static int make_groups(int dir, struct json_object *groups, const struct oci_intel_rdt *rdt,
		       struct error *err)
{
	const char *group = member(groups, "group"), *monitor = member(groups, "monitor");
	int made = 0, r;

	if (strcmp(member(groups, "made"), "true") == 0)
		made = resctrl_make_group(dir, group, err);
	if (made < 0)
		return made;
	json_add_bool(groups, "made", made);
	r = write_shares(dir, group, made, rdt, err);
	if (r == 0 && monitor)
		r = resctrl_make_group(dir, monitor, err);
	return r < 0 ? r : 0;
}

int intel_rdt_make(struct json_object *record, const struct oci_intel_rdt *rdt, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	struct json_object *groups;
	int r = open_recorded(record, &groups, &dir, err);

	if (r > 0)
		r = make_groups(dir, groups, rdt, err);
	return prefix(err, r);
}

int intel_rdt_add(struct json_object *record, pid_t task, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	struct json_object *groups;
	int r = open_recorded(record, &groups, &dir, err);

	if (r > 0)
		r = resctrl_add_task(dir, member(groups, "group"), task, err);
	if (r == 0 && dir >= 0 && member(groups, "monitor"))
		r = resctrl_add_task(dir, member(groups, "monitor"), task, err);
	return prefix(err, r);
}

int intel_rdt_remove(struct json_object *record, pid_t first, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	struct json_object *groups;
	int r = open_recorded(record, &groups, &dir, err);

	/* With the file system its groups have gone. */
	if (r == -ENOENT)
		return 0;
	if (r > 0)
		r = member(groups, "monitor")
			    ? resctrl_remove_group(dir, member(groups, "monitor"), err)
			    : 0;
	if (r < 0 || dir < 0 || strcmp(member(groups, "made"), "true") != 0 ||
	    !resctrl_has_group(dir, member(groups, "group")))
		return prefix(err, r);
	r = resctrl_has_tasks(dir, member(groups, "group"), first, err);
	if (r == 0)
		r = resctrl_remove_group(dir, member(groups, "group"), err);
	return r > 0 ? 0 : prefix(err, r);
}

int intel_rdt_update(struct json_object *record, const char *l3_cache_schema,
		     const char *mem_bw_schema, struct error *err)
{
	_cleanup_free_ char *schemas = join_schemas(l3_cache_schema, mem_bw_schema);
	_cleanup_close_ int dir = -EBADF;
	struct json_object *groups;
	int r = open_recorded(record, &groups, &dir, err);

	if (!schemas)
		return error_oom(err);
	if (r == 0)
		return error_set(err, ENOTSUP,
				 "the container was created without linux.intelRdt, and has no "
				 "resctrl group");
	if (r > 0)
		r = resctrl_write_schemata(dir, member(groups, "group"), schemas, err);
	return prefix(err, r);
}
