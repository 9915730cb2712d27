// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cgroups as the engines make them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
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
	char root[] = "/tmp/behalf-names-XXXXXX", command[64];
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = NULL;
	int fd;

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
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	engines = ledger_engines_open(fd);
	must(fd >= 0 && engines);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = ledger_engines_name(engines, cases[i].path);

		note("%s", cases[i].path);
		if (cases[i].name)
			is_str(name, cases[i].name);
		else
			ok(!name);
	}
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ok(system(command) == 0);
}

TEST(container_is_asked_for_once)
{
	static const char config[] = "var/lib/docker/containers/" ID "/config.v2.json";
	static const char other[] = "var/lib/docker/containers/" OTHER_ID "/config.v2.json";
	char root[] = "/tmp/behalf-names-XXXXXX", command[64];
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = NULL;
	_cleanup_free_ char *first = NULL, *below = NULL, *none = NULL, *still_none = NULL;
	int fd;

	must(mkdtemp(root));
	put(root, config, "{\"Name\": \"/db\"}");
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	engines = ledger_engines_open(fd);
	must(fd >= 0 && engines);
	first = ledger_engines_name(engines, "/docker/" ID);
	none = ledger_engines_name(engines, "/docker/" OTHER_ID);
	put(root, config, "{\"Name\": \"/later\"}");
	put(root, other, "{\"Name\": \"/later\"}");
	below = ledger_engines_name(engines, "/docker/" ID "/below");
	still_none = ledger_engines_name(engines, "/docker/" OTHER_ID "/below");
	is_str(first, "db");
	is_str(below, "db/below");
	ok(!none);
	ok(!still_none);
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ok(system(command) == 0);
}

TEST(file_too_large_is_not_read)
{
	static const size_t size = (1u << 20) + 64;
	char root[] = "/tmp/behalf-names-XXXXXX", command[64];
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = NULL;
	_cleanup_free_ char *text = malloc(size), *name = NULL;
	int fd;

	must(text && mkdtemp(root));
	memset(text, ' ', size - 1);
	text[size - 1] = '\0';
	memcpy(text, "{\"Name\": \"/db\"}", strlen("{\"Name\": \"/db\"}"));
	put(root, "var/lib/docker/containers/" ID "/config.v2.json", text);
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	engines = ledger_engines_open(fd);
	must(fd >= 0 && engines);
	name = ledger_engines_name(engines, "/docker/" ID);
	ok(!name);
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ok(system(command) == 0);
}
