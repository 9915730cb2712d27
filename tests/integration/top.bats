#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# behalf top and behalf stat on a ledger of their own: in a mount namespace with its own bpffs, so that
# the machine's ledger stays as it is. top runs in tmux, as a person would see it.
# timeout: 300

setup_file() {
	load helpers
	need_root
	need_btf
	need_verb top
	need_program tmux tmux
	need_program jq jq
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c \
		'mount -t bpf bpf /sys/fs/bpf && echo $$ >"$1" && exec sleep 1000' sh \
		"$BATS_FILE_TMPDIR/holder" >/dev/null 2>&1 3>&- &
	wait_until 5 test -s "$BATS_FILE_TMPDIR/holder" || skip "no mount namespace with a bpffs"
	export TMUX_TMPDIR=$BATS_FILE_TMPDIR
	unset TMUX NO_COLOR
	inside behalf_top -b -n 1 -d 0.1 >/dev/null || skip "the ledger cannot be switched on here"
}

teardown_file() {
	[ ! -s "$BATS_FILE_TMPDIR/holder" ] || kill "$(cat "$BATS_FILE_TMPDIR/holder")"
}

setup() {
	load helpers
	SOCKET=top-$BATS_TEST_NUMBER
}

teardown() {
	tmux -L "$SOCKET" kill-server 2>/dev/null || true
	wait_until 5 no_top_runs || true
	inside "$BEHALF" ledger off >/dev/null || true
	# whatever ended it
	[ ! -e "/proc/$(cat "$BATS_FILE_TMPDIR/holder")/root/sys/fs/bpf/behalf" ]
}

inside() {
	if [ "$1" = behalf_top ]; then
		shift
		set -- "$BEHALF" top "$@"
	fi
	nsenter --mount="/proc/$(cat "$BATS_FILE_TMPDIR/holder")/ns/mnt" -- "$@"
}

no_top_runs() {
	! pgrep -f "^$BEHALF top" >/dev/null
}

ledger_is() {
	inside "$BEHALF" ledger status | head -n 1 | grep -q "the ledger is $1"
}

# open_terminal [VARIABLE=VALUE...] starts a shell in a terminal of 80x24.
open_terminal() {
	inside env SHELL=/bin/sh "$@" tmux -L "$SOCKET" -f /dev/null new-session -d -x 80 -y 24 \
		"PS1='ready> ' exec sh" 3>&-
	wait_until 5 sees 'ready>'
}

keys() {
	tmux -L "$SOCKET" send-keys "$@"
}

page() {
	tmux -L "$SOCKET" capture-pane -p "$@"
}

# No line has more than 80 characters; those of a trend have several bytes.
fits() {
	! page | LC_ALL=C.UTF-8 grep -E '^.{81}'
}

# sees PATTERN [OPTION of capture-pane...]
sees() {
	local pattern=$1
	shift
	page "$@" | grep -qE -- "$pattern"
}

sees_not() {
	! sees "$@"
}

# start_top [OPTION...] types the command, and waits for the second page: the first figures.
start_top() {
	keys "$BEHALF top $*" Enter
	wait_until 10 sees '^behalf top .* books' || { page; return 1; }
	wait_until 10 sees '^sorted by|^The ledger was off' || { page; return 1; }
}

@test "the page shows host, idle and total, shares of 100%, and fits" {
	open_terminal
	start_top -d 0.3
	wait_until 5 sees '^total +(-|[0-9.]+) +[12]?[0-9]*\.[0-9]+ ' || { page; return 1; }
	sees '^host '
	sees '^idle '
	sees '^unattributed '
	sees '^NAME +RESERVE +CHARGE +OWN +BEHALF +IMPOSED +NET +BLK +WORK +TREND'
	sees '^# own .*= 100\.0%$'
	fits
	# the shares, added up in tenths
	page | sed -n 's/%//g; s/^# own \([0-9.]*\).*behalf \([0-9.]*\).*unattributed \([0-9.]*\).*idle \([0-9.]*\).*/\1 \2 \3 \4/p' |
		awk '{ exit ($1 + $2 + $3 + $4 > 99.99 && $1 + $2 + $3 + $4 < 100.01) ? 0 : 1 }'
}

@test "? shows help made from the keys, any key leads back" {
	open_terminal
	start_top -d 0.3
	keys '?'
	wait_until 5 sees 'key that sorts'
	sees 'CHARGE +OWN \+ BEHALF'
	sees 'any key leads back|Any key leads back'
	keys q
	wait_until 5 sees '^NAME'
	sees_not 'key that sorts'
}

