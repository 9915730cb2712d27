// SPDX-License-Identifier: GPL-2.0-or-later
#include "oci/config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "tap.h"

/* linux/mount.h of Debian 12's kernel headers and glibc's do not both have it */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

static struct oci_config *parse(const char *text, struct error *err)
{
	struct oci_config *config = NULL;

	if (oci_config_parse("config.json", text, strlen(text), &config, err) < 0)
		return NULL;
	return config;
}

static char *read_golden(const char *name)
{
	const char *source = getenv("SOURCE_DIR");
	_cleanup_free_ char *path =
		string_format("%s/tests/golden/%s.json", source ? source : ".", name);
	char *text;

	return path && file_read_at(AT_FDCWD, path, 1 << 20, &text, NULL, NULL) == 0 ? text : NULL;
}

/* A configuration with one mount, whose options are OPTIONS (JSON). */
static struct oci_config *with_mount(const char *type, const char *options, struct error *err)
{
	_cleanup_free_ char *text = string_format(
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":"
		"\"/m\",\"type\":\"%s\",\"source\":\"/s\",\"options\":%s}],\"linux\":"
		"{\"namespaces\":[{\"type\":\"mount\"}]}}",
		type, options);

	return parse(text, err);
}

/* ---- what specs say ---- */

TEST(default_spec)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = parse(oci_spec_default(), &err);

	must(config != NULL, "%s", err.text);
	is_str(config->root_path, "rootfs");
	ok(config->root_readonly);
	is_str(config->process->args[0], "sh");
	is_ptr(config->process->args[1], NULL);
	is_str(config->process->cwd, "/");
	is_uint(config->process->capabilities.bounding, 1u << 5 | 1u << 10 | 1u << 29);
	is_uint(config->process->capabilities.inheritable, 0);
	is_uint(config->process->n_rlimits, 1);
	is_int(config->process->rlimits[0].resource, RLIMIT_NOFILE);
	is_uint(config->process->rlimits[0].soft, 1024);
	ok(config->process->no_new_privileges);
	is_str(config->hostname, "behalf");
	is_uint(config->n_namespaces, 5);
	is_uint(config->n_mounts, 7);
	is_str(config->mounts[1].data, "mode=755,size=65536k");
	is_uint(config->mounts[1].flags, MS_NOSUID | MS_STRICTATIME);
	is_uint(config->resources.n_devices, 1);
	is_int(config->resources.devices[0].type, 'a');
	is_int(config->resources.devices[0].major, -1);
	is_uint(config->n_warnings, 0);
}

static void check_process(const struct oci_process *p)
{
	is_int(p->console_height, 24);
	is_int(p->console_width, 80);
	is_uint(p->user.uid, 1000);
	ok(p->user.has_umask);
	is_uint(p->user.umask, 022);
	is_uint(p->user.n_additional_gids, 2);
	is_uint(p->user.additional_gids[1], 6);
	is_str(p->user.username, "somebody");
	is_str(p->args[1], "-v");
	is_str(p->env[1], "TERM=xterm");
	is_ptr(p->env[2], NULL);
	is_uint(p->capabilities.bounding, 1u << 5 | 1u << 0);
	is_uint(p->capabilities.ambient, 1u << 5);
	is_uint(p->rlimits[0].hard, 1024);
	is_int(p->rlimits[1].resource, RLIMIT_CORE);
	is_int(p->oom_score_adj, 100);
	ok(p->has_oom_score_adj);
	is_uint(p->scheduler->policy, 6);
	is_uint(p->scheduler->deadline_ns, 2000000);
	is_uint(p->scheduler->flags, 2);
	is_uint(p->io_priority.level, 3);
	is_uint(p->exec_affinity.final.words[0], 3);
	is_ptr(p->apparmor_profile, NULL);
}

static void check_resources(const struct oci_resources *r)
{
	is_uint(r->n_devices, 2);
	ok(r->devices[1].allow);
	is_int(r->devices[1].minor, 229);
	is_str(r->devices[1].access, "rw");
	is_int(r->memory.limit_bytes, 536870912);
	ok(r->memory.has_limit && r->memory.has_swap && r->memory.has_reservation);
	is_int(r->memory.kernel_tcp_bytes, -1);
	ok(r->memory.has_swappiness);
	is_uint(r->cpu.shares, 1024);
	is_int(r->cpu.quota_us, 1000000);
	is_uint(r->cpu.period_us, 500000);
	is_uint(r->cpu.burst_us, 1000);
	ok(r->cpu.has_burst && r->cpu.has_idle && r->cpu.has_quota && r->cpu.has_period);
	is_str(r->cpu.cpus, "2-3");
	is_str(r->cpu.mems, "0-7");
	ok(r->has_pids_limit);
	is_int(r->pids_limit, 32771);
	is_uint(r->block_io.weight, 10);
	is_uint(r->block_io.n_weights, 2);
	is_uint(r->block_io.weights[0].leaf_weight, 300);
	ok(!r->block_io.weights[1].has_leaf_weight);
	is_uint(r->block_io.write_iops[0].rate, 300);
	is_str(r->hugepages[0].page_size, "2MB");
	is_uint(r->network_class, 1048577);
	is_str(r->network_priorities[0].value, "500");
	is_str(r->unified[0].key, "memory.high");
	is_str(r->unified[0].value, "400M");
}

