#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others: it has a machine of its own, emulated in one thread
# process.selinuxLabel and linux.mountLabel where SELinux is, with the policy of selinux.conf, which is not
# enforced: what is looked at is the labels. `labels-init` is what runs in the machine.
# shellcheck disable=SC2154,SC1091
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/vm/labels.bash selinux
machine_needs
unpack_package checkpolicy || skip "no package checkpolicy: $(tail -n 1 "$log")"
labels_prepare

"$work/checkpolicy/usr/bin/checkpolicy" -M -U allow -c 33 -o "$root/policy" tests/vm/selinux.conf >"$log" 2>&1 ||
	skip "no policy: $(tail -n 1 "$log")"
add_program "$(command -v stat)" bin/stat_of_coreutils # busybox' knows no labels
labels_config plain .
labels_config boxed '.process.selinuxLabel = "base_u:base_r:box_t:s0"
	| .linux.mountLabel = "base_u:object_r:boxfile_t:s0:c0,c1"
	| .mounts += [{destination: "/dev/queues", type: "mqueue", source: "mqueue"}]'
labels_config rootcontext '.linux.mountLabel = "base_u:object_r:boxfile_t:s0:c0,c1"
	| .annotations = {"run.oci.mount_context_type": "rootcontext"}'
labels_config unknown '.process.selinuxLabel = "base_u:base_r:nosuch_t:s0"'
labels_config wrong '.linux.mountLabel = "base_u:object_r:nosuch_t:s0"'
machine_run lsm=selinux
