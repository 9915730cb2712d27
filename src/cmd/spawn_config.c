// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Built as JSON, not as structs: the text is kept with the container, for `exec` and for people.
 */
#include "cmd/spawn_config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strings.h"

/* What root in a workspace needs to install, to serve and to become somebody else; podman's list. */
static const char *const capabilities[] = {
	"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",	 "CAP_FSETID",
	"CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",	 "CAP_SETGID",
	"CAP_SETPCAP", "CAP_SETUID",	       "CAP_SYS_CHROOT",
};

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return value;
}

static void append_string(struct json_object *array, const char *text)
{
	json_object_array_add(array, json_object_new_string(text));
}

/* Somebody other than root gets none, and can gain none: all that is left is the bound. */
static void set_capabilities(struct json_object *process, const struct user *user)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	struct json_object *object = json_add_object(process, "capabilities");
	size_t n = user->uid == 0 ? ARRAY_SIZE(sets) : 1;

	for (size_t i = 0; i < n; i++) {
		struct json_object *set = json_add_array(object, sets[i]);

		for (size_t j = 0; j < ARRAY_SIZE(capabilities); j++)
			append_string(set, capabilities[j]);
	}
}

static void set_user(struct json_object *process, const struct user *user)
{
	struct json_object *object = json_add_object(process, "user"), *groups;

	json_add_u64(object, "uid", user->uid);
	json_add_u64(object, "gid", user->gid);
	groups = json_add_array(object, "additionalGids");
	for (size_t i = 0; i < user->n_groups; i++)
		json_object_array_add(groups, json_object_new_uint64(user->groups[i]));
}

static void set_environment(struct json_object *process, const struct spawn_options *options)
{
	struct json_object *env = json_add_array(process, "env");
	const char *term = getenv("TERM");

	append_string(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	append_string(env, "container=behalf");
	if (options->tty && term) {
		_cleanup_free_ char *pair = string_format("TERM=%s", term);

		append_string(env, pair ? pair : "TERM=xterm");
	}
	/* The last of a name counts. */
	for (char **pair = options->env; pair && *pair; pair++)
		append_string(env, *pair);
}

static void set_process(struct json_object *json, const struct spawn_options *options,
			const struct user *user)
{
	struct json_object *process = json_add_object(json, "process"), *args;

	json_add_bool(process, "terminal", options->tty);
	json_add_string(process, "cwd", options->workdir ? options->workdir : "/");
	json_add_bool(process, "noNewPrivileges", true);
	args = json_add_array(process, "args");
	for (char **arg = options->command; *arg; arg++)
		append_string(args, *arg);
	set_environment(process, options);
	set_user(process, user);
	set_capabilities(process, user);
}

static struct json_object *add_mount(struct json_object *mounts, const char *destination,
				     const char *type, const char *source)
{
	struct json_object *mount = json_object_new_object();

	json_add_string(mount, "destination", destination);
	json_add_string(mount, "type", type);
	json_add_string(mount, "source", source);
	json_object_array_add(mounts, mount);
	return json_add_array(mount, "options");
}

static void add_tmpfs(struct json_object *mounts, const char *destination, const char *mode)
{
	struct json_object *options = add_mount(mounts, destination, "tmpfs", "tmpfs");

	append_string(options, "nosuid");
	append_string(options, "nodev");
	append_string(options, mode);
}

static void add_mounts(struct json_object *json, const struct spawn_options *options)
{
	struct json_object *mounts = member(json, "mounts");

	add_tmpfs(mounts, "/run", "mode=755");
	add_tmpfs(mounts, "/tmp", "mode=1777");
	for (size_t i = 0; i < options->n_binds; i++) {
		const struct spawn_bind *bind = &options->binds[i];
		struct json_object *flags =
			add_mount(mounts, bind->destination, "bind", bind->source);

		append_string(flags, "rbind");
		append_string(flags, "rprivate");
		if (bind->read_only)
			append_string(flags, "rro");
	}
}

/* A network namespace unless it is the host's; a cgroup namespace beside what is there. */
static void set_namespaces(struct json_object *linux_object, const struct spawn_options *options)
{
	static const char *const types[] = {"pid", "ipc", "uts", "mount", "cgroup", "network"};
	struct json_object *namespaces = json_add_array(linux_object, "namespaces");
	size_t n = ARRAY_SIZE(types) - (options->net == SPAWN_NET_HOST);

	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_new_object();

		json_add_string(entry, "type", types[i]);
		json_object_array_add(namespaces, entry);
	}
}

static int set_cpus(struct json_object *linux_object, const struct spawn_options *options)
{
	struct json_object *resources = member(linux_object, "resources");
	_cleanup_free_ char *list = NULL;

	if (!options->has_cpus)
		return 0;
	list = cpus_format(&options->cpus);
	if (!list)
		return -ENOMEM;
	json_add_string(json_add_object(resources, "cpu"), "cpus", list);
	return 0;
}

/* How it is connected is known here; it is told only where that is part of a promise. */
static const char *path_of(const struct spawn_options *options)
{
	static const char *const paths[] = {"bridge", "host", "none"};

	return paths[options->net];
}

/* The terms are these: whoever admits the workspace reads them here (cmd/admit.c). */
static int set_annotations(struct json_object *json, const struct spawn_options *options)
{
	static const char *const nets[] = {"private", "host", "none"};
	struct json_object *annotations = json_add_object(json, "annotations");

	json_add_string(annotations, "io.behalf.workspace", "spawn");
	json_add_string(annotations, "io.behalf.net", nets[options->net]);
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(&options->terms, kind);

		json_add_string(annotations, kind->annotation, value);
	}
	if ((terms_have_network(&options->terms) || options->terms.gate) && !*options->terms.path)
		json_add_string(annotations, "io.behalf.net.path", path_of(options));
	if (options->has_cpus) {
		_cleanup_free_ char *list = cpus_format(&options->cpus);

		if (!list)
			return -ENOMEM;
		json_add_string(annotations, "io.behalf.cpuset.cpus", list);
	}
	return 0;
}

static int fill(struct json_object *json, const struct spawn_options *options,
		const char *root_path, const struct user *user)
{
	struct json_object *linux_object = member(json, "linux"), *root;
	_cleanup_free_ char *hostname = string_format("%.64s", options->name);
	_cleanup_free_ char *cgroup = string_format("/behalf-%s", options->name);

	if (!hostname || !cgroup)
		return -ENOMEM;
	root = json_add_object(json, "root");
	json_add_string(root, "path", root_path);
	json_add_bool(root, "readonly", options->read_only);
	json_add_string(json, "hostname", hostname);
	/* At the top, where a reserve's weight competes with everything else there is. */
	json_add_string(linux_object, "cgroupsPath", cgroup);
	set_process(json, options, user);
	add_mounts(json, options);
	set_namespaces(linux_object, options);
	if (set_cpus(linux_object, options) < 0)
		return -ENOMEM;
	return set_annotations(json, options);
}

int spawn_config_make(const struct spawn_options *options, const char *root_path,
		      const struct user *user, struct oci_config **config, struct error *err)
{
	_cleanup_json_ struct json_object *json = NULL;
	const char *text = oci_spec_default();
	int r = json_parse("spec", text, strlen(text), &json, err);

	if (r < 0)
		return r;
	if (fill(json, options, root_path, user) < 0)
		return error_oom(err);
	text = json_text(json, false);
	return oci_config_parse("config.json", text, strlen(text), config, err);
}
