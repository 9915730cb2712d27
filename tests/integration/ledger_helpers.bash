# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For bats files that use a ledger of their own: in a mount namespace with its own bpffs, so that the
# machine's ledger stays as it is.
#
#	setup_file() { load helpers; load ledger_helpers; private_ledger; }
#	teardown_file() { load ledger_helpers; end_private_ledger; }
#
# and then `inside COMMAND...` runs there.

# private_ledger makes the namespace, or skips the file.
private_ledger() {
	need_root
	need_btf
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c \
		'mount -t bpf bpf /sys/fs/bpf && echo $$ >"$1" && exec sleep 1000' sh \
		"$BATS_FILE_TMPDIR/holder" >/dev/null 2>&1 3>&- &
	wait_until 5 test -s "$BATS_FILE_TMPDIR/holder" || skip "no mount namespace with a bpffs"
	BEHALF_PROMISES=$BATS_FILE_TMPDIR/promises inside "$BEHALF" ledger on >/dev/null || skip "the ledger cannot be switched on here"
}

end_private_ledger() {
	[ -s "$BATS_FILE_TMPDIR/holder" ] || return 0
	BEHALF_PROMISES=$BATS_FILE_TMPDIR/promises inside "$BEHALF" ledger off >/dev/null || true
	kill "$(cat "$BATS_FILE_TMPDIR/holder")"
}

private_mounts() {
	echo "/proc/$(cat "$BATS_FILE_TMPDIR/holder")/ns/mnt"
}

inside() {
	nsenter --mount="$(private_mounts)" -- "$@"
}

# Where the hierarchy of controller $1 of control groups v1 is mounted, and where that of v2; nothing when it is not.
controller() {
	awk -v wanted="$1" '$(NF-2) == "cgroup" && $4 == "/" && $NF ~ "(^|,)" wanted "(,|$)" { print $5; exit }' /proc/self/mountinfo
}

unified_hierarchy() {
	awk '$(NF-2) == "cgroup2" && $4 == "/" { print $5; exit }' /proc/self/mountinfo
}

# What the keeper's book has, as one array: its file is a line with all of it, and one more for each entry since then,
# or for one that is forgotten.
book() {
	if [ -e "$BEHALF_KEEPER/found.json" ]; then
		jq -s 'reduce .[1:][] as $line (.[0].found;
			($line.forgotten // $line) as $about
			| map(select(.where != $about.where or .what != $about.what))
			| if $line.means then . + [$line] else . end)' "$BEHALF_KEEPER/found.json"
	else
		echo '[]'
	fi
}
