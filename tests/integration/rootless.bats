#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Containers of an ordinary user, who is made for this file and removed after it: with ids of
# /etc/subuid, with the own id alone, and as root of a user namespace only.

bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	need_root
	need_program useradd passwd
	make_rootfs
	SOMEBODY=bh$$
	useradd --no-create-home --shell /bin/sh "$SOMEBODY" || skip "no user can be made here"
	export SOMEBODY
}

teardown_file() {
	[ -z "${SOMEBODY:-}" ] || userdel "$SOMEBODY"
}

setup() {
	load helpers
	load runtime_helpers
	# in place of the one of the helpers: all is done by the user
	behalf() {
		as_user "$PLACE/behalf" --root "$STATE" "$@"
	}
	need_root
	[ "$(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null)" != 0 ] ||
		skip "users may not make user namespaces here"
	BUNDLE_FOR_EACH_TEST="" begin
	# bats' own directory is not for others
	PLACE=$(mktemp -d "/tmp/$ID.XXXXXX")
	STATE=$PLACE/run
	BUNDLE=$PLACE/bundle
	mkdir "$STATE" "$BUNDLE"
	copy_behalf "$PLACE"
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$BUNDLE/rootfs"
	chown -R "$SOMEBODY:" "$PLACE"
	as_user "$PLACE/behalf" spec --rootless --bundle "$BUNDLE"
	edit_config '.process.terminal = false'
}

