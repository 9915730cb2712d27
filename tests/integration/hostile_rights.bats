#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# What a container may do with what it is given: capabilities, groups, keys, devices, sysctls, cgroups,
# mappings of users, its terminal, its masks. Each is a known way out of other runtimes, or a way to try.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	helpers_dir=$BUILD_DIR/tests/integration
	[ -x "$helpers_dir/hostile" ] || skip 'the helpers are not built'
	begin
	OUTSIDE=$BATS_TEST_TMPDIR/outside
	mkdir "$OUTSIDE"
}
teardown() { end; }

capabilities_of_status() {
	grep -E '^Cap(Inh|Amb)' | awk '{ print $2 }' | sort -u
}

@test "CVE-2022-29162, CVE-2022-27650: nothing is inheritable or ambient that was not asked for" {
	set_args sleep 1000
	behalf run --detach --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" 2>&1
	[ "$(grep -E '^Cap(Inh|Amb)' "/proc/$(pid_of "$ID")/status" | capabilities_of_status)" = 0000000000000000 ]
	[ "$(behalf exec "$ID" cat /proc/self/status | capabilities_of_status)" = 0000000000000000 ]
	[ "$(behalf exec --cap CAP_NET_RAW --cap CAP_SYS_PTRACE "$ID" cat /proc/self/status |
		capabilities_of_status)" = 0000000000000000 ]
	# another user could not have it otherwise, and has no more than that
	[ "$(behalf exec --cap CAP_NET_RAW --user 1000 "$ID" cat /proc/self/status |
		capabilities_of_status)" = 0000000000002000 ]
}

@test "ambient capabilities: only those that are permitted and inheritable too" {
	edit_config '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_NET_RAW"], "permitted": ["CAP_KILL"],
		"effective": ["CAP_KILL"], "inheritable": [], "ambient": ["CAP_KILL", "CAP_NET_RAW"]}'
	run in_container grep CapAmb /proc/self/status
	[[ $status -ne 0 || $output == *0000000000000000 ]]
}

@test "setgroups: the groups of who starts it are not the container's" {
	set_args sh -c 'id -G; sleep 0'
	run setpriv --groups 4242,4243 "$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$output" = 0 ]
	start_sleeper
	run setpriv --groups 4242,4243 "$BEHALF" --root "$STATE" exec "$ID" id -G
	[ "$output" = 0 ]
	run setpriv --groups 4242,4243 "$BEHALF" --root "$STATE" exec --user 1000:1000 "$ID" id -G
	[ "$output" = 1000 ]
}

@test "keyrings: the keys of who starts it are not found, in run and in exec" {
	[ -e /proc/keys ] || skip "the kernel has no keys"
	cp "$helpers_dir/hostile" "$BUNDLE/rootfs/hostile"
	run "$helpers_dir/hostile" with-key of-the-host "$helpers_dir/hostile" find-key of-the-host
	[ "$output" = 'key found' ] || skip "no key can be added here: $output"
	set_args /hostile find-key of-the-host
	run "$helpers_dir/hostile" with-key of-the-host "$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$output" = 'no key' ]
	start_sleeper
	run "$helpers_dir/hostile" with-key of-the-host "$BEHALF" --root "$STATE" exec "$ID" /hostile find-key of-the-host
	[ "$output" = 'no key' ]
}

@test "devices: a node that the image or the container brings opens only when it is allowed" {
	mknod "$BUNDLE/rootfs/kmsg" c 1 11
	mknod "$BUNDLE/rootfs/disk" b 254 0
	edit_config '.root.readonly = false | (.process.capabilities | .[]) += ["CAP_MKNOD", "CAP_DAC_OVERRIDE"]'
	run shell_in_container 'mknod /tmp/kmsg c 1 11; mknod /tmp/port c 1 4; for f in /kmsg /disk /tmp/kmsg /tmp/port; do
		(exec 3<$f) 2>/dev/null && echo "opened $f"; (exec 3>$f) 2>/dev/null && echo "opened $f"; done; exit 0'
	[ "$output" = "" ]
	# through one hole only that one device, and only for that
	edit_config '.linux.resources.devices += [{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]
		| (.process.capabilities | .[]) += ["CAP_SYSLOG"]'
	run shell_in_container 'for f in /kmsg /disk; do (exec 3<$f) 2>/dev/null && echo "read $f"
		(exec 3>$f) 2>/dev/null && echo "written $f"; done; exit 0'
	[ "$output" = "read /kmsg" ]
}

@test "devices: the container cannot allow itself more" {
	edit_config '(.process.capabilities | .[]) += ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"]
		| (.mounts[] | select(.type == "cgroup")).options -= ["ro"]'
	mknod "$BUNDLE/rootfs/kmsg" c 1 11
	run shell_in_container 'for f in $(find /sys/fs/cgroup -name devices.allow); do echo a >$f; done 2>/dev/null
		mkdir /tmp/cg; mount -t cgroup -o devices devices /tmp/cg 2>/dev/null
		for f in $(find /tmp/cg -name devices.allow); do echo a >$f; done 2>/dev/null
		(exec 3</kmsg) 2>/dev/null && echo opened; exit 0'
	[[ $output != *opened* ]]
}

