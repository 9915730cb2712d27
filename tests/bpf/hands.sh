#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Accounts follow reality: thousands of cgroups that come and go, threads that move, network namespaces
# that outlive their container or change hands, a link and a socket that do. Nothing is lost, and nobody
# pays for who was there before.
# timeout: 250
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
behalf=${BEHALF:-$here/../../build/behalf}
tools=${BUILD_DIR:-$here/../../build}/tests/bpf
# shellcheck source=tests/bpf/two_spaces.bash
. "$here/two_spaces.bash"
# shellcheck source=tests/bpf/live.bash
. "$here/live.bash"
"$behalf" ledger on 2>/dev/null || skip_all "$("$behalf" ledger on 2>&1)"

# ends what runs in the spaces, and waits until it has
quiet_down() {
	local dir try
	for dir in $(spaces_cgroups a) $(spaces_cgroups b) $(spaces_cgroups c); do
		for try in {1..50}; do
			[ -n "$(cat "$dir/cgroup.procs" 2>/dev/null)" ] || break
			[ "$try" -gt 1 ] || { xargs -r kill <"$dir/cgroup.procs"; } 2>/dev/null
			sleep 0.1
		done
	done
	wait
}
finish() {
	local dir
	quiet_down
	for dir in $(spaces_cgroups c); do rmdir "$dir" 2>/dev/null; done
	ip netns del "bl${spaces_id}d" 2>/dev/null
	rm -f "/tmp/behalf-hands-$$.py"
	spaces_down
	"$behalf" ledger off >/dev/null
}
trap finish EXIT
spaces_up || skip_all "no namespaces, veth pairs or bridges here"

balanced='.balance > 0.995 and .balance < 1.005'
pair() {
	jq -s '{before: .[0], after: .[1]}' <<<"$1 $2"
}
# into NAME COMMAND...: runs it in the cgroup of that name, in this network namespace
into() {
	# shellcheck disable=SC2016 # the inner shell expands
	sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done; shift; exec "$@"' \
		_ "$(spaces_cgroups "$1")" "${@:2}"
}
# netns NAME: the namespace of that space
netns() {
	echo "/run/netns/bl$spaces_id$1"
}
# flood SECONDS: datagrams from space a to space b's address, and the books of that time
flood() {
	nsenter --net="$(netns a)" "$tools/udp_flood" send "$spaces_net.3" 9000 18 "$1" >/dev/null &
	sleep 0.3
	"$tools/ledger_books" "$(awk -v s="$1" 'BEGIN { print s - 0.6 }')"
	wait $!
}
# what NAME receives of all that is received behind b's link
rx='def rx(name): ([.accounts[] | select(.cgroup | endswith("-'$spaces_id'/" + name)) | .behalf_ns.net_rx] | add) // 0;'

# ---- thousands ----

before=$("$tools/ledger_books" 0)
end=$((SECONDS + 20))
for ((i = 0; i < 2500 && SECONDS < end; i++)); do
	dirs=$(spaces_cgroups "crowd$i")
	# shellcheck disable=SC2086 # several
	mkdir $dirs
	(for dir in $dirs; do echo $BASHPID >"$dir/cgroup.procs"; done)
	# shellcheck disable=SC2086
	rmdir $dirs
done
after=$("$tools/ledger_books" 0)
both=$(pair "$before" "$after")
holds "$i cgroups have come and gone" "$both" \
	".after.counters.accounts_closed - .before.counters.accounts_closed >= $i and $i >= 100"
holds "none of them is left, and none was refused" "$both" \
	'([.after.accounts[] | select(.cgroup | test("ledger-test-.*crowd"))] == [])
	and .after.counters.fallback_full == 0'