static void check_linux(const struct oci_config *c)
{
	is_uint(c->n_namespaces, 8);
	is_int(c->namespaces[1].type, CLONE_NEWNET);
	is_str(c->namespaces[1].path, "/run/netns/one");
	is_uint(c->memory_policy.mode, 2);
	is_uint(c->memory_policy.flags, 1 << 15);
	is_uint(c->n_net_devices, 2);
	is_str(c->net_devices[0].name, "eth0");
	is_str(c->net_devices[1].name, "eth8");
	is_uint(c->n_time_offsets, 2);
	is_str(c->time_offsets[1].clock, "boottime");
	is_int(c->time_offsets[1].seconds, -3);
	ok(c->has_personality);
	is_uint(c->uid_maps[0].host_id, 100000);
	is_uint(c->gid_maps[0].size, 65536);
	is_str(c->devices[0].path, "/dev/fuse");
	is_uint(c->devices[0].mode, 0666);
	ok(c->devices[0].has_uid);
	is_str(c->cgroups_path, "/one/two");
	is_uint(c->rootfs_propagation, MS_SLAVE | MS_REC);
	is_str(c->masked_paths[0], "/proc/kcore");
	is_str(c->readonly_paths[0], "/proc/sys");
	is_uint(c->n_sysctl, 2);
	is_str(c->sysctl[0].key, "net.ipv4.ip_forward");
	is_uint(c->seccomp->default_errno, 38);
	is_str(c->seccomp->architectures[1], "SCMP_ARCH_X86");
	is_str(c->seccomp->flags[0], "SECCOMP_FILTER_FLAG_LOG");
	is_uint(c->seccomp->n_rules, 1);
	is_str(c->seccomp->rules[0].names[1], "bind");
	is_uint(c->seccomp->rules[0].errno_value, 22);
	is_uint(c->seccomp->rules[0].args[0].value_two, 1);
	is_str(c->seccomp->rules[0].args[0].op, "SCMP_CMP_EQ");
}

TEST(everything_honoured)
{
	_cleanup_free_ char *text = read_golden("bad-config/full");
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	struct error err = {0};

	if (!text)
		skip("SOURCE_DIR is not set");
	config = parse(text, &err);
	must(config != NULL, "%s", err.text);
	is_str(config->version, "1.2.0");
	is_str(config->domainname, "example");
	is_str(oci_config_annotation(config, "org.example.key"), "value");
	is_ptr(oci_config_annotation(config, "org.example"), NULL);
	is_uint(config->n_mounts, 3);
	ok(config->mounts[1].bind);
	is_uint(config->mounts[1].flags, MS_BIND | MS_REC | MS_RDONLY | MS_NOSUID);
	is_uint(config->mounts[1].propagation, MS_PRIVATE | MS_REC);
	is_uint(config->mounts[1].recursive_set, MOUNT_ATTR_NODEV);
	ok(config->mounts[2].tmpcopyup);
	is_str(config->mounts[2].data, "mode=755,size=64k");
	is_uint(config->hooks.n_prestart + config->hooks.n_create_runtime, 2);
	is_str(config->hooks.poststop[0].path, "/bin/a");
	is_str(config->hooks.poststart[0].args[1], "b");
	is_str(config->hooks.start_container[0].env[0], "A=b");
	is_uint(config->hooks.create_container[0].timeout_s, 5);
	check_process(config->process);
	check_linux(config);
	check_resources(&config->resources);
	is_uint(config->n_warnings, 0);
}

static void takes(const char *name)
{
	_cleanup_free_ char *path = string_format("configs/%s", name);
	_cleanup_free_ char *text = read_golden(path);
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	struct error err = {0};

	if (!text)
		skip("SOURCE_DIR is not set");
	config = parse(text, &err);
	must(config != NULL, "%s: %s", name, err.text);
	is_uint(config->n_warnings, 0);
}

