#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# What a container sees of files: its root, mounts and their propagation, devices, masks.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# add_mount DESTINATION TYPE SOURCE [OPTION,OPTION...]
add_mount() {
	edit_config ".mounts += [{destination: \"$1\", type: \"$2\", source: \"$3\",
		options: (\"${4-}\" | split(\",\"))}]"
}

# The options of the mount at $1, the last one there, as the container sees them.
options_of() {
	in_container sed -n "s|^[^ ]* [^ ]* [^ ]* [^ ]* $1 \([^ ]*\) .*|\1|p" /proc/self/mountinfo | tail -n 1
}

@test "the root is that of the bundle, and nothing of the host is left" {
	echo mark >"$BUNDLE/rootfs/mark"
	run shell_in_container 'cat /mark; cut -d" " -f5 /proc/self/mountinfo'
	[ "${lines[0]}" = mark ]
	[ "${lines[1]}" = / ]
	echo "$output" | not grep -F -e "$BATS_RUN_TMPDIR" -e /var -e /home
}

@test "root.path: absolute, relative, and through a symlink" {
	set_args true
	edit_config ".root.path = \"$BUNDLE/rootfs\""
	behalf run --bundle "$BUNDLE" "$ID"
	edit_config '.root.path = "./rootfs/../rootfs"'
	behalf run --bundle "$BUNDLE" "$ID"
	ln -s rootfs "$BUNDLE/link"
	edit_config '.root.path = "link"'
	behalf run --bundle "$BUNDLE" "$ID"
	edit_config '.root.path = "nowhere"'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *root.path*nowhere* ]]
}

@test "root.readonly: on, and off" {
	run shell_in_container 'touch /tmp/x'
	[[ $output == *"Read-only file system"* ]]
	edit_config '.root.readonly = false'
	shell_in_container 'touch /tmp/x'
	[ -e "$BUNDLE/rootfs/tmp/x" ]
}

@test "mounts of the default configuration, with their options" {
	run in_container cat /proc/self/mountinfo
	echo "$output" | awk '{ for (i = 7; $i != "-"; i++); print $5, $(i + 1), $6 }' >"$BATS_TEST_TMPDIR/mounts"
	grep -q '^/proc proc ' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/dev tmpfs rw,nosuid$' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/dev/pts devpts rw,nosuid,noexec,relatime$' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime$' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime$' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/sys sysfs ro,nosuid,nodev,noexec,relatime$' "$BATS_TEST_TMPDIR/mounts"
	grep -q '^/sys/fs/cgroup [a-z0-9]* ro,nosuid,nodev,noexec,relatime$' "$BATS_TEST_TMPDIR/mounts"
}

