#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# dockerd with behalf as its runtime: a daemon of its own, in a network namespace and in folders of this
# file's run. Docker gives a container its network by a prestart hook.
# timeout: 120
# beside others

bats_require_minimum_version 1.5.0

d() {
	timeout --signal KILL 30 docker --host "unix://$WORK/sock" "$@"
}

# Commands in the daemon's network namespace.
inside() {
	nsenter --net="/proc/$(cat "$WORK/pid")/ns/net" "$@"
}

setup_file() {
	load ../integration/helpers
	need_root
	need_program dockerd docker.io
	need_program containerd
	make_rootfs
	# a socket's address is short
	WORK=$(mktemp -d /tmp/bh-dock.XXXXXX)
	export WORK DOCKER_CONFIG=$WORK/client
	echo '{}' >"$WORK/daemon.json"
	cat >"$WORK/start" <<-EOF
		ip link set lo up
		exec dockerd --config-file "$WORK/daemon.json" --data-root "$WORK/data" --exec-root "$WORK/exec" \
			--pidfile "$WORK/pid" --host "unix://$WORK/sock" --add-runtime "behalf=$BEHALF" \
			--default-runtime behalf --default-ulimit nofile=1024:1024 \
			--exec-opt native.cgroupdriver=cgroupfs
	EOF
	unshare --net sh "$WORK/start" >"$WORK/log" 2>&1 3>&- &
	wait_until 30 d version >/dev/null 2>&1 || { tail -n 5 "$WORK/log" >&2; return 1; }
	tar -C "$BATS_FILE_TMPDIR/rootfs" -c . | d import - bb:1 >&2
}

teardown_file() {
	local pid
	[ -n "${WORK:-}" ] || return 0
	pid=$(cat "$WORK/pid")
	kill "$pid"
	wait_until 15 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid"
	grep -F "$WORK" /proc/self/mountinfo | awk '{ print $5 }' | xargs -r -n 1 umount -l
	rm -rf "$WORK"
}

setup() {
	load ../integration/helpers
	NAME=bt-$$-$BATS_TEST_NUMBER
}

teardown() {
	d rm --force "$NAME" >/dev/null 2>&1 || true
}

@test "run: output, input, exit codes" {
	run d run --rm bb:1 echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	run bash -c "$(declare -f d); echo in | d run --rm -i bb:1 cat"
	[ "$output" = in ]
	run d run --rm bb:1 sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run -127 d run --rm bb:1 nosuch
	run d run --rm bb:1 /etc
	[ "$status" -eq 126 ]
}

@test "run --rm leaves nothing" {
	d run --rm --cidfile "$BATS_TEST_TMPDIR/cid" bb:1 true
	cid=$(cat "$BATS_TEST_TMPDIR/cid")
	[ -n "$cid" ]
	[ -z "$(find /sys/fs/cgroup -name "*$cid*" 2>/dev/null)" ]
	[ -z "$(find "$WORK/exec" -name "*$cid*")" ]
	run grep -e "$cid" /proc/self/mountinfo
	[ "$status" -eq 1 ]
}

@test "limits, capabilities, seccomp, user, binds, read-only, tmpfs, init" {
	if [ -d /sys/fs/cgroup/memory ]; then
		files='cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes pids/pids.max'
		want=$'50000\n67108864\n30'
	else
		files='cpu.max memory.max pids.max'
		want=$'50000 100000\n67108864\n30'
	fi
	# shellcheck disable=SC2086
	run d run --rm --cpus 0.5 -m 64m --pids-limit 30 -w /sys/fs/cgroup bb:1 cat $files
	[ "$output" = "$want" ]
	run d run --rm --cap-drop all --cap-add net_admin bb:1 grep -E 'CapEff|Seccomp:' /proc/self/status
	[[ ${lines[0]} == *0000000000001000 ]]
	[[ ${lines[1]} == *2 ]]
	mkdir "$BATS_TEST_TMPDIR/bound"
	chmod 777 "$BATS_TEST_TMPDIR/bound"
	run d run --rm --read-only --tmpfs /t --user 7:8 -v "$BATS_TEST_TMPDIR/bound:/b" --init bb:1 \
		sh -c 'id -u; touch /b/x /t/x; touch /x 2>/dev/null || cat /proc/1/comm'
	echo "$output"
	[ "${lines[0]}" = 7 ]
	[[ ${lines[-1]} == *init* ]]
	[ -e "$BATS_TEST_TMPDIR/bound/x" ]
	d run --rm --privileged bb:1 mount -t tmpfs x /mnt
}

