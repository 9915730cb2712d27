#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman with behalf as its runtime. Everything podman keeps is in the folder of this file's run, and its
# network in a namespace of its own.
# timeout: 120

bats_require_minimum_version 1.5.0

# pod ARG... runs podman on what setup_file made.
pod() {
	# its conmon leaves a file where it is called
	nsenter --net="$BATS_FILE_TMPDIR/net" --wd="$BATS_FILE_TMPDIR" \
		podman --tmpdir "$BATS_FILE_TMPDIR/libpod" --runtime "$BATS_FILE_TMPDIR/behalf" "$@"
}

# once ARG... runs a container of the image without a network, and removes it.
once() {
	pod run --rm --network=none "$@"
}

# The runtime, on a state directory of this run, so that nobody else's containers are in the way.
make_runtime() {
	cat >"$BATS_FILE_TMPDIR/behalf" <<-EOF
		#!/bin/sh
		export BEHALF_PROMISES="$BATS_FILE_TMPDIR/promises"
		exec "$BEHALF" --root "$BATS_FILE_TMPDIR/state" "\$@"
	EOF
	chmod +x "$BATS_FILE_TMPDIR/behalf"
}

make_engine() {
	export CONTAINERS_CONF=$BATS_FILE_TMPDIR/containers.conf
	export CONTAINERS_STORAGE_CONF=$BATS_FILE_TMPDIR/storage.conf
	# soft equals hard, and neither above what this process may have
	cat >"$CONTAINERS_CONF" <<-EOF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		log_driver = "k8s-file"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		runtime_supports_json = ["behalf"]
		runtime_supports_nocgroup = ["behalf"]
		[engine.runtimes]
		by-name = ["$BATS_FILE_TMPDIR/behalf"]
		[network]
		network_backend = "netavark"
		network_config_dir = "$BATS_FILE_TMPDIR/networks"
	EOF
	cat >"$CONTAINERS_STORAGE_CONF" <<-EOF
		[storage]
		driver = "${1:-overlay}"
		graphroot = "$BATS_FILE_TMPDIR/storage"
		runroot = "$BATS_FILE_TMPDIR/run"
	EOF
}

setup_file() {
	load ../integration/helpers
	need_root
	need_program podman
	make_rootfs
	make_runtime
	touch "$BATS_FILE_TMPDIR/net"
	unshare --net="$BATS_FILE_TMPDIR/net" ip link set lo up
	mkdir "$BATS_FILE_TMPDIR/tmp"
	export TMPDIR=$BATS_FILE_TMPDIR/tmp
	make_engine
	pod info >"$BATS_FILE_TMPDIR/info" 2>&1 || make_engine vfs
	tar -C "$BATS_FILE_TMPDIR/rootfs" -c . | pod import --change 'ENV WHO=image' - bb:1 >&2
}

teardown_file() {
	local left
	pod rm --all --force --time 0 >/dev/null 2>&1
	umount "$BATS_FILE_TMPDIR/storage/overlay" 2>/dev/null
	umount "$BATS_FILE_TMPDIR/net"
	left=$(ls -A "$BATS_FILE_TMPDIR/state" 2>/dev/null
		grep -F "$BATS_FILE_TMPDIR" /proc/self/mountinfo)
	[ -z "$left" ] || { echo "left behind: $left" >&2; return 1; }
}

setup() {
	load ../integration/helpers
	NAME=bt-$$-$BATS_TEST_NUMBER
}

@test "run --rm with the program's own path as --runtime" {
	run nsenter --net="$BATS_FILE_TMPDIR/net" \
		podman --tmpdir "$BATS_FILE_TMPDIR/libpod" --runtime "$(command -v "$BEHALF")" \
		run --rm --network=none bb:1 echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}

@test "by the name that containers.conf gives it" {
	run nsenter --net="$BATS_FILE_TMPDIR/net" \
		podman --tmpdir "$BATS_FILE_TMPDIR/libpod" --runtime by-name run --rm --network=none bb:1 echo hello
	[ "$output" = hello ]
}

