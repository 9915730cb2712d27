#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd with behalf as its runtime, through ctr: a daemon of its own, in a network namespace and in
# folders of this file's run.
# timeout: 120

bats_require_minimum_version 1.5.0

# c ARG... runs ctr on the daemon of this file.
c() {
	timeout --signal KILL 20 ctr --address "$SOCKET" "$@"
}

# once ARG... runs a container on the root of this test, and removes it: once [OPTION...] -- COMMAND...
once() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	c run --rm --runc-binary "$RUNTIME" "${options[@]}" --rootfs "$ROOT" "$ID" "$@"
}

setup_file() {
	load ../integration/helpers
	need_root
	need_program containerd
	need_program ctr containerd
	make_rootfs
	# a socket's address is short
	WORK=$(mktemp -d /tmp/bh-ctrd.XXXXXX)
	export WORK SOCKET=$WORK/sock RUNTIME=$WORK/behalf BEHALF_PROMISES=$WORK/promises
	cat >"$RUNTIME" <<-EOF
		#!/bin/sh
		echo "\$*" >>$WORK/calls
		exec "$BEHALF" "\$@"
	EOF
	chmod +x "$RUNTIME"
	cat >"$WORK/config.toml" <<-EOF
		version = 2
		root = "$WORK/root"
		state = "$WORK/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
			"io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
			"io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
		[grpc]
		address = "$SOCKET"
	EOF
	unshare --net containerd --config "$WORK/config.toml" >"$WORK/log" 2>&1 3>&- &
	echo $! >"$WORK/pid"
	wait_until 20 c version >/dev/null 2>&1 || { tail -n 5 "$WORK/log" >&2; return 1; }
}

teardown_file() {
	local pid
	[ -n "${WORK:-}" ] || return 0
	pid=$(cat "$WORK/pid")
	kill "$pid"
	wait_until 10 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid"
	grep -F "$WORK" /proc/self/mountinfo | awk '{ print $5 }' | xargs -r -n 1 umount -l
	rm -rf "$WORK"
}

setup() {
	load ../integration/helpers
	ID=bt-$$-$BATS_TEST_NUMBER-$RANDOM
	ROOT=$BATS_FILE_TMPDIR/rootfs
}

teardown() {
	c task delete --force "$ID" >/dev/null 2>&1 || true
	c container delete "$ID" >/dev/null 2>&1 || true
	wait_until 3 is_gone
}

# Nothing bears the name of this test's container.
is_gone() {
	local left
	left=$(find /sys/fs/cgroup -type d -name "$ID" 2>/dev/null
		find /run/containerd/runc/default -name "$ID" 2>/dev/null
		pgrep -f -- "-id $ID"
		grep -e "$ID" /proc/self/mountinfo)
	[ -z "$left" ] || { echo "there is still: $left"; return 1; }
}

@test "run: output, exit status, what cannot be executed" {
	run once -- echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	run once -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run once -- nosuch
	[ "$status" -eq 1 ]
	[[ $output == *"'nosuch'"*"not found in \$PATH"* ]]
	run once -- /etc
	[ "$status" -eq 1 ]
	[[ $output == *"'/etc': permission denied"* ]]
}

@test "standard input goes through" {
	# ctr does not tell its end when it is a pipe, whatever the runtime
	run bash -c "$(declare -f c once); ROOT=$ROOT ID=$ID; echo in | once -- head -n 1"
	[ "$output" = in ]
}

@test "a terminal" {
	need_program script util-linux
	run script -qec "$(printf '%q ' ctr --address "$SOCKET" run --rm --tty --runc-binary "$RUNTIME" \
		--rootfs "$ROOT" "$ID" sh -c 'tty; exit 5')" /dev/null
	[ "$status" -eq 5 ]
	[[ $output == */dev/pts/0* ]]
}

@test "limits are in the cgroup's files" {
	run once --memory-limit 67108864 --cpus 0.5 -- sh -c 'cat /proc/self/cgroup'
	[ "$status" -eq 0 ]
	[[ $output == *"/default/$ID"* ]]
	c run -d --runc-binary "$RUNTIME" --memory-limit 67108864 --cpus 0.5 --rootfs "$ROOT" "$ID" sleep 100
	if [ -d /sys/fs/cgroup/memory ]; then
		[ "$(cat "/sys/fs/cgroup/memory/default/$ID/memory.limit_in_bytes")" = 67108864 ]
		[ "$(cat "/sys/fs/cgroup/cpu/default/$ID/cpu.cfs_quota_us")" = 50000 ]
	else
		[ "$(cat "/sys/fs/cgroup/default/$ID/memory.max")" = 67108864 ]
		[ "$(cat "/sys/fs/cgroup/default/$ID/cpu.max")" = "50000 100000" ]
	fi
}

