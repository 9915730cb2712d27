#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The namespaces of a container, new and joined, user namespaces, and the control groups it sees.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# with_path TYPE PATH: that namespace is joined
with_path() {
	edit_config "(.linux.namespaces |= map(select(.type != \"$1\"))) | .linux.namespaces += [{type: \"$1\", path: \"$2\"}]"
}

without() {
	edit_config ".linux.namespaces |= map(select(.type != \"$1\"))"
}

# A second bundle joins what the container $ID made.
other_bundle() {
	OTHER=$(make_bundle "$BATS_TEST_TMPDIR/other")
	FIRST_BUNDLE=$BUNDLE
	BUNDLE=$OTHER
}

file_of() {
	case $1 in
	network) echo net ;;
	mount) echo mnt ;;
	*) echo "$1" ;;
	esac
}

@test "new ones: none is the host's" {
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}]'
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	for type in pid net ipc uts mnt cgroup; do
		[ "$(readlink "/proc/$pid/ns/$type")" != "$(readlink "/proc/self/ns/$type")" ] || { echo "$type"; return 1; }
	done
	[ "$(readlink "/proc/$pid/ns/user")" = "$(readlink /proc/self/ns/user)" ]
}

@test "none named: the host's" {
	for type in network ipc uts pid; do
		without "$type"
	done
	edit_config 'del(.hostname) | .mounts |= map(select(.type != "sysfs" and .type != "mqueue" and .type != "cgroup"))
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	for type in pid net ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$type")" = "$(readlink "/proc/self/ns/$type")" ] || { echo "$type"; return 1; }
	done
}

@test "the host's network with sysfs: it is shown as the host has it, read-only" {
	without network
	run shell_in_container 'ls /sys/class/net; mkdir /sys/fs/x'
	[ "$status" -ne 0 ]
	[[ $output == *lo* ]]
	[[ $output == *"Read-only file system"* ]]
}

@test "the loopback interface of a new network namespace is up" {
	[[ $(in_container ip -o addr show lo) == *127.0.0.1/8* ]]
	[[ $(in_container cat /sys/class/net/lo/operstate) == unknown ]]
}

@test "joined by path: network, ipc, uts, each of another container" {
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	other_bundle
	edit_config 'del(.hostname)'
	for type in network ipc uts; do
		with_path "$type" "/proc/$pid/ns/$(file_of "$type")"
	done
	set_args sh -c 'for n in net ipc uts; do readlink /proc/self/ns/$n; done; hostname'
	run behalf run --bundle "$BUNDLE" "$ID-b"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$(readlink "/proc/$pid/ns/net")" ]
	[ "${lines[1]}" = "$(readlink "/proc/$pid/ns/ipc")" ]
	[ "${lines[2]}" = "$(readlink "/proc/$pid/ns/uts")" ]
	[ "${lines[3]}" = "$(jq -r .hostname "$FIRST_BUNDLE/config.json")" ]
}

@test "joined by path: pid; exec and delete of the second leave the first alone" {
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	other_bundle
	with_path pid "/proc/$pid/ns/pid"
	set_args sleep 1001
	behalf create --bundle "$BUNDLE" "$ID-b"
	behalf start "$ID-b"
	[ "$(behalf exec "$ID-b" cat /proc/1/comm)" = sleep ]
	[[ $(behalf exec "$ID" ps) == *"sleep 1001"* ]]
	behalf delete --force "$ID-b"
	[ "$(status_of "$ID")" = running ]
}

@test "joined by path: a network namespace that has a name" {
	need_program ip iproute2
	ip netns add "$ID"
	ip netns exec "$ID" ip link set lo up
	with_path network "/run/netns/$ID"
	start_sleeper
	[ "$(readlink "/proc/$(pid_of "$ID")/ns/net")" = "net:[$(stat -Lc %i "/run/netns/$ID")]" ]
	behalf delete --force "$ID"
	[ -e "/run/netns/$ID" ]
	ip netns delete "$ID"
}