TEST(configurations_of_engines)
{
	static const char *const names[] = {
		"podman",     "podman-userns",	    "podman-privileged", "docker",    "docker-hook",
		"containerd", "containerd-seccomp", "runc-spec",	 "crun-spec",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		takes(names[i]);
}

TEST(zeros_of_engines_mean_not_set)
{
	static const char text[] = "{\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0},\"memory\":"
				   "{\"limit\":0,\"swap\":0},\"blockIO\":{\"weight\":0}}";
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	struct error err = {0};

	must(oci_resources_parse("-", text, strlen(text), &holder, &err) == 0, "%s", err.text);
	ok(!holder->resources.cpu.has_shares && !holder->resources.cpu.has_quota);
	ok(!holder->resources.cpu.has_period && !holder->resources.memory.has_limit);
	ok(!holder->resources.memory.has_swap && !holder->resources.block_io.has_weight);
}

TEST(nulls_and_unknown_members_are_skipped)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = parse(
		"{\"ociVersion\":\"1.3.0-dev+x\",\"root\":{\"path\":\"r\",\"colour\":7},"
		"\"process\":null,\"mounts\":null,\"hooks\":{\"prestart\":null},\"vm\":{},"
		"\"future\":{\"a\":[1]},\"linux\":{\"namespaces\":[{\"type\":\"mount\",\"path\":\"\"}],"
		"\"intelRdt\":{},\"netDevices\":{},\"resources\":null,\"seccomp\":null}}",
		&err);

	must(config != NULL, "%s", err.text);
	is_ptr(config->process, NULL);
	is_ptr(config->seccomp, NULL);
	is_ptr(config->namespaces[0].path, NULL);
}

/* ---- mount options ---- */

TEST(later_options_win)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = with_mount(
		"tmpfs", "[\"ro\",\"nosuid\",\"rw\",\"suid\",\"nosuid\",\"private\",\"rslave\"]",
		&err);

	must(config != NULL, "%s", err.text);
	is_uint(config->mounts[0].flags, MS_NOSUID);
	is_uint(config->mounts[0].clear_flags, MS_RDONLY);
	is_uint(config->mounts[0].propagation, MS_SLAVE | MS_REC);
	is_ptr(config->mounts[0].data, NULL);
	ok(!config->mounts[0].bind);
}

TEST(recursive_access_times_are_one_field)
{
	static const struct {
		const char *options;
		uint64_t set, clear;
	} cases[] = {
		{"[\"rro\"]", MOUNT_ATTR_RDONLY, 0},
		{"[\"rro\",\"rrw\"]", 0, MOUNT_ATTR_RDONLY},
		{"[\"rnoatime\"]", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
		{"[\"rnoatime\",\"rstrictatime\"]", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
		{"[\"rrelatime\"]", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
		{"[\"ratime\"]", 0, MOUNT_ATTR__ATIME},
		{"[\"rnoatime\",\"rnostrictatime\"]", 0, MOUNT_ATTR__ATIME},
		{"[\"rnosuid\",\"rnodiratime\",\"rnosymfollow\"]",
		 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		_cleanup_(cleanup_oci_config) struct oci_config *config =
			with_mount("bind", cases[i].options, &err);

		note("%s", cases[i].options);
		must(config != NULL, "%s", err.text);
		is_uint(config->mounts[0].recursive_set, cases[i].set);
		is_uint(config->mounts[0].recursive_clear, cases[i].clear);
	}
}

TEST(every_known_option_is_taken)
{
	const char *name, *before = "";
	size_t n = 0;

	for (; (name = oci_mount_option_name(n)); n++) {
		_cleanup_free_ char *options = string_format("[\"%s\"]", name);
		struct error err = {0};
		_cleanup_(cleanup_oci_config) struct oci_config *config =
			with_mount("bind", options, &err);

		ok(strcmp(before, name) < 0, "the table is sorted: '%s' before '%s'", before, name);
		/* needs maps, which are not here */
		ok(config || strstr(name, "idmap"), "%s", err.text);
		before = name;
	}
	ok(n >= 60, "%zu", n);
}

TEST(a_file_system_gets_what_is_not_ours)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = with_mount(
		"overlay", "[\"lowerdir=/a:/b\",\"ro\",\"\",\"upperdir=/u\",\"workdir=/w\"]", &err);

	must(config != NULL, "%s", err.text);
	is_str(config->mounts[0].data, "lowerdir=/a:/b,upperdir=/u,workdir=/w");
	is_uint(config->mounts[0].flags, MS_RDONLY);
}

/* ---- warnings ---- */

TEST(unknown_capabilities_are_left_out_with_a_warning)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *config = parse(
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"args\":[\"a\"],"
		"\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_TIME_TRAVEL\"],"
		"\"effective\":[\"KILL\"]}},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
		"\"resources\":{\"memory\":{\"kernel\":5}}}}",
		&err);

	must(config != NULL, "%s", err.text);
	is_uint(config->process->capabilities.bounding, 1u << 5);
	is_uint(config->process->capabilities.effective, 0);
	must(config->n_warnings == 3);
	is_str(config->warnings[0], "config.json: process.capabilities.bounding[1]: unknown "
				    "capability 'CAP_TIME_TRAVEL' is left out");
	is_str(config->warnings[1],
	       "config.json: process.capabilities.effective[0]: unknown capability 'KILL' is left "
	       "out");
	has_str(config->warnings[2], "linux.resources.memory.kernel: left out");
}

/* ---- annotations of other runtimes ---- */

static struct oci_config *parse_annotated(const char *key, const char *value, struct error *err)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"annotations\":{\"%s\":\"%s\"},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"mountLabel\":\"a:b:c:s0,c1\"}}",
		key, value);
	return parse(text, err);
}

