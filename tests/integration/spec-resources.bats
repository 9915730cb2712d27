#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Fields of linux.resources that few engines use, as the files of the group show them.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() {
	[ -z "${LOOP:-}" ] || losetup --detach "$LOOP"
	end
}

# group_file NAME: of the control group of $ID, wherever its controller is
group_file() {
	find /sys/fs/cgroup -path "*$ID*" -name "$1" -exec cat {} + 2>/dev/null
}

# refused SENTENCE: the container cannot be made, and the last line holds SENTENCE
refused() {
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ] && [[ ${lines[-1]} == *"$1"* ]] && return
	echo "status $status, wanted: $1"
	echo "$output"
	return 1
}

@test "linux.resources.memory: kernelTCP, disableOOMKiller, useHierarchy" {
	[ -e /sys/fs/cgroup/memory/memory.oom_control ] || skip "no memory controller of cgroup v1 here"
	edit_config '.linux.resources.memory = {"limit": 67108864, "kernelTCP": 8388608, "disableOOMKiller": true,
		"useHierarchy": true}'
	start_sleeper
	[ "$(group_file memory.kmem.tcp.limit_in_bytes)" = 8388608 ]
	[ "$(group_file memory.oom_control | head -n 1)" = 'oom_kill_disable 1' ]
	[ "$(group_file memory.use_hierarchy)" = 1 ]
}

@test "linux.resources.memory.kernel: left out with a warning, kernels no longer have it" {
	edit_config '.linux.resources.memory = {"kernel": 8388608}'
	run in_container true
	[ "$status" -eq 0 ]
	[[ $output == *'linux.resources.memory.kernel: left out, the kernel no longer has this limit' ]]
}

@test "linux.resources.memory.checkBeforeUpdate: a limit below what is in use" {
	[ -e /sys/fs/cgroup/memory ] || grep -qsw memory /sys/fs/cgroup/cgroup.controllers || skip "no memory controller"
	edit_config '.linux.resources.memory = {"limit": 268435456}'
	start_sleeper
	behalf exec "$ID" dd if=/dev/zero of=/dev/shm/file bs=1M count=32
	run behalf update -r - "$ID" <<<'{"memory": {"limit": 16777216, "checkBeforeUpdate": true}}'
	[ "$status" -eq 1 ]
	[[ $output == *'linux.resources.memory.limit: '*' bytes are in use, which is more than 16777216' ]]
	[ "$(group_file memory.limit_in_bytes)$(group_file memory.max)" = 268435456 ]
	[ "$(status_of "$ID")" = running ]
	behalf update -r - "$ID" <<<'{"memory": {"limit": 134217728, "checkBeforeUpdate": true}}'
	[ "$(group_file memory.limit_in_bytes)$(group_file memory.max)" = 134217728 ]
}

need_bfq() {
	[ -d /sys/fs/cgroup/blkio ] || grep -qsw io /sys/fs/cgroup/cgroup.controllers ||
		skip "no controller of disks here"
	grep -qs bfq /sys/block/*/queue/scheduler || skip "the kernel has no BFQ"
}

@test "linux.resources.blockIO: weight" {
	need_bfq
	edit_config '.linux.resources.blockIO = {"weight": 321}'
	start_sleeper
	[[ $(group_file '*io.bfq.weight') == *321* ]]
	behalf update --blkio-weight 456 "$ID"
	[[ $(group_file '*io.bfq.weight') == *456* ]]
}

@test "linux.resources.blockIO: weightDevice" {
	need_bfq
	need_program losetup mount
	# a disk of this test's own: only one with that scheduler has weights
	truncate -s 1M "$BATS_TEST_TMPDIR/disk"
	LOOP=$(losetup --find --show "$BATS_TEST_TMPDIR/disk") || skip "no loop device to be had"
	echo bfq >"/sys/block/${LOOP#/dev/}/queue/scheduler"
	local device major minor
	device=$(cat "/sys/block/${LOOP#/dev/}/dev")
	major=${device%:*} minor=${device#*:}
	edit_config ".linux.resources.blockIO = {\"weightDevice\": [{\"major\": $major, \"minor\": $minor, \"weight\": 222}]}"
	start_sleeper
	# a file of its own on v1
	run find /sys/fs/cgroup -path "*$ID*" \( -name 'blkio*.weight_device' -o -name 'io.bfq.weight' \) -exec cat {} +
	echo none >"/sys/block/${LOOP#/dev/}/queue/scheduler"
	grep -qx "$device 222" <<<"$output"
}

@test "linux.resources.blockIO: leafWeight, which kernels no longer have, is told" {
	[ -d /sys/fs/cgroup/blkio ] || skip "no blkio controller of cgroup v1 here"
	[ ! -e /sys/fs/cgroup/blkio/blkio.leaf_weight ] || skip "the kernel has it"
	edit_config '.linux.resources.blockIO = {"leafWeight": 100}'
	refused 'linux.resources.blockIO.leafWeight: '
	[[ $output == *blkio.leaf_weight* ]]
}

@test "linux.resources.rdma: where there is no controller, that is told" {
	[ ! -d /sys/fs/cgroup/rdma ] && ! grep -qsw rdma /sys/fs/cgroup/{,unified/}cgroup.controllers || skip "there is one"
	edit_config '.linux.resources.rdma = {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}}'
	refused "linux.resources.rdma: this host has no cgroup controller 'rdma'"
}

# on_v2 ARGUMENT...: the program under test where cgroup v2 is all there is
on_v2() {
	unshare -m --propagation private sh -c 'umount -l /sys/fs/cgroup 2>/dev/null
		mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$BEHALF" --root "$STATE" "$@"
}

@test "linux.resources.unified: a file of the group on cgroup v2" {
	grep -qsw hugetlb /sys/fs/cgroup/{,unified/}cgroup.controllers || skip "no hugetlb controller on cgroup v2"
	edit_config '.linux.resources.unified = {"hugetlb.2MB.max": "6291456"}'
	set_args sleep 1000
	on_v2 create --bundle "$BUNDLE" "$ID"
	run group_file hugetlb.2MB.max
	[ "$output" = 6291456 ]
	on_v2 delete --force "$ID"
	edit_config '.linux.resources.unified = {"hugetlb.2MB.nothing": "1"}'
	run on_v2 create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'linux.resources.unified.hugetlb.2MB.nothing: '* ]]
}
