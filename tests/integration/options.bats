#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Options of the verbs that are runc's and crun's, and where on the line they may stand.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# start_sleepers ID...
start_sleepers() {
	local id
	set_args sleep 1000
	for id; do
		behalf create --bundle "$BUNDLE" "$id"
		behalf start "$id"
	done
}

@test "kill --regex: every container that has it in its id, and no other" {
	start_sleepers "$ID-a1" "$ID-a2" "$ID-b1"
	behalf kill --regex "^$ID-a[0-9]$" KILL
	wait_until 5 has_status "$ID-a1" stopped
	wait_until 5 has_status "$ID-a2" stopped
	[ "$(status_of "$ID-b1")" = running ]
	behalf kill --regex "^nobody-$ID" KILL
	run behalf kill --regex "(" KILL
	[ "$status" -eq 1 ]
	[[ $output == *"--regex '('"* ]]
}

@test "delete --regex" {
	start_sleepers "$ID-a1" "$ID-a2" "$ID-b1"
	run behalf delete --regex "$ID-a"
	[ "$status" -eq 1 ]
	[ "$(status_of "$ID-a1")" = running ]
	behalf delete --force --regex "$ID-a"
	[ "$(behalf list -q)" = "$ID-b1" ]
	behalf delete -f -r "."
	[ -z "$(behalf list -q)" ]
}

@test "options stand before the id and behind it" {
	start_sleepers "$ID"
	behalf ps "$ID" --format json | jq -e length
	behalf kill "$ID" --all KILL
	wait_until 5 has_status "$ID" stopped
	behalf delete "$ID" --force
	set_args sleep 1000
	behalf create "$ID" --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid"
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(pid_of "$ID")" ]
	behalf delete "$ID" -f
}