@test "joined by path: cgroup, and user together with what it owns" {
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}]'
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	other_bundle
	with_path cgroup "/proc/$pid/ns/cgroup"
	set_args readlink /proc/self/ns/cgroup
	run behalf run --bundle "$BUNDLE" "$ID-b"
	[ "$status" -eq 0 ]
	[ "$output" = "$(readlink "/proc/$pid/ns/cgroup")" ]
}

@test "a path that is no namespace, of another type, or nothing is told" {
	for case in '/etc/passwd' '/proc/self/ns/uts' '/no/such/path'; do
		with_path network "$case"
		run in_container true
		[ "$status" -eq 1 ]
		[[ $output == *linux.namespaces\[*"$case"* ]] || { echo "$output"; return 1; }
	done
	[ ! -e "$STATE/$ID" ]
}

@test "the network of who creates is as before, whatever is joined" {
	need_program ip iproute2
	ip netns add "$ID"
	with_path network "/run/netns/$ID"
	set_args true
	local before
	before=$(readlink /proc/self/ns/net)
	behalf run --bundle "$BUNDLE" "$ID"
	[ "$(readlink /proc/self/ns/net)" = "$before" ]
	ip netns delete "$ID"
}

map_users() {
	edit_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
	chown -R -h 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BUNDLE"
}

@test "user namespace: root inside, nobody special outside" {
	map_users
	edit_config '.root.readonly = false'
	run shell_in_container 'id -u; cat /proc/self/uid_map | tr -s " "; touch /tmp/mine; stat -c %u /tmp/mine /proc/self /dev/null; echo x >/dev/null'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = ' 0 100000 65536' ]
	[ "${lines[2]}" = 0 ]
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/mine")" = 100000:100000 ]
}

@test "user namespace: the process is the mapped user for the host" {
	map_users
	edit_config '.process.user = {uid: 5, gid: 6, additionalGids: [7]}'
	start_sleeper
	[ "$(stat -c %u:%g "/proc/$(pid_of "$ID")")" = 100005:100006 ]
	[ "$(behalf exec "$ID" sh -c 'id -u; id -g; id -G' | paste -sd' ')" = '5 6 6 7' ]
}

@test "user namespace: exec, devices, masks, terminal settings as without" {
	map_users
	start_sleeper
	run behalf exec "$ID" sh -c 'id -u; readlink /proc/self/ns/user; head -c 1 /dev/zero | wc -c; echo 1 >/proc/sys/kernel/panic'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "$(readlink "/proc/$(pid_of "$ID")/ns/user")" ]
	[ "${lines[2]}" = 1 ]
	[ "$status" -ne 0 ]
}

@test "user namespace: joined by path, as a pod does" {
	map_users
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	other_bundle
	chown -R -h 100000:100000 "$BUNDLE/rootfs"
	for type in user network ipc uts; do
		with_path "$type" "/proc/$pid/ns/$(file_of "$type")"
	done
	edit_config 'del(.hostname)'
	set_args sh -c 'id -u; for n in user net; do readlink /proc/self/ns/$n; done'
	run behalf run --bundle "$BUNDLE" "$ID-b"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "$(readlink "/proc/$pid/ns/user")" ]
	[ "${lines[2]}" = "$(readlink "/proc/$pid/ns/net")" ]
}

@test "user namespace: maps the kernel refuses are told" {
	map_users
	edit_config '.linux.uidMappings += [{containerID: 10, hostID: 5, size: 10}]'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *uidMappings* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "cgroup: in a group of its own in every hierarchy, which goes with it" {
	start_sleeper
	local pid
	pid=$(pid_of "$ID")
	[ "$(grep -c "$ID" "/proc/$pid/cgroup")" -gt 0 ]
	[ -n "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
	behalf delete --force "$ID"
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
}

@test "cgroup: linux.cgroupsPath, absolute and relative" {
	edit_config ".linux.cgroupsPath = \"/$ID-parent/inner\""
	start_sleeper
	grep -q "/$ID-parent/inner$" "/proc/$(pid_of "$ID")/cgroup"
	behalf delete --force "$ID"
	edit_config ".linux.cgroupsPath = \"$ID-relative\""
	start_sleeper
	grep -q "$ID-relative$" "/proc/$(pid_of "$ID")/cgroup"
	behalf delete --force "$ID"
	edit_config '.linux.cgroupsPath = "../../up"'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *cgroupsPath* ]]
}

