#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The program before any verb.

setup() { load helpers; }

@test "--version names the program and the specification" {
	run "$BEHALF" --version
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^behalf\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[[ ${lines[1]} =~ ^spec:\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[[ ${lines[-1]} == *+SECCOMP* ]]
	[ "$("$BEHALF" -v)" = "$output" ]
	[ "$("$BEHALF" -V)" = "$output" ]
}

@test "features with options before the verb and without" {
	[ "$("$BEHALF" features)" = "$("$BEHALF" --root /nowhere --log-format json --rootless auto features)" ]
	"$BEHALF" features | jq -e .ociVersionMax
}

@test "--log-level and --log as crun has them" {
	run "$BEHALF" --log-level loud frobnicate
	[ "$status" -eq 1 ]
	[[ $output == *"'loud'"* ]]
	run "$BEHALF" --log-level error --log "file:$BATS_TEST_TMPDIR/log" frobnicate
	[ "$status" -eq 1 ]
	grep -q "'frobnicate'" "$BATS_TEST_TMPDIR/log"
}

@test "options that other runtimes' callers give and that change nothing" {
	run "$BEHALF" --criu /usr/sbin/criu list -q
	[ "$status" -eq 0 ]
	run "$BEHALF" create -no-subreaper --bundle /no/such/bundle x
	[ "$status" -eq 1 ]
	[[ $output == *"/no/such/bundle"* ]]
}

@test "the verbs of behalf-full are found beside behalf, or said to be missing" {
	copy_behalf "$BATS_TEST_TMPDIR"
	rm "$BATS_TEST_TMPDIR/behalf-full"
	run "$BATS_TEST_TMPDIR/behalf" ledger --help
	[ "$status" -eq 1 ] || skip "behalf-full is installed"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"ledger: "*"/behalf-full': No such file or directory"* ]]
	cp "$(dirname "$BEHALF")/behalf-full" "$BATS_TEST_TMPDIR/"
	run "$BATS_TEST_TMPDIR/behalf" ledger --help
	[ "$status" -eq 0 ]
	[[ $output == "Usage: behalf ledger"* ]]
}

@test "what behalf executes is chosen by the verb, however the options before it are written" {
	local programs
	programs=$(dirname "$BEHALF")
	[ -x "$programs/behalf-runtime" ] || skip "behalf is the runtime's program itself"
	need_program strace
	# ARGUMENT...: the programs that were executed, in that order
	executed() {
		strace -qq -e trace=execve,execveat,open_tree -o "$BATS_TEST_TMPDIR/calls" "$BEHALF" "$@" >/dev/null 2>&1 || true
		sed -nE 's,^(open_tree|execve|execveat)\(([A-Z0-9_]+\, )?"([^"]*/)?(behalf[a-z-]*)".*= [0-9].*,\4,p' \
			"$BATS_TEST_TMPDIR/calls" | tr '\n' ' '
	}
	[ "$(executed)" = "behalf behalf-runtime " ]
	[ "$(executed --version)" = "behalf behalf-runtime " ]
	[ "$(executed state x)" = "behalf behalf-runtime " ]
	[ "$(executed --root /run/x --log-level error list)" = "behalf behalf-runtime " ]
	[ "$(executed --ro /nowhere --debug --cgroup-m cgroupfs state x)" = "behalf behalf-runtime " ]
	[ "$(executed stat --help)" = "behalf behalf-full " ]
	[ "$(executed --root=/run/x plan --help)" = "behalf behalf-full " ]
	[ "$(executed --log /dev/null who --help)" = "behalf behalf-full " ]
	[ "$(executed no-such-verb)" = "behalf behalf-runtime " ]
	"$BEHALF" --version | grep -q +SYSTEMD || return 0
	[ "$(executed --systemd-cgroup state x)" = "behalf behalf-full " ]
	[ "$(executed --cgroup-manager systemd state x)" = "behalf behalf-full " ]
	[ "$(executed --cg=systemd --root /run/x state x)" = "behalf behalf-full " ]
	# the verb may come late: who knows better puts it right
	[ "$(executed --root /run/x --cgroup-manager cgroupfs --systemd-cgroup state x)" = "behalf behalf-full " ]
}

# One that is installed is executed when nothing near behalf is.
skip_if_installed() {
	mkdir "$BATS_TEST_TMPDIR/alone"
	cp "$BEHALF" "$BATS_TEST_TMPDIR/alone/behalf"
	! "$BATS_TEST_TMPDIR/alone/behalf" stat --help || skip "behalf is installed"
}

# The sentence that there is none, and why.
refuses_what_is_near() { # PROGRAM
	run "$@"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"behalf-"*"': No such file or directory"* ]]
	[ "${#lines[@]}" -eq 1 ]
}

