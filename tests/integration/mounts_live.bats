#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# mounts add and remove: seen from inside a running container.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb mounts; begin; }
teardown() { end; }

# one_mount DESTINATION SOURCE OPTION...: as JSON
one_mount() {
	jq -nc '[{destination: $ARGS.positional[0], source: $ARGS.positional[1],
		options: $ARGS.positional[2:]}]' --args -- "$@"
}

begin_with_data() {
	mkdir -p "$BATS_TEST_TMPDIR/data"
	echo inside >"$BATS_TEST_TMPDIR/data/file"
	edit_config '.root.readonly = false'
	start_sleeper
}

@test "mounts add: a directory, with options, and remove" {
	begin_with_data
	one_mount /mnt "$BATS_TEST_TMPDIR/data" bind ro nosuid | behalf mounts add "$ID" -
	[ "$(behalf exec "$ID" cat /mnt/file)" = inside ]
	run behalf exec "$ID" touch /mnt/other
	[ "$status" -ne 0 ]
	behalf exec "$ID" grep ' /mnt ' /proc/self/mountinfo | grep -q 'ro,.*nosuid'
	one_mount /mnt "$BATS_TEST_TMPDIR/data" bind | behalf mounts remove "$ID" -
	[ -z "$(behalf exec "$ID" ls /mnt)" ]
	[ -e "$BATS_TEST_TMPDIR/data/file" ]
}

@test "mounts remove: a destination is enough" {
	begin_with_data
	one_mount /mnt "$BATS_TEST_TMPDIR/data" bind | behalf mounts add "$ID" -
	behalf mounts remove "$ID" - <<<'[{"destination": "/mnt"}]'
	[ -z "$(behalf exec "$ID" ls /mnt)" ]
	run behalf mounts remove "$ID" - <<<'{"mounts": ["/mnt"]}'
	[ "$status" -eq 1 ]
	run behalf mounts add "$ID" - <<<'[{"destination": "/mnt"}]'
	[ "$status" -eq 1 ]
	[[ $output == *type* ]]
}

@test "mounts add: a file, a destination that is made, and an object with the key mounts" {
	begin_with_data
	one_mount /new/place/file "$BATS_TEST_TMPDIR/data/file" bind | jq '{mounts: .}' >"$BATS_TEST_TMPDIR/m"
	behalf mounts add "$ID" "$BATS_TEST_TMPDIR/m"
	[ "$(behalf exec "$ID" cat /new/place/file)" = inside ]
	behalf mounts remove "$ID" "$BATS_TEST_TMPDIR/m"
	[ -z "$(behalf exec "$ID" cat /new/place/file)" ]
}

@test "mounts add: the host does not see it, and a relative source is the bundle's" {
	begin_with_data
	mkdir "$BUNDLE/share"
	echo shared >"$BUNDLE/share/file"
	one_mount /mnt share rbind | behalf mounts add "$ID" -
	[ "$(behalf exec "$ID" cat /mnt/file)" = shared ]
	[ ! -e "$BUNDLE/rootfs/mnt/file" ]
	run grep -F "$BUNDLE" /proc/self/mountinfo
	[ -z "$output" ]
}

@test "mounts add: symlinks of the container lead to places in the container" {
	begin_with_data
	mkdir -p "$BATS_TEST_TMPDIR/outside" "$BUNDLE/rootfs$BATS_TEST_TMPDIR/outside"
	behalf exec "$ID" ln -s "$BATS_TEST_TMPDIR/outside" /link
	behalf exec "$ID" ln -s ../../../../../.. /up
	behalf exec "$ID" ln -s /proc/self/root /magic
	one_mount /link "$BATS_TEST_TMPDIR/data" bind | behalf mounts add "$ID" -
	[ "$(behalf exec "$ID" cat "$BATS_TEST_TMPDIR/outside/file")" = inside ]
	[ ! -e "$BATS_TEST_TMPDIR/outside/file" ]
	one_mount "/up/mnt" "$BATS_TEST_TMPDIR/data" bind | behalf mounts add "$ID" -
	[ "$(behalf exec "$ID" cat /mnt/file)" = inside ]
	run behalf mounts add "$ID" - <<<"$(one_mount /magic/opt "$BATS_TEST_TMPDIR/data" bind)"
	[ "$status" -eq 1 ]
}

@test "mounts add: all or none" {
	begin_with_data
	jq -nc --arg d "$BATS_TEST_TMPDIR/data" '[
		{destination: "/mnt", source: $d, options: ["bind"]},
		{destination: "/etc/passwd/x", source: $d, options: ["bind"]}]' >"$BATS_TEST_TMPDIR/m"
	run behalf mounts add "$ID" "$BATS_TEST_TMPDIR/m"
	[ "$status" -eq 1 ]
	[[ $output == *"mounts[1]"* ]]
	[ -z "$(behalf exec "$ID" ls /mnt)" ]
}

@test "mounts: in a container with a user namespace" {
	edit_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BUNDLE"
	chown -R -h 100000:100000 "$BUNDLE/rootfs"
	begin_with_data
	one_mount /mnt "$BATS_TEST_TMPDIR/data" bind | behalf mounts add "$ID" -
	[ "$(behalf exec "$ID" cat /mnt/file)" = inside ]
	one_mount /mnt "$BATS_TEST_TMPDIR/data" bind | behalf mounts remove "$ID" -
	[ -z "$(behalf exec "$ID" ls /mnt)" ]
}

@test "mounts: what cannot be done is said" {
	begin_with_data
	run behalf mounts remove "$ID" - <<<"$(one_mount /etc / bind)"
	[ "$status" -eq 1 ]
	[[ $output == *"nothing is mounted at '/etc'"* ]]
	run behalf mounts add "$ID" - <<<'[{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}]'
	[ "$status" -eq 1 ]
	[[ $output == *"only bind mounts"* ]]
	run behalf mounts add "$ID" - <<<"$(one_mount /mnt /no/such/source bind)"
	[ "$status" -eq 1 ]
	[[ $output == *"/no/such/source"* ]]
	run behalf mounts swap "$ID" -
	[ "$status" -eq 1 ]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf mounts add "$ID" - <<<"$(one_mount /mnt "$BATS_TEST_TMPDIR/data" bind)"
	[ "$status" -eq 1 ]
	[[ $output == *"not running"* ]]
}
