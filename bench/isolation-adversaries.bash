# SPDX-License-Identifier: GPL-2.0-or-later
# The adversaries of bench/isolation: adversary_NAME SECONDS runs one, in space a on CPU 0 if it is not one
# that comes from outside. Sourced; $tools and $work are where the helpers and what is written are.
# shellcheck disable=SC2034,SC2154 # of who sources this, for who sources this

adversaries='none udp udp_in outside tcp tcp_in syn churn nft broadcast fsync dirty direct reclaim fork timer pipe unix
	sqpoll loopback'
# Beside victims of a rate there are also flood_read and flood_write, bulk_in, bulk_out and flood_out.

# In all groups that count what it does.
beside() {
	# shellcheck disable=SC2016 # the inner shell expands
	in_space a sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done; shift; exec "$@"' _ \
		"$(victim_groups a)" taskset -c 0 "$@"
}
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
# As much as the disk gives, past the page cache and through it.
adversary_flood_read() {
	beside fio --name=x --directory="$work" --size="$victims_disk_mb"m --rw=read --bs=1m --direct=1 --ioengine=libaio --iodepth=32 \
		--time_based --runtime="$1"
}
adversary_flood_write() { beside fio --name=w --directory="$work" --size=$((2 * victims_disk_mb))m --rw=write --bs=1m --time_based --runtime="$1"; }
# With the outside: as much as the uplink carries, by 32 connections, and by one who does not care.
adversary_bulk_in() { beside iperf3 -R -P 32 -c "$spaces_net.6" -p 9006 -t "$1"; }
adversary_bulk_out() { beside iperf3 -P 32 -c "$spaces_net.6" -p 9006 -t "$1"; }
adversary_flood_out() { beside "$tools/tests/bpf/udp_flood" send "$spaces_net.6" 9000 1400 "$1"; }
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
	fsync | dirty | direct | flood_read | flood_write) echo fio ;;
	bulk_in | bulk_out) echo iperf3 ;;
	esac
}

# Of a CPU, what others may have beside ADVERSARY: one from outside is one of them itself.
adversary_by_others() {
	case $1 in
	outside) echo 1 ;;
	*) echo 0.1 ;;
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
	local dir
	# shellcheck disable=SC2046 # several
	mkdir -p $(victim_groups a)
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
	for dir in $(victim_groups a); do
		[ ! -d "$dir" ] || rmdir "$dir" "${dir%/*}" 2>/dev/null || true
	done
}