@test "terms: by annotation, and by terms set for a task that runs" {
	local quota=/sys/fs/cgroup/cpu/default/$ID/cpu.cfs_quota_us keeper
	[ -d /sys/fs/cgroup/cpu ] || quota=/sys/fs/cgroup/default/$ID/cpu.max
	export BEHALF_KEEPER=$BATS_TEST_TMPDIR/keeper
	c run -d --runc-binary "$RUNTIME" --annotation io.behalf.cpu.limit=0.5 --rootfs "$ROOT" "$ID" sleep 100
	grep -q '^50000' "$quota"
	"$BEHALF" terms list -J | jq -e --arg name "$ID" 'any(.[]; .name == $name and .terms["cpu-limit"] == "0.5")'
	"$BEHALF" terms set "/default/$ID" cpu.limit=0.2
	"$BEHALF" keeper >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	keeper=$!
	wait_until 10 grep -q '^20000' "$quota"
	kill -TERM "$keeper"
	wait "$keeper" || true
	grep -q '^50000' "$quota"
	c task kill -s KILL "$ID"
	wait_until 5 c task rm "$ID"
	c container rm "$ID"
}

@test "--privileged, --seccomp, --read-only, --mount, --env, --cwd, --net-host, --with-ns" {
	once --privileged -- mount -t tmpfs x /mnt
	run once --seccomp -- grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
	run once --read-only -- touch /x
	[ "$status" -eq 1 ]
	echo here >"$BATS_TEST_TMPDIR/file"
	run once --mount "type=bind,src=$BATS_TEST_TMPDIR/file,dst=/tmp/f,options=bind:ro" -- cat /tmp/f
	[ "$output" = here ]
	# shellcheck disable=SC2016
	run once --env A=b --cwd /var -- sh -c 'pwd; echo $A'
	[ "$output" = $'/var\nb' ]
	run once --with-ns uts:/proc/$$/ns/uts -- readlink /proc/self/ns/uts
	[ "$output" = "$(readlink /proc/self/ns/uts)" ]
}

@test "a task's life: exec, ps, metrics, pause, resume, kill, delete" {
	c run -d --runc-binary "$RUNTIME" --rootfs "$ROOT" "$ID" \
		sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
	run c task ls
	[[ $output =~ $ID\ +[0-9]+\ +RUNNING ]]

	run c task exec --exec-id one "$ID" sh -c 'echo in; exit 4'
	[ "$status" -eq 4 ]
	[ "$output" = in ]
	run c task exec --exec-id two "$ID" nosuch
	[ "$status" -ne 0 ]
	[[ $output == *"'nosuch'"* ]]
	run script -qec "ctr --address $SOCKET task exec --tty --exec-id three $ID tty" /dev/null
	[[ $output == */dev/pts/* ]]

	pid=$(c task ls | awk -v id="$ID" '$1 == id { print $2 }')
	run c task ps "$ID"
	grep -q "^$pid " <<<"$output"
	run c task metrics "$ID"
	[[ $output == *pids* ]]

	c task pause "$ID"
	[[ $(c task ls) =~ PAUSED ]]
	c task resume "$ID"
	[[ $(c task ls) =~ RUNNING ]]

	c task kill --signal TERM "$ID"
	wait_until 5 eval "c task ls | grep -q STOPPED"
	run c task delete "$ID"
	[[ $output == *"exit code 3"* || $status -eq 3 || $status -eq 0 ]]
	c container delete "$ID"
	[[ $(c container ls) != *"$ID"* ]]
}

@test "a paused task can be killed" {
	c run -d --runc-binary "$RUNTIME" --rootfs "$ROOT" "$ID" sleep 100
	c task pause "$ID"
	c task delete --force "$ID"
	c container delete "$ID"
}

@test "a daemon that is restarted finds the task again" {
	c run -d --runc-binary "$RUNTIME" --rootfs "$ROOT" "$ID" sleep 100
	kill "$(cat "$WORK/pid")"
	wait_until 10 eval "! kill -0 $(cat "$WORK/pid") 2>/dev/null"
	unshare --net containerd --config "$WORK/config.toml" >>"$WORK/log" 2>&1 3>&- &
	echo $! >"$WORK/pid"
	wait_until 20 eval "c task ls 2>/dev/null | grep -q RUNNING"
	run c task exec --exec-id one "$ID" echo again
	[ "$output" = again ]
	c task delete --force "$ID"
	c container delete "$ID"
}

@test "what was called is what is expected" {
	# global options come first, errors are read from the log as JSON
	grep -q -- "--root .* --log .* --log-format json create --bundle .* --pid-file .* bt-" "$WORK/calls"
	grep -q "exec --process .* --detach --pid-file" "$WORK/calls"
	grep -q "kill --all" "$WORK/calls"
}