@test "exit codes: 0, 7, by a signal, 126 and 127" {
	once bb:1 true
	run once bb:1 sh -c 'exit 7'
	[ "$status" -eq 7 ]
	# shellcheck disable=SC2016
	run once --init bb:1 sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run once bb:1 /etc
	[ "$status" -eq 126 ]
	[[ $output == *"'/etc'"*"permission denied"* ]]
	run -127 once bb:1 nosuch
	[ "$status" -eq 127 ]
	[[ $output == *"'nosuch'"*"not found"* ]]
}

@test "standard input, output and error are the container's" {
	run bash -c "$(declare -f pod once); echo in | once -i bb:1 sh -c 'cat; echo err >&2' 2>/dev/null"
	[ "$output" = in ]
}

@test "run --rm leaves nothing" {
	once --cidfile "$BATS_TEST_TMPDIR/cid" bb:1 true
	cid=$(cat "$BATS_TEST_TMPDIR/cid")
	[ -n "$cid" ]
	[ -z "$(find /sys/fs/cgroup -name "*$cid*" 2>/dev/null)" ]
	[ ! -e "$BATS_FILE_TMPDIR/state/$cid" ]
	[ ! -e "$BATS_FILE_TMPDIR/storage/overlay-containers/$cid" ]
	run grep -e "$cid" /proc/self/mountinfo
	[ "$status" -eq 1 ]
	run pgrep -f "$cid"
	[ "$status" -eq 1 ]
	[ -z "$(pod ps -aq)" ]
}

@test "--cpus, --memory, --pids-limit, --cpu-shares and --cpuset-cpus are in the cgroup's files" {
	if [ -d /sys/fs/cgroup/memory ]; then
		files='cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpu/cpu.shares cpuset/cpuset.cpus
			memory/memory.limit_in_bytes pids/pids.max'
		want='50000 100000 512 0 67108864 33'
	else
		files='cpu.max cpuset.cpus memory.max pids.max'
		want='50000 100000 0 67108864 33'
	fi
	# shellcheck disable=SC2086
	run once --cpus 0.5 --memory 64m --pids-limit 33 --cpu-shares 512 --cpuset-cpus 0 \
		bb:1 sh -c 'cd /sys/fs/cgroup && cat "$@"' sh $files
	[ "$status" -eq 0 ]
	[ "${output//$'\n'/ }" = "$want" ]
}

@test "terms by --annotation: kept, given back, and refused when they do not fit" {
	files='cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes' want='50000 67108864'
	[ -d /sys/fs/cgroup/memory ] || files='cpu.max memory.max' want='50000 100000 67108864'
	# shellcheck disable=SC2086
	run once --annotation io.behalf.cpu.limit=0.5 --annotation io.behalf.cpu.reserve=0.25 \
		--annotation io.behalf.memory.limit=64MiB bb:1 sh -c 'cd /sys/fs/cgroup && cat "$@"' sh $files
	[ "$status" -eq 0 ]
	[ "${output//$'\n'/ }" = "$want" ]
	run once --annotation "io.behalf.cpu.reserve=$(($(nproc) + 1))" bb:1 true
	[ "$status" -ne 0 ]
	[[ $output == *CPU*"would fit with cpu-reserve"* ]]
	run once --annotation io.behalf.cpu.reserve=lots bb:1 true
	[ "$status" -ne 0 ]
	[[ $output == *"io.behalf.cpu.reserve 'lots'"* ]]
	once --annotation io.behalf.cpu.reserve=0.5 bb:1 true
}

@test "a container over its memory limit is killed" {
	run once --memory 16m --memory-swap 16m bb:1 sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1'
	[ "$status" -eq 137 ]
}

@test "devices: only those that are given" {
	run once bb:1 sh -c 'mknod /tmp/mem c 1 1 && cat /tmp/mem'
	[ "$status" -ne 0 ]
	once --device /dev/fuse bb:1 test -c /dev/fuse
	once bb:1 sh -c 'head -c 8 /dev/urandom >/dev/null && echo >/dev/null && test -c /dev/tty'
}

@test "-v binds, writable and not" {
	mkdir "$BATS_TEST_TMPDIR/bound"
	echo here >"$BATS_TEST_TMPDIR/bound/file"
	run once -v "$BATS_TEST_TMPDIR/bound:/b" bb:1 sh -c 'cat /b/file; echo back >/b/back'
	[ "$output" = here ]
	[ "$(cat "$BATS_TEST_TMPDIR/bound/back")" = back ]
	run once -v "$BATS_TEST_TMPDIR/bound:/b:ro" bb:1 touch /b/no
	[ "$status" -eq 1 ]
	[[ $output == *"Read-only"* ]]
	run once -v "$BATS_TEST_TMPDIR/bound/file:/f:ro" bb:1 cat /f
	[ "$output" = here ]
}

