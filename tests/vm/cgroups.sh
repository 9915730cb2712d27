#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# beside others: it has a machine of its own, emulated in one thread
# behalf on cgroup v2 with all controllers, in a virtual machine: Debian's cloud kernel, an initramfs
# made of busybox, the program and the unit tests, and `init` beside this file, whose TAP comes over
# the serial line. `make check LEVEL=vm`.
# shellcheck disable=SC2154 # what is not set here is set there
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC1091
source tests/vm/machine.bash cgroups
limit_s=570
modules=(llc stp bridge veth overlay)
unit_tests=(test_cgroup test_cgroup_devices test_cgroup_layout test_resources)
machine_needs

rm -rf "$root"
mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,mnt,etc,tests,bundle}
add_busybox "$root"
cp tests/vm/init "$root/init"
add_modules "${modules[@]}"

add_behalf bin/behalf
flood=$BUILD_DIR/tests/bpf/udp_flood
[ ! -x "$flood" ] || add_program "$flood" bin/udp_flood
for test in "${unit_tests[@]}"; do
	if [ -x "$BUILD_DIR/tests/unit/$test" ]; then
		add_program "$BUILD_DIR/tests/unit/$test" "tests/$test"
	fi
done

# What the containers of the tests are like; the machine itself has no jq.
bundle=$root/bundle
mkdir -p "$bundle/rootfs"/{bin,dev,proc,sys,tmp,etc}
cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
for applet in sh true sleep cat mknod rm dd head ls; do
	ln -s busybox "$bundle/rootfs/bin/$applet"
done
"$BEHALF" spec --bundle "$bundle"
jq '.process.terminal = false | .process.args = ["/bin/true"] | .root.readonly = false
	| .process.capabilities |= map_values(. + ["CAP_MKNOD"])' "$bundle/config.json" >"$bundle/plain.json"
jq '.process.args = ["/bin/sleep", "1000"]
	| .linux.resources += {
		cpu: {shares: 512, quota: 50000, period: 200000, cpus: "0"},
		memory: {limit: 67108864, reservation: 33554432, swap: 134217728},
		pids: {limit: 20},
		unified: {"memory.high": "50331648"}}' "$bundle/plain.json" >"$bundle/limits.json"
jq '.linux.resources.unified = {}
	| .linux.resources.network = {classID: 1048577, priorities: [{name: "lo", priority: 5}]}' \
	"$bundle/limits.json" >"$bundle/limits-v1.json"
jq '.process.args = ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait"]
	| .linux.resources.pids = {limit: 6}' "$bundle/plain.json" >"$bundle/forks.json"
jq '.linux.cgroupsPath = "/one/two/three"' "$bundle/limits.json" >"$bundle/path.json"
jq '.linux.resources.memory = {swappiness: 7}' "$bundle/plain.json" >"$bundle/refused.json"
rm "$bundle/config.json"

machine_run