@test "without what it executes, behalf says so, and where an engine reads it" {
	local log=$BATS_TEST_TMPDIR/log
	[ -x "$(dirname "$BEHALF")/behalf-runtime" ] || skip "behalf is the runtime's program itself"
	skip_if_installed
	cp "$BEHALF" "$BATS_TEST_TMPDIR/behalf"
	refuses_what_is_near "$BATS_TEST_TMPDIR/behalf" list
	[[ $output == "behalf: execute '"*"/behalf-runtime': No such file or directory" ]]
	refuses_what_is_near "$BATS_TEST_TMPDIR/behalf" --root /x --log "$log" list
	[ "$(cat "$log")" = "$output" ]
	rm "$log"
	refuses_what_is_near "$BATS_TEST_TMPDIR/behalf" --log-format=json --log="file:$log" list
	[ "$(jq -r .level "$log")" = error ]
	[[ $(jq -r .msg "$log") == "execute '"*"/behalf-runtime': No such file or directory" ]]
}

@test "what others could have put beside behalf is not executed" {
	local place=$BATS_TEST_TMPDIR/place programs
	need_root
	skip_if_installed
	programs=$(dirname "$BEHALF")
	mkdir "$place"
	copy_behalf "$place"
	"$place/behalf" --version
	"$place/behalf" stat --help
	for mode in 1777 777 1775; do
		chmod $mode "$place"
		[ ! -x "$programs/behalf-runtime" ] || refuses_what_is_near "$place/behalf" --version
		refuses_what_is_near "$place/behalf" stat --help
		[[ $output == *"others could have put it there"* ]]
		# a program of the runtime by itself looks as well
		[ ! -x "$programs/behalf-runtime" ] || refuses_what_is_near "$place/behalf-runtime" stat --help
	done
	# who is of the group can replace behalf itself
	chmod 775 "$place"
	"$place/behalf" stat --help
	chown nobody "$place/behalf-full"
	refuses_what_is_near "$place/behalf" stat --help
	chown root "$place/behalf-full"
	chmod 757 "$place/behalf-full"
	refuses_what_is_near "$place/behalf" stat --help
	chmod 755 "$place/behalf-full"
	# another user's directory, and then all of it that user's
	chown nobody "$place"
	refuses_what_is_near "$place/behalf" stat --help
	chown nobody "$place"/*
	"$place/behalf" stat --help
}

@test "with rights of the file's mode behalf executes what is installed, and nothing else" {
	local place=$BATS_TEST_TMPDIR/place
	need_root
	need_program setpriv
	skip_if_installed
	mkdir "$place"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	copy_behalf "$place"
	as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
	as_nobody "$place/behalf" stat --help || skip "an ordinary user does not reach the test's files"
	chmod u+s "$place/behalf"
	refuses_what_is_near as_nobody "$place/behalf" stat --help
	chmod u-s "$place/behalf"
	as_nobody "$place/behalf" stat --help
}

@test "behalf runs below any directory that it was installed into" {
	local at=$BATS_TEST_TMPDIR/stage
	umask 022
	mkdir -p "$at/usr/bin" "$at/usr/libexec/behalf"
	copy_behalf "$at/usr/libexec/behalf"
	mv "$at/usr/libexec/behalf/behalf" "$at/usr/bin/"
	"$at/usr/bin/behalf" --version
	"$at/usr/bin/behalf" stat --help
	skip_if_installed
	# another group than that of behalf's own directory may write to this one, or to that above it
	for directory in "$at/usr/libexec/behalf" "$at/usr/libexec"; do
		for mode in 777 775; do
			chmod $mode "$directory"
			refuses_what_is_near "$at/usr/bin/behalf" stat --help
		done
		chmod 755 "$directory"
	done
	mv "$at/usr/libexec" "$at/elsewhere"
	ln -s ../elsewhere "$at/usr/libexec"
	refuses_what_is_near "$at/usr/bin/behalf" stat --help
}

@test "--help lists the verbs, each with a line" {
	run "$BEHALF" --help
	[ "$status" -eq 0 ]
	[[ $output == *"Verbs:"* ]]
}

@test "every verb answers --help with status 0 and its own name" {
	for verb in $("$BEHALF" --help | sed -n '/^Verbs:/,$s/^  \([a-z]*\) .*/\1/p'); do
		run "$BEHALF" "$verb" --help
		[ "$status" -eq 0 ] || { echo "behalf $verb --help: status $status"; return 1; }
		[[ $output == *"behalf $verb"* ]] || { echo "behalf $verb --help: $output"; return 1; }
		[ "$("$BEHALF" help "$verb")" = "$output" ] || { echo "behalf help $verb: something else"; return 1; }
	done
	[ "$("$BEHALF" help)" = "$("$BEHALF" --help)" ]
	run "$BEHALF" help frobnicate
	[ "$status" -eq 1 ]
	[[ $output == *"'frobnicate'"* ]]
}

