// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/exec_process.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/strings.h"

static int set_user(struct oci_user *user, const char *text, struct error *err)
{
	const char *colon = strchr(text, ':');
	_cleanup_free_ char *uid_text =
		strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	uint64_t uid, gid = 0;

	if (!uid_text)
		return error_oom(err);
	if (string_to_u64(uid_text, 10, &uid) < 0 || uid >= UINT32_MAX ||
	    (colon && (string_to_u64(colon + 1, 10, &gid) < 0 || gid >= UINT32_MAX)))
		return error_set(err, EINVAL, "--user '%s': UID or UID:GID, as numbers", text);
	*user = (struct oci_user){.uid = (uid_t)uid, .gid = (gid_t)gid};
	return 0;
}

/* A variable given on the command line replaces the one of the same name. */
static int merge_environment(struct oci_config *config, struct oci_process *p, char **added,
			     struct error *err)
{
	size_t n = 0;
	char **merged = oci_config_allocate(config, strv_length(p->env) + strv_length(added) + 1,
					    sizeof(char *));

	if (!merged)
		return error_oom(err);
	for (char **e = p->env; e && *e; e++)
		merged[n++] = *e;
	for (char **a = added; a && *a; a++) {
		const char *equals = strchr(*a, '=');
		size_t i, length = equals ? (size_t)(equals - *a) + 1 : 0;

		if (!equals)
			return error_set(err, EINVAL, "--env '%s': NAME=VALUE is needed", *a);
		for (i = 0; i < n && strncmp(merged[i], *a, length) != 0; i++)
			;
		merged[i] = *a;
		n += i == n;
	}
	p->env = merged;
	return 0;
}

/* "1,2": to those that are there. */
static int add_groups(struct oci_config *config, struct oci_user *user, char **lists,
		      struct error *err)
{
	size_t n = user->n_additional_gids, size = n;
	gid_t *groups;

	for (char **list = lists; *list; list++)
		size += strlen(*list) / 2 + 1;
	groups = oci_config_allocate(config, size, sizeof(*groups));
	if (!groups)
		return error_oom(err);
	if (n)
		memcpy(groups, user->additional_gids, n * sizeof(*groups));
	for (char **list = lists; *list; list++) {
		char *part, *save = NULL;

		for (part = strtok_r(*list, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
			uint64_t gid;

			if (string_to_u64(part, 10, &gid) < 0 || gid >= UINT32_MAX)
				return error_set(err, EINVAL,
						 "--additional-gids '%s': a number is "
						 "needed",
						 part);
			groups[n++] = (gid_t)gid;
		}
	}
	user->additional_gids = groups;
	user->n_additional_gids = n;
	return 0;
}

/*
 * "net_raw" or "CAP_NET_RAW". A process of another user than root has it only through the ambient set
 * (capabilities(7)), which needs the inheritable one.
 */
static int add_capabilities(struct oci_process *p, char **names, struct error *err)
{
	struct oci_capabilities *c = &p->capabilities;

	for (; *names; names++) {
		bool prefixed = strncasecmp(*names, "CAP_", 4) == 0;
		_cleanup_free_ char *name = string_format("%s%s", prefixed ? "" : "CAP_", *names);
		uint64_t bit;
		int number;

		if (!name)
			return error_oom(err);
		for (char *letter = name; *letter; letter++)
			*letter = (char)toupper((unsigned char)*letter);
		number = oci_capability_number(name);
		if (number < 0)
			return error_set(err, EINVAL, "--cap '%s': unknown capability", *names);
		bit = 1ULL << number;
		c->bounding |= bit;
		c->permitted |= bit;
		c->effective |= bit;
		if (p->user.uid != 0) {
			c->inheritable |= bit;
			c->ambient |= bit;
		}
	}
	p->has_capabilities = true;
	return 0;
}

/* Read as if the configuration had them: it is its reader that knows what this build can do. */
static int set_labels(struct oci_config **holder, const struct exec_request *r, struct error *err)
{
	struct json_object *json = json_object_get((*holder)->json), *process;
	const char *text;
	int code;

	oci_config_free(*holder);
	*holder = NULL;
	if (!json_object_object_get_ex(json, "process", &process))
		process = json_add_object(json, "process");
	if (r->apparmor)
		json_add_string(process, "apparmorProfile", r->apparmor);
	if (r->label)
		json_add_string(process, "selinuxLabel", r->label);
	text = json_text(json, false);
	code = oci_config_parse("exec", text, strlen(text), holder, err);
	json_object_put(json);
	return code;
}

int exec_make_process(const struct container *container, struct exec_request *r,
		      struct oci_config **holder, struct error *err)
{
	struct oci_process *p;
	int code;

	if (r->process_file)
		return oci_process_load(r->process_file, holder, err);
	code = container_config(container, holder, err);
	if (code == 0 && (r->apparmor || r->label))
		code = set_labels(holder, r, err);
	if (code < 0)
		return code;
	p = (*holder)->process;
	p->args = r->command;
	p->terminal = r->tty;
	p->no_new_privileges |= r->no_new_privs;
	if (r->cwd && *r->cwd)
		p->cwd = r->cwd;
	if (r->user)
		code = set_user(&p->user, r->user, err);
	if (code == 0 && r->groups)
		code = add_groups(*holder, &p->user, r->groups, err);
	if (code == 0 && r->capabilities)
		code = add_capabilities(p, r->capabilities, err);
	if (code == 0 && r->env)
		code = merge_environment(*holder, p, r->env, err);
	return code;
}
