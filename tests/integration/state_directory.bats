#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Whose state directories are believed: a record says which processes are killed and which groups removed.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() {
	chown 0:0 "$STATE"
	chmod 700 "$STATE"
	end
}

# says WORDS COMMAND...: it fails with 1 and one line that has WORDS
says() {
	local words=$1
	shift
	run "$@"
	[ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *"$words"* ]] && return
	echo "status $status, says: $output"
	return 1
}

# nothing_works WORDS: with any verb; a container that is there stays as it is
nothing_works() {
	local verb
	for verb in state start kill "delete --force" pause ps; do
		# shellcheck disable=SC2086 # words
		says "$1" behalf $verb "$ID"
	done
	says "$1" behalf create --bundle "$BUNDLE" "$ID-2"
	says "$1" behalf list
	[ "$(ls "$STATE")" = "$ID" ]
}

@test "a state directory of another user" {
	start_sleeper
	chown 65534 "$STATE"
	nothing_works "the state directory '$STATE' belongs to another user (65534)"
	chown 0 "$STATE"
	[ "$(status_of "$ID")" = running ]
}

@test "a state directory that others can write to" {
	start_sleeper
	local mode
	for mode in 1777 0775 0702; do
		chmod $mode "$STATE"
		nothing_works "the state directory '$STATE' can be written by others (mode $mode)"
	done
	chmod 0755 "$STATE"
	[ "$(status_of "$ID")" = running ]
}

@test "a state directory that is a symlink is the one it leads to" {
	mkdir "$STATE"
	ln -s "$STATE" "$BATS_TEST_TMPDIR/link"
	set_args echo here
	[ "$("$BEHALF" --root "$BATS_TEST_TMPDIR/link" run --bundle "$BUNDLE" "$ID")" = here ]
	chmod 777 "$STATE"
	says "'$BATS_TEST_TMPDIR/link' can be written by others" "$BEHALF" --root "$BATS_TEST_TMPDIR/link" list
}