@test "keys sort, turn round, change unit and delay" {
	open_terminal
	start_top -d 0.3
	wait_until 10 sees '^sorted by CHARGE'
	keys N
	wait_until 5 sees '^sorted by NAME,'
	keys R
	wait_until 5 sees '^sorted by NAME backwards'
	keys i
	wait_until 5 sees '^sorted by IMPOSED, smallest first'
	keys u
	wait_until 5 sees '^percent of one CPU'
	keys +
	wait_until 5 sees 'every 0\.6 s'
	keys -
	keys -
	wait_until 5 sees 'every 0\.1 s'
	keys Right
	wait_until 5 sees '^sorted by NET'
}

@test "a filter, a tree, one account and the CPUs" {
	open_terminal
	start_top -d 0.3
	keys /
	wait_until 5 sees '^filter: _'
	keys -l 'ho zt'
	keys BSpace BSpace BSpace
	wait_until 5 sees '^filter: ho_'
	keys Enter
	wait_until 10 sees "with 'ho'"
	sees '^host '
	keys t
	wait_until 5 sees '^tree of cgroups, every '
	sees '^host '
	keys t
	wait_until 5 sees '^sorted by CHARGE, '
	keys Enter
	wait_until 5 sees '^class +CPU0 .*total'
	sees '^work items +[0-9]+ .* us each$'
	sees '^own '
	sees '^charge '
	sees '^How owners were found'
	fits
	keys Escape
	wait_until 5 sees '^NAME +.*CHARGE'
	keys C
	wait_until 5 sees '^CHARGE by CPU +CPU0 .*total'
	sees '^idle '
	keys C
	wait_until 5 sees '^NAME +.*CHARGE'
	keys Escape
	wait_until 5 sees_not "with 'ho'"
	tmux -L "$SOCKET" resize-window -x 60 -y 24
	wait_until 5 sees_not 'TREND'
	keys T
	wait_until 5 sees '^NAME +.* TREND'
}

@test "a record is replayed in the terminal, to its end" {
	inside "$BEHALF" ledger on
	inside "$BEHALF" record -i 0.1 -n 4 "$BATS_TEST_TMPDIR/record"
	inside "$BEHALF" ledger off
	open_terminal
	keys "$BEHALF replay $BATS_TEST_TMPDIR/record top -d 0.2; echo status \$?" Enter
	wait_until 10 sees '^The end of the record'
	sees '^total '
	keys q
	wait_until 5 sees '^status 0'
}

@test "pause holds the figures" {
	open_terminal
	start_top -d 0.2
	keys p
	wait_until 5 sees 'paused'
	still() {
		before=$(page)
		sleep 0.3
		[ "$(page)" = "$before" ]
	}
	wait_until 5 still
	sleep 0.7
	[ "$(page)" = "$before" ]
	keys p
	wait_until 5 sees_not 'paused'
}

@test "a smaller terminal drops columns, a larger one gets them back" {
	open_terminal
	start_top -d 0.3
	tmux -L "$SOCKET" resize-window -x 50 -y 14
	wait_until 5 sees_not 'WORK'
	sees '^NAME +.*CHARGE'
	wait_until 10 sees '^sorted by'
	tmux -L "$SOCKET" resize-window -x 30 -y 4
	sleep 0.5
	tmux -L "$SOCKET" resize-window -x 120 -y 40
	wait_until 5 sees 'REST +KERNEL-SAYS +TREND'
	tmux -L "$SOCKET" resize-window -x 80 -y 24
	wait_until 5 sees '^NAME +RESERVE +CHARGE .* WORK +TREND'
}

shell_has_no_child() {
	! pgrep -P "$(cat "$BATS_TEST_TMPDIR/shell")" >/dev/null
}

# The terminal after top is that before: settings, main screen, cursor; and the ledger is off again.
# What is typed before top has ended is top's, or flushed by it.
is_restored() {
	wait_until 20 shell_has_no_child
	keys "stty -a >$BATS_TEST_TMPDIR/after; echo status \$s" Enter
	wait_until 5 sees "status $1" || { page; return 1; }
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ "$(tmux -L "$SOCKET" display -p '#{alternate_on} #{cursor_flag}')" = "0 1" ]
	wait_until 5 ledger_is off
}