@test "a named volume is filled from the image" {
	run once -v "vol-$NAME:/etc" bb:1 sh -c 'grep -c root /etc/passwd; echo kept >/etc/kept'
	[ "$output" = 1 ]
	run once -v "vol-$NAME:/v" bb:1 cat /v/kept
	[ "$output" = kept ]
	pod volume rm "vol-$NAME"
}

@test "--read-only, with the places that stay writable" {
	run once --read-only bb:1 touch /x
	[ "$status" -eq 1 ]
	once --read-only bb:1 sh -c 'touch /tmp/x /run/x /dev/shm/x'
}

@test "--tmpfs: options, and what was there is copied up" {
	run once --tmpfs /etc:size=1m,mode=700 bb:1 sh -c 'grep " /etc " /proc/mounts; cat /etc/group | head -n 1'
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "tmpfs /etc tmpfs "*"size=1024k"*"mode=700"* ]]
	[[ ${lines[1]} == root:* ]]
}

@test "--user by number and by name, --group-add, --workdir, --env" {
	run once --user 1000:1001 --group-add 12 bb:1 id
	[ "$output" = "uid=1000(1000) gid=1001(1001) groups=12,1001(1001)" ]
	run once --user nobody bb:1 id -u
	[ "$output" = 65534 ]
	# shellcheck disable=SC2016
	run once --workdir /var --env A=b bb:1 sh -c 'pwd; echo $A $WHO $HOME'
	[ "$output" = $'/var\nb image /root' ]
}

@test "capabilities: the default set, --cap-drop, --cap-add, --privileged" {
	run once bb:1 grep CapEff /proc/self/status
	[[ $output == *00000000a80425fb ]]
	run once --cap-drop all bb:1 grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	run once --cap-drop all --cap-add net_admin bb:1 grep CapEff /proc/self/status
	[[ $output == *0000000000001000 ]]
	once --privileged bb:1 sh -c 'mount -t tmpfs x /mnt && test -b /dev/loop0 -o -c /dev/loop-control -o -c /dev/kmsg'
}

@test "seccomp: the default profile, one of one's own, none" {
	run once bb:1 grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
	run once --security-opt seccomp=unconfined bb:1 grep Seccomp: /proc/self/status
	[[ $output == *0 ]]
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' \
		>"$BATS_TEST_TMPDIR/profile.json"
	run once --security-opt "seccomp=$BATS_TEST_TMPDIR/profile.json" bb:1 mkdir /x
	[ "$status" -eq 1 ]
	[[ $output == *"not permitted"* ]]
	once --security-opt no-new-privileges bb:1 grep -q 'NoNewPrivs:.1' /proc/self/status
}

@test "--hostname, --uts, --pid=host, --ipc=host, --init, --sysctl, --ulimit" {
	run once --hostname there bb:1 hostname
	[ "$output" = there ]
	run once --uts=host bb:1 hostname
	[ "$output" = "$(hostname)" ]
	run once --pid=host bb:1 readlink /proc/self/ns/pid
	[ "$output" = "$(readlink /proc/self/ns/pid)" ]
	run once --ipc=host bb:1 readlink /proc/self/ns/ipc
	[ "$output" = "$(readlink /proc/self/ns/ipc)" ]
	run once --sysctl net.ipv4.ip_unprivileged_port_start=7 bb:1 cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	[ "$output" = 7 ]
	run once --ulimit nofile=100:200 --ulimit nproc=900:1000 bb:1 sh -c 'ulimit -Sn; ulimit -Hn'
	[ "$output" = $'100\n200' ]
	[ -x /usr/libexec/podman/catatonit ] || [ -x /usr/bin/catatonit ] || skip "no catatonit for --init"
	run once --init bb:1 sh -c 'cat /proc/1/comm'
	[[ $output == *init* ]]
}

