#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Options of the verbs that are runc's and crun's, and where on the line they may stand.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# start_sleepers ID...
start_sleepers() {
	local id
	set_args sleep 1000
	for id; do
		behalf create --bundle "$BUNDLE" "$id"
		behalf start "$id"
	done
}

@test "kill --regex: every container that has it in its id, and no other" {
	start_sleepers "$ID-a1" "$ID-a2" "$ID-b1"
	behalf kill --regex "^$ID-a[0-9]$" KILL
	wait_until 5 has_status "$ID-a1" stopped
	wait_until 5 has_status "$ID-a2" stopped
	[ "$(status_of "$ID-b1")" = running ]
	behalf kill --regex "^nobody-$ID" KILL
	run behalf kill --regex "(" KILL
	[ "$status" -eq 1 ]
	[[ $output == *"--regex '('"* ]]
}

@test "delete --regex" {
	start_sleepers "$ID-a1" "$ID-a2" "$ID-b1"
	run behalf delete --regex "$ID-a"
	[ "$status" -eq 1 ]
	[ "$(status_of "$ID-a1")" = running ]
	behalf delete --force --regex "$ID-a"
	[ "$(behalf list -q)" = "$ID-b1" ]
	behalf delete -f -r "."
	[ -z "$(behalf list -q)" ]
}

@test "options stand before the id and behind it" {
	start_sleepers "$ID"
	behalf ps "$ID" --format json | jq -e length
	behalf kill "$ID" --all KILL
	wait_until 5 has_status "$ID" stopped
	behalf delete "$ID" --force
	set_args sleep 1000
	behalf create "$ID" --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid"
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(pid_of "$ID")" ]
	behalf delete "$ID" -f
}

@test "ps: words behind the id are for the host's ps, which shows these processes alone" {
	need_program ps procps
	start_sleepers "$ID"
	behalf exec --detach "$ID" sleep 1004
	local pid
	pid=$(pid_of "$ID")
	[ "$(behalf ps "$ID" -eo pid,args | awk 'NR > 1 { print $2, $3 }' | sort | paste -sd,)" = 'sleep 1000,sleep 1004' ]
	[ "$(behalf ps "$ID" -ef | awk -v pid="$pid" '$2 == pid { print $8, $9 }')" = 'sleep 1000' ]
	[ "$(behalf ps "$ID" aux | wc -l)" -eq 3 ]
	[ "$(behalf ps "$ID" --format table -ef | wc -l)" -eq 3 ]
	behalf ps --format json "$ID" -ef | jq -e "contains([$pid]) and length == 2"
	run behalf ps "$ID" -o args
	[ "$status" -eq 1 ]
	[[ $output == *PID* ]]
	run behalf ps "$ID" --nothing-like-it
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "kill 0: whether it runs" {
	start_sleepers "$ID"
	behalf kill "$ID" 0
	[ "$(status_of "$ID")" = running ]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf kill "$ID" 0
	[ "$status" -eq 1 ]
	[[ $output == *'container not running'* ]]
	run behalf kill "$ID" 65
	[ "$status" -eq 1 ]
}

@test "help by crun's words" {
	local word verb
	for word in --usage '-?'; do
		[ "$("$BEHALF" "$word")" = "$("$BEHALF" --help)" ]
		for verb in create exec ps update; do
			[ "$("$BEHALF" "$verb" "$word")" = "$("$BEHALF" "$verb" --help)" ]
		done
	done
	run "$BEHALF" exec x sh '-?'
	[ "$status" -eq 255 ]
}

# in_exec OPTIONS... -- COMMAND...: its output
in_exec() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	behalf exec "${options[@]}" "$ID" "$@"
}

# The group of the container as a path on the host, in the hierarchy of $1 or the unified one.
group_directory() {
	local group directory
	group=$(jq -r .cgroup.path "$STATE/$ID/state.json")
	for directory in "/sys/fs/cgroup/$1$group" "/sys/fs/cgroup$group" "/sys/fs/cgroup/unified$group"; do
		[ ! -d "$directory" ] || { echo "$directory"; return 0; }
	done
	return 1
}

