#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# update: each flag, by the file of the cgroup it changes.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# file_of CONTROLLER V1-FILE V2-FILE: the path of the container's file; fails when there is none
file_of() {
	local group file
	group=$(jq -r .cgroup.path "$STATE/$ID/state.json")
	for file in "/sys/fs/cgroup/$1$group/$2" "/sys/fs/cgroup$group/$3" "/sys/fs/cgroup/unified$group/$3"; do
		[ ! -e "$file" ] || { echo "$file"; return 0; }
	done
	return 1
}

# changes FLAGS CONTROLLER V1-FILE V1-CONTENT V2-FILE V2-CONTENT
changes() {
	local file
	file=$(file_of "$2" "$3" "$5") || skip "this host has no $3 and no $5"
	# shellcheck disable=SC2086 # several flags
	behalf update $1 "$ID"
	case ${file##*/} in
	"$3") [ "$(cat "$file")" = "$4" ] ;;
	*) [ "$(cat "$file")" = "$6" ] ;;
	esac || { echo "$file: $(cat "$file")"; return 1; }
}

@test "memory, with a suffix and without, and no limit" {
	start_sleeper
	changes '--memory 64M' memory memory.limit_in_bytes 67108864 memory.max 67108864
	changes '--memory 33554432' memory memory.limit_in_bytes 33554432 memory.max 33554432
	changes '--memory -1' memory memory.limit_in_bytes 9223372036854771712 memory.max max
}

@test "memory reservation" {
	start_sleeper
	changes '--memory-reservation 16m' memory memory.soft_limit_in_bytes 16777216 memory.low 16777216
}

@test "memory and swap together" {
	start_sleeper
	changes '--memory 32M --memory-swap 64M' memory memory.memsw.limit_in_bytes 67108864 memory.swap.max 33554432
}

@test "swappiness and TCP buffers of cgroup v1" {
	start_sleeper
	changes '--memory-swappiness 10' memory memory.swappiness 10 - -
	changes '--kernel-memory-tcp 8M' memory memory.kmem.tcp.limit_in_bytes 8388608 - -
}

@test "cpu shares by either name" {
	start_sleeper
	changes '--cpu-share 512' cpu cpu.shares 512 cpu.weight 59
	changes '--cpu-shares 2048' cpu cpu.shares 2048 cpu.weight 174
}

@test "cpu quota, period and burst" {
	start_sleeper
	changes '--cpu-quota 20000' cpu cpu.cfs_quota_us 20000 cpu.max '20000 100000'
	changes '--cpu-period 50000' cpu cpu.cfs_period_us 50000 cpu.max '20000 50000'
	changes '--cpu-burst 10000' cpu cpu.cfs_burst_us 10000 cpu.max.burst 10000
	changes '--cpu-burst 0 --cpu-quota -1' cpu cpu.cfs_quota_us -1 cpu.max 'max 50000'
}

@test "cpu idle" {
	start_sleeper
	changes '--cpu-idle 1' cpu cpu.idle 1 cpu.idle 1
	changes '--cpu-idle 0' cpu cpu.idle 0 cpu.idle 0
}

@test "real-time runtime and period of cgroup v1" {
	start_sleeper
	changes '--cpu-rt-period 500000' cpu cpu.rt_period_us 500000 - -
}

@test "cpus and memory nodes" {
	start_sleeper
	changes '--cpuset-cpus 0' cpuset cpuset.cpus 0 cpuset.cpus 0
	changes '--cpuset-mems 0' cpuset cpuset.mems 0 cpuset.mems 0
}

@test "the number of processes" {
	start_sleeper
	changes '--pids-limit 20' pids pids.max 20 pids.max 20
	changes '--pids-limit -1' pids pids.max max pids.max max
}

@test "flags stand before the id and behind it, and count more than the file" {
	start_sleeper
	file_of pids pids.max pids.max >/dev/null || skip "this host has no pids controller"
	echo '{"pids": {"limit": 30}, "cpu": {"shares": 300}}' >"$BATS_TEST_TMPDIR/r"
	behalf update "$ID" --pids-limit 40 -r "$BATS_TEST_TMPDIR/r"
	[ "$(cat "$(file_of pids pids.max pids.max)")" = 40 ]
	echo '{"pids": {"limit": 50}}' | behalf update -r - "$ID"
	[ "$(cat "$(file_of pids pids.max pids.max)")" = 50 ]
	echo '{"pids": {"limit": 60}}' | behalf update "$ID" --resources=-
	[ "$(cat "$(file_of pids pids.max pids.max)")" = 60 ]
}

@test "a value that is none is refused, and nothing changes" {
	start_sleeper
	run behalf update --memory lots "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"--memory 'lots'"* ]]
	run behalf update --cpu-quota x "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"--cpu-quota 'x'"* ]]
	run behalf update --blkio-weight 70000 "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"blockIO.weight"* ]]
	run behalf update --l3-cache-schema 'L3:0=f' "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"without linux.intelRdt"* ]]
}

@test "a limit that kernels no longer have is left out with a warning" {
	start_sleeper
	run behalf update --kernel-memory 1G "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *"left out"* ]]
}
