// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cgroups as the engines make them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/engines.h"
#include "ledger/names.h"
#include "tap.h"

#define OTHER_ID "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(names_people_know)
{
	static const struct {
		const char *path;
		const char *name;
	} cases[] = {
		{"/", "host"},
		{"/libpod_parent/libpod-" ID, ID},
		{"/machine.slice/libpod-" ID ".scope", ID},
		{"/machine.slice/libpod-" ID ".scope/container", ID "/container"},
		{"/docker/" ID, ID},
		{"/system.slice/docker-" ID ".scope", ID},
		{"/docker/short", "short"},
		{"/default/" ID, ID},
		{"/kubepods/besteffort/pod12ab/" ID, ID},
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_ab.slice/"
		 "cri-containerd-" ID ".scope",
		 ID},
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_ab.slice",
		 "pod12_ab"},
		{"/kubepods/besteffort/pod12ab", "pod12ab"},
		{"/kubepods.slice/kubepods-burstable.slice", "kubepods-burstable.slice"},
		{"/behalf/web", "web"},
		{"/behalf/web/worker", "web/worker"},
		{"/lxc.payload.box", "box"},
		{"/lxc/box", "box"},
		{"/machine.slice/machine-box.scope", "box"},
		{"/system.slice/nginx.service", "nginx.service"},
		{"/user.slice/user-0.slice/session-1.scope", "session-1.scope"},
		{"/slurm_n1/uid_0/job_5/step_0", "job_5/step_0"},
		{"/some/group", "some/group"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = ledger_name_of_path(cases[i].path);

		note("%s", cases[i].path);
		is_str(name, cases[i].name);
	}
}

TEST(unknown_path_keeps_its_text)
{
	_cleanup_free_ char *name = ledger_name_of_path("cgroup-77");

	is_str(name, "cgroup-77");
}

/* Writes TEXT into the file PATH below the directory ROOT, which is made with all above it. */
static void put(const char *root, const char *path, const char *text)
{
	char whole[512], *slash;
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	file = fopen(whole, "w");
	must(file && fputs(text, file) >= 0);
	fclose(file);
}

/* The control group of that path, and all above it. */
static void put_group(const char *root, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "cgroup%s/cgroup.procs", path);
	put(root, whole, "");
}

struct host {
	int root, cgroups;
	struct ledger_engines *engines;
};

