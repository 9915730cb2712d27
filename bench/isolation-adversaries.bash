# SPDX-License-Identifier: GPL-2.0-or-later
# The adversaries of bench/isolation: adversary_NAME SECONDS runs one, in space a on CPU 0 if it is not one
# that comes from outside. Sourced; $tools and $work are where the helpers and what is written are.
# shellcheck disable=SC2034,SC2154 # of who sources this, for who sources this

adversaries='none udp udp_in outside tcp tcp_in syn churn nft broadcast fsync dirty direct reclaim fork timer pipe unix
	sqpoll loopback'

beside() { in_space a taskset -c 0 "$@"; }
disturb() { beside "$tools/bench/adversary" "$@"; }

# What terms and the keeper cost by themselves.
adversary_none() { beside sleep "$1"; }

adversary_udp() { beside "$tools/tests/bpf/udp_flood" send "$spaces_net.3" 9000 18 "$1"; }
adversary_tcp() { beside iperf3 -c "$spaces_net.3" -p 9001 -t "$1"; }
adversary_tcp_in() { beside iperf3 -R -c "$spaces_net.3" -p 9001 -t "$1"; }
adversary_syn() { disturb syn "$1" "$spaces_net.3"; }
adversary_churn() { beside wrk -t 1 -c 64 -d "$1" -H "Connection: close" "http://$spaces_net.3:9003/"; }
adversary_nft() { adversary_udp "$1"; }
adversary_broadcast() { disturb broadcast "$1" "$spaces_net.255"; }
adversary_loopback() { disturb loopback "$1"; }

# What arrives for the adversary from another space, and over a link from outside any; it has a thread that waits.
adversary_udp_in() {
	beside "$tools/tests/bpf/udp_flood" receive 9000 "$1" &
	in_space b taskset -c 0 "$tools/tests/bpf/udp_flood" send "$spaces_net.2" 9000 18 "$1"
}
adversary_outside() {
	beside "$tools/tests/bpf/udp_flood" receive 9000 "$1" &
	nsenter --net="/run/netns/bl${spaces_id}o" taskset -c 0 \
		"$tools/tests/bpf/udp_flood" send "$spaces_net.2" 9000 18 "$1"
}

on_disk() { beside fio --name=x --directory="$work" --size=64m --bs=4k --time_based --runtime="$1" "${@:2}"; }
adversary_fsync() { on_disk "$1" --rw=randwrite --fsync=1; }
adversary_dirty() { on_disk "$1" --rw=write --bs=64k; }
adversary_direct() { on_disk "$1" --rw=randrw --direct=1 --ioengine=libaio --iodepth=32; }
# shellcheck disable=SC2016 # the inner shell expands
adversary_reclaim() {
	beside sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' _ "$(small_memory)" \
		"$tools/bench/adversary" reclaim "$1" "$work/hole"
}

adversary_fork() { disturb fork "$1"; }
adversary_timer() { disturb timer "$1"; }
adversary_pipe() { disturb pipe "$1"; }
adversary_unix() { disturb unix "$1"; }
adversary_sqpoll() { disturb sqpoll "$1" 1; }

# The programs that ADVERSARY takes.
adversary_needs() {
	case $1 in
	tcp | tcp_in) echo iperf3 ;;
	churn) echo wrk nginx ;;
	nft) echo nft ;;
	fsync | dirty | direct) echo fio ;;
	esac
}

# Who answers ADVERSARY, in space b.
adversary_partner() {
	case $1 in
	tcp | tcp_in) in_space b taskset -c 0 iperf3 -s -p 9001 ;;
	churn | syn) in_space b taskset -c 0 nginx -p "$work" -c "$work/partner.conf" ;;
	*) in_space b sleep 1000 ;;
	esac
}

# Where receiving is ADVERSARY's way, that is done on CPU 1: of what comes from a space or from outside at the host's
# end of that link, of what the adversary sends itself at its loopback.
adversary_steer() {
	local name link='' itself=0
	case $1 in
	udp | tcp | syn | churn | nft | broadcast) link=a ;;
	udp_in | tcp_in) link=b ;;
	outside) link=o ;;
	loopback) itself=2 ;;
	esac
	for name in a b o; do
		if [ $name = "$link" ]; then echo 2; else echo 0; fi >"/sys/class/net/bl$spaces_id$name/queues/rx-0/rps_cpus"
	done
	# shellcheck disable=SC2016 # the inner shell expands
	nsenter --net="/run/netns/bl${spaces_id}a" unshare --mount sh -c '
		mount -t sysfs sysfs /sys && echo "$1" >/sys/class/net/lo/queues/rx-0/rps_cpus' _ $itself
	long_chain off
	[ "$1" != nft ] || long_chain on
}

# A thousand rules that the host has for what comes from space a and is bridged.
long_chain() {
	local table=bench$spaces_id number
	command -v nft >/dev/null || return 0
	nft delete table bridge "$table" 2>/dev/null || true
	[ "$1" = on ] || return 0
	{
		echo "table bridge $table {"
		echo "	chain long {"
		for number in {1000..1999}; do echo "		ether saddr 02:00:00:00:${number::2}:${number:2} drop"; done
		echo "	}"
		echo "	chain forward {"
		echo "		type filter hook forward priority 0;"
		echo "		iifname bl${spaces_id}a jump long"
		echo "	}"
		echo "}"
	} | nft -f -
}

# A group that has 64 MB: on v2 the space's own.
small_memory() {
	local v1 dir
	v1=$(awk '$(NF-2) == "cgroup" && $4 == "/" && $NF ~ /(^|,)memory(,|$)/ { print $5; exit }' /proc/self/mountinfo)
	dir=${v1:+$v1/bench-$spaces_id}
	dir=${dir:-$(spaces_cgroups a)}
	mkdir -p "$dir"
	echo 64M >"$dir/memory.limit_in_bytes" 2>/dev/null || echo 64M >"$dir/memory.max"
	echo "$dir"
}

# The link to the outside: another port of the bridge, at the end of which nobody's container is.
adversaries_up() {
	ip netns add "bl${spaces_id}o"
	ip link add "bl${spaces_id}o" type veth peer name eth0 netns "bl${spaces_id}o"
	ip link set "bl${spaces_id}o" master "$spaces_bridge" up
	ip -n "bl${spaces_id}o" addr add "$spaces_net.4/24" dev eth0
	ip -n "bl${spaces_id}o" link set eth0 up
}

adversaries_down() {
	local dir
	long_chain off
	ip link del "bl${spaces_id}o" 2>/dev/null || true
	[ ! -e "/run/netns/bl${spaces_id}o" ] || ip netns del "bl${spaces_id}o"
	for dir in /sys/fs/cgroup/memory/bench-"$spaces_id" /sys/fs/cgroup/bench-"$spaces_id"; do
		[ ! -d "$dir" ] || rmdir "$dir" || true
	done
}
