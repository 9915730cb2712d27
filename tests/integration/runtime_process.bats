#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The process of a container: user, groups, capabilities, limits, environment, terminal.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

status_line() {
	shell_in_container "grep '^$1:' /proc/self/status" | cut -f2
}

# The set of $1 as the kernel writes it: bit numbers to hexadecimal.
bits() {
	local set=0 bit
	for bit in "$@"; do
		set=$((set | 1 << bit))
	done
	printf '%016x' "$set"
}

@test "user and groups" {
	edit_config '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 1002]}'
	run shell_in_container 'id -u; id -g; id -G | tr " " "\n" | sort -n | paste -sd,'
	[ "${lines[*]}" = '1000 1001 5,1001,1002' ]
}

@test "no groups but those that are named" {
	run in_container sed -n 's/^Groups:\t*//p' /proc/self/status
	[ -z "${output// /}" ]
}

@test "umask: 0022, or what is asked for" {
	[ "$(shell_in_container umask)" = 0022 ]
	edit_config '.process.user.umask = 63'
	[ "$(shell_in_container umask)" = 0077 ]
}

@test "capabilities: each of the five sets, and not one more" {
	edit_config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_CHROOT"],
		permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_CHOWN"], ambient: ["CAP_CHOWN"]}'
	edit_config '.process.user = {uid: 1000, gid: 1000}'
	run shell_in_container 'grep ^Cap /proc/self/status'
	# a program executed by who is not root keeps what is ambient
	[ "$(echo "$output" | cut -f2 | paste -sd' ')" = "$(bits 0) $(bits 0) $(bits 0) $(bits 0 5 13 18) $(bits 0)" ]
	edit_config '.process.user = {uid: 0, gid: 0} | .process.capabilities.ambient = []'
	run shell_in_container 'grep ^Cap /proc/self/status'
	# of root the bounding set is the limit
	[[ $(echo "$output" | grep CapBnd | cut -f2) == "$(bits 0 5 13 18)" ]]
	[[ $(echo "$output" | grep CapInh | cut -f2) == "$(bits 0)" ]]
}

@test "capabilities: none named, none left" {
	edit_config 'del(.process.capabilities)'
	run shell_in_container 'grep ^Cap /proc/self/status'
	[ "$(echo "$output" | cut -f2 | sort -u)" = "$(bits)" ]
	edit_config '.process.capabilities = {}'
	run shell_in_container 'grep ^Cap /proc/self/status'
	[ "$(echo "$output" | cut -f2 | sort -u)" = "$(bits)" ]
}

@test "capabilities: what is not there cannot be used" {
	edit_config '.root.readonly = false'
	edit_config '(.process.capabilities | .[]) = ["CAP_KILL"]'
	run shell_in_container 'chown 1:1 /etc/passwd'
	[ "$status" -ne 0 ]
	run shell_in_container 'mount -t tmpfs x /mnt'
	[ "$status" -ne 0 ]
	edit_config '(.process.capabilities | .[]) = ["CAP_CHOWN"]'
	run shell_in_container 'chown 1:1 /etc/passwd'
	[ "$status" -eq 0 ]
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/etc/passwd")" = 1:1 ]
}

@test "noNewPrivileges: on and off" {
	[ "$(status_line NoNewPrivs)" = 1 ]
	edit_config '.process.noNewPrivileges = false'
	[ "$(status_line NoNewPrivs)" = 0 ]
	edit_config 'del(.process.noNewPrivileges)'
	[ "$(status_line NoNewPrivs)" = 0 ]
}

@test "rlimits: soft and hard" {
	edit_config '.process.rlimits = [
		{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
		{type: "RLIMIT_STACK", soft: 1048576, hard: 2097152}]'
	run shell_in_container 'ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -s; ulimit -Hs'
	[ "${lines[*]}" = '100 200 0 1024 2048' ]
}

@test "rlimits: one that cannot be had is told" {
	[ "$(ulimit -Hn)" != unlimited ] || skip 'no hard limit to go over'
	setpriv --bounding-set -sys_resource --inh-caps -sys_resource true || skip 'setpriv cannot'
	edit_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100000000, hard: 100000000}]'
	set_args true
	run setpriv --bounding-set -sys_resource --inh-caps -sys_resource \
		"$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"process.rlimits[0]"* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "oomScoreAdj" {
	edit_config '.process.oomScoreAdj = 123'
	[ "$(in_container cat /proc/self/oom_score_adj)" = 123 ]
}

@test "environment: exactly what is named, and HOME from /etc/passwd" {
	edit_config '.process.env = ["PATH=/bin", "A=b=c", "EMPTY="]'
	SECRET=1 run in_container env
	[ "$(echo "$output" | sort | paste -sd' ')" = 'A=b=c EMPTY= HOME=/root PATH=/bin' ]
	edit_config '.process.env = ["PATH=/bin", "HOME=/elsewhere"]'
	[ "$(shell_in_container 'echo $HOME')" = /elsewhere ]
}

@test "HOME: that of the user, or the root" {
	edit_config '.process.user = {uid: 12345, gid: 12345}'
	[ "$(shell_in_container 'echo $HOME')" = / ]
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	[ "$(shell_in_container 'echo $HOME')" = / ]
}

@test "cwd: is entered, made when it is missing, and must be inside" {
	edit_config '.process.cwd = "/tmp"'
	[ "$(in_container pwd)" = /tmp ]
	edit_config '.process.cwd = "/made/here" | .root.readonly = false'
	[ "$(in_container pwd)" = /made/here ]
	echo x >"$BUNDLE/rootfs/file"
	edit_config '.process.cwd = "/file"'
	run in_container pwd
	[ "$status" -eq 1 ]
	[[ $output == *process.cwd*/file* ]]
}

