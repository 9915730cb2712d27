#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Terms of network and disks, kept for a workspace of spawn by the keeper beside it. What is asked of rates is
# little, since others use the machine too: that a limit makes the difference it must make.

# shellcheck disable=SC2030,SC2031 # each test sets its own uplink
bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	load ledger_helpers
	need_root
	need_program tc iproute2
	need_program iperf3
	private_ledger
}

teardown_file() {
	load ledger_helpers
	end_private_ledger
}

setup() {
	load helpers
	load ledger_helpers
	need_root
	BUNDLE_FOR_EACH_TEST='' begin
	export BEHALF_KEEPER=$BATS_TEST_TMPDIR/keeper
	NAME=$ID
}

teardown() {
	if [ -n "${SERVER:-}" ]; then kill "$SERVER" 2>/dev/null || true; fi
	if [ -n "${OTHERS:-}" ]; then kill "$OTHERS" 2>/dev/null || true; fi
	ip link del "up-$$" 2>/dev/null || true
	ip link del "br-$$" 2>/dev/null || true
	ip link del "ot-$$" 2>/dev/null || true
	ip netns del "outside-$$" 2>/dev/null || true
	end
}

# spawn_with TERM... -- COMMAND...
spawn_with() {
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" BEHALF_PROMISES="$BEHALF_PROMISES" \
		"$BEHALF" --root "$STATE" spawn --detach --name "$NAME" "$@"
}

# The host's end of the workspace's link.
link_of() {
	local pid index
	pid=$(behalf state "$1" | jq .pid)
	index=$(nsenter --net="/proc/$pid/ns/net" ip -o link show eth0 2>/dev/null |
		sed -n 's/.*eth0@if\([0-9]*\):.*/\1/p')
	ip -o link | sed -n "s/^$index: \([^@:]*\).*/\1/p"
}

qdisc_is() {
	tc qdisc show dev "$1" | grep -q "^qdisc $2"
}

# Mbit/s from the workspace to the host, or with -R the other way.
rate() {
	local pid gateway
	pid=$(behalf state "$NAME" | jq .pid)
	gateway=$(nsenter --net="/proc/$pid/ns/net" ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')
	nsenter --net="/proc/$pid/ns/net" iperf3 -c "$gateway" -p "$PORT" -t 3 -J "$@" |
		jq '.end.sum_received.bits_per_second / 1e6'
}

serve() {
	PORT=$((20000 + RANDOM % 10000))
	iperf3 -s -p $PORT >/dev/null 2>&1 3>&- &
	SERVER=$!
	wait_until 5 eval "ss -Hltn 'sport = :$PORT' | grep -q ."
}

@test "net.ingress.limit and net.egress.limit hold, and are gone with the workspace" {
	spawn_with --net-ingress-limit 20mbit --net-egress-limit 40mbit -- sleep 100
	link=$(link_of "$NAME")
	wait_until 5 qdisc_is "$link" htb
	index=$(cat "/sys/class/net/$link/ifindex")
	ifb=$(printf 'bhe%x' "$index")
	wait_until 5 qdisc_is "$ifb" htb
	serve
	out=$(rate)
	in=$(rate -R)
	echo "sent $out Mbit/s, received $in Mbit/s"
	jq -en "$out > 10 and $out < 50 and $in > 5 and $in < 26"
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
		jq -e '.workspaces[0].network | .ingress_limited.bytes > 1000000 and .egress_limited.bytes > 1000000'
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status | grep 'net.egress.limit'
	behalf delete --force "$NAME"
	! ip link show "$ifb" 2>/dev/null || wait_until 5 eval "! ip link show $ifb 2>/dev/null"
}

@test "net.strict drop is a filter before the link" {
	spawn_with --net-strict drop --cpu-limit 0.5 -- sleep 100
	link=$(link_of "$NAME")
	wait_until 5 eval "tc filter show dev $link egress | grep -q behalf_gate"
}

@test "the mark of packets is taken only where an uplink reads it" {
	export BEHALF_UPLINK=up-$$=100mbit
	spawn_with --net-strict drop --cpu-limit 0.5 -- sleep 100
	link=$(link_of "$NAME")
	wait_until 5 eval "tc filter show dev $link egress | grep -q behalf_gate"
	# links are looked after twice a second
	sleep 1.2
	[ -z "$(tc filter show dev "$link" ingress)" ]
	make_outside
	wait_until 5 eval "tc filter show dev $link ingress | grep -q behalf_mark"
	wait_until 5 eval "tc filter show dev $link egress | grep -q behalf_learn"
	ip link del "up-$$"
	wait_until 5 eval "! tc filter show dev $link ingress | grep -q behalf_mark"
	tc filter show dev "$link" egress | grep behalf_gate
}

gate_dropped() {
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
		jq -e '.workspaces[0].network.gate | .dropped > 100 and .passed > 0'
}

@test "a flood from outside a workspace in debt is dropped before it" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	spawn_with --net-strict drop --cpu-limit 0.02 -- sleep 100
	address=$(behalf state "$NAME" | jq -r '.annotations."io.behalf.address"')
	"$BUILD_DIR/tests/bpf/udp_flood" send "$address" 9999 18 15 >/dev/null 2>&1 3>&- &
	SERVER=$!
	wait_until 14 gate_dropped
}

