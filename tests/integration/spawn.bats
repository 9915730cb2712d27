#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Workspaces without an engine. Each test's host is a network namespace of its own, so that tests of
# other files, and whoever else is in the private network of this machine, are not in the way.
# timeout: 400
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside

# shellcheck source=tests/integration/helpers.bash
load helpers # here, and not in setup: some of it is replaced below

bats_require_minimum_version 1.5.0

# shellcheck disable=SC2034 # read by begin
BUNDLE_FOR_EACH_TEST=

setup() {
	need_root
	need_verb spawn
	need_program nsenter util-linux
	HOST_NET=$BATS_TEST_TMPDIR/host-net
	touch "$HOST_NET"
	unshare --net="$HOST_NET" ip link set lo up
	begin
}

teardown() {
	local failed=0
	end || failed=1
	umount "$HOST_NET"
	return $failed
}

on_host() {
	nsenter --net="$HOST_NET" "$@"
}

behalf() {
	nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" "$@"
}

# With a name that leads to this test.
spawn() {
	case " $* " in
	*" --name "*) behalf spawn "$@" ;;
	*) behalf spawn --name "$ID-$RANDOM" "$@" ;;
	esac
}

address_of() {
	behalf state "$1" | jq -re '.annotations["io.behalf.address"]'
}

# Starts a workspace in the background, signals reach it at $SUPERVISOR.
spawn_in_background() {
	nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" spawn --name "$ID" "$@" \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	SUPERVISOR=$!
	wait_until 10 has_status "$ID" running
}

# Waits for it, and leaves its exit status in $status as `run` does.
await_supervisor() {
	status=0
	wait "$SUPERVISOR" || status=$?
}

# Only what is ours: workspaces of others may come and go meanwhile.
what_there_is() {
	awk '{ print "mount", $5 }' /proc/self/mountinfo | grep -F -e "$STATE"
	find /sys/fs/cgroup -type d 2>/dev/null | grep -F -e "behalf-$ID" | sed 's/^/cgroup /'
	on_host ip -o link 2>/dev/null | grep -v ' lo: ' | sed 's/^/link /'
	find "/run/behalf-net.$(stat -L -c %i "$HOST_NET")" 2>/dev/null | sed 's/^/lease /'
	find "$STATE" -mindepth 1 2>/dev/null | sed 's/^/state /'
	pgrep -f -- "$ID" | sed 's/^/process /'
	true
}

# group_file V1-NAME V2-NAME prints what the workspace's group says.
group_file() {
	local file
	file=$(find /sys/fs/cgroup -path "*/behalf-$ID/$1" -o -path "*/behalf-$ID/$2" | head -n 1)
	cat "${file:?no $1 or $2}"
}

# --- the command

@test "the exit status is the command's" {
	run spawn true
	[ "$status" -eq 0 ]
	run spawn -- sh -c 'exit 42'
	[ "$status" -eq 42 ]
	run spawn -- sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
	run spawn -- sh -c 'kill -ABRT $$'
	[ "$status" -eq 134 ]
}

@test "a command that cannot be executed is told from one that fails" {
	run -127 spawn no-such-command
	[[ $output == *"'no-such-command'"* ]]
	run -127 spawn /no/such/file
	run spawn /etc/passwd
	[ "$status" -eq 126 ]
	[[ $output == *"'/etc/passwd'"* ]]
	run spawn --name a/b true
	[ "$status" -eq 125 ]
}

@test "standard streams are the command's" {
	run bash -c "echo in | nsenter --net='$HOST_NET' '$BEHALF' --root '$STATE' spawn -- sh -c 'cat; echo err >&2' 2>/dev/null"
	[ "$output" = in ]
}

@test "signals end a command that does not handle them, and reach one that does" {
	for pair in TERM:143 INT:130 HUP:129 QUIT:131 USR1:138; do
		spawn_in_background sleep 100
		kill "-${pair%:*}" "$SUPERVISOR"
		await_supervisor
		[ "$status" -eq "${pair#*:}" ] || { echo "$pair: $status"; return 1; }
	done
	spawn_in_background -- sh -c 'trap "exit 9" USR2; echo ready; while :; do sleep 0.05; done'
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -USR2 "$SUPERVISOR"
	await_supervisor
	[ "$status" -eq 9 ]
}

