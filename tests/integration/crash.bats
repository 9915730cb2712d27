#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# A runtime that is killed at any instant leaves nothing that `delete --force` does not remove.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	need_verb spec
	kill_after=$BUILD_DIR/tests/integration/kill_after
	[ -x "$kill_after" ] || skip 'the helpers are not built'
	begin
	set_args sleep 1000
	# what is made, besides: a cgroup namespace, limits, devices in groups of their own
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}] | .linux.resources.memory = {limit: 67108864}
		| .linux.resources.pids = {limit: 50} | .linux.resources.cpu = {quota: 50000, period: 100000}'
	round=0 killed=0 seed=$RANDOM
	RANDOM=$seed
	echo "RANDOM=$seed"
}
teardown() { end; }

# The time the verb takes here, in us: the kills are spread over a little more than it.
measure() {
	took=$("$kill_after" 0 "$BEHALF" --root "$STATE" "$@" </dev/null 2>/dev/null 3>&-)
	[ "$took" -gt 0 ]
	limit=$((took + took / 2))
}

# kill_one VERB ARG...: one run of it, killed somewhere.
kill_one() {
	local delay=$(((RANDOM * 32768 + RANDOM) % limit + 1))
	round=$((round + 1))
	outcome=$("$kill_after" "$delay" "$BEHALF" --root "$STATE" "$@" </dev/null 2>/dev/null 3>&-)
	[ "$outcome" != killed ] || killed=$((killed + 1))
	last="round $round: $* after $delay us: $outcome"
}

# After each round the id is free again, and at the end there is nothing (end() looks, too).
remove() {
	run behalf delete --force "$ID"
	[ "$status" -eq 0 ] || { echo "$last"; echo "$output"; return 1; }
	[ ! -e "$STATE/$ID" ] || { echo "$last: the record is left"; return 1; }
}

no_process() {
	[ -z "$(pgrep -f -- "$ID")" ]
}

check_nothing() {
	wait_until 5 no_process || { echo "$last"; pgrep -af -- "$ID"; return 1; }
	leftovers
	echo "$round rounds, $killed killed, of at most $limit us"
	# else nothing was tried
	[ "$killed" -gt $((round / 4)) ]
}

@test "create: killed 200 times (or CRASH_ROUNDS)" {
	measure create --bundle "$BUNDLE" "$ID"
	remove
	while [ "$round" -lt "${CRASH_ROUNDS:-200}" ]; do
		kill_one create --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" "$ID"
		remove
		[ $((round % 20)) -ne 0 ] || leftovers || { echo "$last"; return 1; }
	done
	check_nothing
}

@test "create with a user namespace: killed 50 times" {
	edit_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
	chown -R -h 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BUNDLE"
	measure create --bundle "$BUNDLE" "$ID"
	remove
	while [ "$round" -lt 50 ]; do
		kill_one create --bundle "$BUNDLE" "$ID"
		remove
	done
	check_nothing
}

@test "run: killed 50 times" {
	set_args sh -c 'sleep 0.005'
	measure run --bundle "$BUNDLE" "$ID"
	while [ "$round" -lt 50 ]; do
		kill_one run --bundle "$BUNDLE" "$ID"
		remove
	done
	check_nothing
}

@test "start: killed 50 times" {
	behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	measure start "$ID"
	remove
	while [ "$round" -lt 50 ]; do
		behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		kill_one start "$ID"
		# it runs, or it has ended, or it can still be started
		[[ $(status_of "$ID") =~ ^(running|stopped|created)$ ]] || { echo "$last: $(status_of "$ID")"; return 1; }
		remove
	done
	check_nothing
}

@test "exec: killed 50 times, the container goes on" {
	behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	behalf start "$ID"
	measure exec "$ID" true
	while [ "$round" -lt 50 ]; do
		kill_one exec "$ID" sleep 0.004
		[ "$(status_of "$ID")" = running ]
	done
	behalf exec "$ID" true
	remove
	check_nothing
}

@test "delete: killed 50 times, done again" {
	behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	measure delete --force "$ID"
	while [ "$round" -lt 50 ]; do
		behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		behalf start "$ID"
		kill_one delete --force "$ID"
		remove
	done
	check_nothing
}

@test "after a killed create the same id can be used again" {
	measure create --bundle "$BUNDLE" "$ID"
	remove
	while [ "$round" -lt 20 ]; do
		kill_one create --bundle "$BUNDLE" "$ID"
		remove
		behalf run --bundle "$BUNDLE" --detach "$ID" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" ||
			{ echo "$last"; cat "$BATS_TEST_TMPDIR/err"; return 1; }
		remove
	done
	check_nothing
}

@test "while a create is on its way a delete waits, and takes what there is" {
	local pid
	for ((round = 0; round < 20; round++)); do
		"$BEHALF" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
		pid=$!
		"$kill_after" $((RANDOM % 10000 + 1)) sleep 1 >/dev/null
		behalf delete --force "$ID" || true
		wait $pid || true
		behalf delete --force "$ID"
	done
	wait_until 5 no_process
	leftovers
}