@test "a flood from outside is dropped where it arrives, by its address" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_outside
	spawn_with --net-strict drop --cpu-limit 0.02 -- sleep 100
	wait_until 5 eval "tc filter show dev up-$$ ingress | grep -q behalf_gate"
	wait_until 5 eval "tc filter show dev $(link_of "$NAME") egress | grep -q behalf_learn"
	address=$(behalf state "$NAME" | jq -r '.annotations."io.behalf.address"')
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send "$address" 9999 18 15 >/dev/null 2>&1 3>&- &
	SERVER=$!
	drops_there() { tc -s qdisc show dev "up-$$" | grep -A 1 '^qdisc clsact' | sed -n 's/.*dropped \([0-9]*\),.*/\1/p' | grep -q '[0-9]\{3\}'; }
	wait_until 14 drops_there
	gate_dropped
	behalf delete --force "$NAME"
	wait_until 5 eval "! tc qdisc show dev up-$$ | grep -q clsact"
}

# A bridge whose ports are the uplink and the workspace's second link: nothing is routed.
join_outside() {
	local pid
	pid=$(behalf state "$NAME" | jq .pid)
	ip link add "in-$$" type veth peer name eth1 netns "$pid"
	ip link set "in-$$" master "br-$$" up
	nsenter --net="/proc/$pid/ns/net" sh -c 'ip link set eth1 up && ip address add 198.18.79.3/24 dev eth1'
	# a bridge learns where somebody is by what comes from there
	answers() {
		ip netns exec "outside-$$" timeout 2 bash -c 'exec 3<>/dev/tcp/198.18.79.3/9' 2>&1 | grep -q refused
	}
	wait_until 5 answers
}

make_bridged_outside() {
	ip link add "br-$$" type bridge
	ip link set "br-$$" up
	ip netns add "outside-$$"
	ip link add "up-$$" type veth peer name "op-$$" netns "outside-$$"
	ip link set "up-$$" master "br-$$" up
	ip -n "outside-$$" link set "op-$$" up
	ip -n "outside-$$" address add 198.18.79.2/24 dev "op-$$"
	export BEHALF_UPLINK=up-$$=100mbit
}

@test "a flood from outside is dropped where it arrives, at the port of a bridge" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_bridged_outside
	spawn_with --net-strict drop --cpu-limit 0.02 -- sleep 100
	join_outside
	wait_until 5 eval "tc filter show dev up-$$ ingress | grep -q behalf_gate"
	# where nobody can have learned anything by what was sent
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.79.3 9999 18 15 >/dev/null 2>&1 3>&- &
	SERVER=$!
	drops_there() { tc -s qdisc show dev "up-$$" | grep -A 1 '^qdisc clsact' | sed -n 's/.*dropped \([0-9]*\),.*/\1/p' | grep -q '[0-9]\{3\}'; }
	wait_until 14 drops_there
	behalf delete --force "$NAME"
	wait_until 5 eval "! tc qdisc show dev up-$$ | grep -q clsact"
}