@test "bind: a directory, a file, read-only, and a source that is missing" {
	mkdir "$BATS_TEST_TMPDIR/source"
	echo text >"$BATS_TEST_TMPDIR/source/file"
	add_mount /mnt bind "$BATS_TEST_TMPDIR/source" bind
	add_mount /etc/one none "$BATS_TEST_TMPDIR/source/file" bind,ro
	edit_config '.root.readonly = false'
	run shell_in_container 'cat /mnt/file /etc/one; touch /mnt/new; touch /etc/one; echo x >/etc/one'
	[ "${lines[0]}" = text ]
	[ "${lines[1]}" = text ]
	[[ $output == *"Read-only file system"* ]]
	[ -e "$BATS_TEST_TMPDIR/source/new" ]
	add_mount /x bind /no/such/source bind
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *mounts*/no/such/source* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "bind: a relative source is relative to the bundle" {
	mkdir "$BUNDLE/data"
	echo text >"$BUNDLE/data/file"
	add_mount /mnt bind data bind
	[ "$(in_container cat /mnt/file)" = text ]
}

@test "bind: options of its own, without changing the source's" {
	mkdir "$BATS_TEST_TMPDIR/source"
	add_mount /mnt bind "$BATS_TEST_TMPDIR/source" bind,nosuid,nodev,noexec,noatime
	[[ ,$(options_of /mnt), == *,nosuid,nodev,noexec,noatime,* ]]
}

@test "bind and rbind: with what is mounted below, and without" {
	local below=$BATS_TEST_TMPDIR/source/below
	mkdir -p "$below"
	mount -t tmpfs tmpfs "$below"
	touch "$below/in-tmpfs"
	add_mount /mnt bind "$BATS_TEST_TMPDIR/source" rbind,ro
	run shell_in_container 'ls /mnt/below; touch /mnt/below/x'
	[ "${lines[0]}" = in-tmpfs ]
	# ro is that of the mount itself
	[ -e "$below/x" ]
	edit_config '.mounts[-1].options = ["rbind", "rro"]'
	run shell_in_container 'touch /mnt/below/y'
	[[ $output == *"Read-only file system"* ]]
	edit_config '.mounts[-1].options = ["bind"]'
	run in_container ls /mnt/below
	[ -z "$output" ]
	umount "$below"
}

@test "tmpfs: size, mode, read-only, and copied up" {
	add_mount /mnt tmpfs tmpfs size=64k,mode=1700,nosuid
	run shell_in_container 'stat -c %a /mnt; df -k /mnt | tail -n 1 | tr -s " " | cut -d" " -f2'
	[ "${lines[*]}" = '1700 64' ]
	edit_config '.mounts[-1].options = ["ro"]'
	run shell_in_container 'touch /mnt/x'
	[[ $output == *"Read-only file system"* ]]
	echo text >"$BUNDLE/rootfs/mnt/file"
	ln -s file "$BUNDLE/rootfs/mnt/link"
	mkdir -m 750 "$BUNDLE/rootfs/mnt/dir"
	chown 5:6 "$BUNDLE/rootfs/mnt/dir"
	edit_config '.mounts[-1].options = ["tmpcopyup"]'
	run shell_in_container 'cat /mnt/file /mnt/link; stat -c "%a %u %g" /mnt/dir; touch /mnt/new'
	[ "${lines[*]}" = 'text text 750 5 6' ]
	[ ! -e "$BUNDLE/rootfs/mnt/new" ]
}

@test "overlay: as a mount of the configuration" {
	mkdir "$BATS_TEST_TMPDIR"/{lower,upper,work}
	touch "$BATS_TEST_TMPDIR/lower/low"
	if ! mount -t overlay -o "lowerdir=$BATS_TEST_TMPDIR/lower,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work" \
		overlay "$BUNDLE/rootfs/mnt"; then
		skip 'no overlay on this file system'
	fi
	umount "$BUNDLE/rootfs/mnt"
	add_mount /mnt overlay overlay "lowerdir=$BATS_TEST_TMPDIR/lower,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work"
	shell_in_container 'test -e /mnt/low && touch /mnt/new'
	[ -e "$BATS_TEST_TMPDIR/upper/new" ]
}

@test "mount points: made when they are missing, for files and for directories" {
	mkdir "$BATS_TEST_TMPDIR/source"
	echo text >"$BATS_TEST_TMPDIR/source/file"
	add_mount /a/b/c bind "$BATS_TEST_TMPDIR/source" bind
	add_mount /d/e/file bind "$BATS_TEST_TMPDIR/source/file" bind
	# relative: to the root
	add_mount f/g bind "$BATS_TEST_TMPDIR/source" bind
	run shell_in_container 'cat /a/b/c/file /d/e/file /f/g/file'
	[ "$output" = $'text\ntext\ntext' ]
}

@test "a mount that fails is told with its place, type and option" {
	add_mount /mnt tmpfs tmpfs size=huge
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *mounts\[*tmpfs*/mnt*size* ]]
	edit_config '.mounts[-1] = {destination: "/mnt", type: "nosuchfs", source: "x"}'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *mounts\[*nosuchfs* ]]
	[ ! -e "$STATE/$ID" ]
}

# Propagation: a mount made on the host below a shared source, and one made in the container.
propagation() {
	local source=$BATS_TEST_TMPDIR/shared
	mkdir -p "$source"
	mount -t tmpfs tmpfs "$source"
	mount --make-shared "$source"
	mkdir "$source/from-host" "$source/from-container"
	edit_config '(.process.capabilities | .[]) = ["CAP_SYS_ADMIN"]'
	add_mount /mnt bind "$source" "$1"
	[ -z "${2-}" ] || edit_config "$2"
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	mount -t tmpfs tmpfs "$source/from-host"
	touch "$source/from-host/here"
	behalf exec "$ID" mount -t tmpfs tmpfs /mnt/from-container
	behalf exec "$ID" touch /mnt/from-container/there
	to_container=no to_host=no
	not behalf exec "$ID" test -e /mnt/from-host/here || to_container=yes
	[ ! -e "$source/from-container/there" ] || to_host=yes
	umount -R "$source"
	behalf delete --force "$ID"
}

@test "propagation: private by request" {
	propagation rbind,rprivate
	[ "$to_container $to_host" = 'no no' ]
}

@test "propagation: slave, from the host to the container" {
	propagation rbind,rslave
	[ "$to_container $to_host" = 'yes no' ]
}

@test "propagation: shared, both ways, when the root's is" {
	propagation rbind,rshared '.linux.rootfsPropagation = "shared"'
	[ "$to_container $to_host" = 'yes yes' ]
}

@test "linux.rootfsPropagation: each of them starts, and the host's mounts stay as they were" {
	local before
	before=$(findmnt -rno TARGET,PROPAGATION | sort)
	for value in private rprivate slave rslave shared rshared; do
		edit_config ".linux.rootfsPropagation = \"$value\""
		run in_container true
		[ "$status" -eq 0 ] || { echo "$value: $output"; return 1; }
	done
	[ "$(findmnt -rno TARGET,PROPAGATION | sort)" = "$before" ]
	edit_config '.linux.rootfsPropagation = "sideways"'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *rootfsPropagation* ]]
}