@test "networks: the bridge with a published port, one of one's own with names, host, none" {
	d run -d --name "$NAME" -p 18081:80 bb:1 \
		sh -c 'mkdir /w; echo served >/w/index.html; exec httpd -f -p 80 -h /w'
	address=$(d inspect -f '{{.NetworkSettings.IPAddress}}' "$NAME")
	wait_until 5 eval "[ \"\$(inside curl -s http://$address/)\" = served ]"
	[ "$(inside curl -s http://127.0.0.1:18081/)" = served ]
	d network create "net-$NAME" >&2
	d network connect --alias web "net-$NAME" "$NAME"
	run d run --rm --network "net-$NAME" bb:1 nslookup web
	[ "$status" -eq 0 ]
	d rm --force "$NAME"
	d network rm "net-$NAME"
	run d run --rm --network none bb:1 sh -c 'ls /sys/class/net'
	[ "$output" = lo ]
	run d run --rm --network host bb:1 readlink /proc/self/ns/net
	[ "$output" = "$(inside readlink /proc/self/ns/net)" ]
}

@test "a container's life: exec, top, pause, update, stats, stop, logs, start, restart, kill" {
	d run -d --name "$NAME" bb:1 \
		sh -c 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done'
	run d exec "$NAME" sh -c 'echo in; exit 5'
	[ "$status" -eq 5 ]
	[ "$output" = in ]
	# 126 with runc, too
	run d exec "$NAME" nosuch
	[ "$status" -eq 126 ]
	[[ $output == *"'nosuch'"*"not found"* ]]
	# shellcheck disable=SC2016
	run d exec -u 7 -w /tmp -e A=b "$NAME" sh -c 'id -u; pwd; echo $A'
	[ "$output" = $'7\n/tmp\nb' ]
	run d top "$NAME"
	[[ $output == *"echo bye"* ]]
	d pause "$NAME"
	[ "$(d inspect -f '{{.State.Status}}' "$NAME")" = paused ]
	d unpause "$NAME"
	d update --cpus 0.3 "$NAME"
	if [ -d /sys/fs/cgroup/cpu ]; then
		[ "$(d exec "$NAME" cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us)" = 30000 ]
	else
		[ "$(d exec "$NAME" cat /sys/fs/cgroup/cpu.max)" = "30000 100000" ]
	fi
	run d stats --no-stream --format '{{.Name}} {{.PIDs}}' "$NAME"
	[[ $output == "$NAME "[12] ]]
	d stop -t 5 "$NAME"
	[ "$(d inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$NAME")" = "exited 3" ]
	[ "$(d logs "$NAME")" = $'hello\nbye' ]
	d start "$NAME"
	d restart -t 5 "$NAME"
	d kill "$NAME"
	[ "$(d wait "$NAME")" = 137 ]
}

@test "a terminal: -it, and one for exec" {
	need_program script util-linux
	run script -qec "docker --host unix://$WORK/sock run --rm -it bb:1 sh -c 'tty; exit 5'" /dev/null
	[ "$status" -eq 5 ]
	[[ $output == */dev/pts/0* ]]
	d run -d --name "$NAME" bb:1 sleep 100
	run script -qec "docker --host unix://$WORK/sock exec -it $NAME tty" /dev/null
	[[ $output == */dev/pts/* ]]
}

@test "a health check" {
	d run -d --name "$NAME" --health-cmd 'test -e /healthy' --health-interval 0.2s bb:1 \
		sh -c 'touch /healthy; sleep 100'
	wait_until 5 eval "[ \"\$(d inspect -f '{{.State.Health.Status}}' $NAME)\" = healthy ]"
}

@test "build runs its commands" {
	mkdir "$BATS_TEST_TMPDIR/context"
	printf 'FROM bb:1\nRUN echo made >/made\nCMD cat /made\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
	DOCKER_BUILDKIT=0 d build -q --network none -t "built:$NAME" "$BATS_TEST_TMPDIR/context" >&2
	run d run --rm "built:$NAME"
	[ "$output" = made ]
	d rmi "built:$NAME"
}
