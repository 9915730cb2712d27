#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger on the running kernel: books, ownership, closing of accounts, and that nothing is left.
# It has a mount namespace and a BPF file system of its own, so a ledger that is on is not disturbed.
# timeout: 200
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"

# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
"$behalf" ledger on 2>/dev/null || skip_all "$("$behalf" ledger on 2>&1)"
"$behalf" ledger off

scratch=$(mktemp -d)
finish() {
	spaces_down
	"$behalf" ledger off >/dev/null
	rm -rf "$scratch"
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

pinned() {
	[ -e /sys/fs/bpf/behalf ]
}
is_mounted() {
	grep -q ' /sys/fs/bpf ' /proc/self/mountinfo
}
# ids of the ledger's programs
programs() {
	local link
	for link in /sys/fs/bpf/behalf/links/*; do
		bpftool link show pinned "$link" -j | jq .prog_id
	done
}
any_exists() {
	local id
	for id in "$@"; do
		bpftool prog show id "$id" >/dev/null 2>&1 && return
	done
	return 1
}

balanced='.balance > 0.995 and .balance < 1.005'
# time of receiving that the two spaces own, of all of it
owned='([.accounts[] | select(.cgroup | test("ledger-test-")) | .behalf_ns.net_rx] | add)
	/ (([.accounts[].behalf_ns.net_rx] | add) + .unattributed_ns.net_rx)'

# from a pid namespace that shows none of the host's tasks: whose is whose is asked below
ok "on" unshare --pid --fork "$behalf" ledger on
ok "on is pinned" pinned
ok "on again changes nothing" grep -q "on already" <("$behalf" ledger on)
holds "status as JSON" "$("$behalf" ledger status -J)" '.on and .hooks_attached > 20 and .cpus > 0'
ok "status as text" grep -q "the ledger is on since" <("$behalf" ledger status)

books=$("$tools/ledger_books" 3)
holds "books balance when nothing happens" "$books" "$balanced"

# packets that the link has brought to space b, and that the ledger says it received
packets_of_b() {
	ip netns exec "bl${spaces_id}b" cat /sys/class/net/eth0/statistics/rx_packets
}
evidence_of_b() {
	"$behalf" stat -J | jq '[.accounts[] | select(.cgroup | endswith("-'$spaces_id'/b"))][0].evidence.rx_packets // 0'
}
link_before=$(packets_of_b) ledger_before=$(evidence_of_b)

in_space b "$tools/udp_flood" receive 9000 6 >/dev/null &
in_space a "$tools/udp_flood" send "$spaces_net.3" 9000 18 6 >/dev/null &
sleep 1
books=$("$tools/ledger_books" 4)
wait
link=$(($(packets_of_b) - link_before)) ledger=$(($(evidence_of_b) - ledger_before))
ok "as many packets are counted as the link brought ($ledger of $link)" \
	test "$link" -gt 1000 -a $((ledger * 100)) -ge $((link * 98)) -a $((ledger * 100)) -le $((link * 102 + 10000))
holds "books balance under a flood" "$books" "$balanced"
holds "receiving has an owner" "$books" "$owned >= 0.9"
holds "the sender pays its way through the bridge" "$books" \
	'space("a").behalf_ns.net_rx > 100000000'
holds "the receiver pays from the hand-over" "$books" \
	'space("b").behalf_ns.net_rx > 100000000'
holds "the flood is mostly the kernel's" "$books" \
	'space("a") | .kernel_ns > .user_ns'
holds "the host's end of the pair is known" "$books" \
	"space(\"a\").links == [\"bl${spaces_id}a\"]"
holds "no event was missed" "$books" '.counters.fix_nested == 0 and .counters.fix_missed == 0'

# what is not wanted is left out, and the books go on
before=$("$tools/ledger_books" 0)
"$behalf" ledger on --without polls,sockets >/dev/null
links=/sys/fs/bpf/behalf/links
ok "parts can be left out of a ledger that is on" test ! -e $links/napi_poll -a ! -e $links/tcp_probe -a \
	-e $links/timer_expire_entry
holds "status tells which" "$("$behalf" ledger status -J)" \
	'.left_out == ["polls", "sockets"] and ([.missing[].hook] | contains(["napi_poll", "sk_data_ready"]))'
ok "the same again changes nothing" grep -q "on already" <("$behalf" ledger on --without sockets,polls)
"$behalf" ledger upgrade >/dev/null
ok "an upgrade leaves out the same" test ! -e $links/napi_poll -a -e $links/timer_expire_entry
in_space b "$tools/udp_flood" receive 9000 2 >/dev/null &
in_space a "$tools/udp_flood" send "$spaces_net.3" 9000 18 2 >/dev/null &
sleep 0.5
without=$("$tools/ledger_books" 1)
wait
holds "the books balance without them" "$without" "$balanced"
holds "and receiving has an owner without them" "$without" "$owned >= 0.9"
holds "and go on" "$(jq -s '{wall_ns: [.[].wall_ns]}' <<<"$before $("$tools/ledger_books" 0)")" \
	'.wall_ns[0] < .wall_ns[1]'
"$behalf" ledger on --without none >/dev/null
ok "all parts come again" test -e $links/napi_poll -a -e $links/tcp_probe

# on a busy machine they get less than all of the time: as much as the kernel says is asked for
before=$("$tools/ledger_books" 0)
# shellcheck disable=SC2016 # the inner shell expands
spin='end=$(($(date +%s%N) + 1000000000)); while [ $(($(date +%s%N))) -lt $end ]; do :; done; times'
used=$(in_space a bash -c "$spin" | tr 'ms' '  ' | awk '{ sum += $2 + $4 } END { print sum }')
sleep 0.1
after=$("$tools/ledger_books" 0)
holds "time of short processes counts ($used s)" "$(jq -s '{before: .[0], after: .[1]}' <<<"$before $after")" \
	"def own(s): s | space(\"a\") | .user_ns + .kernel_ns;
	$used > 0 and own(.after) - own(.before) > $used * 600000000"

# a running thread that is moved is charged to where it is, without a context switch to tell
sh -c 'while :; do :; done' &
spinner=$!
for dir in $(spaces_cgroups b); do echo $spinner >"$dir/cgroup.procs"; done
sleep 0.2
ticks() {
	cut -d ' ' -f 14 "/proc/$spinner/stat"
}
before=$("$tools/ledger_books" 0) begin=$(ticks)
for _ in {1..100}; do
	[ $(($(ticks) - begin)) -lt 50 ] || break
	sleep 0.1
done
after=$("$tools/ledger_books" 0)
kill $spinner
wait $spinner 2>/dev/null
holds "a moved thread is noticed" "$(jq -s '{before: .[0], after: .[1]}' <<<"$before $after")" \
	'(.after | space("b").user_ns) - (.before | space("b").user_ns // 0) > 300000000'

# the account of a removed cgroup goes to its parent
total='[.accounts[] | select(.cgroup | test("ledger-test-")) | .charge_ns] | add'
before=$("$tools/ledger_books" 0)
for dir in $(spaces_cgroups b); do rmdir "$dir"; done
after=$("$tools/ledger_books" 0)
pair=$(jq -s '{before: .[0], after: .[1]}' <<<"$before $after")
holds "a removed cgroup's total is its parent's" "$pair" \
	"((.after | $total) - (.before | $total)) | fabs < 50000000"
holds "a removed cgroup is gone" "$pair" \
	'.after | space("b") == null'
sleep 1.2
# removing another one folds what has rested
for dir in $(spaces_mounts); do
	mkdir "$dir/ledger-test-$spaces_id/c" && rmdir "$dir/ledger-test-$spaces_id/c"
done
books=$("$tools/ledger_books" 0)
holds "and stays so after the fold" "$(jq -s '{before: .[0], after: .[1]}' <<<"$before $books")" \
	"((.after | $total) - (.before | $total)) | fabs < 100000000"
holds "books balance after the fold" "$books" "$balanced"

# Cgroups that spin and go while the books are read: no interval shows more or less than there was. On a
# slow machine few of them go within an interval, so there are as many intervals as that takes.
churn() {
	local number=0 dir
	while [ -e "$churning" ]; do
		number=$((number + 1))
		for dir in $(spaces_cgroups "churn$number"); do mkdir "$dir"; done
		# shellcheck disable=SC2016 # the inner shell expands
		sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs"; done
			exec timeout 0.1 sh -c "while :; do :; done"' _ "$(spaces_cgroups "churn$number")"
		for dir in $(spaces_cgroups "churn$number"); do rmdir "$dir"; done
	done
}

intervals() {
	for _ in {1..40}; do "$tools/ledger_books" 0.1; done | jq '{
		off: ((([.accounts[].charge_ns] | add) + ([.unattributed_ns[]] | add) + .idle_ns)
			/ .wall_ns / .cpus - 1 | fabs),
		closed: .counters.accounts_closed}'
}

churning=$(mktemp)
churn &
books='{"worst": 0, "closed": 0}'
for _ in {1..10}; do
	books=$(intervals | jq -s --argjson sum "$books" '{
		worst: ([.[].off, $sum.worst] | max), closed: ([.[].closed, $sum.closed] | add)}')
	jq -e '.closed >= 2' <<<"$books" >/dev/null && break
done
rm "$churning"
wait
holds "books balance while cgroups come and go" "$books" '.worst < 0.01 and .closed >= 2'

# loaders that are killed leave nothing that the next one minds
"$behalf" ledger off
for delay in 0.01 0.05 0.1 0.15 0.2 0.3; do
	"$behalf" ledger on &
	sleep $delay
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
done
ok "on after killed ones" "$behalf" ledger on
holds "and its books balance" "$("$tools/ledger_books" 1)" "$balanced"

mapfile -t programs < <(programs)
ok "off" "$behalf" ledger off
ok "off removes the mount that on made" test -z "$(is_mounted && echo mounted)"
# the kernel frees programs a grace period later
for _ in {1..50}; do
	any_exists "${programs[@]}" || break
	sleep 0.1
done
ok "off leaves no programs" test -z "$(any_exists "${programs[@]}" && echo some)"
ok "off again changes nothing" grep -q "off already" <("$behalf" ledger off)

# a file system that was there stays, and so does what others have pinned
mount -t bpf bpf /sys/fs/bpf
mkdir /sys/fs/bpf/others
"$behalf" ledger on
"$behalf" ledger off
ok "off removes the pins only" test -d /sys/fs/bpf/others -a ! -e /sys/fs/bpf/behalf
umount /sys/fs/bpf
ok "reading it when off is one sentence" grep -q "the ledger is off" \
	<("$tools/ledger_books" 0 2>&1)

one_sentence() {
	local status=$1 text=$2 word=$3
	[ "$status" -eq 1 ] && [ "$(wc -l <<<"$text")" -eq 1 ] && grep -q "$word" <<<"$text"
}
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
	"$behalf" ledger on 2>&1)
ok "without privileges: one sentence" one_sentence $? "$text" "needs root"
text=$(unshare --mount sh -c "mount -t tmpfs none /sys/kernel/btf && exec $behalf ledger on" 2>&1)
ok "without type information: one sentence" one_sentence $? "$text" "/sys/kernel/btf/vmlinux"

echo "1..$number"
exit $failed