@test "a terminal: -it" {
	need_program expect
	cat >"$BATS_TEST_TMPDIR/dialogue" <<-'EOF'
		set timeout 20
		spawn {*}$argv
		expect "# " { send "tty; stty size\r" } timeout { exit 90 }
		expect -re "/dev/pts/0.*24 80" { } timeout { exit 91 }
		expect "# " { send "echo sl\$((1+1))ps; sleep 50\r" } timeout { exit 92 }
		expect "sl2ps" { } timeout { exit 94 }
		sleep 0.3
		send "\003"
		expect "# " { send "exit 5\r" } timeout { exit 93 }
		expect eof
		exit [lindex [wait] 3]
	EOF
	run expect "$BATS_TEST_TMPDIR/dialogue" sh -c 'stty rows 24 cols 80; exec "$@"' sh \
		nsenter --net="$BATS_FILE_TMPDIR/net" \
		podman --tmpdir "$BATS_FILE_TMPDIR/libpod" --runtime "$BATS_FILE_TMPDIR/behalf" \
		run --rm -it --network=none bb:1 sh
	echo "$output"
	[ "$status" -eq 5 ]
}

@test "a container's life: start, exec, ps, top, pause, update, stats, logs, stop, restart, kill" {
	# shellcheck disable=SC2016
	pod run -d --name "$NAME" --network=none bb:1 \
		sh -c 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done'

	run pod exec "$NAME" sh -c 'echo in; exit 5'
	[ "$status" -eq 5 ]
	[ "$output" = in ]
	run -127 pod exec "$NAME" nosuch
	[ "$status" -eq 127 ]
	run pod exec "$NAME" /etc
	[ "$status" -eq 126 ]
	# shellcheck disable=SC2016
	run pod exec --user 7:8 --workdir /tmp --env A=b "$NAME" sh -c 'id; pwd; echo $A'
	[ "$output" = $'uid=7 gid=8\n/tmp\nb' ]
	run bash -c "$(declare -f pod); echo through | pod exec -i $NAME cat"
	[ "$output" = through ]
	pod exec -d "$NAME" sh -c 'sleep 0.2; echo late >/late'
	wait_until 5 pod exec "$NAME" grep -q late /late

	run pod ps --format '{{.Names}} {{.Status}}'
	[[ $output == *"$NAME Up"* ]]
	run pod top "$NAME" args
	[[ $output == *"echo bye"* ]]

	pod pause "$NAME"
	[ "$(pod inspect -f '{{.State.Status}}' "$NAME")" = paused ]
	pod unpause "$NAME"
	[ "$(pod inspect -f '{{.State.Status}}' "$NAME")" = running ]

	pod update --cpus 0.3 --memory 32m "$NAME"
	if [ -d /sys/fs/cgroup/memory ]; then
		run pod exec "$NAME" cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/memory/memory.limit_in_bytes
		[ "$output" = $'30000\n33554432' ]
	else
		run pod exec "$NAME" cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/memory.max
		[ "$output" = $'30000 100000\n33554432' ]
	fi
	run pod stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' "$NAME"
	[[ $output == "$NAME "[12]" "*"B / "* ]]

	pod stop --time 5 "$NAME"
	[ "$(pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$NAME")" = "exited 3" ]
	run pod logs "$NAME"
	[ "$output" = $'hello\nbye' ]
	pod start "$NAME"
	pod restart --time 5 "$NAME"
	pod kill "$NAME"
	[ "$(pod wait "$NAME")" = 137 ]
	pod rm "$NAME"
	[ -z "$(ls -A "$BATS_FILE_TMPDIR/state")" ]
}

@test "kill reaches the program with any signal" {
	pod run -d --name "$NAME" --network=none bb:1 \
		sh -c 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done'
	wait_until 5 eval "pod logs $NAME | grep -q ready"
	pod kill --signal USR1 "$NAME"
	wait_until 5 eval "pod logs $NAME | grep -q usr1"
	pod rm --force --time 0 "$NAME"
}

