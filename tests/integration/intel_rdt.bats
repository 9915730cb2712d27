#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# linux.intelRdt from config.json to the files, on a machine that says it has a resctrl file system: in a
# mount namespace of its own the program reads a mountinfo with one line more, of a recorded tree. What the
# kernel does with a group is played by the test: the files of groups are put there, and taken away.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	need_verb spec
	begin
	RESCTRL=$BATS_TEST_TMPDIR/resctrl
	mkdir -p "$RESCTRL/info" "$RESCTRL/mon_groups" "$RESCTRL/gold/mon_groups"
	printf '    MB:0=100\n    L3:0=7ff\n' >"$RESCTRL/schemata"
	printf '    MB:0= 50\n    L3:0=00f\n' >"$RESCTRL/gold/schemata"
	: >"$RESCTRL/tasks"
	: >"$RESCTRL/gold/tasks"
}
teardown() { end; }

# with_resctrl ARGUMENT...: the program under test, on such a machine
with_resctrl() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m --propagation private sh -c '
		mountinfo=$1 resctrl=$2
		shift 2
		cat /proc/self/mountinfo >"$mountinfo"
		echo "9999 1 0:99 / $resctrl rw - resctrl resctrl rw" >>"$mountinfo"
		mount --bind "$mountinfo" /proc/$$/mountinfo && exec "$@"' \
		sh "$BATS_TEST_TMPDIR/mountinfo" "$RESCTRL" "$BEHALF" --root "$STATE" "$@"
}

# The files of GROUP go as they do with a directory of the kernel.
empty_group() {
	rm -f "$RESCTRL/$1/schemata" "$RESCTRL/$1/tasks"
}

@test "linux.intelRdt: l3CacheSchema, memBwSchema and schemata of a group of the container's own" {
	edit_config '.linux.intelRdt = {"l3CacheSchema": "L3:0=7f0\nMB:0=90", "memBwSchema": "MB:0=20",
		"schemata": ["L2:0=f", "MB:0=30"]}'
	set_args sleep 1000
	with_resctrl create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	[ "$(cat "$RESCTRL/$ID/schemata")" = $'L3:0=7f0\nMB:0=20\nL2:0=f\nMB:0=30' ]
	[ "$(cat "$RESCTRL/$ID/tasks")" = "$(pid_of "$ID")" ]
	behalf exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" sleep 1000
	[ "$(tail -n 1 "$RESCTRL/$ID/tasks")" = "$(cat "$BATS_TEST_TMPDIR/pid")" ]
	behalf update --l3-cache-schema L3:0=f --mem-bw-schema MB:0=40 "$ID"
	[ "$(tail -n 2 "$RESCTRL/$ID/schemata")" = $'L3:0=f\nMB:0=40' ]
	# while somebody else's task is in it, it stays, and all else goes
	echo 1 >"$RESCTRL/$ID/tasks"
	behalf delete --force "$ID"
	[ -d "$RESCTRL/$ID" ]
}

@test "linux.intelRdt: closID, a class that is there, and enableMonitoring" {
	edit_config '.linux.intelRdt = {"closID": "gold", "memBwSchema": "MB:0=50", "enableMonitoring": true}'
	set_args sleep 1000
	with_resctrl create --bundle "$BUNDLE" "$ID"
	[ "$(cat "$RESCTRL/gold/tasks")" = "$(pid_of "$ID")" ]
	[ "$(cat "$RESCTRL/gold/mon_groups/$ID/tasks")" = "$(pid_of "$ID")" ]
	[ "$(cat "$RESCTRL/gold/schemata")" = $'    MB:0= 50\n    L3:0=00f' ]
	empty_group "gold/mon_groups/$ID"
	behalf delete --force "$ID"
	[ ! -e "$RESCTRL/gold/mon_groups/$ID" ]
	[ -d "$RESCTRL/gold" ]
}

@test "linux.intelRdt: enableCMT, enableMBM and the default class" {
	local key
	for key in enableCMT enableMBM; do
		edit_config ".linux.intelRdt = {\"closID\": \"/\", \"$key\": true}"
		set_args sleep 1000
		with_resctrl create --bundle "$BUNDLE" "$ID"
		[ "$(tail -n 1 "$RESCTRL/tasks")" = "$(pid_of "$ID")" ]
		[ "$(cat "$RESCTRL/mon_groups/$ID/tasks")" = "$(pid_of "$ID")" ]
		empty_group "mon_groups/$ID"
		behalf delete --force "$ID"
		[ ! -e "$RESCTRL/mon_groups/$ID" ]
	done
}

@test "linux.intelRdt: a class that has other shares, or is not there, is told and nothing is made" {
	edit_config '.linux.intelRdt = {"closID": "gold", "l3CacheSchema": "L3:0=7ff"}'
	run with_resctrl create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"linux.intelRdt: the resctrl group 'gold' is there with other shares than 'L3:0=7ff'" ]]
	edit_config '.linux.intelRdt = {"closID": "silver"}'
	run with_resctrl create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"linux.intelRdt.closID: there is no resctrl group 'silver', and no shares are given to make one" ]]
	[ "$(find "$RESCTRL" -mindepth 1 -type d | sort)" = "$(printf "$RESCTRL/%s\n" gold gold/mon_groups info mon_groups)" ]
	[ -z "$(behalf list -q)" ]
}

@test "linux.intelRdt: where resctrl is not mounted, that is told" {
	! grep -q ' - resctrl ' /proc/self/mountinfo || skip "it is mounted here"
	edit_config '.linux.intelRdt = {}'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'linux.intelRdt: the resctrl file system is not mounted' ]]
	edit_config 'del(.linux.intelRdt)'
	start_sleeper
	run behalf update --mem-bw-schema MB:0=40 "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'created without linux.intelRdt, and has no resctrl group' ]]
}