static bool open_host(struct host *host, const char *root)
{
	host->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	host->cgroups = openat(host->root, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host->engines = ledger_engines_open(host->root, host->cgroups);
	return host->root >= 0 && host->cgroups >= 0 && host->engines;
}

static void close_host(struct host *host, const char *root)
{
	_cleanup_free_ char *command = string_format("rm -r %s", root);

	ledger_engines_free(host->engines);
	close(host->cgroups);
	close(host->root);
	ok(system(command) == 0);
}

static bool is_called(struct host *host, const char *path, const char *wanted)
{
	_cleanup_free_ char *name = ledger_engines_name(host->engines, path);

	note("%s", path);
	return wanted ? is_str(name, wanted) : ok(!name);
}

TEST(engines_call_containers_otherwise)
{
	static const struct {
		const char *path;
		const char *name;
	} cases[] = {
		{"/", NULL},
		{"/system.slice/nginx.service", NULL},
		{"/behalf/web", NULL},
		{"/system.slice/docker-" ID ".scope", "db_1"},
		{"/docker/" ID "/below", "db_1/below"},
		{"/machine.slice/libpod-" ID ".scope/container", "web/container"},
		{"/k8s.io/" ID, "shop/cart-0/main"},
		/* what is below is named by who is inside */
		{"/machine.slice/libpod-" ID ".scope/container/libpod-" OTHER_ID ".scope",
		 "web/container/libpod-" OTHER_ID ".scope"},
		{"/machine.slice/libpod-" OTHER_ID ".scope/docker/" ID, NULL},
		{"/docker/" ID "/libpod-" ID ".scope", "db_1/libpod-" ID ".scope"},
		{"/machine.slice/machine-box.scope/docker/" ID, NULL},
		{"/machine.slice/machine-my\\x2dbox.scope/docker/" ID, NULL},
		{"/user.slice/user-1000.slice/user@1000.service/docker-" ID ".scope", NULL},
		{"/libpod_parent/libpod-" OTHER_ID, NULL},
		{"/default/" OTHER_ID, NULL},
	};
	char root[] = "/tmp/behalf-names-XXXXXX";
	struct host host;

	must(mkdtemp(root));
	put(root, "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\": \"/db_1\"}");
	put(root, "var/lib/containers/storage/overlay-containers/containers.json",
	    "[{\"id\": \"" OTHER_ID "\", \"names\": [\"host\"]}, {\"id\": \"" ID
	    "\", \"names\": [\"web\"]}]");
	put(root, "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
	    "{\"annotations\": {\"io.kubernetes.cri.sandbox-name\": \"cart-0\", "
	    "\"io.kubernetes.cri.sandbox-namespace\": \"shop\", "
	    "\"io.kubernetes.cri.container-name\": \"main\"}}");
	put(root, "run/containerd/io.containerd.runtime.v2.task/default/" OTHER_ID "/config.json",
	    "{\"annotations\": \"no object\"");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		put_group(root, cases[i].path);
	must(open_host(&host, root));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_called(&host, cases[i].path, cases[i].name);
	close_host(&host, root);
}

TEST(container_is_asked_for_once)
{
	static const char config[] = "var/lib/docker/containers/" ID "/config.v2.json";
	static const char other[] = "var/lib/docker/containers/" OTHER_ID "/config.v2.json";
	char root[] = "/tmp/behalf-names-XXXXXX";
	struct host host;

	must(mkdtemp(root));
	put(root, config, "{\"Name\": \"/db\"}");
	put_group(root, "/docker/" ID "/below");
	put_group(root, "/docker/" OTHER_ID "/below");
	must(open_host(&host, root));
	is_called(&host, "/docker/" ID, "db");
	is_called(&host, "/docker/" OTHER_ID, NULL);
	put(root, config, "{\"Name\": \"/later\"}");
	put(root, other, "{\"Name\": \"/later\"}");
	is_called(&host, "/docker/" ID "/below", "db/below");
	is_called(&host, "/docker/" OTHER_ID "/below", NULL);
	close_host(&host, root);
}

TEST(file_too_large_is_not_read)
{
	static const size_t size = (1u << 20) + 64;
	char root[] = "/tmp/behalf-names-XXXXXX";
	_cleanup_free_ char *text = malloc(size);
	struct host host;

	must(text && mkdtemp(root));
	memset(text, ' ', size - 1);
	text[size - 1] = '\0';
	memcpy(text, "{\"Name\": \"/db\"}", strlen("{\"Name\": \"/db\"}"));
	put(root, "var/lib/docker/containers/" ID "/config.v2.json", text);
	put_group(root, "/docker/" ID);
	must(open_host(&host, root));
	is_called(&host, "/docker/" ID, NULL);
	close_host(&host, root);
}

static void hand_over(const char *root, const char *path, mode_t mode, uid_t owner)
{
	_cleanup_free_ char *whole = string_format("%s/cgroup%s", root, path);

	ok(chmod(whole, mode) == 0 && chown(whole, owner, (gid_t)-1) == 0);
}

static bool delegate(const char *root, const char *path, const char *mark)
{
	_cleanup_free_ char *whole = string_format("%s/cgroup%s", root, path);

	return setxattr(whole, mark, "1", 1, 0) == 0;
}

/* Who can make groups can call one of them as an engine would. */
TEST(names_are_of_groups_that_engines_alone_can_have_made)
{
	char root[] = "/tmp/behalf-names-XXXXXX";
	bool user_mark, trusted_mark;
	struct host host;

	if (geteuid() != 0) {
		tap_skip("needs root");
		return;
	}
	must(mkdtemp(root));
	put(root, "var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\": \"/db\"}");
	put_group(root, "/docker/" ID "/inner");
	put_group(root, "/system.slice/owned.service/docker-" ID ".scope");
	put_group(root, "/system.slice/open.service/docker-" ID ".scope");
	put_group(root, "/system.slice/seen.service/sub/docker-" ID ".scope");
	put_group(root, "/system.slice/hidden.service/sub/docker-" ID ".scope");
	put_group(root, "/system.slice/docker-" ID ".scope");
	hand_over(root, "/system.slice/owned.service", 0755, 1000);
	hand_over(root, "/system.slice/open.service", 0775, 0);
	/* the container's own is the container's, with an engine that lets it have groups */
	hand_over(root, "/docker/" ID, 0755, 100000);
	user_mark = delegate(root, "/system.slice/seen.service", "user.delegate");
	trusted_mark = delegate(root, "/system.slice/hidden.service", "trusted.delegate");
	must(open_host(&host, root));
	is_called(&host, "/docker/" ID, "db");
	is_called(&host, "/docker/" ID "/inner", "db/inner");
	is_called(&host, "/system.slice/docker-" ID ".scope", "db");
	is_called(&host, "/system.slice/owned.service/docker-" ID ".scope", NULL);
	is_called(&host, "/system.slice/open.service/docker-" ID ".scope", NULL);
	if (user_mark)
		is_called(&host, "/system.slice/seen.service/sub/docker-" ID ".scope", NULL);
	if (trusted_mark)
		is_called(&host, "/system.slice/hidden.service/sub/docker-" ID ".scope", NULL);
	/* one that is not there can be anybody's */
	is_called(&host, "/gone/docker-" ID ".scope", NULL);
	close_host(&host, root);
}