start_to_restore() {
	open_terminal
	keys "stty -a >$BATS_TEST_TMPDIR/before; clear" Enter
	keys "echo \$\$ >$BATS_TEST_TMPDIR/shell; $BEHALF top -d 0.2; s=\$?" Enter
	wait_until 10 sees '^total '
	ledger_is on
	[ "$(tmux -L "$SOCKET" display -p '#{alternate_on}')" = 1 ]
	TOP=$(pgrep -P "$(cat "$BATS_TEST_TMPDIR/shell")")
}

@test "q gives the terminal back and switches the ledger off again" {
	start_to_restore
	keys q
	is_restored 0
}

@test "Ctrl-C gives the terminal back and switches the ledger off again" {
	start_to_restore
	keys C-c
	is_restored 0
}

@test "signals give the terminal back and switch the ledger off again" {
	for signal in TERM:143 HUP:129 QUIT:131; do
		start_to_restore
		kill -"${signal%:*}" "$TOP"
		is_restored "${signal#*:}"
		tmux -L "$SOCKET" kill-server
	done
}

@test "Ctrl-Z gives the terminal back, fg takes it again" {
	start_to_restore
	keys C-z
	wait_until 5 sees 'ready>'
	[ "$(tmux -L "$SOCKET" display -p '#{alternate_on}')" = 0 ]
	keys fg Enter
	wait_until 5 sees '^total '
	keys q
	is_restored 0 || is_restored 148 # the shell's $? is that of the stop in some
}

@test "a terminal that goes away ends top" {
	start_to_restore
	tmux -L "$SOCKET" kill-server
	wait_until 5 ledger_is off
	wait_until 5 no_top_runs
}

@test "colours, and none with NO_COLOR" {
	open_terminal TERM=tmux-256color COLORTERM=truecolor
	start_top -d 0.3
	wait_until 5 sees "$(printf '\033')\[[0-9;]*3[0-7]" -e
	keys q
	wait_until 5 sees_not '^total'
	keys "export NO_COLOR=1" Enter
	start_top -d 0.3
	wait_until 5 sees '^total '
	sees_not "$(printf '\033')\[[0-9;]*(3[0-8]|4[0-8])[;m]" -e
	sees '#'
}

@test "a ledger that was on stays on" {
	inside "$BEHALF" ledger on
	open_terminal
	start_top -d 0.2
	keys q
	wait_until 5 sees_not '^total'
	ledger_is on
}

@test "-n ends the terminal's top too" {
	open_terminal
	keys "$BEHALF top -d 0.2 -n 2; echo status \$?" Enter
	wait_until 10 sees '^status 0'
	wait_until 5 ledger_is off
}

@test "batch prints so many pages, as wide as it takes" {
	run inside behalf_top -b -n 3 -d 0.2
	[ "$status" -eq 0 ]
	[ "$(grep -c '^behalf top ' <<<"$output")" -eq 3 ]
	[ "$(grep -c '^total ' <<<"$output")" -eq 3 ]
	[ "$(grep -c 'REST KERNEL-SAYS$' <<<"$output")" -eq 3 ]
	ledger_is off
}

@test "batch ends when nobody reads, and leaves the ledger off" {
	inside behalf_top -b -d 0.1 | head -n 1 | grep -q '^behalf top'
	wait_until 5 ledger_is off
}

@test "batch ended by a signal leaves the ledger off" {
	# shellcheck disable=SC2016
	inside sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$BATS_TEST_TMPDIR/pid" "$BEHALF" top -b -d 0.1 \
		>"$BATS_TEST_TMPDIR/out" 3>&- &
	wait_until 5 grep -q '^total' "$BATS_TEST_TMPDIR/out"
	kill -TERM "$(cat "$BATS_TEST_TMPDIR/pid")"
	wait $! || status=$?
	[ "$status" -eq 143 ]
	ledger_is off
}

@test "-J prints an object per sample whose books balance" {
	run inside behalf_top -J -n 3 -d 0.5
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	for line in "${lines[@]}"; do
		jq -e '(.sum_ns / (.cpus * .wall_ns) - 1) | fabs < 0.005' <<<"$line"
		jq -e '.wall_ns > 3e8 and .wall_ns < 3e9' <<<"$line"
		jq -e '([.accounts[].charge_ns] + [.unattributed_ns[]] + [.idle_ns] | add) / .sum_ns - 1
			| fabs < 0.005' <<<"$line"
		jq -e '.accounts | map(.name) | index("host")' <<<"$line"
	done
}

