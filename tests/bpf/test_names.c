// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cgroups as the engines make them. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "ledger/names.h"
#include "tap.h"

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
