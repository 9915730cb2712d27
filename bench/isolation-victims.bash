# SPDX-License-Identifier: GPL-2.0-or-later
# The victims of bench/isolation, in group v on CPU 1 and in a network of their own: victim_NAME SECONDS prints one
# figure, of which more is better, or for those of which victim_is_late tells so, the 99th percentile of a
# latency in microseconds. Sourced; $tools and $work are where the helpers and what is written are, $victim_alone
# the figure of the victim alone, when that is known.
# shellcheck disable=SC2034,SC2154 # of who sources this, for who sources this

victim_groups_all='v n1 n2 n3'

victims_disk_mb=${BENCH_DISK_MB:-512}
# What the uplink carries, and half of it is reserved: bits per second.
victims_uplink=500000000

# All groups of one: v1 has no pressure, but a group on v2 beside it has, as runtimes make one.
victim_groups() {
	awk -v group="/ledger-test-$spaces_id/$1" '
		$(NF-2) == "cgroup" && $4 == "/" && $NF ~ /(^|,)(cpu|cpuacct|blkio|memory)(,|$)/ && !seen[$5]++ {
			print $5 group }
		$(NF-2) == "cgroup2" && $4 == "/" && !v2++ { print $5 group }' /proc/self/mountinfo
}

# in_victims GROUP COMMAND..., and $work/began-GROUP is there when it begins
in_victims() {
	local groups began=$work/began-$1
	groups=$(victim_groups "$1")
	shift
	# shellcheck disable=SC2016 # the inner shell expands
	nsenter --net="/run/netns/bl${spaces_id}v" sh -c '
		for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done; : >"$2"; shift 2; exec taskset -c 1 "$@"' \
		_ "$groups" "$began" "$@"
}

in_victim() { in_victims v "$@"; }

victim_spin() { in_victim "$tools/bench/victim" spin "$1"; }
victim_periodic() { in_victim "$tools/bench/victim" periodic "$1"; }

# reserves half of the CPU; three others want all of it
victim_half() {
	local other pids=()
	for other in n1 n2 n3; do
		in_victims "$other" "$tools/bench/victim" spin "$1" >/dev/null &
		pids+=($!)
	done
	in_victim "$tools/bench/victim" spin "$1"
	wait "${pids[@]}"
}

victim_nginx() {
	in_victim wrk --latency -t 1 -c 8 -d "$1" http://127.0.0.1:9004/ |
		awk '$1 == "99%" { v = $2; print v ~ /us/ ? v + 0 : v ~ /ms/ ? v * 1000 : v * 1000000 }'
}

victim_pgbench() {
	rm -f "$work"/pg/log.*
	as_postgres "$postgres/pgbench" -h "$work/pg" -n -c 4 -T "$1" -l --log-prefix="$work/pg/log" \
		postgres >/dev/null 2>&1
	cut -d ' ' -f 3 "$work"/pg/log.* | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99) + 1] }'
}

# Reads past the page cache, bytes per second: alone as much as there is.
victim_disk() {
	in_victim fio --name=v --filename="$work/victim" --size="$victims_disk_mb"m --rw=randread --bs=64k --direct=1 --ioengine=libaio \
		--iodepth=8 --time_based --runtime="$1" --output-format=json | jq '.jobs[0].read.bw_bytes'
}

# From and to the outside, bits per second with all headers, as classes and wires count them.
victim_ingress() { victim_transfer "$1" -R; }
victim_egress() { victim_transfer "$1"; }
victim_transfer() {
	in_victim iperf3 -J -c "$spaces_net.6" -p 9005 -t "$@" |
		jq '.end.sum_received.bits_per_second * 1514 / (.start.tcp_mss_default // 1448) | round'
}

# In which unit it is: a latency, or a rate, if not units of work per second.
victim_is_late() { case $1 in periodic | nginx | pgbench) return 0 ;; *) return 1 ;; esac; }
victim_is_rate() { case $1 in disk | ingress | egress) return 0 ;; *) return 1 ;; esac; }

# Whether it always wants more than its reserve.
victim_is_busy() { [ "$1" != periodic ]; }

victim_reserve() {
	case $1 in
	half) echo 0.5 ;;
	periodic) echo 0.5 ;;
	disk) echo $((victim_alone / 2)) ;;
	ingress | egress) echo $((victims_uplink / 2)) ;;
	*) echo 0.98 ;; # of one CPU what the kernel's own work leaves, and 1.05 times slower is missed
	esac
}

# A rate takes CPU, too.
victim_terms() {
	case $1 in
	disk) echo cpu.reserve=0.5 "disk.read.reserve=$(victim_disk_device):$(victim_reserve disk)" ;;
	ingress | egress) echo cpu.reserve=0.5 "net.$1.reserve=$(victim_reserve "$1")" ;;
	*) echo "cpu.reserve=$(victim_reserve "$1")" ;;
	esac
}

victim_disk_device() { findmnt -nro MAJ:MIN -T "$work"; }

