#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# pause, resume, ps, update, and --cgroup-manager.

setup_file() {
	load helpers
	need_root
	make_rootfs
}

setup() {
	load helpers
	load runtime_helpers
	begin
}

teardown() { end; }

start_counter() {
	edit_config '.root.readonly = false'
	# shellcheck disable=SC2016
	set_args sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.01; done'
	behalf run --detach --bundle "$BUNDLE" "$ID"
	wait_until 5 test -s "$BUNDLE/rootfs/count"
}

@test "pause stops the processes, resume lets them go on" {
	start_counter
	behalf pause "$ID"
	[ "$(status_of "$ID")" = paused ]
	before=$(cat "$BUNDLE/rootfs/count")
	sleep 0.2
	[ "$(cat "$BUNDLE/rootfs/count")" = "$before" ]
	behalf resume "$ID"
	[ "$(status_of "$ID")" = running ]
	wait_until 5 eval "[ \"\$(cat $BUNDLE/rootfs/count)\" != '$before' ]"
}

@test "a container that is paused before its start is not started, and can be when it is resumed" {
	behalf create --bundle "$BUNDLE" "$ID"
	behalf pause "$ID" || skip "no freezer here"
	run timeout $((10 * ${PATIENCE:-1})) "$BEHALF" --root "$STATE" start "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot start container '$ID': it is paused, not created"* ]]
	behalf resume "$ID"
	[ "$(status_of "$ID")" = created ]
	behalf start "$ID"
}

@test "what cannot be paused, resumed or updated is told by its status" {
	start_counter
	run behalf resume "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"container not paused: '$ID' is running"* ]]
	behalf pause "$ID"
	run behalf pause "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"container not running: '$ID' is paused"* ]]
	behalf kill "$ID" KILL
	behalf resume "$ID" || true
	wait_until 5 has_status "$ID" stopped
	for verb in pause resume "update --resources /dev/null"; do
		# shellcheck disable=SC2086
		run behalf $verb "$ID"
		[ "$status" -eq 1 ] || { echo "$verb"; return 1; }
	done
	run behalf pause none-such
	[ "$status" -eq 1 ]
	[[ $output == *"does not exist"*"'none-such'"* ]]
}

@test "a paused container can be deleted by force" {
	start_counter
	behalf pause "$ID"
	run behalf delete "$ID"
	[ "$status" -eq 1 ]
	behalf delete --force "$ID"
}

@test "ps lists the processes, those of exec too" {
	set_args sleep 100
	behalf run --detach --bundle "$BUNDLE" "$ID"
	behalf exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" sleep 200
	first=$(behalf state "$ID" | jq .pid)
	[ "$(behalf ps --format json "$ID" | jq -c sort)" = "$(jq -nc "[$first, $(cat "$BATS_TEST_TMPDIR/pid")] | sort")" ]
	run behalf ps "$ID"
	[ "${lines[0]}" = PID ]
	grep -qx "$first" <<<"$output"
	run behalf ps --format xml "$ID"
	[ "$status" -eq 1 ]
}

@test "ps of a container that has ended is empty" {
	set_args true
	behalf run --detach --bundle "$BUNDLE" "$ID"
	wait_until 5 has_status "$ID" stopped
	[ "$(behalf ps -f json "$ID")" = "[]" ]
}

