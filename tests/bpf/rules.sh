#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger's rules on the running kernel: sockets on the host's network, block requests, writeback,
# TCP timers and work that others do for a thread, each with the counter that tells of its use.
# timeout: 200
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
for program in iperf3 fio; do
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
# part of a class's time that has an owner; part that the spaces own
part() {
	echo "(([.accounts[] | select(.cgroup | test(\"$1\")) | .behalf_ns.$2] | add)
		/ (([.accounts[].behalf_ns.$2] | add) + .unattributed_ns.$2 + 1))"
}

# ---- sockets on the host's network ----

# Not all, if the kernel lets no program hang on functions: a segment that finds its socket in use by a thread is
# queued there, and told later, by the thread.
least=0.5
"$behalf" ledger status -J | jq -e '[.missing[] | .hook] | index("tcp_add_backlog")' >/dev/null || least=0.8
in_group a iperf3 -s -1 -p 9011 >/dev/null &
sleep 0.3
in_group b iperf3 -c 127.0.0.1 -p 9011 -t 5 >/dev/null &
sleep 1.5
books=$("$tools/ledger_books" 2)
wait
holds "TCP on the host's network has owners" "$books" \
	"$(part "ledger-test-$spaces_id" net_rx) > $least and .counters.rule_socket > 1000"
holds "the one that gets data pays for getting it" "$books" "$a.behalf_ns.net_rx > 1000000"
holds "books balance" "$books" '.balance > 0.995 and .balance < 1.005'

in_group a "$tools/udp_flood" receive 9013 2 >/dev/null &
sleep 0.3
in_group b "$tools/udp_flood" send 127.0.0.1 9013 18 1.6 50000 >/dev/null &
sleep 0.3
books=$("$tools/ledger_books" 1)
wait
holds "so has UDP" "$books" ".counters.rule_socket > 1000 and $a.behalf_ns.net_rx > 1000000"
if [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ]; then
	holds "interrupts for other CPUs have senders" "$("$tools/ledger_books" 0)" '.counters.rule_sender > 10'
fi

# ---- block ----

# fio NAME OPTIONS...: in space a, for 3 s
run_fio() {
	in_group a fio --name=x --directory="$scratch" --size=64m --runtime=4 --time_based --bs=4k \
		--output=/dev/null "$@" &
	sleep 1.5
	books=$("$tools/ledger_books" 2)
	wait
}

if run_fio --rw=randread --direct=1 --ioengine=psync && [ -s "$scratch/x.0.0" ] &&
	jq -e '.counters.rule_block > 500' >/dev/null <<<"$books"; then
	holds "completions of direct reads have owners" "$books" "$(part "ledger-test-$spaces_id" block) > 0.9"
	run_fio --rw=randwrite --direct=1 --ioengine=libaio --iodepth=8
	holds "completions of direct writes have owners" "$books" "$(part "ledger-test-$spaces_id" block) > 0.9"
	run_fio --rw=randwrite --fsync=16
	holds "completions of buffered writes and flushes have owners" "$books" "$(part . block) > 0.95"
	in_group a fio --name=y --directory="$scratch" --size=256m --rw=write --bs=64k \
		--output=/dev/null
	"$tools/ledger_books" 0.1 >/dev/null
	sync -f "$scratch"
	run_fio --rw=randwrite --rate_iops=20000
	sync -f "$scratch"
	books=$("$tools/ledger_books" 0)
	# others of the host write to the same disk
	holds "writeback is its dirtier's" "$books" \
		"$a.behalf_ns.writeback > 1000000 and .counters.rule_writeback > 0"
	# two at once, one of which writes ten times as much: what the disk and the flushers do for each. An emulated
	# processor stands still now and then while it writes back, for either.
	write_much() {
		in_group "$1" fio --name="w$1" --directory="$scratch" --size="$2" --rw=write --bs=64k --loops=2 \
			--end_fsync=0 --output=/dev/null
	}
	sync -f "$scratch"
	before=$("$tools/ledger_books" 0)
	write_much a 160m &
	writer=$!
	write_much b 16m
	wait $writer
	sync -f "$scratch"
	books=$(jq -s '{before: .[0], after: .[1]}' <<<"$before $("$tools/ledger_books" 0)")
	more() { # CLASS HOW-MUCH-MORE
		echo "((.after | $a.behalf_ns.$1) - (.before | $a.behalf_ns.$1)) as \$a
			| ((.after | $b.behalf_ns.$1) - (.before | $b.behalf_ns.$1)) as \$b | \$b > 0 and \$a > $2 * \$b"
	}
	holds "of two that write at once each has its writeback" "$books" "$(more writeback 1.3)"
	# The kernel completes in one interrupt what it likes, of whomever: each has some, and how much is
	# not asked.
	holds "and its completions" "$books" "$(more block 0)"
	# io_uring's workers are threads of who made the ring: their time is own
	run_fio --rw=randwrite --ioengine=io_uring --force_async=1 --iodepth=8 --buffered=1
	holds "workers of io_uring are their owner's threads" "$books" "$a.kernel_ns > 50000000"
