# SPDX-License-Identifier: GPL-2.0-or-later
# What the benches of the ledger share: a ledger of its own and loads in two spaces. Sourced by
# bench/ledger-*, with the script's arguments; needs root. A ledger that is on is not disturbed, but costs
# what it costs.
#
# loads_up makes all, an EXIT trap removes it. load NAME SECONDS runs one load; books SECONDS prints the
# books over that time as JSON. $loads names them.

bench=${0##*/}
behalf=$(realpath "${BEHALF:-${BUILD:-build}/behalf}")
tools=$(dirname "$behalf")/tests/bpf
[ "$(id -u)" -eq 0 ] || { echo "bench/$bench: needs root" >&2; exit 1; }
if [ -z "${BENCH_IN_NAMESPACE-}" ]; then
	exec env BENCH_IN_NAMESPACE=1 unshare --mount --propagation private "$0" "$@"
fi
for program in "$behalf" "$tools/ledger_books" "$tools/udp_flood" iperf3 fio nginx wrk jq ip; do
	command -v "$program" >/dev/null || { echo "bench/$bench: no $program" >&2; exit 1; }
done
# shellcheck source=tests/bpf/two_spaces.bash
. tests/bpf/two_spaces.bash

while umount /sys/fs/bpf 2>/dev/null; do :; done
# shellcheck disable=SC2034 # for who sources this
loads='idle udp tcp connections fio_direct fio_buffered forks churn all'
loads_dir=

loads_up() {
	trap loads_down EXIT
	# on a real disk, if the working directory is on one
	loads_dir=$(mktemp -d -p "${BENCH_DIR:-/var/tmp}")
	spaces_up
	loads_nginx
}

loads_down() {
	jobs -p | xargs -r kill 2>/dev/null || true
	spaces_down
	[ -z "$loads_dir" ] || rm -rf "$loads_dir"
	"$behalf" ledger off >/dev/null || true
}

books() {
	"$tools/ledger_books" "$1"
}

loads_nginx() {
	cat >"$loads_dir/nginx.conf" <<-END
		daemon off; worker_processes 1; pid $loads_dir/pid; error_log /dev/null;
		events { worker_connections 4096; }
		http { access_log off; server { listen 9003; return 200 "x"; } }
	END
}

load_idle() {
	sleep "$1"
}

# datagrams of 18 bytes, 64 on the wire
load_udp() {
	in_space b "$tools/udp_flood" receive 9000 "$1" >/dev/null &
	# shellcheck disable=SC2154 # of two_spaces.bash
	in_space a "$tools/udp_flood" send "$spaces_net.3" 9000 18 "$1"
	wait $!
}

# prints bytes received
load_tcp() {
	in_space b iperf3 -s -1 -p 9001 >/dev/null &
	sleep 0.3
	in_space a iperf3 -c "$spaces_net.3" -p 9001 -t "$1" -J | jq '.end.sum_received.bytes'
	wait $!
}

# one request each; prints how many a second
load_connections() {
	in_space b nginx -p "$loads_dir" -c "$loads_dir/nginx.conf" 2>/dev/null &
	sleep 0.3
	in_space a wrk -t 1 -c 64 -d "$1" -H "Connection: close" "http://$spaces_net.3:9003/" |
		awk '/Requests\/sec/ { print $2 }'
	kill $! 2>/dev/null
	wait $! || true
}

# prints operations a second
loads_fio() {
	local seconds=$1
	shift
	in_space a fio --name=x --directory="$loads_dir" --size=128m --bs=4k --time_based \
		--runtime="$seconds" --rw=randrw --output-format=json "$@" |
		jq '.jobs[0] | .read.iops + .write.iops'
}

load_fio_direct() {
	loads_fio "$1" --direct=1 --ioengine=libaio --iodepth=16 --filename=direct
}

load_fio_buffered() {
	loads_fio "$1" --fsync=32 --filename=buffered
}

# shellcheck disable=SC2016 # the inner shell expands
load_forks() {
	local name
	for name in a b; do
		in_space $name sh -c 'end=$(($(date +%s) + $1)); while [ "$(date +%s)" -lt $end ]; do
			for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait; done' _ "$1" &
	done
	wait
}

# cgroups with a network namespace that live for a moment or for half a second, spinning
load_churn() {
	local end=$(($(date +%s) + $1)) number=0 dir
	while [ "$(date +%s)" -lt $end ]; do
		number=$((number + 1))
		for dir in $(spaces_cgroups "churn$number"); do mkdir -p "$dir/below"; done
		# shellcheck disable=SC2016
		sh -c 'for dir in $1; do echo $$ >"$dir/below/cgroup.procs"; done
			exec timeout $2 unshare --net sh -c "while :; do :; done"' _ \
			"$(spaces_cgroups "churn$number")" \
			$((number % 4 ? 0 : 1)).$((number % 4 ? 2 : 1)) 2>/dev/null || true
		for dir in $(spaces_cgroups "churn$number"); do rmdir "$dir/below" "$dir"; done
	done
}

load_all() {
	local name
	for name in udp tcp connections fio_direct fio_buffered forks churn; do
		(load $name "$1") &
	done
	wait
}

load() {
	"load_$1" "$2"
}

# run_books LOAD SECONDS: the books over SECONDS while LOAD runs
run_books() {
	(load "$1" $(($2 + 3)) >"$loads_dir/units") 2>/dev/null &
	sleep 1.5
	books "$2"
	wait $! || true
}

# usage_ns SPACE: CPU time that the kernel bills to a space, or to all of them if it is ""
usage_ns() {
	local dir
	for dir in $(spaces_cgroups "$1"); do
		if [ -f "$dir/cpuacct.usage" ]; then
			cat "$dir/cpuacct.usage"
		elif [ -f "$dir/cpu.stat" ] && grep -q '^usage_usec' "$dir/cpu.stat"; then
			awk '$1 == "usage_usec" { print $2 * 1000 }' "$dir/cpu.stat"
		else
			continue
		fi
		return
	done
}

# CPU time that the kernel bills to the spaces, and to ksoftirqd, in ns: all of their work
billed_ns() {
	local sum pid
	sum=$(usage_ns "")
	for pid in $(pgrep '^ksoftirqd/'); do
		sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat") * 10000000))
	done
	echo "$sum"
}

median() {
	printf '%s\n' "$@" | sort -g |
		awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# cost LOAD SECONDS: CPU time in ns per unit of the load (packet, MB, message, operation), and how many there were
cost() {
	local before units
	before=$(billed_ns)
	units=$(load "$1" "$2")
	[ "$1" != tcp ] || units=$((units / 1000000))
	awk -v ns=$(($(billed_ns) - before)) -v units="$units" 'BEGIN { print ns / units, units }'
}