@test "environment, working directory and user" {
	run env GIVEN=given bash -c "nsenter --net='$HOST_NET' '$BEHALF' --root '$STATE' spawn \
		--env A=1 --env GIVEN --env ABSENT --workdir /usr -- sh -c 'echo \$A \$GIVEN \$container \$HOME; pwd; env'"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "1 given behalf /root" ]
	[ "${lines[1]}" = /usr ]
	[[ $output != *ABSENT* ]]
	run spawn --user nobody -- sh -c 'id -u; id -g; grep CapEff /proc/self/status; touch /etc/x'
	[ "${lines[0]}" = 65534 ]
	[ "${lines[1]}" = "$(id -g nobody)" ]
	[[ ${lines[2]} =~ 0000000000000000$ ]]
	[ "$status" -ne 0 ]
	run spawn --user 4242 -- sh -c 'id -u; id -g; id -G'
	[ "$output" = $'4242\n0\n0' ]
	run spawn --user 4242:33 -- sh -c 'id -u; id -g'
	[ "$output" = $'4242\n33' ]
	run spawn --user nobody:daemon -- sh -c 'id -gn; id -G'
	[ "$output" = $'daemon\n1' ]
	run spawn --user no-such-user true
	[ "$status" -eq 125 ]
	[[ $output == *"'no-such-user'"* ]]
	run spawn --user 4294967295 true
	[ "$status" -eq 125 ]
}

@test "a user is looked up inside the root, whatever its links say" {
	make_rootfs
	local root=$BATS_TEST_TMPDIR/tricky
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$root"
	echo 'eve:x:7:8:eve:/:/bin/sh' >"$root/etc/real"
	ln -sf ../../../../../../../../etc/real "$root/etc/passwd"
	run spawn --rootfs "$root" --user eve -- id -u
	[ "$output" = 7 ]
	run spawn --rootfs "$root" --user root true
	[ "$status" -eq 125 ]
	rm "$root/etc/passwd"
	mkfifo "$root/etc/passwd"
	run timeout 10 nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" spawn --rootfs "$root" --user eve true
	[ "$status" -eq 125 ]
}

@test "the command is not the first process, but its orphans do not stay" {
	run spawn -- sh -c '(sleep 0.1 & ) ; for i in $(seq 50); do
		sleep 0.1
		ps ax -o comm= | grep -q sleep || break
	done; ps ax -o pid=,stat=,comm='
	[[ $output != *sleep* ]]
	run spawn -- sh -c 'echo $$; tr "\0" "\n" </proc/1/comm'
	[ "${lines[0]}" -gt 1 ]
	[ "${lines[1]}" = behalf-init ]
	# and does not let the root inside look at the program outside
	run spawn -- sh -c 'readlink /proc/1/exe || echo hidden; cat /proc/1/environ || echo hidden; ls /proc/1/fd'
	[[ $output == *hidden*hidden* ]]
	run spawn -- sh -c 'kill -KILL 1; sleep 0.1; echo alive'
	[ "$output" = alive ]
}

# --- files

@test "the root is the host's, and what is changed in it vanishes" {
	local mark=/etc/behalf-test-$ID
	run spawn -- sh -c "touch $mark && rm /etc/hostname && echo changed >/etc/passwd && ls $mark"
	[ "$status" -eq 0 ]
	[ "$output" = "$mark" ]
	[ ! -e "$mark" ]
	run spawn -- sh -c "ls $mark; head -n 1 /etc/passwd"
	[[ $output == *root:* ]]
	[ "$(spawn -- sh -c 'ls -A /tmp /run | wc -w')" -eq 2 ]
	[ "$(spawn -- cat /etc/os-release)" = "$(cat /etc/os-release)" ]
}

@test "file systems that the host has mounted in its root are there, and are not changed either" {
	run unshare -m bash -c "
		mount -t tmpfs none /opt && mkdir /opt/deep && echo data >/opt/deep/file &&
		nsenter --net='$HOST_NET' '$BEHALF' --root '$STATE' spawn -- \
			sh -c 'cat /opt/deep/file; echo more >/opt/deep/file; touch /opt/new; ls /opt' &&
		cat /opt/deep/file && ls /opt"
	[ "$status" -eq 0 ]
	[ "$output" = $'data\ndeep\nnew\ndata\ndeep' ]
}

