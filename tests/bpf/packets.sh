#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger's rules for packets that come other ways than through a veth pair: tunnels, macvlan, threaded
# NAPI, steering to another CPU, a queueing discipline, sockets on the host's network.
# timeout: 200
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
command -v tc >/dev/null || skip_all "no tc"
"$behalf" ledger on 2>/dev/null || skip_all "$("$behalf" ledger on 2>&1)"

finish() {
	ip link del "bm$spaces_id" 2>/dev/null
	ip link del "bi$spaces_id" 2>/dev/null
	ip link del "bo$spaces_id" 2>/dev/null
	ip link del "bw$spaces_id" 2>/dev/null
	spaces_down
	"$behalf" ledger off >/dev/null
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

a=$(space_account a) b=$(space_account b)

# during SECONDS: counters and times that came in the meantime, as books of that time
during() {
	"$tools/ledger_books" "$1"
}

# flood FROM TO ADDRESS [RATE]: FROM and TO are commands that run another one; prints books of 1.2 s
flood() {
	$2 "$tools/udp_flood" receive 9005 2.4 >/dev/null &
	sleep 0.3
	$1 "$tools/udp_flood" send "$3" 9005 18 2 "${4-}" >/dev/null &
	sleep 0.5
	during 1.2
	wait
}

# ---- a tunnel whose device is a container's and whose packets go over the host's network ----

if spaces_tunnel_up 2>/dev/null; then
	books=$(flood "in_space a" "in_space b" 198.19.0.2)
	holds "out of a tunnel a packet is whose device it comes to" "$books" \
		"$b.behalf_ns.net_rx > 20000000 and $a.behalf_ns.net_rx > 20000000"
	holds "nearly all of it has an owner" "$books" '.unattributed_ns.net_rx <
		([.accounts[].behalf_ns.net_rx] | add) / 20'
else
	skip_one "vxlan" "no vxlan devices"
fi

# ---- macvlan: the packet changes its device where nothing tells ----

macvlan_up() {
	local name number=1
	ip link add "bm$spaces_id" type veth peer name "bn$spaces_id" &&
		ip link set "bm$spaces_id" up && ip link set "bn$spaces_id" up || return
	for name in a b; do
		ip link add link "bm$spaces_id" name "mv$spaces_id" type macvlan mode bridge &&
			ip link set "mv$spaces_id" netns "bl$spaces_id$name" name mv &&
			ip -n "bl$spaces_id$name" addr add 198.19.1.$number/24 dev mv &&
			ip -n "bl$spaces_id$name" link set mv up || return
		number=$((number + 1))
	done
	sleep 0.5
}

if macvlan_up 2>/dev/null; then
	books=$(flood "in_space a" "in_space b" 198.19.1.2 50000)
	holds "through a macvlan a packet is its socket's namespace's" "$books" \
		".counters.rule_socket_netns > 1000 and $b.behalf_ns.net_rx > 1000000"
	# to nobody, through the device below, which holds it back
	ip -n "bl${spaces_id}a" neigh add 198.19.1.77 lladdr 02:00:00:00:00:77 dev mv
	if tc qdisc add dev "bm$spaces_id" root tbf rate 20mbit burst 2kb limit 100kb 2>/dev/null; then
		in_space a "$tools/udp_flood" send 198.19.1.77 9006 1200 1.5 >/dev/null &
		sleep 0.3
		books=$(during 1)
		wait
		holds "what the device below holds back is its sender's" "$books" \
			".counters.rule_tx > 100 and $a.behalf_ns.net_tx > 0 and
			$a.behalf_ns.net_tx > .unattributed_ns.net_tx"
	fi
else
	skip_one "macvlan" "no macvlan devices"
fi

# ---- from outside: through a pair of the host's own, received in the same poll as its last leg ----

wire_up() {
	ip link add "bw$spaces_id" type bridge && ip link set "bw$spaces_id" up &&
		ip link add "bo$spaces_id" type veth peer name "bj$spaces_id" &&
		ip link set "bo$spaces_id" master "$spaces_bridge" up &&
		ip link set "bj$spaces_id" master "bw$spaces_id" up &&
		ip link set "bl${spaces_id}a" master "bw$spaces_id" && sleep 0.5
}
wire_down() {
	ip link set "bl${spaces_id}a" master "$spaces_bridge"
	ip link del "bo$spaces_id"
	ip link del "bw$spaces_id"
} 2>/dev/null
if wire_up; then
	books=$(flood "in_space a" "in_space b" "$spaces_net.3" 2000)
	holds "a packet's way from the host's device to its container is the container's" "$books" \
		".counters.rule_veth_to > 1000 and $b.behalf_ns.net_rx > $a.behalf_ns.net_rx"
else
	skip_one "from outside" "no second bridge with a pair of the host's"
fi
wire_down

# ---- another CPU receives ----

if [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] &&
	echo 2 >"/sys/class/net/bl${spaces_id}a/queues/rx-0/rps_cpus" 2>/dev/null; then
	books=$(flood "taskset -c 0 nsenter --net=/run/netns/bl${spaces_id}a" "in_space b" "$spaces_net.3")
	echo 0 >"/sys/class/net/bl${spaces_id}a/queues/rx-0/rps_cpus"
	holds "steered to another CPU packets have the same owners" "$books" \
		"$b.behalf_ns.net_rx > 20000000 and $a.behalf_ns.net_rx > 10000000"
	# those of whoever else wakes somebody at that moment have none that is known
	holds "interrupts between CPUs have senders" "$books" '.counters.rule_sender > 10'
fi

# ---- a device that receives in a tasklet: traffic of a's pair is led through it ----

redirect_up() {
	ip link add "bi$spaces_id" type ifb && ip link set "bi$spaces_id" up &&
		tc qdisc add dev "bl${spaces_id}a" ingress &&
		tc filter add dev "bl${spaces_id}a" parent ffff: protocol all u32 match u32 0 0 \
			action mirred egress redirect dev "bi$spaces_id"
}
if redirect_up 2>/dev/null; then
	books=$(flood "in_space a" "in_space b" "$spaces_net.3" 50000)
	tc qdisc del dev "bl${spaces_id}a" ingress
	holds "what a tasklet receives has an owner" "$books" \
		"$a.behalf_ns.net_rx > 2000000 and $b.behalf_ns.net_rx > 2000000 and
		.unattributed_ns.tasklet < ($a.behalf_ns.net_rx + $b.behalf_ns.net_rx) / 4"
else
	skip_one "tasklets that receive" "no ifb devices or redirection"
fi
ip link del "bi$spaces_id" 2>/dev/null

# ---- a queue: what it holds back goes out in a softirq ----

if tc -n "bl${spaces_id}b" qdisc add dev eth0 root tbf rate 20mbit burst 2kb limit 100kb 2>/dev/null; then
	in_space b "$tools/udp_flood" send "$spaces_net.1" 9006 1200 1.8 >/dev/null &
	sleep 0.3
	books=$(during 1.2)
	wait
	tc -n "bl${spaces_id}b" qdisc del dev eth0 root
	holds "what a queue held back is its sender's" "$books" \
		".counters.rule_tx > 100 and $b.behalf_ns.net_tx > 0 and
		$b.behalf_ns.net_tx > .unattributed_ns.net_tx"
	# on the way from a to b, in the host's hands
	tc qdisc add dev "bl${spaces_id}b" root tbf rate 20mbit burst 2kb limit 100kb
	in_space a "$tools/udp_flood" send "$spaces_net.3" 9006 1200 1.8 20000 >/dev/null &
	sleep 0.3
	books=$(during 1.2)
	wait
	tc qdisc del dev "bl${spaces_id}b" root
	holds "also on the host's network" "$books" \
		".counters.rule_tx > 100 and $a.behalf_ns.net_tx > ($b.behalf_ns.net_tx // 0)"
else
	skip_one "queues of the host" "no tbf queueing discipline"
fi

# ---- UDP on the host's network ----

books=$(flood "in_group a" "in_group b" 127.0.0.1 100000)
holds "a datagram on the host's network is its socket's owner's" "$books" \
	".counters.rule_socket > 1000 and $b.behalf_ns.net_rx > 1000000"

# while somebody looks at all that passes
in_group a "$tools/udp_flood" watch 3 >/dev/null &
books=$(flood "" "in_group b" 127.0.0.1 100000)
holds "and not of who watches the link" "$books" \
	"$b.behalf_ns.net_rx > 1000000 and $b.behalf_ns.net_rx > 4 * ($a.behalf_ns.net_rx // 0)"

# one whose owner does not read: stopped, and its queue full, before anybody looks
pid_file=$(mktemp)
# shellcheck disable=SC2016 # the inner shell expands
in_group b sh -c 'echo $$ >"$1" && shift && exec "$@"' _ "$pid_file" \
	"$tools/udp_flood" receive 9007 4 >/dev/null &
for _ in {1..100}; do
	[ ! -s "$pid_file" ] || break
	sleep 0.05
done
in_group a "$tools/udp_flood" send 127.0.0.1 9007 18 0.5 2000 >/dev/null
kill -STOP "$(cat "$pid_file")"
in_group a "$tools/udp_flood" send 127.0.0.1 9007 18 0.5 >/dev/null
books=$("$tools/ledger_books" 0)
in_group a "$tools/udp_flood" send 127.0.0.1 9007 18 1 50000 >/dev/null
books=$(jq -s '{before: .[0], after: .[1]}' <<<"$books $("$tools/ledger_books" 0)")
kill -KILL "$(cat "$pid_file")"
wait
rm "$pid_file"
holds "datagrams dropped at a full socket are its owner's too" "$books" \
	"(.after.counters.rule_socket - .before.counters.rule_socket) > 1000 and
	((.after | $b.behalf_ns.net_rx) - (.before | $b.behalf_ns.net_rx)) > 500000"

holds "books balance" "$(during 0.3)" '.balance > 0.99 and .balance < 1.01'

# ---- a thread polls: last, as the pair stays so ----

mapfile -t threads < <(spaces_threaded 2>/dev/null)
if [ ${#threads[@]} -gt 0 ]; then
	runtime_ns() {
		local pid sum=0
		for pid in "${threads[@]}"; do
			sum=$((sum + $(cut -d ' ' -f 1 "/proc/$pid/schedstat")))
		done
		echo $sum
	}
	before_ns=$(runtime_ns)
	before=$("$tools/ledger_books" 0)
	flood "in_space a" "in_space b" "$spaces_net.3" 20000 >/dev/null
	after=$("$tools/ledger_books" 0)
	ns=$(($(runtime_ns) - before_ns))
	books=$(jq -s --argjson ns $ns "def rx: $b.behalf_ns.net_rx;
		def missed: .counters | .fix_missed + .fix_nested;
		{polls: (.[1].counters.rule_thread - .[0].counters.rule_thread),
		more: ((.[1] | rx) - (.[0] | rx)), missed: ((.[1] | missed) - (.[0] | missed)),
		ran: \$ns}" <<<"$before $after")
	holds "a thread that polls works for its packets' owner" "$books" \
		'.polls > 100 and .missed == 0'
	# for a thread that is woken for each poll the scheduler's figure is too large, see bench/ledger-truth
	holds "and is charged for what it runs" "$books" \
		'.ran > 5000000 and .more > .ran * 0.2 and .more < .ran * 1.3'
else
	skip_one "threads that poll" "no threaded NAPI"
fi

echo "1..$number"
exit $failed