TEST(an_annotation_says_what_a_label_is_of)
{
	static const char key[] = OCI_ANNOTATION_MOUNT_CONTEXT;
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *none = parse_annotated("a", "b", &err);
	_cleanup_(cleanup_oci_config) struct oci_config *root =
		parse_annotated(key, "rootcontext", &err);

	must(none != NULL && root != NULL, "%s", err.text);
	is_str(none->mount_option, "context=a:b:c:s0,c1");
	is_str(root->mount_option, "rootcontext=a:b:c:s0,c1");
	must(!parse_annotated(key, "any", &err));
	is_str(err.text,
	       "config.json: annotations['run.oci.mount_context_type']: 'any' is not one of "
	       "context, fscontext, defcontext and rootcontext");
}

TEST(an_annotation_that_is_known_and_not_taken_is_told)
{
	struct error err = {0};
	_cleanup_(cleanup_oci_config) struct oci_config *warned =
		parse_annotated("run.oci.systemd.subgroup", "x", &err);
	_cleanup_(cleanup_oci_config) struct oci_config *off =
		parse_annotated("run.oci.systemd.subgroup", "", &err);
	_cleanup_(cleanup_oci_config) struct oci_config *unknown =
		parse_annotated("run.oci.frobnicate", "x", &err);

	must(warned && off && unknown, "%s", err.text);
	must(warned->n_warnings == 1);
	is_str(warned->warnings[0],
	       "config.json: annotations['run.oci.systemd.subgroup']: left out: "
	       "no group is made below the scope");
	is_uint(off->n_warnings, 0);
	is_uint(unknown->n_warnings, 0);
	must(!parse_annotated("run.oci.handler", "krun", &err));
	has_str(err.text, "annotations['run.oci.handler']: not supported");
	must(!parse_annotated(OCI_ANNOTATION_HOOKS_STDOUT, "here", &err));
	has_str(err.text, "'here' is not an absolute path");
}

/* ---- names ---- */

TEST(names_and_numbers)
{
	is_int(oci_namespace_type("network"), CLONE_NEWNET);
	is_int(oci_namespace_type("net"), 0);
	is_str(oci_namespace_name(CLONE_NEWNS), "mount");
	is_str(oci_namespace_file(CLONE_NEWNS), "mnt");
	is_ptr(oci_namespace_name(1), NULL);
	is_int(oci_capability_number("CAP_CHOWN"), 0);
	is_int(oci_capability_number("CAP_SYS_ADMIN"), 21);
	is_int(oci_capability_number("CAP_CHECKPOINT_RESTORE"), 40);
	is_int(oci_capability_number("cap_chown"), -1);
}

/* ---- processes alone ---- */