@test "exec --cap: in the bounding, permitted and effective sets, and no more than that" {
	edit_config '.process.capabilities |= map_values(["CAP_KILL"])'
	start_sleepers "$ID"
	[ "$(in_exec -- grep CapEff /proc/self/status)" = $'CapEff:\t0000000000000020' ]
	[ "$(in_exec --cap CAP_SYS_TIME -c chown -- grep CapEff /proc/self/status)" = $'CapEff:\t0000000002000021' ]
	[ "$(in_exec --cap CAP_SYS_TIME -- grep CapBnd /proc/self/status)" = $'CapBnd:\t0000000002000020' ]
	# another user keeps it over the exec
	[ "$(in_exec -u 1000:1000 -- grep CapEff /proc/self/status)" = $'CapEff:\t0000000000000000' ]
	[ "$(in_exec -u 1000:1000 -c sys_time -- grep CapEff /proc/self/status)" = $'CapEff:\t0000000002000000' ]
	run behalf exec --cap CAP_FLY "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *"--cap 'CAP_FLY'"* ]]
}

@test "exec --additional-gids: repeated or with commas" {
	start_sleepers "$ID"
	[ "$(in_exec -u 1000:1000 -g 5,6 --additional-gids 7 -- id -G)" = '1000 5 6 7' ]
	run behalf exec -g x "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *"--additional-gids 'x'"* ]]
}

@test "exec --cgroup: in a group below the container's, that is there" {
	local directory name=memory
	start_sleepers "$ID"
	directory=$(group_directory memory) || skip "no cgroups here"
	mkdir "$directory/below"
	[[ $directory == */memory/* ]] || name=
	run in_exec --cgroup below -- cat /proc/self/cgroup
	[ "$status" -eq 0 ]
	grep -q "^[0-9]*:$name:.*/below$" <<<"$output"
	[ "$(in_exec -- grep -c /below /proc/self/cgroup)" = 0 ]
	run behalf exec --cgroup nowhere "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *"'nowhere'"* ]]
	run behalf exec --cgroup ../.. "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *"'..'"* ]]
}

@test "exec --cgroup CONTROLLER:PATH: only in the hierarchy of that controller" {
	local memory pids
	start_sleepers "$ID"
	memory=$(group_directory memory) && [[ $memory == */memory/* ]] || skip "no cgroup v1 here"
	pids=$(group_directory pids)
	mkdir "$memory/below" "$pids/below" "$pids/other"
	run in_exec --cgroup memory:below --cgroup pids:/other -- cat /proc/self/cgroup
	[ "$status" -eq 0 ]
	grep -q ':memory:.*/below$' <<<"$output"
	grep -q ':pids:.*/other$' <<<"$output"
}

@test "exec --ignore-paused: runs when the container is resumed" {
	start_sleepers "$ID"
	behalf pause "$ID" || skip "no freezer here"
	"$BEHALF" --root "$STATE" exec --ignore-paused "$ID" echo thawed >"$BATS_TEST_TMPDIR/out" 3>&- &
	sleep 0.3
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	behalf resume "$ID"
	wait $!
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = thawed ]
}

@test "exec: labels go through the same check as those of the configuration" {
	start_sleepers "$ID"
	[ "$(in_exec --apparmor unconfined -- echo ran)" = ran ]
	if [ ! -d /sys/kernel/security/apparmor ]; then
		run behalf exec --apparmor some-profile "$ID" true
		[ "$status" -eq 255 ]
		[[ $output == *apparmorProfile* ]]
	fi
	if [ ! -d /sys/fs/selinux ]; then
		run behalf exec --process-label system_u:system_r:x_t:s0 "$ID" true
		[ "$status" -eq 255 ]
		[[ $output == *selinuxLabel* ]]
	fi
}

@test "exec: options between the id and the command are ours, behind the command its own" {
	start_sleepers "$ID"
	[ "$(behalf exec "$ID" --cwd /tmp -e A=b sh -c 'echo $PWD $A')" = '/tmp b' ]
	[ "$(behalf exec "$ID" echo --cwd /tmp -e)" = '--cwd /tmp -e' ]
	[ "$(behalf exec "$ID" -- echo -h)" = -h ]
	jq .process "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/process"
	behalf exec --process "$BATS_TEST_TMPDIR/process" "$ID" --detach --pid-file "$BATS_TEST_TMPDIR/pid"
	kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
	[ "$(behalf exec --tty=false "$ID" sh -c 'test -t 1; echo $?')" = 1 ]
}

# listen_for_pidfd SIGNAL: who listens sends it to the process it is told of; sets SOCKET
listen_for_pidfd() {
	SOCKET=$BATS_TEST_TMPDIR/pidfd.sock
	rm -f "$SOCKET"
	"$BUILD_DIR/tests/integration/pidfd_kill" "$SOCKET" "$1" 3>&- &
	wait_until 5 test -S "$SOCKET"
}

@test "--pidfd-socket: of create, run and exec" {
	[ -x "${BUILD_DIR:-}/tests/integration/pidfd_kill" ] || skip "pidfd_kill is not built"
	set_args sleep 1000
	listen_for_pidfd 9
	behalf create --bundle "$BUNDLE" --pidfd-socket "$SOCKET" "$ID"
	wait_until 5 has_status "$ID" stopped
	behalf delete "$ID"
	listen_for_pidfd 9
	run behalf run --bundle "$BUNDLE" --pidfd-socket "$SOCKET" "$ID"
	[ "$status" -ne 0 ]
	start_sleepers "$ID"
	listen_for_pidfd 15
	run behalf exec --pidfd-socket "$SOCKET" "$ID" sleep 1000
	[ "$status" -eq 143 ]
	[ "$(status_of "$ID")" = running ]
}

@test "annotation run.oci.pidfd_receiver: the same without an option" {
	[ -x "${BUILD_DIR:-}/tests/integration/pidfd_kill" ] || skip "pidfd_kill is not built"
	set_args sleep 1000
	listen_for_pidfd 9
	edit_config ".annotations[\"run.oci.pidfd_receiver\"] = \"$SOCKET\""
	behalf create --bundle "$BUNDLE" "$ID"
	wait_until 5 has_status "$ID" stopped
}

@test "annotations that crun knows and behalf does not take: a warning, or refused" {
	set_args true
	edit_config '.annotations["run.oci.systemd.subgroup"] = "x"'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *"run.oci.systemd.subgroup"*"left out"* ]]
	edit_config '.annotations["run.oci.handler"] = "krun"'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"run.oci.handler"*"not supported"* ]]
}