@test "it knows its name and address" {
	run spawn --name "$ID" -- sh -c 'hostname; cat /etc/hostname; grep -c localhost /etc/hosts; getent hosts $(hostname)'
	[ "${lines[0]}" = "$ID" ]
	[ "${lines[1]}" = "$ID" ]
	[[ ${lines[3]} =~ ^10\.177\.0\.2\ +$ID$ ]]
	[ "$(hostname)" != "$ID" ]
}

@test "--bind shows the host's files, --bind :ro does not let them be changed" {
	mkdir "$BATS_TEST_TMPDIR/shared"
	run spawn --bind "$BATS_TEST_TMPDIR/shared:/mnt/rw" --bind "$BATS_TEST_TMPDIR/shared:/mnt/ro:ro" -- \
		sh -c 'touch /mnt/rw/made; ls /mnt/ro; touch /mnt/ro/x || echo refused'
	[[ $output == *made*refused* ]]
	[ -e "$BATS_TEST_TMPDIR/shared/made" ]
	[ ! -e /mnt/rw ]
	run spawn --bind /no/such/dir:/mnt true
	[ "$status" -eq 125 ]
	[[ $output == *"/no/such/dir"* ]]
	run spawn --bind /tmp true
	[ "$status" -eq 125 ]
	run spawn --bind /tmp:mnt true
	[ "$status" -eq 125 ]
	run spawn --bind /tmp:/mnt:rx true
	[ "$status" -eq 125 ]
	[[ $output == *"'rx'"* ]]
}

@test "--read-only makes the root read-only, and not /tmp" {
	run spawn --read-only -- sh -c 'touch /etc/x || echo refused; touch /tmp/x /run/x /dev/shm/x && echo written'
	[[ $output == *refused*written* ]]
}

@test "--rootfs runs in another root, :O leaves it unchanged" {
	make_rootfs
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$BATS_TEST_TMPDIR/a, b=c"
	run spawn --rootfs "$BATS_TEST_TMPDIR/a, b=c:O" -- sh -c 'touch /made; ls /made; ls /usr'
	[ "${lines[0]}" = /made ]
	[ ! -e "$BATS_TEST_TMPDIR/a, b=c/made" ]
	run spawn --rootfs "$BATS_TEST_TMPDIR/a, b=c" -- touch /made
	[ "$status" -eq 0 ]
	[ -e "$BATS_TEST_TMPDIR/a, b=c/made" ]
	run spawn --rootfs /no/such/root true
	[ "$status" -eq 125 ]
	[[ $output == *"/no/such/root"* ]]
}

@test "processes, hosts and message queues of the host are not there" {
	run spawn -- sh -c 'ps ax -o pid= | wc -l; readlink /proc/self/ns/*'
	[ "${lines[0]}" -le 5 ]
	for ns in pid mnt ipc uts cgroup net; do
		[[ $output != *"$(readlink "/proc/self/ns/$ns")"* ]] || { echo "$ns is the host's"; return 1; }
	done
	[ "$(spawn -- cat /proc/self/cgroup | cut -d: -f3 | sort -u)" = / ]
}

# --- the network

@test "two workspaces reach each other and the host, and the host reaches them" {
	need_program python3 python3-minimal
	local serve='import socket
s = socket.create_server(("0.0.0.0", 7000))
while True:
	c, who = s.accept(); c.sendall((who[0] + "\n").encode()); c.close()'
	local ask='import socket, sys
print(socket.create_connection((sys.argv[1], 7000), 5).recv(100).decode(), end="")'
	spawn --name "$ID" --detach -- python3 -c "$serve"
	spawn --name "$ID-2" --detach -- sleep 100
	local first second
	first=$(address_of "$ID")
	second=$(address_of "$ID-2")
	[ "$first" = 10.177.0.2 ]
	[ "$second" = 10.177.0.3 ]
	wait_until 5 on_host python3 -c "$ask" "$first"
	[ "$(on_host python3 -c "$ask" "$first")" = 10.177.0.1 ]
	[ "$(behalf exec "$ID-2" python3 -c "$ask" "$first")" = "$second" ]
	# without a shell between, which would be what is killed
	nsenter --net="$HOST_NET" python3 -c "$serve" 3>&- &
	local server=$!
	wait_until 5 on_host python3 -c "$ask" 10.177.0.1
	[ "$(behalf exec "$ID-2" python3 -c "$ask" 10.177.0.1)" = "$second" ]
	kill $server
	[ "$(on_host ip -o link show master behalf0 | wc -l)" -eq 2 ]
}

