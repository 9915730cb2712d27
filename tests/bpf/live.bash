# SPDX-License-Identifier: GPL-2.0-or-later
# What live tests share. Sourced after $behalf is set, with the script's arguments; goes on in a mount
# namespace with no BPF file system, so that a ledger that is on is not disturbed.

number=0 failed=0

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# ok NAME COMMAND...: the command succeeds
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		# shellcheck disable=SC2034 # read by who sources this
		failed=1
	fi
}

# skip_one WHAT REASON: what cannot be looked at here
skip_one() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# holds NAME BOOKS FILTER: the jq filter is true of the books; space("a") in it is the account of that space of
# ours, as others may have their own
holds() {
	# shellcheck disable=SC2154 # of two_spaces.bash
	if [ -n "$2" ] && jq -e "def space(\$name):
		[.accounts[] | select(.cgroup | endswith(\"-$spaces_id/\" + \$name))][0]; $3" >/dev/null <<<"$2"; then
		ok "$1" true
	else
		ok "$1" false
		jq -c . <<<"$2" | sed 's/^/# /'
	fi
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
if [ -z "${LIVE_IN_NAMESPACE-}" ]; then
	unshare --mount --propagation private true 2>/dev/null || skip_all "no mount namespaces"
	LIVE_IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
while umount /sys/fs/bpf 2>/dev/null; do :; done
for program in ip nsenter jq bpftool; do
	command -v "$program" >/dev/null || skip_all "no $program"
done