@test "net.ingress.reserve is a class for what arrives at the port of a bridge" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_bridged_outside
	spawn_with --net-ingress-reserve 30mbit -- sleep 100
	join_outside
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.79.3 9999 1400 15 >/dev/null 2>&1 3>&- &
	SERVER=$!
	class_has_bytes() {
		inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
			jq -e '.workspaces[0].network.ingress_reserved.bytes > 3000000'
	}
	wait_until 14 class_has_bytes
}

# Whoever has the address of the workspace in another VLAN has nothing of what is for the workspace, and takes nothing.
@test "behind a bridge that filters, an address is the workspace's in its VLAN only" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_bridged_outside
	ip link set "br-$$" type bridge vlan_filtering 1 2>/dev/null || skip "bridges do not filter here"
	ip -n "outside-$$" link add link "op-$$" name tagged type vlan id 10 2>/dev/null || skip "no VLANs here"
	ip -n "outside-$$" link set tagged up
	ip -n "outside-$$" address flush dev "op-$$"
	ip -n "outside-$$" address add 198.18.79.2/24 dev tagged
	bridge vlan add dev "up-$$" vid 10
	bridge vlan add dev "up-$$" vid 20
	spawn_with --net-ingress-reserve 30mbit -- sleep 100
	pid=$(behalf state "$NAME" | jq .pid)
	ip link add "in-$$" type veth peer name eth1 netns "$pid"
	ip link set "in-$$" master "br-$$" up
	bridge vlan del dev "in-$$" vid 1
	bridge vlan add dev "in-$$" vid 10 pvid untagged
	nsenter --net="/proc/$pid/ns/net" sh -c 'ip link set eth1 up && ip address add 198.18.79.3/24 dev eth1'
	mac=$(nsenter --net="/proc/$pid/ns/net" ip -j link show eth1 | jq -r '.[0].address')
	# a neighbour with the same one
	ip link add "ot-$$" type veth peer name "oe-$$" netns "outside-$$" address "$mac"
	ip link set "ot-$$" master "br-$$" up
	bridge vlan del dev "ot-$$" vid 1
	bridge vlan add dev "ot-$$" vid 20 pvid untagged
	ip -n "outside-$$" link set "oe-$$" up
	ip -n "outside-$$" address add 198.18.80.3/24 dev "oe-$$"
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.80.9 9 18 1 >/dev/null 2>&1 3>&- || true
	answers() {
		ip netns exec "outside-$$" timeout 2 bash -c 'exec 3<>/dev/tcp/198.18.79.3/9' 2>&1 | grep -q refused
	}
	wait_until 5 answers
	bridge fdb show br "br-$$"
	[ "$(bridge fdb show br "br-$$" | grep -c "^$mac .* vlan [12]0")" -ge 2 ]
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.79.3 9999 1400 15 >/dev/null 2>&1 3>&- &
	SERVER=$!
	class_has_bytes() {
		inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
			jq -e '.workspaces[0].network.ingress_reserved.bytes > 3000000'
	}
	wait_until 14 class_has_bytes
}

# The kernel's threads that are in the group of the workspace.
threads_inside() {
	local pid file
	pid=$(behalf state "$NAME" | jq .pid)
	file=$(sed -n 's/^[0-9]*:cpu[^:]*:\(.*\)/\1/p' "/proc/$pid/cgroup" | head -n 1)
	if [ -n "$file" ]; then
		file=$(awk '$(NF-2) == "cgroup" && $4 == "/" && $NF ~ /(^|,)cpu(,|$)/ { print $5; exit }' /proc/self/mountinfo)$file/tasks
	else
		file=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")/cgroup.procs
	fi
	while read -r pid; do cat "/proc/$pid/comm" 2>/dev/null; done <"$file" | grep '^napi/'
}