@test "addresses are given back and given out again, and the bridge goes with the last one" {
	spawn --name "$ID" --detach sleep 100
	spawn --name "$ID-2" --detach sleep 100
	behalf delete --force "$ID"
	on_host ip link show behalf0
	run spawn -- sh -c 'ip -o -4 addr show eth0; ip route'
	[[ $output == *" 10.177.0.2/16 "*"default via 10.177.0.1 "* ]]
	on_host ip link show bh3
	behalf delete --force "$ID-2"
	run on_host ip link show behalf0
	[ "$status" -ne 0 ]
}

@test "many at once get different addresses" {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		spawn --name "$ID-$i" --detach sleep 100 >/dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(for i in 1 2 3 4 5 6 7 8; do address_of "$ID-$i"; done | sort -u | wc -l)" -eq 8 ]
	for i in 1 2 3 4 5 6 7 8; do behalf delete --force "$ID-$i" 3>&- & done
	wait
}

@test "--net none has loopback only, --net host is the host's" {
	run spawn --net none -- ip -br link
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == lo*LOOPBACK,UP* ]]
	on_host ip link add marker type bridge
	run spawn --net host -- ip -br link
	[[ $output == *marker* ]]
	on_host ip link del marker
	run spawn --net bridge true
	[ "$status" -eq 125 ]
	[[ $output == *"'bridge'"* ]]
}

@test "--subnet chooses the addresses; one that the host uses is refused" {
	run spawn --subnet 10.99.1.0/24 -- ip -o -4 addr show eth0
	[[ $output == *" 10.99.1.2/24 "* ]]
	on_host ip link add there type bridge
	on_host ip addr add 10.99.0.1/16 dev there
	on_host ip link set there up
	run spawn --subnet 10.99.1.0/24 true
	[ "$status" -eq 125 ]
	[[ $output == *"10.99.0.0/16"* ]]
	on_host ip link del there
	run spawn --subnet 10.99.1.1/24 true
	[ "$status" -eq 125 ]
	run spawn --net none --subnet 10.99.1.0/24 true
	[ "$status" -eq 125 ]
}

# --- terms

@test "limits are in the kernel, and told by state" {
	spawn --name "$ID" --detach --cpu-limit 0.5 --cpu-reserve 0.25 --memory-limit 64m --pids-limit 50 \
		--cpuset-cpus 0 sleep 100
	run group_file cpu.cfs_quota_us cpu.max
	[[ $output == 50000 || $output == "50000 100000" ]]
	run group_file cpu.shares cpu.weight
	[[ $output == 16384 || $output == 625 ]]
	[ "$(group_file memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(group_file pids.max pids.max)" = 50 ]
	[ "$(group_file cpuset.cpus cpuset.cpus)" = 0 ]
	if find /sys/fs/cgroup -path "*behalf-$ID/memory.memsw.limit_in_bytes" | grep -q .; then
		[ "$(group_file memory.memsw.limit_in_bytes none)" = 67108864 ]
	fi
	behalf state "$ID" | jq -e '.annotations | .["io.behalf.cpu.limit"] == "0.5" and
		.["io.behalf.cpu.reserve"] == "0.25" and .["io.behalf.memory.limit"] == "64MiB" and
		.["io.behalf.cpuset.cpus"] == "0"'
}