@test "CVE-2022-0492: no release agent can be set" {
	edit_config '(.process.capabilities | .[]) += ["CAP_DAC_OVERRIDE"]'
	run shell_in_container 'for f in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release); do
		(echo /cmd >$f) 2>/dev/null && echo "wrote $f"; done; exit 0'
	[ "$output" = "" ]
}

@test "sysctl: names that climb out of the network's or the ipc namespace's part" {
	local key before
	before=$(cat /proc/sys/kernel/core_pattern)
	for key in net/../kernel/core_pattern net.ipv4.../../../kernel/core_pattern net//../kernel/core_pattern \
		/proc/sys/kernel/core_pattern ../kernel/core_pattern kernel/msgmax/../core_pattern \
		kernel.core_pattern kernel/core_pattern fs.mqueue/../../kernel/core_pattern; do
		edit_config ".linux.sysctl = {\"$key\": \"|/evil\"}"
		run in_container true
		[ "$status" -eq 1 ] || { echo "$key: $output"; return 1; }
		[ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ]
	done
}

@test "sysctl: of the network, ipc or uts when those are the host's are refused" {
	local what type key
	for what in network:net.ipv4.ip_forward ipc:kernel.shm_rmid_forced ipc:fs.mqueue.msg_max uts:kernel.domainname; do
		type=${what%%:*} key=${what#*:}
		cp "$BUNDLE/config.json" "$BATS_TEST_TMPDIR/saved"
		edit_config "del(.linux.namespaces[] | select(.type == \"$type\")) | del(.hostname)
			| .mounts |= map(select(.type != \"sysfs\" and .type != \"mqueue\")) | .linux.sysctl = {\"$key\": \"1\"}"
		run in_container true
		[ "$status" -eq 1 ] || { echo "$key: $output"; return 1; }
		[[ $output == *"$key"* ]]
		cp "$BATS_TEST_TMPDIR/saved" "$BUNDLE/config.json"
	done
}

# With `map SIZE HOST`: the container's root is HOST of the host.
map() {
	edit_config ".linux.namespaces |= (map(select(.type != \"user\")) + [{\"type\": \"user\"}])
		| .linux.uidMappings = [{\"containerID\": 0, \"hostID\": $2, \"size\": $1}]
		| .linux.gidMappings = .linux.uidMappings"
}

@test "user namespace: maps that are empty, overlap, or go over the end are refused in a sentence" {
	local try
	for try in '0 100000' '4294967295 1' '2 4294967295' '1 4294967296' '-1 0'; do
		# shellcheck disable=SC2086 # two words
		map $try
		run in_container true
		[ "$status" -eq 1 ] || { echo "$try: $output"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
	done
	map 1 100000
	edit_config '.linux.uidMappings += [{"containerID": 0, "hostID": 200000, "size": 1}]'
	run in_container true
	[ "$status" -eq 1 ]
	# CVE-2021-43784: more of them than fits a message, or the kernel
	edit_config '.linux.uidMappings = [range(0; 4000) | {"containerID": ., "hostID": (100000 + . * 2), "size": 1}]'
	run in_container true
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[ ! -e "$STATE/$ID" ]
}

@test "user namespace: root inside cannot map itself anew, nor read what is root's outside" {
	map 65536 100000
	chown -R 100000:100000 "$BUNDLE/rootfs"
	echo secret >"$BUNDLE/rootfs/of-root"
	chown 0:0 "$BUNDLE/rootfs/of-root"
	chmod 600 "$BUNDLE/rootfs/of-root"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
	edit_config "(.process.capabilities | .[]) = $(behalf features | jq -c '.linux.capabilities') | .root.readonly = false"
	run shell_in_container '(echo "0 0 1" >/proc/self/uid_map) 2>/dev/null && echo mapped
		(echo deny >/proc/self/setgroups) 2>/dev/null && echo denied
		unshare -U sh -c "(echo \"0 100000 1\" >/proc/self/uid_map) 2>/dev/null && echo nested"
		cat /of-root 2>/dev/null; chown 0 /of-root 2>/dev/null && echo owned
		(echo 1 >/proc/sys/kernel/panic) 2>/dev/null && echo panic
		mount -t proc proc /mnt 2>/dev/null && (echo 1 >/mnt/sys/kernel/panic) 2>/dev/null && echo panic; exit 0'
	[ "$output" = "" ]
}

@test "masked paths of the image that are links mask what is inside, never the host's" {
	echo outside >"$OUTSIDE/file"
	ln -s "$OUTSIDE/file" "$BUNDLE/rootfs/link"
	ln -s "../../../../../../..$OUTSIDE" "$BUNDLE/rootfs/relative"
	ln -s /proc/self/root "$BUNDLE/rootfs/magic"
	mkdir -p "$BUNDLE/rootfs$OUTSIDE"
	echo inside >"$BUNDLE/rootfs$OUTSIDE/file"
	edit_config '.linux.maskedPaths += ["/link", "/relative", "/magic/etc/passwd"] | .linux.readonlyPaths += ["/link", "/relative"]'
	run shell_in_container "cat $OUTSIDE/file; exit 0"
	[[ $output != *inside* && $output != *outside* ]]
	[ "$(cat "$OUTSIDE/file")" = outside ]
	[ -s /etc/passwd ]
	not grep -F "$OUTSIDE" /proc/self/mountinfo
}

@test "CVE-2019-16884: with a /proc of the image's own no label is said to be set" {
	local fake=$BUNDLE/rootfs/fake
	mkdir -p "$fake/self/attr/apparmor" "$fake/thread-self/attr/apparmor" "$fake/1/attr/apparmor"
	touch "$fake/self/attr/exec" "$fake/self/attr/apparmor/exec" "$fake/thread-self/attr/apparmor/exec"
	edit_config ".mounts |= map(select(.destination != \"/proc\"))
		| .mounts += [{destination: \"/proc\", type: \"bind\", source: \"$fake\", options: [\"bind\"]}]
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .process.apparmorProfile = \"some-profile\""
	run in_container true
	[ "$status" -eq 1 ]
	[ -z "$(find "$fake" -type f -size +0)" ]
}

@test "CVE-2024-21626: exec adds a process with no descriptor of the runtime's" {
	start_sleeper
	run behalf exec "$ID" sh -c 'for f in 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ -e /proc/self/fd/$f ] && readlink /proc/self/fd/$f; done; exit 0'
	[ "$output" = "" ]
	# what is handed over by wish, and no more
	run behalf exec --preserve-fds 1 "$ID" sh -c 'for f in 3 4 5; do readlink /proc/self/fd/$f; done; exit 0' \
		3</dev/null 4</etc/passwd
	[ "$output" = /dev/null ]
}

@test "CVE-2025-52565: exec with a terminal where /dev/pts and /dev/ptmx were replaced" {
	edit_config '(.process.capabilities | .[]) += ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_MKNOD"] | .root.readonly = false'
	set_args sh -c 'mkdir /fake; echo untouched >/victim; ln -s /victim /fake/ptmx; ln -s /victim /fake/0
		mount --bind /fake /dev/pts; touch /ready; sleep 1000'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	wait_until 5 test -e "$BUNDLE/rootfs/ready"
	run script -qec "'$BEHALF' --root '$STATE' exec --tty '$ID' echo hello" /dev/null
	[ "$(cat "$BUNDLE/rootfs/victim")" = untouched ]
	[[ ($status -ne 0 && $output == *ptmx*) || $output == *hello* ]]
}

@test "CVE-2025-52565: the console where the image has put a link, a directory, another device" {
	local what
	edit_config '.process.terminal = true | .root.readonly = false
		| .mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]'
	echo untouched >"$OUTSIDE/victim"
	for what in 'ln -s /proc/self/fd/9' 'ln -s /etc/passwd' 'mkdir' 'mknod'; do
		rm -rf "$BUNDLE/rootfs/dev"
		mkdir -p "$BUNDLE/rootfs/dev/pts"
		case $what in
		mknod) mknod "$BUNDLE/rootfs/dev/console" c 1 11 ;;
		*) $what "$BUNDLE/rootfs/dev/console" ;;
		esac
		set_args true
		run script -qec "'$BEHALF' --root '$STATE' run --bundle '$BUNDLE' '$ID'" /dev/null
		# made safely or refused in a sentence that names it
		[[ $status -eq 0 || $output == *console* ]] || { echo "$what: $output"; return 1; }
		grep -q ^root: "$BUNDLE/rootfs/etc/passwd"
	done
}

@test "nothing that is mounted inside reaches the host, whatever the propagation outside" {
	edit_config '(.process.capabilities | .[]) += ["CAP_SYS_ADMIN"] | .root.readonly = false'
	mkdir "$OUTSIDE/shared"
	mount -t tmpfs tmpfs "$OUTSIDE/shared"
	mount --make-shared "$OUTSIDE/shared"
	mkdir "$OUTSIDE/shared/below"
	edit_config ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$OUTSIDE/shared\", options: [\"rbind\", \"rprivate\"]}]"
	run shell_in_container 'mount -t tmpfs tmpfs /mnt/below && touch /mnt/below/inside && echo mounted'
	[ "$output" = mounted ]
	[ ! -e "$OUTSIDE/shared/below/inside" ]
	umount "$OUTSIDE/shared"
}