@test "a bridge network: an address, a published port, and names" {
	need_program /usr/lib/podman/netavark netavark
	pod network create --subnet 10.231.77.0/24 "$NAME" >&2
	pod run -d --name "web" --network "$NAME" -p 18080:80 bb:1 \
		sh -c 'mkdir /w; echo served >/w/index.html; exec httpd -f -p 80 -h /w'
	address=$(pod inspect -f "{{(index .NetworkSettings.Networks \"$NAME\").IPAddress}}" web)
	[[ $address == 10.231.77.* ]]
	wait_until 5 eval "[ \"\$(nsenter --net=$BATS_FILE_TMPDIR/net curl -s http://$address/)\" = served ]"
	run nsenter --net="$BATS_FILE_TMPDIR/net" curl -s http://10.231.77.1:18080/
	[ "$output" = served ]
	run pod run --rm --network "$NAME" bb:1 wget -q -O - "http://$address/"
	[ "$output" = served ]
	pod rm --force --time 0 web
	pod network rm "$NAME"
	[ -z "$(ls -A "$BATS_FILE_TMPDIR/state")" ]
}

# Nothing of behalf has started it: another runtime has, and podman its network.
@test "terms set for a container of another runtime: the keeper finds its group and its links" {
	need_program runc
	need_program tc iproute2
	need_program /usr/lib/podman/netavark netavark
	local cid quota keeper
	export BEHALF_KEEPER=$BATS_TEST_TMPDIR/keeper BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises
	pod network create --subnet 10.231.78.0/24 "$NAME" >&2
	cid=$(nsenter --net="$BATS_FILE_TMPDIR/net" podman --tmpdir "$BATS_FILE_TMPDIR/libpod" --runtime runc \
		run -d --name "$NAME" --network "$NAME" bb:1 sleep 100) || skip "no container by runc here"
	"$BEHALF" terms set "${cid:0:20}" cpu.limit=0.3 net.egress.limit=20mbit
	nsenter --net="$BATS_FILE_TMPDIR/net" "$BEHALF" keeper >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	keeper=$!
	quota=$(find /sys/fs/cgroup -path "*$cid*" \( -path '*/cpu/*' -name cpu.cfs_quota_us -o -name cpu.max \) | sort | head -n 1)
	wait_until 10 grep -q '^30000' "$quota"
	limited() { nsenter --net="$BATS_FILE_TMPDIR/net" tc class show dev "$(nsenter --net="$BATS_FILE_TMPDIR/net" ip -o link | sed -n 's/.*: \(bhe[0-9a-f]*\):.*/\1/p')" | grep -q 'rate 20Mbit'; }
	wait_until 10 limited
	"$BEHALF" keeper status | grep -q 'net.egress.limit .*20Mbit/s'
	# what is taken back goes while it runs, and is there again when it is promised again
	gone() { ! nsenter --net="$BATS_FILE_TMPDIR/net" ip -o link | grep -q bhe; }
	"$BEHALF" terms unset "${cid:0:20}"
	wait_until 10 gone
	wait_until 10 eval "! grep -q '^30000' '$quota'"
	"$BEHALF" terms set "${cid:0:20}" cpu.limit=0.3 net.egress.limit=20mbit
	wait_until 10 limited
	pod rm --force --time 0 "$NAME"
	pod network rm "$NAME"
	wait_until 10 gone
	kill -TERM "$keeper"
	wait "$keeper" || true
	"$BEHALF" terms list -J | jq -e '. == []'
}

# here COMMAND...: where podman's storage is at its usual place, and the ledger another one than the machine's.
here() {
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c 'mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/containers/storage &&
		mount --bind "$1" /var/lib/containers/storage && mount -t bpf bpf /sys/fs/bpf && shift && exec "$@"' \
		sh "$BATS_FILE_TMPDIR/storage" "$@"
}