# limit FILE...: the first of these files of the container's groups that is there, read inside
limit() {
	local script=
	for file; do
		script+="for f in /sys/fs/cgroup/$file; do [ ! -e \$f ] || { cat \$f; exit; }; done; "
	done
	behalf exec "$ID" sh -c "$script"
}

has_controller() {
	find /sys/fs/cgroup -maxdepth 2 -name "$1" | grep -q . ||
		grep -qw "${1%%.*}" /sys/fs/cgroup/cgroup.controllers 2>/dev/null
}

@test "cgroup mount: the container sees its limits, and cannot change them" {
	edit_config '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 50}
		| .linux.resources.cpu = {quota: 50000, period: 100000, shares: 512}'
	start_sleeper
	[ "$(limit memory.max memory/memory.limit_in_bytes)" = 67108864 ]
	[ "$(limit pids.max pids/pids.max)" = 50 ]
	[[ $(limit cpu.max 'cpu*/cpu.cfs_quota_us') == 50000* ]]
	run behalf exec "$ID" sh -c 'echo 100 >/sys/fs/cgroup/pids/pids.max || echo 100 >/sys/fs/cgroup/pids.max'
	[ "$status" -ne 0 ]
	# its own groups only: those of the host are not there
	run behalf exec "$ID" sh -c 'find /sys/fs/cgroup -mindepth 2 -type d'
	[ -z "$output" ]
}

@test "cgroup2 mount: the container's group of cgroup v2 is its root" {
	grep -q cgroup2 /proc/self/mountinfo || skip "no cgroup v2"
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}] |
		.mounts += [{destination: "/v2", type: "cgroup2", source: "cgroup2", options: ["ro", "nosuid", "noexec", "nodev"]}]'
	run shell_in_container 'cat /v2/cgroup.procs; mkdir /v2/x; grep " /v2 " /proc/self/mountinfo'
	[ "${lines[0]}" = 1 ]
	[[ $output == *"Read-only file system"* ]]
	[[ ${lines[-1]} == *" / /v2 ro,nosuid,nodev,noexec,"*" - cgroup2 "* ]]
}

@test "cgroup mount: writable when it is not read-only, and a group made inside goes with the container" {
	edit_config '(.mounts[] | select(.type == "cgroup")).options = ["nosuid", "noexec", "nodev", "relatime"]
		| .linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}] | (.process.capabilities | .[]) = ["CAP_DAC_OVERRIDE"]'
	start_sleeper
	behalf exec "$ID" sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do [ ! -e "$d/cgroup.procs" ] || mkdir "$d/inner"; done'
	[ -n "$(find /sys/fs/cgroup -type d -path "*$ID*/inner")" ]
	behalf delete --force "$ID"
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
}

@test "cgroup namespace: the container's groups are its roots" {
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}]'
	run in_container cat /proc/self/cgroup
	[ "$status" -eq 0 ]
	[ -z "$(echo "$output" | grep -v ':/$')" ]
}

@test "the memory limit holds" {
	has_controller memory.limit_in_bytes || has_controller memory.max || skip 'no memory controller'
	edit_config '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
	run shell_in_container 'head -c 64m /dev/zero | tail -c 64m | wc -c'
	[[ $output != 67108864 ]]
}

@test "the pids limit holds" {
	edit_config '.linux.resources.pids = {limit: 5}'
	run shell_in_container 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'
	[[ $output == *"an't fork"* || $output == *"Resource temporarily unavailable"* ]]
}
