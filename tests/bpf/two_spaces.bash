# SPDX-License-Identifier: GPL-2.0-or-later
# Two spaces of the least kind, for tests and benches: each is a cgroup in the hierarchy of the cpu
# controller and a network namespace, joined by veth pairs and a bridge of the host.
# Sourced; spaces_up makes them, spaces_down removes all. Needs root, ip and nsenter.
# The names end in $spaces_id, so that several can be there at once.

spaces_id=$$
spaces_bridge=bl$spaces_id
# 198.18.0.0/15 is for benchmarks (RFC 2544)
spaces_net=198.18.$((spaces_id % 256))

# The folders of the cgroups of space $1: on v1 that of cpu and, if it is another, of cpuacct.
spaces_cgroups() {
	local dir
	for dir in $(spaces_mounts); do
		echo "$dir/ledger-test-$spaces_id/$1"
	done
}

spaces_mounts() {
	awk -v ORS=' ' '
		$(NF-2) == "cgroup" && $4 == "/" && $NF ~ /(^|,)cpu(,|$)/ { v1 = v1 " " $5 }
		$(NF-2) == "cgroup" && $4 == "/" && $NF ~ /(^|,)cpuacct(,|$)/ && v1 !~ $5 { v1 = v1 " " $5 }
		$(NF-2) == "cgroup2" && $4 == "/" && !v2 { v2 = $5 }
		END { print v1 != "" ? v1 : v2 }' /proc/self/mountinfo
}

spaces_up() {
	local name number=2 dir
	ip link add "$spaces_bridge" type bridge &&
		ip addr add "$spaces_net.1/24" dev "$spaces_bridge" &&
		ip link set "$spaces_bridge" up || return
	for name in a b; do
		ip netns add "bl$spaces_id$name" &&
			ip link add "bl$spaces_id$name" type veth peer name eth0 \
				netns "bl$spaces_id$name" &&
			ip link set "bl$spaces_id$name" master "$spaces_bridge" up || return
		nsenter --net="/run/netns/bl$spaces_id$name" sh -c "
			ip link set lo up && ip link set eth0 up &&
			ip addr add $spaces_net.$number/24 dev eth0" || return
		for dir in $(spaces_cgroups "$name"); do
			mkdir -p "$dir" || return
			spaces_delegate "$(dirname "$dir")"
		done
		number=$((number + 1))
	done
	# neighbours and spanning tree settle
	sleep 0.5
}

# v2: whose pages and requests are whose is told by groups that have these controllers
spaces_delegate() {
	local controller
	[ -e "$1/cgroup.subtree_control" ] || return 0
	for controller in memory io; do
		echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || true
	done
}

# A tunnel from space a, inside of it, to a device of space b's whose packets go over the host's network:
# 198.19.0.1 and .2; it goes when the spaces go.
spaces_tunnel_up() {
	local id=$((spaces_id % 10000))
	ip link add "bv$spaces_id" type vxlan id $id dstport 4799 \
		local "$spaces_net.1" remote "$spaces_net.2" dev "$spaces_bridge" &&
		ip link set "bv$spaces_id" netns "bl${spaces_id}b" &&
		ip -n "bl${spaces_id}b" addr add 198.19.0.2/24 dev "bv$spaces_id" &&
		ip -n "bl${spaces_id}b" link set "bv$spaces_id" up &&
		ip -n "bl${spaces_id}a" link add vx type vxlan id $id dstport 4799 \
			local "$spaces_net.2" remote "$spaces_net.1" dev eth0 &&
		ip -n "bl${spaces_id}a" addr add 198.19.0.1/24 dev vx &&
		ip -n "bl${spaces_id}a" link set vx up && sleep 0.5
}

# From here on the end of the pair in space b is polled (NAPI), and interrupts wait for who polls it: up to 20 ms.
spaces_polled() {
	# shellcheck disable=SC2016,SC2154 # the inner shell expands; $tools is of who sources this
	"$tools/device_offload" "bl${spaces_id}b" tso off >&2 &&
		nsenter --net="/run/netns/bl${spaces_id}b" unshare --mount sh -c '
			"$1" eth0 gro on && mount -t sysfs sysfs /sys && cd /sys/class/net/eth0 &&
			echo 1000 >napi_defer_hard_irqs && echo 20000000 >gro_flush_timeout' _ \
			"$tools/device_offload" >&2
}

# From here on a thread polls the end of the pair in space b (threaded NAPI): prints its pid. A pair has
# something to poll when it merges packets and its other end does not split them (veth_xmit() in
# drivers/net/veth.c). $tools is where the helpers of the tests are.
spaces_threaded() {
	local before
	before=$(pgrep '^napi/' || true)
	# shellcheck disable=SC2154 # of who sources this
	"$tools/device_offload" "bl${spaces_id}b" tso off >&2 &&
		nsenter --net="/run/netns/bl${spaces_id}b" unshare --mount sh -c '
			"$1" eth0 gro on && mount -t sysfs sysfs /sys &&
			echo 1 >/sys/class/net/eth0/threaded' _ "$tools/device_offload" >&2 &&
		comm -13 <(sort <<<"$before") <(pgrep '^napi/' | sort)
}

# A jq filter over books: the account of space NAME, and not that of somebody else's of that name.
space_account() {
	echo "([.accounts[] | select(.cgroup | endswith(\"/ledger-test-$spaces_id/$1\"))][0] // {behalf_ns: {}})"
}

# in_space NAME COMMAND...: runs it in the space. By bash, as busybox' shell has own ideas of what a command is.
in_space() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands
	nsenter --net="/run/netns/bl$spaces_id$name" bash -c '
		for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done
		shift
		exec "$@"' _ "$(spaces_cgroups "$name")" "$@"
}

# in_group NAME COMMAND...: runs it in the space's cgroup, on the host's network
in_group() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands
	bash -c '
		for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done
		shift
		exec "$@"' _ "$(spaces_cgroups "$name")" "$@"
}

# Removes what is there, all of it, also when the caller stops at the first failure.
spaces_down() {
	spaces_remove || return 0
}

spaces_remove() {
	local name dir
	for name in a b; do
		for dir in $(spaces_cgroups "$name"); do
			[ -d "$dir" ] || continue
			xargs -r kill -9 <"$dir/cgroup.procs" 2>/dev/null
			for _ in 1 2 3 4 5 6 7 8 9 10; do
				rmdir "$dir" 2>/dev/null && break
				sleep 0.1
			done
			rmdir "${dir%/*}" 2>/dev/null
		done
		[ ! -e "/run/netns/bl$spaces_id$name" ] || ip netns del "bl$spaces_id$name"
		ip link del "bl$spaces_id$name" 2>/dev/null
	done
	ip link del "$spaces_bridge" 2>/dev/null
}