@test "update changes what it is given, from a file and from standard input" {
	[ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/cpu ] || skip "looks at files of cgroup v1"
	edit_config '.linux.resources.memory.limit = 67108864 | .linux.resources.cpu.shares = 300'
	set_args sleep 100
	behalf run --detach --bundle "$BUNDLE" "$ID"
	pid=$(behalf state "$ID" | jq .pid)
	memory=/sys/fs/cgroup/memory$(sed -n 's/.*:memory://p' "/proc/$pid/cgroup")
	cpu=/sys/fs/cgroup/cpu$(sed -n 's/.*:cpu[^:]*://p;' "/proc/$pid/cgroup" | head -n 1)
	echo '{"memory": {"limit": 33554432}}' | behalf update --resources - "$ID"
	[ "$(cat "$memory/memory.limit_in_bytes")" = 33554432 ]
	echo '{"cpu": {"quota": 20000, "period": 100000}}' >"$BATS_TEST_TMPDIR/resources"
	behalf update -r "$BATS_TEST_TMPDIR/resources" "$ID"
	[ "$(cat "$memory/memory.limit_in_bytes")" = 33554432 ]
	run grep -h . "$cpu/cpu.cfs_quota_us" "$cpu/cpu.shares"
	[ "$output" = $'20000\n300' ]
}

@test "update refuses what it cannot read, with the key" {
	set_args sleep 100
	behalf run --detach --bundle "$BUNDLE" "$ID"
	echo '{"memory": {"limit": "much"}}' >"$BATS_TEST_TMPDIR/resources"
	run behalf update --resources "$BATS_TEST_TMPDIR/resources" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"memory.limit"* ]]
	run behalf update --resources /no/such/file "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"/no/such/file"* ]]
}

@test "update with nothing to change: succeeds while there is something that could be" {
	set_args sleep 100
	run behalf update "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"container does not exist"* ]]
	behalf run --detach --bundle "$BUNDLE" "$ID"
	run behalf update "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf update "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"container not running"* ]]
}

@test "--cgroup-manager disabled makes no cgroup" {
	set_args sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup'
	edit_config '.linux.namespaces -= [{"type": "cgroup"}]'
	run "$BEHALF" --root "$STATE" --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat /proc/self/cgroup)" ]
	run "$BEHALF" --cgroup-manager cgroupfs list
	[ "$status" -eq 0 ]
	run "$BEHALF" --cgroup-manager magic list
	[ "$status" -eq 1 ]
	[[ $output == *"'magic'"* ]]
}

@test "--cgroup-manager disabled: a limit is refused, what every configuration has is not" {
	edit_config '.linux.resources.pids = {limit: 20}'
	run behalf --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'linux.resources.pids.limit: there is no cgroup to hold it (--cgroup-manager disabled)' ]]
	[ -z "$(behalf list -q)" ]
	edit_config '.linux.resources = {devices: [{allow: false, access: "rwm"}], pids: {limit: 0},
		cpu: {shares: 1024, quota: -1}, memory: {limit: -1}}'
	set_args true
	behalf --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
}

@test "a container in a unit of systemd's is left to the program that can speak with it" {
	[ -x "$(dirname "$BEHALF")/behalf-runtime" ] || skip "behalf is the runtime's program itself"
	"$BEHALF" --version | grep -q +SYSTEMD || skip "built without libsystemd's headers"
	need_program strace
	# ARGUMENT...: whether behalf-full was executed
	by_full() {
		strace -f -qq -e trace=execve,execveat -o "$BATS_TEST_TMPDIR/calls" "$BEHALF" --root "$STATE" "$@"
		grep -q 'execve.*[" /]behalf-full".* = 0' "$BATS_TEST_TMPDIR/calls"
	}
	set_args sleep 1000
	behalf run --detach --bundle "$BUNDLE" "$ID"
	if by_full update --pids-limit 50 "$ID"; then
		echo "it is no unit's yet"
		return 1
	fi
	jq '.systemd = {unit: "behalf-no-such-unit.scope", user: false}' "$STATE/$ID/state.json" >"$BATS_TEST_TMPDIR/edited.json"
	cp "$BATS_TEST_TMPDIR/edited.json" "$STATE/$ID/state.json"
	run by_full update --pids-limit 60 "$ID"
	grep -q 'execve.*[" /]behalf-full".* = 0' "$BATS_TEST_TMPDIR/calls"
	# there is no such unit, whether there is systemd or not, but that is no reason to keep the container
	by_full delete --force "$ID" nobody-has-this-id
	[ ! -e "$STATE/$ID" ]
}
