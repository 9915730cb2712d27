#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The terminal of a container: handed to an engine over --console-socket, or our own.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	need_verb spec
	receive=$BUILD_DIR/tests/integration/console_receive
	[ -x "$receive" ] || skip 'console_receive is not built'
	begin
}
teardown() { end; }

# Receives in the background what comes to $SOCKET; the output is in $OUT.
start_receiver() {
	# a socket's address is short
	SOCKET=$(mktemp -u /tmp/bt-console-XXXXXX)
	OUT=$BATS_TEST_TMPDIR/terminal
	"$receive" "$SOCKET" "$@" >"$OUT" 2>&1 &
	RECEIVER=$!
	wait_until 5 test -S "$SOCKET"
}

end_receiver() {
	wait "$RECEIVER"
	rm -f "$SOCKET"
}

with_terminal() {
	edit_config '.process.terminal = true'
	set_args "$@"
}

@test "create --console-socket: the master of a terminal comes, the program has its slave" {
	with_terminal sh -c 'tty; stat -c "%t:%T" /dev/console; echo typed: $(head -n 1); test -t 0 && test -t 1 && test -t 2 && echo all'
	start_receiver $'some words\n'
	behalf create --bundle "$BUNDLE" --console-socket "$SOCKET" "$ID"
	behalf start "$ID"
	end_receiver
	grep -q '^name: /dev/ptmx' "$OUT"
	grep -q '^device: 5:2' "$OUT"
	grep -q '^/dev/pts/0' "$OUT"
	grep -q '^88:0' "$OUT"
	grep -q '^typed: some words' "$OUT"
	grep -q '^all' "$OUT"
}

@test "run --detach --console-socket" {
	with_terminal sh -c 'echo hello from $(tty)'
	start_receiver
	behalf run --detach --bundle "$BUNDLE" --console-socket "$SOCKET" "$ID"
	end_receiver
	grep -q '^hello from /dev/pts/0' "$OUT"
}

@test "the terminal is the controlling one, and gives signals" {
	with_terminal sh -c 'trap "echo interrupted; exit 3" INT; echo x >/dev/tty; while :; do sleep 0.05; done'
	start_receiver $'\003'
	behalf run --detach --bundle "$BUNDLE" --console-socket "$SOCKET" "$ID"
	end_receiver
	grep -q interrupted "$OUT"
}

@test "consoleSize, and the user as owner" {
	with_terminal sh -c 'stty size; stat -c "%u %g %a" $(tty)'
	edit_config '.process.consoleSize = {height: 33, width: 77} | .process.user = {uid: 1000, gid: 1000}'
	start_receiver
	behalf run --detach --bundle "$BUNDLE" --console-socket "$SOCKET" "$ID"
	end_receiver
	grep -q '^33 77' "$OUT"
	grep -q '^1000 5 620' "$OUT"
}

@test "exec --tty --console-socket" {
	start_sleeper
	start_receiver $'word\n'
	behalf exec --detach --tty --console-socket "$SOCKET" "$ID" sh -c 'tty; echo read $(head -n 1)'
	end_receiver
	grep -q '^/dev/pts/0' "$OUT"
	grep -q '^read word' "$OUT"
}

@test "exec --tty in a user namespace" {
	edit_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
	chown -R -h 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BUNDLE"
	start_sleeper
	start_receiver
	behalf exec --detach --tty --console-socket "$SOCKET" "$ID" sh -c 'stat -c "%u" $(tty); tty'
	end_receiver
	grep -q '^/dev/pts/0' "$OUT"
	grep -q '^0' "$OUT"
}

@test "run with a terminal of our own: what is typed, what is shown, the size, the exit status" {
	need_program expect
	with_terminal sh -c 'stty size; echo say; read word; echo "got $word"; exit 6'
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		set timeout 10
		set stty_init "rows 31 columns 71"
		spawn $BEHALF --root $STATE run --bundle $BUNDLE $ID
		expect {
			"31 71" {}
			timeout { exit 100 }
		}
		expect "say"
		send "hello\r"
		expect {
			"got hello" {}
			timeout { exit 101 }
		}
		expect eof
		lassign [wait] pid spawn os_error status
		exit \$status
	END
	run expect -f "$BATS_TEST_TMPDIR/script"
	[ "$status" -eq 6 ] || { echo "$output"; return 1; }
}

@test "exec --tty with a terminal of our own; an interrupt reaches the program" {
	need_program expect
	start_sleeper
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		set timeout 10
		spawn $BEHALF --root $STATE exec --tty $ID sh -c "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.05; done"
		expect ready
		send "\003"
		expect {
			caught {}
			timeout { exit 100 }
		}
		expect eof
		lassign [wait] pid spawn os_error status
		exit \$status
	END
	run expect -f "$BATS_TEST_TMPDIR/script"
	[ "$status" -eq 4 ] || { echo "$output"; return 1; }
}

