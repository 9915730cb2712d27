#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One version of behalf takes over the books of another, under load and while cgroups come and go: nothing
# that was counted is lost, and the books balance. The other version is the same program with another
# layout of its books (ledger_other). Both are killed at some of their system calls, others each time; with
# BEHALF_SYSCALLS=all at every one.
# timeout: 3600
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
build=${BUILD_DIR:-$here/../../build}
tools=$build/tests/bpf
other=$tools/ledger_other
at_syscall=$build/tests/integration/at_syscall
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
mount -t bpf bpf /sys/fs/bpf || skip_all "no BPF file system"
"$behalf" ledger on >/dev/null 2>&1 || skip_all "$("$behalf" ledger on 2>&1)"
"$behalf" ledger off

scratch=$(mktemp -d)
load=()
load_down() {
	local dir
	[ ${#load[@]} -eq 0 ] || kill "${load[@]}" 2>/dev/null
	# what runs in the spaces is children of those
	for dir in $(spaces_cgroups a) $(spaces_cgroups b) $(spaces_cgroups churn); do
		{ xargs -r kill <"$dir/cgroup.procs"; } 2>/dev/null
	done
	wait
	load=()
	for dir in $(spaces_cgroups churn); do rmdir "$dir" 2>/dev/null; done
}
finish() {
	load_down
	spaces_down
	"$behalf" ledger off >/dev/null
	rm -rf "$scratch"
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

# switch PROGRAM VERB
switch() {
	if [ "$1" = "$other" ]; then "$other" "$2"; else "$behalf" ledger "$2" >/dev/null; fi
}
# books_of PROGRAM: since the ledger was switched on
books_of() {
	if [ "$1" = "$other" ]; then "$other" 0; else "$tools/ledger_books" 0; fi
}
only_ledger() {
	[ "$(find /sys/fs/bpf -mindepth 1 -maxdepth 1 -name '*behalf*' -printf '%f ')" = "behalf " ]
}
one_sentence() {
	[ "$1" -eq 1 ] && [ "$(wc -l <<<"$2")" -eq 1 ] && grep -q "$3" <<<"$2"
}

# A spinner in one space, a flood from it to the other, and cgroups that come and go.
load_up() {
	# shellcheck disable=SC2016 # the inner shell expands
	local for_ever='while :; do :; done' churn='
		while :; do
			for dir in $1; do mkdir "$dir"; done
			sh -c "for dir in \$1; do echo \$\$ >\$dir/cgroup.procs; done; exec timeout 0.05 sh -c \"while :; do :; done\"" _ "$1"
			for dir in $1; do rmdir "$dir"; done
		done'
	in_space a sh -c "$for_ever" &
	load+=($!)
	in_space b "$tools/udp_flood" receive 9000 600 >/dev/null &
	load+=($!)
	in_space a "$tools/udp_flood" send "$spaces_net.3" 9000 18 600 >/dev/null &
	load+=($!)
	sh -c "$churn" _ "$(spaces_cgroups churn)" 2>/dev/null &
	load+=($!)
}

# What of the books has to go on: before and after. What a softirq had open may go to another account.
carried='
	def charges: [.accounts[] | select(.cgroup == "/" or (.cgroup | test("ledger-test-.*/[ab]$"))) | {key: .cgroup, value: .charge_ns}] | from_entries;
	def netns: [.accounts[] | select(.cgroup | test("ledger-test-.*/[ab]$")) | .netns] | sort;
	.before as $b | .after as $a | ($a | charges) as $now |
	($b | charges | to_entries | all($now[.key] != null and $now[.key] >= .value - 2000000))
	and ($b | netns) == ($a | netns)
	and ([.before.counters | to_entries[] | select(.key | test("^rule_(netns|veth_from|poll_split)$"))
		| $a.counters[.key] >= .value] | all)
	and $a.sum_ns >= $b.sum_ns and $a.wall_ns >= $b.wall_ns and $a.idle_ns >= $b.idle_ns
	and $a.balance > 0.999 and $a.balance < 1.001'
pair() {
	jq -s '{before: .[0], after: .[1]}' <<<"$1 $2"
}

load_up
"$other" on
sleep 1
before=$(books_of "$other")
text=$("$behalf" stat 2>&1)
ok "another version's books are not read: one sentence" one_sentence $? "$text" "behalf ledger upgrade"
text=$("$behalf" ledger on 2>&1)
ok "a newer version's ledger stays on: one sentence" one_sentence $? "$text" "of a newer version of behalf"
ok "upgrade takes it over" grep -q "taken over from layout" <("$behalf" ledger upgrade)
ok "and leaves only itself" only_ledger
after=$(books_of "$behalf")
holds "with all that it had counted" "$(pair "$before" "$after")" "$carried"
holds "status tells" "$("$behalf" ledger status -J)" '.upgrades == 1 and .approximated_ns < 500000000'

well=true
for round in 1 2 3 4 5 6; do
	before=$(books_of "$behalf")
	"$other" on && middle=$(books_of "$other") && "$behalf" ledger upgrade >/dev/null &&
		after=$(books_of "$behalf") &&
		jq -e "$carried" >/dev/null <<<"$(pair "$before" "$middle")" &&
		jq -e "$carried" >/dev/null <<<"$(pair "$middle" "$after")" ||
		{
			well=false
			echo "# round $round: before, between and after:"
			printf '# %s\n' "$before" "$middle" "$after"
		}
	sleep 0.3
done
ok "six times there and back: no total shrinks, the books balance" "$well"
before=$(books_of "$behalf")
for round in 1 2 3; do
	"$behalf" ledger upgrade >/dev/null &
	first=$!
	"$other" upgrade &
	second=$!
	"$behalf" ledger upgrade >/dev/null &
	wait $first $second $!
done
"$behalf" ledger upgrade >/dev/null
ok "several at once take turns" only_ledger
holds "and lose nothing" "$(pair "$before" "$(books_of "$behalf")")" "$carried"
ok "by the same version too" grep -q "taken over from layout" <("$behalf" ledger upgrade)
books=$("$tools/ledger_books" 2)
holds "afterwards the flood has owners" "$books" \
	'space("a").behalf_ns.net_rx > 50000000
	and space("b").behalf_ns.net_rx > 50000000
	and .balance > 0.995 and .balance < 1.005'
# what an engine held by the rules of before
"$other" on && "$other" age
"$behalf" ledger upgrade >/dev/null
holds "claims of before layout 5 give way to those of who runs there" \
	"$("$tools/ledger_books" 0)" 'space("a").netns > 0 and space("b").netns > 0'
load_down

# an account that closes right after
total='[.accounts[] | .charge_ns] | add'
before=$("$tools/ledger_books" 0)
"$other" on
for dir in $(spaces_cgroups b); do rmdir "$dir"; done
sleep 1.2
for dir in $(spaces_cgroups c); do mkdir "$dir" && rmdir "$dir"; done
after=$("$other" 0)
holds "an account that closes later goes to its parent" "$(pair "$before" "$after")" \
	"(.after | $total) >= (.before | $total) - 1000000
	and (.after | space(\"b\") == null)"

# ---- killed ----

# at N COMMAND...
at() {
	timeout -k 1 30 "$at_syscall" "$scratch/report" main "$1" KILL "${@:2}" >/dev/null 2>&1 </dev/null
}
fault() {
	echo "# $what: call $n ($(cat "$scratch/report")): $*"
	faults=$((faults + 1))
}
# One try: with a ledger of program FROM on (off: none), COMMAND is killed at call $n. The next one finds
# all that was counted.
try_once() {
	local from=$1 before='' after
	shift
	if [ "$from" = off ]; then
		"$behalf" ledger off >/dev/null
	else
		switch "$from" upgrade
		before=$(books_of "$from")
	fi
	at "$n" "$@"
	if ! "$behalf" ledger upgrade >/dev/null || ! only_ledger; then
		fault "$(find /sys/fs/bpf -maxdepth 1 | tr '\n' ' ')"
		return
	fi
	[ -n "$before" ] && [ "$what" != off ] || return
	after=$("$tools/ledger_books" 0)
	jq -e '.after.sum_ns >= .before.sum_ns and .after.balance > 0.999 and .after.balance < 1.001' \
		<<<"$(pair "$before" "$after")" >/dev/null ||
		fault "$(jq -c '[.before, .after] | map({sum_ns, wall_ns, balance})' <<<"$(pair "$before" "$after")")"
}
# killed WHAT FROM COMMAND...: at some of its calls
killed() {
	local what=$1 n=1 step=1 faults=0 tries=0 end=$((SECONDS + 10))
	shift
	if [ ! -x "$at_syscall" ]; then
		number=$((number + 1))
		echo "ok $number - $what # SKIP not built: at_syscall"
		return
	fi
	if [ "${BEHALF_SYSCALLS:-}" != all ]; then
		step=$((23 + RANDOM % 71))
		n=$((1 + RANDOM % step))
		echo "# $what: every ${step}th call from call $n on"
	fi
	while :; do
		try_once "$@"
		tries=$((tries + 1))
		! grep -q ^none "$scratch/report" || break
		n=$((n + step))
		[ "$step" -eq 1 ] || [ "$SECONDS" -lt "$end" ] || break
	done
	echo "# $what: $tries tries, the last at call $n; $faults faults"
	ok "$what: killed at any call, nothing is lost or left" test "$faults" -eq 0
}
killed "on" off "$behalf" ledger on
killed "upgrade of another version" "$other" "$behalf" ledger upgrade
killed "upgrade by another version" "$behalf" "$other" upgrade
killed "off" "$behalf" "$behalf" ledger off
ok "off, after all" "$behalf" ledger off
ok "leaves nothing" test -z "$(find /sys/fs/bpf -maxdepth 1 -name '*behalf*')"

echo "1..$number"
exit $failed
