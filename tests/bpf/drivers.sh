#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger's rules for work of drivers and of the kernel's own threads: dm-crypt, vhost, devices that a
# program polls itself, kswapd. Much of it is only in a virtual machine.
# timeout: 120
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
"$behalf" ledger on 2>/dev/null || skip_all "$("$behalf" ledger on 2>&1)"

scratch=$(mktemp -d)
crypt=behalf-test-$$ loop='' mapped='' scale=''
finish() {
	[ -z "$mapped" ] || dmsetup --noudevrules --noudevsync remove "$crypt" >/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
	[ -z "$scale" ] || echo "$scale" >/proc/sys/vm/watermark_scale_factor
	spaces_down
	"$behalf" ledger off >/dev/null
	rm -rf "$scratch"
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

# between COMMAND...: {before, after} of it, with the books that are read around it
between() {
	local before
	before=$("$tools/ledger_books" 0)
	"$@" >"$scratch/out" 2>"$scratch/errors" || sed 's/^/# /' "$scratch/errors" >&2
	jq -s '{before: .[0], after: .[1]}' <<<"$before $("$tools/ledger_books" 0)"
}

# filters over what `between` prints: how much more of a counter, of a figure of space a's or b's
counted() { # COUNTER
	echo "(.after.counters.$1 - .before.counters.$1)"
}
more() { # a|b FIGURE
	local account
	account="($(space_account "$1") | $2 // 0)"
	echo "((.after | $account) - (.before | $account))"
}

# ---- dm-crypt: items that encrypt, and a thread that writes what they have encrypted ----

crypt_up() {
	truncate -s 32M "$scratch/disk" && loop=$(losetup --show -f "$scratch/disk") &&
		dmsetup --noudevrules --noudevsync create "$crypt" --table "0 65536 crypt aes-xts-plain64 \
			$(printf '%064d' 7) 0 $loop 0" || return
	# nobody may be here who makes a node of that name
	mapped=/dev/$(dmsetup info -c --noheadings -o blkdevname "$crypt") && [ -b "$mapped" ]
}
if command -v dmsetup >/dev/null && crypt_up >/dev/null 2>"$scratch/errors"; then
	books=$(between in_group a dd if=/dev/zero of="$mapped" bs=64k count=128 oflag=direct)
	holds "dm-crypt encrypts and writes for who writes" "$books" \
		"$(counted rule_crypt) > 10 and $(more a .behalf_ns.work) > 1000000 and
		$(more a .behalf_ns.work) > 5 * ($(more b .behalf_ns.work) + $(more b .behalf_ns.block))"
	holds "and nearly all of it is charged so" "$books" \
		"([.after.accounts[].behalf_ns.work] | add) - ([.before.accounts[].behalf_ns.work] | add)
		< $(more a .behalf_ns.work) * 1.3"
	books=$(between in_group b dd if="$mapped" of=/dev/null bs=64k count=128 iflag=direct)
	holds "and decrypts for who reads" "$books" \
		"$(more b .behalf_ns.work) > 1000000 and
		$(more b .behalf_ns.work) > 5 * $(more a .behalf_ns.work)"
else
	skip_one "dm-crypt" "no device-mapper here: $mapped $(tail -n 1 "$scratch/errors" 2>/dev/null)"
fi

# ---- vhost: a worker receives what its owner sends, and its time is of the cgroup that the kernel has it in ----

frames=40000
books=$(between in_space a "$tools/vhost_send" vh0 $frames)
if [ -s "$scratch/out" ]; then
	holds "vhost's worker receives in its own time" "$books" "$(counted rule_own_receive) >= $frames and
		$(more a .behalf_ns.net_rx) < 20000000"
	read -r _ whose ran_ns <"$scratch/out"
	own="($(more a .user_ns) + $(more a .kernel_ns))"
	if [ "$whose" = thread ]; then
		holds "which is its owner's, whose thread it is" "$books" "$ran_ns > 10000000 and $own > $ran_ns * 0.8"
	else
		skip_one "vhost's worker is a thread of its owner's" "before Linux 6.4 it is the kernel's"
	fi
else
	skip_one "vhost" "$(tail -n 1 "$scratch/errors")"
fi

# ---- a program that polls its device itself ----

# receive_polling HOW: how many datagrams of b's poller came while it polled
receive_polling() {
	in_space b "$tools/udp_flood" receive 9021 2 "$@" &
	sleep 0.3
	in_space a "$tools/udp_flood" send "$spaces_net.3" 9021 18 1 20000 >/dev/null
	wait
}
if [ -e /proc/sys/net/core/busy_poll ] && spaces_polled 2>/dev/null; then
	books=$(between receive_polling)
	# others of the machine may poll
	holds "who does not poll has its packets received elsewhere" "$books" \
		"$(counted rule_own_receive) < 100 and $(more b .behalf_ns.net_rx) > 1000000"
	books=$(between receive_polling poll)
	holds "who polls its device receives in its own time" "$books" "$(counted rule_own_receive) > 200"
else
	skip_one "busy polling" "no busy polling here"
fi

# ---- kswapd: woken by who wants memory ----

# Memory is short when three tenths of it are left: for a machine that has little, and nobody else.
few_kb=4000000
total_kb=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
kswapd_ns() {
	cut -d ' ' -f 1 "/proc/$(pgrep -x kswapd0)/schedstat"
}
if [ "$total_kb" -lt $few_kb ] && pgrep -x kswapd0 >/dev/null; then
	scale=$(cat /proc/sys/vm/watermark_scale_factor)
	echo 3000 >/proc/sys/vm/watermark_scale_factor
	truncate -s $((total_kb))K "$scratch/hole"
	ran_ns=$(kswapd_ns)
	books=$(between in_group a dd if="$scratch/hole" of=/dev/null bs=1M)
	ran_ns=$(($(kswapd_ns) - ran_ns))
	echo "$scale" >/proc/sys/vm/watermark_scale_factor
	scale=
	holds "kswapd works for who wakes it" "$books" \
		"$(counted rule_reclaim) > 0 and $ran_ns > 5000000 and $(more a .behalf_ns.work) > $ran_ns / 2"
else
	skip_one "kswapd" "it would take the memory of this machine"
fi

holds "books balance" "$("$tools/ledger_books" 0.3)" '.balance > 0.99 and .balance < 1.01'

echo "1..$number"
exit $failed
