#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile containers and images that change things while the runtime works on them, and processes inside
# that look at what exec adds. Each is a known way out of other runtimes.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	helpers_dir=$BUILD_DIR/tests/integration
	[ -x "$helpers_dir/hostile" ] || skip 'the helpers are not built'
	begin
	# what must not be reached: a directory of the host
	OUTSIDE=$BATS_TEST_TMPDIR/outside
	mkdir "$OUTSIDE"
}
teardown() {
	[ -z "${SWAPPER-}" ] || kill "$SWAPPER" 2>/dev/null || true
	end
}

swap() { # A B: exchanges them until the end of the test
	"$helpers_dir/hostile" swap "$1" "$2" &
	SWAPPER=$!
}

# rounds N: runs the container that often; nothing of it gets outside, and no mount is left
rounds() {
	local round made=0
	for ((round = 0; round < $1; round++)); do
		behalf run --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" 2>&1 && made=$((made + 1))
		[ -z "$(ls -A "$OUTSIDE")" ]
		not grep -F "$BATS_TEST_TMPDIR" /proc/self/mountinfo
		not grep BROKEN "$BATS_TEST_TMPDIR/out"
	done
	kill "$SWAPPER"
	echo "$made of $1 were made"
}

@test "CVE-2021-30465: a mount point turns into a link while it is mounted on" {
	local volume=$BUNDLE/rootfs/volume
	mkdir -p "$volume/target" "$BATS_TEST_TMPDIR/source"
	ln -s "$OUTSIDE" "$volume/link"
	edit_config ".root.readonly = false | .mounts += [
		{destination: \"/volume/target/sub\", type: \"bind\", source: \"$BATS_TEST_TMPDIR/source\", options: [\"bind\"]},
		{destination: \"/volume/target\", type: \"tmpfs\", source: \"tmpfs\"}]"
	set_args grep -c /volume/target /proc/self/mountinfo
	swap "$volume/target" "$volume/link"
	rounds 100
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/source")" ]
}

@test "CVE-2024-45310: a parent of what is to be made turns into a link" {
	local volume=$BUNDLE/rootfs/volume
	mkdir -p "$volume/parent"
	ln -s "$OUTSIDE" "$volume/link"
	echo data >"$BATS_TEST_TMPDIR/source"
	# a directory and a file to mount on, a device, and the working directory
	edit_config ".root.readonly = false | .process.cwd = \"/volume/parent/cwd\" | .mounts += [
		{destination: \"/volume/parent/a/b\", type: \"tmpfs\", source: \"tmpfs\"},
		{destination: \"/volume/parent/c/file\", type: \"bind\", source: \"$BATS_TEST_TMPDIR/source\", options: [\"bind\"]}]
		| .linux.devices = [{path: \"/volume/parent/d/null\", type: \"c\", major: 1, minor: 3}]"
	set_args true
	swap "$volume/parent" "$volume/link"
	rounds 100
	[ "$(cat "$BATS_TEST_TMPDIR/source")" = data ]
}

@test "CVE-2019-19921, CVE-2023-27561: /proc turns into a link to a volume while it is mounted" {
	mkdir -p "$BUNDLE/rootfs/volume/proc/self" "$BUNDLE/rootfs/volume/proc/1"
	ln -s volume/proc "$BUNDLE/rootfs/link"
	edit_config '.linux.maskedPaths = ["/proc/keys"] | .linux.readonlyPaths = ["/proc/sys"] | .root.readonly = false'
	# The mount goes where its directory goes: under either name it has what was promised.
	set_args sh -c 'for try in 1 2 3 4 5; do for p in /proc /link; do
		[ -z "$(cat $p/keys 2>/dev/null)" ] || echo BROKEN
		(echo evil >$p/sys/kernel/domainname) 2>/dev/null && echo BROKEN; done; done; true'
	swap "$BUNDLE/rootfs/proc" "$BUNDLE/rootfs/link"
	rounds 100
	[ -z "$(find "$BUNDLE/rootfs/volume" -type f)" ]
}

@test "a masked directory and a masked file change places with links" {
	local volume=$BUNDLE/rootfs/volume
	mkdir -p "$volume/masked" "$volume/decoy"
	echo secret >"$volume/masked/secret"
	touch "$OUTSIDE.file"
	ln -s "$OUTSIDE" "$volume/link"
	edit_config '.linux.maskedPaths += ["/volume/masked"] | .linux.readonlyPaths += ["/volume/masked"]'
	set_args true
	swap "$volume/masked" "$volume/link"
	rounds 60
}

# A program of our own to be attacked, so that a success does not harm the real one.
copy_program() {
	mkdir "$BATS_TEST_TMPDIR/programs"
	copy_behalf "$BATS_TEST_TMPDIR/programs"
	BEHALF=$BATS_TEST_TMPDIR/programs/behalf
	sum=$(cat "$BATS_TEST_TMPDIR"/programs/* | sha256sum)
}

# A container that does to what exec adds as `hostile $1` does. Each call that the process makes before it
# is the container's program takes long enough for that to see it.
look_at_exec() { # MODE [USER]
	cp "$helpers_dir/hostile" "$BUNDLE/rootfs/hostile"
	set_args sh -c "/hostile $1 8 behalf >/tmp/out; sleep 1000"
	chmod 777 "$BUNDLE/rootfs/tmp"
	edit_config '.root.readonly = false'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	without_leak_check
	SECONDS=0
	while [ "$SECONDS" -lt 7 ]; do
		"$helpers_dir/at_syscall" "$BATS_TEST_TMPDIR/report" child 1 HOLD=20 \
			"$BEHALF" --root "$STATE" exec "$ID" true
	done
	wait_until 10 grep -q -E '^(met|opened) ' "$BUNDLE/rootfs/tmp/out"
	cat "$BUNDLE/rootfs/tmp/out"
}

@test "CVE-2016-9962: a process of the container cannot trace or look into one that exec adds" {
	# same user, same capabilities, as the container's own processes have
	look_at_exec spy
	grep -q '^met [1-9]' "$BUNDLE/rootfs/tmp/out"
	not grep GOT "$BUNDLE/rootfs/tmp/out"
}

@test "CVE-2016-9962: nor one that is another user's, with the right to trace" {
	edit_config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| (.process.capabilities | .[]) += ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
	look_at_exec spy
	grep -q '^met [1-9]' "$BUNDLE/rootfs/tmp/out"
	not grep GOT "$BUNDLE/rootfs/tmp/out"
}

@test "CVE-2019-5736: a process in the container looks for the runtime while it enters" {
	copy_program
	edit_config "(.process.capabilities | .[]) = $(behalf features | jq -c '.linux.capabilities')"
	look_at_exec watch
	# with every right it reaches the program, and cannot write to it
	grep -q '^opened [1-9]' "$BUNDLE/rootfs/tmp/out"
	not grep WRITABLE "$BUNDLE/rootfs/tmp/out"
	[ "$(cat "$BATS_TEST_TMPDIR"/programs/* | sha256sum)" = "$sum" ]
}