@test "cwd: one that only the user may enter, and one that only root may" {
	edit_config '.process.user = {uid: 1000, gid: 1000} | .process.cwd = "/private"'
	mkdir -m 700 "$BUNDLE/rootfs/private"
	run in_container true
	[ "$status" -eq 0 ]
	chown 1000:1000 "$BUNDLE/rootfs/private"
	run in_container ls
	[ "$status" -eq 0 ]
}

@test "args: a path, a name, a script" {
	printf '#!/bin/sh\necho script $1\n' >"$BUNDLE/rootfs/bin/script"
	chmod 755 "$BUNDLE/rootfs/bin/script"
	[ "$(in_container script a)" = 'script a' ]
	[ "$(in_container /bin/script b)" = 'script b' ]
	edit_config '.process.cwd = "/bin"'
	[ "$(in_container ./script c)" = 'script c' ]
	edit_config '.process.env = ["PATH=/nowhere:/bin"]'
	[ "$(in_container script d)" = 'script d' ]
}

@test "annotation run.oci.keep_original_groups: the caller's groups stay, also of exec" {
	edit_config '.process.user.additionalGids = [7] | .annotations["run.oci.keep_original_groups"] = "1"'
	set_args sh -c 'grep Groups: /proc/self/status'
	run setpriv --groups 4242,4243 "$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$output" = $'Groups:\t4242 4243 ' ]
	start_sleeper
	run setpriv --groups 4243 "$BEHALF" --root "$STATE" exec "$ID" grep Groups: /proc/self/status
	[ "$output" = $'Groups:\t4243 ' ]
}

@test "seccomp: what is denied fails with the errno that is named" {
	edit_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28}]}'
	run shell_in_container 'grep ^Seccomp: /proc/self/status; mkdir /tmp/x'
	[ "${lines[0]}" = "$(printf 'Seccomp:\t2')" ]
	[[ ${lines[1]} == *"No space left"* ]]
}

@test "seccomp: every action, and the flags" {
	local action want
	edit_config ".root.readonly = false"
	# action_on_mkdir ACTION [FLAG]: how it ends, and what it says
	action_on_mkdir() {
		edit_config ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\"SCMP_ARCH_X86_64\"],
			${2:+flags: [\"$2\"],} syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_$1\"}]}"
		shell_in_container 'rmdir /tmp/x 2>/dev/null; (mkdir /tmp/x 2>&1); echo $?'
	}
	while read -r action want; do
		run action_on_mkdir "$action"
		[[ $output == *$want ]] || { echo "$action: $output"; return 1; }
		[[ $action != TRACE || $output == *"not implemented"* ]]
	done <<-EOF
		KILL 159
		KILL_THREAD 159
		KILL_PROCESS 159
		TRAP 159
		ERRNO 1
		TRACE 1
		LOG 0
		ALLOW 0
	EOF
	for flag in LOG SPEC_ALLOW TSYNC; do
		run action_on_mkdir ERRNO SECCOMP_FILTER_FLAG_$flag
		[[ $output == *"not permitted"*1 ]] || { echo "$flag: $output"; return 1; }
	done
}

@test "seccomp: without no_new_privs, and in what exec adds" {
	edit_config '.process.noNewPrivileges = false | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["chmod", "fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO"}]} | .root.readonly = false'
	run shell_in_container 'chmod 700 /tmp'
	[[ $output == *"Operation not permitted"* ]]
	start_sleeper
	run behalf exec "$ID" chmod 700 /tmp
	[[ $output == *"Operation not permitted"* ]]
}

@test "hostname and domainname" {
	edit_config '.hostname = "box" | .domainname = "example.org"'
	run shell_in_container 'hostname; cat /proc/sys/kernel/domainname'
	[ "${lines[*]}" = 'box example.org' ]
	[ "$(hostname)" != box ]
}

@test "sysctl: of the network and the ipc namespace, with dots and with slashes" {
	edit_config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1",
		"net/ipv4/ping_group_range": "0 7"}'
	run shell_in_container 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ping_group_range'
	[ "$(echo "${lines[*]}" | tr -s '\t ' ' ')" = '1 1 0 7' ]
}

@test "sysctl: one of the whole host is refused" {
	for key in kernel.panic vm.overcommit_memory fs.file-max; do
		edit_config ".linux.sysctl = {\"$key\": \"1\"}"
		run in_container true
		[ "$status" -eq 1 ]
		[[ $output == *"$key"* ]]
	done
	[ ! -e "$STATE/$ID" ]
}

@test "sysctl: a value the kernel refuses is told" {
	edit_config '.linux.sysctl = {"net.ipv4.ip_forward": "many"}'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *many*net.ipv4.ip_forward* ]]
}

@test "a session, and a session keyring, of its own" {
	run in_container sh -c 'cut -d" " -f6 /proc/self/stat'
	[ "$output" = 1 ]
}

@test "signals: none blocked, none ignored, whatever the caller had" {
	set_args grep -E '^Sig(Blk|Ign):' /proc/self/status
	run bash -c 'trap "" HUP PIPE USR2; exec "$@"' _ "$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(echo "$output" | cut -f2 | sort -u)" = "$(bits)" ]
}

@test "descriptors: 0 to 2 only, however many the caller has" {
	set_args sh -c 'ls /proc/self/fd | paste -sd" "'
	[ "$(behalf run --bundle "$BUNDLE" "$ID" 3</etc 7</etc/passwd 100</dev/null)" = '0 1 2 3' ]
	start_sleeper
	[ "$(ls "/proc/$(pid_of "$ID")/fd" | paste -sd' ')" = '0 1 2' ]
	[ "$(behalf exec "$ID" sh -c 'ls /proc/self/fd | paste -sd" "' 3</etc 7</etc/passwd)" = '0 1 2 3' ]
}