@test "--pidfd-socket: where nobody listens nothing is made" {
	set_args sleep 1000
	run behalf create --bundle "$BUNDLE" --pidfd-socket "$BATS_TEST_TMPDIR/none" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"--pidfd-socket"*"/none"* ]]
	[ -z "$(behalf list -q)" ]
}

@test "run --keep: the container stays when it has ended" {
	set_args sh -c 'exit 3'
	run behalf run --keep --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 3 ]
	[ "$(status_of "$ID")" = stopped ]
	behalf delete "$ID"
	run behalf create --keep --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"--keep"* ]]
}

@test "run --keep: what could not be started does not stay" {
	set_args /no/such/program
	run behalf run --keep --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ -z "$(behalf list -q)" ]
}

@test "--config: another file than the bundle's, from the working directory" {
	set_args echo the bundle
	jq '.process.args = ["echo", "the other"]' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/other.json"
	cd "$BATS_TEST_TMPDIR"
	[ "$(behalf run --bundle "$BUNDLE" --config other.json "$ID")" = 'the other' ]
	[ "$(behalf run -b "$BUNDLE" -f "$BATS_TEST_TMPDIR/other.json" "$ID")" = 'the other' ]
	rm "$BUNDLE/config.json"
	behalf create -b "$BUNDLE" -f other.json --no-subreaper "$ID"
	behalf start "$ID"
	wait_until 5 has_status "$ID" stopped
	behalf delete "$ID"
	run behalf create -b "$BUNDLE" -f none.json "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"none.json"* ]]
}