teardown() {
	local dir
	for dir in "$STATE"/*/; do
		[ -d "$dir" ] || continue
		behalf delete --force "$(basename "$dir")" || true
	done
	leftovers
	rm -rf "$PLACE"
}

as_user() {
	setpriv --reuid="$SOMEBODY" --regid="$SOMEBODY" --clear-groups env XDG_RUNTIME_DIR="$PLACE" \
		HOME="$PLACE" PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

# the first of the user's ids in /etc/subuid, or of the groups' in /etc/subgid
first_of() {
	grep "^$SOMEBODY:" "$1" | head -n 1 | cut -d: -f2
}

use_subordinate_ids() {
	need_program newuidmap uidmap
	[ -n "$(first_of /etc/subuid)" ] || skip "useradd gives no subordinate ids here"
	edit_config "
		.linux.uidMappings += [{containerID: 1, hostID: $(first_of /etc/subuid), size: 1000}] |
		.linux.gidMappings += [{containerID: 1, hostID: $(first_of /etc/subgid), size: 1000}]"
}

run_in() {
	set_args "$@"
	run behalf run --bundle "$BUNDLE" "$ID"
}

@test "the own id alone: root inside, nobody else" {
	run_in sh -c 'id -u; id -g; cat /proc/self/setgroups; cat /proc/self/uid_map'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = deny ]
	[ "$(awk '{print $1, $2, $3}' <<<"${lines[3]}")" = "0 $(id -u "$SOMEBODY") 1" ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "subordinate ids through newuidmap: groups and other users" {
	use_subordinate_ids
	edit_config '.process.user.additionalGids = [7, 9] | .root.readonly = false |
		.process.capabilities[] += ["CAP_CHOWN"]'
	run_in sh -c 'id -G; touch /mnt/file; chown 5:6 /mnt/file; stat -c %u:%g /mnt/file'
	[ "$status" -eq 0 ]
	[ "$output" = $'0 7 9\n5:6' ]
	[ "$(stat -c %u "$BUNDLE/rootfs/mnt/file")" = $(($(first_of /etc/subuid) + 4)) ]
}

@test "another user than root in the container" {
	use_subordinate_ids
	edit_config '.process.user = {uid: 33, gid: 44} | del(.process.capabilities)'
	run_in sh -c 'id -u; id -g; grep CapEff /proc/self/status'
	[ "$output" = $'33\n44\nCapEff:\t0000000000000000' ]
}

@test "ids that are not the user's are refused in a sentence" {
	need_program newuidmap uidmap
	edit_config '.linux.uidMappings[0].hostID = 0'
	run_in true
	[ "$status" -eq 1 ]
	[[ $output == *"linux.uidMappings: 'newuidmap' failed: "*"not allowed"* ]]
	[ "${#lines[@]}" -eq 1 ]
}

@test "more ids without newuidmap: the sentence names the package" {
	use_subordinate_ids
	set_args true
	run as_user env PATH=/nowhere "$PLACE/behalf" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"linux.uidMappings"*"newuidmap (package uidmap)"* ]]
}

@test "groups with setgroups given up are refused in a sentence" {
	edit_config '.process.user.additionalGids = [0]'
	run_in true
	[ "$status" -eq 1 ]
	[[ $output == *additionalGids* ]]
}

@test "without a user namespace: a sentence says what is missing" {
	edit_config 'del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user"))'
	run_in true
	[ "$status" -eq 1 ]
	[[ $output == *"user namespace"*"spec --rootless"* ]]
}

@test "the whole life: create, start, exec, ps, kill, delete" {
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
	[ "$(status_of "$ID")" = created ]
	behalf start "$ID"
	[ "$(status_of "$ID")" = running ]
	run behalf exec "$ID" sh -c 'id -u; readlink /proc/1/exe; exit 3'
	[ "$status" -eq 3 ]
	[ "$output" = $'0\n/bin/busybox' ]
	run behalf list --quiet
	[ "$output" = "$ID" ]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	behalf delete "$ID"
	[ -z "$(ls -A "$STATE")" ]
}

@test "exec: another process with subordinate ids and as another user" {
	use_subordinate_ids
	set_args sleep 1000
	behalf run --detach --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
	run behalf exec --user 12:34 "$ID" sh -c 'id -u; id -g; cat /proc/self/uid_map | wc -l'
	[ "$status" -eq 0 ]
	[ "$output" = $'12\n34\n2' ]
	behalf delete --force "$ID"
}

@test "exec into a container that is created, not started, and its start after that" {
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
	run behalf exec "$ID" sh -c 'id -u; readlink /proc/1/exe || echo hidden; ls /proc/1/fd 2>/dev/null; hostname'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[[ $output == *hidden* ]]
	[ "${#lines[@]}" -le 4 ]
	[ "$(status_of "$ID")" = created ]
	run behalf exec "$ID" sh -c 'readlink /proc/self/ns/uts; exit 4'
	[ "$status" -eq 4 ]
	local before=$output
	run behalf start "$ID"
	[ "$status" -eq 0 ]
	[ "$(status_of "$ID")" = running ]
	run behalf exec "$ID" readlink /proc/self/ns/uts
	[ "$output" = "$before" ]
	# shellcheck disable=SC2012 # the names are numbers
	[ "$(ls "/proc/$(pid_of "$ID")/fd" | sort -n | tail -n 1)" -le 2 ]
	behalf delete --force "$ID"
}

@test "as root of a user namespace: the whole life" {
	edit_config 'del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user")) + [{type: "network"}]'
	set_args sleep 1000
	cat >"$PLACE/life" <<-END
		set -e
		b="$PLACE/behalf --root $STATE"
		\$b create --bundle $BUNDLE $ID >/dev/null 2>&1
		\$b exec $ID id -u
		\$b start $ID
		\$b exec $ID readlink /proc/1/exe
		pid=\$(\$b state $ID | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
		sed -i "s|NETWORK|/proc/\$pid/ns/net|" $PLACE/joins/config.json
		\$b run --bundle $PLACE/joins $ID-2
		readlink /proc/\$pid/ns/net
		\$b kill $ID KILL
		for i in \$(seq 50); do
			! \$b delete $ID 2>/dev/null || break
			sleep 0.1
		done
		ls $STATE
	END
	# another one that joins its network: nobody comes back from there to the host's
	mkdir "$PLACE/joins"
	jq '.root.path = "'"$BUNDLE/rootfs"'" | .process.args = ["readlink", "/proc/self/ns/net"]
		| (.linux.namespaces[] | select(.type == "network")).path = "NETWORK"' \
		"$BUNDLE/config.json" >"$PLACE/joins/config.json"
	chown -R "$SOMEBODY:" "$PLACE/joins"
	run as_user unshare -Ur sh "$PLACE/life"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = /bin/busybox ]
	[ "${lines[2]}" = "${lines[3]}" ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "a terminal" {
	need_program script bsdutils
	edit_config '.process.terminal = true'
	set_args sh -c 'tty; ls -l /dev/console | cut -c1'
	run as_user script -qec "$PLACE/behalf --root $STATE run --bundle $BUNDLE $ID" /dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"/dev/pts/0"* ]]
}

@test "devices are the host's, and /dev/pts does without an unmapped group" {
	edit_config '(.mounts[] | select(.type == "devpts").options) += ["gid=5"]'
	run_in sh -c 'echo lost >/dev/null && head -c 4 /dev/urandom | wc -c && [ -c /dev/pts/ptmx ]'
	[ "$status" -eq 0 ]
	[ "$output" = 4 ]
}

@test "a bind keeps what its source is locked to" {
	mkdir "$PLACE/bound"
	mount -t tmpfs -o nosuid,nodev,noexec,noatime,mode=777 tmpfs "$PLACE/bound"
	edit_config ".mounts += [{destination: \"/mnt\", type: \"none\", source: \"$PLACE/bound\",
		options: [\"rbind\", \"rw\", \"relatime\"]}]"
	run_in sh -c 'grep " /mnt " /proc/mounts; touch /mnt/file'
	umount "$PLACE/bound"
	[ "$status" -eq 0 ]
	[[ $output == *nosuid,nodev,noexec,noatime* ]]
}

@test "sysfs with the host's network is the host's, read-only" {
	edit_config '(.mounts[] | select(.destination == "/sys")) =
		{destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]}'
	run_in sh -c '[ -d /sys/class/net/lo ] && ! touch /sys/kernel/file 2>/dev/null && grep -c " /sys sysfs ro" /proc/mounts'
	[ "$status" -eq 0 ]
	[ "$output" = 1 ]
}

@test "network namespace of its own: the loopback is up" {
	edit_config '.linux.namespaces += [{type: "network"}]'
	run_in sh -c 'ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1; cat /sys/class/net/lo/operstate; wc -l </proc/net/dev'
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 3 ]
}

@test "limits that nobody delegated are refused, no limits are fine" {
	edit_config '.linux.resources.pids.limit = 50'
	run_in true
	[ "$status" -eq 1 ]
	[[ $output == *pids* ]]
}

@test "limits where a hierarchy was delegated hold" {
	local pids=/sys/fs/cgroup/pids/$ID
	[ -d /sys/fs/cgroup/pids ] || skip "no v1 hierarchy for pids"
	mkdir "$pids"
	chown -R "$SOMEBODY" "$pids"
	edit_config ".linux.resources.pids.limit = 50 | .linux.cgroupsPath = \"/$ID/inner\""
	run_in sh -c "grep pids: /proc/self/cgroup; cat /sys/fs/cgroup/pids/pids.max"
	rmdir "$pids"
	[ "$status" -eq 0 ]
	[[ $output == *"/$ID/inner"* ]]
	[ "${lines[1]}" = 50 ]
}

@test "limits where a group of cgroup v2 was delegated hold" {
	grep -qsw hugetlb /sys/fs/cgroup/{,unified/}cgroup.controllers || skip "no hugetlb controller on cgroup v2"
	edit_config ".linux.resources.hugepageLimits = [{pageSize: \"2MB\", limit: 4194304}] |
		.linux.namespaces |= map(select(.type != \"cgroup\")) | .linux.cgroupsPath = \"/$ID/box\""
	set_args sh -c "grep ^0:: /proc/self/cgroup; cat /sys/fs/cgroup/hugetlb.2MB.max"
	cat >"$PLACE/delegated" <<-END
		umount -l /sys/fs/cgroup
		mount -t cgroup2 none /sys/fs/cgroup
		echo +hugetlb >/sys/fs/cgroup/cgroup.subtree_control
		mkdir -p /sys/fs/cgroup/$ID/us
		chown -R $SOMEBODY /sys/fs/cgroup/$ID
		echo \$\$ >/sys/fs/cgroup/$ID/us/cgroup.procs
		setpriv --reuid=$SOMEBODY --regid=$SOMEBODY --clear-groups $PLACE/behalf --root $STATE run --bundle $BUNDLE $ID
		status=\$?
		echo \$\$ >/sys/fs/cgroup/cgroup.procs
		find /sys/fs/cgroup/$ID -depth -type d -exec rmdir {} +
		exit \$status
	END
	# no shell that has a setpriv of its own
	run unshare -m --propagation private bash "$PLACE/delegated"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "0::/$ID/box"$'\n4194304' ]
}

@test "nobody in the container can look into what runs it before it is the program" {
	# the first process is readable for its owner only until its ids are mapped
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
	run as_user ls -l "/proc/$(pid_of "$ID")/fd"
	[ "$status" -ne 0 ]
	behalf delete --force "$ID"
}

@test "as root of a user namespace, without another one" {
	edit_config 'del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user")) + [{type: "network"}] |
		(.mounts[] | select(.type == "devpts").options) += ["gid=5"]'
	set_args sh -c 'id -u; echo x >/dev/null; cat /proc/self/uid_map | tr -s " "'
	run as_user unshare -Ur "$PLACE/behalf" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = " 0 $(id -u "$SOMEBODY") 1" ]
}

@test "as root of a user namespace, with another one inside" {
	edit_config '.linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0'
	set_args sh -c 'id -u; echo x >/dev/null'
	run as_user unshare -Ur "$PLACE/behalf" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = 0 ]
}

@test "beside workspaces of root that have a network" {
	set_args true
	# where those keep their addresses, as one sees it who may not look into it
	# no shell that has a setpriv of its own
	run unshare --mount --propagation private bash -c 'mount -t tmpfs -o mode=755 tmpfs /run
		mkdir -m 700 "/run/behalf-net.$(stat -L -c %i /proc/self/ns/net)"
		exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"' "$SOMEBODY" \
		"$PLACE/behalf" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	[ ! -e "$STATE/$ID" ]
}

@test "the program cannot be written through the container's /proc" {
	set_args sh -c 'true >/proc/self/exe'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	cmp "$BEHALF" "$PLACE/behalf"
	[ ! -e "$PLACE/behalf-runtime" ] || cmp "$(dirname "$BEHALF")/behalf-runtime" "$PLACE/behalf-runtime"
}

@test "--rootless is taken, other words are refused" {
	set_args true
	run behalf --rootless=true run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	run behalf --rootless false run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *cgroup*"ermission denied"* ]]
	run behalf --rootless perhaps list
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "behalf: --rootless 'perhaps': true, false or auto" ]
}

@test "spec --rootless is what runc writes" {
	need_program runc
	mkdir "$PLACE/runc"
	chown "$SOMEBODY:" "$PLACE/runc"
	(cd "$PLACE/runc" && as_user runc spec --rootless)
	(cd "$PLACE/runc" && as_user "$PLACE/behalf" spec --rootless --bundle "$BUNDLE/rootfs/tmp")
	diff <(jq -S '[.linux, (.mounts[] | .options |= (. // [] | sort))]' "$PLACE/runc/config.json") \
		<(jq -S '[.linux, (.mounts[] | .options |= (. // [] | sort))]' "$BUNDLE/rootfs/tmp/config.json")
}