@test "who is promised the network weighs what the plan has for its threads" {
	on_host ip link add wan type veth peer name outside
	on_host ip link set wan up
	on_host ip link set outside up
	export BEHALF_UPLINK=wan=100mbit
	spawn --name "$ID" --detach --net-ingress-reserve 40mbit sleep 100
	on_host ip link del wan
	weight=$(group_file cpu.shares cpu.weight)
	[ "$weight" -gt 0 ]
	[[ $weight != 1024 && $weight != 100 ]]
}

@test "a memory limit holds, also for files that are written" {
	run spawn --memory-limit 32m -- sh -c 'head -c 100m /dev/zero | tail -c 100m | wc -c'
	[ "$output" != 104857600 ]
	# the one that takes it, and now and then the shell first
	[[ $output =~ "has run into its memory limit: "[123]" of its processes w"(as|ere)" killed" ]]
	run spawn --memory-limit 32m -- sh -c 'head -c 100m /dev/zero >/root/file; [ $(stat -c %s /root/file) -eq 104857600 ]'
	[ "$status" -ne 0 ]
}

@test "a CPU limit holds" {
	run spawn --cpu-limit 0.2 -- sh -c 'timeout 2 sh -c "while :; do :; done"; times'
	# the second line of times: user and system time of children, as 0m0.40s
	used=$(sed -E 's/0m([0-9.]+)s 0m([0-9.]+)s/\1 \2/' <<<"${lines[1]}" | awk '{ print $1 + $2 }')
	echo "used $used of 2 s"
	awk -v used="$used" 'BEGIN { exit !(used < 0.55) }'
}

@test "a reserve is kept beside neighbours that take what they can" {
	local i cpu=$(($(getconf _NPROCESSORS_ONLN) - 1)) used
	for i in 1 2 3; do
		spawn --name "$ID-$i" --detach --cpuset-cpus $cpu -- sh -c 'while :; do :; done'
	done
	used=$(spawn --name "$ID" --cpu-reserve 0.6 --cpuset-cpus $cpu -- \
		sh -c 'timeout 3 sh -c "while :; do :; done"; times' |
		sed -nE '2s/0m([0-9.]+)s 0m([0-9.]+)s/\1 \2/p' | awk '{ print $1 + $2 }')
	echo "used $used of 3 s beside three neighbours on CPU $cpu"
	awk -v used="$used" 'BEGIN { exit !(used >= 1.8) }'
}

@test "reserves are promised only as far as there are CPUs" {
	local cpus
	cpus=$(getconf _NPROCESSORS_ONLN)
	spawn --name "$ID" --detach --cpu-reserve "$((cpus - 1)).6" sleep 100
	run spawn --cpu-reserve 0.5 true
	[ "$status" -eq 125 ]
	[[ $output == *CPU*"would fit with cpu-reserve 0."* ]]
	run spawn --cpu-reserve 0.2 true
	[ "$status" -eq 0 ]
	# one that has ended holds nothing
	behalf kill "$ID" KILL
	wait_until 10 test ! -e "$STATE/$ID"
	run spawn --cpu-reserve 0.5 true
	[ "$status" -eq 0 ]
	run spawn --cpuset-cpus 0 --cpu-reserve 1.1 true
	[ "$status" -eq 125 ]
	[[ $output == *"CPU 0"* ]]
}

@test "a term that is not kept is refused, in one sentence that names it" {
	# the test's network has no uplink, and this host not those disks
	for term in "net-ingress-reserve 1mbit" "net-ingress-share 5" "disk-write-share 8:255:1" \
		"disk-read-limit 8:255:1MB/s" "disk-write-reserve /dev/none:1MB/s" \
		"disk-read-reserve-iops /dev/null:10iops" "disk-read-limit /etc/passwd:1MB/s" \
		"net-strict threaded --net none"; do
		# shellcheck disable=SC2086
		run spawn --$term true
		[ "$status" -eq 125 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"${term%% *}"* ]]
	done
	while read -r wrong; do
		# shellcheck disable=SC2086
		run spawn $wrong true
		[ "$status" -eq 125 ] || { echo "$wrong: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"${wrong%% *}"* ]]
	done <<-'END'
		--cpu-limit 0
		--cpu-limit -1
		--cpu-limit 0.0001
		--cpu-limit 0.005
		--cpu-limit two
		--cpu-reserve 1.5.5
		--cpu-reserve 100000
		--memory-limit 64q
		--memory-limit 0
		--pids-limit many
		--cpuset-cpus 0-
		--cpuset-cpus 4000
		--cpuset-cpus x
		--no-such-option x
	END
	run spawn --cpu-reserve 1 --cpu-limit 0.5 true
	[ "$status" -eq 125 ]
	[[ $output == *"cpu.reserve 1 is more than cpu.limit 0.5 "* ]]
	run spawn
	[ "$status" -eq 125 ]
}