@test "our own terminal is as it was before" {
	need_program expect
	with_terminal true
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		set timeout 10
		spawn sh -c "stty -g >$BATS_TEST_TMPDIR/before; $BEHALF --root $STATE run --bundle $BUNDLE $ID; stty -g >$BATS_TEST_TMPDIR/after"
		expect eof
	END
	expect -f "$BATS_TEST_TMPDIR/script"
	cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "run with a terminal in the configuration and none of our own: the output still comes" {
	with_terminal sh -c 'test -t 1 && echo terminal; seq 1 5000 | tail -n 1'
	run behalf run --bundle "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ]
	[ "$(echo "$output" | tr -d '\r' | paste -sd' ')" = 'terminal 5000' ]
}

@test "all of a long output comes, to the last byte" {
	with_terminal sh -c 'head -c 200000 /dev/zero | tr "\0" x; echo; echo end'
	behalf run --bundle "$BUNDLE" "$ID" </dev/null | tr -d '\r' >"$BATS_TEST_TMPDIR/long"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/long" | wc -c)" -eq 200001 ]
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/long")" = end ]
}

@test "a program that writes much before it reads what was typed, and much is typed" {
	with_terminal sh -c 'stty -echo raw; n=0
		while IFS= read -r line; do
			head -c 200000 /dev/zero | tr "\0" x
			n=$((n + 1)); [ $n -lt 10 ] || exit 3
		done'
	# when the terminal is as the program wants it, else it would be shown as it comes
	run bash -c "(sleep 0.5; yes abc | head -c 1000000) |
		timeout -s KILL $((20 * ${PATIENCE:-1})) '$BEHALF' --root '$STATE' run --bundle '$BUNDLE' '$ID' | wc -c
		exit \${PIPESTATUS[1]}"
	[ "$status" -eq 3 ]
	[ "$output" -eq 2000000 ]
}

@test "a program that closes its terminal and opens it again is still shown" {
	with_terminal sh -c 'echo one; exec </dev/null >/dev/null 2>&1; sleep 0.5; echo two >/dev/console; exit 4'
	run behalf run --bundle "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 4 ]
	[ "$(echo "$output" | tr -d '\r' | paste -sd' ')" = 'one two' ]
}

@test "when nobody takes the output any more the program hears a hangup, and run deletes the container" {
	with_terminal sh -c 'trap "exit 9" HUP; while :; do echo words; done'
	run bash -c "timeout -s KILL $((10 * ${PATIENCE:-1})) '$BEHALF' --root '$STATE' run --bundle '$BUNDLE' '$ID' </dev/null |
		head -c 1; exit \${PIPESTATUS[0]}"
	[ "$status" -eq 9 ]
	[ "$output" = w ]
	[ ! -e "$STATE/$ID" ]
}

@test "an output that does not wait for its reader gets all" {
	with_terminal sh -c 'head -c 500000 /dev/zero | tr "\0" x; exit 5'
	cat >"$BATS_TEST_TMPDIR/reader" <<'END'
use IO::Handle;
pipe(my $reader, my $writer) or die;
$writer->blocking(0);
my $pid = fork;
if (!$pid) { open(STDOUT, ">&", $writer) or die; exec @ARGV; }
close $writer;
sleep 1;
my ($n, $buffer) = (0);
while (my $got = sysread $reader, $buffer, 65536) { $n += $got; }
waitpid $pid, 0;
print "$n bytes, status ", $? >> 8, "\n";
END
	run perl "$BATS_TEST_TMPDIR/reader" timeout -s KILL $((10 * ${PATIENCE:-1})) \
		"$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null
	[ "$output" = '500000 bytes, status 5' ]
}

@test "a terminal and no one to take it, and the other way round, are told" {
	with_terminal true
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *--console-socket* ]]
	run behalf create --bundle "$BUNDLE" --console-socket /no/such/socket "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *--console-socket*/no/such/socket* ]]
	edit_config '.process.terminal = false'
	run behalf create --bundle "$BUNDLE" --console-socket /no/such/socket "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *--console-socket* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "the container's first process does not keep the master" {
	with_terminal sleep 1000
	start_receiver
	behalf create --bundle "$BUNDLE" --console-socket "$SOCKET" "$ID"
	behalf start "$ID"
	run ls -l "/proc/$(pid_of "$ID")/fd"
	[ "$(echo "$output" | grep -c '/dev/pts/0\|/0$')" -eq 3 ]
	echo "$output" | not grep ptmx
	behalf delete --force "$ID"
	end_receiver
}