@test "by the name that podman gave: stat, top, terms and plan" {
	need_btf
	need_program tmux
	export NAME BEHALF_KEEPER=$BATS_TEST_TMPDIR/keeper BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises
	unset TMUX
	export TMUX_TMPDIR=$BATS_TEST_TMPDIR
	pod run -d --name "$NAME" --network=none bb:1 sh -c 'while :; do :; done'
	printf 'workspaces:\n- {name: cart, cpu: {reserve: 0.05}}\n' >"$BATS_TEST_TMPDIR/cart.yaml"
	cat >"$BATS_TEST_TMPDIR/look" <<-'EOF'
		trap 'tmux -L top kill-server; "$BEHALF" ledger off >/dev/null' EXIT
		sees() { tmux -L top capture-pane -p | grep -E -- "$1" >/dev/null; }
		wait_until() { for _ in {1..100}; do ! "$@" || return 0; sleep 0.1; done; tmux -L top capture-pane -p; exit 1; }
		"$BEHALF" ledger on
		sleep 0.5
		"$BEHALF" stat "$NAME" | grep -x "$NAME" >/dev/null
		"$BEHALF" stat -J "$NAME" | jq -e '.accounts[0] | .name == env.NAME and .own_ns.user > 0' >/dev/null
		"$BEHALF" terms set "$NAME" cpu.reserve=0.1 cpu.limit=0.5
		[ "$("$BEHALF" terms show "$NAME")" = $'cpu-reserve=0.1\ncpu-limit=0.5' ]
		"$BEHALF" terms list | grep "^$NAME  *cgroup  *cpu-reserve=0.1" >/dev/null
		"$BEHALF" plan --json --running "$1/cart.yaml" --what-if "$NAME.cpu.reserve=0.2" |
			jq -e '[.workspaces[] | {(.name): .reserve_ncores}] | add | .[env.NAME] == 2e8 and .cart == 5e7' >/dev/null
		tmux -L top -f /dev/null new-session -d -x 80 -y 24 "$BEHALF top -d 0.3"
		wait_until sees "^$NAME +0\.100 "
		tmux -L top send-keys /
		wait_until sees '^filter: _'
		tmux -L top send-keys -l "$NAME"
		tmux -L top send-keys Enter
		wait_until sees "with '$NAME'.*Enter: $NAME"
		tmux -L top send-keys Enter
		wait_until sees "^$NAME .* CPUs\$"
		wait_until sees '^own +.*0\.[0-9]+$'
	EOF
	run here bash -eo pipefail "$BATS_TEST_TMPDIR/look" "$BATS_TEST_TMPDIR"
	echo "$output"
	pod rm --force --time 0 "$NAME"
	[ "$status" -eq 0 ]
}

@test "--network=host and --network=container:" {
	run pod run --rm --network=host bb:1 readlink /proc/self/ns/net
	[ "$output" = "net:[$(stat -Lc %i "$BATS_FILE_TMPDIR/net")]" ]
	pod run -d --name "$NAME" --network=none bb:1 sleep 100
	run pod run --rm --network="container:$NAME" --pid="container:$NAME" bb:1 sh -c 'readlink /proc/self/ns/net; ps | grep -c "[s]leep 100"'
	[ "${lines[0]}" = "$(pod exec "$NAME" readlink /proc/self/ns/net)" ]
	[ "${lines[1]}" = 1 ]
	pod rm --force --time 0 "$NAME"
}

@test "pods share namespaces" {
	[ -x /usr/libexec/podman/catatonit ] || [ -x /usr/bin/catatonit ] || skip "no catatonit for the infra container"
	pod pod create --name "pod-$NAME" --network=none --infra-image bb:1 --infra-command 'sleep 100' >&2
	one=$(pod run --rm --pod "pod-$NAME" bb:1 readlink /proc/self/ns/ipc)
	two=$(pod run --rm --pod "pod-$NAME" bb:1 readlink /proc/self/ns/ipc)
	[ "$one" = "$two" ]
	pod pod rm --force --time 0 "pod-$NAME"
}

@test "play kube: a pod of two containers, with limits, an init container and a mount" {
	mkdir "$BATS_TEST_TMPDIR/data"
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kube-$NAME
		  # one that is removed at its end podman tries to remove before it has seen that (podman's issue 18477)
		  annotations: {io.podman.annotations.init.container.type: always}
		spec:
		  initContainers:
		  - {name: first, image: "localhost/bb:1", command: [sh, -c, "echo made >/data/made"],
		     volumeMounts: [{name: data, mountPath: /data}]}
		  containers:
		  - {name: one, image: "localhost/bb:1", command: [sleep, "100"],
		     resources: {limits: {memory: 64Mi}}, volumeMounts: [{name: data, mountPath: /data}]}
		  - {name: two, image: "localhost/bb:1", command: [sleep, "100"], env: [{name: WHO, value: kube}]}
		  volumes: [{name: data, hostPath: {path: "$BATS_TEST_TMPDIR/data"}}]
	EOF
	pod play kube --network=none "$BATS_TEST_TMPDIR/pod.yaml" >&2
	[ "$(pod exec "kube-$NAME-one" cat /data/made)" = made ]
	[ "$(pod exec "kube-$NAME-two" sh -c 'echo $WHO')" = kube ]
	[ "$(pod exec "kube-$NAME-one" readlink /proc/self/ns/ipc)" = "$(pod exec "kube-$NAME-two" readlink /proc/self/ns/ipc)" ]
	[ "$(pod inspect --format '{{.HostConfig.Memory}}' "kube-$NAME-one")" = 67108864 ]
	pod play kube --down "$BATS_TEST_TMPDIR/pod.yaml" >&2
	[ -z "$(pod ps --all --quiet)" ]
}