TEST(a_process_alone)
{
	char path[] = "/tmp/behalf-process-XXXXXX";
	static const char text[] =
		"{\"args\":[\"ls\"],\"cwd\":\"/\",\"user\":{\"uid\":1,\"gid\":2}}";
	static const char bad[] = "{\"args\":[\"ls\"],\"cwd\":7}";
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	_cleanup_close_ int fd = mkstemp(path);
	struct error err = {0};

	must(fd >= 0);
	must(fd_write_all(fd, text, strlen(text)) == 0);
	ok(oci_process_load(path, &holder, &err) == 0, "%s", err.text);
	must(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	must(fd_write_all(fd, bad, strlen(bad)) == 0);
	struct oci_config *none = NULL;
	is_int(oci_process_load(path, &none, &err), -EINVAL);
	has_str(err.text, ": cwd: expected a string, found a number");
	ok(strncmp(err.text, path, strlen(path)) == 0, "%s", err.text);
	unlink(path);
	is_int(oci_process_load(path, &none, &err), -ENOENT);
	must(holder != NULL);
	is_str(holder->process->args[0], "ls");
	is_uint(holder->process->user.gid, 2);
}

TEST(sentences_are_one_line_of_bounded_length)
{
	_cleanup_free_ char *key = malloc(5001);
	_cleanup_free_ char *text = NULL;
	struct error err = {0};

	must(key != NULL);
	memset(key, 'k', 5000);
	key[5000] = '\0';
	text = string_format("{\"annotations\":{\"\\n%s\":1}}", key);
	is_ptr(parse(text, &err), NULL);
	ok(strlen(err.text) < 400, "%zu", strlen(err.text));
	ok(!strchr(err.text, '\n'));
	has_str(err.text, "config.json: annotations['\\x0akkk");
	has_str(err.text, "...']: expected a string, found a number");
}

TEST(out_parameter_is_untouched_on_failure)
{
	struct oci_config *config = (struct oci_config *)&config;
	struct error err = {0};

	is_int(oci_config_parse("c", "{}", 2, &config, &err), -EINVAL);
	is_ptr(config, &config);
	is_int(oci_config_parse("c", "{}", OCI_CONFIG_MAX_BYTES + 1, &config, &err), -EFBIG);
	is_int(oci_config_parse("c", "{}", 2, &config, NULL), -EINVAL);
}

/* ---- anything at all ---- */

static void mutate(char *text, size_t *size, unsigned int *random)
{
	static const char interesting[] = "{}[]\",:0-9ntf\\\x00\x80\xff eE.";
	unsigned int changes = 1 + (unsigned int)rand_r(random) % 4;

	while (changes-- && *size > 8) {
		size_t at = (size_t)rand_r(random) % *size, length = (size_t)rand_r(random) % 8;

		switch (rand_r(random) % 4) {
		case 0:
			text[at] = interesting[(size_t)rand_r(random) % sizeof(interesting)];
			break;
		case 1:
			text[at] = (char)rand_r(random);
			break;
		case 2: /* cut a piece out */
			if (at + length > *size)
				length = *size - at;
			memmove(text + at, text + at + length, *size - at - length);
			*size -= length;
			break;
		default: /* say a piece twice */
			if (at + 2 * length <= *size)
				memcpy(text + at + length, text + at, length);
		}
	}
}

/* Meaningful with the sanitizers; without, it shows that nothing crashes. */
TEST_TIMEOUT(mutated_configurations, 60)
{
	_cleanup_free_ char *whole = read_golden("bad-config/full");
	unsigned int random = 4711, taken = 0;
	size_t length;

	if (!whole)
		skip("SOURCE_DIR is not set");
	length = strlen(whole);
	for (int i = 0; i < 4000; i++) {
		_cleanup_free_ char *text = malloc(length + 1);
		_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
		struct error err = {0};
		size_t size = length;

		must(text != NULL);
		memcpy(text, whole, length + 1);
		mutate(text, &size, &random);
		text[size] = '\0';
		if (oci_config_parse("c", text, size, &config, &err) == 0)
			taken++;
		else
			ok(strncmp(err.text, "c: ", 3) == 0 && !strchr(err.text, '\n'), "%s",
			   err.text);
	}
	note("%u of 4000 were taken", taken);
}

/* A figure to look at, not a limit: shown with TAP_VERBOSE=1. */
TEST(parses_fast)
{
	_cleanup_free_ char *text = read_golden("configs/podman");
	uint64_t json = UINT64_MAX, whole = UINT64_MAX;
	struct error err = {0};
	size_t size;

	if (!text)
		skip("SOURCE_DIR is not set");
	size = strlen(text);
	for (int i = 0; i < 50; i++) {
		_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
		_cleanup_json_ struct json_object *value = NULL;
		uint64_t begin = clock_monotonic_ns(), middle, end;

		must(json_parse("c", text, size, &value, &err) == 0);
		middle = clock_monotonic_ns();
		must(oci_config_parse("c", text, size, &config, &err) == 0);
		end = clock_monotonic_ns();
		json = middle - begin < json ? middle - begin : json;
		whole = end - middle < whole ? end - middle : whole;
	}
	note("JSON %llu us, with the structs %llu us", (unsigned long long)json / 1000,
	     (unsigned long long)whole / 1000);
	ok(whole < 50000000);
}