# The runtime's program has a handler for a moment while it starts (src/launcher/entry.c).
@test "SIGSEGV blocked or ignored by who calls is no hindrance" {
	env --help | grep -q -e --block-signal || skip "this env blocks no signals"
	for as in --block-signal=SEGV --ignore-signal=SEGV; do
		run env "$as" "$BEHALF" --version
		[ "$status" -eq 0 ]
		[[ $output == "behalf version "* ]]
	done
}

@test "no verb, an unknown verb and an unknown option fail with a sentence" {
	run "$BEHALF"
	[ "$status" -eq 1 ]
	[[ $output == *"no verb"* ]]
	run "$BEHALF" frobnicate
	[ "$status" -eq 1 ]
	[[ $output == *"'frobnicate'"* ]]
}

# Of crun's callers some know its status for this.
@test "an option before the verb that there is not, or without its value: one sentence, status 64" {
	local option
	for option in --frobnicate --debug=yes; do
		run "$BEHALF" "$option" list
		[ "$status" -eq 64 ]
		[ "$output" = "behalf: $option: no such option, see behalf --help" ]
	done
	run "$BEHALF" -x list
	[ "$status" -eq 64 ]
	[ "$output" = "behalf: -x: no such option, see behalf --help" ]
	run "$BEHALF" --root
	[ "$status" -eq 64 ]
	[ "$output" = "behalf: --root: a value is missing, see behalf --help" ]
}

@test "--systemd-cgroup and --cgroup-manager, where it is built in and where not" {
	run "$BEHALF" --systemd-cgroup --cgroup-manager systemd list -q
	if [[ $("$BEHALF" --version) == *+SYSTEMD* ]]; then
		[ "$status" -eq 0 ]
	else
		[ "$status" -eq 1 ]
		[[ $output == *"no support for systemd"* ]]
	fi
	run "$BEHALF" --cgroup-manager other list
	[ "$status" -eq 1 ]
	[[ $output == *"'other'"* ]]
}

@test "--log-format takes text and json only" {
	run "$BEHALF" --log-format xml frobnicate
	[ "$status" -eq 1 ]
	[[ $output == *"'xml'"* ]]
}

@test "with --log and --log-format json an error is one JSON object in the file" {
	run "$BEHALF" --log "$BATS_TEST_TMPDIR/log" --log-format json frobnicate
	[ "$status" -eq 1 ]
	[ "$(jq -r .level "$BATS_TEST_TMPDIR/log")" = error ]
	[[ $(jq -r .msg "$BATS_TEST_TMPDIR/log") == *"'frobnicate'"* ]]
	jq -e .time "$BATS_TEST_TMPDIR/log"
}

# sent_to SOCKET WORDS...: the message that behalf, called with these words, sends to a socket of a /dev or /run
# of its own
sent_to() {
	unshare --mount --propagation private bash -c '
		socket=$1
		shift
		mount -t tmpfs none "/$(cut -d/ -f2 <<<"$socket")" && mkdir -p "${socket%/*}"
		[ -e /dev/null ] || mknod -m 666 /dev/null c 1 3
		perl -MSocket -e "socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, sockaddr_un(shift)) or die;
			alarm 10; recv(S, \$m, 4096, 0); print \$m" "$socket" &
		until [ -S "$socket" ]; do sleep 0.02; done
		"$@" 2>/dev/null
		wait' - "$1" "$BEHALF" "${@:2}"
}

@test "--log syslog: and journald:, as crun has them" {
	need_root
	[[ $(sent_to /dev/log --log syslog:me frobnicate) =~ ^\<11\>me\[[0-9]+\]:\ unknown\ verb\ \'frobnicate\' ]]
	run sent_to /run/systemd/journal/socket --log journald:me frobnicate
	[ "${lines[*]:0:2}" = 'PRIORITY=3 SYSLOG_IDENTIFIER=me' ]
	[[ ${lines[2]} == "MESSAGE=unknown verb 'frobnicate'"* ]]
	run unshare --mount --propagation private bash -c 'mount -t tmpfs none /run && "$@"' - \
		"$BEHALF" --log journald:me features
	[ "$status" -eq 1 ]
	[[ $output == *"open the log 'journald:me'"* ]]
}

@test "a log that cannot be opened is named" {
	run "$BEHALF" --log /no/such/folder/log frobnicate
	[ "$status" -eq 1 ]
	[[ $output == *"/no/such/folder/log"* ]]
}