victim_needs() {
	case $1 in
	disk) echo fio ;;
	ingress | egress) echo iperf3 ;;
	nginx) echo wrk nginx ;;
	pgbench) echo pgbench ;;
	esac
}

# ---- servers: they are started once, and wait ----

as_postgres() { in_victim setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

postgres=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)

# What it writes is not waited for: its CPU is in question, not the disk that it shares.
postgres_up() {
	local try
	install -d -o postgres "$work/pg"
	as_postgres "$postgres/initdb" -D "$work/pg/data" --no-sync >"$work/pg/messages" 2>&1 ||
		{ cat "$work/pg/messages" >&2; return 1; }
	as_postgres "$postgres/postgres" -D "$work/pg/data" -k "$work/pg" -h '' -c fsync=off \
		-c autovacuum=off 2>"$work/pg/messages" &
	for try in {1..100}; do
		"$postgres/pg_isready" -q -h "$work/pg" && break
		[ "$try" -lt 100 ] || { cat "$work/pg/messages" >&2; return 1; }
		sleep 0.1
	done
	as_postgres "$postgres/pgbench" -h "$work/pg" -i -q postgres >/dev/null 2>&1
}

nginx_up() {
	in_victim nginx -p "$work" -c "$work/victim.conf" 2>/dev/null &
	sleep 0.5
}

# Once for each that has a server.
victim_up() {
	case " ${victims_up-} " in *" $1 "*) return 0 ;; esac
	case $1 in
	nginx) nginx_up ;;
	pgbench) postgres_up ;;
	disk) dd if=/dev/urandom of="$work/victim" bs=1M count="$victims_disk_mb" conv=fsync 2>/dev/null ;;
	ingress | egress) outside_up ;;
	esac
	victims_up+=" $1"
}

victims_start() {
	local name dir
	ip netns add "bl${spaces_id}v"
	ip -n "bl${spaces_id}v" link set lo up
	ip link add "bl${spaces_id}v" type veth peer name eth0 netns "bl${spaces_id}v"
	ip link set "bl${spaces_id}v" master "$spaces_bridge" up
	ip -n "bl${spaces_id}v" addr add "$spaces_net.5/24" dev eth0
	ip -n "bl${spaces_id}v" link set eth0 up
	for name in $victim_groups_all; do
		for dir in $(victim_groups "$name"); do mkdir -p "$dir"; done
	done
	victims_nginx_conf 9003 partner
	victims_nginx_conf 9004 victim
}

# The outside, where servers wait for victims and adversaries: behind another port of the bridge, which is the host's
# uplink, and a wire that carries less than any CPU could send. It takes a little more than the uplink is said to
# carry, towards the outside, since what a driver does for a real one, to take no more than it can send, nobody
# does here.
outside_up() {
	local wire=bl${spaces_id}x port
	[ ! -e "/run/netns/$wire" ] || return 0
	ip netns add "$wire"
	ip netns add "bl${spaces_id}w"
	ip link add "bl${spaces_id}w" type veth peer name host netns "$wire"
	ip link set "bl${spaces_id}w" master "$spaces_bridge" up
	ip -n "$wire" link add outside type veth peer name eth0 netns "bl${spaces_id}w"
	ip -n "$wire" link add wire type bridge
	for port in host outside wire; do
		[ $port = wire ] || ip -n "$wire" link set $port master wire
		ip -n "$wire" link set $port up
	done
	ip netns exec "$wire" tc qdisc add dev host root tbf rate "$victims_uplink" burst 128k latency 20ms
	ip netns exec "$wire" tc qdisc add dev outside root tbf rate $((victims_uplink * 21 / 20)) burst 128k latency 20ms
	ip -n "bl${spaces_id}w" addr add "$spaces_net.6/24" dev eth0
	ip -n "bl${spaces_id}w" link set eth0 up
	# they are nobody whose terms count
	for port in 9005 9006; do
		in_group n1 nsenter --net="/run/netns/bl${spaces_id}w" taskset -c 0 iperf3 -s -p $port >/dev/null &
	done
	sleep 1
}

victims_nginx_conf() {
	cat >"$work/$2.conf" <<-END
		daemon off; worker_processes 1; pid $work/$2.pid; error_log /dev/null;
		events { worker_connections 4096; }
		http { access_log off; server { listen $1; return 200 "x"; } }
	END
}

victims_down() {
	local name dir
	for name in $victim_groups_all; do
		for dir in $(victim_groups "$name"); do
			[ -d "$dir" ] || continue
			xargs -r kill -9 <"$dir/cgroup.procs" 2>/dev/null || true
			for _ in 1 2 3 4 5; do
				rmdir "$dir" 2>/dev/null && break
				sleep 0.1
			done
			rmdir "${dir%/*}" 2>/dev/null || true
		done
	done
	ip link del "bl${spaces_id}v" 2>/dev/null || true
	ip link del "bl${spaces_id}w" 2>/dev/null || true
	for name in v w x; do
		[ ! -e "/run/netns/bl$spaces_id$name" ] || ip netns del "bl$spaces_id$name"
	done
}
