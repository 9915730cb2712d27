#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Engines tell one failure from another by words in the sentence. What each of them looks for:
#
#	podman      "permission denied", "operation not permitted" (any case): exit status 126
#	            "executable file not found in", "no such file or directory" (any case): 127
#	            of `state`: "does not exist"
#	dockerd     the command, and "executable file not found" or "no such file or directory": 127;
#	            "permission denied": 126; "not a directory": a hint about bind mounts
#	containerd  of `kill`: "container not running", "os: process already finished", "no such process"
#	            (any case): it has ended; "does not exist": no such container
#	tools       "container with given ID already exists", "container does not exist",
#	            "cannot exec in a stopped container": runc's own words

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# says WORDS COMMAND...: it fails with 1, an exec with 255, with one line that has WORDS
says() {
	local words=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$([ "$2" = exec ] && echo 255 || echo 1)" ] || { echo "status $status"; return 1; }
	[[ $stderr == *"$words"* ]] || { echo "says: $stderr"; return 1; }
	[ "${#stderr_lines[@]}" -eq 1 ] || { echo "several lines: $stderr"; return 1; }
	[ -z "$output" ]
}

@test "a program that no folder of PATH has" {
	set_args nothing-like-it
	says 'executable file not found in $PATH' behalf create --bundle "$BUNDLE" "$ID"
	says "nothing-like-it" behalf run --bundle "$BUNDLE" "$ID"
	start_sleeper
	says 'executable file not found in $PATH' behalf exec "$ID" nothing-like-it
}

@test "a program that is not there" {
	set_args /no/such/program
	says 'no such file or directory' behalf create --bundle "$BUNDLE" "$ID"
	says '/no/such/program' behalf run --bundle "$BUNDLE" "$ID"
	start_sleeper
	says 'no such file or directory' behalf exec "$ID" /no/such/program
}

@test "a program that cannot be executed" {
	set_args /etc/passwd
	says 'permission denied' behalf create --bundle "$BUNDLE" "$ID"
	start_sleeper
	says 'permission denied' behalf exec "$ID" /etc/passwd
	says 'permission denied' behalf exec "$ID" /etc
}

@test "a program that only its user cannot execute" {
	cp -L "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/bin/mine"
	chmod 700 "$BUNDLE/rootfs/bin/mine"
	start_sleeper
	run behalf exec --user 1000:1000 "$ID" /bin/mine true
	[ "$status" -eq 255 ]
	[[ ${output,,} == *'permission denied'* ]]
}

@test "a mount point whose path goes through a file" {
	edit_config '.mounts += [{destination: "/etc/passwd/x", type: "tmpfs", source: "tmpfs"}]'
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ ${output,,} == *'not a directory'* ]]
}

@test "a container that is not there" {
	local verb
	for verb in state start pause resume ps kill "exec --detach" delete; do
		# shellcheck disable=SC2086 # the words of one verb
		case $verb in
		exec*) says 'container does not exist' behalf $verb "$ID" true ;;
		*) says 'container does not exist' behalf $verb "$ID" ;;
		esac
	done
	behalf delete --force "$ID"
}

@test "an id that is taken" {
	behalf create --bundle "$BUNDLE" "$ID"
	says 'container with given ID already exists' behalf create --bundle "$BUNDLE" "$ID"
	says "$ID" behalf run --bundle "$BUNDLE" "$ID"
}

@test "a container that has ended" {
	start_sleeper
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	says 'container not running' behalf kill "$ID" TERM
	says 'cannot exec in a stopped container' behalf exec "$ID" true
	says 'stopped' behalf start "$ID"
	says 'container not running' behalf pause "$ID"
	says 'container not running' behalf update --pids-limit 5 "$ID"
	says 'container not paused' behalf resume "$ID"
}

@test "a container that is paused" {
	start_sleeper
	behalf pause "$ID" || skip "no freezer here"
	says 'cannot exec in a paused container' behalf exec "$ID" true
	says 'container not running' behalf pause "$ID"
	behalf resume "$ID"
	says 'container not paused' behalf resume "$ID"
}

@test "an engine reads them as JSON from the log" {
	set_args nothing-like-it
	run "$BEHALF" --root "$STATE" --log "$BATS_TEST_TMPDIR/log" --log-format json \
		create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ "$(jq -r .level "$BATS_TEST_TMPDIR/log")" = error ]
	[[ $(jq -r .msg "$BATS_TEST_TMPDIR/log") == *'executable file not found in $PATH'* ]]
}

@test "an option that there is not, or without its value, is told where an engine reads" {
	while read -r sentence words; do
		rm -f "$BATS_TEST_TMPDIR/log"
		# shellcheck disable=SC2086 # words
		run behalf --log "$BATS_TEST_TMPDIR/log" --log-format json $words
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
		[ "$(jq -r .msg "$BATS_TEST_TMPDIR/log")" = "${sentence//_/ }" ] || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
	done <<-'END'
		create:_--frob:_no_such_option,_see_behalf_create_--help create --frob x
		list:_-z:_no_such_option,_see_behalf_list_--help list -qz
		list:_-z:_no_such_option,_see_behalf_list_--help list --quiet -zq
		list:_--quiet=1:_no_such_option,_see_behalf_list_--help list --quiet=1
		exec:_--user:_a_value_is_missing exec --user
	END
}