@test "without a terminal, and with one it cannot drive, top says to use -b" {
	run inside behalf_top </dev/null
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"no terminal; -b"* ]]
	open_terminal
	keys "clear; TERM=no-such-type $BEHALF top; echo status \$?" Enter
	wait_until 5 sees '^status 1'
	sees "'no-such-type'"
	ledger_is off
}

@test "without privileges top and stat name behalf ledger on" {
	dir=$(mktemp -d)
	chmod 755 "$dir"
	copy_behalf "$dir"
	finished=
	for verb in "top -b -n 1 -d 0.1" stat; do
		# shellcheck disable=SC2086
		run inside setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/behalf" $verb
		[ "$status" -eq 1 ] || { echo "$output"; break; }
		[ "${#lines[@]}" -eq 1 ] || break
		[[ $output == *"behalf ledger on"* ]] || break
		finished+=" ${verb%% *}"
	done
	rm -r "$dir"
	echo "$output"
	[ "$finished" = " top stat" ]
}

@test "wrong options are told in one sentence" {
	for args in "top -d 0" "top -d -1" "top -d nan" "top -d 1x" "top -d 1e9" "top -n 0" "top -n x" "top web" \
		"top -s profit" "top -o name,profit" "top -u hours" "top --frobnicate" \
		"stat -i 0" "stat -i x" "stat a b" "stat -s profit" "stat -J -e"; do
		# shellcheck disable=SC2086
		run inside "$BEHALF" $args
		[ "$status" -eq 1 ] || { echo "$args: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ] || { echo "$args: $output"; return 1; }
	done
	ledger_is off
}

@test "stat of a ledger that is off says how to switch it on" {
	run inside "$BEHALF" stat
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"behalf ledger on"* ]]
	ledger_is off
}

@test "stat shows the books, an account, sentences and JSON alike" {
	inside "$BEHALF" ledger on
	sleep 1
	run inside "$BEHALF" stat
	[ "$status" -eq 0 ]
	[[ $output =~ books:\ accounts\ .*\ =\ .*:\ (1\.00|0\.99) ]]
	run inside "$BEHALF" stat host
	[ "$status" -eq 0 ]
	[[ ${lines[0]} = host ]]
	[[ $output == *"= CHARGE"* ]]
	run inside "$BEHALF" stat --explain
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} =~ ^The\ books\ balance:\  ]]
	inside "$BEHALF" stat -J >"$BATS_TEST_TMPDIR/stat.json"
	jq -es 'length == 1' "$BATS_TEST_TMPDIR/stat.json"
	jq -e '.cpus > 0 and .idle_ns >= 0 and (.unattributed_ns | has("net_rx"))' "$BATS_TEST_TMPDIR/stat.json"
	jq -e '.accounts[] | select(.cgroup == "/") |
		.id > 0 and .name == "host" and .netns == 0 and (.links | type) == "array" and
		.own_ns.user + .own_ns.kernel + ([.behalf_ns[]] | add) == .charge_ns and
		.imposed_ns >= 0 and .kernel_says_ns >= 0' "$BATS_TEST_TMPDIR/stat.json"
	jq -e '.counters | has("recursion_misses")' "$BATS_TEST_TMPDIR/stat.json"
}

@test "stat over an interval is about that time" {
	inside "$BEHALF" ledger on
	sleep 0.3
	run inside "$BEHALF" stat -J --interval 0.5 host
	[ "$status" -eq 0 ]
	jq -e '.wall_ns > 4e8 and .wall_ns < 2e9 and (.accounts | length) == 1' <<<"$output"
	jq -e '(.sum_ns / (.cpus * .wall_ns) - 1) | fabs < 0.005' <<<"$output"
}

@test "stat of an unknown account is one sentence" {
	inside "$BEHALF" ledger on
	for format in "" -J -e; do
		# shellcheck disable=SC2086
		run inside "$BEHALF" stat $format no-such-account
		[ "$status" -eq 1 ]
		[ "$output" = "behalf: there is no account 'no-such-account'" ]
	done
}

@test "figures that cannot be written are an error" {
	inside "$BEHALF" ledger on
	for args in stat "stat -J" "stat -e" "stat host" "top -b -n 1 -d 0.1" "top -J -n 1 -d 0.1"; do
		# shellcheck disable=SC2086
		run inside sh -c '"$@" >/dev/full' sh "$BEHALF" $args
		[ "$status" -eq 1 ] || { echo "$args: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
	done
}