holds "their parent has what they spent" "$both" \
	'def parent(b): [b.accounts[] | select(.cgroup | test("/ledger-test-[0-9]+$")) | .charge_ns] | add;
	parent(.after) - (parent(.before) // 0) > 10000000'
holds "the books balance" "$after" "$balanced"
sleep 1.2
for dirs in $(spaces_cgroups last); do mkdir "$dirs" && rmdir "$dirs"; done
for _ in {1..30}; do
	sleep 0.06
	for dirs in $(spaces_cgroups last); do mkdir "$dirs" && rmdir "$dirs"; done
done
in_use=$(bpftool map dump pinned /sys/fs/bpf/behalf/slots -j | jq '[.[].formatted.value | select(.state != 0)] | length')
ok "their places in the table are free again ($in_use in use)" test "$in_use" -lt 200

# ---- threads that move ----

sh -c 'while :; do :; done' &
spinner=$!
for dir in $(spaces_cgroups a); do echo $spinner >"$dir/cgroup.procs"; done
sleep 0.3
before=$("$tools/ledger_books" 0)
# no time between is left out: where everything is slow, as in an emulated machine, that is much
declare -A ran=([a]=0 [b]=0)
where=a
read -r since _ <"/proc/$spinner/schedstat"
for name in b a b a b a b a b a; do
	sleep 0.2
	for dir in $(spaces_cgroups $name); do echo $spinner >"$dir/cgroup.procs"; done
	read -r now _ <"/proc/$spinner/schedstat"
	ran[$where]=$((ran[$where] + now - since))
	since=$now where=$name
done
read -r now _ <"/proc/$spinner/schedstat"
ran[$where]=$((ran[$where] + now - since))
after=$("$tools/ledger_books" 0)
kill $spinner
wait $spinner 2>/dev/null
# as far as the kernel let it run, and but for the moments between
# shellcheck disable=SC2016 # variables of jq
holds "a thread that moves back and forth is charged where it is" "$(pair "$before" "$after")" \
	'def own(s; n): [s.accounts[] | select(.cgroup | endswith("-'$spaces_id'/" + n)) | .user_ns + .kernel_ns] | add // 0;
	(own(.after; "a") - own(.before; "a")) as $a | (own(.after; "b") - own(.before; "b")) as $b |
	def near(ran): . > ran * 0.7 - 50000000 and . < ran * 1.3 + 50000000;
	'${ran[a]}' > 0 and '${ran[b]}' > 0 and ($a | near('${ran[a]}')) and ($b | near('${ran[b]}'))'

# ---- a namespace that outlives its container ----

for dir in $(spaces_cgroups c); do mkdir "$dir"; done
in_space b "$tools/udp_flood" receive 9000 4 >/dev/null &
sleep 0.3
books=$(flood 2)
holds "a namespace is its container's" "$books" "$rx rx(\"b\") > 10000000"
wait
for dir in $(spaces_cgroups b); do rmdir "$dir"; done
before=$("$tools/ledger_books" 0)
books=$(flood 2)
holds "when that is gone, its parent's" "$books" \
	"$rx rx(\"b\") == 0 and ([.accounts[] | select(.cgroup | test(\"/ledger-test-[0-9]+$\"))][0].behalf_ns.net_rx > 10000000)"
sleep 1
for dir in $(spaces_cgroups last); do mkdir "$dir" && rmdir "$dir"; done
books=$(flood 2)
holds "also when the account's place is another's" "$books" \
	"([.accounts[] | select(.cgroup | test(\"/ledger-test-[0-9]+$\"))][0].behalf_ns.net_rx > 10000000)"
into c nsenter --net="$(netns b)" "$tools/udp_flood" receive 9000 4 >/dev/null &
sleep 0.3
books=$(flood 2)
holds "until another container uses it" "$books" "$rx rx(\"c\") > 10000000"
holds "the books balance with all that" "$books" "$balanced"
wait

# ---- a link that moves ----

ip netns add "bl${spaces_id}d"
for dir in $(spaces_cgroups b); do mkdir "$dir"; done
into b nsenter --net="$(netns d)" sleep 30 &
sleep 0.3
ip -n "bl${spaces_id}b" link set eth0 netns "bl${spaces_id}d"
nsenter --net="$(netns d)" sh -c "ip link set lo up; ip link set eth0 up; ip addr add $spaces_net.3/24 dev eth0"
# what is remembered of a device lasts a second where the kernel does not tell of the move
sleep 1.2
into b nsenter --net="$(netns d)" "$tools/udp_flood" receive 9000 4 >/dev/null &
sleep 0.3
books=$(flood 2)
holds "what a link brings is for where it is now" "$books" "$rx rx(\"b\") > 10000000 and rx(\"c\") == 0"

# ---- a socket that is passed on ----

if command -v python3 >/dev/null; then
	quiet_down
	cat >"/tmp/behalf-hands-$$.py" <<'END'
import ctypes, os, socket, sys, time
dirs, seconds = sys.argv[1].split(), float(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 9000))
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
if os.fork() == 0:
    # the other container, with a network namespace of its own
    for d in dirs:
        open(d + "/cgroup.procs", "w").write(str(os.getpid()))
    ctypes.CDLL(None).unshare(0x40000000)  # CLONE_NEWNET
    _, fds, _, _ = socket.recv_fds(right, 1, 1)
    r = socket.socket(fileno=fds[0])
    r.settimeout(0.2)
    end = time.time() + seconds
    while time.time() < end:
        try:
            r.recv(100)
        except TimeoutError:
            pass
    os._exit(0)
socket.send_fds(left, [b"x"], [s.fileno()])
END
	into b nsenter --net="$(netns d)" python3 "/tmp/behalf-hands-$$.py" "$(spaces_cgroups c)" 4 &
	sleep 0.6
	books=$(flood 2)
	holds "a socket that was passed on: its namespace's owner pays for receiving" "$books" \
		"$rx rx(\"b\") > 10000000 and rx(\"c\") == 0"
	holds "and who reads it for reading" "$books" \
		'space("c") | .kernel_ns + .user_ns > 50000000'
	holds "and the books balance" "$books" "$balanced"
else
	skip_one "a socket that was passed on" "no python3"
fi
quiet_down

# ---- a container whose runtime starts in a cgroup of the engine's ----

# The runtime's first process is in the namespaces of the container before it is in its cgroup.
bundle=$(mktemp -d)
run_from_c() {
	local state=$bundle/state
	mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/"{proc,sys,dev} "$state" &&
		cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox" && chmod 700 "$state" &&
		"$behalf" spec --bundle "$bundle" &&
		jq --arg path "/ledger-test-$spaces_id/box" '.process.terminal = false
			| .process.args = ["/bin/busybox", "sleep", "100"] | .linux.cgroupsPath = $path' \
			"$bundle/config.json" >"$bundle/changed" && mv "$bundle/changed" "$bundle/config.json" || return
	into c "$behalf" --root "$state" run --detach --pid-file "$bundle/pid" --bundle "$bundle" "box$$" \
		</dev/null >"$bundle/out" 2>&1
}
if command -v busybox >/dev/null && run_from_c; then
	holds "a container's network is its own, whichever cgroup its runtime came from" "$("$tools/ledger_books" 0)" \
		"[.accounts[] | select(.netns == $(stat -Lc %i "/proc/$(cat "$bundle/pid")/ns/net")) | .cgroup]
		== [\"/ledger-test-$spaces_id/box\"]"
else
	ok "a container is started from a cgroup" false
	sed 's/^/# /' "$bundle/out"
fi
"$behalf" --root "$bundle/state" delete --force "box$$" >/dev/null 2>&1
rm -rf "$bundle"

echo "1..$number"
exit $failed