@test "net.strict threaded: the kernel's threads that receive are in the workspace's group, and go with it" {
	[ -e /sys/class/net/lo/threaded ] || skip "no threaded NAPI"
	spawn_with --net-strict threaded --cpu-limit 0.5 -- sleep 100
	wait_until 10 threads_inside
	# what arrives gets there: a port where nobody listens answers
	address=$(behalf state "$NAME" | jq -r '.annotations."io.behalf.address"')
	run timeout 5 bash -c "exec 3<>/dev/tcp/$address/9"
	[[ "$output" == *refused* ]]
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J | jq -e '.workspaces[0].fails | not'
	behalf delete --force "$NAME"
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -type d -name "*$NAME*")" ]
}

# An uplink of the test, and who is behind it.
make_outside() {
	ip netns add "outside-$$"
	ip link add "up-$$" type veth peer name "op-$$" netns "outside-$$"
	ip link set "up-$$" up
	ip address add 198.18.78.1/30 dev "up-$$"
	echo 1 >"/proc/sys/net/ipv4/conf/up-$$/forwarding"
	echo 0 >"/proc/sys/net/ipv4/conf/up-$$/rp_filter"
	ip -n "outside-$$" link set "op-$$" up
	ip -n "outside-$$" address add 198.18.78.2/30 dev "op-$$"
	ip -n "outside-$$" route add default via 198.18.78.1
	export BEHALF_UPLINK=up-$$=100mbit
}

@test "net.egress.reserve is a class at the uplink, as soon as that is half full" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_outside
	# what is below its limit passes by, and is known at the uplink all the same
	spawn_with --net-egress-reserve 30mbit --net-egress-limit 60mbit -- sleep 100
	link=$(link_of "$NAME")
	wait_until 5 eval "tc filter show dev $link ingress | grep -q behalf_mark"
	wait_until 5 eval "tc filter show dev up-$$ egress | grep -q behalf_count"
	[ -z "$(tc class show dev "up-$$")" ]
	wait_until 5 eval "tc filter show dev $link ingress | grep -q behalf_hold"
	pid=$(behalf state "$NAME" | jq .pid)
	nsenter --net="/proc/$pid/ns/net" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.78.2 9 1400 2 500 >/dev/null 2>&1 3>&- || true
	sent_is_known() {
		inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
			jq -e '.workspaces[0].network.egress_reserved.packets > 100'
	}
	came_out() { [ "$(ip -n "outside-$$" -s -j link show "op-$$" | jq '.[0].stats64.rx.packets')" -gt 100 ]; }
	if came_out; then
		wait_until 5 sent_is_known
	else
		echo "# this host forwards nothing, so what is sent was not looked at" >&3
	fi
	# of the host: whoever fills it
	"$BUILD_DIR/tests/bpf/udp_flood" send 198.18.78.2 9 1400 30 >/dev/null 2>&1 3>&- &
	OTHERS=$!
	wait_until 5 eval "tc class show dev up-$$ | grep -q 'rate 30Mbit ceil 100Mbit'"
	tc class show dev "up-$$" | grep -q 'rate 70Mbit ceil 100Mbit'
	kill "$OTHERS" 2>/dev/null || true
	behalf delete --force "$NAME"
	wait_until 5 eval "! tc class show dev up-$$ | grep -q htb"
	# the next thing that it does
	wait_until 5 eval "! tc filter show dev up-$$ egress | grep -q behalf"
}

class_has_packets() {
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
		jq -e '.workspaces[0].network.ingress_reserved.packets > 0'
}