# --- detached, and what is left

@test "a detached workspace is told by its name, and cleans up after itself" {
	run behalf spawn --detach --bind "$BATS_TEST_TMPDIR:/mnt" -- sh -c 'until [ -e /mnt/end ]; do sleep 0.1; done'
	[ "$status" -eq 0 ]
	[[ $output =~ ^w-[0-9a-f]{8}$ ]]
	has_status "$output" running
	touch "$BATS_TEST_TMPDIR/end"
	wait_until 10 test ! -e "$STATE/$output"
	run -127 spawn --detach no-such-command
	[[ $output == *"'no-such-command'"* ]]
}

@test "state, list, exec, kill and delete work on a detached workspace" {
	run spawn --name "$ID" --detach --output "$BATS_TEST_TMPDIR/said" -- sh -c 'echo hello; echo oops >&2; exec sleep 100'
	[ "$output" = "$ID" ]
	wait_until 5 grep -q oops "$BATS_TEST_TMPDIR/said"
	[ "$(cat "$BATS_TEST_TMPDIR/said")" = $'hello\noops' ]
	[[ $(behalf list --quiet) == "$ID" ]]
	run behalf exec "$ID" sh -c 'hostname; exit 3'
	[ "$output" = "$ID" ]
	[ "$status" -eq 3 ]
	run spawn --name "$ID" true
	[ "$status" -eq 125 ]
	[[ $output == *"'$ID'"* ]]
	behalf kill "$ID"
	wait_until 10 test ! -e "$STATE/$ID"
	spawn --name "$ID" --detach sleep 100
	behalf delete --force "$ID"
	[ ! -e "$STATE/$ID" ]
	# the supervisor of the one must not take the next of the same name with it
	spawn --name "$ID" --detach sleep 100
	sleep 0.5
	has_status "$ID" running
}

@test "a detached workspace does not hold the caller's streams" {
	run timeout 10 bash -c "nsenter --net='$HOST_NET' '$BEHALF' --root '$STATE' spawn --name '$ID' --detach sleep 100 | cat"
	[ "$status" -eq 0 ]
	[ "$output" = "$ID" ]
}

@test "nothing goes on when the supervisor is killed, and delete --force clears the rest" {
	spawn_in_background sh -c "sleep 100; true $ID-marker"
	kill -KILL "$SUPERVISOR"
	await_supervisor
	[ "$status" -eq 137 ]
	wait_until 5 has_status "$ID" stopped
	run pgrep -f "$ID-marker"
	[ "$status" -ne 0 ]
	behalf delete --force "$ID"
	run find /sys/fs/cgroup -name "behalf-$ID"
	[ -z "$output" ]
	run on_host ip link show behalf0
	[ "$status" -ne 0 ]
}

@test "spawn killed at any moment leaves only what delete --force clears" {
	local i
	for i in $(seq 40); do
		nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" spawn --name "$ID" --cpu-limit 0.5 sleep 100 3>&- &
		sleep "0.$(printf '%03d' $((RANDOM % 60)))"
		kill -KILL $! 2>/dev/null || true
		wait $! || true
		behalf delete --force "$ID"
		[ -z "$(find /sys/fs/cgroup -name "behalf-$ID")" ] || { echo "round $i left a cgroup"; return 1; }
		[ -z "$(ls -A "$STATE" 2>/dev/null)" ] || { echo "round $i left in the state directory:"; ls -A "$STATE"; return 1; }
		[ "$(on_host ip -o link | wc -l)" -eq 1 ] || { echo "round $i left a link"; return 1; }
	done
	run spawn true
	[ "$status" -eq 0 ]
}