else
	skip_one "block and writeback" "no block device behind '$scratch'"
fi

# ---- work items: a loop device works for who writes to the file system on it ----

requests_of() { # SPACE
	"$behalf" stat -J | jq "[.accounts[] | select(.cgroup | endswith(\"-$spaces_id/$1\"))][0].evidence.requests // 0"
}

image=$scratch/image
truncate -s 64M "$image"
if loop=$(losetup --show -f "$image" 2>/dev/null); then
	in_group a fio --name=l --filename="$loop" --size=64m --rw=randwrite --direct=1 --bs=4k \
		--runtime=3 --time_based --output=/dev/null &
	sleep 1
	books=$("$tools/ledger_books" 1.5)
	wait
	# two of whom one alone would fill it: most requests wait in the scheduler, and are handed on for others
	if echo mq-deadline 2>/dev/null >"/sys/block/${loop##*/}/queue/scheduler"; then
		read_much() { # SPACE DEPTH
			in_group "$1" fio --name="$1" --filename="$loop" --size=64m --rw=randread --direct=1 --bs=4k \
				--ioengine=libaio --iodepth="$2" --runtime=2 --time_based \
				--output-format=json --output="$scratch/$1.json"
		}
		requests_before=$(requests_of b)
		read_much a 256 &
		reader=$!
		read_much b 8
		wait $reader
		waited=$(jq -n --slurpfile fio "$scratch/b.json" \
			"{made: \$fio[0].jobs[0].read.total_ios, seen: ($(requests_of b) - $requests_before)}")
		holds "who waits in a disk's scheduler has its requests" "$waited" \
			'.made > 100 and .seen > 0.9 * .made and .seen < 1.1 * .made'
	else
		skip_one "a disk's scheduler" "a loop device has no mq-deadline here"
	fi
	losetup -d "$loop"
	holds "a loop device works for who writes" "$books" "$(part "ledger-test-$spaces_id" work) > 0.8"
else
	skip_one "loop devices" "no loop devices"
fi

# ---- timers of TCP ----

# packets to nowhere are sent again, by a timer
in_space b ip neigh add "$spaces_net.77" lladdr 02:00:00:00:00:77 dev eth0
before=$("$tools/ledger_books" 0)
for _ in 1 2 3 4 5 6 7 8; do
	in_space b timeout 2.5 bash -c "exec 3<>/dev/tcp/$spaces_net.77/9" 2>/dev/null &
done
wait
books=$(jq -s '{before: .[0], after: .[1]}' <<<"$before $("$tools/ledger_books" 0)")
holds "a timer of TCP is its socket's" "$books" \
	"(.after.counters.rule_timer - .before.counters.rule_timer) >= 8 and
	(.after | $b.behalf_ns.timer) > (.before | $b.behalf_ns.timer)"

echo "1..$number"
exit $failed