@test "net.ingress.reserve is a class behind the uplink, for what arrives there for the workspace" {
	[ -x "$BUILD_DIR/tests/bpf/udp_flood" ] || skip "not built: udp_flood"
	make_outside
	spawn_with --net-ingress-reserve 30mbit -- sleep 100
	ifb=$(printf 'bhi%x' "$(cat "/sys/class/net/up-$$/ifindex")")
	wait_until 5 eval "tc class show dev $ifb | grep -q 'rate 30Mbit ceil 95Mbit'"
	wait_until 5 eval "tc filter show dev $(link_of "$NAME") egress | grep -q behalf_learn"
	address=$(behalf state "$NAME" | jq -r '.annotations."io.behalf.address"')
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send "$address" 9999 1400 30 >/dev/null 2>&1 3>&- &
	SERVER=$!
	wait_until 15 class_has_packets
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
		jq -e '.workspaces[0]["net.ingress.reserve"] | .unit == "bit/s" and .promised == 30000000'
	# others want all of the uplink, too
	ip netns exec "outside-$$" "$BUILD_DIR/tests/bpf/udp_flood" send 198.18.78.1 9 1400 30 >/dev/null 2>&1 3>&- &
	OTHERS=$!
	reserve_is_got() {
		inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" keeper status -J |
			jq -e '.workspaces[0]["net.ingress.reserve"] | .state == "kept" and .got > 28500000 and .for_s > 3' >/dev/null
	}
	wait_until 12 reserve_is_got
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" --root "$STATE" stat "$NAME" |
		grep 'PROMISED  *net.ingress.reserve 30Mbit/s: got .*Mbit/s.*kept'
	inside env BEHALF_KEEPER="$BEHALF_KEEPER" "$BEHALF" metrics --once |
		grep "^behalf_got{workspace=\"$NAME\",cgroup=.*term=\"net.ingress.reserve\"}"
	# nothing is lent of a reserve that is used, and all of it when that is over
	others_have() { tc class show dev "$ifb" | grep -q "htb be1f:2 .* rate 65Mbit ceil $1"; }
	others_have 65Mbit
	kill "$SERVER"
	wait_until 5 others_have 95Mbit
	kill "$OTHERS" 2>/dev/null || true
	behalf delete --force "$NAME"
	wait_until 5 eval "! ip link show $ifb 2>/dev/null"
	[ -z "$(tc filter show dev "up-$$" ingress)" ]
}

@test "more than the uplink carries is refused" {
	ip link add "up-$$" type veth peer name "op-$$"
	export BEHALF_UPLINK=up-$$=100mbit
	run spawn_with --net-egress-reserve 130mbit -- true
	echo "$output"
	[ "$status" -ne 0 ]
	[ "${#lines[@]}" -eq 1 ]
	run spawn_with --net-ingress-reserve 130mbit -- true
	ip link del "up-$$"
	[ "$status" -ne 0 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "what nothing can keep is refused, in one sentence that names the term" {
	# whatever the driver of this host's own tells of its rate
	export BEHALF_UPLINK=none-$$
	for terms in "--net host --net-strict threaded" "--net-ingress-reserve 1mbit" "--disk-read-share 0:0:50" \
		"--net host --net-egress-limit 1mbit"; do
		# shellcheck disable=SC2086
		run spawn_with $terms -- true
		echo "$output"
		[ "$status" -eq 125 ]
		[ "${#lines[@]}" -eq 1 ]
	done
	# nor an uplink that is not there, however fast
	BEHALF_UPLINK=none-$$=1gbit run spawn_with --net-egress-reserve 1mbit -- true
	echo "$output"
	[ "$status" -eq 125 ]
	[[ $output == *"net-egress-reserve"*"'none-$$'"* ]]
	unset BEHALF_UPLINK
}

@test "disk.write.limit is a throttle of the disk" {
	disk=$(lsblk -ndo MAJ:MIN -t disk 2>/dev/null | head -n 1 | tr -d ' ')
	[ -n "$disk" ] || disk=$(lsblk -ndo MAJ:MIN | head -n 1 | tr -d ' ')
	[ -n "$disk" ] || skip "no disk"
	spawn_with --disk-write-limit "$disk:5MB/s" -- sleep 100
	pid=$(behalf state "$NAME" | jq .pid)
	group=$(sed -n 's/^[0-9]*:[^:]*blkio[^:]*://p' "/proc/$pid/cgroup")
	if [ -n "$group" ]; then
		file=/sys/fs/cgroup/blkio$group/blkio.throttle.write_bps_device
	else
		file=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")/io.max
	fi
	wait_until 5 grep -q "^$disk .*5000000" "$file"
}
