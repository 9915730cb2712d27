#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger's rules for work that was put off (delayed work, small queues of TCP, interrupts of other CPUs),
# and for work that is a container's own: io_uring's threads, pipes and sockets of AF_UNIX.
# timeout: 120
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
for program in iperf3 fio hackbench; do
	command -v "$program" >/dev/null || skip_all "no $program"
done
"$behalf" ledger on 2>/dev/null || skip_all "$("$behalf" ledger on 2>&1)"

scratch=$(mktemp -d)
finish() {
	spaces_down
	"$behalf" ledger off >/dev/null
	rm -rf "$scratch"
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

a=$(space_account a) b=$(space_account b)

# between COMMAND...: {before, after} of it, with the books that are read around it
between() {
	local before
	before=$("$tools/ledger_books" 0)
	"$@" >/dev/null 2>&1
	jq -s '{before: .[0], after: .[1]}' <<<"$before $("$tools/ledger_books" 0)"
}

# ---- delayed work: IPv6 looks for duplicates of a new address a while after it was set ----

detect() {
	in_space a sh -c 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
		for n in 1 2 3 4; do ip -6 addr add fd00:bea1::$n/64 dev eth0; done'
	sleep 3
}
if [ -d /proc/sys/net/ipv6 ]; then
	books=$(between detect)
	holds "delayed work is its queuer's" "$books" \
		".after.counters.rule_delayed - .before.counters.rule_delayed >= 4 and
		(.after | $a.behalf_ns.work) > (.before | $a.behalf_ns.work // 0)"
else
	skip_one "delayed work" "no IPv6"
fi

# ---- timers that wake a thread: three kinds of them, some thousand times ----

for way in sleep timer timerfd; do
	books=$(between in_group a timeout 3 "$tools/alarms" $way 200 2)
	holds "what wakes a thread by $way is that thread's" "$books" \
		"((.after | $a.behalf_ns.timer) - (.before | $a.behalf_ns.timer // 0)) as \$timer
		| .after.counters.rule_alarm - .before.counters.rule_alarm > 1000 and \$timer > 1000000"
done

# ---- small queues of TCP ----

# a device that holds packets back makes its senders wait
tc -n "bl${spaces_id}a" qdisc add dev eth0 root tbf rate 400mbit burst 64kb limit 1mb 2>/dev/null
in_space b iperf3 -s -1 -p 9012 >/dev/null &
sleep 0.3
in_space a iperf3 -c "$spaces_net.3" -p 9012 -t 3 >/dev/null &
sleep 0.5
books=$("$tools/ledger_books" 2)
wait
tc -n "bl${spaces_id}a" qdisc del dev eth0 root 2>/dev/null
# what a softirq takes until its first item is known is nobody's: half a microsecond of some three and a half
holds "what TCP sends later has an owner" "$books" \
	'([.accounts[].behalf_ns.tasklet] | add) as $owned
	| .unattributed_ns.tasklet < 2000000 or $owned > .unattributed_ns.tasklet * 4'
holds "and that is the sender's socket" "$books" \
	"($a.behalf_ns.tasklet // 0) > 5 * ($b.behalf_ns.tasklet // 0)"

# ---- own time ----

# sockets of AF_UNIX, then pipes; the interrupts that wake the other CPU are the only work elsewhere
for flag in "" -p; do
	books=$(between in_group a hackbench -P $flag -g 1 -f 4 -s 100 -l 20000)
	holds "hackbench ${flag:-"on sockets"}: own time, and no packets" "$books" \
		"((.after | $a.user_ns + $a.kernel_ns) - (.before | ($a.user_ns // 0) + ($a.kernel_ns // 0))) as \$own
		| \$own > 20000000 and
		((.after | $a.behalf_ns.net_rx) - (.before | $a.behalf_ns.net_rx // 0)) < \$own / 50"
done
if [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ]; then
	holds "an interrupt that wakes another CPU is its sender's" "$books" \
		".after.counters.rule_sender - .before.counters.rule_sender >= 0 and
		(.after | $a.behalf_ns.irq) > 0"
fi

# the thread that polls the ring is one of who made it
if in_group a fio --name=probe --directory="$scratch" --size=1m --rw=read --ioengine=io_uring \
	--sqthread_poll=1 --output=/dev/null 2>/dev/null; then
	books=$(between in_group a fio --name=x --directory="$scratch" --size=16m --rw=randread --time_based \
		--runtime=2 --ioengine=io_uring --sqthread_poll=1 --iodepth=4 --output=/dev/null)
	holds "io_uring's polling thread is its owner's" "$books" \
		"(.after | $a.kernel_ns) - (.before | $a.kernel_ns) > 100000000"
else
	skip_one "io_uring" "no io_uring"
fi

holds "books balance" "$("$tools/ledger_books" 0.5)" '.balance > 0.99 and .balance < 1.01'

echo "1..$number"
exit $failed