@test "devices: the default ones work" {
	run shell_in_container 'echo x >/dev/null && head -c 4 /dev/zero | od -An -tx1; head -c 3 /dev/urandom | wc -c
		echo x >/dev/full; for d in fd stdin stdout stderr ptmx; do readlink /dev/$d; done
		stat -c "%a %t:%T" /dev/null /dev/tty'
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == *"00 00 00 00" ]]
	[ "${lines[1]}" = 3 ]
	[[ $output == *"No space left"* ]]
	[[ $output == *$'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n666 1:3\n666 5:0' ]]
}

@test "devices: those of the configuration, with mode and owner, and the rules for them" {
	edit_config '.linux.devices = [
		{path: "/dev/zero2", type: "c", major: 1, minor: 5, fileMode: 420, uid: 5, gid: 6},
		{path: "/dev/deep/er/null", type: "u", major: 1, minor: 3},
		{path: "/dev/pipe", type: "p"},
		{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
	run shell_in_container 'stat -c "%a %u %g %t:%T" /dev/zero2; stat -c %F /dev/deep/er/null /dev/pipe
		head -c 1 /dev/zero2 | wc -c; cat /dev/fuse'
	[ "${lines[0]}" = '644 5 6 1:5' ]
	[ "${lines[1]}" = 'character special file' ]
	[ "${lines[2]}" = fifo ]
	[ "${lines[3]}" = 1 ]
	# no rule allows fuse
	[[ ${lines[4]} == *"Operation not permitted"* ]]
}

@test "devices: one the container makes itself cannot be opened" {
	edit_config '(.process.capabilities | .[]) = ["CAP_MKNOD"]'
	run shell_in_container 'mknod /dev/kmsg c 1 11 && head -c 1 /dev/kmsg'
	[[ $output == *"Operation not permitted"* ]]
}

@test "masked paths: files read as empty, directories show nothing" {
	edit_config '.linux.maskedPaths = ["/proc/keys", "/etc", "/no/such/path", "/proc/timer_list"]'
	run shell_in_container 'cat /proc/keys; ls /etc; touch /etc/x'
	[[ $output == *"Read-only file system"* ]]
	[ "${#lines[@]}" -eq 1 ]
}

@test "read-only paths: can be read, not written" {
	edit_config '.root.readonly = false | .linux.readonlyPaths = ["/etc", "/proc/sys", "/no/such/path"]'
	run shell_in_container 'cat /etc/group >/dev/null && touch /etc/x; echo 1 >/proc/sys/net/ipv4/ip_forward'
	[ "$(echo "$output" | grep -c 'Read-only file system')" -eq 2 ]
	[ ! -e "$BUNDLE/rootfs/etc/x" ]
}

@test "--no-pivot: the root is moved instead" {
	echo mark >"$BUNDLE/rootfs/mark"
	set_args cat /mark
	run behalf run --no-pivot --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = mark ]
}

@test "without a mount namespace: refused, and the host's mounts stay as they are" {
	local before
	before=$(sort /proc/self/mountinfo)
	edit_config 'del(.linux.namespaces[] | select(.type == "mount"))'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *linux.namespaces*"mount namespace"* ]]
	[ "$(sort /proc/self/mountinfo)" = "$before" ]
}

@test "nothing is mounted on the host, nor left in the bundle's root that was not missing" {
	in_container true
	not grep -F "$BUNDLE" /proc/self/mountinfo
}

@test "mount points that are dangling symlinks: what they miss is made, inside the root" {
	local outside=$BATS_TEST_TMPDIR/outside root=$BUNDLE/rootfs
	echo names >"$BATS_TEST_TMPDIR/resolv"
	ln -s ../run/resolve/stub.conf "$root/etc/resolv.conf"
	ln -s /srv/data "$root/data"
	ln -s "../../../../../../../..$outside" "$root/up"
	edit_config ".mounts += [
		{destination: \"/etc/resolv.conf\", type: \"bind\", source: \"$BATS_TEST_TMPDIR/resolv\", options: [\"bind\"]},
		{destination: \"/data\", type: \"tmpfs\", source: \"tmpfs\"},
		{destination: \"/up/deep\", type: \"tmpfs\", source: \"tmpfs\"}]"
	run shell_in_container 'cat /run/resolve/stub.conf /etc/resolv.conf; grep -E "/(srv/data|outside/deep) " /proc/mounts | cut -d " " -f 2,3'
	[ "$status" -eq 0 ]
	[ "$output" = $'names\nnames\n/srv/data tmpfs\n'"$outside/deep tmpfs" ]
	[ -d "$root$outside/deep" ]
	[ ! -e "$outside" ]
}

@test "mount points that are symlinks in a circle are refused in a sentence" {
	ln -s two "$BUNDLE/rootfs/one"
	ln -s one "$BUNDLE/rootfs/two"
	edit_config '.mounts += [{destination: "/one", type: "tmpfs", source: "tmpfs"}]'
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *"'/one': Too many levels of symbolic links" ]]
}
