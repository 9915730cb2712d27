#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# events: the figures against the files of the cgroups, and memory that runs out.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb events; begin; }
teardown() { end; }

# stats FILTER: of the container's figures
stats() {
	behalf events --stats "$ID" | jq -r "$1"
}

# has_controller NAME: some hierarchy of this host has it
has_controller() {
	[ -d "/sys/fs/cgroup/$1" ] || grep -qsw "$1" /sys/fs/cgroup/cgroup.controllers \
		/sys/fs/cgroup/unified/cgroup.controllers
}

@test "events --stats: one object in runc's form" {
	start_sleeper
	run behalf events --stats "$ID"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	jq -e '.type == "stats" and .id == $id' --arg id "$ID" <<<"$output"
	jq -e '.data | (.cpu.usage.kernel + .cpu.usage.user | type) == "number"
		and (.memory.usage.limit | type) == "number" and (.hugetlb | type) == "object"
		and has("pids") and has("blkio") and has("cpuset") and has("intel_rdt")' <<<"$output"
}

@test "events --stats: CPU time is counted" {
	set_args sh -c 'while :; do :; done'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	local first
	first=$(stats .data.cpu.usage.total)
	counted() { [ "$(stats .data.cpu.usage.total)" -gt $((first + 50000000)) ]; }
	wait_until 10 counted
	stats '.data.cpu.usage | if .percpu then (.percpu | add) > 0 else true end' | grep -q true
}

@test "events --stats: memory, its limit and processes" {
	has_controller memory && has_controller pids || skip "no such controllers here"
	set_args sh -c 'sleep 1000 & sleep 1000'
	edit_config '.linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 30'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	wait_until 5 test "$(stats .data.pids.current)" -ge 1
	[ "$(stats .data.pids.limit)" = 30 ]
	[ "$(stats .data.memory.usage.limit)" = 67108864 ]
	[ "$(stats .data.memory.usage.usage)" -gt 0 ]
	[ "$(stats '.data.memory.raw | length')" -gt 10 ]
}

@test "events --stats: throttling" {
	has_controller cpu || skip "no cpu controller here"
	set_args sh -c 'while :; do :; done'
	edit_config '.linux.resources.cpu = {quota: 5000, period: 100000}'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	throttled() { [ "$(stats .data.cpu.throttling.throttledTime)" -gt 0 ]; }
	wait_until 5 throttled
	[ "$(stats .data.cpu.throttling.throttledPeriods)" -gt 0 ]
}

@test "events --stats: the links of a network of its own, and none of the host's" {
	start_sleeper
	[ "$(stats '.data.network_interfaces[0].Name')" = lo ]
	behalf delete --force "$ID"
	edit_config 'del(.linux.namespaces[] | select(.type == "network"))'
	edit_config 'del(.mounts[] | select(.type == "sysfs"))'
	start_sleeper
	[ "$(stats .data.network_interfaces)" = null ]
}

@test "events: at intervals, until the container ends" {
	start_sleeper
	"$BEHALF" --root "$STATE" events --interval 100ms "$ID" >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	three() { [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -ge 3 ]; }
	wait_until 5 three
	behalf kill "$ID" KILL
	wait "$pid"
	[ "$(jq -rs 'map(.type) | unique | join(" ")' "$BATS_TEST_TMPDIR/out")" = stats ]
}

# The figures of cgroup v2 have an "oom" of their own. What is being written meanwhile is for the next time.
told_oom() {
	[ -n "$(jq -r 'select(.type == "oom") | .id' "$BATS_TEST_TMPDIR/out" 2>/dev/null)" ]
}

@test "events: memory that runs out is told" {
	has_controller memory || skip "no memory controller here"
	set_args sh -c 'read go </tmp/go; tail /dev/zero; sleep 1000'
	edit_config '.linux.resources.memory = {limit: 16777216, swap: 16777216} | .root.readonly = false'
	mkfifo "$BUNDLE/rootfs/tmp/go"
	edit_config 'del(.mounts[] | select(.destination == "/tmp"))'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	"$BEHALF" --root "$STATE" events --interval 100ms "$ID" >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	# it watches before it tells the first figures
	wait_until 10 test -s "$BATS_TEST_TMPDIR/out"
	echo go >"$BUNDLE/rootfs/tmp/go"
	wait_until 30 told_oom
	behalf kill --all "$ID" KILL
	wait "$pid"
	[ "$(jq -r 'select(.type == "oom") | .id' "$BATS_TEST_TMPDIR/out" | sort -u)" = "$ID" ]
}

@test "events: a container that has ended, and an interval that is none" {
	start_sleeper
	run behalf events --interval soon "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"'soon'"* ]]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf events --stats "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"not running"* ]]
}