@test "--cgroups=disabled, --cgroup-parent and --cgroupns=private" {
	# shellcheck disable=SC2016
	run once --cgroups=disabled bb:1 sh -c 'sed -n "s,.*::,,p" /proc/self/cgroup; true'
	[ "$status" -eq 0 ]
	run once --cgroup-parent "/$NAME" --cgroupns=host bb:1 cat /proc/self/cgroup
	[[ $output == *":/$NAME/libpod-"* ]]
	run once --cgroupns=private bb:1 cat /proc/self/cgroup
	[ "$(awk -F: '{ print $3 }' <<<"$output" | sort -u)" = / ]
	find /sys/fs/cgroup -depth -path "*/$NAME*" -type d -exec rmdir {} + 2>/dev/null || true
}

@test "user namespaces: --uidmap, and --userns of another container" {
	run once --uidmap 0:100000:5000 --gidmap 0:100000:5000 bb:1 sh -c 'id -u; cat /proc/self/uid_map; touch /mine && stat -c %u /mine'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[[ ${lines[1]} =~ ^\ *0\ +100000\ +5000$ ]]
	[ "${lines[2]}" = 0 ]
	pod run -d --name "$NAME" --network=none --uidmap 0:100000:5000 --gidmap 0:100000:5000 bb:1 sleep 1000
	run once --userns "container:$NAME" bb:1 sh -c 'cat /proc/self/uid_map; id -u'
	pod rm --force --time 0 "$NAME"
	[[ ${lines[0]} =~ ^\ *0\ +100000\ +5000$ ]]
	[ "${lines[1]}" = 0 ]
}

@test "hooks from a hooks directory" {
	mkdir "$BATS_TEST_TMPDIR/hooks"
	printf '#!/bin/sh\njq -r .status >>%s/said\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/hook"
	chmod +x "$BATS_TEST_TMPDIR/hook"
	jq -n --arg hook "$BATS_TEST_TMPDIR/hook" '{version: "1.0.0", when: {always: true},
		stages: ["prestart", "poststop"], hook: {path: $hook}}' >"$BATS_TEST_TMPDIR/hooks/one.json"
	pod --hooks-dir "$BATS_TEST_TMPDIR/hooks" run --rm --network=none bb:1 true
	[ "$(cat "$BATS_TEST_TMPDIR/said")" = $'creating\nstopped' ]
}

@test "a health check runs in the container" {
	pod run -d --name "$NAME" --network=none --health-cmd 'test -e /healthy' --health-interval disable bb:1 sleep 100
	run pod healthcheck run "$NAME"
	[ "$status" -eq 1 ]
	pod exec "$NAME" touch /healthy
	pod healthcheck run "$NAME"
	pod rm --force --time 0 "$NAME"
}

@test "build runs its commands" {
	mkdir "$BATS_TEST_TMPDIR/context"
	# shellcheck disable=SC2016
	printf 'FROM bb:1\nRUN echo made >/made && test "$(id -u)" = 0\nUSER 9\nCMD cat /made\n' >"$BATS_TEST_TMPDIR/context/Containerfile"
	pod build --network=none -t "built:$NAME" "$BATS_TEST_TMPDIR/context" >&2
	run once "built:$NAME"
	[ "$output" = made ]
	pod rmi "built:$NAME"
}

@test "--rootfs, also as an overlay" {
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$BATS_TEST_TMPDIR/rootfs"
	run once --rootfs "$BATS_TEST_TMPDIR/rootfs" cat /etc/hostname
	[ "$status" -eq 0 ]
	run once --rootfs "$BATS_TEST_TMPDIR/rootfs:O" sh -c 'touch /new && echo made'
	[ "$output" = made ]
	[ ! -e "$BATS_TEST_TMPDIR/rootfs/new" ]
}