@test "a detached workspace keeps neither the caller's directory nor its descriptors" {
	mkdir "$BATS_TEST_TMPDIR/here"
	(cd "$BATS_TEST_TMPDIR/here" && exec 7</dev/null && spawn --name "$ID" --detach sleep 100)
	local supervisor
	supervisor=$(awk '/^PPid/ { print $2 }' "/proc/$(behalf state "$ID" | jq .pid)/status")
	[ "$(readlink "/proc/$supervisor/cwd")" = / ]
	[ ! -e "/proc/$supervisor/fd/7" ]
	# and the command has none but the standard ones
	run behalf exec "$ID" sh -c 'ls /proc/2/fd'
	[ "$output" = $'0\n1\n2' ]
}

# --- the terminal

@test "--tty gives a terminal of the right size; Ctrl-C reaches the command, not us" {
	need_program expect
	cat >"$BATS_TEST_TMPDIR/talk" <<-'END'
		set timeout 10
		proc want {what} {
			expect {
				-re $what {}
				default { puts "no '$what'"; exit 1 }
			}
		}
		spawn -noecho {*}$argv
		exec stty rows 33 columns 77 <$spawn_out(slave,name)
		want "# "
		send "stty size; tty; echo a\$((40+2))b\r"
		want "33 77"
		want "/dev/pts/"
		want "a42b"
		want "# "
		send "echo sl\$((1+1))ps; sleep 100\r"
		want "sl2ps"
		sleep 0.3
		send "\003"
		want "# "
		exec stty rows 40 columns 100 <$spawn_out(slave,name)
		send "until stty size | grep 100; do sleep 0.1; done\r"
		want "40 100"
		want "# "
		send "exit 5\r"
		expect eof
		exit [lindex [wait] 3]
	END
	run expect "$BATS_TEST_TMPDIR/talk" nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" \
		spawn --tty --env PS1='# ' -- bash --norc --noprofile
	[ "$status" -eq 5 ]
	run spawn --tty --detach true
	[ "$status" -eq 125 ]
}

@test "Ctrl-C without --tty ends the command" {
	need_program expect
	cat >"$BATS_TEST_TMPDIR/talk" <<-'END'
		set timeout 1
		spawn -noecho {*}$argv
		expect -timeout 20 up
		# between fork and exec dash's children heed no signal: one presses it again
		for {set i 0} {$i < 20} {incr i} {
			send "\003"
			expect eof break
		}
		exit [lindex [wait] 3]
	END
	run expect "$BATS_TEST_TMPDIR/talk" nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" \
		spawn -- sh -c 'echo up; sleep 100'
	[ "$status" -eq 130 ]
	# a shell that waits for a child ends when the child does: both are to get it
	run expect "$BATS_TEST_TMPDIR/talk" nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" \
		spawn -- sh -c '(sleep 0.5; echo up) & sleep 100; echo down'
	[ "$status" -eq 130 ]
}

@test "Ctrl-Z without --tty stops the command, and it goes on with the job" {
	need_program expect
	cat >"$BATS_TEST_TMPDIR/talk" <<-'END'
		set timeout 10
		proc want {what} {
			expect {
				-re $what {}
				default { puts "no '$what'"; exit 1 }
			}
		}
		spawn -noecho bash --norc --noprofile -i
		send "[lindex $argv 0]\r"
		want "tick 2"
		send "\032"
		want "Stopped"
		send "echo in\$((40+2))front\r"
		want "in42front"
		send "fg\r"
		want "tick"
		send "\003"
		send "echo status=\$?.\r"
		want "status=130"
	END
	cat >"$BATS_TEST_TMPDIR/job" <<-END
		#!/bin/sh
		exec nsenter --net="$HOST_NET" "$BEHALF" --root "$STATE" spawn -- \\
			sh -c 'i=0; while :; do i=\$((i+1)); echo tick \$i; sleep 0.2; done'
	END
	chmod +x "$BATS_TEST_TMPDIR/job"
	run expect "$BATS_TEST_TMPDIR/talk" "$BATS_TEST_TMPDIR/job"
	echo "$output"
	[ "$status" -eq 0 ]
}
